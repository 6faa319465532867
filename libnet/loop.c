/* SPDX-License-Identifier: ISC */
/* The event loop: rounds of libev with an ordered end. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "libnet/loop.h"

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libnet/conn_private.h"
#include "libnet/loop_private.h"

struct loop *
loop_new(struct err *err)
{
	struct loop *loop;
	struct ev_loop *ev;

	/* Only epoll: the sandbox admits nothing else. No look at LIBEV_FLAGS:
	 * the environment has no say here. */
	ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (ev == NULL) {
		err_sys(err, "event loop");
		return NULL;
	}
	loop = xcalloc(1, sizeof *loop);
	loop->ev = ev;
	ev_set_userdata(ev, loop);
	return loop;
}

static void
jobs_push(struct loop_jobs *q, void (*fn)(void *arg), void *arg)
{
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 16 : q->cap * 2;
		q->v = xreallocarray(q->v, q->cap, sizeof *q->v);
	}
	q->v[q->n].fn = fn;
	q->v[q->n].arg = arg;
	q->n++;
}

/* Run what stands in q now; what is pushed meanwhile waits for the next. How
 * many ran. */
static size_t
jobs_run(struct loop *loop, struct loop_jobs *q)
{
	struct loop_jobs run = *q;
	size_t n = run.n;

	if (run.n == 0)
		return 0;
	*q = loop->spare;
	q->n = 0;
	loop->spare = (struct loop_jobs){ 0 };
	for (size_t i = 0; i < run.n; i++)
		run.v[i].fn(run.v[i].arg);
	xfree(loop->spare.v);
	loop->spare = run;
	loop->spare.n = 0;
	return n;
}

/* At the loop's end only connections' jobs run: they free what is closed. */
static void
jobs_of_conns(struct loop_jobs *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (conn_owns_job(q->v[i].fn))
			q->v[i].fn(q->v[i].arg);
	xfree(q->v);
	*q = (struct loop_jobs){ 0 };
}

bool
loop_round(struct loop *loop, bool wait)
{
	int flags = wait && loop->soon.n == 0 && loop->defer.n == 0 &&
		loop->late.n == 0 ?
	    EVRUN_ONCE :
	    EVRUN_NOWAIT;
	bool more;
	size_t jobs;

	loop->in_round = true;
	more = ev_run(loop->ev, flags) != 0;
	jobs = jobs_run(loop, &loop->soon);
	jobs += jobs_run(loop, &loop->late);
	jobs += jobs_run(loop, &loop->defer);
	if (loop->check != NULL)
		loop->check(loop->check_arg);
	loop->in_round = false;
	/* A job may have started a watcher, which libev has not counted yet. */
	return more || jobs > 0 || loop->soon.n > 0 || loop->late.n > 0 ||
	    loop->defer.n > 0;
}

void
loop_run(struct loop *loop)
{
	loop->stop = false;
	while (!loop->stop)
		if (!loop_round(loop, true))
			break;
}

void
loop_stop(struct loop *loop)
{
	loop->stop = true;
}

/* --- blocks ------------------------------------------------------------ */
#define BLOCKS_IDLE_SECS 2.0

static void
blocks_free(struct loop *loop)
{
	struct loop_blocks *b = &loop->blocks;

	while (b->n > 0)
		xfree(b->spare[--b->n]);
	for (size_t i = 0; i < N_ELEMENTS(loop->scratch); i++) {
		xfree(loop->scratch[i]);
		loop->scratch[i] = NULL;
	}
}

static void
blocks_idle(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct loop *loop = w->data;

	(void)revents;
	ev_ref(ev);
	ev_timer_stop(ev, w);
	if (!loop->blocks.used) {
		blocks_free(loop);
		/* a session that has fetched and searched: 828 KiB of its own
		 * without, 464 with this (measured) */
		(void)malloc_trim(0);
		return;
	}
	loop->blocks.used = false;
	ev_timer_set(w, BLOCKS_IDLE_SECS, 0.0);
	ev_timer_start(ev, w);
	ev_unref(ev); /* keeps no loop_run going */
}

/* Something was lent: look again in a while whether it is still needed. */
static void
blocks_used(struct loop *loop)
{
	struct loop_blocks *b = &loop->blocks;

	b->used = true;
	if (ev_is_active(&b->idle))
		return;
	ev_timer_init(&b->idle, blocks_idle, BLOCKS_IDLE_SECS, 0.0);
	b->idle.data = loop;
	ev_timer_start(loop->ev, &b->idle);
	ev_unref(loop->ev);
}

void *
loop_block_get(struct loop *loop)
{
	struct loop_blocks *b;

	if (loop == NULL)
		return xmalloc(LOOP_BLOCK);
	b = &loop->blocks;
	blocks_used(loop);
	return b->n > 0 ? b->spare[--b->n] : xmalloc(LOOP_BLOCK);
}

void
loop_block_put(struct loop *loop, void *block)
{
	if (loop == NULL || loop->blocks.n == LOOP_MAX_SPARES) {
		xfree(block);
		return;
	}
	blocks_used(loop);
	loop->blocks.spare[loop->blocks.n++] = block;
}

char *
loop_scratch(struct loop *loop, unsigned which)
{
	blocks_used(loop);
	if (loop->scratch[which] == NULL)
		loop->scratch[which] =
		    xmalloc(which == 2 ? LOOP_SCRATCH_OUT : LOOP_SCRATCH);
	return loop->scratch[which];
}

void
loop_free(struct loop **loopp)
{
	struct loop *loop = *loopp;

	if (loop == NULL)
		return;
	*loopp = NULL;
	flusher_free(&loop->flusher);
	conn_abandon_all(loop);
	while (loop->signals != NULL) {
		struct loop_signal *s = loop->signals;

		loop->signals = s->next;
		ev_ref(loop->ev);
		ev_signal_stop(loop->ev, &s->ev);
		xfree(s);
	}
	jobs_of_conns(&loop->late);
	jobs_of_conns(&loop->soon);
	jobs_of_conns(&loop->defer);
	if (ev_is_active(&loop->blocks.idle)) {
		ev_ref(loop->ev);
		ev_timer_stop(loop->ev, &loop->blocks.idle);
	}
	blocks_free(loop);
	ev_loop_destroy(loop->ev);
	xfree(loop->spare.v);
	xfree(loop);
}

/* --- timers ------------------------------------------------------------ */
static void
timer_fired(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct timer *t = w->data;

	(void)revents;
	ev_timer_stop(ev, w);
	t->cb(t->arg);
}

void
timer_init(struct timer *t, struct loop *loop, void (*cb)(void *arg), void *arg)
{
	*t = (struct timer){ .loop = loop, .cb = cb, .arg = arg };
}

void
timer_start_ms(struct timer *t, uint64_t ms)
{
	ev_timer *w = t->ev;

	if (w == NULL) {
		w = xcalloc(1, sizeof *w);
		ev_init(w, timer_fired);
		w->data = t;
		t->ev = w;
	}
	if (!t->loop->in_round)
		ev_now_update(t->loop->ev); /* the loop may have stood long */
	ev_timer_stop(t->loop->ev, w);
	ev_timer_set(w, (double)ms / 1000.0, 0.0);
	ev_timer_start(t->loop->ev, w);
}

void
timer_stop(struct timer *t)
{
	if (t->ev == NULL)
		return;
	ev_timer_stop(t->loop->ev, (ev_timer *)t->ev);
	xfree(t->ev);
	t->ev = NULL;
}

bool
timer_is_active(const struct timer *t)
{
	return t->ev != NULL && ev_is_active((ev_timer *)t->ev);
}

/* --- descriptors ------------------------------------------------------- */
static void
iowatch_fired(struct ev_loop *ev, ev_io *io, int revents)
{
	struct iowatch *w = io->data;
	unsigned events = 0;

	(void)ev;
	if ((revents & (EV_READ | EV_ERROR)) != 0)
		events |= LOOP_READ;
	if ((revents & (EV_WRITE | EV_ERROR)) != 0)
		events |= LOOP_WRITE;
	w->cb(w->arg, events);
}

void
iowatch_init(struct iowatch *w, struct loop *loop, int fd,
    void (*cb)(void *arg, unsigned events), void *arg)
{
	*w = (struct iowatch){ .loop = loop, .fd = fd, .cb = cb, .arg = arg };
}

void
iowatch_set(struct iowatch *w, unsigned events)
{
	ev_io *io = w->ev;

	if (w->events == events)
		return;
	if (io == NULL) {
		io = xcalloc(1, sizeof *io);
		ev_init(io, iowatch_fired);
		io->data = w;
		w->ev = io;
	}
	w->events = events;
	ev_io_stop(w->loop->ev, io);
	if (events == 0)
		return;
	ev_io_set(io, w->fd,
	    ((events & LOOP_READ) != 0 ? EV_READ : 0) |
		((events & LOOP_WRITE) != 0 ? EV_WRITE : 0));
	ev_io_start(w->loop->ev, io);
}

void
iowatch_stop(struct iowatch *w)
{
	if (w->ev == NULL)
		return;
	ev_io_stop(w->loop->ev, (ev_io *)w->ev);
	xfree(w->ev);
	w->ev = NULL;
	w->events = 0;
}

/* The number of libev's epoll, for which it has no question: the first that
 * takes the call. */
#define EPOLL_FD_MOST 64

void
loop_forget(struct loop *loop, int fd)
{
	for (int ep = loop->epoll_fd; ep < EPOLL_FD_MOST; ep++)
		if (epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL) == 0 ||
		    errno == ENOENT) { /* an epoll that never watched it */
			loop->epoll_fd = ep;
			return;
		}
	loop->epoll_fd = 0;
}

/* --- signals ----------------------------------------------------------- */
static void
signal_fired(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct loop_signal *s = w->data;

	(void)ev;
	(void)revents;
	s->cb(s->arg, w->signum);
}

void
loop_signal(
    struct loop *loop, int signum, void (*cb)(void *arg, int signum), void *arg)
{
	struct loop_signal *s = xcalloc(1, sizeof *s);

	s->cb = cb;
	s->arg = arg;
	s->next = loop->signals;
	loop->signals = s;
	ev_signal_init(&s->ev, signal_fired, signum);
	s->ev.data = s;
	ev_signal_start(loop->ev, &s->ev);
	ev_unref(loop->ev);
}

/* --- the round --------------------------------------------------------- */
void
loop_defer(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	jobs_push(&loop->defer, fn, arg);
}

void
loop_soon(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	jobs_push(&loop->soon, fn, arg);
}

void
loop_late(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	jobs_push(&loop->late, fn, arg);
}

void
loop_set_check(struct loop *loop, void (*check)(void *arg), void *arg)
{
	loop->check = check;
	loop->check_arg = arg;
}

void
loop_slice_start(struct loop *loop)
{
	loop->slice_end_us = clock_mono_us() + LOOP_SLICE_US;
}

bool
loop_slice_left(const struct loop *loop)
{
	return clock_mono_us() < loop->slice_end_us;
}
