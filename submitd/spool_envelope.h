/* SPDX-License-Identifier: ISC */
/*
 * The envelope of a queued message as text, and back. Lines "key value...":
 *
 *	restante-envelope 1
 *	id ID			time SECONDS		user NAME
 *	sender ADDRESS		size OCTETS		digest SHA256HEX
 *	rcpt N USER MAILBOX ADDRESS
 *	end
 *	staged N | done N | failed N		appended as things happen
 *
 * Values are words; blank, control bytes, "\" and nothing at all are written as
 * \xHH (an empty word as \e). A last line without its line end is one that a
 * crash cut off: it did not happen. Pure; nothing here opens files.
 */
#ifndef SUBMITD_SPOOL_ENVELOPE_H
#define SUBMITD_SPOOL_ENVELOPE_H

#include "libbase/arena.h"
#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libbase/err.h"

#define ENVELOPE_MAX_RCPT  2000 /* after aliases were expanded */
#define ENVELOPE_MAX_BYTES (4 * MIB)
#define DIGEST_BYTES       32
#define SPOOL_ID_MAX       32 /* a queue id and its NUL */

enum rcpt_state {
	RCPT_WAITING,
	RCPT_STAGED, /* the text is in the owner's restante/stage, recorded */
	RCPT_DONE,
	RCPT_FAILED
};

struct spool_rcpt {
	struct slice user;    /* canonical name of the owner */
	struct slice mailbox; /* below INBOX by +detail; "" for INBOX */
	struct slice address; /* as the client gave it */
	enum rcpt_state state;
};

struct spool_envelope { /* all text lives in the arena given to the parser */
	struct slice id, user, sender;
	uint64_t time;
	uint64_t size;
	uint8_t digest[DIGEST_BYTES];
	struct spool_rcpt *rcpts;
	unsigned n_rcpts;
};

void envelope_put(const struct spool_envelope *e, struct buf *out);
/* The line for one recipient's new state. */
void envelope_put_state(unsigned rcpt, enum rcpt_state state, struct buf *out);

/* 0, or -1 with ERR_CORRUPT (not one of ours, or cut off before "end") or
 * ERR_LIMIT. */
int envelope_parse(struct slice text, struct arena *arena,
    struct spool_envelope *out, struct err *err) MUST_CHECK;

#endif
