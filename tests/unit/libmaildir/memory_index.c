/* SPDX-License-Identifier: ISC */
/* index.h in memory: linked instead of the one on disk. */
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/index.h"
#include "tests/unit/libmaildir/memory_index.h"

struct entry {
	uint64_t box;
	int kind;
	uint64_t key;
	char *value;
	size_t n;
};

struct entries {
	struct entry *v;
	size_t n, cap;
};

struct index {
	struct entries all;
	struct memory_index_look look;
};

struct index_batch {
	struct entries all;
	size_t max, bytes;
};

static int
order(const struct entry *a, uint64_t box, int kind, uint64_t key)
{
	if (a->box != box)
		return a->box < box ? -1 : 1;
	if (a->kind != kind)
		return a->kind < kind ? -1 : 1;
	return (a->key > key) - (a->key < key);
}

static size_t
find(const struct entries *e, uint64_t box, int kind, uint64_t key)
{
	size_t lo = 0, hi = e->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (order(&e->v[mid], box, kind, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
put(struct entries *e, uint64_t box, int kind, uint64_t key, struct slice value)
{
	size_t i = find(e, box, kind, key);

	if (i == e->n || order(&e->v[i], box, kind, key) != 0) {
		if (e->n == e->cap) {
			e->cap = e->cap == 0 ? 64 : 2 * e->cap;
			e->v = xreallocarray(e->v, e->cap, sizeof(*e->v));
		}
		memmove(e->v + i + 1, e->v + i, (e->n - i) * sizeof(*e->v));
		e->n++;
	} else {
		xfree(e->v[i].value);
	}
	e->v[i] = (struct entry){ .box = box,
		.kind = kind,
		.key = key,
		.value = xmalloc(value.n + 1),
		.n = value.n };
	if (value.n > 0)
		memcpy(e->v[i].value, value.p, value.n);
}

static void
del(struct entries *e, uint64_t box, int kind, uint64_t lo, uint64_t hi)
{
	size_t i = find(e, box, kind, lo), k = i;

	while (k < e->n && e->v[k].box == box && e->v[k].kind == kind &&
	    e->v[k].key <= hi)
		xfree(e->v[k++].value);
	memmove(e->v + i, e->v + k, (e->n - k) * sizeof(*e->v));
	e->n -= k - i;
}

static void
clear(struct entries *e)
{
	while (e->n > 0)
		xfree(e->v[--e->n].value);
}

struct memory_index_look *
memory_index_look(struct index *ix)
{
	return &ix->look;
}

struct index *
index_open(const struct index_conf *conf)
{
	(void)conf;
	return xcalloc(1, sizeof(struct index));
}

void
index_close(struct index **ix)
{
	if (*ix == NULL)
		return;
	clear(&(*ix)->all);
	xfree((*ix)->all.v);
	xfree(*ix);
	*ix = NULL;
}

int
index_head(struct index *ix, uint64_t box, struct buf *out)
{
	size_t i = find(&ix->all, box, 0, 0);

	if (i == ix->all.n || order(&ix->all.v[i], box, 0, 0) != 0)
		return 0;
	buf_put(out, ix->all.v[i].value, ix->all.v[i].n);
	return 1;
}

int
index_heads(struct index *ix,
    bool (*fn)(void *arg, uint64_t box, struct slice head), void *arg)
{
	size_t i;

	for (i = 0; i < ix->all.n; i++) {
		const struct entry *e = &ix->all.v[i];

		if (e->kind == 0 && !fn(arg, e->box, slice_of(e->value, e->n)))
			break;
	}
	return 1;
}

int
index_read(struct index *ix, uint64_t box, int kind, uint64_t lo, uint64_t hi,
    size_t want, index_fn *fn, void *arg)
{
	size_t i = find(&ix->all, box, kind, lo);

	(void)want;
	ix->look.reads++;
	if (ix->look.is_broken)
		return 0;
	for (; i < ix->all.n; i++) {
		const struct entry *e = &ix->all.v[i];

		if (e->box != box || e->kind != kind || e->key > hi ||
		    !fn(arg, e->key, slice_of(e->value, e->n)))
			break;
	}
	return 1;
}

struct index_batch *
index_batch_new(size_t max_bytes)
{
	struct index_batch *b = xcalloc(1, sizeof(*b));

	b->max = max_bytes;
	return b;
}

void
index_batch_reset(struct index_batch *b)
{
	clear(&b->all);
	b->bytes = 0;
}

void
index_batch_free(struct index_batch **b)
{
	if (*b == NULL)
		return;
	index_batch_reset(*b);
	xfree((*b)->all.v);
	xfree(*b);
	*b = NULL;
}

bool
index_batch_put(
    struct index_batch *b, int kind, uint64_t key, struct slice value)
{
	if (b->bytes + value.n > b->max)
		return false;
	put(&b->all, 0, kind, key, value);
	b->bytes += value.n;
	return true;
}

bool
index_batch_del(struct index_batch *b, int kind, uint64_t lo, uint64_t hi)
{
	del(&b->all, 0, kind, lo, hi);
	return true;
}

uint64_t
index_revision(struct index *ix, uint64_t box)
{
	(void)box;
	return ix->look.writes + 1;
}

int
index_write(struct index *ix, uint64_t box, struct index_batch *b,
    struct slice head, uint64_t *revision)
{
	size_t i;

	if (ix->look.is_broken)
		return 0;
	for (i = 0; b != NULL && i < b->all.n; i++) {
		const struct entry *e = &b->all.v[i];

		put(&ix->all, box, e->kind, e->key, slice_of(e->value, e->n));
	}
	if (head.n > 0)
		put(&ix->all, box, 0, 0, head);
	ix->look.writes++;
	*revision = ix->look.writes + 1;
	return 1;
}

void
index_drop_box(struct index *ix, uint64_t box)
{
	int kind;

	for (kind = 0; kind < 256; kind++)
		del(&ix->all, box, kind, 0, UINT64_MAX);
}

void
index_drop(struct index *ix, const char *why)
{
	(void)why;
	clear(&ix->all);
}

bool
index_is_usable(struct index *ix)
{
	return !ix->look.is_broken;
}

bool
index_was_lost(struct index *ix)
{
	(void)ix;
	return false;
}

void
index_flush(struct index *ix)
{
	(void)ix;
}

bool
index_is_flushed(const struct index *ix)
{
	(void)ix;
	return true;
}

int
index_stats(struct index *ix, struct index_stats *out)
{
	*out = (struct index_stats){ .bytes = ix->all.n, .boxes = 1 };
	return 1;
}
