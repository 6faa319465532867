/* SPDX-License-Identifier: ISC */
/* Internet addresses with a port; networks; their texts. Values, nothing owned.
 * An IPv4 address mapped into IPv6 is always turned into IPv4. */
#ifndef LIBNET_NETADDR_H
#define LIBNET_NETADDR_H

#include <sys/socket.h>

#include "libbase/err.h"
#include "libbase/slice.h"

enum netaddr_family {
	NETADDR_NONE, /* unknown, or a UNIX socket */
	NETADDR_V4,
	NETADDR_V6
};

struct netaddr {
	enum netaddr_family family;
	uint8_t ip[16]; /* v4: the first four, the rest 0 */
	uint16_t port;
	uint32_t scope; /* of a v6 link-local address */
};

struct netblock {
	struct netaddr addr;
	unsigned bits; /* of the prefix */
};

/* Families that are neither v4 nor v6 give NETADDR_NONE. */
void netaddr_from_sockaddr(
    struct netaddr *a, const struct sockaddr *sa, socklen_t len);
/* The length to use; 0 for NETADDR_NONE. */
socklen_t
netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *out);
/* Where a socket is bound; NETADDR_NONE on failure. */
void netaddr_of_local(struct netaddr *a, int fd);

/* "192.0.2.1" or "2001:db8::1", no brackets, no port, no leading zeros. */
int
netaddr_parse(struct slice s, struct netaddr *out, struct err *err) MUST_CHECK;
/* What a *_listen setting holds: "*:143" (family NONE: all addresses),
 * "127.0.0.1:143", "[::1]:143". */
int netaddr_parse_listen(
    struct slice s, struct netaddr *out, struct err *err) MUST_CHECK;
/* "192.0.2.0/24", "2001:db8::/32", or one address. Bits behind the prefix must
 * be 0. */
int netblock_parse(
    struct slice s, struct netblock *out, struct err *err) MUST_CHECK;
bool netblock_contains(const struct netblock *b, const struct netaddr *a);

#define NETADDR_TEXT 64
/* The address without port; "-" for NETADDR_NONE. Returns buf. */
const char *netaddr_text(const struct netaddr *a, char buf[NETADDR_TEXT]);
/* "192.0.2.1:143", "[2001:db8::1]:143". */
const char *netaddr_text_port(const struct netaddr *a, char buf[NETADDR_TEXT]);

bool netaddr_equal_ip(const struct netaddr *a, const struct netaddr *b);
/* Exactly 127.0.0.1 or ::1 (DESIGN 8). */
bool netaddr_is_loopback(const struct netaddr *a);
/* What limits and throttles count by: the v4 address, the v6 /64; port 0. */
struct netaddr netaddr_limit_key(const struct netaddr *a);
/* 17 bytes of it, for a map's key. */
struct slice netaddr_key_bytes(const struct netaddr *a, char buf[17]);

#endif
