/* SPDX-License-Identifier: ISC */
/* Pairs of sockets in a loop: receive, check, hand to the handler; send. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libnet/loop.h"
#include "libserver/ipc_messages.h"

#define ROUND_MAX  32u /* messages of one peer before others get their turn */
#define TYPES_ONCE 512u

/* One datagram that the socket did not take yet. */
struct ipc_item {
	STAILQ_ENTRY(ipc_item) entry;
	struct buf b;
	int fds[IPC_FDS_MAX]; /* ours */
	unsigned n_fds;
};

struct ipc_peer {
	struct ipc_peer_conf conf;
	int fd;
	struct iowatch watch;
	struct timer end; /* tells the end from the loop, not from a sender */
	STAILQ_HEAD(, ipc_item) queue;
	size_t queued; /* bytes */
	pid_t pid;
	const char *fault; /* why it ends, "" for a plain end */
	bool is_ending;
	bool is_handling;  /* a handler runs: do not free */
	bool close_wanted; /* ipc_peer_close was called in it */
	uint8_t seen[TYPES_ONCE / 8];
};

static void peer_event(void *arg, unsigned events);

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};

static void
close_fds(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

static void
item_free(struct ipc_peer *p, struct ipc_item *it)
{
	p->queued -= it->b.n;
	close_fds(it->fds, it->n_fds);
	buf_wipe(&it->b);
	xfree(it);
}

static void
drop_queue(struct ipc_peer *p)
{
	struct ipc_item *it;

	while ((it = STAILQ_FIRST(&p->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->queue, entry);
		item_free(p, it);
	}
}

static void
peer_free(struct ipc_peer *p)
{
	drop_queue(p);
	timer_stop(&p->end);
	iowatch_stop(&p->watch);
	close(p->fd);
	xfree(p);
}

/* The loop's word that the pair has ended: tell and free. */
static void
peer_end(void *arg)
{
	struct ipc_peer *p = arg;

	iowatch_stop(&p->watch);
	if (p->conf.gone != NULL && !p->close_wanted) {
		p->is_handling = true;
		p->conf.gone(p->conf.role, p,
		    p->fault == NULL || p->fault[0] == '\0' ? NULL : p->fault);
	}
	peer_free(p);
}

static void
peer_fail(struct ipc_peer *p, const char *fault)
{
	if (p->is_ending)
		return;
	p->is_ending = true;
	p->fault = fault;
	iowatch_stop(&p->watch);
	timer_start_ms(&p->end, 0);
}

struct ipc_peer *
ipc_peer_new(int fd, const struct ipc_peer_conf *conf)
{
	struct ipc_peer *p = xcalloc(1, sizeof(*p));

	p->conf = *conf;
	p->fd = fd;
	STAILQ_INIT(&p->queue);
	timer_init(&p->end, conf->loop, peer_end, p);
	iowatch_init(&p->watch, conf->loop, fd, peer_event, p);
	iowatch_set(&p->watch, LOOP_READ);
	return p;
}

void
ipc_peer_close(struct ipc_peer **pp)
{
	struct ipc_peer *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	p->close_wanted = true;
	if (p->is_handling) {
		peer_fail(p, "");
		return;
	}
	peer_free(p);
}

enum role_id
ipc_peer_role(const struct ipc_peer *p)
{
	return p->conf.peer;
}

unsigned
ipc_peer_index(const struct ipc_peer *p)
{
	return p->conf.index;
}

void *
ipc_peer_arg(const struct ipc_peer *p)
{
	return p->conf.arg;
}

void
ipc_peer_set_arg(struct ipc_peer *p, void *arg)
{
	p->conf.arg = arg;
}

pid_t
ipc_peer_pid(const struct ipc_peer *p)
{
	return p->pid;
}

void
ipc_peer_set_pid(struct ipc_peer *p, pid_t pid)
{
	p->pid = pid;
}

void
family_drop(struct ipc_peer *p, const char *why)
{
	peer_fail(p, why);
}

bool
ipc_is_full(const struct ipc_peer *p)
{
	return p->queued > IPC_QUEUE_MAX / 2;
}

/* ---- receiving ---- */

static const struct ipc_handler *
handler_in(const struct ipc_handler *table, uint16_t type)
{
	for (; table != NULL && table->fn != NULL; table++)
		if (table->type == type)
			return table;
	return NULL;
}

static void
dispatch(struct ipc_peer *p, struct ipc_msg *m)
{
	const struct ipc_handler *h = handler_in(p->conf.handlers, m->type);
	uint8_t bit = (uint8_t)(1u << (m->type % 8));

	if (h == NULL)
		h = handler_in(p->conf.more, m->type);
	if (h == NULL) {
		peer_fail(p, "message not for this role");
		return;
	}
	if (h->once && m->type < TYPES_ONCE) {
		if ((p->seen[m->type / 8] & bit) != 0) {
			peer_fail(p, "message sent twice");
			return;
		}
		p->seen[m->type / 8] |= bit;
	}
	p->is_handling = true;
	h->fn(p->conf.role, p, m);
	p->is_handling = false;
}

/* Descriptors out of a received header; false when something else is there. */
static bool
collect_fds(struct msghdr *mh, int *fds, unsigned *n_out)
{
	bool good = (mh->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) == 0;

	*n_out = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    *n_out + n > IPC_FDS_MAX) {
			good = false;
			continue;
		}
		memcpy(fds + *n_out, CMSG_DATA(c), n * sizeof(int));
		*n_out += (unsigned)n;
	}
	return good;
}

/* One datagram into b (allocated exactly). 1, 0 nothing there, -1 the end. */
static int
receive(int fd, struct buf *b, int *fds, unsigned *n_fds_out, bool *good_out)
{
	union control control;
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	*n_fds_out = 0;
	*good_out = true;
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	if ((size_t)n > MAX_IPC_DATAGRAM) {
		*good_out = false;
		return 1;
	}
	iov.iov_base = buf_reserve(b, (size_t)n);
	iov.iov_len = (size_t)n;
	mh.msg_control = control.bytes;
	mh.msg_controllen = sizeof(control.bytes);
	n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return -1;
	buf_commit(b, (size_t)n);
	*good_out = collect_fds(&mh, fds, n_fds_out);
	return 1;
}

/* One message; false when there is none, or the peer is ending. */
static bool
peer_read(struct ipc_peer *p)
{
	struct ipc_msg m = { 0 };
	struct err err;
	struct buf b;
	unsigned n_fds;
	int fds[IPC_FDS_MAX], r;
	bool good;

	buf_init(&b, MAX_IPC_DATAGRAM);
	r = receive(p->fd, &b, fds, &n_fds, &good);
	if (r == -1)
		peer_fail(p, "");
	if (r == 1 && !good)
		peer_fail(p, "datagram too long or with wrong company");
	if (r == 1 && good &&
	    ipc_decode(p->conf.rules, p->conf.peer, p->conf.me, buf_slice(&b),
		n_fds, &m, &err) == -1) {
		peer_fail(p, "message against the rules");
		good = false;
	}
	if (r == 1 && good) {
		memcpy(m.fds, fds, n_fds * sizeof(int));
		m.n_fds = n_fds;
		dispatch(p, &m);
		memcpy(fds, m.fds, n_fds * sizeof(int));
	}
	close_fds(fds, n_fds);
	buf_wipe(&b);
	return r == 1 && !p->is_ending;
}

/* ---- sending ---- */

/* 0 sent, 1 try later, -1 the pair has ended. */
static int
send_datagram(int fd, struct slice bytes, const int *fds, unsigned n_fds)
{
	union control control = { 0 };
	struct iovec iov = { .iov_len = bytes.n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	memcpy(&iov.iov_base, &bytes.p, sizeof(bytes.p));
	if (n_fds > 0) {
		mh.msg_control = control.bytes;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	if (sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return 0;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS ||
	    errno == ETOOMANYREFS || errno == ENOMEM)
		return 1;
	return -1;
}

/* Send what is queued; 0 all gone, 1 more waits, -1 the pair has ended. */
static int
send_queued(struct ipc_peer *p)
{
	struct ipc_item *it;
	int r;

	while ((it = STAILQ_FIRST(&p->queue)) != NULL) {
		r = send_datagram(p->fd, buf_slice(&it->b), it->fds, it->n_fds);
		if (r != 0)
			return r;
		STAILQ_REMOVE_HEAD(&p->queue, entry);
		item_free(p, it);
	}
	return 0;
}

static void
watch_again(struct ipc_peer *p)
{
	if (!p->is_ending)
		iowatch_set(&p->watch,
		    STAILQ_EMPTY(&p->queue) ? LOOP_READ :
					      LOOP_READ | LOOP_WRITE);
}

static void
peer_event(void *arg, unsigned events)
{
	struct ipc_peer *p = arg;

	if ((events & LOOP_WRITE) != 0 && send_queued(p) == -1)
		drop_queue(p);
	if ((events & LOOP_READ) != 0)
		for (unsigned i = 0; i < ROUND_MAX && peer_read(p); i++)
			continue;
	watch_again(p);
}

/* Queue it, with descriptors of our own. */
static int
enqueue(struct ipc_peer *p, struct ipc_out *o)
{
	struct ipc_item *it;

	if (p->queued + o->b.n > IPC_QUEUE_MAX)
		return -1;
	it = xcalloc(1, sizeof(*it));
	for (; it->n_fds < o->n_fds; it->n_fds++) {
		it->fds[it->n_fds] =
		    fcntl(o->fds[it->n_fds], F_DUPFD_CLOEXEC, 3);
		if (it->fds[it->n_fds] == -1) {
			close_fds(it->fds, it->n_fds);
			xfree(it);
			return -1;
		}
	}
	it->b = o->b;
	buf_init(&o->b, MAX_IPC_DATAGRAM);
	p->queued += it->b.n;
	STAILQ_INSERT_TAIL(&p->queue, it, entry);
	watch_again(p);
	return 0;
}

int
ipc_send(struct ipc_peer *p, struct ipc_out *o)
{
	int r = -1;

	if (p != NULL && !p->is_ending && ipc_seal(o) == 0) {
		r = 1;
		if (STAILQ_EMPTY(&p->queue))
			r = send_datagram(
			    p->fd, buf_slice(&o->b), o->fds, o->n_fds);
		if (r == 1)
			r = enqueue(p, o);
		/* -1: the other end is closed; what it had sent before is
		 * still read, then comes the end of file */
	}
	ipc_out_drop(o);
	return r;
}

int
ipc_send_fixed(struct ipc_peer *p, uint16_t type, const void *fixed, size_t n)
{
	struct ipc_out o;

	ipc_begin(&o, type, fixed, n);
	return ipc_send(p, &o);
}

void
ipc_flush(struct ipc_peer *p, int timeout_ms)
{
	struct pollfd pfd = { .events = POLLOUT };
	uint64_t until = clock_mono_us() + (uint64_t)timeout_ms * 1000, now;

	if (p == NULL || p->is_ending)
		return;
	pfd.fd = p->fd;
	while (send_queued(p) == 1 && (now = clock_mono_us()) < until)
		(void)poll(&pfd, 1, (int)((until - now) / 1000) + 1);
}

int
ipc_pair(int fds_out[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, fds_out) == -1)
		return err_sys(err, "socketpair");
	return 0;
}

/* Wait until fd has one of the events, or until. */
static int
await(int fd, short events, uint64_t until, struct err *err)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	for (;;) {
		now = clock_mono_us();
		if (now >= until)
			return err_set(err, ERR_TEMP, "no answer in time");
		n = poll(&pfd, 1, (int)((until - now) / 1000) + 1);
		if (n > 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return err_sys(err, "poll");
	}
}

/* The next datagram is the answer wanted, or it is a failure. */
static int
take_answer(int fd, const struct ipc_rule *extra, enum role_id me,
    enum role_id peer, uint16_t answer, void *fixed, size_t n_fixed,
    struct buf *tail, struct err *err)
{
	int fds[IPC_FDS_MAX], r;
	struct ipc_msg m;
	struct buf b;
	unsigned n_fds;
	bool good;

	buf_init(&b, MAX_IPC_DATAGRAM);
	r = receive(fd, &b, fds, &n_fds, &good);
	if (r != 1 || !good)
		r = err_set(err, ERR_CLOSED, "the pair has ended");
	else if (ipc_decode(extra, peer, me, buf_slice(&b), n_fds, &m, err) ==
	    -1)
		r = -1;
	else if (m.type != answer || m.rule->fixed != n_fixed)
		r = err_set(err, ERR_INVALID, "another answer than asked for");
	else {
		memcpy(fixed, m.fixed, n_fixed);
		buf_reset(tail);
		buf_put_slice(tail, m.tail);
		r = 0;
	}
	close_fds(fds, n_fds);
	buf_wipe(&b);
	return r;
}

/* Answers that came after their time-out belong to nobody. */
static void
discard_late(int fd)
{
	int fds[IPC_FDS_MAX], r;
	unsigned n_fds;
	struct buf b;
	bool good;

	do {
		buf_init(&b, MAX_IPC_DATAGRAM);
		r = receive(fd, &b, fds, &n_fds, &good);
		close_fds(fds, n_fds);
		buf_wipe(&b);
	} while (r == 1 && good);
}

int
ipc_call(int fd, const struct ipc_rule *extra, enum role_id me,
    enum role_id peer, struct ipc_out *o, uint16_t answer, void *fixed,
    size_t n_fixed, struct buf *tail, int timeout_ms, struct err *err)
{
	uint64_t until = clock_mono_us() + (uint64_t)timeout_ms * 1000;
	int r = ipc_seal(o);

	if (r == -1)
		(void)err_set(err, ERR_LIMIT, "ipc message too long");
	discard_late(fd);
	while (r == 0) {
		r = send_datagram(fd, buf_slice(&o->b), o->fds, o->n_fds);
		if (r == 0)
			break;
		if (r == -1)
			(void)err_sys(err, "send");
		else
			r = await(fd, POLLOUT, until, err);
	}
	ipc_out_drop(o);
	if (r == -1)
		return -1;
	return ipc_await(
	    fd, extra, me, peer, answer, fixed, n_fixed, tail, timeout_ms, err);
}

int
ipc_await(int fd, const struct ipc_rule *extra, enum role_id me,
    enum role_id peer, uint16_t type, void *fixed, size_t n_fixed,
    struct buf *tail, int timeout_ms, struct err *err)
{
	uint64_t until = clock_mono_us() + (uint64_t)timeout_ms * 1000;

	if (await(fd, POLLIN, until, err) == -1)
		return -1;
	return take_answer(
	    fd, extra, me, peer, type, fixed, n_fixed, tail, err);
}
