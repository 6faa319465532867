/* SPDX-License-Identifier: ISC */
/*
 * The server context. Certificates with the same names stand in one group (one
 * set of GnuTLS credentials: it chooses among key types); the host the client
 * names chooses the group.
 */
#include <assert.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "libnet/tls.h"

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/tls_key.h"
#include "libnet/tls_private.h"

/* Forward secrecy and AEAD only; both ends' oldest is TLS 1.2. */
#define PRIORITIES                                                             \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:"     \
	"+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:"                    \
	"+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:"   \
	"%SERVER_PRECEDENCE:%SAFE_RENEGOTIATION"
#define MAX_CHAIN 16

struct tls_group {
	struct tls_group *next;
	char *names;
	gnutls_certificate_credentials_t cred;
};

/* A private key that is elsewhere: what GnuTLS gets for it. */
struct tls_remote {
	struct tls_remote *next;
	struct tls_server *server;
	char *key_id;
	gnutls_pk_algorithm_t pk;
	unsigned bits;
};

struct tls_server {
	unsigned refs;
	tls_sign_fn *sign;
	void *sign_arg;
	gnutls_priority_t priorities;
	struct tls_group *groups; /* the first is the default */
	struct tls_remote *remotes;
	size_t n_certs;
	bool has_ticket_key;
	uint8_t ticket_key[TLS_TICKET_KEY_SIZE];
};

int
tls_err(struct err *err, int code, const char *what)
{
	enum err_code class = ERR_INVALID;

	if (code == GNUTLS_E_PREMATURE_TERMINATION ||
	    code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PUSH_ERROR)
		class = ERR_CLOSED;
	else if (code == GNUTLS_E_PK_SIGN_FAILED)
		class = ERR_TEMP;
	return err_set(err, class, "%s: %s", what, gnutls_strerror(code));
}

struct tls_server *
tls_server_new(
    tls_sign_fn *sign, void *sign_arg, const char *priorities, struct err *err)
{
	struct tls_server *s = xcalloc(1, sizeof *s);
	const char *at;
	int r;

	s->refs = 1;
	s->sign = sign;
	s->sign_arg = sign_arg;
	r = gnutls_priority_init(
	    &s->priorities, priorities == NULL ? PRIORITIES : priorities, &at);
	if (r < 0) {
		tls_err(err, r, "TLS priorities");
		xfree(s);
		return NULL;
	}
	return s;
}

struct tls_server *
tls_server_ref(struct tls_server *s)
{
	s->refs++;
	return s;
}

void
tls_server_free(struct tls_server **sp)
{
	struct tls_server *s = *sp;

	*sp = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	while (s->groups != NULL) {
		struct tls_group *g = s->groups;

		s->groups = g->next;
		gnutls_certificate_free_credentials(g->cred);
		xfree(g->names);
		xfree(g);
	}
	while (s->remotes != NULL) {
		struct tls_remote *k = s->remotes;

		s->remotes = k->next;
		xfree(k->key_id);
		xfree(k);
	}
	gnutls_priority_deinit(s->priorities);
	mem_wipe(s->ticket_key, sizeof s->ticket_key);
	xfree(s);
}

size_t
tls_server_count_certs(const struct tls_server *s)
{
	return s->n_certs;
}

void
tls_server_set_ticket_key(
    struct tls_server *s, const uint8_t key[TLS_TICKET_KEY_SIZE])
{
	memcpy(s->ticket_key, key, TLS_TICKET_KEY_SIZE);
	s->has_ticket_key = true;
}

/* --- the key that is elsewhere ------------------------------------------ */
static int
remote_sign(struct tls_remote *k, enum tls_sign_op op,
    gnutls_sign_algorithm_t algo, unsigned flags, const gnutls_datum_t *data,
    gnutls_datum_t *signature)
{
	struct buf sig;
	int r = GNUTLS_E_PK_SIGN_FAILED;

	if (data->size > TLS_SIGN_MAX_DATA)
		return r;
	buf_init(&sig, TLS_SIGN_MAX_SIG);
	if (k->server->sign(k->server->sign_arg, k->key_id, op, (uint32_t)algo,
		flags, slice_of(data->data, data->size), &sig) == 0 &&
	    buf_ok(&sig) && sig.n > 0) {
		/* GnuTLS frees it: it must be of its own allocator. */
		signature->data = gnutls_malloc(sig.n);
		if (signature->data != NULL) {
			memcpy(signature->data, sig.p, sig.n);
			signature->size = (unsigned)sig.n;
			r = 0;
		}
	}
	buf_free(&sig);
	return r;
}

static int
remote_sign_data(gnutls_privkey_t key, gnutls_sign_algorithm_t algo,
    void *userdata, unsigned flags, const gnutls_datum_t *data,
    gnutls_datum_t *signature)
{
	(void)key;
	return remote_sign(
	    userdata, TLS_SIGN_DATA, algo, flags, data, signature);
}

static int
remote_sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algo,
    void *userdata, unsigned flags, const gnutls_datum_t *hash,
    gnutls_datum_t *signature)
{
	(void)key;
	return remote_sign(
	    userdata, TLS_SIGN_HASH, algo, flags, hash, signature);
}

static int
remote_info(gnutls_privkey_t key, unsigned flags, void *userdata)
{
	struct tls_remote *k = userdata;
	gnutls_sign_algorithm_t sign;

	(void)key;
	if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0)
		return (int)k->pk;
	if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0)
		return (int)k->bits;
	if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0) {
		sign =
		    (gnutls_sign_algorithm_t)GNUTLS_FLAGS_TO_SIGN_ALGO(flags);
		return (int)gnutls_sign_supports_pk_algorithm(sign, k->pk);
	}
	return -1;
}

static int
remote_new(struct tls_server *s, const char *key_id, gnutls_pcert_st *leaf,
    gnutls_privkey_t *out, struct err *err)
{
	struct tls_remote *k = xcalloc(1, sizeof *k);
	gnutls_privkey_t key;
	int pk, r;

	k->server = s;
	k->key_id = xstrdup(key_id);
	k->next = s->remotes;
	s->remotes = k;
	pk = gnutls_pubkey_get_pk_algorithm(leaf->pubkey, &k->bits);
	if (pk < 0)
		return tls_err(err, pk, "certificate's key");
	k->pk = (gnutls_pk_algorithm_t)pk;
	r = gnutls_privkey_init(&key);
	if (r < 0)
		return tls_err(err, r, "private key");
	r = gnutls_privkey_import_ext4(key, k, remote_sign_data,
	    remote_sign_hash, NULL, NULL, remote_info, 0);
	if (r < 0) {
		gnutls_privkey_deinit(key);
		return tls_err(err, r, "private key");
	}
	*out = key;
	return 0;
}

/* --- certificates -------------------------------------------------------- */
static struct tls_group *
group_for(struct tls_server *s, const char *names, struct err *err)
{
	struct tls_group **at = &s->groups, *g;
	int r;

	for (; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->names, names) == 0)
			return *at;
	g = xcalloc(1, sizeof *g);
	r = gnutls_certificate_allocate_credentials(&g->cred);
	if (r < 0) {
		tls_err(err, r, "certificate");
		xfree(g);
		return NULL;
	}
	g->names = xstrdup(names);
	*at = g;
	return g;
}

/* Takes the chain over when it succeeds. */
static int
add_chain(struct tls_server *s, const char *key_id, const char *names,
    gnutls_pcert_st *chain, unsigned n, struct err *err)
{
	struct tls_group *g;
	gnutls_privkey_t key = NULL;
	int r;

	g = group_for(s, names, err);
	if (g == NULL || remote_new(s, key_id, &chain[0], &key, err) == -1)
		return -1;
	r = gnutls_certificate_set_key(g->cred, NULL, 0, chain, (int)n, key);
	if (r < 0) {
		gnutls_privkey_deinit(key);
		return tls_err(err, r, "certificate and key");
	}
	s->n_certs++;
	return 0;
}

int
tls_server_add_cert(
    struct tls_server *s, const char *key_id, struct slice pem, struct err *err)
{
	gnutls_datum_t data = { .data = (unsigned char *)(uintptr_t)pem.p,
		.size = (unsigned)pem.n };
	gnutls_pcert_st *chain;
	struct tls_cert_info info;
	unsigned n = MAX_CHAIN;
	int r;

	if (tls_cert_read(pem, &info, err) == -1)
		return -1;
	chain = xcalloc(MAX_CHAIN, sizeof *chain);
	r = gnutls_pcert_list_import_x509_raw(
	    chain, &n, &data, GNUTLS_X509_FMT_PEM, 0);
	if (r < 0) {
		r = tls_err(err, r, "certificate");
	} else {
		r = add_chain(s, key_id, info.names, chain, n, err);
		for (unsigned i = 0; r == -1 && i < n; i++)
			gnutls_pcert_deinit(&chain[i]);
	}
	xfree(chain);
	tls_cert_info_free(&info);
	return r;
}

/* --- a session's view ----------------------------------------------------- */
static struct tls_group *
group_of_host(struct tls_server *s, struct slice host)
{
	if (host.n > 0)
		for (struct tls_group *g = s->groups; g != NULL; g = g->next)
			if (tls_cert_names_match(g->names, host))
				return g;
	return s->groups;
}

void
tls_server_select(
    struct tls_server *s, gnutls_session_t session, struct slice host)
{
	struct tls_group *g = group_of_host(s, host);

	/* The default stands already: a failure leaves that. */
	if (g != s->groups)
		(void)gnutls_credentials_set(
		    session, GNUTLS_CRD_CERTIFICATE, g->cred);
}

int
tls_server_prepare(
    struct tls_server *s, gnutls_session_t session, struct err *err)
{
	gnutls_datum_t key = { .data = s->ticket_key,
		.size = TLS_TICKET_KEY_SIZE };
	int r;

	if (s->groups == NULL)
		return err_set(err, ERR_UNSUPPORTED, "no certificate");
	r = gnutls_priority_set(session, s->priorities);
	if (r >= 0)
		r = gnutls_credentials_set(
		    session, GNUTLS_CRD_CERTIFICATE, s->groups->cred);
	if (r >= 0 && s->has_ticket_key)
		r = gnutls_session_ticket_enable_server(session, &key);
	if (r < 0)
		return tls_err(err, r, "TLS session");
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_IGNORE);
	return 0;
}
