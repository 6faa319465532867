/* SPDX-License-Identifier: ISC */
/* Base64 and quoted-printable, streaming. */
#include <string.h>

#include "libbase/ceilings.h"
#include "libmessage/decode.h"

static const signed char base64_values[256] = { -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62,
	-1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1,
	-1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28,
	29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
	47, 48, 49, 50, 51, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };

enum qp_state {
	QP_TEXT,
	QP_EQUAL, /* after "=" */
	QP_DIGIT, /* after "=" and a digit, which is in bits */
	QP_BLANK, /* after "=" and blanks */
	QP_CR     /* after "=", perhaps blanks, and CR */
};

#define BASE64_DONE 4u /* as number of characters waiting: padding was seen */

enum decode_kind
decode_kind(struct slice encoding)
{
	encoding = slice_trim(encoding);
	if (slice_ieq_str(encoding, "base64"))
		return DECODE_BASE64;
	if (slice_ieq_str(encoding, "quoted-printable"))
		return DECODE_QP;
	return DECODE_NONE;
}

void
decode_begin(struct decode *d, enum decode_kind kind)
{
	d->kind = kind;
	d->bits = 0;
	d->n = 0;
	d->held.n = 0;
}

static int
base64_value(char c)
{
	return base64_values[(unsigned char)c];
}

/* What the waiting characters give when no more come. */
static size_t
base64_rest(struct decode *d, char *to)
{
	size_t n = 0;

	if (d->n == 2) {
		to[n++] = (char)(d->bits >> 4);
	} else if (d->n == 3) {
		to[n++] = (char)(d->bits >> 10);
		to[n++] = (char)(d->bits >> 2);
	}
	return n;
}

/* One character; the number of bytes written. */
static size_t
base64_char(struct decode *d, char c, char *to)
{
	int v = base64_value(c);
	size_t n;

	if (v >= 0) {
		d->bits = d->bits << 6 | (uint32_t)v;
		if (++d->n < 4)
			return 0;
		to[0] = (char)(d->bits >> 16);
		to[1] = (char)(d->bits >> 8);
		to[2] = (char)d->bits;
		d->n = 0;
		d->bits = 0;
		return 3;
	}
	/* RFC 2045 6.8: "=" is the end of the data; anything else is noise. */
	if (c != '=' || d->n < 2)
		return 0;
	n = base64_rest(d, to);
	d->n = BASE64_DONE;
	return n;
}

/* Whole groups of four at the front of in, none of which is noise: *used bytes
 * taken, the answer written. */
static size_t
base64_groups(struct slice in, char *to, size_t *used)
{
	size_t n = 0, i = 0;

	for (; i + 4 <= in.n; i += 4, n += 3) {
		int a = base64_value(in.p[i]);
		int b = base64_value(in.p[i + 1]);
		int c = base64_value(in.p[i + 2]);
		int e = base64_value(in.p[i + 3]);

		if ((a | b | c | e) < 0)
			break;
		to[n] = (char)(a << 2 | b >> 4);
		to[n + 1] = (char)(b << 4 | c >> 2);
		to[n + 2] = (char)(c << 6 | e);
	}
	*used = i;
	return n;
}

static void
base64_feed(struct decode *d, struct slice in, struct buf *out)
{
	char piece[3 * 1024 + 8];
	size_t n = 0;

	while (in.n > 0 && d->n != BASE64_DONE) {
		size_t used = 0, room = (sizeof(piece) - 8 - n) / 3 * 4;

		if (d->n == 0)
			n += base64_groups(
			    slice_head(in, room), piece + n, &used);
		in = slice_from(in, used);
		if (in.n > 0) {
			n += base64_char(d, in.p[0], piece + n);
			in = slice_from(in, 1);
		}
		if (n >= sizeof(piece) - 16) {
			buf_put(out, piece, n);
			n = 0;
		}
	}
	buf_put(out, piece, n);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
qp_release(struct decode *d, struct buf *out)
{
	buf_put(out, d->held.p, d->held.n);
	d->held.n = 0;
}

static void
qp_hold(struct decode *d, char c, struct buf *out)
{
	if (d->held.n == sizeof(d->held.p)) {
		buf_putc(out, d->held.p[0]);
		memmove(d->held.p, d->held.p + 1, --d->held.n);
	}
	d->held.p[d->held.n++] = c;
}

/* A run of text before "=", CR, LF or the end: blanks at its end may be a
 * line's last and wait. */
static size_t
qp_run(struct decode *d, struct slice in, struct buf *out)
{
	size_t n = 0, text;

	while (n < in.n && in.p[n] != '=' && in.p[n] != '\n' && in.p[n] != '\r')
		n++;
	for (text = n; text > 0 && is_blank(in.p[text - 1]);)
		text--;
	if (text > 0) {
		qp_release(d, out);
		buf_put(out, in.p, text);
	}
	for (size_t i = text; i < n; i++)
		qp_hold(d, in.p[i], out);
	return n;
}

static size_t
qp_text(struct decode *d, struct slice in, struct buf *out)
{
	char c = in.p[0];

	if (c == '=') {
		qp_release(d, out);
		d->n = QP_EQUAL;
		return 1;
	}
	if (c == '\n' || c == '\r') {
		d->held.n = 0;
		buf_putc(out, c);
		return 1;
	}
	return qp_run(d, in, out);
}

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte after "=": true when it was taken, else it is text. */
static bool
qp_escape(struct decode *d, char c, struct buf *out)
{
	unsigned was = d->n;

	d->n = QP_TEXT;
	if (was == QP_DIGIT) {
		if (hex_value(c) >= 0) {
			buf_putc(out,
			    (char)(hex_value((char)d->bits) * 16 +
				hex_value(c)));
			return true;
		}
		buf_putc(out, '=');
		buf_putc(out, (char)d->bits);
		return false;
	}
	if (c == '\n')
		return true;
	if (was == QP_CR) {
		buf_puts(out, "=\r");
		return false;
	}
	if (c == '\r') {
		d->n = QP_CR;
		return true;
	}
	if (is_blank(c)) {
		d->n = QP_BLANK;
		return true;
	}
	if (was == QP_EQUAL && hex_value(c) >= 0) {
		d->bits = (unsigned char)c;
		d->n = QP_DIGIT;
		return true;
	}
	buf_puts(out, was == QP_BLANK ? "= " : "=");
	return false;
}

static void
qp_feed(struct decode *d, struct slice in, struct buf *out)
{
	size_t i = 0;

	while (i < in.n) {
		if (d->n == QP_TEXT)
			i += qp_text(d, slice_from(in, i), out);
		else if (qp_escape(d, in.p[i], out))
			i++;
	}
}

void
decode_feed(struct decode *d, struct slice in, struct buf *out)
{
	switch (d->kind) {
	case DECODE_NONE:
		buf_put_slice(out, in);
		break;
	case DECODE_BASE64:
		base64_feed(d, in, out);
		break;
	case DECODE_QP:
		qp_feed(d, in, out);
		break;
	}
}

void
decode_end(struct decode *d, struct buf *out)
{
	char rest[2];

	if (d->kind == DECODE_BASE64)
		buf_put(out, rest, base64_rest(d, rest));
	else if (d->kind == DECODE_QP && d->n == QP_DIGIT)
		(void)qp_escape(d, '=', out);
	decode_begin(d, d->kind);
}

static const char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

void
decode_encode_begin(struct decode_base64_lines *e, const char *line_end)
{
	e->line_end = line_end;
	e->n = 0;
	e->column = 0;
}

/* Write the bytes waiting, with padding when they are less than three. */
static void
put_group(struct decode_base64_lines *e, struct buf *out)
{
	uint32_t v = (uint32_t)e->in[0] << 16;
	char c[4];

	if (e->n > 1)
		v |= (uint32_t)e->in[1] << 8;
	if (e->n > 2)
		v |= e->in[2];
	for (unsigned i = 0; i < 4; i++)
		c[i] = i <= e->n ? base64_letters[v >> (18 - 6 * i) & 63] : '=';
	buf_put(out, c, sizeof(c));
	e->n = 0;
	e->column += 4;
	if (e->column == 76) {
		buf_puts(out, e->line_end);
		e->column = 0;
	}
}

void
decode_encode_feed(
    struct decode_base64_lines *e, struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		e->in[e->n++] = (unsigned char)in.p[i];
		if (e->n == 3)
			put_group(e, out);
	}
}

void
decode_encode_end(struct decode_base64_lines *e, struct buf *out)
{
	if (e->n > 0)
		put_group(e, out);
	if (e->column > 0)
		buf_puts(out, e->line_end);
	e->column = 0;
}
