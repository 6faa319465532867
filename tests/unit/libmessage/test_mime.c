/* SPDX-License-Identifier: ISC */
/* Tests of mime.c, mime_fields.c and mime_part.c. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/libmessage/message_check.h"

#ifndef SRCDIR
#define SRCDIR "."
#endif
#define DATA "tests/unit/libmessage/data/"

struct parsed {
	struct buf bytes;
	struct arena arena;
	struct mime_message msg;
};

static void
parse(struct parsed *p, struct slice bytes)
{
	buf_init(&p->bytes, 64 * MIB);
	buf_put_slice(&p->bytes, bytes);
	arena_init(&p->arena, MAX_MESSAGE_ARENA);
	mime_parse(&p->msg, &p->arena, buf_slice(&p->bytes));
}

static void
parsed_free(struct parsed *p)
{
	buf_free(&p->bytes);
	arena_free(&p->arena);
}

static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rbe");
	char piece[4096];
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(out, piece, n);
	fclose(f);
	return true;
}

static void
parse_data(struct parsed *p, const char *name)
{
	const char *top = getenv("srcdir");
	char path[1000];
	struct buf b;

	buf_init(&b, 64 * MIB);
	snprintf(path, sizeof(path), "%s/" DATA "%s",
	    top == NULL ? SRCDIR : top, name);
	assert_true(read_file(path, &b));
	parse(p, buf_slice(&b));
	buf_free(&b);
}

static struct slice
body_of(const struct parsed *p, const char *section)
{
	const struct mime_part *part =
	    mime_part_find(&p->msg.root, slice_str(section));

	if (part == NULL)
		return SLICE_NONE;
	return slice_head(
	    slice_from(buf_slice(&p->bytes), (size_t)part->body.off),
	    (size_t)part->body.bytes);
}

static const struct mime_part *
part_of(const struct parsed *p, const char *section)
{
	return mime_part_find(&p->msg.root, slice_str(section));
}

static void
plain(void **state)
{
	struct parsed p;

	(void)state;
	parse_data(&p, "plain.eml");
	assert_int_equal(p.msg.n_parts, 1);
	assert_int_equal(p.msg.wire, p.msg.bytes + p.msg.lines);
	assert_true(mime_part_is(&p.msg.root, "text", "plain"));
	assert_true(slice_eq_str(p.msg.root.encoding, "7bit"));
	assert_ptr_equal(part_of(&p, "1"), &p.msg.root);
	assert_ptr_equal(part_of(&p, ""), &p.msg.root);
	assert_null(part_of(&p, "2"));
	assert_null(part_of(&p, "1.1"));
	assert_null(part_of(&p, "0"));
	assert_null(part_of(&p, "1."));
	assert_null(part_of(&p, "x"));
	assert_true(slice_starts(body_of(&p, "1"), "Hello Bob,\n"));
	assert_int_equal(p.msg.root.body.lines, 3);
	assert_true(slice_eq_str(p.msg.root.envelope->subject, "plain"));
	assert_true(slice_eq_str(
	    p.msg.root.envelope->from.first->host, "example.test"));
	assert_false(p.msg.has_8bit || p.msg.has_nul || p.msg.is_cut);
	parsed_free(&p);
}

static void
mixed(struct parsed *p, bool crlf)
{
	struct buf b;

	assert_int_equal(p->msg.n_parts, 10);
	assert_true(p->msg.has_8bit);
	assert_false(p->msg.has_8bit_header);
	assert_true(slice_eq_str(body_of(p, "1.1"),
	    "gr\xc3\xbc\xc3\x9f"
	    "e"));
	assert_true(slice_eq_str(body_of(p, "1.2"),
	    crlf ? "<p>gr=C3=BC=C3=9Fe</p>\r\n" : "<p>gr=C3=BC=C3=9Fe</p>\n"));
	assert_int_equal(part_of(p, "1.2")->body.lines, 1);
	assert_int_equal(part_of(p, "1.2")->body.wire, 24);
	assert_int_equal(part_of(p, "1.1")->body.lines, 0);
	assert_true(slice_starts(body_of(p, "2"), "iVBORw0KGgo="));
	assert_true(mime_part_is(part_of(p, "3"), "message", "rfc822"));
	assert_true(slice_eq_str(body_of(p, "3.1"), "one"));
	assert_true(slice_starts(body_of(p, "3.2"), "Subject: deeper"));
	assert_true(slice_eq_str(
	    body_of(p, "3.2.1"), crlf ? "two\r\nlines" : "two\nlines"));
	assert_null(part_of(p, "3.3"));
	assert_null(part_of(p, "3.2.1.1"));
	assert_null(part_of(p, "1.1.1"));
	assert_null(part_of(p, "4"));
	assert_true(slice_eq_str(
	    mime_part_message(part_of(p, "3"))->envelope->subject, "inside"));
	assert_null(mime_part_message(part_of(p, "2")));
	buf_init(&b, 1000);
	assert_true(mime_part_filename(part_of(p, "2"), &b));
	assert_string_equal(buf_cstr(&b), "\xc3\xa4 b.png");
	assert_false(mime_part_filename(part_of(p, "1"), &b));
	buf_free(&b);
}

static void
mixed_both(void **state)
{
	struct parsed lf, crlf;
	const struct mime_part *a, *b;

	(void)state;
	parse_data(&lf, "mixed.eml");
	parse_data(&crlf, "mixed-crlf.eml");
	mixed(&lf, false);
	mixed(&crlf, true);
	/* The same sizes on the wire, whatever is stored. */
	assert_int_equal(crlf.msg.bytes, crlf.msg.wire);
	assert_int_equal(lf.msg.wire, crlf.msg.wire);
	b = &crlf.msg.root;
	for (a = &lf.msg.root; a != NULL; a = mime_part_next(a)) {
		assert_int_equal(a->header.wire, b->header.wire);
		assert_int_equal(a->body.wire, b->body.wire);
		assert_int_equal(a->body.lines, b->body.lines);
		b = mime_part_next(b);
	}
	assert_null(b);
	parsed_free(&lf);
	parsed_free(&crlf);
}

static void
digest(void **state)
{
	struct parsed p;

	(void)state;
	parse_data(&p, "digest.eml");
	assert_true(mime_part_is(part_of(&p, "1"), "message", "rfc822"));
	assert_true(slice_eq_str(body_of(&p, "1.1"), "one"));
	assert_true(slice_eq_str(body_of(&p, "2.1"), "two"));
	assert_true(slice_eq_str(
	    mime_part_message(part_of(&p, "2"))->envelope->subject, "second"));
	assert_true(slice_eq_str(body_of(&p, "3"), "trailer"));
	parsed_free(&p);
}

static void
mbox(void **state)
{
	struct parsed p;

	(void)state;
	parse_data(&p, "mbox.eml");
	assert_true(slice_eq_str(p.msg.root.envelope->subject, "kept"));
	assert_true(slice_eq_str(body_of(&p, "1"), "text\n"));
	parsed_free(&p);
}

static void
broken(void **state)
{
	struct parsed p;

	(void)state;
	parse_data(&p, "broken.eml");
	assert_true(mime_part_is(part_of(&p, "1"), "multipart", "mixed"));
	assert_true(mime_part_is(part_of(&p, "1.1"), "text", "plain"));
	assert_int_equal(part_of(&p, "1.1")->body.bytes, 0);
	assert_true(part_of(&p, "1.1")->header.bytes > 0);
	assert_true(mime_part_is(part_of(&p, "1.2"), "message", "rfc822"));
	assert_non_null(mime_part_message(part_of(&p, "1.2")));
	assert_true(mime_part_is(part_of(&p, "2"), "text", "plain"));
	assert_true(slice_eq_str(body_of(&p, "2"), "no boundary, a leaf"));
	assert_true(mime_part_is(part_of(&p, "3"), "text", "plain"));
	assert_true(part_of(&p, "4")->is_message);
	assert_null(part_of(&p, "5"));
	parsed_free(&p);
}

static void
mixed_ends(void **state)
{
	struct parsed p;

	(void)state;
	parse_data(&p, "mixed-ends.eml");
	assert_true(p.msg.has_nul && p.msg.has_8bit && p.msg.has_8bit_header);
	assert_int_equal(p.msg.wire, p.msg.bytes + 3);
	assert_int_equal(p.msg.root.body.lines, 4);
	parsed_free(&p);
	parse_data(&p, "empty.eml");
	assert_int_equal(p.msg.wire, 0);
	assert_int_equal(p.msg.n_parts, 1);
	assert_true(mime_part_is(&p.msg.root, "text", "plain"));
	parsed_free(&p);
	parse_data(&p, "body-only.eml");
	assert_int_equal(p.msg.root.header.bytes, 1);
	assert_true(slice_eq_str(body_of(&p, "1"), "body\n"));
	parsed_free(&p);
}

/* Parts within parts within parts: the rest is text. */
static void
too_deep(void **state)
{
	struct parsed p;
	struct buf b;
	const struct mime_part *part;
	unsigned deepest = 0;

	(void)state;
	buf_init(&b, MIB);
	for (int i = 0; i < 200; i++)
		buf_printf(&b,
		    "Content-Type: multipart/mixed; boundary=b%d_\n\n--b%d_\n",
		    i, i);
	buf_puts(&b, "\nbottom\n");
	parse(&p, buf_slice(&b));
	for (part = &p.msg.root; part != NULL; part = mime_part_next(part))
		deepest = part->depth > deepest ? part->depth : deepest;
	assert_int_equal(deepest, MAX_MIME_DEPTH - 1);
	assert_true(p.msg.is_cut);
	assert_null(message_check(buf_slice(&b), 1));
	parsed_free(&p);
	buf_reset(&b);
	for (int i = 0; i < 200; i++)
		buf_puts(&b, "Content-Type: message/rfc822\n\n");
	parse(&p, buf_slice(&b));
	assert_int_equal(p.msg.n_parts, MAX_MIME_DEPTH);
	assert_null(message_check(buf_slice(&b), 1));
	parsed_free(&p);
	buf_free(&b);
}

static void
too_many(void **state)
{
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b, MIB);
	buf_puts(&b, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < MAX_MIME_PARTS + 50; i++)
		buf_puts(&b, "--b\n\n");
	buf_puts(&b, "--b--\n");
	parse(&p, buf_slice(&b));
	assert_int_equal(p.msg.n_parts, MAX_MIME_PARTS);
	assert_true(p.msg.is_cut);
	assert_int_equal(p.msg.root.body.off + p.msg.root.body.bytes, b.n);
	parsed_free(&p);
	/* Long boundaries, long headers. */
	buf_reset(&b);
	buf_puts(&b, "Content-Type: multipart/mixed; boundary=");
	for (int i = 0; i < MAX_BOUNDARY + 1; i++)
		buf_putc(&b, 'b');
	buf_puts(&b, "\n\n--b\n");
	parse(&p, buf_slice(&b));
	assert_int_equal(p.msg.n_parts, 1);
	assert_true(mime_part_is(&p.msg.root, "text", "plain"));
	parsed_free(&p);
	buf_reset(&b);
	for (int i = 0; i < 30000; i++)
		buf_puts(&b, "X-Long: header field\n");
	buf_puts(&b, "Subject: too late\n\nbody");
	parse(&p, buf_slice(&b));
	assert_null(p.msg.root.envelope->subject.p);
	assert_true(slice_eq_str(body_of(&p, "1"), "body"));
	parsed_free(&p);
	buf_free(&b);
}

static void
small_arena(void **state)
{
	struct mime_message msg;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, MIB);
	buf_puts(
	    &b, "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < 100; i++)
		buf_puts(&b, "--b\nContent-ID: <a>\n\ntext\n");
	for (size_t max = 0; max < 20000; max += 97) {
		arena_init(&a, max);
		mime_parse(&msg, &a, buf_slice(&b));
		assert_true(msg.is_cut);
		assert_int_equal(msg.bytes, b.n);
		assert_int_equal(
		    msg.root.header.bytes + msg.root.body.bytes, b.n);
		arena_free(&a);
	}
	buf_free(&b);
}

static int n_checked;

static int
check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct buf b;
	const char *bad;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	buf_init(&b, 256 * MIB);
	assert_true(read_file(path, &b));
	bad = message_check(buf_slice(&b), (uint32_t)n_checked * 7919);
	if (bad != NULL)
		fail_msg("%s: %s", path, bad);
	buf_free(&b);
	n_checked++;
	return 0;
}

static void
properties(void **state)
{
	const char *top = getenv("srcdir");
	char path[1000];

	(void)state;
	snprintf(path, sizeof(path), "%s/" DATA, top == NULL ? SRCDIR : top);
	assert_int_equal(nftw(path, check_file, 20, FTW_PHYS), 0);
	assert_true(n_checked >= 9);
}

static void
corpus(void **state)
{
	const char *top = getenv("srcdir");
	const char *dir = getenv("RESTANTE_CORPUS");
	char path[1000];

	(void)state;
	snprintf(path, sizeof(path), "%s/../shared/corpus",
	    top == NULL ? SRCDIR : top);
	n_checked = 0;
	(void)nftw(dir == NULL ? path : dir, check_file, 20, FTW_PHYS);
	if (n_checked == 0)
		skip();
	print_message("%d messages of the corpus\n", n_checked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(mixed_both),
		cmocka_unit_test(digest),
		cmocka_unit_test(mbox),
		cmocka_unit_test(broken),
		cmocka_unit_test(mixed_ends),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(too_many),
		cmocka_unit_test(small_arena),
		cmocka_unit_test(properties),
		cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
