/* SPDX-License-Identifier: ISC */
/*
 * The only way a message comes to be: written to tmp/, counted on the way,
 * flushed, given its name, and only then seen. Nothing is left on any error.
 * CRLF is stored as LF. Several messages in one save come together or not at
 * all (MULTIAPPEND).
 *
 *	save_begin(); for each { save_add(); save_write()...; save_end(); }
 *	while ((r = save_commit()) == STEP_FLUSH) flush;
 *	save_free();		also to give up at any moment
 */
#ifndef LIBMAILDIR_SAVE_H
#define LIBMAILDIR_SAVE_H

#include "libmaildir/mailbox.h"

struct save;

/* Into a mailbox, with UIDs. The mailbox must stay open as long. */
int
save_begin(struct mailbox *mb, struct save **out, struct err *err) MUST_CHECK;
/* Delivery: into new/ (with flags: cur/) of a folder, numbered by whoever opens
 * the mailbox next. */
int
save_begin_new(struct folder *f, struct save **out, struct err *err) MUST_CHECK;

struct save_message {
	uint8_t flags;
	const struct slice *keywords; /* names; not kept */
	size_t n_keywords;
	int64_t internaldate; /* MAILBOX_NO_DATE: now */
	uint64_t max_bytes;   /* on the wire; 0: no limit. Over it ERR_LIMIT */
	/* What is stored is shown here too, as stored (mime_feed). May be
	 * NULL. */
	void (*tap)(void *arg, struct slice stored);
	void *tap_arg;
};
int save_add(
    struct save *s, const struct save_message *m, struct err *err) MUST_CHECK;
int save_write(struct save *s, struct slice bytes, struct err *err) MUST_CHECK;
int save_end(struct save *s, struct err *err) MUST_CHECK;
/* Bytes of the message being written, as stored. */
uint64_t save_size(const struct save *s);

/* STEP_FLUSH, STEP_EVENT (the lock), STEP_AGAIN; STEP_DONE: all are there and
 * survive power loss. STEP_FAIL: none is there. */
enum step
save_commit(struct save *s, struct flush_set *fs, struct err *err) MUST_CHECK;
void save_free(struct save **s); /* not committed: removed */

/* After STEP_DONE of a save with UIDs; i in order of save_add. */
uint32_t save_uidvalidity(const struct save *s);
size_t save_count(const struct save *s);
/* Stored octets of all its messages. */
uint64_t save_bytes(const struct save *s);
uint32_t save_uid(const struct save *s, size_t i);

/* ---- delivery in two recorded steps (DESIGN 5, 8) ---- */

/*
 * First: restante/stage/ID below the mail root, written and flushed. An ID that
 * is there already is replaced. IDs: letters, digits, '.', '-', '_', no
 * leading dot, at most 200. One message, save_add() included: flags and
 * keywords of it are not used here.
 */
int save_begin_stage(int mail_root, struct slice id, struct save **out,
    struct err *err) MUST_CHECK;
/*
 * Second: it becomes a message of the folder. Flags and keywords as for
 * save_add. save_commit() it. ERR_NOTFOUND: it is not there, so it has been
 * delivered.
 */
int save_begin_unstage(int mail_root, struct slice id, struct folder *to,
    const struct save_message *m, struct save **out,
    struct err *err) MUST_CHECK;
/* Throw a staged one away; not being there is no error. */
int save_drop_stage(int mail_root, struct slice id, struct err *err) MUST_CHECK;

#endif
