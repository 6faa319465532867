/* SPDX-License-Identifier: ISC */
/* The UIDL of a message (RFC 1939 7, pop3_uidl_format). Pure. */
#ifndef POP3D_POP3_UIDL_H
#define POP3D_POP3_UIDL_H

#include "libbase/buf.h"

/* RFC 1939 7 has 70; what other servers told is told again, as long as the line
 * holds it (RFC 2449 4: 512 octets). */
#define MAX_POP3_UIDL 480

struct pop3_uidl {
	uint32_t uid, uidvalidity;
	struct slice file; /* base name */
	struct slice guid;
	struct slice told; /* P of the list: stands over the format; or empty */
};

/* Append it. Octets that a UIDL may not have are written +XX, as Courier does;
 * one that would be too long or empty becomes that of the default format. */
void
pop3_uidl_make(struct slice format, const struct pop3_uidl *m, struct buf *out);
/* Does each message get another one by the format alone? */
bool pop3_uidl_is_plain(struct slice format);

#endif
