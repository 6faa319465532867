/* SPDX-License-Identifier: ISC */
/*
 * One IMAP connection. Before login it lives in the frontend (state NOAUTH,
 * user NULL), after it in the process of its user. imap_run is the only door:
 * the connection calls it whenever a wish may have come true (STYLE D.6).
 *
 * For commands: output goes through imap_reply.h, or straight into
 * conn_out(s->conn) (files, long answers); a step that finds
 * imap_is_full(s) returns STEP_DRAIN, one that used up its time
 * (!conn_slice_left(s->conn)) STEP_AGAIN. s->view is the client's idea of the
 * selected mailbox: sequence numbers change in update.c alone.
 */
#ifndef IMAPD_IMAP_SESSION_H
#define IMAPD_IMAP_SESSION_H

#include <sys/queue.h>

#include "imapd/command.h"
#include "imapd/imap_input.h"
#include "libbase/arena.h"
#include "libbase/buf.h"
#include "libbase/step.h"

struct conn;
struct fe_conn;
struct imap_user;
struct mailbox;
struct sasl;
struct slice;
struct view;

enum imap_state {
	IMAP_NOAUTH,
	IMAP_AUTH,
	IMAP_SELECTED,
	IMAP_LOGOUT
};

/* Extensions a client switched on (RFC 5161); bits of s->enabled. */
enum imap_enabled {
	ENABLED_CONDSTORE = 1,
	ENABLED_QRESYNC = 2,
	ENABLED_UTF8 = 4
};

struct imap_session {
	struct conn *conn;
	enum imap_state state;
	uint64_t id; /* for the log */

	/* where it lives: one of the two is set */
	struct fe_conn *fe;
	struct imap_user *user;
	LIST_ENTRY(imap_session) entry; /* of user->sessions */

	bool has_tls, is_loopback;
	unsigned enabled; /* enum imap_enabled */
	unsigned bad;     /* bad commands in a row */

	/* reading */
	struct imap_input input;
	struct arena arena; /* of the command */
	struct imap_cmd cmd;
	bool has_cmd; /* cmd is being carried out */
	struct flush_set *flush;

	/* the selected mailbox (state SELECTED) */
	struct slice mailbox_name; /* UTF-8, owned */
	struct mailbox *box;
	struct view *view;
	bool is_read_only;
	bool uses_uid;  /* told FETCH data carry the UID */
	bool is_idling; /* updates may be told at once */

	/* extensions, NULL when off (STYLE C4) */
	struct imap_update *update;
	struct sasl *sasl;
};

/* state bit for a row's flags */
unsigned imap_state_bit(const struct imap_session *s);

/* Output above its high mark: return STEP_DRAIN. */
bool imap_is_full(const struct imap_session *s);

/* The conn's only callback: arg is the session. */
void imap_run(struct conn *c, void *arg);

/* The one writer of s->state (STYLE B6). */
void imap_enter(struct imap_session *s, enum imap_state to);

#endif
