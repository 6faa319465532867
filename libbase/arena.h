/* SPDX-License-Identifier: ISC */
/*
 * Memory that belongs to a lifetime: a command, a connection, a message. All of
 * it goes at once. Has a ceiling: allocations over it answer NULL (soft
 * failure), remembered in failed.
 */
#ifndef LIBBASE_ARENA_H
#define LIBBASE_ARENA_H

#include "libbase/slice.h"

struct arena_block;
struct arena_hook;

struct arena {
	struct arena_block *blocks;
	struct arena_hook *hooks;
	size_t used; /* bytes given out since the last reset */
	size_t max;
	bool failed;
};

void arena_init(struct arena *a, size_t max); /* allocates nothing */
void arena_free(struct arena *a);             /* as reset, memory given back */
/* Run the hooks (last first), forget everything; keeps one block. */
void arena_reset(struct arena *a);
size_t arena_used(const struct arena *a);

/* Aligned for any type; NULL over the ceiling. n == 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zero(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size); /* zeroed */
/* Copies; the bytes get a NUL behind them. */
char *arena_dup(struct arena *a, const void *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);
/* A copy; on failure SLICE_NONE and a->failed. */
struct slice arena_slice(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

/* fn(arg) at reset or free; hooks run last registered first. */
void arena_on_reset(struct arena *a, void (*fn)(void *), void *arg);

#endif
