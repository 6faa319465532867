/* SPDX-License-Identifier: ISC */
/* Modified UTF-7: the RFC's examples, round trips, what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmaildir/mutf7.h"

static const struct {
	const char *utf8, *wire;
} pairs[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8"
	  "\xaa\x9e",
	    "~peter/mail/&U,BTFw-/&ZeVnLIqe-" }, /* RFC 3501 5.1.3 */
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "a&b", "a&-b" },
	{ "\xe2\x98\x83&\xe2\x98\x83", "&JgM-&-&JgM-" },
	{ "\xf0\x9f\x98\x80 smile", "&2D3eAA- smile" },
	{ "\xc3\xa9", "&AOk-" },
	{ "a\tb", "a&AAk-b" },
	{ "\x7f", "&AH8-" },
	{ "\xf4\x8f\xbf\xbf", "&2,,f,w-" },
};

static const char *const bad[] = {
	"&",
	"&Jjo", /* open */
	"a&",
	"&Jjo!", /* RFC 3501: superfluous shift, below */
	"&U,BTFw-&ZeVnLIqe-",
	"&AGE-", /* 'a' has no need of it */
	"&ACY-", /* '&' neither */
	"&AAA-", /* NUL */
	"&2D0-", /* half a pair */
	"&3gA-",
	"&2D0AYQ-",
	"&AOk=-",
	"&AOm-",  /* bits left over are not zero */
	"&AOkA-", /* six or more of them */
	"&AO-",
	"\xc3\xa9",
	"a\tb",
	"&Jgo/-",
};

static void
test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(pairs); i++) {
		struct buf b;

		buf_init(&b, 1000);
		assert_int_equal(mutf7_encode(slice_str(pairs[i].utf8), &b), 0);
		assert_string_equal(buf_cstr(&b), pairs[i].wire);
		buf_reset(&b);
		assert_int_equal(mutf7_decode(slice_str(pairs[i].wire), &b), 0);
		assert_string_equal(buf_cstr(&b), pairs[i].utf8);
		buf_free(&b);
	}
}

static void
test_bad(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_puts(&b, "kept");
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		if (mutf7_decode(slice_str(bad[i]), &b) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_string_equal(buf_cstr(&b), "kept");
	}
	assert_int_equal(mutf7_encode(SLICE("\xff"), &b), -1);
	assert_int_equal(mutf7_encode(SLICE("\xed\xa0\x80"), &b), -1);
	assert_string_equal(buf_cstr(&b), "kept");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
