/* SPDX-License-Identifier: ISC */
/* Tests of buf.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/buf.h"
#include "libbase/random.h"

static void
empty_writes(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_put(&b, NULL, 0);
	buf_puts(&b, "");
	buf_put_slice(&b, SLICE_NONE);
	buf_printf(&b, "%s", "");
	buf_consume(&b, 0);
	buf_truncate(&b, 0);
	assert_true(buf_ok(&b));
	assert_int_equal(buf_slice(&b).n, 0);
	assert_string_equal(buf_cstr(&b), "");
	assert_non_null(buf_reserve(&b, 0));
	buf_wipe(&b);
	buf_free(&b);
	buf_init(&b, 0);
	buf_put(&b, NULL, 0);
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "");
	buf_putc(&b, 'x');
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_puts(&b, "abcd");
	buf_puts(&b, "ef"); /* dropped whole */
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abcd");
	buf_putc(&b, 'e'); /* still remembered */
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abcde");
	assert_null(buf_reserve(&b, 1));
	assert_null(buf_reserve(&b, SIZE_MAX));
	buf_reset(&b);
	assert_true(buf_ok(&b));
	buf_printf(&b, "%d%d", 123, 45);
	assert_true(buf_ok(&b));
	buf_printf(&b, "%d", 6);
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "12345");
	buf_free(&b);
	assert_true(buf_ok(&b));
}

static void
in_place(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 1000);
	buf_put_u64(&b, 0);
	buf_put_u64(&b, UINT64_MAX);
	assert_string_equal(buf_cstr(&b), "018446744073709551615");
	buf_consume(&b, 19);
	assert_string_equal(buf_cstr(&b), "15");
	p = buf_reserve(&b, 500);
	assert_non_null(p);
	memset(p, 'x', 500);
	buf_commit(&b, 2);
	assert_string_equal(buf_cstr(&b), "15xx");
	buf_truncate(&b, 3);
	buf_truncate(&b, 99);
	assert_string_equal(buf_cstr(&b), "15x");
	buf_consume(&b, 3);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

/* Against an array that is large enough. */
static void
as_an_array(void **state)
{
	static char model[4096];
	struct buf b;
	size_t n = 0;
	int i;

	(void)state;
	buf_init(&b, sizeof(model));
	for (i = 0; i < 2000; i++) {
		char piece[64];
		size_t len = random_below(sizeof(piece) + 1);

		random_bytes(piece, sizeof(piece));
		if (n + len <= sizeof(model)) {
			memcpy(model + n, piece, len);
			n += len;
		}
		buf_put(&b, piece, len);
		if (random_below(20) == 0 && n > 0) {
			size_t off = random_below((uint32_t)n + 1);

			memmove(model, model + off, n - off);
			n -= off;
			buf_consume(&b, off);
		}
		assert_int_equal(b.n, n);
		if (n > 0)
			assert_memory_equal(b.p, model, n);
		assert_true(b.cap <= sizeof(model) + 1);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_writes),
		cmocka_unit_test(ceiling),
		cmocka_unit_test(in_place),
		cmocka_unit_test(as_an_array),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
