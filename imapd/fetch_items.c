/* SPDX-License-Identifier: ISC */
/* FETCH items: the table and how each is written. */
#include <string.h>

#include "imapd/condstore.h"
#include "imapd/fetch_body.h"
#include "imapd/fetch_items.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_user.h"
#include "imapd/update.h"
#include "libbase/ceilings.h"
#include "libmessage/summary.h"
#include "libnet/out.h"

/* ---- what is known without the file ---- */

static struct kept *
kept_of(const struct fetch_answer *a)
{
	return a->s->user == NULL ? NULL : a->s->user->kept;
}

static bool
is_known(const struct fetch_answer *a, const struct fetch_item *item)
{
	return (a->known & item->by) != 0;
}

/* What was put behind start says it for every client: it is kept. */
static void
keep(struct fetch_answer *a, enum summary_kind kind,
    const struct mime_message *m, size_t start)
{
	if (kept_of(a) != NULL && kept_is_plain(m))
		summary_keep(a->s->box, a->rec, kind,
		    slice_from(buf_slice(&a->text), start));
}

/* ---- the items ---- */

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
	buf_puts(&a->text, "UID ");
	buf_put_u64(&a->text, a->rec->uid);
	return 0;
}

static int
put_modseq(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	(void)item;
	(void)err;
	condstore_put(&a->text, a->s, a->rec);
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
	size_t start;

	(void)err;
	buf_put_slice(&a->text, item->name);
	if (is_known(a, item)) {
		buf_put_slice(&a->text, a->summary[SUMMARY_ENVELOPE]);
		return 0;
	}
	start = a->text.n;
	summary_put_envelope(&a->text, a->src->envelope, 0);
	keep(a, SUMMARY_ENVELOPE,
	    a->src->whole != NULL ? a->src->whole : &a->src->head, start);
	return 0;
}

static int
put_structure(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	enum summary_kind kind = item->row->by == 1u << SUMMARY_BODY ?
	    SUMMARY_BODY :
	    SUMMARY_STRUCTURE;
	size_t start;

	(void)err;
	buf_put_slice(&a->text, item->name);
	if (is_known(a, item)) {
		buf_put_slice(&a->text, a->summary[kind]);
		return 0;
	}
	start = a->text.n;
	summary_put_body(
	    &a->text, &a->src->whole->root, kind == SUMMARY_STRUCTURE, 0);
	keep(a, kind, a->src->whole, start);
	return 0;
}

/* BODY[...] tells its section again; RFC822 and its kin their name. */
static int
put_section(
    struct fetch_answer *a, const struct fetch_item *item, struct err *err)
{
	buf_put_slice(&a->text, item->name);
	if (is_known(a, item)) {
		fetch_put_kept_fields(a, item);
		return 0;
	}
	return fetch_put_section(a, &item->section, err);
}

static const struct fetch_row fetch_rows[] = {
	{ .name = "ALL", .macro = "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE" },
	{ .name = "FAST", .macro = "FLAGS INTERNALDATE RFC822.SIZE" },
	{ .name = "FULL",
	    .macro = "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
	{ .name = "FLAGS", .put = put_flags },
	{ .name = "UID", .put = put_uid },
	{ .name = "MODSEQ", .put = put_modseq },
	{ .name = "INTERNALDATE", .needs = NEED_DATE, .put = put_date },
	{ .name = "RFC822.SIZE", .needs = NEED_SIZE, .put = put_size },
	{ .name = "ENVELOPE",
	    .needs = NEED_ENVELOPE,
	    .by = 1u << SUMMARY_ENVELOPE,
	    .put = put_envelope },
	{ .name = "BODY",
	    .needs = NEED_WHOLE,
	    .by = 1u << SUMMARY_BODY,
	    .put = put_structure },
	{ .name = "BODYSTRUCTURE",
	    .needs = NEED_WHOLE,
	    .by = 1u << SUMMARY_STRUCTURE,
	    .put = put_structure },
	/* with a section: section_needs() */
	{ .name = "BODY",
	    .has_section = true,
	    .marks_seen = true,
	    .put = put_section },
	{ .name = "BODY.PEEK", .has_section = true, .put = put_section },
	{ .name = "RFC822",
	    .marks_seen = true,
	    .put = put_section,
	    .as = SECTION_ALL },
	{ .name = "RFC822.HEADER", .put = put_section, .as = SECTION_HEADER },
	{ .name = "RFC822.TEXT",
	    .marks_seen = true,
	    .put = put_section,
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
	it->section.what = row->as;
	if (section != NULL)
		it->section = *section;
	it->needs =
	    row->put == put_section ? section_needs(&it->section) : row->needs;
	l->n++;
	l->needs |= it->needs;
	l->marks_seen |= row->marks_seen;
	l->has_flags |= row->put == put_flags;
	l->has_uid |= row->put == put_uid;
	l->has_modseq |= row->put == put_modseq;
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

	/* modifiers may follow (RFC 4466 2.4) */
	if (l == NULL || a == NULL ||
	    (a->next != NULL &&
		(a->next->kind != ARG_LIST || a->next->next != NULL))) {
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

/* Are all fields of the section among those that are kept? */
static bool
is_of_kept(struct fetch_item *it, const struct kept_names *names)
{
	const struct imap_arg *f;
	int i;

	if (it->row->put != put_section || it->section.part.n > 0 ||
	    it->section.what != SECTION_FIELDS)
		return false;
	for (f = it->section.fields; f != NULL; f = f->next) {
		i = kept_names_find(names, f->text);
		if (i == -1)
			return false;
		kept_set_add(&it->fields, (unsigned)i);
	}
	return true;
}

/* As it is told of every message: put together once. */
static bool
name_item(struct fetch_item *it, struct arena *arena)
{
	struct buf b;

	buf_init(&b, 2 * MAX_IMAP_LINE);
	if (it->row->has_section)
		section_put(&it->section, &b);
	else
		buf_puts(&b, it->row->name);
	buf_putc(&b, ' ');
	it->name = arena_slice(arena, buf_slice(&b));
	buf_free(&b);
	return it->name.p != NULL;
}

bool
fetch_items_by(
    struct fetch_list *l, const struct kept_names *names, struct arena *arena)
{
	unsigned i;

	l->needs = l->by = 0;
	for (i = 0; i < l->n; i++) {
		struct fetch_item *it = &l->item[i];

		if (!name_item(it, arena))
			return false;
		if (names != NULL)
			it->by = is_of_kept(it, names) ? 1u << SUMMARY_FIELDS :
							 it->row->by;
		l->by |= it->by;
		if (it->by == 0)
			l->needs |= it->needs;
	}
	return true;
}

unsigned
fetch_items_known(struct fetch_answer *a, const struct fetch_list *l)
{
	struct kept *kept = kept_of(a);
	unsigned needs = l->needs, i;

	a->known = 0;
	if (l->by == 0)
		return needs;
	for (i = 0; i < N_SUMMARIES; i++) {
		if ((l->by & 1u << i) == 0)
			continue;
		if (i == SUMMARY_FIELDS ?
			kept_fields_of(kept, a->s->box, a->rec, &a->fields) :
			summary_get(a->s->box, a->rec, i, &a->summary[i]))
			a->known |= 1u << i;
	}
	if ((l->by & ~a->known) == 0)
		return needs;
	for (i = 0; i < l->n; i++)
		if ((l->item[i].by & ~a->known) != 0)
			needs |= l->item[i].needs;
	return needs;
}

void
fetch_items_add(struct fetch_list *l, const char *name)
{
	struct err err;

	/* full lists have room for what was asked; these two come first */
	(void)add_row(l, find_row(slice_str(name), false), NULL, &err);
}
