/* SPDX-License-Identifier: ISC */
/* What lies under a connection's door: plain socket or TLS (compression when it
 * comes). libnet alone includes this. */
#ifndef LIBNET_TRANSPORT_H
#define LIBNET_TRANSPORT_H

#include "libnet/conn.h"
#include "libnet/out_private.h"

enum transport_answer {
	TRANSPORT_OK,    /* read: bytes came. send, shutdown: all has left */
	TRANSPORT_AGAIN, /* the socket has no more, or takes no more, now */
	TRANSPORT_MORE,  /* send: enough for one turn, others first */
	TRANSPORT_WAIT,  /* send: nothing leaves before something is read */
	TRANSPORT_EOF,   /* read: the peer has ended properly */
	TRANSPORT_FAIL   /* see err */
};

struct transport {
	const struct transport_ops *ops;
	struct loop *loop;
	int fd;          /* the connection's */
	bool held;       /* bytes of its own wait for the socket: call send */
	uint64_t writes; /* system calls that carried output */
};

struct transport_ops {
	/* At most room bytes to buf (never loop scratch 0), one look at the
	 * socket. */
	enum transport_answer (*read)(struct transport *t, char *buf,
	    size_t room, size_t *n_out, struct err *err);
	/* Bytes lie inside that a read would give without a look at the
	 * socket. */
	bool (*has_input)(const struct transport *t);
	enum transport_answer (*send)(
	    struct transport *t, struct out *o, struct err *err);
	/* The proper end of our side, after all output. */
	enum transport_answer (*shutdown)(struct transport *t, struct err *err);
	/* May be NULL: not TLS. False: the handshake is not done. */
	bool (*info)(const struct transport *t, struct conn_tls_info *info_out);
	void (*free)(struct transport *t); /* not the descriptor */
};

/* How much leaves in one turn before others have theirs. */
#define TRANSPORT_TURN (512 * 1024)

struct transport *transport_plain_new(struct loop *loop, int fd);
/* first: bytes of the handshake that were read already. NULL and err. */
struct transport *
transport_tls_new(struct loop *loop, int fd, struct tls_server *server,
    const char *const *alpn, struct slice first, struct err *err) MUST_CHECK;

/* send() without SIGPIPE, counted. OK, AGAIN (some of it may have gone: see
 * n_out) or FAIL. */
enum transport_answer transport_send_bytes(struct transport *t, const char *p,
    size_t n, size_t *n_out, struct err *err);
enum transport_answer
transport_shutdown_fd(struct transport *t, struct err *err);
enum transport_answer transport_recv_bytes(
    struct transport *t, char *p, size_t room, size_t *n_out, struct err *err);

#endif
