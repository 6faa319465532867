/* SPDX-License-Identifier: ISC */
/* What SORT and THREAD have in common: find messages, then read the keys of
 * each, as long as there is time. */
#ifndef IMAPD_SORT_FIND_H
#define IMAPD_SORT_FIND_H

#include "imapd/search_find.h"
#include "imapd/sort_keys.h"

struct sort_find {
	struct search_find find;
	struct sort_reader reader; /* its record is the last one told */

	/* private */
	struct seqset_iter at; /* of what was found */
	unsigned looked;
};

/* at: charset and search keys; needs: enum sort_need. False: the reply is set.
 * x is zeroed; sort_find_free() it also then. */
bool sort_find_begin(struct imap_cmd *cmd, const struct imap_arg *at,
    unsigned needs, struct sort_find *x);
void sort_find_free(struct sort_find *x);
/* True when all are found; false: time is spent. */
bool sort_find_step(struct imap_cmd *cmd, struct sort_find *x);
/* Then each in turn: 1 x->reader.record is the one of *seq_out, 0 there are no
 * more, -1 time is spent. What cannot be read is passed over; search_find_end()
 * tells it. */
int sort_find_next(
    struct imap_cmd *cmd, struct sort_find *x, uint32_t *seq_out) MUST_CHECK;

#endif
