/* SPDX-License-Identifier: ISC */
/* Messages of a view, one after the other, until what is wanted is known. */
#include "imapd/search_find.h"
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/kept.h"
#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Messages before the clock is looked at. */
#define PORTION 64

bool
search_charset(struct imap_cmd *cmd, const struct imap_arg **at)
{
	const struct imap_arg *name = *at;

	if (name == NULL || !imap_arg_is_astring(name) || name->next == NULL) {
		(void)imap_bad(cmd, "Charset and search keys expected");
		return false;
	}
	*at = name->next;
	if (slice_ieq_str(name->text, "US-ASCII") ||
	    slice_ieq_str(name->text, "UTF-8"))
		return true;
	(void)imap_no(cmd, "BADCHARSET (US-ASCII UTF-8)", "Unknown charset");
	return false;
}

bool
search_find_begin(struct imap_cmd *cmd, const struct imap_arg *keys,
    unsigned want, struct search_find *x)
{
	struct imap_session *s = cmd->s;
	const struct search_scope scope = { .max_seq = view_count(s->view),
		.max_uid = view_max_uid(s->view),
		.saved = &s->saved,
		.now = clock_now() };
	struct search_program *p;
	struct err err = { 0 };

	search_run_init(&x->run);
	seqset_init(&x->found, MAX_VIEW_RANGES);
	x->want = want;
	x->backwards = want == FIND_MAX;
	x->lo = 1;
	x->hi = scope.max_seq;
	p = search_parse(keys, scope, cmd->arena, &err);
	if (p == NULL) {
		(void)imap_bad(cmd, arena_strdup(cmd->arena, err.text));
		return false;
	}
	if (p->has_modseq && !condstore_wanted(cmd))
		return false;
	x->run.program = p;
	x->run.box = s->box;
	x->run.view = s->view;
	x->run.conn = s->conn;
	x->run.kept = s->user->kept;
	search_keep(p, kept_names_of(x->run.kept));
	if (!search_has_strings(p))
		return true;
	x->run.fold = s->user->fold;
	if (!search_arm(p, x->run.fold, cmd->arena)) {
		(void)imap_bad(cmd, "Command too large");
		return false;
	}
	return true;
}

void
search_find_free(struct search_find *x)
{
	search_run_free(&x->run);
	seqset_free(&x->found);
}

/* The lowest is known, now the highest; or all that is wanted is. */
static void
note_hit(struct search_find *x, uint32_t seq)
{
	seqset_add(&x->found, seq, seq);
	if ((x->want & FIND_ALL) != 0)
		return;
	if (!x->backwards && (x->want & FIND_MAX) != 0)
		x->backwards = true;
	else
		x->lo = x->hi + 1;
}

bool
search_find_step(struct imap_cmd *cmd, struct search_find *x)
{
	unsigned looked = 0;
	uint32_t seq;
	enum step r;

	/* others of this user run between the slices */
	search_name_keywords(x->run.program, cmd->s->box);
	while (x->lo <= x->hi) {
		if (looked++ % PORTION == 0 && !conn_slice_left(cmd->s->conn))
			return false;
		seq = x->backwards ? x->hi : x->lo;
		r = search_run_step(&x->run, seq, &cmd->err);
		if (r == STEP_AGAIN)
			return false;
		if (x->run.program->costs >= 1u << COST_HEADER)
			looked = 0;
		if (x->backwards)
			x->hi--;
		else
			x->lo++;
		/* what was not read is told at the end: the rest is of use */
		if (r == STEP_FAIL && cmd->err.code != ERR_GONE)
			x->err = cmd->err;
		if (r == STEP_DONE && x->run.is_hit)
			note_hit(x, seq);
	}
	return true;
}

uint64_t
search_find_modseq(const struct search_find *x, const struct seqset *seqs)
{
	const struct mailbox_rec *rec;
	struct seqset_iter it;
	uint64_t highest = 0;
	uint32_t seq;

	if (!x->run.program->has_modseq)
		return 0;
	seqset_iter_init(&it, seqs);
	while (seqset_next(&it, &seq)) {
		rec = view_rec(x->run.view, seq);
		if (rec->modseq > highest)
			highest = rec->modseq;
	}
	return highest;
}

enum step
search_find_end(struct imap_cmd *cmd, const struct search_find *x)
{
	if (x->err.code == ERR_OK)
		return STEP_DONE;
	cmd->err = x->err;
	return STEP_FAIL;
}
