/* SPDX-License-Identifier: ISC */
/* One POP3 connection: lines in, rows called, both before and after login. */
#include <assert.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/fetch.h"
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
	[ERR_BUSY] = "[IN-USE] The mailbox is in use, try again later",
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

/* A number of the snapshot that is not deleted (RFC 1939 5). */
static bool
take_message(struct pop3_session *s, struct slice word)
{
	uint32_t n;

	if (word.n > 10 || slice_u32(word, s->n_messages, &n) == -1 || n == 0) {
		(void)pop3_err(s, "No such message");
		return false;
	}
	if (s->messages[n - 1].is_deleted) {
		(void)pop3_err(s, "The message is deleted");
		return false;
	}
	s->number = n;
	return true;
}

static bool
take_args(struct pop3_session *s, enum pop3_args what, struct slice args)
{
	struct slice word;

	s->number = 0;
	s->args = args;
	switch (what) {
	case ARGS_TEXT:
		return true;
	case ARGS_NONE:
		if (args.n > 0)
			(void)pop3_err(s, "Takes no argument");
		return args.n == 0;
	case ARGS_MAYBE_MESSAGE:
		return args.n == 0 || take_message(s, args);
	case ARGS_MESSAGE:
		return take_message(s, args);
	case ARGS_MESSAGE_LINES:
		slice_cut(&args, ' ', &word);
		if (!take_message(s, word))
			return false;
		if (slice_u32(slice_trim(args), UINT32_MAX, &s->lines) == 0)
			return true;
		(void)pop3_err(s, "TOP needs a message and a number of lines");
		return false;
	}
	return false;
}

/* A line was read: find its row. STEP_AGAIN: a command has begun. */
static enum step
begin(struct pop3_session *s, struct slice line)
{
	const struct pop3_verb *v;
	struct slice word;

	if (s->sasl != NULL)
		return pop3_auth_line(s, line);
	/* a password may end in a blank: only the word is cut off */
	slice_cut(&line, ' ', &word);
	v = find_verb(s, word);
	if (v == NULL)
		return pop3_err(s, "No such command here");
	if (!take_args(
		s, v->args, v->args == ARGS_TEXT ? line : slice_trim(line)))
		return STEP_FAIL;
	s->verb = v;
	s->cursor = 0;
	return STEP_AGAIN;
}

/* ---- lines ---- */

/* The next line, with CRLF or LF, into s->line: 1, or 0 for none. */
static int
next_line(struct pop3_session *s)
{
	struct slice in = conn_in(s->conn);
	ptrdiff_t end = slice_find(in, '\n');
	size_t n = end == -1 ? in.n : (size_t)end;

	if (end == -1 && in.n < MAX_POP3_LINE)
		return 0;
	s->is_swallowing |= n >= MAX_POP3_LINE;
	buf_reset(&s->line);
	if (!s->is_swallowing)
		buf_put(&s->line, in.p, n);
	conn_consume(s->conn, end == -1 ? n : n + 1);
	if (end == -1)
		return 0;
	if (s->line.n > 0 && s->line.p[s->line.n - 1] == '\r')
		buf_truncate(&s->line, s->line.n - 1);
	return 1;
}

static enum step
read_command(struct pop3_session *s)
{
	enum step r;

	if (next_line(s) == 0)
		return STEP_INPUT;
	if (s->is_swallowing) {
		s->is_swallowing = false;
		r = pop3_err(s, "The line is too long");
	} else {
		r = begin(s, buf_slice(&s->line));
	}
	if (r == STEP_FAIL && ++s->bad > MAX_BAD_COMMANDS)
		return STEP_FAIL;
	if (r != STEP_FAIL)
		s->bad = 0;
	return r == STEP_FAIL ? STEP_DONE : r;
}

/* One step of whatever is to be done. */
static enum step
work(struct pop3_session *s)
{
	enum step r;

	if (s->state == POP3_LOADING)
		return pop3_load(s);
	if (s->verb == NULL)
		return read_command(s);
	r = s->verb->step(s);
	if (r == STEP_DONE || r == STEP_FAIL)
		s->verb = NULL;
	return r == STEP_FAIL ? STEP_DONE : r;
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

	(void)hello;
	s->id = info->id;
	s->info = info;
	s->user = u;
	s->has_tls = info->is_tls;
	s->is_loopback = info->is_loopback;
	buf_init(&s->line, MAX_POP3_LINE);
	if (mailbox_open(u->mailboxes, SLICE("INBOX"), &s->box, err) == -1) {
		buf_free(&s->line);
		xfree(s);
		return -1;
	}
	s->view = view_open(s->box, true);
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
	timer_stop(&s->retry);
	fetch_close(&s->fetch);
	view_close(&s->view);
	mailbox_close(&s->box);
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
