/* SPDX-License-Identifier: ISC */
/* Attributes of a user: rows, parse, print. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libauth/attrs.h"

const struct attr_row attr_rows[] = {
	{ .name = "imap",
	    .type = ATTR_OFF,
	    .flag = ACCOUNT_NO_IMAP,
	    .help = "may use IMAP (yes, no)" },
	{ .name = "pop3",
	    .type = ATTR_OFF,
	    .flag = ACCOUNT_NO_POP3,
	    .help = "may use POP3 (yes, no)" },
	{ .name = "submission",
	    .type = ATTR_OFF,
	    .flag = ACCOUNT_NO_SUBMISSION,
	    .help = "may send (yes, no)" },
	{ .name = "locked",
	    .type = ATTR_ON,
	    .flag = ACCOUNT_LOCKED,
	    .help = "nobody logs in; mail is still delivered (yes, no)" },
	{ .name = "expires",
	    .type = ATTR_DATE,
	    .offset = offsetof(struct attrs, expires_day),
	    .help = "first day it is over, YYYY-MM-DD, UTC" },
	{ .name = "quota",
	    .type = ATTR_SIZE,
	    .offset = offsetof(struct attrs, quota_bytes),
	    .help = "bytes of mail, with K, M, G, T" },
	{ .name = "quota_messages",
	    .type = ATTR_NUMBER,
	    .offset = offsetof(struct attrs, quota_messages),
	    .help = "number of messages" },
	{ .name = "mail",
	    .type = ATTR_PATH,
	    .offset = offsetof(struct attrs, mail),
	    .help = "mail folder, absolute" },
	{ .name = NULL },
};

static const struct attr_row *
attr_find(struct slice name)
{
	for (const struct attr_row *r = attr_rows; r->name != NULL; r++) {
		if (slice_eq_str(name, r->name))
			return r;
	}
	return NULL;
}

static void *
attr_field(struct attrs *a, const struct attr_row *r)
{
	return (char *)a + r->offset;
}

static uint64_t
attr_u64(const struct attrs *a, const struct attr_row *r)
{
	uint64_t v;

	memcpy(&v, (const char *)a + r->offset, sizeof(v));
	return v;
}

/* Days since 1970 of a Gregorian date, and back: no time zone, no libc. */
static int
date_parse(struct slice s, uint32_t *out)
{
	struct tm tm = { 0 }, back;
	uint32_t y, m, d;
	time_t t;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' ||
	    slice_u32(slice_head(s, 4), 9999, &y) != 0 ||
	    slice_u32(slice_of(s.p + 5, 2), 12, &m) != 0 ||
	    slice_u32(slice_of(s.p + 8, 2), 31, &d) != 0 || y < 1970 ||
	    m == 0 || d == 0)
		return -1;
	tm.tm_year = (int)y - 1900;
	tm.tm_mon = (int)m - 1;
	tm.tm_mday = (int)d;
	t = timegm(&tm);
	/* timegm makes 2 March of 30 February; 0 stands for never. */
	if (t <= 0 || gmtime_r(&t, &back) == NULL || back.tm_mday != (int)d)
		return -1;
	*out = (uint32_t)(t / 86400);
	return 0;
}

static void
date_print(uint32_t day, struct buf *out)
{
	time_t t = (time_t)day * 86400;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	buf_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday);
}

static const char size_units[] = "KMGT";

/* "64M", "1G", "4096": 0 and *out, or -1 (overflow, other text). */
static int
parse_size(struct slice s, uint64_t *out)
{
	unsigned shift = 0;
	uint64_t v;
	const char *u;

	if (s.n > 1 && !ascii_is_digit(s.p[s.n - 1])) {
		u = strchr(size_units, ascii_upper(s.p[s.n - 1]));
		if (u == NULL || *u == '\0')
			return -1;
		shift = 10 * (unsigned)(u - size_units + 1);
		s.n--;
	}
	if (slice_u64(s, UINT64_MAX >> shift, &v) != 0)
		return -1;
	*out = v << shift;
	return 0;
}

static void
size_print(uint64_t v, struct buf *out)
{
	unsigned unit = 0;

	while (unit < 4 && v != 0 && v % 1024 == 0) {
		v /= 1024;
		unit++;
	}
	buf_put_u64(out, v);
	if (unit > 0)
		buf_putc(out, size_units[unit - 1]);
}

static bool
must_escape(unsigned char c)
{
	return c <= 0x20 || c == ':' || c == '\\' || c == 0x7f;
}

void
attr_escape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (must_escape(c))
			buf_printf(out, "\\%03o", (unsigned)c);
		else
			buf_putc(out, s.p[i]);
	}
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

int
attr_unescape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned v;

		if (must_escape((unsigned char)s.p[i]) && s.p[i] != '\\')
			return -1;
		if (s.p[i] != '\\') {
			buf_putc(out, s.p[i]);
			continue;
		}
		if (s.n - i < 4 || !is_octal(s.p[i + 1]) ||
		    !is_octal(s.p[i + 2]) || !is_octal(s.p[i + 3]))
			return -1;
		v = (unsigned)(s.p[i + 1] - '0') * 64 +
		    (unsigned)(s.p[i + 2] - '0') * 8 +
		    (unsigned)(s.p[i + 3] - '0');
		/* Only what must be escaped is: one spelling, one meaning. */
		if (v == 0 || v > 255 || !must_escape((unsigned char)v))
			return -1;
		buf_putc(out, (char)v);
		i += 3;
	}
	return buf_ok(out) ? 0 : -1;
}

static int
path_set(char *field, struct slice value)
{
	struct buf b;
	int r = -1;

	buf_init(&b, MAX_ATTR_PATH - 1);
	if (attr_unescape(value, &b) == 0 && b.n > 0 && b.p[0] == '/') {
		memcpy(field, b.p, b.n);
		field[b.n] = '\0';
		r = 0;
	}
	buf_free(&b);
	return r;
}

static int
flag_set(struct attrs *a, const struct attr_row *r, struct slice value)
{
	bool yes = slice_eq_str(value, "yes");

	if (!yes && !slice_eq_str(value, "no"))
		return -1;
	if (yes == (r->type == ATTR_ON))
		a->flags |= r->flag;
	else
		a->flags &= ~r->flag;
	return 0;
}

static void
row_default(struct attrs *a, const struct attr_row *r)
{
	switch (r->type) {
	case ATTR_OFF:
	case ATTR_ON:
		a->flags &= ~r->flag;
		return;
	case ATTR_DATE:
		memset(attr_field(a, r), 0, sizeof(uint32_t));
		return;
	case ATTR_SIZE:
	case ATTR_NUMBER:
		memset(attr_field(a, r), 0, sizeof(uint64_t));
		return;
	case ATTR_PATH:
		memset(attr_field(a, r), 0, MAX_ATTR_PATH);
		return;
	}
}

static int
row_set(struct attrs *a, const struct attr_row *r, struct slice value)
{
	uint64_t v;
	uint32_t day;

	switch (r->type) {
	case ATTR_OFF:
	case ATTR_ON:
		return flag_set(a, r, value);
	case ATTR_DATE:
		if (date_parse(value, &day) != 0)
			return -1;
		memcpy(attr_field(a, r), &day, sizeof(day));
		return 0;
	case ATTR_SIZE:
		if (parse_size(value, &v) != 0)
			return -1;
		memcpy(attr_field(a, r), &v, sizeof(v));
		return 0;
	case ATTR_NUMBER:
		if (slice_u64(value, UINT64_MAX, &v) != 0)
			return -1;
		memcpy(attr_field(a, r), &v, sizeof(v));
		return 0;
	case ATTR_PATH:
		return path_set(attr_field(a, r), value);
	}
	return -1;
}

int
attrs_set(struct attrs *a, struct slice pair, struct err *err)
{
	struct slice name, value = pair;
	const struct attr_row *r;

	if (!slice_cut(&value, '=', &name))
		return err_set(err, ERR_INVALID, "\"%.*s\": NAME=VALUE wanted",
		    SLICE_ARG(slice_head(pair, 40)));
	r = attr_find(name);
	if (r == NULL)
		return err_set(err, ERR_INVALID,
		    "there is no attribute \"%.*s\"",
		    SLICE_ARG(slice_head(name, 40)));
	if (value.n == 0) {
		row_default(a, r);
		return 0;
	}
	if (row_set(a, r, value) != 0)
		return err_set(err, ERR_INVALID, "%s: \"%.*s\" is no %s",
		    r->name, SLICE_ARG(slice_head(value, 40)), r->help);
	return 0;
}

int
attrs_parse(struct slice text, struct attrs *out, struct err *err)
{
	struct attrs a = { 0 };
	struct slice rest = text, word;

	if (text.n > MAX_ATTRS_TEXT)
		return err_set(err, ERR_LIMIT, "attributes too long");
	while (rest.n > 0) {
		slice_cut(&rest, ' ', &word);
		if (word.n > 0 && attrs_set(&a, word, err) != 0)
			return -1;
	}
	*out = a;
	return 0;
}

static bool
row_is_default(const struct attrs *a, const struct attr_row *r)
{
	switch (r->type) {
	case ATTR_OFF:
	case ATTR_ON:
		return (a->flags & r->flag) == 0;
	case ATTR_DATE:
		return a->expires_day == 0;
	case ATTR_SIZE:
	case ATTR_NUMBER:
		return attr_u64(a, r) == 0;
	case ATTR_PATH:
		return *((const char *)a + r->offset) == '\0';
	}
	return true;
}

void
attrs_print(const struct attrs *a, struct buf *out)
{
	size_t first = out->n;

	for (const struct attr_row *r = attr_rows; r->name != NULL; r++) {
		if (row_is_default(a, r))
			continue;
		if (out->n > first)
			buf_putc(out, ' ');
		buf_puts(out, r->name);
		buf_putc(out, '=');
		switch (r->type) {
		case ATTR_OFF:
			buf_puts(out, "no");
			break;
		case ATTR_ON:
			buf_puts(out, "yes");
			break;
		case ATTR_DATE:
			date_print(a->expires_day, out);
			break;
		case ATTR_SIZE:
			size_print(attr_u64(a, r), out);
			break;
		case ATTR_NUMBER:
			buf_put_u64(out, attr_u64(a, r));
			break;
		case ATTR_PATH:
			attr_escape(
			    slice_str((const char *)a + r->offset), out);
			break;
		}
	}
}
