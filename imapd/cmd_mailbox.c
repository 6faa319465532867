/* SPDX-License-Identifier: ISC */
/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS, NAMESPACE. */
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/status.h"
#include "libmaildir/store.h"

#define MAX_STATUS_LINE (16 * KIB)

/* ---- what changes the tree: an operation of the store ---- */

struct tree_ctx {
	struct store_op *op;
};

static struct tree_ctx *
tree_ctx(struct imap_cmd *cmd)
{
	if (cmd->ctx == NULL)
		cmd->ctx = arena_zero(cmd->arena, sizeof(struct tree_ctx));
	return cmd->ctx;
}

static void
tree_drop(struct imap_cmd *cmd)
{
	struct tree_ctx *x = cmd->ctx;

	if (x != NULL)
		store_op_free(x->op);
}

/* RFC 3501 6.3.3 */
static enum step
create_step(struct imap_cmd *cmd)
{
	struct tree_ctx *x = tree_ctx(cmd);

	if (x->op == NULL &&
	    store_create(
		cmd->s->user->store, cmd->v[0].text, &x->op, &cmd->err) == -1)
		return STEP_FAIL;
	return store_op_step(x->op, cmd->flush, &cmd->err);
}

/* RFC 3501 6.3.4. Impossible names are names that no mailbox has. */
static enum step
delete_begin(struct imap_cmd *cmd, struct tree_ctx *x)
{
	struct imap_session *s = cmd->s;
	struct slice name;

	if (imap_user_canonical(
		s->user, cmd->v[0].text, cmd->arena, &name, &cmd->err) == -1)
		return imap_no(cmd, "NONEXISTENT", "No such mailbox");
	if (slice_eq_str(name, "INBOX"))
		return imap_no(cmd, "CANNOT", "INBOX cannot be deleted");
	if (store_delete(s->user->store, name, &x->op, &cmd->err) == -1) {
		if (cmd->err.code == ERR_INVALID)
			return imap_no(
			    cmd, "HASCHILDREN", "Mailbox has children");
		return STEP_FAIL;
	}
	if (s->state == IMAP_SELECTED && slice_eq_str(name, s->mailbox_name))
		imap_enter(s, IMAP_AUTH);
	return STEP_AGAIN;
}

static enum step
delete_step(struct imap_cmd *cmd)
{
	struct tree_ctx *x = tree_ctx(cmd);
	enum step r;

	if (x->op == NULL) {
		r = delete_begin(cmd, x);
		if (r != STEP_AGAIN)
			return r;
	}
	r = store_op_step(x->op, cmd->flush, &cmd->err);
	imap_user_forget(cmd->s->user, cmd->v[0].text);
	return r;
}

/* RFC 3501 6.3.5 */
static enum step
rename_step(struct imap_cmd *cmd)
{
	struct tree_ctx *x = tree_ctx(cmd);
	struct imap_user *u = cmd->s->user;
	enum step r;

	if (x->op == NULL &&
	    store_rename(u->store, cmd->v[0].text, cmd->v[1].text, &x->op,
		&cmd->err) == -1)
		return STEP_FAIL;
	r = store_op_step(x->op, cmd->flush, &cmd->err);
	if (r == STEP_DONE || r == STEP_FAIL)
		imap_user_forget(u, cmd->v[0].text);
	return r;
}

static enum step
subscribe(struct imap_cmd *cmd, bool on)
{
	struct tree_ctx *x = tree_ctx(cmd);

	if (x->op == NULL &&
	    store_subscribe(cmd->s->user->store, cmd->v[0].text, on, &x->op,
		&cmd->err) == -1)
		return STEP_FAIL;
	return store_op_step(x->op, cmd->flush, &cmd->err);
}

/* RFC 3501 6.3.6 */
static enum step
subscribe_step(struct imap_cmd *cmd)
{
	return subscribe(cmd, true);
}

/* RFC 3501 6.3.7 */
static enum step
unsubscribe_step(struct imap_cmd *cmd)
{
	return subscribe(cmd, false);
}

/* ---- STATUS ---- */

struct status_ctx {
	unsigned items;
	struct status_open open;
};

static void
status_drop(struct imap_cmd *cmd)
{
	struct status_ctx *x = cmd->ctx;

	if (x != NULL)
		status_close(&x->open);
}

/* RFC 3501 6.3.10 */
static enum step
status_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct status_ctx *x = cmd->ctx;
	enum step r;
	struct buf b;

	if (x == NULL) {
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
		if (!status_items(cmd->v[1].arg->child, &x->items))
			return imap_bad(cmd, "Unknown STATUS item");
		if (status_asks_modseq(x->items))
			condstore_enable(s);
		imap_user_look(s->user);
	}
	r = status_refresh(
	    s->user, cmd->v[0].text, x->items, &x->open, cmd->flush, &cmd->err);
	if (r == STEP_FAIL && cmd->err.code == ERR_INVALID)
		return imap_no(cmd, "NONEXISTENT", "No such mailbox");
	if (r != STEP_DONE)
		return r;
	buf_init(&b, MAX_STATUS_LINE);
	status_put(&b, cmd->v[0].text, x->items, &x->open);
	imap_put(s, buf_slice(&b));
	buf_free(&b);
	return STEP_DONE;
}

/* RFC 2342 */
static enum step
namespace_step(struct imap_cmd *cmd)
{
	struct imap_user *u = cmd->s->user;

	imap_untagged(cmd->s, "NAMESPACE ((\"%s\" \"%c\")) NIL NIL", u->prefix,
	    u->separator);
	return STEP_DONE;
}

const struct imap_verb imap_verbs_mailbox[] = {
	{ .name = "CREATE",
	    .args = "mailbox",
	    .flags = IN_USER,
	    .step = create_step,
	    .drop = tree_drop },
	{ .name = "DELETE",
	    .args = "mailbox",
	    .flags = IN_USER,
	    .step = delete_step,
	    .drop = tree_drop },
	{ .name = "RENAME",
	    .args = "mailbox mailbox",
	    .flags = IN_USER,
	    .step = rename_step,
	    .drop = tree_drop },
	{ .name = "SUBSCRIBE",
	    .args = "mailbox",
	    .flags = IN_USER,
	    .step = subscribe_step,
	    .drop = tree_drop },
	{ .name = "UNSUBSCRIBE",
	    .args = "mailbox",
	    .flags = IN_USER,
	    .step = unsubscribe_step,
	    .drop = tree_drop },
	{ .name = "STATUS",
	    .args = "mailbox list",
	    .flags = IN_USER,
	    .capability = "STATUS=SIZE",
	    .step = status_step,
	    .drop = status_drop },
	{ .name = "NAMESPACE",
	    .flags = IN_USER,
	    .capability = "NAMESPACE",
	    .step = namespace_step },
	{ .name = NULL },
};
