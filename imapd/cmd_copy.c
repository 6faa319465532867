/* SPDX-License-Identifier: ISC */
/* COPY, MOVE. */
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "libmaildir/copy.h"

/* Two sets of MAX_SEQSET_RANGES would be 700 KB; more is not told. */
#define MAX_COPYUID (1 * MIB)

struct copy_ctx {
	struct mailbox *to;
	struct copy *copy;
};

static void
copy_drop(struct imap_cmd *cmd)
{
	struct copy_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	copy_free(&x->copy);
	mailbox_close(&x->to);
}

/* STEP_AGAIN: begun; else the reply is set. */
static enum step
copy_start(struct imap_cmd *cmd, bool move)
{
	struct imap_session *s = cmd->s;
	struct copy_ctx *x = arena_zero(cmd->arena, sizeof(*x));
	struct seqset uids;
	enum step r = STEP_DONE;

	cmd->ctx = x;
	seqset_init(&uids, MAX_VIEW_RANGES);
	if (!imap_set_uids(cmd, cmd->v[0].text, &uids))
		r = STEP_DONE;
	else if (mailbox_open(
		     s->user->boxes, cmd->v[1].text, &x->to, &cmd->err) == -1)
		r = cmd->err.code == ERR_INVALID ?
		    imap_no(cmd, "CANNOT", "Not a possible mailbox name") :
		    imap_fail_target(cmd);
	else if (uids.n == 0)
		r = imap_ok(cmd, NULL, "No messages"); /* RFC 4315 3 */
	else if (copy_begin(s->view, &uids, x->to, move, &x->copy, &cmd->err) ==
	    -1)
		r = STEP_FAIL;
	else
		r = STEP_AGAIN;
	seqset_free(&uids);
	return r;
}

/* RFC 4315 3: "COPYUID 38505 304,319:320 3956:3958"; NULL: nothing, or too
 * much to tell. */
static const char *
copyuid(struct imap_cmd *cmd, const struct copy *c)
{
	struct buf b;
	const char *code = NULL;

	if (copy_to_uids(c)->n == 0)
		return NULL;
	buf_init(&b, MAX_COPYUID);
	buf_printf(&b, "COPYUID %u ", copy_uidvalidity(c));
	seqset_print(copy_from_uids(c), &b);
	buf_putc(&b, ' ');
	seqset_print(copy_to_uids(c), &b);
	if (buf_ok(&b))
		code = arena_dup(cmd->arena, b.p, b.n);
	buf_free(&b);
	return code;
}

/* RFC 6851 4.3: told before the EXPUNGEs, also when only a part has moved. */
static void
tell_moved(struct imap_cmd *cmd, const struct copy *c)
{
	const char *code = copyuid(cmd, c);

	if (code == NULL)
		return;
	imap_put(cmd->s, SLICE("* OK ["));
	imap_put(cmd->s, slice_str(code));
	imap_put(cmd->s, SLICE("] Moved\r\n"));
}

/* RFC 3501 6.4.7 */
static enum step
copy_or_move(struct imap_cmd *cmd, bool move)
{
	struct copy_ctx *x;
	enum step r;

	if (cmd->ctx == NULL) {
		r = copy_start(cmd, move);
		if (r != STEP_AGAIN)
			return r;
	}
	x = cmd->ctx;
	r = copy_step(x->copy, cmd->flush, &cmd->err);
	if (r != STEP_DONE && r != STEP_FAIL)
		return r;
	if (move)
		tell_moved(cmd, x->copy);
	/* RFC 4315 3: UIDs that are gone are no error; a client that hears NO
	 * tries for ever */
	if (r == STEP_FAIL && cmd->is_uid && cmd->err.code == ERR_GONE)
		return imap_ok(cmd, NULL, "No messages");
	if (r == STEP_FAIL)
		return r;
	if (copy_is_over(x->copy))
		imap_tell_over_quota(cmd->s);
	return imap_ok(cmd, move ? NULL : copyuid(cmd, x->copy), NULL);
}

static enum step
do_copy(struct imap_cmd *cmd)
{
	return copy_or_move(cmd, false);
}

static enum step
do_move(struct imap_cmd *cmd)
{
	return copy_or_move(cmd, true);
}

const struct imap_verb imap_verbs_copy[] = {
	{ .name = "COPY",
	    .args = "set mailbox",
	    .flags = IN_SELECTED | HAS_UID,
	    .step = do_copy,
	    .drop = copy_drop },
	{ .name = "MOVE",
	    .args = "set mailbox",
	    .flags = IN_SELECTED | HAS_UID | BREAKS_SEQ | WRITES,
	    .capability = "MOVE",
	    .step = do_move,
	    .drop = copy_drop },
	{ .name = NULL },
};
