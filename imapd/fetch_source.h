/* SPDX-License-Identifier: ISC */
/*
 * The message a FETCH reads from: opened, its header read, its structure parsed
 * only as far as items ask for it. One a session, in s->source; a large message
 * stays open after the command, so that a client which reads it in pieces pays
 * for each piece alone. Closed when the mailbox is left.
 */
#ifndef IMAPD_FETCH_SOURCE_H
#define IMAPD_FETCH_SOURCE_H

#include "imapd/fetch_section.h"
#include "libmaildir/fetch.h"

struct fetch_source {
	uint32_t uid; /* 0: nothing is open */
	struct fetch *file;
	const struct mime_message *whole; /* NULL: not parsed */

	/* the header alone; complete unless it is too long */
	bool has_header;
	struct buf header;
	uint64_t header_wire;
	struct envelope *envelope; /* out of the header; NULL: not parsed */
	struct mime_message head;
	struct arena arena;

	/* the run of bytes that was last read from its middle */
	bool has_span;
	uint64_t span_off;
	struct crlf_map map;
	struct crlf_pos at;
};

/* Allocate on first use; *src stays the session's. */
struct fetch_source *fetch_source_get(struct fetch_source **src);
void fetch_source_free(struct fetch_source **src);
/* The command is over: close it unless reading it again would be dear. */
void fetch_source_rest(struct fetch_source *src);

/* Open that message, or go on with it. */
int fetch_source_open(struct fetch_source *src, struct mailbox *mb,
    struct mailbox_rec *rec, struct err *err) MUST_CHECK;
/* Of an open one: read the header, parse its envelope, parse the whole. What
 * the header alone cannot tell makes the whole be parsed. */
int fetch_source_header(struct fetch_source *src, struct err *err) MUST_CHECK;
int fetch_source_envelope(struct fetch_source *src, struct err *err) MUST_CHECK;
int fetch_source_whole(struct fetch_source *src, struct err *err) MUST_CHECK;

/* The header as stored, read now if it was not; NULL: it is cut, or it cannot
 * be read. */
const struct buf *fetch_source_block(struct fetch_source *src);

/* Where a section lies: 1, 0 when there is none (NIL). What section_needs()
 * says must have been read. */
int fetch_source_find(struct fetch_source *src, const struct fetch_section *s,
    struct mime_span *out, struct err *err) MUST_CHECK;
/* The place of the n-th wire octet of a span. */
int fetch_source_locate(struct fetch_source *src, const struct mime_span *span,
    uint64_t n, struct crlf_pos *out, struct err *err) MUST_CHECK;

#endif
