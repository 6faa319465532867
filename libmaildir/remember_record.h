/* SPDX-License-Identifier: ISC */
/*
 * Records of the index as bytes: a mailbox's head, a message. In this machine's
 * order: another's index does not get as far as here (index.h). Nothing that is
 * read is believed before it was checked.
 */
#ifndef LIBMAILDIR_REMEMBER_RECORD_H
#define LIBMAILDIR_REMEMBER_RECORD_H

#include "libmaildir/mailbox_impl.h"

#define REMEMBER_FORMAT 2

/* What one record can tell without a look at the messages. */
struct box_head {
	uint32_t format;
	uint32_t is_whole; /* 0: its messages are still being written */
	struct uidlist_mark list;
	struct stamp cur, new; /* zero: not proved */
	uint64_t highest_modseq, log_floor, log_last;
	struct mailbox_counts counts;
};

/* The user's own (INDEX_USER). */
struct user_head {
	uint32_t format;
	uint32_t is_clean; /* 0: a session uses it, or died doing so */
	uint64_t owner;    /* which session */
	uint64_t last_modseq, floor, ceiling;
};

/* false: no such record. */
bool box_head_get(struct slice bytes, struct box_head *out);
bool user_head_get(struct slice bytes, struct user_head *out);

void record_put(const struct mailbox_rec *rec, struct buf *out);
/* A new record; NULL: these bytes are none. */
struct mailbox_rec *
record_get(struct mailbox *mb, uint32_t uid, struct slice bytes);

#endif
