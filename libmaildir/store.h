/* SPDX-License-Identifier: ISC */
/*
 * A user's mail folder: the root Maildir and the Maildir++ folders beside it.
 * One store a user a process, shared by all sessions of that user. Mailbox
 * names in this interface are what the client says: UTF-8, levels parted by
 * conf.separator (imapd turns modified UTF-7 of the wire into it by mutf7.h).
 *
 * What changes the tree is an operation (struct store_op): begun, then stepped
 * until STEP_DONE or STEP_FAIL. STEP_FLUSH means: flush what is in the set,
 * then step again. Everything that was done is on disk when STEP_DONE comes.
 */
#ifndef LIBMAILDIR_STORE_H
#define LIBMAILDIR_STORE_H

#include <sys/types.h>

#include "libbase/err.h"
#include "libbase/slice.h"
#include "libbase/step.h"
#include "libmaildir/foldername.h"

struct folder; /* libmaildir/folder.h */

struct store_conf {
	const char *mail;    /* absolute path of the root Maildir */
	const char *control; /* Dovecot's CONTROL=; NULL: beside the mail */
	const char *index;   /* folder of the cache; NULL: in the mail folder */
	char separator;      /* 0 means '/' */
	const char *namespace_prefix; /* NULL, "" or "INBOX" + separator */
	bool names_utf8;              /* folder_names = utf8 */
	bool create;                  /* make the root when it is missing */
	bool check_owner;             /* the root must belong to uid */
	uid_t uid;
	gid_t gid;
	uint32_t stamp_grain_us; /* DESIGN 6; 0: 10 ms */
	uint32_t max_folders;    /* 0: 10000; more are an ERR_LIMIT */
	uint32_t max_depth;      /* levels of a new name; 0: 32 */
	uint64_t quota_bytes;    /* 0: no limit */
	uint64_t quota_messages; /* 0: no limit */
	uint64_t quota_grace;    /* percent of quota_bytes: see quota.h */
};

struct store;

/*
 * Open the user's mail folder; runs as the user (symbolic links on the way to
 * the root are followed, nothing below it is). Makes it with cur, new and tmp,
 * mode 0700, when conf->create. Strings are copied. Also goes on with what an
 * interrupted DELETE left behind, a bounded portion. Errors: ERR_NOTFOUND (not
 * there and not to be made), ERR_DENIED (another owner), or from the system.
 */
int store_open(const struct store_conf *conf, struct store **out,
    struct err *err) MUST_CHECK;
void store_close(struct store *st); /* NULL is fine */

/* Borrowed, valid until store_close. control_fd is mail_fd without CONTROL=. */
int store_mail_fd(const struct store *st);
int store_control_fd(const struct store *st);
const struct store_conf *store_conf(const struct store *st);
const struct foldername_conf *store_names(const struct store *st);

/*
 * Open the Maildir of a mailbox; folder_close() when done. Missing cur, new or
 * tmp of an existing folder are made, and its control folder. What Courier left
 * is taken over when there is no uidlist yet (import.h).
 * Errors: ERR_NOTFOUND (also for \NonExistent parents), ERR_INVALID.
 */
int store_folder_open(struct store *st, struct slice name, struct folder *out,
    struct err *err) MUST_CHECK;

/* 1 when the mailbox is there and selectable, 0 when not (or not a possible
 * name), -1 on errors of the system. */
int
store_exists(struct store *st, struct slice name, struct err *err) MUST_CHECK;

/*
 * The mail folder came back from a backup: of one mailbox, UIDNEXT jumps by
 * UIDLIST_JUMP, so that no UID that was told after the backup was made is given
 * again. 1 done; 0 no list, nothing was told; -1: ERR_BUSY (its lock is held:
 * call again after MAILBOX_RETRY_MS), ERR_LIMIT (UIDs are used up), or as
 * store_folder_open. Blocks for a flush.
 */
int store_jump(struct store *st, struct slice name, struct err *err) MUST_CHECK;

/* The file restante/pop3 in the mail folder, made when it is missing: the lock
 * (flock) and the last login of POP3 sessions. */
int store_pop3_file(struct store *st, int *fd_out, struct err *err) MUST_CHECK;

/* The folder of the user's index (index.h), made when it is missing. The
 * caller's to close. */
int store_index_dir(struct store *st, int *dir_out, struct err *err) MUST_CHECK;

/* ---- operations ---- */

struct store_op;

/* RFC 9051 6.3.4. A trailing separator is fine. Parents are not made on disk:
 * they are listed as \NonExistent. ERR_EXISTS, ERR_INVALID, ERR_LIMIT. */
int store_create(struct store *st, struct slice name, struct store_op **out,
    struct err *err) MUST_CHECK;
/* RFC 9051 6.3.5. Children stay. ERR_NOTFOUND; ERR_DENIED for INBOX;
 * ERR_INVALID for a \NonExistent name with children ([HASCHILDREN]).
 * The name is gone with the first step, the mail portion by portion after. */
int store_delete(struct store *st, struct slice name, struct store_op **out,
    struct err *err) MUST_CHECK;
/* RFC 9051 6.3.6, children included (children first: a crash leaves valid
 * mailboxes, and the same RENAME finishes it). Of INBOX: its messages move to
 * the new mailbox, INBOX stays, empty, with its children. Subscriptions stay
 * as they are. ERR_NOTFOUND, ERR_EXISTS, ERR_INVALID (below itself). */
int store_rename(struct store *st, struct slice from, struct slice to,
    struct store_op **out, struct err *err) MUST_CHECK;
/* Add to or take from the subscriptions; the mailbox need not exist. Doing it
 * twice is no error. */
int store_subscribe(struct store *st, struct slice name, bool on,
    struct store_op **out, struct err *err) MUST_CHECK;

/* One portion: STEP_AGAIN, STEP_FLUSH (fs holds what to flush; its fds belong
 * to the operation), STEP_EVENT (only of subscribe: another program holds the
 * lock; step again after MAILBOX_RETRY_MS, after 130 s it is ERR_BUSY),
 * STEP_DONE, STEP_FAIL (err says why). */
enum step store_op_step(
    struct store_op *op, struct flush_set *fs, struct err *err) MUST_CHECK;
void store_op_free(struct store_op *op); /* NULL is fine; also half-way */
/* Step to the end, flushing in place: for processes without a loop, tests.
 * Frees op. ERR_BUSY when it would have to wait. */
int store_op_run(struct store_op *op, struct err *err) MUST_CHECK;

/* ---- list ---- */

enum store_entry_flag {
	STORE_NONEXISTENT = 1,  /* a level only; not selectable */
	STORE_HAS_CHILDREN = 2, /* mailboxes (not mere subscriptions) below */
	STORE_SUBSCRIBED = 4,
	STORE_SUBSCRIBED_BELOW = 8, /* a name below it is subscribed */
	STORE_INBOX = 16,
	STORE_SUBS_ONLY = 32 /* known from subscriptions alone, with
				STORE_NONEXISTENT: LIST leaves it out, LSUB and
				LIST (SUBSCRIBED) show it */
};

struct store_entry {
	struct slice name; /* client's form; valid until the list is closed */
	unsigned flags;    /* enum store_entry_flag */
};

struct store_list;

/* All mailboxes, missing levels and subscribed names, sorted (a parent before
 * its children, INBOX first). One readdir of the root and one read of the
 * subscriptions; a snapshot. ERR_LIMIT over conf.max_folders. */
int store_list_open(
    struct store *st, struct store_list **out, struct err *err) MUST_CHECK;
bool store_list_next(struct store_list *l, struct store_entry *out);
void store_list_rewind(struct store_list *l);
void store_list_close(struct store_list *l); /* NULL is fine */

#endif
