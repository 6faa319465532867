/* SPDX-License-Identifier: ISC */
/* The registry of all commands, and who may run when. */
#include <assert.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "libauth/sasl.h"

/* A new family is one line here. */
static const struct imap_verb *const families[] = {
	imap_verbs_any,
	imap_verbs_login,
	imap_verbs_mailbox,
	imap_verbs_list,
	imap_verbs_select,
	imap_verbs_append,
	imap_verbs_fetch,
	imap_verbs_store,
	imap_verbs_copy,
	imap_verbs_search,
	imap_verbs_sort,
	imap_verbs_thread,
	imap_verbs_idle,
	imap_verbs_quota,
};

/* What is advertised without a row of its own: how we read and speak. */
static const char always[] = "IMAP4rev1 LITERAL+ SASL-IR";

const struct imap_verb *
command_at(size_t i)
{
	const struct imap_verb *v;
	size_t f;

	for (f = 0; f < N_ELEMENTS(families); f++) {
		for (v = families[f]; v->name != NULL; v++) {
			if (i-- == 0)
				return v;
		}
	}
	return NULL;
}

const struct imap_verb *
command_find(struct slice name, bool is_uid)
{
	const struct imap_verb *v;
	size_t i;

	for (i = 0; (v = command_at(i)) != NULL; i++) {
		if (!slice_ieq_str(name, v->name))
			continue;
		if (is_uid && (v->flags & (HAS_UID | ONLY_UID)) != 0)
			return v;
		if (!is_uid && (v->flags & ONLY_UID) == 0)
			return v;
	}
	return NULL;
}

int
command_init(struct err *err)
{
	const struct imap_verb *v;
	struct imap_grammar g;
	size_t i;

	for (i = 0; (v = command_at(i)) != NULL; i++) {
		if (imap_grammar_parse(v->args, &g, err) == -1)
			return err_context(err, "%s: ", v->name);
	}
	return 0;
}

bool
command_read_args(struct imap_cmd *cmd)
{
	struct imap_grammar g;
	struct err err;

	/* a handful of words; cheaper to read again than to keep state */
	if (imap_grammar_parse(cmd->verb->args, &g, &err) == -1 ||
	    imap_args_match(&g, cmd->args, cmd->arena, cmd->v, &err) == -1) {
		(void)imap_bad(cmd, arena_strdup(cmd->arena, err.text));
		return false;
	}
	return true;
}

bool
command_may_run(struct imap_cmd *cmd)
{
	const struct imap_session *s = cmd->s;

	if ((cmd->verb->flags & imap_state_bit(s)) == 0) {
		(void)imap_bad(cmd, "Not in this state");
		return false;
	}
	if ((cmd->verb->flags & NEEDS_CLEAR) != 0 && !s->has_tls &&
	    !s->is_loopback) {
		(void)imap_no(cmd, "PRIVACYREQUIRED", "Use STARTTLS first");
		return false;
	}
	if ((cmd->verb->flags & WRITES) != 0 && s->is_read_only &&
	    s->state == IMAP_SELECTED) {
		(void)imap_no(cmd, "NOPERM", "Mailbox is open read-only");
		return false;
	}
	return true;
}

/* Capabilities that depend on what this connection has become. */
static void
put_login_words(const struct imap_session *s, struct buf *out)
{
	const struct sasl_mech *const *m;

	if (!s->has_tls && s->has_starttls)
		buf_puts(out, " STARTTLS");
	if (!s->has_tls && !s->is_loopback) {
		buf_puts(out, " LOGINDISABLED");
		return;
	}
	for (m = sasl_mechs; *m != NULL; m++)
		buf_printf(out, " AUTH=%s", (*m)->name);
}

void
command_capabilities(const struct imap_session *s, struct buf *out)
{
	const struct imap_verb *v;
	size_t i;

	buf_puts(out, always);
	/* one list before and after login: clients that ask only once would
	 * never use what comes later (IDLE) */
	for (i = 0; (v = command_at(i)) != NULL; i++) {
		if (v->capability != NULL)
			buf_printf(out, " %s", v->capability);
	}
	if (s->state == IMAP_NOAUTH)
		put_login_words(s, out);
}
