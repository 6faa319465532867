/* SPDX-License-Identifier: ISC */
/* Modified UTF-7 of mailbox names, RFC 3501 section 5.1.3: for names on the
 * wire and on disk. Pure functions. */
#ifndef LIBMAILDIR_MUTF7_H
#define LIBMAILDIR_MUTF7_H

#include "libbase/buf.h"

/* UTF-8 to modified UTF-7, appended. 0, or -1 when in is not UTF-8 (out as it
 * was). Bytes outside 0x20-0x7e are encoded, controls too. */
int mutf7_encode(struct slice in, struct buf *out) MUST_CHECK;

/*
 * Modified UTF-7 to UTF-8, appended. Strict: 0, or -1 (out as it was) for bytes
 * outside 0x20-0x7e, an open shift, "&-" written another way, printable ASCII
 * inside base64, adjacent shifts, bad padding bits, lone surrogates, NUL. So
 * one text has one encoding.
 */
int mutf7_decode(struct slice in, struct buf *out) MUST_CHECK;

#endif
