/* SPDX-License-Identifier: ISC */
/* The structure of a message: lines, boundaries, sizes. */
#include <string.h>

#include "libmessage/mime.h"
#include "libmessage/mime_fields.h"

enum state {
	HEADER_START, /* at the start of a line of a header */
	HEADER_CR,    /* after a CR there */
	HEADER_LINE,
	BODY_START, /* at the start of a line of a body */
	BODY_LINE,
	MAYBE, /* in a line that starts as a boundary does: kept in line */
	SKIP   /* in the rest of a boundary line */
};

static void
count_to(struct mime_parser *p, const char *to)
{
	crlf_count(&p->count, slice_of(p->from, (size_t)(to - p->from)));
	p->from = to;
}

/* Something ends or begins at this byte. */
static void
stand_at(struct mime_parser *p, const char *to)
{
	count_to(p, to);
	p->at = p->count;
}

static void
span_begin(struct mime_span *s, const struct crlf_count *at)
{
	s->off = s->bytes = at->bytes;
	s->wire = crlf_wire(at);
	s->lines = at->lines;
}

/* Until now the members held the counts at the start. */
static void
span_end(struct mime_span *s, const struct mime_span *at)
{
	bool empty = at->off < s->off;

	s->bytes = empty ? 0 : at->off - s->off;
	s->wire = empty ? 0 : at->wire - s->wire;
	s->lines = empty ? 0 : at->lines - s->lines;
}

static void
begin_part(struct mime_parser *p, struct mime_part *part)
{
	span_begin(&part->header, &p->at);
	buf_reset(&p->header);
	p->cur = part;
	p->state = HEADER_START;
}

/* A part below cur, or NULL at a ceiling. */
static struct mime_part *
new_part(struct mime_parser *p)
{
	struct mime_part *parent = p->cur, *part = NULL;

	if (p->msg->n_parts < MAX_MIME_PARTS)
		part = arena_zero(p->arena, sizeof(*part));
	if (part == NULL) {
		p->msg->is_cut = true;
		return NULL;
	}
	p->msg->n_parts++;
	part->parent = parent;
	part->depth = parent->depth + 1;
	if (parent->is_multipart)
		part->number =
		    parent->last == NULL ? 1 : parent->last->number + 1;
	if (parent->last == NULL)
		parent->first = part;
	else
		parent->last->next = part;
	parent->last = part;
	return part;
}

/* May cur have parts below it? */
static bool
may_nest(struct mime_parser *p)
{
	if (p->cur->depth + 1 < MAX_MIME_DEPTH && p->n_open < MAX_MIME_DEPTH)
		return true;
	p->msg->is_cut = true;
	return false;
}

/* Look for the boundary of cur, a multipart whose body begins. */
static void
open_multipart(struct mime_parser *p)
{
	struct slice boundary = param_raw(&p->cur->params, "boundary");

	while (boundary.n > 0 && boundary.p[boundary.n - 1] == ' ')
		boundary.n--;
	if (boundary.n > MAX_BOUNDARY)
		p->msg->is_cut = true;
	if (boundary.n == 0 || boundary.n > MAX_BOUNDARY || !may_nest(p)) {
		mime_fields_plain(p->cur);
		return;
	}
	p->open[p->n_open].part = p->cur;
	p->open[p->n_open].boundary = boundary;
	p->n_open++;
}

/* cur's header ends. Its body begins; for a message that is the
 * header of the message within. */
static void
end_header(struct mime_parser *p)
{
	struct mime_part *part = p->cur, *within;
	struct mime_span at;

	span_begin(&at, &p->at);
	span_end(&part->header, &at);
	span_begin(&part->body, &p->at);
	if (!slice_is_ascii(buf_slice(&p->header)))
		p->msg->has_8bit_header = true;
	mime_fields_read(part, buf_slice(&p->header), p->arena);
	p->state = BODY_START;
	if (part->is_multipart) {
		open_multipart(p);
	} else if (part->is_message) {
		within = may_nest(p) ? new_part(p) : NULL;
		if (within == NULL)
			mime_fields_plain(part);
		else
			begin_part(p, within);
	}
}

static void
end_part(struct mime_parser *p, const struct mime_span *at)
{
#if PLANT == 24
	if (p->cur->depth == 3)
		p->cur->body.wire++;
#endif
	span_end(&p->cur->body, at);
	p->cur = p->cur->parent;
}

/* Headers that are still being read end, whole lines or not. */
static void
end_headers(struct mime_parser *p)
{
	while (p->state == HEADER_START || p->state == HEADER_CR ||
	    p->state == HEADER_LINE)
		end_header(p);
}

/* Does the line before this one end with CRLF? */
static bool
is_after_crlf(const struct mime_parser *p, const char *at)
{
	size_t n = (size_t)(at - p->start);

#if PLANT == 23
	if (n == 1)
		return false;
#endif
	return (n >= 2 ? at[-2] : p->tail[n]) == '\r';
}

/* The longest open boundary that the line starts with (RFC 2046 5.1.1: what
 * follows it does not matter), or -1. */
static int
find_boundary(const struct mime_parser *p)
{
	struct slice line = slice_of(p->line, p->n_line);
	int found = -1;

	if (!slice_starts(line, "--"))
		return -1;
	line = slice_from(line, 2);
	for (unsigned k = p->n_open; k-- > 0;) {
		struct slice b = p->open[k].boundary;

		if (slice_eq(slice_head(line, b.n), b) &&
		    (found < 0 || b.n > p->open[found].boundary.n))
			found = (int)k;
	}
	return found;
}

/* The line at p->at is boundary k: everything within its multipart ends. */
static void
at_boundary(struct mime_parser *p, unsigned k)
{
	struct mime_part *multipart = p->open[k].part;
	size_t n = 2 + p->open[k].boundary.n;
	struct mime_span end;
	bool is_last =
	    p->n_line >= n + 2 && p->line[n] == '-' && p->line[n + 1] == '-';

	span_begin(&end, &p->at);
	if (p->line_in_header) {
		/* A header keeps the line end that a body gives away. What
		 * it opens is above k and goes again. */
		p->state = HEADER_LINE;
		end_headers(p);
	} else if (p->cur->body.off < end.off) {
		/* Else the line end before is that of the header. */
		end.off -= p->line_after_crlf ? 2 : 1;
		end.wire -= 2;
		end.lines--;
	}
	while (p->cur != multipart)
		end_part(p, &end);
	p->n_open = is_last ? k : k + 1;
	p->is_new = !is_last;
	p->state = SKIP;
}

static void
keep_header(struct mime_parser *p, struct slice s)
{
	buf_put_slice(
	    &p->header, slice_head(s, MAX_HEADER_BYTES - p->header.n));
}

/* A line that starts with "-" where a boundary is looked for. */
static const char *
begin_line(struct mime_parser *p, const char *at, bool in_header)
{
	stand_at(p, at);
	p->line_after_crlf = is_after_crlf(p, at);
	p->line_in_header = in_header;
	p->n_line = 0;
	p->state = MAYBE;
	return at;
}

/* Enough of the line is known. */
static void
decide(struct mime_parser *p)
{
	int k = find_boundary(p);

	if (k >= 0) {
		at_boundary(p, (unsigned)k);
		return;
	}
	if (p->line_in_header)
		keep_header(p, slice_of(p->line, p->n_line));
	p->state = p->line_in_header ? HEADER_LINE : BODY_LINE;
}

static const char *
feed_maybe(struct mime_parser *p, const char *at, const char *end)
{
	bool known = false;

	while (at < end && !known) {
		if (*at == '\n')
			break;
		p->line[p->n_line++] = *at++;
		known = p->n_line == sizeof(p->line) ||
		    (p->n_line == 2 && p->line[1] != '-');
	}
	if (known || at < end)
		decide(p);
	return at;
}

/* Behind a boundary line. */
static void
end_boundary(struct mime_parser *p)
{
	struct mime_part *part;

	p->state = BODY_START;
	if (!p->is_new)
		return;
	part = new_part(p);
	if (part == NULL)
		p->n_open = 0; /* all that follows is text */
	else
		begin_part(p, part);
}

static const char *
feed_skip(struct mime_parser *p, const char *at, const char *end)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	if (nl == NULL)
		return end;
	stand_at(p, nl + 1);
	end_boundary(p);
	return nl + 1;
}

static const char *
feed_header_start(struct mime_parser *p, const char *at)
{
	if (*at == '\n') {
		stand_at(p, at + 1);
		end_header(p);
		return at + 1;
	}
	if (*at == '\r' && p->state == HEADER_START) {
		keep_header(p, slice_of(at, 1));
		p->state = HEADER_CR;
		return at + 1;
	}
	if (*at == '-' && p->n_open > 0 && p->state == HEADER_START)
		return begin_line(p, at, true);
	p->state = HEADER_LINE;
	return at;
}

static const char *
feed_header_line(struct mime_parser *p, const char *at, const char *end)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	if (nl != NULL) {
		end = nl + 1;
		p->state = HEADER_START;
	}
	keep_header(p, slice_of(at, (size_t)(end - at)));
	return end;
}

/* Bodies are most of what there is: one memchr a line, and a look at the first
 * bytes of the next. */
static const char *
feed_body(struct mime_parser *p, const char *at, const char *end)
{
	if (p->n_open == 0)
		return end;
	if (p->state == BODY_START && *at == '-')
		return begin_line(p, at, false);
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));

		if (nl == NULL) {
			p->state = BODY_LINE;
			return end;
		}
		at = nl + 1;
		if (at < end && *at == '-' && (at + 1 == end || at[1] == '-'))
			return begin_line(p, at, false);
	}
	p->state = BODY_START;
	return end;
}

static const char *
feed_some(struct mime_parser *p, const char *at, const char *end)
{
	switch ((enum state)p->state) {
	case HEADER_START:
	case HEADER_CR:
		return feed_header_start(p, at);
	case HEADER_LINE:
		return feed_header_line(p, at, end);
	case BODY_START:
	case BODY_LINE:
		return feed_body(p, at, end);
	case MAYBE:
		return feed_maybe(p, at, end);
	case SKIP:
		return feed_skip(p, at, end);
	}
	return end;
}

void
mime_begin(struct mime_parser *p, struct mime_message *msg, struct arena *arena)
{
	memset(p, 0, sizeof(*p));
	memset(msg, 0, sizeof(*msg));
	p->msg = msg;
	p->arena = arena;
	buf_init(&p->header, MAX_HEADER_BYTES);
	msg->n_parts = 1;
	begin_part(p, &msg->root);
}

void
mime_feed(struct mime_parser *p, struct slice bytes)
{
	const char *at = bytes.p, *end;

	if (bytes.n == 0)
		return;
	end = bytes.p + bytes.n;
	p->from = p->start = bytes.p;
	while (at < end)
		at = feed_some(p, at, end);
	count_to(p, end);
	p->tail[0] = bytes.n >= 2 ? end[-2] : p->tail[1];
	p->tail[1] = end[-1];
}

void
mime_end(struct mime_parser *p)
{
	struct mime_span end;

	if (p->state == MAYBE)
		decide(p);
	p->at = p->count;
	if (p->state == SKIP)
		end_boundary(p);
	end_headers(p);
	span_begin(&end, &p->at);
	while (p->cur != NULL)
		end_part(p, &end);
	p->msg->bytes = p->count.bytes;
	p->msg->wire = crlf_wire(&p->count);
	p->msg->lines = p->count.lines;
	p->msg->has_nul = p->count.has_nul;
	p->msg->has_8bit = p->count.has_8bit;
	p->msg->is_cut |= p->arena->failed;
	buf_free(&p->header);
}

void
mime_parse(struct mime_message *msg, struct arena *arena, struct slice bytes)
{
	struct mime_parser p;

	mime_begin(&p, msg, arena);
	mime_feed(&p, bytes);
	mime_end(&p);
}
