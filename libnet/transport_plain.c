/* SPDX-License-Identifier: ISC */
/* The plain socket, and the two calls all transports end in. */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "libnet/transport.h"

#include "libbase/mem.h"
#include "libnet/loop_private.h"

#define MAX_IOV      64
#define GATHER_BYTES ((size_t)128 * 1024)

static bool
would_block(int sys)
{
	return sys == EAGAIN; /* on Linux EWOULDBLOCK is the same */
}

enum transport_answer
transport_recv_bytes(
    struct transport *t, char *p, size_t room, size_t *n_out, struct err *err)
{
	ssize_t n;

	do
		n = recv(t->fd, p, room, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		*n_out = (size_t)n;
		return TRANSPORT_OK;
	}
	if (n == 0)
		return TRANSPORT_EOF;
	if (would_block(errno))
		return TRANSPORT_AGAIN;
	err_sys(err, "recv");
	return TRANSPORT_FAIL;
}

static enum transport_answer
send_message(struct transport *t, struct iovec *iov, size_t n_iov,
    size_t *n_out, struct err *err)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n_iov };
	ssize_t n;

	do
		n = sendmsg(t->fd, &msg, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	t->writes++;
	if (n >= 0) {
		*n_out = (size_t)n;
		return TRANSPORT_OK;
	}
	if (would_block(errno)) {
		*n_out = 0;
		return TRANSPORT_AGAIN;
	}
	err_sys(err, "send");
	return TRANSPORT_FAIL;
}

enum transport_answer
transport_send_bytes(struct transport *t, const char *p, size_t n,
    size_t *n_out, struct err *err)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	enum transport_answer r = send_message(t, &iov, 1, n_out, err);

	return r == TRANSPORT_OK && *n_out < n ? TRANSPORT_AGAIN : r;
}

static enum transport_answer
plain_read(
    struct transport *t, char *buf, size_t room, size_t *n_out, struct err *err)
{
	return transport_recv_bytes(t, buf, room, n_out, err);
}

static bool
plain_has_input(const struct transport *t)
{
	(void)t;
	return false;
}

/* A long range that leaves as it is: no copy. *n_out bytes of it went. */
static enum transport_answer
send_file(struct transport *t, const struct out_raw *raw, size_t *n_out,
    struct err *err)
{
	off_t off = (off_t)raw->off;
	size_t len =
	    raw->len < TRANSPORT_TURN ? (size_t)raw->len : TRANSPORT_TURN;
	ssize_t n;

	do
		n = sendfile(t->fd, raw->fd, &off, len);
	while (n == -1 && errno == EINTR);
	t->writes++;
	if (n > 0) {
		*n_out = (size_t)n;
		return TRANSPORT_OK;
	}
	if (n == 0) {
		err_set(err, ERR_CORRUPT, "file is shorter than its promise");
		return TRANSPORT_FAIL;
	}
	if (would_block(errno))
		return TRANSPORT_AGAIN;
	err_sys(err, "sendfile");
	return TRANSPORT_FAIL;
}

static enum transport_answer
send_once(struct transport *t, struct out *o, size_t *n_out, struct err *err)
{
	struct iovec iov[MAX_IOV];
	struct out_raw raw;
	enum transport_answer r;
	size_t total = 0;
	unsigned n;

	if (out_head_raw(o, &raw)) {
		r = send_file(t, &raw, n_out, err);
		if (r == TRANSPORT_OK)
			out_advance(o, *n_out);
		return r;
	}
	n = out_gather(
	    o, iov, MAX_IOV, GATHER_BYTES, loop_scratch(t->loop, 1), true);
	if (n == 0) {
		*n_out = 0;
		return out_ok(o) ? TRANSPORT_OK : TRANSPORT_FAIL;
	}
	for (unsigned i = 0; i < n; i++)
		total += iov[i].iov_len;
	r = send_message(t, iov, n, n_out, err);
	if (r != TRANSPORT_OK)
		return r;
	out_advance(o, *n_out);
	return *n_out < total ? TRANSPORT_AGAIN : TRANSPORT_OK;
}

static enum transport_answer
plain_send(struct transport *t, struct out *o, struct err *err)
{
	size_t turn = 0;

	while (out_queued(o) > 0) {
		size_t n;
		enum transport_answer r = send_once(t, o, &n, err);

		if (r == TRANSPORT_FAIL && !out_ok(o))
			*err = o->err;
		if (r != TRANSPORT_OK)
			return r;
		turn += n;
		if (turn >= TRANSPORT_TURN && out_queued(o) > 0)
			return TRANSPORT_MORE;
	}
	return TRANSPORT_OK;
}

enum transport_answer
transport_shutdown_fd(struct transport *t, struct err *err)
{
	if (shutdown(t->fd, SHUT_WR) == 0)
		return TRANSPORT_OK;
	err_sys(err, "shutdown");
	return TRANSPORT_FAIL;
}

static void
plain_free(struct transport *t)
{
	xfree(t);
}

static const struct transport_ops plain_ops = { .read = plain_read,
	.has_input = plain_has_input,
	.send = plain_send,
	.shutdown = transport_shutdown_fd,
	.free = plain_free };

struct transport *
transport_plain_new(struct loop *loop, int fd)
{
	struct transport *t = xcalloc(1, sizeof *t);

	t->ops = &plain_ops;
	t->loop = loop;
	t->fd = fd;
	return t;
}
