/* SPDX-License-Identifier: ISC */
/* Pointer and length: compare, find, cut, read numbers. */
#include <string.h>

#include "libbase/slice.h"

struct slice
slice_of(const void *p, size_t n)
{
	return (struct slice){ p, n };
}

struct slice
slice_str(const char *s)
{
	return s == NULL ? SLICE_NONE : slice_of(s, strlen(s));
}

struct slice
slice_from(struct slice s, size_t off)
{
	/* NULL + 0 is undefined in C17. */
	if (off == 0)
		return s;
	if (off >= s.n)
		off = s.n;
	return s.p == NULL ? s : slice_of(s.p + off, s.n - off);
}

struct slice
slice_head(struct slice s, size_t n)
{
	if (n < s.n)
		s.n = n;
	return s;
}

char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
ascii_is_alpha(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
slice_ieq(struct slice a, struct slice b)
{
	return a.n == b.n && slice_icmp(a, b) == 0;
}

bool
slice_eq_str(struct slice a, const char *b)
{
	return slice_eq(a, slice_str(b));
}

bool
slice_ieq_str(struct slice a, const char *b)
{
	return slice_ieq(a, slice_str(b));
}

bool
slice_starts(struct slice s, const char *prefix)
{
	struct slice pre = slice_str(prefix);

	return pre.n <= s.n && slice_eq(slice_head(s, pre.n), pre);
}

bool
slice_istarts(struct slice s, const char *prefix)
{
	struct slice pre = slice_str(prefix);

	return pre.n <= s.n && slice_ieq(slice_head(s, pre.n), pre);
}

int
slice_icmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	size_t i;

	for (i = 0; i < n; i++) {
		int x = (uint8_t)ascii_lower(a.p[i]);
		int y = (uint8_t)ascii_lower(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	if (a.n == b.n)
		return 0;
	return a.n < b.n ? -1 : 1;
}

ptrdiff_t
slice_find(struct slice s, char c)
{
	const char *at;

	if (s.n == 0)
		return -1;
	at = memchr(s.p, c, s.n);
	return at == NULL ? -1 : at - s.p;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
slice_cut(struct slice *s, char c, struct slice *head)
{
	struct slice all = *s;
	ptrdiff_t at = slice_find(all, c);

	if (at < 0) {
		*head = all;
		*s = slice_from(all, all.n);
		return false;
	}
	*head = slice_head(all, (size_t)at);
	*s = slice_from(all, (size_t)at + 1);
	return true;
}

int
slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0)
		return -1;
	for (i = 0; i < s.n; i++) {
		uint64_t digit;

		if (!ascii_is_digit(s.p[i]))
			return -1;
		digit = (uint64_t)(s.p[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	if (v > max)
		return -1;
	*out = v;
	return 0;
}

int
slice_u32(struct slice s, uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (slice_u64(s, max, &v) == -1)
		return -1;
	*out = (uint32_t)v;
	return 0;
}

/* How long the character at p is; 0 when it is not well-formed. The limits of
 * the second byte keep out overlong forms, surrogates and what is above
 * U+10FFFF (RFC 3629, section 4). */
static size_t
utf8_char(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t len, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len > n)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < len; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return len;
}

bool
slice_is_utf8(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t i = 0;

	while (i < s.n) {
		size_t len = utf8_char(p + i, s.n - i);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

bool
slice_is_ascii(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if ((uint8_t)s.p[i] > 0x7f)
			return false;
	}
	return true;
}
