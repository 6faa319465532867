/* SPDX-License-Identifier: ISC */
/* The server context as a connection's TLS sees it; libnet alone. */
#ifndef LIBNET_TLS_PRIVATE_H
#define LIBNET_TLS_PRIVATE_H

#include <gnutls/gnutls.h>

#include "libnet/tls.h"

struct tls_server *tls_server_ref(struct tls_server *s);
/* Priorities, tickets, the certificates that go with no name. */
int tls_server_prepare(
    struct tls_server *s, gnutls_session_t session, struct err *err) MUST_CHECK;
/* The client named a host (may be empty): the certificates for it. */
void tls_server_select(
    struct tls_server *s, gnutls_session_t session, struct slice host);
/* err from one of GnuTLS's negative numbers; -1. */
int tls_err(struct err *err, int code, const char *what);

#endif
