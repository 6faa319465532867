/* SPDX-License-Identifier: ISC */
/* Text for SEARCH: matchers, and the stream that feeds them. */
#include <string.h>

#include "libmessage/text.h"

/* A folded needle: an argument's worth, as it may grow. */
#define MAX_NEEDLE (MAX_LITERAL_ARG * 12)
/* What one piece of 64 KiB may become. */
#define MAX_PIECE  (4 * MIB)

void
text_matcher_init(
    struct text_matcher *m, const struct text_fold *f, struct slice needle)
{
	buf_init(&m->needle, MAX_NEEDLE);
	buf_init(&m->tail, MAX_NEEDLE * 2);
	text_fold_put(f, needle, &m->needle);
	text_matcher_reset(m);
}

void
text_matcher_free(struct text_matcher *m)
{
	buf_free(&m->needle);
	buf_free(&m->tail);
}

void
text_matcher_reset(struct text_matcher *m)
{
	buf_reset(&m->tail);
	m->found = buf_ok(&m->needle) && m->needle.n == 0;
}

static bool
is_in(const struct text_matcher *m, struct slice s)
{
	return s.n >= m->needle.n &&
	    memmem(s.p, s.n, m->needle.p, m->needle.n) != NULL;
}

bool
text_matcher_feed(struct text_matcher *m, struct slice folded)
{
	size_t keep;

	if (m->found || folded.n == 0 || !buf_ok(&m->needle))
		return m->found;
	keep = m->needle.n - 1;
	if (m->tail.n > 0) {
		/* What lies across the border, or all when the piece is
		 * short. */
		buf_put_slice(&m->tail, slice_head(folded, keep));
		m->found = is_in(m, buf_slice(&m->tail));
	}
	if (!m->found)
		m->found = is_in(m, folded);
	if (folded.n >= keep || m->tail.n == 0) {
		buf_reset(&m->tail);
		if (folded.n > keep)
			folded = slice_from(folded, folded.n - keep);
		buf_put_slice(&m->tail, folded);
	} else if (m->tail.n > keep) {
		buf_consume(&m->tail, m->tail.n - keep);
	}
	return m->found;
}

bool
text_is_searchable(const struct mime_part *part)
{
	if (part->is_multipart || part->is_message)
		return false;
	return slice_ieq_str(part->type, "text") ||
	    slice_ieq_str(part->type, "message");
}

void
text_stream_begin(struct text_stream *t, const struct text_fold *f,
    const struct mime_part *part)
{
	struct buf name;

	t->fold = f;
	decode_begin(&t->decode, decode_kind(part->encoding));
	buf_init(&name, KIB);
	(void)param_get(&part->params, "charset", &name);
	/* The name alone tells; an unknown one is guessed. */
	(void)charset_open(&t->charset, buf_slice(&name));
	buf_free(&name);
	buf_init(&t->raw, MAX_PIECE);
	buf_init(&t->utf8, MAX_PIECE);
	buf_init(&t->folded, MAX_PIECE);
}

struct slice
text_stream_feed(struct text_stream *t, struct slice raw)
{
	buf_reset(&t->raw);
	buf_reset(&t->utf8);
	buf_reset(&t->folded);
	if (t->decode.kind != DECODE_NONE) {
		decode_feed(&t->decode, raw, &t->raw);
		raw = buf_slice(&t->raw);
	}
	charset_feed(&t->charset, raw, &t->utf8);
	text_fold_put(t->fold, buf_slice(&t->utf8), &t->folded);
	return buf_slice(&t->folded);
}

struct slice
text_stream_end(struct text_stream *t)
{
	buf_reset(&t->raw);
	buf_reset(&t->utf8);
	buf_reset(&t->folded);
	decode_end(&t->decode, &t->raw);
	charset_feed(&t->charset, buf_slice(&t->raw), &t->utf8);
	charset_end(&t->charset, &t->utf8);
	text_fold_put(t->fold, buf_slice(&t->utf8), &t->folded);
	return buf_slice(&t->folded);
}

void
text_stream_free(struct text_stream *t)
{
	charset_close(&t->charset);
	buf_free(&t->raw);
	buf_free(&t->utf8);
	buf_free(&t->folded);
}
