/* SPDX-License-Identifier: ISC */
/*
 * Growing bytes with a ceiling and a memory of failure: writers do not check
 * each write, the end asks buf_ok() once. Over the ceiling a write is dropped
 * whole and the buffer remembers. Out of memory aborts.
 */
#ifndef LIBBASE_BUF_H
#define LIBBASE_BUF_H

#include "libbase/slice.h"

struct buf {
	char *p;     /* the bytes; may move with any write */
	size_t n;    /* how many */
	size_t cap;  /* allocated */
	size_t max;  /* ceiling on n */
	bool failed; /* a write went over the ceiling */
};

/* Embedded; nothing is allocated until the first write. max from ceilings.h. */
void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);  /* memory back; usable again as after init */
void buf_reset(struct buf *b); /* empty, failure forgotten, memory kept */
void buf_wipe(struct buf *b);  /* zeroed, then as buf_free: for secrets */

void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_put_slice(struct buf *b, struct slice s);
void buf_put_u64(struct buf *b, uint64_t v); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Room for n more bytes at the end, to be written in place; NULL (and failed)
 * over the ceiling. buf_commit says how many of them were written. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Take n bytes off the front. */
void buf_consume(struct buf *b, size_t n);
/* Cut to n bytes. */
void buf_truncate(struct buf *b, size_t n);

bool buf_ok(const struct buf *b);
struct slice buf_slice(const struct buf *b);
/* The bytes with a NUL behind them (not counted); "" when failed for it. */
const char *buf_cstr(struct buf *b);

#endif
