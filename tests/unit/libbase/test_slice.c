/* SPDX-License-Identifier: ISC */
/* Tests of slice.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libbase/slice.h"

static void
compare(void **state)
{
	(void)state;
	assert_true(slice_eq(SLICE_NONE, SLICE("")));
	assert_true(slice_eq_str(SLICE("ab"), "ab"));
	assert_false(slice_eq_str(SLICE("ab"), "abc"));
	assert_true(slice_ieq(SLICE("InBoX"), SLICE("INBOX")));
	assert_false(slice_ieq(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
	assert_true(slice_ieq_str(SLICE_NONE, ""));
	assert_true(slice_starts(SLICE("UID FETCH"), "UID"));
	assert_false(slice_starts(SLICE("UI"), "UID"));
	assert_true(slice_istarts(SLICE("uid fetch"), "UID "));
	assert_true(slice_icmp(SLICE("abc"), SLICE("ABD")) < 0);
	assert_true(slice_icmp(SLICE("abc"), SLICE("AB")) > 0);
	assert_true(slice_icmp(SLICE("\xff"), SLICE("a")) > 0);
	assert_int_equal(slice_icmp(SLICE_NONE, SLICE_NONE), 0);
	assert_false(ascii_is_alpha('@'));
	assert_false(ascii_is_alpha('['));
	assert_true(ascii_is_alpha('z'));
	assert_int_equal(ascii_upper('z'), 'Z');
	assert_int_equal(ascii_upper('{'), '{');
}

static void
parts(void **state)
{
	struct slice s = SLICE("a=b=c");
	struct slice head;

	(void)state;
	assert_int_equal(slice_find(s, '='), 1);
	assert_int_equal(slice_find(s, 'x'), -1);
	assert_int_equal(slice_find(SLICE_NONE, 'x'), -1);
	assert_true(slice_eq_str(slice_from(s, 2), "b=c"));
	assert_int_equal(slice_from(s, 99).n, 0);
	assert_int_equal(slice_from(SLICE_NONE, 99).n, 0);
	assert_int_equal(slice_head(s, 99).n, 5);
	assert_true(slice_cut(&s, '=', &head));
	assert_true(slice_eq_str(head, "a"));
	assert_true(slice_cut(&s, '=', &head));
	assert_true(slice_eq_str(head, "b"));
	assert_false(slice_cut(&s, '=', &head));
	assert_true(slice_eq_str(head, "c"));
	assert_int_equal(s.n, 0);
	assert_true(slice_eq_str(slice_trim(SLICE(" \t\r\na b\n ")), "a b"));
	assert_int_equal(slice_trim(SLICE(" \n")).n, 0);
	assert_null(slice_str(NULL).p);
}

static void
numbers(void **state)
{
	uint64_t v = 7;
	uint32_t w = 7;

	(void)state;
	assert_int_equal(slice_u64(SLICE(""), 9, &v), -1);
	assert_int_equal(slice_u64(SLICE("-1"), 9, &v), -1);
	assert_int_equal(slice_u64(SLICE("10"), 9, &v), -1);
	assert_int_equal(
	    slice_u64(SLICE("18446744073709551616"), UINT64_MAX, &v), -1);
	assert_int_equal(v, 7);
	assert_int_equal(
	    slice_u64(SLICE("18446744073709551615"), UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(slice_u32(SLICE("4294967296"), UINT32_MAX, &w), -1);
	assert_int_equal(slice_u32(SLICE("0004294967295"), UINT32_MAX, &w), 0);
	assert_true(w == UINT32_MAX);
}

static void
utf8(void **state)
{
	static const char *const good[] = { "", "abc", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf",
		"\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xff" };
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(good); i++)
		assert_true(slice_is_utf8(slice_str(good[i])));
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(slice_is_utf8(slice_str(bad[i])));
	assert_true(slice_is_ascii(SLICE("abc\x7f")));
	assert_false(slice_is_ascii(SLICE("abc\x80")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare),
		cmocka_unit_test(parts),
		cmocka_unit_test(numbers),
		cmocka_unit_test(utf8),
	};

	return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
