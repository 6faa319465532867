/* SPDX-License-Identifier: ISC */
/*
 * The process that strangers talk to: accept, PROXY header, TLS, limits, the
 * dialogue before login (the program's), and afterwards a pump of bytes
 * between the client and the user's session.
 */
#ifndef LIBSERVER_FRONTEND_H
#define LIBSERVER_FRONTEND_H

#include "libserver/role.h"

struct conn;

/* A port. Rows of family.listeners; ends with setting NULL. The row's number
 * travels as "listener". */
struct listener_spec {
	const char *setting;     /* a SET_LISTEN setting */
	bool implicit_tls;       /* TLS from the first byte */
	const char *const *alpn; /* NULL-terminated, or NULL: no ALPN */
};

/* A client's connection in a frontend. */
struct fe_conn {
	struct conn *conn;
	uint64_t id; /* for the log and all messages; never used twice */
	const struct listener_spec *listener;
	struct netaddr peer; /* the client, by PROXY header if there is one */
	char address[NETADDR_TEXT]; /* as text */
	bool is_tls;                /* protected: TLS here, or a proxy's word */
	bool is_loopback;           /* exactly 127.0.0.1 or ::1 */
	bool is_waiting; /* a login is under way: run is not called */
	bool is_closing;
	bool is_busy; /* set by the program: an answer is under way that the
		       * client must hear even when we go down */
	struct role *role;
	void *proto; /* frontend_ops.conn_size zeroed bytes, freed here */
};

struct login_result {
	enum login_code code;
	const char *user; /* canonical, "" unless OK */
};

struct frontend_ops {
	size_t conn_size;
	size_t max_in; /* ceiling on unread input: the longest line */
	/* Greet; run is called right after. */
	void (*open)(struct fe_conn *fc);
	/* A wish of conn_want came true (input is there, output went out, ...);
	 * also called once after TLS stands. Never during a login. */
	void (*run)(struct fe_conn *fc);
	/* Answer of frontend_login. When the family has session ops LOGIN_OK is
	 * not told: the session answers the client (handover). run is called
	 * right after. */
	void (*login_result)(
	    struct fe_conn *fc, const struct login_result *res);
	/* Write what the session must know (tag, commands seen): at most
	 * 32 KiB. Unread input travels by itself. */
	void (*handover)(struct fe_conn *fc, struct buf *hello);
	/* The connection ends, or was handed over (fc->conn is NULL then):
	 * free what proto points to. */
	void (*close)(struct fe_conn *fc);
	/* Going down, not logged in: say BYE; closed after this. NULL: just
	 * closed. */
	void (*bye)(struct fe_conn *fc);
	/* login_timeout is over: say so; closed after this. May be NULL. */
	void (*timeout)(struct fe_conn *fc);
	/* The program's own messages (submitd: the queue's). */
	const struct ipc_handler *handlers;
	void (*peer_up)(struct role *r, struct ipc_peer *p);
	void (*peer_gone)(struct role *r, struct ipc_peer *p);
};

/* Ask auth. mech: row of the SASL table, for the log. Copies, does not wipe:
 * the caller does. The answer is login_result, sooner or later; run is not
 * called until then. Refused at once (LOGIN_PRIVACY) by login_result being
 * called from the loop when the connection may not carry secrets. */
void frontend_login(struct fe_conn *fc, unsigned mech, struct slice user,
    struct slice authzid, struct slice secret);
/* May secrets be sent on it: TLS, or loopback. */
bool frontend_may_login(const struct fe_conn *fc);
/* Is a certificate loaded: may STARTTLS be offered here. */
bool frontend_has_tls(const struct fe_conn *fc);
/* The command STARTTLS was answered (answer queued): start. Unread bytes
 * behind the command end the connection. */
void frontend_start_tls(struct fe_conn *fc);
/* Close: what is queued is sent, close() called. reason: constant, logged. */
void frontend_close(struct fe_conn *fc, const char *reason);
/* The answer of is_busy was given: going down, the connection ends now. */
void frontend_not_busy(struct fe_conn *fc);
/* The connection with an id; NULL when it has gone. */
struct fe_conn *frontend_find(struct role *r, uint64_t id);
/* Call fn for each connection in its dialogue; it may close it. */
void frontend_each(struct role *r, void (*fn)(struct fe_conn *fc));
const struct conf *frontend_conf(const struct fe_conn *fc);
/* Somebody answered: let run be called. */
void frontend_wake(struct fe_conn *fc);

extern const struct role_spec frontend_role;

#endif
