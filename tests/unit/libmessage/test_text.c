/* SPDX-License-Identifier: ISC */
/* Tests of text.c and text_fold.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libmessage/text.h"

static struct text_fold *fold;

static int
setup(void **state)
{
	(void)state;
	fold = text_fold_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	text_fold_free(fold);
	return 0;
}

/* Pairs that must be equal when folded. */
static const struct {
	const char *a, *b;
} equal[] = {
	{ "Hello, WORLD [@`{]", "hello, world [@`{]" },
	{ "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND RUNS",
	    "the quick brown fox jumps over the lazy dog and runs" },
	{ "GR\xc3\x9c\xc3\x9f"
	  "E",
	    "gr\xc3\xbc\xc3\x9f"
	    "e" },
	{ "\xc3\xa9", "e\xcc\x81" }, /* composed, decomposed */
	{ "\xd0\x9f\xd0\xa0\xd0\x98", "\xd0\xbf\xd1\x80\xd0\xb8" },
	{ "\xce\xa3\xce\xa3", "\xcf\x82\xcf\x83" }, /* both sigmas */
	{ "\xef\xbc\xa1", "a" },                    /* fullwidth */
	{ "\xef\xac\x81", "fi" },                   /* ligature */
	{ "a\xc2\xa0"
	  "b",
	    "a b" }, /* no-break space */
	{ "\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" }, /* hangul */
	{ "\xe2\x84\xaa", "k" },                                    /* kelvin */
	{ "\xe6\x97\xa5\xf0\x9f\x98\x80", "\xe6\x97\xa5\xf0\x9f\x98\x80" },
	{ "bad\xff\xc3", "BAD\xff\xc3" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
};

static void
folding(void **state)
{
	struct buf a, b;

	(void)state;
	buf_init(&a, 1000);
	buf_init(&b, 1000);
	for (size_t i = 0; i < N_ELEMENTS(equal); i++) {
		buf_reset(&a);
		buf_reset(&b);
		text_fold_put(fold, slice_str(equal[i].a), &a);
		text_fold_put(fold, slice_str(equal[i].b), &b);
		assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
	}
	buf_reset(&a);
	text_fold_put(fold, SLICE("A\xc3\x84Z"), &a);
	assert_string_equal(buf_cstr(&a), "aa\xcc\x88z");
	buf_free(&a);
	buf_free(&b);
}

/* Every character in one text, long enough to fill pieces. */
static void
folding_all(void **state)
{
	struct buf in, out, again, one;

	(void)state;
	buf_init(&in, 8 * MIB);
	buf_init(&out, 8 * MIB);
	buf_init(&again, 8 * MIB);
	buf_init(&one, 100);
	for (uint32_t c = 1; c < 0x20000; c++) {
		char p[4] = { (char)c };
		size_t n = 1;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c >= 0x10000) {
			n = 4;
			p[0] = (char)(0xf0 | c >> 18);
			p[1] = (char)(0x80 | (c >> 12 & 0x3f));
			p[2] = (char)(0x80 | (c >> 6 & 0x3f));
			p[3] = (char)(0x80 | (c & 0x3f));
		} else if (c >= 0x800) {
			n = 3;
			p[0] = (char)(0xe0 | c >> 12);
			p[1] = (char)(0x80 | (c >> 6 & 0x3f));
			p[2] = (char)(0x80 | (c & 0x3f));
		} else if (c >= 0x80) {
			n = 2;
			p[0] = (char)(0xc0 | c >> 6);
			p[1] = (char)(0x80 | (c & 0x3f));
		}
		buf_put(&in, p, n);
		buf_reset(&one);
		text_fold_put(fold, slice_of(p, n), &one);
		buf_put_slice(&again, buf_slice(&one));
	}
	text_fold_put(fold, buf_slice(&in), &out);
	assert_true(slice_eq(buf_slice(&out), buf_slice(&again)));
	assert_true(slice_is_utf8(buf_slice(&out)));
	/* What is folded stays. */
	buf_reset(&again);
	text_fold_put(fold, buf_slice(&out), &again);
	assert_true(slice_eq(buf_slice(&out), buf_slice(&again)));
	buf_free(&in);
	buf_free(&out);
	buf_free(&again);
	buf_free(&one);
}

static bool
matches(const char *needle, struct slice text, size_t piece)
{
	struct text_matcher m;
	bool found;

	text_matcher_init(&m, fold, slice_str(needle));
	for (; text.n > 0; text = slice_from(text, piece))
		(void)text_matcher_feed(&m, slice_head(text, piece));
	found = m.found;
	text_matcher_free(&m);
	return found;
}

static void
matcher(void **state)
{
	struct slice text = SLICE("abcabcabd the needle is here");

	(void)state;
	for (size_t piece = 1; piece < 30; piece++) {
		assert_true(matches("ABCABD", text, piece));
		assert_true(matches("abcabcabd", text, piece));
		assert_true(matches("here", text, piece));
		assert_true(matches("e", text, piece));
		assert_true(matches("", text, piece));
		assert_false(matches("abcabe", text, piece));
		assert_false(matches("hered", text, piece));
		assert_false(matches(
		    "abcabcabd the needle is here and more", text, piece));
		assert_true(
		    matches("abcabcabd the needle is here", text, piece));
	}
	assert_true(matches("", SLICE_NONE, 1));
}

static void
matcher_again(void **state)
{
	struct text_matcher m;

	(void)state;
	text_matcher_init(&m, fold, SLICE("ab"));
	assert_false(text_matcher_feed(&m, SLICE("xa")));
	text_matcher_reset(&m); /* another text: no match across */
	assert_false(text_matcher_feed(&m, SLICE("b")));
	assert_true(text_matcher_feed(&m, SLICE("ab")));
	assert_true(text_matcher_feed(&m, SLICE("x")));
	text_matcher_free(&m);
}

static void
headers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	text_fold_header(
	    fold, SLICE(" =?utf-8?q?GR=C3=9C?=\r\n =?utf-8?q?N?= Folded"), &b);
	assert_string_equal(buf_cstr(&b), "gru\xcc\x88n folded");
	buf_free(&b);
}

static void
stream(void **state)
{
	static const char text[] =
	    "Content-Type: text/plain; charset=iso-8859-1\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "Sch=F6ne Gr=FC=DFe an=\n Alle\n";
	struct slice all = slice_of(text, sizeof(text) - 1);
	struct mime_message msg;
	struct text_stream t;
	struct text_matcher m;
	struct arena a;

	(void)state;
	arena_init(&a, MAX_MESSAGE_ARENA);
	mime_parse(&msg, &a, all);
	assert_true(text_is_searchable(&msg.root));
	text_stream_begin(&t, fold, &msg.root);
	text_matcher_init(&m, fold,
	    SLICE("GR\xc3\x9c\xc3\x9f"
		  "E AN ALLE"));
	for (size_t i = (size_t)msg.root.body.off; i < all.n; i++)
		(void)text_matcher_feed(&m,
		    text_stream_feed(&t, slice_head(slice_from(all, i), 1)));
	assert_true(text_matcher_feed(&m, text_stream_end(&t)));
	text_matcher_free(&m);
	text_stream_free(&t);
	arena_free(&a);
}

static bool
searchable(const char *type)
{
	struct mime_message msg;
	struct arena a;
	struct buf b;
	bool yes;

	arena_init(&a, MAX_MESSAGE_ARENA);
	buf_init(&b, 1000);
	buf_printf(&b, "Content-Type: %s; boundary=x\n\n", type);
	mime_parse(&msg, &a, buf_slice(&b));
	yes = text_is_searchable(&msg.root);
	arena_free(&a);
	buf_free(&b);
	return yes;
}

static void
which_parts(void **state)
{
	(void)state;
	assert_true(searchable("text/html"));
	assert_true(searchable("TEXT/x-unknown"));
	assert_true(searchable("message/delivery-status"));
	assert_true(searchable("broken"));
	assert_false(searchable("message/rfc822"));
	assert_false(searchable("multipart/mixed"));
	assert_false(searchable("image/png"));
	assert_false(searchable("application/pdf"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folding),
		cmocka_unit_test(folding_all),
		cmocka_unit_test(matcher),
		cmocka_unit_test(matcher_again),
		cmocka_unit_test(headers),
		cmocka_unit_test(stream),
		cmocka_unit_test(which_parts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
