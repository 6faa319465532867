/* SPDX-License-Identifier: ISC */
/*
 * A connection: a stream socket with a bounded input buffer, an output chain
 * with two marks, TLS below the door (conn_start_tls; the verbs stay the
 * same), an inactivity limit and one callback.
 *
 * The callback is set once. It is called when a wish of conn_want came true,
 * when the TLS handshake is done, and when the connection is dead, whatever is
 * wanted. It may also be called for no reason: it looks at the state and wants
 * again. It is never called from inside another conn_ function, and never
 * after conn_close.
 *
 * Input is read ahead while the buffer has room, whether it is wanted or not
 * (so a peer that goes away is seen). Output is gathered until the callback
 * returns (for connections written to from elsewhere: until the round ends)
 * and leaves in one write, under TLS in the fewest records.
 *
 * Works on every stream socket; unit tests use socketpair(AF_UNIX).
 */
#ifndef LIBNET_CONN_H
#define LIBNET_CONN_H

#include <sys/types.h>

#include "libbase/err.h"
#include "libbase/slice.h"
#include "libbase/step.h"
#include "libnet/loop.h"
#include "libnet/out.h"

struct conn;
struct tls_server;

enum conn_wish {
	WANT_IN = 1,    /* bytes came, or the peer's end of file */
	WANT_DRAIN = 2, /* output is at or below out_low */
	WANT_FLUSH = 4, /* the set of conn_flush_set is flushed */
	WANT_SOON = 8   /* next round */
};

struct conn_conf {
	size_t max_in;     /* ceiling on unread input; at least the longest line
			      the protocol takes */
	uint64_t out_low;  /* 0: OUT_LOW */
	uint64_t out_high; /* 0: OUT_HIGH */
	size_t out_max;    /* ceiling on queued memory (not files); over it the
			      connection dies. 0: 16 MiB */
	uint32_t linger_ms; /* how long conn_close waits for the peer to take
			       what is queued, or some of it (up to twelve
			       times), and to close. 0: 5000 */
	void (*on_ready)(struct conn *c, void *arg);
	/* The time of conn_set_timeout_ms or conn_set_deadline_ms has passed.
	 * NULL: the connection is dead then, reason "timeout". When it returns
	 * without closing, the inactivity clock starts anew; a deadline is off.
	 */
	void (*on_timeout)(struct conn *c, void *arg);
	void *arg;
};

/* Owns fd from here on; makes it non-blocking, TCP_NODELAY where it is TCP.
 * Reading starts at once; nothing is wanted yet, so call conn_want (or
 * conn_start_tls) before the round ends. */
struct conn *conn_new(struct loop *loop, int fd, const struct conn_conf *conf);

/* Replace the wishes (or-ed enum conn_wish; 0: only conn_wake and death). All
 * but WANT_IN are gone when on_ready is called.
 * WANT_IN after end of file with nothing unread is a wish that cannot come
 * true: the connection is dead then. So it is with a full input buffer. */
void conn_want(struct conn *c, unsigned wishes);
unsigned conn_wanted(const struct conn *c);
/* Somebody else has an event for it: on_ready is called next round. */
void conn_wake(struct conn *c);

/* Unread bytes. Dies with the next return to the loop, and with conn_consume
 * and conn_preload. */
struct slice conn_in(const struct conn *c);
void conn_consume(struct conn *c, size_t n);
/* The peer will send nothing beyond conn_in(): it has shut down its side.
 * (Under TLS by close_notify; an end without one is death.) */
bool conn_eof(const struct conn *c);
void conn_set_max_in(struct conn *c, size_t max_in);
/* Bytes that were read elsewhere (before the connection was handed over) go in
 * front of what comes. They may exceed max_in. */
void conn_preload(struct conn *c, struct slice s);

struct out *conn_out(struct conn *c); /* stays the same for the conn's life */
uint64_t conn_out_bytes(const struct conn *c); /* queued, not yet sent */
bool conn_out_is_high(const struct conn *c);   /* above out_high: STEP_DRAIN */
/* After what is queued: half-close (TLS: close_notify). Nothing may be written
 * behind it. */
void conn_shutdown_out(struct conn *c);

/* Peer gone without goodbye, error, time-out. Only conn_close is left. on_ready
 * is called once for it, and again at each conn_wake. */
bool conn_is_dead(const struct conn *c);
/* Why it is dead: class and text for the log; code ERR_OK while it lives. */
const struct err *conn_error(const struct conn *c);
/* A word for the log's reason=: "eof" "reset" "timeout" "tls" "limit" "io". */
const char *conn_death(const struct conn *c);
/* Declare it dead (a protocol's own judgement, tests). on_ready follows. */
void conn_kill(struct conn *c, enum err_code code, const char *text);

/* No byte read or written for ms: on_timeout. 0: never. */
void conn_set_timeout_ms(struct conn *c, uint64_t ms);
/* ms from now, whatever happens: on_timeout (login time-out, which covers the
 * TLS handshake). 0: off. */
void conn_set_deadline_ms(struct conn *c, uint64_t ms);

/* Time left in the slice that began with this on_ready. */
bool conn_slice_left(const struct conn *c);

/* The set WANT_FLUSH waits for; borrowed until it is done (on_ready is called
 * then, set->error says how it went). The death of the connection is told only
 * after. conn_close in between lets go of the set. */
void conn_flush_set(struct conn *c, struct flush_set *set);

/* --- TLS ---------------------------------------------------------------- */
enum conn_tls_mode {
	CONN_TLS_IMPLICIT, /* from the first byte; unread input (behind a PROXY
			      header) is taken as TLS */
	CONN_STARTTLS      /* queued output leaves in plain, then the handshake.
			      Unread input was sent before the handshake by
			      whoever sits on the wire: the connection is dead
			      (RFC 9051 6.2.1, RFC 2595 4, RFC 3207 4.2) */
};
/* alpn: NULL-terminated list of what this listener speaks, most wanted first,
 * or NULL for no ALPN at all. A client that offers none is taken; one that
 * offers only others is refused (no_application_protocol). The array and its
 * strings must outlive the connection. The server may be freed by its owner
 * before: it is counted. on_ready is called when the handshake is done. */
void conn_start_tls(struct conn *c, enum conn_tls_mode mode,
    struct tls_server *server, const char *const *alpn);

struct conn_tls_info {
	const char *version; /* "TLSv1.3" */
	const char *cipher; /* "TLS_AES_256_GCM_SHA384" or as GnuTLS names it */
	const char *sni;    /* "" when none was sent */
	const char *alpn;   /* "" when none was agreed */
	bool resumed;
};
/* True and *out when the handshake is done (strings live as long as c). */
bool conn_tls_info(const struct conn *c, struct conn_tls_info *out);
bool conn_is_tls(const struct conn *c); /* handshake begun or done */

/* --- the end ------------------------------------------------------------ */
/* Takes the address, accepts NULL, leaves NULL. on_ready is never called
 * again. What is queued is still sent, then close_notify and the half-close,
 * then what the peer sends is thrown away until it closes: all within
 * linger_ms. A dead connection is gone at the end of the round. */
void conn_close(struct conn **c);

/* Hand the socket over: the descriptor (still non-blocking) is the caller's,
 * c is freed and NULL. Take conn_in() before. Only for a plain connection with
 * no output queued; -1 otherwise (c stays). */
int conn_detach_fd(struct conn **c) MUST_CHECK;

/* Are there closed ones that still linger? (A process that leaves may wait for
 * them: they end within their linger time; loop_free cuts them off.) */
bool conn_any_closing(const struct loop *loop);
/* For a process that leaves: rounds until they have sent what they owe and
 * their peers have closed, or have had half a second to; within_ms at most, or
 * until loop_stop(). */
void conn_finish(struct loop *loop, uint64_t within_ms);

int conn_fd(const struct conn *c); /* for getpeername and the like only */
uint64_t conn_bytes_in(const struct conn *c); /* of the protocol, not of TLS */
uint64_t conn_bytes_out(const struct conn *c);
/* How many system calls carried output so far; a test counts them. */
uint64_t conn_writes(const struct conn *c);
struct loop *conn_loop(const struct conn *c);

#endif
