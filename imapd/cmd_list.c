/* SPDX-License-Identifier: ISC */
/* LIST (RFC 3501; extended: RFC 5258, 5819), LSUB. */
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/status.h"
#include "libmaildir/listmatch.h"
#include "libmaildir/roles.h"
#include "libmaildir/store.h"
#include "libnet/conn.h"

#define MAX_LIST_LINE (16 * KIB)

enum list_option {
	SELECT_SUBSCRIBED = 1,
	SELECT_RECURSIVE = 2,
	SELECT_REMOTE = 4,
	RETURN_SUBSCRIBED = 8,
	RETURN_CHILDREN = 16,
	RETURN_STATUS = 32,
	IS_EXTENDED = 64,
	IS_LSUB = 128,
	IS_ROOT = 256, /* the pattern is empty: tell the separator */
	SELECT_SPECIAL = 512,
	RETURN_SPECIAL = 1024
};

struct list_ctx {
	unsigned options;
	unsigned items; /* of STATUS */
	size_t n;
	struct slice *patterns; /* reference and pattern joined */
	struct store_list *list;
	struct roles roles;
	struct slice *subscribed; /* for RECURSIVEMATCH */
	size_t n_subscribed;
	/* STATUS of this mailbox comes next */
	bool has_pending;
	struct slice pending;
	struct status_open open;
};

/* RFC 5258 3, 5819 2, 6154 2 (the attributes are told to all who list) */
static const struct {
	const char *name;
	unsigned option;
	bool is_return;
} options[] = {
	{ "SUBSCRIBED", SELECT_SUBSCRIBED | RETURN_SUBSCRIBED, false },
	{ "RECURSIVEMATCH", SELECT_RECURSIVE, false },
	{ "REMOTE", SELECT_REMOTE, false },
	{ "SPECIAL-USE", SELECT_SPECIAL | RETURN_SPECIAL, false },
	{ "SUBSCRIBED", RETURN_SUBSCRIBED, true },
	{ "CHILDREN", RETURN_CHILDREN, true },
	{ "STATUS", RETURN_STATUS, true },
	{ "SPECIAL-USE", RETURN_SPECIAL, true },
};

static void
list_drop(struct imap_cmd *cmd)
{
	struct list_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	store_list_close(x->list);
	status_close(&x->open);
}

/* ---- arguments ---- */

static bool
read_options(struct list_ctx *x, const struct imap_arg *a, bool is_return)
{
	size_t i;

	for (; a != NULL; a = a->next) {
		for (i = 0; i < N_ELEMENTS(options); i++) {
			if (options[i].is_return == is_return &&
			    imap_arg_is(a, options[i].name))
				break;
		}
		if (i == N_ELEMENTS(options))
			return false;
		x->options |= options[i].option;
		if (options[i].option != RETURN_STATUS)
			continue;
		a = a->next;
		if (a == NULL || a->kind != ARG_LIST ||
		    !status_items(a->child, &x->items))
			return false;
	}
	return true;
}

/* One pattern, joined to the reference. */
static int
add_pattern(struct imap_cmd *cmd, struct list_ctx *x, struct slice ref,
    const struct imap_arg *a)
{
	struct slice pattern;
	struct buf b;

	if (imap_arg_pattern(a, cmd->arena, &pattern, &cmd->err) == -1)
		return -1;
	if (pattern.n == 0 && x->n == 0 && a->next == NULL)
		x->options |= IS_ROOT;
	buf_init(&b, 3 * MAX_MAILBOX_NAME);
	listmatch_join(ref, pattern, &b);
	x->patterns[x->n++] = arena_slice(cmd->arena, buf_slice(&b));
	buf_free(&b);
	return 0;
}

static int
read_patterns(struct imap_cmd *cmd, struct list_ctx *x, struct slice ref,
    const struct imap_arg *a)
{
	const struct imap_arg *p = a->kind == ARG_LIST ? a->child : a;
	size_t n = a->kind == ARG_LIST ? imap_arg_count(p) : 1;

	if (a->kind == ARG_LIST)
		x->options |= IS_EXTENDED;
	x->patterns = arena_array(cmd->arena, n, sizeof(*x->patterns));
	if (n == 0 || x->patterns == NULL)
		return err_set(&cmd->err, ERR_INVALID, "Pattern expected");
	for (; n > 0; n--, p = p->next) {
		if (add_pattern(cmd, x, ref, p) == -1)
			return -1;
	}
	if (a->kind == ARG_LIST)
		x->options &= ~(unsigned)IS_ROOT;
	return 0;
}

/* "RETURN (...)" and nothing more. */
static bool
read_return(struct list_ctx *x, const struct imap_arg *a)
{
	if (a == NULL)
		return true;
	x->options |= IS_EXTENDED;
	return imap_arg_is(a, "RETURN") && a->next != NULL &&
	    a->next->kind == ARG_LIST && a->next->next == NULL &&
	    read_options(x, a->next->child, true);
}

/* NULL, or what is wrong. */
static const char *
read_list(struct imap_cmd *cmd, struct list_ctx *x)
{
	const struct imap_arg *a = cmd->v[0].arg;
	struct slice ref;

	if (a->kind == ARG_LIST) {
		x->options |= IS_EXTENDED;
		if (!read_options(x, a->child, false))
			return "Unknown selection option";
		a = a->next;
	}
	if ((x->options & SELECT_RECURSIVE) != 0 &&
	    (x->options & SELECT_SUBSCRIBED) == 0)
		return "RECURSIVEMATCH needs another option";
	if (a == NULL || a->next == NULL ||
	    imap_arg_pattern(a, cmd->arena, &ref, &cmd->err) == -1)
		return "Reference and pattern expected";
	if (read_patterns(cmd, x, ref, a->next) == -1)
		return arena_strdup(cmd->arena, cmd->err.text);
	if (!read_return(x, a->next->next))
		return "Unknown return option";
	if ((x->options & RETURN_STATUS) != 0 && status_asks_modseq(x->items))
		condstore_enable(cmd->s);
	return cmd->arena->failed ? "Command too large" : NULL;
}

/* ---- what is told ---- */

static bool
matches(const struct imap_user *u, const struct list_ctx *x, struct slice name)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		if (listmatch(x->patterns[i], name, u->separator))
			return true;
	}
	return false;
}

/* Is a subscribed mailbox below, that is not told itself (RFC 5258 3.5)? */
static bool
has_hidden_child(
    const struct imap_user *u, const struct list_ctx *x, struct slice name)
{
	size_t i;

	for (i = 0; i < x->n_subscribed; i++) {
		if (foldername_is_below(u->separator, name, x->subscribed[i]) &&
		    !matches(u, x, x->subscribed[i]))
			return true;
	}
	return false;
}

/* RFC 3501 6.3.9: LSUB "%" shows levels of subscribed names. */
static bool
is_lsub_wanted(const struct imap_user *u, const struct list_ctx *x,
    const struct store_entry *e)
{
	if (!matches(u, x, e->name))
		return false;
	if ((e->flags & STORE_SUBSCRIBED) != 0)
		return true;
	return (e->flags & STORE_SUBSCRIBED_BELOW) != 0 &&
	    listmatch_is_level(x->patterns[0]);
}

static bool
has_role(const struct list_ctx *x, unsigned role, const struct store_entry *e)
{
	return x->roles.names[role].p != NULL &&
	    slice_eq(x->roles.names[role], e->name);
}

static bool
is_special(const struct list_ctx *x, const struct store_entry *e)
{
	unsigned i;

	for (i = 0; i < N_ROLES; i++) {
		if (has_role(x, i, e))
			return true;
	}
	return false;
}

static bool
is_wanted(const struct imap_user *u, const struct list_ctx *x,
    const struct store_entry *e)
{
	if ((x->options & IS_LSUB) != 0)
		return is_lsub_wanted(u, x, e);
	if (!matches(u, x, e->name) ||
	    ((x->options & SELECT_SPECIAL) != 0 && !is_special(x, e)))
		return false;
	if ((x->options & SELECT_SUBSCRIBED) == 0)
		return (e->flags & STORE_SUBS_ONLY) == 0;
	if ((e->flags & STORE_SUBSCRIBED) != 0)
		return true;
	return (x->options & SELECT_RECURSIVE) != 0 &&
	    (e->flags & STORE_SUBSCRIBED_BELOW) != 0 &&
	    has_hidden_child(u, x, e->name);
}

static void
put_attribute(struct buf *b, const char *name)
{
	if (b->p[b->n - 1] != '(')
		buf_putc(b, ' ');
	buf_puts(b, name);
}

static void
put_attributes(
    struct buf *b, const struct list_ctx *x, const struct store_entry *e)
{
	bool lsub = (x->options & IS_LSUB) != 0;
	unsigned i;

	if ((e->flags & STORE_NONEXISTENT) != 0) {
		put_attribute(b, "\\Noselect");
		if ((x->options & IS_EXTENDED) != 0)
			put_attribute(b, "\\NonExistent");
	} else if (lsub && (e->flags & STORE_SUBSCRIBED) == 0) {
		put_attribute(b, "\\Noselect");
	}
	if (!lsub) {
		put_attribute(b,
		    (e->flags & STORE_HAS_CHILDREN) != 0 ? "\\HasChildren" :
							   "\\HasNoChildren");
	}
	if ((x->options & RETURN_SUBSCRIBED) != 0 &&
	    (e->flags & STORE_SUBSCRIBED) != 0)
		put_attribute(b, "\\Subscribed");
	for (i = 0; !lsub && i < N_ROLES; i++) {
		if (has_role(x, i, e))
			put_attribute(b, role_attribute((enum folder_role)i));
	}
}

static void
tell_entry(struct imap_session *s, const struct list_ctx *x,
    const struct store_entry *e)
{
	struct buf b;

	buf_init(&b, MAX_LIST_LINE);
	buf_puts(&b, (x->options & IS_LSUB) != 0 ? "* LSUB (" : "* LIST (");
	put_attributes(&b, x, e);
	buf_printf(&b, ") \"%c\" ", s->user->separator);
	imap_put_mailbox(&b, e->name);
	if ((x->options & SELECT_RECURSIVE) != 0 &&
	    (e->flags & STORE_SUBSCRIBED_BELOW) != 0)
		buf_puts(&b, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	buf_puts(&b, "\r\n");
	imap_put(s, buf_slice(&b));
	buf_free(&b);
}

/* ---- steps ---- */

/* The names that are subscribed, to find hidden children among them. */
static void
collect_subscribed(struct imap_cmd *cmd, struct list_ctx *x)
{
	struct store_entry e;
	size_t n = 0;

	while (store_list_next(x->list, &e))
		n += (e.flags & STORE_SUBSCRIBED) != 0;
	store_list_rewind(x->list);
	x->subscribed = arena_array(cmd->arena, n, sizeof(*x->subscribed));
	if (x->subscribed == NULL)
		return;
	while (store_list_next(x->list, &e)) {
		if ((e.flags & STORE_SUBSCRIBED) != 0)
			x->subscribed[x->n_subscribed++] = e.name;
	}
	store_list_rewind(x->list);
}

static enum step
list_begin(struct imap_cmd *cmd, struct list_ctx *x)
{
	struct imap_session *s = cmd->s;

	/* RFC 3501 6.3.8: the separator, and the root that has no name */
	if ((x->options & IS_ROOT) != 0) {
		imap_untagged(s, "%s (\\Noselect) \"%c\" \"\"",
		    (x->options & IS_LSUB) != 0 ? "LSUB" : "LIST",
		    s->user->separator);
		return STEP_DONE;
	}
	if (store_list_open(s->user->store, &x->list, &cmd->err) == -1)
		return STEP_FAIL;
	roles_find(s->user->store, x->list, &s->user->roles, &x->roles);
	if ((x->options & SELECT_RECURSIVE) != 0)
		collect_subscribed(cmd, x);
	return STEP_AGAIN;
}

/* STATUS behind the LIST of a mailbox; one that cannot be opened has none. */
static enum step
pending_status(struct imap_cmd *cmd, struct list_ctx *x)
{
	struct imap_session *s = cmd->s;
	struct buf b;
	enum step r;

	r = status_refresh(
	    s->user, x->pending, x->items, &x->open, cmd->flush, &cmd->err);
	if (r != STEP_DONE && r != STEP_FAIL)
		return r;
	if (r == STEP_DONE) {
		buf_init(&b, MAX_LIST_LINE);
		status_put(&b, x->pending, x->items, &x->open);
		imap_put(s, buf_slice(&b));
		buf_free(&b);
	}
	status_close(&x->open);
	x->has_pending = false;
	return STEP_AGAIN;
}

static enum step
list_run(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct list_ctx *x = cmd->ctx;
	struct store_entry e;
	enum step r;

	while (conn_slice_left(s->conn)) {
		if (imap_is_full(s))
			return STEP_DRAIN;
		if (x->has_pending) {
			r = pending_status(cmd, x);
			if (r != STEP_AGAIN)
				return r;
			continue;
		}
		if (!store_list_next(x->list, &e))
			return STEP_DONE;
		if (!is_wanted(s->user, x, &e))
			continue;
		tell_entry(s, x, &e);
		x->has_pending = (x->options & RETURN_STATUS) != 0 &&
		    (e.flags & STORE_NONEXISTENT) == 0;
		x->pending = e.name;
	}
	return STEP_AGAIN;
}

/* RFC 3501 6.3.8 */
static enum step
list_step(struct imap_cmd *cmd)
{
	struct list_ctx *x = cmd->ctx;
	const char *why;
	enum step r;

	if (x == NULL) {
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
		why = read_list(cmd, x);
		if (why != NULL)
			return imap_bad(cmd, why);
		r = list_begin(cmd, x);
		if (r != STEP_AGAIN)
			return r;
	}
	return list_run(cmd);
}

/* RFC 3501 6.3.9 */
static enum step
lsub_step(struct imap_cmd *cmd)
{
	struct list_ctx *x = cmd->ctx;
	enum step r;

	if (x == NULL) {
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
		x->options = IS_LSUB;
		if (read_patterns(cmd, x, cmd->v[0].text, cmd->v[1].arg) == -1)
			return imap_bad(cmd, "Pattern expected");
		r = list_begin(cmd, x);
		if (r != STEP_AGAIN)
			return r;
	}
	return list_run(cmd);
}

const struct imap_verb imap_verbs_list[] = {
	{ .name = "LIST",
	    .args = "*",
	    .flags = IN_USER,
	    .capability = "CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE",
	    .step = list_step,
	    .drop = list_drop },
	{ .name = "LSUB",
	    .args = "pattern pattern",
	    .flags = IN_USER,
	    .step = lsub_step,
	    .drop = list_drop },
	{ .name = NULL },
};
