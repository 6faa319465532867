/* SPDX-License-Identifier: ISC */
/* Sets of 32-bit numbers as sorted, disjoint, non-adjacent ranges. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/mem.h"
#include "libbase/seqset.h"

void
seqset_init(struct seqset *s, size_t max_ranges)
{
	*s = (struct seqset){ .max = max_ranges };
}

void
seqset_free(struct seqset *s)
{
	xfree(s->r);
	seqset_init(s, s->max);
}

void
seqset_reset(struct seqset *s)
{
	s->n = 0;
	s->failed = false;
}

static void
seqset_room(struct seqset *s, size_t n)
{
	size_t cap = s->cap == 0 ? 8 : s->cap;

	if (n <= s->cap)
		return;
	while (cap < n)
		cap *= 2;
	s->r = xreallocarray(s->r, cap, sizeof(s->r[0]));
	s->cap = cap;
}

/* Index of the first range that ends at v or later; n when there is none. */
static size_t
seqset_find(const struct seqset *s, uint32_t v)
{
	size_t lo = 0;
	size_t hi = s->n;

	/* Numbers mostly come in order: look at the end first. */
	if (hi > 0 && s->r[hi - 1].hi < v)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->r[mid].hi < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Put ranges [from, to) of s aside and the n_by ranges of by in their place. */
static void
seqset_splice(struct seqset *s, size_t from, size_t to,
    const struct seqrange *by, size_t n_by)
{
	size_t n = s->n - (to - from) + n_by;

	if (n > s->max && n > s->n) {
		s->failed = true;
		return;
	}
	seqset_room(s, n);
	if (s->n > to)
		memmove(s->r + from + n_by, s->r + to,
		    (s->n - to) * sizeof(s->r[0]));
	if (n_by > 0)
		memcpy(s->r + from, by, n_by * sizeof(s->r[0]));
	s->n = n;
}

void
seqset_add(struct seqset *s, uint32_t lo, uint32_t hi)
{
	struct seqrange add;
	size_t from, to;

	assert(lo <= hi);
	if (lo == 0)
		lo = 1;
	if (hi == 0)
		return;
	add = (struct seqrange){ lo, hi };
	/* All that overlap or touch become one; lo - 1 cannot wrap. */
	from = to = seqset_find(s, lo - 1);
	while (to < s->n && s->r[to].lo - 1 <= hi) {
		if (s->r[to].lo < add.lo)
			add.lo = s->r[to].lo;
		if (s->r[to].hi > add.hi)
			add.hi = s->r[to].hi;
		to++;
	}
	seqset_splice(s, from, to, &add, 1);
}

void
seqset_remove(struct seqset *s, uint32_t lo, uint32_t hi)
{
	struct seqrange left[2];
	size_t n = 0;
	size_t from, to;

	assert(lo <= hi);
	from = to = seqset_find(s, lo);
	while (to < s->n && s->r[to].lo <= hi)
		to++;
	if (from == to)
		return;
	if (s->r[from].lo < lo)
		left[n++] = (struct seqrange){ s->r[from].lo, lo - 1 };
	if (s->r[to - 1].hi > hi)
		left[n++] = (struct seqrange){ hi + 1, s->r[to - 1].hi };
	seqset_splice(s, from, to, left, n);
}

static int
range_compare(const void *a, const void *b)
{
	const struct seqrange *x = a;
	const struct seqrange *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Ranges in any order, overlapping, become what the header promises. */
static void
seqset_normalise(struct seqset *s)
{
	size_t n = 0;
	size_t i;

	if (s->n == 0)
		return;
	qsort(s->r, s->n, sizeof(s->r[0]), range_compare);
	for (i = 1; i < s->n; i++) {
		if (s->r[i].lo - 1 > s->r[n].hi)
			s->r[++n] = s->r[i];
		else if (s->r[i].hi > s->r[n].hi)
			s->r[n].hi = s->r[i].hi;
	}
	s->n = n + 1;
}

/* Append without order; sort when twice the ceiling is full, so that each
 * number costs little in whatever order they come. */
static int
seqset_push(struct seqset *s, uint32_t lo, uint32_t hi)
{
	struct seqrange *last = s->n > 0 ? &s->r[s->n - 1] : NULL;

	if (last != NULL && lo >= last->lo && lo - 1 <= last->hi) {
		if (hi > last->hi)
			last->hi = hi;
		return 0;
	}
	if (s->n / 2 >= s->max) {
		seqset_normalise(s);
		if (s->n > s->max || s->n / 2 >= s->max)
			return -1;
	}
#if PLANT == 10
	s->cap += s->n == 8;
#endif
	seqset_room(s, s->n + 1);
	s->r[s->n++] = (struct seqrange){ lo, hi };
	return 0;
}

void
seqset_union(struct seqset *into, const struct seqset *other)
{
	struct seqset sum;
	size_t a = 0;
	size_t b = 0;

	if (other->n <= 4) {
		for (; b < other->n; b++)
			seqset_add(into, other->r[b].lo, other->r[b].hi);
		return;
	}
	seqset_init(&sum, into->max);
	seqset_room(&sum, into->n + other->n);
	while (a < into->n || b < other->n) {
		const struct seqset *from = other;
		size_t *at = &b;

		if (b == other->n ||
		    (a < into->n && into->r[a].lo < other->r[b].lo)) {
			from = into;
			at = &a;
		}
		sum.r[sum.n++] = from->r[(*at)++];
	}
	seqset_normalise(&sum);
	if (sum.n > into->max) {
		into->failed = true;
		seqset_free(&sum);
		return;
	}
	sum.failed = into->failed;
	xfree(into->r);
	*into = sum;
}

void
seqset_intersect(struct seqset *into, uint32_t lo, uint32_t hi)
{
	if (lo > hi) {
		into->n = 0;
		return;
	}
	if (lo > 0)
		seqset_remove(into, 0, lo - 1);
	if (hi < UINT32_MAX)
		seqset_remove(into, hi + 1, UINT32_MAX);
}

void
seqset_copy(struct seqset *into, const struct seqset *from)
{
	seqset_reset(into);
	if (from->n > into->max) {
		into->failed = true;
		return;
	}
	seqset_room(into, from->n);
	if (from->n > 0)
		memcpy(into->r, from->r, from->n * sizeof(from->r[0]));
	into->n = from->n;
}

bool
seqset_has(const struct seqset *s, uint32_t v)
{
	size_t i = seqset_find(s, v);

	return v > 0 && i < s->n && s->r[i].lo <= v;
}

bool
seqset_equal(const struct seqset *a, const struct seqset *b)
{
	return a->n == b->n &&
	    (a->n == 0 || memcmp(a->r, b->r, a->n * sizeof(a->r[0])) == 0);
}

uint64_t
seqset_count(const struct seqset *s)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		count += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return count;
}

uint32_t
seqset_max(const struct seqset *s)
{
	return s->n == 0 ? 0 : s->r[s->n - 1].hi;
}

/* seq-number = nz-number / "*" (RFC 9051, section 9). */
static int
seq_number(struct slice text, uint32_t star, uint32_t *out)
{
	if (text.n == 1 && text.p[0] == '*') {
		*out = star;
		return 0;
	}
	if (text.n == 0 || text.p[0] == '0')
		return -1;
	return slice_u32(text, UINT32_MAX, out);
}

static int
seqset_parse_item(struct seqset *s, struct slice item, uint32_t star)
{
	struct slice first;
	uint32_t lo, hi;
	bool is_range = slice_cut(&item, ':', &first);

	if (seq_number(first, star, &lo) == -1)
		return -1;
	hi = lo;
	if (is_range && seq_number(item, star, &hi) == -1)
		return -1;
	if (lo > hi) {
		uint32_t swap = lo;

		lo = hi;
		hi = swap;
	}
	/* Zero is the "*" of an empty mailbox. */
	if (hi == 0)
		return 0;
	if (lo == 0)
		lo = hi;
	return seqset_push(s, lo, hi);
}

int
seqset_parse(struct slice text, uint32_t star, struct seqset *s)
{
	struct slice item;
	bool more;

	seqset_reset(s);
	do {
		more = slice_cut(&text, ',', &item);
		if (seqset_parse_item(s, item, star) == -1)
			goto bad;
	} while (more);
	seqset_normalise(s);
	if (s->n <= s->max)
		return 0;
bad:
	s->failed = s->n >= s->max;
	s->n = 0;
	return -1;
}

void
seqset_print(const struct seqset *s, struct buf *b)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (i > 0)
			buf_putc(b, ',');
		buf_put_u64(b, s->r[i].lo);
		if (s->r[i].hi > s->r[i].lo) {
			buf_putc(b, ':');
			buf_put_u64(b, s->r[i].hi);
		}
	}
}

void
seqset_iter_init(struct seqset_iter *it, const struct seqset *s)
{
	*it = (struct seqset_iter){ .s = s };
}

bool
seqset_next(struct seqset_iter *it, uint32_t *v_out)
{
	const struct seqrange *r;

	if (it->i >= it->s->n)
		return false;
	r = &it->s->r[it->i];
	if (it->next < r->lo)
		it->next = r->lo;
	*v_out = (uint32_t)it->next++;
	if (it->next > r->hi)
		it->i++;
	return true;
}
