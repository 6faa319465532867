/* SPDX-License-Identifier: ISC */
/* What a power cut left, compared with the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/quota.h"
#include "tests/crash/world.h"

#define MAX_SHOWN 1024
#define MID_LATER (MAX_MIDS - 1) /* what is saved after the cut */

struct range {
	int min, max;
};

struct shown {
	uint32_t uid;
	unsigned mid;
};

/* What the journal says of a box, and what was found. */
struct seen_box {
	bool is_named;
	enum promise_kind where;
	const char *name, *name2;
	const char *at; /* found here; NULL: nowhere */
	struct range count[MAX_MIDS];
	uint32_t validity, uidnext;
	struct shown v[MAX_SHOWN];
	unsigned n;
};

struct judge {
	struct world *w;
	size_t marks;
	struct seen_box box[MAX_BOXES];
	struct range total[MAX_MIDS];
	uint32_t words[MAX_MIDS];
};

/* ---- the journal up to the cut ---- */

static void
fold(struct judge *j)
{
	size_t i;

	for (i = 0; i < MAX_MIDS; i++)
		j->total[i] = (struct range){ 0, MANY };
	for (i = 0; i < j->marks; i++) {
		const struct promise *p = &j->w->v[i];
		struct seen_box *b = &j->box[p->box];

		switch (p->kind) {
		case P_AT:
		case P_MAYBE:
		case P_GONE:
			b->is_named = true;
			b->where = p->kind;
			b->name = p->name;
			b->name2 = p->name2;
			break;
		case P_COUNT:
			b->count[p->mid] = (struct range){ p->min, p->max };
			break;
		case P_TOTAL:
			j->total[p->mid] = (struct range){ p->min, p->max };
			break;
		case P_WORDS:
			j->words[p->mid] = p->uid;
			break;
		case P_UID:
		case P_SUB:
			break;
		}
	}
}

/* ---- one mailbox ---- */

/* A lock that was left without its contents is waited for until it is old. */
static enum step
refresh(struct judge *j, struct view *v, struct err *err)
{
	struct flush_set fs = { 0 };
	unsigned tries = 0;
	enum step r;

	for (;;) {
		r = view_refresh(v, &fs, err);
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
		else if (r != STEP_EVENT || !world_wait(j->w, &tries))
			break;
	}
	return r;
}

static int
check_words(struct judge *j, struct mailbox *mb, const struct mailbox_rec *rec,
    const char *name, unsigned mid)
{
	unsigned i, word;

	for (i = 0; i < 26; i++) {
		const char *keyword = mailbox_keyword(mb, i);

		if ((rec->keywords >> i & 1) == 0)
			continue;
		if (keyword == NULL)
			return world_fault(j->w,
			    "invariant 3: %s uid %u: letter %c lost its name",
			    name, rec->uid, 'a' + (int)i);
		if (sscanf(keyword, "w%u", &word) != 1 || word > 31 ||
		    (j->words[mid] >> word & 1) == 0)
			return world_fault(j->w,
			    "invariant 3: %s uid %u (message %u) has keyword "
			    "%s, which nobody gave it",
			    name, rec->uid, mid, keyword);
	}
	return 0;
}

static int
look_at_all(
    struct judge *j, struct seen_box *b, struct mailbox *mb, struct view *v)
{
	struct mailbox_status st;
	uint32_t i;

	mailbox_status(mb, &st);
	b->validity = st.uidvalidity;
	b->uidnext = st.uidnext;
	b->n = 0;
	for (i = 1; i <= view_count(v) && b->n < MAX_SHOWN; i++) {
		struct mailbox_rec *rec = view_rec(v, i);
		unsigned mid = world_mid(mb, rec);

		if (mid == 0 || mid >= MAX_MIDS)
			return world_fault(j->w,
			    "invariant 3: %s uid %u is half a message (%s)",
			    b->at, rec->uid, rec->name);
		if (check_words(j, mb, rec, b->at, mid) == -1)
			return -1;
		b->v[b->n++] = (struct shown){ rec->uid, mid };
	}
	return 0;
}

/* later: also save one more message, and see that all stays as it is. */
static int
look(struct judge *j, struct seen_box *b, bool later)
{
	struct mailbox *mb;
	struct view *v;
	struct err err = { 0 };
	int r = 0;

	if (mailbox_open(j->w->ms, slice_str(b->at), &mb, &err) == -1)
		return world_fault(
		    j->w, "invariant 3: %s does not open: %s", b->at, err.text);
	v = view_open(mb, false);
	if (refresh(j, v, &err) != STEP_DONE)
		r = world_fault(j->w, "invariant 3: %s cannot be read: %s",
		    b->at, err.text);
	(void)view_update(v, true, NULL);
	if (r == 0)
		r = look_at_all(j, b, mb, v);
	if (r == 0 && later) {
		struct save *s;
		struct save_message m = { .internaldate = 1 };
		struct buf text;

		buf_init(&text, 64 * 1024);
		make_text(MID_LATER, &text);
		must(save_begin(mb, &s, &err) == 0 &&
			save_add(s, &m, &err) == 0 &&
			save_write(s, buf_slice(&text), &err) == 0,
		    &err, "save after the cut");
		world_commit(j->w, s);
		if (save_uid(s, 0) < b->uidnext)
			r = world_fault(j->w,
			    "invariant 1: %s gave uid %u, uidnext was %u",
			    b->at, save_uid(s, 0), b->uidnext);
		b->v[b->n++] = (struct shown){ save_uid(s, 0), MID_LATER };
		save_free(&s);
		buf_free(&text);
	}
	view_close(&v);
	mailbox_close(&mb);
	return r;
}

/* ---- invariants ---- */

/* Has another mailbox that name since? */
static bool
is_taken(const struct judge *j, unsigned box)
{
	const char *name = j->box[box].name;

	while (++box < MAX_BOXES)
		if (j->box[box].is_named && j->box[box].where != P_GONE &&
		    strcmp(j->box[box].name, name) == 0)
			return true;
	return false;
}

static int
check_place(struct judge *j, unsigned box)
{
	struct seen_box *b = &j->box[box];
	struct err err = { 0 };
	int one, two = 0;

	if (!b->is_named)
		return 0;
	one = store_exists(j->w->st, slice_str(b->name), &err);
	if (b->name2 != NULL)
		two = store_exists(j->w->st, slice_str(b->name2), &err);
	if (one == -1 || two == -1)
		return world_fault(j->w, "invariant 3: %s", err.text);
	if (b->where == P_AT && one + two != 1)
		return world_fault(j->w,
		    "invariant 3: mailbox %s (%s) is there %d times", b->name,
		    b->name2 == NULL ? "" : b->name2, one + two);
	if (b->where == P_GONE && one + two > 0 && !is_taken(j, box))
		return world_fault(j->w,
		    "invariant 3: mailbox %s was deleted and is there",
		    b->name);
	if (b->where == P_GONE)
		return 0;
	b->at = one == 1 ? b->name : two == 1 ? b->name2 : NULL;
	return 0;
}

static unsigned
number(const struct judge *j, bool doubled)
{
	return j->w->once != 0 ? j->w->once : doubled ? 2 : 3;
}

static int
check_counts(struct judge *j)
{
	int total[MAX_MIDS] = { 0 };
	unsigned box, i, mid;

	for (box = 0; box < MAX_BOXES; box++) {
		struct seen_box *b = &j->box[box];
		int n[MAX_MIDS] = { 0 };

		for (i = 0; i < b->n; i++)
			n[b->v[i].mid]++;
		for (mid = 1; mid < MID_LATER; mid++) {
			total[mid] += n[mid];
			j->w->counted[mid] = (unsigned)total[mid];
			if (n[mid] >= b->count[mid].min &&
			    n[mid] <= b->count[mid].max)
				continue;
			return world_fault(j->w,
			    "invariant %u: %s holds message %u %d times, not "
			    "%d to %d",
			    number(j, n[mid] > b->count[mid].max),
			    b->at == NULL ? "a mailbox that is not there" :
					    b->at,
			    mid, n[mid], b->count[mid].min, b->count[mid].max);
		}
	}
	for (mid = 1; mid < MID_LATER; mid++)
		if (total[mid] < j->total[mid].min ||
		    total[mid] > j->total[mid].max)
			return world_fault(j->w,
			    "invariant %u: message %u is there %d times, not "
			    "%d to %d",
			    number(j, total[mid] > j->total[mid].max), mid,
			    total[mid], j->total[mid].min, j->total[mid].max);
	return 0;
}

/* The mid that has a UID in a box; 0: none. */
static unsigned
mid_of(const struct seen_box *b, uint32_t uid)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->v[i].uid == uid)
			return b->v[i].mid;
	return 0;
}

static bool
is_named_so(const struct seen_box *b, const char *at)
{
	return (b->name != NULL && strcmp(b->name, at) == 0) ||
	    (b->name2 != NULL && strcmp(b->name2, at) == 0);
}

static int
check_uid(struct judge *j, const struct promise *p)
{
	struct seen_box *was = &j->box[p->box];
	unsigned box, mid;

	for (box = 0; box < MAX_BOXES; box++) {
		struct seen_box *b = &j->box[box];

		if (b->at == NULL || !is_named_so(was, b->at))
			continue;
		/* one that is being deleted may come back as a new one */
		if (box == p->box && b->where == P_AT &&
		    b->validity != p->validity)
			return world_fault(j->w,
			    "invariant 1: %s had UIDVALIDITY %u, now %u", b->at,
			    p->validity, b->validity);
		if (b->validity != p->validity)
			continue;
		mid = mid_of(b, p->uid);
		if (mid != 0 && mid != p->mid)
			return world_fault(j->w,
			    "invariant 1: %s uid %u was told as message %u and "
			    "is %u",
			    b->at, p->uid, p->mid, mid);
		if (b->uidnext <= p->uid)
			return world_fault(j->w,
			    "invariant 1: %s told uid %u and has uidnext %u",
			    b->at, p->uid, b->uidnext);
		/* what was seen before its delivery was flushed may come
		 * again, as another message of the folder */
		if (box == p->box && mid == 0 && j->w->once != 8 &&
		    b->count[p->mid].min > 0)
			return world_fault(j->w,
			    "invariant 1: %s uid %u (message %u) lost its "
			    "number",
			    b->at, p->uid, p->mid);
	}
	return 0;
}

static int
check_uids(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->marks; i++)
		if (j->w->v[i].kind == P_UID && check_uid(j, &j->w->v[i]) == -1)
			return -1;
	return 0;
}

static int
is_subscribed(struct world *w, const char *name)
{
	struct store_list *l;
	struct store_entry e;
	struct err err;
	int r = 0;

	if (store_list_open(w->st, &l, &err) == -1)
		return world_fault(w, "invariant 3: LIST: %s", err.text);
	while (store_list_next(l, &e))
		if (slice_eq_str(e.name, name))
			r = (e.flags & STORE_SUBSCRIBED) != 0;
	store_list_close(l);
	return r;
}

/* The last promise about each name holds. */
static int
check_subs(struct judge *j)
{
	size_t i, k;
	int is;

	for (i = j->marks; i > 0; i--) {
		const struct promise *p = &j->w->v[i - 1];

		if (p->kind != P_SUB)
			continue;
		for (k = i; k < j->marks; k++)
			if (j->w->v[k].kind == P_SUB &&
			    strcmp(j->w->v[k].name, p->name) == 0)
				break;
		if (k < j->marks || p->min == -1)
			continue;
		if ((is = is_subscribed(j->w, p->name)) == -1)
			return -1;
		if (is != p->min)
			return world_fault(j->w,
			    "invariant 3: subscription of %s is %d", p->name,
			    is);
	}
	return 0;
}

static int
check_quota(struct judge *j)
{
	struct quota_usage u;
	struct err err;

	if (!j->w->has_quota)
		return 0;
	if (quota_usage(j->w->st, &u, &err) == -1)
		return world_fault(j->w, "invariant 3: no quota: %s", err.text);
	if (u.bytes < 0 || u.messages < 0)
		return world_fault(j->w, "invariant 3: quota below nothing");
	return 0;
}

/* ---- all of it ---- */

static int
look_at_boxes(struct judge *j, bool later)
{
	unsigned box;

	for (box = 0; box < MAX_BOXES; box++)
		if (j->box[box].at != NULL &&
		    look(j, &j->box[box], later) == -1)
			return -1;
	return 0;
}

/* Once more by another process: what was given to what nobody had numbered
 * stays. */
static int
look_again(struct judge *j, const char *root)
{
	struct judge *again = xcalloc(1, sizeof *again);
	unsigned box, i;
	int r;

	world_stop(j->w);
	world_start(j->w, root);
	again->w = j->w;
	memcpy(again->box, j->box, sizeof again->box);
	memcpy(again->words, j->words, sizeof again->words);
	r = look_at_boxes(again, false);
	for (box = 0; box < MAX_BOXES && r == 0; box++)
		for (i = 0; i < j->box[box].n && r == 0; i++)
			if (mid_of(&again->box[box], j->box[box].v[i].uid) !=
			    j->box[box].v[i].mid)
				r = world_fault(j->w,
				    "invariant 1: %s uid %u is another message "
				    "at the second look",
				    j->box[box].at, j->box[box].v[i].uid);
	xfree(again);
	return r;
}

int
world_judge(struct world *w, const char *root, size_t marks)
{
	struct judge *j = xcalloc(1, sizeof *j);
	unsigned box;
	int r = 0;

	j->w = w;
	j->marks = marks;
	fold(j);
	world_start(w, root);
	if (w->recover != NULL)
		r = w->recover(w, root, marks);
	for (box = 0; box < MAX_BOXES && r == 0; box++)
		r = check_place(j, box);
	if (r == -1 || look_at_boxes(j, true) == -1 || check_counts(j) == -1 ||
	    check_uids(j) == -1 || check_subs(j) == -1 ||
	    check_quota(j) == -1 ||
	    (w->judge != NULL && w->judge(w, marks) == -1) ||
	    look_again(j, root) == -1)
		r = -1;
	world_stop(w);
	clock_shift_us(0);
	xfree(j);
	return r;
}
