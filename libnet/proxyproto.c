/* SPDX-License-Identifier: ISC */
/* The PROXY protocol, versions 1 and 2, after HAProxy's proxy-protocol.txt
 * (sections named below are its). */
#include <string.h>

#include "libnet/proxyproto.h"

#define V1_MAX     107 /* 2.1: the longest line with its CRLF */
#define V2_HEADER  16
#define V2_VERSION 0x20

/* 2.2 */
static const char v2_signature[12] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n',
	'Q', 'U', 'I', 'T', '\n' };

enum v2_tlv {
	TLV_CRC32C = 0x03,
	TLV_SSL = 0x20
};
#define SSL_CLIENT_TLS 0x01 /* 2.2.6 PP2_CLIENT_SSL */

static int
bad(struct err *err, const char *why)
{
	return err_set(err, ERR_INVALID, "PROXY header: %s", why);
}

/* --- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 5000 143\r\n" ------------- */
static int
v1_word(struct slice *rest, struct slice *word, struct err *err)
{
	(void)slice_cut(rest, ' ', word);
	return word->n > 0 ? 0 : bad(err, "a field is missing");
}

static int
v1_address(struct slice text, enum netaddr_family family, struct netaddr *out,
    struct err *err)
{
	struct netaddr a;

	if (netaddr_parse(text, &a, err) == -1 || a.scope != 0)
		return bad(err, "not an address");
	/* A mapped address in a TCP6 line has become v4: that is right. */
	if (family == NETADDR_V4 &&
	    (a.family != NETADDR_V4 || slice_find(text, ':') >= 0))
		return bad(err, "address of another family");
	if (family == NETADDR_V6 && slice_find(text, ':') < 0)
		return bad(err, "address of another family");
	*out = a;
	return 0;
}

static int
v1_port(struct slice text, struct netaddr *a, struct err *err)
{
	uint32_t port;

	if (slice_u32(text, 65535, &port) == -1 ||
	    (text.n > 1 && text.p[0] == '0'))
		return bad(err, "not a port");
	a->port = (uint16_t)port;
	return 0;
}

static int
v1_addresses(struct slice rest, enum netaddr_family family,
    struct proxyproto *out, struct err *err)
{
	struct slice src, dst, sport, dport;

	if (v1_word(&rest, &src, err) == -1 ||
	    v1_word(&rest, &dst, err) == -1 ||
	    v1_word(&rest, &sport, err) == -1)
		return -1;
	dport = rest;
	if (v1_address(src, family, &out->src, err) == -1 ||
	    v1_address(dst, family, &out->dst, err) == -1 ||
	    v1_port(sport, &out->src, err) == -1 ||
	    v1_port(dport, &out->dst, err) == -1)
		return -1;
	out->has_addresses = true;
	return 1;
}

static int
v1_parse(struct slice in, struct proxyproto *out, struct err *err)
{
	const char *lf = memchr(in.p, '\n', in.n);
	struct slice line, word;
	size_t n;

	if (lf == NULL)
		return in.n < V1_MAX ? 0 : bad(err, "line too long");
	n = (size_t)(lf - in.p) + 1;
#if PLANT == 40
	if (n < 2)
#else
	if (n > V1_MAX || n < 2 || lf[-1] != '\r')
#endif
		return bad(err, "line too long or without CRLF");
	line = slice_head(in, n - 2);
	line = slice_from(line, 6); /* "PROXY " was seen */
	out->used = n;
	(void)slice_cut(&line, ' ', &word);
	if (slice_eq_str(word, "UNKNOWN")) /* 2.1: the rest is ignored */
		return 1;
	if (slice_eq_str(word, "TCP4"))
		return v1_addresses(line, NETADDR_V4, out, err);
	if (slice_eq_str(word, "TCP6"))
		return v1_addresses(line, NETADDR_V6, out, err);
	return bad(err, "unknown family");
}

/* --- version 2 ------------------------------------------------------------ */
static unsigned
be16(const char *p)
{
	return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

static void
v2_address(struct netaddr *a, const char *ip, size_t ip_len, const char *port)
{
	struct netaddr mapped = { .family = NETADDR_V4 };
	static const char prefix[12] = { [10] = '\xff', [11] = '\xff' };

	*a =
	    (struct netaddr){ .family = ip_len == 4 ? NETADDR_V4 : NETADDR_V6 };
	memcpy(a->ip, ip, ip_len);
	if (ip_len == 16 && memcmp(ip, prefix, sizeof prefix) == 0) {
		memcpy(mapped.ip, ip + 12, 4);
		*a = mapped;
	}
	a->port = (uint16_t)be16(port);
}

static uint32_t
crc32c_byte(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int i = 0; i < 8; i++)
		crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
	return crc;
}

/* 2.2.3: over the whole header, the checksum's own bytes taken as 0. */
static bool
v2_checksum_is_good(struct slice header, size_t at)
{
	uint32_t crc = 0xffffffffu, said = 0;

	for (size_t i = 0; i < header.n; i++) {
		bool own = i >= at && i < at + 4;

		crc = crc32c_byte(crc, own ? 0 : (uint8_t)header.p[i]);
		if (own)
			said = said << 8 | (uint8_t)header.p[i];
	}
	return ~crc == said;
}

static int
v2_tlvs(struct slice header, size_t at, struct proxyproto *out, struct err *err)
{
	while (at < header.n) {
		size_t len;
		uint8_t type;

		if (header.n - at < 3)
			return bad(err, "a TLV is cut");
		type = (uint8_t)header.p[at];
		len = be16(header.p + at + 1);
		at += 3;
#if PLANT == 41
		if (len > header.n)
#else
		if (len > header.n - at)
#endif
			return bad(err, "a TLV is cut");
		if (type == TLV_CRC32C &&
		    (len != 4 || !v2_checksum_is_good(header, at)))
			return bad(err, "wrong checksum");
		if (type == TLV_SSL) {
			if (len < 5)
				return bad(err, "a TLV is cut");
			out->tls = (header.p[at] & SSL_CLIENT_TLS) != 0;
		}
		at += len;
	}
	return 1;
}

static int
v2_body(struct slice header, struct proxyproto *out, struct err *err)
{
	unsigned family = (uint8_t)header.p[13] >> 4;
	unsigned transport = (uint8_t)header.p[13] & 0x0f;
	const char *p = header.p + V2_HEADER;
	size_t n = header.n - V2_HEADER;
	/* 2.2: unspecified, IPv4, IPv6, UNIX */
	static const size_t sizes[] = { 0, 12, 36, 216 };
	size_t ip;

	if (family >= sizeof sizes / sizeof sizes[0] || transport > 2)
		return bad(err, "unknown family");
#if PLANT == 42
	if (n == 0)
#else
	if (n < sizes[family])
#endif
		return bad(err, "addresses are cut");
	if ((family == 1 || family == 2) && transport == 1) {
		ip = family == 1 ? 4 : 16;
		v2_address(&out->src, p, ip, p + 2 * ip);
		v2_address(&out->dst, p + ip, ip, p + 2 * ip + 2);
		out->has_addresses = true;
	}
	/* With no family the content may be anything (2.2: "discarded"). */
	if (family == 0)
		return 1;
	return v2_tlvs(header, V2_HEADER + sizes[family], out, err);
}

static int
v2_parse(struct slice in, struct proxyproto *out, struct err *err)
{
	unsigned command;
	size_t len;

	if (in.n > 12 && ((uint8_t)in.p[12] & 0xf0) != V2_VERSION)
		return bad(err, "unknown version");
	if (in.n < V2_HEADER)
		return 0;
	command = (uint8_t)in.p[12] & 0x0f;
	if (command > 1)
		return bad(err, "unknown command");
	len = be16(in.p + 14);
	if (len > PROXYPROTO_MAX - V2_HEADER)
		return bad(err, "too long");
	if (in.n < V2_HEADER + len)
		return 0;
	out->used = V2_HEADER + len;
	if (command == 0) /* LOCAL: the proxy itself, a health check */
		return 1;
	return v2_body(slice_head(in, out->used), out, err);
}

/* Is in a prefix of the mark, or the mark of in? */
static bool
may_begin(struct slice in, const char *mark, size_t mark_n)
{
	size_t n = in.n < mark_n ? in.n : mark_n;

	return memcmp(in.p, mark, n) == 0;
}

int
proxyproto_parse(struct slice in, struct proxyproto *out, struct err *err)
{
	struct proxyproto p = { 0 };
	int r;

	if (in.n == 0)
		return 0;
	if (may_begin(in, v2_signature, sizeof v2_signature))
		r = in.n < sizeof v2_signature ? 0 : v2_parse(in, &p, err);
	else if (may_begin(in, "PROXY ", 6))
		r = in.n < 6 ? 0 : v1_parse(in, &p, err);
	else
		r = bad(err, "none there");
	if (r == 1)
		*out = p;
	return r;
}
