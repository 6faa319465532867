/* SPDX-License-Identifier: ISC */
/* The session's end of a channel: the hello, read as from somebody hostile. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libnet/channel_private.h"

#include "libbase/buf.h"
#include "libbase/mem.h"

#define MAX_FDS 4 /* to close, should somebody send more than the one */

struct channel_accept {
	struct loop *loop;
	int fd;
	int client_fd; /* -1: none came */
	struct iowatch io;
	struct timer timer;
	struct buf in;
	void (*cb)(
	    void *arg, const struct channel_hello *h, const struct err *err);
	void *arg;
};

/* 1: *w is the header. 0: more. -1: bad. */
static int
parse_header(struct slice in, struct channel_wire *w, struct err *err)
{
	if (in.n < sizeof *w)
		return 0;
	memcpy(w, in.p, sizeof *w);
	if (w->magic != CHANNEL_MAGIC || w->version != CHANNEL_VERSION)
		return err_set(err, ERR_CORRUPT, "channel: no hello");
	if ((w->flags & ~(uint32_t)(CHANNEL_SOCKET | CHANNEL_TLS)) != 0)
		return err_set(err, ERR_CORRUPT, "channel: unknown flags");
#if PLANT == 43
	if (w->hello_len > CHANNEL_HELLO_MAX)
#else
	if (w->hello_len > CHANNEL_HELLO_MAX - CHANNEL_HEADER ||
	    w->input_len > CHANNEL_HELLO_MAX - CHANNEL_HEADER - w->hello_len)
#endif
		return err_set(err, ERR_LIMIT, "channel: hello too long");
	return 1;
}

int
channel_hello_parse(struct slice in, struct channel_hello *out,
    size_t *used_out, struct err *err)
{
	struct channel_wire w;
	size_t need;
	int r = parse_header(in, &w, err);

	if (r != 1)
		return r;
	need = sizeof w + w.hello_len + w.input_len;
#if PLANT == 44
	if (in.n < sizeof w + w.hello_len)
#else
	if (in.n < need)
#endif
		return 0;
	*out = (struct channel_hello){ .flags = w.flags,
		.hello = slice_of(in.p + sizeof w, w.hello_len),
		.input = slice_of(in.p + sizeof w + w.hello_len, w.input_len),
		.fd = -1 };
	*used_out = need;
	return 1;
}

static void
accept_free(struct channel_accept *a)
{
	iowatch_stop(&a->io);
	timer_stop(&a->timer);
	if (a->fd >= 0)
		(void)close(a->fd);
	if (a->client_fd >= 0)
		(void)close(a->client_fd);
	buf_free(&a->in);
	xfree(a);
}

static void
accept_fail(struct channel_accept *a, const struct err *err)
{
	a->cb(a->arg, NULL, err);
	accept_free(a);
}

/* Descriptors beside the bytes: one, and only once. */
static int
take_fds(struct channel_accept *a, struct msghdr *msg, struct err *err)
{
	int bad = (msg->msg_flags & MSG_CTRUNC) != 0;
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
			if (a->client_fd == -1) {
				a->client_fd = fd;
			} else {
				(void)close(fd);
				bad = 1;
			}
		}
	}
	if (bad)
		return err_set(
		    err, ERR_CORRUPT, "channel: more descriptors than one");
	return 0;
}

/* How many bytes may be read without touching what follows the hello. */
static int
bytes_missing(const struct channel_accept *a, size_t *n_out, struct err *err)
{
	struct channel_wire w;
	int r = parse_header(buf_slice(&a->in), &w, err);

	if (r == -1)
		return -1;
	*n_out = (r == 0 ? sizeof w : sizeof w + w.hello_len + w.input_len) -
	    a->in.n;
	return 0;
}

/* 1: the hello is whole. 0: wait. -1. */
static int
read_some(struct channel_accept *a, struct err *err)
{
	union {
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t missing;
	ssize_t n;

	for (;;) {
		if (bytes_missing(a, &missing, err) == -1)
			return -1;
		if (missing == 0)
			return 1;
		iov.iov_base = buf_reserve(&a->in, missing);
		iov.iov_len = missing;
		if (iov.iov_base == NULL)
			return err_set(err, ERR_LIMIT, "channel: hello");
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		n = recvmsg(a->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1)
			return err_sys(err, "channel");
		if (take_fds(a, &msg, err) == -1)
			return -1;
		if (n == 0)
			return err_set(
			    err, ERR_CLOSED, "channel: ended before its hello");
		buf_commit(&a->in, (size_t)n);
	}
}

static bool
is_stream_socket(int fd)
{
	int type;
	socklen_t len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM;
}

static int
finish(struct channel_accept *a, struct channel_hello *h, struct err *err)
{
	size_t used;
	bool socket;

	if (channel_hello_parse(buf_slice(&a->in), h, &used, err) != 1)
		return -1;
	assert(used == a->in.n);
	socket = (h->flags & CHANNEL_SOCKET) != 0;
	if (socket != (a->client_fd >= 0) ||
	    (socket && !is_stream_socket(a->client_fd)))
		return err_set(
		    err, ERR_CORRUPT, "channel: not the descriptor it names");
	h->fd = socket ? a->client_fd : a->fd;
	if (socket)
		a->client_fd = -1;
	else
		a->fd = -1;
	return 0;
}

static void
accept_event(void *arg, unsigned events)
{
	struct channel_accept *a = arg;
	struct channel_hello h;
	struct err err;
	int r = read_some(a, &err);

	(void)events;
	if (r == 0)
		return;
	iowatch_stop(&a->io); /* before the descriptor is somebody else's */
	timer_stop(&a->timer);
	if (r == -1 || finish(a, &h, &err) == -1) {
		accept_fail(a, &err);
		return;
	}
	a->cb(a->arg, &h, NULL);
	accept_free(a);
}

static void
accept_late(void *arg)
{
	struct channel_accept *a = arg;
	struct err err;

	err_set(&err, ERR_TEMP, "channel: no hello in time");
	iowatch_stop(&a->io);
	accept_fail(a, &err);
}

struct channel_accept *
channel_accept(struct loop *loop, int fd, uint64_t timeout_ms,
    void (*cb)(void *arg, const struct channel_hello *h, const struct err *err),
    void *arg)
{
	struct channel_accept *a = xcalloc(1, sizeof *a);

	a->loop = loop;
	a->fd = fd;
	a->client_fd = -1;
	a->cb = cb;
	a->arg = arg;
	buf_init(&a->in, CHANNEL_HELLO_MAX);
	iowatch_init(&a->io, loop, fd, accept_event, a);
	iowatch_set(&a->io, LOOP_READ);
	timer_init(&a->timer, loop, accept_late, a);
	timer_start_ms(&a->timer, timeout_ms);
	return a;
}

void
channel_accept_cancel(struct channel_accept **ap)
{
	struct channel_accept *a = *ap;

	*ap = NULL;
	if (a != NULL)
		accept_free(a);
}
