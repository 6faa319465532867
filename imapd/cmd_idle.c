/* SPDX-License-Identifier: ISC */
/* IDLE (RFC 2177): the first change is told at once, what follows closely is
 * gathered. */
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/update.h"
#include "libbase/clock.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* After something was told, what comes within this time waits for its end. */
#define GATHER_MS 15

enum phase {
	BEGIN,
	ON
};

struct idle_ctx {
	uint64_t told_us; /* last time something was told */
	bool is_refreshing;
};

static void
idle_begin(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;

	/* after unpacking it goes on without a word: ctx was that of park.c */
	if (cmd->ctx == NULL) {
		imap_continue(s, "idling");
		s->n_commands++;
	}
	cmd->ctx = arena_zero(cmd->arena, sizeof(struct idle_ctx));
	cmd->phase = ON;
	cmd->listens = true;
	s->is_idling = true;
}

static void
idle_drop(struct imap_cmd *cmd)
{
	cmd->s->is_idling = false;
	timer_stop(&cmd->s->retry);
}

/* STEP_AGAIN: no line yet; STEP_DONE: the reply is set. */
static enum step
idle_listen(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct slice line;
	size_t used;
	enum imap_parse r;

	r = imap_input_line(&s->input, conn_in(s->conn), &used, &line);
	conn_consume(s->conn, used);
	if (r == PARSE_MORE)
		return STEP_AGAIN;
	if (r == PARSE_READY && slice_ieq_str(line, "DONE"))
		return STEP_DONE;
	return imap_bad(cmd, "DONE expected");
}

/* When to look again, though nothing happens. */
static void
set_alarm(struct imap_session *s)
{
	uint64_t at = mailbox_refresh_at_us(s->box);
	uint64_t now = clock_mono_us();

	if (at != 0)
		timer_start_ms(&s->retry, at > now ? (at - now) / 1000 + 1 : 1);
	else if (!mailbox_is_watched(s->box))
		timer_start_ms(&s->retry, s->user->poll_ms);
}

/* Tell what is new. STEP_EVENT: all is told, or will be when the timer says. */
static enum step
idle_tell(struct imap_cmd *cmd, struct idle_ctx *x)
{
	struct imap_session *s = cmd->s;
	uint64_t since;
	enum step r;

	if (x->is_refreshing || s->must_look || mailbox_is_dirty(s->box) ||
	    mailbox_refresh_at_us(s->box) != 0) {
		x->is_refreshing = true;
		s->must_look = false;
		r = view_refresh(s->view, cmd->flush, &cmd->err);
		if (r == STEP_EVENT)
			timer_start_ms(&s->retry, MAILBOX_RETRY_MS);
		if (r != STEP_DONE)
			return r;
		x->is_refreshing = false;
		imap_user_changed(s->user, s);
	}
	set_alarm(s);
	if (!update_has_news(s))
		return STEP_EVENT;
	since = (clock_mono_us() - x->told_us) / 1000;
	if (x->told_us != 0 && since < GATHER_MS) {
		timer_start_ms(&s->retry, GATHER_MS - since);
		return STEP_EVENT;
	}
	(void)update_tell(s, true);
	x->told_us = clock_mono_us();
	return STEP_EVENT;
}

static enum step
idle_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	enum step r;

	if (cmd->phase == BEGIN)
		idle_begin(cmd);
	r = idle_listen(cmd);
	if (r != STEP_AGAIN)
		return r;
	if (s->state != IMAP_SELECTED)
		return STEP_EVENT;
	if (imap_is_full(s))
		return STEP_DRAIN;
	r = idle_tell(cmd, cmd->ctx);
	if (r == STEP_FAIL && cmd->err.code == ERR_GONE) {
		s->is_gone = true;
		return imap_no(cmd, "NONEXISTENT", "The mailbox was deleted");
	}
	return r;
}

const struct imap_verb imap_verbs_idle[] = {
	{ .name = "IDLE",
	    .flags = IN_USER | BREAKS_SEQ,
	    .capability = "IDLE",
	    .step = idle_step,
	    .drop = idle_drop },
	{ .name = NULL },
};
