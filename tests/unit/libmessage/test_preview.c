/* SPDX-License-Identifier: ISC */
/* Tests of preview.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmessage/preview.h"

static const struct {
	const char *message, *want;
} previews[] = {
	{ "\nHello,\n\n  how   are\tyou?\n", "Hello, how are you?" },
	{ "\n> quoted\n  > more\nanswer\n>> last\n", "answer" },
	{ "Content-Type: text/plain; charset=iso-8859-1\n"
	  "Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe an=\n "
	  "alle",
	    "Gr\xc3\xbc\xc3\x9f"
	    "e an alle" },
	{ "Content-Type: text/html\n\n<html><head><title>T</title><style>p "
	  "{a:b}</style></head><body>Ein W<b>or</b>t<br>und&nbsp;noch "
	  "&lt;eins&gt; &unknown; AT&T &uuml;<!-- <p>no --><script>a<b "
	  "c</script> end",
	    "Ein Wort und noch <eins> AT&T \xc3\xbc end" },
	{ "Content-Type: text/html\n\n<head>never closed<body>text", "text" },
	{ "Content-Type: image/png\n\nabc", "" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
	  "text/html\n\n<p>html\n--b\nContent-Disposition: attachment\n\n"
	  "file\n--b\n\nplain\n--b--\n",
	    "plain" },
};

static void
preview(struct slice message, size_t piece, struct buf *out)
{
	const struct mime_part *part;
	struct mime_message msg;
	struct preview p;
	struct arena a;
	struct slice body;

	arena_init(&a, MAX_MESSAGE_ARENA);
	mime_parse(&msg, &a, message);
	part = preview_part(&msg.root);
	if (part != NULL) {
		body = slice_head(slice_from(message, (size_t)part->body.off),
		    (size_t)part->body.bytes);
		preview_begin(&p, part);
		for (; body.n > 0; body = slice_from(body, piece))
			if (preview_feed(&p, slice_head(body, piece)))
				break;
		preview_end(&p, out);
	}
	arena_free(&a);
}

static void
texts(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N_ELEMENTS(previews); i++) {
		for (size_t piece = 1; piece < 300; piece += piece) {
			buf_reset(&b);
			preview(slice_str(previews[i].message), piece, &b);
			assert_string_equal(buf_cstr(&b), previews[i].want);
		}
	}
	buf_free(&b);
}

static void
length(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 100000);
	buf_init(&out, 100000);
	buf_puts(&in, "Content-Type: text/plain; charset=utf-8\n\n");
	for (int i = 0; i < 1000; i++)
		buf_puts(&in, "\xf0\x9f\x98\x80");
	for (size_t piece = 1; piece < 5000; piece *= 3) {
		buf_reset(&out);
		preview(buf_slice(&in), piece, &out);
		assert_int_equal(out.n, PREVIEW_CHARS * 4);
		assert_true(slice_is_utf8(buf_slice(&out)));
	}
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
