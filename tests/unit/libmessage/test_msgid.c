/* SPDX-License-Identifier: ISC */
/* Tests of msgid.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "libmessage/msgid.h"

/* want: all of them, a blank behind each. */
static const struct {
	const char *in, *want;
} values[] = {
	{ "", "" },
	{ "<a@b>", "a@b " },
	{ " <a@b>\r\n <c@d>\t<e@[127.0.0.1]>", "a@b c@d e@[127.0.0.1] " },
	{ "<a@b><c@d>", "a@b c@d " },
	{ "<\"a\"@b> <\"a\\\"x y\"@b>", "a@b a\"xy@b " },
	{ "<\"a>\"@b>", "a>@b " },
	{ "< a . b @ c >", "a.b@c " },
	{ "<long-one\r\n @example.org>", "long-one@example.org " },
	{ "Your message of Monday <a@b>; me <c@d>", "a@b c@d " },
	{ "a@b", "" },
	{ "<a@b", "" },
	{ "<ab> <@b> <a@> <> <x@y>", "x@y " },
	{ "<x <a@b>", "a@b " },
	{ "<\"a@b> <c@d>", "" },
	{ "<a\x01@b> <c@d>", "c@d " },
	{ "<\"@\"b> <c@d>", "c@d " },
	{ "<\"\\ \"@b> <c@d>", "c@d " },
	{ "<a\\b@c>", "a\\b@c " },
	{ "<\xc3\xbc@b>", "\xc3\xbc@b " },
};

static void
next(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N_ELEMENTS(values); i++) {
		struct slice v = slice_str(values[i].in);

		buf_reset(&b);
		while (msgid_next(&v, &b))
			buf_putc(&b, ' ');
		assert_string_equal(buf_cstr(&b), values[i].want);
		assert_int_equal(v.n, 0);
	}
	buf_free(&b);
}

/* Longer than a line: none. */
static void
too_long(void **state)
{
	struct buf in, out;
	struct slice v;

	(void)state;
	buf_init(&in, 10000);
	buf_init(&out, 10000);
	buf_putc(&in, '<');
	for (int i = 0; i < 997; i++)
		buf_putc(&in, 'a');
	buf_puts(&in, "@b> <a@b>");
	v = buf_slice(&in);
	assert_true(msgid_next(&v, &out));
	assert_string_equal(buf_cstr(&out), "a@b");
	assert_false(msgid_next(&v, &out));
	assert_string_equal(buf_cstr(&out), "a@b");
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
