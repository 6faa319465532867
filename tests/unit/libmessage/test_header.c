/* SPDX-License-Identifier: ISC */
/* Tests of header.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmessage/header.h"

static const char block[] = "From alice Tue Mar  3 10:00:00 2026\n"
			    "Received: by a\r\n"
			    "received: by b\r\n"
			    "X-Long: one\r\n two\r\n\tthree\r\n"
			    "no colon here\n"
			    "X-Empty:\n"
			    "To : obsolete@example.org\n"
			    "\n"
			    "Body: no field\n";

static void
iterate(void **state)
{
	static const char *names[] = { "", "Received", "received", "X-Long", "",
		"X-Empty", "To" };
	struct header_iter it;
	struct header_field f;
	size_t n = 0, bytes = 0;

	(void)state;
	header_begin(&it, slice_str(block));
	while (header_next(&it, &f)) {
		assert_true(n < N_ELEMENTS(names));
		assert_true(slice_eq_str(f.name, names[n]));
		bytes += f.raw.n;
		n++;
	}
	assert_int_equal(n, N_ELEMENTS(names));
	assert_int_equal(header_length(slice_str(block)), bytes + 1);
	assert_true(slice_eq_str(slice_trim(f.value), "obsolete@example.org"));
}

static void
find(void **state)
{
	struct header_field f;

	(void)state;
	assert_true(header_find(slice_str(block), "RECEIVED", &f));
	assert_true(slice_eq_str(f.value, " by a"));
	assert_true(slice_eq_str(f.raw, "Received: by a\r\n"));
	assert_true(header_find(slice_str(block), "x-empty", &f));
	assert_int_equal(f.value.n, 0);
	assert_false(header_find(slice_str(block), "Body", &f));
	assert_false(header_find(slice_str(block), "", &f));
	assert_false(header_find(SLICE_NONE, "To", &f));
	/* A colon in a continuation is none of the name. */
	assert_false(header_find(SLICE("abc\n def: x\n"), "abc\n def", &f));
	assert_int_equal(header_length(SLICE("a: b")), 4);
	assert_int_equal(header_length(SLICE("\r\nx")), 2);
	assert_int_equal(header_length(SLICE_NONE), 0);
}

static void
unfold(void **state)
{
	struct arena a;
	struct buf b;
	struct slice v = SLICE(" one\r\n two\n\tthree\r\n");

	(void)state;
	arena_init(&a, 1000);
	buf_init(&b, 1000);
	assert_true(slice_eq_str(header_unfold(&a, v), "one two\tthree"));
	header_put_unfolded(&b, v);
	assert_true(slice_eq_str(buf_slice(&b), "one two\tthree"));
	v = SLICE(" plain ");
	assert_ptr_equal(header_unfold(&a, v).p, v.p + 1);
	v = header_unfold(&a, SLICE("  "));
	assert_non_null(v.p);
	assert_int_equal(v.n, 0);
	/* A lone CR is kept, a NUL is not. */
	assert_true(slice_eq_str(header_unfold(&a, SLICE("a\rb\0c")), "a\rbc"));
	arena_free(&a);
	arena_init(&a, 0);
	assert_null(header_keep(&a, SLICE("x\n y")).p);
	arena_free(&a);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iterate),
		cmocka_unit_test(find),
		cmocka_unit_test(unfold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
