/* SPDX-License-Identifier: ISC */
/* CONDSTORE and QRESYNC: what the commands have in common. */
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "imapd/update.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Of one VANISHED: long sets come as several (RFC 7162 4). */
#define VANISHED_LINE 8000
/* Messages before the clock is looked at. */
#define PORTION       64

bool
condstore_is_on(const struct imap_session *s)
{
	return (s->enabled & ENABLED_CONDSTORE) != 0 && s->view != NULL &&
	    !s->has_no_modseq;
}

bool
condstore_tells_vanished(const struct imap_session *s)
{
	return (s->enabled & ENABLED_QRESYNC) != 0 && !s->has_no_modseq;
}

/* Below all that the client is still to hear. */
static uint64_t
highest(const struct imap_session *s)
{
	uint64_t n = view_highest_modseq(s->view);

	return s->modseq_cap != 0 && s->modseq_cap < n ? s->modseq_cap : n;
}

static void
tell_highest(struct imap_session *s)
{
	imap_untagged(s, "OK [HIGHESTMODSEQ %llu] Highest",
	    (unsigned long long)highest(s));
}

void
condstore_enable(struct imap_session *s)
{
	bool was_on = (s->enabled & ENABLED_CONDSTORE) != 0;

	s->enabled |= ENABLED_CONDSTORE;
	if (!was_on && s->state == IMAP_SELECTED && !s->has_no_modseq)
		tell_highest(s);
}

bool
condstore_wanted(struct imap_cmd *cmd)
{
	if (cmd->s->has_no_modseq) {
		(void)imap_bad(cmd, "No modseqs in this mailbox");
		return false;
	}
	condstore_enable(cmd->s);
	return true;
}

int
condstore_number(const struct imap_arg *a, uint64_t *out)
{
	if (a == NULL || a->kind != ARG_ATOM || a->has_section)
		return -1;
	return slice_u64(a->text, INT64_MAX, out);
}

void
condstore_tell_opened(struct imap_session *s)
{
	s->has_no_modseq = !mailbox_has_modseqs(s->box);
	if (s->has_no_modseq)
		imap_untagged(s, "OK [NOMODSEQ] Modseqs cannot be kept now");
	else
		tell_highest(s);
}

void
condstore_put(
    struct buf *b, struct imap_session *s, const struct mailbox_rec *rec)
{
	if (rec->modseq > s->modseq_told)
		s->modseq_told = rec->modseq;
	buf_puts(b, "MODSEQ (");
	buf_put_u64(b, rec->modseq);
	buf_putc(b, ')');
}

void
condstore_finish(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	bool is_due = s->state == IMAP_SELECTED && condstore_is_on(s);
	bool vanished = s->told_vanished;
	uint64_t told = s->modseq_told;

	s->modseq_told = 0;
	s->told_vanished = false;
	if (!is_due)
		return;
	/* RFC 7162 3.2.7, 3.2.9; for others its example in 6 */
	if (vanished && cmd->status == IMAP_OK && cmd->code == NULL) {
		cmd->code = arena_printf(cmd->arena, "HIGHESTMODSEQ %llu",
		    (unsigned long long)highest(s));
		return;
	}
	if (told > highest(s))
		tell_highest(s);
}

bool
condstore_tell_vanished(struct imap_session *s, const struct seqset *uids,
    size_t *at, bool is_earlier)
{
	struct buf b;
	size_t first;

	buf_init(&b, VANISHED_LINE + 256);
	s->told_vanished = s->told_vanished || (uids->n > 0 && !is_earlier);
	while (*at < uids->n && !(is_earlier && imap_is_full(s))) {
		buf_reset(&b);
		buf_puts(
		    &b, is_earlier ? "* VANISHED (EARLIER) " : "* VANISHED ");
		for (first = *at; *at < uids->n && b.n < VANISHED_LINE; ++*at) {
			if (*at > first)
				buf_putc(&b, ',');
			buf_put_u64(&b, uids->r[*at].lo);
			if (uids->r[*at].hi > uids->r[*at].lo)
				buf_printf(&b, ":%u", uids->r[*at].hi);
		}
		buf_puts(&b, "\r\n");
		imap_put(s, buf_slice(&b));
	}
	buf_free(&b);
	return *at == uids->n;
}

void
condstore_narrow(
    const struct imap_session *s, uint64_t since, struct seqset *seqs)
{
	struct seqset uids, changed;
	struct seqset_iter it;
	uint32_t seq;

	seqset_init(&uids, MAX_CHANGE_LOG);
	seqset_init(&changed, MAX_CHANGE_LOG);
	if (mailbox_changed(s->box, since, &uids)) {
		(void)view_seqs_of(s->view, &uids, &changed);
		seqset_iter_init(&it, &changed);
		seqset_reset(&uids);
		while (seqset_next(&it, &seq))
			if (seqset_has(seqs, seq))
				seqset_add(&uids, seq, seq);
		seqset_copy(seqs, &uids);
	}
	seqset_free(&changed);
	seqset_free(&uids);
}

/* ---- (QRESYNC (...)) ---- */

static void
free_sets(void *arg)
{
	struct resync *q = arg;

	seqset_free(&q->known);
	seqset_free(&q->match_seqs);
	seqset_free(&q->match_uids);
	seqset_free(&q->vanished);
	seqset_free(&q->changed);
}

/* A set without "*" and "$". */
static bool
read_set(const struct imap_arg *a, struct seqset *set)
{
	return a != NULL && a->kind == ARG_ATOM && !a->has_section &&
	    slice_find(a->text, '*') < 0 && seqset_parse(a->text, 0, set) == 0;
}

static bool
read_match(struct resync *q, const struct imap_arg *a)
{
	return a != NULL && a->kind == ARG_LIST &&
	    read_set(a->child, &q->match_seqs) &&
	    read_set(a->child->next, &q->match_uids) &&
	    a->child->next->next == NULL &&
	    seqset_count(&q->match_seqs) == seqset_count(&q->match_uids);
}

const char *
resync_read(struct resync *q, const struct imap_arg *list, struct arena *arena)
{
	const struct imap_arg *a;

	seqset_init(&q->known, MAX_SEQSET_RANGES);
	seqset_init(&q->match_seqs, MAX_SEQSET_RANGES);
	seqset_init(&q->match_uids, MAX_SEQSET_RANGES);
	seqset_init(&q->vanished, MAX_VIEW_RANGES);
	seqset_init(&q->changed, MAX_VIEW_RANGES);
	arena_on_reset(arena, free_sets, q);
	q->is_given = true;
	if (list == NULL || list->kind != ARG_LIST || list->child == NULL)
		return "QRESYNC without its arguments";
	a = list->child;
	if (a->kind != ARG_ATOM ||
	    slice_u32(a->text, UINT32_MAX, &q->uidvalidity) == -1 ||
	    q->uidvalidity == 0)
		return "UIDVALIDITY expected";
	a = a->next;
	if (condstore_number(a, &q->since) == -1 || q->since == 0)
		return "Modseq expected";
	a = a->next;
	if (a != NULL && a->kind == ARG_ATOM) {
		q->has_known = true;
		if (!read_set(a, &q->known))
			return "Bad set of known UIDs";
		a = a->next;
	}
	if (a != NULL) {
		if (!read_match(q, a))
			return "Bad sequence match data";
		a = a->next;
	}
	return a == NULL ? NULL : "Too many arguments in QRESYNC";
}

/* The last UID up to which the client knows what is gone (RFC 7162 3.2.5.2):
 * where a number means the same message to both, as many lie below it, and so
 * the same. */
static uint32_t
matched(const struct resync *q, const struct view *v)
{
	struct seqset_iter seqs, uids;
	const struct mailbox_rec *rec;
	uint32_t seq, uid, last = 0;

	seqset_iter_init(&seqs, &q->match_seqs);
	seqset_iter_init(&uids, &q->match_uids);
	while (seqset_next(&seqs, &seq) && seqset_next(&uids, &uid)) {
		rec = view_rec(v, seq);
		if (rec == NULL)
			break;
		if (rec->uid == uid)
			last = uid;
	}
	return last;
}

void
resync_begin(struct resync *q, struct imap_session *s)
{
	uint32_t n = view_count(s->view), last;
	const struct seqset *within = q->has_known ? &q->known : NULL;

	seqset_iter_init(&q->next, &q->changed);
	if (!q->is_given || s->has_no_modseq ||
	    mailbox_uidvalidity(s->box) != q->uidvalidity)
		return;
	(void)view_vanished(s->view, q->since, within, &q->vanished);
	last = matched(q, s->view);
	if (last != 0)
		seqset_remove(&q->vanished, 1, last);
	if (within != NULL)
		(void)view_seqs_of(s->view, within, &q->changed);
	else if (n > 0)
		seqset_add(&q->changed, 1, n);
	condstore_narrow(s, q->since, &q->changed);
}

/* RFC 7162 3.2.5.1: what is gone before what has changed */
enum step
resync_tell(struct resync *q, struct imap_session *s)
{
	const struct mailbox_rec *rec;
	unsigned looked = 0;
	uint32_t seq;

	if (!condstore_tell_vanished(s, &q->vanished, &q->at, true))
		return STEP_DRAIN;
	while (!imap_is_full(s)) {
		if (looked++ % PORTION == 0 && !conn_slice_left(s->conn))
			return STEP_AGAIN;
		if (!seqset_next(&q->next, &seq))
			return STEP_DONE;
		rec = view_rec(s->view, seq);
		if (rec->modseq > q->since && !rec->is_gone)
			update_tell_flags(s, seq, rec);
	}
	return STEP_DRAIN;
}
