/* SPDX-License-Identifier: ISC */
/* Tests of mem.c, random.c and clock.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libbase/random.h"

static void
strings(void **state)
{
	char *s = xstrdup("abc");
	char *t = xstrndup("abcdef", 4);
	char *u = xasprintf("%s-%d", s, 7);
	char *v = xstrndup(NULL, 0);

	(void)state;
	assert_string_equal(s, "abc");
	assert_string_equal(t, "abcd");
	assert_string_equal(u, "abc-7");
	assert_string_equal(v, "");
	xfree(s);
	xfree(t);
	xfree(u);
	xfree(v);
}

static void
nothing(void **state)
{
	void *p = xmalloc(0);
	void *q = xcalloc(0, 8);

	(void)state;
	p = xreallocarray(p, 0, 0);
	assert_non_null(p);
	assert_non_null(q);
	xfree(p);
	xfree(q);
	xfree(NULL);
	mem_wipe(NULL, 0);
	assert_true(mem_equal_secret(NULL, NULL, 0));
}

static void
secrets(void **state)
{
	static char large[SECRET_MAX + 1];
	struct secret s = { 0 };
	static const struct secret empty;

	(void)state;
	assert_int_equal(secret_set(&s, SLICE("pass word")), 0);
	assert_int_equal(s.n, 9);
	assert_string_equal(s.bytes, "pass word");
	assert_int_equal(secret_set(&s, slice_of("a\0b", 3)), -1);
	assert_memory_equal(&s, &empty, sizeof(s));
	memset(large, 'x', sizeof(large));
	assert_int_equal(secret_set(&s, slice_of(large, SECRET_MAX)), 0);
	assert_int_equal(s.n, SECRET_MAX);
	assert_int_equal(s.bytes[SECRET_MAX], 0);
	assert_int_equal(secret_set(&s, slice_of(large, SECRET_MAX + 1)), -1);
	assert_memory_equal(&s, &empty, sizeof(s));
	assert_int_equal(secret_set(&s, SLICE_NONE), 0);
	assert_int_equal(s.n, 0);
	assert_true(mem_equal_secret("abc", "abc", 3));
	assert_false(mem_equal_secret("abc", "abd", 3));
}

static void
random_numbers(void **state)
{
	unsigned seen[5] = { 0 };
	int i;

	(void)state;
	assert_true(random_u64() != random_u64());
	for (i = 0; i < 1000; i++)
		seen[random_below(5)]++;
	for (i = 0; i < 5; i++)
		assert_in_range(seen[i], 100, 300);
	assert_int_equal(random_below(1), 0);
}

static void
clocks(void **state)
{
	uint64_t a = clock_mono_us();
	uint64_t b = clock_mono_us();
	time_t now = clock_now();

	(void)state;
	assert_true(a <= b);
	clock_shift_us(INT64_C(-3600) * 1000000);
	assert_in_range(now - clock_now(), 3598, 3600);
	clock_shift_us(0);
	assert_in_range(clock_now() - now, 0, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(nothing),
		cmocka_unit_test(secrets),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(clocks),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
