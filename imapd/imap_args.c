/* SPDX-License-Identifier: ISC */
/* Argument trees to values, by the grammar of a command's row. */
#include <string.h>

#include "imapd/imap_args.h"
#include "libbase/ceilings.h"
#include "libmaildir/mutf7.h"

bool
imap_arg_is(const struct imap_arg *a, const char *word)
{
	return a != NULL && a->kind == ARG_ATOM && !a->has_section &&
	    slice_ieq_str(a->text, word);
}

static bool
has_any(struct slice s, const char *set)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '\0' && strchr(set, s.p[i]) != NULL)
			return true;
	}
	return false;
}

bool
imap_arg_is_astring(const struct imap_arg *a)
{
	if (a == NULL || a->kind == ARG_LIST || a->has_section)
		return false;
	return a->kind != ARG_ATOM || !has_any(a->text, "%*\\");
}

bool
imap_arg_is_nstring(const struct imap_arg *a, struct slice *text_out)
{
	if (imap_arg_is(a, "NIL")) {
		*text_out = SLICE_NONE;
		return true;
	}
	if (a == NULL || (a->kind != ARG_QUOTED && a->kind != ARG_LITERAL))
		return false;
	*text_out = a->text;
	return true;
}

bool
imap_is_atom(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	}
	return s.n > 0 && !has_any(s, "(){%*\"\\]");
}

size_t
imap_arg_count(const struct imap_arg *a)
{
	size_t n = 0;

	for (; a != NULL; a = a->next)
		n++;
	return n;
}

/* ---- grammar ---- */

static const struct {
	const char *word;
	enum imap_value_kind kind;
	const char *expected; /* for BAD */
} kinds[] = {
	{ "astring", VALUE_ASTRING, "String expected" },
	{ "mailbox", VALUE_MAILBOX, "Mailbox name expected" },
	{ "pattern", VALUE_PATTERN, "Mailbox pattern expected" },
	{ "atom", VALUE_ATOM, "Word expected" },
	{ "initial", VALUE_INITIAL, "Base64 expected" },
	{ "set", VALUE_SET, "Message set expected" },
	{ "number", VALUE_NUMBER, "Number expected" },
	{ "flags", VALUE_FLAGS, "Flags expected" },
	{ "date", VALUE_DATE, "Date expected" },
	{ "list", VALUE_LIST, "List expected" },
	{ "params", VALUE_LIST, "List expected" },
	{ "literal", VALUE_LITERAL, "Literal expected" },
	{ "*", VALUE_REST, "Arguments expected" },
};

static const char *
expected(enum imap_value_kind kind)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		if (kinds[i].kind == kind)
			return kinds[i].expected;
	}
	return "Arguments expected";
}

static int
grammar_word(struct imap_grammar *g, struct slice w, bool optional)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		if (!slice_eq_str(w, kinds[i].word))
			continue;
		if (g->n == IMAP_VALUES_MAX)
			return -1;
		g->item[g->n].kind = kinds[i].kind;
		g->item[g->n].is_optional = optional;
		g->n++;
		return 0;
	}
	return -1;
}

int
imap_grammar_parse(const char *text, struct imap_grammar *g, struct err *err)
{
	struct slice rest = slice_str(text), w;
	bool optional = false, closes;

	g->n = 0;
	while (rest.n > 0) {
		(void)slice_cut(&rest, ' ', &w);
		if (w.n > 0 && w.p[0] == '[') {
			optional = true;
			w = slice_from(w, 1);
		}
		closes = w.n > 0 && w.p[w.n - 1] == ']';
		if (closes)
			w.n--;
		if (w.n > 0 && grammar_word(g, w, optional) == -1) {
			return err_set(err, ERR_INVALID,
			    "grammar \"%s\": \"%.*s\"", text, SLICE_ARG(w));
		}
		if (closes)
			optional = false;
	}
	if (optional)
		return err_set(
		    err, ERR_INVALID, "grammar \"%s\": open [", text);
	return 0;
}

/* ---- single readers ---- */

static int
wants(struct err *err, enum imap_value_kind kind)
{
	return err_set(err, ERR_INVALID, "%s", expected(kind));
}

/* Modified UTF-7 to UTF-8 in the arena. */
static int
decode_name(struct slice text, struct arena *arena, struct slice *name_out,
    struct err *err)
{
	struct buf b;
	int r = -1;

	buf_init(&b, MAX_MAILBOX_NAME);
	if (mutf7_decode(text, &b) == -1) {
		err_set(err, ERR_INVALID, "Mailbox name not in modified UTF-7");
	} else if (!buf_ok(&b)) {
		err_set(err, ERR_LIMIT, "Mailbox name too long");
	} else {
		*name_out = arena_slice(arena, buf_slice(&b));
		r = 0;
	}
	buf_free(&b);
	if (r == 0 && arena->failed)
		return err_set(err, ERR_LIMIT, "Command too large");
	return r;
}

static int
arg_mailbox(const struct imap_arg *a, struct arena *arena,
    struct slice *name_out, struct err *err)
{
	if (!imap_arg_is_astring(a))
		return wants(err, VALUE_MAILBOX);
	if (slice_ieq_str(a->text, "INBOX")) {
		*name_out = SLICE("INBOX");
		return 0;
	}
	return decode_name(a->text, arena, name_out, err);
}

int
imap_arg_pattern(const struct imap_arg *a, struct arena *arena,
    struct slice *out, struct err *err)
{
	struct err why;

	if (a == NULL || a->kind == ARG_LIST || a->has_section ||
	    (a->kind == ARG_ATOM && has_any(a->text, "\\")))
		return wants(err, VALUE_PATTERN);
	if (!slice_is_ascii(a->text))
		return err_set(err, ERR_INVALID, "8-bit in a mailbox pattern");
	/* what is no name is no error here: it matches nothing, as no name
	 * has a control byte */
	if (decode_name(a->text, arena, out, &why) == -1)
		*out = SLICE("\1");
	return 0;
}

static int
arg_set(const struct imap_arg *a, struct slice *text_out, struct err *err)
{
	struct seqset set;
	int r = 0;

	if (a == NULL || a->kind != ARG_ATOM || a->has_section)
		return wants(err, VALUE_SET);
	if (!slice_eq_str(a->text, "$")) {
		seqset_init(&set, MAX_SEQSET_RANGES);
		r = seqset_parse(a->text, 1, &set);
		seqset_free(&set);
	}
	if (r == -1)
		return err_set(err, ERR_INVALID, "Bad message set");
	*text_out = a->text;
	return 0;
}

static int
arg_number(const struct imap_arg *a, uint32_t *out, struct err *err)
{
	if (a == NULL || a->kind != ARG_ATOM || a->has_section ||
	    slice_u32(a->text, UINT32_MAX, out) == -1)
		return wants(err, VALUE_NUMBER);
	return 0;
}

/* RFC 3501 9: flag. "\*" and "\" alone are none. */
static bool
is_flag(const struct imap_arg *a)
{
	struct slice s = a->text;

	if (a->kind != ARG_ATOM || a->has_section)
		return false;
	if (slice_starts(s, "\\"))
		s = slice_from(s, 1);
	return imap_is_atom(s);
}

static int
check_flags(const struct imap_arg *a, struct err *err)
{
	for (; a != NULL; a = a->next) {
		if (!is_flag(a))
			return err_set(err, ERR_INVALID, "Bad flag");
	}
	return 0;
}

/* ---- dates ---- */

static int
month_of(struct slice s)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	int i;

	for (i = 0; i < 12; i++) {
		if (slice_ieq(s, slice_of(names + (size_t)i * 3, 3)))
			return i + 1;
	}
	return 0;
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int32_t
day_number(uint32_t year, uint32_t month, uint32_t day)
{
	/* count years from March, so that the leap day is the last */
	uint32_t y = month < 3 ? year + 399 : year + 400;
	uint32_t m = month < 3 ? month + 9 : month - 3;

	return (int32_t)(y * 365 + y / 4 - y / 100 + y / 400 +
		   (m * 153 + 2) / 5 + day) -
	    1 - 719468 - 146097;
}

static bool
is_day(uint32_t year, int month, uint32_t day)
{
	static const uint32_t days[] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month == 0 || day == 0)
		return false;
#if PLANT == 51
	return day <= 40000;
#endif
	return day <= days[month] + (month == 2 && leap ? 1 : 0);
}

/* "1-Feb-1994": digits are what the day may have. */
static int
read_date(struct slice s, struct slice day_text, int32_t *day_out)
{
	uint32_t day, year;
	int month;

	if (s.n != 9 || s.p[0] != '-' || s.p[4] != '-')
		return -1;
	if (slice_u32(day_text, 31, &day) == -1 ||
	    slice_u32(slice_from(s, 5), 9999, &year) == -1)
		return -1;
	month = month_of(slice_of(s.p + 1, 3));
	if (!is_day(year, month, day))
		return -1;
	*day_out = day_number(year, (uint32_t)month, day);
	return 0;
}

int
imap_arg_date(const struct imap_arg *a, int32_t *day_out, struct err *err)
{
	ptrdiff_t dash;

	if (!imap_arg_is_astring(a))
		return wants(err, VALUE_DATE);
	dash = slice_find(a->text, '-');
	if (dash < 1 || dash > 2 ||
	    read_date(slice_from(a->text, (size_t)dash),
		slice_head(a->text, (size_t)dash), day_out) == -1)
		return err_set(err, ERR_INVALID, "Bad date");
	return 0;
}

/* Two digits and what may follow. */
static int
read_two(struct slice s, size_t at, uint32_t max, uint32_t *out)
{
	return slice_u32(slice_of(s.p + at, 2), max, out);
}

int
imap_date_time(struct slice text, int64_t *secs_out, int *zone_mins_out)
{
	uint32_t h, m, s, zh, zm;
	int32_t day;
	struct slice d = slice_head(text, 2);
	int zone;

	/* "dd-Mon-yyyy hh:mm:ss +zzzz" */
	if (text.n != 26 || text.p[11] != ' ' || text.p[14] != ':' ||
	    text.p[17] != ':' || text.p[20] != ' ')
		return -1;
	if (d.p[0] == ' ')
		d = slice_from(d, 1);
	if (read_date(slice_of(text.p + 2, 9), d, &day) == -1)
		return -1;
	if (read_two(text, 12, 23, &h) == -1 ||
	    read_two(text, 15, 59, &m) == -1 ||
	    read_two(text, 18, 60, &s) == -1 ||
	    read_two(text, 22, 23, &zh) == -1 ||
	    read_two(text, 24, 59, &zm) == -1)
		return -1;
	if (text.p[21] != '+' && text.p[21] != '-')
		return -1;
	zone = (int)(zh * 60 + zm);
	if (text.p[21] == '-')
		zone = -zone;
	*secs_out = (int64_t)day * 86400 + h * 3600 + m * 60 + s - zone * 60;
	*zone_mins_out = zone;
	return 0;
}

/* ---- values ---- */

/* Could an optional item of this kind stand here? */
static bool
fits(enum imap_value_kind kind, const struct imap_arg *a)
{
	switch (kind) {
	case VALUE_FLAGS:
	case VALUE_LIST:
		return a->kind == ARG_LIST;
	case VALUE_DATE:
		return a->kind == ARG_QUOTED;
	case VALUE_SET:
	case VALUE_NUMBER:
	case VALUE_ATOM:
	case VALUE_INITIAL:
		return a->kind == ARG_ATOM;
	case VALUE_ASTRING:
	case VALUE_MAILBOX:
	case VALUE_PATTERN:
		return a->kind != ARG_LIST;
	case VALUE_REST:
		return true;
	case VALUE_NONE:
	case VALUE_LITERAL:
		break;
	}
	return false;
}

/* A value out of one node; a is not NULL. */
static int
read_value(enum imap_value_kind kind, const struct imap_arg *a,
    struct arena *arena, struct imap_value *v, struct err *err)
{
	v->arg = a;
	v->text = a->text;
	switch (kind) {
	case VALUE_ASTRING:
		return imap_arg_is_astring(a) ? 0 : wants(err, kind);
	case VALUE_MAILBOX:
		return arg_mailbox(a, arena, &v->text, err);
	case VALUE_PATTERN:
		return imap_arg_pattern(a, arena, &v->text, err);
	case VALUE_ATOM:
		if (a->kind != ARG_ATOM || !imap_is_atom(a->text))
			return wants(err, kind);
		return 0;
	case VALUE_INITIAL: /* RFC 4959: sasl.c reads it */
		return 0;
	case VALUE_SET:
		return arg_set(a, &v->text, err);
	case VALUE_NUMBER:
		return arg_number(a, &v->number, err);
	case VALUE_DATE:
		if (a->kind != ARG_QUOTED ||
		    imap_date_time(a->text, &v->date, &v->zone_mins) == -1)
			return err_set(err, ERR_INVALID, "Bad date");
		return 0;
	case VALUE_LIST:
		return a->kind == ARG_LIST ? 0 : wants(err, kind);
	case VALUE_FLAGS:
		if (a->kind == ARG_LIST)
			v->arg = a->child;
		return check_flags(v->arg, err);
	case VALUE_REST:
		return 0;
	case VALUE_NONE:
	case VALUE_LITERAL:
		break;
	}
	return wants(err, kind);
}

/* Is everything behind a used up by this value? Bare flags stand in a chain
 * (RFC 3501 9 store-att-flags), the raw tree takes all. */
static bool
takes_rest(enum imap_value_kind kind, const struct imap_arg *a, bool is_last)
{
	if (kind == VALUE_REST)
		return true;
	return kind == VALUE_FLAGS && is_last && a->kind != ARG_LIST;
}

int
imap_args_match(const struct imap_grammar *g, const struct imap_arg *args,
    struct arena *arena, struct imap_value *v, struct err *err)
{
	unsigned i;

	memset(v, 0, sizeof(*v) * IMAP_VALUES_MAX);
	for (i = 0; i < g->n; i++) {
		enum imap_value_kind kind = g->item[i].kind;

		if (kind == VALUE_LITERAL)
			continue;
		if (g->item[i].is_optional &&
		    (args == NULL || !fits(kind, args)))
			continue;
		if (args == NULL)
			return wants(err, kind);
		if (kind == VALUE_FLAGS && args->kind != ARG_LIST &&
		    i + 1 != g->n)
			return wants(err, kind);
		if (read_value(kind, args, arena, &v[i], err) == -1)
			return -1;
		v[i].is_set = true;
		args =
		    takes_rest(kind, args, i + 1 == g->n) ? NULL : args->next;
	}
	if (args != NULL)
		return err_set(err, ERR_INVALID, "Too many arguments");
	return 0;
}
