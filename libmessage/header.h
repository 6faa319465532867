/* SPDX-License-Identifier: ISC */
/*
 * RFC 5322 fields of a header block. Everything is a slice into the block;
 * nothing is allocated but where an arena or a buffer is given.
 */
#ifndef LIBMESSAGE_HEADER_H
#define LIBMESSAGE_HEADER_H

#include "libbase/arena.h"
#include "libbase/buf.h"

struct header_field {
	struct slice
	    name; /* without blanks before the colon; empty: no field */
	struct slice value; /* folded as stored, without the last line end */
	struct slice raw;   /* all of it, name to last line end included */
};

struct header_iter {
	struct slice rest;
	bool started;
};

/* Visit the fields of a block in order. The block ends at the first empty line,
 * if it holds one. LF and CRLF are line ends. A line without a colon (also an
 * mbox "From " line at the top) comes as a field with an empty name. */
void header_begin(struct header_iter *it, struct slice block);
bool header_next(struct header_iter *it, struct header_field *field_out);

/* The first field of that name (ASCII case folded); false when there is none.
 */
bool header_find(
    struct slice block, const char *name, struct header_field *field_out);

/* How many bytes of a message are its header, the empty line included. All of
 * it when no line is empty. */
size_t header_length(struct slice message);

/* The value on one line (RFC 5322 2.2.3): line ends taken out, blanks at both
 * ends cut, NULs dropped. A slice of the argument when there is nothing to
 * change, else in the arena; SLICE_NONE over the arena's ceiling. */
struct slice header_unfold(struct arena *arena, struct slice value);
/* The same, always a copy in the arena. */
struct slice header_keep(struct arena *arena, struct slice value);
/* The same, appended to a buffer. */
void header_put_unfolded(struct buf *out, struct slice value);

#endif
