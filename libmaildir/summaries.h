/* SPDX-License-Identifier: ISC */
/*
 * What is known of a message without opening its file: text ready for the wire
 * and keys to sort by, kept in the index. Each kind is read by bulk in the
 * order of UIDs, so that a run of messages costs one read for many.
 */
#ifndef LIBMAILDIR_SUMMARIES_H
#define LIBMAILDIR_SUMMARIES_H

#include "libmaildir/mailbox.h"

/* In the index: INDEX_SUMMARY + kind. Bits 1 << kind in mailbox_rec.summaries
 * say what is kept there. */
enum summary_kind {
	SUMMARY_ENVELOPE,
	SUMMARY_BODY,
	SUMMARY_STRUCTURE, /* BODYSTRUCTURE */
	SUMMARY_FIELDS,    /* header fields of index_cache_headers */
	SUMMARY_KEYS,      /* what SEARCH, SORT and THREAD compare */
	N_SUMMARIES
};

/* Is there an index to keep them in? */
bool summaries_are_kept(const struct mailbox *mb);

/* true: *out is valid until the next call for this mailbox and kind. A bit that
 * the index does not bear out is cleared. */
bool summary_get(struct mailbox *mb, struct mailbox_rec *rec,
    enum summary_kind kind, struct slice *out);
/* Remember it: written with the mailbox's next write to the index. Over the
 * ceiling of what waits it is left out. */
void summary_keep(struct mailbox *mb, struct mailbox_rec *rec,
    enum summary_kind kind, struct slice value);

/* Give back what was read and nobody has asked for since the last call. false:
 * nothing is held any more. */
bool summaries_rest(struct mailboxes *ms);

/* ---- for who writes the mailbox to the index ---- */

struct index_batch;

/* Bytes that wait to be written. */
size_t summaries_pending(const struct mailbox *mb);
/* So many wait that a write is worth it now, also within a long command. */
bool summaries_want_write(const struct mailbox *mb);
/* Put what waits into the batch: true when all of it is in; false: there was no
 * room for some, which still waits. What is in waits no more: when the write
 * fails it is lost, and found missing later. */
bool summaries_take(struct mailbox *mb, struct index_batch *b);
/* The mailbox is closed. */
void summaries_free(struct mailbox *mb);

#endif
