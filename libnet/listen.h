/* SPDX-License-Identifier: ISC */
/* Listening sockets: opening them (the parent), accepting from them (the
 * frontends), the pause when descriptors run out. */
#ifndef LIBNET_LISTEN_H
#define LIBNET_LISTEN_H

#include "libnet/loop.h"
#include "libnet/netaddr.h"

#define LISTEN_BACKLOG 1024

/* A listening TCP socket (SO_REUSEADDR, non-blocking, close-on-exec). An
 * address of family NONE is every address, v6 and v4 in one socket, v4 alone
 * where there is no v6. Port 0 takes a free one: netaddr_of_local tells. Each
 * socket may be shared by all frontends. */
int
listen_open(const struct netaddr *a, int *fd_out, struct err *err) MUST_CHECK;
/* The same on a UNIX socket. A path where nobody listens any more is taken
 * over; where somebody does: ERR_BUSY. */
int listen_open_unix(
    const char *path, unsigned mode, int *fd_out, struct err *err) MUST_CHECK;

struct listener;

struct listener_conf {
	/* Owns fd (non-blocking, close-on-exec). peer and local are NONE on
	 * UNIX sockets. */
	void (*on_accept)(void *arg, int fd, const struct netaddr *peer,
	    const struct netaddr *local);
	/* Accepting has paused (errno: EMFILE, ENFILE, ENOBUFS, ENOMEM) and
	 * tries again each second. Called once a pause; may be NULL. */
	void (*on_trouble)(void *arg, int sys);
	void *arg;
};

/* Accepts at once. Owns fd. */
struct listener *
listener_new(struct loop *loop, int fd, const struct listener_conf *conf);
/* The owner's own pause (too many connections); counted apart from the one for
 * descriptors. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);
/* A descriptor came free: an EMFILE pause ends now. */
void listener_nudge(struct listener *l);
void listener_close(struct listener **l);

#endif
