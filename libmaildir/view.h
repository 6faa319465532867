/* SPDX-License-Identifier: ISC */
/*
 * What one session sees of a mailbox: the only place with sequence numbers.
 * They change in view_update() alone. A message expunged elsewhere keeps its
 * number and its record (is_gone) until the session may be told.
 */
#ifndef LIBMAILDIR_VIEW_H
#define LIBMAILDIR_VIEW_H

#include "libmaildir/mailbox.h"

/* Begin an empty view; the mailbox must stay open as long. read_only: nothing
 * in the folder changes by it (EXAMINE): new/ is not emptied. */
struct view *view_open(struct mailbox *mb, bool read_only);
void view_close(struct view **v);
struct mailbox *view_mailbox(const struct view *v);

/* mailbox_refresh() for this view; a view that may write moves new messages
 * from new/ to cur/. */
enum step
view_refresh(struct view *v, struct flush_set *fs, struct err *err) MUST_CHECK;

struct view_teller {
	void *arg;
	/* In this order; any may be NULL. seq is what the client counts at
	 * that moment. */
	void (*expunge)(void *arg, uint32_t seq, uint32_t uid);
	void (*exists)(void *arg, uint32_t n);
	void (*recent)(void *arg, uint32_t n);
	void (*flags)(void *arg, uint32_t seq, struct mailbox_rec *rec);
	/* The keyword names changed: FLAGS, PERMANENTFLAGS. Before all. */
	void (*keywords)(void *arg);
};
/* Take over what the mailbox knows, tell it. Without may_expunge expunges wait,
 * flags and new messages are told. At SELECT: refresh, then update with a NULL
 * teller. true when anything was told. */
bool
view_update(struct view *v, bool may_expunge, const struct view_teller *teller);
/* Would view_update have something to tell? Cheap. */
bool view_has_news(const struct view *v);

uint32_t view_count(const struct view *v); /* EXISTS */
uint32_t view_recent(const struct view *v);
bool view_is_recent(const struct view *v, const struct mailbox_rec *rec);
uint32_t view_first_unseen(const struct view *v); /* seq; 0: none */
/* seq 1..count; NULL outside. O(1). */
struct mailbox_rec *view_rec(const struct view *v, uint32_t seq);
/* Sequence number of a UID; 0 when not in the view. O(log n). */
uint32_t view_seq(const struct view *v, uint32_t uid);
/* The lowest seq with a UID at or above; count + 1 when there is none. */
uint32_t view_seq_from(const struct view *v, uint32_t uid);
uint32_t view_max_uid(const struct view *v); /* 0 when empty */
/* The highest modseq that may be told: below all that this view was not told
 * yet (expunges held back, flags, new messages). RFC 7162 3.1.2.1 */
uint64_t view_highest_modseq(const struct view *v);
/* mailbox_vanished() without what this view still shows. */
bool view_vanished(const struct view *v, uint64_t since,
    const struct seqset *within, struct seqset *uids_out);
/* Sequence numbers to UIDs, and back. Numbers not there are left out; false
 * when there were any such. */
bool view_uids_of(
    const struct view *v, const struct seqset *seqs, struct seqset *uids_out);
bool view_seqs_of(
    const struct view *v, const struct seqset *uids, struct seqset *seqs_out);

/*
 * Expunge what this view shows: with \Deleted, or (any) whatever the flags are.
 * uids NULL: all. Goes on behind *from (0 at the start), at most max files. 1:
 * more to do, 0: done, -1 err (go on after it is possible). The numbers change
 * with the next view_update(), which tells this view too.
 */
int view_expunge(struct view *v, const struct seqset *uids, bool any,
    uint32_t *from, unsigned max, struct err *err) MUST_CHECK;

/* ---- packing (a parked session) ---- */

void view_get_uids(const struct view *v, struct seqset *out);
void view_get_recent(const struct view *v, struct seqset *out);
/* A fresh, refreshed view gets the messages it showed before; those that are
 * gone meanwhile come back as is_gone and are told by the next update. */
int view_restore(struct view *v, const struct seqset *uids,
    const struct seqset *recent, struct err *err) MUST_CHECK;

#endif
