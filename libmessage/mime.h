/* SPDX-License-Identifier: ISC */
/*
 * The structure of a message (RFC 2045, 2046, 9051 6.4.5): fed with slices in
 * any split, gives a tree of parts with offsets into the stored bytes and sizes
 * on the wire. Never fails: what is broken or over a ceiling is body text. All
 * results live in the arena of the caller, which gives the ceiling.
 */
#ifndef LIBMESSAGE_MIME_H
#define LIBMESSAGE_MIME_H

#include "libbase/arena.h"
#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libmessage/address.h"
#include "libmessage/crlf.h"
#include "libmessage/param.h"

/* What ENVELOPE tells; strings unfolded, not decoded; p == NULL: no field. The
 * addresses of fields that occur twice are joined, else the first one counts.
 */
struct envelope {
	struct slice date, subject, in_reply_to, message_id;
	struct address_list from, sender, reply_to, to, cc, bcc;
};

/* A run of stored bytes. wire: octets when sent line by line (a bare LF becomes
 * CRLF). lines: how many LF. */
struct mime_span {
	uint64_t off, bytes, wire, lines;
};

/*
 * A part. The root is the message. A multipart has its parts below it. A
 * message (message/rfc822, message/global) has exactly one below it: the
 * message within, whose header is that message's header.
 */
struct mime_part {
	struct mime_part *parent, *first, *last, *next;
	unsigned depth; /* of the root: 0 */
	unsigned
	    number; /* among its siblings, from 1; 0: root, message within */

	struct mime_span header; /* the empty line included */
	struct mime_span body;   /* without the line end before a boundary */

	/* As written, or the default of RFC 2045 5.2, 2046 5.1.5. What cannot
	 * be taken apart (multipart without boundary, nested too deep) is
	 * text/plain. Compare with slice_ieq_str(). */
	struct slice type, subtype;
	struct param_list params;
	bool is_multipart, is_message; /* has parts below, or could */

	/* p == NULL: no such field. encoding is "7bit" then. */
	struct slice id, description, encoding, md5, language, location;
	struct slice disposition;
	struct param_list disposition_params;

	struct envelope *envelope; /* of the root and of messages within */
};

struct mime_message {
	struct mime_part root;
	uint64_t bytes, wire, lines;
	unsigned n_parts; /* root included */
	bool has_nul;
	bool has_8bit;        /* anywhere */
	bool has_8bit_header; /* in a header of the tree: summaries depend on it
			       */
	bool is_cut;          /* a ceiling was hit */
};

struct mime_open { /* a multipart whose boundary is looked for */
	struct mime_part *part;
	struct slice boundary;
};

struct mime_parser { /* private but for embedding */
	struct mime_message *msg;
	struct arena *arena;
	struct mime_part *cur; /* innermost open part */
	struct mime_open open[MAX_MIME_DEPTH];
	unsigned n_open;
	unsigned state;
	struct buf header; /* the one being read */
	/* All bytes fed, but for those from from on; the place that ends or
	 * begins something. */
	struct crlf_count count, at;
	const char *from, *start; /* within mime_feed; start: of the slice */
	char tail[2];             /* the last two bytes before the slice */
	/* A line that may be a boundary: */
	char line[MAX_BOUNDARY + 4]; /* its start */
	size_t n_line;
	bool line_in_header;
	bool line_after_crlf; /* CRLF before it, not LF */
	bool is_new;          /* it was one, and a part begins behind it */
};

/* root and strings are valid as long as msg and arena are. Headers are kept in
 * a buffer of the parser (at most MAX_HEADER_BYTES) until mime_end. */
void mime_begin(
    struct mime_parser *p, struct mime_message *msg, struct arena *arena);
/* The next bytes as stored (LF or CRLF). The slice is not kept. */
void mime_feed(struct mime_parser *p, struct slice bytes);
/* The end of the message: msg is complete. Must be called. */
void mime_end(struct mime_parser *p);
/* Begin, feed, end at once. */
void
mime_parse(struct mime_message *msg, struct arena *arena, struct slice bytes);

/* Next part in the order of the message (pre-order); NULL at the end. */
const struct mime_part *mime_part_next(const struct mime_part *part);

/*
 * The part that a section-part such as "1.2.3" names (RFC 9051 6.4.5), of which
 * .body is the section's text and .header is its MIME header. Part 1 of what is
 * not multipart is the message itself. NULL when there is none or the text is
 * not digits and dots. "" gives root.
 */
const struct mime_part *
mime_part_find(const struct mime_part *root, struct slice section);
/* The message within (for n.HEADER, n.TEXT), or NULL. */
const struct mime_part *mime_part_message(const struct mime_part *part);

/* Is it of that type (both case folded; subtype NULL: any)? */
bool mime_part_is(
    const struct mime_part *part, const char *type, const char *subtype);
/* Append the file name in UTF-8 (disposition's filename, else type's name).
 * false when there is none. */
bool mime_part_filename(const struct mime_part *part, struct buf *out);

#endif
