/* SPDX-License-Identifier: ISC */
/*
 * Courier's files, taken over when a mailbox without dovecot-uidlist is first
 * opened: UIDs and UIDVALIDITY (courierimapuiddb), UIDLs of POP3
 * (courierpop3dsizelist, versions 2 and 3), keywords (courierimapkeywords).
 * Subscriptions: subs.h. Courier's files stay as they are.
 */
#ifndef LIBMAILDIR_IMPORT_H
#define LIBMAILDIR_IMPORT_H

#include "libbase/arena.h"
#include "libbase/err.h"
#include "libbase/hash.h"
#include "libmaildir/folder.h"
#include "libmaildir/name.h"

#define IMPORT_MAX_BYTES (64 * MIB) /* of one file: a million messages */

struct import_msg {
	struct slice base; /* base name of the file */
	uint32_t uid;      /* 0: Courier's IMAP did not know it */
	struct slice uidl; /* n == 0: POP3 did not know it */
	uint32_t keywords; /* letters */
};

struct import {
	uint32_t uidvalidity, next_uid; /* 0 without courierimapuiddb */
	struct import_msg *msgs;
	size_t n, cap;
	struct slice keywords[N_KEYWORDS]; /* by letter */
	unsigned n_keywords;
	struct arena text;
	struct map by_base; /* index + 1 */
};

void import_init(struct import *im);
void import_free(struct import *im);

/* The contents of each file; what is broken in them is left out. 0, or -1: not
 * such a file at all (nothing is taken), or too much of it. */
int import_uiddb(struct import *im, struct slice text) MUST_CHECK;
int import_sizelist(struct import *im, struct slice text) MUST_CHECK;
/* courierimapkeywords/:list: names, an empty line, "file:0 3" */
int import_keyword_list(struct import *im, struct slice text) MUST_CHECK;
/* courierimapkeywords/FILE or .N.FILE: names, in place of what the list said */
int import_keyword_file(
    struct import *im, struct slice base, struct slice text) MUST_CHECK;
/* Give UIDs to those without, and put all in order of them. -1: none left. */
int import_number(struct import *im) MUST_CHECK;

/*
 * If the mailbox has no dovecot-uidlist and Courier served it: write
 * dovecot-uidlist and dovecot-keywords, put the letters into the names. 1 done,
 * 0 nothing to do; -1: ERR_BUSY (the list's lock is held), or from the system.
 * Happens once, and flushes in place.
 */
int import_courier(struct folder *f, struct err *err) MUST_CHECK;

#endif
