/* SPDX-License-Identifier: ISC */
/*
 * COPY and MOVE between mailboxes of one owner: links and renames to new base
 * names. Flags, keywords (by name), INTERNALDATE, sizes and GUID are kept.
 */
#ifndef LIBMAILDIR_COPY_H
#define LIBMAILDIR_COPY_H

#include "libmaildir/view.h"

struct copy;

/* The messages of uids that the view shows. uids is copied. Both mailboxes stay
 * open as long. to may be the view's own mailbox. */
int copy_begin(struct view *from, const struct seqset *uids, struct mailbox *to,
    bool move, struct copy **out, struct err *err) MUST_CHECK;
/* STEP_AGAIN, STEP_FLUSH, STEP_EVENT; STEP_DONE: all there and on disk. A COPY
 * that fails leaves nothing behind. A MOVE goes portion by portion: what has
 * moved is in the two sets also after STEP_FAIL. Messages gone meanwhile are
 * left out (COPY: ERR_GONE when it is all of them). */
enum step
copy_step(struct copy *c, struct flush_set *fs, struct err *err) MUST_CHECK;
void copy_free(struct copy **c);

/* The user is over quota by it, within the grace. */
bool copy_is_over(const struct copy *c);
uint32_t copy_uidvalidity(const struct copy *c);
/* For COPYUID: the n-th of one is the n-th of the other. */
const struct seqset *copy_from_uids(const struct copy *c);
const struct seqset *copy_to_uids(const struct copy *c);

#endif
