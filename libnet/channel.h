/* SPDX-License-Identifier: ISC */
/*
 * From frontend to session. The nursery makes a SOCK_STREAM pair: one end goes
 * to the session, one to the frontend. First the frontend writes the hello:
 * what the session must know of the dialogue so far, and the bytes the client
 * had sent ahead. Then either the client's own socket goes along (plain
 * connections are handed over whole) or the frontend pumps bytes between the
 * client's TLS connection and the pair.
 *
 * Hello on the wire (native integers, one machine): magic, version, flags,
 * length of the hello, length of the input, each u32; then the two tails. The
 * reader takes it as written by somebody hostile.
 */
#ifndef LIBNET_CHANNEL_H
#define LIBNET_CHANNEL_H

#include "libnet/conn.h"

#define CHANNEL_HELLO_MAX (128 * 1024) /* all of it, header included */
#define CHANNEL_HEADER    20

enum channel_flags {
	CHANNEL_SOCKET = 1, /* the client's socket comes as SCM_RIGHTS */
	CHANNEL_TLS = 2     /* the client's side of the frontend is TLS */
};

/* --- frontend ----------------------------------------------------------- */
struct channel;

struct channel_conf {
	/* The pump has ended, or the socket was handed over: why is for the
	 * log ("client", "session", "handed-over", "error"). Call
	 * channel_close. Never called from inside channel_open. */
	void (*on_end)(struct channel *ch, void *arg, const char *why);
	/* Nothing from or to the client for timeout_ms: only a safety net, the
	 * session has the real time-out. 0: none. */
	uint64_t timeout_ms;
	void *arg;
};

/*
 * Takes the client's connection over (NULL afterwards; its callbacks are not
 * called again) and owns fd, the end of the pair. hello is copied. Unread input
 * of the client goes into the hello. A TLS connection is pumped from here on; a
 * plain one is handed over. NULL and err (both descriptors closed) when hello
 * and input are over CHANNEL_HELLO_MAX, or when a plain connection still has
 * output queued.
 */
struct channel *channel_open(struct conn **client, int fd, struct slice hello,
    const struct channel_conf *conf, struct err *err) MUST_CHECK;
uint64_t channel_bytes_in(const struct channel *ch);  /* from the client */
uint64_t channel_bytes_out(const struct channel *ch); /* to the client */
/* The client's death (conn_death) or "" . */
const char *channel_death(const struct channel *ch);
/* Ends both sides: what is queued for the client is still sent (linger). */
void channel_close(struct channel **ch);

/* --- session ------------------------------------------------------------ */
struct channel_hello {
	unsigned flags;     /* enum channel_flags */
	struct slice hello; /* dies with the callback */
	struct slice input; /* dies with the callback: conn_preload takes it */
	int fd; /* the stream to serve: the client's socket with CHANNEL_SOCKET,
		   else the end of the pair. The callback owns it */
};

/* 1: *out set (fd -1) and *used_out bytes taken. 0: more needed. -1: bad. Pure,
 * fuzzed. */
int channel_hello_parse(struct slice in, struct channel_hello *out,
    size_t *used_out, struct err *err) MUST_CHECK;

struct channel_accept;
/* Read the hello from fd (owned) and call cb once: with h, or with NULL and err
 * (bad hello, frontend gone, timeout_ms passed). The handle is void after cb.
 */
struct channel_accept *
channel_accept(struct loop *loop, int fd, uint64_t timeout_ms,
    void (*cb)(void *arg, const struct channel_hello *h, const struct err *err),
    void *arg);
/* Let go: no cb, fd closed. */
void channel_accept_cancel(struct channel_accept **a);

#endif
