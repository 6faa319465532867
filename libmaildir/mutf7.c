/* SPDX-License-Identifier: ISC */
/* Modified UTF-7 of mailbox names. */
#include <string.h>

#include "libmaildir/mutf7.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789+,";

static bool
is_direct(uint32_t cp)
{
	return cp >= 0x20 && cp <= 0x7e;
}

/* Next code point of text known to be UTF-8. */
static uint32_t
utf8_next(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	uint32_t cp;
	size_t n;

	if (s[0] < 0x80) {
		*p += 1;
		return s[0];
	}
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	cp = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | (s[i] & 0x3fu);
	*p += n;
	return cp;
}

static void
utf8_put(struct buf *b, uint32_t cp)
{
	if (cp < 0x80) {
		buf_putc(b, (char)cp);
		return;
	}
	if (cp < 0x800) {
		buf_putc(b, (char)(0xc0 | cp >> 6));
	} else {
		if (cp < 0x10000) {
			buf_putc(b, (char)(0xe0 | cp >> 12));
		} else {
			buf_putc(b, (char)(0xf0 | cp >> 18));
			buf_putc(b, (char)(0x80 | (cp >> 12 & 0x3f)));
		}
		buf_putc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
	}
	buf_putc(b, (char)(0x80 | (cp & 0x3f)));
}

struct bits {
	uint32_t v; /* the low n bits are waiting */
	unsigned n;
};

static void
put_unit(struct bits *w, uint32_t unit, struct buf *out)
{
	w->v = w->v << 16 | unit;
	w->n += 16;
	while (w->n >= 6) {
		w->n -= 6;
		buf_putc(out, alphabet[w->v >> w->n & 0x3f]);
	}
	w->v &= (1u << w->n) - 1;
}

int
mutf7_encode(struct slice in, struct buf *out)
{
	const char *p = in.p, *end = in.p + in.n;
	bool shifted = false;
	struct bits w = { 0, 0 };

	if (!slice_is_utf8(in))
		return -1;
	while (p < end) {
		uint32_t cp = utf8_next(&p);

		if (is_direct(cp) == shifted) { /* leave or enter base64 */
			if (shifted && w.n > 0)
				buf_putc(
				    out, alphabet[w.v << (6 - w.n) & 0x3f]);
			buf_putc(out, shifted ? '-' : '&');
			shifted = !shifted;
			w = (struct bits){ 0, 0 };
		}
		if (is_direct(cp)) {
			buf_putc(out, (char)cp);
			if (cp == '&')
				buf_putc(out, '-');
		} else if (cp < 0x10000) {
			put_unit(&w, cp, out);
		} else {
			cp -= 0x10000;
			put_unit(&w, 0xd800 | cp >> 10, out);
			put_unit(&w, 0xdc00 | (cp & 0x3ff), out);
		}
	}
	if (shifted) {
		if (w.n > 0)
			buf_putc(out, alphabet[w.v << (6 - w.n) & 0x3f]);
		buf_putc(out, '-');
	}
	return 0;
}

static int
digit_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

/* One UTF-16 unit out of a shift; *high holds a waiting high surrogate. */
static int
take_unit(uint32_t unit, uint32_t *high, struct buf *out)
{
	bool is_lone;

	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return -1;
		utf8_put(
		    out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return 0;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return 0;
	}
	is_lone = unit >= 0xdc00 && unit <= 0xdfff;
#if PLANT == 35
	is_lone = false;
#endif
	if (is_lone)
		return -1;
	if (unit == 0 || is_direct(unit))
		return -1;
	utf8_put(out, unit);
	return 0;
}

/* What stands between '&' and '-', neither of them counted. */
static int
decode_shift(struct slice in, struct buf *out)
{
	struct bits w = { 0, 0 };
	uint32_t high = 0;

	for (size_t i = 0; i < in.n; i++) {
		int d = digit_value(in.p[i]);

		if (d < 0)
			return -1;
		w.v = w.v << 6 | (uint32_t)d;
		w.n += 6;
		if (w.n < 16)
			continue;
		w.n -= 16;
		if (take_unit(w.v >> w.n & 0xffff, &high, out) < 0)
			return -1;
		w.v &= (1u << w.n) - 1;
	}
	/* fewer than six bits are left, all zero, and no half of a pair */
	return w.n >= 6 || w.v != 0 || high != 0 ? -1 : 0;
}

static int
decode(struct slice in, struct buf *out)
{
	size_t i = 0;
	bool after_shift = false;

	while (i < in.n) {
		unsigned char c = (unsigned char)in.p[i++];
		ptrdiff_t len;

		if (!is_direct(c))
			return -1;
		if (c != '&') {
			buf_putc(out, (char)c);
			after_shift = false;
			continue;
		}
		len = slice_find(slice_from(in, i), '-');
		if (len < 0)
			return -1;
		if (len == 0) {
			buf_putc(out, '&');
			after_shift = false;
		} else if (after_shift ||
		    decode_shift(slice_of(in.p + i, (size_t)len), out) < 0) {
			return -1;
		} else {
			after_shift = true;
		}
		i += (size_t)len + 1;
	}
	return 0;
}

int
mutf7_decode(struct slice in, struct buf *out)
{
	size_t was = out->n;

	if (decode(in, out) == 0)
		return 0;
	buf_truncate(out, was);
	return -1;
}
