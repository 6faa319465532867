/* SPDX-License-Identifier: ISC */
/* Certificates made on the spot, a server context over them, and a TLS client
 * on the other end of a net_fixture. */
#ifndef TESTS_TLS_FIXTURE_H
#define TESTS_TLS_FIXTURE_H

#include <gnutls/gnutls.h>

#include "libnet/tls.h"
#include "libnet/tls_key.h"
#include "tests/unit/libnet/net_fixture.h"

struct tls_pair { /* a certificate and its key */
	struct buf cert, key;
	struct tls_key *loaded;
	unsigned signatures;
};

struct tls_client {
	gnutls_session_t session;
	gnutls_certificate_credentials_t cred;
	int last; /* what GnuTLS said last */
};

/* kind: a gnutls_pk_algorithm_t; names separated by blanks. */
void tls_pair_make(
    struct tls_pair *p, gnutls_pk_algorithm_t kind, const char *names);
void tls_pair_free(struct tls_pair *p);
/* tls_sign_fn: arg is a NULL-terminated array of pairs, key_id its index. */
int tls_pair_sign(void *arg, const char *key_id, enum tls_sign_op op,
    uint32_t algo, uint32_t flags, struct slice data, struct buf *sig);
struct tls_server *tls_pair_server(struct tls_pair **pairs);

/* alpn, sni, priorities may be NULL; resume: data of another session. */
void
tls_client_open(struct tls_client *c, struct net_fixture *f, const char *sni,
    const char *alpn, const char *priorities, const gnutls_datum_t *resume);
/* Handshake both ends; 0 or GnuTLS's error of the client. */
int tls_client_handshake(struct tls_client *c, struct net_fixture *f);
void
tls_client_send(struct tls_client *c, struct net_fixture *f, const char *text);
/* What has come by now, appended. GnuTLS's last answer in c->last. */
void
tls_client_recv(struct tls_client *c, struct net_fixture *f, struct buf *to);
void tls_client_close(struct tls_client *c);

#endif
