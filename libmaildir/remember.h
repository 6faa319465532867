/* SPDX-License-Identifier: ISC */
/*
 * How a mailbox is kept in the index and comes back from there (for the files
 * of the mailbox half). The program's part stands in mailbox.h.
 */
#ifndef LIBMAILDIR_REMEMBER_H
#define LIBMAILDIR_REMEMBER_H

#include "libmaildir/mailbox_impl.h"

/* A shown record differs from what the index has; it is gone. */
void remember_changed(struct mailbox *mb, struct mailbox_rec *rec);
void remember_gone(struct mailbox *mb, const struct mailbox_rec *rec);

/* Before the first scan: what the index knows, as if it had been scanned. Then
 * is_loaded is set, and is_dirty where the folder is another by now. */
int remember_load(struct mailbox *mb, struct err *err) MUST_CHECK;
/* Before a mailbox is opened: has another process used the index? */
void remember_look(struct mailboxes *ms);
/* The mailbox leaves memory: what it owes the index is written. */
void remember_free(struct mailbox *mb);
/* Forget the records of folders that were deleted, by whomever. */
void remember_sweep(struct mailboxes *ms);
/* The session ends, all mailboxes are closed. */
void remember_end(struct mailboxes *ms);

#endif
