/* SPDX-License-Identifier: ISC */
/* The process of one user, or of one delivery: becomes the user, puts on the
 * sandbox, takes connections, leaves when nobody needs it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/channel.h"
#include "libserver/become.h"
#include "libserver/family.h"

#define HELLO_MS    10000u
#define LAST_MS     200
#define UNREAD_MAX  (48u * KIB) /* travels with a parked connection */
#define LEAVE_AGAIN 1000u /* ms until it asks again whether it may leave */

/* A connection of this process, from its arrival to session_closed. */
struct session_link {
	LIST_ENTRY(session_link) entry;
	struct session_runtime *run;
	struct attach_info info;
	struct channel_accept *accept; /* hello is still awaited */
	int fd;                        /* not yet made a conn; else -1 */
	struct slice input;            /* came ahead; dies with the callback */
};

struct session_runtime {
	struct session se;
	struct role role;
	struct account account;
	const struct session_ops *ops;
	LIST_HEAD(, session_link) links;
	uint64_t n_attached;
	struct timer linger, deadline;
	bool is_over;
	dev_t mail_dev; /* of the mail folder that start() opened */
	ino_t mail_ino;
};

static void
finish(struct session_runtime *run)
{
	if (run->is_over)
		return;
	run->is_over = true;
	role_quit(&run->role);
}

/* Out of the loop, so that none of the program's functions is on the stack. */
static void
end(struct session_runtime *run)
{
	struct role *r = &run->role;

	/* answers under way arrive whole; at the deadline all is cut */
	if (run->se.n_conns == 0)
		conn_finish(r->loop, conf_ms(r->conf, "drain_time"));
	if (run->ops->end != NULL)
		run->ops->end(&run->se);
	ipc_flush(r->maker, LAST_MS);
}

static void
last_has_gone(struct session_runtime *run)
{
	if (run->se.is_draining)
		finish(run);
	else
		timer_start_ms(
		    &run->linger, conf_ms(run->role.conf, "session_linger"));
}

static void
linger_over(void *arg)
{
	struct session_runtime *run = arg;
	struct ipc_session_leave head = { .attached = run->n_attached };

	if (run->se.n_conns > 0)
		return;
	(void)IPC_SEND(run->role.maker, IPC_SESSION_LEAVE, &head);
	timer_start_ms(&run->linger, LEAVE_AGAIN);
}

static void
deadline_over(void *arg)
{
	struct session_runtime *run = arg;

	log_warn(0, "connections cut at the end of drain_time", "count",
	    LOG_U64(run->se.n_conns), NULL);
	finish(run);
	loop_stop(run->role.loop); /* for those that are being closed */
}

static void
drain(struct session_runtime *run)
{
	if (run->se.is_draining || run->is_over)
		return;
	run->se.is_draining = true;
	run->role.is_draining = true;
	timer_start_ms(&run->deadline, conf_ms(run->role.conf, "drain_time"));
	if (run->se.n_conns == 0)
		finish(run);
	else if (run->ops->drain != NULL)
		run->ops->drain(&run->se);
}

static void
on_term(void *arg, int signum)
{
	(void)signum;
	drain(arg);
}

/* ---- connections ---- */

static void
link_free(struct session_link *l)
{
	struct session_runtime *run = l->run;

	channel_accept_cancel(&l->accept);
	if (l->fd != -1)
		close(l->fd);
	LIST_REMOVE(l, entry);
	xfree(l);
	if (--run->se.n_conns == 0)
		last_has_gone(run);
}

static struct session_link *
link_of(const struct attach_info *info)
{
	const char *p =
	    (const char *)info - offsetof(struct session_link, info);
	struct session_link *l;

	memcpy(&l, &p, sizeof(l)); /* info is const to the program only */
	return l;
}

void
session_closed(struct session *se, const struct attach_info *info)
{
	struct session_link *l = link_of(info);
	struct ipc_session_ref head = { .ref = info->ref };

	(void)IPC_SEND(se->role->maker, IPC_SESSION_CLOSED, &head);
	link_free(l);
}

struct conn *
session_conn(struct session_link *l, const struct conn_conf *conf)
{
	struct conn *c = conn_new(l->run->role.loop, l->fd, conf);

	l->fd = -1;
	conn_preload(c, l->input);
	l->input = SLICE_NONE;
	return c;
}

static void
on_hello(void *arg, const struct channel_hello *h, const struct err *why)
{
	struct session_link *l = arg;
	struct session_runtime *run = l->run;
	struct err err = { 0 };

	l->accept = NULL;
	if (h == NULL) {
		if (why->code != ERR_CLOSED)
			log_err(l->info.id, "channel without hello", why);
		session_closed(&run->se, &l->info);
		return;
	}
	l->fd = h->fd;
	l->input = h->input;
	l->info.is_plain = (h->flags & CHANNEL_SOCKET) != 0;
	if (run->ops->attach(&run->se, l, h->hello, &l->info, &err) == -1) {
		log_err(l->info.id, "connection not taken", &err);
		session_closed(&run->se, &l->info);
	}
}

/* A packed connection goes on where it was. */
static void
unpack(
    struct session_link *l, struct slice packed, const int *fds, unsigned n_fds)
{
	struct session_runtime *run = l->run;
	struct err err = { 0 };

	if (run->ops->unpack == NULL) {
		for (unsigned i = 0; i < n_fds; i++)
			close(fds[i]);
		session_closed(&run->se, &l->info);
		return;
	}
	if (run->ops->unpack(&run->se, l, packed, fds, n_fds, &l->info, &err) ==
	    -1) {
		log_err(l->info.id, "connection not unpacked", &err);
		session_closed(&run->se, &l->info);
	}
}

static struct session_link *
link_new(struct session_runtime *run, const struct ipc_session_attach *head)
{
	struct session_link *l = xcalloc(1, sizeof(*l));

	l->run = run;
	l->fd = -1;
	l->info.ref = head->ref;
	l->info.id = head->conn.id;
	l->info.is_tls = head->conn.tls != 0;
	l->info.is_loopback = head->conn.loopback != 0;
	l->info.is_plain = head->conn.plain != 0;
	l->info.listener = head->conn.listener;
	l->info.peer = head->conn.peer;
	(void)netaddr_text(&head->conn.peer, l->info.address);
	LIST_INSERT_HEAD(&run->links, l, entry);
	run->se.n_conns++;
	run->n_attached++;
	timer_stop(&run->linger);
	return l;
}

/* The mail folder was removed or another put in its place (a restored backup):
 * what this process holds open is the old one, and its wall keeps it from the
 * new one. */
static bool
is_folder_replaced(const struct session_runtime *run)
{
	struct stat st;

	return stat(run->account.mail, &st) == -1 ||
	    st.st_dev != run->mail_dev || st.st_ino != run->mail_ino;
}

static void
on_attach(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct session_runtime *run = r->state;
	struct ipc_session_attach head;
	struct ipc_session_ref ref;
	struct slice packed = ipc_get_slice(m, MAX_PACKED);
	struct slice unread = ipc_get_slice(m, MAX_PACKED);
	struct session_link *l;
	int fds[IPC_FDS_MAX];
	unsigned n_fds = 0;

	memcpy(&head, m->fixed, sizeof(head));
	if (ipc_end(m) == -1) {
		family_drop(from, "connection not readable");
		return;
	}
	ref.ref = head.ref;
	if (is_folder_replaced(run)) {
		log_warn(0, "mail folder was replaced", NULL);
		drain(run);
	}
	/* closed without an acknowledgement: the nursery makes a new process */
	if (run->se.is_draining || run->is_over) {
		(void)IPC_SEND(from, IPC_SESSION_CLOSED, &ref);
		return;
	}
	l = link_new(run, &head);
	(void)IPC_SEND(from, IPC_SESSION_ACK, &ref);
	if (head.parked == 0) {
		l->accept = channel_accept(
		    r->loop, ipc_take_fd(m, 0), HELLO_MS, on_hello, l);
		return;
	}
	l->fd = ipc_take_fd(m, 0);
	l->input = unread;
	for (unsigned i = 1; i < m->n_fds; i++)
		fds[n_fds++] = ipc_take_fd(m, i);
	unpack(l, packed, fds, n_fds);
}

static void
on_end(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct session_runtime *run = r->state;

	(void)from;
	(void)m;
	if (run->se.n_conns == 0)
		finish(run);
}

int
session_park(struct session *se, struct conn **conn, struct slice packed,
    const int *fds, unsigned n_fds, const struct attach_info *info,
    struct err *err)
{
	struct ipc_session_ref head = { .ref = info->ref };
	struct ipc_out o;
	int fd;

	if (packed.n > MAX_PACKED || n_fds >= IPC_FDS_MAX)
		return err_set(err, ERR_LIMIT, "too large to park");
	if (se->role->maker == NULL || conn_in(*conn).n > UNREAD_MAX ||
	    conn_out_bytes(*conn) > 0 || conn_eof(*conn) || conn_is_dead(*conn))
		return 0;
	ipc_begin(&o, IPC_SESSION_PARK, &head, sizeof(head));
	ipc_put_slice(&o, packed);
	ipc_put_slice(&o, conn_in(*conn));
	fd = conn_detach_fd(conn);
	if (fd == -1) {
		ipc_out_drop(&o);
		return 0;
	}
	ipc_put_fd(&o, fd);
	for (unsigned i = 0; i < n_fds; i++)
		ipc_put_fd(&o, fds[i]);
	if (ipc_send(se->role->maker, &o) == -1)
		log_warn(info->id, "connection lost while parking", NULL);
	close(fd);
	link_free(link_of(info));
	return 1;
}

/* ---- becoming it ---- */

/* The nursery (the queue) has gone, or breaks rules: there is nobody to ask. */
static void
maker_gone(struct role *r, struct ipc_peer *p, const char *fault)
{
	struct session_runtime *run = r->state;

	(void)p;
	(void)fault;
	r->maker = NULL;
	run->se.queue = NULL;
	drain(run);
}

static const struct ipc_handler session_own[] = {
	{ IPC_SESSION_ATTACH, on_attach, false },
	{ IPC_SESSION_END, on_end, false },
	{ .fn = NULL },
};

static const struct role_spec session_role = {
	.id = R_SESSION,
	.name = "session",
	.sandbox = SANDBOX_SESSION,
};

static const struct role_spec deliver_role = {
	.id = R_DELIVER,
	.name = "deliver",
	.sandbox = SANDBOX_SESSION,
};

static int
start(struct session_runtime *run, enum role_id as, int fd, struct err *err)
{
	struct role *r = &run->role;
	struct ipc_peer_conf pc = { .role = r,
		.me = as,
		.peer = as == R_SESSION ? R_NURSERY : R_QUEUE,
		.rules = r->family->ipc,
		.handlers = as == R_SESSION ? session_own : run->ops->handlers,
		.more = as == R_SESSION ? run->ops->handlers : NULL,
		.gone = maker_gone };
	struct stat st;

	r->loop = loop_new(err);
	if (r->loop == NULL)
		return -1;
	pc.loop = r->loop;
	run->se.loop = r->loop;
	timer_init(&run->linger, r->loop, linger_over, run);
	timer_init(&run->deadline, r->loop, deadline_over, run);
	loop_signal(r->loop, SIGTERM, on_term, run);
	r->maker = ipc_peer_new(fd, &pc);
	if (as == R_DELIVER)
		run->se.queue = r->maker;
	/* before it is opened: one put in its place meanwhile is taken for a
	 * stranger's, never the old one for the new */
	if (stat(run->account.mail, &st) == -1)
		return err_sys(err, "stat %s", run->account.mail);
	run->mail_dev = st.st_dev;
	run->mail_ino = st.st_ino;
	if (run->ops->start != NULL && run->ops->start(&run->se, err) == -1)
		return -1;
	if (as == R_SESSION)
		timer_start_ms(
		    &run->linger, conf_ms(r->conf, "session_linger"));
	return 0;
}

static struct session_runtime *
make_runtime(struct role *nursery, enum role_id as,
    const struct account *account, uint64_t job, bool had_crash)
{
	struct session_runtime *run = xcalloc(1, sizeof(*run));

	LIST_INIT(&run->links);
	run->account = *account;
	run->role.family = nursery->family;
	run->role.spec = as == R_SESSION ? &session_role : &deliver_role;
	run->role.conf = nursery->conf;
	run->role.state = run;
	run->ops = as == R_SESSION ? nursery->family->session :
				     nursery->family->deliver;
	run->se.role = &run->role;
	run->se.conf = nursery->conf;
	run->se.account = &run->account;
	run->se.job = job;
	run->se.had_crash = had_crash;
	run->se.warm = nursery->warm;
	return run;
}

void
session_main(struct role *nursery, enum role_id as,
    const struct account *account, int fd, uint64_t job, bool had_crash,
    const struct sandbox_filter *filter)
{
	int keep[] = { 0, 1, 2, ROLE_FD_LOG, fd };
	struct session_runtime *run;
	struct err err = { 0 };

	run = make_runtime(nursery, as, account, job, had_crash);
	loop_free(&nursery->loop); /* and with it the only signals it caught */
	log_init(nursery->family->name, role_word(as));
	log_set_user(account->name);
	if (role_close_others(keep, N_ELEMENTS(keep), &err) == -1 ||
	    become(&run->account, filter, &err) == -1 ||
	    start(run, as, fd, &err) == -1) {
		log_err(0, "session cannot start", &err);
		exit(1);
	}
	if (!run->is_over)
		loop_run(run->role.loop);
	end(run);
	exit(0);
}
