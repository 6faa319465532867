/* SPDX-License-Identifier: ISC */
/*
 * The frontend's end of a channel. Upwards (client to session) the input
 * buffer of the client's connection is the only queue: what the pair does not
 * take stays there, and when it is full the connection stops reading.
 * Downwards the output chain is the only queue: above its mark the pair is not
 * read.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libnet/channel_private.h"

#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/conn_private.h"

#define READ_BLOCK      ((size_t)IO_BLOCK)
#define MAX_READS       4     /* blocks a turn, then others */
#define LINGER_MS       10000 /* for the client, once the session has ended */
#define LINGER_FIRST_MS 1000  /* enough for one who has read all of it */

struct channel {
	struct loop *loop;
	struct conn *client; /* NULL: handed over, or gone */
	int fd;
	struct iowatch io;
	struct timer linger;
	struct channel_conf conf;
	struct buf head; /* of the hello, not yet written */
	int send_fd;     /* goes with the hello's first byte; -1: none */
	bool handover;
	bool up_shut;    /* our side of the pair is shut */
	bool up_gone;    /* the session reads no more: what comes is dropped */
	bool down_eof;   /* the session has shut its side */
	bool full;       /* the pair takes no more */
	const char *why; /* it has ended */
	bool queued, closed;
	uint64_t left_before; /* queued for the client when linger last rang */
	uint64_t bytes_in, bytes_out;
	const char *death;
};

/* --- the end -------------------------------------------------------------- */
static void
tell_end(void *arg)
{
	struct channel *ch = arg;

	ch->queued = false;
	if (ch->closed)
		xfree(ch);
	else
		ch->conf.on_end(ch, ch->conf.arg, ch->why);
}

static void
end(struct channel *ch, const char *why)
{
	if (ch->why != NULL)
		return;
	ch->why = why;
	iowatch_stop(&ch->io);
	timer_stop(&ch->linger);
	if (ch->client != NULL)
		conn_want(ch->client, 0);
	ch->queued = true;
	loop_soon(ch->loop, tell_end, ch);
}

/* --- upwards ----------------------------------------------------------------
 */
static ssize_t
send_head(struct channel *ch)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = ch->head.p, .iov_len = ch->head.n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;

	if (ch->send_fd >= 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		cm = &control.align; /* the first header stands there */
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &ch->send_fd, sizeof(int));
	}
	return sendmsg(ch->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
up_failed(struct channel *ch, int sys)
{
	if (sys == EAGAIN)
		ch->full = true;
	else if ((sys == EPIPE || sys == ECONNRESET) && !ch->handover)
		ch->up_gone = true; /* its last words may still lie there */
	else if (sys != EINTR)
		end(ch, "session");
}

/* True: all of it is written. */
static bool
pump_head(struct channel *ch)
{
	while (ch->head.n > 0 && ch->why == NULL && !ch->full && !ch->up_gone) {
		ssize_t n = send_head(ch);

		if (n == -1) {
			up_failed(ch, errno);
			continue;
		}
		if (ch->send_fd >= 0) {
			(void)close(ch->send_fd);
			ch->send_fd = -1;
		}
		buf_consume(&ch->head, (size_t)n);
	}
	if (ch->head.n > 0 && !ch->up_gone)
		return false;
	buf_free(&ch->head);
	return true;
}

static void
pump_up(struct channel *ch)
{
	if (!pump_head(ch))
		return;
	if (ch->handover) {
		end(ch, "handed-over");
		return;
	}
	while (ch->why == NULL && !ch->full && !ch->up_gone &&
	    conn_in(ch->client).n > 0) {
		struct slice s = conn_in(ch->client);
		ssize_t n = send(ch->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == -1) {
			up_failed(ch, errno);
			continue;
		}
		conn_consume(ch->client, (size_t)n);
		ch->bytes_in += (uint64_t)n;
	}
	if (ch->up_gone)
		conn_consume(ch->client, conn_in(ch->client).n);
	if (ch->why == NULL && !ch->up_shut && conn_eof(ch->client) &&
	    conn_in(ch->client).n == 0) {
		ch->up_shut = true;
		if (ch->down_eof ||
		    (shutdown(ch->fd, SHUT_WR) == -1 && !ch->up_gone))
			end(ch, "client");
	}
}

/* --- downwards --------------------------------------------------------------
 */
static void
down_ended(struct channel *ch)
{
	ch->down_eof = true;
	if (ch->up_shut) {
		end(ch, "client");
		return;
	}
	conn_shutdown_out(ch->client);
	ch->left_before = UINT64_MAX;
	timer_start_ms(&ch->linger, LINGER_FIRST_MS);
}

static void
pump_down(struct channel *ch)
{
	for (int i = 0; i < MAX_READS && ch->why == NULL && !ch->down_eof &&
	     !conn_out_is_high(ch->client);
	     i++) {
		struct out *o = conn_out(ch->client);
		char *to = out_reserve(o, READ_BLOCK);
		ssize_t n;

		if (to == NULL)
			return; /* cannot be under the mark; the client dies */
		n = recv(ch->fd, to, READ_BLOCK, MSG_DONTWAIT);
		if (n > 0) {
			out_commit(o, (size_t)n);
			ch->bytes_out += (uint64_t)n;
			if ((size_t)n < READ_BLOCK)
				return; /* all there was, most likely */
		} else if (n == 0 || errno == ECONNRESET) {
			down_ended(ch);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			end(ch, "error");
		}
	}
}

static void
linger_over(void *arg)
{
	struct channel *ch = arg;
	uint64_t left = conn_out_bytes(ch->client);

	/* A slow reader that still reads gets what is its own. */
	if (left > 0 && left < ch->left_before) {
		ch->left_before = left;
		timer_start_ms(&ch->linger, LINGER_MS);
		return;
	}
	end(ch, "session");
}

/* --- events ------------------------------------------------------------------
 */
static void
watch(struct channel *ch)
{
	bool high;
	unsigned events = 0, want = 0;

	if (ch->why != NULL)
		return;
	if (ch->full)
		events |= LOOP_WRITE;
	if (ch->client != NULL) {
		high = conn_out_is_high(ch->client);
		if (!ch->down_eof && !high)
			events |= LOOP_READ;
		if (!ch->full && !conn_eof(ch->client))
			want |= WANT_IN;
		if (!ch->down_eof && high)
			want |= WANT_DRAIN;
		conn_want(ch->client, want);
	}
	iowatch_set(&ch->io, events);
}

static void
channel_event(void *arg, unsigned events)
{
	struct channel *ch = arg;

	if ((events & LOOP_WRITE) != 0) {
		ch->full = false;
		pump_up(ch);
	}
	if ((events & LOOP_READ) != 0 && ch->client != NULL)
		pump_down(ch);
	watch(ch);
}

static void
client_ready(struct conn *c, void *arg)
{
	struct channel *ch = arg;

	if (conn_is_dead(c)) {
		ch->death = conn_death(c);
		end(ch, "client");
		conn_close(&ch->client);
		return;
	}
	if (ch->why != NULL) {
		conn_want(c, 0);
		return;
	}
	pump_up(ch);
	if (ch->down_eof)
		goto out;
	if (!conn_out_is_high(c) && ch->why == NULL &&
	    (ch->io.events & LOOP_READ) == 0)
		pump_down(ch);
out:
	watch(ch);
}

/* --- opening -----------------------------------------------------------------
 */
static void
put_hello(struct channel *ch, struct slice hello, struct slice input)
{
	struct channel_wire w = { .magic = CHANNEL_MAGIC,
		.version = CHANNEL_VERSION,
		.flags = ch->handover ? CHANNEL_SOCKET : CHANNEL_TLS,
		.hello_len = (uint32_t)hello.n,
		.input_len = (uint32_t)input.n };

	buf_init(&ch->head, CHANNEL_HELLO_MAX);
	buf_put(&ch->head, &w, sizeof w);
	buf_put_slice(&ch->head, hello);
	buf_put_slice(&ch->head, input);
}

static void
take_client(struct channel *ch, struct conn **client)
{
	struct conn *c = *client;

	*client = NULL;
	ch->client = c;
	conn_consume(c, conn_in(c).n);
	c->conf.on_ready = client_ready;
	c->conf.on_timeout = NULL;
	c->conf.arg = ch;
	c->conf.out_low = OUT_LOW;
	c->conf.out_high = OUT_HIGH;
	conn_set_max_in(c, IO_BLOCK);
	conn_set_deadline_ms(c, 0);
	conn_set_timeout_ms(c, ch->conf.timeout_ms);
}

static int
refuse(struct conn **client, int fd, struct err *err, const char *why)
{
	conn_close(client);
	(void)close(fd);
	return err_set(err, ERR_LIMIT, "channel: %s", why);
}

static int
check_open(struct conn **client, int fd, struct slice hello, struct err *err)
{
	size_t most = CHANNEL_HELLO_MAX - CHANNEL_HEADER;

	if (hello.n > most || conn_in(*client).n > most - hello.n)
		return refuse(client, fd, err, "hello too long");
	if (conn_is_dead(*client))
		return refuse(client, fd, err, "the client has gone");
	return 0;
}

struct channel *
channel_open(struct conn **client, int fd, struct slice hello,
    const struct channel_conf *conf, struct err *err)
{
	struct channel *ch;

	if (check_open(client, fd, hello, err) == -1)
		return NULL;
	ch = xcalloc(1, sizeof *ch);
	ch->loop = conn_loop(*client);
	ch->fd = fd;
	ch->send_fd = -1;
	ch->conf = *conf;
	ch->death = "";
	ch->handover = !conn_is_tls(*client);
	put_hello(ch, hello, conn_in(*client));
	if (ch->handover) {
		ch->send_fd = conn_detach_fd(client);
		if (ch->send_fd == -1) {
			(void)refuse(client, fd, err, "output is still queued");
			buf_free(&ch->head);
			xfree(ch);
			return NULL;
		}
	} else {
		take_client(ch, client);
	}
	iowatch_init(&ch->io, ch->loop, fd, channel_event, ch);
	timer_init(&ch->linger, ch->loop, linger_over, ch);
	pump_up(ch);
	watch(ch);
	return ch;
}

uint64_t
channel_bytes_in(const struct channel *ch)
{
	return ch->bytes_in;
}

uint64_t
channel_bytes_out(const struct channel *ch)
{
	return ch->bytes_out;
}

const char *
channel_death(const struct channel *ch)
{
	return ch->death;
}

void
channel_close(struct channel **chp)
{
	struct channel *ch = *chp;

	if (ch == NULL)
		return;
	*chp = NULL;
	iowatch_stop(&ch->io);
	timer_stop(&ch->linger);
	conn_close(&ch->client);
	if (ch->send_fd >= 0)
		(void)close(ch->send_fd);
	(void)close(ch->fd);
	buf_free(&ch->head);
	ch->closed = true;
	if (!ch->queued)
		xfree(ch);
}
