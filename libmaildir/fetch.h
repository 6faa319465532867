/* SPDX-License-Identifier: ISC */
/*
 * Read a message: as it goes over the wire (CRLF), from any octet on, and its
 * structure. Remembers places every 256 KiB, so that reading in pieces costs
 * what is read.
 */
#ifndef LIBMAILDIR_FETCH_H
#define LIBMAILDIR_FETCH_H

#include "libbase/arena.h"
#include "libmaildir/mailbox.h"
#include "libmessage/mime.h"

struct fetch;

/* ERR_GONE: it is not there any more. */
int fetch_open(struct mailbox *mb, struct mailbox_rec *rec, struct fetch **out,
    struct err *err) MUST_CHECK;
void fetch_close(struct fetch **f);

uint64_t fetch_size(const struct fetch *f); /* bytes stored */
/* Octets on the wire: from the record, else counted by the first call. */
int fetch_wire(struct fetch *f, uint64_t *wire_out, struct err *err) MUST_CHECK;

/* Octets from wire offset off on into p, at most max: *n_out, 0 at the end.
 * In order or at random. ERR_CORRUPT: the file became shorter. */
int fetch_read(struct fetch *f, uint64_t off, char *p, size_t max,
    size_t *n_out, struct err *err) MUST_CHECK;
/* Bytes as stored. */
int fetch_read_stored(struct fetch *f, uint64_t off, char *p, size_t max,
    size_t *n_out, struct err *err) MUST_CHECK;

/* For an output chain that converts by itself: a descriptor to own (dup), and
 * where the wire offset lies in the file. */
int fetch_dup(struct fetch *f, int *fd_out, struct err *err) MUST_CHECK;
int fetch_locate(struct fetch *f, uint64_t off, struct crlf_pos *out,
    struct err *err) MUST_CHECK;

/* Structure, parsed once and kept in the fetch. */
int fetch_structure(struct fetch *f, const struct mime_message **out,
    struct err *err) MUST_CHECK;
/* Its header alone as stored (up to and with the empty line), appended to out,
 * cut at its ceiling. */
int fetch_header(struct fetch *f, struct buf *out, struct err *err) MUST_CHECK;

#endif
