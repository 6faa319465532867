/* SPDX-License-Identifier: ISC */
/* FETCH: sections as they are read and told, and octets of every piece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/fetch_body.h"
#include "libbase/mem.h"
#include "tests/unit/imapd/imap_line.h"
#include "tests/unit/libmaildir/box.h"

/* ---- sections ---- */

static const struct {
	const char *text;
	const char *told; /* NULL: bad */
	unsigned needs;
} sections[] = {
	{ "BODY[]", "BODY[]", NEED_FILE },
	{ "BODY.PEEK[]<0.5>", "BODY[]<0>", NEED_FILE },
	{ "body[header]", "BODY[HEADER]", NEED_HEADER },
	{ "BODY[TEXT]<7.4294967295>", "BODY[TEXT]<7>", NEED_HEADER },
	{ "BODY[HEADER.FIELDS (a \"b\")]", "BODY[HEADER.FIELDS (a \"b\")]",
	    NEED_HEADER },
	{ "BODY[1.10.3]", "BODY[1.10.3]", NEED_WHOLE },
	{ "BODY[1.mime]", "BODY[1.MIME]", NEED_WHOLE },
	{ "BODY[2.HEADER.FIELDS.NOT (x)]", "BODY[2.HEADER.FIELDS.NOT (x)]",
	    NEED_WHOLE },
	{ "BODY[MIME]", NULL, 0 },
	{ "BODY[.TEXT]", NULL, 0 },
	{ "BODY[1.]", NULL, 0 },
	{ "BODY[1..2]", NULL, 0 },
	{ "BODY[0]", NULL, 0 },
	{ "BODY[1.0]", NULL, 0 },
	{ "BODY[1TEXT]", NULL, 0 },
	{ "BODY[\"1\"]", NULL, 0 },
	{ "BODY[TEXT (a)]", NULL, 0 },
	{ "BODY[1 (a)]", NULL, 0 },
	{ "BODY[HEADER.FIELDS]", NULL, 0 },
	{ "BODY[HEADER.FIELDS ()]", NULL, 0 },
	{ "BODY[HEADER.FIELDS (a) (b)]", NULL, 0 },
	{ "BODY[HEADER.FIELDS ((a))]", NULL, 0 },
	{ "BODY[]<>", NULL, 0 },
	{ "BODY[]<1>", NULL, 0 },
	{ "BODY[]<1.0>", NULL, 0 },
	{ "BODY[]<1.2", NULL, 0 },
	{ "BODY[]<4294967296.1>", NULL, 0 },
};

static void
test_sections(void **state)
{
	struct imap_line line;
	const struct imap_arg *a;
	struct fetch_section s;
	struct err err;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, KIB);
	for (i = 0; i < N_ELEMENTS(sections); i++) {
		a = imap_line_read(&line, slice_str(sections[i].text), true);
		if (sections[i].told == NULL) {
			if (a != NULL && a->next == NULL)
				assert_int_equal(
				    section_parse(a, &s, &err), -1);
		} else {
			assert_non_null(a);
			assert_int_equal(section_parse(a, &s, &err), 0);
			buf_reset(&b);
			section_put(&s, &b);
			assert_string_equal(buf_cstr(&b), sections[i].told);
			assert_int_equal(section_needs(&s), sections[i].needs);
		}
		imap_line_free(&line);
	}
	buf_free(&b);
}

static void
test_items(void **state)
{
	static const char *const bad[] = { "NOSUCH", "()", "(ALL)", "(FLAGS X)",
		"RFC822[]", "BODY.PEEK", "FLAGS UID", "\"FLAGS\"", "((FLAGS))",
		"(BODY[1.])" };
	struct imap_line line;
	struct fetch_list *l;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(bad); i++) {
		assert_null(fetch_items_parse(
		    imap_line_read(&line, slice_str(bad[i]), true), &line.arena,
		    &err));
		imap_line_free(&line);
	}
	l = fetch_items_parse(
	    imap_line_read(&line,
		SLICE("(flags Flags BODY.PEEK[HEADER] RFC822.SIZE)"), true),
	    &line.arena, &err);
	assert_non_null(l);
	assert_int_equal(l->n, 3); /* asked for twice, told once */
	assert_int_equal(l->needs, NEED_HEADER | NEED_SIZE);
	assert_false(l->marks_seen);
	fetch_items_add(l, "UID");
	assert_true(l->has_uid);
	imap_line_free(&line);
}

/* ---- octets ---- */

static const char raw[] = "Subject: x\n"
			  "Content-Type: multipart/mixed; boundary=b\r\n"
			  "\n"
			  "pre\n"
			  "--b\n"
			  "\n"
			  "one\r\ntwo\nthree\r\rfour\n\n\r\n"
			  "--b\n"
			  "Content-Type: message/rfc822\n"
			  "\n"
			  "Subject: y\n"
			  "\n"
			  "in\nit\n"
			  "--b--\n";

struct piece {
	struct box box;
	struct fetch_answer a;
	struct fetch_source *src;
};

static void
open_message(struct piece *p, struct scratch *scratch, const char *text)
{
	struct err err;

	memset(p, 0, sizeof(*p));
	box_open(&p->box, scratch, false);
	(void)box_save(p->box.mb, text, 0);
	box_sync(&p->box);
	p->a.src = fetch_source_get(&p->src);
	assert_int_equal(
	    fetch_source_open(p->src, p->box.mb, view_rec(p->box.v, 1), &err),
	    0);
	buf_init(&p->a.text, 64 * MIB);
}

static void
close_message(struct piece *p)
{
	fetch_source_free(&p->src);
	buf_free(&p->a.text);
	box_close(&p->box);
}

/* What stands in the answer behind the length. */
static struct slice
told(struct piece *p, const struct fetch_section *s)
{
	struct slice t, head;
	struct err err;

	buf_reset(&p->a.text);
	assert_int_equal(fetch_put_section(&p->a, s, &err), 0);
	assert_int_equal(p->a.n_pieces, 0);
	t = buf_slice(&p->a.text);
	if (slice_eq_str(t, "\"\""))
		return slice_head(t, 0);
	assert_true(slice_starts(t, "{"));
	assert_true(slice_cut(&t, '\n', &head));
	return t;
}

static void
every_piece(struct piece *p, const char *part, enum section_what what)
{
	struct fetch_section s = { .part = slice_str(part), .what = what };
	char whole[512];
	struct slice t = told(p, &s);
	size_t n = t.n, off, count;

	assert_true(n < sizeof(whole));
	memcpy(whole, t.p, n);
	s.is_partial = true;
	for (off = 0; off <= n + 1; off++) {
		for (count = 1; count <= n + 1; count += 1 + count / 8) {
			size_t left = off < n ? n - off : 0;

			s.offset = off;
			s.count = count;
			t = told(p, &s);
			assert_int_equal(t.n, left < count ? left : count);
			assert_memory_equal(t.p, whole + off, t.n);
		}
	}
}

static void
test_pieces(void **state)
{
	struct piece p;
	struct err err;

	open_message(&p, *state, raw);
	assert_int_equal(fetch_source_header(p.src, &err), 0);
	every_piece(&p, "", SECTION_ALL);
	every_piece(&p, "", SECTION_HEADER);
	every_piece(&p, "", SECTION_TEXT);
	assert_null(p.src->whole); /* none of these needs the structure */
	assert_int_equal(fetch_source_whole(p.src, &err), 0);
	every_piece(&p, "", SECTION_TEXT);
	every_piece(&p, "1", SECTION_ALL);
	every_piece(&p, "2", SECTION_ALL);
	every_piece(&p, "2", SECTION_HEADER);
	every_piece(&p, "2", SECTION_TEXT);
	every_piece(&p, "2", SECTION_MIME);
	every_piece(&p, "2.1", SECTION_ALL);
	close_message(&p);
}

/* A part of 8 MiB in order and backwards: no byte is passed twice. */
static void
test_large_part(void **state)
{
	const uint64_t step = 100 * 1000, n = 8 * MIB;
	struct fetch_section s = { .part = SLICE("1"), .is_partial = true };
	struct piece p;
	struct buf b;
	struct err err;
	struct slice t;
	uint64_t i, k;

	buf_init(&b, 64 * MIB);
	buf_puts(&b, "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n");
	for (i = 0; i < n; i += 8)
		buf_printf(&b, "%07llu\n", (unsigned long long)(i / 8));
	buf_puts(&b, "\n--b--\n");
	open_message(&p, *state, buf_cstr(&b));
	assert_int_equal(fetch_source_whole(p.src, &err), 0);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < n / 8 * 9 - 18; i += step * 9) {
			s.offset = k == 0 ? i : n / 8 * 9 - 18 - i;
			s.offset -= s.offset % 9;
			s.count = 9;
			t = told(&p, &s);
			buf_reset(&b);
			buf_printf(&b, "%07llu\r\n",
			    (unsigned long long)(s.offset / 9));
			assert_int_equal(t.n, 9);
			assert_memory_equal(t.p, b.p, 9);
		}
	}
	assert_true(p.src->map.n > 20); /* places to go on from */
	close_message(&p);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_items),
		scratch_test(test_pieces),
		scratch_test(test_large_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
