/* SPDX-License-Identifier: ISC */
/* imapd before login: greeting, the states NOAUTH and LOGOUT, the handover. */
#include "imapd/imap_frontend.h"
#include "imapd/cmd_login.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/pack.h"

#define MAX_GREETING (4 * KIB)

static void
learn(struct imap_session *s)
{
	s->has_tls = s->fe->is_tls;
	s->is_loopback = s->fe->is_loopback;
	s->has_starttls = frontend_has_tls(s->fe);
}

static void
fe_open(struct fe_conn *fc)
{
	struct imap_session *s = fc->proto;
	struct buf b;

	imap_session_init(s, fc->conn);
	s->fe = fc;
	s->id = fc->id;
	learn(s);
	buf_init(&b, MAX_GREETING);
	buf_puts(&b, "* OK [CAPABILITY ");
	command_capabilities(s, &b);
	buf_puts(&b, "] Restante ready\r\n");
	imap_put(s, buf_slice(&b));
	buf_free(&b);
	imap_run(s);
}

static void
fe_run(struct fe_conn *fc)
{
	struct imap_session *s = fc->proto;

	learn(s);
	imap_run(s);
}

static void
fe_login_result(struct fe_conn *fc, const struct login_result *res)
{
	login_refused(fc->proto, res->code);
}

static void
fe_handover(struct fe_conn *fc, struct buf *hello)
{
	pack_hello(fc->proto, hello);
}

static void
fe_close(struct fe_conn *fc)
{
	imap_session_free(fc->proto);
}

static void
fe_bye(struct fe_conn *fc)
{
	imap_bye(fc->proto, "UNAVAILABLE", "Server is going down");
}

static void
fe_timeout(struct fe_conn *fc)
{
	imap_bye(fc->proto, NULL, "No login in time");
}

const struct frontend_ops imap_frontend_ops = {
	.conn_size = sizeof(struct imap_session),
	.max_in = 16 * KIB, /* the tokenizer takes all that is there */
	.open = fe_open,
	.run = fe_run,
	.login_result = fe_login_result,
	.handover = fe_handover,
	.close = fe_close,
	.bye = fe_bye,
	.timeout = fe_timeout,
};
