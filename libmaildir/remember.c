/* SPDX-License-Identifier: ISC */
/*
 * How a mailbox is kept in the index and comes back from there.
 *
 * M1. Truth, answer, index: what is written here was told before, or will be
 *     found again. Nothing waits for it.
 * M2. Stamps go into the head only when they prove what the records say: nobody
 *     but us has changed the folder since they were taken for certain (sync.c,
 *     S2), and they are older than the grain of the file system's times.
 * M3. Who is killed leaves the user's head unclean. Modseqs that it told may
 *     not be in the index: the next session begins above all of them, with a
 *     floor under what the records say.
 * M4. Two sessions of a user may live for a moment (one drains). The revision
 *     tells that another has written; who comes second gives up the mailbox.
 * M5. A head is clean only when all that was told is written: else the next
 *     session begins as after a death.
 * M6. Who finds that another process has used the index goes on above all
 *     modseqs that it may have told, with a floor there: the two do not know
 *     what the other said.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libbase/random.h"
#include "libmaildir/index.h"
#include "libmaildir/io.h"
#include "libmaildir/remember.h"
#include "libmaildir/remember_record.h"
#include "libmaildir/store.h"
#include "libmaildir/summaries.h"

/* Of one write: a few milliseconds. */
#define BATCH_BYTES (512 * KIB)
#define RECORD_MAX  (2 * KIB + 2 * MAX_UIDLIST_LINE)
#define AGAIN_US    100000
#define FAILED_US   2000000 /* when it could not be written */

static void
uids_add(struct uids *u, uint32_t uid)
{
	if (u->n == u->cap) {
		u->cap = u->cap == 0 ? 16 : u->cap + u->cap / 2;
		u->v = xreallocarray(u->v, u->cap, sizeof *u->v);
	}
	u->v[u->n++] = uid;
}

static void
uids_free(struct uids *u)
{
	xfree(u->v);
	*u = (struct uids){ 0 };
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool
is_used(const struct mailbox *mb)
{
	return mb->box != 0 && !mb->memory.is_lost;
}

void
remember_changed(struct mailbox *mb, struct mailbox_rec *rec)
{
	if (!is_used(mb) || rec->to_index)
		return;
	rec->to_index = true;
	uids_add(&mb->memory.changed, rec->uid);
	mb->family->has_news = true;
}

void
remember_gone(struct mailbox *mb, const struct mailbox_rec *rec)
{
	if (!is_used(mb))
		return;
	uids_add(&mb->memory.gone, rec->uid);
	mb->family->has_news = true;
}

/* ---- reading ---- */

struct loader {
	struct mailbox *mb;
	uint64_t floor;
	bool is_wrong;
};

static bool
on_message(void *arg, uint64_t key, struct slice value)
{
	struct loader *l = arg;
	struct mailbox *mb = l->mb;
	struct mailbox_rec *rec;

	rec = key == 0 || key > UINT32_MAX ?
	    NULL :
	    record_get(mb, (uint32_t)key, value);
	if (rec == NULL ||
	    (mb->recs.n > 0 && mb->recs.v[mb->recs.n - 1]->uid >= rec->uid)) {
		mailbox_rec_free(rec);
		l->is_wrong = true;
		return false;
	}
	if (rec->modseq < l->floor)
		rec->modseq = l->floor;
	rec->seen_scan = 1;
	rec->is_shown = true;
	recs_push(&mb->recs, rec);
	mb->n_new += rec->in_new;
	mailbox_count(mb, rec, 1);
	return true;
}

static bool
on_expunged(void *arg, uint64_t key, struct slice value)
{
	struct modlog_entry e;
	struct loader *l = arg;

	if (value.n != sizeof e) {
		l->is_wrong = true;
		return false;
	}
	memcpy(&e, value.p, sizeof e);
	if (e.modseq != key || e.uid == 0 || e.modseq > l->mb->highest_modseq) {
		l->is_wrong = true;
		return false;
	}
	modlog_add(&l->mb->expunged, &e);
	return true;
}

static void
unload(struct mailbox *mb)
{
	size_t i;

	for (i = 0; i < mb->recs.n; i++)
		mailbox_rec_free(mb->recs.v[i]);
	mb->recs.n = 0;
	mailbox_free_slabs(mb);
	mb->counts = (struct mailbox_counts){ 0 };
	mb->n_new = 0;
}

/* 1 its messages are here, 0 not. */
static int
load_records(struct mailbox *mb, const struct box_head *h)
{
	struct loader l = { .mb = mb, .floor = mb->family->modseqs.floor };
	int r;

	/* The head is believed as far as it costs little. */
	recs_reserve(&mb->recs,
	    h->counts.messages < MAX_KEPT_MESSAGES ?
		(size_t)h->counts.messages :
		0);
	r = index_read(mb->family->index, mb->box, INDEX_MESSAGE, 1, UINT32_MAX,
	    0, on_message, &l);
	if (r == 0 && h->counts.messages == 0)
		r = 1;
	if (r == 1 && !l.is_wrong && mb->recs.n == h->counts.messages &&
	    memcmp(&mb->counts.bytes, &h->counts.bytes,
		sizeof h->counts.bytes) == 0)
		return 1;
	unload(mb);
	return 0;
}

/* What is there is of no use: what is written from here on is all there is. */
static void
forget_box(struct mailbox *mb)
{
	struct memory *m = &mb->memory;

	if (m->revision == 0)
		return;
	index_drop_box(mb->family->index, mb->box);
	m->revision = index_revision(mb->family->index, mb->box);
}

static int
take_head(struct mailboxes *ms, uint64_t box, struct box_head *h)
{
	struct buf b;
	int r;

	buf_init(&b, INDEX_HEAD_MAX);
	r = index_head(ms->index, box, &b);
	if (r == 1 && !box_head_get(buf_slice(&b), h))
		r = 0;
	buf_free(&b);
	return r;
}

/* The list: how far it was read, or what a lost one is to get again. 1, 0 it is
 * the list of another mailbox, -1. */
static int
take_list(struct mailbox *mb, const struct box_head *h, bool is_cur_same,
    struct err *err)
{
	struct uidlist *ul = &mb->list;
	int r;

	if ((r = uidlist_resume(ul, &h->list, err)) != 0)
		return r;
	if (ul->fd == -1) { /* lost: list.c gives it back */
		/* An inode may be given again. This is the folder that we
		 * know when it has lost nothing but its list. */
		if (!is_cur_same)
			return 0;
		ul->floor = h->list.floor;
		ul->floor_validity = h->list.head.uidvalidity;
		return 1;
	}
	/* Another file, to be read whole: of the same mailbox, or not. */
	return uidlist_is_of(ul, &h->list.head, err);
}

static bool
is_same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->ino != 0 && a->dev == b->dev && a->ino == b->ino &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* Where the expunge log begins, what it has, and the floor under all. */
static void
take_modseqs(struct mailbox *mb, const struct box_head *h)
{
	uint64_t floor = mb->family->modseqs.floor;
	struct loader l = { .mb = mb };

	mb->highest_modseq =
	    h->highest_modseq > floor ? h->highest_modseq : floor;
	modlog_reset(&mb->changed, mb->highest_modseq);
	modlog_reset(
	    &mb->expunged, h->log_floor > floor ? h->log_floor : floor);
	if (index_read(mb->family->index, mb->box, INDEX_EXPUNGED,
		mb->expunged.floor + 1, UINT64_MAX, 0, on_expunged, &l) == 0 &&
	    h->log_last > mb->expunged.floor)
		l.is_wrong = true;
	if (l.is_wrong) /* the wider answer */
		modlog_reset(&mb->expunged, mb->highest_modseq);
	mb->memory.log_last = h->log_last;
	mb->memory.log_floor = h->log_floor;
}

/* revision: as it was when it was read; another may have written since. */
static bool
write_user(struct mailboxes *ms, bool is_clean, uint64_t revision)
{
	struct user_head h = { .format = REMEMBER_FORMAT,
		.is_clean = is_clean,
		.owner = ms->index_owner,
		.last_modseq = ms->modseqs.last,
		.floor = ms->modseqs.floor,
		.ceiling = ms->modseqs.ceiling };

	return index_write(ms->index, INDEX_USER, NULL,
		   slice_of((const char *)&h, sizeof h), &revision) == 1;
}

static bool
read_user(struct mailboxes *ms, struct user_head *h)
{
	struct buf b;
	bool is_there;

	buf_init(&b, INDEX_HEAD_MAX);
	is_there = index_head(ms->index, INDEX_USER, &b) == 1 &&
	    user_head_get(buf_slice(&b), h);
	buf_free(&b);
	return is_there;
}

/* M6 */
static void
overtaken(struct mailboxes *ms)
{
	struct mailbox *mb;
	struct err unkept; /* mailboxes_have_modseqs() says so */

	(void)!modseqs_overtaken(&ms->modseqs, &unkept);
	for (mb = ms->open; mb != NULL; mb = mb->next)
		mailbox_modseq_overtaken(mb);
	ms->is_behind = true;
	(void)write_user(ms, false, index_revision(ms->index, INDEX_USER));
}

void
remember_look(struct mailboxes *ms)
{
	struct user_head h;

	if (ms->index != NULL && read_user(ms, &h) &&
	    h.owner != ms->index_owner)
		overtaken(ms);
}

int
remember_load(struct mailbox *mb, struct err *err)
{
	struct memory *m = &mb->memory;
	struct stamp cur, new;
	struct box_head h;
	int r;

	if (!is_used(mb))
		return 0;
	m->revision = index_revision(mb->family->index, mb->box);
	if (take_head(mb->family, mb->box, &h) == 0) {
		forget_box(mb);
		return 0;
	}
	/* From here on the watch tells of changes. */
	if (mb->watch != NULL) {
		(void)watch_read(mb->family->watch);
		watch_clear(mb->watch);
	}
	if (mailbox_stamps(mb, &cur, &new, err) == -1)
		return -1;
	if (load_records(mb, &h) == 0)
		r = 0;
	else if ((r = take_list(mb, &h, is_same_stamp(&h.cur, &cur), err)) != 1)
		unload(mb);
	if (r != 1) {
		forget_box(mb);
		return r;
	}
	mb->head = h.list.head;
	take_modseqs(mb, &h);
	m->is_whole = true;
	m->cur = h.cur;
	m->new = h.new;
	m->list = h.list;
	mb->cur_stamp = h.cur;
	mb->new_stamp = h.new;
	mb->scan = mb->cur_scan = 1;
	mb->is_loaded = mb->is_untold = true;
	mb->is_cur_known = is_same_stamp(&h.cur, &cur);
	mb->is_dirty = !mb->is_cur_known || !is_same_stamp(&h.new, &new) ||
	    mb->list.fd == -1;
	return 0;
}

int
mailbox_peek(struct mailbox *mb, struct mailbox_status *out, struct err *err)
{
	struct stamp cur, new;
	struct box_head h;
	int r;

	if (mb->is_loaded || !is_used(mb) ||
	    take_head(mb->family, mb->box, &h) == 0)
		return 0;
	if (mailbox_stamps(mb, &cur, &new, err) == -1)
		return -1;
	if (!is_same_stamp(&h.cur, &cur) || !is_same_stamp(&h.new, &new) ||
	    h.list.flushed < h.list.off)
		return 0;
	if ((r = uidlist_is_at(&mb->folder, &h.list, err)) != 1)
		return r;
	*out = (struct mailbox_status){
		.uidvalidity = h.list.head.uidvalidity,
		.uidnext = h.list.floor + 1,
		.highest_modseq = h.highest_modseq > mb->family->modseqs.floor ?
		    h.highest_modseq :
		    mb->family->modseqs.floor,
	};
	(void)memcpy(out->guid, h.list.head.guid, sizeof out->guid);
	mailbox_put_counts(&h.counts, out);
	return 1;
}

/* ---- writing ---- */

/* Do stamps prove what the records say (M2)? *again: soon they may. */
static bool
prove(struct mailbox *mb, struct stamp *cur, struct stamp *new, bool *again)
{
	struct err err;

	*again = false;
	if (mb->is_dirty || mb->is_forgotten ||
	    mailbox_stamps(mb, cur, new, &err) == -1)
		return false;
	if (!mailbox_is_watched(mb))
		return is_same_stamp(cur, &mb->cur_stamp) &&
		    is_same_stamp(new, &mb->new_stamp);
	(void)watch_read(mb->family->watch);
	if (watch_is_dirty(mb->watch))
		return false;
	*again =
	    !mailbox_stamp_is_old(mb, cur) || !mailbox_stamp_is_old(mb, new);
	return !*again;
}

/* The records to write, as many as one batch takes. How many of m->changed are
 * done with it. */
static size_t
fill_changed(struct mailbox *mb, struct index_batch *b)
{
	struct memory *m = &mb->memory;
	struct mailbox_rec *rec;
	struct buf bytes;
	size_t i;

	if (m->changed.n > 1)
		qsort(m->changed.v, m->changed.n, sizeof *m->changed.v,
		    by_number);
	buf_init(&bytes, RECORD_MAX);
	for (i = 0; i < m->changed.n; i++) {
		rec = mailbox_find(mb, m->changed.v[i]);
		if (rec == NULL)
			continue;
		buf_reset(&bytes);
		record_put(rec, &bytes);
		if (!index_batch_put(
			b, INDEX_MESSAGE, rec->uid, buf_slice(&bytes)))
			break;
	}
	buf_free(&bytes);
	return i;
}

/* The same of m->gone, run by run. */
static size_t
fill_gone(struct mailbox *mb, struct index_batch *b)
{
	struct uids *g = &mb->memory.gone;
	size_t i, j;
	int kind;

	if (g->n > 1)
		qsort(g->v, g->n, sizeof *g->v, by_number);
	for (i = 0; i < g->n; i = j) {
		for (j = i + 1; j < g->n && g->v[j] == g->v[j - 1] + 1; j++)
			;
		if (!index_batch_del(b, INDEX_MESSAGE, g->v[i], g->v[j - 1]))
			return i;
		for (kind = 0; kind < N_SUMMARIES; kind++)
			if (!index_batch_del(
				b, INDEX_SUMMARY + kind, g->v[i], g->v[j - 1]))
				return i;
	}
	return i;
}

/* Expunges since the last write, and those that were pruned. false: no room. */
static bool
fill_log(const struct mailbox *mb, struct index_batch *b, uint64_t *last)
{
	const struct memory *m = &mb->memory;
	const struct modlog_entry *e;
	size_t i, n;

	if (mb->expunged.floor > m->log_floor &&
	    !index_batch_del(b, INDEX_EXPUNGED, 0, mb->expunged.floor))
		return false;
	e = modlog_above(&mb->expunged, m->log_last, &n);
	for (i = 0; i < n; i++) {
		if (!index_batch_put(b, INDEX_EXPUNGED, e[i].modseq,
			slice_of((const char *)&e[i], sizeof e[i])))
			return false;
		*last = e[i].modseq;
	}
	return true;
}

static void
drop_first(struct uids *u, size_t n)
{
	if (n == 0)
		return;
	memmove(u->v, u->v + n, (u->n - n) * sizeof *u->v);
	u->n -= n;
	if (u->n == 0)
		uids_free(u);
}

static void
forget_changed(struct mailbox *mb, size_t n)
{
	struct mailbox_rec *rec;
	size_t i;

	for (i = 0; i < n; i++) {
		rec = mailbox_find(mb, mb->memory.changed.v[i]);
		if (rec != NULL)
			rec->to_index = false;
	}
	drop_first(&mb->memory.changed, n);
}

/* All of it again: the index has been dropped. */
static void
change_all(struct mailbox *mb)
{
	struct memory *m = &mb->memory;
	size_t i;

	m->changed.n = m->gone.n = 0;
	m->revision = 0;
	m->is_whole = false;
	m->log_last = m->log_floor = 0;
	m->cur = m->new = (struct stamp){ 0 };
	for (i = 0; i < mb->recs.n; i++) {
		mb->recs.v[i]->to_index = false;
		mb->recs.v[i]->summaries = 0;
		remember_changed(mb, mb->recs.v[i]);
	}
}

/* Another has written, or it was dropped: begin anew, or leave it. */
static uint64_t
not_written(struct mailbox *mb)
{
	struct memory *m = &mb->memory;
	uint64_t now = index_revision(mb->family->index, mb->box);

	if (now != m->revision) {
		if (now != 0) {
			m->is_lost = true; /* M4 */
			return 0;
		}
		change_all(mb);
	}
	return clock_mono_us() + FAILED_US;
}

/* What a write is made of. */
struct portion {
	struct index_batch *batch;
	size_t changed, gone; /* of the memory's, from their begin */
	bool is_last;
	struct box_head head;
};

static void
fill(struct mailbox *mb, struct portion *p)
{
	const struct memory *m = &mb->memory;
	bool logged, taken;

	p->head.log_last = m->log_last;
	logged = fill_log(mb, p->batch, &p->head.log_last);
	if (logged)
		p->gone = fill_gone(mb, p->batch);
	taken = logged && p->gone == m->gone.n && summaries_take(mb, p->batch);
	if (taken)
		p->changed = fill_changed(mb, p->batch);
	p->is_last = taken && p->changed == m->changed.n;
	p->head.log_floor = mb->expunged.floor;
	p->head.format = REMEMBER_FORMAT;
	p->head.is_whole = p->is_last;
	p->head.highest_modseq = mb->highest_modseq;
	p->head.counts = mb->counts;
}

static void
filled(struct mailbox *mb, const struct portion *p)
{
	struct memory *m = &mb->memory;

	forget_changed(mb, p->changed);
	drop_first(&m->gone, p->gone);
	m->is_whole = p->is_last;
	m->log_last = p->head.log_last;
	m->log_floor = p->head.log_floor;
	m->cur = p->head.cur;
	m->new = p->head.new;
	m->list = p->head.list;
}

static bool
has_news(const struct mailbox *mb)
{
	const struct memory *m = &mb->memory;

	return m->changed.n > 0 || m->gone.n > 0 || !m->is_whole ||
	    summaries_pending(mb) > 0;
}

static bool
is_same_list(const struct uidlist_mark *a, const struct uidlist_mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->off == b->off &&
	    a->flushed == b->flushed;
}

/* A portion. When to call again, 0: there is nothing to write. */
static uint64_t
write_some(struct mailbox *mb)
{
	struct memory *m = &mb->memory;
	struct portion p = { 0 };
	uint64_t soon = clock_mono_us() + AGAIN_US, at = 0;
	bool again, proved;

	if (!is_used(mb) || !mb->is_loaded || mb->is_forgotten)
		return 0;
	if (!uidlist_get_mark(&mb->list, &p.head.list))
		return soon; /* the next refresh reads the rest */
	proved = prove(mb, &p.head.cur, &p.head.new, &again);
	if (!proved)
		p.head.cur = p.head.new = (struct stamp){ 0 };
	else if (!has_news(mb) && is_same_list(&p.head.list, &m->list) &&
	    is_same_stamp(&p.head.cur, &m->cur) &&
	    is_same_stamp(&p.head.new, &m->new))
		return 0;
	if (!proved && !has_news(mb))
		return again ? soon : 0;
	if (mb->family->batch == NULL)
		mb->family->batch = index_batch_new(BATCH_BYTES);
	p.batch = mb->family->batch;
	fill(mb, &p);
	if (index_write(mb->family->index, mb->box, p.batch,
		slice_of((const char *)&p.head, sizeof p.head),
		&m->revision) == 0)
		at = not_written(mb);
	else {
		filled(mb, &p);
		at = !p.is_last ? 1 : again ? soon : 0;
	}
	index_batch_reset(p.batch);
	return at;
}

uint64_t
mailboxes_write_index(struct mailboxes *ms)
{
	uint64_t at, first = 0;
	struct mailbox *mb;

	if (ms->index == NULL)
		return 0;
	ms->has_news = false;
	for (mb = ms->open; mb != NULL; mb = mb->next) {
		at = write_some(mb);
		if (at != 0 && (first == 0 || at < first))
			first = at;
		if (at == 1) /* one portion a call */
			break;
	}
	return first;
}

void
mailboxes_flush_index(struct mailboxes *ms)
{
	if (ms->index != NULL && !index_is_flushed(ms->index))
		index_flush(ms->index);
}

enum mailboxes_news
mailboxes_news(const struct mailboxes *ms)
{
	const struct mailbox *mb;

	if (!ms->has_news)
		return NEWS_NONE;
	for (mb = ms->open; mb != NULL; mb = mb->next)
		if (summaries_want_write(mb))
			return NEWS_MANY;
	return NEWS_SOME;
}

void
remember_free(struct mailbox *mb)
{
	while (write_some(mb) == 1)
		;
	/* M5 */
	if (mb->is_loaded && mb->box != 0 &&
	    (has_news(mb) || mb->memory.is_lost))
		mb->family->is_behind = true;
	uids_free(&mb->memory.changed);
	uids_free(&mb->memory.gone);
}

/* ---- the user's ---- */

int
mailboxes_use_index(
    struct mailboxes *ms, struct index *ix, int control, struct err *err)
{
	struct modseq_past past = { 0 };
	struct user_head h;
	uint64_t revision;

	assert(ms->open == NULL && ms->index == NULL);
	ms->index = ix;
	random_bytes(&ms->index_owner, sizeof ms->index_owner);
	revision = index_revision(ms->index, INDEX_USER);
	if (read_user(ms, &h))
		past = (struct modseq_past){ .is_clean = h.is_clean == 1,
			.last = h.last_modseq,
			.floor = h.floor,
			.ceiling = h.ceiling }; /* M3 */
	/* First: who cannot say that he is at it does not go on. */
	if (!write_user(ms, false, revision)) {
		past.is_clean = false;
		revision = index_revision(ms->index, INDEX_USER);
		(void)write_user(ms, false, revision);
	}
	return modseqs_open(&ms->modseqs, control, &past, err);
}

void
remember_end(struct mailboxes *ms)
{
	struct user_head h;
	uint64_t revision;

	if (ms->index == NULL)
		return;
	remember_sweep(ms);
	revision = index_revision(ms->index, INDEX_USER);
	if (!ms->is_behind && read_user(ms, &h) && h.owner == ms->index_owner)
		(void)write_user(ms, true, revision);
	index_batch_free(&ms->batch);
	index_close(&ms->index);
}
