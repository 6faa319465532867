/* SPDX-License-Identifier: ISC */
/*
 * One Maildir: its descriptors, held as long as somebody works in it. Embedded
 * by its owner; store_folder_open() finds the folder of a mailbox's name and
 * calls folder_open().
 */
#ifndef LIBMAILDIR_FOLDER_H
#define LIBMAILDIR_FOLDER_H

#include <sys/types.h>

#include "libbase/err.h"
#include "libbase/slice.h"

struct folder {
	int dir;           /* the Maildir itself */
	int cur, new, tmp; /* in it */
	int control;       /* where dovecot-uidlist lies; may equal dir */
	int root;          /* borrowed: control folder of the store, where
			      dovecot-uidvalidity lies */
	int mail_root;     /* borrowed: it lies there; -1: is it (INBOX) */
	mode_t mode;       /* of new files: 0600, or 0660 in a shared tree */
	char *name;        /* canonical name as told to clients, UTF-8; ours */
	uint32_t next;     /* of unique names, see name.h */
};

/* Where a folder is. */
struct folder_place {
	int mail_root;      /* descriptor of the store's mail folder */
	int control_root;   /* of its control folder; may equal mail_root */
	const char *subdir; /* ".A.B", or "" for INBOX */
	const char *name;   /* canonical name, UTF-8 */
};

/*
 * Open; missing cur, new, tmp (and the control folder) are made, the folder
 * itself is not: ERR_NOTFOUND. The roots must outlive it. *out is set on
 * success only.
 */
int folder_open(const struct folder_place *place, struct folder *out,
    struct err *err) MUST_CHECK;
void folder_close(struct folder *f); /* all -1 after it; may be called again */

#endif
