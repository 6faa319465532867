/* SPDX-License-Identifier: ISC */
/* LIST patterns, and that hostile ones cost nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "libmaildir/listmatch.h"

static const struct {
	const char *pattern, *name;
	bool matches, below;
} rows[] = {
	{ "*", "a/b/c", true, true },
	{ "%", "a", true, false },
	{ "%", "a/b", false, false },
	{ "a/%", "a/b", true, false },
	{ "a/%", "a", false, true },
	{ "a/%", "a/b/c", false, false },
	{ "a%", "ab", true, false },
	{ "a%", "a/b", false, false },
	{ "%/%", "a/b", true, false },
	{ "%/%", "a", false, true },
	{ "*b", "a/b", true, true },
	{ "*b", "bab", true, true },
	{ "%b%c", "abbxc", true, false },
	{ "%b%/c", "xbyb/c", true, false },
	{ "*%x", "a/b/x", true, true },
	{ "", "", true, false },
	{ "", "a", false, false },
	{ "a", "a", true, false },
	{ "a", "A", false, false },
	{ "inbox", "INBOX", true, false },
	{ "inBox/%", "INBOX/kid", true, false },
	{ "inbox*", "INBOX/kid", true, true },
	{ "inboxes", "INBOXES", false, false },
	{ "i%", "INBOX", true, false },
	{ "INBOX/KID", "INBOX/kid", false, false },
	{ "a/b", "a", false, true },
	{ "a/b", "a/b", true, false },
	{ "%%", "ab", true, false },
	{ "a*c*e", "abcde", true, true },
	{ "\xff*", "\xff/x", true, true },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct slice p = slice_str(rows[i].pattern);
		struct slice n = slice_str(rows[i].name);

		if (listmatch(p, n, '/') != rows[i].matches)
			fail_msg("%s on %s", rows[i].pattern, rows[i].name);
		if (rows[i].name[0] != '\0' &&
		    listmatch_below(p, n, '/') != rows[i].below)
			fail_msg("%s below %s", rows[i].pattern, rows[i].name);
	}
}

static void
test_hostile(void **state)
{
	static char pattern[4001], name[1000];
	uint64_t begin = clock_mono_us();

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		memcpy(pattern + 2 * i, i % 2 == 0 ? "*a" : "%a", 2);
	pattern[4000] = 'b';
	memset(name, 'a', sizeof(name));
	assert_false(listmatch(slice_of(pattern, sizeof(pattern)),
	    slice_of(name, sizeof(name)), '/'));
	assert_true(listmatch_below(slice_of(pattern, sizeof(pattern)),
	    slice_of(name, sizeof(name)), '/'));
	assert_true(clock_mono_us() - begin < 2000000);
}

static void
test_join(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	listmatch_join(SLICE("a/"), SLICE("%"), &b);
	assert_string_equal(buf_cstr(&b), "a/%");
	assert_true(listmatch_is_level(buf_slice(&b)));
	assert_false(listmatch_is_level(SLICE("*")));
	assert_false(listmatch_is_level(SLICE_NONE));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
