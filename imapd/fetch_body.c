/* SPDX-License-Identifier: ISC */
/* Octets of a message within a FETCH answer. */
#include <string.h>

#include "imapd/fetch_body.h"
#include "libbase/ceilings.h"
#include "libnet/out.h"

/* Up to here octets are copied: a descriptor each costs more. */
#define INLINE_MAX IO_BLOCK
/* But not into an answer that has become this long. */
#define TEXT_MAX   (4 * IO_BLOCK)

/* Clip to what a partial asks for: how many octets are told. */
static uint64_t
clip(const struct fetch_section *s, uint64_t wire)
{
	if (!s->is_partial)
		return wire;
	if (s->offset >= wire)
		return 0;
	return wire - s->offset < s->count ? wire - s->offset : s->count;
}

static void
put_length(struct buf *text, uint64_t n)
{
	buf_putc(text, '{');
	buf_put_u64(text, n);
	buf_puts(text, "}\r\n");
}

/* Octets from the n-th of a span on, into the text. */
static int
put_inline(struct fetch_answer *a, const struct mime_span *span, uint64_t off,
    size_t wire, struct err *err)
{
	char block[3500], *to = buf_reserve(&a->text, wire);
	struct crlf_pos pos = { 0 };
	struct slice in;
	size_t n = 0, got;

	if (to == NULL)
		return 0; /* remembered by the buffer */
	if (span->off == 0 &&
	    fetch_read(a->src->file, off, to, wire, &n, err) == -1)
		return -1;
	if (span->off != 0 &&
	    fetch_source_locate(a->src, span, off, &pos, err) == -1)
		return -1;
	while (span->off != 0 && n < wire) {
		uint64_t left = span->off + span->bytes - pos.file;

		if (fetch_read_stored(a->src->file, pos.file, block,
			left < sizeof(block) ? (size_t)left : sizeof(block),
			&got, err) == -1)
			return -1;
		if (got == 0 && !pos.owes_lf)
			break;
		in = slice_of(block, got);
		n += crlf_convert(&pos, &in, to + n, wire - n);
	}
	if (n < wire)
		return err_set(err, ERR_CORRUPT, "message is cut off");
	buf_commit(&a->text, n);
	return 0;
}

static int
put_piece(struct fetch_answer *a, const struct mime_span *span,
    const struct crlf_pos *pos, uint64_t wire, struct err *err)
{
	struct fetch_piece *p = &a->pieces[a->n_pieces];

	if (pos->owes_lf) {
		buf_putc(&a->text, '\n');
		wire--;
	}
	if (wire == 0)
		return 0;
	if (a->n_pieces == FETCH_PIECES_MAX)
		return err_set(err, ERR_LIMIT, "too many bodies at once");
	if (fetch_dup(a->src->file, &p->fd, err) == -1)
		return -1;
	p->at = a->text.n;
	p->off = pos->file;
	p->len = span->off + span->bytes - pos->file;
	p->wire = wire;
	p->flags = OUT_LF_TO_CRLF | (pos->last_cr ? OUT_AFTER_CR : 0);
	a->n_pieces++;
	return 0;
}

static int
put_range(struct fetch_answer *a, const struct fetch_section *s,
    const struct mime_span *span, struct err *err)
{
	uint64_t wire = clip(s, span->wire);
	uint64_t off = s->is_partial ? s->offset : 0;
	struct crlf_pos pos;

	if (wire == 0) {
		buf_puts(&a->text, "\"\"");
		return 0;
	}
	put_length(&a->text, wire);
	if (wire <= INLINE_MAX && a->text.n < TEXT_MAX)
		return put_inline(a, span, off, (size_t)wire, err);
	if (fetch_source_locate(a->src, span, off, &pos, err) == -1)
		return -1;
	return put_piece(a, span, &pos, wire, err);
}

/* ---- a subset of a header ---- */

/* The stored bytes of a header within: bounded as the parser bounds it. */
static int
read_header(struct fetch_answer *a, const struct mime_span *span,
    struct buf *header, struct err *err)
{
	size_t want = span->bytes < MAX_HEADER_BYTES ? (size_t)span->bytes :
						       MAX_HEADER_BYTES;
	size_t n = 0;

	if (want == 0)
		return 0;
	if (fetch_read_stored(a->src->file, span->off,
		buf_reserve(header, want), want, &n, err) == -1)
		return -1;
	buf_commit(header, n);
	return 0;
}

static int
put_fields(struct fetch_answer *a, const struct fetch_section *s,
    const struct mime_span *span, struct err *err)
{
	struct buf header, subset;
	struct slice block, told;
	uint64_t n;
	int rc = 0;

	buf_init(&header, MAX_HEADER_BYTES);
	buf_init(&subset, 2 * MAX_HEADER_BYTES + 2);
	if (span->off == 0 && a->src->has_header) {
		block = buf_slice(&a->src->header);
	} else {
		rc = read_header(a, span, &header, err);
		block = buf_slice(&header);
	}
	if (rc == 0) {
		section_put_fields(s, block, &subset);
		n = clip(s, subset.n);
		told = slice_from(
		    buf_slice(&subset), s->is_partial ? (size_t)s->offset : 0);
		put_length(&a->text, n);
		buf_put_slice(&a->text, slice_head(told, (size_t)n));
	}
	buf_free(&header);
	buf_free(&subset);
	return rc;
}

void
fetch_put_kept_fields(struct fetch_answer *a, const struct fetch_item *item)
{
	const struct fetch_section *s = &item->section;
	size_t octets = kept_fields_octets(&a->fields, &item->fields), start;
	uint64_t n = clip(s, octets);

	put_length(&a->text, n);
	start = a->text.n;
	kept_fields_put(&a->fields, &item->fields, &a->text);
	if (s->is_partial && s->offset > 0 && buf_ok(&a->text)) {
		/* what stands before it goes */
		size_t skip = s->offset < octets ? (size_t)s->offset : octets;

		memmove(a->text.p + start, a->text.p + start + skip, (size_t)n);
	}
	if (buf_ok(&a->text))
		buf_truncate(&a->text, start + (size_t)n);
}

int
fetch_put_section(
    struct fetch_answer *a, const struct fetch_section *s, struct err *err)
{
	struct mime_span span;
	int rc = fetch_source_find(a->src, s, &span, err);

	if (rc == -1)
		return -1;
	if (rc == 0) {
		buf_puts(&a->text, "NIL");
		return 0;
	}
	if (s->what == SECTION_FIELDS || s->what == SECTION_FIELDS_NOT)
		return put_fields(a, s, &span, err);
	return put_range(a, s, &span, err);
}
