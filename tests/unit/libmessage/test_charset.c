/* SPDX-License-Identifier: ISC */
/* Tests of charset.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libmessage/charset.h"

static const struct {
	const char *name, *in, *want;
	bool known;
} texts[] = {
	{ "utf-8",
	    "gr\xc3\xbc\xc3\x9f"
	    "e \xf0\x9f\x98\x80",
	    "gr\xc3\xbc\xc3\x9f"
	    "e \xf0\x9f\x98\x80",
	    true },
	{ "UTF8",
	    "a\xff"
	    "b\xc3",
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd",
	    true },
	{ "utf-8", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    true }, /* a surrogate */
	{ "utf-8", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", true },
	{ "",
	    "gr\xfc\xdf"
	    "e",
	    "gr\xc3\xbc\xc3\x9f"
	    "e",
	    false },
	{ "us-ascii", "gr\xc3\xbc\xdf \x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac",
	    true },
	{ "iso-8859-1", "\x93q\x94 \xe4", "\xe2\x80\x9cq\xe2\x80\x9d \xc3\xa4",
	    true },
	{ "ISO-8859-15", "\xa4", "\xe2\x82\xac", true },
	{ "iso_8859-1:1987", "\xe4", "\xc3\xa4", true },
	{ "windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2",
	    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", true },
	{ "koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4",
	    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", true },
	{ "x-sjis", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac", true },
	{ "shift_jis", "\x87\x40", "\xe2\x91\xa0", true },
	{ "iso-2022-jp", "\x1b$B\x46\x7c\x4b\x5c\x1b(B.",
	    "\xe6\x97\xa5\xe6\x9c\xac.", true },
	{ "ks_c_5601-1987", "\xc7\xd1\xb1\xdb", "\xed\x95\x9c\xea\xb8\x80",
	    true },
	{ "gb2312", "\xd6\xd0\xce\xc4", "\xe4\xb8\xad\xe6\x96\x87", true },
	{ "big5", "\xa4\xa4\xa4\xe5", "\xe4\xb8\xad\xe6\x96\x87", true },
	{ "windows-874", "\xa1", "\xe0\xb8\x81", true },
	{ "unicode-1-1-utf-7", "Hi +AOQ-!", "Hi \xc3\xa4!", true },
	{ "x-windows-1252", "\x80", "\xe2\x82\xac", true },
	{ "x-mac-roman", "\x8a", "\xc3\xa4", true },
	{ "iso-8859-8-i", "\xe0", "\xd7\x90", true },
	{ "no-such-charset", "\xe4", "\xc3\xa4", false },
	{ "utf-8//TRANSLIT", "\xe4", "\xc3\xa4", false },
	{ "../../etc/passwd", "x", "x", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaa",
	    "x", "x", false },
};

static void
convert(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct slice name = slice_str(texts[i].name);
		struct slice in = slice_str(texts[i].in);
		bool known = charset_to_utf8(name, in, &b);

		assert_string_equal(buf_cstr(&b), texts[i].want);
		assert_int_equal(known, texts[i].known);
		assert_int_equal(charset_is_known(name), known);
		buf_reset(&b);
		/* Byte by byte, twice with one converter. */
		struct charset c;

		(void)charset_open(&c, name);
		for (int round = 0; round < 2; round++) {
			buf_reset(&b);
			for (size_t k = 0; k < in.n; k++)
				charset_feed(
				    &c, slice_head(slice_from(in, k), 1), &b);
			charset_end(&c, &b);
			assert_string_equal(buf_cstr(&b), texts[i].want);
		}
		charset_close(&c);
		buf_reset(&b);
	}
	buf_free(&b);
}

static void
garbage(void **state)
{
	static const char *names[] = { "utf-7", "utf-16", "utf-32",
		"iso-2022-jp", "iso-2022-kr", "gb18030", "big5-hkscs", "euc-jp",
		"cp932", "tscii", "viscii", "ibm1390", "euc-tw" };
	char p[4000];
	uint32_t seed = 1;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(p); i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (char)(seed >> 17);
	}
	buf_init(&b, 1000000);
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		buf_reset(&b);
		(void)charset_to_utf8(
		    slice_str(names[i]), slice_of(p, sizeof(p)), &b);
		assert_true(buf_ok(&b) && slice_is_utf8(buf_slice(&b)));
	}
	buf_free(&b);
}

static void
strict(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_puts(&b, "x");
	assert_true(
	    charset_to_utf8_strict(SLICE("ISO-8859-1"), SLICE("\xe4"), &b));
	assert_string_equal(buf_cstr(&b), "x\xc3\xa4");
	assert_false(
	    charset_to_utf8_strict(SLICE("utf-8"), SLICE("a\xe4"), &b));
	assert_false(
	    charset_to_utf8_strict(SLICE("us-ascii"), SLICE("a\xe4"), &b));
	assert_false(charset_to_utf8_strict(SLICE("nope"), SLICE("a"), &b));
	assert_false(charset_to_utf8_strict(SLICE(""), SLICE("a\xe4"), &b));
	assert_false(
	    charset_to_utf8_strict(SLICE("shift_jis"), SLICE("a\x93"), &b));
	assert_string_equal(buf_cstr(&b), "x\xc3\xa4");
	assert_true(charset_to_utf8_strict(SLICE("US-ASCII"), SLICE("a"), &b));
	assert_true(charset_to_utf8_strict(SLICE("utf-8"), SLICE(""), &b));
	assert_string_equal(buf_cstr(&b),
	    "x\xc3\xa4"
	    "a");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convert),
		cmocka_unit_test(garbage),
		cmocka_unit_test(strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
