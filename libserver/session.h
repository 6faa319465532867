/* SPDX-License-Identifier: ISC */
/*
 * The process of one user (R_SESSION), and that of one delivery job
 * (R_DELIVER): forked by the nursery, already the user, in its sandbox, with
 * the nursery's pair (the queue's) as the only way out. The program fills
 * struct session_ops; this module brings it connections.
 */
#ifndef LIBSERVER_SESSION_H
#define LIBSERVER_SESSION_H

#include "libserver/account.h"
#include "libserver/ipc_messages.h"
#include "libserver/role.h"

struct conn;
struct conn_conf;
struct session_link;

/* What is known of a connection that arrives. Valid as long as the connection
 * is not reported closed. */
struct attach_info {
	uint64_t ref;     /* for session_closed and session_park */
	uint64_t id;      /* for the log */
	bool is_tls;      /* client's side is protected */
	bool is_loopback; /* client is 127.0.0.1 or ::1 */
	bool is_plain;    /* the client's own socket: no COMPRESS */
	unsigned listener;
	struct netaddr peer;
	char address[NETADDR_TEXT]; /* of the client, as text */
};

struct session {
	struct role *role;
	struct loop *loop;
	const struct conf *conf;
	const struct account *account;
	unsigned n_conns;
	bool is_draining;
	bool had_crash; /* the one before ended by a signal: drop the cache */
	uint64_t job;   /* of a delivery */
	struct ipc_peer *queue; /* of a delivery: the pair with the queue */
	void *state;            /* the program's, set in start */
	const void *warm;       /* of family.warm, shared by all sessions */
};

struct session_ops {
	/* The process is the user's now: open the store. -1 ends it; waiting
	 * logins get "unavailable". */
	int (*start)(struct session *se, struct err *err);
	/* A connection after login. Call session_conn(link, conf) once to get
	 * it as a conn with callbacks of the program's; unread input lies in
	 * it. hello: what frontend_ops.handover wrote; valid during the call.
	 * -1: refused (close the conn if it was made). */
	int (*attach)(struct session *se, struct session_link *link,
	    struct slice hello, const struct attach_info *info,
	    struct err *err);
	/* A parked connection: packed is what session_park was given, fds what
	 * it was given beside (the program owns them from here on). */
	int (*unpack)(struct session *se, struct session_link *link,
	    struct slice packed, const int *fds, unsigned n_fds,
	    const struct attach_info *info, struct err *err);
	/* SIGTERM: say BYE as soon as each command is done, close. When the
	 * last is gone the process ends by itself. */
	void (*drain)(struct session *se);
	/* The process is about to end. */
	void (*end)(struct session *se);
	/* A delivery: messages of the queue. */
	const struct ipc_handler *handlers;
};

/* The conn of a link (conn_new, with the client's early input preloaded): the
 * program's from here on, which calls conn_want, conn_close. Once a link, only
 * during attach or unpack. */
struct conn *
session_conn(struct session_link *link, const struct conn_conf *conf);
/* The program has closed this connection; info is void afterwards. */
void session_closed(struct session *se, const struct attach_info *info);
/*
 * Give a quiet connection away: its packed state (at most MAX_PACKED) and up
 * to three descriptors of the program's (borrowed). The conn is taken, its
 * unread input travels with it. Unsent output must be gone: 0 is returned and
 * nothing done when it is not (park from a later on_ready then). 1: gone, as
 * after session_closed. -1: too large to park.
 */
int session_park(struct session *se, struct conn **conn, struct slice packed,
    const int *fds, unsigned n_fds, const struct attach_info *info,
    struct err *err) MUST_CHECK;
/* ---- inside libserver ---- */
/* In the forked child. fd: its end of the nursery's (queue's) pair. Does not
 * return. */
NORETURN void session_main(struct role *nursery, enum role_id as,
    const struct account *account, int fd, uint64_t job, bool had_crash,
    const struct sandbox_filter *filter);

#endif
