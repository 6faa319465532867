/* SPDX-License-Identifier: ISC */
/* A pointer and a length; owns nothing. p may be NULL when n is 0. */
#ifndef LIBBASE_SLICE_H
#define LIBBASE_SLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "libbase/attr.h"

struct slice {
	const char *p;
	size_t n;
};

#define SLICE(lit)   ((struct slice){ "" lit, sizeof(lit) - 1 })
#define SLICE_NONE   ((struct slice){ NULL, 0 })
/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).n, (s).p == NULL ? "" : (s).p

struct slice slice_of(const void *p, size_t n);
struct slice slice_str(const char *s);               /* NULL gives SLICE_NONE */
struct slice slice_from(struct slice s, size_t off); /* clipped */
struct slice slice_head(struct slice s, size_t n);   /* clipped */

bool slice_eq(struct slice a, struct slice b);
bool slice_ieq(struct slice a, struct slice b); /* ASCII case folded */
bool slice_eq_str(struct slice a, const char *b);
bool slice_ieq_str(struct slice a, const char *b);
bool slice_starts(struct slice s, const char *prefix);
bool slice_istarts(struct slice s, const char *prefix);
int slice_icmp(struct slice a, struct slice b); /* order, ASCII folded */

/* Offset of the first c, or -1. */
ptrdiff_t slice_find(struct slice s, char c);
/* White space (SP HTAB CR LF) taken off both ends. */
struct slice slice_trim(struct slice s);
/* Take everything before the first c into *head, leave what follows in *s;
 * false (and *head = all, *s empty) when there is no c. */
bool slice_cut(struct slice *s, char c, struct slice *head);

/* All of s as decimal digits, at most max. 0 and *out set, or -1. No sign, no
 * blanks, no overflow; leading zeros are taken. */
int slice_u64(struct slice s, uint64_t max, uint64_t *out) MUST_CHECK;
int slice_u32(struct slice s, uint32_t max, uint32_t *out) MUST_CHECK;

/* ASCII only, locale does not matter. */
char ascii_lower(char c);
char ascii_upper(char c);
bool ascii_is_digit(char c);
bool ascii_is_alpha(char c);

/* True when s is well-formed UTF-8 (RFC 3629, no surrogates). */
bool slice_is_utf8(struct slice s);
bool slice_is_ascii(struct slice s); /* no byte over 0x7f */

#endif
