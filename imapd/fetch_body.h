/* SPDX-License-Identifier: ISC */
/*
 * Octets of a message within a FETCH answer: small ones as text, large ones as
 * ranges of the file that the output chain reads when the client takes them.
 */
#ifndef IMAPD_FETCH_BODY_H
#define IMAPD_FETCH_BODY_H

#include "imapd/fetch_items.h"

/* "{n}CRLF" and the octets of that section, clipped to its partial; NIL when
 * there is none. What section_needs() says must have been read. */
int fetch_put_section(struct fetch_answer *a, const struct fetch_section *s,
    struct err *err) MUST_CHECK;
/* The same of fields that are kept: a->fields. */
void
fetch_put_kept_fields(struct fetch_answer *a, const struct fetch_item *item);

#endif
