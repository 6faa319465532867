/* SPDX-License-Identifier: ISC */
/*
 * A session as bytes: what a frontend says of a connection at login (the hello
 * of the channel), and a quiet connection packed to be parked (DESIGN 2). Read
 * as if the writer were hostile.
 */
#ifndef IMAPD_PACK_H
#define IMAPD_PACK_H

#include "imapd/imap_session.h"

enum pack_kind {
	PACK_LOGIN = 1, /* tag: of the command that logged in */
	PACK_PARKED = 2 /* tag: of IDLE, or empty */
};

enum pack_flag {
	PACK_SELECTED = 1,
	PACK_READ_ONLY = 2,
	PACK_USES_UID = 4,
	PACK_IDLING = 8,
	PACK_NOMODSEQ = 32, /* with PACK_SELECTED: what was told */
	PACK_SAVED = 16     /* with PACK_SELECTED: "$" is not empty */
};

struct pack {
	enum pack_kind kind;
	unsigned flags;   /* enum pack_flag */
	unsigned enabled; /* enum imap_enabled */
	struct slice tag;
	/* with PACK_SELECTED */
	struct slice mailbox;
	uint32_t uidvalidity;
	uint64_t modseq;     /* highest told; 0 with PACK_NOMODSEQ */
	uint32_t names;      /* hash of the flag names last told */
	struct slice uids;   /* of the view, as a set's text */
	struct slice recent; /* the same of those that are \Recent */
	struct slice runs;   /* flags last told: PACK_RUN bytes each */
	struct slice saved;  /* with PACK_SAVED: UIDs, as a set's text */
};

/* A run: messages in a row with equal flags. */
#define PACK_RUN 9
struct pack_run {
	uint32_t n;
	uint8_t flags;
	uint32_t keywords;
};

void pack_write(const struct pack *p, struct buf *out);
/* Slices point into in. 0, or -1 with ERR_CORRUPT. All is checked: sets parse,
 * runs cover the view. */
int pack_read(struct slice in, struct pack *out, struct err *err) MUST_CHECK;
void pack_put_run(struct buf *out, const struct pack_run *run);
/* The i-th run; false behind the last. */
bool pack_get_run(struct slice runs, size_t i, struct pack_run *out);

/* What the frontend says: the command that runs has logged in. */
void pack_hello(const struct imap_session *s, struct buf *out);
/* A quiet session, at most MAX_PACKED bytes: 0, or -1 (ERR_LIMIT: too large;
 * ERR_BUSY: something is going on, try later). */
int imap_session_pack(
    struct imap_session *s, struct buf *out, struct err *err) MUST_CHECK;
/* The session goes on where p was packed: runs the silent command that opens
 * the mailbox again. Slices are copied. */
void imap_session_unpack(struct imap_session *s, const struct pack *p);

#endif
