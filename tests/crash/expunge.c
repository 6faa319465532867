/* SPDX-License-Identifier: ISC */
/*
 * Delivery to a recipient who expunges the message the moment it is seen.
 * Whatever dies, and however often: each message has come exactly once.
 *
 * By turns the delivering process dies before its n-th call, n by lot, up to
 * three times; or the power is cut.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libmaildir/io.h"
#include "tests/crash/expunge.h"
#include "tests/crash/sweep.h"

#define MAX_SAID  (64 * 1024)
#define DEATHS    3
#define MAX_CALLS 60
#define STATES    8 /* power cuts of one recording */

/* The recipient: a process of its own, which does not die. */
struct recipient {
	struct world *w;
	unsigned *expunged; /* shared with the processes that die */
	bool busy;
	bool numbers; /* by way of an open mailbox */
	struct mailboxes *ms;
	struct mailbox *mb;
	struct view *v;
	size_t unlink_at; /* of the record: the event; 0: not yet */
};

static bool
is_delivery(const struct world *w, const struct event *e)
{
	const char *from = w->rec.objs[e->dir].path;
	size_t n = strlen(from);

	return e->kind == EV_RENAME && n > 6 &&
	    strcmp(from + n - 6, "/stage") == 0 && e->dir2 != e->dir;
}

static void
on_event(void *arg, const struct event *e)
{
	struct recipient *r = arg;
	char path[1024];

	if (r->busy || !is_delivery(r->w, e))
		return;
	r->busy = true;
	if (r->numbers) {
		struct err err;
		uint32_t from = 0;

		world_look(r->w, 0, r->v);
		promise_count(r->w, 0, 1, 0, 1);
		must(view_expunge(r->v, NULL, true, &from, 10, &err) == 0, &err,
		    "expunge");
		r->unlink_at = r->w->rec.n - 1;
		while (r->w->rec.v[r->unlink_at].kind != EV_UNLINK)
			r->unlink_at--;
	} else {
		(void)snprintf(path, sizeof path, "%s%s/%s", r->w->root,
		    r->w->rec.objs[e->dir2].path, e->name2);
		must(unlink(path) == 0, NULL, path);
		++*r->expunged;
	}
	r->busy = false;
}

/* ---- the process dies ---- */

static unsigned
count_files(const char *root, const char *sub)
{
	char path[700];
	const struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof path, "%s/mail/%s", root, sub);
	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* One delivery process (and queue): until it has done all or dies. */
static bool
live(struct world *w, struct recipient *r, unsigned die_at)
{
	pid_t pid = fork();
	int status;

	must(pid != -1, NULL, "fork");
	if (pid == 0) {
		record_begin(&w->rec, w->root);
		w->rec.arg = r;
		w->rec.after = r->expunged == NULL ? NULL : on_event;
		record_here(&w->rec, w->root);
		record_die_at(die_at);
		world_start(w, w->root);
		queue_deliver(w);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status), NULL,
	    "waitpid");
	must(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 99, NULL,
	    "a delivery failed");
	return WEXITSTATUS(status) == 0;
}

static int
deaths(uint64_t *rnd, struct buf *said)
{
	unsigned *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned i, at[DEATHS] = { 0 }, rcpts = 1 + (replay_mix(rnd) & 1), got;
	struct world w;
	struct recipient r = { .w = &w };
	int bad;

	must(shared != MAP_FAILED, NULL, "mmap");
	record_old_rename((replay_mix(rnd) & 1) != 0);
	world_open(&w, false, false);
	world_start(&w, w.root);
	(void)mkdirat(store_mail_fd(w.st), ".A", 0700);
	queue_accept(&w, 1, rcpts);
	world_stop(&w);
	record_end(&w.rec);
	r.expunged = (replay_mix(rnd) & 3) != 0 ? shared : NULL;
	for (i = 0; i < DEATHS; i++) {
		at[i] = 1 + (unsigned)(replay_mix(rnd) % MAX_CALLS);
		if (live(&w, &r, at[i]))
			break;
	}
	(void)live(&w, &r, 0);
	got = *shared + count_files(w.root, "new") +
	    count_files(w.root, "cur") + count_files(w.root, ".A/new") +
	    count_files(w.root, ".A/cur");
	bad =
	    got == rcpts && count_files(w.root, "restante/stage") == 0 ? 0 : -1;
	buf_printf(said,
	    "invariant 8: %u recipients, %u came (%u expunged); died at calls "
	    "%u %u %u",
	    rcpts, got, *shared, at[0], at[1], at[2]);
	world_close(&w);
	record_old_rename(false);
	(void)munmap(shared, sizeof *shared);
	return bad;
}

/* ---- the power is cut ---- */

static void
record_delivery(struct world *w, struct recipient *r)
{
	struct mailboxes_conf mc = { .stamp_grain_us = 1 };
	struct err err;

	world_open(w, false, false);
	w->once = 8;
	w->recover = queue_recover;
	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	r->ms = mailboxes_new(w->st, &mc);
	must(mailbox_open(r->ms, SLICE("INBOX"), &r->mb, &err) == 0, &err,
	    "INBOX");
	r->v = view_open(r->mb, false);
	world_look(w, 0, r->v);
	record_settle(&w->rec);
	queue_accept(w, 1, 1);
	w->rec.arg = r;
	w->rec.after = on_event;
	queue_deliver(w);
	record_end(&w->rec);
	view_close(&r->v);
	mailbox_close(&r->mb);
	mailboxes_free(&r->ms);
	world_stop(w);
}

/* After it: expunged for good, or there once. */
static int
judge(struct world *w, struct recipient *r, struct replay *rp, size_t marks)
{
	unsigned obj = w->rec.v[r->unlink_at].obj, want;
	bool is_gone = !replay_has(rp, obj) && rp->cut > r->unlink_at &&
	    replay_is_on(rp, r->unlink_at);
	size_t i;
	bool accepted = false;

	for (i = 0; i < marks; i++)
		accepted =
		    accepted || (w->v[i].kind == P_COUNT && w->v[i].min == 1);
	if (world_judge(w, rp->dir, marks) == -1)
		return -1;
	want = is_gone ? 0 : 1;
	if (w->counted[1] == want || (!accepted && w->counted[1] == 0))
		return 0;
	return world_fault(w, "invariant 8: %u came, not %u, after the cut",
	    w->counted[1], want);
}

static int
power_cuts(uint64_t *rnd, struct buf *said)
{
	struct world w;
	struct recipient r = { .w = &w, .numbers = true };
	struct replay rp = { .max = 1 };
	char dir[600];
	unsigned i;
	int bad = 0;

	record_delivery(&w, &r);
	(void)snprintf(dir, sizeof dir, "%s/state", w.root);
	rp.rec = &w.rec;
	rp.dir = dir;
	for (i = 0; i < STATES && bad == 0; i++) {
		size_t marks = replay_random(&rp, replay_mix(rnd));

		bad = judge(&w, &r, &rp, marks);
		if (bad == -1) {
			buf_printf(said, "%s; ", w.fault);
			replay_say(&rp, said);
		}
		sweep_away(dir);
	}
	replay_forget(&rp);
	world_close(&w);
	return bad;
}

int
expunge_runs(unsigned runs, uint64_t seed)
{
	unsigned i, died = 0, cut = 0;
	struct buf said;

	buf_init(&said, MAX_SAID);
	for (i = 0; i < runs;) {
		uint64_t rnd = seed + i * 0x100000001b3u;
		int bad;

		buf_reset(&said);
		if (i % (2 * STATES) < STATES) {
			bad = deaths(&rnd, &said);
			died++;
			i++;
		} else {
			bad = power_cuts(&rnd, &said);
			cut += STATES;
			i += STATES;
		}
		if (bad == -1) {
			(void)printf("BAD run %u: %s\n", i, buf_cstr(&said));
			buf_free(&said);
			return -1;
		}
	}
	(void)printf(
	    "seed %llu: %u deliveries with deaths, %u with power cuts, "
	    "each came exactly once\n",
	    (unsigned long long)seed, died, cut);
	return 0;
}
