/* SPDX-License-Identifier: ISC */
/*
 * Sets of 32-bit numbers (UIDs, sequence numbers) as sorted, disjoint,
 * non-adjacent ranges. 0 is never a member. Bounded in ranges, not in numbers:
 * 1:4294967295 costs one range.
 */
#ifndef LIBBASE_SEQSET_H
#define LIBBASE_SEQSET_H

#include "libbase/buf.h"

struct seqrange {
	uint32_t lo, hi; /* both in the set */
};

struct seqset {
	struct seqrange *r;
	size_t n, cap, max; /* ranges */
	bool failed;        /* more ranges than max were asked for */
};

void seqset_init(struct seqset *s, size_t max_ranges);
void seqset_free(struct seqset *s);
void seqset_reset(struct seqset *s);
void seqset_add(struct seqset *s, uint32_t lo, uint32_t hi); /* lo <= hi */
void seqset_remove(struct seqset *s, uint32_t lo, uint32_t hi);
void seqset_union(struct seqset *into, const struct seqset *other);
void seqset_intersect(struct seqset *into, uint32_t lo, uint32_t hi);
void seqset_copy(struct seqset *into, const struct seqset *from);
bool seqset_has(const struct seqset *s, uint32_t v);
bool seqset_equal(const struct seqset *a, const struct seqset *b);
uint64_t seqset_count(const struct seqset *s); /* numbers */
uint32_t seqset_max(const struct seqset *s);   /* 0 when empty */

/*
 * RFC 9051 section 9, sequence-set without "$": numbers from 1, ranges in
 * either order, "*" is star (0 when the mailbox is empty: then "*" adds nothing
 * and "n:*" adds n). 0, or -1 for bad syntax or too many ranges; *s is
 * replaced.
 */
int seqset_parse(struct slice text, uint32_t star, struct seqset *s) MUST_CHECK;
void seqset_print(const struct seqset *s, struct buf *b); /* "1:3,7" */

struct seqset_iter {
	const struct seqset *s;
	size_t i;
	uint64_t next;
};
void seqset_iter_init(struct seqset_iter *it, const struct seqset *s);
bool seqset_next(struct seqset_iter *it, uint32_t *v_out);

#endif
