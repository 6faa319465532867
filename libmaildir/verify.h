/* SPDX-License-Identifier: ISC */
/*
 * The index held against the folders, and made anew, by somebody who has time:
 * no session needs this. Blocks.
 */
#ifndef LIBMAILDIR_VERIFY_H
#define LIBMAILDIR_VERIFY_H

#include "libbase/err.h"
#include "libbase/slice.h"

struct index;
struct store;

struct verify_teller {
	void *arg;
	/* A difference, in words; name is the mailbox's. */
	void (*differs)(void *arg, struct slice name, const char *what);
};

enum verified {
	VERIFIED_FAILED = -1,
	VERIFIED_SAME,
	VERIFIED_DIFFERS, /* each difference was told */
	VERIFIED_UNKNOWN  /* the index has nothing of this mailbox */
};

/*
 * One mailbox: what a scan of its folder finds, beside its records in the
 * index. Sizes and dates that only one of them knows are no difference; neither
 * is what an open session is about to write, so ask again before you believe
 * it. *messages_out: how many there are.
 */
enum verified verify_mailbox(struct store *st, struct index *ix,
    struct slice name, const struct verify_teller *teller,
    uint64_t *messages_out, struct err *err) MUST_CHECK;

/*
 * Forget the index and write it from the folders. ix is gone after it. No
 * session of the user may run. failed is told of each mailbox that could not be
 * read; the others are done. How many were written; -1.
 */
int verify_rebuild(struct store *st, struct index *ix,
    const struct verify_teller *failed, struct err *err) MUST_CHECK;

#endif
