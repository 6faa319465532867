/* SPDX-License-Identifier: ISC */
/* The PROXY protocol, version 1 and 2 (HAProxy's proxy-protocol.txt): a pure
 * parser. Whether the peer may speak it (trusted_networks) is the caller's
 * question, asked before. */
#ifndef LIBNET_PROXYPROTO_H
#define LIBNET_PROXYPROTO_H

#include "libbase/err.h"
#include "libbase/slice.h"
#include "libnet/netaddr.h"

#define PROXYPROTO_MAX 4096 /* a header is never longer, or it is refused */

struct proxyproto {
	size_t used;        /* bytes of the header, to be consumed */
	bool has_addresses; /* false: LOCAL, UNKNOWN, or a family we do not
			       know: the connection's own addresses stand */
	struct netaddr src; /* the client */
	struct netaddr dst;
	bool tls; /* version 2: the client came to the proxy by TLS */
};

/* 1: *out set. 0: more bytes are needed (in is a prefix of a header). -1: not a
 * header, or a broken one: close the connection. */
int proxyproto_parse(
    struct slice in, struct proxyproto *out, struct err *err) MUST_CHECK;

#endif
