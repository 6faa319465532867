/* SPDX-License-Identifier: ISC */
/*
 * The end of a connection: what is queued leaves, our side is shut, the peer's
 * bytes are read away until it shuts its own (closing a socket with unread
 * bytes makes the kernel send a reset that destroys the last answer on its
 * way), all within the linger time.
 */
#include <assert.h>
#include <unistd.h>

#include "libnet/conn_private.h"

#include "libbase/mem.h"
#include "libnet/tls_private.h"

#define MAX_LINGERS 12
#define HURRY_MS    500 /* of a process that leaves, when all is sent */

static void
list_in(struct conn *c)
{
	struct conn **head = &c->loop->closing;

	c->next = *head;
	c->prev = head;
	if (c->next != NULL)
		c->next->prev = &c->next;
	*head = c;
}

static void
list_out(struct conn *c)
{
	if (c->prev == NULL)
		return;
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->prev = NULL;
}

static void
reap_later(void *arg)
{
	struct conn *c = arg;

	c->defer = false;
	conn_reap(c);
}

void
conn_reap(struct conn *c)
{
	if (!c->soon && !c->late && !c->defer)
		xfree(c);
}

/* At once; freed when no queue holds it. */
static void
retire(struct conn *c)
{
	if (c->phase == CONN_GONE)
		return;
	c->phase = CONN_GONE;
	iowatch_stop(&c->io);
	timer_stop(&c->timer);
	out_free(&c->out);
	c->tp->ops->free(c->tp);
	c->tp = NULL;
	tls_server_free(&c->tls_wait);
	conn_free_in(c);
	if (c->fd >= 0)
		(void)close(c->fd); /* nothing that close could still lose */
	c->fd = -1;
	list_out(c);
	if (!c->defer) {
		c->defer = true;
		loop_defer(c->loop, reap_later, c);
	}
}

/* Read the peer's bytes away. False: it has ended, or failed. */
static bool
read_away(struct conn *c)
{
	struct err ignored;
	size_t n;

	return transport_recv_bytes(c->tp, loop_scratch(c->loop, 0),
		   LOOP_SCRATCH, &n, &ignored) <= TRANSPORT_AGAIN;
}

void
conn_closing_step(struct conn *c)
{
	if (c->phase == CONN_SENDING) {
		if (!out_ok(&c->out) || (!c->full && !conn_send(c)) ||
		    (!c->full && !conn_shut(c))) {
			retire(c);
			return;
		}
		if (c->more)
			conn_queue_soon(c);
		if (c->shut_done) {
			c->phase = CONN_LINGER;
			if (c->loop->hurry)
				timer_start_ms(&c->timer, HURRY_MS);
		}
	}
	if (c->phase == CONN_LINGER && (c->eof || !read_away(c))) {
		retire(c);
		return;
	}
	iowatch_set(&c->io,
	    c->phase == CONN_LINGER    ? LOOP_READ :
		c->full || c->tp->held ? LOOP_WRITE :
					 0);
}

/* A slow reader that still reads gets the rest, within reason. */
void
conn_linger_over(struct conn *c)
{
	uint64_t left = out_queued(&c->out);

	if (c->phase == CONN_SENDING && left < c->linger_left &&
	    ++c->lingers < MAX_LINGERS) {
		c->linger_left = left;
		timer_start_ms(&c->timer, c->conf.linger_ms);
		return;
	}
	retire(c);
}

void
conn_close(struct conn **cp)
{
	struct conn *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	flush_cancel(&c->flush);
	c->want = 0;
	c->woken = false;
	/* Before the handshake is done there is no way to say anything. */
	if (c->phase != CONN_OPEN ||
	    (c->tls && !c->tls_up && c->tls_wait == NULL)) {
		retire(c);
		return;
	}
	c->phase = CONN_SENDING;
	c->linger_left = out_queued(&c->out);
	c->shut = true;
	list_in(c);
	timer_start_ms(&c->timer, c->conf.linger_ms);
	conn_touch(c);
}

int
conn_detach_fd(struct conn **cp)
{
	struct conn *c = *cp;
	int fd = c->fd;

	if (c->phase != CONN_OPEN || c->tls || out_queued(&c->out) > 0 ||
	    c->shut)
		return -1;
	*cp = NULL;
	flush_cancel(&c->flush);
	iowatch_stop(&c->io);
	loop_forget(c->loop, fd);
	c->fd = -1;
	retire(c);
	return fd;
}

void
conn_abandon_all(struct loop *loop)
{
	while (loop->closing != NULL)
		retire(loop->closing);
}

bool
conn_owns_job(void (*fn)(void *arg))
{
	return fn == reap_later || fn == conn_late || fn == conn_soon;
}

bool
conn_any_closing(const struct loop *loop)
{
	return loop->closing != NULL;
}

static void
time_over(void *arg)
{
	bool *is_over = arg;

	*is_over = true;
}

void
conn_finish(struct loop *loop, uint64_t within_ms)
{
	bool is_over = false;
	struct timer limit;

	loop->hurry = true;
	loop->stop = false;
	for (struct conn *c = loop->closing; c != NULL; c = c->next)
		if (c->phase == CONN_LINGER)
			timer_start_ms(&c->timer, HURRY_MS);
	timer_init(&limit, loop, time_over, &is_over);
	timer_start_ms(&limit, within_ms);
	while (loop->closing != NULL && !is_over && !loop->stop)
		(void)loop_round(loop, true);
	timer_stop(&limit);
}

/* --- what the log asks -------------------------------------------------- */
int
conn_fd(const struct conn *c)
{
	return c->fd;
}

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}

uint64_t
conn_writes(const struct conn *c)
{
	return c->writes_before + (c->tp != NULL ? c->tp->writes : 0);
}

struct loop *
conn_loop(const struct conn *c)
{
	return c->loop;
}
