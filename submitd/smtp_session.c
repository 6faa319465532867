/* SPDX-License-Identifier: ISC */
/* One client of submitd: lines in, rows called, answers of the queue. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "submitd/smtp_reply.h"
#include "submitd/smtp_session.h"

#define MAX_LOGIN_FAILURES 10 /* of one connection; auth slows them anyhow */

void
smtp_enter(struct smtp_session *s, enum smtp_state to)
{
	s->state = to;
	log_debug(s->fc->id, "state", "to", LOG_U64(to), NULL);
}

void
smtp_reply(struct smtp_session *s, int code, const char *text)
{
	out_printf(conn_out(s->fc->conn), "%d %s\r\n", code, text);
}

void
smtp_reply_words(struct smtp_session *s, const struct smtp_words *w)
{
	smtp_reply(s, w->code, w->text);
}

const char *
smtp_hostname(const struct smtp_session *s)
{
	return conf_str(frontend_conf(s->fc), "hostname");
}

bool
smtp_ask(struct smtp_session *s, uint16_t type, enum smtp_wait wait,
    struct slice address, uint64_t size)
{
	struct ipc_spool_conn fixed = { .conn = s->fc->id, .size = size };
	struct ipc_peer *queue = role_peer(s->fc->role, R_QUEUE, 0);
	struct ipc_out o;

	ipc_begin(&o, type, &fixed, sizeof fixed);
	if (type == IPC_SPOOL_MAIL || type == IPC_SPOOL_RCPT ||
	    type == IPC_SPOOL_OWNS)
		ipc_put_slice(&o, address);
	if (ipc_send(queue, &o) == 0) {
		s->wait = wait;
		return true;
	}
	if (wait != WAIT_NOBODY && wait != WAIT_OWNS)
		smtp_reply_words(s, smtp_queue_words(QUEUE_TEMP));
	return false;
}

void
smtp_reset(struct smtp_session *s)
{
	if (s->state == SMTP_MAIL || s->state == SMTP_RCPT) {
		(void)smtp_ask(s, IPC_SPOOL_RESET, WAIT_NOBODY, SLICE_NONE, 0);
		smtp_enter(s, SMTP_READY);
	}
	smtp_text_free(s);
	s->n_rcpts = 0;
	s->sender[0] = '\0';
}

/* ---- lines ---- */

static const struct smtp_verb *
find_verb(struct slice name)
{
	const struct smtp_verb *v;

	for (v = smtp_verbs; v->name != NULL; v++)
		if (slice_ieq_str(name, v->name))
			return v;
	return NULL;
}

/* All policy of the commands, asked from the row. */
static enum smtp_did
dispatch(struct smtp_session *s, const struct smtp_line *line)
{
	const struct smtp_verb *v = find_verb(line->verb);
	bool has_mail = s->state == SMTP_MAIL || s->state == SMTP_RCPT;

	if (v == NULL) {
		smtp_reply(s, 500, "5.5.1 No such command");
		return SMTP_BAD;
	}
	if ((v->flags & SMTP_NEEDS_HELO) != 0 && s->state == SMTP_START) {
		smtp_reply(s, 503, "5.5.1 Say EHLO first");
		return SMTP_BAD;
	}
	if ((v->flags & SMTP_NEEDS_LOGIN) != 0 && !s->is_in) {
		smtp_reply(s, 530,
		    s->fc->is_tls ? "5.7.0 Log in first" :
				    "5.7.0 Start TLS and log in first");
		return SMTP_BAD;
	}
	if (((v->flags & SMTP_NEEDS_MAIL) != 0 && !has_mail) ||
	    ((v->flags & SMTP_NO_MAIL) != 0 && has_mail)) {
		smtp_reply(s, 503, "5.5.1 Not at this place");
		return SMTP_BAD;
	}
	if ((v->flags & SMTP_NO_ARGS) != 0 && line->args.n > 0) {
		smtp_reply(s, 501, "5.5.4 Takes no argument");
		return SMTP_BAD;
	}
	return v->run(s, line->args);
}

/* One line without its CRLF; false when the connection was closed. */
static bool
take_line(struct smtp_session *s, struct slice text)
{
	struct smtp_line line;
	enum smtp_did did;

	if (s->sasl != NULL) {
		did = smtp_auth_line(s, text);
	} else if (!smtp_parse_line(text, &line)) {
		smtp_reply(s, 500, "5.5.2 Not a command");
		did = SMTP_BAD;
	} else {
		did = dispatch(s, &line);
	}
	if (did == SMTP_QUIT)
		return false;
	s->n_bad = did == SMTP_BAD ? s->n_bad + 1 : 0;
	if (s->n_bad > MAX_SMTP_BAD) {
		smtp_reply(s, 421, "4.7.0 Too many bad commands");
		frontend_close(s->fc, "bad_commands");
		return false;
	}
	return true;
}

/* Offset of CRLF, or -1. */
static ptrdiff_t
find_crlf(struct slice in)
{
	const char *p = in.n == 0 ? NULL : memmem(in.p, in.n, "\r\n", 2);

	return p == NULL ? -1 : p - in.p;
}

/* What one look at the input came to. */
enum line_took {
	TOOK_LINE,
	TOOK_NOTHING,
	TOOK_CLOSED
};

static enum line_took
swallow(struct smtp_session *s, struct slice in, ptrdiff_t end)
{
	if (end != -1) {
		conn_consume(s->fc->conn, (size_t)end + 2);
		s->is_swallowing = false;
		smtp_reply(s, 500, "5.5.6 The line is too long");
		s->n_bad++;
		return TOOK_LINE;
	}
	/* the last byte may be the CR of the end */
	if (in.n > 1)
		conn_consume(s->fc->conn, in.n - 1);
	return TOOK_NOTHING;
}

static enum line_took
next_line(struct smtp_session *s)
{
	struct slice in = conn_in(s->fc->conn);
	ptrdiff_t end = find_crlf(in);

	if (s->is_swallowing)
		return swallow(s, in, end);
	if (end == -1 && in.n < MAX_SMTP_LINE)
		return TOOK_NOTHING;
	if (end == -1 || end > MAX_SMTP_LINE) {
		s->is_swallowing = true;
		return swallow(s, in, end);
	}
	buf_reset(&s->line);
	buf_put(&s->line, in.p, (size_t)end);
	conn_consume(s->fc->conn, (size_t)end + 2);
	return take_line(s, buf_slice(&s->line)) ? TOOK_LINE : TOOK_CLOSED;
}

static void
smtp_run(struct fe_conn *fc)
{
	struct smtp_session *s = fc->proto;

	while (conn_slice_left(fc->conn)) {
		if (fc->is_closing)
			return;
		if (s->wait != WAIT_NOBODY) {
			conn_want(fc->conn, 0);
			return;
		}
		if (conn_out_is_high(fc->conn)) {
			conn_want(fc->conn, WANT_DRAIN);
			return;
		}
		if (s->text != NULL) {
			if (smtp_text_run(s))
				continue;
			if (s->wait == WAIT_NOBODY)
				break;
			continue;
		}
		switch (next_line(s)) {
		case TOOK_CLOSED:
			return;
		case TOOK_LINE:
			continue;
		case TOOK_NOTHING:
			break;
		}
		break;
	}
	if (fc->is_closing)
		return;
	if (!conn_slice_left(fc->conn))
		conn_want(fc->conn, WANT_SOON);
	else if (conn_eof(fc->conn))
		frontend_close(fc, "eof");
	else
		conn_want(fc->conn, WANT_IN);
}

/* ---- answers ---- */

static void
mail_answer(struct smtp_session *s, enum queue_answer a)
{
	if (a == QUEUE_OK) {
		smtp_enter(s, SMTP_MAIL);
		smtp_reply(s, 250, "2.1.0 OK");
	} else {
		s->sender[0] = '\0';
		smtp_reply_words(s, smtp_queue_words(a));
	}
}

static void
rcpt_answer(struct smtp_session *s, enum queue_answer a)
{
	if (a == QUEUE_OK) {
		s->n_rcpts++;
		smtp_enter(s, SMTP_RCPT);
	}
	smtp_reply_words(s, smtp_queue_words(a));
}

static void
on_answer(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_spool_answer *a = m->fixed;
	struct fe_conn *fc = frontend_find(r, a->conn);
	struct smtp_session *s = fc == NULL ? NULL : fc->proto;
	enum smtp_wait wait;

	if (ipc_end(m) == -1) {
		family_drop(from, "SPOOL_ANSWER with a tail");
		return;
	}
	if (s == NULL) /* the client left meanwhile */
		return;
	wait = s->wait;
	s->wait = WAIT_NOBODY;
	switch (wait) {
	case WAIT_MAIL:
		mail_answer(s, (enum queue_answer)a->code);
		break;
	case WAIT_RCPT:
		rcpt_answer(s, (enum queue_answer)a->code);
		break;
	case WAIT_OWNS:
		smtp_text_owned(s, (enum queue_answer)a->code);
		break;
	case WAIT_FILE: /* refused */
		smtp_reply_words(
		    s, smtp_queue_words((enum queue_answer)a->code));
		break;
	case WAIT_COMMIT:
		smtp_text_done(s, (enum queue_answer)a->code);
		break;
	case WAIT_NOBODY:
	case WAIT_LOGIN:
		s->wait = wait; /* nobody asked */
		break;
	}
	frontend_wake(fc);
}

static void
on_file(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_spool_answer *a = m->fixed;
	struct fe_conn *fc = frontend_find(r, a->conn);
	struct smtp_session *s = fc == NULL ? NULL : fc->proto;
	char id[SPOOL_ID_MAX];
	int fd;

	ipc_get_str(m, id, sizeof id);
	if (ipc_end(m) == -1) {
		family_drop(from, "SPOOL_FILE with a bad tail");
		return;
	}
	fd = ipc_take_fd(m, 0);
	if (s == NULL || s->wait != WAIT_FILE) {
		close(fd);
		return;
	}
	s->wait = WAIT_NOBODY;
	smtp_text_begin(s, fd, id);
	frontend_wake(fc);
}

static const struct ipc_handler handlers[] = {
	{ IPC_SPOOL_ANSWER, on_answer, false },
	{ IPC_SPOOL_FILE, on_file, false },
	{ 0, NULL, false },
};

static void
smtp_open(struct fe_conn *fc)
{
	struct smtp_session *s = fc->proto;

	s->fc = fc;
	buf_init(&s->line, MAX_SMTP_LINE);
	out_printf(conn_out(fc->conn), "220 %s ESMTP\r\n", smtp_hostname(s));
	conn_want(fc->conn, WANT_IN);
}

static void
smtp_login_result(struct fe_conn *fc, const struct login_result *res)
{
	struct smtp_session *s = fc->proto;

	s->wait = WAIT_NOBODY;
	smtp_reply_words(s, smtp_login_words(res->code));
	if (res->code == LOGIN_OK) {
		s->is_in = true;
		snprintf(s->user, sizeof s->user, "%s", res->user);
		conn_set_timeout_ms(
		    fc->conn, conf_ms(frontend_conf(fc), "smtp_timeout"));
	} else if (++s->n_login_failures >= MAX_LOGIN_FAILURES) {
		smtp_reply(s, 421, "4.7.0 Too many failed logins");
		frontend_close(fc, "login_failures");
	}
}

static void
smtp_close(struct fe_conn *fc)
{
	struct smtp_session *s = fc->proto;

	/* a login under way may still become a submitter there */
	if (s->is_in || s->wait == WAIT_LOGIN)
		(void)smtp_ask(s, IPC_SPOOL_GONE, WAIT_NOBODY, SLICE_NONE, 0);
	smtp_text_free(s);
	buf_wipe(&s->line);
	if (s->sasl != NULL)
		sasl_wipe(s->sasl);
	xfree(s->sasl);
	s->sasl = NULL;
}

static void
smtp_bye(struct fe_conn *fc)
{
	smtp_reply(fc->proto, 421, "4.3.2 Going down, come back soon");
}

static void
smtp_timeout(struct fe_conn *fc)
{
	smtp_reply(fc->proto, 421, "4.4.2 Waited too long");
}

static void
queue_lost(struct fe_conn *fc)
{
	struct smtp_session *s = fc->proto;

	if (!s->is_in)
		return;
	/* whether it was still accepted nobody knows: neither yes nor no */
	if (s->wait != WAIT_COMMIT)
		smtp_reply(s, 421, "4.3.0 Temporary failure, try again later");
	frontend_close(fc, "queue_died");
}

/* Answers of a queue that died never come, and the next one does not know who
 * these submitters are. */
static void
smtp_peer_gone(struct role *r, struct ipc_peer *p)
{
	if (ipc_peer_role(p) == R_QUEUE)
		frontend_each(r, queue_lost);
}

const struct frontend_ops smtp_frontend = {
	.conn_size = sizeof(struct smtp_session),
	.max_in = MAX_SMTP_LINE + 2,
	.open = smtp_open,
	.run = smtp_run,
	.login_result = smtp_login_result,
	.close = smtp_close,
	.bye = smtp_bye,
	.timeout = smtp_timeout,
	.handlers = handlers,
	.peer_gone = smtp_peer_gone,
};
