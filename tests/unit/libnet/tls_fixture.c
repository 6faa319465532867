/* SPDX-License-Identifier: ISC */
/* Certificates made on the spot and a TLS client on the other end. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/x509.h>

#include "tests/unit/libnet/tls_fixture.h"

static void
put_names(gnutls_x509_crt_t crt, const char *names)
{
	struct slice rest = slice_str(names), name;

	while (rest.n > 0) {
		(void)slice_cut(&rest, ' ', &name);
		assert_int_equal(gnutls_x509_crt_set_subject_alt_name(crt,
				     GNUTLS_SAN_DNSNAME, name.p,
				     (unsigned)name.n, GNUTLS_FSAN_APPEND),
		    0);
	}
}

static void
put_datum(struct buf *b, gnutls_datum_t *d)
{
	buf_init(b, 1 << 16);
	buf_put(b, d->data, d->size);
	gnutls_free(d->data);
}

void
tls_pair_make(struct tls_pair *p, gnutls_pk_algorithm_t kind, const char *names)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t d;
	struct err err;
	unsigned bits = kind == GNUTLS_PK_RSA ?
	    2048 :
	    kind == GNUTLS_PK_ECDSA ?
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) :
	    256;

	memset(p, 0, sizeof *p);
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, kind, bits, 0), 0);
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_serial(crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
	put_names(crt, names);
	assert_true(gnutls_x509_crt_sign2(crt, crt, key,
			kind == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_SHA512 :
							  GNUTLS_DIG_SHA256,
			0) >= 0);
	assert_int_equal(
	    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d), 0);
	put_datum(&p->cert, &d);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
			     key, GNUTLS_X509_FMT_PEM, NULL, 0, &d),
	    0);
	put_datum(&p->key, &d);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	p->loaded = tls_key_load(buf_slice(&p->key), &err);
	assert_non_null(p->loaded);
}

void
tls_pair_free(struct tls_pair *p)
{
	buf_free(&p->cert);
	buf_free(&p->key);
	tls_key_free(&p->loaded);
}

int
tls_pair_sign(void *arg, const char *key_id, enum tls_sign_op op, uint32_t algo,
    uint32_t flags, struct slice data, struct buf *sig)
{
	struct tls_pair **pairs = arg;
	struct err err;
	int r;

	r = tls_key_sign(
	    pairs[key_id[0] - '0']->loaded, op, algo, flags, data, sig, &err);
	if (r == -1)
		print_message("sign: %s\n", err.text);
	pairs[key_id[0] - '0']->signatures++;
	return r;
}

struct tls_server *
tls_pair_server(struct tls_pair **pairs)
{
	struct err err = { 0 };
	struct tls_server *s = tls_server_new(tls_pair_sign, pairs, NULL, &err);

	assert_non_null(s);
	for (int i = 0; pairs[i] != NULL; i++) {
		char id[2] = { (char)('0' + i), 0 };

		if (tls_server_add_cert(
			s, id, buf_slice(&pairs[i]->cert), &err) == -1)
			fail_msg("add_cert: %s", err.text);
	}
	return s;
}

void
tls_client_open(struct tls_client *c, struct net_fixture *f, const char *sni,
    const char *alpn, const char *priorities, const gnutls_datum_t *resume)
{
	gnutls_datum_t proto;

	memset(c, 0, sizeof *c);
	gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	gnutls_certificate_allocate_credentials(&c->cred);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->cred);
	assert_int_equal(gnutls_priority_set_direct(c->session,
			     priorities == NULL ? "NORMAL" : priorities, NULL),
	    0);
	if (sni != NULL)
		gnutls_server_name_set(
		    c->session, GNUTLS_NAME_DNS, sni, strlen(sni));
	if (alpn != NULL) {
		proto.data = (unsigned char *)(uintptr_t)alpn;
		proto.size = (unsigned)strlen(alpn);
		gnutls_alpn_set_protocols(c->session, &proto, 1, 0);
	}
	if (resume != NULL)
		gnutls_session_set_data(c->session, resume->data, resume->size);
	gnutls_transport_set_int(c->session, f->peer);
	gnutls_handshake_set_timeout(c->session, 0);
}

int
tls_client_handshake(struct tls_client *c, struct net_fixture *f)
{
	for (int i = 0; i < 50; i++) {
		c->last = gnutls_handshake(c->session);
		if (c->last == 0 ||
		    (c->last < 0 && gnutls_error_is_fatal(c->last)))
			break;
		net_settle(f);
	}
	net_settle(f);
	return c->last;
}

void
tls_client_send(struct tls_client *c, struct net_fixture *f, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(gnutls_record_send(c->session, text, n), n);
	net_settle(f);
}

void
tls_client_recv(struct tls_client *c, struct net_fixture *f, struct buf *to)
{
	static char block[16384];
	ssize_t n;

	for (int idle = 0; idle < 2;) {
		net_settle(f);
		n = gnutls_record_recv(c->session, block, sizeof block);
		c->last = (int)n;
		if (n > 0)
			buf_put(to, block, (size_t)n);
		else if (n == GNUTLS_E_AGAIN)
			idle++;
		else if (n == 0 || gnutls_error_is_fatal((int)n))
			return;
	}
}

void
tls_client_close(struct tls_client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->cred);
}
