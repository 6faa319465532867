/* SPDX-License-Identifier: ISC */
/* STATUS items as rows, for STATUS and for LIST ... RETURN (STATUS). */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "imapd/imap_args.h"
#include "libbase/buf.h"
#include "libmaildir/mailbox.h"

struct imap_user;

/* A mailbox that is looked at: zeroed at the start, status_close() at the
 * end. */
struct status_open {
	struct mailbox *box;
	struct mailbox_refresh refresh;
	bool is_peeked; /* the index had it: */
	struct mailbox_status peeked;
	bool is_fresh;  /* what is left is sizes that nobody knows yet */
	uint32_t sized; /* their last UID */
};

/* A chain of item names to bits; false for an unknown one or none at all. */
bool status_items(const struct imap_arg *a, unsigned *items_out);
/* Is HIGHESTMODSEQ among them? (RFC 7162 3.1: that enables CONDSTORE) */
bool status_asks_modseq(unsigned items);
/* Open it, bring it up to date, count what the items want to know, a portion a
 * call. STEP_DONE: status_put may follow. */
enum step status_refresh(struct imap_user *u, struct slice name, unsigned items,
    struct status_open *open, struct flush_set *fs, struct err *err) MUST_CHECK;
void status_close(struct status_open *open);
/* "* STATUS name (MESSAGES 3 ...)" */
void status_put(struct buf *b, struct slice name, unsigned items,
    const struct status_open *open);

#endif
