/* SPDX-License-Identifier: ISC */
/* Properties of the parser that hold for any bytes. */
#include <stdio.h>
#include <string.h>

#include "libmessage/preview.h"
#include "libmessage/summary.h"
#include "libmessage/text.h"
#include "tests/unit/libmessage/message_check.h"

#define MAX_DUMP (256 * MIB)

static void
dump_slice(struct buf *out, const char *name, struct slice s)
{
	if (s.p == NULL)
		return;
	buf_printf(out, " %s=", name);
	buf_put_slice(out, s);
}

static void
dump_span(struct buf *out, const char *name, const struct mime_span *s)
{
	buf_printf(out, " %s=%ju+%ju/%ju/%ju", name, (uintmax_t)s->off,
	    (uintmax_t)s->bytes, (uintmax_t)s->wire, (uintmax_t)s->lines);
}

void
message_dump(struct buf *out, const struct mime_message *msg)
{
	buf_printf(out, "%ju/%ju/%ju parts=%u%s%s%s%s\n", (uintmax_t)msg->bytes,
	    (uintmax_t)msg->wire, (uintmax_t)msg->lines, msg->n_parts,
	    msg->has_nul ? " nul" : "", msg->has_8bit ? " 8bit" : "",
	    msg->has_8bit_header ? " 8bit-header" : "",
	    msg->is_cut ? " cut" : "");
	for (const struct mime_part *p = &msg->root; p != NULL;
	     p = mime_part_next(p)) {
		buf_printf(out, "%*s%u", (int)p->depth, "", p->number);
		dump_span(out, "header", &p->header);
		dump_span(out, "body", &p->body);
		dump_slice(out, "type", p->type);
		dump_slice(out, "subtype", p->subtype);
		dump_slice(out, "encoding", p->encoding);
		buf_putc(out, '\n');
	}
}

static const char *
recount(struct slice bytes, const struct mime_span *s)
{
	uint64_t wire = 0, lines = 0;

	if (s->off > bytes.n || s->bytes > bytes.n - s->off)
		return "span outside of the message";
	for (size_t i = (size_t)s->off; i < s->off + s->bytes; i++) {
		wire++;
		if (bytes.p[i] != '\n')
			continue;
		lines++;
		if (i == 0 || bytes.p[i - 1] != '\r')
			wire++;
	}
	if (wire != s->wire)
		return "wire size is not what was counted";
	return lines == s->lines ? NULL : "lines are not what was counted";
}

static const char *
check_part(struct slice bytes, const struct mime_part *p)
{
	const struct mime_part *c;
	const char *bad = recount(bytes, &p->header);
	uint64_t at = p->body.off, end = p->body.off + p->body.bytes;

	if (bad == NULL)
		bad = recount(bytes, &p->body);
	if (bad != NULL)
		return bad;
	if (p->header.off + p->header.bytes != p->body.off)
		return "body does not follow header";
	if (p->is_message && (p->first == NULL || p->first->next != NULL))
		return "a message has not one part";
	if (p->first != NULL && !p->is_message && !p->is_multipart)
		return "a leaf has parts";
	for (c = p->first; c != NULL; c = c->next) {
		if (c->header.off < at || c->parent != p)
			return "parts overlap";
		at = c->body.off + c->body.bytes;
	}
	return at > end ? "a part ends behind its parent" : NULL;
}

/* The section-part of p, made from the right. */
static struct slice
section_of(const struct mime_part *p, char *to, size_t n)
{
	size_t at = n;

	for (; p->parent != NULL; p = p->parent) {
		char number[16];
		int len;

		/* A message within that is multipart has no number. */
		if (p->number == 0 && p->is_multipart)
			continue;
		len = snprintf(number, sizeof(number), "%u%s",
		    p->number == 0 ? 1 : p->number, at == n ? "" : ".");
		if (len < 0 || (size_t)len > at)
			return SLICE_NONE;
		at -= (size_t)len;
		memcpy(to + at, number, (size_t)len);
	}
	return slice_of(to + at, n - at);
}

static const char *
check_number(const struct mime_message *msg, const struct mime_part *p)
{
	char text[MAX_MIME_DEPTH * 8];
	struct slice s = section_of(p, text, sizeof(text));
	const struct mime_part *found = mime_part_find(&msg->root, s);

	if (p->number == 0 && p->is_multipart && p->parent != NULL)
		return NULL;
	/* A root that is a message: its number is "1", the message within is
	 * "1.1"; the other way round for a leaf. */
	if (found != p && msg->root.is_multipart)
		return "a part is not found by its number";
	return NULL;
}

/* Parentheses balance outside of strings, literals are as long as they say. */
static const char *
check_syntax(struct slice s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '(') {
			depth++;
		} else if (s.p[i] == ')') {
			if (depth-- == 0)
				return "a parenthesis too many";
		} else if (s.p[i] == '"') {
			for (i++; i < s.n && s.p[i] != '"'; i++) {
				if (s.p[i] == '\\')
					i++;
				if (i >= s.n || s.p[i] == '\r' ||
				    s.p[i] == '\n' || (s.p[i] & 0x80) != 0)
					return "bad quoted string";
			}
			if (i >= s.n)
				return "quoted string is not closed";
		} else if (s.p[i] == '{') {
			size_t len = 0;

			for (i++; i < s.n && ascii_is_digit(s.p[i]); i++)
				len = len * 10 + (size_t)(s.p[i] - '0');
			if (!slice_starts(slice_from(s, i), "}\r\n"))
				return "bad literal";
			i += 2 + len;
		} else if (s.p[i] == '\r' || s.p[i] == '\n' ||
		    (s.p[i] & 0x80) != 0 || s.p[i] == '\0') {
			return "stray byte in a summary";
		}
	}
	return depth == 0 ? NULL : "parentheses do not balance";
}

static const char *
check_summary(const struct mime_message *msg)
{
	struct buf out;
	const char *bad;

	buf_init(&out, MAX_DUMP);
	summary_put_envelope(&out, msg->root.envelope, 0);
	buf_putc(&out, ' ');
	summary_put_body(&out, &msg->root, false, 0);
	buf_putc(&out, ' ');
	summary_put_body(&out, &msg->root, true, 0);
	bad = check_syntax(buf_slice(&out));
	buf_free(&out);
	return bad;
}

static uint32_t
draw(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Convert with odd output sizes; skip to a place drawn from seed: the same
 * octets follow. */
static const char *
check_wire(struct slice bytes, uint64_t wire, uint32_t seed)
{
	struct crlf_pos pos = { 0 };
	struct buf all, rest;
	struct slice in = bytes;
	char piece[64];
	size_t n, from = wire == 0 ? 0 : draw(&seed) % (size_t)(wire + 1);
	const char *bad = NULL;

	buf_init(&all, MAX_DUMP);
	buf_init(&rest, MAX_DUMP);
	do {
		n = crlf_convert(
		    &pos, &in, piece, 1 + draw(&seed) % sizeof(piece));
		buf_put(&all, piece, n);
	} while (n > 0);
	if (all.n != wire || pos.wire != wire || pos.file != bytes.n)
		bad = "conversion gives another size";
	pos = (struct crlf_pos){ 0 };
	in = bytes;
	if (crlf_skip(&pos, &in, from) != from)
		bad = "skip stopped too early";
	crlf_put(&pos, in, &rest);
	if (!slice_eq(buf_slice(&rest), slice_from(buf_slice(&all), from)))
		bad = "other octets follow a skip";
	buf_free(&all);
	buf_free(&rest);
	return bad;
}

/* Pieces: 0 all at once, 1 byte by byte, 2 drawn. */
static void
parse_split(struct mime_message *msg, struct arena *arena, struct slice bytes,
    int how, uint32_t seed)
{
	struct mime_parser p;

	mime_begin(&p, msg, arena);
	while (bytes.n > 0) {
		size_t n = how == 0 ? bytes.n :
		    how == 1        ? 1 :
				      1 + draw(&seed) % 97;

		mime_feed(&p, slice_head(bytes, n));
		bytes = slice_from(bytes, n);
	}
	mime_end(&p);
}

static void
dump_all(struct buf *out, const struct mime_message *msg)
{
	message_dump(out, msg);
	for (const struct mime_part *p = &msg->root; p != NULL;
	     p = mime_part_next(p))
		if (p->envelope != NULL)
			summary_put_envelope(out, p->envelope, 0);
	summary_put_body(out, &msg->root, true, 0);
}

static const char *
check_splits(struct slice bytes, size_t ceiling, uint32_t seed)
{
	struct buf first, other;
	struct mime_message msg;
	struct arena arena;
	const char *bad = NULL;

	buf_init(&first, MAX_DUMP);
	buf_init(&other, MAX_DUMP);
	for (int how = 0; how < 3; how++) {
		struct buf *to = how == 0 ? &first : &other;

		arena_init(&arena, ceiling);
		parse_split(&msg, &arena, bytes, how, seed);
		buf_reset(to);
		dump_all(to, &msg);
		if (how > 0 && !slice_eq(buf_slice(&first), buf_slice(&other)))
			bad = "another split gives another tree";
		arena_free(&arena);
	}
	buf_free(&first);
	buf_free(&other);
	return bad;
}

/* The folded text of a part: one, whatever the pieces. */
static const char *
check_text(struct slice bytes, const struct mime_part *p,
    const struct text_fold *fold, uint32_t seed)
{
	struct buf first, other;
	const char *bad = NULL;

	buf_init(&first, MAX_DUMP);
	buf_init(&other, MAX_DUMP);
	for (int how = 0; how < 2; how++) {
		struct slice in =
		    slice_head(slice_from(bytes, (size_t)p->body.off),
			(size_t)p->body.bytes);
		struct buf *to = how == 0 ? &first : &other;
		struct text_stream t;

		text_stream_begin(&t, fold, p);
		while (in.n > 0) {
			size_t n = how == 0 ? 64 * KIB : 1 + draw(&seed) % 5;

			buf_put_slice(
			    to, text_stream_feed(&t, slice_head(in, n)));
			in = slice_from(in, n);
		}
		buf_put_slice(to, text_stream_end(&t));
		text_stream_free(&t);
	}
	if (!slice_eq(buf_slice(&first), buf_slice(&other)))
		bad = "another split gives other text";
	else if (!slice_is_utf8(buf_slice(&first)))
		bad = "text is not UTF-8";
	buf_free(&first);
	buf_free(&other);
	return bad;
}

static const char *
check_preview(struct slice bytes, const struct mime_part *part, uint32_t seed)
{
	struct buf first, other;
	const char *bad = NULL;

	if (part == NULL)
		return NULL;
	buf_init(&first, MAX_DUMP);
	buf_init(&other, MAX_DUMP);
	for (int how = 0; how < 2; how++) {
		struct slice in =
		    slice_head(slice_from(bytes, (size_t)part->body.off),
			(size_t)part->body.bytes);
		struct preview p;
		bool full = false;

		preview_begin(&p, part);
		while (in.n > 0 && !full) {
			size_t n = how == 0 ? 64 * KIB : 1 + draw(&seed) % 5;

			full = preview_feed(&p, slice_head(in, n));
			in = slice_from(in, n);
		}
		preview_end(&p, how == 0 ? &first : &other);
	}
	if (!slice_eq(buf_slice(&first), buf_slice(&other)))
		bad = "another split gives another preview";
	else if (!slice_is_utf8(buf_slice(&first)) ||
	    first.n > PREVIEW_CHARS * 4)
		bad = "preview is no short UTF-8";
	buf_free(&first);
	buf_free(&other);
	return bad;
}

static const char *
check_texts(struct slice bytes, const struct mime_message *msg, uint32_t seed)
{
	static struct text_fold *fold; /* made once, kept to the end */
	const char *bad = NULL;

	if (fold == NULL)
		fold = text_fold_new();
	for (const struct mime_part *p = &msg->root; p != NULL && bad == NULL;
	     p = mime_part_next(p))
		if (text_is_searchable(p))
			bad = check_text(bytes, p, fold, seed);
	return bad != NULL ?
	    bad :
	    check_preview(bytes, preview_part(&msg->root), seed);
}

const char *
message_check(struct slice bytes, uint32_t seed)
{
	struct mime_message msg;
	struct arena arena;
	const char *bad;

	arena_init(&arena, MAX_MESSAGE_ARENA);
	mime_parse(&msg, &arena, bytes);
	bad = check_summary(&msg);
	for (const struct mime_part *p = &msg.root; p != NULL && bad == NULL;
	     p = mime_part_next(p)) {
		bad = check_part(bytes, p);
		if (bad == NULL)
			bad = check_number(&msg, p);
	}
	if (bad == NULL && msg.bytes != bytes.n)
		bad = "stored size is wrong";
	if (bad == NULL)
		bad = check_wire(bytes, msg.wire, seed);
	if (bad == NULL)
		bad = check_texts(bytes, &msg, seed);
	arena_free(&arena);
	if (bad == NULL)
		bad = check_splits(bytes, MAX_MESSAGE_ARENA, seed);
	if (bad == NULL) /* one that is soon full */
		bad = check_splits(bytes, 2 * KIB + seed % 4096, seed);
	return bad;
}
