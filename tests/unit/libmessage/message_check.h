/* SPDX-License-Identifier: ISC */
/* What must hold of any message whatever its bytes: used by the unit tests on
 * whole corpora and by fuzz_message. */
#ifndef TESTS_MESSAGE_CHECK_H
#define TESTS_MESSAGE_CHECK_H

#include "libbase/buf.h"
#include "libmessage/mime.h"

/*
 * Parse the bytes whole, byte by byte and in pieces drawn from seed: one tree.
 * Its spans lie as they must, their sizes are those counted byte by byte;
 * summaries are well formed; each part is found by its number; conversion to
 * the wire gives what was counted. NULL when all is well, else what is not.
 */
const char *message_check(struct slice bytes, uint32_t seed);

/* Everything the tree says, as text. */
void message_dump(struct buf *out, const struct mime_message *msg);

#endif
