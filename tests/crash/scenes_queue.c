/* SPDX-License-Identifier: ISC */
/*
 * Scenes of submitd: a message is accepted into the spool, staged in the mail
 * folder, recorded, renamed into the mailbox, forgotten; step by step as
 * submitd/schedule.c and submitd/deliver.c do it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "tests/crash/scenes.h"

#define MAX_QUEUED 8

static const char *const rcpt_boxes[] = { "INBOX", "A" };

static enum step
spool_step(struct world *w, struct spool_entry *e, struct spool_envelope *env,
    uint64_t size, struct err *err)
{
	struct flush_set fs = { 0 };
	enum step r;

	while ((r = spool_commit(&w->spool, e, env, size, &fs, err)) ==
		STEP_FLUSH ||
	    r == STEP_AGAIN)
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
	return r;
}

/* The text with CRLF, through the frontend's descriptor. */
static uint64_t
write_text(struct world *w, struct spool_entry *e, unsigned mid)
{
	struct buf text, crlf;
	struct err err;
	uint64_t size;
	size_t i;
	int fd;

	buf_init(&text, 64 * 1024);
	buf_init(&crlf, 128 * 1024);
	make_text(mid, &text);
	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_putc(&crlf, '\r');
		buf_putc(&crlf, text.p[i]);
	}
	must(spool_writer(&w->spool, e, &fd, &err) == 0, &err, "writer");
	must(write(fd, crlf.p, crlf.n) == (ssize_t)crlf.n, NULL, "write");
	size = crlf.n;
	(void)close(fd);
	buf_free(&text);
	buf_free(&crlf);
	return size;
}

void
queue_accept(struct world *w, unsigned mid, unsigned rcpts)
{
	struct spool_rcpt to[2] = { 0 };
	struct spool_envelope env = { .user = SLICE("alice"),
		.sender = SLICE("alice@example.test"),
		.rcpts = to,
		.n_rcpts = rcpts };
	struct spool_entry e;
	struct err err;
	uint64_t size;
	unsigned i;

	for (i = 0; i < rcpts; i++) {
		to[i].user = SLICE("bob");
		to[i].mailbox = slice_str(rcpt_boxes[i]);
		to[i].address = SLICE("bob@example.test");
		promise_count(w, i, mid, 0, 1);
	}
	must(spool_new(&w->spool, &e, &err) == 0, &err, "spool");
	size = write_text(w, &e, mid);
	must(spool_step(w, &e, &env, size, &err) == STEP_DONE, &err, "accept");
	for (i = 0; i < rcpts; i++)
		promise_count(w, i, mid, 1, 1);
}

/* ---- what the queue does with it ---- */

struct queued {
	char id[SPOOL_ID_MAX];
	enum rcpt_state states[2];
	unsigned n;
};

struct loaded {
	struct queued v[MAX_QUEUED];
	unsigned n, bad;
};

static void
on_entry(void *arg, const struct spool_envelope *env)
{
	struct loaded *l = arg;
	struct queued *q = &l->v[l->n++];
	unsigned i;

	must(l->n < MAX_QUEUED, NULL, "too many in the spool");
	(void)snprintf(q->id, sizeof q->id, "%.*s", SLICE_ARG(env->id));
	q->n = env->n_rcpts;
	for (i = 0; i < q->n; i++)
		q->states[i] = env->rcpts[i].state;
}

static void
on_bad(void *arg, const char *id, const struct err *err)
{
	struct loaded *l = arg;

	(void)id;
	(void)err;
	l->bad++;
}

static void
record(struct world *w, const struct queued *q, unsigned rcpt,
    enum rcpt_state state, bool flush)
{
	struct err err;
	int fd;

	must(spool_open_env(&w->spool, q->id, &fd, &err) == 0 &&
		spool_record(fd, rcpt, state, &err) == 0,
	    &err, "record");
	if (flush)
		must(io_fsync(fd) == 0, NULL, "fsync");
	(void)close(fd);
}

static void
stage(struct world *w, const struct queued *q, const char *name)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct buf text;
	struct save *s;
	struct err err;
	int fd;

	must(spool_open_msg(&w->spool, q->id, &fd, &err) == 0, &err, "msg");
	buf_init(&text, 64 * 1024);
	must(io_read_all(fd, &text) == 0, NULL, "read msg");
	(void)close(fd);
	must(save_begin_stage(
		 store_mail_fd(w->st), slice_str(name), &s, &err) == 0 &&
		save_add(s, &m, &err) == 0 &&
		save_write(s, buf_slice(&text), &err) == 0 &&
		save_end(s, &err) == 0,
	    &err, "stage");
	world_commit(w, s);
	save_free(&s);
	buf_free(&text);
}

static void
unstage(struct world *w, const char *name, const char *box)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct folder f;
	struct save *s;
	struct err err;

	must(
	    store_folder_open(w->st, slice_str(box), &f, &err) == 0, &err, box);
	if (save_begin_unstage(
		store_mail_fd(w->st), slice_str(name), &f, &m, &s, &err) == 0) {
		world_commit(w, s);
		save_free(&s);
	} else
		must(err.code == ERR_NOTFOUND, &err, "unstage");
	folder_close(&f);
}

/* What is accepted has its text as long as it may be needed. */
static int
has_text(struct world *w, const struct queued *q)
{
	bool needed = false;
	struct err err;
	unsigned i;
	int fd;

	for (i = 0; i < q->n; i++)
		needed = needed || q->states[i] == RCPT_WAITING;
	if (!needed)
		return 0;
	if (spool_open_msg(&w->spool, q->id, &fd, &err) == -1)
		return world_fault(w, "invariant 8: %s", err.text);
	(void)close(fd);
	return 0;
}

static void
deliver_one(struct world *w, struct queued *q, unsigned rcpt)
{
	char name[SPOOL_ID_MAX + 12];

	(void)snprintf(name, sizeof name, "%s.%u", q->id, rcpt);
	if (q->states[rcpt] == RCPT_WAITING)
		stage(w, q, name);
	record(w, q, rcpt, RCPT_STAGED, true);
	unstage(w, name, rcpt_boxes[rcpt]);
	q->states[rcpt] = RCPT_DONE;
}

static void
deliver_all(struct world *w, struct queued *q)
{
	struct err err;
	unsigned i, open = 0;

	for (i = 0; i < q->n; i++)
		open += q->states[i] != RCPT_DONE;
	for (i = 0; i < q->n; i++) {
		if (q->states[i] == RCPT_DONE)
			continue;
		deliver_one(w, q, i);
		if (--open > 0)
			record(w, q, i, RCPT_DONE, false);
	}
	must(spool_remove(&w->spool, q->id, &err) == 0, &err, "remove");
}

static void
load(struct world *w, struct loaded *l)
{
	struct spool_visitor v = { l, on_entry, on_bad };
	struct err err;

	*l = (struct loaded){ 0 };
	must(spool_load(&w->spool, &v, &err) == 0, &err, "load");
}

void
queue_deliver(struct world *w)
{
	struct loaded l;
	unsigned i;

	load(w, &l);
	for (i = 0; i < l.n; i++)
		deliver_all(w, &l.v[i]);
}

int
queue_recover(struct world *w, const char *root, size_t marks)
{
	struct loaded l;
	unsigned i;

	(void)root;
	(void)marks;
	load(w, &l);
	if (l.bad > 0)
		return world_fault(w, "invariant 8: an unreadable envelope");
	for (i = 0; i < l.n; i++) {
		if (has_text(w, &l.v[i]) == -1)
			return -1;
		deliver_all(w, &l.v[i]);
	}
	return 0;
}

static void
begin(struct world *w)
{
	struct store_op *op;
	struct err err;

	w->recover = queue_recover;
	w->once = 8;
	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	must(store_create(w->st, SLICE("A"), &op, &err) == 0, &err, "create");
	world_op(op);
	promise_box(w, P_AT, 1, "A", NULL);
}

static void
queue(struct world *w)
{
	begin(w);
	record_settle(&w->rec);
	queue_accept(w, 1, 1);
	queue_deliver(w);
	queue_accept(w, 2, 2);
	queue_deliver(w);
}

/* Several are accepted before any is delivered. */
static void
queue_many(struct world *w)
{
	unsigned mid;

	begin(w);
	record_settle(&w->rec);
	for (mid = 1; mid < 4; mid++)
		queue_accept(w, mid, mid == 2 ? 2 : 1);
	queue_deliver(w);
}

/* While a DELETE by another process makes the folder restante and has not
 * flushed it yet. */
static void
queue_beside_delete(struct world *w)
{
	struct flush_set fs = { 0 };
	struct store_op *op;
	struct err err;

	begin(w);
	must(store_create(w->st, SLICE("B"), &op, &err) == 0, &err, "create");
	world_op(op);
	record_settle(&w->rec);
	must(store_delete(w->st, SLICE("B"), &op, &err) == 0 &&
		store_op_step(op, &fs, &err) == STEP_FLUSH,
	    &err, "delete");
	queue_accept(w, 1, 1);
	queue_deliver(w);
	store_op_free(op);
}

const struct scene queue_scenes[] = {
	{ "queue", queue, true, false, true },
	{ "queue-many", queue_many, true, false, false },
	{ "queue-beside-delete", queue_beside_delete, true, false, false },
	{ NULL, NULL, false, false, false },
};
