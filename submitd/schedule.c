/* SPDX-License-Identifier: ISC */
/* What becomes of accepted messages. */
#include <sys/queue.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/flush.h"
#include "libnet/loop.h"
#include "libserver/log.h"

#include "submitd/schedule.h"

/* a delivery process waits so long for the next message */
#define IDLE_MS 2000
/* it is made in less, helpers and all, or not at all */
#define MAKE_MS 120000

/* How long until the next try, by tries made; the last one goes on. */
static const uint64_t retry_ms[] = { 1000, 5000, 30000, 120000, 600000,
	1800000 };

struct message {
	LIST_ENTRY(message) list;
	struct arena arena;
	struct spool_envelope env; /* text in the arena */
	char id[SPOOL_ID_MAX];
	unsigned n_open; /* recipients not done */
};

/* One recipient of one message. */
struct item {
	TAILQ_ENTRY(item) queue;
	struct schedule *s;
	struct message *m;
	unsigned rcpt;
	unsigned tries;
	uint64_t id;
	struct timer retry;
	struct deliverer *at; /* in its queue or at work there */
	int env_fd;           /* for records, while it is at work; else -1 */
	bool is_recorded;     /* "staged" is on disk for certain */
	bool resumes;         /* was staged in an earlier try */
	struct flush_set fs;
	struct flush_job *flushing; /* the record of "staged" */
};

TAILQ_HEAD(items, item);

struct deliverer {
	struct schedule *s;
	TAILQ_ENTRY(deliverer) turn;
	bool is_asked; /* for a process; until then it waits for its turn */
	uint64_t job;
	struct ipc_peer *peer; /* NULL until the nursery made it */
	struct items waiting;
	struct item *current;
	struct timer idle; /* also: the process that was asked for is late */
	char user[MAX_USER + 1];
};

struct schedule {
	struct queue *q;
	LIST_HEAD(, message) messages;
	unsigned n_messages;
	struct map by_user;  /* struct deliverer */
	struct idmap by_job; /* the same */
	struct idmap items;
	TAILQ_HEAD(, deliverer) turns; /* not asked for yet */
	unsigned n_asked;
	struct timer next_turn;
};

static void pump(struct deliverer *d);
static void take_turns(void *arg);
static void deliverer_gone(struct role *r, struct ipc_peer *p, const char *why);

struct schedule *
schedule_new(struct queue *q)
{
	struct schedule *s = xcalloc(1, sizeof *s);

	s->q = q;
	LIST_INIT(&s->messages);
	TAILQ_INIT(&s->turns);
	timer_init(&s->next_turn, q->role->loop, take_turns, s);
	return s;
}

unsigned
schedule_count(const struct schedule *s)
{
	return s->n_messages;
}

static struct spool_rcpt *
rcpt_of(struct item *it)
{
	return &it->m->env.rcpts[it->rcpt];
}

/* ---- messages ---- */

static void
message_free(struct message *m)
{
	LIST_REMOVE(m, list);
	arena_free(&m->arena);
	xfree(m);
}

/* S4 of spool.h */
static void
message_done(struct schedule *s, struct message *m)
{
	struct err err;

	if (spool_remove(&s->q->spool, m->id, &err) == -1)
		log_err(0, "queue entry stays", &err);
	s->n_messages--;
	message_free(m);
}

/* It is not at work any more. */
static void
item_stop(struct item *it)
{
	flush_cancel(&it->flushing);
	if (it->env_fd != -1)
		close(it->env_fd);
	it->env_fd = -1;
	it->at = NULL;
}

static void
item_free(struct item *it)
{
	item_stop(it);
	timer_stop(&it->retry);
	idmap_del(&it->s->items, it->id);
	xfree(it);
}

static void
item_done(struct item *it)
{
	struct message *m = it->m;
	struct schedule *s = it->s;

	rcpt_of(it)->state = RCPT_DONE;
	item_free(it);
	if (--m->n_open == 0)
		message_done(s, m);
}

/* ---- delivery processes ---- */

static void deliverer_idle(void *arg);

static struct deliverer *
deliverer_get(struct schedule *s, struct slice user)
{
	struct deliverer *d = map_get(&s->by_user, user);

	if (d != NULL)
		return d;
	d = xcalloc(1, sizeof *d);
	d->s = s;
	d->job = ++s->q->next_id;
	snprintf(d->user, sizeof d->user, "%.*s", SLICE_ARG(user));
	TAILQ_INIT(&d->waiting);
	timer_init(&d->idle, s->q->role->loop, deliverer_idle, d);
	map_put(&s->by_user, user, d);
	idmap_put(&s->by_job, d->job, d);
	TAILQ_INSERT_TAIL(&s->turns, d, turn);
	timer_start_ms(&s->next_turn, 0);
	return d;
}

static void retry_later(struct item *it);

/* It is gone; what it had is tried again. */
static void
deliverer_end(struct deliverer *d)
{
	struct schedule *s = d->s;
	struct item *it;

	map_del(&s->by_user, slice_str(d->user));
	idmap_del(&s->by_job, d->job);
	if (d->is_asked)
		s->n_asked--;
	else
		TAILQ_REMOVE(&s->turns, d, turn);
	/* from the loop: many may end at once */
	timer_start_ms(&s->next_turn, 0);
	timer_stop(&d->idle);
	ipc_peer_close(&d->peer);
	if (d->current != NULL)
		retry_later(d->current);
	while ((it = TAILQ_FIRST(&d->waiting)) != NULL) {
		TAILQ_REMOVE(&d->waiting, it, queue);
		retry_later(it);
	}
	xfree(d);
}

static void
deliverer_idle(void *arg)
{
	struct deliverer *d = arg;

	if (d->peer == NULL)
		log_warn(
		    0, "no delivery process in time", "user", d->user, NULL);
	deliverer_end(d);
}

static void
deliverer_gone(struct role *r, struct ipc_peer *p, const char *why)
{
	struct deliverer *d = ipc_peer_arg(p);

	(void)r;
	if (why != NULL)
		log_error(0, "delivery process ended", "user", d->user,
		    "reason", why, NULL);
	d->peer = NULL; /* freed by the caller */
	deliverer_end(d);
}

/* Have one made; the answer is schedule_deliverer or schedule_refused. */
static void
deliverer_ask(struct deliverer *d)
{
	struct ipc_deliver fixed = { .job = d->job };
	struct ipc_out o;

	d->is_asked = true;
	d->s->n_asked++;
	timer_start_ms(&d->idle, MAKE_MS);
	ipc_begin(&o, IPC_DELIVER, &fixed, sizeof fixed);
	ipc_put_str(&o, d->user);
	if (!queue_tell_auth(d->s->q, &o))
		deliverer_end(d);
}

/* A message for a thousand users does not make a thousand processes. */
static void
take_turns(void *arg)
{
	struct schedule *s = arg;
	struct deliverer *d;

	while (s->n_asked < MAX_DELIVERERS &&
	    (d = TAILQ_FIRST(&s->turns)) != NULL) {
		TAILQ_REMOVE(&s->turns, d, turn);
		deliverer_ask(d);
	}
}

void
schedule_unanswered(struct schedule *s)
{
	struct map_entry *pos = NULL;
	uint64_t job;
	void *v;

	while (idmap_next(&s->by_job, &pos, &job, &v)) {
		struct deliverer *d = v;

		if (!d->is_asked || d->peer != NULL)
			continue;
		deliverer_end(d);
		pos = NULL;
	}
}

void
schedule_deliverer(struct schedule *s, uint64_t job, int fd)
{
	struct deliverer *d = idmap_get(&s->by_job, job);
	struct ipc_peer_conf conf = { .role = s->q->role,
		.loop = s->q->role->loop,
		.me = R_QUEUE,
		.peer = R_DELIVER,
		.rules = ipc_queue_rules,
		.handlers = schedule_handlers,
		.gone = deliverer_gone,
		.arg = d };

	if (d == NULL || d->peer != NULL) {
		close(fd);
		return;
	}
	d->peer = ipc_peer_new(fd, &conf);
	pump(d);
}

void
schedule_refused(struct schedule *s, uint64_t job, enum err_code code)
{
	struct deliverer *d = idmap_get(&s->by_job, job);

	if (d == NULL)
		return;
	log_warn(0, "no delivery now", "user", d->user, "reason",
	    err_word(code), NULL);
	deliverer_end(d);
}

/* ---- items ---- */

/* A message with a thousand addresses of one user is not before the user's
 * next one: first recipients come first. */
static void
stand_in_line(struct deliverer *d, struct item *it)
{
	struct item *before;

	TAILQ_FOREACH_REVERSE(before, &d->waiting, items, queue)
	if (before->rcpt <= it->rcpt)
		break;
	if (before != NULL)
		TAILQ_INSERT_AFTER(&d->waiting, before, it, queue);
	else
		TAILQ_INSERT_HEAD(&d->waiting, it, queue);
}

static void
item_start(void *arg)
{
	struct item *it = arg;
	struct deliverer *d = deliverer_get(it->s, rcpt_of(it)->user);

	it->at = d;
	stand_in_line(d, it);
	pump(d);
}

static void
retry_later(struct item *it)
{
	unsigned n = it->tries < N_ELEMENTS(retry_ms) ?
	    it->tries :
	    (unsigned)N_ELEMENTS(retry_ms) - 1;

	item_stop(it);
	it->tries++;
	timer_start_ms(&it->retry, retry_ms[n]);
}

static bool
send_job(struct deliverer *d, struct item *it, struct err *err)
{
	const struct spool_rcpt *to = rcpt_of(it);
	struct ipc_job fixed = { .job = d->job,
		.item = it->id,
		.size = it->m->env.size,
		.step = it->resumes ? JOB_RESUME : JOB_STAGE };
	struct ipc_out o;
	char stage[SPOOL_ID_MAX + 12];
	int fd = -1, rc;

	/* what is staged needs the spool's text no more; it may be gone when
	 * a power failure took back the removal of the envelope alone (S4) */
	if (!it->resumes &&
	    spool_open_msg(&d->s->q->spool, it->m->id, &fd, err) == -1)
		return false;
	memcpy(fixed.digest, it->m->env.digest, DIGEST_BYTES);
	snprintf(stage, sizeof stage, "%s.%u", it->m->id, it->rcpt);
	ipc_begin(&o, IPC_JOB, &fixed, sizeof fixed);
	ipc_put_str(&o, stage);
	ipc_put_slice(&o, to->mailbox);
	ipc_put_slice(&o, it->m->env.sender);
	ipc_put_slice(&o, to->address);
	if (fd != -1)
		ipc_put_fd(&o, fd);
	rc = ipc_send(d->peer, &o);
	if (fd != -1)
		close(fd);
	return rc == 0 ||
	    err_set(err, ERR_TEMP, "delivery process is busy") == 0;
}

/* The item a delivery process speaks of, if it is at work on it. */
static struct item *
item_of(struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_job_state *st = m->fixed;
	struct deliverer *d = ipc_peer_arg(from);

	if (ipc_end(m) == -1 || d->current == NULL ||
	    d->current->id != st->item || d->job != st->job) {
		family_drop(from, "delivery of something else");
		return NULL;
	}
	return d->current;
}

static void
log_delivery(struct item *it, const char *event, enum err_code code)
{
	char to[MAX_ADDRESS + 1];

	snprintf(to, sizeof to, "%.*s", SLICE_ARG(rcpt_of(it)->address));
	log_info(0, event, "queue_id", it->m->id, "user", it->at->user, "to",
	    to, "reason", code == ERR_OK ? NULL : err_word(code), NULL);
}

/* The process is not used again: what failed in it may hold on (a mail folder
 * that was replaced under it). */
static void
item_failed(struct item *it, enum err_code code)
{
	log_delivery(it, "delivery put off", code);
	deliverer_end(it->at);
}

/* S3: the record of "staged" is on disk; the second step may be taken. */
static void
staged_recorded(void *arg)
{
	struct item *it = arg;
	struct ipc_job_state fixed = { .job = it->at->job, .item = it->id };
	struct err err;

	it->flushing = NULL;
	if (it->fs.error != 0) {
		item_failed(it, err_class(it->fs.error));
		return;
	}
	it->is_recorded = true;
	if (!it->resumes) {
		(void)IPC_SEND(it->at->peer, IPC_JOB_FINISH, &fixed);
	} else if (!send_job(it->at, it, &err)) {
		log_err(0, "delivery put off", &err);
		item_failed(it, err.code);
	}
}

static int
open_env(struct item *it, struct err *err)
{
	return it->env_fd != -1 ?
	    0 :
	    spool_open_env(&it->s->q->spool, it->m->id, &it->env_fd, err);
}

static int
record_staged(struct item *it, struct err *err)
{
	if (open_env(it, err) == -1 ||
	    spool_record(it->env_fd, it->rcpt, RCPT_STAGED, err) == -1)
		return -1;
	rcpt_of(it)->state = RCPT_STAGED;
	it->fs = (struct flush_set){ .n = 1 };
	it->fs.want[0].fd = it->env_fd;
	it->fs.want[0].kind = FLUSH_FILE;
	it->flushing =
	    flush_submit(it->s->q->role->loop, &it->fs, staged_recorded, it);
	return 0;
}

/* Before a staged one is finished its record is on disk, whatever became of
 * the try or the process that wrote it (S3). */
static bool
item_begin(struct deliverer *d, struct item *it, struct err *err)
{
	it->resumes = rcpt_of(it)->state == RCPT_STAGED;
	return it->resumes && !it->is_recorded ? record_staged(it, err) == 0 :
						 send_job(d, it, err);
}

static void
pump(struct deliverer *d)
{
	struct item *it;
	struct err err;

	if (d->peer == NULL || d->current != NULL)
		return;
	timer_stop(&d->idle);
	while ((it = TAILQ_FIRST(&d->waiting)) != NULL) {
		TAILQ_REMOVE(&d->waiting, it, queue);
		d->current = it;
		if (item_begin(d, it, &err))
			return;
		d->current = NULL;
		log_err(0, "delivery put off", &err);
		retry_later(it);
	}
	if (TAILQ_EMPTY(&d->s->turns))
		timer_start_ms(&d->idle, IDLE_MS);
	else
		deliverer_end(d); /* others wait for a process */
}

static void
on_staged(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct item *it = item_of(from, m);
	const struct ipc_job_state *st = m->fixed;
	struct err err;

	(void)r;
	if (it == NULL)
		return;
	if (st->code != ERR_OK) {
		item_failed(it, (enum err_code)st->code);
	} else if (rcpt_of(it)->state != RCPT_WAITING) {
		family_drop(from, "staged twice");
	} else if (record_staged(it, &err) == -1) {
		log_err(0, "queue record failed", &err);
		item_failed(it, err.code);
	}
}

static void
on_done(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct item *it = item_of(from, m);
	const struct ipc_job_state *st = m->fixed;
	struct deliverer *d = ipc_peer_arg(from);
	struct err err;

	(void)r;
	if (it == NULL)
		return;
	if (st->code != ERR_OK || rcpt_of(it)->state != RCPT_STAGED) {
		item_failed(it,
		    st->code == ERR_OK ? ERR_INVALID : (enum err_code)st->code);
		return;
	}
	/* not flushed: staged on record and gone from the stage says the same
	 */
	if (it->m->n_open > 1 &&
	    (open_env(it, &err) == -1 ||
		spool_record(it->env_fd, it->rcpt, RCPT_DONE, &err) == -1))
		log_err(0, "queue record failed", &err);
	log_delivery(it, "delivered", ERR_OK);
	d->current = NULL;
	item_done(it);
	pump(d);
}

const struct ipc_handler schedule_handlers[] = {
	{ IPC_JOB_STAGED, on_staged, false },
	{ IPC_JOB_DONE, on_done, false },
	{ 0, NULL, false },
};

/* ---- messages come and go ---- */

static struct message *
message_new(const struct spool_envelope *env)
{
	struct message *m = xcalloc(1, sizeof *m);
	struct spool_envelope *e = &m->env;
	unsigned i;

	arena_init(&m->arena, ENVELOPE_MAX_BYTES);
	snprintf(m->id, sizeof m->id, "%.*s", SLICE_ARG(env->id));
	*e = *env;
	e->id = slice_str(m->id);
	e->user = arena_slice(&m->arena, env->user);
	e->sender = arena_slice(&m->arena, env->sender);
	e->rcpts = arena_array(&m->arena, env->n_rcpts, sizeof *e->rcpts);
	for (i = 0; e->rcpts != NULL && i < env->n_rcpts; i++) {
		const struct spool_rcpt *from = &env->rcpts[i];

		e->rcpts[i].user = arena_slice(&m->arena, from->user);
		e->rcpts[i].mailbox = arena_slice(&m->arena, from->mailbox);
		e->rcpts[i].address = arena_slice(&m->arena, from->address);
		e->rcpts[i].state = from->state;
	}
	return m;
}

void
schedule_add(struct schedule *s, const struct spool_envelope *env)
{
	struct message *m = message_new(env);
	unsigned i;

	LIST_INSERT_HEAD(&s->messages, m, list);
	s->n_messages++;
	m->n_open = 1; /* held until all items are made */
	for (i = 0; i < m->env.n_rcpts; i++) {
		struct item *it;

		if (m->env.rcpts[i].state == RCPT_DONE ||
		    m->env.rcpts[i].state == RCPT_FAILED)
			continue;
		it = xcalloc(1, sizeof *it);
		it->s = s;
		it->m = m;
		it->rcpt = i;
		it->env_fd = -1;
		it->id = ++s->q->next_id;
		timer_init(&it->retry, s->q->role->loop, item_start, it);
		idmap_put(&s->items, it->id, it);
		m->n_open++;
		timer_start_ms(&it->retry, 0);
	}
	if (--m->n_open == 0)
		message_done(s, m);
}

void
schedule_free(struct schedule *s)
{
	struct map_entry *pos = NULL;
	struct message *m;
	uint64_t id;
	void *v;

	while (idmap_next(&s->by_job, &pos, &id, &v)) {
		deliverer_end(v);
		pos = NULL;
	}
	pos = NULL;
	while (idmap_next(&s->items, &pos, &id, &v)) {
		item_free(v);
		pos = NULL;
	}
	while ((m = LIST_FIRST(&s->messages)) != NULL)
		message_free(m);
	timer_stop(&s->next_turn);
	map_free(&s->by_user);
	idmap_free(&s->by_job);
	idmap_free(&s->items);
	xfree(s);
}
