/* SPDX-License-Identifier: ISC */
/* RFC 2047 encoded words in header values. */
#ifndef LIBMESSAGE_ENCWORD_H
#define LIBMESSAGE_ENCWORD_H

#include "libbase/buf.h"

/*
 * Append the value (unfolded) in UTF-8, encoded words decoded. Blanks between
 * two encoded words vanish; neighbours of one charset are decoded as one
 * string, so that a character may be split between them. Raw bytes over 0x7f
 * outside of them: UTF-8 where valid, else taken as windows-1252. A charset we
 * do not know: the same. Broken words stay as they are.
 */
void encword_decode(struct slice value, struct buf *out);

/* Append UTF-8 text as encoded words (B, UTF-8) of at most 75 characters,
 * joined by one blank; as it is when it is printable ASCII without "=?". */
void encword_encode(struct slice text, struct buf *out);

#endif
