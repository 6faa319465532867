/* SPDX-License-Identifier: ISC */
/* Memory of one lifetime: blocks that are filled from the front. */
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libbase/arena.h"
#include "libbase/mem.h"

#define BLOCK_FIRST 1024        /* most commands need no more */
#define BLOCK_LARGE (64 * 1024) /* from here on blocks do not double */
#define ALIGNMENT   (alignof(max_align_t))

struct arena_block {
	struct arena_block *next; /* the one filled before */
	size_t n, cap;
	alignas(max_align_t) char bytes[];
};

struct arena_hook {
	struct arena_hook *next; /* registered before */
	void (*fn)(void *);
	void *arg;
};

void
arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

/* Run hooks; all blocks go but the first (the smallest) if keep says so. */
static void
arena_clear(struct arena *a, bool keep)
{
	struct arena_block *b;

	while (a->hooks != NULL) {
		struct arena_hook *h = a->hooks;

		a->hooks = h->next;
		h->fn(h->arg);
		xfree(h);
	}
	while ((b = a->blocks) != NULL && !(keep && b->next == NULL)) {
		a->blocks = b->next;
		xfree(b);
	}
	if (a->blocks != NULL && a->blocks->cap > BLOCK_LARGE) {
		xfree(a->blocks);
		a->blocks = NULL;
	}
	if (a->blocks != NULL)
		a->blocks->n = 0;
	a->used = 0;
	a->failed = false;
}

void
arena_free(struct arena *a)
{
	arena_clear(a, false);
}

void
arena_reset(struct arena *a)
{
	arena_clear(a, true);
}

static struct arena_block *
arena_block_new(struct arena *a, size_t need)
{
	size_t cap = BLOCK_FIRST;
	struct arena_block *b;

	if (a->blocks != NULL)
		cap = a->blocks->cap * 2;
	if (cap > BLOCK_LARGE)
		cap = BLOCK_LARGE;
	if (cap < need)
		cap = need;
	b = xmalloc(sizeof(*b) + cap);
	b->n = 0;
	b->cap = cap;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;
	size_t need;
	void *p;

	if (n > a->max || n > SIZE_MAX - ALIGNMENT)
		goto over;
	need = n == 0 ? ALIGNMENT : (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (a->used > a->max || need > a->max - a->used)
		goto over;
	if (b == NULL || need > b->cap - b->n)
		b = arena_block_new(a, need);
	p = b->bytes + b->n;
	b->n += need;
	a->used += need;
	return p;
over:
	a->failed = true;
	return NULL;
}

void *
arena_zero(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p != NULL && n > 0)
		memset(p, 0, n);
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n)) {
		a->failed = true;
		return NULL;
	}
	return arena_zero(a, n);
}

char *
arena_dup(struct arena *a, const void *p, size_t n)
{
	char *to = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

	if (to == NULL) {
		a->failed = true;
		return NULL;
	}
	if (n > 0)
		memcpy(to, p, n);
	to[n] = '\0';
	return to;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_dup(a, s, strlen(s));
}

struct slice
arena_slice(struct arena *a, struct slice s)
{
	char *p = arena_dup(a, s.p, s.n);

	return p == NULL ? SLICE_NONE : slice_of(p, s.n);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (p == NULL) {
		a->failed = true;
		return NULL;
	}
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
arena_on_reset(struct arena *a, void (*fn)(void *), void *arg)
{
	/* A hook must never be lost: not counted, not refused. A handful an
	 * arena; what is large comes from arena_alloc. */
	struct arena_hook *h = xmalloc(sizeof(*h));

	h->next = a->hooks;
	h->fn = fn;
	h->arg = arg;
	a->hooks = h;
}
