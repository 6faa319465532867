/* SPDX-License-Identifier: ISC */
/* The connection from inside: conn.c (while it lives) and conn_end.c (when it
 * ends) share it. */
#ifndef LIBNET_CONN_PRIVATE_H
#define LIBNET_CONN_PRIVATE_H

#include "libnet/conn.h"
#include "libnet/flush.h"
#include "libnet/loop_private.h"
#include "libnet/transport.h"

enum conn_phase {
	CONN_OPEN,
	CONN_DEAD,    /* waits for conn_close */
	CONN_SENDING, /* closed by the program: what is queued leaves */
	CONN_LINGER,  /* our side is shut, the peer's is read away */
	CONN_GONE     /* freed when no queue holds it */
};

struct conn {
	struct loop *loop;
	struct conn_conf conf;
	int fd;
	enum conn_phase phase;
	struct iowatch io;
	struct transport *tp;

	char *in;
	bool in_block; /* of the loop's blocks */
	size_t in_off, in_len, in_cap;
	size_t max_in;
	struct out out;

	unsigned want;
	bool in_new; /* came since on_ready was last called */
	bool eof;    /* nothing comes behind in */
	bool woken;  /* conn_wake */
	bool full;   /* the socket takes no more: watch for writing */
	bool more;   /* output left over by a turn */
	bool shut;   /* conn_shutdown_out asked */
	bool shut_done;
	bool tls; /* conn_start_tls was called */
	bool tls_up;
	bool soon, late, defer; /* stands in that queue of the loop */

	struct tls_server *tls_wait; /* STARTTLS: output leaves first */
	const char *const *alpn;

	struct flush_job *flush;
	bool flushed;

	unsigned lingers;     /* times the linger timer has rung */
	uint64_t linger_left; /* output queued when it last did */
	struct timer timer;
	uint64_t timer_due_us;
	uint64_t active_us;
	uint64_t timeout_us;  /* 0: none */
	uint64_t deadline_us; /* 0: none */

	uint64_t bytes_in, bytes_out, writes_before;
	struct err err;
	const char *death;
	struct conn *next, **prev; /* among the closing ones of the loop */
};

/* conn.c */
void conn_touch(struct conn *c);      /* conn_late in this round */
void conn_queue_soon(struct conn *c); /* conn_soon in the next */
void conn_late(void *arg);
void conn_soon(void *arg);
void conn_free_in(struct conn *c);
bool conn_send(struct conn *c); /* false: failed */
bool conn_shut(struct conn *c); /* our end, if asked and all has left */

/* conn_end.c */
void conn_closing_step(struct conn *c);
void conn_linger_over(struct conn *c); /* its timer has rung */
void conn_reap(struct conn *c);        /* frees it if none does */
/* For loop_free: those that still linger go, the queues let go of theirs. */
void conn_abandon_all(struct loop *loop);
bool conn_owns_job(void (*fn)(void *arg));

#endif
