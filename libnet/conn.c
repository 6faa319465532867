/* SPDX-License-Identifier: ISC */
/*
 * A connection. Events come from four places: the socket (conn_event), the
 * queue of the next round (conn_soon), the timer and the flusher. Each may call
 * on_ready; none is reached from a function the program calls, so on_ready is
 * never entered twice. Whatever was touched passes conn_late at the end of the
 * round: there output leaves, watchers follow the state, and C1 is checked.
 *
 * C1. A living connection always has something that will wake it: a watched
 *     socket, a queued run, a flush, or a program that said "nothing" itself.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libnet/conn.h"

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libnet/conn_private.h"
#include "libnet/tls_private.h"

#define OUT_MAX   ((size_t)16 * MIB)
#define LINGER_MS 5000

static void conn_event(void *arg, unsigned events);
static void conn_timer(void *arg);

static bool
is_open(const struct conn *c)
{
	return c->phase == CONN_OPEN;
}

void
conn_touch(struct conn *c)
{
	if (c->late)
		return;
	c->late = true;
	loop_late(c->loop, conn_late, c);
}

void
conn_queue_soon(struct conn *c)
{
	if (c->soon)
		return;
	c->soon = true;
	loop_soon(c->loop, conn_soon, c);
}

static void
out_notify(void *arg)
{
	conn_touch(arg);
}

struct conn *
conn_new(struct loop *loop, int fd, const struct conn_conf *conf)
{
	struct conn *c = xcalloc(1, sizeof *c);
	int flags = fcntl(fd, F_GETFL), on = 1;

	if (flags != -1 && (flags & O_NONBLOCK) == 0)
		flags = fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	/* Refused by sockets that are not TCP: they have no such delay. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->loop = loop;
	c->fd = fd;
	c->conf = *conf;
	if (c->conf.out_low == 0)
		c->conf.out_low = OUT_LOW;
	if (c->conf.out_high == 0)
		c->conf.out_high = OUT_HIGH;
	if (c->conf.linger_ms == 0)
		c->conf.linger_ms = LINGER_MS;
	c->max_in = conf->max_in;
	c->death = "";
	c->active_us = clock_mono_us();
	out_init(&c->out, loop, conf->out_max != 0 ? conf->out_max : OUT_MAX,
	    out_notify, c);
	c->tp = transport_plain_new(loop, fd);
	iowatch_init(&c->io, loop, fd, conn_event, c);
	timer_init(&c->timer, loop, conn_timer, c);
	if (flags == -1)
		conn_kill(c, ERR_TEMP, "not a descriptor to wait for");
	conn_touch(c);
	return c;
}

/* --- death ------------------------------------------------------------- */
static void
die(struct conn *c, const char *word)
{
	if (!is_open(c))
		return;
	c->phase = CONN_DEAD;
	c->death = word;
	iowatch_stop(&c->io);
	timer_stop(&c->timer);
	out_free(&c->out);
	/* The program may free what the flusher looks at: told after. */
	if (c->flush == NULL)
		conn_queue_soon(c);
}

/* err is set by somebody below. */
static void
die_of_err(struct conn *c, const char *word)
{
	if (c->err.code == ERR_CLOSED)
		word = "reset";
	if (c->phase == CONN_OPEN)
		die(c, word);
}

void
conn_kill(struct conn *c, enum err_code code, const char *text)
{
	if (!is_open(c))
		return;
	err_set(&c->err, code, "%s", text);
	die(c, code == ERR_LIMIT ? "limit" : code == ERR_CLOSED ? "eof" : "io");
}

bool
conn_is_dead(const struct conn *c)
{
	return c->phase == CONN_DEAD;
}

const struct err *
conn_error(const struct conn *c)
{
	return &c->err;
}

const char *
conn_death(const struct conn *c)
{
	return c->death;
}

/* --- input ------------------------------------------------------------- */
static size_t
in_room(const struct conn *c)
{
	return c->in_len < c->max_in ? c->max_in - c->in_len : 0;
}

static void
in_give_back(struct conn *c, char *in, bool is_block)
{
	if (is_block)
		loop_block_put(c->loop, in);
	else
		xfree(in);
}

void
conn_free_in(struct conn *c)
{
	in_give_back(c, c->in, c->in_block);
	c->in = NULL;
	c->in_block = false;
	c->in_off = c->in_len = c->in_cap = 0;
}

/* A line is small; what is larger comes in blocks. */
static void
in_grow(struct conn *c, size_t need)
{
	bool is_block;
	size_t cap = 512;
	char *to;

	while (cap < need)
		cap *= 2;
	is_block = cap > 8 * (size_t)KIB && need <= LOOP_BLOCK;
	to = is_block ? loop_block_get(c->loop) : xmalloc(cap);
	if (c->in_len > 0)
		memcpy(to, c->in + c->in_off, c->in_len);
	in_give_back(c, c->in, c->in_block);
	c->in = to;
	c->in_block = is_block;
	c->in_cap = is_block ? LOOP_BLOCK : cap;
	c->in_off = 0;
}

static void
in_append(struct conn *c, const char *p, size_t n)
{
	if (c->in_off + c->in_len + n > c->in_cap) {
		if (c->in_len + n > c->in_cap) {
			in_grow(c, c->in_len + n);
		} else {
			memmove(c->in, c->in + c->in_off, c->in_len);
			c->in_off = 0;
		}
	}
	memcpy(c->in + c->in_off + c->in_len, p, n);
	c->in_len += n;
}

/* One look at the socket. */
static void
fill(struct conn *c)
{
	char *block = loop_scratch(c->loop, 1);
	size_t room = in_room(c), n = 0;
	bool was_up = c->tls_up;

	if (room == 0 || c->eof || c->tls_wait != NULL)
		return;
	if (room > LOOP_SCRATCH)
		room = LOOP_SCRATCH;
	switch (c->tp->ops->read(c->tp, block, room, &n, &c->err)) {
	case TRANSPORT_OK:
		in_append(c, block, n);
		c->bytes_in += n;
		c->in_new = true;
		c->active_us = clock_mono_us();
		break;
	case TRANSPORT_EOF:
		c->eof = true;
		c->in_new = true;
		break;
	case TRANSPORT_FAIL:
		die_of_err(c, c->tls ? "tls" : "io");
		return;
	case TRANSPORT_AGAIN:
	case TRANSPORT_MORE:
	case TRANSPORT_WAIT:
		break;
	}
	if (c->tls && !was_up && c->tp->ops->info != NULL) {
		c->tls_up = c->tp->ops->info(c->tp, NULL);
		c->woken = c->woken || c->tls_up;
	}
}

struct slice
conn_in(const struct conn *c)
{
	return slice_of(c->in_len == 0 ? NULL : c->in + c->in_off, c->in_len);
}

void
conn_consume(struct conn *c, size_t n)
{
	assert(n <= c->in_len);
	if (n == 0)
		return;
	c->in_len -= n;
	c->in_off = c->in_len == 0 ? 0 : c->in_off + n;
	conn_touch(c);
}

bool
conn_eof(const struct conn *c)
{
	return c->eof;
}

void
conn_set_max_in(struct conn *c, size_t max_in)
{
	c->max_in = max_in;
	conn_touch(c);
}

void
conn_preload(struct conn *c, struct slice s)
{
	size_t rest = c->in_len;

	if (s.n == 0)
		return;
	/* Behind what is there, then turned around: once in a conn's life. */
	in_append(c, s.p, s.n);
	if (rest > 0) {
		char *tmp = xmalloc(rest);

		memcpy(tmp, c->in + c->in_off, rest);
		memmove(c->in + c->in_off, c->in + c->in_off + rest, s.n);
		memcpy(c->in + c->in_off + s.n, tmp, rest);
		xfree(tmp);
	}
	c->bytes_in += s.n;
	c->in_new = true;
	conn_touch(c);
}

/* --- output ------------------------------------------------------------ */
bool
conn_send(struct conn *c)
{
	uint64_t before = out_queued(&c->out);
	enum transport_answer r;

	c->more = false;
	c->full = false;
	r = c->tp->ops->send(c->tp, &c->out, &c->err);
	if (out_queued(&c->out) != before) {
		/* A file's length may turn out longer than it was counted. */
		if (out_queued(&c->out) < before)
			c->bytes_out += before - out_queued(&c->out);
		c->active_us = clock_mono_us();
	}
	switch (r) {
	case TRANSPORT_AGAIN:
		c->full = true;
		break;
	case TRANSPORT_MORE:
		c->more = true;
		break;
	case TRANSPORT_FAIL:
		die_of_err(c, c->tls ? "tls" : "io");
		return false;
	case TRANSPORT_OK:
	case TRANSPORT_WAIT:
	case TRANSPORT_EOF:
		break;
	}
	return true;
}

bool
conn_shut(struct conn *c)
{
	if (!c->shut || c->shut_done || out_queued(&c->out) > 0)
		return true;
	switch (c->tp->ops->shutdown(c->tp, &c->err)) {
	case TRANSPORT_AGAIN:
		c->full = true;
		break;
	case TRANSPORT_FAIL:
		die_of_err(c, "io");
		return false;
	case TRANSPORT_OK:
	case TRANSPORT_MORE:
	case TRANSPORT_WAIT:
	case TRANSPORT_EOF:
		c->shut_done = true;
		break;
	}
	return true;
}

struct out *
conn_out(struct conn *c)
{
	return &c->out;
}

uint64_t
conn_out_bytes(const struct conn *c)
{
	return out_queued(&c->out);
}

bool
conn_out_is_high(const struct conn *c)
{
	return out_queued(&c->out) > c->conf.out_high;
}

void
conn_shutdown_out(struct conn *c)
{
	c->shut = true;
	conn_touch(c);
}

/* --- wishes ------------------------------------------------------------ */
void
conn_want(struct conn *c, unsigned wishes)
{
	c->want = wishes;
	conn_touch(c);
}

unsigned
conn_wanted(const struct conn *c)
{
	return c->want;
}

void
conn_wake(struct conn *c)
{
	c->woken = true;
	conn_queue_soon(c);
}

bool
conn_slice_left(const struct conn *c)
{
	return loop_slice_left(c->loop);
}

static bool
wish_is_true(const struct conn *c)
{
	if (c->woken || (c->want & WANT_SOON) != 0)
		return true;
	if ((c->want & WANT_IN) != 0 && c->in_new)
		return true;
	if ((c->want & WANT_DRAIN) != 0 &&
	    out_queued(&c->out) <= c->conf.out_low)
		return true;
	return (c->want & WANT_FLUSH) != 0 && c->flushed;
}

static void
call_ready(struct conn *c)
{
	c->woken = false;
	c->in_new = false;
	if ((c->want & WANT_FLUSH) != 0)
		c->flushed = false;
	c->want &= WANT_IN;
	loop_slice_start(c->loop);
	conn_touch(c);
	c->conf.on_ready(c, c->conf.arg);
}

static void
run_if_ready(struct conn *c)
{
	if (c->phase == CONN_DEAD) {
		if (c->flush == NULL) {
			c->woken = false;
			c->conf.on_ready(c, c->conf.arg);
		}
		return;
	}
	if (is_open(c) && wish_is_true(c))
		call_ready(c);
}

/* --- the round --------------------------------------------------------- */
static void
conn_event(void *arg, unsigned events)
{
	struct conn *c = arg;

	conn_touch(c);
	if (c->phase == CONN_SENDING || c->phase == CONN_LINGER) {
		if ((events & LOOP_WRITE) != 0)
			c->full = false;
		conn_closing_step(c);
		return;
	}
	if ((events & LOOP_WRITE) != 0) {
		(void)conn_send(c);
		if (is_open(c))
			(void)conn_shut(c);
	}
	if ((events & LOOP_READ) != 0 && is_open(c))
		fill(c);
	run_if_ready(c);
}

void
conn_soon(void *arg)
{
	struct conn *c = arg;

	c->soon = false;
	if (c->phase == CONN_GONE) {
		conn_reap(c);
		return;
	}
	conn_touch(c);
	if (is_open(c) && c->tp->ops->has_input(c->tp))
		fill(c);
	run_if_ready(c);
}

/* STARTTLS: the answer has left in plain; from here on all is TLS. */
static void
switch_to_tls(struct conn *c, struct slice first)
{
	struct transport *t = transport_tls_new(
	    c->loop, c->fd, c->tls_wait, c->alpn, first, &c->err);

	tls_server_free(&c->tls_wait);
	if (t == NULL) {
		die(c, "tls");
		return;
	}
	c->writes_before += c->tp->writes;
	c->tp->ops->free(c->tp);
	c->tp = t;
}

/* Wishes that can never come true are deaths. */
static void
judge_wishes(struct conn *c)
{
	if ((c->want & WANT_IN) == 0 || c->in_new || c->woken ||
	    (c->want & ~(unsigned)WANT_IN) != 0)
		return;
	if (c->eof && out_queued(&c->out) > 0)
		return; /* the last answers still leave */
	if (c->eof) {
		err_set(&c->err, ERR_CLOSED, "end of file");
		die(c, "eof");
	} else if (in_room(c) == 0) {
		err_set(&c->err, ERR_LIMIT, "input buffer full");
		die(c, "limit");
	}
}

static unsigned
events_to_watch(const struct conn *c)
{
	unsigned events = 0;

	if (!c->eof && c->tls_wait == NULL && in_room(c) > 0)
		events |= LOOP_READ;
	if (c->full || c->tp->held)
		events |= LOOP_WRITE;
	return events;
}

/* C1 */
static void
check_hang(const struct conn *c)
{
	bool queued = c->soon;

	if (!is_open(c))
		return;
	assert(c->want == 0 || queued || c->flush != NULL || c->io.events != 0);
	assert((c->want & WANT_FLUSH) == 0 || queued || c->flush != NULL);
	assert(out_queued(&c->out) == 0 || queued || c->io.events != 0);
}

void
conn_late(void *arg)
{
	struct conn *c = arg;

	c->late = false;
	if (c->phase == CONN_GONE) {
		conn_reap(c);
		return;
	}
	if (c->phase == CONN_SENDING || c->phase == CONN_LINGER) {
		conn_closing_step(c);
		return;
	}
	if (!is_open(c))
		return;
	if (!out_ok(&c->out)) {
		c->err = c->out.err;
		die(c, c->err.code == ERR_LIMIT ? "limit" : "io");
		return;
	}
	if (out_queued(&c->out) > 0 && !c->full)
		(void)conn_send(c);
	if (is_open(c) && !c->full)
		(void)conn_shut(c);
	if (is_open(c) && c->tls_wait != NULL && out_queued(&c->out) == 0)
		switch_to_tls(c, SLICE_NONE);
	if (is_open(c))
		judge_wishes(c);
	if (!is_open(c))
		return;
	iowatch_set(&c->io, events_to_watch(c));
	if (wish_is_true(c) || c->more ||
	    (!c->eof && in_room(c) > 0 && c->tp->ops->has_input(c->tp)))
		conn_queue_soon(c);
	if (c->in_len == 0 && c->in != NULL)
		conn_free_in(c);
	check_hang(c);
}

/* --- time -------------------------------------------------------------- */
static void
arm_timer(struct conn *c)
{
	uint64_t due = UINT64_MAX, now;

	if (!is_open(c))
		return;
	if (c->timeout_us != 0)
		due = c->active_us + c->timeout_us;
	if (c->deadline_us != 0 && c->deadline_us < due)
		due = c->deadline_us;
	if (due == UINT64_MAX) {
		timer_stop(&c->timer);
		return;
	}
	/* One that rings too early asks again; only a late one is moved. */
	if (timer_is_active(&c->timer) && c->timer_due_us <= due)
		return;
	now = clock_mono_us();
	c->timer_due_us = due;
	timer_start_ms(&c->timer, due <= now ? 0 : (due - now) / 1000 + 1);
}

static void
conn_timer(void *arg)
{
	struct conn *c = arg;
	uint64_t now = clock_mono_us();
	bool idle, late;

	if (c->phase == CONN_SENDING || c->phase == CONN_LINGER) {
		conn_linger_over(c);
		return;
	}
	if (!is_open(c))
		return;
	idle = c->timeout_us != 0 && now >= c->active_us + c->timeout_us;
	late = c->deadline_us != 0 && now >= c->deadline_us;
	if (idle || late) {
		if (c->conf.on_timeout == NULL) {
			err_set(&c->err, ERR_CLOSED, "time-out");
			die(c, "timeout");
			return;
		}
		c->active_us = now;
		if (late)
			c->deadline_us = 0;
		conn_touch(c);
		loop_slice_start(c->loop);
		c->conf.on_timeout(c, c->conf.arg);
	}
	arm_timer(c);
}

void
conn_set_timeout_ms(struct conn *c, uint64_t ms)
{
	c->timeout_us = ms * 1000;
	c->active_us = clock_mono_us();
	arm_timer(c);
}

void
conn_set_deadline_ms(struct conn *c, uint64_t ms)
{
	c->deadline_us = ms == 0 ? 0 : clock_mono_us() + ms * 1000;
	arm_timer(c);
}

/* --- flush ------------------------------------------------------------- */
static void
flush_done(void *arg)
{
	struct conn *c = arg;

	c->flush = NULL;
	c->flushed = true;
	conn_touch(c);
	run_if_ready(c);
}

void
conn_flush_set(struct conn *c, struct flush_set *set)
{
	assert(c->flush == NULL);
	c->flushed = false;
	c->flush = flush_submit(c->loop, set, flush_done, c);
}

/* --- TLS --------------------------------------------------------------- */
void
conn_start_tls(struct conn *c, enum conn_tls_mode mode,
    struct tls_server *server, const char *const *alpn)
{
	struct slice first = conn_in(c);

	if (!is_open(c))
		return;
	assert(!c->tls);
	conn_touch(c);
	if (mode == CONN_STARTTLS && first.n > 0) {
		err_set(&c->err, ERR_DENIED,
		    "plaintext sent before the "
		    "TLS handshake");
		die(c, "tls");
		return;
	}
	c->tls = true;
	c->alpn = alpn;
	c->tls_wait = tls_server_ref(server);
	if (mode == CONN_TLS_IMPLICIT) {
		c->bytes_in -= first.n; /* was not of the protocol */
		switch_to_tls(c, first);
		c->in_len = c->in_off = 0;
		c->in_new = false;
		conn_queue_soon(c);
	}
}

bool
conn_tls_info(const struct conn *c, struct conn_tls_info *out)
{
	return c->tls && c->tp->ops->info != NULL &&
	    c->tp->ops->info(c->tp, out);
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls;
}
