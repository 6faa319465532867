/* SPDX-License-Identifier: ISC */
/* Message identifiers in Message-ID, References and In-Reply-To (RFC 5322
 * 3.6.4, with the obsolete forms of 4.5.4). */
#ifndef LIBMESSAGE_MSGID_H
#define LIBMESSAGE_MSGID_H

#include "libbase/buf.h"

/*
 * Append the next valid identifier of a field's value to out, without its
 * brackets and normalised: quotes, quoting backslashes and blanks taken out
 * (RFC 5256 3: <"a"@b> is <a@b>), so that equal ones are equal bytes. What
 * stands between identifiers, and what is none, is passed over. *value is moved
 * behind it; false at the end, with out as it was.
 */
bool msgid_next(struct slice *value, struct buf *out);

#endif
