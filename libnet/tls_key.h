/* SPDX-License-Identifier: ISC */
/* The other half of TLS, for the process that holds the private keys: load a
 * key, sign. And what a certificate says of itself. */
#ifndef LIBNET_TLS_KEY_H
#define LIBNET_TLS_KEY_H

#include "libnet/tls.h"

struct tls_key;

/* An unencrypted PEM key: RSA (2048 bits or more), ECDSA, Ed25519, Ed448.
 * NULL and err. The caller wipes pem. */
struct tls_key *tls_key_load(struct slice pem, struct err *err) MUST_CHECK;
/* Sign as tls_sign_fn was asked. Judges op, algo, flags and length as sent by
 * somebody hostile: only what a TLS server signs with this kind of key. */
int tls_key_sign(const struct tls_key *k, enum tls_sign_op op, uint32_t algo,
    uint32_t flags, struct slice data, struct buf *sig,
    struct err *err) MUST_CHECK;
void tls_key_free(struct tls_key **k);

/* What restantectl check and the log want to know of a certificate file. */
struct tls_cert_info {
	char *names;        /* lower case, separated by one blank; own */
	char *subject;      /* RFC 4514 text; own */
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
	unsigned chain; /* certificates in the file */
};
int tls_cert_read(
    struct slice pem, struct tls_cert_info *out, struct err *err) MUST_CHECK;
void tls_cert_info_free(struct tls_cert_info *info);
/* Does a name in that list cover host (exact, or wildcard in the first label,
 * RFC 6125)? */
bool tls_cert_names_match(const char *names, struct slice host);
/* 0 when the key belongs to the first certificate in pem. */
int tls_cert_check_key(
    struct slice pem, const struct tls_key *k, struct err *err) MUST_CHECK;

#endif
