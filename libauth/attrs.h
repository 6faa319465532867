/* SPDX-License-Identifier: ISC */
/*
 * What is said of one user beside name, hash, ids and home: the last field of
 * a line of the users file, "attr=value attr=value". Rows in attrs.c are the
 * only list of attributes; parsing and printing are pure.
 */
#ifndef LIBAUTH_ATTRS_H
#define LIBAUTH_ATTRS_H

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libserver/account.h"

#define MAX_ATTRS_TEXT 2048 /* of one user: some paths and numbers */
#define MAX_ATTR_PATH  512

struct attrs {
	unsigned flags; /* enum account_flag: ACCOUNT_NO_*, ACCOUNT_LOCKED */
	uint32_t expires_day;     /* first day the account is over, days since
				   * 1970; 0 never */
	uint64_t quota_bytes;     /* 0: none */
	uint64_t quota_messages;  /* 0: none */
	char mail[MAX_ATTR_PATH]; /* mail folder, absolute; "" as mail_location
				   */
};

/* How a row reads and prints its value. */
enum attr_type {
	ATTR_OFF,  /* "imap=no": the flag means off; "yes" is the default */
	ATTR_ON,   /* "locked=yes": the flag means on; "no" is the default */
	ATTR_DATE, /* 2026-12-31, UTC: the first day it is over */
	ATTR_SIZE, /* bytes with K, M, G, T */
	ATTR_NUMBER,
	ATTR_PATH /* absolute; blanks, ':' and '\' as \ooo */
};

struct attr_row {
	const char *name;
	enum attr_type type;
	unsigned flag;    /* of ATTR_OFF, ATTR_ON */
	size_t offset;    /* into struct attrs, of the others */
	const char *help; /* one line for restantectl */
};
extern const struct attr_row attr_rows[]; /* name NULL at the end */

/* The whole field; text "" gives the defaults. An unknown name or a bad value
 * is an error that names it. *out is set only on success. */
int
attrs_parse(struct slice text, struct attrs *out, struct err *err) MUST_CHECK;
/* One "name=value"; "name=" puts the default back. *a changes only on success.
 */
int attrs_set(struct attrs *a, struct slice pair, struct err *err) MUST_CHECK;
/* What differs from the defaults, in the order of the rows: parse of print is
 * identity. */
void attrs_print(const struct attrs *a, struct buf *out);

/* \ooo for what may not stand in a field: control bytes, blank, ':', '\',
 * 0x7f. Unescape: 0, or -1 for a bad escape or one that gives NUL. */
void attr_escape(struct slice s, struct buf *out);
int attr_unescape(struct slice s, struct buf *out) MUST_CHECK;

#endif
