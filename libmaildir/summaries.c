/* SPDX-License-Identifier: ISC */
/*
 * Summaries of messages: read by bulk, kept until they are written.
 *
 * A message never changes, so what was read stays true whoever writes to the
 * index. Of each kind there is a window, a run of records as the index had them
 * when it was read, and what waits to be written. Who asks for one message
 * after the other gets windows that double; who asks for a lone one reads that
 * alone. Windows of a user stay, as long as they have room together, until
 * nobody has asked for a while: the same is asked for again and again.
 */
#include <string.h>

#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/index.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/summaries.h"

#define WINDOW_FIRST (4 * KIB)
#define WINDOW_MAX   (512 * KIB)
/* Of all windows of a user; a window that finds no room is WINDOW_MAX. */
#define WINDOWS_MAX  (16 * MIB)
#define PENDING_MAX  (1 * MIB)
#define PENDING_MANY (512 * KIB)
/* An index that did not answer is left alone for so long. */
#define PAUSE_US     1000000

/* Where a record stands in the bytes of a run. */
struct kept {
	uint32_t uid, off, n;
};
#define N_OLD UINT32_MAX /* a newer one was kept since */

/* Records of one kind, in the order of UIDs. */
struct run {
	struct kept *v;
	size_t n, cap;
	struct buf bytes;
};

struct window {
	struct run run;
	size_t at;       /* where the last one was found */
	size_t got;      /* records of the last read */
	size_t hits;     /* found here since */
	size_t budget;   /* bytes asked for then; 0: a lone one */
	uint32_t hi;     /* up to here it has what the index has; 0: nothing */
	uint32_t asked;  /* the UID asked for last */
	uint64_t since;  /* times (mailboxes.tick): when it was begun, */
	uint64_t used;   /* when it was asked last */
	struct buf lone; /* read alone */
};

struct summaries {
	struct window window[N_SUMMARIES];
	struct run pending[N_SUMMARIES];
	size_t pending_bytes;
	uint64_t pause_until_us;
};

static struct summaries *
summaries_of(struct mailbox *mb)
{
	struct summaries *s = mb->summaries;
	unsigned k;

	if (s != NULL)
		return s;
	s = mb->summaries = xcalloc(1, sizeof(*s));
	for (k = 0; k < N_SUMMARIES; k++) {
		buf_init(
		    &s->window[k].run.bytes, WINDOWS_MAX + INDEX_VALUE_MAX);
		buf_init(&s->window[k].lone, INDEX_VALUE_MAX);
		buf_init(&s->pending[k].bytes, PENDING_MAX);
	}
	return s;
}

/* ---- runs ---- */

static void
run_free(struct run *r)
{
	xfree(r->v);
	buf_free(&r->bytes);
	r->v = NULL;
	r->n = r->cap = 0;
}

static void
run_clear(struct run *r)
{
	buf_reset(&r->bytes);
	r->n = 0;
}

/* The first with that UID or a higher one. */
static size_t
run_from(const struct run *r, uint32_t uid)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
run_add(struct run *r, size_t i, uint32_t uid, struct slice value)
{
	uint32_t off = (uint32_t)r->bytes.n;

	if (value.n > r->bytes.max - r->bytes.n)
		return false;
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 16 : 2 * r->cap;
		r->v = xreallocarray(r->v, r->cap, sizeof(*r->v));
	}
	memmove(r->v + i + 1, r->v + i, (r->n - i) * sizeof(*r->v));
	r->v[i] = (struct kept){ uid, off, (uint32_t)value.n };
	r->n++;
	buf_put_slice(&r->bytes, value);
	return true;
}

static struct slice
run_value(const struct run *r, size_t i)
{
	return slice_of(r->bytes.p + r->v[i].off, r->v[i].n);
}

/* ---- reading ---- */

bool
summaries_are_kept(const struct mailbox *mb)
{
	return mb->family->index != NULL && mb->box != 0 && !mb->is_forgotten;
}

struct reader {
	struct run *run;
	size_t max; /* bytes of the run */
	uint32_t hi;
};

/* An index_fn. */
static bool
take_record(void *arg, uint64_t key, struct slice value)
{
	struct reader *rd = arg;
	struct run *run = rd->run;

	if (key > UINT32_MAX || (run->n > 0 && key <= run->v[run->n - 1].uid))
		return false; /* no order: not what was written */
	if (!run_add(run, run->n, (uint32_t)key, value))
		return false;
	rd->hi = (uint32_t)key;
	return run->bytes.n < rd->max;
}

/* An index_fn. */
static bool
take_lone(void *arg, uint64_t key, struct slice value)
{
	struct buf *lone = arg;

	(void)key;
	buf_put_slice(lone, value);
	return false;
}

/* 1, 0 the index does not answer. */
static int
read_index(struct mailbox *mb, enum summary_kind kind, uint32_t lo, uint32_t hi,
    size_t want, index_fn *fn, void *arg)
{
	struct summaries *s = mb->summaries;

	if (s->pause_until_us != 0 && clock_mono_us() < s->pause_until_us)
		return 0;
	s->pause_until_us = 0;
	if (index_read(mb->family->index, mb->box, INDEX_SUMMARY + (int)kind,
		lo, hi, want, fn, arg) == 1)
		return 1;
	s->pause_until_us = clock_mono_us() + PAUSE_US;
	return 0;
}

static void
clear_window(struct mailbox *mb, struct window *w)
{
	mb->family->window_bytes -= w->run.bytes.n;
	run_clear(&w->run);
	w->budget = 0;
	w->hi = 0;
}

static void
free_window(struct mailbox *mb, struct window *w)
{
	clear_window(mb, w);
	run_free(&w->run);
	buf_free(&w->lone);
	w->asked = 0;
}

/* Give back the window that has not been used for longest, if that was before
 * that time. */
static bool
free_oldest(struct mailboxes *ms, uint64_t before)
{
	struct mailbox *mb, *of = NULL;
	struct window *oldest = NULL;
	unsigned k;

	for (mb = ms->open; mb != NULL; mb = mb->next) {
		for (k = 0; mb->summaries != NULL && k < N_SUMMARIES; k++) {
			struct window *w = &mb->summaries->window[k];

			if (w->run.bytes.n == 0 || w->used >= before ||
			    (oldest != NULL && w->used >= oldest->used))
				continue;
			oldest = w;
			of = mb;
		}
	}
	if (oldest == NULL)
		return false;
	free_window(of, oldest);
	return true;
}

/* Is there room for so much more in that window? */
static bool
make_room(struct mailbox *mb, const struct window *w, size_t more)
{
	while (mb->family->window_bytes + more > WINDOWS_MAX)
		if (!free_oldest(mb->family, w->since))
			return false;
	return true;
}

/* Read on from that UID: behind what the window has, as long as there is room,
 * else instead of it. */
static int
read_window(
    struct mailbox *mb, enum summary_kind kind, uint32_t uid, size_t budget)
{
	struct window *w = &mb->summaries->window[kind];
	struct reader rd = { .run = &w->run, .hi = uid };
	size_t before;
	int r;

	if (uid <= w->hi)
		clear_window(mb, w);
	if (w->run.n == 0)
		w->since = mb->family->tick;
	if (!make_room(mb, w, budget + INDEX_VALUE_MAX))
		clear_window(mb, w);
	before = w->run.bytes.n;
	rd.max = before + budget;
	w->at = w->got = w->run.n;
	w->hits = 0;
	w->budget = budget;
	r = read_index(mb, kind, uid, UINT32_MAX, budget, take_record, &rd);
	w->got = w->run.n - w->got;
	w->hi = rd.hi;
	mb->family->window_bytes += w->run.bytes.n - before;
	return r;
}

/* Does who asks go up message by message, and does he take what is read? 0:
 * this one alone. */
static size_t
next_budget(const struct window *w, uint32_t uid)
{
	if (w->asked == 0 || uid <= w->asked)
		return 0;
	if (w->budget == 0)
		return uid - w->asked < 256 ? WINDOW_FIRST : 0;
	if (w->hits < w->got / 4)
		return 0;
	return w->budget < WINDOW_MAX ? 2 * w->budget : WINDOW_MAX;
}

static bool
find_in_window(struct window *w, uint32_t uid, struct slice *out)
{
	const struct run *r = &w->run;
	size_t i = w->at;

	if (i >= r->n || r->v[i].uid != uid) {
		i = i + 1 < r->n && r->v[i + 1].uid == uid ? i + 1 :
							     run_from(r, uid);
		if (i == r->n || r->v[i].uid != uid)
			return false;
	}
	if (r->v[i].n == N_OLD)
		return false;
	w->at = i;
	w->hits++;
	*out = run_value(r, i);
	return true;
}

/* It should be there: read it. */
static bool
read_one(struct mailbox *mb, struct mailbox_rec *rec, enum summary_kind kind,
    struct slice *out)
{
	struct window *w = &mb->summaries->window[kind];
	size_t budget;
	int r;

	if (w->run.n > 0 && rec->uid >= w->run.v[0].uid && rec->uid <= w->hi)
		clear_window(mb, w); /* it lacks what was written since */
	budget = next_budget(w, rec->uid);
	if (budget != 0) {
		if (read_window(mb, kind, rec->uid, budget) == 0)
			return false;
		if (find_in_window(w, rec->uid, out))
			return true;
	} else if (rec->uid > w->hi) {
		w->budget = 0;
	}
	buf_reset(&w->lone);
	r = read_index(
	    mb, kind, rec->uid, rec->uid, INDEX_VALUE_MAX, take_lone, &w->lone);
	if (r == 1 && w->lone.n > 0) {
		*out = buf_slice(&w->lone);
		return true;
	}
	if (r == 1) {
		rec->summaries &= (uint8_t) ~(1u << kind);
		mailbox_rec_learnt(mb, rec);
	}
	return false;
}

bool
summary_get(struct mailbox *mb, struct mailbox_rec *rec, enum summary_kind kind,
    struct slice *out)
{
	struct summaries *s;
	const struct run *p;
	bool found;
	size_t i;

	if ((rec->summaries & 1u << kind) == 0 || !summaries_are_kept(mb))
		return false;
	s = summaries_of(mb);
	p = &s->pending[kind];
	if (p->n > 0) {
		i = run_from(p, rec->uid);
		if (i < p->n && p->v[i].uid == rec->uid) {
			*out = run_value(p, i);
			return true;
		}
	}
	found = find_in_window(&s->window[kind], rec->uid, out) ||
	    read_one(mb, rec, kind, out);
	s->window[kind].asked = rec->uid;
	s->window[kind].used = mb->family->tick++;
	return found;
}

/* ---- keeping ---- */

void
summary_keep(struct mailbox *mb, struct mailbox_rec *rec,
    enum summary_kind kind, struct slice value)
{
	struct summaries *s;
	struct window *w;
	struct run *p;
	size_t i;

	if (!summaries_are_kept(mb) || rec->uid == 0 || rec->is_gone ||
	    value.n == 0 || value.n > INDEX_VALUE_MAX)
		return;
	s = summaries_of(mb);
	p = &s->pending[kind];
	i = run_from(p, rec->uid);
	if (i < p->n && p->v[i].uid == rec->uid)
		return;
	if (s->pending_bytes + value.n > PENDING_MAX ||
	    !run_add(p, i, rec->uid, value))
		return;
	s->pending_bytes += value.n;
	w = &s->window[kind];
	i = rec->uid > w->hi ? w->run.n : run_from(&w->run, rec->uid);
	if (i < w->run.n && w->run.v[i].uid == rec->uid)
		w->run.v[i].n = N_OLD;
	rec->summaries |= (uint8_t)(1u << kind);
	mailbox_rec_learnt(mb, rec);
}

size_t
summaries_pending(const struct mailbox *mb)
{
	return mb->summaries == NULL ? 0 : mb->summaries->pending_bytes;
}

bool
summaries_want_write(const struct mailbox *mb)
{
	return summaries_pending(mb) >= PENDING_MANY;
}

/* Those from the i-th on stay. */
static void
keep_rest(struct summaries *s, struct run *p, size_t i)
{
	struct run rest = { 0 };
	size_t k;

	for (k = 0; k < i; k++)
		s->pending_bytes -= p->v[k].n;
	if (i == p->n) { /* its memory will be wanted again */
		run_clear(p);
		return;
	}
	buf_init(&rest.bytes, p->bytes.max);
	for (; i < p->n; i++)
		(void)run_add(&rest, rest.n, p->v[i].uid, run_value(p, i));
	run_free(p);
	*p = rest;
}

bool
summaries_take(struct mailbox *mb, struct index_batch *b)
{
	struct summaries *s = mb->summaries;
	bool all = true;
	unsigned k;
	size_t i;

	if (s == NULL)
		return true;
	for (k = 0; k < N_SUMMARIES && all; k++) {
		struct run *p = &s->pending[k];

		for (i = 0; i < p->n; i++)
			if (mailbox_find(mb, p->v[i].uid) != NULL &&
			    !index_batch_put(b, INDEX_SUMMARY + (int)k,
				p->v[i].uid, run_value(p, i)))
				break;
		all = i == p->n;
		keep_rest(s, p, i);
	}
	return all;
}

/* ---- giving back ---- */

bool
summaries_rest(struct mailboxes *ms)
{
	struct mailbox *mb;
	unsigned k;

	for (mb = ms->open; mb != NULL; mb = mb->next)
		for (k = 0; mb->summaries != NULL && k < N_SUMMARIES; k++)
			if (mb->summaries->pending[k].n == 0)
				run_free(&mb->summaries->pending[k]);
	index_batch_free(&ms->batch);
	while (free_oldest(ms, ms->rested))
		;
	ms->rested = ms->tick;
	return ms->window_bytes > 0;
}

void
summaries_free(struct mailbox *mb)
{
	unsigned k;

	if (mb->summaries == NULL)
		return;
	for (k = 0; k < N_SUMMARIES; k++) {
		free_window(mb, &mb->summaries->window[k]);
		run_free(&mb->summaries->pending[k]);
	}
	xfree(mb->summaries);
	mb->summaries = NULL;
}
