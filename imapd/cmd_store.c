/* SPDX-License-Identifier: ISC */
/* STORE, EXPUNGE. */
#include "imapd/cmd_flags.h"
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/update.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Files removed before others may run. */
#define EXPUNGE_PORTION 32

/* Two numbers of ten digits a range. */
#define MAX_MODIFIED ((size_t)(MAX_SEQSET_RANGES * 22 + 64))

/* ---- STORE ---- */

struct store_ctx {
	struct flag_change how;
	bool is_silent;
	bool is_fresh; /* with a condition: what others did is known */
	bool has_mask;
	bool saw_gone;
	struct flag_words words;
	struct seqset seqs;
	struct seqset_iter at;
	struct seqset modified; /* as the client counts */
};

/* RFC 3501 6.4.6 */
static const struct {
	const char *name;
	enum flag_op op;
	bool is_silent;
} store_items[] = {
	{ "FLAGS", FLAG_SET, false },
	{ "FLAGS.SILENT", FLAG_SET, true },
	{ "+FLAGS", FLAG_ADD, false },
	{ "+FLAGS.SILENT", FLAG_ADD, true },
	{ "-FLAGS", FLAG_REMOVE, false },
	{ "-FLAGS.SILENT", FLAG_REMOVE, true },
};

static void
store_drop(struct imap_cmd *cmd)
{
	struct store_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	seqset_free(&x->seqs);
	seqset_free(&x->modified);
}

/* RFC 7162 3.1.3. False: the reply is set. */
static bool
store_modifiers(struct imap_cmd *cmd, struct store_ctx *x)
{
	const struct imap_arg *a;

	if (!cmd->v[1].is_set)
		return true;
	a = cmd->v[1].arg->child;
	if (!imap_arg_is(a, "UNCHANGEDSINCE") ||
	    condstore_number(a->next, &x->how.unchanged_since) == -1 ||
	    a->next->next != NULL) {
		(void)imap_bad(cmd, "UNCHANGEDSINCE and a modseq expected");
		return false;
	}
	x->how.is_conditional = true;
	return true;
}

static bool
store_item(struct store_ctx *x, struct slice name)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(store_items); i++) {
		if (!slice_ieq_str(name, store_items[i].name))
			continue;
		x->how.op = store_items[i].op;
		x->is_silent = store_items[i].is_silent;
		return true;
	}
	return false;
}

/* STEP_AGAIN: go on; else the reply is set. */
static enum step
store_begin(struct imap_cmd *cmd)
{
	struct store_ctx *x = arena_zero(cmd->arena, sizeof(*x));
	const char *why;

	seqset_init(&x->seqs, MAX_VIEW_RANGES);
	seqset_init(&x->modified, MAX_SEQSET_RANGES);
	cmd->ctx = x;
	if (!store_modifiers(cmd, x))
		return STEP_DONE;
	if (!store_item(x, cmd->v[2].text))
		return imap_bad(cmd, "Unknown STORE item");
	why = flag_words_read(&x->words, cmd->v[3].arg, cmd->arena);
	if (why != NULL)
		return imap_bad(cmd, why);
	x->how.flags = x->words.flags;
	if (!imap_set_seqs(cmd, cmd->v[0].text, &x->seqs))
		return STEP_DONE;
	if (x->how.is_conditional && !condstore_wanted(cmd))
		return STEP_DONE;
	x->is_fresh = !x->how.is_conditional;
	seqset_iter_init(&x->at, &x->seqs);
	return STEP_AGAIN;
}

/* Letters for the keywords; new ones are made unless they are taken away. */
static enum step
store_mask(struct imap_cmd *cmd, struct store_ctx *x)
{
	int r = mailbox_keyword_mask(cmd->s->box, x->words.keywords, x->words.n,
	    x->how.op != FLAG_REMOVE, &x->how.keywords, &cmd->err);

	if (r == 0)
		return STEP_EVENT;
	if (r == -1)
		return STEP_FAIL;
	x->has_mask = true;
	/* A new name is told before the first message that has it; flags that
	 * others set only with what we set, at the end: RFC 3501 6.4.6 wants
	 * them without a race. */
	update_tell_new_names(cmd->s);
	return STEP_AGAIN;
}

/* All of them are told in one line: a set that would be too long for it takes
 * in what lies between. */
static void
note_modified(struct store_ctx *x, uint32_t number)
{
	uint32_t last = seqset_max(&x->modified);

	seqset_add(&x->modified, number, number);
	if (x->modified.failed && last < number)
		seqset_add(&x->modified, last, number);
	x->modified.failed = false;
}

/* One message. False: cmd->err says what broke. */
static bool
store_one(struct imap_cmd *cmd, struct store_ctx *x, uint32_t seq)
{
	struct imap_session *s = cmd->s;
	struct mailbox_rec *rec = view_rec(s->view, seq);
	int r = -1;

	cmd->err.code = ERR_GONE;
	if (!rec->is_gone)
		r = mailbox_change(s->box, rec, &x->how, s->view, &cmd->err);
	if (r == -1 && cmd->err.code == ERR_GONE) {
		x->saw_gone = true;
		return true;
	}
	if (r == -1 && (!x->how.is_conditional || cmd->err.code != ERR_BUSY))
		return false;
	if (r == -1) {
		note_modified(x, cmd->is_uid ? rec->uid : seq);
		update_tell_flags(s, seq, rec);
	} else if (!x->is_silent)
		update_tell_flags(s, seq, rec);
	else if (condstore_is_on(s) && (r == 1 || x->how.is_conditional))
		update_tell_modseq(s, seq, rec);
	return true;
}

/* "MODIFIED 7,9" */
static const char *
modified_code(struct imap_cmd *cmd, const struct store_ctx *x)
{
	const char *code;
	struct buf b;

	buf_init(&b, MAX_MODIFIED);
	buf_puts(&b, "MODIFIED ");
	seqset_print(&x->modified, &b);
	code = arena_dup(cmd->arena, b.p, b.n);
	buf_free(&b);
	return code;
}

static enum step
store_end(struct imap_cmd *cmd, const struct store_ctx *x)
{
	/* RFC 5530 4; for UIDs RFC 3501 6.4.8: no error */
	bool is_no = x->saw_gone && !cmd->is_uid;

	if (x->modified.n > 0 && is_no)
		return imap_no(cmd, modified_code(cmd, x),
		    "Some of the messages are gone");
	if (x->modified.n > 0)
		return imap_ok(cmd, modified_code(cmd, x),
		    "Some of the messages were changed before");
	if (is_no)
		return imap_no(
		    cmd, "EXPUNGEISSUED", "Some of the messages are gone");
	return STEP_DONE;
}

static enum step
store_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct store_ctx *x;
	enum step r;
	uint32_t seq;

	if (cmd->ctx == NULL) {
		r = store_begin(cmd);
		if (r != STEP_AGAIN)
			return r;
	}
	x = cmd->ctx;
	if (!x->is_fresh) {
		r = view_refresh(s->view, cmd->flush, &cmd->err);
		if (r != STEP_DONE)
			return r;
		x->is_fresh = true;
	}
	if (!x->has_mask) {
		r = store_mask(cmd, x);
		if (r != STEP_AGAIN)
			return r;
	}
	while (conn_slice_left(s->conn)) {
		if (imap_is_full(s))
			return STEP_DRAIN;
		if (!seqset_next(&x->at, &seq))
			return store_end(cmd, x);
		if (!store_one(cmd, x, seq))
			return STEP_FAIL;
	}
	return STEP_AGAIN;
}

/* ---- EXPUNGE ---- */

struct expunge_ctx {
	bool is_fresh; /* flags set by others are known */
	bool has_uids;
	uint32_t from;
	struct seqset uids;
};

static void
expunge_drop(struct imap_cmd *cmd)
{
	struct expunge_ctx *x = cmd->ctx;

	if (x != NULL)
		seqset_free(&x->uids);
}

/* RFC 3501 6.4.3; RFC 4315 2.1. What is gone is told before the reply. */
static enum step
expunge_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct expunge_ctx *x = cmd->ctx;
	enum step r;

	if (x == NULL) {
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
		seqset_init(&x->uids, MAX_VIEW_RANGES);
		x->has_uids = cmd->v[0].is_set;
		if (x->has_uids &&
		    !imap_set_uids(cmd, cmd->v[0].text, &x->uids))
			return STEP_DONE;
	}
	if (!x->is_fresh) {
		r = view_refresh(s->view, cmd->flush, &cmd->err);
		if (r != STEP_DONE)
			return r;
		x->is_fresh = true;
	}
	switch (view_expunge(s->view, x->has_uids ? &x->uids : NULL, false,
	    &x->from, EXPUNGE_PORTION, &cmd->err)) {
	case 0:
		return STEP_DONE;
	case 1:
		return STEP_AGAIN;
	default:
		return STEP_FAIL;
	}
}

const struct imap_verb imap_verbs_store[] = {
	{ .name = "STORE",
	    .args = "set [params] atom flags",
	    .flags = IN_SELECTED | HAS_UID | USES_SEQ | WRITES,
	    .step = store_step,
	    .drop = store_drop },
	{ .name = "EXPUNGE",
	    .flags = IN_SELECTED | BREAKS_SEQ | WRITES,
	    .step = expunge_step,
	    .drop = expunge_drop },
	{ .name = "EXPUNGE",
	    .args = "set",
	    .flags = IN_SELECTED | ONLY_UID | BREAKS_SEQ | WRITES,
	    .capability = "UIDPLUS",
	    .step = expunge_step,
	    .drop = expunge_drop },
	{ .name = NULL },
};
