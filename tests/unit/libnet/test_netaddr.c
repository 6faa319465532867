/* SPDX-License-Identifier: ISC */
/* Addresses and networks. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libnet/netaddr.h"

static void
reads_as(const char *text, const char *expect)
{
	struct netaddr a;
	struct err err;
	char buf[NETADDR_TEXT];
	int r = netaddr_parse(slice_str(text), &a, &err);

	if (expect == NULL) {
		assert_int_equal(r, -1);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(netaddr_text(&a, buf), expect);
}

static void
test_addresses(void **state)
{
	(void)state;
	reads_as("192.0.2.1", "192.0.2.1");
	reads_as("2001:DB8:0:0::1", "2001:db8::1");
	reads_as("::ffff:192.0.2.1", "192.0.2.1");
	reads_as("::1", "::1");
	reads_as("fe80::1%1", "fe80::1");
	reads_as("192.0.2.256", NULL);
	reads_as("192.0.2.1%lo", NULL);
	reads_as("192.0.2.01", NULL);
	reads_as("", NULL);
	reads_as("%", NULL);
	reads_as("1::2::3", NULL);
	reads_as("localhost", NULL);
	reads_as("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
		 "0000:0000:0000:0000",
	    NULL);
}

static void
listens_on(const char *text, const char *expect)
{
	struct netaddr a;
	struct err err;
	char buf[NETADDR_TEXT];
	int r = netaddr_parse_listen(slice_str(text), &a, &err);

	assert_int_equal(r, expect == NULL ? -1 : 0);
	if (expect != NULL)
		assert_string_equal(netaddr_text_port(&a, buf), expect);
}

static void
test_listen_settings(void **state)
{
	(void)state;
	listens_on("*:143", "*:143");
	listens_on("127.0.0.1:0", "127.0.0.1:0");
	listens_on("[::1]:993", "[::1]:993");
	listens_on("::1:993", NULL);
	listens_on("143", NULL);
	listens_on(":143", NULL);
	listens_on("*:", NULL);
	listens_on("*:65536", NULL);
	listens_on("[]:1", NULL);
	listens_on("[:1", NULL);
	listens_on("", NULL);
}

static int
contains(const char *net, const char *ip)
{
	struct netblock b;
	struct netaddr a;
	struct err err;

	if (netblock_parse(slice_str(net), &b, &err) == -1)
		return -1;
	assert_int_equal(netaddr_parse(slice_str(ip), &a, &err), 0);
	return netblock_contains(&b, &a);
}

static void
test_networks(void **state)
{
	(void)state;
	assert_int_equal(contains("10.0.0.0/8", "10.255.0.1"), 1);
	assert_int_equal(contains("10.0.0.0/8", "11.0.0.1"), 0);
	assert_int_equal(contains("192.0.2.128/25", "192.0.2.200"), 1);
	assert_int_equal(contains("192.0.2.128/25", "192.0.2.100"), 0);
	assert_int_equal(contains("192.0.2.7", "192.0.2.7"), 1);
	assert_int_equal(contains("192.0.2.7", "192.0.2.8"), 0);
	assert_int_equal(contains("0.0.0.0/0", "1.2.3.4"), 1);
	assert_int_equal(contains("0.0.0.0/0", "2001:db8::1"), 0);
	assert_int_equal(contains("2001:db8::/33", "2001:db8:7fff::1"), 1);
	assert_int_equal(contains("2001:db8::/33", "2001:db8:8000::1"), 0);
	assert_int_equal(contains("10.0.0.0/8", "::ffff:10.1.1.1"), 1);
	assert_int_equal(contains("10.0.0.1/8", "10.0.0.1"), -1);
	assert_int_equal(contains("10.0.0.0/33", "10.0.0.1"), -1);
	assert_int_equal(contains("10.0.0.0/", "10.0.0.1"), -1);
	assert_int_equal(contains("::/129", "::1"), -1);
}

static void
test_keys(void **state)
{
	struct netaddr a, b;
	struct err err;
	char x[17], y[17];

	(void)state;
	assert_int_equal(
	    netaddr_parse(SLICE("2001:db8:1:2:3::4"), &a, &err), 0);
	assert_int_equal(
	    netaddr_parse(SLICE("2001:db8:1:2:ffff::"), &b, &err), 0);
	assert_false(netaddr_equal_ip(&a, &b));
	a = netaddr_limit_key(&a);
	b = netaddr_limit_key(&b);
	assert_true(netaddr_equal_ip(&a, &b));
	assert_true(
	    slice_eq(netaddr_key_bytes(&a, x), netaddr_key_bytes(&b, y)));
	assert_int_equal(netaddr_parse(SLICE("127.0.0.1"), &a, &err), 0);
	assert_true(netaddr_is_loopback(&a));
	assert_int_equal(netaddr_parse(SLICE("127.0.0.2"), &a, &err), 0);
	assert_false(netaddr_is_loopback(&a));
	assert_int_equal(netaddr_parse(SLICE("::1"), &a, &err), 0);
	assert_true(netaddr_is_loopback(&a));
}

static void
test_sockaddr(void **state)
{
	struct netaddr a, b;
	struct sockaddr_storage ss;
	struct err err;
	socklen_t len;
	static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    netaddr_parse(slice_str(texts[i]), &a, &err), 0);
		a.port = 4711;
		len = netaddr_to_sockaddr(&a, &ss);
		netaddr_from_sockaddr(&b, (struct sockaddr *)&ss, len);
		assert_true(netaddr_equal_ip(&a, &b));
		assert_int_equal(b.port, 4711);
	}
	netaddr_from_sockaddr(&b, (struct sockaddr *)&ss, 2);
	assert_int_equal(b.family, NETADDR_NONE);
	assert_int_equal(netaddr_to_sockaddr(&b, &ss), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_listen_settings),
		cmocka_unit_test(test_networks), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_sockaddr) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
