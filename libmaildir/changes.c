/* SPDX-License-Identifier: ISC */
/*
 * What changed in a mailbox since a modseq (RFC 7162).
 *
 * M1. A modseq is told only when all that has one up to it is told too. New
 *     messages whose UIDs are not flushed yet are not.
 * M2. A UID whose file was not seen yet has not vanished.
 */
#include <stdlib.h>

#include "libbase/mem.h"
#include "libmaildir/mailbox_impl.h"

bool
mailbox_has_modseqs(const struct mailbox *mb)
{
	return mailboxes_have_modseqs(mb->family);
}

uint64_t
mailbox_told_modseq(const struct mailbox *mb, uint32_t uid)
{
	uint64_t highest = mb->highest_modseq;
	size_t i;

	if (uid == UINT32_MAX)
		return highest;
	for (i = recs_from(&mb->recs, uid + 1); i < mb->recs.n; i++)
		if (mb->recs.v[i]->modseq <= highest)
			highest = mb->recs.v[i]->modseq - 1; /* M1 */
	return highest;
}

/* ---- expunged ---- */

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* In order, so that no set is built from its middle. */
static void
add_logged(const struct modlog_entry *e, size_t n, const struct seqset *within,
    struct seqset *out)
{
	uint32_t *uids;
	size_t i, kept = 0;

	if (n == 0)
		return;
	uids = xcalloc(n, sizeof *uids);
	for (i = 0; i < n; i++)
		if (within == NULL || seqset_has(within, e[i].uid))
			uids[kept++] = e[i].uid;
	if (kept > 1)
		qsort(uids, kept, sizeof *uids, by_number);
	for (i = 0; i < kept; i++)
		seqset_add(out, uids[i], uids[i]);
	xfree(uids);
}

/* Where the wider answer is: all numbers given but those of known messages. */
struct gaps {
	const struct mailbox *mb;
	const struct seqset *within;
	size_t at; /* in within */
	struct seqset *out;
};

/* The numbers lo to hi are nobody's. Called in order. */
static void
add_gap(struct gaps *g, uint32_t lo, uint32_t hi)
{
	if (g->within == NULL) {
		seqset_add(g->out, lo, hi);
		return;
	}
	while (g->at < g->within->n && g->within->r[g->at].hi < lo)
		g->at++;
	for (; g->at < g->within->n; g->at++) {
		const struct seqrange *r = &g->within->r[g->at];

		if (r->lo > hi)
			return;
		seqset_add(
		    g->out, r->lo > lo ? r->lo : lo, r->hi < hi ? r->hi : hi);
		if (r->hi > hi)
			return; /* the rest is for the next gap */
	}
}

/* The first UID at or behind both positions; 0: none. */
static uint32_t
next_known(const struct mailbox *mb, size_t *i, size_t *j)
{
	const struct recs *a = &mb->recs, *b = &mb->named; /* M2 */

	if (*i < a->n && (*j == b->n || a->v[*i]->uid <= b->v[*j]->uid))
		return a->v[(*i)++]->uid;
	return *j < b->n ? b->v[(*j)++]->uid : 0;
}

static void
add_gaps(struct gaps *g)
{
	uint32_t end = uidlist_next(&g->mb->list), from = 1, uid;
	size_t i = 0, j = 0;

	while ((uid = next_known(g->mb, &i, &j)) != 0) {
		if (uid > from)
			add_gap(g, from, uid - 1);
		from = uid + 1;
	}
	if (from != 0 && end > from)
		add_gap(g, from, end - 1);
}

bool
mailbox_vanished(const struct mailbox *mb, uint64_t since,
    const struct seqset *within, struct seqset *uids_out)
{
	struct gaps g = { .mb = mb, .within = within, .out = uids_out };
	const struct modlog_entry *e;
	size_t n;

	seqset_reset(uids_out);
	if (!modlog_covers(&mb->expunged, since)) {
		add_gaps(&g);
		return false;
	}
	e = modlog_above(&mb->expunged, since, &n);
	add_logged(e, n, within, uids_out);
	return true;
}

/* ---- changed ---- */

bool
mailbox_changed(
    const struct mailbox *mb, uint64_t since, struct seqset *uids_out)
{
	const struct modlog_entry *e;
	size_t n;

	seqset_reset(uids_out);
	if (since >= mb->highest_modseq)
		return true;
	if (!modlog_covers(&mb->changed, since))
		return false;
	e = modlog_above(&mb->changed, since, &n);
	add_logged(e, n, NULL, uids_out);
	return true;
}
