/* SPDX-License-Identifier: ISC */
/* One POP3 connection: lines in, rows called, both before and after login. */
#include <assert.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/fetch.h"
#include "libmaildir/io.h"
#include "libmaildir/store.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "pop3d/pop3_session.h"

void
pop3_enter(struct pop3_session *s, enum pop3_state to)
{
	s->state = to;
	log_debug(s->id, "state", "to", LOG_U64(to), NULL);
}

void
pop3_ok(struct pop3_session *s, const char *text)
{
	out_printf(conn_out(s->conn), "+OK %s\r\n", text);
}

enum step
pop3_err(struct pop3_session *s, const char *text)
{
	out_printf(conn_out(s->conn), "-ERR %s\r\n", text);
	return STEP_FAIL;
}

/* In flush.error until the flusher has put its answer there: a step is not
 * called before, whatever else wakes the connection. */
#define FLUSH_IN_FLIGHT (-1)

/* RFC 2449 8, RFC 3206: what may pass and what will not. */
static const char *const fail_words[] = {
	[ERR_OK] = "[SYS/TEMP] Something is wrong",
	[ERR_TEMP] = "[SYS/TEMP] Temporary failure, try again later",
	[ERR_NOSPACE] = "[SYS/TEMP] No space on the server",
	[ERR_QUOTA] = "[SYS/TEMP] Over quota",
	[ERR_LIMIT] = "[SYS/PERM] Too much for this server",
	[ERR_INVALID] = "Not possible",
	[ERR_NOTFOUND] = "No such message",
	[ERR_EXISTS] = "Is there already",
	[ERR_DENIED] = "[SYS/PERM] Not allowed",
	[ERR_GONE] = "The message was deleted by another session",
	[ERR_BUSY] = "[SYS/TEMP] Another program holds the mailbox",
	[ERR_CORRUPT] = "[SYS/TEMP] The message cannot be read",
	[ERR_UNSUPPORTED] = "[SYS/PERM] Not supported",
	[ERR_CLOSED] = "[SYS/TEMP] Connection lost",
};
static_assert(N_ELEMENTS(fail_words) == ERR_COUNT, "words for every error");

enum step
pop3_fail(struct pop3_session *s, const struct err *err)
{
	log_err(s->id, "command failed", err);
	(void)pop3_err(s, fail_words[err->code]);
	return STEP_DONE;
}

/* ---- commands ---- */

static const struct pop3_verb *
find_verb(struct pop3_session *s, struct slice name)
{
	const struct pop3_verb *v =
	    s->state == POP3_LOGIN ? pop3_verbs_login : pop3_verbs_transaction;

	for (; v->name != NULL; v++)
		if (slice_ieq_str(name, v->name))
			return v;
	return NULL;
}

static const char *
take_args(struct pop3_session *s, enum pop3_args what, struct slice rest)
{
	struct pop3_command c;
	const char *no = pop3_parse_args(what, rest, s->n_messages, &c);

	if (no != NULL)
		return no;
	/* RFC 1939 5 */
	if (c.number != 0 && s->messages[c.number - 1].is_deleted)
		return "The message is deleted";
	s->number = c.number;
	s->lines = c.lines;
	s->args = c.text;
	return NULL;
}

/* A line was read: find its row. STEP_AGAIN: a command has begun. */
static enum step
begin(struct pop3_session *s, struct slice line)
{
	const struct pop3_verb *v;
	struct slice word, rest;
	const char *no;

	if (s->sasl != NULL)
		return pop3_auth_line(s, line);
	v = pop3_parse_word(line, &word, &rest) ? find_verb(s, word) : NULL;
	if (v == NULL)
		return pop3_err(s, "No such command here");
	no = take_args(s, v->args, rest);
	if (no != NULL)
		return pop3_err(s, no);
	s->verb = v;
	s->cursor = 0;
	return STEP_AGAIN;
}

/* ---- lines ---- */

static enum step
read_command(struct pop3_session *s)
{
	size_t used;
	enum pop3_took took = pop3_parse_line(
	    conn_in(s->conn), &s->is_swallowing, &s->line, &used);

	conn_consume(s->conn, used);
	switch (took) {
	case POP3_TOOK_LINE:
		return begin(s, buf_slice(&s->line));
	case POP3_TOOK_LONG:
		return pop3_err(s, "The line is too long");
	case POP3_TOOK_NOTHING:
		break;
	}
	return STEP_INPUT;
}

/* One step of whatever is to be done. STEP_FAIL: too many bad commands. */
static enum step
work(struct pop3_session *s)
{
	enum step r;

	if (s->state == POP3_LOADING)
		return pop3_load(s);
	r = s->verb == NULL ? read_command(s) : s->verb->step(s);
	if (r == STEP_FAIL) {
		s->verb = NULL;
		return ++s->bad > MAX_BAD_COMMANDS ? STEP_FAIL : STEP_DONE;
	}
	if (r == STEP_DONE) {
		s->verb = NULL;
		s->bad = 0;
	}
	return r;
}

/* Between commands: closed without a word, as RFC 1939 wants it. */
static bool
may_end(const struct pop3_session *s)
{
	return s->user != NULL && s->user->se->is_draining && s->verb == NULL;
}

void
pop3_run(struct conn *c, void *arg)
{
	struct pop3_session *s = arg;
	enum step r;

	if (conn_is_dead(c)) {
		pop3_close(s, conn_death(c));
		return;
	}
	if (s->flush.error == FLUSH_IN_FLIGHT) {
		conn_want(c, WANT_FLUSH);
		return;
	}
	while (conn_slice_left(c)) {
		if (may_end(s)) {
			pop3_close(s, "drain");
			return;
		}
		if (conn_out_is_high(c)) {
			conn_want(c, WANT_DRAIN);
			return;
		}
		r = work(s);
		/* closed by its command */
		if (s->conn == NULL || (s->fe != NULL && s->fe->is_closing))
			return;
		switch (r) {
		case STEP_DONE:
		case STEP_AGAIN:
			break;
		case STEP_INPUT:
			if (conn_eof(c))
				pop3_close(s, "eof");
			else
				conn_want(c, WANT_IN);
			return;
		case STEP_DRAIN:
			conn_want(c, WANT_DRAIN);
			return;
		case STEP_FLUSH:
			s->flush.error = FLUSH_IN_FLIGHT;
			conn_flush_set(c, &s->flush);
			conn_want(c, WANT_FLUSH);
			return;
		case STEP_EVENT:
			conn_want(c, 0);
			return;
		case STEP_FAIL: /* it is over */
			(void)pop3_err(s, "Too many bad commands");
			pop3_close(s, "bad_commands");
			return;
		}
	}
	conn_want(c, WANT_SOON);
}

/* ---- in the process of the user ---- */

static int
pop3_user_start(struct session *se, struct err *err)
{
	const struct account *a = se->account;
	struct pop3_user *u = xcalloc(1, sizeof *u);
	struct store_conf conf = {
		.mail = a->mail,
		.control = a->control[0] == '\0' ? NULL : a->control,
		.separator = conf_str(se->conf, "separator")[0],
		.namespace_prefix = conf_str(se->conf, "namespace_prefix"),
		.names_utf8 =
		    strcmp(conf_str(se->conf, "folder_names"), "utf8") == 0,
		.create = true,
		.check_owner = true,
		.uid = a->uid,
		.gid = a->gid,
		.stamp_grain_us =
		    (uint32_t)conf_ms(se->conf, "stamp_grain") * 1000,
		.quota_bytes = a->quota_bytes,
		.quota_messages = a->quota_messages,
	};
	struct mailboxes_conf boxes = { .stamp_grain_us = conf.stamp_grain_us };

	u->se = se;
	LIST_INIT(&u->sessions);
	se->state = u;
	if (store_open(&conf, &u->store, err) == -1)
		return -1;
	u->mailboxes = mailboxes_new(u->store, &boxes);
	return 0;
}

static void
pop3_user_end(struct session *se)
{
	struct pop3_user *u = se->state;

	if (u == NULL)
		return;
	mailbox_close(&u->box);
	mailboxes_free(&u->mailboxes);
	store_close(u->store);
	xfree(u);
	se->state = NULL;
}

static void
on_timeout(struct conn *c, void *arg)
{
	(void)c;
	/* RFC 1939 3: closed without a word, nothing deleted */
	pop3_close(arg, "timeout");
}

static void
retry(void *arg)
{
	struct pop3_session *s = arg;

	conn_wake(s->conn);
}

int
pop3_open_inbox(struct pop3_session *s, struct err *err)
{
	struct pop3_user *u = s->user;
	struct err only_slower;

	if (mailbox_open(u->mailboxes, SLICE("INBOX"), &s->box, err) == -1)
		return -1;
	if (s->box != u->box) {
		mailbox_close(&u->box);
		(void)!mailbox_open(
		    u->mailboxes, SLICE("INBOX"), &u->box, &only_slower);
	}
	s->view = view_open(s->box, true);
	return 0;
}

enum step
pop3_wait_for_lock(struct pop3_session *s)
{
	timer_start_ms(&s->retry, MAILBOX_RETRY_MS);
	return STEP_EVENT;
}

static int
pop3_attach(struct session *se, struct session_link *link, struct slice hello,
    const struct attach_info *info, struct err *err)
{
	struct pop3_user *u = se->state;
	struct pop3_session *s = xcalloc(1, sizeof *s);
	struct conn_conf conf = { .max_in = MAX_POP3_LINE + 2,
		.on_ready = pop3_run,
		.on_timeout = on_timeout,
		.arg = s };

	s->id = info->id;
	s->info = info;
	s->user = u;
	s->has_tls = info->is_tls;
	s->is_loopback = info->is_loopback;
	s->is_utf8 = slice_eq_str(hello, POP3_HELLO_UTF8);
	buf_init(&s->line, MAX_POP3_LINE);
	seqset_init(&s->doomed, MAX_VIEW_RANGES);
	s->login_fd = -1;
	if (pop3_open_inbox(s, err) == -1) {
		buf_free(&s->line);
		xfree(s);
		return -1;
	}
	LIST_INSERT_HEAD(&u->sessions, s, entry);
	pop3_enter(s, POP3_LOADING);
	s->conn = session_conn(link, &conf);
	timer_init(&s->retry, se->loop, retry, s);
	conn_set_timeout_ms(s->conn, conf_ms(se->conf, "pop3_timeout"));
	conn_want(s->conn, WANT_SOON);
	return 0;
}

void
pop3_forget(struct pop3_session *s)
{
	struct err err;

	timer_stop(&s->retry);
	fetch_close(&s->fetch);
	view_close(&s->view);
	if (s->box != NULL && mailbox_write_list(s->box, &err) == -1)
		log_err(s->id, "sizes not kept", &err);
	mailbox_close(&s->box);
	if (s->user != NULL)
		io_close(&s->login_fd);
	pop3_uidls_free(&s->uidls);
	seqset_free(&s->doomed);
	xfree(s->messages);
	s->messages = NULL;
	buf_wipe(&s->line);
	if (s->sasl != NULL)
		sasl_wipe(s->sasl);
	xfree(s->sasl);
	s->sasl = NULL;
}

void
pop3_close(struct pop3_session *s, const char *reason)
{
	struct session *se;
	const struct attach_info *info = s->info;

	if (s->fe != NULL) {
		s->conn = NULL;
		frontend_close(s->fe, reason);
		return;
	}
	se = s->user->se;
	log_info(s->id, "closed", "reason", reason, "in",
	    LOG_U64(conn_bytes_in(s->conn)), "out",
	    LOG_U64(conn_bytes_out(s->conn)), NULL);
	conn_close(&s->conn);
	LIST_REMOVE(s, entry);
	pop3_forget(s);
	/* the caller still looks at s->conn */
	loop_defer(se->loop, xfree, s);
	session_closed(se, info);
}

static void
pop3_drain(struct session *se)
{
	struct pop3_user *u = se->state;
	struct pop3_session *s;

	LIST_FOREACH(s, &u->sessions, entry)
		conn_wake(s->conn);
}

const struct session_ops pop3_session_ops = {
	.start = pop3_user_start,
	.attach = pop3_attach,
	.drain = pop3_drain,
	.end = pop3_user_end,
};
