/* SPDX-License-Identifier: ISC */
/* The text of pop3_uidl_format. Pure. */
#include <string.h>

#include "libserver/uidl_format.h"

static const struct {
	const char *name;
	char what;
} variables[] = {
	{ "uid", 'u' },
	{ "uidvalidity", 'v' },
	{ "filename", 'f' },
	{ "guid", 'g' },
};

static int
bad(const char **why, const char *text)
{
	*why = text;
	return -1;
}

static char
cut_char(struct slice *s)
{
	char c = s->n == 0 ? '\0' : s->p[0];

	*s = slice_from(*s, 1);
	return c;
}

static int
take_width(struct slice digits, struct uidl_item *it, const char **why)
{
	uint32_t n;

	if (slice_u32(digits, MAX_UIDL_WIDTH, &n) == -1)
		return bad(why, "a width is 1 to 64");
	it->width = n;
	return 0;
}

/* Behind "%": 08Xu. */
static int
take_short(struct slice *rest, struct uidl_item *it, const char **why)
{
	size_t n = 0;
	char c;

	while (n < rest->n && ascii_is_digit(rest->p[n]))
		n++;
	if (n > 0 && rest->p[0] != '0')
		return bad(why,
		    "a width begins with 0 (\"%08Xu\"): without it "
		    "what is longer would be cut");
	if (n > 0 && take_width(slice_head(*rest, n), it, why) == -1)
		return -1;
	*rest = slice_from(*rest, n);
	while ((c = cut_char(rest)) == 'X' || c == 'L' || c == 'U') {
		it->hex = it->hex || c == 'X';
		it->lower = it->lower || c == 'L';
		it->upper = it->upper || c == 'U';
	}
	if (c == 'm')
		return bad(why, "%m is for mbox files only");
	if (c == '\0' || strchr("uvfg", c) == NULL)
		return bad(why,
		    "behind % stands one of u, v, f, g, with X, L, "
		    "U or a width like 08 before it");
	it->what = c;
	return 0;
}

/* "hex(8)", "upper", "lower" of the long form. */
static int
take_filter(struct slice f, struct uidl_item *it, const char **why)
{
	if (slice_eq_str(f, "upper"))
		it->upper = true;
	else if (slice_eq_str(f, "lower"))
		it->lower = true;
	else if (slice_eq_str(f, "hex"))
		it->hex = true;
	else if (slice_starts(f, "hex(") && f.p[f.n - 1] == ')') {
		it->hex = true;
		return take_width(slice_of(f.p + 4, f.n - 5), it, why);
	} else
		return bad(
		    why, "behind | stands hex(8), upper or lower, no other");
	return 0;
}

/* Behind "%{". */
static int
take_long(struct slice *rest, struct uidl_item *it, const char **why)
{
	struct slice all, word;
	bool more;

	if (!slice_cut(rest, '}', &all))
		return bad(why, "%{ has no }");
	more = slice_cut(&all, '|', &word);
	for (size_t i = 0; i < N_ELEMENTS(variables); i++)
		if (slice_eq_str(slice_trim(word), variables[i].name))
			it->what = variables[i].what;
	if (it->what == 0)
		return bad(why,
		    "in %{} stands one of uid, uidvalidity, "
		    "filename, guid");
	while (more) {
		more = slice_cut(&all, '|', &word);
		if (take_filter(slice_trim(word), it, why) == -1)
			return -1;
	}
	return 0;
}

static int
take_variable(struct slice *rest, struct uidl_item *it, const char **why)
{
	int r;

	if (rest->n > 0 && rest->p[0] == '{') {
		*rest = slice_from(*rest, 1);
		r = take_long(rest, it, why);
	} else
		r = take_short(rest, it, why);
	if (r == 0 && it->hex && it->what != 'u' && it->what != 'v')
		return bad(why, "only numbers have a hexadecimal form");
	return r;
}

int
uidl_format_next(struct slice *rest, struct uidl_item *out, const char **why)
{
	size_t n = 0;

	*out = (struct uidl_item){ 0 };
	if (rest->n == 0)
		return 0;
	while (n < rest->n && rest->p[n] != '%') {
#if PLANT == 66
		if (rest->p[n] < 0x20 || rest->p[n] >= 0x7f)
#else
		if (rest->p[n] <= 0x20 || rest->p[n] >= 0x7f)
#endif
			return bad(why,
			    "a UIDL has printable ASCII without "
			    "blanks only");
		n++;
	}
	if (n == 0 && rest->n > 1 && rest->p[1] == '%') {
		out->text = slice_head(*rest, 1);
		*rest = slice_from(*rest, 2);
		return 1;
	}
	if (n > 0) {
		out->text = slice_head(*rest, n);
		*rest = slice_from(*rest, n);
		return 1;
	}
	*rest = slice_from(*rest, 1);
	return take_variable(rest, out, why) == -1 ? -1 : 1;
}

const char *
uidl_format_fault(struct slice format)
{
	struct uidl_item it;
	const char *why = NULL;
	bool tells_apart = false;
	int r;

	while ((r = uidl_format_next(&format, &it, &why)) == 1)
		tells_apart = tells_apart || (it.what != 0 && it.what != 'v');
	if (r == -1)
		return why;
	return tells_apart ?
	    NULL :
	    "without %u, %f or %g all messages would have one UIDL";
}
