/* SPDX-License-Identifier: ISC */
/*
 * Names of mailboxes: what the client says (UTF-8, levels parted by the site's
 * separator) and what stands on disk (Maildir++, ".A.B"). Pure functions.
 *
 * On disk a level is written as Dovecot's listescape does: '.', '/' and '\' and
 * a leading '~' become \xx, the rest modified UTF-7 or plain UTF-8 as the site
 * chose. What is on disk and does not read back to itself in that form is shown
 * as "\=" followed by its bytes with \xx for the unusual ones: never hidden,
 * and each client name belongs to exactly one name on disk.
 */
#ifndef LIBMAILDIR_FOLDERNAME_H
#define LIBMAILDIR_FOLDERNAME_H

#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libbase/err.h"

struct foldername_conf {
	char separator;      /* what the client sees between levels */
	bool utf8;           /* UTF-8 on disk; else modified UTF-7 */
	unsigned max_depth;  /* levels of a new name */
	struct slice prefix; /* "" or "INBOX" and the separator */
};

/* A name on disk: "" is the root (INBOX), else ".A.B", NUL behind it. */
struct foldername {
	size_t n;
	char s[MAX_FILE_NAME + 1];
};

enum foldername_use {
	FOLDERNAME_OLD, /* to look up: whatever the list may have shown */
	FOLDERNAME_NEW  /* to create, rename to: also length, depth, wildcards,
			   controls; one trailing separator is taken off
			   (RFC 3501 section 6.3.3) */
};

/*
 * The client's name as it stands on disk. INBOX in any case is the root, and in
 * any case the first level of its children. Errors: ERR_INVALID for a name that
 * no mailbox can have (empty levels, control bytes, not UTF-8, "." and "..",
 * outside the prefix), ERR_LIMIT when it is too long or too deep.
 */
int foldername_to_disk(const struct foldername_conf *c, struct slice client,
    enum foldername_use use, struct foldername *out,
    struct err *err) MUST_CHECK;

/*
 * Append the client's name of what stands on disk ("" gives INBOX). 1, or 0
 * when the entry is no mailbox: no leading dot, ".", "..", what Dovecot keeps
 * for itself ("..DOVECOT-TRASHED"), ".INBOX" beside the real one.
 */
int foldername_to_client(const struct foldername_conf *c, struct slice disk,
    struct buf *out) MUST_CHECK;

/* The client's name in the one spelling the list shows: INBOX in upper case.
 * Errors as foldername_to_disk. */
int foldername_canonical(const struct foldername_conf *c, struct slice client,
    struct buf *out, struct err *err) MUST_CHECK;

/* Order of a list: level by level, bytes within a level, INBOX first. */
int foldername_cmp(char separator, struct slice a, struct slice b);

/* True when child is below parent (not equal), both client names. */
bool
foldername_is_below(char separator, struct slice parent, struct slice child);

#endif
