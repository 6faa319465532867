/* SPDX-License-Identifier: ISC */
/* The nursery: forks the process of a user, hands it connections, buries it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libnet/loop.h"
#include "libserver/family.h"

#define CRASHED_MAX 4096u /* users remembered to have lost a session */
#define TRIES_MAX   2u

struct nursery_child;

/* A connection on its way to, or with, a session. */
struct attachment {
	LIST_ENTRY(attachment) entry; /* of child */
	struct nursery_child *child;
	uint64_t ref;
	uint64_t attach; /* auth's number */
	uint32_t frontend;
	struct ipc_conn conn;
	bool is_live;   /* acknowledged */
	bool is_parked; /* came from another session, not from auth */
	unsigned tries;
	struct buf packed, unread; /* of a parked one */
	int fds[IPC_FDS_MAX];      /* the session's, kept until acknowledged */
	unsigned n_fds;
	int front_fd; /* the frontend's end */
};

struct nursery_child {
	LIST_ENTRY(nursery_child) entry;
	enum role_id as;
	pid_t pid;
	struct account account;
	struct ipc_peer *peer;
	LIST_HEAD(, attachment) attachments;
	unsigned n_conns;
	uint64_t n_sent; /* SESSION_ATTACHs */
	uint64_t since;
	uint64_t job;
	bool is_current; /* new connections of the user go here */
};

struct nursery {
	struct role *role;
	LIST_HEAD(, nursery_child) children;
	unsigned n_children;
	struct map users;   /* name: the current child */
	struct map crashed; /* name: (void *)1 */
	struct idmap pids, refs;
	uint64_t last_ref;
	struct sandbox_filter *filter;
	struct timer kill_timer;
	uint64_t unheard[MAX_DELIVERERS]; /* failed jobs, no queue was told */
	unsigned n_unheard;
};

static void session_gone(struct role *r, struct ipc_peer *p, const char *fault);
static void attach_again(
    struct nursery *n, struct attachment *a, const struct account *account);
static void retire(struct nursery *n, struct nursery_child *c);
static const struct ipc_handler session_handlers[];

/* ---- attachments ---- */

static void
close_all(struct attachment *a)
{
	for (unsigned i = 0; i < a->n_fds; i++)
		close(a->fds[i]);
	a->n_fds = 0;
	if (a->front_fd != -1)
		close(a->front_fd);
	a->front_fd = -1;
	buf_wipe(&a->packed);
	buf_wipe(&a->unread);
}

static void
detach(struct attachment *a)
{
	if (a->child == NULL)
		return;
	LIST_REMOVE(a, entry);
	a->child->n_conns--;
	a->child = NULL;
}

static void
attachment_free(struct nursery *n, struct attachment *a)
{
	detach(a);
	(void)idmap_del(&n->refs, a->ref);
	close_all(a);
	xfree(a);
}

static struct attachment *
attachment_new(struct nursery *n)
{
	struct attachment *a = xcalloc(1, sizeof(*a));

	a->ref = ++n->last_ref;
	a->front_fd = -1;
	buf_init(&a->packed, MAX_PACKED);
	buf_init(&a->unread, MAX_PACKED);
	(void)idmap_put(&n->refs, a->ref, a);
	return a;
}

static void
answer_auth(struct nursery *n, uint64_t attach, enum login_code code)
{
	struct ipc_attach_result res = { .attach = attach, .code = code };

	(void)IPC_SEND(role_peer(n->role, R_AUTH, 0), IPC_ATTACH_RESULT, &res);
}

static void
refuse(struct nursery *n, struct attachment *a, enum login_code code)
{
	if (!a->is_parked)
		answer_auth(n, a->attach, code);
	attachment_free(n, a);
}

/* Give it to the child; at its death it is tried again. */
static void
attach_to(struct nursery *n, struct nursery_child *c, struct attachment *a)
{
	struct ipc_session_attach head = {
		.ref = a->ref, .conn = a->conn, .parked = a->is_parked
	};
	struct ipc_out o;

	a->child = c;
	a->tries++;
	LIST_INSERT_HEAD(&c->attachments, a, entry);
	c->n_conns++;
	c->n_sent++;
	ipc_begin(&o, IPC_SESSION_ATTACH, &head, sizeof(head));
	ipc_put_slice(&o, buf_slice(&a->packed));
	ipc_put_slice(&o, buf_slice(&a->unread));
	for (unsigned i = 0; i < a->n_fds; i++)
		ipc_put_fd(&o, a->fds[i]);
	if (ipc_send(c->peer, &o) == -1) {
		detach(a);
		retire(n, c);
		attach_again(n, a, &c->account);
	}
}

/* ---- children ---- */

static void
retire(struct nursery *n, struct nursery_child *c)
{
	if (!c->is_current)
		return;
	c->is_current = false;
	(void)map_del(&n->users, slice_str(c->account.name));
}

static bool
may_be_user(const struct nursery *n, const struct account *a)
{
	uint64_t first = conf_u64(n->role->conf, "first_uid");

	if (a->uid == 0 || a->gid == 0)
		return false;
	if (geteuid() != 0)
		return a->uid == geteuid();
	return a->uid >= first || (a->flags & ACCOUNT_VIRTUAL) != 0;
}

static struct nursery_child *
child_fork(struct nursery *n, enum role_id as, const struct account *account,
    int fds[2], uint64_t job, struct err *err)
{
	struct nursery_child *c;
	bool had_crash = map_get(&n->crashed, slice_str(account->name)) != NULL;
	pid_t pid;

	pid = fork();
	if (pid == -1) {
		(void)err_sys(err, "fork");
		return NULL;
	}
	if (pid == 0)
		session_main(
		    n->role, as, account, fds[1], job, had_crash, n->filter);
	c = xcalloc(1, sizeof(*c));
	c->as = as;
	c->pid = pid;
	c->account = *account;
	c->since = (uint64_t)clock_now();
	c->job = job;
	LIST_INIT(&c->attachments);
	LIST_INSERT_HEAD(&n->children, c, entry);
	n->n_children++;
	(void)idmap_put(&n->pids, (uint64_t)pid, c);
	return c;
}

static struct nursery_child *
session_fork(struct nursery *n, const struct account *account, struct err *err)
{
	struct ipc_peer_conf pc = { .role = n->role,
		.loop = n->role->loop,
		.me = R_NURSERY,
		.peer = R_SESSION,
		.handlers = session_handlers,
		.gone = session_gone };
	struct nursery_child *c;
	int fds[2];

	if (n->n_children >= conf_u64(n->role->conf, "max_connections")) {
		(void)err_set(err, ERR_LIMIT, "max_connections sessions");
		return NULL;
	}
	if (ipc_pair(fds, err) == -1)
		return NULL;
	c = child_fork(n, R_SESSION, account, fds, 0, err);
	close(fds[1]);
	if (c == NULL) {
		close(fds[0]);
		return NULL;
	}
	pc.index = (unsigned)c->pid;
	pc.arg = c;
	c->peer = ipc_peer_new(fds[0], &pc);
	(void)map_del(&n->crashed, slice_str(account->name));
	c->is_current = true;
	(void)map_put(&n->users, slice_str(account->name), c);
	return c;
}

static struct nursery_child *
session_of(struct nursery *n, const struct account *account, struct err *err)
{
	struct nursery_child *c = map_get(&n->users, slice_str(account->name));

	/* other ids or folders than the living one has: it serves out */
	if (c != NULL &&
	    (c->account.uid != account->uid || c->account.gid != account->gid ||
		strcmp(c->account.mail, account->mail) != 0 ||
		strcmp(c->account.control, account->control) != 0 ||
		strcmp(c->account.index, account->index) != 0)) {
		retire(n, c);
		c = NULL;
	}
	return c != NULL ? c : session_fork(n, account, err);
}

static void
attach_account(
    struct nursery *n, struct attachment *a, const struct account *account)
{
	struct nursery_child *c;
	struct err err;

	c = n->role->is_draining ? NULL : session_of(n, account, &err);
	if (c == NULL) {
		if (!n->role->is_draining)
			log_err(a->conn.id, "no session", &err);
		refuse(n, a, LOGIN_UNAVAILABLE);
		return;
	}
	attach_to(n, c, a);
}

/* Its session went before it had acknowledged: once more, with a new one. */
static void
attach_again(
    struct nursery *n, struct attachment *a, const struct account *account)
{
	if (a->tries >= TRIES_MAX || n->role->is_draining)
		refuse(n, a, LOGIN_UNAVAILABLE);
	else
		attach_account(n, a, account);
}

/* ---- from auth ---- */

static unsigned
connections_of(struct nursery *n, const char *user)
{
	struct nursery_child *c;
	unsigned sum = 0;

	LIST_FOREACH(c, &n->children, entry)
		if (c->as == R_SESSION && strcmp(c->account.name, user) == 0)
			sum += c->n_conns;
	return sum;
}

static enum login_code
judge(struct nursery *n, const struct account *account)
{
	struct nursery_child *c = map_get(&n->users, slice_str(account->name));

	if (n->role->is_draining)
		return LOGIN_UNAVAILABLE;
	if (!may_be_user(n, account))
		return LOGIN_CONTACTADMIN;
	if (c != NULL &&
	    connections_of(n, account->name) >=
		conf_u64(n->role->conf, "max_user_connections"))
		return LOGIN_LIMIT;
	return LOGIN_OK;
}

static void
attach(struct nursery *n, const struct ipc_attach *head,
    const struct account *account)
{
	enum login_code code = judge(n, account);
	struct attachment *a;
	int fds[2];

	if (code == LOGIN_OK &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		fds) == -1)
		code = LOGIN_UNAVAILABLE;
	if (code != LOGIN_OK) {
		log_warn(head->conn.id, "session refused", "user",
		    account->name, "code", LOG_U64(code), NULL);
		answer_auth(n, head->attach, code);
		return;
	}
	a = attachment_new(n);
	a->attach = head->attach;
	a->frontend = head->frontend;
	a->conn = head->conn;
	a->fds[0] = fds[0];
	a->n_fds = 1;
	a->front_fd = fds[1];
	attach_account(n, a, account);
}

static void
on_attach(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct account *account = xcalloc(1, sizeof(*account));
	struct ipc_attach head;

	memcpy(&head, m->fixed, sizeof(head));
	account_get(m, account);
	if (ipc_end(m) == -1 || !ipc_conn_ok(&head.conn))
		family_drop(from, "account not readable");
	else
		attach(r->state, &head, account);
	xfree(account);
}

static void
deliver_failed(struct nursery *n, uint64_t job, enum err_code code)
{
	struct ipc_deliver_fail f = { .job = job, .code = code };

	if (IPC_SEND(role_peer(n->role, R_QUEUE, 0), IPC_DELIVER_FAIL, &f) ==
		-1 &&
	    n->n_unheard < MAX_DELIVERERS)
		n->unheard[n->n_unheard++] = job;
}

/* Auth may have asked for a queue that nobody had introduced to us yet. */
static void
nursery_peer_up(struct role *r, struct ipc_peer *p)
{
	struct nursery *n = r->state;
	unsigned i, unheard = n->n_unheard;

	if (ipc_peer_role(p) != R_QUEUE)
		return;
	n->n_unheard = 0;
	for (i = 0; i < unheard; i++)
		deliver_failed(n, n->unheard[i], ERR_TEMP);
}

/* Fork the process of a delivery, give the queue the other end. */
static int
deliver(struct nursery *n, const struct ipc_deliver *head,
    const struct account *account, struct err *err)
{
	struct nursery_child *c;
	struct ipc_out o;
	int fds[2], sent = -1;

	if (n->role->is_draining)
		return err_set(err, ERR_TEMP, "going down");
	if (n->role->family->deliver == NULL || !may_be_user(n, account))
		return err_set(
		    err, ERR_DENIED, "uid %u gets no mail", account->uid);
	if (ipc_pair(fds, err) == -1)
		return -1;
	c = child_fork(n, R_DELIVER, account, fds, head->job, err);
	if (c != NULL) {
		ipc_begin(&o, IPC_DELIVERER, head, sizeof(*head));
		ipc_put_fd(&o, fds[0]);
		if ((sent = ipc_send(role_peer(n->role, R_QUEUE, 0), &o)) == -1)
			(void)err_set(err, ERR_TEMP, "the queue is not there");
	}
	close(fds[0]); /* without a queue it ends by itself */
	close(fds[1]);
	return sent;
}

static void
on_deliver_fork(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct account *account = xcalloc(1, sizeof(*account));
	struct ipc_deliver head;
	struct err err;

	memcpy(&head, m->fixed, sizeof(head));
	account_get(m, account);
	if (ipc_end(m) == -1) {
		family_drop(from, "account not readable");
	} else if (deliver(r->state, &head, account, &err) == -1) {
		log_err(0, "no delivery", &err);
		deliver_failed(r->state, head.job, err.code);
	}
	xfree(account);
}

/* ---- from sessions ---- */

/* The attachment a session speaks of: its own, or it is dropped. */
static struct attachment *
own(struct nursery *n, struct ipc_peer *from, const struct ipc_msg *m)
{
	struct ipc_session_ref head;
	struct attachment *a;

	memcpy(&head, m->fixed, sizeof(head));
	a = idmap_get(&n->refs, head.ref);
	if (a == NULL || a->child != ipc_peer_arg(from)) {
		family_drop(from, "reference of another");
		return NULL;
	}
	return a;
}

static void
on_ack(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct nursery *n = r->state;
	struct attachment *a = own(n, from, m);
	struct ipc_channel head;
	struct ipc_out o;

	if (a == NULL)
		return;
	if (a->is_live) {
		family_drop(from, "acknowledged twice");
		return;
	}
	a->is_live = true;
	if (!a->is_parked) {
		head.conn = a->conn.id;
		ipc_begin(&o, IPC_CHANNEL, &head, sizeof(head));
		ipc_put_str(&o, a->child->account.name);
		ipc_put_fd(&o, a->front_fd);
		/* a frontend that has gone: the session reads its end */
		(void)ipc_send(role_peer(r, R_FRONTEND, a->frontend), &o);
		answer_auth(n, a->attach, LOGIN_OK);
	}
	close_all(a);
}

/* No new connections come to it, and it has none. */
static void
end_if_useless(struct nursery_child *c)
{
	struct ipc_none none = { 0 };

	if (!c->is_current && c->n_conns == 0)
		(void)IPC_SEND(c->peer, IPC_SESSION_END, &none);
}

static void
on_closed(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct nursery *n = r->state;
	struct attachment *a = own(n, from, m);
	struct nursery_child *c = ipc_peer_arg(from);

	if (a == NULL)
		return;
	if (a->is_live) {
		attachment_free(n, a);
	} else {
		retire(n, c); /* it takes no more */
		detach(a);
		attach_again(n, a, &c->account);
	}
	end_if_useless(c);
}

static void
on_leave(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct nursery *n = r->state;
	struct nursery_child *c = ipc_peer_arg(from);
	struct ipc_session_leave head;

	memcpy(&head, m->fixed, sizeof(head));
	if (head.attached != c->n_sent || c->n_conns > 0)
		return; /* another connection is under way to it: it stays */
	retire(n, c);
	end_if_useless(c);
}

/* A quiet connection moves into a process forked for it. */
static void
on_park(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct nursery *n = r->state;
	struct attachment *a = own(n, from, m), *b;
	struct nursery_child *c = ipc_peer_arg(from), *to;
	struct slice packed = ipc_get_slice(m, MAX_PACKED);
	struct slice unread = ipc_get_slice(m, MAX_PACKED);
	struct err err;

	if (a == NULL)
		return;
	if (ipc_end(m) == -1 || !a->is_live) {
		family_drop(from, "parked connection not readable");
		return;
	}
	b = attachment_new(n);
	b->conn = a->conn;
	b->frontend = a->frontend;
	b->is_parked = true;
	buf_put_slice(&b->packed, packed);
	buf_put_slice(&b->unread, unread);
	for (unsigned i = 0; i < m->n_fds; i++)
		b->fds[b->n_fds++] = ipc_take_fd(m, i);
	attachment_free(n, a);
	if (c->is_current) {
		retire(n, c);
		to = n->role->is_draining ? NULL :
					    session_fork(n, &c->account, &err);
	} else {
		to = map_get(&n->users, slice_str(c->account.name));
		if (to == NULL && !n->role->is_draining)
			to = session_fork(n, &c->account, &err);
	}
	if (to == NULL)
		refuse(n, b, LOGIN_UNAVAILABLE);
	else
		attach_to(n, to, b);
	end_if_useless(c);
}

static const struct ipc_handler session_handlers[] = {
	{ IPC_SESSION_ACK, on_ack, false },
	{ IPC_SESSION_CLOSED, on_closed, false },
	{ IPC_SESSION_LEAVE, on_leave, false },
	{ IPC_SESSION_PARK, on_park, false },
	{ .fn = NULL },
};

static void
session_gone(struct role *r, struct ipc_peer *p, const char *fault)
{
	struct nursery *n = r->state;
	struct nursery_child *c = ipc_peer_arg(p);

	c->peer = NULL;
	retire(n, c);
	if (fault == NULL)
		return;
	log_error(0, "session dropped", "user", c->account.name, "pid",
	    LOG_U64(c->pid), "reason", fault, NULL);
	(void)kill(c->pid, SIGKILL);
}

/* ---- ends ---- */

static void
log_end(const struct nursery_child *c, int status)
{
	const char *sig =
	    WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	if (WIFSIGNALED(status))
		log_error(0, "session died", "user", c->account.name, "pid",
		    LOG_U64(c->pid), "signal", sig == NULL ? "?" : sig,
		    "connections", LOG_U64(c->n_conns), "hint",
		    WTERMSIG(status) == SIGSYS ?
			"a system call outside its sandbox" :
			NULL,
		    NULL);
	else if (WEXITSTATUS(status) != 0)
		log_error(0, "session failed", "user", c->account.name, "pid",
		    LOG_U64(c->pid), "exit", LOG_U64(WEXITSTATUS(status)),
		    NULL);
	else
		log_debug(0, "session ended", "user", c->account.name, NULL);
}

static void
remember_crash(struct nursery *n, const struct nursery_child *c)
{
	static char mark;

	if (n->crashed.n < CRASHED_MAX)
		(void)map_put(&n->crashed, slice_str(c->account.name), &mark);
}

/* What it had not acknowledged goes to a new one, once. */
static void
move_on(struct nursery *n, struct nursery_child *c)
{
	struct attachment *a;

	while ((a = LIST_FIRST(&c->attachments)) != NULL) {
		if (a->is_live) {
			attachment_free(n, a);
			continue;
		}
		detach(a);
		attach_again(n, a, &c->account);
	}
}

static void
nursery_child_ended(struct role *r, pid_t pid, int status)
{
	struct nursery *n = r->state;
	struct nursery_child *c = idmap_del(&n->pids, (uint64_t)pid);

	if (c == NULL)
		return;
	log_end(c, status);
	if (WIFSIGNALED(status) && c->as == R_SESSION)
		remember_crash(n, c);
	retire(n, c);
	ipc_peer_close(&c->peer);
	LIST_REMOVE(c, entry);
	n->n_children--;
	move_on(n, c);
	xfree(c);
	if (r->is_draining && n->n_children == 0)
		role_quit(r);
}

static void
signal_all(struct nursery *n, int signum)
{
	struct nursery_child *c;

	LIST_FOREACH(c, &n->children, entry)
		(void)kill(c->pid, signum);
}

static void
kill_rest(void *arg)
{
	struct nursery *n = arg;

	log_warn(0, "sessions killed at the end of drain_time", "count",
	    LOG_U64(n->n_children), NULL);
	signal_all(n, SIGKILL);
}

static void
nursery_drain(struct role *r, uint64_t within_ms)
{
	struct nursery *n = r->state;

	if (n->n_children == 0) {
		role_quit(r);
		return;
	}
	signal_all(n, SIGTERM);
	timer_start_ms(&n->kill_timer, within_ms);
}

/* ---- the control socket's questions ---- */

static void
put_child(struct buf *b, const struct nursery *n, const struct nursery_child *c)
{
	char text[NETADDR_TEXT];
	const struct attachment *a;
	bool is_first = true;

	buf_puts(b, c->as == R_SESSION ? "what=session" : "what=delivery");
	log_put_pair(b, "user", slice_str(c->account.name));
	buf_printf(b, " connections=%u protocol=%s since=%ju pid=%d",
	    c->n_conns, n->role->family->protocol, (uintmax_t)c->since,
	    (int)c->pid);
	LIST_FOREACH(a, &c->attachments, entry) {
		if (b->n > 1800)
			break;
		buf_printf(b, "%s%s", is_first ? " address=" : ",",
		    netaddr_text(&a->conn.peer, text));
		is_first = false;
	}
}

static void
on_ctl(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct nursery *n = r->state;
	struct nursery_child *c;
	char user[MAX_USER + 1];
	struct ipc_ctl head;
	struct ipc_out o;
	struct buf b;

	memcpy(&head, m->fixed, sizeof(head));
	ipc_get_str(m, user, sizeof(user));
	if (ipc_end(m) == -1) {
		family_drop(from, "question not readable");
		return;
	}
	buf_init(&b, 2000);
	LIST_FOREACH(c, &n->children, entry) {
		if (user[0] != '\0' && strcmp(user, c->account.name) != 0)
			continue;
		if (m->type == IPC_CTL_KICK) {
			retire(n, c);
			(void)kill(c->pid, SIGTERM);
		}
		buf_reset(&b);
		put_child(&b, n, c);
		ipc_begin(&o, IPC_CTL_LINE, &head, sizeof(head));
		ipc_put_slice(&o, buf_slice(&b));
		(void)ipc_send(from, &o);
	}
	buf_free(&b);
	(void)IPC_SEND(from, IPC_CTL_DONE, &head);
}

/* ---- the role ---- */

static int
nursery_prepare(struct role *r, struct err *err)
{
	struct nursery *n = xcalloc(1, sizeof(*n));

	n->role = r;
	r->state = n;
	LIST_INIT(&n->children);
	if (!sandbox_has_landlock())
		log_warn(0,
		    "this kernel has no usable Landlock: sessions go "
		    "without",
		    NULL);
	n->filter = sandbox_filter_new(SANDBOX_SESSION, err);
	return n->filter == NULL ? -1 : 0;
}

static int
nursery_start(struct role *r, struct err *err)
{
	struct nursery *n = r->state;

	(void)err;
	timer_init(&n->kill_timer, r->loop, kill_rest, n);
	role_watch_children(r);
	if (r->family->warm != NULL)
		r->warm = r->family->warm();
	return 0;
}

static const struct ipc_handler nursery_handlers[] = {
	{ IPC_ATTACH, on_attach, false },
	{ IPC_DELIVER_FORK, on_deliver_fork, false },
	{ IPC_CTL_WHO, on_ctl, false },
	{ IPC_CTL_KICK, on_ctl, false },
	{ .fn = NULL },
};

const struct role_spec nursery_role = {
	.id = R_NURSERY,
	.name = "nursery",
	.sandbox = SANDBOX_NURSERY,
	.peers = R_BIT(R_AUTH) | R_BIT(R_FRONTEND) | R_BIT(R_QUEUE),
	.handlers = nursery_handlers,
	.prepare = nursery_prepare,
	.start = nursery_start,
	.peer_up = nursery_peer_up,
	.drain = nursery_drain,
	.child_ended = nursery_child_ended,
};
