/* SPDX-License-Identifier: ISC */
/*
 * FETCH items: a section that was taken is told so that it can be taken again;
 * what it finds lies within the message; FIELDS and FIELDS.NOT share the
 * header's fields. The first line is the items, the rest a message.
 * plants: 57 58
 */
#include <stdlib.h>
#include <string.h>

#include "imapd/fetch_items.h"
#include "libmessage/header.h"
#include "tests/unit/imapd/imap_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same_section(const struct fetch_section *a, const struct fetch_section *b)
{
	const struct imap_arg *f = a->fields, *g = b->fields;

	if (!slice_eq(a->part, b->part) || a->what != b->what)
		return false;
	for (; f != NULL && g != NULL; f = f->next, g = g->next)
		if (!slice_eq(f->text, g->text))
			return false;
	return f == NULL && g == NULL;
}

static void
print_and_read(const struct fetch_section *s)
{
	struct fetch_section again = *s, got;
	const struct imap_arg *a;
	struct imap_line line;
	struct buf b;
	struct err err;

	again.is_partial = false;
	buf_init(&b, MIB);
	section_put(&again, &b);
	a = imap_line_read(&line, buf_slice(&b), true);
	if (a == NULL || a->next != NULL ||
	    section_parse(a, &got, &err) == -1 || !same_section(s, &got))
		abort();
	imap_line_free(&line);
	buf_free(&b);
}

/* Octets of all fields that have a name. */
static size_t
fields_wire(struct slice header)
{
	struct header_iter it;
	struct header_field f;
	struct crlf_count n;
	size_t wire = 0;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		if (f.name.n == 0)
			continue;
		memset(&n, 0, sizeof(n));
		crlf_count(&n, f.raw);
		wire += crlf_wire(&n);
		if (f.raw.p[f.raw.n - 1] != '\n')
			wire += 2;
	}
	return wire;
}

static void
share_fields(const struct fetch_section *s, struct slice header)
{
	struct fetch_section one = *s;
	struct buf b;

	buf_init(&b, 4 * MIB);
	one.what = SECTION_FIELDS;
	section_put_fields(&one, header, &b);
	one.what = SECTION_FIELDS_NOT;
	section_put_fields(&one, header, &b);
	if (b.n != fields_wire(header) + 4)
		abort();
	buf_free(&b);
}

static void
look(const struct fetch_list *l, struct slice raw)
{
	struct mime_message msg;
	struct arena arena;
	struct mime_span span;
	unsigned i;

	arena_init(&arena, MAX_MESSAGE_ARENA);
	mime_parse(&msg, &arena, raw);
	for (i = 0; i < l->n; i++) {
		const struct fetch_section *s = &l->item[i].section;

		if (!l->item[i].row->has_section)
			continue;
		if (s->is_partial && s->count == 0)
			abort();
		print_and_read(s);
		if (!section_find(s, &msg, &span))
			continue;
		if (span.off > raw.n || span.bytes > raw.n - span.off)
			abort();
		if (s->fields != NULL)
			share_fields(s,
			    slice_head(slice_from(raw, (size_t)span.off),
				(size_t)span.bytes));
	}
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size), items;
	const struct imap_arg *a;
	struct imap_line line;
	struct fetch_list *l;
	struct err err = { 0 };

	if (size > 65536)
		return 0;
	(void)slice_cut(&rest, '\n', &items);
	a = imap_line_read(&line, items, true);
	if (a != NULL) {
		l = fetch_items_parse(a, &line.arena, &err);
		if (l == NULL && err.text[0] == '\0')
			abort();
		if (l != NULL)
			look(l, rest);
	}
	imap_line_free(&line);
	return 0;
}
