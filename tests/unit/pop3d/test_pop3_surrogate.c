/* SPDX-License-Identifier: ISC */
/* Headers with UTF-8 for clients that do not take it (RFC 6856 2.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "pop3d/pop3_surrogate.h"

static void
check(const char *header, const char *wanted)
{
	struct buf b;

	buf_init(&b, MAX_HEADER_BYTES);
	assert_true(pop3_surrogate_needed(slice_str(header)));
	pop3_surrogate_put(slice_str(header), &b);
	assert_string_equal(buf_cstr(&b), wanted);
	assert_true(slice_is_ascii(buf_slice(&b)));
	buf_free(&b);
}

static void
test_needed(void **state)
{
	(void)state;
	assert_false(pop3_surrogate_needed(SLICE("Subject: a\n\n")));
	assert_false(pop3_surrogate_needed(SLICE("Subject: \xfc\n\n")));
	assert_true(pop3_surrogate_needed(SLICE("Subject: \xc3\xbc\n\n")));
}

static void
test_fields(void **state)
{
	(void)state;
	check("Subject: \xc3\xbc\r\nX: y\r\n  z\r\n\r\n",
	    "Subject: =?UTF-8?B?w7w=?=\nX: y\n  z\n\n");
	/* no line at its end: as it came */
	check("Subject: \xc3\xbc", "Subject: =?UTF-8?B?w7w=?=\n");
	check("Message-ID: <\xc3\xbc@x>\nno field \xc3\xbc\n\n",
	    "Message-ID: <?@x>\nno field ?\n\n");
	/* words that were encoded already are not encoded twice */
	check("Subject: =?UTF-8?Q?=C3=A4?= \xc3\xbc\n\n",
	    "Subject: =?UTF-8?B?w6Qgw7w=?=\n\n");
	check("To: Team \xc3\xa4: a@x.example, \xc3\xbc@x.example;\n\n",
	    "To: =?UTF-8?B?VGVhbSDDpA==?=: a@x.example,\n "
	    "=?UTF-8?B?w7xAeC5leGFtcGxl?=\n "
	    "<invalid@internationalized-address.invalid>;\n\n");
	check("Cc: A <a@x.example>, B <b@\xc3\xbc.example>\n\n",
	    "Cc: A <a@x.example>,\n B "
	    "<invalid@internationalized-address.invalid>\n\n");
}

/* Long text: no line over 76 characters. */
static void
test_long(void **state)
{
	struct buf header, b;
	size_t col = 0;

	(void)state;
	buf_init(&header, 3000);
	buf_puts(&header, "Subject: ");
	for (int i = 0; i < 400; i++)
		buf_puts(&header, i % 7 == 0 ? "\xe2\x82\xac" : "word ");
	buf_puts(&header, "\n\n");
	buf_init(&b, MAX_HEADER_BYTES);
	pop3_surrogate_put(buf_slice(&header), &b);
	for (size_t i = 9; i < b.n; i++, col++) {
		if (b.p[i] == '\n')
			col = 0;
		assert_true(col <= 76);
	}
	buf_free(&b);
	buf_free(&header);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
