/* SPDX-License-Identifier: ISC */
/* The output chain: what leaves is what was queued, whatever the pieces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libbase/random.h"
#include "libnet/loop.h"
#include "libnet/out_private.h"

static char block[65536];

/* All of it, taken in pieces of at most step bytes. */
static void
drain(struct out *o, struct buf *to, size_t step)
{
	while (out_queued(o) > 0 && out_ok(o)) {
		struct iovec iov[4];
		unsigned n = out_gather(o, iov, 4, step, block, false);
		size_t total = 0;

		if (n == 0)
			break;
		for (unsigned i = 0; i < n; i++) {
			buf_put(to, iov[i].iov_base, iov[i].iov_len);
			total += iov[i].iov_len;
		}
		assert_true(total > 0 && total <= step);
		out_advance(o, total);
	}
}

static void
file_gives(const char *text, uint64_t off, uint64_t len, unsigned flags,
    uint64_t wire, const char *expect)
{
	for (size_t step = 1; step < 20; step++) {
		struct out o;
		struct buf got;

		out_init(&o, NULL, 1 << 20, NULL, NULL);
		buf_init(&got, 1 << 20);
		out_puts(&o, "<");
		out_file(&o, net_temp_file(text, strlen(text)), off, len, flags,
		    wire);
		out_puts(&o, ">");
		drain(&o, &got, step);
		if (expect == NULL) {
			assert_false(out_ok(&o));
		} else {
			assert_true(out_ok(&o));
			assert_int_equal(out_queued(&o), 0);
			assert_string_equal(buf_cstr(&got), expect);
		}
		out_free(&o);
		buf_free(&got);
	}
}

#define UNKNOWN OUT_WIRE_UNKNOWN

static void
test_files(void **state)
{
	(void)state;
	file_gives("abc", 0, 3, OUT_RAW, 3, "<abc>");
	file_gives("abc", 1, 1, OUT_RAW, UNKNOWN, "<b>");
	file_gives("a\nb\n", 0, 4, OUT_LF_TO_CRLF, 6, "<a\r\nb\r\n>");
	file_gives("a\r\nb\n", 0, 5, OUT_LF_TO_CRLF, 6, "<a\r\nb\r\n>");
	file_gives("a\r\rb\n\n", 0, 6, OUT_LF_TO_CRLF, 8, "<a\r\rb\r\n\r\n>");
	file_gives("\nb", 0, 2, OUT_LF_TO_CRLF, 3, "<\r\nb>");
	file_gives("a\r\nb", 2, 2, OUT_LF_TO_CRLF | OUT_AFTER_CR, 2, "<\nb>");
	file_gives("a\r\nb", 2, 2, OUT_LF_TO_CRLF, UNKNOWN, "<\r\nb>");
	/* A promise that ends inside a CRLF. */
	file_gives("a\nb\n", 0, 4, OUT_LF_TO_CRLF, 2, "<a\r>");
	file_gives("a\nb\n", 0, 4, OUT_LF_TO_CRLF, 5, "<a\r\nb\r>");
	/* A range that has more, a range that has less. */
	file_gives("abcdef", 0, 6, OUT_RAW, 4, "<abcd>");
	file_gives("abc", 0, 3, OUT_RAW, 4, NULL);
	file_gives("abc", 0, 9, OUT_RAW, 9, NULL);
	file_gives("abc", 0, 9, OUT_RAW, UNKNOWN, NULL);
	file_gives("", 0, 0, OUT_RAW, 1, NULL);
	file_gives("", 0, 0, OUT_RAW, UNKNOWN, "<>");
	file_gives("abc", 0, 3, OUT_RAW, 0, "<>");
}

static void
test_dots(void **state)
{
	const unsigned both = OUT_LF_TO_CRLF | OUT_DOT_STUFF;

	(void)state;
	file_gives(".a\n.\nb.\n", 0, 8, both, UNKNOWN, "<..a\r\n..\r\nb.\r\n>");
	file_gives(".a", 0, 2, both | OUT_MID_LINE, UNKNOWN, "<.a>");
	file_gives("a", 0, 1, both | OUT_END_LINE, UNKNOWN, "<a\r\n>");
	file_gives("a\r", 0, 2, both | OUT_END_LINE, UNKNOWN, "<a\r\r\n>");
	file_gives("a\n", 0, 2, both | OUT_END_LINE, UNKNOWN, "<a\r\n>");
	file_gives("", 0, 0, both | OUT_END_LINE, UNKNOWN, "<>");
	file_gives(".", 0, 1, both, 2, "<..>");
	file_gives("..", 0, 2, both, 1, "<.>");
}

static void
test_memory(void **state)
{
	struct out o;
	struct buf got, want;
	char line[64];

	(void)state;
	out_init(&o, NULL, 1 << 20, NULL, NULL);
	buf_init(&got, 1 << 20);
	buf_init(&want, 1 << 20);
	for (unsigned i = 0; i < 5000; i++) {
		int n = snprintf(line, sizeof line, "* %u FETCH\r\n", i);

		out_puts(&o, "* ");
		out_u64(&o, i);
		out_printf(&o, " %s\r\n", "FETCH");
		buf_put(&want, line, (size_t)n);
	}
	out_bytes(&o, want.p, 30000);
	buf_put(&want, want.p, 30000);
	memcpy(out_reserve(&o, 3), "end", 3);
	out_commit(&o, 3);
	buf_puts(&want, "end");
	assert_int_equal(out_queued(&o), want.n);
	drain(&o, &got, 777);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	buf_free(&got);
	buf_free(&want);
	out_free(&o);
}

/* The slow, plain way. */
static void
convert_plainly(const char *p, size_t n, struct buf *to)
{
	char prev = '\n';

	for (size_t i = 0; i < n; i++) {
		if (prev == '\n' && p[i] == '.')
			buf_putc(to, '.');
		if (p[i] == '\n' && prev != '\r')
			buf_putc(to, '\r');
		buf_putc(to, p[i]);
		prev = p[i];
	}
}

/* Below n; from one seed, for a system call a letter is slow. */
static unsigned
some(unsigned n)
{
	return (unsigned)random() % n;
}

static void
test_random_texts(void **state)
{
	unsigned seed = (unsigned)random_below(1u << 31);
	static const char letters[] = "abc.\r\n\n";
	char *text = malloc(200000);

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < 20; round++) {
		struct out o;
		struct buf got, want;
		size_t n = 1 + some(200000);
		bool known = round % 2 == 0;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[some(round < 10 ? 7 : 4 + some(4))];
		buf_init(&got, 1 << 20);
		buf_init(&want, 1 << 20);
		convert_plainly(text, n, &want);
		out_init(&o, NULL, 1 << 20, NULL, NULL);
		out_file(&o, net_temp_file(text, n), 0, n,
		    OUT_LF_TO_CRLF | OUT_DOT_STUFF,
		    known ? want.n : OUT_WIRE_UNKNOWN);
		drain(&o, &got, 1 + some(100000));
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.p, want.p, want.n);
		assert_int_equal(out_queued(&o), 0);
		assert_int_equal(o.memory, 0);
		out_free(&o);
		buf_free(&got);
		buf_free(&want);
	}
	free(text);
}

/* Many small bodies with texts between: joined into blocks of the loop. */
static void
test_many_small(void **state)
{
	static const char body[] = "Subject: x\n\n.hello\nworld";
	struct err err;
	struct loop *loop = loop_new(&err);
	struct out o;
	struct buf got, want;
	struct iovec iov[64];

	(void)state;
	out_init(&o, loop, 1 << 20, NULL, NULL);
	buf_init(&got, 1 << 20);
	buf_init(&want, 1 << 20);
	for (unsigned i = 0; i < 300; i++) {
		out_printf(&o, "* %u FETCH {27}\r\n", i);
		buf_printf(&want, "* %u FETCH {27}\r\n", i);
		out_file(&o, net_temp_file(body, sizeof body - 1), 0,
		    sizeof body - 1, OUT_LF_TO_CRLF, 27);
		buf_puts(&want, "Subject: x\r\n\r\n.hello\r\nworld");
		out_puts(&o, ")\r\n");
		buf_puts(&want, ")\r\n");
	}
	assert_int_equal(out_queued(&o), want.n);
	assert_true(out_gather(&o, iov, 64, 65536, block, true) < 8);
	drain(&o, &got, 5000);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	out_free(&o);
	buf_free(&got);
	buf_free(&want);
	loop_free(&loop);
}

static void
test_ceiling(void **state)
{
	struct out o;
	char big[2000] = { 0 };

	(void)state;
	out_init(&o, NULL, 1000, NULL, NULL);
	out_bytes(&o, big, 600);
	assert_true(out_ok(&o));
	out_bytes(&o, big, 600);
	assert_false(out_ok(&o));
	assert_null(out_reserve(&o, 1));
	out_file(&o, net_temp_file("x", 1), 0, 1, OUT_RAW, 1); /* closed */
	out_free(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files),
		cmocka_unit_test(test_dots), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_random_texts),
		cmocka_unit_test(test_many_small),
		cmocka_unit_test(test_ceiling) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
