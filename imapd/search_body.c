/* SPDX-License-Identifier: ISC */
/* Keys TEXT and BODY over one message. */
#include "imapd/search_body.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmessage/header.h"
#include "libnet/conn.h"

enum {
	BODY_PARSE,  /* the structure is being read */
	BODY_HEADER, /* of the part in hand */
	BODY_TEXT,   /* its text, block by block */
	BODY_END
};

struct search_body {
	struct search_run *run;
	unsigned phase;
	struct arena arena;
	struct mime_message msg;
	struct mime_parser *parser; /* while parsing */
	uint64_t off;               /* next byte to read */
	uint64_t end;               /* of the part's body */
	const struct mime_part *part;
	struct text_stream stream;
	bool is_streaming;
	struct buf header; /* of a part within */
	char block[IO_BLOCK];
};

/* A message without parts is known by its header. */
static bool
begin_by_header(struct search_body *b)
{
	const struct search_run *r = b->run;

	if (r->header.n == MAX_HEADER_BYTES)
		return false; /* cut */
	mime_parse(&b->msg, &b->arena, buf_slice(&r->header));
	if (b->msg.root.is_multipart || b->msg.root.is_message)
		return false;
	b->msg.root.body.off = r->header.n;
	b->msg.root.body.bytes = fetch_size(r->file) - r->header.n;
	return true;
}

struct search_body *
search_body_new(struct search_run *r)
{
	struct search_body *b = xmalloc(sizeof(*b));

	b->run = r;
	b->parser = NULL;
	b->off = 0;
	b->is_streaming = false;
	b->phase = BODY_HEADER;
	arena_init(&b->arena, MAX_MESSAGE_ARENA);
	buf_init(&b->header, MAX_HEADER_BYTES);
	if (!begin_by_header(b)) {
		arena_reset(&b->arena);
		b->parser = xcalloc(1, sizeof(*b->parser));
		mime_begin(b->parser, &b->msg, &b->arena);
		b->phase = BODY_PARSE;
	}
	b->part = &b->msg.root;
	return b;
}

static void
stop_stream(struct search_body *b)
{
	if (b->is_streaming)
		text_stream_free(&b->stream);
	b->is_streaming = false;
}

static void
stop_parser(struct search_body *b)
{
	if (b->parser != NULL)
		mime_end(b->parser);
	xfree(b->parser);
	b->parser = NULL;
}

void
search_body_free(struct search_body **body)
{
	struct search_body *b = *body;

	if (b == NULL)
		return;
	*body = NULL;
	stop_stream(b);
	stop_parser(b);
	buf_free(&b->header);
	arena_free(&b->arena);
	xfree(b);
}

/* ---- keys ---- */

static bool
is_wanted(const struct search_node *n, bool in_header)
{
	return n->row != NULL && n->row->cost == COST_TEXT && n->is_open &&
	    n->value == SEARCH_UNKNOWN && !(in_header && n->row->no_header);
}

/* Folded text to all keys; is_new: it does not go on from the last piece. */
static void
feed(struct search_body *b, struct slice folded, bool in_header, bool is_new)
{
	struct search_program *p = b->run->program;
	unsigned i;

	for (i = 0; i < p->n; i++) {
		struct search_node *n = &p->node[i];

		if (!is_wanted(n, in_header))
			continue;
		if (is_new)
			text_matcher_reset(n->matcher);
		if (n->matcher->found || text_matcher_feed(n->matcher, folded))
			search_answer(n, true);
	}
}

static bool
is_any_wanted(const struct search_body *b, bool in_header)
{
	const struct search_program *p = b->run->program;
	unsigned i;

	for (i = 0; i < p->n; i++)
		if (is_wanted(&p->node[i], in_header))
			return true;
	return false;
}

/* ---- a part's header ---- */

/* Name and value of each field as one text. */
static void
feed_header(struct search_body *b, struct slice block)
{
	struct buf *folded = &b->run->folded;
	struct header_iter it;
	struct header_field f;

	header_begin(&it, block);
	while (header_next(&it, &f)) {
		buf_reset(folded);
		if (f.name.n > 0) {
			text_fold_put(b->run->fold, f.name, folded);
			buf_puts(folded, ": ");
		}
		text_fold_header(b->run->fold, f.value, folded);
		feed(b, buf_slice(folded), true, true);
	}
}

static int
read_header(struct search_body *b, struct err *err)
{
	const struct mime_span *span = &b->part->header;
	size_t want = span->bytes < MAX_HEADER_BYTES ? (size_t)span->bytes :
						       MAX_HEADER_BYTES;
	size_t n = 0;

	buf_reset(&b->header);
	if (want > 0 &&
	    fetch_read_stored(b->run->file, span->off,
		buf_reserve(&b->header, want), want, &n, err) == -1)
		return -1;
	buf_commit(&b->header, n);
	return 0;
}

/* The header of the part in hand; the root's was read before. */
static int
header_phase(struct search_body *b, struct err *err)
{
	const struct mime_part *part = b->part;

	if (is_any_wanted(b, true)) {
		if (part->parent == NULL) {
			feed_header(b, buf_slice(&b->run->header));
		} else {
			if (read_header(b, err) == -1)
				return -1;
			feed_header(b, buf_slice(&b->header));
		}
	}
	b->phase = BODY_TEXT;
	return 0;
}

/* ---- a part's text ---- */

static void
next_part(struct search_body *b)
{
	stop_stream(b);
	b->part = mime_part_next(b->part);
	b->phase = b->part == NULL ? BODY_END : BODY_HEADER;
}

static void
begin_text(struct search_body *b)
{
	text_stream_begin(&b->stream, b->run->fold, b->part);
	b->is_streaming = true;
	b->off = b->part->body.off;
	b->end = b->off + b->part->body.bytes;
	feed(b, SLICE(""), false, true);
}

/* The next block of it. */
static int
text_phase(struct search_body *b, struct err *err)
{
	uint64_t left;
	size_t n;

	if (!b->is_streaming) {
		if (!text_is_searchable(b->part)) {
			next_part(b);
			return 0;
		}
		begin_text(b);
	}
	left = b->end - b->off;
	if (fetch_read_stored(b->run->file, b->off, b->block,
		left < sizeof(b->block) ? (size_t)left : sizeof(b->block), &n,
		err) == -1)
		return -1;
	b->off += n;
	if (n > 0)
		feed(b, text_stream_feed(&b->stream, slice_of(b->block, n)),
		    false, false);
	if (n == 0 || b->off == b->end) {
		feed(b, text_stream_end(&b->stream), false, false);
		next_part(b);
	}
	return 0;
}

/* ---- the message ---- */

static int
parse_phase(struct search_body *b, struct err *err)
{
	size_t n;

	if (fetch_read_stored(b->run->file, b->off, b->block, sizeof(b->block),
		&n, err) == -1)
		return -1;
	b->off += n;
	if (n > 0) {
		mime_feed(b->parser, slice_of(b->block, n));
		return 0;
	}
	stop_parser(b);
	b->phase = BODY_HEADER;
	return 0;
}

/* Not found to the end. */
static void
end_phase(struct search_body *b)
{
	struct search_program *p = b->run->program;
	unsigned i;

	/* an empty string is in every body, also in one that is no text */
	for (i = 0; i < p->n; i++) {
		struct search_node *n = &p->node[i];

		if (is_wanted(n, false))
			search_answer(n, n->matcher->needle.n == 0);
	}
	(void)search_settle(p);
}

enum step
search_body_step(struct search_body *b, struct err *err)
{
	int (*const phases[])(struct search_body *, struct err *) = {
		[BODY_PARSE] = parse_phase,
		[BODY_HEADER] = header_phase,
		[BODY_TEXT] = text_phase,
	};
	const struct conn *c = b->run->conn;
	unsigned was;

	while (b->phase != BODY_END) {
		was = b->phase;
		if (phases[b->phase](b, err) == -1)
			return STEP_FAIL;
		if (was != BODY_PARSE && !search_settle(b->run->program))
			return STEP_DONE;
		if (c != NULL && b->phase != BODY_END && !conn_slice_left(c))
			return STEP_AGAIN;
	}
	end_phase(b);
	return STEP_DONE;
}
