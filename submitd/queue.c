/* SPDX-License-Identifier: ISC */
/* The queue's process: submitters, transactions, acceptance. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libnet/flush.h"
#include "libnet/loop.h"
#include "libserver/log.h"

#include "submitd/queue.h"
#include "submitd/resolve.h"
#include "submitd/schedule.h"

#define MAX_ALIASES_FILE (8 * MIB)
#define SUBMISSION_ARENA (2 * MIB)
#define SIZE_OF_FIXUP    (2 * MAX_HEADER_BYTES)

/* Where a transaction is. */
enum sub_state {
	SUB_READY,
	SUB_MAIL,
	SUB_WRITING,
	SUB_COMMITTING
};

/* A connection whose user auth named. */
struct submission {
	struct queue *q;
	unsigned frontend;
	uint64_t conn;
	char user[MAX_USER + 1];
	enum sub_state state;
	bool is_gone; /* the client left while its message was committed */
	struct arena arena; /* of the transaction */
	struct spool_envelope env;
	unsigned cap; /* of env.rcpts */
	struct spool_entry entry;
	uint64_t size;
	struct resolve *resolve; /* a question is open */
	struct slice asked;
	struct flush_set fs;
	struct flush_job *flush;
};

struct key {
	char bytes[sizeof(unsigned) + sizeof(uint64_t)];
};

static struct slice
key_of(struct key *k, unsigned frontend, uint64_t conn)
{
	memcpy(k->bytes, &frontend, sizeof frontend);
	memcpy(k->bytes + sizeof frontend, &conn, sizeof conn);
	return slice_of(k->bytes, sizeof k->bytes);
}

bool
queue_is_domain(const struct queue *q, struct slice domain)
{
	size_t i, n;
	const char *const *list = conf_list(q->role->conf, "domains", &n);

	if (domain.n == 0)
		return true;
	for (i = 0; i < n; i++)
		if (slice_ieq_str(domain, list[i]))
			return true;
	return slice_ieq_str(domain, conf_str(q->role->conf, "hostname"));
}

bool
queue_tell_auth(struct queue *q, struct ipc_out *o)
{
	return ipc_send(role_peer(q->role, R_AUTH, 0), o) == 0;
}

/* ---- transactions ---- */

static void
transaction_reset(struct submission *s)
{
	resolve_cancel(s->resolve);
	s->resolve = NULL;
	if (s->state == SUB_WRITING)
		spool_abort(&s->q->spool, &s->entry);
	arena_reset(&s->arena);
	s->env = (struct spool_envelope){ 0 };
	s->cap = 0;
	s->state = SUB_READY;
}

static void
submission_free(struct submission *s)
{
	struct key k;

	map_del(&s->q->submissions, key_of(&k, s->frontend, s->conn));
	transaction_reset(s);
	arena_free(&s->arena);
	xfree(s);
}

/* The client has left: what is being committed goes on. */
static void
submission_gone(struct submission *s)
{
	if (s->state == SUB_COMMITTING)
		s->is_gone = true;
	else
		submission_free(s);
}

static void
answer(struct submission *s, enum queue_answer a)
{
	struct ipc_spool_answer fixed = { .conn = s->conn, .code = a };

	if (!s->is_gone)
		(void)IPC_SEND(role_peer(s->q->role, R_FRONTEND, s->frontend),
		    IPC_SPOOL_ANSWER, &fixed);
}

static enum queue_answer
answer_of_err(const struct err *err)
{
	return err->code == ERR_NOSPACE || err->code == ERR_QUOTA ?
	    QUEUE_SPACE :
	    QUEUE_TEMP;
}

/* ---- questions of the frontends ---- */

/* The submission a message speaks of, when a question may be asked now. */
static struct submission *
asked_by(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_spool_conn *fixed = m->fixed;
	struct queue *q = r->state;
	struct key k;
	struct submission *s = map_get(
	    &q->submissions, key_of(&k, ipc_peer_index(from), fixed->conn));
	struct ipc_spool_answer no = { .conn = fixed->conn,
		.code = QUEUE_TEMP };

	if (s != NULL && !s->is_gone)
		return s;
	/* this queue is a new one: the client has to log in again */
	(void)IPC_SEND(from, IPC_SPOOL_ANSWER, &no);
	return NULL;
}

/* MAIL, RCPT, OWNS: the address in the tail. NULL: answered or dropped. */
static struct submission *
asked_address(struct role *r, struct ipc_peer *from, struct ipc_msg *m,
    struct slice *address)
{
	struct submission *s;

	*address = ipc_get_slice(m, MAX_ADDRESS);
	if (ipc_end(m) == -1) {
		family_drop(from, "bad address");
		return NULL;
	}
	s = asked_by(r, from, m);
	if (s != NULL && s->resolve != NULL) {
		family_drop(from, "two questions at once");
		return NULL;
	}
	return s;
}

/* Does mail to the address come to the user? Then it may be sent from it. */
static enum queue_answer
owns(struct submission *s, enum queue_answer a, const struct spool_rcpt *rcpts,
    unsigned n)
{
	unsigned i;

	if (a == QUEUE_TEMP)
		return a;
	for (i = 0; i < n; i++)
		if (slice_eq_str(rcpts[i].user, s->user))
			return QUEUE_OK;
	return QUEUE_SENDER;
}

static void
owns_known(
    void *arg, enum queue_answer a, const struct spool_rcpt *rcpts, unsigned n)
{
	struct submission *s = arg;

	s->resolve = NULL;
	answer(s, owns(s, a, rcpts, n));
}

static void
sender_known(
    void *arg, enum queue_answer a, const struct spool_rcpt *rcpts, unsigned n)
{
	struct submission *s = arg;

	s->resolve = NULL;
	a = owns(s, a, rcpts, n);
	if (a == QUEUE_OK &&
	    !rate_take(&s->q->rates, slice_str(s->user), clock_mono_us(), 1, 0,
		conf_u64(s->q->role->conf, "user_messages_hour"), UINT64_MAX))
		a = QUEUE_RATE;
	if (a == QUEUE_OK)
		s->state = SUB_MAIL;
	else
		transaction_reset(s);
	answer(s, a);
}

static void
on_mail(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct slice address;
	struct submission *s = asked_address(r, from, m, &address);
	struct spool_rcpt self;

	if (s == NULL)
		return;
	if (s->state != SUB_READY) {
		answer(s, QUEUE_ORDER);
		return;
	}
	s->env.user = slice_str(s->user);
	s->env.sender = arena_slice(&s->arena, address);
	s->env.time = clock_real_us() / 1000000;
	if (address.n > 0) {
		s->resolve = resolve_start(s->q, address, sender_known, s);
		return;
	}
	/* "<>": a receipt (RFC 8098 3) of the user's */
	self = (struct spool_rcpt){ .user = slice_str(s->user) };
	sender_known(s, QUEUE_OK, &self, 1);
}

static bool
add_rcpt(struct submission *s, const struct spool_rcpt *from)
{
	struct spool_rcpt *to;
	unsigned i;

	for (i = 0; i < s->env.n_rcpts; i++)
		if (slice_eq(s->env.rcpts[i].user, from->user) &&
		    slice_eq(s->env.rcpts[i].mailbox, from->mailbox))
			return true; /* once is enough */
	if (s->env.n_rcpts == ENVELOPE_MAX_RCPT)
		return false;
	if (s->env.n_rcpts == s->cap) {
		unsigned cap = s->cap == 0 ? 8 : s->cap * 2;
		struct spool_rcpt *more =
		    arena_array(&s->arena, cap, sizeof *more);

		if (more == NULL)
			return false;
		if (s->env.n_rcpts > 0)
			memcpy(
			    more, s->env.rcpts, s->env.n_rcpts * sizeof *more);
		s->env.rcpts = more;
		s->cap = cap;
	}
	to = &s->env.rcpts[s->env.n_rcpts++];
	to->user = arena_slice(&s->arena, from->user);
	to->mailbox = arena_slice(&s->arena, from->mailbox);
	to->address = arena_slice(&s->arena, from->address);
	to->state = RCPT_WAITING;
	return !s->arena.failed;
}

static void
rcpt_known(
    void *arg, enum queue_answer a, const struct spool_rcpt *rcpts, unsigned n)
{
	struct submission *s = arg;
	unsigned i, before = s->env.n_rcpts;

	s->resolve = NULL;
	if (a == QUEUE_OK &&
	    !rate_take(&s->q->rates, slice_str(s->user), clock_mono_us(), 0, 1,
		UINT64_MAX, conf_u64(s->q->role->conf, "user_recipients_hour")))
		a = QUEUE_RATE;
	for (i = 0; a == QUEUE_OK && i < n; i++)
		if (!add_rcpt(s, &rcpts[i]))
			a = QUEUE_MANY;
	if (a != QUEUE_OK)
		s->env.n_rcpts = before; /* all of an alias or nothing */
	answer(s, a);
}

static void
on_rcpt(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct slice address;
	struct submission *s = asked_address(r, from, m, &address);

	if (s == NULL)
		return;
	if (s->state != SUB_MAIL)
		answer(s, QUEUE_ORDER);
	else
		s->resolve = resolve_start(s->q, address, rcpt_known, s);
}

static void
on_owns(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct slice address;
	struct submission *s = asked_address(r, from, m, &address);

	if (s == NULL)
		return;
	if (s->state != SUB_WRITING)
		answer(s, QUEUE_ORDER);
	else
		s->resolve = resolve_start(s->q, address, owns_known, s);
}

static void
on_data(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct submission *s = asked_by(r, from, m);
	struct ipc_spool_answer fixed;
	struct ipc_out o;
	struct err err;
	int fd;

	if (s == NULL)
		return;
	if (s->state != SUB_MAIL || s->env.n_rcpts == 0 || s->resolve != NULL ||
	    r->is_draining) {
		answer(s, QUEUE_ORDER);
		return;
	}
	if (spool_new(&s->q->spool, &s->entry, &err) == -1) {
		log_err(s->conn, "spool", &err);
		answer(s, answer_of_err(&err));
		return;
	}
	s->state = SUB_WRITING;
	if (spool_writer(&s->q->spool, &s->entry, &fd, &err) == -1) {
		log_err(s->conn, "spool", &err);
		transaction_reset(s);
		answer(s, answer_of_err(&err));
		return;
	}
	fixed = (struct ipc_spool_answer){ .conn = s->conn };
	ipc_begin(&o, IPC_SPOOL_FILE, &fixed, sizeof fixed);
	ipc_put_str(&o, s->entry.id);
	ipc_put_fd(&o, fd);
	(void)ipc_send(from, &o);
	close(fd);
}

/* Going down: what is being accepted is accepted first. */
static void
quit_if_idle(struct queue *q)
{
	struct map_entry *pos = NULL;
	struct slice key;
	void *v;

	if (!q->role->is_draining || q->schedule == NULL)
		return;
	while (map_next(&q->submissions, &pos, &key, &v))
		if (((struct submission *)v)->state == SUB_COMMITTING)
			return;
	schedule_free(q->schedule);
	q->schedule = NULL;
	spool_close(&q->spool);
	role_quit(q->role);
}

static void
commit_end(struct submission *s, enum queue_answer a)
{
	struct queue *q = s->q;

	s->state = SUB_READY; /* the entry is accepted or removed */
	answer(s, a);
	if (s->is_gone)
		submission_free(s);
	else
		transaction_reset(s);
	quit_if_idle(q);
}

static void
commit_run(void *arg)
{
	struct submission *s = arg;
	struct err err;

	s->flush = NULL;
	switch (spool_commit(
	    &s->q->spool, &s->entry, &s->env, s->size, &s->fs, &err)) {
	case STEP_AGAIN:
		loop_soon(s->q->role->loop, commit_run, s);
		break;
	case STEP_FLUSH:
		s->flush =
		    flush_submit(s->q->role->loop, &s->fs, commit_run, s);
		break;
	case STEP_DONE:
		log_info(s->conn, "queued", "queue_id", s->entry.id, "user",
		    s->user, "size", LOG_U64(s->size), "recipients",
		    LOG_U64(s->env.n_rcpts), NULL);
		schedule_add(s->q->schedule, &s->env);
		commit_end(s, QUEUE_OK);
		break;
	case STEP_FAIL:
	case STEP_INPUT:
	case STEP_DRAIN:
	case STEP_EVENT:
		log_err(s->conn, "not queued", &err);
		commit_end(s, answer_of_err(&err));
		break;
	}
}

static void
on_commit(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_spool_conn *fixed = m->fixed;
	struct submission *s = asked_by(r, from, m);

	if (s == NULL)
		return;
	if (s->state != SUB_WRITING || s->resolve != NULL ||
	    s->q->schedule == NULL) {
		answer(s, QUEUE_ORDER);
		return;
	}
	/* the frontend refuses it earlier, if it is ours */
	if (fixed->size > conf_u64(r->conf, "message_size") + SIZE_OF_FIXUP) {
		transaction_reset(s);
		answer(s, QUEUE_SIZE);
		return;
	}
	s->state = SUB_COMMITTING;
	s->size = fixed->size;
	commit_run(s);
}

static struct submission *
find(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_spool_conn *fixed = m->fixed;
	struct queue *q = r->state;
	struct key k;

	return map_get(
	    &q->submissions, key_of(&k, ipc_peer_index(from), fixed->conn));
}

static void
on_reset(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct submission *s = find(r, from, m);

	if (s != NULL && s->state != SUB_COMMITTING)
		transaction_reset(s);
}

static void
on_gone(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_spool_conn *fixed = m->fixed;
	struct submission *s = find(r, from, m);
	struct queue *q = r->state;
	unsigned at;

	if (s != NULL) {
		submission_gone(s);
		return;
	}
	at = q->n_tombstones++ % QUEUE_TOMBSTONES;
	q->tombstones[at].frontend = ipc_peer_index(from);
	q->tombstones[at].conn = fixed->conn;
}

/* ---- auth ---- */

static bool
has_left(const struct queue *q, unsigned frontend, uint64_t conn)
{
	unsigned i;

	for (i = 0; i < QUEUE_TOMBSTONES && i < q->n_tombstones; i++)
		if (q->tombstones[i].conn == conn &&
		    q->tombstones[i].frontend == frontend)
			return true;
	return false;
}

/* Is the user logged in as often as one may be? */
static bool
has_many(const struct queue *q, const char *user)
{
	struct map_entry *pos = NULL;
	struct slice key;
	uint64_t n = 0;
	void *v;

	while (map_next(&q->submissions, &pos, &key, &v))
		n += strcmp(((struct submission *)v)->user, user) == 0;
	return n >= conf_u64(q->role->conf, "max_user_connections");
}

static void
on_submitter(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_submitter *fixed = m->fixed;
	struct ipc_submitter_ack ack = { .id = fixed->id, .code = LOGIN_OK };
	struct queue *q = r->state;
	struct submission *s;
	struct key k;
	char user[MAX_USER + 1];

	ipc_get_str(m, user, sizeof user);
	if (ipc_end(m) == -1) {
		family_drop(from, "SUBMITTER with a bad tail");
		return;
	}
	s = map_get(
	    &q->submissions, key_of(&k, fixed->frontend, fixed->conn.id));
	if (s != NULL)
		submission_gone(s);
	if (has_many(q, user)) {
		ack.code = LOGIN_LIMIT;
	} else if (!has_left(q, fixed->frontend, fixed->conn.id)) {
		s = xcalloc(1, sizeof *s);
		s->q = q;
		s->frontend = fixed->frontend;
		s->conn = fixed->conn.id;
		snprintf(s->user, sizeof s->user, "%s", user);
		arena_init(&s->arena, SUBMISSION_ARENA);
		map_put(&q->submissions, key_of(&k, s->frontend, s->conn), s);
	}
	(void)IPC_SEND(from, IPC_SUBMITTER_ACK, &ack);
}

static void
on_user_answer(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_user_answer *fixed = m->fixed;
	char user[MAX_USER + 1];

	ipc_get_str(m, user, sizeof user);
	if (ipc_end(m) == -1) {
		family_drop(from, "USER_ANSWER with a bad tail");
		return;
	}
	resolve_answer(
	    r->state, fixed->id, (enum err_code)fixed->code, slice_str(user));
}

static void
on_deliverer(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_deliver *fixed = m->fixed;
	struct queue *q = r->state;

	(void)from;
	if (q->schedule != NULL)
		schedule_deliverer(q->schedule, fixed->job, ipc_take_fd(m, 0));
}

static void
on_deliver_fail(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_deliver_fail *fixed = m->fixed;
	struct queue *q = r->state;

	(void)from;
	if (q->schedule != NULL)
		schedule_refused(
		    q->schedule, fixed->job, (enum err_code)fixed->code);
}

static const struct ipc_handler handlers[] = {
	{ IPC_SPOOL_MAIL, on_mail, false },
	{ IPC_SPOOL_RCPT, on_rcpt, false },
	{ IPC_SPOOL_OWNS, on_owns, false },
	{ IPC_SPOOL_DATA, on_data, false },
	{ IPC_SPOOL_COMMIT, on_commit, false },
	{ IPC_SPOOL_RESET, on_reset, false },
	{ IPC_SPOOL_GONE, on_gone, false },
	{ IPC_SUBMITTER, on_submitter, false },
	{ IPC_USER_ANSWER, on_user_answer, false },
	{ IPC_DELIVERER, on_deliverer, false },
	{ IPC_DELIVER_FAIL, on_deliver_fail, false },
	{ 0, NULL, false },
};

/* ---- the role ---- */

static int
read_file(const char *path, struct buf *text, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", path);
	while (n > 0) {
		char *room = buf_reserve(text, 16 * KIB);

		if (room == NULL) {
			close(fd);
			return err_set(err, ERR_LIMIT, "%s is too large", path);
		}
		n = read(fd, room, 16 * KIB);
		if (n > 0)
			buf_commit(text, (size_t)n);
	}
	if (n == -1)
		err_sys(err, "read %s", path);
	close(fd);
	return n == -1 ? -1 : 0;
}

/* New aliases replace the old ones only when they are good. */
static int
load_aliases(struct queue *q, const char *path, struct err *err)
{
	struct aliases fresh = { 0 };
	struct arena arena;
	struct buf text;
	int rc;

	arena_init(&arena, 8 * MAX_ALIASES_FILE);
	buf_init(&text, MAX_ALIASES_FILE);
	rc = read_file(path, &text, err);
	if (rc == 0)
		rc = aliases_parse(&fresh, &arena, buf_slice(&text), err);
	buf_free(&text);
	if (rc == -1) {
		arena_free(&arena);
		return err_context(err, "%s", path);
	}
	arena_free(&q->alias_arena);
	q->alias_arena = arena;
	q->aliases = fresh;
	return 0;
}

static struct queue *
queue_of(struct role *r)
{
	if (r->state == NULL) {
		struct queue *q = xcalloc(1, sizeof *q);

		q->role = r;
		arena_init(&q->alias_arena, 0);
		r->state = q;
	}
	return r->state;
}

/* With the privileges of the start: what the queue's uid may not read. */
static int
queue_prepare(struct role *r, struct err *err)
{
	return load_aliases(queue_of(r), conf_str(r->conf, "aliases"), err);
}

static void
loaded(void *arg, const struct spool_envelope *env)
{
	struct queue *q = arg;

	schedule_add(q->schedule, env);
}

static void
unreadable(void *arg, const char *id, const struct err *err)
{
	(void)arg;
	log_error(0, "queue entry cannot be read", "queue_id", id, "error",
	    err->text, NULL);
}

static int
queue_start(struct role *r, struct err *err)
{
	struct queue *q = queue_of(r);
	struct spool_visitor v = {
		.arg = q, .entry = loaded, .bad = unreadable
	};

	if (spool_open(conf_str(r->conf, "spool_dir"), &q->spool, err) == -1)
		return -1;
	q->schedule = schedule_new(q);
	if (spool_load(&q->spool, &v, err) == -1)
		return -1;
	if (schedule_count(q->schedule) > 0)
		log_info(0, "queue loaded", "messages",
		    LOG_U64(schedule_count(q->schedule)), NULL);
	return 0;
}

static void
drop_submissions(struct queue *q, unsigned frontend)
{
	struct map_entry *pos = NULL;
	struct slice key;
	void *v;

	while (map_next(&q->submissions, &pos, &key, &v)) {
		struct submission *s = v;

		if (s->frontend == frontend)
			submission_gone(s);
	}
}

static void
queue_peer_gone(struct role *r, struct ipc_peer *p)
{
	enum role_id who = ipc_peer_role(p);
	struct queue *q = r->state;

	if (who == R_FRONTEND)
		drop_submissions(q, ipc_peer_index(p));
	if (who == R_AUTH)
		resolve_fail_all(q);
	if ((who == R_AUTH || who == R_NURSERY) && q->schedule != NULL)
		schedule_unanswered(q->schedule);
}

static void
queue_reload(struct role *r, const struct conf *old)
{
	struct err err;

	(void)old;
	if (load_aliases(r->state, conf_str(r->conf, "aliases"), &err) == -1)
		log_err(0, "aliases stay as they were", &err);
}

static void
queue_drain(struct role *r, uint64_t within_ms)
{
	(void)within_ms; /* a commit takes as long as a flush */
	quit_if_idle(r->state);
}

const struct role_spec queue_role = {
	.id = R_QUEUE,
	.name = "queue",
	.sandbox = SANDBOX_QUEUE,
	.user_setting = "queue_user",
	.peers = R_BIT(R_FRONTEND) | R_BIT(R_AUTH) | R_BIT(R_NURSERY),
	.handlers = handlers,
	.prepare = queue_prepare,
	.start = queue_start,
	.peer_gone = queue_peer_gone,
	.reload = queue_reload,
	.drain = queue_drain,
};
