/* SPDX-License-Identifier: ISC */
/*
 * The text behind DATA (RFC 5321 4.1.1.4, 4.5.2): dots are taken off, the end
 * is CRLF "." CRLF and nothing else. A bare CR or LF, or a NUL, anywhere makes
 * the text unacceptable; it is then read to its true end and refused, so that
 * no server and no client can differ on where a message ends.
 */
#ifndef SUBMITD_SMTP_DATA_H
#define SUBMITD_SMTP_DATA_H

#include "libbase/buf.h"

enum smtp_data_fault {
	DATA_GOOD,
	DATA_BARE, /* CR or LF alone */
	DATA_NUL
};

struct smtp_data { /* set up by smtp_data_init */
	unsigned char state;
	enum smtp_data_fault fault; /* the first one */
};

void smtp_data_init(struct smtp_data *d);

/*
 * Take bytes of in until it ends or the end mark is complete; append the text
 * (with CRLF line ends, without the stuffed dots) to out, which must have room
 * for in.n + 2 bytes. *used_out says how many bytes were taken. 1 when the end
 * mark was seen, 0 when more is wanted.
 */
int smtp_data_feed(
    struct smtp_data *d, struct slice in, struct buf *out, size_t *used_out);

#endif
