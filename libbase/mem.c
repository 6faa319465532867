/* SPDX-License-Identifier: ISC */
/* The malloc family that aborts, and secrets. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/mem.h"

/* Small fixed sizes only come through here: when even those are refused, no
 * answer we could give would be worth the code. */
static COLD NORETURN void
mem_out(size_t n)
{
	(void)fprintf(stderr, "out of memory (%zu bytes)\n", n);
	abort();
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		mem_out(n);
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p;

	if (count == 0 || size == 0)
		count = size = 1;
	p = calloc(count, size);
	if (p == NULL)
		mem_out(size);
	return p;
}

void *
xreallocarray(void *p, size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	p = reallocarray(p, count, size);
	if (p == NULL)
		mem_out(size);
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *p, size_t n)
{
	size_t len = n > 0 ? strnlen(p, n) : 0;
	char *s = xmalloc(len + 1);

	if (len > 0)
		memcpy(s, p, len);
	s[len] = '\0';
	return s;
}

char *
xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_out(0);
	return s;
}

void
xfree(void *p)
{
	free(p);
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

bool
mem_equal_secret(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	unsigned diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (unsigned)(x[i] ^ y[i]);
	return diff == 0;
}

int
secret_set(struct secret *s, struct slice from)
{
	secret_wipe(s);
	if (from.n > SECRET_MAX || slice_find(from, '\0') >= 0)
		return -1;
	if (from.n > 0)
		memcpy(s->bytes, from.p, from.n);
	s->n = from.n;
	return 0;
}

void
secret_wipe(struct secret *s)
{
	mem_wipe(s, sizeof(*s));
}
