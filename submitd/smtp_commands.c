/* SPDX-License-Identifier: ISC */
/* The commands of submission (RFC 6409, RFC 5321 4.1.1): functions and rows. */
#include <stdio.h>
#include <string.h>

#include "libbase/base64.h"
#include "libbase/ceilings.h"
#include "libnet/conn.h"

#include "submitd/smtp_reply.h"
#include "submitd/smtp_session.h"

static enum smtp_did
syntax(struct smtp_session *s, const char *text)
{
	smtp_reply(s, 501, text);
	return SMTP_BAD;
}

/* Is AUTH possible here and now: under TLS alone. */
static bool
may_auth(const struct smtp_session *s)
{
	return s->fc->is_tls && !s->is_in;
}

static void
put_auth_keywords(struct smtp_session *s)
{
	unsigned i;

	out_puts(conn_out(s->fc->conn), "250-AUTH");
	for (i = 0; sasl_mechs[i] != NULL; i++)
		out_printf(conn_out(s->fc->conn), " %s", sasl_mechs[i]->name);
	out_puts(conn_out(s->fc->conn), "\r\n");
}

static enum smtp_did
ehlo_run(struct smtp_session *s, struct slice args)
{
	struct out *o = conn_out(s->fc->conn);

	if (!smtp_is_helo(args))
		return syntax(s, "5.5.4 EHLO needs a host name");
	smtp_reset(s);
	smtp_enter(s, SMTP_READY);
	out_printf(o, "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n",
	    smtp_hostname(s),
	    (unsigned long long)conf_u64(frontend_conf(s->fc), "message_size"));
	if (!s->fc->is_tls && frontend_has_tls(s->fc))
		out_puts(o, "250-STARTTLS\r\n");
	if (may_auth(s))
		put_auth_keywords(s);
	out_puts(o, "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
	return SMTP_REPLIED;
}

static enum smtp_did
helo_run(struct smtp_session *s, struct slice args)
{
	if (!smtp_is_helo(args))
		return syntax(s, "5.5.4 HELO needs a host name");
	smtp_reset(s);
	smtp_enter(s, SMTP_READY);
	smtp_reply(s, 250, smtp_hostname(s));
	return SMTP_REPLIED;
}

static enum smtp_did
starttls_run(struct smtp_session *s, struct slice args)
{
	(void)args;
	if (s->fc->is_tls) {
		smtp_reply(s, 503, "5.5.1 TLS is on already");
		return SMTP_BAD;
	}
	if (!frontend_has_tls(s->fc)) {
		smtp_reply(s, 454, "4.7.0 TLS is not available");
		return SMTP_REPLIED;
	}
	smtp_reply(s, 220, "2.0.0 Ready to start TLS");
	/* RFC 3207 4.2: all that was said before is forgotten */
	smtp_enter(s, SMTP_START);
	frontend_start_tls(s->fc);
	return SMTP_REPLIED;
}

/* ---- AUTH (RFC 4954) ---- */

static void
auth_end(struct smtp_session *s)
{
	sasl_wipe(s->sasl);
	xfree(s->sasl);
	s->sasl = NULL;
}

static unsigned
mech_row(const struct sasl_mech *mech)
{
	unsigned i = 0;

	while (sasl_mechs[i] != NULL && sasl_mechs[i] != mech)
		i++;
	return i;
}

static enum smtp_did
auth_outcome(struct smtp_session *s, enum sasl_outcome out)
{
	struct sasl *x = s->sasl;

	switch (out) {
	case SASL_CHALLENGE:
		smtp_reply(s, 334, x->challenge);
		return SMTP_REPLIED;
	case SASL_READY:
		s->wait = WAIT_LOGIN;
		frontend_login(s->fc, mech_row(x->mech), slice_str(x->user),
		    slice_str(x->authzid),
		    slice_of(x->secret.bytes, x->secret.n));
		auth_end(s);
		return SMTP_WAITS;
	case SASL_CANCELLED:
		smtp_reply(s, 501, "5.7.0 Authentication cancelled");
		break;
	case SASL_BAD:
		smtp_reply(s, 501, "5.5.2 Cannot read this authentication");
		break;
	}
	auth_end(s);
	return SMTP_BAD;
}

enum smtp_did
smtp_auth_line(struct smtp_session *s, struct slice line)
{
	return auth_outcome(s, sasl_feed(s->sasl, line));
}

static enum smtp_did
auth_run(struct smtp_session *s, struct slice args)
{
	const struct sasl_mech *mech;
	struct slice name, initial = args;
	bool has_initial = slice_cut(&initial, ' ', &name);

	if (s->is_in) {
		smtp_reply(s, 503, "5.5.1 Logged in already");
		return SMTP_BAD;
	}
	if (!s->fc->is_tls) {
		smtp_reply(
		    s, 538, "5.7.11 Encryption is needed, start TLS first");
		return SMTP_BAD;
	}
	if (name.n == 0)
		return syntax(s, "5.5.4 AUTH needs a mechanism");
	mech = sasl_mech_find(name);
	if (mech == NULL) {
		smtp_reply(s, 504, "5.5.4 No such mechanism");
		return SMTP_BAD;
	}
	s->sasl = xmalloc(sizeof *s->sasl);
	initial = slice_trim(initial);
	return auth_outcome(
	    s, sasl_start(s->sasl, mech, has_initial ? &initial : NULL));
}

/* ---- the mail transaction ---- */

/* A parameter of MAIL: 0, or an SMTP code with its text in *text. */
struct mail_param {
	const char *key;
	int (*take)(struct smtp_session *s, struct slice value, uint64_t *size,
	    const char **text);
};

static int
take_size(struct smtp_session *s, struct slice value, uint64_t *size,
    const char **text)
{
	if (slice_u64(value, UINT64_MAX, size) == -1) {
		*text = "5.5.4 SIZE needs a number";
		return 501;
	}
	if (*size > conf_u64(frontend_conf(s->fc), "message_size")) {
		*text = "5.3.4 The message is too large";
		return 552;
	}
	return 0;
}

static int
take_body(struct smtp_session *s, struct slice value, uint64_t *size,
    const char **text)
{
	(void)s;
	(void)size;
	if (slice_ieq_str(value, "7BIT") || slice_ieq_str(value, "8BITMIME"))
		return 0;
	*text = "5.5.4 BODY is 7BIT or 8BITMIME";
	return 501;
}

/* RFC 4954 5: taken from trusted peers only; a client may send it. */
static int
take_auth(struct smtp_session *s, struct slice value, uint64_t *size,
    const char **text)
{
	(void)s;
	(void)value;
	(void)size;
	(void)text;
	return 0;
}

static const struct mail_param mail_params[] = {
	{ "SIZE", take_size },
	{ "BODY", take_body },
	{ "AUTH", take_auth },
};

static bool
take_params(
    struct smtp_session *s, const struct smtp_path_args *a, uint64_t *size)
{
	unsigned i, k, j;

	for (i = 0; i < a->n_params; i++) {
		const struct smtp_param *p = &a->params[i];
		const char *text = NULL;
		int code = 0;

		for (k = 0; k < N_ELEMENTS(mail_params); k++)
			if (slice_ieq_str(p->key, mail_params[k].key))
				break;
		for (j = 0; j < i; j++)
			if (slice_ieq(p->key, a->params[j].key)) {
				code = 501;
				text = "5.5.4 Parameter given twice";
			}
		if (k == N_ELEMENTS(mail_params)) {
			code = 555;
			text = "5.5.4 No such parameter";
		} else if (!p->has_value) {
			code = 501;
			text = "5.5.4 Parameter without a value";
		} else if (code == 0) {
			code = mail_params[k].take(s, p->value, size, &text);
		}
		if (code != 0) {
			smtp_reply(s, code, text);
			return false;
		}
	}
	return true;
}

static enum smtp_did
path_fault(struct smtp_session *s, const struct err *err, bool is_sender)
{
	if (err->code == ERR_UNSUPPORTED) {
		smtp_reply(s, 553, "5.6.7 Addresses are ASCII here");
		return SMTP_BAD;
	}
	return syntax(s,
	    is_sender ? "5.1.7 Write MAIL FROM:<address>" :
			"5.1.3 Write RCPT TO:<address>");
}

static enum smtp_did
mail_run(struct smtp_session *s, struct slice args)
{
	struct smtp_path_args a;
	struct err err;
	struct buf address;
	uint64_t size = 0;
	bool fits;

	if (smtp_parse_path_args(args, "FROM:", ADDRESS_NULL, &a, &err) == -1)
		return path_fault(s, &err, true);
	if (!take_params(s, &a, &size))
		return SMTP_BAD;
	buf_init(&address, MAX_ADDRESS);
	address_put_path(&address, &a.path);
	fits = buf_ok(&address);
	if (fits)
		snprintf(s->sender, sizeof s->sender, "%s", buf_cstr(&address));
	buf_free(&address);
	if (!fits)
		return syntax(s, "5.1.7 The address is too long");
	return smtp_ask(
		   s, IPC_SPOOL_MAIL, WAIT_MAIL, slice_str(s->sender), size) ?
	    SMTP_WAITS :
	    SMTP_REPLIED;
}

static enum smtp_did
rcpt_run(struct smtp_session *s, struct slice args)
{
	struct smtp_path_args a;
	struct err err;
	struct buf address;
	bool asked;

	if (smtp_parse_path_args(args, "TO:", ADDRESS_POSTMASTER, &a, &err) ==
	    -1)
		return path_fault(s, &err, false);
	if (a.n_params > 0) {
		smtp_reply(s, 555, "5.5.4 No such parameter");
		return SMTP_BAD;
	}
	if (s->n_rcpts >= conf_u64(frontend_conf(s->fc), "max_recipients")) {
		smtp_reply_words(s, smtp_queue_words(QUEUE_MANY));
		return SMTP_REPLIED;
	}
	buf_init(&address, MAX_ADDRESS);
	address_put_path(&address, &a.path);
	if (!buf_ok(&address)) {
		buf_free(&address);
		return syntax(s, "5.1.3 The address is too long");
	}
	asked = smtp_ask(s, IPC_SPOOL_RCPT, WAIT_RCPT, buf_slice(&address), 0);
	buf_free(&address);
	return asked ? SMTP_WAITS : SMTP_REPLIED;
}

static enum smtp_did
data_run(struct smtp_session *s, struct slice args)
{
	(void)args;
	if (s->n_rcpts == 0) {
		smtp_reply(s, 503, "5.5.1 No recipient was taken");
		return SMTP_BAD;
	}
	return smtp_ask(s, IPC_SPOOL_DATA, WAIT_FILE, SLICE_NONE, 0) ?
	    SMTP_WAITS :
	    SMTP_REPLIED;
}

static enum smtp_did
rset_run(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_reset(s);
	smtp_reply(s, 250, "2.0.0 OK");
	return SMTP_REPLIED;
}

static enum smtp_did
noop_run(struct smtp_session *s, struct slice args)
{
	(void)args; /* RFC 5321 4.1.1.9: a string may stand behind it */
	smtp_reply(s, 250, "2.0.0 OK");
	return SMTP_REPLIED;
}

/* RFC 5321 3.5.3: who exists is not told. */
static enum smtp_did
vrfy_run(struct smtp_session *s, struct slice args)
{
	if (args.n == 0)
		return syntax(s, "5.5.4 VRFY needs an address");
	smtp_reply(s, 252, "2.5.0 Send some mail, it will be tried");
	return SMTP_REPLIED;
}

static enum smtp_did
help_run(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_reply(s, 214, "2.0.0 Mail submission, RFC 6409");
	return SMTP_REPLIED;
}

static enum smtp_did
quit_run(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_reply(s, 221, "2.0.0 Bye");
	frontend_close(s->fc, "quit");
	return SMTP_QUIT;
}

#define IN_MAIL_DIALOGUE (SMTP_NEEDS_HELO | SMTP_NEEDS_LOGIN)

const struct smtp_verb smtp_verbs[] = {
	{ .name = "EHLO", .run = ehlo_run },
	{ .name = "HELO", .run = helo_run },
	{ .name = "STARTTLS",
	    .flags = SMTP_NEEDS_HELO | SMTP_NO_MAIL | SMTP_NO_ARGS,
	    .run = starttls_run },
	{ .name = "AUTH",
	    .flags = SMTP_NEEDS_HELO | SMTP_NO_MAIL,
	    .run = auth_run },
	{ .name = "MAIL",
	    .flags = IN_MAIL_DIALOGUE | SMTP_NO_MAIL,
	    .run = mail_run },
	{ .name = "RCPT",
	    .flags = IN_MAIL_DIALOGUE | SMTP_NEEDS_MAIL,
	    .run = rcpt_run },
	{ .name = "DATA",
	    .flags = IN_MAIL_DIALOGUE | SMTP_NEEDS_MAIL | SMTP_NO_ARGS,
	    .run = data_run },
	{ .name = "RSET", .flags = SMTP_NO_ARGS, .run = rset_run },
	{ .name = "NOOP", .run = noop_run },
	{ .name = "VRFY", .flags = IN_MAIL_DIALOGUE, .run = vrfy_run },
	{ .name = "HELP", .run = help_run },
	{ .name = "QUIT", .flags = SMTP_NO_ARGS, .run = quit_run },
	{ .name = NULL },
};
