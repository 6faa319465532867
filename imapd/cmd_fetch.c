/* SPDX-License-Identifier: ISC */
/* FETCH: message by message, each answer whole. */
#include <unistd.h>

#include "imapd/cmd_flags.h"
#include "imapd/condstore.h"
#include "imapd/fetch_items.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_user.h"
#include "imapd/update.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* text of one answer: an envelope is bounded by its arena */
#define MAX_ANSWER (2 * MAX_MESSAGE_ARENA)

struct fetch_ctx {
	struct fetch_list *items;
	struct fetch_answer *a;
	struct seqset seqs;
	struct seqset_iter at;
	/* RFC 7162 3.1.4.1, 3.2.6 */
	uint64_t since;
	bool has_since, has_vanished;
	struct seqset vanished; /* UIDs */
	size_t told;            /* of its ranges */
	bool saw_gone;
	struct err err; /* of a message that could not be read */
};

static void
answer_reset(struct fetch_answer *a)
{
	unsigned i;

	for (i = 0; i < a->n_pieces; i++)
		close(a->pieces[i].fd);
	a->n_pieces = 0;
	buf_reset(&a->text);
}

static void
fetch_drop(struct imap_cmd *cmd)
{
	struct fetch_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	seqset_free(&x->seqs);
	seqset_free(&x->vanished);
	if (x->a == NULL)
		return;
	fetch_source_rest(x->a->src);
	answer_reset(x->a);
	buf_free(&x->a->text);
	xfree(x->a);
}

/* What is wrong with the list of modifiers; NULL: nothing. */
static const char *
read_modifiers(struct imap_cmd *cmd, struct fetch_ctx *x)
{
	const struct imap_arg *a = cmd->v[1].arg->next;

	if (a == NULL)
		return NULL;
	if (a->child == NULL)
		return "Modifiers expected";
	for (a = a->child; a != NULL; a = a->next) {
		if (imap_arg_is(a, "VANISHED") && !x->has_vanished) {
			x->has_vanished = true;
			continue;
		}
		if (!imap_arg_is(a, "CHANGEDSINCE") || x->has_since)
			return "Unknown modifier";
		a = a->next;
		if (condstore_number(a, &x->since) == -1)
			return "Modseq expected";
		x->has_since = true;
	}
	if (!x->has_vanished)
		return NULL;
	if (!cmd->is_uid || !x->has_since)
		return "VANISHED is for UID FETCH with CHANGEDSINCE";
	return (cmd->s->enabled & ENABLED_QRESYNC) != 0 ?
	    NULL :
	    "QRESYNC is not enabled";
}

/* UIDs that have gone, as the client names them; "*" takes in what stood behind
 * the last. */
static void
find_vanished(struct imap_cmd *cmd, struct fetch_ctx *x)
{
	const struct view *v = cmd->s->view;
	struct seqset uids;

	seqset_init(&uids, MAX_VIEW_RANGES);
	if (slice_eq_str(cmd->v[0].text, "$"))
		seqset_copy(&uids, &cmd->s->saved);
	else if (seqset_parse(cmd->v[0].text, UINT32_MAX, &uids) == -1)
		seqset_reset(&uids); /* it was read before */
	(void)view_vanished(v, x->since, &uids, &x->vanished);
	seqset_free(&uids);
}

/* Modseqs: what is added to the items, and left out of the messages. False: the
 * reply is set. */
static bool
begin_modseqs(struct imap_cmd *cmd, struct fetch_ctx *x)
{
	const struct imap_session *s = cmd->s;

	if ((x->has_since || x->items->has_modseq) && !condstore_wanted(cmd))
		return false;
	/* flags are of use to who knows of when they are */
	if (x->has_since || (x->items->has_flags && condstore_is_on(s)))
		fetch_items_add(x->items, "MODSEQ");
	if (x->has_vanished)
		find_vanished(cmd, x);
	if (x->has_since)
		condstore_narrow(s, x->since, &x->seqs);
	return true;
}

/* STEP_AGAIN: go on; else the reply is set. */
static enum step
fetch_begin(struct imap_cmd *cmd)
{
	struct fetch_ctx *x = arena_zero(cmd->arena, sizeof *x);
	const char *why;
	struct err err;

	seqset_init(&x->seqs, MAX_VIEW_RANGES);
	seqset_init(&x->vanished, MAX_VIEW_RANGES);
	cmd->ctx = x;
	x->items = fetch_items_parse(cmd->v[1].arg, cmd->arena, &err);
	if (x->items == NULL)
		return imap_bad(cmd, arena_strdup(cmd->arena, err.text));
	if ((why = read_modifiers(cmd, x)) != NULL)
		return imap_bad(cmd, why);
	if (!imap_set_seqs(cmd, cmd->v[0].text, &x->seqs) ||
	    !begin_modseqs(cmd, x))
		return STEP_DONE;
	if (cmd->is_uid) /* RFC 3501 6.4.8 */
		fetch_items_add(x->items, "UID");
	if (!fetch_items_by(
		x->items, kept_names_of(cmd->s->user->kept), cmd->arena))
		return imap_bad(cmd, "Command too large");
	x->a = xcalloc(1, sizeof *x->a);
	x->a->s = cmd->s;
	x->a->src = fetch_source_get(&cmd->s->source);
	buf_init(&x->a->text, MAX_ANSWER);
	seqset_iter_init(&x->at, &x->seqs);
	return STEP_AGAIN;
}

/* From the file that is open for other items anyway, where there is one. */
static int
load_size(struct fetch_answer *a, unsigned needs, struct err *err)
{
	struct mailbox *mb = a->s->box;
	uint64_t wire;

	if ((needs & NEED_FILE) == 0 || a->rec->wire != NAME_NO_SIZE)
		return mailbox_sizes(mb, a->rec, err);
	if (fetch_wire(a->src->file, &wire, err) == -1)
		return -1;
	mailbox_sizes_are(mb, a->rec, fetch_size(a->src->file), wire);
	return 0;
}

/* What the items need, before a byte is written. */
static int
load(struct fetch_answer *a, unsigned needs, struct err *err)
{
	struct mailbox *mb = a->s->box;

	/* the file first: opened, it tells the date */
	if ((needs & NEED_FILE) != 0 &&
	    fetch_source_open(a->src, mb, a->rec, err) == -1)
		return -1;
	if ((needs & NEED_DATE) != 0 && mailbox_date(mb, a->rec, err) == -1)
		return -1;
	/* the whole first: it knows what the others ask for */
	if ((needs & NEED_WHOLE) == NEED_WHOLE &&
	    fetch_source_whole(a->src, err) == -1)
		return -1;
	if ((needs & NEED_SIZE) != 0 && load_size(a, needs, err) == -1)
		return -1;
	if ((needs & NEED_HEADER) == NEED_HEADER &&
	    fetch_source_header(a->src, err) == -1)
		return -1;
	if ((needs & NEED_ENVELOPE) == NEED_ENVELOPE &&
	    fetch_source_envelope(a->src, err) == -1)
		return -1;
	return 0;
}

/* The file was read: what more it tells is kept. */
static void
learn(struct fetch_answer *a, unsigned needs, unsigned by)
{
	struct kept *kept = a->s->user->kept;
	struct mailbox *mb = a->s->box;
	const struct buf *header;
	unsigned kinds;

	if ((needs & (NEED_HEADER | NEED_WHOLE)) == NEED_FILE)
		return;
	if (a->src->whole != NULL)
		kept_learn_whole(kept, mb, a->rec, a->src->whole);
	/* who lists messages sorts and searches them next */
	kinds = kept == NULL ? 0 : kept_lacks(a->rec, KEPT_KEYS | by);
	header = kinds == 0 ? NULL : fetch_source_block(a->src);
	if (header != NULL)
		(void)kept_learn_header(
		    kept, mb, a->rec, buf_slice(header), kinds);
}

/* RFC 3501 6.4.5: reading a body sets \Seen; the change is told along. */
static void
mark_seen(struct fetch_answer *a, const struct fetch_list *items, bool *told)
{
	struct flag_change how = { .op = FLAG_ADD, .flags = FLAG_SEEN };
	struct err err;

	*told = false;
	if (!items->marks_seen || a->s->is_read_only ||
	    (a->rec->flags & FLAG_SEEN) != 0)
		return;
	/* the body can be read all the same */
	*told = mailbox_change(a->s->box, a->rec, &how, a->s->view, &err) == 1;
}

/* The change that reading has made (RFC 7162 3.2.4: with UID and modseq), as
 * far as it was not asked for. */
static void
put_change(struct fetch_answer *a, const struct fetch_list *items)
{
	if (!items->has_flags) {
		buf_puts(&a->text, " FLAGS (");
		update_put_flags(&a->text, a->s, a->rec);
		buf_putc(&a->text, ')');
	}
	if (!condstore_is_on(a->s))
		return;
	if (!items->has_uid)
		buf_printf(&a->text, " UID %u", a->rec->uid);
	if (!items->has_modseq) {
		buf_putc(&a->text, ' ');
		condstore_put(&a->text, a->s, a->rec);
	}
}

static int
put_items(struct fetch_answer *a, const struct fetch_list *items,
    bool tell_flags, struct err *err)
{
	unsigned i;

	buf_puts(&a->text, "* ");
	buf_put_u64(&a->text, a->seq);
	buf_puts(&a->text, " FETCH (");
	for (i = 0; i < items->n; i++) {
		const struct fetch_item *it = &items->item[i];

		if (i > 0)
			buf_putc(&a->text, ' ');
		if (it->row->put(a, it, err) == -1)
			return -1;
	}
	if (tell_flags)
		put_change(a, items);
	buf_puts(&a->text, ")\r\n");
	if (!buf_ok(&a->text))
		return err_set(
		    err, ERR_LIMIT, "answer over %u bytes", MAX_ANSWER);
	return 0;
}

/* Text and file ranges, in order, into the output chain. */
static void
send_answer(struct fetch_answer *a)
{
	struct out *o = conn_out(a->s->conn);
	struct slice text = buf_slice(&a->text);
	size_t at = 0;
	unsigned i;

	for (i = 0; i < a->n_pieces; i++) {
		struct fetch_piece *p = &a->pieces[i];

		out_slice(o, slice_head(slice_from(text, at), p->at - at));
		out_file(o, p->fd, p->off, p->len, p->flags, p->wire);
		at = p->at;
	}
	a->n_pieces = 0; /* the chain owns the descriptors */
	out_slice(o, slice_from(text, at));
}

/* One message. One that cannot be read leaves no byte and is told of at the
 * end: the others are of use all the same. */
static void
fetch_one(struct imap_cmd *cmd, struct fetch_ctx *x, uint32_t seq)
{
	struct fetch_answer *a = x->a;
	unsigned needs;
	bool told, ok;

	a->rec = view_rec(cmd->s->view, seq);
	a->seq = seq;
	if (x->has_since && (a->rec->modseq <= x->since || a->rec->is_gone))
		return;
	needs = fetch_items_known(a, x->items);
	cmd->err.code = ERR_GONE;
	ok = !a->rec->is_gone || (needs & NEED_FILE) == 0;
	ok = ok && load(a, needs, &cmd->err) == 0;
	if (ok) {
		mark_seen(a, x->items, &told);
		ok = put_items(a, x->items, told, &cmd->err) == 0;
	}
	if (ok && (needs & NEED_FILE) != 0)
		learn(a, needs, x->items->by & KEPT_FIELDS);
	if (ok)
		send_answer(a);
	else if (cmd->err.code == ERR_GONE)
		x->saw_gone = true;
	else
		x->err = cmd->err;
	answer_reset(a);
}

static enum step
fetch_end(struct imap_cmd *cmd, const struct fetch_ctx *x)
{
	if (x->err.code != ERR_OK) {
		cmd->err = x->err;
		return STEP_FAIL;
	}
	/* RFC 5530 4; for UIDs RFC 3501 6.4.8: no error */
	if (x->saw_gone && !cmd->is_uid)
		return imap_no(
		    cmd, "EXPUNGEISSUED", "Some of the messages are gone");
	return STEP_DONE;
}

static enum step
fetch_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct fetch_ctx *x = cmd->ctx;
	enum step r;
	uint32_t seq;

	if (x == NULL) {
		r = fetch_begin(cmd);
		if (r != STEP_AGAIN)
			return r;
		x = cmd->ctx;
	}
	/* RFC 7162 3.2.6: before all FETCHes */
	if (!condstore_tell_vanished(s, &x->vanished, &x->told, true))
		return STEP_DRAIN;
	while (conn_slice_left(s->conn)) {
		if (imap_is_full(s))
			return STEP_DRAIN;
		if (!seqset_next(&x->at, &seq))
			return fetch_end(cmd, x);
		fetch_one(cmd, x, seq);
	}
	return STEP_AGAIN;
}

const struct imap_verb imap_verbs_fetch[] = {
	{ .name = "FETCH",
	    .args = "set *",
	    .flags = IN_SELECTED | HAS_UID | USES_SEQ | SECTIONS,
	    .step = fetch_step,
	    .drop = fetch_drop },
	{ .name = NULL },
};
