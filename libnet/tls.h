/* SPDX-License-Identifier: ISC */
/*
 * What a TLS server presents: certificates by SNI, the shared ticket key. The
 * private keys are elsewhere; signatures come by a callback. TLS 1.2 and 1.3,
 * AEAD ciphers, forward secrecy, no renegotiation, no early data.
 *
 * A tls_server does not change once connections use it, but for the ticket
 * key: a reload makes a new one; the old one lives as long as its connections.
 */
#ifndef LIBNET_TLS_H
#define LIBNET_TLS_H

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libbase/slice.h"

struct tls_server;

/* What is asked of the key: GnuTLS has two questions. */
enum tls_sign_op {
	TLS_SIGN_DATA = 1, /* data, to be hashed as the algorithm says */
	TLS_SIGN_HASH = 2  /* a digest, or for raw RSA the DigestInfo */
};
#define TLS_SIGN_MAX_DATA 8192 /* of data */
#define TLS_SIGN_MAX_SIG  1024 /* of a signature: RSA 8192 */

/* Make a signature with the key of that id, at once (GnuTLS cannot wait).
 * algo and flags are GnuTLS's numbers, carried and not looked at. 0 and the
 * signature in sig, or -1: the handshake fails. */
typedef int tls_sign_fn(void *arg, const char *key_id, enum tls_sign_op op,
    uint32_t algo, uint32_t flags, struct slice data, struct buf *sig);

/* NULL and err. priorities: GnuTLS priority string, NULL for the default. */
struct tls_server *tls_server_new(tls_sign_fn *sign, void *sign_arg,
    const char *priorities, struct err *err) MUST_CHECK;
/* Add a certificate with its chain (PEM, leaf first). The names are those of
 * the leaf (subject alternative names, wildcards in the first label). The
 * first one added is shown to who names no host, or an unknown one. Two with
 * equal names and different key types (RSA, ECDSA, Ed25519) stand beside each
 * other and the client's algorithms choose. Asks for one signature: auth must
 * be ready. key_id is copied. */
int tls_server_add_cert(struct tls_server *s, const char *key_id,
    struct slice pem, struct err *err) MUST_CHECK;
/* The key session tickets are sealed with: the same in all frontends, so that
 * a client resumes with any of them. GnuTLS derives a changing key from it; a
 * new key given here makes old tickets void (a full handshake follows). Without
 * one, no tickets. */
#define TLS_TICKET_KEY_SIZE 64
void tls_server_set_ticket_key(
    struct tls_server *s, const uint8_t key[TLS_TICKET_KEY_SIZE]);
size_t tls_server_count_certs(const struct tls_server *s);
/* Takes the address, accepts NULL, leaves NULL. */
void tls_server_free(struct tls_server **s);

#endif
