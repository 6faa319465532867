/* SPDX-License-Identifier: ISC */
/* Private keys where they live, and what certificates say. */
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "libnet/tls_key.h"

#include "libbase/mem.h"
#include "libnet/tls_private.h"

#define MIN_RSA_BITS    2048
#define MAX_HASH        64 /* a digest of SHA-512 */
#define MAX_DIGEST_INFO 96 /* with its DER around it, for raw RSA */
#define MAX_CERTS       16
#define MAX_NAMES       (64 * 1024) /* of one certificate, as text */

struct tls_key {
	gnutls_privkey_t key;
	gnutls_pk_algorithm_t pk;
};

static gnutls_datum_t
datum(struct slice s)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)s.p,
		.size = (unsigned)s.n };
}

static int
judge_kind(struct tls_key *k, struct err *err)
{
	unsigned bits = 0;
	int pk = gnutls_privkey_get_pk_algorithm(k->key, &bits);

	if (pk < 0)
		return tls_err(err, pk, "private key");
	k->pk = (gnutls_pk_algorithm_t)pk;
	if (pk == GNUTLS_PK_RSA && bits < MIN_RSA_BITS)
		return err_set(err, ERR_UNSUPPORTED,
		    "RSA key of %u bits: at least %d are needed", bits,
		    MIN_RSA_BITS);
	if (pk != GNUTLS_PK_RSA && pk != GNUTLS_PK_RSA_PSS &&
	    pk != GNUTLS_PK_ECDSA && pk != GNUTLS_PK_EDDSA_ED25519 &&
	    pk != GNUTLS_PK_EDDSA_ED448)
		return err_set(err, ERR_UNSUPPORTED,
		    "key of kind %s: RSA, ECDSA or Ed25519 is needed",
		    gnutls_pk_get_name(k->pk));
	return 0;
}

struct tls_key *
tls_key_load(struct slice pem, struct err *err)
{
	struct tls_key *k = xcalloc(1, sizeof *k);
	gnutls_datum_t data = datum(pem);
	int r = gnutls_privkey_init(&k->key);

	if (r < 0) {
		tls_err(err, r, "private key");
		xfree(k);
		return NULL;
	}
	r = gnutls_privkey_import_x509_raw(
	    k->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0)
		r = tls_err(err, r, "private key");
	else
		r = judge_kind(k, err);
	if (r < 0)
		tls_key_free(&k);
	return k;
}

void
tls_key_free(struct tls_key **kp)
{
	struct tls_key *k = *kp;

	*kp = NULL;
	if (k == NULL)
		return;
	gnutls_privkey_deinit(k->key);
	xfree(k);
}

/* What a TLS server asks of a key: a digest (or DigestInfo) signed, or with
 * Ed25519 the text itself. Flags choose PSS or raw RSA, nothing else. */
static int
judge_request(const struct tls_key *k, enum tls_sign_op op, uint32_t algo,
    uint32_t flags, struct slice data, struct err *err)
{
	const uint32_t flags_known = GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA |
	    GNUTLS_PRIVKEY_SIGN_FLAG_RSA_PSS | GNUTLS_PRIVKEY_FLAG_REPRODUCIBLE;
	gnutls_sign_algorithm_t sign = (gnutls_sign_algorithm_t)algo;
	size_t most = op == TLS_SIGN_DATA ? TLS_SIGN_MAX_DATA :
	    algo == GNUTLS_SIGN_RSA_RAW   ? MAX_DIGEST_INFO :
					    MAX_HASH;

	if (op != TLS_SIGN_DATA && op != TLS_SIGN_HASH)
		return err_set(err, ERR_DENIED, "signature of no known kind");
	if (data.n == 0 || data.n > most)
		return err_set(err, ERR_DENIED,
		    "signature of %zu bytes asked for", data.n);
	if ((flags & ~flags_known) != 0)
		return err_set(
		    err, ERR_DENIED, "signature with flags 0x%x", flags);
	if (gnutls_sign_supports_pk_algorithm(sign, k->pk) == 0 &&
	    !(sign == GNUTLS_SIGN_RSA_RAW && k->pk == GNUTLS_PK_RSA))
		return err_set(err, ERR_DENIED,
		    "signature algorithm %u is not of this key", algo);
	return 0;
}

int
tls_key_sign(const struct tls_key *k, enum tls_sign_op op, uint32_t algo,
    uint32_t flags, struct slice data, struct buf *sig, struct err *err)
{
	gnutls_datum_t in = datum(data), out = { 0 };
	int r;

	if (judge_request(k, op, algo, flags, data, err) == -1)
		return -1;
	if (op == TLS_SIGN_DATA)
		r = gnutls_privkey_sign_data2(
		    k->key, (gnutls_sign_algorithm_t)algo, flags, &in, &out);
	else if (algo == GNUTLS_SIGN_RSA_RAW)
		r = gnutls_privkey_sign_hash(k->key, GNUTLS_DIG_UNKNOWN,
		    GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA, &in, &out);
	else
		r = gnutls_privkey_sign_hash2(
		    k->key, (gnutls_sign_algorithm_t)algo, flags, &in, &out);
	if (r < 0)
		return tls_err(err, r, "signature");
	buf_put(sig, out.data, out.size);
	gnutls_free(out.data);
	return buf_ok(sig) ? 0 : err_set(err, ERR_LIMIT, "signature too long");
}

/* --- certificates -------------------------------------------------------- */
static void
put_name(struct buf *b, const char *p, size_t n)
{
	if (b->n > 0)
		buf_putc(b, ' ');
	for (size_t i = 0; i < n; i++)
		buf_putc(b, ascii_lower(p[i]));
}

/* A name that would break the list of names is no host name. */
static bool
is_host_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] == 0x7f)
			return false;
	return n > 0;
}

static void
read_names(gnutls_x509_crt_t crt, struct buf *b)
{
	char name[512];
	size_t n;
	int r = 0;

	for (unsigned i = 0; r != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		n = sizeof name;
		r = gnutls_x509_crt_get_subject_alt_name(
		    crt, i, name, &n, NULL);
		if (r == GNUTLS_SAN_DNSNAME && is_host_name(name, n))
			put_name(b, name, n);
		else if (r < 0 && r != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
	}
	n = sizeof name;
	if (b->n == 0 &&
	    gnutls_x509_crt_get_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n) == 0 &&
	    is_host_name(name, n))
		put_name(b, name, n);
}

static int
read_leaf(gnutls_x509_crt_t crt, struct tls_cert_info *out, struct err *err)
{
	gnutls_datum_t dn = { 0 };
	struct buf names;
	int r = gnutls_x509_crt_get_dn3(crt, &dn, 0);

	/* An empty subject is allowed (RFC 5280 4.1.2.6), and common. */
	if (r < 0 && r != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return tls_err(err, r, "certificate's subject");
	buf_init(&names, MAX_NAMES);
	read_names(crt, &names);
	if (!buf_ok(&names)) {
		gnutls_free(dn.data);
		buf_free(&names);
		return err_set(
		    err, ERR_LIMIT, "certificate with too many names");
	}
	out->names = xstrdup(buf_cstr(&names));
	out->subject = dn.data == NULL ?
	    xstrdup("") :
	    xstrndup((const char *)dn.data, dn.size);
	out->not_before = gnutls_x509_crt_get_activation_time(crt);
	out->not_after = gnutls_x509_crt_get_expiration_time(crt);
	gnutls_free(dn.data);
	buf_free(&names);
	return 0;
}

static int
with_certs(struct slice pem, gnutls_x509_crt_t certs[MAX_CERTS], unsigned *n,
    struct err *err)
{
	gnutls_datum_t data = datum(pem);
	int r;

	*n = MAX_CERTS;
	r = gnutls_x509_crt_list_import(
	    certs, n, &data, GNUTLS_X509_FMT_PEM, 0);
	if (r < 0)
		return tls_err(err, r, "certificate");
	return 0;
}

static void
free_certs(gnutls_x509_crt_t certs[MAX_CERTS], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(certs[i]);
}

int
tls_cert_read(struct slice pem, struct tls_cert_info *out, struct err *err)
{
	gnutls_x509_crt_t certs[MAX_CERTS];
	struct tls_cert_info info = { 0 };
	int r;

	if (with_certs(pem, certs, &info.chain, err) == -1)
		return -1;
	r = read_leaf(certs[0], &info, err);
	free_certs(certs, info.chain);
	if (r == 0)
		*out = info;
	return r;
}

void
tls_cert_info_free(struct tls_cert_info *info)
{
	xfree(info->names);
	xfree(info->subject);
	*info = (struct tls_cert_info){ 0 };
}

static bool
name_matches(struct slice name, struct slice host)
{
	ptrdiff_t dot;

	if (!slice_starts(name, "*."))
		return slice_ieq(name, host);
	dot = slice_find(host, '.');
	return dot > 0 &&
	    slice_ieq(slice_from(name, 1), slice_from(host, (size_t)dot));
}

bool
tls_cert_names_match(const char *names, struct slice host)
{
	struct slice rest = slice_str(names), name;

	/* "imap.example.org." is the same host. */
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	while (rest.n > 0) {
		(void)slice_cut(&rest, ' ', &name);
		if (name.n > 0 && name_matches(name, host))
			return true;
	}
	return false;
}

int
tls_cert_check_key(struct slice pem, const struct tls_key *k, struct err *err)
{
	gnutls_x509_crt_t certs[MAX_CERTS];
	unsigned char a[64], b[64];
	size_t a_n = sizeof a, b_n = sizeof b;
	gnutls_pubkey_t pub;
	unsigned n;
	int r;

	if (with_certs(pem, certs, &n, err) == -1)
		return -1;
	r = gnutls_x509_crt_get_key_id(
	    certs[0], GNUTLS_KEYID_USE_SHA256, a, &a_n);
	free_certs(certs, n);
	if (r < 0)
		return tls_err(err, r, "certificate");
	r = gnutls_pubkey_init(&pub);
	if (r < 0)
		return tls_err(err, r, "key");
	r = gnutls_pubkey_import_privkey(pub, k->key, 0, 0);
	if (r >= 0)
		r = gnutls_pubkey_get_key_id(
		    pub, GNUTLS_KEYID_USE_SHA256, b, &b_n);
	gnutls_pubkey_deinit(pub);
	if (r < 0)
		return tls_err(err, r, "key");
	if (a_n != b_n || memcmp(a, b, a_n) != 0)
		return err_set(err, ERR_INVALID,
		    "the key does not belong to the certificate");
	return 0;
}
