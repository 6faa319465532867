/* SPDX-License-Identifier: ISC */
/* Tests of decode.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmessage/decode.h"

static const struct {
	enum decode_kind kind;
	const char *in, *want;
} texts[] = {
	{ DECODE_NONE, "a=\r\nb", "a=\r\nb" },
	{ DECODE_BASE64, "", "" },
	{ DECODE_BASE64, "aGVsbG8gd29ybGQ=", "hello world" },
	{ DECODE_BASE64, "aGVs\r\nbG8g\r\n d29y!bGQ=\r\n", "hello world" },
	{ DECODE_BASE64, "aGVsbG8gd29ybGQ", "hello world" },
	{ DECODE_BASE64, "aGVsbG8=\r\n-- \r\nfooter", "hello" },
	{ DECODE_BASE64, "=aGVsbG8=", "hello" },
	{ DECODE_BASE64, "YQ==", "a" },
	{ DECODE_BASE64, "Y", "" },
	{ DECODE_BASE64, "\xff\xfeYW\xffI=", "ab" },
	{ DECODE_QP, "", "" },
	{ DECODE_QP, "J=C3=BCrgen", "J\xc3\xbcrgen" },
	{ DECODE_QP, "soft=\r\nbreak=\nhere", "softbreakhere" },
	{ DECODE_QP, "soft= \t \r\nbreak", "softbreak" },
	{ DECODE_QP, "blanks \t\r\nat end \nkept =20 \n",
	    "blanks\r\nat end\nkept  \n" },
	{ DECODE_QP, "a  b", "a  b" },
	{ DECODE_QP, "=3d=3D", "==" },
	{ DECODE_QP, "bad =ZZ =4 =", "bad =ZZ =4 " },
	{ DECODE_QP, "x=4", "x=4" },
	{ DECODE_QP, "==41", "=A" },
	{ DECODE_QP, "=\rx", "=\rx" },
	{ DECODE_QP, "end =", "end " },
	{ DECODE_QP, "end  ", "end" },
};

static void
run(enum decode_kind kind, struct slice in, size_t piece, struct buf *out)
{
	struct decode d;

	decode_begin(&d, kind);
	for (; in.n > 0; in = slice_from(in, piece))
		decode_feed(&d, slice_head(in, piece), out);
	decode_end(&d, out);
}

static void
decode(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		for (size_t piece = 1; piece < 50; piece += piece / 2 + 1) {
			buf_reset(&b);
			run(texts[i].kind, slice_str(texts[i].in), piece, &b);
			assert_string_equal(buf_cstr(&b), texts[i].want);
		}
	}
	buf_free(&b);
}

static void
kinds(void **state)
{
	(void)state;
	assert_int_equal(decode_kind(SLICE(" BASE64 ")), DECODE_BASE64);
	assert_int_equal(decode_kind(SLICE("Quoted-Printable")), DECODE_QP);
	assert_int_equal(decode_kind(SLICE("x-uuencode")), DECODE_NONE);
	assert_int_equal(decode_kind(SLICE_NONE), DECODE_NONE);
}

static void
long_blanks(void **state)
{
	struct buf in, out, split;

	(void)state;
	buf_init(&in, 10000);
	buf_init(&out, 10000);
	buf_init(&split, 10000);
	for (int i = 0; i < 300; i++)
		buf_putc(&in, i % 3 == 0 ? '\t' : ' ');
	buf_puts(&in, "\r\nx");
	run(DECODE_QP, buf_slice(&in), 1000, &out);
	run(DECODE_QP, buf_slice(&in), 1, &split);
	assert_true(slice_eq(buf_slice(&out), buf_slice(&split)));
	buf_free(&in);
	buf_free(&out);
	buf_free(&split);
}

static void
encode(void **state)
{
	struct decode_base64_lines e;
	struct buf text, out, back;

	(void)state;
	buf_init(&text, 10000);
	buf_init(&out, 10000);
	buf_init(&back, 10000);
	for (size_t n = 0; n < 250; n++) {
		size_t column = 0;

		buf_reset(&out);
		buf_reset(&back);
		decode_encode_begin(&e, "\r\n");
		for (size_t i = 0; i < n; i += 7)
			decode_encode_feed(&e,
			    slice_head(slice_from(buf_slice(&text), i), 7),
			    &out);
		decode_encode_end(&e, &out);
		for (size_t i = 0; i < out.n; i++) {
			column = out.p[i] == '\n' ? 0 : column + 1;
			assert_true(column <= 77);
		}
		assert_int_equal(column, 0);
		run(DECODE_BASE64, buf_slice(&out), 13, &back);
		assert_true(slice_eq(buf_slice(&text), buf_slice(&back)));
		buf_putc(&text, (char)(n * 37));
	}
	buf_free(&text);
	buf_free(&out);
	buf_free(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(kinds),
		cmocka_unit_test(long_blanks),
		cmocka_unit_test(encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
