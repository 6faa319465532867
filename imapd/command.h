/* SPDX-License-Identifier: ISC */
/*
 * Commands as rows, the registry of all rows, and the dispatcher, which holds
 * all policy: who may run when, what is told meanwhile. A command is added by
 * writing its function and its row at the end of a cmd_*.c (STYLE D.7); nothing
 * else is edited. From the row come dispatch, the UID form, BAD for a wrong
 * state or wrong arguments, the capability and `imapd --list-commands`.
 */
#ifndef IMAPD_COMMAND_H
#define IMAPD_COMMAND_H

#include "imapd/imap_args.h"
#include "libbase/err.h"
#include "libbase/step.h"

struct imap_session;
struct imap_cmd;

enum imap_verb_flag {
	/* states */
	IN_NOAUTH = 1 << 0,
	IN_AUTH = 1 << 1,
	IN_SELECTED = 1 << 2,
	IN_USER = IN_AUTH | IN_SELECTED,
	IN_ANY = IN_NOAUTH | IN_USER,
	/* forms */
	HAS_UID = 1 << 3,   /* "UID name" too; cmd->is_uid tells */
	ONLY_UID = 1 << 4,  /* the row is for the UID form alone */
	STREAMS = 1 << 5,   /* imap_input.h: PARSE_STREAM */
	SECTIONS = 1 << 6,  /* imap_args.h */
	IS_SECRET = 1 << 7, /* arguments are wiped and never logged */
	/* what it does with sequence numbers (RFC 3501 7.4.1) */
	USES_SEQ = 1 << 8,     /* no EXPUNGE is told before or while it runs,
				  nor with its answer, when not UID */
	BREAKS_SEQ = 1 << 9,   /* wants a view brought up to date: what others
				  did is told before its tagged reply */
	NO_UPDATES = 1 << 10,  /* tells nothing of a mailbox at its end */
	WRITES = 1 << 11,      /* refused in a mailbox opened by EXAMINE */
	NEEDS_CLEAR = 1 << 12, /* carries a password: refused without TLS, but
				  from loopback */
	IS_SILENT = 1 << 13    /* not of the registry: no reply */
};

struct imap_verb {
	const char *name;
	const char *args; /* grammar (imap_args.h), NULL for none */
	unsigned flags;
	const char *capability; /* advertised while this row exists; several
				   with a blank between */
	enum step (*step)(struct imap_cmd *);
	void (*drop)(struct imap_cmd *); /* the connection died, or the
					    command ended in any way: release
					    what is not in the arena. Mostly
					    NULL. Called once, if step was. */
};

/* The rows: arrays that end with .name == NULL, one a cmd_*.c. */
extern const struct imap_verb imap_verbs_any[];
extern const struct imap_verb imap_verbs_login[];
extern const struct imap_verb imap_verbs_mailbox[];
extern const struct imap_verb imap_verbs_list[];
extern const struct imap_verb imap_verbs_select[];
extern const struct imap_verb imap_verbs_append[];
extern const struct imap_verb imap_verbs_fetch[];
extern const struct imap_verb imap_verbs_store[];
extern const struct imap_verb imap_verbs_copy[];
extern const struct imap_verb imap_verbs_search[];
extern const struct imap_verb imap_verbs_sort[];
extern const struct imap_verb imap_verbs_thread[];
extern const struct imap_verb imap_verbs_idle[];
extern const struct imap_verb imap_verbs_quota[];

enum imap_status {
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD
};

/* One command of a client, from its line to its tagged reply. */
struct imap_cmd {
	struct imap_session *s;
	const struct imap_verb *verb;
	struct slice tag;
	bool is_uid;
	const struct imap_arg *args;          /* the raw tree */
	struct imap_value v[IMAP_VALUES_MAX]; /* by the row's grammar */
	struct arena *arena;                  /* gone with the reply */

	/* between steps */
	int phase;               /* an enum of the command's file */
	void *ctx;               /* in the arena; the command's own */
	struct flush_set *flush; /* for STEP_FLUSH; of the session */
	struct err err;          /* for STEP_FAIL */
	bool listens;            /* STEP_EVENT: client's bytes are one (IDLE) */

	/* the tagged reply (imap_reply.h sets it): default OK */
	enum imap_status status;
	const char *code; /* "READ-ONLY", without brackets; NULL for none */
	const char *text; /* NULL for "<Name> completed" */
};

/* Row by name (any case) and form, or NULL. */
const struct imap_verb *command_find(struct slice name, bool is_uid);
/* Check all grammars; a bad one is a programming error: err names it. Called
 * once at start. */
int command_init(struct err *err) MUST_CHECK;
/* All rows in order, for --list-commands and tests: NULL at the end. */
const struct imap_verb *command_at(size_t i);

/* Why this command may not run now: NULL when it may, else it has set the
 * tagged reply. Looks at state, TLS, read-only. */
bool command_may_run(struct imap_cmd *cmd);
/* Fill cmd->v from the row's grammar; false when it set a BAD reply. */
bool command_read_args(struct imap_cmd *cmd);

/* The capabilities of this session now, with blanks between (no leading one):
 * from rows, plus those of a state (STARTTLS, LOGINDISABLED, AUTH=). */
struct buf;
void command_capabilities(const struct imap_session *s, struct buf *out);

#endif
