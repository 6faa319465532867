/* SPDX-License-Identifier: ISC */
/* Tests of subject.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "libmessage/subject.h"

static const struct {
	const char *in, *want;
	bool is_reply;
} subjects[] = {
	{ "", "", false },
	{ "hello", "hello", false },
	{ "  hello \t  world ", "hello world", false },
	{ "Re: hello", "hello", true },
	{ "RE : re: Fwd: fw: hello", "hello", true },
	{ "Re[2]: hello", "hello", true },
	{ "re [x] : hello", "hello", true },
	{ "[list] hello", "hello", false },
	{ "[list] Re: [other] hello", "hello", true },
	{ "Re: [list] [b] Re: hello (fwd)", "hello", true },
	{ "hello (FWD) (fwd) ", "hello", true },
	{ "[Fwd: hello]", "hello", true },
	{ "[fwd: [fwd: Re: hello (fwd)] ]", "hello", true },
	{ "[only]", "[only]", false },
	{ "[a][only]", "[only]", false },
	{ "Re: [only]", "[only]", true },
	{ "Re:", "", true },
	{ "Regarding: this", "Regarding: this", false },
	{ "[unclosed hello", "[unclosed hello", false },
	{ "[a[b] hello", "[a[b] hello", false },
	{ "[fwd:]", "", true },
	{ "=?utf-8?q?Re=3A_gr=C3=BC=C3=9Fe?=",
	    "gr\xc3\xbc\xc3\x9f"
	    "e",
	    true },
	{ "Re: folded\r\n subject", "folded subject", true },
	{ "=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab", false },
};

static void
base(void **state)
{
	struct buf b;
	bool is_reply;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N_ELEMENTS(subjects); i++) {
		buf_reset(&b);
		subject_base(slice_str(subjects[i].in), &b, &is_reply);
		assert_string_equal(buf_cstr(&b), subjects[i].want);
		assert_int_equal(is_reply, subjects[i].is_reply);
	}
	buf_free(&b);
}

/* Would take minutes if each blob were looked through for each. */
static void
many_blobs(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, MIB);
	buf_init(&out, MIB);
	for (int i = 0; i < 100000; i++)
		buf_puts(&in, "[]");
	subject_base(buf_slice(&in), &out, NULL);
	assert_string_equal(buf_cstr(&out), "[]");
	buf_reset(&in);
	buf_reset(&out);
	for (int i = 0; i < 30000; i++)
		buf_puts(&in, "[fwd:");
	for (int i = 0; i < 30000; i++)
		buf_puts(&in, "]");
	subject_base(buf_slice(&in), &out, NULL);
	assert_string_equal(buf_cstr(&out), "");
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base),
		cmocka_unit_test(many_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
