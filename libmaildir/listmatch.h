/* SPDX-License-Identifier: ISC */
/* LIST patterns, RFC 9051 section 6.3.9: '*' matches anything, '%' anything
 * but the separator. Pure functions; time is bounded by pattern times name. */
#ifndef LIBMAILDIR_LISTMATCH_H
#define LIBMAILDIR_LISTMATCH_H

#include "libbase/buf.h"

/* Reference and pattern as one pattern: joined as they stand (RFC 9051 6.3.9.2
 * leaves it to the server). Appended to out. */
void
listmatch_join(struct slice reference, struct slice pattern, struct buf *out);

/* Does name match? INBOX is matched without regard to case, as a whole name
 * and as the first level. Everything else byte by byte. */
bool listmatch(struct slice pattern, struct slice name, char separator);

/* Could a name below this one match, whatever it is? (For CHILDINFO and to
 * skip subtrees.) */
bool listmatch_below(struct slice pattern, struct slice name, char separator);

/* The pattern ends with '%': LSUB shows unsubscribed levels of subscribed names
 * as \Noselect (RFC 3501 section 6.3.9). */
bool listmatch_is_level(struct slice pattern);

#endif
