/* SPDX-License-Identifier: ISC */
/* pop3_uidl_format: what is right, and what it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libserver/uidl_format.h"
#include "pop3d/pop3_uidl.h"

static const struct pop3_uidl one = {
	.uid = 0xab,
	.uidvalidity = 1700000000,
	.file = { "1700000000.M1P2.Host,S=3", 24 },
	.guid = { "0123abcd", 8 },
};

static void
check(const char *format, const struct pop3_uidl *m, const char *wanted)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_null(uidl_format_fault(slice_str(format)));
	pop3_uidl_make(slice_str(format), m, &b);
	assert_string_equal(buf_cstr(&b), wanted);
	buf_free(&b);
}

/* The formats that Dovecot's documentation names for moves from others. */
static void
test_formats(void **state)
{
	(void)state;
	check("%08Xu%08Xv", &one, "000000ab6553f100");
	check("%08Xv%08Xu", &one, "6553f100000000ab");
	check("%v-%u", &one, "1700000000-171");
	check("%v.%u", &one, "1700000000.171");
	check("%u", &one, "171");
	check("%f", &one, "1700000000.M1P2.Host,S=3");
	check("%Lf", &one, "1700000000.m1p2.host,s=3");
	check("%g", &one, "0123abcd");
	check("%Ug", &one, "0123ABCD");
	check("%08XUu", &one, "000000AB");
	check("%05u", &one, "00171");
	check("UID%u-%v%%", &one, "UID171-1700000000%");
	check(
	    "%{uid | hex(8)}%{uidvalidity | hex(8)}", &one, "000000ab6553f100");
	check("%{guid|upper}", &one, "0123ABCD");
	check("%{filename}", &one, "1700000000.M1P2.Host,S=3");
}

static void
test_faults(void **state)
{
	static const char *const bad[] = { "", "abc", "%v", "%8Xu", "%099u",
		"%m", "%q", "%", "%u%", "%{uid", "%{xyz}", "%{uid | rot13}",
		"%u %v", "%u\t", "%Xf", "%{guid | hex}", "%{uid | hex(}",
		"%{uid | hex()}", "%{uid | hex(65)}", "%u\xc3\xbc", "%0Xu%X" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		if (uidl_format_fault(slice_str(bad[i])) == NULL)
			fail_msg("\"%s\" is taken", bad[i]);
}

/* What was told before stands over the format; what may not stand in a UIDL is
 * written otherwise; what is too long or empty is told by UID. */
static void
test_told(void **state)
{
	struct pop3_uidl m = one;
	char name[256];

	(void)state;
	m.told = SLICE("UID7-99");
	check("%u", &m, "UID7-99");
	m.told = SLICE("a\x80 b");
	check("%u", &m, "a+80+20b");
	m.told = SLICE_NONE;
	m.file = SLICE("1.\xc3\xa4");
	check("%f", &m, "1.+C3+A4");
	memset(name, 0x80, sizeof name);
	m.file = slice_of(name, 255);
	check("%f", &m, "000000ab6553f100");
	m.guid = SLICE_NONE;
	check("%g", &m, "000000ab6553f100");
}

static void
test_plain(void **state)
{
	(void)state;
	assert_true(pop3_uidl_is_plain(SLICE("%08Xu%08Xv")));
	assert_true(pop3_uidl_is_plain(SLICE("%v.%u")));
	assert_false(pop3_uidl_is_plain(SLICE("%u%u")));
	assert_false(pop3_uidl_is_plain(SLICE("%f")));
	assert_false(pop3_uidl_is_plain(SLICE("%u%g")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
