/* SPDX-License-Identifier: ISC */
/*
 * What SEARCH and SORT are to answer: the result options of RFC 4731, 5182 and
 * 5267, and the ESEARCH response (RFC 4466).
 */
#ifndef IMAPD_SEARCH_RETURN_H
#define IMAPD_SEARCH_RETURN_H

#include "imapd/command.h"
#include "libbase/seqset.h"

enum search_return_bit {
	RETURN_MIN = 1,
	RETURN_MAX = 2,
	RETURN_ALL = 4,
	RETURN_COUNT = 8,
	RETURN_SAVE = 16,
	RETURN_GIVEN = 32 /* the word stood there, so ESEARCH answers */
};

/* "RETURN (...)" at *at, which is moved past it; nothing there: *out is 0.
 * False: the reply is set. */
bool search_return_read(
    struct imap_cmd *cmd, const struct imap_arg **at, unsigned *out);
/* As enum find_want: what must be found. */
unsigned search_return_wants(unsigned options);
/* Is an ESEARCH response due? */
bool search_return_tells(unsigned options);

/* "* ESEARCH (TAG "x") UID" with what options ask for of these, but for ALL
 * and the line's end. min and max: numbers as told, 0 when nothing was found.
 */
void search_return_put_head(struct imap_cmd *cmd, unsigned options,
    uint32_t min, uint32_t max, uint64_t count);

/* The next range of ALL; is_first: none was told yet. */
void
search_return_put_range(struct buf *b, bool is_first, uint32_t lo, uint32_t hi);

/* The end of the line, with the highest modseq of what is told; 0: without. */
void
search_return_put_end(struct imap_cmd *cmd, unsigned options, uint64_t modseq);

/*
 * The result variable of RFC 5182. Keep found (sequence numbers; with MIN and
 * MAX alone only these two) when SAVE is among the options. False: the reply is
 * set.
 */
bool search_return_save(
    struct imap_cmd *cmd, unsigned options, const struct seqset *found);
/* The command ends with NO: a SAVE empties it. r: what its step returns. */
void search_return_ends(struct imap_cmd *cmd, unsigned options, enum step r);

#endif
