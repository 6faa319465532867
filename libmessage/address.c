/* SPDX-License-Identifier: ISC */
/* Address lists of header fields: whatever stands there, the best we can. */
#include <string.h>

#include "libmessage/address.h"

struct reader {
	struct arena *arena;
	struct address_list *list;
	struct slice in;
	size_t i;

	/* The entry being read. */
	struct buf text;  /* all of it, as a phrase */
	struct buf local; /* the last run of words that could be a local part */
	struct buf host;
	struct buf comment; /* the last one */
	bool seen;          /* there is a word, or an angle */
	bool has_at;        /* words go to the host */
	bool has_angle; /* text is the name, what follows the angle is noise */
	bool blank;     /* there was one before this token */
	bool after_dot; /* the last token was a dot, or nothing */
	bool word_open; /* the last token was a word or a dot */
	struct slice name, route; /* set by the angle */
	bool in_group;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static bool
is_atom_char(char c)
{
	return !is_blank(c) && strchr("()<>@,;:\\\".[]", c) == NULL;
}

static bool
more(const struct reader *r)
{
	return r->i < r->in.n;
}

static char
peek(const struct reader *r)
{
	return r->in.p[r->i];
}

/* The comment that starts here becomes r->comment. Nesting is counted. */
static void
read_comment(struct reader *r)
{
	size_t depth = 0;

	buf_reset(&r->comment);
	for (; more(r); r->i++) {
		char c = peek(r);

		if (c == '(' && depth++ == 0)
			continue;
		if (c == ')' && --depth == 0) {
			r->i++;
			break;
		}
#if PLANT == 20
		if (c == '\\')
#else
		if (c == '\\' && r->i + 1 < r->in.n)
#endif
			c = r->in.p[++r->i];
		if (c != '\r' && c != '\n' && c != '\0')
			buf_putc(&r->comment, c);
	}
}

static void
skip_blanks(struct reader *r)
{
	while (more(r)) {
		if (is_blank(peek(r)))
			r->i++;
		else if (peek(r) == '(')
			read_comment(r);
		else
			break;
		r->blank = true;
	}
}

/* A quoted string or an atom (a backslash takes the next byte with it),
 * appended to out. */
static void
read_word(struct reader *r, struct buf *out)
{
	bool quoted = peek(r) == '"';

	if (quoted)
		r->i++;
	while (more(r)) {
		char c = peek(r);

		if (quoted && c == '"') {
			r->i++;
			break;
		}
		if (!quoted && c != '\\' && !is_atom_char(c))
			break;
		if (c == '\\' && r->i + 1 < r->in.n)
			c = r->in.p[++r->i];
		r->i++;
		if (c != '\r' && c != '\n' && c != '\0')
			buf_putc(out, c);
	}
}

/* "[...]" with the brackets, blanks left out. */
static void
read_literal(struct reader *r, struct buf *out)
{
	while (more(r)) {
		char c = r->in.p[r->i++];

		if (!is_blank(c))
			buf_putc(out, c);
		if (c == ']')
			break;
	}
}

static struct slice
keep(struct reader *r, const struct buf *b)
{
	struct slice s = slice_trim(buf_slice(b));

	if (s.n == 0)
		return slice_str("");
	return arena_slice(r->arena, s);
}

static struct slice
keep_or_nil(struct reader *r, const struct buf *b)
{
	struct slice s = keep(r, b);

	return s.n == 0 ? SLICE_NONE : s;
}

static void
append(struct reader *r, struct address a)
{
	struct address *to;

	/* The last place is kept for the end of a group. */
	if (r->list->n >= MAX_ADDRESSES && a.kind != ADDRESS_GROUP_END)
		return;
	to = arena_alloc(r->arena, sizeof(*to));
	if (to == NULL)
		return;
	*to = a;
	to->next = NULL;
	if (r->list->last == NULL)
		r->list->first = to;
	else
		r->list->last->next = to;
	r->list->last = to;
	r->list->n++;
}

static void
start_entry(struct reader *r)
{
	buf_reset(&r->text);
	buf_reset(&r->local);
	buf_reset(&r->host);
	buf_reset(&r->comment);
	r->seen = r->has_at = r->has_angle = false;
	r->blank = r->word_open = false;
	r->after_dot = true;
	r->name = r->route = SLICE_NONE;
}

static void
finish_entry(struct reader *r)
{
	struct address a = { .kind = ADDRESS_MAILBOX };

	if (r->seen) {
		a.name = r->has_angle ? r->name : SLICE_NONE;
		a.route = r->route;
		/* Without an address all words are the mailbox. */
		a.mailbox =
		    keep(r, r->has_at || r->has_angle ? &r->local : &r->text);
		a.host = keep(r, &r->host);
		if (a.name.p == NULL)
			a.name = keep_or_nil(r, &r->comment);
		append(r, a);
	}
	start_entry(r);
}

/* A word or a dot in a local part or a host. Two words without a dot between
 * are kept apart inside an angle; outside, the second begins anew, and after a
 * host it is noise. */
static void
put_local(struct reader *r, struct slice word, bool is_dot)
{
	bool anew = !is_dot && !r->after_dot;
	struct buf *to = r->has_at ? &r->host : &r->local;

	r->after_dot = is_dot;
	if (r->has_at && anew && to->n > 0)
		return;
	if (anew && to->n > 0 && !r->has_at && r->word_open) {
		if (r->has_angle)
			buf_putc(to, ' ');
		else
			buf_reset(to);
	}
	buf_put_slice(to, word);
}

static void
put_text(struct reader *r, struct slice s)
{
	if (r->blank && r->text.n > 0)
		buf_putc(&r->text, ' ');
	r->blank = false;
	buf_put_slice(&r->text, s);
}

/* One word, literal or dot. */
static void
read_piece(struct reader *r, struct buf *scratch)
{
	bool is_dot = peek(r) == '.';

	buf_reset(scratch);
	if (is_dot) {
		buf_putc(scratch, '.');
		r->i++;
	} else if (peek(r) == '[') {
		read_literal(r, scratch);
	} else {
		read_word(r, scratch);
	}
	put_local(r, buf_slice(scratch), is_dot);
	if (!r->has_angle)
		put_text(r, buf_slice(scratch));
	r->seen = r->word_open = true;
}

static void
read_at(struct reader *r)
{
	r->i++;
	if (!r->has_angle)
		put_text(r, SLICE("@"));
	if (r->has_at) { /* a second one: what we had is the local part */
		buf_putc(&r->local, '@');
		buf_put_slice(&r->local, buf_slice(&r->host));
		buf_reset(&r->host);
	}
	r->seen = r->has_at = r->after_dot = true;
}

/* "@a,@b:" at the start of an angle. */
static void
read_route(struct reader *r)
{
	size_t end = r->i, n = 0;
	char *to;

	/* Stops where the next entry begins, so that many angles cost no more
	 * than one. */
	while (end < r->in.n && strchr(":<>;", r->in.p[end]) == NULL)
		end++;
	if (end == r->in.n || r->in.p[end] != ':')
		return;
	to = arena_alloc(r->arena, end - r->i);
	for (size_t i = r->i; to != NULL && i < end; i++)
		if (!is_blank(r->in.p[i]))
			to[n++] = r->in.p[i];
	if (to != NULL)
		r->route = slice_of(to, n);
	r->i = end + 1;
}

/* From "<" to ">", or to what must be the next entry. */
static void
read_angle(struct reader *r, struct buf *scratch)
{
	r->i++;
	r->name = keep_or_nil(r, &r->text);
	buf_reset(&r->local);
	buf_reset(&r->host);
	r->has_at = r->word_open = false;
	r->seen = r->has_angle = r->after_dot = true;
	skip_blanks(r);
	if (more(r) && peek(r) == '@')
		read_route(r);
	for (skip_blanks(r); more(r); skip_blanks(r)) {
		char c = peek(r);

		if (c == ',' || c == ';')
			return;
		if (c == '>') {
			r->i++;
			return;
		}
		if (c == '@')
			read_at(r);
		else if (is_atom_char(c) || strchr("\".[\\", c) != NULL)
			read_piece(r, scratch);
		else
			r->i++;
	}
}

static void
begin_group(struct reader *r)
{
	struct address a = { .kind = ADDRESS_GROUP_BEGIN };

	r->i++;
	if (r->in_group || r->has_angle || r->text.n == 0) {
		r->blank = true;
		return;
	}
	a.mailbox = keep(r, &r->text);
	append(r, a);
	r->in_group = true;
	start_entry(r);
}

static void
end_group(struct reader *r)
{
	if (r->in_group)
		append(r, (struct address){ .kind = ADDRESS_GROUP_END });
	r->in_group = false;
}

/* One token outside of an angle. */
static void
read_token(struct reader *r, struct buf *scratch)
{
	char c = peek(r);

	if (c == ',' || c == ';') {
		r->i++;
		finish_entry(r);
		if (c == ';')
			end_group(r);
	} else if (c == ':') {
		begin_group(r);
	} else if (c == '<' && !r->has_angle) {
		read_angle(r, scratch);
	} else if (c == '@' && !r->has_angle) {
		read_at(r);
	} else if (is_atom_char(c) || strchr("\".[\\", c) != NULL) {
		if (r->has_angle) { /* noise behind the angle */
			buf_reset(scratch);
			if (c == '.' || c == '[')
				r->i++;
			else
				read_word(r, scratch);
		} else {
			read_piece(r, scratch);
		}
	} else {
		r->i++;
	}
}

void
address_parse(
    struct arena *arena, struct slice value, struct address_list *list)
{
	struct reader r = { .arena = arena, .list = list, .in = value };
	struct buf scratch;

	buf_init(&scratch, MAX_HEADER_BYTES);
	buf_init(&r.text, MAX_HEADER_BYTES);
	buf_init(&r.local, MAX_HEADER_BYTES);
	buf_init(&r.host, MAX_HEADER_BYTES);
	buf_init(&r.comment, MAX_HEADER_BYTES);
	start_entry(&r);
	for (skip_blanks(&r); more(&r) && list->n < MAX_ADDRESSES;
	     skip_blanks(&r)) {
		read_token(&r, &scratch);
	}
	finish_entry(&r);
	end_group(&r);
	buf_free(&scratch);
	buf_free(&r.text);
	buf_free(&r.local);
	buf_free(&r.host);
	buf_free(&r.comment);
}
