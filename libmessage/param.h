/* SPDX-License-Identifier: ISC */
/*
 * Parameters of Content-Type and Content-Disposition: as written for
 * BODYSTRUCTURE, decoded (RFC 2231, and RFC 2047 as found in the wild) on
 * asking.
 */
#ifndef LIBMESSAGE_PARAM_H
#define LIBMESSAGE_PARAM_H

#include "libbase/arena.h"
#include "libbase/buf.h"

struct param {
	struct slice name;  /* as written: "filename*0*" */
	struct slice value; /* quotes taken off, not decoded */
};

struct param_list { /* zeroed is a valid empty list */
	const struct param *v;
	unsigned n;
};

/* Cut the next token (RFC 2045) off the front of *text, comments and blanks
 * before it skipped; empty when there is none. *text must be unfolded. */
struct slice param_token(struct slice *text);
/* Skip blanks and comments. */
void param_skip(struct slice *text);

/* Read `; name=value; ...` from the start of text, at most MAX_PARAMS, anything
 * broken skipped to the next semicolon. Strings live in text or in the arena.
 */
void param_parse(
    struct arena *arena, struct slice text, struct param_list *list_out);

/* The value as written of the parameter of exactly that name (case folded);
 * SLICE_NONE when there is none. */
struct slice param_raw(const struct param_list *list, const char *name);

/* Append the value in UTF-8: name*0, name*1... joined, name* decoded, else the
 * plain value with encoded words decoded. false, nothing written, when there is
 * none. */
bool
param_get(const struct param_list *list, const char *name, struct buf *out);

#endif
