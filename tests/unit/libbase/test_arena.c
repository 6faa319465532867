/* SPDX-License-Identifier: ISC */
/* Tests of arena.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/arena.h"

static void
ceiling(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 128);
	assert_non_null(arena_alloc(&a, 100));
	assert_int_equal(arena_used(&a), 112);
	assert_null(arena_alloc(&a, 17));
	assert_true(a.failed);
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 0));
	arena_reset(&a);
	assert_false(a.failed);
	assert_int_equal(arena_used(&a), 0);
	assert_non_null(arena_alloc(&a, 128));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_array(&a, SIZE_MAX, 2));
	assert_null(arena_dup(&a, "", SIZE_MAX));
	arena_free(&a);
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, 1));
	assert_true(a.failed);
	arena_free(&a);
	arena_init(&a, SIZE_MAX);
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_free(&a);
}

static void
copies(void **state)
{
	struct arena a;
	struct slice s;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_string_equal(arena_strdup(&a, "abc"), "abc");
	assert_string_equal(arena_dup(&a, NULL, 0), "");
	assert_string_equal(arena_printf(&a, "%s%d", "x", 5), "x5");
	s = arena_slice(&a, SLICE("word"));
	assert_true(slice_eq_str(s, "word"));
	assert_int_equal(s.p[4], 0);
	assert_int_equal(((char *)arena_zero(&a, 5000))[4999], 0);
	arena_free(&a);
	arena_init(&a, 8);
	s = arena_slice(&a, SLICE("too long"));
	assert_null(s.p);
	assert_null(arena_printf(&a, "%d", 123456789));
	assert_true(a.failed);
	arena_free(&a);
}

static void
many(void **state)
{
	unsigned char *p[500];
	struct arena a;
	size_t round, i;

	(void)state;
	arena_init(&a, 1 << 20);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < N_ELEMENTS(p); i++) {
			p[i] = arena_alloc(&a, i);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)(i & 0xff), i);
		}
		for (i = 1; i < N_ELEMENTS(p); i++) {
			assert_int_equal(p[i][0], i & 0xff);
			assert_int_equal(p[i][i - 1], i & 0xff);
		}
		arena_reset(&a);
	}
	assert_non_null(arena_alloc(&a, 900000));
	arena_reset(&a);
	arena_free(&a);
}

struct trace {
	char order[8];
	size_t n;
};
struct note {
	struct trace *t;
	char c;
};

static void
note(void *arg)
{
	struct note *n = arg;

	n->t->order[n->t->n++] = n->c;
}

static void
hooks(void **state)
{
	struct trace t = { 0 };
	struct note one = { &t, '1' };
	struct note two = { &t, '2' };
	struct arena a;

	(void)state;
	arena_init(&a, 16);
	arena_on_reset(&a, note, &one);
	arena_on_reset(&a, note, &two);
	arena_reset(&a);
	assert_string_equal(t.order, "21");
	arena_on_reset(&a, note, &one);
	arena_free(&a);
	assert_string_equal(t.order, "211");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ceiling),
		cmocka_unit_test(copies),
		cmocka_unit_test(many),
		cmocka_unit_test(hooks),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
