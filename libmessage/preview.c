/* SPDX-License-Identifier: ISC */
/* The first words of a message. */
#include <string.h>

#include "libmessage/preview.h"

/* A few KiB of a body nearly always fill a preview; these many bound the work
 * for one that never does. */
#define MAX_PIECE (1 * MIB)

enum state {
	LINE_START, /* plain: only blanks on the line so far */
	TEXT,
	QUOTED, /* plain: in a line that starts with ">" */
	TAG,    /* html: its name is in tag */
	INSIDE, /* html: in a tag, behind its name */
	COMMENT,
	ENTITY /* html: its name is in tag */
};

static const struct {
	const char *name, *text;
} entities[] = { { "amp", "&" }, { "lt", "<" }, { "gt", ">" }, { "quot", "\"" },
	{ "apos", "'" }, { "#39", "'" }, { "nbsp", " " }, { "#160", " " },
	{ "auml", "\xc3\xa4" }, { "ouml", "\xc3\xb6" }, { "uuml", "\xc3\xbc" },
	{ "Auml", "\xc3\x84" }, { "Ouml", "\xc3\x96" }, { "Uuml", "\xc3\x9c" },
	{ "szlig", "\xc3\x9f" }, { "eacute", "\xc3\xa9" },
	{ "egrave", "\xc3\xa8" }, { "euro", "\xe2\x82\xac" },
	{ "ndash", "\xe2\x80\x93" }, { "mdash", "\xe2\x80\x94" },
	{ "rsquo", "\xe2\x80\x99" }, { "hellip", "\xe2\x80\xa6" } };

/* Elements whose text is not for reading. */
static const char *const hidden[] = { "style", "script", "title", "head" };

static bool
is_attachment(const struct mime_part *part)
{
	return slice_ieq_str(part->disposition, "attachment");
}

const struct mime_part *
preview_part(const struct mime_part *root)
{
	const struct mime_part *html = NULL;

	for (const struct mime_part *p = root; p != NULL;
	     p = mime_part_next(p)) {
		if (is_attachment(p))
			continue;
		if (mime_part_is(p, "text", "plain") && p->body.bytes > 0)
			return p;
		if (html == NULL && mime_part_is(p, "text", "html"))
			html = p;
	}
	return html;
}

void
preview_begin(struct preview *p, const struct mime_part *part)
{
	memset(p, 0, sizeof(*p));
	buf_init(&p->raw, MAX_PIECE);
	buf_init(&p->utf8, MAX_PIECE);
	buf_init(&p->text, PREVIEW_CHARS * 4 + 1);
	(void)param_get(&part->params, "charset", &p->text);
	(void)charset_open(&p->charset, buf_slice(&p->text));
	buf_reset(&p->text);
	decode_begin(&p->decode, decode_kind(part->encoding));
	p->is_html = mime_part_is(part, "text", "html");
	p->state = p->is_html ? TEXT : LINE_START;
}

static bool
is_full(const struct preview *p)
{
	return p->n_chars >= PREVIEW_CHARS;
}

/* One byte of text. Characters are counted at their first byte. */
static void
put(struct preview *p, char c)
{
	if ((c & 0xc0) == 0x80) {
		if (p->open)
			buf_putc(&p->text, c);
		return;
	}
	p->open = false;
	if (p->hidden[0] != '\0')
		return;
	if ((unsigned char)c <= ' ' || c == 0x7f) {
		p->blank = true;
		return;
	}
	if (p->blank && p->n_chars > 0 && !is_full(p)) {
		buf_putc(&p->text, ' ');
		p->n_chars++;
	}
	p->blank = false;
	if (is_full(p))
		return;
	buf_putc(&p->text, c);
	p->n_chars++;
	p->open = true;
}

static void
put_all(struct preview *p, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		put(p, s.p[i]);
}

static void
take_plain(struct preview *p, char c)
{
	if (c == '\n') {
		put(p, ' ');
		p->state = LINE_START;
	} else if (p->state == LINE_START && c == '>') {
		p->state = QUOTED;
	} else if (p->state != QUOTED) {
		if (c != ' ' && c != '\t' && c != '\r')
			p->state = TEXT;
		put(p, c);
	}
}

static bool
is_in(struct slice name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq_str(name, list[i]))
			return true;
	return false;
}

/* A tag is over: does it hide text, or show it again, or stand between words?
 */
static void
end_tag(struct preview *p)
{
	/* These may stand within a word. */
	static const char *const in_words[] = { "a", "b", "i", "u", "s", "em",
		"span", "strong", "font", "small", "big", "sub", "sup", "wbr" };
	struct slice name = slice_of(p->tag, p->n_tag);
	bool closes = slice_starts(name, "/");

	if (closes)
		name = slice_from(name, 1);
	if (!is_in(name, in_words, N_ELEMENTS(in_words)))
		p->blank = true;
	p->open = false;
	p->state = TEXT;
	if (slice_ieq_str(name, "body") ||
	    (closes && slice_ieq_str(name, p->hidden))) {
		p->hidden[0] = '\0';
	} else if (!closes && p->hidden[0] == '\0' &&
	    is_in(name, hidden, N_ELEMENTS(hidden))) {
		memcpy(p->hidden, name.p, name.n);
		p->hidden[name.n] = '\0';
	}
}

static void
take_tag(struct preview *p, char c)
{
	if (c == '<') {
		p->state = TAG;
		p->n_tag = 0;
	} else if (c == '>') {
		end_tag(p);
	} else if (p->state == TAG) {
		bool name = ascii_is_alpha(c) || ascii_is_digit(c) ||
		    c == '!' || c == '-' || (c == '/' && p->n_tag == 0);

		if (name && p->n_tag < sizeof(p->tag))
			p->tag[p->n_tag++] = c;
		else
			p->state = INSIDE;
		if (slice_eq_str(slice_of(p->tag, p->n_tag), "!--")) {
			p->state = COMMENT;
			p->n_tag = 0;
		}
	}
}

/* n_tag counts hyphens. */
static void
take_comment(struct preview *p, char c)
{
	if (c == '>' && p->n_tag >= 2)
		p->state = TEXT;
	else
		p->n_tag = c == '-' ? p->n_tag + (p->n_tag < 2) : 0;
}

static void
put_entity(struct preview *p)
{
	struct slice name = slice_of(p->tag, p->n_tag);

	for (size_t i = 0; i < N_ELEMENTS(entities); i++)
		if (slice_eq_str(name, entities[i].name))
			put_all(p, slice_str(entities[i].text));
}

/* true when c was no part of it, and is text to be looked at. */
static bool
take_entity(struct preview *p, char c)
{
	p->state = TEXT;
	if (c == ';') {
		put_entity(p);
	} else if (p->n_tag < sizeof(p->tag) &&
	    (ascii_is_alpha(c) || ascii_is_digit(c) || c == '#')) {
		p->tag[p->n_tag++] = c;
		p->state = ENTITY;
	} else { /* no entity after all */
		put(p, '&');
		put_all(p, slice_of(p->tag, p->n_tag));
		return true;
	}
	return false;
}

static void
take_html(struct preview *p, char c)
{
	if (p->state == ENTITY && !take_entity(p, c))
		return;
	switch ((enum state)p->state) {
	case TAG:
	case INSIDE:
		take_tag(p, c);
		break;
	case COMMENT:
		take_comment(p, c);
		break;
	case ENTITY:
		break;
	case LINE_START:
	case TEXT:
	case QUOTED:
		if (c == '<' || c == '&') {
			p->state = c == '<' ? TAG : ENTITY;
			p->n_tag = 0;
		} else {
			put(p, c);
		}
		break;
	}
}

static void
take(struct preview *p, struct slice utf8)
{
	for (size_t i = 0; i < utf8.n; i++) {
		if (p->is_html)
			take_html(p, utf8.p[i]);
		else
			take_plain(p, utf8.p[i]);
	}
}

bool
preview_feed(struct preview *p, struct slice raw)
{
	if (is_full(p))
		return true;
	buf_reset(&p->raw);
	buf_reset(&p->utf8);
	decode_feed(&p->decode, raw, &p->raw);
	charset_feed(&p->charset, buf_slice(&p->raw), &p->utf8);
	take(p, buf_slice(&p->utf8));
	return is_full(p);
}

void
preview_end(struct preview *p, struct buf *out)
{
	if (!is_full(p)) {
		buf_reset(&p->raw);
		buf_reset(&p->utf8);
		decode_end(&p->decode, &p->raw);
		charset_feed(&p->charset, buf_slice(&p->raw), &p->utf8);
		charset_end(&p->charset, &p->utf8);
		take(p, buf_slice(&p->utf8));
	}
	buf_put_slice(out, buf_slice(&p->text));
	charset_close(&p->charset);
	buf_free(&p->raw);
	buf_free(&p->utf8);
	buf_free(&p->text);
}
