/* SPDX-License-Identifier: ISC */
/*
 * The section of a BODY item (RFC 9051 6.4.5): parsed out of the argument tree,
 * written back into the response, and found in a message as a run of bytes.
 */
#ifndef IMAPD_FETCH_SECTION_H
#define IMAPD_FETCH_SECTION_H

#include "imapd/imap_args.h"
#include "libbase/buf.h"
#include "libmessage/mime.h"

/* What an item or a section needs to be known; each with what it stands on. */
enum fetch_need {
	NEED_NOTHING = 0,
	NEED_DATE = 1,
	NEED_SIZE = 2,
	NEED_FILE = 4, /* open it */
	NEED_HEADER = NEED_FILE | 8,
	NEED_ENVELOPE = NEED_HEADER | 16,
	NEED_WHOLE = NEED_FILE | 32 /* its structure */
};

enum section_what {
	SECTION_ALL, /* BODY[], BODY[1.2] */
	SECTION_HEADER,
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME
};

struct fetch_section {
	struct slice part; /* "1.2", "" for the message */
	enum section_what what;
	const struct imap_arg *fields; /* first name of FIELDS */
	bool is_partial;
	uint64_t offset, count; /* of wire octets, when partial */
};

/* The node of BODY[...] or BODY.PEEK[...]. Text of err may be sent. */
int section_parse(const struct imap_arg *a, struct fetch_section *out,
    struct err *err) MUST_CHECK;
/* or-ed enum fetch_need: the message itself needs no structure. */
unsigned section_needs(const struct fetch_section *s);
/* "BODY[1.HEADER.FIELDS (A B)]<0>" */
void section_put(const struct fetch_section *s, struct buf *out);
/* Where it lies; false when the message has no such part (NIL). For FIELDS the
 * whole header. */
bool section_find(const struct fetch_section *s, const struct mime_message *m,
    struct mime_span *out);
/* The fields wanted of a header as stored, with CRLF and the empty line. */
void section_put_fields(
    const struct fetch_section *s, struct slice header, struct buf *out);

#endif
