/* SPDX-License-Identifier: ISC */
/* The message a FETCH reads from. */
#include "imapd/fetch_source.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"

/* A smaller message is read and parsed anew in less than a round trip. */
#define WORTH_KEEPING IO_BLOCK

struct fetch_source *
fetch_source_get(struct fetch_source **src)
{
	struct fetch_source *s = *src;

	if (s != NULL)
		return s;
	s = *src = xcalloc(1, sizeof(*s));
	buf_init(&s->header, MAX_HEADER_BYTES);
	arena_init(&s->arena, MAX_MESSAGE_ARENA);
	crlf_map_init(&s->map);
	return s;
}

static void
close_message(struct fetch_source *src)
{
	if (src->file == NULL)
		return;
	fetch_close(&src->file);
	src->uid = 0;
	src->whole = NULL;
	src->has_header = false;
	buf_reset(&src->header);
	src->envelope = NULL;
	arena_reset(&src->arena);
	src->has_span = false;
}

void
fetch_source_free(struct fetch_source **source)
{
	struct fetch_source *src = *source;

	if (src == NULL)
		return;
	*source = NULL;
	close_message(src);
	buf_free(&src->header);
	arena_free(&src->arena);
	crlf_map_free(&src->map);
	xfree(src);
}

void
fetch_source_rest(struct fetch_source *src)
{
	if (src->file == NULL || fetch_size(src->file) > WORTH_KEEPING)
		return;
	close_message(src);
	buf_free(&src->header);
	arena_free(&src->arena);
}

int
fetch_source_open(struct fetch_source *src, struct mailbox *mb,
    struct mailbox_rec *rec, struct err *err)
{
	if (src->uid == rec->uid)
		return 0;
	close_message(src);
	if (fetch_open(mb, rec, &src->file, err) == -1)
		return -1;
	src->uid = rec->uid;
	return 0;
}

int
fetch_source_whole(struct fetch_source *src, struct err *err)
{
	if (src->whole != NULL)
		return 0;
	return fetch_structure(src->file, &src->whole, err);
}

int
fetch_source_header(struct fetch_source *src, struct err *err)
{
	struct crlf_count count = { 0 };

	if (src->has_header || src->whole != NULL)
		return 0;
	buf_reset(&src->header);
	if (fetch_header(src->file, &src->header, err) == -1)
		return -1;
	if (src->header.n == src->header.max) /* cut */
		return fetch_source_whole(src, err);
	crlf_count(&count, buf_slice(&src->header));
	src->header_wire = crlf_wire(&count);
	src->has_header = true;
	return 0;
}

const struct buf *
fetch_source_block(struct fetch_source *src)
{
	struct err err;

	if (!src->has_header) {
		buf_reset(&src->header);
		if (fetch_header(src->file, &src->header, &err) == -1)
			return NULL;
	}
	return src->header.n < src->header.max ? &src->header : NULL;
}

int
fetch_source_envelope(struct fetch_source *src, struct err *err)
{
	if (src->envelope != NULL)
		return 0;
	if (fetch_source_header(src, err) == -1)
		return -1;
	if (src->whole != NULL) {
		src->envelope = src->whole->root.envelope;
		return 0;
	}
	mime_parse(&src->head, &src->arena, buf_slice(&src->header));
	src->envelope = src->head.root.envelope;
	return 0;
}

/* Of the message itself, by what the header tells. */
static int
find_by_header(struct fetch_source *src, const struct fetch_section *s,
    struct mime_span *out, struct err *err)
{
	uint64_t wire;

	if (s->what != SECTION_TEXT) {
		*out = (struct mime_span){ .bytes = src->header.n,
			.wire = src->header_wire };
		return 1;
	}
	if (fetch_wire(src->file, &wire, err) == -1)
		return -1;
	if (wire < src->header_wire || fetch_size(src->file) < src->header.n)
		return err_set(err, ERR_CORRUPT, "message is cut off");
	*out = (struct mime_span){ .off = src->header.n,
		.bytes = fetch_size(src->file) - src->header.n,
		.wire = wire - src->header_wire };
	return 1;
}

int
fetch_source_find(struct fetch_source *src, const struct fetch_section *s,
    struct mime_span *out, struct err *err)
{
	if (s->part.n == 0 && s->what == SECTION_ALL) {
		*out = (struct mime_span){ .bytes = fetch_size(src->file) };
		return fetch_wire(src->file, &out->wire, err) == -1 ? -1 : 1;
	}
	if (src->whole == NULL && s->part.n == 0)
		return find_by_header(src, s, out, err);
	return section_find(s, src->whole, out) ? 1 : 0;
}

/* Begin at the best place that is known. */
static void
go_near(struct fetch_source *src, const struct mime_span *span, uint64_t n)
{
	struct crlf_pos mark;

	if (!src->has_span || src->span_off != span->off) {
		crlf_map_free(&src->map);
		crlf_map_init(&src->map);
		src->has_span = true;
		src->span_off = span->off;
		src->at = (struct crlf_pos){ .file = span->off };
	}
	if (src->at.wire <= n && n - src->at.wire <= src->map.step)
		return;
	mark = crlf_map_find(&src->map, n);
	if (mark.wire == 0)
		mark = (struct crlf_pos){ .file = span->off };
	if (src->at.wire > n || mark.wire > src->at.wire)
		src->at = mark;
}

int
fetch_source_locate(struct fetch_source *src, const struct mime_span *span,
    uint64_t n, struct crlf_pos *out, struct err *err)
{
	char block[3500];
	struct slice in;
	uint64_t left;
	size_t got;

	if (n == 0) {
		*out = (struct crlf_pos){ .file = span->off };
		return 0;
	}
	if (span->off == 0)
		return fetch_locate(src->file, n, out, err);
	go_near(src, span, n);
	while (src->at.wire < n) {
		left = span->off + span->bytes - src->at.file;
		if (fetch_read_stored(src->file, src->at.file, block,
			left < sizeof(block) ? (size_t)left : sizeof(block),
			&got, err) == -1)
			return -1;
		if (got == 0)
			return err_set(err, ERR_CORRUPT, "message is cut off");
		in = slice_of(block, got);
		(void)crlf_skip(&src->at, &in, n - src->at.wire);
		crlf_map_note(&src->map, &src->at);
	}
	*out = src->at;
	return 0;
}
