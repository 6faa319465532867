/* SPDX-License-Identifier: ISC */
/* Tests of seqset.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/random.h"
#include "libbase/seqset.h"

/* Parse text, print it; "bad" when it is refused. */
static void
expect(const char *text, uint32_t star, const char *want)
{
	struct seqset s;
	struct buf b;

	seqset_init(&s, 5);
	buf_init(&b, 1000);
	if (seqset_parse(slice_str(text), star, &s) == -1)
		buf_puts(&b, "bad");
	else
		seqset_print(&s, &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
	seqset_free(&s);
}

static void
syntax(void **state)
{
	(void)state;
	expect("1", 9, "1");
	expect("3:1", 9, "1:3");
	expect("1,2,3", 9, "1:3");
	expect("5,1:2,3,9", 9, "1:3,5,9");
	expect("*", 9, "9");
	expect("*:4", 9, "4:9");
	expect("12:*", 9, "9:12");
	expect("*:*", 9, "9");
	expect("*", 0, "");
	expect("*:*", 0, "");
	expect("7:*", 0, "7");
	expect("1:4294967295,4294967295", 9, "1:4294967295");
	expect("4294967295,4294967294", 9, "4294967294:4294967295");
	expect("", 9, "bad");
	expect(",", 9, "bad");
	expect("1,", 9, "bad");
	expect("1:", 9, "bad");
	expect(":1", 9, "bad");
	expect("1:2:3", 9, "bad");
	expect("0", 9, "bad");
	expect("01", 9, "bad");
	expect("4294967296", 9, "bad");
	expect("$", 9, "bad");
	expect("1 2", 9, "bad");
	expect("1,3,5,7,9", 9, "1,3,5,7,9");
	expect("1,3,5,7,9,11", 9, "bad");
	expect("11,9,7,5,3,1", 9, "bad");
	/* Many, but few ranges in the end. */
	expect("9,7,5,3,1,9,7,5,3,1,9,7,5,3,1,9,7,5,3,1", 9, "1,3,5,7,9");
	expect("9,7,5,3,1,8,6,4,2,9,7,5,3,1,8,6,4,2", 9, "1:9");
}

static void
ceiling(void **state)
{
	struct seqset s, t;

	(void)state;
	seqset_init(&s, 2);
	seqset_init(&t, 1);
	seqset_add(&s, 1, 1);
	seqset_add(&s, 3, 3);
	seqset_add(&s, 5, 5);
	assert_true(s.failed);
	assert_int_equal(seqset_count(&s), 2);
	seqset_add(&s, 2, 2); /* joins two: allowed */
	assert_int_equal(s.n, 1);
	seqset_reset(&s);
	seqset_add(&s, 1, 9);
	seqset_add(&s, 20, 20);
	seqset_remove(&s, 5, 5); /* would make three */
	assert_true(s.failed);
	seqset_copy(&t, &s);
	assert_true(t.failed);
	assert_int_equal(t.n, 0);
	seqset_free(&s);
	seqset_free(&t);
	seqset_init(&s, 10);
	seqset_add(&s, 0, 0);
	assert_int_equal(s.n, 0);
	seqset_add(&s, 0, UINT32_MAX);
	assert_true(seqset_count(&s) == UINT32_MAX);
	assert_false(seqset_has(&s, 0));
	assert_true(seqset_has(&s, UINT32_MAX));
	seqset_remove(&s, 0, UINT32_MAX);
	assert_int_equal(s.n, 0);
	assert_int_equal(seqset_max(&s), 0);
	seqset_free(&s);
}

#define UNIVERSE 200

static void
same(const struct seqset *s, const bool *model)
{
	struct seqset_iter it;
	uint32_t v, at;
	size_t i;

	seqset_iter_init(&it, s);
	for (at = 0; at < UNIVERSE; at++) {
		assert_int_equal(seqset_has(s, at), model[at]);
		if (model[at]) {
			assert_true(seqset_next(&it, &v));
			assert_int_equal(v, at);
		}
	}
	assert_false(seqset_next(&it, &v));
	for (i = 1; i < s->n; i++)
		assert_true(s->r[i].lo > s->r[i - 1].hi + 1);
}

/* Random operations, against an array of bool; print and parse give it back. */
static void
as_an_array(void **state)
{
	struct seqset s, again, other;
	bool model[UNIVERSE] = { false };
	struct buf b;
	int round;

	(void)state;
	seqset_init(&s, UNIVERSE);
	seqset_init(&again, UNIVERSE);
	seqset_init(&other, UNIVERSE);
	buf_init(&b, 10000);
	for (round = 0; round < 3000; round++) {
		uint32_t lo = 1 + random_below(UNIVERSE - 1);
		uint32_t hi = lo + random_below(UNIVERSE - lo);
		bool put = random_below(2) == 0;

		if (random_below(3) > 0 && hi > lo + 3)
			hi = lo + 3;
		memset(model + lo, put, hi - lo + 1);
		if (put)
			seqset_add(&s, lo, hi);
		else
			seqset_remove(&s, lo, hi);
		same(&s, model);
		if (s.n > 0) {
			buf_reset(&b);
			seqset_print(&s, &b);
			assert_int_equal(
			    seqset_parse(buf_slice(&b), 0, &again), 0);
			assert_true(seqset_equal(&s, &again));
		}
		seqset_copy(&other, &s);
		seqset_intersect(&other, lo, hi);
		seqset_copy(&again, &s);
		seqset_remove(&again, lo, hi);
		seqset_union(&again, &other);
		assert_true(seqset_equal(&s, &again));
	}
	buf_free(&b);
	seqset_free(&s);
	seqset_free(&again);
	seqset_free(&other);
}

static void
iterate_to_the_end(void **state)
{
	struct seqset_iter it;
	struct seqset s;
	uint32_t v;

	(void)state;
	seqset_init(&s, 4);
	seqset_add(&s, UINT32_MAX - 1, UINT32_MAX);
	seqset_iter_init(&it, &s);
	assert_true(seqset_next(&it, &v));
	assert_true(seqset_next(&it, &v));
	assert_true(v == UINT32_MAX);
	assert_false(seqset_next(&it, &v));
	seqset_intersect(&s, 9, 3);
	assert_int_equal(s.n, 0);
	seqset_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax),
		cmocka_unit_test(ceiling),
		cmocka_unit_test(as_an_array),
		cmocka_unit_test(iterate_to_the_end),
	};

	return cmocka_run_group_tests_name("seqset", tests, NULL, NULL);
}
