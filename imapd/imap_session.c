/* SPDX-License-Identifier: ISC */
/* One IMAP connection: read a command, run it, tell what is new, reply. */
#include <assert.h>
#include <string.h>

#include "imapd/condstore.h"
#include "imapd/fetch_source.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/update.h"
#include "libauth/sasl.h"
#include "libbase/mem.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"
#include "libserver/frontend.h"
#include "libserver/log.h"

/* Before login a client may hold less: ID's 30 pairs fit (RFC 2971 3.3). */
#define NOAUTH_LINE  (40 * KIB)
#define NOAUTH_ARENA (256 * KIB)

/* In flush.error until the flusher has put its answer there: a step is not
 * called before, whatever else wakes the connection. */
#define FLUSH_IN_FLIGHT (-1)

enum go {
	GO_ON,    /* something was done; go on while there is time */
	GO_WAIT,  /* *wish says for what */
	GO_CLOSED /* the session is gone */
};

static void
on_retry(void *arg)
{
	struct imap_session *s = arg;

	conn_wake(s->conn);
}

void
imap_session_init(struct imap_session *s, struct conn *c)
{
	memset(s, 0, sizeof(*s));
	s->conn = c;
	s->state = IMAP_NOAUTH;
	seqset_init(&s->saved, MAX_VIEW_RANGES);
	arena_init(&s->arena, NOAUTH_ARENA);
	imap_input_init(&s->input, &s->arena);
	s->input.max_line = NOAUTH_LINE;
	s->input.max_literal = MAX_LITERAL_NOAUTH;
	timer_init(&s->retry, conn_loop(c), on_retry, s);
}

static void
drop_command(struct imap_session *s)
{
	if (s->has_run && s->cmd.verb->drop != NULL)
		s->cmd.verb->drop(&s->cmd);
	s->has_run = false;
}

static void
leave_mailbox(struct imap_session *s)
{
	fetch_source_free(&s->source);
	view_close(&s->view);
	mailbox_close(&s->box);
	xfree(s->mailbox_name);
	s->mailbox_name = NULL;
	if (s->stale != NULL) {
		seqset_free(s->stale);
		xfree(s->stale);
	}
	s->stale = NULL;
	seqset_free(&s->saved);
	s->is_read_only = false;
	s->is_gone = false;
	s->must_look = false;
	s->has_no_modseq = s->told_vanished = false;
	s->modseq_told = s->modseq_cap = 0;
}

void
imap_session_free(struct imap_session *s)
{
	timer_stop(&s->retry);
	drop_command(s);
	leave_mailbox(s);
	imap_input_free(&s->input);
	arena_free(&s->arena);
	if (s->sasl != NULL) {
		sasl_wipe(s->sasl);
		xfree(s->sasl);
	}
	s->sasl = NULL;
}

unsigned
imap_state_bit(const struct imap_session *s)
{
	switch (s->state) {
	case IMAP_NOAUTH:
		return IN_NOAUTH;
	case IMAP_AUTH:
		return IN_AUTH;
	case IMAP_SELECTED:
		return IN_SELECTED;
	case IMAP_LOGOUT:
		break;
	}
	return 0;
}

bool
imap_is_full(const struct imap_session *s)
{
	return conn_out_is_high(s->conn);
}

/*
 * NOAUTH -> AUTH [imap_user.c: attach]
 * AUTH -> SELECTED [select_step, unpack], SELECTED -> AUTH [close, unselect]
 * any -> LOGOUT [logout_step, BYE]
 */
void
imap_enter(struct imap_session *s, enum imap_state to)
{
	static const char *const names[] = { "noauth", "auth", "selected",
		"logout" };

	if (s->state == IMAP_SELECTED)
		assert(to != IMAP_NOAUTH);
	if (to != IMAP_SELECTED)
		leave_mailbox(s);
	if (s->state == IMAP_NOAUTH && to == IMAP_AUTH) {
		s->arena.max = MAX_COMMAND_ARENA;
		s->input.max_line = MAX_IMAP_LINE;
		s->input.max_literal = MAX_LITERAL_ARG;
		s->input.max_stream = s->user->message_size;
	}
	log_debug(
	    s->id, "state", "from", names[s->state], "to", names[to], NULL);
	s->state = to;
}

/* ---- the end ---- */

static void
close_session(struct imap_session *s, const char *reason)
{
	if (s->user != NULL) {
		imap_user_close(s, reason);
		return;
	}
	s->is_closed = true;
	frontend_close(s->fe, reason);
}

void
imap_timed_out(struct imap_session *s)
{
	/* who neither reads nor writes; a command that works is alive */
	if ((conn_wanted(s->conn) & (WANT_IN | WANT_DRAIN)) == 0)
		return;
	imap_bye(s, NULL, "Idle for too long");
	close_session(s, "idle");
}

void
imap_drain(struct imap_session *s)
{
	s->is_draining = true;
	if (s->phase != PHASE_READ && !s->cmd.listens)
		return; /* imap_finish looks again */
	imap_bye(s, "UNAVAILABLE", "Server is going down");
	close_session(s, "drain");
}

void
imap_cut_short(struct imap_session *s)
{
	if (s->phase == PHASE_RUN && conn_wanted(s->conn) == WANT_IN) {
		(void)imap_no(&s->cmd, "UNAVAILABLE", "Server is going down");
		imap_reply_tagged(&s->cmd);
	}
	imap_bye(s, "UNAVAILABLE", "Server is going down");
	close_session(s, "drain");
}

/* ---- reading ---- */

/* The command that input holds becomes s->cmd, with nothing replied yet. */
static void
fill_cmd(struct imap_session *s)
{
	struct imap_cmd *cmd = &s->cmd;

	cmd->s = s;
	cmd->tag = s->input.tag;
	cmd->is_uid = s->input.is_uid;
	cmd->args = s->input.args;
	cmd->arena = &s->arena;
	cmd->flush = &s->flush;
}

/* Complete, or up to its streamed literal: check it and let it run, or set its
 * reply. */
static void
start_command(struct imap_session *s, enum imap_parse r)
{
	struct imap_cmd *cmd = &s->cmd;
	bool ok = false;

	fill_cmd(s);
	if (cmd->verb == NULL)
		(void)imap_bad(cmd, "Unknown command");
	else if (!command_may_run(cmd) || !command_read_args(cmd))
		ok = false;
	else if (r != PARSE_STREAM && (cmd->verb->flags & STREAMS) != 0)
		(void)imap_bad(cmd, "Literal expected");
	else
		ok = true;
	if (ok) {
		s->uses_uid = s->uses_uid || cmd->is_uid;
		s->phase = PHASE_RUN;
		return;
	}
	s->phase = PHASE_SYNC;
	if (r == PARSE_STREAM) {
		(void)err_set(&s->input.err, ERR_INVALID, "refused");
		imap_input_refuse(&s->input);
		s->phase = PHASE_EMPTY;
	}
}

/* A command that was no command: the tokenizer says why. */
static void
refuse_line(struct imap_session *s)
{
	struct imap_cmd *cmd = &s->cmd;

	fill_cmd(s);
	s->phase = PHASE_SYNC;
	if (s->input.err.code == ERR_NOSPACE)
		(void)imap_no(cmd, "TOOBIG", s->input.err.text);
	else
		(void)imap_bad(cmd, s->input.err.text);
	/* nothing is told with it: it never was a command */
	cmd->verb = NULL;
}

/* Feed the tokenizer with what there is. */
static enum imap_parse
feed(struct imap_session *s)
{
	struct slice in = conn_in(s->conn);
	enum imap_parse r;
	size_t used;

	r = imap_input_feed(&s->input, in, &used);
	conn_consume(s->conn, used);
	return r;
}

static enum go
too_much_input(struct imap_session *s)
{
	imap_bye(s, "TOOBIG", "Too much input");
	close_session(s, "too much input");
	return GO_CLOSED;
}

static enum go
read_phase(struct imap_session *s, unsigned *wish)
{
	if (imap_is_full(s)) {
		/* one who pipelines and never reads is not served on */
		*wish = WANT_DRAIN;
		return GO_WAIT;
	}
	switch (feed(s)) {
	case PARSE_MORE:
		*wish = WANT_IN;
		return GO_WAIT;
	case PARSE_VERB:
		s->cmd.verb = command_find(s->input.name, s->input.is_uid);
		if (s->cmd.verb != NULL) {
			s->input.streams = (s->cmd.verb->flags & STREAMS) != 0;
			s->input.sections =
			    (s->cmd.verb->flags & SECTIONS) != 0;
		}
		return GO_ON;
	case PARSE_CONTINUE:
		imap_continue(s, NULL);
		return GO_ON;
	case PARSE_READY:
		start_command(s, PARSE_READY);
		return GO_ON;
	case PARSE_STREAM:
		start_command(s, PARSE_STREAM);
		return GO_ON;
	case PARSE_BAD:
		refuse_line(s);
		return GO_ON;
	case PARSE_CLOSE:
		break;
	}
	return too_much_input(s);
}

/* The reply is known, but the client still sends what belongs to it. */
static enum go
empty_phase(struct imap_session *s, unsigned *wish)
{
	switch (feed(s)) {
	case PARSE_MORE:
		*wish = WANT_IN;
		return GO_WAIT;
	case PARSE_BAD:
		s->phase = PHASE_SYNC;
		return GO_ON;
	case PARSE_VERB:
	case PARSE_CONTINUE:
	case PARSE_READY:
	case PARSE_STREAM:
		assert(0 && "refused, yet parsed on");
		break;
	case PARSE_CLOSE:
		break;
	}
	return too_much_input(s);
}

/* ---- running ---- */

/* What a step that is not finished waits for. */
static enum go
wait_for(struct imap_session *s, enum step r, unsigned *wish)
{
	switch (r) {
	case STEP_AGAIN:
		return GO_ON;
	case STEP_INPUT:
		*wish = WANT_IN;
		return GO_WAIT;
	case STEP_DRAIN:
		*wish = WANT_DRAIN;
		return GO_WAIT;
	case STEP_FLUSH:
		s->flush.error = FLUSH_IN_FLIGHT;
		conn_flush_set(s->conn, &s->flush);
		*wish = WANT_FLUSH;
		return GO_WAIT;
	case STEP_EVENT:
		*wish = 0;
		if (s->cmd.listens)
			*wish = WANT_IN;
		else if (s->user != NULL)
			timer_start_ms(&s->retry, MAILBOX_RETRY_MS);
		return GO_WAIT;
	case STEP_DONE:
	case STEP_FAIL:
		break;
	}
	assert(0 && "not a wish");
	return GO_WAIT;
}

static enum go
run_phase(struct imap_session *s, unsigned *wish)
{
	enum step r;

	s->has_run = true;
	r = s->cmd.verb->step(&s->cmd);
	if (s->is_closed)
		return GO_CLOSED;
	if (r != STEP_DONE && r != STEP_FAIL)
		return wait_for(s, r, wish);
	if (r == STEP_FAIL)
		(void)imap_fail(&s->cmd);
	if (r == STEP_FAIL && (s->cmd.verb->flags & IS_SILENT) != 0)
		s->is_draining = true; /* no way back: come again */
	s->cmd.listens = false;
	s->phase = PHASE_SYNC;
	if (imap_input_is_draining(&s->input))
		s->phase = PHASE_EMPTY;
	return GO_ON;
}

/* ---- what is new, and the reply ---- */

static bool
may_tell(const struct imap_session *s)
{
	return s->state == IMAP_SELECTED && !s->is_gone &&
	    s->cmd.verb != NULL && (s->cmd.verb->flags & NO_UPDATES) == 0;
}

/* Bring the view up to date and tell what may be told. */
static enum step
sync_step(struct imap_session *s)
{
	bool wants = (s->cmd.verb->flags & BREAKS_SEQ) != 0;
	bool holds = (s->cmd.verb->flags & USES_SEQ) != 0 && !s->cmd.is_uid;
	struct err err;
	enum step r;

	/* what was done before this command is known when it is answered */
	if (!s->is_syncing)
		imap_user_look(s->user);
	if (s->is_syncing || wants || s->must_look ||
	    mailbox_is_dirty(s->box)) {
		s->is_syncing = true;
		s->must_look = false;
		r = view_refresh(s->view, &s->flush, &err);
		if (r == STEP_FAIL && err.code == ERR_GONE) {
			s->is_gone = true;
			return STEP_DONE;
		}
		if (r == STEP_FAIL)
			log_err(s->id, "refresh", &err);
		else if (r != STEP_DONE)
			return r;
		s->is_syncing = false;
	}
	(void)update_tell(s, !holds);
	return STEP_DONE;
}

/* Reply, forget the command, see whether the connection goes on. */
static enum go
finish(struct imap_session *s)
{
	bool is_bad = s->cmd.status == IMAP_BAD;
	bool is_gone = s->is_gone && s->state == IMAP_SELECTED;
	bool silent =
	    s->cmd.verb != NULL && (s->cmd.verb->flags & IS_SILENT) != 0;

	condstore_finish(&s->cmd);
	if (!silent)
		imap_reply_tagged(&s->cmd);
	drop_command(s);
	memset(&s->cmd, 0, sizeof(s->cmd));
	imap_input_reset(&s->input);
	arena_reset(&s->arena);
	s->phase = PHASE_READ;
	s->n_commands++;
	s->bad = is_bad ? s->bad + 1 : 0;
	if (s->user != NULL)
		imap_user_changed(s->user, s);
	if (s->is_starting_tls) {
		s->is_starting_tls = false;
		frontend_start_tls(s->fe);
		return GO_WAIT; /* run again when TLS stands */
	}
	if (s->state == IMAP_LOGOUT) {
		close_session(s, "logout");
		return GO_CLOSED;
	}
	if (is_gone || s->is_draining || s->bad > MAX_BAD_COMMANDS) {
		imap_bye(s, is_gone || s->is_draining ? "UNAVAILABLE" : NULL,
		    is_gone            ? "The mailbox was deleted" :
			s->is_draining ? "Server is going down" :
					 "Too many bad commands");
		close_session(s,
		    is_gone            ? "mailbox deleted" :
			s->is_draining ? "drain" :
					 "bad commands");
		return GO_CLOSED;
	}
	return GO_ON;
}

static enum go
sync_phase(struct imap_session *s, unsigned *wish)
{
	enum step r = may_tell(s) ? sync_step(s) : STEP_DONE;

	if (r != STEP_DONE)
		return wait_for(s, r, wish);
	return finish(s);
}

void
imap_run(struct imap_session *s)
{
	enum go (*const phases[])(struct imap_session *, unsigned *) = {
		[PHASE_READ] = read_phase,
		[PHASE_RUN] = run_phase,
		[PHASE_EMPTY] = empty_phase,
		[PHASE_SYNC] = sync_phase,
	};
	struct conn *c = s->conn;
	unsigned wish = WANT_IN;
	enum go go = GO_ON;

	if (conn_is_dead(c)) {
		close_session(s, conn_death(c));
		return;
	}
	if (s->flush.error == FLUSH_IN_FLIGHT) {
		conn_want(c, WANT_FLUSH);
		return;
	}
	while (go == GO_ON && conn_slice_left(c))
		go = phases[s->phase](s, &wish);
	if (go == GO_CLOSED)
		return;
	/* time is spent: others first, then we */
	if (go == GO_ON)
		wish = WANT_SOON;
	conn_want(c, wish);
	if (s->user == NULL)
		return;
	imap_user_tend(s->user);
	if (go == GO_WAIT)
		imap_user_rested(s);
}

/* ---- for commands on the selected mailbox ---- */

bool
imap_set_seqs(struct imap_cmd *cmd, struct slice set, struct seqset *seqs)
{
	struct imap_session *s = cmd->s;
	uint32_t n = view_count(s->view);
	struct seqset uids;
	int r;

	if (slice_eq_str(set, "$")) {
		(void)view_seqs_of(s->view, &s->saved, seqs);
		return true;
	}
	if (cmd->is_uid) {
		seqset_init(&uids, MAX_VIEW_RANGES);
		r = seqset_parse(set, view_max_uid(s->view), &uids);
		if (r == 0)
			(void)view_seqs_of(s->view, &uids, seqs);
		seqset_free(&uids);
	} else {
		r = seqset_parse(set, n, seqs);
		if (r == 0 && n == 0 && slice_find(set, '*') >= 0)
			seqset_reset(seqs); /* "1:*" of nothing is nothing */
		else if (r == 0 && seqset_max(seqs) > n)
			r = -1;
	}
	if (r == -1)
		(void)imap_bad(cmd, "No such message");
	return r == 0;
}

bool
imap_set_uids(struct imap_cmd *cmd, struct slice set, struct seqset *uids)
{
	struct seqset seqs;
	bool ok;

	seqset_init(&seqs, MAX_VIEW_RANGES);
	ok = imap_set_seqs(cmd, set, &seqs);
	if (ok)
		(void)view_uids_of(cmd->s->view, &seqs, uids);
	seqset_free(&seqs);
	return ok;
}
