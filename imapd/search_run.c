/* SPDX-License-Identifier: ISC */
/* A SEARCH program over one message after the other. */
#include "imapd/search_run.h"
#include "imapd/kept.h"
#include "imapd/search_body.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/view.h"
#include "libmessage/date.h"
#include "libmessage/header.h"
#include "libnet/conn.h"

/* Fields of one header looked at before the clock is. */
#define FIELDS_A_LOOK 64

enum {
	RUN_BEGIN,
	RUN_HEADER, /* it is read and its fields are looked at */
	RUN_BODY
};

void
search_run_init(struct search_run *r)
{
	*r = (struct search_run){ 0 };
	buf_init(&r->header, MAX_HEADER_BYTES);
	buf_init(&r->folded, 4 * MIB);
}

static void
leave_message(struct search_run *r)
{
	search_body_free(&r->body);
	fetch_close(&r->file);
	buf_reset(&r->header);
	r->phase = RUN_BEGIN;
}

void
search_run_free(struct search_run *r)
{
	leave_message(r);
	buf_free(&r->header);
	buf_free(&r->folded);
}

static bool
has_time(const struct search_run *r)
{
	return r->conn == NULL || conn_slice_left(r->conn);
}

/* Keys of that cost that would matter, by their tests. */
static void
test_keys(struct search_run *r, enum search_cost cost)
{
	struct search_program *p = r->program;
	unsigned i;

	for (i = 0; i < p->n; i++) {
		struct search_node *n = &p->node[i];

		if (n->is_open && n->row != NULL && n->row->cost == cost)
			search_answer(n, n->row->test(n, &r->subject));
	}
}

/* What the open keys need to be known about the file. */
static int
stat_message(struct search_run *r, struct mailbox_rec *rec, struct err *err)
{
	struct search_program *p = r->program;
	bool size = false, date = false;
	unsigned i;

	for (i = 0; i < p->n; i++) {
		const struct search_node *n = &p->node[i];

		if (!n->is_open || n->row == NULL)
			continue;
		size = size || n->row->needs_size;
		date = date || n->row->needs_date;
	}
	if (size && mailbox_sizes(r->box, rec, err) == -1)
		return -1;
	if (date && mailbox_date(r->box, rec, err) == -1)
		return -1;
	return 0;
}

/* Has the program such keys? */
static bool
has_cost(const struct search_run *r, enum search_cost cost)
{
	return (r->program->costs & 1u << cost) != 0;
}

static bool
is_any_open(const struct search_run *r, enum search_cost cost)
{
	unsigned i;

	for (i = 0; i < r->program->n; i++) {
		const struct search_node *n = &r->program->node[i];

		if (n->is_open && n->row != NULL && n->row->cost == cost)
			return true;
	}
	return false;
}

/* ---- the header ---- */

static struct slice
fold_value(struct search_run *r, struct slice value)
{
	buf_reset(&r->folded);
	text_fold_header(r->fold, value, &r->folded);
	return buf_slice(&r->folded);
}

/* One field, one key on fields. */
static void
look_at(struct search_run *r, struct search_node *n,
    const struct header_field *f, struct slice *folded)
{
	struct date date;

	if (!slice_ieq(search_field(n), f->name))
		return;
	if (n->row->test_day != NULL) {
		/* the first one counts */
		search_answer(n,
		    date_parse(f->value, &date) &&
			n->row->test_day(n, date.day));
		return;
	}
	if (folded->p == NULL)
		*folded = fold_value(r, f->value);
	text_matcher_reset(n->matcher);
	if (text_matcher_feed(n->matcher, *folded))
		search_answer(n, true);
}

static void
look_at_field(struct search_run *r, const struct header_field *f)
{
	struct slice folded = SLICE_NONE;
	unsigned i;

	for (i = 0; i < r->program->n; i++) {
		struct search_node *n = &r->program->node[i];

		if (n->row != NULL && n->row->cost == COST_HEADER &&
		    n->is_open && n->value == SEARCH_UNKNOWN)
			look_at(r, n, f, &folded);
	}
}

/* What its keys on the header ask for. */
static unsigned
search_kinds(const struct search_program *p)
{
	unsigned kinds = 0, i;

	for (i = 0; i < p->n; i++) {
		const struct search_node *n = &p->node[i];

		if (n->row == NULL || n->row->cost != COST_HEADER)
			continue;
		if (n->kept_text != -1 || n->row->test_day != NULL)
			kinds |= KEPT_KEYS;
		else if (n->kept_name != -1)
			kinds |= KEPT_FIELDS;
	}
	return kinds;
}

static int
open_header(struct search_run *r, struct mailbox_rec *rec, struct err *err)
{
	unsigned learn;

	if (fetch_open(r->box, rec, &r->file, err) == -1 ||
	    fetch_header(r->file, &r->header, err) == -1)
		return -1;
	learn = kept_lacks(rec, search_kinds(r->program));
	if (learn != 0)
		(void)kept_learn_header(
		    r->kept, r->box, rec, buf_slice(&r->header), learn);
	header_begin(&r->fields, buf_slice(&r->header));
	return 0;
}

static bool
is_asked(const struct search_node *n)
{
	return n->row != NULL && n->row->cost == COST_HEADER && n->is_open &&
	    n->value == SEARCH_UNKNOWN;
}

/* All fields were looked at: what was not found is not there. */
static void
end_header(struct search_run *r)
{
	unsigned i;

	for (i = 0; i < r->program->n; i++)
		if (is_asked(&r->program->node[i]))
			search_answer(&r->program->node[i], false);
}

/* True when all fields were looked at, or none is needed. */
static bool
look_at_header(struct search_run *r)
{
	struct header_field f;
	unsigned looked = 0;

	if (!is_any_open(r, COST_HEADER))
		return true;
	while (header_next(&r->fields, &f)) {
		if (f.name.n > 0)
			look_at_field(r, &f);
		if (++looked == FIELDS_A_LOOK) {
			looked = 0;
			if (!has_time(r))
				return false;
		}
	}
	end_header(r);
	return true;
}

/* ---- the header, without the file ---- */

static void
look_at_date(struct search_run *r, const struct mailbox_rec *rec)
{
	struct mailbox_sent sent = { 0 };
	bool has_date;
	int32_t day;
	unsigned i;

	if (rec->sent == MAILBOX_NO_DATE)
		return;
	has_date = mailbox_rec_sent(rec, &sent);
	day = date_day_at(sent.utc, sent.zone_mins);
	for (i = 0; i < r->program->n; i++) {
		struct search_node *n = &r->program->node[i];

		if (is_asked(n) && n->row->test_day != NULL)
			search_answer(n, has_date && n->row->test_day(n, day));
	}
}

static void
look_at_texts(struct search_node *n, const struct kept_keys *keys)
{
	struct slice texts, text;
	bool found = false;

	if (!kept_keys_text(keys, (enum kept_text)n->kept_text, &texts))
		return; /* too long to be kept */
	while (!found && kept_text_next(&texts, &text)) {
		text_matcher_reset(n->matcher);
		found = text_matcher_feed(n->matcher, text);
	}
	search_answer(n, found);
}

static void
look_at_keys(struct search_run *r, struct mailbox_rec *rec)
{
	struct kept_keys keys;
	bool is_read = false;
	unsigned i;

	for (i = 0; i < r->program->n; i++) {
		struct search_node *n = &r->program->node[i];

		if (!is_asked(n) || n->kept_text == -1)
			continue;
		if (!is_read && !kept_keys_of(r->kept, r->box, rec, &keys))
			return;
		is_read = true;
		look_at_texts(n, &keys);
	}
}

/* One kept field, one key. */
static void
look_at_kept(struct search_run *r, struct search_node *n, struct slice field)
{
	struct slice value = field, name;

	(void)slice_cut(&value, ':', &name);
	text_matcher_reset(n->matcher);
	if (text_matcher_feed(n->matcher, fold_value(r, value)))
		search_answer(n, true);
}

static void
look_at_fields(struct search_run *r, struct mailbox_rec *rec)
{
	struct kept_fields fields;
	struct slice field;
	bool is_read = false;
	unsigned i, at, name;
	size_t off;

	for (i = 0; i < r->program->n; i++) {
		struct search_node *n = &r->program->node[i];

		if (!is_asked(n) || n->kept_name == -1 ||
		    n->row->test_day != NULL)
			continue;
		if (!is_read && !kept_fields_of(r->kept, r->box, rec, &fields))
			return;
		is_read = true;
		at = 0;
		off = 0;
		while (n->value == SEARCH_UNKNOWN &&
		    kept_fields_next(&fields, &at, &off, &name, &field))
			if (name == (unsigned)n->kept_name)
				look_at_kept(r, n, field);
		if (n->value == SEARCH_UNKNOWN)
			search_answer(n, false);
	}
}

/* What is known. False: the whole is. */
static bool
look_at_known(struct search_run *r, struct mailbox_rec *rec)
{
	look_at_date(r, rec);
	if (!search_settle(r->program))
		return false;
	if (r->kept == NULL)
		return true;
	look_at_keys(r, rec);
	if (!search_settle(r->program))
		return false;
	look_at_fields(r, rec);
	return search_settle(r->program);
}

/* ---- one message ---- */

static enum step
finish(struct search_run *r)
{
	r->is_hit = r->program->node[0].value == SEARCH_YES;
	leave_message(r);
	return STEP_DONE;
}

static enum step
fail(struct search_run *r)
{
	leave_message(r);
	return STEP_FAIL;
}

/* Keys that need no file's contents. STEP_AGAIN: the header is wanted. */
static enum step
begin(struct search_run *r, uint32_t seq, struct err *err)
{
	struct mailbox_rec *rec = view_rec(r->view, seq);

	r->subject =
	    (struct search_subject){ .view = r->view, .rec = rec, .seq = seq };
	r->is_hit = false;
	if (rec->is_gone)
		return STEP_DONE; /* RFC 2180 4.4: as if it were not there */
	search_forget(r->program);
	test_keys(r, COST_MEMORY);
	if (!search_settle(r->program))
		return finish(r);
	if (has_cost(r, COST_STAT)) {
		if (stat_message(r, rec, err) == -1)
			return fail(r);
		test_keys(r, COST_STAT);
		if (!search_settle(r->program))
			return finish(r);
	}
	if (has_cost(r, COST_HEADER) && !look_at_known(r, rec))
		return finish(r);
	if (open_header(r, rec, err) == -1)
		return fail(r);
	r->phase = RUN_HEADER;
	return STEP_AGAIN;
}

enum step
search_run_step(struct search_run *r, uint32_t seq, struct err *err)
{
	enum step s;

	if (r->phase == RUN_BEGIN) {
		s = begin(r, seq, err);
		if (s != STEP_AGAIN)
			return s;
	}
	if (r->phase == RUN_HEADER) {
		if (!look_at_header(r))
			return STEP_AGAIN;
		if (!search_settle(r->program))
			return finish(r);
		r->body = search_body_new(r);
		r->phase = RUN_BODY;
	}
	s = search_body_step(r->body, err);
	if (s == STEP_AGAIN)
		return s;
	return s == STEP_DONE ? finish(r) : fail(r);
}
