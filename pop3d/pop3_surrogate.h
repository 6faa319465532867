/* SPDX-License-Identifier: ISC */
/*
 * A header with UTF-8 (RFC 6532) made ASCII for a client that has not said UTF8
 * (RFC 6856 2.1, RFC 6855 7): encoded words where text stands, an address that
 * nobody has where an address cannot be written. Pure.
 */
#ifndef POP3D_POP3_SURROGATE_H
#define POP3D_POP3_SURROGATE_H

#include "libbase/buf.h"

/* Must the client get another header than this? Bytes that are no UTF-8 are
 * nobody's extension: such a header is sent as it always was. */
bool pop3_surrogate_needed(struct slice header);
/* Append the other header, with LF line ends, its empty line included if header
 * has one. */
void pop3_surrogate_put(struct slice header, struct buf *out);

#endif
