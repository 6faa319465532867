/* SPDX-License-Identifier: ISC */
/*
 * Text for SEARCH: transfer encoding and charset taken off, case folded, fed to
 * matchers. Folding is that of i;unicode-casemap (RFC 5051): compatibility
 * decomposition without case.
 */
#ifndef LIBMESSAGE_TEXT_H
#define LIBMESSAGE_TEXT_H

#include "libmessage/charset.h"
#include "libmessage/decode.h"
#include "libmessage/mime.h"

/* The folding table, made once in a process (before it forks: it is then
 * shared) and never changed. */
struct text_fold;
struct text_fold *text_fold_new(void);
void text_fold_free(struct text_fold *f);
/* Changes when texts are folded in another way: of what is kept folded. */
uint32_t text_fold_print(const struct text_fold *f);

/* Append UTF-8 folded. Bytes that are not UTF-8 are kept. Whole characters
 * only: a piece must not end within one. */
void
text_fold_put(const struct text_fold *f, struct slice utf8, struct buf *out);
/* A header value: unfolded, encoded words decoded, folded. */
void text_fold_header(
    const struct text_fold *f, struct slice value, struct buf *out);

/* Looks for one needle in text that comes in pieces. */
struct text_matcher {
	struct buf needle; /* folded */
	struct buf tail;   /* end of the text so far, shorter than the needle */
	bool found;
};
/* needle: UTF-8, not folded. An empty one is found at once. */
void text_matcher_init(
    struct text_matcher *m, const struct text_fold *f, struct slice needle);
void text_matcher_free(struct text_matcher *m);
void text_matcher_reset(struct text_matcher *m); /* the same needle, new text */
/* Folded text; true when found (stays true). */
bool text_matcher_feed(struct text_matcher *m, struct slice folded);

/* Has the part text that SEARCH looks at (text, message other than rfc822)? */
bool text_is_searchable(const struct mime_part *part);

/* The body of one part, piece by piece. */
struct text_stream {
	const struct text_fold *fold;
	struct decode decode;
	struct charset charset;
	struct buf raw, utf8, folded;
};
void text_stream_begin(struct text_stream *t, const struct text_fold *f,
    const struct mime_part *part);
/* The next raw bytes of the body; the folded text they give (valid until the
 * next call, at most a few times as long). Split large bodies: 64 KiB at most.
 */
struct slice text_stream_feed(struct text_stream *t, struct slice raw);
/* What was held back. */
struct slice text_stream_end(struct text_stream *t);
void text_stream_free(struct text_stream *t);

#endif
