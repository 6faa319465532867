/* SPDX-License-Identifier: ISC */
/* What is to be written to one mailbox's tree, gathered and put in order. */
#include <stdlib.h>

#include "libbase/mem.h"
#include "libmaildir/index_impl.h"

struct index_batch *
index_batch_new(size_t max_bytes)
{
	struct index_batch *b = xcalloc(1, sizeof(*b));

	b->max_bytes = max_bytes;
	buf_init(&b->values, max_bytes);
	return b;
}

void
index_batch_free(struct index_batch **b)
{
	if (*b == NULL)
		return;
	buf_free(&(*b)->values);
	xfree((*b)->puts);
	xfree((*b)->dels);
	xfree(*b);
	*b = NULL;
}

void
index_batch_reset(struct index_batch *b)
{
	buf_reset(&b->values);
	b->n_puts = b->n_dels = 0;
	b->nr = 0;
}

static size_t
batch_bytes(const struct index_batch *b)
{
	return b->values.n + (b->n_puts + b->n_dels) * sizeof(struct index_op);
}

static bool
add(struct index_batch *b, struct index_op **ops, size_t *n, size_t *cap,
    const struct index_op *op)
{
	if (op->n + sizeof(*op) > b->max_bytes ||
	    batch_bytes(b) > b->max_bytes - op->n - sizeof(*op) ||
	    b->nr == UINT32_MAX)
		return false;
	if (*n == *cap) {
		*cap = *cap == 0 ? 16 : *cap * 2;
		*ops = xreallocarray(*ops, *cap, sizeof(**ops));
	}
	(*ops)[*n] = *op;
	(*ops)[*n].nr = b->nr++;
	++*n;
	b->sorted = false;
	return true;
}

bool
index_batch_put(
    struct index_batch *b, int kind, uint64_t key, struct slice value)
{
	struct index_op op = {
		.kind = (uint8_t)kind,
		.key = key,
		.off = b->values.n,
		.n = value.n,
	};

	/* not kept; nor is what was there before it */
	if (value.n > INDEX_VALUE_MAX)
		return index_batch_del(b, kind, key, key);
	if (!add(b, &b->puts, &b->n_puts, &b->cap_puts, &op))
		return false;
	buf_put_slice(&b->values, value);
	return true;
}

bool
index_batch_del(struct index_batch *b, int kind, uint64_t lo, uint64_t hi)
{
	struct index_op op = { .kind = (uint8_t)kind, .key = lo, .hi = hi };

	return lo > hi || add(b, &b->dels, &b->n_dels, &b->cap_dels, &op);
}

static int
by_key(const void *x, const void *y)
{
	const struct index_op *a = x, *b = y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

static void
sort(struct index_op *ops, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (by_key(&ops[i - 1], &ops[i]) > 0) {
			qsort(ops, n, sizeof(*ops), by_key);
			return;
		}
}

/* The first put at or behind kind and key. */
static size_t
first_put(const struct index_batch *b, const struct index_op *op)
{
	size_t lo = 0, hi = b->n_puts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct index_op *p = &b->puts[mid];

		if (p->kind < op->kind ||
		    (p->kind == op->kind && p->key < op->key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Neighbours and overlapping ones become one; the latest number is kept for
 * none of them: puts have been marked before. */
static void
merge_dels(struct index_batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_dels; i++) {
		struct index_op *d = &b->dels[i], *last = &b->dels[n - 1];

		if (n > 0 && last->kind == d->kind &&
		    (last->hi == UINT64_MAX || d->key <= last->hi + 1)) {
			if (d->hi > last->hi)
				last->hi = d->hi;
		} else {
			b->dels[n++] = *d;
		}
	}
	b->n_dels = n;
}

void
index_batch_sort(struct index_batch *b)
{
	if (b->sorted)
		return;
	sort(b->puts, b->n_puts);
	for (size_t i = 1; i < b->n_puts; i++)
		if (b->puts[i - 1].kind == b->puts[i].kind &&
		    b->puts[i - 1].key == b->puts[i].key)
			b->puts[i - 1].dead = true;
	for (size_t i = 0; i < b->n_dels; i++) {
		const struct index_op *d = &b->dels[i];

		for (size_t j = first_put(b, d); j < b->n_puts &&
		     b->puts[j].kind == d->kind && b->puts[j].key <= d->hi;
		     j++)
			if (b->puts[j].nr < d->nr)
				b->puts[j].dead = true;
	}
	sort(b->dels, b->n_dels);
	merge_dels(b);
	b->sorted = true;
}
