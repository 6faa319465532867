/* SPDX-License-Identifier: ISC */
/* FETCH items: the table and how each is written. */
#include <string.h>

#include "imapd/fetch_items.h"
#include "imapd/imap_reply.h"
#include "imapd/update.h"
#include "libbase/ceilings.h"
#include "libmessage/summary.h"
#include "libnet/out.h"

static int
put_flags(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	(void)item;
	(void)err;
	buf_puts(&a->text, "FLAGS (");
	update_put_flags(&a->text, a->s, a->rec);
	buf_putc(&a->text, ')');
	return 0;
}

static int
put_uid(struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	(void)item;
	(void)err;
	buf_printf(&a->text, "UID %u", a->rec->uid);
	return 0;
}

static int
put_date(struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	(void)item;
	(void)err;
	buf_puts(&a->text, "INTERNALDATE ");
	imap_put_date_time(&a->text, a->rec->internaldate, 0);
	return 0;
}

static int
put_size(struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	(void)item;
	(void)err;
	buf_puts(&a->text, "RFC822.SIZE ");
	buf_put_u64(&a->text, a->rec->wire);
	return 0;
}

static int
put_envelope(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	(void)item;
	(void)err;
	buf_puts(&a->text, "ENVELOPE ");
	summary_put_envelope(&a->text, a->parsed->root.envelope, 0);
	return 0;
}

static int
put_structure(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	bool is_extended =
	    slice_ieq_str(SLICE("BODYSTRUCTURE"), item->row->name);

	(void)err;
	buf_puts(&a->text, item->row->name);
	buf_putc(&a->text, ' ');
	summary_put_body(&a->text, &a->parsed->root, is_extended, 0);
	return 0;
}

/* ---- sections ---- */

/* Clip to what a partial asks for: how many octets are told. */
static uint64_t
clip(const struct fetch_section *s, uint64_t wire)
{
	if (!s->is_partial)
		return wire;
	if (s->offset >= wire)
		return 0;
	return wire - s->offset < s->count ? wire - s->offset : s->count;
}

/* Pass over the first octets of a span: where the range begins in the file. */
static int
seek_span(struct fetch_answer *a, const struct mime_span *span, uint64_t wire,
    struct crlf_pos *pos, struct err *err)
{
	char block[3500];
	size_t n;

	*pos = (struct crlf_pos){ .file = span->off };
	while (pos->wire < wire) {
		uint64_t left = span->off + span->bytes - pos->file;
		size_t want = left < sizeof block ? (size_t)left : sizeof block;
		struct slice in;

		if (fetch_read_stored(
			a->file, pos->file, block, want, &n, err) == -1)
			return -1;
		if (n == 0)
			return err_set(err, ERR_CORRUPT, "message is cut off");
		in = slice_of(block, n);
		(void)crlf_skip(pos, &in, wire - pos->wire);
	}
	return 0;
}

static int
add_piece(struct fetch_answer *a, const struct mime_span *span,
    const struct crlf_pos *pos, uint64_t wire, struct err *err)
{
	struct fetch_piece *p = &a->pieces[a->n_pieces];

	if (wire > 0 && pos->owes_lf) {
		buf_putc(&a->text, '\n');
		wire--;
	}
	if (wire == 0)
		return 0;
	if (a->n_pieces == FETCH_PIECES_MAX)
		return err_set(err, ERR_LIMIT, "too many bodies at once");
	if (fetch_dup(a->file, &p->fd, err) == -1)
		return -1;
	p->at = a->text.n;
	p->off = pos->file;
	p->len = span->off + span->bytes - pos->file;
	p->wire = wire;
	p->flags = OUT_LF_TO_CRLF | (pos->last_cr ? OUT_AFTER_CR : 0);
	a->n_pieces++;
	return 0;
}

static int
put_range(struct fetch_answer *a, const struct fetch_section *s,
    const struct mime_span *span, struct err *err)
{
	uint64_t wire = clip(s, span->wire);
	struct crlf_pos pos = { .file = span->off };

	if (wire == 0) {
		buf_puts(&a->text, "\"\"");
		return 0;
	}
	if (s->is_partial && s->offset > 0) {
		int rc = span->off == 0 && span->bytes == a->parsed->bytes ?
		    fetch_locate(a->file, s->offset, &pos, err) :
		    seek_span(a, span, s->offset, &pos, err);

		if (rc == -1)
			return -1;
	}
	buf_printf(&a->text, "{%llu}\r\n", (unsigned long long)wire);
	return add_piece(a, span, &pos, wire, err);
}

/* A subset of a header: in memory, bounded as the parser bounds a header. */
static int
put_fields(struct fetch_answer *a, const struct fetch_section *s,
    const struct mime_span *span, struct err *err)
{
	uint64_t left =
	    span->bytes < MAX_HEADER_BYTES ? span->bytes : MAX_HEADER_BYTES;
	struct buf header, subset;
	uint64_t told;
	int rc = 0;

	buf_init(&header, MAX_HEADER_BYTES);
	buf_init(&subset, 2 * MAX_HEADER_BYTES + 2);
	while (rc == 0 && left > header.n) {
		size_t want = (size_t)(left - header.n), n = 0;
		char *room = buf_reserve(&header, want);

		rc = fetch_read_stored(
		    a->file, span->off + header.n, room, want, &n, err);
		if (rc == 0 && n == 0)
			rc = err_set(err, ERR_CORRUPT, "message is cut off");
		if (rc == 0)
			buf_commit(&header, n);
	}
	if (rc == 0) {
		section_put_fields(s, buf_slice(&header), &subset);
		told = clip(s, subset.n);
		buf_printf(&a->text, "{%llu}\r\n", (unsigned long long)told);
		buf_put_slice(&a->text,
		    slice_head(slice_from(buf_slice(&subset),
				   s->is_partial ? (size_t)s->offset : 0),
			(size_t)told));
	}
	buf_free(&header);
	buf_free(&subset);
	return rc;
}

static int
put_found(
    struct fetch_answer *a, const struct fetch_section *s, struct err *err)
{
	struct mime_span span;

	buf_putc(&a->text, ' ');
	if (!section_find(s, a->parsed, &span)) {
		buf_puts(&a->text, "NIL");
		return 0;
	}
	if (s->what == SECTION_FIELDS || s->what == SECTION_FIELDS_NOT)
		return put_fields(a, s, &span, err);
	return put_range(a, s, &span, err);
}

static int
put_section(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	section_put(&item->section, &a->text);
	return put_found(a, &item->section, err);
}

/* The whole message needs no structure: sizes are enough. */
static int
put_whole(
    struct fetch_answer *a, struct fetch_item const *item, struct err *err)
{
	struct mime_span span = { .bytes = fetch_size(a->file) };
	const struct fetch_section *s = &item->section;
	struct crlf_pos pos = { 0 };
	uint64_t wire;

	if (fetch_wire(a->file, &span.wire, err) == -1)
		return -1;
	if (item->row->has_section)
		section_put(s, &a->text);
	else
		buf_puts(&a->text, item->row->name);
	buf_putc(&a->text, ' ');
	wire = clip(s, span.wire);
	if (wire == 0) {
		buf_puts(&a->text, "\"\"");
		return 0;
	}
	if (s->is_partial && s->offset > 0 &&
	    fetch_locate(a->file, s->offset, &pos, err) == -1)
		return -1;
	buf_printf(&a->text, "{%llu}\r\n", (unsigned long long)wire);
	return add_piece(a, &span, &pos, wire, err);
}

static int
put_rfc822(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	struct fetch_section s = { .what = item->row->as };

	buf_puts(&a->text, item->row->name);
	return put_found(a, &s, err);
}

/* The row of BODY[] once its section is known to be everything. */
static const struct fetch_row whole_row = { .name = "BODY",
	.needs = NEED_FILE,
	.has_section = true,
	.marks_seen = true,
	.put = put_whole };
static const struct fetch_row whole_peek_row = { .name = "BODY.PEEK",
	.needs = NEED_FILE,
	.has_section = true,
	.put = put_whole };

static const struct fetch_row fetch_rows[] = {
	{ .name = "ALL", .macro = "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE" },
	{ .name = "FAST", .macro = "FLAGS INTERNALDATE RFC822.SIZE" },
	{ .name = "FULL",
	    .macro = "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
	{ .name = "FLAGS", .put = put_flags },
	{ .name = "UID", .put = put_uid },
	{ .name = "INTERNALDATE", .needs = NEED_DATE, .put = put_date },
	{ .name = "RFC822.SIZE", .needs = NEED_SIZE, .put = put_size },
	{ .name = "ENVELOPE", .needs = NEED_PARSED, .put = put_envelope },
	{ .name = "BODY", .needs = NEED_PARSED, .put = put_structure },
	{ .name = "BODYSTRUCTURE", .needs = NEED_PARSED, .put = put_structure },
	{ .name = "BODY",
	    .needs = NEED_PARSED,
	    .has_section = true,
	    .marks_seen = true,
	    .put = put_section },
	{ .name = "BODY.PEEK",
	    .needs = NEED_PARSED,
	    .has_section = true,
	    .put = put_section },
	{ .name = "RFC822",
	    .needs = NEED_FILE,
	    .marks_seen = true,
	    .put = put_whole },
	{ .name = "RFC822.HEADER",
	    .needs = NEED_PARSED,
	    .put = put_rfc822,
	    .as = SECTION_HEADER },
	{ .name = "RFC822.TEXT",
	    .needs = NEED_PARSED,
	    .marks_seen = true,
	    .put = put_rfc822,
	    .as = SECTION_TEXT },
};

/* ---- reading the items ---- */

static const struct fetch_row *
find_row(struct slice name, bool has_section)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(fetch_rows); i++)
		if (fetch_rows[i].has_section == has_section &&
		    slice_ieq_str(name, fetch_rows[i].name))
			return &fetch_rows[i];
	return NULL;
}

static int
add_row(struct fetch_list *l, const struct fetch_row *row,
    const struct fetch_section *section, struct err *err)
{
	struct fetch_item *it = &l->item[l->n];
	unsigned i;

	for (i = 0; !row->has_section && i < l->n; i++)
		if (l->item[i].row == row)
			return 0; /* asked for twice, told once */
	if (l->n == FETCH_ITEMS_MAX)
		return err_set(err, ERR_LIMIT, "Too many items");
	it->row = row;
	if (section != NULL) {
		it->section = *section;
		if (section->what == SECTION_ALL && section->part.n == 0)
			it->row =
			    row->marks_seen ? &whole_row : &whole_peek_row;
	}
	l->n++;
	l->needs |= it->row->needs;
	l->marks_seen |= row->marks_seen;
	l->has_flags |= row->put == put_flags;
	l->has_uid |= row->put == put_uid;
	return 0;
}

static int
add_macro(struct fetch_list *l, const char *names, struct err *err)
{
	struct slice rest = slice_str(names), name;

	while (rest.n > 0) {
		slice_cut(&rest, ' ', &name);
		if (add_row(l, find_row(name, false), NULL, err) == -1)
			return -1;
	}
	return 0;
}

static int
add_item(struct fetch_list *l, const struct imap_arg *a, bool may_be_macro,
    struct err *err)
{
	const struct fetch_row *row;
	struct fetch_section section;

	row = a->kind == ARG_ATOM ? find_row(a->text, a->has_section) : NULL;
	if (row == NULL || (row->macro != NULL && !may_be_macro))
		return err_set(err, ERR_INVALID, "Unknown FETCH item");
	if (row->macro != NULL)
		return add_macro(l, row->macro, err);
	if (!row->has_section)
		return add_row(l, row, NULL, err);
	if (section_parse(a, &section, err) == -1)
		return -1;
	return add_row(l, row, &section, err);
}

struct fetch_list *
fetch_items_parse(
    const struct imap_arg *a, struct arena *arena, struct err *err)
{
	struct fetch_list *l = arena_zero(arena, sizeof *l);

	if (l == NULL || a == NULL || a->next != NULL) {
		err_set(err, ERR_INVALID, "FETCH items expected");
		return NULL;
	}
	if (a->kind != ARG_LIST)
		return add_item(l, a, true, err) == -1 ? NULL : l;
	if (a->child == NULL) {
		err_set(err, ERR_INVALID, "FETCH items expected");
		return NULL;
	}
	for (a = a->child; a != NULL; a = a->next)
		if (add_item(l, a, false, err) == -1)
			return NULL;
	return l;
}

void
fetch_items_add(struct fetch_list *l, const char *name)
{
	struct err err;

	/* full lists have room for what was asked; these two come first */
	(void)add_row(l, find_row(slice_str(name), false), NULL, &err);
}
