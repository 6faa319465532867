/* SPDX-License-Identifier: ISC */
/* POP3 before login, in the frontend: rows of the AUTHORIZATION state. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/conn.h"

#include "pop3d/pop3_session.h"

#define MAX_LOGIN_FAILURES 10 /* of one connection; auth slows them anyhow */

static const char *const login_words[] = {
	[LOGIN_OK] = "Welcome",
	[LOGIN_FAILED] = "[AUTH] User name or password is wrong",
	[LOGIN_UNAVAILABLE] = "[SYS/TEMP] Temporary failure, try again later",
	[LOGIN_EXPIRED] = "[AUTH] The password has expired",
	[LOGIN_DENIED] = "[AUTH] This account may not use POP3",
	[LOGIN_PRIVACY] = "[AUTH] Encryption is needed, start TLS first",
	[LOGIN_LIMIT] = "[SYS/TEMP] Too many tries or connections, try later",
	[LOGIN_CONTACTADMIN] =
	    "[SYS/PERM] The account is set up wrong, ask its administrator",
};
static_assert(
    N_ELEMENTS(login_words) == LOGIN_CODE_COUNT, "words for every login");

static enum step
log_in(struct pop3_session *s, unsigned mech, struct slice user,
    struct slice authzid, struct slice secret)
{
	s->waits = true;
	s->has_user = false;
	frontend_login(s->fe, mech, user, authzid, secret);
	return STEP_EVENT;
}

static enum step
user_step(struct pop3_session *s)
{
	struct slice name;

	if (!frontend_may_login(s->fe))
		return pop3_err(s, login_words[LOGIN_PRIVACY]);
	name = slice_trim(s->args);
	if (name.n == 0 || name.n > MAX_USER)
		return pop3_err(s, "USER needs a name");
	if (!slice_is_utf8(name)) /* RFC 6856 2.2 */
		return pop3_err(s, "Names are written in UTF-8");
	snprintf(s->user_name, sizeof s->user_name, "%.*s", SLICE_ARG(name));
	s->has_user = true;
	pop3_ok(s, "Now the password");
	return STEP_DONE;
}

static enum step
pass_step(struct pop3_session *s)
{
	if (s->waits) /* answered by login_result */
		return STEP_EVENT;
	if (!frontend_may_login(s->fe))
		return pop3_err(s, login_words[LOGIN_PRIVACY]);
	if (!s->has_user)
		return pop3_err(s, "USER comes first");
	if (!slice_is_utf8(s->args)) /* RFC 6856 2.2 */
		return pop3_err(s, "Passwords are written in UTF-8");
	return log_in(s, 0, slice_str(s->user_name), SLICE_NONE, s->args);
}

/* ---- AUTH (RFC 5034) ---- */

static void
auth_end(struct pop3_session *s)
{
	sasl_wipe(s->sasl);
	xfree(s->sasl);
	s->sasl = NULL;
}

static enum step
auth_outcome(struct pop3_session *s, enum sasl_outcome out)
{
	struct sasl *x = s->sasl;
	enum step r = STEP_FAIL;
	unsigned row = 0;

	switch (out) {
	case SASL_CHALLENGE:
		out_printf(conn_out(s->conn), "+ %s\r\n", x->challenge);
		return STEP_DONE;
	case SASL_READY:
		while (sasl_mechs[row] != NULL && sasl_mechs[row] != x->mech)
			row++;
		r = log_in(s, row, slice_str(x->user), slice_str(x->authzid),
		    slice_of(x->secret.bytes, x->secret.n));
		break;
	case SASL_CANCELLED:
		(void)pop3_err(s, "Cancelled");
		break;
	case SASL_BAD:
		(void)pop3_err(s, "Cannot read this authentication");
		break;
	}
	auth_end(s);
	return r;
}

enum step
pop3_auth_line(struct pop3_session *s, struct slice line)
{
	return auth_outcome(s, sasl_feed(s->sasl, line));
}

static enum step
auth_step(struct pop3_session *s)
{
	const struct sasl_mech *mech;
	struct slice name, initial = slice_trim(s->args);
	bool has_initial = slice_cut(&initial, ' ', &name);

	if (s->waits)
		return STEP_EVENT;
	if (name.n == 0)
		return pop3_err(s, "AUTH needs a mechanism");
	if (!frontend_may_login(s->fe))
		return pop3_err(s, login_words[LOGIN_PRIVACY]);
	mech = sasl_mech_find(name);
	if (mech == NULL)
		return pop3_err(s, "No such mechanism");
	s->sasl = xmalloc(sizeof *s->sasl);
	return auth_outcome(
	    s, sasl_start(s->sasl, mech, has_initial ? &initial : NULL));
}

/* RFC 6856 2.1 */
static enum step
utf8_step(struct pop3_session *s)
{
	s->is_utf8 = true;
	pop3_ok(s, "UTF-8 from now on");
	return STEP_DONE;
}

/* RFC 2595 4 */
static enum step
stls_step(struct pop3_session *s)
{
	if (s->has_tls)
		return pop3_err(s, "TLS is on already");
	if (s->is_utf8) /* RFC 6856 2.1 */
		return pop3_err(s, "STLS comes before UTF8");
	if (!frontend_has_tls(s->fe))
		return pop3_err(s, "[SYS/TEMP] TLS is not available");
	pop3_ok(s, "Begin TLS");
	s->has_user = false;
	s->has_tls = true;
	frontend_start_tls(s->fe);
	return STEP_DONE;
}

static enum step
quit_login_step(struct pop3_session *s)
{
	pop3_ok(s, "Bye");
	pop3_close(s, "quit");
	return STEP_INPUT;
}

const struct pop3_verb pop3_verbs_login[] = {
	{ "USER", POP3_IN_LOGIN, ARGS_TEXT, user_step },
	{ "PASS", POP3_IN_LOGIN, ARGS_TEXT, pass_step },
	{ "AUTH", POP3_IN_LOGIN, ARGS_TEXT, auth_step },
	{ "CAPA", POP3_IN_LOGIN, ARGS_NONE, pop3_capa },
	{ "STLS", POP3_IN_LOGIN, ARGS_NONE, stls_step },
	{ "UTF8", POP3_IN_LOGIN, ARGS_NONE, utf8_step },
	{ "LANG", POP3_IN_LOGIN, ARGS_TEXT, pop3_lang },
	{ "QUIT", POP3_IN_LOGIN, ARGS_NONE, quit_login_step },
	{ .name = NULL },
};

/* ---- what the frontend asks of us ---- */

static void
fe_open(struct fe_conn *fc)
{
	struct pop3_session *s = fc->proto;

	s->fe = fc;
	s->conn = fc->conn;
	s->id = fc->id;
	s->has_tls = fc->is_tls;
	s->is_loopback = fc->is_loopback;
	buf_init(&s->line, MAX_POP3_LINE);
	pop3_ok(s, "Ready");
	conn_want(fc->conn, WANT_IN);
}

static void
fe_run(struct fe_conn *fc)
{
	pop3_run(fc->conn, fc->proto);
}

static void
fe_login_result(struct fe_conn *fc, const struct login_result *res)
{
	struct pop3_session *s = fc->proto;

	s->waits = false;
	s->verb = NULL;
	(void)pop3_err(s, login_words[res->code]);
	if (++s->n_login_failures >= MAX_LOGIN_FAILURES)
		pop3_close(s, "login_failures");
}

/* All that the session must know beside the connection. */
static void
fe_handover(struct fe_conn *fc, struct buf *hello)
{
	const struct pop3_session *s = fc->proto;

	buf_puts(hello, s->is_utf8 ? POP3_HELLO_UTF8 : POP3_HELLO);
}

static void
fe_close(struct fe_conn *fc)
{
	pop3_forget(fc->proto);
}

static void
fe_bye(struct fe_conn *fc)
{
	(void)pop3_err(fc->proto, "[SYS/TEMP] Going down, come back soon");
}

const struct frontend_ops pop3_frontend = {
	.conn_size = sizeof(struct pop3_session),
	.max_in = MAX_POP3_LINE + 2,
	.open = fe_open,
	.run = fe_run,
	.login_result = fe_login_result,
	.handover = fe_handover,
	.close = fe_close,
	.bye = fe_bye,
};
