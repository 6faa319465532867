/* SPDX-License-Identifier: ISC */
/* Tests of crlf.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libmessage/crlf.h"

/* Deterministic bytes rich in line ends. */
static void
fill(char *p, size_t n, uint32_t seed)
{
	static const char set[] = "ab\r\n\n\r\0\xe4xyzwvutsrq";

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = set[(seed >> 16) % (sizeof(set) - 1)];
	}
}

static void
count(void **state)
{
	char p[700];

	(void)state;
	for (uint32_t seed = 0; seed < 200; seed++) {
		size_t n = seed * 3 + 5;
		uint64_t lines = 0, bare = 0;
		struct crlf_count whole = { 0 }, split = { 0 };

		fill(p, n, seed);
		for (size_t i = 0; i < n; i++) {
			lines += p[i] == '\n';
			bare += p[i] == '\n' && (i == 0 || p[i - 1] != '\r');
		}
		crlf_count(&whole, slice_of(p, n));
		assert_int_equal(whole.lines, lines);
		assert_int_equal(whole.bare_lf, bare);
		assert_int_equal(whole.has_nul, memchr(p, 0, n) != NULL);
		assert_int_equal(whole.has_8bit, memchr(p, 0xe4, n) != NULL);
		assert_int_equal(whole.last_cr, p[n - 1] == '\r');
		for (size_t i = 0, k; i < n; i += k) {
			k = 1 + (i * 7 + seed) % 40;
			crlf_count(&split,
			    slice_head(slice_from(slice_of(p, n), i), k));
		}
		assert_int_equal(split.bytes, n);
		assert_int_equal(crlf_wire(&split), crlf_wire(&whole));
		assert_int_equal(split.lines, whole.lines);
		assert_int_equal(split.has_nul, whole.has_nul);
		assert_int_equal(split.has_8bit, whole.has_8bit);
		assert_int_equal(split.last_cr, whole.last_cr);
	}
}

/* Long enough that a counter of a byte would overflow. */
static void
count_long(void **state)
{
	static char p[100000];
	struct crlf_count c = { 0 };

	(void)state;
	memset(p, '\n', sizeof(p));
	crlf_count(&c, slice_of(p, sizeof(p)));
	assert_int_equal(c.lines, sizeof(p));
	assert_int_equal(c.bare_lf, sizeof(p));
	assert_int_equal(crlf_wire(&c), 2 * sizeof(p));
}

static void
convert(void **state)
{
	struct crlf_pos pos = { 0 };
	struct slice in = SLICE("a\nb\r\nc\rd\n");
	const char want[] = "a\r\nb\r\nc\rd\r\n";
	char out[4];
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 1000);
	do {
		n = crlf_convert(&pos, &in, out, 2);
		buf_put(&b, out, n);
	} while (n > 0);
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(pos.wire, sizeof(want) - 1);
	assert_int_equal(pos.file, 9);
	/* CR at the end of one piece, LF at the start of the next. */
	buf_reset(&b);
	pos = (struct crlf_pos){ 0 };
	crlf_put(&pos, SLICE("x\r"), &b);
	crlf_put(&pos, SLICE("\ny"), &b);
	crlf_put(&pos, SLICE("\n"), &b);
	assert_string_equal(buf_cstr(&b), "x\r\ny\r\n");
	buf_free(&b);
}

static void
pass_over(void **state)
{
	char p[300], tail[2];
	struct buf all;

	(void)state;
	buf_init(&all, 10000);
	for (uint32_t seed = 0; seed < 20; seed++) {
		struct crlf_pos pos = { 0 };

		buf_reset(&all);
		fill(p, sizeof(p), seed);
		crlf_put(&pos, slice_of(p, sizeof(p)), &all);
		for (size_t from = 0; from < all.n; from++) {
			struct slice in = slice_of(p, sizeof(p));

			pos = (struct crlf_pos){ 0 };
			assert_int_equal(crlf_skip(&pos, &in, from), from);
			assert_int_equal(pos.file, sizeof(p) - in.n);
			assert_int_equal(crlf_convert(&pos, &in, tail, 1), 1);
			assert_int_equal(tail[0], all.p[from]);
		}
		struct slice in = slice_of(p, sizeof(p));

		pos = (struct crlf_pos){ 0 };
		assert_int_equal(crlf_skip(&pos, &in, UINT64_MAX), all.n);
	}
	buf_free(&all);
}

static void
map(void **state)
{
	struct crlf_map m;
	struct crlf_pos at = { 0 };

	(void)state;
	crlf_map_init(&m);
	assert_int_equal(crlf_map_find(&m, 1000000).wire, 0);
	for (uint64_t w = 0; w < (uint64_t)CRLF_MAP_STEP * 5000;
	     w += CRLF_MAP_STEP / 2) {
		at.wire = w;
		at.file = w - w / 80;
		crlf_map_note(&m, &at);
		crlf_map_note(&m, &at);
	}
	assert_true(m.n <= CRLF_MAP_MAX && m.n >= CRLF_MAP_MAX / 4);
	for (uint64_t w = 0; w < (uint64_t)CRLF_MAP_STEP * 5000; w += 777777) {
		at = crlf_map_find(&m, w);
		assert_true(at.wire <= w);
		assert_true(w - at.wire <= m.step * 2 || w < m.step * 2 ||
		    w > m.v[m.n - 1].wire);
	}
	crlf_map_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count),
		cmocka_unit_test(count_long),
		cmocka_unit_test(convert),
		cmocka_unit_test(pass_over),
		cmocka_unit_test(map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
