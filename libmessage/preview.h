/* SPDX-License-Identifier: ISC */
/*
 * The first words of a message for a list (RFC 8970): text of one part,
 * decoded, runs of white space as one blank, without quoted lines and HTML
 * tags.
 */
#ifndef LIBMESSAGE_PREVIEW_H
#define LIBMESSAGE_PREVIEW_H

#include "libmessage/charset.h"
#include "libmessage/decode.h"
#include "libmessage/mime.h"

#define PREVIEW_CHARS 200 /* RFC 8970 3.1 */

/* Which part to look at: the first text/plain that is no attachment, else the
 * first text/html; NULL when there is none (the preview is then empty). */
const struct mime_part *preview_part(const struct mime_part *root);

struct preview {
	struct decode decode;
	struct charset charset;
	struct buf raw, utf8;
	struct buf text; /* the preview so far */
	unsigned n_chars;
	unsigned state; /* where we stand in lines and tags */
	bool is_html;
	bool blank;   /* white space before the next character */
	bool open;    /* in a character that is shown */
	char tag[10]; /* name of the tag or entity being read */
	unsigned n_tag;
	char hidden[8]; /* the element whose text is not shown */
};

void preview_begin(struct preview *p, const struct mime_part *part);
/* The next raw bytes of the part's body, 64 KiB at most; true when there is
 * enough. Any split gives the same. */
bool preview_feed(struct preview *p, struct slice raw);
/* Append the preview in UTF-8 and free what p holds. */
void preview_end(struct preview *p, struct buf *out);

#endif
