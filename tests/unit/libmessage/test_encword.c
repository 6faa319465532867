/* SPDX-License-Identifier: ISC */
/* Tests of encword.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmessage/encword.h"

static const struct {
	const char *in, *want;
} words[] = {
	{ "", "" },
	{ "plain text", "plain text" },
	/* RFC 2047 8 */
	{ "=?US-ASCII?Q?Keith_Moore?= <moore@x>", "Keith Moore <moore@x>" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
	{ "=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
	  "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example." },
	/* a character in two words */
	{ "=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?=", "J\xc3\xbcrgen" },
	{ "=?utf-8?b?w6k=?=x=?utf-8?b?w6k=?=", "\xc3\xa9x\xc3\xa9" },
	{ "=?utf-8*de?q?gr=C3=BC=C3=9Fe?=",
	    "gr\xc3\xbc\xc3\x9f"
	    "e" },
	{ "=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?=",
	    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "=?x-sjis?B?k/qWew==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	/* found in the wild */
	{ "=?utf-8?q?with blanks inside?=", "with blanks inside" },
	{ "=?utf-8?q?what??"
	  "=",
	    "what?" },
	{ "\"=?utf-8?q?quoted?=\"", "\"quoted\"" },
	{ "=?no-such-charset?q?J=C3=BCrgen?=", "J\xc3\xbcrgen" },
	{ "=?no-such-charset?q?J=FCrgen?=", "J\xc3\xbcrgen" },
	{ "=?utf-8?q?bad=FCbyte?=",
	    "bad\xef\xbf\xbd"
	    "byte" },
	{ "raw \xfc", "raw \xc3\xbc" },
	{ "raw \xc3\xbc", "raw \xc3\xbc" },
	/* no encoded words */
	{ "=?utf-8?x?abc?=", "=?utf-8?x?abc?=" },
	{ "=?utf-8?q?never ends", "=?utf-8?q?never ends" },
	{ "=?", "=?" },
	{ "=?=?=?utf-8?q?a?=", "=?=?a" },
	{ "=??q?abc?=", "=??q?abc?=" },
	{ "=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b" },
	{ "a =?utf-8?q??"
	  "= b",
	    "a  b" },
};

static void
decode(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N_ELEMENTS(words); i++) {
		buf_reset(&b);
		encword_decode(slice_str(words[i].in), &b);
		assert_string_equal(buf_cstr(&b), words[i].want);
	}
	buf_free(&b);
}

static void
encode(void **state)
{
	struct buf text, out, back;

	(void)state;
	buf_init(&text, 10000);
	buf_init(&out, 10000);
	buf_init(&back, 10000);
	encword_encode(SLICE("plain"), &out);
	assert_string_equal(buf_cstr(&out), "plain");
	for (size_t n = 1; n < 120; n++) {
		size_t length = 0;

		buf_puts(&text, n % 3 == 0 ? "\xe2\x82\xac" : "\xc3\xa9x");
		buf_reset(&out);
		buf_reset(&back);
		encword_encode(buf_slice(&text), &out);
		for (size_t i = 0; i < out.n; i++) {
			length = out.p[i] == ' ' ? 0 : length + 1;
			assert_true(length <= 75);
		}
		encword_decode(buf_slice(&out), &back);
		assert_true(slice_eq(buf_slice(&back), buf_slice(&text)));
	}
	buf_free(&text);
	buf_free(&out);
	buf_free(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
