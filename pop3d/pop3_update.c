/* SPDX-License-Identifier: ISC */
/*
 * QUIT after login (RFC 1939 6): the deletions, a portion at a time, each under
 * the lock of the list, so that two sessions do not delete at once and no other
 * program gives the keyword's letter away meanwhile. The lock is never held
 * while others are served.
 */
#include <stdio.h>

#include "libmaildir/io.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "pop3d/pop3_session.h"

#define PORTION 100 /* files removed before others are served */

static void
note_failure(struct pop3_session *s, uint32_t n, const struct err *err)
{
	if (s->n_failed == 0) { /* one line, not one a message */
		log_err(s->id, "not deleted", err);
		s->why_failed = err->code;
	}
	s->n_failed += n;
}

/* Each removes a portion behind the cursor. 1: there is more, 0. */
static int
remove_some(struct pop3_session *s, struct err *err)
{
	int more;

	while ((more = view_expunge(
		    s->view, &s->doomed, true, &s->cursor, PORTION, err)) == -1)
		note_failure(s, 1, err);
	return more;
}

/* pop3_keep: hidden from POP3, not removed. */
static int
hide_some(struct pop3_session *s, struct err *err)
{
	struct flag_change how = { .op = FLAG_ADD };
	unsigned n = 0;

	if (mailbox_keyword_held(
		s->box, SLICE(POP3_KEYWORD), &how.keywords, err) == -1)
		how.keywords = 0;
	for (; s->cursor < s->n_messages && n < PORTION; s->cursor++) {
		struct pop3_message *m = &s->messages[s->cursor];

		if (!m->is_deleted)
			continue;
		n++;
		if (how.keywords == 0 ||
		    (mailbox_change(s->box, m->rec, &how, s->view, err) == -1 &&
			err->code != ERR_GONE))
			note_failure(s, 1, err);
	}
	return s->cursor < s->n_messages;
}

static void
answer(struct pop3_session *s)
{
	char text[80];

	if (s->n_failed == 0)
		pop3_ok(s, "Bye");
	else {
		snprintf(text, sizeof text,
		    "[SYS/%s] %u deleted messages are still here",
		    s->why_failed == ERR_LIMIT || s->why_failed == ERR_DENIED ?
			"PERM" :
			"TEMP",
		    s->n_failed);
		(void)pop3_err(s, text);
	}
	pop3_close(s, "quit");
}

static void
collect(struct pop3_session *s)
{
	uint32_t i;

	for (i = 0; i < s->n_messages; i++)
		if (s->messages[i].is_deleted)
			seqset_add(&s->doomed, s->messages[i].rec->uid,
			    s->messages[i].rec->uid);
}

/* What was to be deleted behind the cursor, which is a UID, or (is_kept) a
 * place in the snapshot. */
static uint32_t
count_left(const struct pop3_session *s)
{
	uint32_t i, n = 0;

	for (i = s->is_kept ? s->cursor : 0; i < s->n_messages; i++)
		n += s->messages[i].is_deleted &&
		    (s->is_kept || s->messages[i].rec->uid > s->cursor);
	return n;
}

enum step
pop3_quit(struct pop3_session *s)
{
	struct err err;
	int held, more = 0;

	if (s->state == POP3_TRANSACTION) {
		pop3_enter(s, POP3_UPDATE);
		s->is_kept = conf_ms(s->user->se->conf, "pop3_keep") > 0;
		collect(s);
	}
	if (s->doomed.n > 0) {
		held = mailbox_hold(s->box, &err);
		if (held == 0)
			return pop3_wait_for_lock(s);
		/* Mail can be removed without room for the lock. */
		if (held == 1 || (err.code != ERR_BUSY && !s->is_kept))
			more = s->is_kept ? hide_some(s, &err) :
					    remove_some(s, &err);
		else
			note_failure(s, count_left(s), &err);
		if (held == 1)
			mailbox_release(s->box);
	}
	if (more != 0)
		return STEP_AGAIN;
	answer(s);
	return STEP_INPUT;
}
