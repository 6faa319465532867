/* SPDX-License-Identifier: ISC */
/*
 * One client of submitd, in the frontend: greeting, commands (smtp_commands.c)
 * and text (smtp_text.c). Whether a sender, a recipient or a message is taken
 * the queue decides; one question is open at a time, and while it is nothing is
 * read.
 */
#ifndef SUBMITD_SMTP_SESSION_H
#define SUBMITD_SMTP_SESSION_H

#include "libauth/sasl.h"
#include "libbase/ceilings.h"
#include "libserver/frontend.h"
#include "submitd/ipc_queue.h"
#include "submitd/smtp_parse.h"

struct smtp_text;
struct smtp_words;

/* Where the dialogue is (RFC 5321 4.1.4). One writer: smtp_enter(). */
enum smtp_state {
	SMTP_START, /* no EHLO yet */
	SMTP_READY,
	SMTP_MAIL, /* a sender, no recipient */
	SMTP_RCPT  /* a recipient or more */
};

/* Whose answer is waited for. */
enum smtp_wait {
	WAIT_NOBODY,
	WAIT_LOGIN,
	WAIT_MAIL,
	WAIT_RCPT,
	WAIT_OWNS, /* is a From: address the user's */
	WAIT_FILE,
	WAIT_COMMIT
};

struct smtp_session {
	struct fe_conn *fc;
	enum smtp_state state;
	enum smtp_wait wait;
	bool is_in;         /* authenticated */
	bool is_swallowing; /* the rest of an over-long line */
	unsigned n_bad;     /* commands in a row that made no sense */
	unsigned n_login_failures;
	unsigned n_rcpts;
	char user[MAX_USER + 1];
	char sender[MAX_ADDRESS + 1]; /* "" for <> */
	struct sasl *sasl;            /* while AUTH goes on */
	struct smtp_text *text;       /* while DATA goes on */
	struct buf line; /* the command at work: input slices die early */
};

/* A command's outcome. */
enum smtp_did {
	SMTP_REPLIED, /* go on */
	SMTP_WAITS,   /* for the queue or auth */
	SMTP_BAD,     /* replied; counts as nonsense */
	SMTP_QUIT     /* replied; the connection was closed */
};

struct smtp_verb {
	const char *name;
	unsigned flags; /* SMTP_NEEDS_... */
	enum smtp_did (*run)(struct smtp_session *s, struct slice args);
};

#define SMTP_NEEDS_HELO  0x01
#define SMTP_NEEDS_LOGIN 0x02
#define SMTP_NEEDS_MAIL  0x04 /* a sender was named */
#define SMTP_NO_MAIL     0x08 /* not while a sender is named */
#define SMTP_NO_ARGS     0x10

extern const struct smtp_verb smtp_verbs[]; /* name NULL at the end */

void smtp_enter(struct smtp_session *s, enum smtp_state to);
/* "CODE text" and CRLF. */
void smtp_reply(struct smtp_session *s, int code, const char *text);
void smtp_reply_words(struct smtp_session *s, const struct smtp_words *w);
/* Put a question to the queue; false when there is none: a temporary failure is
 * replied then, but for WAIT_OWNS, in the middle of the text. wait WAIT_NOBODY:
 * no answer comes. */
bool smtp_ask(struct smtp_session *s, uint16_t type, enum smtp_wait wait,
    struct slice address, uint64_t size);
/* Forget the mail transaction here and in the queue. */
void smtp_reset(struct smtp_session *s);
/* One line of a SASL exchange. */
enum smtp_did smtp_auth_line(struct smtp_session *s, struct slice line);

const char *smtp_hostname(const struct smtp_session *s);

/* ---- text behind DATA (smtp_text.c) ---- */

/* The queue gave a file (taken over) and an id: 354 follows. */
void smtp_text_begin(struct smtp_session *s, int fd, const char *id);
/* Take input; true while there is more to do with what is there. */
bool smtp_text_run(struct smtp_session *s);
/* The queue answered whether an address of From: is the user's. */
void smtp_text_owned(struct smtp_session *s, enum queue_answer a);
/* The queue answered the commit. */
void smtp_text_done(struct smtp_session *s, enum queue_answer a);
void smtp_text_free(struct smtp_session *s); /* fine without text */

extern const struct frontend_ops smtp_frontend;

#endif
