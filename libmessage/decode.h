/* SPDX-License-Identifier: ISC */
/* Content-Transfer-Encoding, streaming (RFC 2045 6). Tolerant: never fails. */
#ifndef LIBMESSAGE_DECODE_H
#define LIBMESSAGE_DECODE_H

#include "libbase/buf.h"

enum decode_kind {
	DECODE_NONE, /* 7bit, 8bit, binary, anything unknown */
	DECODE_BASE64,
	DECODE_QP
};

struct decode {
	enum decode_kind kind;
	uint32_t bits; /* base64: bits waiting; qp: the first hex digit */
	unsigned n;    /* base64: characters waiting; qp: state */
	struct {
		char p[64]; /* qp: blanks that are dropped at a line's end */
		unsigned n;
	} held;
};

/* The kind by its name (case folded, blanks cut). */
enum decode_kind decode_kind(struct slice encoding);

void decode_begin(struct decode *d, enum decode_kind kind);
/* Append the decoded bytes: at most as many as in has, and 66. Any split gives
 * the same. */
void decode_feed(struct decode *d, struct slice in, struct buf *out);
void decode_end(struct decode *d, struct buf *out);

/* Base64 in lines of 76 characters. line_end: "\n" or "\r\n". */
struct decode_base64_lines {
	const char *line_end;
	unsigned char in[3];
	unsigned n, column;
};
void decode_encode_begin(struct decode_base64_lines *e, const char *line_end);
void decode_encode_feed(
    struct decode_base64_lines *e, struct slice in, struct buf *out);
void decode_encode_end(struct decode_base64_lines *e, struct buf *out);

#endif
