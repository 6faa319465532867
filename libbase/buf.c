/* SPDX-License-Identifier: ISC */
/* Growing bytes with a ceiling and a memory of failure. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libbase/buf.h"
#include "libbase/mem.h"

#define BUF_FIRST 64 /* the least that is allocated */

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	xfree(b->p);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

void
buf_wipe(struct buf *b)
{
	mem_wipe(b->p, b->cap);
	buf_free(b);
}

/* Room for exactly n bytes more and a NUL, which the ceiling does not count.
 * The old bytes are copied by hand: what realloc leaves behind cannot be
 * wiped, and buffers may hold secrets. */
static void
buf_grow(struct buf *b, size_t n)
{
	size_t need = b->n + n + 1;
	size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	char *p;

	if (need <= b->cap)
		return;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap - 1 > b->max)
		cap = b->max + 1;
	p = xmalloc(cap);
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	mem_wipe(b->p, b->n);
	xfree(b->p);
	b->p = p;
	b->cap = cap;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (n > b->max - b->n || n > SIZE_MAX / 2 - b->n) {
		b->failed = true;
		return NULL;
	}
	buf_grow(b, n);
	return b->p + b->n;
}

void
buf_commit(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->n && n <= b->max - b->n);
	b->n += n;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	char *to;

	if (n == 0)
		return;
	to = buf_reserve(b, n);
	if (to == NULL)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	if (b->n < b->max && b->n + 1 < b->cap)
		b->p[b->n++] = c;
	else
		buf_put(b, &c, 1);
}

void
buf_put_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.p, s.n);
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_put(b, digits + at, sizeof(digits) - at);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	to = buf_reserve(b, (size_t)n);
	if (to == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	if (n > 0 && b->n > 0)
		memmove(b->p, b->p + n, b->n);
}

void
buf_truncate(struct buf *b, size_t n)
{
	if (n < b->n)
		b->n = n;
}

bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->n);
}

const char *
buf_cstr(struct buf *b)
{
	buf_grow(b, 0);
	b->p[b->n] = '\0';
	return b->p;
}
