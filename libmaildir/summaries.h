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
	SUMMARY_FIELDS,    /* header fields of index_cache_headers, as stored */
	SUMMARY_KEYS,      /* what SORT and THREAD compare */
	N_SUMMARIES
};

/* true: *out is valid until the next call for this mailbox and kind. */
bool summary_get(struct mailbox *mb, const struct mailbox_rec *rec,
    enum summary_kind kind, struct slice *out);
/* Remember it: written with the mailbox's next write to the index. */
void summary_keep(struct mailbox *mb, struct mailbox_rec *rec,
    enum summary_kind kind, struct slice value);

#endif
