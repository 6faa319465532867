/* SPDX-License-Identifier: ISC */
/* The section of a BODY item. */
#include <string.h>

#include "imapd/fetch_section.h"
#include "imapd/imap_reply.h"
#include "libmessage/crlf.h"
#include "libmessage/header.h"

static const struct {
	const char *name;
	enum section_what what;
	bool has_fields;
	bool needs_part;
} section_words[] = {
	{ "HEADER", SECTION_HEADER, false, false },
	{ "HEADER.FIELDS", SECTION_FIELDS, true, false },
	{ "HEADER.FIELDS.NOT", SECTION_FIELDS_NOT, true, false },
	{ "TEXT", SECTION_TEXT, false, false },
	{ "MIME", SECTION_MIME, false, true },
};

/* Digits with single dots between them at the front, taken off with the dot
 * behind them: "1.2" of "1.2.TEXT". "1." says nothing behind its dot and "1X"
 * is no number: nothing is taken then, and what is left is no word. */
static struct slice
cut_part(struct slice *text)
{
	size_t i = 0, end = 0;
	struct slice part;

	while (i < text->n && text->p[i] >= '1' && text->p[i] <= '9') {
		while (i < text->n && ascii_is_digit(text->p[i]))
			i++;
		end = i;
		if (i == text->n || text->p[i] != '.')
			break;
		i++;
	}
	if (end == 0 ||
	    (end < text->n && (text->p[end] != '.' || end + 1 == text->n)))
		return SLICE_NONE;
	part = slice_head(*text, end);
	*text = slice_from(*text, end + 1);
	return part;
}

/* "<0.10>", RFC 9051 9: number "." nz-number. */
static int
parse_partial(struct slice suffix, struct fetch_section *out, struct err *err)
{
	struct slice off, count;

	if (suffix.n == 0)
		return 0;
	if (suffix.n < 5 || suffix.p[0] != '<' || suffix.p[suffix.n - 1] != '>')
		return err_set(err, ERR_INVALID, "Bad partial");
	count = slice_of(suffix.p + 1, suffix.n - 2);
	slice_cut(&count, '.', &off);
	if (slice_u64(off, UINT32_MAX, &out->offset) == -1 ||
	    slice_u64(count, UINT32_MAX, &out->count) == -1)
		return err_set(err, ERR_INVALID, "Bad partial");
#if PLANT != 58
	if (out->count == 0)
		return err_set(err, ERR_INVALID, "Bad partial");
#endif
	out->is_partial = true;
	return 0;
}

static int
check_fields(const struct imap_arg *list, struct err *err)
{
	const struct imap_arg *f;

	if (list == NULL || list->kind != ARG_LIST || list->child == NULL ||
	    list->next != NULL)
		return err_set(
		    err, ERR_INVALID, "List of header fields expected");
	for (f = list->child; f != NULL; f = f->next)
		if (f->kind == ARG_LIST || !imap_arg_is_astring(f))
			return err_set(err, ERR_INVALID,
			    "Name of a header field expected");
	return 0;
}

/* The words within the brackets, from the first one on. */
static int
parse_words(const struct imap_arg *a, struct fetch_section *s, struct err *err)
{
	struct slice word = a->text;
	const struct imap_arg *list = a->next;
	size_t i;

	if (a->kind != ARG_ATOM)
		return err_set(err, ERR_INVALID, "Bad section");
	s->part = cut_part(&word);
	if (word.n == 0 && s->part.n > 0 && list == NULL)
		return 0; /* BODY[1.2] */
	for (i = 0; i < N_ELEMENTS(section_words); i++)
		if (slice_ieq_str(word, section_words[i].name))
			break;
	if (i == N_ELEMENTS(section_words) ||
	    (section_words[i].needs_part && s->part.n == 0) ||
	    (!section_words[i].has_fields && list != NULL))
		return err_set(err, ERR_INVALID, "Bad section");
	s->what = section_words[i].what;
	if (!section_words[i].has_fields)
		return 0;
	if (check_fields(list, err) == -1)
		return -1;
	s->fields = list->child;
	return 0;
}

int
section_parse(
    const struct imap_arg *a, struct fetch_section *out, struct err *err)
{
	struct fetch_section s = { .part = SLICE_NONE };

	if (parse_partial(a->suffix, &s, err) == -1)
		return -1;
	if (a->child != NULL && parse_words(a->child, &s, err) == -1)
		return -1;
	*out = s;
	return 0;
}

unsigned
section_needs(const struct fetch_section *s)
{
	if (s->part.n > 0)
		return NEED_WHOLE;
	return s->what == SECTION_ALL ? NEED_FILE : NEED_HEADER;
}

void
section_put(const struct fetch_section *s, struct buf *out)
{
	const struct imap_arg *f;
	size_t i;

	buf_puts(out, "BODY[");
	buf_put_slice(out, s->part);
	for (i = 0; i < N_ELEMENTS(section_words); i++)
		if (s->what == section_words[i].what) {
#if PLANT != 57
			if (s->part.n > 0)
				buf_putc(out, '.');
#endif
			buf_puts(out, section_words[i].name);
		}
	if (s->fields != NULL) {
		buf_puts(out, " (");
		for (f = s->fields; f != NULL; f = f->next) {
			if (f->kind == ARG_ATOM)
				buf_put_slice(out, f->text);
			else
				imap_put_string(out, f->text);
			if (f->next != NULL)
				buf_putc(out, ' ');
		}
		buf_putc(out, ')');
	}
	buf_putc(out, ']');
	if (s->is_partial) {
		buf_putc(out, '<');
		buf_put_u64(out, s->offset);
		buf_putc(out, '>');
	}
}

/* A multipart without parts is told with one of no octets, as the grammar wants
 * one: it can be asked for. */
static bool
is_invented(const struct fetch_section *s, const struct mime_message *m)
{
	struct slice up = s->part;
	const struct mime_part *p;

	if (up.n == 0 || up.p[up.n - 1] != '1')
		return false;
	up.n--;
	if (up.n > 0 && up.p[up.n - 1] != '.')
		return false; /* "11" */
	if (up.n > 0)
		up.n--;
	p = mime_part_find(&m->root, up);
	if (p != NULL && p->is_message && up.n > 0)
		p = mime_part_message(p);
	return p != NULL && p->is_multipart && p->first == NULL;
}

bool
section_find(const struct fetch_section *s, const struct mime_message *m,
    struct mime_span *out)
{
	const struct mime_part *p = mime_part_find(&m->root, s->part);

	if (p == NULL) {
		*out = (struct mime_span){ 0 };
		return (s->what == SECTION_ALL || s->what == SECTION_MIME) &&
		    is_invented(s, m);
	}
	switch (s->what) {
	case SECTION_ALL:
		*out = p->body;
		if (s->part.n == 0)
			*out = (struct mime_span){ .bytes = m->bytes,
				.wire = m->wire,
				.lines = m->lines };
		return true;
	case SECTION_MIME:
		*out = p->header;
		return true;
	case SECTION_HEADER:
	case SECTION_FIELDS:
	case SECTION_FIELDS_NOT:
	case SECTION_TEXT:
		break;
	}
	if (s->part.n > 0)
		p = mime_part_message(p);
	if (p == NULL)
		return false;
	*out = s->what == SECTION_TEXT ? p->body : p->header;
	return true;
}

static bool
is_named(const struct fetch_section *s, struct slice name)
{
	const struct imap_arg *f;

	for (f = s->fields; f != NULL; f = f->next)
		if (slice_ieq(f->text, name))
			return true;
	return false;
}

void
section_put_fields(
    const struct fetch_section *s, struct slice header, struct buf *out)
{
	struct header_iter it;
	struct header_field f;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		struct crlf_pos pos = { 0 };

		if (f.name.n == 0 ||
		    is_named(s, f.name) != (s->what == SECTION_FIELDS))
			continue;
		crlf_put(&pos, f.raw, out);
		if (f.raw.n > 0 && f.raw.p[f.raw.n - 1] != '\n')
			buf_puts(out, "\r\n");
	}
	buf_puts(out, "\r\n");
}
