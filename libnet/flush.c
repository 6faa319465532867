/* SPDX-License-Identifier: ISC */
/*
 * Group commit. All sets that wait when a batch begins are one batch. A batch
 * has two phases, files, then folders and lists; the threads take items of the
 * present phase until none is left, and whoever finishes the last one begins
 * the next phase. While a batch runs, new sets gather for the next. Folders and
 * lists wait for one commit of the journal: a record without its file is a
 * number that nobody has heard of.
 *
 * F1. No item of a phase begins before all of the phase before have ended.
 * F2. Everything below `lock` is touched by threads only under it; sets and
 *     callbacks are touched by the loop's thread only.
 * F3. Threads do nothing but fsync: no memory is allocated, no signal reaches
 *     them.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libnet/flush.h"

#include "libbase/mem.h"
#include "libnet/loop_private.h"

#define MAX_THREADS 4 /* the journal commits for all; more gain nothing */
#define IDLE_SECS   10
#define STACK_BYTES ((size_t)128 * 1024)
#define N_PHASES    2

struct flush_item {
	int fd;
	int error;
	dev_t dev;
	ino_t ino;
};

struct flush_job {
	struct flush_job *next;
	struct loop *loop;
	struct flush_set *set; /* NULL: cancelled */
	void (*cb)(void *arg);
	void *arg;
	unsigned n;
	struct {
		int fd;
		enum flush_kind kind;
		dev_t dev;
		ino_t ino;
		struct flush_item *item;
		int error;
	} want[];
};

struct job_list {
	struct flush_job *head, **tail;
};

struct flusher {
	struct loop *loop;
	ev_async wake;
	size_t in_flight; /* jobs submitted and not answered */

	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t quiet; /* a thread has ended */
	unsigned threads, idle;
	bool stop;
	struct job_list waiting, running, done;
	struct flush_item *items; /* of the batch, ordered by phase */
	size_t cap;
	size_t phase_end[N_PHASES];
	size_t next,
	    finished; /* of items; finished < phase_end: still running */
	unsigned phase;
	unsigned to_wake; /* threads, once the lock is free */
};

static void
list_init(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void
list_put(struct job_list *l, struct flush_job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static void
list_move(struct job_list *to, struct job_list *from)
{
	if (from->head == NULL)
		return;
	*to->tail = from->head;
	to->tail = from->tail;
	list_init(from);
}

/* --- the batch: called under the lock ----------------------------------- */
static void
batch_end(struct flusher *f)
{
	for (struct flush_job *j = f->running.head; j != NULL; j = j->next)
		for (unsigned i = 0; i < j->n; i++)
			if (j->want[i].item != NULL)
				j->want[i].error = j->want[i].item->error;
	list_move(&f->done, &f->running);
	ev_async_send(f->loop->ev, &f->wake);
}

/* Every item of the phase has ended: the next phase that has any, or the end.
 * As many are woken as have something to do, the caller taking `own` himself:
 * four threads that race for one item cost more than its fsync. */
static void
batch_next_phase(struct flusher *f, size_t own)
{
	size_t left;

	while (f->phase < N_PHASES && f->finished == f->phase_end[f->phase])
		f->phase++;
	if (f->phase == N_PHASES) {
		batch_end(f);
		return;
	}
	left = f->phase_end[f->phase] - f->next;
	left = left > own ? left - own : 0;
	f->to_wake = left < f->idle ? (unsigned)left : f->idle;
}

/* Who is woken finds the lock free. */
static void
unlock(struct flusher *f)
{
	unsigned n = f->to_wake;

	f->to_wake = 0;
	pthread_mutex_unlock(&f->lock);
	for (; n > 0; n--)
		pthread_cond_signal(&f->work);
}

static bool
has_work(const struct flusher *f)
{
	return f->running.head != NULL && f->phase < N_PHASES &&
	    f->next < f->phase_end[f->phase];
}

/* --- threads ------------------------------------------------------------ */
static int
sync_fd(int fd)
{
	int r;

	do
		r = fsync(fd);
	while (r == -1 && errno == EINTR);
	return r == -1 ? errno : 0;
}

static void
do_item(struct flusher *f)
{
	struct flush_item *it = &f->items[f->next++];
	int fd = it->fd, error;

	unlock(f);
	error = sync_fd(fd);
	pthread_mutex_lock(&f->lock);
	it->error = error;
	f->finished++;
	if (f->finished == f->phase_end[f->phase])
		batch_next_phase(f, 1);
}

/* False: nothing came for long, or the end. */
static bool
wait_for_work(struct flusher *f)
{
	struct timespec until;
	int r;

	if (f->stop)
		return false;
	if (clock_gettime(CLOCK_MONOTONIC, &until) == -1)
		return false;
	until.tv_sec += IDLE_SECS;
	f->idle++;
	r = pthread_cond_timedwait(&f->work, &f->lock, &until);
	f->idle--;
	return !f->stop && (r == 0 || has_work(f));
}

static void *
thread_main(void *arg)
{
	struct flusher *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		if (has_work(f))
			do_item(f);
		else if (!wait_for_work(f))
			break;
	}
	f->threads--;
	pthread_cond_signal(&f->quiet);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static bool
start_thread(struct flusher *f)
{
	pthread_attr_t attr;
	pthread_t id;
	sigset_t all, old;
	bool ok;

	if (pthread_attr_init(&attr) != 0)
		return false;
	sigfillset(&all);
	ok = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
	    pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
	    pthread_sigmask(SIG_SETMASK, &all, &old) == 0; /* F3 */
	if (ok) {
		ok = pthread_create(&id, &attr, thread_main, f) == 0;
		if (pthread_sigmask(SIG_SETMASK, &old, NULL) != 0)
			assert(false); /* cannot be: it was valid before */
	}
	(void)pthread_attr_destroy(&attr);
	if (ok)
		f->threads++;
	return ok;
}

/* --- the loop's side ----------------------------------------------------- */
static struct flush_item *
item_for(
    struct flusher *f, size_t from, size_t *n, struct flush_job *j, unsigned i)
{
	struct flush_item *it;

	/* A few hundred sets wait at most (one a connection that waits), and
	 * their folders are few: the newest first finds its own at once. */
	for (size_t k = *n; k > from; k--) {
		it = &f->items[k - 1];
		if (it->ino == j->want[i].ino && it->dev == j->want[i].dev)
			return it;
	}
	it = &f->items[(*n)++];
	*it = (struct flush_item){ .fd = j->want[i].fd,
		.dev = j->want[i].dev,
		.ino = j->want[i].ino };
	return it;
}

static void
items_of_phase(struct flusher *f, unsigned phase, size_t *n)
{
	size_t from = *n;

	for (struct flush_job *j = f->running.head; j != NULL; j = j->next)
		for (unsigned i = 0; i < j->n; i++)
			if ((j->want[i].kind == FLUSH_FILE) == (phase == 0) &&
			    j->want[i].error == 0)
				j->want[i].item = item_for(f, from, n, j, i);
}

/* Under the lock, from the loop's thread; none is running. */
static void
batch_begin(struct flusher *f)
{
	size_t n = 0;

	list_move(&f->running, &f->waiting);
	for (struct flush_job *j = f->running.head; j != NULL; j = j->next)
		n += j->n;
	if (n > f->cap) {
		f->items = xreallocarray(f->items, n, sizeof *f->items);
		f->cap = n;
	}
	n = 0;
	for (unsigned phase = 0; phase < N_PHASES; phase++) {
		items_of_phase(f, phase, &n);
		f->phase_end[phase] = n;
	}
	f->next = 0;
	f->finished = 0;
	f->phase = 0;
	batch_next_phase(f, 0);
}

/* No thread could be started at all: better slow than never. */
static void
run_here(struct flusher *f)
{
	while (has_work(f))
		do_item(f);
}

static void
kick(struct flusher *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->running.head == NULL && f->waiting.head != NULL)
		batch_begin(f);
	if (has_work(f)) {
		size_t left = f->phase_end[f->phase] - f->next;

		while (f->threads < MAX_THREADS && f->idle < left &&
		    f->threads < left && start_thread(f))
			continue;
		if (f->threads == 0)
			run_here(f);
	}
	unlock(f);
}

static void
answer(struct flusher *f, struct flush_job *j)
{
	int error = 0;

	f->in_flight--;
	if (f->in_flight == 0)
		ev_unref(f->loop->ev);
	for (unsigned i = 0; i < j->n && error == 0; i++)
		error = j->want[i].error;
	if (j->set != NULL) {
		j->set->error = error;
		j->set = NULL;
		j->cb(j->arg);
	}
	xfree(j);
}

static void
wake_fired(struct ev_loop *ev, ev_async *w, int revents)
{
	struct flusher *f = w->data;
	struct job_list done;

	(void)ev;
	(void)revents;
	list_init(&done);
	pthread_mutex_lock(&f->lock);
	list_move(&done, &f->done);
	pthread_mutex_unlock(&f->lock);
	kick(f); /* what has gathered goes on while we answer */
	while (done.head != NULL) {
		struct flush_job *j = done.head;

		done.head = j->next;
		answer(f, j);
	}
}

static void
kick_soon(void *arg)
{
	struct loop *loop = arg;

	if (loop->flusher != NULL)
		kick(loop->flusher);
}

static struct flusher *
flusher_new(struct loop *loop)
{
	struct flusher *f = xcalloc(1, sizeof *f);
	pthread_condattr_t attr;
	int bad;

	f->loop = loop;
	list_init(&f->waiting);
	list_init(&f->running);
	list_init(&f->done);
	bad = pthread_condattr_init(&attr);
	bad |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	bad |= pthread_mutex_init(&f->lock, NULL);
	bad |= pthread_cond_init(&f->work, &attr);
	bad |= pthread_cond_init(&f->quiet, NULL);
	assert(bad == 0); /* on Linux none of these can fail */
	(void)pthread_condattr_destroy(&attr);
	ev_async_init(&f->wake, wake_fired);
	f->wake.data = f;
	ev_async_start(loop->ev, &f->wake);
	ev_unref(loop->ev); /* counts only while a job is in flight */
	return f;
}

struct flush_job *
flush_submit(
    struct loop *loop, struct flush_set *set, void (*cb)(void *arg), void *arg)
{
	struct flush_job *j =
	    xcalloc(1, sizeof *j + set->n * sizeof j->want[0]);
	struct flusher *f;
	bool first;

	if (loop->flusher == NULL)
		loop->flusher = flusher_new(loop);
	f = loop->flusher;
	assert(set->n <= FLUSH_SET_MAX);
	j->loop = loop;
	j->set = set;
	j->cb = cb;
	j->arg = arg;
	j->n = set->n;
	for (unsigned i = 0; i < set->n; i++) {
		struct stat st;

		j->want[i].fd = set->want[i].fd;
		j->want[i].kind = set->want[i].kind;
		if (fstat(set->want[i].fd, &st) == -1) {
			j->want[i].error = errno;
			continue;
		}
		j->want[i].dev = st.st_dev;
		j->want[i].ino = st.st_ino;
	}
	if (f->in_flight++ == 0)
		ev_ref(loop->ev);
	pthread_mutex_lock(&f->lock);
	first = f->waiting.head == NULL;
	list_put(&f->waiting, j);
	pthread_mutex_unlock(&f->lock);
	/* All sets of this round go together. */
	if (first)
		loop_late(loop, kick_soon, loop);
	return j;
}

void
flush_cancel(struct flush_job **jp)
{
	struct flush_job *j = *jp;

	*jp = NULL;
	if (j != NULL)
		j->set = NULL;
}

static void
free_list(struct job_list *l)
{
	while (l->head != NULL) {
		struct flush_job *j = l->head;

		l->head = j->next;
		xfree(j);
	}
}

void
flusher_free(struct flusher **fp)
{
	struct flusher *f = *fp;

	if (f == NULL)
		return;
	*fp = NULL;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->work);
	while (f->threads > 0)
		pthread_cond_wait(&f->quiet, &f->lock);
	pthread_mutex_unlock(&f->lock);
	if (f->in_flight == 0)
		ev_ref(f->loop->ev);
	ev_async_stop(f->loop->ev, &f->wake);
	free_list(&f->waiting);
	free_list(&f->running);
	free_list(&f->done);
	xfree(f->items);
	(void)pthread_cond_destroy(&f->work);
	(void)pthread_cond_destroy(&f->quiet);
	(void)pthread_mutex_destroy(&f->lock);
	xfree(f);
}
