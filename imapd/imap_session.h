/* SPDX-License-Identifier: ISC */
/*
 * One IMAP connection. Before login it lives in the frontend (state NOAUTH,
 * user NULL), after it in the process of its user. imap_run is the only door:
 * the connection calls it whenever a wish may have come true (STYLE D.6).
 *
 * For commands: output goes through imap_reply.h, or straight into
 * conn_out(s->conn) (files, long answers); a step that finds
 * imap_is_full(s) returns STEP_DRAIN, one that used up its time
 * (!conn_slice_left(s->conn)) STEP_AGAIN; what libmaildir answers
 * (STEP_FLUSH with cmd->flush, STEP_EVENT) is returned as it is. s->view is the
 * client's idea of the selected mailbox: sequence numbers change in update.c
 * alone.
 */
#ifndef IMAPD_IMAP_SESSION_H
#define IMAPD_IMAP_SESSION_H

#include <sys/queue.h>

#include "imapd/command.h"
#include "imapd/imap_input.h"
#include "libbase/arena.h"
#include "libbase/buf.h"
#include "libbase/step.h"
#include "libnet/loop.h"

struct attach_info;
struct conn;
struct fe_conn;
struct fetch_source;
struct imap_user;
struct mailbox;
struct sasl;
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

/* What imap_run is at. */
enum imap_phase {
	PHASE_READ,  /* a command is being read */
	PHASE_RUN,   /* its step function is called */
	PHASE_EMPTY, /* its reply is set; the rest of its input is read away */
	PHASE_SYNC   /* the view is brought up to date; then the reply */
};

struct imap_session {
	struct conn *conn;
	enum imap_state state;
	uint64_t id; /* for the log */

	/* where it lives: one of the two is set */
	struct fe_conn *fe;
	struct imap_user *user;
	LIST_ENTRY(imap_session) entry; /* of user->sessions */
	const struct attach_info *info; /* with user */

	bool has_tls, is_loopback;
	bool has_starttls;    /* it can be offered */
	bool is_starting_tls; /* STARTTLS: after its reply */
	bool is_draining;     /* BYE after this command */
	bool is_closed;       /* the frontend was told; touch nothing */
	unsigned enabled;     /* enum imap_enabled */
	unsigned bad;         /* bad commands in a row */
	unsigned n_commands;  /* since it came here (setting park_after) */

	/* reading and running */
	enum imap_phase phase;
	struct imap_input input;
	struct arena arena; /* of the command */
	struct imap_cmd cmd;
	bool has_run;    /* cmd.verb->step was called: drop is due */
	bool is_syncing; /* PHASE_SYNC: a refresh has begun */
	struct flush_set flush;
	struct timer retry; /* of the user's loop: wakes the connection */

	/* the selected mailbox (state SELECTED) */
	char *mailbox_name; /* UTF-8, canonical; owned */
	struct mailbox *box;
	struct view *view;
	struct fetch_source *source; /* FETCH: the message last read, NULL */
	struct seqset saved;         /* UIDs: what "$" means (RFC 5182) */
	bool is_read_only;
	uint32_t names;       /* hash of the flag names last told */
	bool uses_uid;        /* told FETCH data carry the UID */
	bool is_idling;       /* updates may be told at once */
	bool must_look;       /* somebody deleted or renamed the mailbox */
	bool is_gone;         /* the mailbox was deleted by somebody */
	bool has_no_modseq;   /* NOMODSEQ was told */
	bool told_vanished;   /* since the last reply */
	uint64_t modseq_told; /* highest in FETCHes since the last reply */
	uint64_t modseq_cap;  /* after unpacking: the highest told before, till
				 all that happened meanwhile is told */
	struct seqset *stale; /* after unpacking: UIDs whose flags are to be
				 told; NULL: none */

	/* extensions, NULL when off (STYLE C4) */
	struct sasl *sasl;
};

/* Embedded in a frontend's proto, or in an allocation of imap_user.c. */
void imap_session_init(struct imap_session *s, struct conn *c);
/* Everything it holds but the conn. */
void imap_session_free(struct imap_session *s);

/* The only door: called whenever a wish may have come true. The session may
 * be gone when it returns. */
void imap_run(struct imap_session *s);
/* No command came for imap_timeout. May be gone when it returns. */
void imap_timed_out(struct imap_session *s);
/* Going down: BYE now, or when the command that runs is done. May be gone when
 * it returns. */
void imap_drain(struct imap_session *s);
/* Patience is over: a command that waits for its client (APPEND in the middle
 * of its literal) is refused. May be gone when it returns. */
void imap_cut_short(struct imap_session *s);

/* state bit for a row's flags */
unsigned imap_state_bit(const struct imap_session *s);
/* Output above its high mark: return STEP_DRAIN. */
bool imap_is_full(const struct imap_session *s);

/* The one writer of s->state (STYLE B6). Leaving SELECTED closes the view. */
void imap_enter(struct imap_session *s, enum imap_state to);

/* ---- for commands on the selected mailbox ---- */

/*
 * The messages of a set as the client means it: by sequence number or, in the
 * UID form, by UID; "*" is the last message. Fills seqs with sequence numbers
 * that the view has. False when it has set a BAD reply: a sequence number that
 * is not there (RFC 3501 9: "*" and numbers beyond EXISTS are an error; UIDs
 * that are not there are ignored). "$" is the saved result, as far as it is
 * still there (RFC 5182 2.1). seqs: init and free by the caller.
 */
bool imap_set_seqs(struct imap_cmd *cmd, struct slice set, struct seqset *seqs);
/* The same as UIDs. */
bool imap_set_uids(struct imap_cmd *cmd, struct slice set, struct seqset *uids);

#endif
