/* SPDX-License-Identifier: ISC */
/* RFC 4648 base64, whole strings (SASL, keys). Mail bodies: libmessage/decode.
 */
#ifndef LIBBASE_BASE64_H
#define LIBBASE_BASE64_H

#include "libbase/buf.h"

void base64_encode(struct slice in, struct buf *out); /* padded, no lines */
/* Strict: padded, no white space, zero trailing bits. 0 or -1 (out unchanged).
 */
int base64_decode(struct slice in, struct buf *out) MUST_CHECK;

#endif
