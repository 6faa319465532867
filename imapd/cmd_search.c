/* SPDX-License-Identifier: ISC */
/* SEARCH: what is found, as numbers or as RETURN asks for. */
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/search_find.h"
#include "imapd/search_return.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"

/* Bytes told before it is asked whether the client takes more. */
#define PORTION 8192

enum {
	SEARCH_BEGIN,
	SEARCH_RUN,
	SEARCH_NUMBERS,
	SEARCH_RANGES,
	SEARCH_END
};

struct search_ctx {
	unsigned options; /* enum search_return_bit */
	struct search_find find;
	struct seqset uids; /* what was found, in the UID form */
	const struct seqset *told;
	struct seqset_iter at; /* numbers */
	size_t range;          /* ranges */
};

static void
search_drop(struct imap_cmd *cmd)
{
	struct search_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	search_find_free(&x->find);
	seqset_free(&x->uids);
}

/* False: the reply is set. */
static bool
search_begin(struct imap_cmd *cmd, struct search_ctx *x)
{
	const struct imap_arg *a = cmd->v[0].arg;

	if (!search_return_read(cmd, &a, &x->options))
		return false;
	if (imap_arg_is(a, "CHARSET")) {
		a = a->next;
		if (!search_charset(cmd, &a))
			return false;
	}
	seqset_init(&x->uids, MAX_VIEW_RANGES);
	return search_find_begin(
	    cmd, a, search_return_wants(x->options), &x->find);
}

/* "* SEARCH 2 3 5", as much of it as the client takes now. True at its end. */
static bool
tell_numbers(struct imap_session *s, struct search_ctx *x)
{
	struct buf b;
	uint32_t number;
	bool more = true;

	buf_init(&b, PORTION);
	while (more && !imap_is_full(s)) {
		buf_reset(&b);
		while (b.n + 16 < PORTION &&
		    (more = seqset_next(&x->at, &number))) {
			buf_putc(&b, ' ');
			buf_put_u64(&b, number);
		}
		imap_put(s, buf_slice(&b));
	}
	buf_free(&b);
	return !more;
}

/* " ALL 2:3,5" in the same way. */
static bool
tell_ranges(struct imap_session *s, struct search_ctx *x)
{
	const struct seqset *set = x->told;
	struct buf b;

	buf_init(&b, PORTION);
	while (x->range < set->n && !imap_is_full(s)) {
		buf_reset(&b);
		for (; b.n + 32 < PORTION && x->range < set->n; x->range++) {
			const struct seqrange *r = &set->r[x->range];

			search_return_put_range(
			    &b, x->range == 0, r->lo, r->hi);
		}
		imap_put(s, buf_slice(&b));
	}
	buf_free(&b);
	return x->range == set->n;
}

/* All is found. False: the reply is set. */
static bool
begin_telling(struct imap_cmd *cmd, struct search_ctx *x)
{
	const struct seqset *found = &x->find.found;

	x->told = found;
	if (cmd->is_uid) {
		(void)view_uids_of(cmd->s->view, found, &x->uids);
		x->told = &x->uids;
	}
	if (found->failed || x->uids.failed) {
		(void)imap_no(cmd,
		    (x->options & RETURN_SAVE) != 0 ? "NOTSAVED" : "LIMIT",
		    "Too many ranges");
		return false;
	}
	if (!search_return_save(cmd, x->options, found))
		return false;
	cmd->phase = SEARCH_END;
	if ((x->options & RETURN_GIVEN) == 0) {
		imap_put(cmd->s, SLICE("* SEARCH"));
		seqset_iter_init(&x->at, x->told);
		cmd->phase = SEARCH_NUMBERS;
	} else if (search_return_tells(x->options)) {
		search_return_put_head(cmd, x->options,
		    x->told->n > 0 ? x->told->r[0].lo : 0, seqset_max(x->told),
		    seqset_count(x->told));
		if ((x->options & RETURN_ALL) == 0)
			x->range = x->told->n;
		cmd->phase = SEARCH_RANGES;
	}
	return true;
}

static enum step
search_go(struct imap_cmd *cmd, struct search_ctx *x)
{
	if (cmd->phase == SEARCH_BEGIN) {
		if (!search_begin(cmd, x))
			return STEP_DONE;
		cmd->phase = SEARCH_RUN;
	}
	if (cmd->phase == SEARCH_RUN) {
		if (!search_find_step(cmd, &x->find))
			return STEP_AGAIN;
		if (!begin_telling(cmd, x))
			return STEP_DONE;
	}
	if (cmd->phase == SEARCH_NUMBERS && !tell_numbers(cmd->s, x))
		return STEP_DRAIN;
	if (cmd->phase == SEARCH_RANGES && !tell_ranges(cmd->s, x))
		return STEP_DRAIN;
	if (cmd->phase != SEARCH_END)
		search_return_put_end(cmd, x->options,
		    search_find_modseq(&x->find, &x->find.found));
	return search_find_end(cmd, &x->find);
}

/* RFC 3501 6.4.4, RFC 4731 */
static enum step
search_step(struct imap_cmd *cmd)
{
	struct search_ctx *x = cmd->ctx;
	enum step r;

	if (x == NULL)
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
	if (x == NULL)
		return imap_bad(cmd, "Command too large");
	r = search_go(cmd, x);
	search_return_ends(cmd, x->options, r);
	return r;
}

const struct imap_verb imap_verbs_search[] = {
	{ .name = "SEARCH",
	    .args = "*",
	    .flags = IN_SELECTED | HAS_UID | USES_SEQ,
	    .capability = "ESEARCH SEARCHRES WITHIN",
	    .step = search_step,
	    .drop = search_drop },
	{ .name = NULL },
};
