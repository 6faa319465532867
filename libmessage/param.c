/* SPDX-License-Identifier: ISC */
/* Parameters of Content-Type and Content-Disposition. */
#include <string.h>

#include "libbase/ceilings.h"
#include "libmessage/charset.h"
#include "libmessage/encword.h"
#include "libmessage/param.h"

static bool
is_token_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* The length of the comment at the front of s, nested ones included: a counter
 * instead of recursion. */
static size_t
comment_length(struct slice s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.n;
}

void
param_skip(struct slice *text)
{
	while (text->n > 0) {
		char c = text->p[0];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			*text = slice_from(*text, 1);
		else if (c == '(')
			*text = slice_from(*text, comment_length(*text));
		else
			break;
	}
}

struct slice
param_token(struct slice *text)
{
	struct slice token;
	size_t n = 0;

	param_skip(text);
	while (n < text->n && is_token_char(text->p[n]))
		n++;
	token = slice_head(*text, n);
	*text = slice_from(*text, n);
	return token;
}

/* The quoted string at the front of *s, which is taken; escapes make a copy. */
static struct slice
take_quoted(struct arena *arena, struct slice *s)
{
	size_t i = 1, n = 0;
	bool escaped = false;
	struct slice body;
	char *to;

	while (i < s->n && s->p[i] != '"') {
		if (s->p[i] == '\\' && i + 1 < s->n) {
			escaped = true;
			i++;
		}
		i++;
	}
	body = slice_of(s->p + 1, i - 1);
	*s = slice_from(*s, i + 1);
	if (!escaped)
		return body;
	to = arena_alloc(arena, body.n);
	if (to == NULL)
		return slice_head(body, 0);
	for (i = 0; i < body.n; i++) {
		if (body.p[i] == '\\' && i + 1 < body.n)
			i++;
		to[n++] = body.p[i];
	}
	return slice_of(to, n);
}

/* The value at the front of *s. One that is not quoted should be a token; what
 * is not (a file name with blanks, a boundary with "=") goes to the semicolon.
 */
static struct slice
take_value(struct arena *arena, struct slice *s)
{
	struct slice at, token, all;

	param_skip(s);
	if (s->n > 0 && s->p[0] == '"')
		return take_quoted(arena, s);
	at = *s;
	token = param_token(&at);
	param_skip(&at);
	if (at.n == 0 || at.p[0] == ';') {
		*s = at;
		return token;
	}
	at = *s;
	if (slice_cut(&at, ';', &all))
		*s = slice_from(*s, all.n);
	else
		*s = slice_from(*s, s->n);
	return slice_trim(all);
}

static void
skip_past_semicolon(struct slice *s)
{
	struct slice skipped;

	(void)slice_cut(s, ';', &skipped);
}

void
param_parse(struct arena *arena, struct slice text, struct param_list *list_out)
{
	struct param v[MAX_PARAMS], *to;
	unsigned n = 0;

	*list_out = (struct param_list){ NULL, 0 };
	while (text.n > 0 && n < MAX_PARAMS) {
		struct slice name;

		param_skip(&text);
		if (text.n > 0 && text.p[0] == ';') {
			text = slice_from(text, 1);
			continue;
		}
		name = param_token(&text);
		param_skip(&text);
		if (name.n == 0 || text.n == 0 || text.p[0] != '=') {
			skip_past_semicolon(&text);
			continue;
		}
		text = slice_from(text, 1);
		v[n].name = name;
		v[n].value = take_value(arena, &text);
		n++;
		skip_past_semicolon(&text);
	}
	if (n == 0)
		return;
	to = arena_array(arena, n, sizeof(v[0]));
	if (to == NULL)
		return;
	memcpy(to, v, n * sizeof(v[0]));
	*list_out = (struct param_list){ to, n };
}

struct slice
param_raw(const struct param_list *list, const char *name)
{
	for (unsigned i = 0; i < list->n; i++)
		if (slice_ieq_str(list->v[i].name, name))
			return list->v[i].value;
	return SLICE_NONE;
}

/* Is name*SECTION the parameter's name, with a "*" behind or not? section -1:
 * name* itself. */
static bool
is_section(struct slice have, const char *name, int section, bool *coded)
{
	uint32_t v;
	size_t n = strlen(name);

	if (!slice_istarts(have, name) || have.n <= n || have.p[n] != '*')
		return false;
	have = slice_from(have, n + 1);
	if (section < 0) {
		*coded = true;
		return have.n == 0;
	}
	*coded = have.n > 0 && have.p[have.n - 1] == '*';
	if (*coded)
		have.n--;
	return slice_u32(have, MAX_PARAMS, &v) == 0 && v == (uint32_t)section;
}

static const struct param *
find_section(
    const struct param_list *list, const char *name, int section, bool *coded)
{
	for (unsigned i = 0; i < list->n; i++)
		if (is_section(list->v[i].name, name, section, coded))
			return &list->v[i];
	return NULL;
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
put_percent(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] == '%' && i + 2 < s.n &&
		    (hi = hex_value(s.p[i + 1])) >= 0 &&
		    (lo = hex_value(s.p[i + 2])) >= 0) {
			buf_putc(out, (char)(hi * 16 + lo));
			i += 2;
		} else {
			buf_putc(out, s.p[i]);
		}
	}
}

/* charset'language'rest; without two quotes it is all rest. */
static struct slice
cut_charset(struct slice *s)
{
	struct slice at = *s, charset, language;

	if (!slice_cut(&at, '\'', &charset) || !slice_cut(&at, '\'', &language))
		return SLICE_NONE;
	*s = at;
	return charset;
}

bool
param_get(const struct param_list *list, const char *name, struct buf *out)
{
	const struct param *p;
	struct slice charset = SLICE_NONE, v;
	struct buf raw;
	bool coded = false, any_coded = false;
	int section = 0;

	p = find_section(list, name, 0, &coded);
	if (p == NULL) {
		section = -1;
		p = find_section(list, name, -1, &coded);
	}
	if (p == NULL) {
		v = param_raw(list, name);
		if (v.p != NULL)
			encword_decode(v, out);
		return v.p != NULL;
	}
	buf_init(&raw, MAX_HEADER_BYTES);
	for (; p != NULL; p = find_section(list, name, section, &coded)) {
		v = p->value;
		if (coded && section <= 0)
			charset = cut_charset(&v);
		if (coded)
			put_percent(v, &raw);
		else
			buf_put_slice(&raw, v);
		any_coded |= coded;
		if (section < 0)
			break;
		section++;
	}
	if (any_coded)
		(void)charset_to_utf8(charset, buf_slice(&raw), out);
	else
		encword_decode(buf_slice(&raw), out);
	buf_free(&raw);
	return true;
}
