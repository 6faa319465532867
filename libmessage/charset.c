/* SPDX-License-Identifier: ISC */
/* Any charset to UTF-8 over iconv. */
#include <errno.h>
#include <string.h>

#include <iconv.h>

#include "libmessage/charset.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

#define GUESS ""
#define UTF8  "UTF-8"

/* Names as found in mail that iconv does not know, or knows as a smaller set
 * than what the writers mean (as browsers read them). */
static const struct {
	const char *name, *is;
} aliases[] = {
	{ "us-ascii", GUESS },
	{ "ascii", GUESS },
	{ "ansi_x3.4-1968", GUESS },
	{ "iso646-us", GUESS },
	{ "8bit", GUESS },
	{ "7bit", GUESS },
	{ "unknown-8bit", GUESS },
	{ "x-unknown", GUESS },
	{ "unknown", GUESS },
	{ "default", GUESS },
	{ "default_charset", GUESS },
	{ "x-user-defined", GUESS },
	{ "ansi", GUESS },
	{ "utf-8", UTF8 },
	{ "utf8", UTF8 },
	{ "utf_8", UTF8 },
	{ "x-utf-8", UTF8 },
	{ "utf8mb4", UTF8 },
	{ "unicode-1-1-utf-8", UTF8 },
	{ "unicode-2-0-utf-8", UTF8 },
	{ "utf7", "UTF-7" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "unicode-2-0-utf-7", "UTF-7" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
	{ "iso-8859-1", "CP1252" },
	{ "iso8859-1", "CP1252" },
	{ "iso_8859-1", "CP1252" },
	{ "latin1", "CP1252" },
	{ "latin-1", "CP1252" },
	{ "windows1252", "CP1252" },
	{ "cp-1252", "CP1252" },
	{ "win1251", "CP1251" },
	{ "win-1251", "CP1251" },
	{ "windows1251", "CP1251" },
	{ "cp-1251", "CP1251" },
	{ "iso-8859-9", "CP1254" },
	{ "iso-8859-11", "CP874" },
	{ "tis-620", "CP874" },
	{ "windows-874", "CP874" },
	{ "x-windows-874", "CP874" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "logical", "ISO-8859-8" },
	{ "iso-8859-6-i", "ISO-8859-6" },
	{ "iso-8859-6-e", "ISO-8859-6" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601-1989", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "ksc5601", "CP949" },
	{ "ksc_5601", "CP949" },
	{ "euc-kr", "CP949" },
	{ "korean", "CP949" },
	{ "windows-949", "CP949" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "ms_kanji", "CP932" },
	{ "windows-31j", "CP932" },
	{ "x-ms-cp932", "CP932" },
	{ "x-euc-jp", "EUC-JP" },
	{ "gb2312", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "gb2312-80", "GB18030" },
	{ "x-gb2312", "GB18030" },
	{ "gbk", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "cp936", "GB18030" },
	{ "chinese", "GB18030" },
	{ "big5", "BIG5-HKSCS" },
	{ "x-big5", "BIG5-HKSCS" },
	{ "x-x-big5", "BIG5-HKSCS" },
	{ "cn-big5", "BIG5-HKSCS" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "macintosh", "MACINTOSH" },
	{ "mac", "MACINTOSH" },
	{ "x-mac-cyrillic", "MAC-CYRILLIC" },
	{ "koi8r", "KOI8-R" },
	{ "koi", "KOI8-R" },
};

/* windows-1252, 0x80 to 0x9f; the rest is latin-1. 0: not assigned. */
static const uint16_t cp1252[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026,
	0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0,
	0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122,
	0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

static const char *
find_alias(struct slice name)
{
	for (size_t i = 0; i < N_ELEMENTS(aliases); i++)
		if (slice_ieq_str(name, aliases[i].name))
			return aliases[i].is;
	return NULL;
}

/* iconv_open reads files by this name and takes options behind a slash: only
 * plain names go there. */
static bool
is_plain_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
		    (c == '\0' || strchr("-_.:+", c) == NULL))
			return false;
	}
	return name.n > 0;
}

static void *
open_iconv(const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);

	return cd == (iconv_t)-1 ? NULL : (void *)cd;
}

/* Try the name, then without "x-", then with "-" for "_". */
static bool
open_named(struct charset *c, struct slice name)
{
	if (name.n >= sizeof(c->name) || !is_plain_name(name))
		return false;
	memcpy(c->name, name.p, name.n);
	c->name[name.n] = '\0';
	c->cd = open_iconv(c->name);
	if (c->cd == NULL && slice_istarts(name, "x-")) {
		memmove(c->name, c->name + 2, name.n - 1);
		c->cd = open_iconv(c->name);
	}
	if (c->cd == NULL && strchr(c->name, '_') != NULL) {
		for (char *p = c->name; *p != '\0'; p++)
			if (*p == '_')
				*p = '-';
		c->cd = open_iconv(c->name);
	}
	return c->cd != NULL;
}

bool
charset_open(struct charset *c, struct slice name)
{
	const char *alias;

	*c = (struct charset){ .kind = CHARSET_GUESS };
	name = slice_trim(name);
	alias = find_alias(name);
	if (alias != NULL && alias[0] == '\0')
		return true;
	if (alias != NULL)
		name = slice_str(alias);
	if (slice_eq_str(name, UTF8)) {
		c->kind = CHARSET_UTF8;
		return true;
	}
	if (!open_named(c, name)) {
		c->name[0] = '\0';
		return false;
	}
	c->kind = CHARSET_ICONV;
	return true;
}

void
charset_close(struct charset *c)
{
	if (c->cd != NULL)
		(void)iconv_close((iconv_t)c->cd);
	*c = (struct charset){ .kind = CHARSET_GUESS };
}

static void
restart(struct charset *c)
{
	c->n_held = 0;
	if (c->cd != NULL)
		(void)iconv((iconv_t)c->cd, NULL, NULL, NULL, NULL);
}

bool
charset_is_known(struct slice name)
{
	struct charset c;
	bool known = charset_open(&c, name);

	charset_close(&c);
	return known;
}

/* The length of the UTF-8 character at p: 0 when n bytes are not all of it, -1
 * when no bytes to come make it one (RFC 3629). */
static int
utf8_length(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned lo = 0x80, hi = 0xbf;
	int want;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	for (size_t i = 1; i < (size_t)want; i++) {
		if (i >= n)
			return 0;
		if (p[i] < lo || p[i] > hi)
			return -1;
		lo = 0x80;
		hi = 0xbf;
	}
	return want;
}

/* A byte that is not UTF-8. */
static void
put_other(const struct charset *c, char byte, struct buf *out)
{
	unsigned u = (unsigned char)byte;
	char p[3];

	if (c->kind == CHARSET_GUESS && u < 0xa0)
		u = cp1252[u - 0x80];
	if (c->kind != CHARSET_GUESS || u == 0) {
		buf_puts(out, REPLACEMENT);
	} else if (u < 0x800) {
		p[0] = (char)(0xc0 | u >> 6);
		p[1] = (char)(0x80 | (u & 0x3f));
		buf_put(out, p, 2);
	} else {
		p[0] = (char)(0xe0 | u >> 12);
		p[1] = (char)(0x80 | (u >> 6 & 0x3f));
		p[2] = (char)(0x80 | (u & 0x3f));
		buf_put(out, p, 3);
	}
}

/* Complete the characters that are held with bytes of in. */
static void
complete_utf8(struct charset *c, struct slice *in, struct buf *out)
{
	while (c->n_held > 0) {
		int n = utf8_length(c->held, c->n_held);

		if (n == 0 && in->n == 0)
			return;
		if (n == 0) {
			c->held[c->n_held++] = in->p[0];
			*in = slice_from(*in, 1);
			continue;
		}
		if (n > 0)
			buf_put(out, c->held, (size_t)n);
		else
			put_other(c, c->held[0], out);
		n = n > 0 ? n : 1;
		c->n_held -= (unsigned)n;
		memmove(c->held, c->held + n, c->n_held);
	}
}

/* Where the run of ASCII at the front ends, in steps of a word. */
static size_t
ascii_run(const char *p, size_t n)
{
	size_t i;
	uint64_t w;

	for (i = 0; i + sizeof(w) <= n; i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if ((w & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	return i;
}

static void
feed_utf8(struct charset *c, struct slice in, struct buf *out)
{
	size_t from = 0, i = 0;

	complete_utf8(c, &in, out);
	while (i < in.n) {
		int n;

		i += ascii_run(in.p + i, in.n - i);
		if (i == in.n)
			break;
		n = utf8_length(in.p + i, in.n - i);
		if (n > 0) {
			i += (size_t)n;
			continue;
		}
		buf_put(out, in.p + from, i - from);
		if (n == 0) {
			c->n_held = (unsigned)(in.n - i);
			memcpy(c->held, in.p + i, c->n_held);
			return;
		}
		put_other(c, in.p[i], out);
		from = ++i;
	}
	if (i > from)
		buf_put(out, in.p + from, i - from);
}

/* Convert what can be; what is left of in is the start of a character. */
static void
run_iconv(struct charset *c, struct slice *in, struct buf *out)
{
	char piece[2048];

	while (in->n > 0) {
		/* iconv's prototype is older than const; it does not write. */
		union {
			const char *from;
			char *p;
		} at = { in->p };
		size_t left = in->n, room = sizeof(piece), r;
		char *to = piece;
		int e;

		errno = 0;
		r = iconv((iconv_t)c->cd, &at.p, &left, &to, &room);
		e = r == (size_t)-1 ? errno : 0;
		buf_put(out, piece, sizeof(piece) - room);
		*in = slice_from(*in, in->n - left);
		if (e == EINVAL)
			return;
		if (e == E2BIG && (room < sizeof(piece)))
			continue;
		if (in->n > 0) { /* EILSEQ, or no progress */
			buf_puts(out, REPLACEMENT);
			*in = slice_from(*in, 1);
		}
	}
}

static void
feed_iconv(struct charset *c, struct slice in, struct buf *out)
{
	struct slice held;

	/* The start of a character is completed byte by byte. */
	while (c->n_held > 0 && in.n > 0) {
		c->held[c->n_held++] = in.p[0];
		in = slice_from(in, 1);
		held = slice_of(c->held, c->n_held);
		run_iconv(c, &held, out);
		if (held.n == sizeof(c->held)) { /* longer than any is */
			buf_puts(out, REPLACEMENT);
			held = slice_from(held, 1);
		}
		c->n_held = (unsigned)held.n;
		memmove(c->held, held.p, held.n);
	}
	if (in.n == 0)
		return;
	run_iconv(c, &in, out);
	while (in.n > sizeof(c->held) - 1) {
		buf_puts(out, REPLACEMENT);
		in = slice_from(in, 1);
	}
	c->n_held = (unsigned)in.n;
	if (in.n > 0)
		memcpy(c->held, in.p, in.n);
}

void
charset_feed(struct charset *c, struct slice in, struct buf *out)
{
	if (in.n == 0)
		return;
	if (c->kind == CHARSET_ICONV)
		feed_iconv(c, in, out);
	else
		feed_utf8(c, in, out);
}

void
charset_end(struct charset *c, struct buf *out)
{
	char piece[64], *to = piece;
	size_t room = sizeof(piece);

	if (c->kind == CHARSET_ICONV) {
		/* Some converters keep a character to combine it. */
		(void)iconv((iconv_t)c->cd, NULL, NULL, &to, &room);
		buf_put(out, piece, sizeof(piece) - room);
	}
	for (unsigned i = 0; i < c->n_held; i++)
		if (c->kind == CHARSET_GUESS)
			put_other(c, c->held[i], out);
		else
			buf_puts(out, REPLACEMENT);
	restart(c);
}

bool
charset_to_utf8(struct slice name, struct slice in, struct buf *out)
{
	struct charset c;
	bool known;

	if (slice_is_utf8(in) && name.n == 0) {
		buf_put_slice(out, in);
		return false;
	}
	known = charset_open(&c, name);
	charset_feed(&c, in, out);
	charset_end(&c, out);
	charset_close(&c);
	return known;
}

bool
charset_to_utf8_strict(struct slice name, struct slice in, struct buf *out)
{
	struct charset c;
	size_t was = out->n;
	const char *alias = find_alias(name);
	bool good;

	if (slice_is_ascii(in) && alias != NULL && alias[0] == '\0') {
		buf_put_slice(out, in);
		return buf_ok(out);
	}
	good = charset_open(&c, name);
	if (good && c.kind == CHARSET_UTF8) {
		good = slice_is_utf8(in);
		buf_put_slice(out, in);
	} else if (good && c.kind == CHARSET_ICONV) {
		struct slice put;

		charset_feed(&c, in, out);
		good = c.n_held == 0;
		charset_end(&c, out);
		put = slice_from(buf_slice(out), was);
		good = good &&
		    (put.n == 0 ||
			memmem(put.p, put.n, REPLACEMENT, 3) == NULL);
	} else {
		good = false;
	}
	charset_close(&c);
	if (!good || !buf_ok(out)) {
		if (out->n > was)
			buf_truncate(out, was);
		return false;
	}
	return true;
}
