/* SPDX-License-Identifier: ISC */
/*
 * ENVELOPE, BODY and BODYSTRUCTURE as they go over the wire (RFC 9051 7.5.2,
 * 9). Values are those of the fields, not decoded.
 */
#ifndef LIBMESSAGE_SUMMARY_H
#define LIBMESSAGE_SUMMARY_H

#include "libmessage/mime.h"

enum {
	SUMMARY_UTF8 = 1 /* UTF8=ACCEPT, IMAP4rev2: valid UTF-8 may be quoted */
};

/* Append a string: quoted where it may be, else a literal ({n}CRLF and the
 * bytes). NUL is dropped. */
void summary_put_string(struct buf *out, struct slice s, unsigned flags);
/* The same; NIL when s.p is NULL. */
void summary_put_nstring(struct buf *out, struct slice s, unsigned flags);
/* An atom where it may be, else as summary_put_string. */
void summary_put_astring(struct buf *out, struct slice s, unsigned flags);

/* "(...)" of address structures, or NIL. */
void summary_put_addresses(
    struct buf *out, const struct address_list *list, unsigned flags);
/* The parenthesised envelope. Sender and Reply-To default to From. */
void summary_put_envelope(
    struct buf *out, const struct envelope *env, unsigned flags);
/* BODY (extended false) or BODYSTRUCTURE (true) of the part and all below it.
 */
void summary_put_body(struct buf *out, const struct mime_part *part,
    bool extended, unsigned flags);

#endif
