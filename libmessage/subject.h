/* SPDX-License-Identifier: ISC */
/* The base subject of SORT and THREAD (RFC 5256 2.1). */
#ifndef LIBMESSAGE_SUBJECT_H
#define LIBMESSAGE_SUBJECT_H

#include "libbase/buf.h"

/* Append the base subject in UTF-8 (not case folded) of a field's value.
 * *is_reply_out (may be NULL): a reply or forward by 2.1. */
void subject_base(struct slice value, struct buf *out, bool *is_reply_out);

#endif
