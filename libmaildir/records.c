/* SPDX-License-Identifier: ISC */
/*
 * The records of a mailbox in memory and the log of what happened to them.
 *
 * R1. recs ascends by UID; a record joins at its end only.
 * R2. A record that a view may still show is freed when the log entry of its
 *     expunge has been passed by all views, not before.
 */
#include <assert.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/remember.h"

#define LOG_SLACK 4096

void
recs_reserve(struct recs *r, size_t n)
{
	if (n <= r->cap)
		return;
	r->cap = n;
	r->v = xreallocarray(r->v, r->cap, sizeof(struct mailbox_rec *));
}

void
recs_push(struct recs *r, struct mailbox_rec *rec)
{
	if (r->n == r->cap)
		recs_reserve(r, r->cap < 16 ? 16 : r->cap + r->cap / 2);
	r->v[r->n++] = rec;
}

size_t
recs_from(const struct recs *r, uint32_t uid)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid]->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
recs_filter(
    struct recs *r, bool (*drop)(void *arg, struct mailbox_rec *rec), void *arg)
{
	size_t i, kept = 0;

	for (i = 0; i < r->n; i++) {
		struct mailbox_rec *rec = r->v[i];

		if (!drop(arg, rec))
			r->v[kept++] = rec;
	}
	r->n = kept;
}

void
recs_free(struct recs *r)
{
	xfree(r->v);
	*r = (struct recs){ 0 };
}

static void
take_name(struct mailbox_rec *rec, const struct name *n)
{
	rec->flags = n->flags;
	rec->keywords = n->keywords;
}

/* ---- memory ---- */

/* What is loaded by the bulk lies together and goes together, with the mailbox:
 * one allocation for thousands. What comes later is allocated by itself. */
struct slab {
	struct slab *next;
	size_t used, size;
	max_align_t bytes[];
};
#define SLAB_FIRST (4 * KIB)
#define SLAB_MAX   (1 * MIB)

static void *
slab_alloc(struct mailbox *mb, size_t n)
{
	struct slab *s = mb->slabs;
	size_t size;
	char *p;

	if (s == NULL || s->size - s->used < n) {
		size = s == NULL           ? SLAB_FIRST :
		    2 * s->size > SLAB_MAX ? SLAB_MAX :
					     2 * s->size;
		s = xmalloc(sizeof *s + size);
		s->next = mb->slabs;
		s->used = 0;
		s->size = size;
		mb->slabs = s;
	}
	p = (char *)s->bytes + s->used;
	s->used += (n + 7) & ~(size_t)7;
	if (s->used > s->size)
		s->used = s->size;
	return p;
}

void
mailbox_free_slabs(struct mailbox *mb)
{
	struct slab *next;

	for (; mb->slabs != NULL; mb->slabs = next) {
		next = mb->slabs->next;
		xfree(mb->slabs);
	}
}

struct mailbox_rec *
mailbox_rec_alloc(struct mailbox *mb, struct slice name)
{
	struct mailbox_rec *rec;

	if (mb->is_loaded) {
		rec = xcalloc(1, sizeof *rec);
		rec->name = xstrndup(name.p, name.n);
		return rec;
	}
	rec = slab_alloc(mb, sizeof *rec + name.n + 1);
	memset(rec, 0, sizeof *rec);
	rec->in_slab = rec->name_in_slab = true;
	rec->name = (char *)(rec + 1);
	memcpy(rec->name, name.p, name.n);
	rec->name[name.n] = '\0';
	return rec;
}

static void
free_name(struct mailbox_rec *rec)
{
	if (!rec->name_in_slab)
		xfree(rec->name);
	rec->name_in_slab = false;
}

struct mailbox_rec *
mailbox_rec_new(struct mailbox *mb, struct slice file_name, bool in_new)
{
	struct mailbox_rec *rec = mailbox_rec_alloc(mb, file_name);
	struct name n;

	static_assert(sizeof *rec + 3 * sizeof rec <= 128, "DESIGN 5, 9");
	name_split(file_name, &n);
	assert(n.base.n <= UINT8_MAX);
	take_name(rec, &n);
	rec->base_len = (uint8_t)n.base.n;
	rec->size = n.size;
	rec->wire = n.wire;
	rec->internaldate = rec->sent = MAILBOX_NO_DATE;
	rec->in_new = in_new;
	return rec;
}

void
mailbox_rec_free(struct mailbox_rec *rec)
{
	if (rec == NULL)
		return;
	free_name(rec);
	xfree(rec->guid);
	xfree(rec->uidl);
	if (!rec->in_slab)
		xfree(rec);
}

struct basetable *
mailbox_bases(struct mailbox *mb)
{
	size_t i;

	if (mb->has_bases)
		return &mb->bases;
	mb->has_bases = true;
	basetable_reserve(&mb->bases, mb->recs.n);
	/* One that is there twice was made up by nobody but the index: the
	 * next scan sees a file for one of them. */
	for (i = 0; i < mb->recs.n; i++)
		if (basetable_get(
			&mb->bases, mailbox_rec_base(mb->recs.v[i])) == NULL)
			basetable_put(&mb->bases, mb->recs.v[i]);
	return &mb->bases;
}

struct slice
mailbox_rec_base(const struct mailbox_rec *rec)
{
	return slice_of(rec->name, rec->base_len);
}

struct slice
mailbox_rec_guid(const struct mailbox_rec *rec)
{
	return rec->guid != NULL ? slice_str(rec->guid) : mailbox_rec_base(rec);
}

int64_t
mailbox_rec_savedate(const struct mailbox_rec *rec)
{
	return name_secs(mailbox_rec_base(rec));
}

int
mailbox_rec_dir(const struct mailbox *mb, const struct mailbox_rec *rec)
{
	return rec->in_new ? mb->folder.new : mb->folder.cur;
}

bool
mailbox_rec_rename(struct mailbox *mb, struct mailbox_rec *rec,
    struct slice file_name, bool in_new)
{
	uint32_t keywords = rec->keywords;
	uint8_t flags = rec->flags;
	struct name n;

	if (rec->is_shown && rec->in_new != in_new)
		mb->n_new = in_new ? mb->n_new + 1 : mb->n_new - 1;
	mailbox_count(mb, rec, -1);
	rec->in_new = in_new;
	if (!slice_eq_str(file_name, rec->name)) {
		name_split(file_name, &n);
		assert(slice_eq(n.base, mailbox_rec_base(rec)));
		take_name(rec, &n);
		free_name(rec);
		rec->name = xstrndup(file_name.p, file_name.n);
	}
	mailbox_count(mb, rec, 1);
	mailbox_rec_learnt(mb, rec);
	return rec->flags != flags || rec->keywords != keywords;
}

void
mailbox_count(struct mailbox *mb, const struct mailbox_rec *rec, int sign)
{
	struct mailbox_counts *c = &mb->counts;
	uint64_t one = sign < 0 ? UINT64_MAX : 1; /* wraps around */
	bool is_deleted = (rec->flags & FLAG_DELETED) != 0;

	if (!rec->is_shown)
		return;
	c->messages += one;
	if (rec->in_new || rec->is_recent)
		c->recent += one;
	if ((rec->flags & FLAG_SEEN) == 0) {
		c->unseen += one;
		if (rec->uid < mb->seen_below)
			mb->seen_below = rec->uid;
	}
	if (is_deleted)
		c->deleted += one;
	if (rec->wire != NAME_NO_SIZE)
		c->wire += one * rec->wire;
	if (rec->size == NAME_NO_SIZE || rec->wire == NAME_NO_SIZE)
		c->unsized += one;
	if (rec->size != NAME_NO_SIZE) {
		c->bytes += one * rec->size;
		if (is_deleted)
			c->deleted_bytes += one * rec->size;
	} else if (is_deleted)
		c->deleted_unsized += one;
}

void
mailbox_rec_set_recent(
    struct mailbox *mb, struct mailbox_rec *rec, bool is_recent)
{
	mailbox_count(mb, rec, -1);
	rec->is_recent = is_recent;
	mailbox_count(mb, rec, 1);
}

static void
draw_modseq(struct mailbox *mb, struct mailbox_rec *rec)
{
	rec->modseq = mb->highest_modseq = modseqs_draw(&mb->family->modseqs);
}

static void
log_modseq(struct modlog *l, uint64_t modseq, uint32_t uid, time_t now)
{
	const struct modlog_entry e = {
		.modseq = modseq,
		.uid = uid,
		.secs = (uint32_t)now,
	};

	modlog_add(l, &e);
}

void
mailbox_modseq_begin(struct mailbox *mb)
{
	if (mb->highest_modseq != 0)
		return;
	/* Not the floor of all: in this session it may have been open before,
	 * and been told more. */
	mb->highest_modseq = modseqs_draw(&mb->family->modseqs);
	modlog_reset(&mb->expunged, mb->highest_modseq);
	modlog_reset(&mb->changed, mb->highest_modseq);
}

void
mailbox_modseq_overtaken(struct mailbox *mb)
{
	uint64_t floor = mb->family->modseqs.floor;
	size_t i;

	if (mb->highest_modseq == 0)
		return;
	mb->highest_modseq = floor;
	for (i = 0; i < mb->recs.n; i++)
		mb->recs.v[i]->modseq = floor;
	for (i = 0; i < mb->log_n; i++) {
		mb->log[i].modseq = floor;
		mb->log[i].rec->modseq = floor;
	}
	modlog_reset(&mb->expunged, floor);
	modlog_reset(&mb->changed, floor);
}

/* It is new to clients, or has changed. */
static void
note_change(struct mailbox *mb, struct mailbox_rec *rec)
{
	draw_modseq(mb, rec);
	log_modseq(&mb->changed, rec->modseq, rec->uid, 0); /* no age */
}

void
mailbox_rec_show(struct mailbox *mb, struct mailbox_rec *rec)
{
	assert(mb->recs.n == 0 ||
	    mb->recs.v[mb->recs.n - 1]->uid < rec->uid); /* R1 */
	if (mb->is_loaded)
		note_change(mb, rec);
	else
		rec->modseq = mb->highest_modseq;
	rec->is_shown = true;
	rec->was_hidden = false;
	recs_push(&mb->recs, rec);
	mailbox_count(mb, rec, 1);
	mailbox_rec_learnt(mb, rec);
	mb->n_new += rec->in_new;
	mb->n_to_list += rec->to_list;
}

void
mailbox_rec_learnt(struct mailbox *mb, struct mailbox_rec *rec)
{
	if (rec->is_shown)
		remember_changed(mb, rec);
}

/* Seconds above, below them the zone's minutes: one number, as it is kept. */
#define SENT_UNIT INT64_C(4096)
#define SENT_ZONE 2047
#define SENT_NONE (MAILBOX_NO_DATE + 1)

bool
mailbox_rec_sent(const struct mailbox_rec *rec, struct mailbox_sent *out)
{
	int64_t zone = rec->sent & (SENT_UNIT - 1);

	if (rec->sent == MAILBOX_NO_DATE || rec->sent == SENT_NONE)
		return false;
	out->utc = (rec->sent - zone) / SENT_UNIT;
	out->zone_mins = (int)zone - SENT_ZONE;
	return true;
}

void
mailbox_sent_is(struct mailbox *mb, struct mailbox_rec *rec,
    const struct mailbox_sent *sent)
{
	const int64_t limit = INT64_MAX / SENT_UNIT - 1;
	int64_t value = SENT_NONE;

	if (sent != NULL && sent->utc <= limit && sent->utc >= -limit &&
	    sent->zone_mins <= SENT_ZONE && sent->zone_mins >= -SENT_ZONE)
		value = sent->utc * SENT_UNIT + sent->zone_mins + SENT_ZONE;
	if (rec->sent == value)
		return;
	rec->sent = value;
	mailbox_rec_learnt(mb, rec);
}

/* ---- the log ---- */

uint64_t
mailbox_log_end(const struct mailbox *mb)
{
	return mb->log_start + mb->log_n;
}

static void
log_add(struct mailbox *mb, struct mailbox_rec *rec, struct view *by,
    enum log_kind kind)
{
	if (mb->log_n == mb->log_cap) {
		mb->log_cap = mb->log_cap == 0 ? 32 : 2 * mb->log_cap;
		mb->log = xreallocarray(mb->log, mb->log_cap, sizeof *mb->log);
	}
	mb->log[mb->log_n++] = (struct log_entry){
		.rec = rec, .by = by, .modseq = rec->modseq, .kind = kind
	};
}

/* Leave out flag changes that were followed by another of the same message. Who
 * did them does not count any more: told once too often is no harm. */
static void
log_compact(struct mailbox *mb)
{
	size_t *before = xcalloc(mb->log_n + 1, sizeof *before);
	struct view *v;
	size_t i, kept = 0;

	for (i = 0; i < mb->log_n; i++) {
		struct log_entry e = mb->log[i];

		before[i] = kept;
		if (e.kind == LOG_FLAGS && e.modseq != e.rec->modseq)
			continue;
		e.by = NULL;
		mb->log[kept++] = e;
	}
	before[mb->log_n] = kept;
	for (v = mb->views; v != NULL; v = v->next) {
		v->flags_pos =
		    mb->log_start + before[v->flags_pos - mb->log_start];
		v->expunge_pos =
		    mb->log_start + before[v->expunge_pos - mb->log_start];
	}
	mb->log_n = kept;
	xfree(before);
}

void
mailbox_log_trim(struct mailbox *mb)
{
	uint64_t pos = mailbox_log_end(mb);
	const struct view *v;
	size_t i, n;

	for (v = mb->views; v != NULL; v = v->next) {
		if (v->flags_pos < pos)
			pos = v->flags_pos;
		if (v->expunge_pos < pos)
			pos = v->expunge_pos;
	}
	n = (size_t)(pos - mb->log_start);
	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		if (mb->log[i].kind == LOG_EXPUNGE)
			mailbox_rec_free(mb->log[i].rec); /* R2 */
	memmove(mb->log, mb->log + n, (mb->log_n - n) * sizeof *mb->log);
	mb->log_n -= n;
	mb->log_start = pos;
}

void
mailbox_rec_changed(
    struct mailbox *mb, struct mailbox_rec *rec, struct view *by)
{
	note_change(mb, rec);
	mailbox_rec_learnt(mb, rec);
	if (mb->views == NULL)
		return;
	log_add(mb, rec, by, LOG_FLAGS);
	if (mb->log_n > LOG_SLACK + 2 * mb->recs.n)
		log_compact(mb);
}

void
mailbox_rec_gone(struct mailbox *mb, struct mailbox_rec *rec, struct view *by)
{
	basetable_del(&mb->bases, rec);
	mailbox_count(mb, rec, -1);
	remember_gone(mb, rec);
	mb->n_new -= rec->in_new;
	mb->n_to_list -= rec->to_list;
	rec->is_shown = false;
	rec->is_gone = true;
	draw_modseq(mb, rec);
	log_modseq(&mb->expunged, rec->modseq, rec->uid, clock_now());
	log_add(mb, rec, by, LOG_EXPUNGE);
	if (mb->views == NULL)
		mailbox_log_trim(mb);
}

void
mailbox_rec_lost(struct mailbox *mb, const struct mailbox_rec *rec)
{
	struct view *v;

	if (!rec->was_hidden)
		return;
	mb->highest_modseq = modseqs_draw(&mb->family->modseqs);
	log_modseq(&mb->expunged, mb->highest_modseq, rec->uid, clock_now());
	mb->family->has_news = true;
	for (v = mb->views; v != NULL; v = v->next)
		if (v->modseq_cap == 0)
			v->modseq_cap = mb->highest_modseq - 1;
}

void
mailbox_rec_expunge(
    struct mailbox *mb, struct mailbox_rec *rec, struct view *by)
{
	size_t i = recs_from(&mb->recs, rec->uid);

	assert(i < mb->recs.n && mb->recs.v[i] == rec);
	memmove(mb->recs.v + i, mb->recs.v + i + 1,
	    (mb->recs.n - i - 1) * sizeof *mb->recs.v);
	mb->recs.n--;
	mailbox_rec_gone(mb, rec, by);
}
