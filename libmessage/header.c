/* SPDX-License-Identifier: ISC */
/* Fields of a header block. */
#include <string.h>

#include "libmessage/header.h"

/* Length of the line at the front of s, its line end included. */
static size_t
line_length(struct slice s)
{
	const char *nl = s.n == 0 ? NULL : memchr(s.p, '\n', s.n);

	return nl == NULL ? s.n : (size_t)(nl - s.p) + 1;
}

static bool
is_empty_line(struct slice s)
{
	return slice_starts(s, "\n") || slice_starts(s, "\r\n");
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
without_line_end(struct slice s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n') {
		s.n--;
		if (s.n > 0 && s.p[s.n - 1] == '\r')
			s.n--;
	}
	return s;
}

void
header_begin(struct header_iter *it, struct slice block)
{
	it->rest = block;
	it->started = false;
}

/* "From someone Mon ..." of an mbox file; but "From : x" is a field. */
static bool
is_mbox_line(struct slice rest)
{
	size_t i = 4;

	if (!slice_starts(rest, "From "))
		return false;
	while (i < rest.n && is_blank(rest.p[i]))
		i++;
	return i == rest.n || rest.p[i] != ':';
}

bool
header_next(struct header_iter *it, struct header_field *field_out)
{
	struct slice rest = it->rest, line, head;
	size_t n, first;

	if (rest.n == 0 || is_empty_line(rest))
		return false;
	first = n = line_length(rest);
	/* An mbox line has no continuation, though its time has colons. */
	if (it->started || !is_mbox_line(rest))
		while (n < rest.n && is_blank(rest.p[n]))
			n += line_length(slice_from(rest, n));
	else
		first = 0;
	field_out->raw = slice_head(rest, n);
	line = without_line_end(field_out->raw);
	field_out->name = slice_head(line, 0);
	field_out->value = line;
	if (first > 0 && !is_blank(line.n > 0 ? line.p[0] : ' ')) {
		struct slice after = line;

		/* The colon stands in the first line or nowhere. */
		if (slice_cut(&after, ':', &head) && head.n < first) {
			field_out->name = slice_trim(head);
			field_out->value = after;
		}
	}
	it->rest = slice_from(rest, n);
	it->started = true;
	return true;
}

bool
header_find(
    struct slice block, const char *name, struct header_field *field_out)
{
	struct header_iter it;
	struct header_field f;

	header_begin(&it, block);
	while (header_next(&it, &f)) {
		if (f.name.n > 0 && slice_ieq_str(f.name, name)) {
			*field_out = f;
			return true;
		}
	}
	return false;
}

size_t
header_length(struct slice message)
{
	size_t n = 0;

	while (n < message.n) {
		struct slice rest = slice_from(message, n);

		n += line_length(rest);
		if (is_empty_line(rest))
			break;
	}
	return n;
}

/* One byte of a value: is it kept on the unfolded line? */
static bool
is_kept(struct slice v, size_t i)
{
	if (v.p[i] == '\n' || v.p[i] == '\0')
		return false;
	return v.p[i] != '\r' || i + 1 >= v.n || v.p[i + 1] != '\n';
}

static bool
must_change(struct slice v)
{
	return v.n > 0 &&
	    (memchr(v.p, '\n', v.n) != NULL || memchr(v.p, '\0', v.n) != NULL);
}

struct slice
header_keep(struct arena *arena, struct slice value)
{
	struct slice v = slice_trim(value);
	char *to;
	size_t n = 0;

	if (v.n == 0)
		return slice_str("");
	to = arena_alloc(arena, v.n);
	if (to == NULL)
		return SLICE_NONE;
	for (size_t i = 0; i < v.n; i++)
		if (is_kept(v, i))
			to[n++] = v.p[i];
	return slice_trim(slice_of(to, n));
}

struct slice
header_unfold(struct arena *arena, struct slice value)
{
	struct slice v = slice_trim(value);

	if (v.n == 0)
		return slice_str("");
	return must_change(v) ? header_keep(arena, v) : v;
}

void
header_put_unfolded(struct buf *out, struct slice value)
{
	struct slice v = slice_trim(value);
	size_t from = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (is_kept(v, i))
			continue;
		buf_put(out, v.p + from, i - from);
		from = i + 1;
	}
	if (v.n > from)
		buf_put(out, v.p + from, v.n - from);
}
