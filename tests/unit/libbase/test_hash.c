/* SPDX-License-Identifier: ISC */
/* Tests of hash.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "libbase/hash.h"

/* The vectors of the SipHash paper: key 00..0f, input 00..0e and nothing. */
static void
vectors(void **state)
{
	uint8_t key[16], in[15];
	uint8_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		key[i] = i;
	for (i = 0; i < 15; i++)
		in[i] = i;
	assert_true(hash_keyed(key, slice_of(in, 15)) == 0xa129ca6149be45e5);
	assert_true(hash_keyed(key, SLICE_NONE) == 0x726fdb47dd0e0e31);
	assert_true(hash_u64(1) == hash_u64(1));
	assert_true(hash_u64(1) != hash_u64(2));
}

static void
strings(void **state)
{
	struct map m = { 0 };
	int one, two;

	(void)state;
	assert_null(map_get(&m, SLICE("a")));
	assert_null(map_del(&m, SLICE("a")));
	assert_null(map_put(&m, SLICE("a"), &one));
	assert_ptr_equal(map_put(&m, SLICE("a"), &two), &one);
	assert_null(map_put(&m, SLICE_NONE, &one));
	assert_ptr_equal(map_get(&m, SLICE("a")), &two);
	assert_ptr_equal(map_get(&m, SLICE("")), &one);
	assert_null(map_get(&m, SLICE("A")));
	assert_int_equal(m.n, 2);
	assert_ptr_equal(map_del(&m, SLICE("a")), &two);
	assert_null(map_get(&m, SLICE("a")));
	map_free(&m);
	assert_int_equal(m.n, 0);
}

static void
visit_and_delete(void **state)
{
	struct idmap m = { { 0 } };
	struct map_entry *pos = NULL;
	static char values[1000];
	uint64_t key, sum = 0;
	size_t i;
	void *v;

	(void)state;
	assert_false(idmap_next(&m, &pos, &key, &v));
	for (i = 0; i < sizeof(values); i++)
		assert_null(idmap_put(&m, i, &values[i]));
	pos = NULL;
	while (idmap_next(&m, &pos, &key, &v)) {
		assert_ptr_equal(v, &values[key]);
		sum += key;
		if (key % 2 == 0)
			assert_ptr_equal(idmap_del(&m, key), v);
	}
	assert_int_equal(sum, 499500);
	assert_int_equal(m.m.n, 500);
	for (i = 0; i < sizeof(values); i++)
		assert_ptr_equal(
		    idmap_get(&m, i), i % 2 == 0 ? NULL : &values[i]);
	idmap_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(strings),
		cmocka_unit_test(visit_and_delete),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
