/* SPDX-License-Identifier: ISC */
/* RFC 2047 encoded words. */
#include "libmessage/encword.h"
#include "libbase/arena.h"
#include "libbase/base64.h"
#include "libbase/ceilings.h"
#include "libmessage/charset.h"
#include "libmessage/decode.h"

#define MAX_CHARSET_NAME    64
#define MAX_CHARSET_CHANGES 100

struct word {
	struct slice charset, text;
	char encoding; /* 'q' or 'b' */
	size_t length; /* of all of it, =? to ?= */
};

/* Where the text that starts at i ends ("?="), or -1 when another word begins
 * first: each byte is looked at once however many beginnings there are. */
static ptrdiff_t
text_end(struct slice s, size_t i)
{
	for (; i + 1 < s.n; i++) {
		if (s.p[i] == '?' && s.p[i + 1] == '=')
			return (ptrdiff_t)i;
		if (s.p[i] == '=' && s.p[i + 1] == '?' &&
		    (i + 2 >= s.n || s.p[i + 2] != '='))
			return -1;
	}
	return -1;
}

/* Read the word at the front of s, which starts with "=?". */
static bool
read_word(struct slice s, struct word *w)
{
	size_t i = 2;
	ptrdiff_t end;

	while (i < s.n && s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '?')
		if (++i > MAX_CHARSET_NAME)
			return false;
	if (i == 2 || i + 2 >= s.n || s.p[i] != '?' || s.p[i + 2] != '?')
		return false;
	w->charset = slice_of(s.p + 2, i - 2);
	w->encoding = ascii_lower(s.p[i + 1]);
	if (w->encoding != 'q' && w->encoding != 'b')
		return false;
	i += 3;
	end = text_end(s, i);
	if (end < 0)
		return false;
	w->text = slice_of(s.p + i, (size_t)end - i);
	w->length = (size_t)end + 2;
	/* RFC 2231 5: a language after the charset. */
	end = slice_find(w->charset, '*');
	if (end >= 0)
		w->charset = slice_head(w->charset, (size_t)end);
	return true;
}

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
put_q(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] == '_') {
			buf_putc(out, ' ');
		} else if (s.p[i] == '=' && i + 2 < s.n &&
		    (hi = hex_value(s.p[i + 1])) >= 0 &&
		    (lo = hex_value(s.p[i + 2])) >= 0) {
			buf_putc(out, (char)(hi * 16 + lo));
			i += 2;
		} else {
			buf_putc(out, s.p[i]);
		}
	}
}

static void
put_word(const struct word *w, struct buf *out)
{
	struct decode d;

	if (w->encoding == 'q') {
		put_q(w->text, out);
		return;
	}
	decode_begin(&d, DECODE_BASE64);
	decode_feed(&d, w->text, out);
	decode_end(&d, out);
}

static bool
is_blank_only(struct slice s)
{
	return slice_trim(s).n == 0;
}

/* Where the next "=?" is at or after i, or the end. */
static size_t
next_start(struct slice s, size_t i)
{
	for (;;) {
		ptrdiff_t at = slice_find(slice_from(s, i), '=');

		if (at < 0)
			return s.n;
		i += (size_t)at;
		if (i + 1 < s.n && s.p[i + 1] == '?')
			return i;
		i++;
	}
}

struct pending {              /* neighbours of one charset */
	struct slice charset; /* p == NULL: nothing waits */
	struct buf raw;
	unsigned n; /* how many were converted */
};

static void
flush(struct pending *p, struct buf *out)
{
	if (p->charset.p == NULL)
		return;
	/* A converter may be a file to load: nobody writes hundreds of them
	 * into one value in earnest. */
	if (p->n++ >= MAX_CHARSET_CHANGES)
		p->charset = SLICE_NONE;
	(void)charset_to_utf8(p->charset, buf_slice(&p->raw), out);
	buf_reset(&p->raw);
	p->charset = SLICE_NONE;
}

/* Text outside of words. */
static void
put_between(struct slice between, struct buf *out)
{
#if PLANT == 21
	buf_put_slice(out, between);
#else
	(void)charset_to_utf8(SLICE_NONE, between, out);
#endif
}

void
encword_decode(struct slice value, struct buf *out)
{
	struct pending p = { .charset = SLICE_NONE };
	size_t plain = 0, i = 0; /* start of plain text; where we look */

	buf_init(&p.raw, MAX_HEADER_BYTES);
	while ((i = next_start(value, i)) < value.n) {
		struct slice between = slice_of(value.p + plain, i - plain);
		struct word w;

		if (!read_word(slice_from(value, i), &w)) {
			i += 2;
			continue;
		}
		if (p.charset.p == NULL || !is_blank_only(between)) {
			flush(&p, out);
			put_between(between, out);
		} else if (!slice_ieq(p.charset, w.charset)) {
			flush(&p, out);
		}
		p.charset = w.charset;
		put_word(&w, &p.raw);
		i += w.length;
		plain = i;
	}
	flush(&p, out);
	if (plain < value.n)
		put_between(slice_from(value, plain), out);
	buf_free(&p.raw);
}

static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] >= 0x7f)
			return false;
	return next_start(s, 0) == s.n;
}

void
encword_encode(struct slice text, struct buf *out)
{
	const size_t most = 45; /* 60 characters of base64, 72 in all */
	bool first = true;

	if (is_plain(text)) {
		buf_put_slice(out, text);
		return;
	}
	while (text.n > 0) {
		size_t n = text.n < most ? text.n : most;

		/* Not within a character. */
		while (n < text.n && n > most - 4 && (text.p[n] & 0xc0) == 0x80)
			n--;
		buf_puts(out, first ? "=?UTF-8?B?" : " =?UTF-8?B?");
		base64_encode(slice_head(text, n), out);
		buf_puts(out, "?=");
		text = slice_from(text, n);
		first = false;
	}
}
