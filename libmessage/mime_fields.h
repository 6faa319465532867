/* SPDX-License-Identifier: ISC */
/* The header of a part, taken apart into its struct. Used by mime.c. */
#ifndef LIBMESSAGE_MIME_FIELDS_H
#define LIBMESSAGE_MIME_FIELDS_H

#include "libmessage/mime.h"

/* Set type, parameters, the Content fields and, for a message, the envelope;
 * defaults where fields are missing. Everything is copied to the arena. */
void mime_fields_read(
    struct mime_part *part, struct slice header, struct arena *arena);

/* Make it a text/plain leaf: what it claims to be cannot be taken apart. */
void mime_fields_plain(struct mime_part *part);

#endif
