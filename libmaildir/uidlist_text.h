/* SPDX-License-Identifier: ISC */
/* The text of dovecot-uidlist: lines in, structs out, and back. Pure. */
#ifndef LIBMAILDIR_UIDLIST_TEXT_H
#define LIBMAILDIR_UIDLIST_TEXT_H

#include "libbase/buf.h"

#define MAX_UIDLIST_LINE                                                       \
	4096 /* name 255, GUID, POP3 UIDL, fields of others                    \
	      */

struct uidlist_head {
	unsigned version; /* 1 or 3; 0: none read */
	uint32_t uidvalidity;
	uint32_t next_uid; /* N; may lag behind the records */
	char guid[33];     /* of the mailbox; "" without */
	char other[256];   /* unknown fields, parted by blanks; kept */
};

struct uidlist_rec {
	uint32_t uid;
	struct slice base;   /* base name of the file */
	uint64_t size, wire; /* S, W; UINT64_MAX without */
	struct slice guid;   /* G; n == 0 without */
	struct slice pop3;   /* P: UIDL; n == 0 without */
	struct slice other;  /* all fields but S W G P, as they stood */
};

/* A line without its LF. 0, or -1: not such a line. */
int uidlist_parse_head(struct slice line, struct uidlist_head *out) MUST_CHECK;
/* The slices point into line; with several runs of unknown fields *other holds
 * them joined (its ceiling is MAX_UIDLIST_LINE; reset by each call). */
int uidlist_parse_rec(unsigned version, struct slice line, struct buf *other,
    struct uidlist_rec *out) MUST_CHECK;
/* A version 3 line with its LF. */
void uidlist_print_head(const struct uidlist_head *h, struct buf *out);
void uidlist_print_rec(const struct uidlist_rec *rec, struct buf *out);

#endif
