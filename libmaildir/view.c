/* SPDX-License-Identifier: ISC */
/*
 * What one session sees.
 *
 * W1. Sequence numbers change in view_update() alone, and only messages whose
 *     UID is flushed (uidlist.c, U1) join.
 * W2. Each view reads the mailbox's log from two positions: flags are told at
 *     once, expunges wait for the moment that the protocol lets them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/mailbox_impl.h"

struct view *
view_open(struct mailbox *mb, bool read_only)
{
	struct view *v = xcalloc(1, sizeof *v);

	v->mb = mb;
	v->read_only = read_only;
	v->flags_pos = v->expunge_pos = mailbox_log_end(mb);
	seqset_init(&v->recent, MAX_VIEW_RANGES);
	v->next = mb->views;
	mb->views = v;
	/* Watched before the first scan, as long as a session looks at it. */
	if (mb->watch == NULL && mb->family->watch != NULL) {
		mb->watch = watch_add(mb->family->watch, mb->folder.cur,
		    mb->folder.new, mb->folder.mail_root);
		if (mb->is_loaded)
			mailbox_must_scan(mb);
	}
	return v;
}

/* The log may name it as the one who did something. */
static void
forget_by(struct mailbox *mb, const struct view *v)
{
	size_t i;

	for (i = 0; i < mb->log_n; i++)
		if (mb->log[i].by == v)
			mb->log[i].by = NULL;
}

/* Records that only this view had (view_restore). */
static void
free_strangers(struct view *v)
{
	size_t i;

	for (i = 0; i < v->recs.n; i++)
		if (v->recs.v[i]->name == NULL)
			mailbox_rec_free(v->recs.v[i]);
}

void
view_close(struct view **view)
{
	struct view *v = *view, **at;

	if (v == NULL)
		return;
	*view = NULL;
	mailbox_refresh_drop(&v->refresh);
	for (at = &v->mb->views; *at != v; at = &(*at)->next)
		;
	*at = v->next;
	free_strangers(v);
	forget_by(v->mb, v);
	mailbox_log_trim(v->mb);
	recs_free(&v->recs);
	seqset_free(&v->recent);
	xfree(v);
}

struct mailbox *
view_mailbox(const struct view *v)
{
	return v->mb;
}

enum step
view_refresh(struct view *v, struct flush_set *fs, struct err *err)
{
	enum step r = mailbox_refresh(v->mb, &v->refresh, fs, err);

	if (r == STEP_DONE && !v->read_only &&
	    mailbox_claim_new(v->mb, err) == -1)
		return STEP_FAIL;
	return r;
}

/* ---- telling ---- */

static int
by_uid(const void *a, const void *b)
{
	const struct mailbox_rec *x = *(struct mailbox_rec *const *)a;
	const struct mailbox_rec *y = *(struct mailbox_rec *const *)b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Take the gone ones out, telling each with the number it has at that moment.
 * To be O(n) for many: one pass that closes the gaps. */
static bool
tell_expunges(struct view *v, const struct view_teller *t)
{
	size_t i, kept = 0;
	bool told = false;

	for (i = 0; i < v->recs.n; i++) {
		struct mailbox_rec *rec = v->recs.v[i];

		if (!rec->is_gone) {
			v->recs.v[kept++] = rec;
			continue;
		}
		seqset_remove(&v->recent, rec->uid, rec->uid);
		if (t != NULL && t->expunge != NULL)
			t->expunge(t->arg, (uint32_t)kept + 1, rec->uid);
		if (rec->name == NULL)
			mailbox_rec_free(rec);
		told = true;
	}
	v->recs.n = kept;
	return told;
}

static bool
has_expunges(const struct view *v)
{
	const struct mailbox *mb = v->mb;
	uint64_t pos;

	for (pos = v->expunge_pos; pos < mailbox_log_end(mb); pos++)
		if (mb->log[pos - mb->log_start].kind == LOG_EXPUNGE)
			return true;
	return v->has_strangers;
}

static bool
take_new(struct view *v, const struct view_teller *t)
{
	struct mailbox *mb = v->mb;
	size_t i, from = recs_from(&mb->recs, view_max_uid(v) + 1), to;

	to = mb->told_uid == UINT32_MAX ?
	    mb->recs.n :
	    recs_from(&mb->recs, mb->told_uid + 1); /* W1 */
	if (to <= from || view_max_uid(v) == UINT32_MAX)
		return false;
	if (v->recs.n + (to - from) > v->recs.cap)
		recs_reserve(&v->recs, v->recs.n + (to - from) + v->recs.n / 4);
	memcpy(v->recs.v + v->recs.n, mb->recs.v + from,
	    (to - from) * sizeof *v->recs.v);
	v->recs.n += to - from;
	for (i = from; i < to && mb->counts.recent > 0; i++) {
		struct mailbox_rec *rec = mb->recs.v[i];

		if (rec->is_recent || rec->in_new)
			seqset_add(&v->recent, rec->uid, rec->uid);
		if (rec->is_recent && !v->read_only)
			mailbox_rec_set_recent(mb, rec, false);
	}
	if (t != NULL && t->exists != NULL)
		t->exists(t->arg, view_count(v));
	if (t != NULL && t->recent != NULL)
		t->recent(t->arg, view_recent(v));
	return true;
}

/* Messages with flag changes by others, once each, in order. */
static bool
tell_flags(struct view *v, const struct view_teller *t)
{
	struct mailbox *mb = v->mb;
	struct recs changed = { 0 };
	bool told = false;
	uint32_t seq;
	size_t i;

	for (; v->flags_pos < mailbox_log_end(mb); v->flags_pos++) {
		struct log_entry *e = &mb->log[v->flags_pos - mb->log_start];

		if (e->kind == LOG_FLAGS && e->by != v)
			recs_push(&changed, e->rec);
	}
	if (changed.n > 1)
		qsort(
		    changed.v, changed.n, sizeof(struct mailbox_rec *), by_uid);
	for (i = 0; i < changed.n; i++) {
		struct mailbox_rec *rec = changed.v[i];

		if ((i > 0 && changed.v[i - 1] == rec) || rec->is_gone ||
		    (seq = view_seq(v, rec->uid)) == 0)
			continue;
		told = true;
		if (t != NULL && t->flags != NULL)
			t->flags(t->arg, seq, rec);
	}
	recs_free(&changed);
	return told;
}

bool
view_update(struct view *v, bool may_expunge, const struct view_teller *t)
{
	struct mailbox *mb = v->mb;
	bool told = false;

	if (v->keywords_seen != mb->keywords.changes) {
		v->keywords_seen = mb->keywords.changes;
		if (t != NULL && t->keywords != NULL)
			t->keywords(t->arg);
		told = true;
	}
	if (may_expunge) {
		if (has_expunges(v))
			told = tell_expunges(v, t) || told;
		v->expunge_pos = mailbox_log_end(mb);
		v->has_strangers = false;
	}
	told = take_new(v, t) || told;
	told = tell_flags(v, t) || told;
	mailbox_log_trim(mb);
	return told;
}

bool
view_has_news(const struct view *v)
{
	const struct mailbox *mb = v->mb;
	size_t i = recs_from(&mb->recs, view_max_uid(v) + 1);

	return (i < mb->recs.n && mb->recs.v[i]->uid <= mb->told_uid) ||
	    v->flags_pos < mailbox_log_end(mb) ||
	    v->expunge_pos < mailbox_log_end(mb) || v->has_strangers ||
	    v->keywords_seen != mb->keywords.changes;
}

/* ---- numbers ---- */

uint32_t
view_count(const struct view *v)
{
	return (uint32_t)v->recs.n;
}

uint32_t
view_recent(const struct view *v)
{
	return (uint32_t)seqset_count(&v->recent);
}

bool
view_is_recent(const struct view *v, const struct mailbox_rec *rec)
{
	return seqset_has(&v->recent, rec->uid);
}

uint32_t
view_first_unseen(const struct view *v)
{
	struct mailbox *mb = v->mb;
	size_t i;

	if (mb->counts.unseen == 0)
		return 0;
	for (i = recs_from(&v->recs, mb->seen_below); i < v->recs.n; i++)
		if ((v->recs.v[i]->flags & FLAG_SEEN) == 0)
			break;
	if (i == v->recs.n)
		return 0;
	if (v->recs.n == mb->recs.n) /* it shows all that there is */
		mb->seen_below = v->recs.v[i]->uid;
	return (uint32_t)i + 1;
}

struct mailbox_rec *
view_rec(const struct view *v, uint32_t seq)
{
	return seq >= 1 && seq <= v->recs.n ? v->recs.v[seq - 1] : NULL;
}

uint32_t
view_seq(const struct view *v, uint32_t uid)
{
	size_t i = recs_from(&v->recs, uid);

	return i < v->recs.n && v->recs.v[i]->uid == uid ? (uint32_t)i + 1 : 0;
}

uint32_t
view_seq_from(const struct view *v, uint32_t uid)
{
	return (uint32_t)recs_from(&v->recs, uid) + 1;
}

uint32_t
view_max_uid(const struct view *v)
{
	return v->recs.n == 0 ? 0 : v->recs.v[v->recs.n - 1]->uid;
}

/* Is it something that the client is still to hear? */
static bool
is_untold(const struct view *v, const struct log_entry *e, uint64_t pos)
{
	if (view_seq(v, e->rec->uid) == 0)
		return false;
	if (e->kind == LOG_EXPUNGE)
		return pos >= v->expunge_pos;
	return pos >= v->flags_pos && e->by != v;
}

uint64_t
view_highest_modseq(const struct view *v)
{
	const struct mailbox *mb = v->mb;
	uint64_t highest = mailbox_told_modseq(mb, view_max_uid(v));
	uint64_t pos =
	    v->flags_pos < v->expunge_pos ? v->flags_pos : v->expunge_pos;

	for (; pos < mailbox_log_end(mb); pos++) {
		const struct log_entry *e = &mb->log[pos - mb->log_start];

		if (e->modseq > highest)
			break;
		if (is_untold(v, e, pos)) {
			highest = e->modseq - 1;
			break;
		}
	}
	return v->modseq_cap != 0 && v->modseq_cap < highest ? v->modseq_cap :
							       highest;
}

bool
view_vanished(const struct view *v, uint64_t since, const struct seqset *within,
    struct seqset *uids_out)
{
	bool exact = mailbox_vanished(v->mb, since, within, uids_out);
	size_t i;

	if (!has_expunges(v))
		return exact;
	for (i = 0; i < v->recs.n; i++)
		if (v->recs.v[i]->is_gone)
			seqset_remove(
			    uids_out, v->recs.v[i]->uid, v->recs.v[i]->uid);
	return exact;
}

bool
view_uids_of(
    const struct view *v, const struct seqset *seqs, struct seqset *uids_out)
{
	bool all = true;
	size_t i;
	uint64_t s;

	seqset_reset(uids_out);
	for (i = 0; i < seqs->n; i++) {
		for (s = seqs->r[i].lo; s <= seqs->r[i].hi && s <= v->recs.n;
		     s++)
			seqset_add(uids_out, v->recs.v[s - 1]->uid,
			    v->recs.v[s - 1]->uid);
		all = all && seqs->r[i].hi <= v->recs.n;
	}
	return all;
}

bool
view_seqs_of(
    const struct view *v, const struct seqset *uids, struct seqset *seqs_out)
{
	uint64_t found = 0;
	size_t i, from, to;

	seqset_reset(seqs_out);
	for (i = 0; i < uids->n; i++) {
		from = recs_from(&v->recs, uids->r[i].lo);
		to = uids->r[i].hi == UINT32_MAX ?
		    v->recs.n :
		    recs_from(&v->recs, uids->r[i].hi + 1);
		found += to - from;
		if (to > from)
			seqset_add(seqs_out, (uint32_t)from + 1, (uint32_t)to);
	}
	return found == seqset_count(uids);
}

/* ---- packing ---- */

void
view_get_uids(const struct view *v, struct seqset *out)
{
	size_t i;

	seqset_reset(out);
	for (i = 0; i < v->recs.n; i++)
		seqset_add(out, v->recs.v[i]->uid, v->recs.v[i]->uid);
}

void
view_get_recent(const struct view *v, struct seqset *out)
{
	seqset_copy(out, &v->recent);
}

/* A message that was told and is gone: it has a UID and nothing else. */
static struct mailbox_rec *
stranger(uint32_t uid)
{
	struct mailbox_rec *rec = xcalloc(1, sizeof *rec);

	rec->uid = uid;
	rec->size = rec->wire = NAME_NO_SIZE;
	rec->internaldate = rec->sent = MAILBOX_NO_DATE;
	rec->is_gone = true;
	return rec;
}

int
view_restore(struct view *v, const struct seqset *uids,
    const struct seqset *recent, struct err *err)
{
	struct mailbox_rec *rec;
	struct seqset_iter it;
	uint32_t uid;

	assert(v->recs.n == 0);
	/* The sender is not trusted: a set of four thousand million numbers
	 * is no view. */
	if (seqset_count(uids) > uidlist_next(&v->mb->list) ||
	    seqset_max(uids) >= uidlist_next(&v->mb->list))
		return err_set(err, ERR_INVALID, "UIDs that were never given");
	seqset_iter_init(&it, uids);
	while (seqset_next(&it, &uid)) {
		rec = mailbox_find(v->mb, uid);
		if (rec == NULL) {
			rec = stranger(uid);
			v->has_strangers = true;
		}
		recs_push(&v->recs, rec);
	}
	if (recent != NULL)
		seqset_copy(&v->recent, recent);
	return 0;
}
