/* SPDX-License-Identifier: ISC */
/* STARTTLS, LOGIN, AUTHENTICATE: the way from NOAUTH, in the frontend. */
#include "imapd/cmd_login.h"
#include "imapd/imap_reply.h"
#include "libauth/auth.h"
#include "libauth/sasl.h"
#include "libbase/mem.h"
#include "libnet/conn.h"
#include "libserver/frontend.h"

enum phase {
	BEGIN,
	ASK,     /* a challenge was sent */
	WAITING, /* auth thinks */
	REFUSED
};

void
login_refused(struct imap_session *s, enum login_code code)
{
	if (s->phase != PHASE_RUN || s->cmd.phase != WAITING)
		return;
	(void)imap_no(&s->cmd, NULL, auth_words(code)->imap);
	s->cmd.phase = REFUSED;
}

/* RFC 3501 6.2.1. The reply goes out before the handshake. */
static enum step
starttls_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;

	if (s->has_tls)
		return imap_bad(cmd, "TLS is on already");
	if (!s->has_starttls)
		return imap_bad(cmd, "TLS is not available");
	s->is_starting_tls = true;
	return imap_ok(cmd, NULL, "Begin TLS");
}

/* RFC 3501 6.2.3 */
static enum step
login_step(struct imap_cmd *cmd)
{
	switch ((enum phase)cmd->phase) {
	case BEGIN:
	case ASK:
		cmd->phase = WAITING;
		frontend_login(
		    cmd->s->fe, 0, cmd->v[0].text, SLICE_NONE, cmd->v[1].text);
		return STEP_EVENT;
	case WAITING:
		return STEP_EVENT;
	case REFUSED:
		break;
	}
	return STEP_DONE;
}

/* The secret does not outlive the command in our memory. */
static void
login_drop(struct imap_cmd *cmd)
{
	struct slice secret = cmd->v[1].text;

	/* it is a copy that the tokenizer made in the command's arena */
	mem_wipe((void *)(uintptr_t)secret.p, secret.n);
}

static unsigned
mech_number(const struct sasl_mech *mech)
{
	unsigned i = 0;

	while (sasl_mechs[i] != NULL && sasl_mechs[i] != mech)
		i++;
	return i;
}

static enum step
on_outcome(struct imap_cmd *cmd, enum sasl_outcome what)
{
	struct imap_session *s = cmd->s;

	switch (what) {
	case SASL_CHALLENGE:
		imap_continue(s, s->sasl->challenge);
		cmd->phase = ASK;
		return STEP_AGAIN;
	case SASL_READY:
		cmd->phase = WAITING;
		frontend_login(s->fe, mech_number(s->sasl->mech),
		    slice_str(s->sasl->user), slice_str(s->sasl->authzid),
		    slice_of(s->sasl->secret.bytes, s->sasl->secret.n));
		sasl_wipe(s->sasl);
		return STEP_EVENT;
	case SASL_CANCELLED:
		return imap_bad(cmd, "Cancelled"); /* RFC 3501 6.2.2 */
	case SASL_BAD:
		break;
	}
	return imap_bad(cmd, "Bad SASL response");
}

static enum step
authenticate_begin(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	const struct sasl_mech *mech = sasl_mech_find(cmd->v[0].text);
	const struct imap_value *initial = &cmd->v[1];

	if (mech == NULL)
		return imap_no(cmd, "CANNOT", "Mechanism is not supported");
	if (s->sasl == NULL)
		s->sasl = xcalloc(1, sizeof(*s->sasl));
	return on_outcome(cmd,
	    sasl_start(s->sasl, mech, initial->is_set ? &initial->text : NULL));
}

/* One line of the client, answered or still coming. */
static enum step
authenticate_answer(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct slice line;
	size_t used;
	enum imap_parse r;

	r = imap_input_line(&s->input, conn_in(s->conn), &used, &line);
	conn_consume(s->conn, used);
	switch (r) {
	case PARSE_MORE:
		return STEP_INPUT;
	case PARSE_READY:
		return on_outcome(cmd, sasl_feed(s->sasl, line));
	case PARSE_VERB:
	case PARSE_CONTINUE:
	case PARSE_STREAM:
	case PARSE_BAD:
	case PARSE_CLOSE:
		break;
	}
	return imap_bad(cmd, "Bad SASL response");
}

/* RFC 3501 6.2.2, RFC 4959 */
static enum step
authenticate_step(struct imap_cmd *cmd)
{
	switch ((enum phase)cmd->phase) {
	case BEGIN:
		return authenticate_begin(cmd);
	case ASK:
		return authenticate_answer(cmd);
	case WAITING:
		return STEP_EVENT;
	case REFUSED:
		break;
	}
	return STEP_DONE;
}

static void
authenticate_drop(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;

	if (s->sasl != NULL) {
		sasl_wipe(s->sasl);
		xfree(s->sasl);
	}
	s->sasl = NULL;
	mem_wipe((void *)(uintptr_t)cmd->v[1].text.p, cmd->v[1].text.n);
}

const struct imap_verb imap_verbs_login[] = {
	{ .name = "STARTTLS", .flags = IN_NOAUTH, .step = starttls_step },
	{ .name = "LOGIN",
	    .args = "astring astring",
	    .flags = IN_NOAUTH | NEEDS_CLEAR | IS_SECRET,
	    .step = login_step,
	    .drop = login_drop },
	{ .name = "AUTHENTICATE",
	    .args = "atom [initial]",
	    .flags = IN_NOAUTH | NEEDS_CLEAR | IS_SECRET,
	    .step = authenticate_step,
	    .drop = authenticate_drop },
	{ .name = NULL },
};
