/* SPDX-License-Identifier: ISC */
/* Addresses, networks, their texts. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "libnet/netaddr.h"

#define TEXT_MAX 63 /* the longest address, with a scope, fits */

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static void
from_v6_bytes(struct netaddr *a, const uint8_t bytes[16])
{
	memset(a->ip, 0, sizeof a->ip);
	if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
		a->family = NETADDR_V4;
		memcpy(a->ip, bytes + 12, 4);
	} else {
		a->family = NETADDR_V6;
		memcpy(a->ip, bytes, 16);
	}
}

void
netaddr_from_sockaddr(
    struct netaddr *a, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*a = (struct netaddr){ .family = NETADDR_NONE };
	if (len >= sizeof v4 && sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof v4);
		a->family = NETADDR_V4;
		memcpy(a->ip, &v4.sin_addr, 4);
		a->port = ntohs(v4.sin_port);
	} else if (len >= sizeof v6 && sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof v6);
		from_v6_bytes(a, v6.sin6_addr.s6_addr);
		a->port = ntohs(v6.sin6_port);
		a->scope = a->family == NETADDR_V6 ? v6.sin6_scope_id : 0;
	}
}

socklen_t
netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	memset(out, 0, sizeof *out);
	switch (a->family) {
	case NETADDR_V4:
		v4.sin_port = htons(a->port);
		memcpy(&v4.sin_addr, a->ip, 4);
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	case NETADDR_V6:
		v6.sin6_port = htons(a->port);
		v6.sin6_scope_id = a->scope;
		memcpy(&v6.sin6_addr, a->ip, 16);
		memcpy(out, &v6, sizeof v6);
		return sizeof v6;
	case NETADDR_NONE:
		break;
	}
	return 0;
}

void
netaddr_of_local(struct netaddr *a, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	*a = (struct netaddr){ .family = NETADDR_NONE };
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		netaddr_from_sockaddr(a, (struct sockaddr *)&ss, len);
}

/* --- texts --------------------------------------------------------------- */
static int
bad_address(struct slice s, struct err *err)
{
	return err_set(err, ERR_INVALID, "not an address: \"%.*s\"",
	    (int)(s.n < 60 ? s.n : 60), s.p == NULL ? "" : s.p);
}

int
netaddr_parse(struct slice s, struct netaddr *out, struct err *err)
{
	char text[TEXT_MAX + 1];
	struct netaddr a = { .family = NETADDR_NONE };
	struct slice head, rest = s;
	uint8_t bytes[16];

	if (s.n == 0 || s.n > TEXT_MAX || memchr(s.p, '\0', s.n) != NULL)
		return bad_address(s, err);
	if (slice_cut(&rest, '%', &head)) {
		if (rest.n == 0)
			return bad_address(s, err);
		memcpy(text, rest.p, rest.n);
		text[rest.n] = '\0';
		a.scope = if_nametoindex(text);
		if (a.scope == 0 && slice_u32(rest, UINT32_MAX, &a.scope) == -1)
			return bad_address(s, err);
	}
	memcpy(text, head.p, head.n);
	text[head.n] = '\0';
	if (head.n == s.n && inet_pton(AF_INET, text, bytes) == 1) {
		a.family = NETADDR_V4;
		memcpy(a.ip, bytes, 4);
	} else if (inet_pton(AF_INET6, text, bytes) == 1) {
		from_v6_bytes(&a, bytes);
	} else {
		return bad_address(s, err);
	}
	*out = a;
	return 0;
}

int
netaddr_parse_listen(struct slice s, struct netaddr *out, struct err *err)
{
	struct netaddr a = { .family = NETADDR_NONE };
	struct slice host, port;
	ptrdiff_t colon = -1;
	uint32_t number;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon <= 0)
		return err_set(err, ERR_INVALID, "not ADDRESS:PORT: \"%.*s\"",
		    SLICE_ARG(slice_head(s, 60)));
	host = slice_head(s, (size_t)colon);
	port = slice_from(s, (size_t)colon + 1);
	if (slice_u32(port, 65535, &number) == -1)
		return err_set(err, ERR_INVALID, "not a port: \"%.*s\"",
		    SLICE_ARG(slice_head(port, 60)));
	if (host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = slice_head(slice_from(host, 1), host.n - 2);
	else if (slice_find(host, ':') >= 0)
		return err_set(err, ERR_INVALID,
		    "an IPv6 address stands in brackets: \"[%.*s]:%u\"",
		    SLICE_ARG(slice_head(host, 60)), number);
	if (!slice_eq_str(host, "*") && netaddr_parse(host, &a, err) == -1)
		return -1;
	a.port = (uint16_t)number;
	*out = a;
	return 0;
}

static unsigned
family_bits(const struct netaddr *a)
{
	return a->family == NETADDR_V4 ? 32 : 128;
}

/* The bits of a behind the first `bits` set to 0; were any set? */
static bool
clear_tail(struct netaddr *a, unsigned bits)
{
	bool any = false;

	for (unsigned i = 0; i < sizeof a->ip; i++) {
		unsigned first = i * 8;
		unsigned kept = bits <= first ? 0 :
		    bits - first >= 8         ? 8 :
						bits - first;
		uint8_t keep = (uint8_t)(0xff00 >> kept);

		any = any || (a->ip[i] & ~keep) != 0;
		a->ip[i] &= keep;
	}
	return any;
}

int
netblock_parse(struct slice s, struct netblock *out, struct err *err)
{
	struct netblock b;
	struct slice host, rest = s;
	bool has_bits = slice_cut(&rest, '/', &host);
	uint32_t bits;

	if (netaddr_parse(host, &b.addr, err) == -1)
		return -1;
	bits = family_bits(&b.addr);
	if (has_bits && slice_u32(rest, bits, &bits) == -1)
		return err_set(err, ERR_INVALID,
		    "prefix of \"%.*s\": a number up to %u",
		    SLICE_ARG(slice_head(s, 60)), family_bits(&b.addr));
	b.bits = bits;
	if (clear_tail(&b.addr, bits))
		return err_set(err, ERR_INVALID,
		    "\"%.*s\" has bits set behind the prefix",
		    SLICE_ARG(slice_head(s, 60)));
	*out = b;
	return 0;
}

bool
netblock_contains(const struct netblock *b, const struct netaddr *a)
{
	struct netaddr cut = *a;

	if (a->family == NETADDR_NONE || a->family != b->addr.family)
		return false;
	(void)clear_tail(&cut, b->bits);
	return memcmp(cut.ip, b->addr.ip, sizeof cut.ip) == 0;
}

const char *
netaddr_text(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	const char *text = NULL;

	if (a->family == NETADDR_V4)
		text = inet_ntop(AF_INET, a->ip, buf, NETADDR_TEXT);
	else if (a->family == NETADDR_V6)
		text = inet_ntop(AF_INET6, a->ip, buf, NETADDR_TEXT);
	if (text == NULL)
		memcpy(buf, "-", 2);
	return buf;
}

const char *
netaddr_text_port(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN + 1] = "*";
	bool v6 = a->family == NETADDR_V6;
	int n;

	if (a->family != NETADDR_NONE)
		(void)inet_ntop(v6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof ip);
	n = snprintf(buf, NETADDR_TEXT, "%s%s%s:%u", v6 ? "[" : "", ip,
	    v6 ? "]" : "", (unsigned)a->port);
	if (n < 0)
		buf[0] = '\0';
	return buf;
}

bool
netaddr_equal_ip(const struct netaddr *a, const struct netaddr *b)
{
	return a->family == b->family && a->scope == b->scope &&
	    memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool
netaddr_is_loopback(const struct netaddr *a)
{
	static const uint8_t v4[16] = { 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };

	return (a->family == NETADDR_V4 && memcmp(a->ip, v4, 16) == 0) ||
	    (a->family == NETADDR_V6 && memcmp(a->ip, v6, 16) == 0);
}

struct netaddr
netaddr_limit_key(const struct netaddr *a)
{
	struct netaddr key = *a;

	key.port = 0;
	key.scope = 0;
	if (key.family == NETADDR_V6)
		(void)clear_tail(&key, 64);
	return key;
}

struct slice
netaddr_key_bytes(const struct netaddr *a, char buf[17])
{
	buf[0] = (char)a->family;
	memcpy(buf + 1, a->ip, 16);
	return slice_of(buf, 17);
}
