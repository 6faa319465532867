/* SPDX-License-Identifier: ISC */
/* The certificates of a frontend, and signatures asked of auth. */
#ifndef LIBSERVER_FRONTEND_TLS_H
#define LIBSERVER_FRONTEND_TLS_H

#include "libserver/role.h"

struct tls_server;
struct fe_tls;

struct fe_tls *fe_tls_new(void);
/* What new connections use; NULL while there is no certificate. */
struct tls_server *fe_tls_server(const struct fe_tls *t);
/* The pair with auth for signatures: taken over. */
void fe_tls_set_sign_fd(struct fe_tls *t, int fd);
/* Messages of the parent. */
void fe_tls_on_cert(struct fe_tls *t, struct ipc_peer *from, struct ipc_msg *m);
void fe_tls_on_ticket_key(struct fe_tls *t, const struct ipc_msg *m);

#endif
