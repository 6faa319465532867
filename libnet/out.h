/* SPDX-License-Identifier: ISC */
/*
 * The output chain of a connection: pieces of memory and ranges of files, in
 * order. Writers do not check each write: over the memory ceiling the chain
 * remembers, and the connection dies. Nothing is sent while the caller
 * writes; the connection sends at the end of its callback or of the round.
 */
#ifndef LIBNET_OUT_H
#define LIBNET_OUT_H

#include "libbase/slice.h"

struct out;

void out_bytes(struct out *o, const void *p, size_t n); /* copied */
void out_slice(struct out *o, struct slice s);          /* copied */
void out_puts(struct out *o, const char *s);
void out_printf(struct out *o, const char *fmt, ...) PRINTF(2, 3);
void out_u64(struct out *o, uint64_t v); /* decimal */

enum out_flags {
	OUT_RAW = 0,        /* bytes as they are in the file */
	OUT_LF_TO_CRLF = 1, /* LF becomes CRLF, CRLF stays */
	OUT_DOT_STUFF = 2,  /* a dot that begins a line is doubled (RFC 5321
			       4.5.2, RFC 1939 3) */
	OUT_END_LINE = 4,   /* CRLF is added when the range does not end a line;
			       not counted in wire_len, only with UNKNOWN */
	OUT_AFTER_CR = 8,   /* the byte before the range is CR */
	OUT_MID_LINE = 16   /* the range does not begin at a line's beginning */
};
#define OUT_WIRE_UNKNOWN UINT64_MAX

/*
 * Send bytes off..off+len of a file. The chain owns fd from here on, whatever
 * happens. The file is read in blocks of IO_BLOCK while it is sent, never held
 * whole. wire_len is the number of bytes promised to the client: exactly so
 * many are sent, what the range has more is left out; when the range, or the
 * file, ends before, the connection dies, because a promised length cannot be
 * taken back. OUT_WIRE_UNKNOWN: nothing was promised, the whole range is sent
 * (and a file that is shorter than off+len is still the connection's death).
 */
void out_file(struct out *o, int fd, uint64_t off, uint64_t len, unsigned flags,
    uint64_t wire_len);

/* Room for n bytes at the end, to be written in place (a read from elsewhere);
 * out_commit says how many came. NULL over the ceiling. */
char *out_reserve(struct out *o, size_t n);
void out_commit(struct out *o, size_t n);

/* Bytes queued and not yet sent; a file range counts what it will give (what
 * is left of the range while that is unknown). */
uint64_t out_queued(const struct out *o);
/* False after a write over the ceiling or a file that was too short. */
bool out_ok(const struct out *o);

#endif
