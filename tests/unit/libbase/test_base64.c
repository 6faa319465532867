/* SPDX-License-Identifier: ISC */
/* Tests of base64.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libbase/base64.h"

/* RFC 4648, section 10. */
static void
vectors(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" }, { "\xfb\xf0", "+/A=" } };
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < N_ELEMENTS(rows); i++) {
		buf_reset(&b);
		base64_encode(slice_str(rows[i].plain), &b);
		assert_string_equal(buf_cstr(&b), rows[i].coded);
		buf_reset(&b);
		assert_int_equal(
		    base64_decode(slice_str(rows[i].coded), &b), 0);
		assert_string_equal(buf_cstr(&b), rows[i].plain);
	}
	buf_free(&b);
}

static void
refused(void **state)
{
	static const char *const rows[] = { "Z", "Zg",
		"Zg=", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9",
		"Zm9v\n", "Zm9-", "=m9v", "Zm=v" };
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	buf_puts(&b, "kept");
	for (i = 0; i < N_ELEMENTS(rows); i++)
		assert_int_equal(base64_decode(slice_str(rows[i]), &b), -1);
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "kept");
	buf_free(&b);
	buf_init(&b, 3);
	assert_int_equal(base64_decode(SLICE("Zm9vYg=="), &b), -1);
	base64_encode(SLICE("a"), &b);
	assert_false(buf_ok(&b));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
