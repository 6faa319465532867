/* SPDX-License-Identifier: ISC */
/* Tests of summary.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmessage/summary.h"

static void
strings(void **state)
{
	static const struct {
		struct slice in;
		unsigned flags;
		const char *string, *astring;
	} s[] = {
		{ { "", 0 }, 0, "\"\"", "\"\"" },
		{ { "atom", 4 }, 0, "\"atom\"", "atom" },
		{ { "a]b", 3 }, 0, "\"a]b\"", "a]b" },
		{ { "two words", 9 }, 0, "\"two words\"", "\"two words\"" },
		{ { "nil", 3 }, 0, "\"nil\"", "\"nil\"" },
		{ { "q\"\\", 3 }, 0, "\"q\\\"\\\\\"", "\"q\\\"\\\\\"" },
		{ { "a\0\"b", 4 }, 0, "\"a\\\"b\"", "\"a\\\"b\"" },
		{ { "a\rb", 3 }, 0, "{3}\r\na\rb", "{3}\r\na\rb" },
		{ { "\xc3\xbc\0", 3 }, 0, "{2}\r\n\xc3\xbc",
		    "{2}\r\n\xc3\xbc" },
		{ { "\xc3\xbc", 2 }, SUMMARY_UTF8, "\"\xc3\xbc\"",
		    "\"\xc3\xbc\"" },
		{ { "\xfc", 1 }, SUMMARY_UTF8, "{1}\r\n\xfc", "{1}\r\n\xfc" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < N_ELEMENTS(s); i++) {
		buf_reset(&b);
		summary_put_string(&b, s[i].in, s[i].flags);
		assert_string_equal(buf_cstr(&b), s[i].string);
		buf_reset(&b);
		summary_put_astring(&b, s[i].in, s[i].flags);
		assert_string_equal(buf_cstr(&b), s[i].astring);
	}
	buf_reset(&b);
	summary_put_nstring(&b, SLICE_NONE, 0);
	summary_put_nstring(&b, SLICE(""), 0);
	assert_string_equal(buf_cstr(&b), "NIL\"\"");
	buf_free(&b);
}

static const struct {
	const char *message, *envelope, *body, *structure;
} all[] = {
	{ "\nx\n", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 "
	    "1)",
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 "
	    "1 NIL NIL NIL NIL)" },
	{ "Date: now\r\nSubject:\r\nFrom: A <a@x>\r\nSender:\r\n"
	  "In-Reply-To: <0@x>\r\nMessage-ID:\r\n <1@x>\r\n"
	  "Content-Type: TEXT/HTML; charset=\"utf-8\"\r\n"
	  "Content-Transfer-Encoding: BASE64\r\n"
	  "Content-ID: <i>\r\nContent-Description: d \"e\"\r\n"
	  "Content-MD5: m\r\nContent-Language: de, en (x)\r\n"
	  "Content-Location: l\r\n"
	  "Content-Disposition: inline; filename=a\r\n\r\nabc\r\nd",
	    "(\"now\" \"\" ((\"A\" NIL \"a\" \"x\")) ((\"A\" NIL \"a\" \"x\")) "
	    "((\"A\" NIL \"a\" \"x\")) NIL NIL NIL \"<0@x>\" \"<1@x>\")",
	    "(\"TEXT\" \"HTML\" (\"charset\" \"utf-8\") \"<i>\" \"d "
	    "\\\"e\\\"\" \"BASE64\" 6 1)",
	    "(\"TEXT\" \"HTML\" (\"charset\" \"utf-8\") \"<i>\" \"d "
	    "\\\"e\\\"\" \"BASE64\" 6 1 \"m\" (\"inline\" (\"filename\" "
	    "\"a\")) (\"de\" \"en\") \"l\")" },
	{ "Content-Type: image/png\n\nabc\n",
	    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	    "(\"image\" \"png\" NIL NIL NIL \"7bit\" 5)",
	    "(\"image\" \"png\" NIL NIL NIL \"7bit\" 5 NIL NIL NIL NIL)" },
	{ "To: a@x\nTo: b@x\nSubject: one\nSubject: two\n"
	  "Content-Type: multipart/mixed; boundary=b\n"
	  "Content-Language: fr\n\n"
	  "--b\n\na\n--b\nContent-Type: message/rfc822\n\n"
	  "Subject: s\n\nx\n--b--\n",
	    "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"x\")(NIL NIL \"b\" "
	    "\"x\")) NIL NIL NIL NIL)",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "1 0)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 (NIL \"s\" "
	    "NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 1 0) 2) \"mixed\")",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "1 0 NIL NIL NIL NIL)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" "
	    "15 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" "
	    "\"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL "
	    "NIL NIL NIL) 2 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") "
	    "NIL (\"fr\") NIL)" },
	{ "Content-Type: multipart/mixed; boundary=b\n\nnothing\n",
	    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "0 0) \"mixed\")",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "0 0) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)" },
};

static void
summaries(void **state)
{
	struct mime_message msg;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	arena_init(&a, MAX_MESSAGE_ARENA);
	for (size_t i = 0; i < N_ELEMENTS(all); i++) {
		arena_reset(&a);
		mime_parse(&msg, &a, slice_str(all[i].message));
		buf_reset(&b);
		summary_put_envelope(&b, msg.root.envelope, 0);
		assert_string_equal(buf_cstr(&b), all[i].envelope);
		buf_reset(&b);
		summary_put_body(&b, &msg.root, false, 0);
		assert_string_equal(buf_cstr(&b), all[i].body);
		buf_reset(&b);
		summary_put_body(&b, &msg.root, true, 0);
		assert_string_equal(buf_cstr(&b), all[i].structure);
	}
	arena_free(&a);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(summaries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
