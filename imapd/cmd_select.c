/* SPDX-License-Identifier: ISC */
/* SELECT, EXAMINE, CLOSE, UNSELECT, CHECK. */
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_user.h"
#include "imapd/update.h"
#include "libbase/mem.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Files removed before others may run. */
#define EXPUNGE_PORTION 32

static int
select_open(struct imap_cmd *cmd, bool read_only)
{
	struct imap_session *s = cmd->s;
	struct slice name;

	if (imap_user_canonical(
		s->user, cmd->v[0].text, cmd->arena, &name, &cmd->err) == -1 ||
	    mailbox_open(s->user->boxes, name, &s->box, &cmd->err) == -1) {
		/* a name that cannot be is a mailbox that is not there */
		if (cmd->err.code == ERR_INVALID)
			cmd->err.code = ERR_NOTFOUND;
		return -1;
	}
	s->mailbox_name = xstrndup(name.p, name.n);
	s->is_read_only = read_only;
	s->view = view_open(s->box, read_only);
	return 0;
}

/* RFC 3501 6.3.1 */
static void
tell_all(struct imap_session *s)
{
	struct mailbox_status st;
	uint32_t unseen;

	mailbox_status(s->box, &st);
	update_tell_names(s);
	imap_untagged(s, "%u EXISTS", view_count(s->view));
	imap_untagged(s, "%u RECENT", view_recent(s->view));
	unseen = view_first_unseen(s->view);
	if (unseen != 0)
		imap_untagged(s, "OK [UNSEEN %u] First unseen", unseen);
	imap_untagged(s, "OK [UIDVALIDITY %u] UIDs are valid", st.uidvalidity);
	imap_untagged(s, "OK [UIDNEXT %u] Next UID", st.uidnext);
	condstore_tell_opened(s);
}

enum {
	SELECT_BEGIN,
	SELECT_OPEN,
	SELECT_RESYNC
};

/* RFC 7162 3.1.8, 3.2.5. What is wrong, NULL for nothing. */
static const char *
read_params(struct imap_cmd *cmd, struct resync *q, bool *condstore)
{
	const struct imap_arg *a = cmd->v[1].arg->child;
	const char *why;

	if (a == NULL)
		return "Parameters expected";
	for (; a != NULL; a = a->next) {
		if (imap_arg_is(a, "CONDSTORE")) {
			*condstore = true;
			continue;
		}
		if (!imap_arg_is(a, "QRESYNC") || q->is_given)
			return "Unknown parameter";
		if ((cmd->s->enabled & ENABLED_QRESYNC) == 0)
			return "QRESYNC is not enabled";
		a = a->next;
		why = resync_read(q, a, cmd->arena);
		if (why != NULL)
			return why;
	}
	return NULL;
}

/* False: the reply is set. */
static bool
select_begin(struct imap_cmd *cmd, bool read_only)
{
	struct imap_session *s = cmd->s;
	struct resync *q = arena_zero(cmd->arena, sizeof(*q));
	bool condstore = false;
	const char *why = NULL;

	if (q == NULL)
		why = "Command too large";
	else if (cmd->v[1].is_set)
		why = read_params(cmd, q, &condstore);
	if (why != NULL) {
		(void)imap_bad(cmd, why);
		return false;
	}
	cmd->ctx = q;
	/* RFC 7162 3.2.11: the border between what is told of the two */
	if (s->state == IMAP_SELECTED)
		imap_untagged(s, "OK [CLOSED] The other mailbox is closed");
	/* whatever comes of it, the old one is left */
	imap_enter(s, IMAP_AUTH);
	if (condstore)
		condstore_enable(s);
	imap_user_look(s->user);
	if (select_open(cmd, read_only) == 0)
		return true;
	imap_enter(s, IMAP_AUTH);
	(void)imap_fail(cmd);
	return false;
}

static enum step
select_any(struct imap_cmd *cmd, bool read_only)
{
	struct imap_session *s = cmd->s;
	enum step r;

	if (cmd->phase == SELECT_BEGIN) {
		if (!select_begin(cmd, read_only))
			return STEP_DONE;
		cmd->phase = SELECT_OPEN;
	}
	if (cmd->phase == SELECT_OPEN) {
		r = view_refresh(s->view, cmd->flush, &cmd->err);
		if (r == STEP_FAIL)
			imap_enter(s, IMAP_AUTH);
		if (r != STEP_DONE)
			return r;
		(void)view_update(s->view, true, NULL);
		imap_enter(s, IMAP_SELECTED);
		tell_all(s);
		cmd->phase = SELECT_RESYNC;
		resync_begin(cmd->ctx, s);
	}
	r = resync_tell(cmd->ctx, s);
	if (r != STEP_DONE)
		return r;
	if (read_only)
		return imap_ok(cmd, "READ-ONLY", "Opened to read");
	return imap_ok(cmd, "READ-WRITE", "Opened");
}

static enum step
select_step(struct imap_cmd *cmd)
{
	return select_any(cmd, false);
}

/* RFC 3501 6.3.2 */
static enum step
examine_step(struct imap_cmd *cmd)
{
	return select_any(cmd, true);
}

/* The connection died while the mailbox was being opened. */
static void
select_drop(struct imap_cmd *cmd)
{
	if (cmd->s->state == IMAP_AUTH)
		imap_enter(cmd->s, IMAP_AUTH);
}

/* RFC 3501 6.4.2: what has \Deleted goes without a word */
static enum step
close_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	uint32_t *from = cmd->ctx;
	int r = 0;

	if (from == NULL)
		from = cmd->ctx = arena_zero(cmd->arena, sizeof(*from));
	if (!s->is_read_only) {
		r = view_expunge(
		    s->view, NULL, false, from, EXPUNGE_PORTION, &cmd->err);
	}
	if (r == 1)
		return STEP_AGAIN;
	imap_enter(s, IMAP_AUTH);
	return r == 0 ? STEP_DONE : STEP_FAIL;
}

/* RFC 3691 */
static enum step
unselect_step(struct imap_cmd *cmd)
{
	imap_enter(cmd->s, IMAP_AUTH);
	return STEP_DONE;
}

/* RFC 3501 6.4.1: everything we promise is on disk already */
static enum step
check_step(struct imap_cmd *cmd)
{
	(void)cmd;
	return STEP_DONE;
}

const struct imap_verb imap_verbs_select[] = {
	{ .name = "SELECT",
	    .args = "mailbox [params]",
	    .flags = IN_USER | NO_UPDATES,
	    .step = select_step,
	    .drop = select_drop },
	{ .name = "EXAMINE",
	    .args = "mailbox [params]",
	    .flags = IN_USER | NO_UPDATES,
	    .step = examine_step,
	    .drop = select_drop },
	{ .name = "CLOSE",
	    .flags = IN_SELECTED | NO_UPDATES,
	    .step = close_step },
	{ .name = "UNSELECT",
	    .flags = IN_SELECTED | NO_UPDATES,
	    .capability = "UNSELECT",
	    .step = unselect_step },
	{ .name = "CHECK",
	    .flags = IN_SELECTED | BREAKS_SEQ,
	    .step = check_step },
	{ .name = NULL },
};
