/* SPDX-License-Identifier: ISC */
/*
 * One POP3 connection (RFC 1939): in the frontend until login (rows of
 * pop3_login.c), then in the process of its user (rows of pop3_commands.c). A
 * session is a snapshot: what comes later is neither listed nor deleted, no
 * lock is held, and deletions happen at QUIT.
 */
#ifndef POP3D_POP3_SESSION_H
#define POP3D_POP3_SESSION_H

#include <sys/queue.h>

#include "libauth/sasl.h"
#include "libbase/buf.h"
#include "libbase/seqset.h"
#include "libbase/step.h"
#include "libmaildir/view.h"
#include "libnet/loop.h"
#include "libserver/frontend.h"
#include "libserver/session.h"
#include "pop3d/pop3_parse.h"

/* RFC 1939 3. One writer: pop3_enter(). */
enum pop3_state {
	POP3_LOGIN, /* AUTHORIZATION */
	POP3_LOADING,
	POP3_TRANSACTION,
	POP3_UPDATE
};

/* A message of the snapshot. */
struct pop3_message {
	struct mailbox_rec *rec; /* the view's */
	bool is_deleted;
	uint64_t wire; /* octets; 0 when the file is gone */
};

struct pop3_user { /* of the process */
	struct session *se;
	struct store *store;
	struct mailboxes *mailboxes;
	struct mailbox *box; /* kept open for the next login; or NULL */
	LIST_HEAD(, pop3_session) sessions;
};

struct pop3_session {
	struct conn *conn;
	uint64_t id; /* for the log */
	enum pop3_state state;
	bool has_tls, is_loopback;
	bool is_utf8; /* RFC 6856: messages are sent as they are */
	unsigned bad; /* bad commands in a row */
	unsigned n_login_failures;
	struct buf line;
	bool is_swallowing;

	/* before login */
	struct fe_conn *fe;
	char user_name[MAX_USER + 1]; /* of USER */
	bool has_user;
	struct sasl *sasl;
	bool waits; /* for auth */

	/* after it */
	struct pop3_user *user;
	LIST_ENTRY(pop3_session) entry;
	struct timer retry; /* while another process holds the lock */
	const struct attach_info *info;
	struct mailbox *box;
	struct view *view;
	unsigned loading; /* part of the snapshot being taken */
	int login_fd;     /* restante/pop3; -1 */
	struct pop3_message *messages;
	uint32_t n_messages;
	uint32_t n_hidden;        /* deleted by POP3, kept for IMAP */
	uint32_t kept_mask;       /* letter of their keyword, or 0 */
	struct pop3_uidls *uidls; /* while they are compared */
	bool has_uidls;           /* they were */
	struct flush_set flush;

	/* the command being carried out */
	const struct pop3_verb *verb;
	uint32_t number; /* first argument as a message number, 0 for none */
	uint32_t lines;  /* of TOP */
	uint32_t cursor; /* how far a long answer has come */
	struct slice args;
	struct fetch *fetch;
	uint64_t end;             /* of TOP, in the file */
	struct seqset doomed;     /* UIDs to be removed */
	bool is_kept;             /* pop3_keep, as QUIT found it */
	uint32_t n_failed;        /* of them that could not be */
	enum err_code why_failed; /* the first */
};

/* The keyword of what POP3 deleted and pop3_keep keeps; Dovecot's
 * pop3_deleted_flag is the same where it is set so. */
#define POP3_KEYWORD "$POP3Deleted"

/* What the frontend tells the session. */
#define POP3_HELLO      "pop3"
#define POP3_HELLO_UTF8 "pop3 utf8"

#define POP3_IN_LOGIN       0x01
#define POP3_IN_TRANSACTION 0x02

struct pop3_verb {
	const char *name;
	unsigned flags;
	enum pop3_args args;
	/* STEP_DONE: answered. STEP_FAIL: answered with -ERR, counts as bad.
	 * STEP_EVENT: waits. After a close nothing of s is touched: the
	 * command answers STEP_INPUT. */
	enum step (*step)(struct pop3_session *s);
};

extern const struct pop3_verb pop3_verbs_login[];
extern const struct pop3_verb pop3_verbs_transaction[];
extern const struct frontend_ops pop3_frontend;
extern const struct session_ops pop3_session_ops;

void pop3_enter(struct pop3_session *s, enum pop3_state to);
/* The conn's callback after login; the frontend calls it through its run. */
void pop3_run(struct conn *c, void *arg);
/* "+OK text" or "-ERR text". */
void pop3_ok(struct pop3_session *s, const char *text);
enum step pop3_err(struct pop3_session *s, const char *text);
/* The client's words for an error. */
enum step pop3_fail(struct pop3_session *s, const struct err *err);
/* A line of a SASL exchange. */
enum step pop3_auth_line(struct pop3_session *s, struct slice line);
/* CAPA and LANG, in either state. */
enum step pop3_capa(struct pop3_session *s);
enum step pop3_lang(struct pop3_session *s);
/* End the connection, s is gone after it. */
void pop3_close(struct pop3_session *s, const char *reason);
/* The inbox and a view of it. */
int pop3_open_inbox(struct pop3_session *s, struct err *err) MUST_CHECK;
/* Take the snapshot, portion by portion, and greet. */
enum step pop3_load(struct pop3_session *s);
/* Another process holds the lock: look again soon. */
enum step pop3_wait_for_lock(struct pop3_session *s);
/* No two messages shall have one UIDL; portion by portion. */
enum step pop3_compare_uidls(struct pop3_session *s);
void pop3_uidls_free(struct pop3_uidls **u);
void
pop3_put_uidl(struct pop3_session *s, struct mailbox_rec *rec, struct buf *out);
/* QUIT after login. */
enum step pop3_quit(struct pop3_session *s);
void pop3_forget(struct pop3_session *s);

#endif
