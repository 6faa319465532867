/* SPDX-License-Identifier: ISC */
/* A mail folder with mailboxes, for the tests of the mailbox half. */
#ifndef TESTS_UNIT_LIBMAILDIR_BOX_H
#define TESTS_UNIT_LIBMAILDIR_BOX_H

#include "libmaildir/copy.h"
#include "libmaildir/fetch.h"
#include "libmaildir/io.h"
#include "libmaildir/save.h"
#include "libmaildir/view.h"
#include "tests/unit/libmaildir/scratch.h"

/* One process's sight of the mail: several may look at the same folder. */
struct box {
	int root;
	struct mailboxes *ms;
	struct mailbox *mb;
	struct view *v;
};

/* INBOX below the scratch folder, open, with a view that is refreshed and
 * updated. */
void box_open(struct box *b, struct scratch *s, bool watch);
void box_close(struct box *b);
/* Another mailbox of the same process; made when missing. */
struct mailbox *box_other(struct box *b, const char *subdir);

/* To the end, flushing on the way. */
enum step box_refresh(struct view *v, struct err *err);
void box_sync(struct box *b); /* refresh and update; must go well */
enum step box_commit(struct save *s, struct err *err);
enum step box_copy(struct copy *c, struct err *err);
/* Save one; its UID. */
uint32_t box_save(struct mailbox *mb, const char *text, uint8_t flags);

/* As a stranger. dir: "new", "cur" */
void
box_drop(struct box *b, const char *dir, const char *name, const char *text);
void box_rename(struct box *b, const char *from, const char *to);
/* Files in a folder of the root; name of the only one when name is given. */
unsigned box_files(struct box *b, const char *dir, char name[256]);
/* Descriptors that this process has open. */
unsigned box_fds(void);

#endif
