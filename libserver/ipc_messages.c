/* SPDX-License-Identifier: ISC */
/* Checks of what travels in many messages. */
#include "libserver/ipc_messages.h"

bool
ipc_conn_ok(const struct ipc_conn *c)
{
	return c->id != 0 && (unsigned)c->peer.family <= NETADDR_V6 &&
	    c->tls <= 1 && c->loopback <= 1 && c->plain <= 1;
}
