/* SPDX-License-Identifier: ISC */
/*
 * File names of messages: SECS.M<usec>P<pid>Q<n>.HOST,S=size,W=wire:2,FLAGS.
 * What stands before ':' is the base name: it never changes and is the
 * message's identity. After ":2," stand flags (D F P R S T) and letters of
 * keywords (a-z), in ASCII order.
 */
#ifndef LIBMAILDIR_NAME_H
#define LIBMAILDIR_NAME_H

#include "libbase/buf.h"
#include "libbase/err.h"

enum mail_flag {
	FLAG_DRAFT = 1,    /* D */
	FLAG_FLAGGED = 2,  /* F */
	FLAG_PASSED = 4,   /* P; no system flag of IMAP ($Forwarded) */
	FLAG_ANSWERED = 8, /* R */
	FLAG_SEEN = 16,    /* S */
	FLAG_DELETED = 32, /* T */
	FLAGS_ALL = 63
};

#define N_KEYWORDS 26 /* letters a-z; bit 0 is a */

#define NAME_NO_SIZE UINT64_MAX

struct name {
	struct slice base;  /* before ':' */
	struct slice extra; /* after the letters, from a ',' on; kept */
	struct slice info;  /* letters after ":2,"; empty when there are none */
	uint8_t flags;      /* enum mail_flag */
	uint32_t keywords;  /* letters */
	uint64_t size, wire; /* S= and W=; NAME_NO_SIZE without */
};

/* Is it a message at all? DESIGN 3: no leading dot, no byte below 0x20 or
 * 0x7f, at most 255. */
bool name_is_message(struct slice file_name);
/* Take apart; the slices point into file_name. Never fails. */
void name_split(struct slice file_name, struct name *out);
/* base + ":2," + letters in order; letters of n->info we do not know stay. */
void name_print(
    const struct name *n, uint8_t flags, uint32_t keywords, struct buf *out);

/* A new unique name "SECS.M..P..Q..HOST", without sizes. *next is the folder's
 * counter: any value to begin with, best a random one. */
void name_unique(uint32_t *next, struct buf *out);
/* Put ",S=..,W=.." behind it. */
void name_put_sizes(struct buf *out, uint64_t size, uint64_t wire);
/* Seconds at its start (SAVEDATE of names made by us), or -1. */
int64_t name_secs(struct slice base);

#endif
