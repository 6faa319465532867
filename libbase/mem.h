/* SPDX-License-Identifier: ISC */
/* The malloc family for small fixed sizes: aborts when memory is out; and the
 * type of a secret. malloc itself is called in libbase alone. */
#ifndef LIBBASE_MEM_H
#define LIBBASE_MEM_H

#include "libbase/slice.h"

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size); /* zeroed */
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *p, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
void xfree(void *p);

/* Zero bytes in a way no compiler removes. */
void mem_wipe(void *p, size_t n);
/* Equal? In time that depends on n alone. */
bool mem_equal_secret(const void *a, const void *b, size_t n);

/* A password or the like: bounded, no printer, zeroed by its owner. */
#define SECRET_MAX 1024
struct secret {
	size_t n;
	char bytes[SECRET_MAX + 1]; /* a NUL behind n */
};
/* 0, or -1 when it is too long or holds a NUL (set to empty then). */
int secret_set(struct secret *s, struct slice from) MUST_CHECK;
void secret_wipe(struct secret *s);

#endif
