/* SPDX-License-Identifier: ISC */
/*
 * The messages of a view that search keys find: the part that SEARCH, SORT and
 * THREAD have in common.
 */
#ifndef IMAPD_SEARCH_FIND_H
#define IMAPD_SEARCH_FIND_H

#include "imapd/command.h"
#include "imapd/search_run.h"

/* Which of them must be known. Without FIND_ALL the search ends early. */
enum find_want {
	FIND_MIN = 1,
	FIND_MAX = 2,
	FIND_ALL = 4
};

struct search_find {
	unsigned want;       /* enum find_want */
	struct seqset found; /* sequence numbers */
	struct err err; /* of a message that could not be read; ERR_OK: none */

	/* private */
	struct search_run run;
	uint32_t lo, hi; /* not looked at */
	bool backwards;
};

/*
 * RFC 3501 6.4.4: the charset that search keys are in, at *at, which is moved
 * to the keys behind it. Strings are taken as UTF-8, of which US-ASCII is a
 * part. False: the reply is set.
 */
bool search_charset(struct imap_cmd *cmd, const struct imap_arg **at);

/* False: the reply is set. x is zeroed; search_find_free() it also then. */
bool search_find_begin(struct imap_cmd *cmd, const struct imap_arg *keys,
    unsigned want, struct search_find *x);
void search_find_free(struct search_find *x);
/* True when all was looked at; false: time is spent. The view must not change
 * meanwhile. */
bool search_find_step(struct imap_cmd *cmd, struct search_find *x);
/* The highest modseq of these, when one was asked for (RFC 7162 3.1.5), else
 * 0. */
uint64_t
search_find_modseq(const struct search_find *x, const struct seqset *seqs);
/* All is told: STEP_DONE, or STEP_FAIL with x->err. */
enum step search_find_end(struct imap_cmd *cmd, const struct search_find *x);

#endif
