/* SPDX-License-Identifier: ISC */
/* The PROXY protocol: every form whole, cut at every byte, and broken. */
#include <string.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libnet/proxyproto.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2(rest)  SLICE(SIGNATURE rest)
#define V4_ADDRS  "\xc0\0\2\1\xc0\0\2\2\x13\x88\0\x8f"
#define V6_ADDRS                                                               \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                               \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x13\x88\0\x8f"

/* Whole it is a header; every prefix of it asks for more; what follows is not
 * looked at. */
static void
parses(struct slice in, const char *src, const char *dst, bool tls)
{
	struct proxyproto p;
	struct err err;
	char text[NETADDR_TEXT];
	char longer[512];

	for (size_t n = 0; n < in.n; n++) {
		char copy[512]; /* exact size, for the sanitizer's eyes */

		memcpy(copy, in.p, n);
		assert_int_equal(
		    proxyproto_parse(slice_of(copy, n), &p, &err), 0);
	}
	memcpy(longer, in.p, in.n);
	memcpy(longer + in.n, "a LOGIN", 7);
	assert_int_equal(
	    proxyproto_parse(slice_of(longer, in.n + 7), &p, &err), 1);
	assert_int_equal(p.used, in.n);
	assert_int_equal(p.has_addresses, src != NULL);
	assert_int_equal(p.tls, tls);
	if (src != NULL) {
		assert_string_equal(netaddr_text_port(&p.src, text), src);
		assert_string_equal(netaddr_text_port(&p.dst, text), dst);
	}
}

static void
refuses(struct slice in)
{
	struct proxyproto p;
	struct err err;

	assert_int_equal(proxyproto_parse(in, &p, &err), -1);
}

static void
test_v1(void **state)
{
	(void)state;
	parses(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 5000 143\r\n"),
	    "192.0.2.1:5000", "192.0.2.2:143", false);
	parses(SLICE("PROXY TCP6 2001:db8::1 2001:db8::2 5000 143\r\n"),
	    "[2001:db8::1]:5000", "[2001:db8::2]:143", false);
	parses(SLICE("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"),
	    "192.0.2.1:1", "192.0.2.2:2", false);
	parses(SLICE("PROXY UNKNOWN\r\n"), NULL, NULL, false);
	parses(SLICE("PROXY UNKNOWN what ever 1 2\r\n"), NULL, NULL, false);
	parses(SLICE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false);
}

static void
test_v1_broken(void **state)
{
	char line[200] = "PROXY UNKNOWN ";

	(void)state;
	refuses(SLICE("a LOGIN x y\r\n"));
	refuses(SLICE("PROXI"));
	refuses(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 5000 143\n"));
	refuses(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 5000\r\n"));
	refuses(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 5000 143 \r\n"));
	refuses(SLICE("PROXY TCP4  192.0.2.1 192.0.2.2 5000 143\r\n"));
	refuses(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 5000 65536\r\n"));
	refuses(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 05 143\r\n"));
	refuses(SLICE("PROXY TCP4 2001:db8::1 192.0.2.2 5000 143\r\n"));
	refuses(SLICE("PROXY TCP4 ::ffff:1.2.3.4 192.0.2.2 5000 143\r\n"));
	refuses(SLICE("PROXY TCP6 192.0.2.1 192.0.2.2 5000 143\r\n"));
	refuses(SLICE("PROXY UDP4 192.0.2.1 192.0.2.2 5000 143\r\n"));
	refuses(SLICE("PROXY \r\n"));
	refuses(SLICE("PROXY \n"));
	memset(line + 14, 'x', sizeof line - 14);
	refuses(slice_of(line, 107));
	memcpy(line + 120, "\r\n", 2);
	refuses(slice_of(line, 122));
}

static void
test_v2(void **state)
{
	(void)state;
	parses(V2("\x21\x11\0\x0c" V4_ADDRS), "192.0.2.1:5000", "192.0.2.2:143",
	    false);
	parses(V2("\x21\x21\0\x24" V6_ADDRS), "[2001:db8::1]:5000",
	    "[2001:db8::2]:143", false);
	parses(V2("\x20\0\0\0"), NULL, NULL, false); /* LOCAL */
	parses(V2("\x20\x11\0\x0c" V4_ADDRS), NULL, NULL, false);
	parses(V2("\x21\0\0\0"), NULL, NULL, false);    /* UNSPEC */
	parses(V2("\x21\0\0\3xyz"), NULL, NULL, false); /* discarded */
	parses(V2("\x21\x12\0\x0c" V4_ADDRS), NULL, NULL, false); /* datagram */
	/* TLVs: NOOP, SSL (client came by TLS). */
	parses(V2("\x21\x11\0\x17" V4_ADDRS "\4\0\0"
		  "\x20\0\5\1\0\0\0\0"),
	    "192.0.2.1:5000", "192.0.2.2:143", true);
	parses(V2("\x21\x11\0\x14" V4_ADDRS "\x20\0\5\0\0\0\0\0"),
	    "192.0.2.1:5000", "192.0.2.2:143", false);
}

static void
test_v2_checksum(void **state)
{
	/* CRC32C of the header with the checksum's bytes 0, found by trying
	 * each bit position once would be long: computed here, bit by bit. */
	char h[] = SIGNATURE "\x21\x11\0\x13" V4_ADDRS "\3\0\4\0\0\0\0";
	size_t n = sizeof h - 1;
	uint32_t crc = 0xffffffff;
	struct proxyproto p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t in = ((uint8_t)h[i] >> bit ^ crc) & 1;

			crc >>= 1;
			if (in != 0)
				crc ^= 0x82f63b78;
		}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		h[n - 4 + (size_t)i] = (char)(crc >> (24 - 8 * i));
	assert_int_equal(proxyproto_parse(slice_of(h, n), &p, &err), 1);
	assert_true(p.has_addresses);
	h[n - 1] ^= 1;
	refuses(slice_of(h, n));
	h[n - 1] ^= 1;
	h[20] ^= 1;
	refuses(slice_of(h, n));
}

static void
test_v2_broken(void **state)
{
	(void)state;
	refuses(V2("\x11\x11\0\x0c" V4_ADDRS)); /* version */
	refuses(V2("\x11"));                    /* at once */
	refuses(V2("\x22\x11\0\x0c" V4_ADDRS)); /* command */
	refuses(V2("\x21\x41\0\x0c" V4_ADDRS)); /* family */
	refuses(V2("\x21\x13\0\x0c" V4_ADDRS)); /* transport */
	refuses(V2("\x21\x11\0\x0b" V4_ADDRS)); /* short */
	refuses(V2("\x21\x21\0\x0c" V4_ADDRS));
	refuses(V2("\x21\x11\x20\0" V4_ADDRS)); /* long */
	refuses(V2("\x21\x11\0\x0e" V4_ADDRS "\4\0"));
	refuses(V2("\x21\x11\0\x10" V4_ADDRS "\4\0\2x"));
	refuses(V2("\x21\x11\0\x10" V4_ADDRS "\x20\0\1\1"));
	refuses(V2("\x21\x11\0\x11" V4_ADDRS "\3\0\2\0\0"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v1_broken), cmocka_unit_test(test_v2),
		cmocka_unit_test(test_v2_checksum),
		cmocka_unit_test(test_v2_broken) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
