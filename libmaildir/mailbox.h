/* SPDX-License-Identifier: ISC */
/*
 * An open mailbox: in memory once a process, shared by all connections that
 * use it. Sessions look at it through views (view.h), which alone have
 * sequence numbers. Making messages: save.h, copy.h; reading them: fetch.h.
 *
 * Opening is cheap: nothing is read. What is in the folder is loaded by the
 * first refresh, which also finds what others did since. A mailbox that is only
 * a target of save or copy is never loaded.
 *
 * Steps. STEP_FLUSH: flush the set, call again with the same set. STEP_EVENT:
 * another process holds the lock of the list; call again after
 * MAILBOX_RETRY_MS (after 120 s it is ERR_BUSY).
 */
#ifndef LIBMAILDIR_MAILBOX_H
#define LIBMAILDIR_MAILBOX_H

#include "libbase/seqset.h"
#include "libbase/step.h"
#include "libmaildir/folder.h"
#include "libmaildir/modseq.h"
#include "libmaildir/name.h"
#include "libmaildir/watch.h"

#define MAILBOX_RETRY_MS 20

struct store;
struct view;
struct mailbox;

/* One message. Its owner is the mailbox; lives as long as any view shows it. */
struct mailbox_rec {
	uint32_t uid;
	uint32_t keywords; /* letters: bit 0 is a; names: mailbox_keyword() */
	uint64_t modseq;
	uint64_t size, wire;  /* NAME_NO_SIZE: not known; mailbox_sizes() */
	int64_t internaldate; /* mtime, seconds; MAILBOX_NO_DATE: not known */
	int64_t sent;         /* the Date field: mailbox_rec_sent();
				 MAILBOX_NO_DATE: not known */
	char *name;           /* the file's whole name */
	char *guid;           /* NULL: the base name is it */
	char *uidl;           /* the list's P: what POP3 told; NULL: none */
	uint64_t seen_scan;   /* private: last scan that saw it */
	uint32_t pop3_order;  /* the list's O; 0: none */
	uint8_t base_len;     /* of name */
	uint8_t flags;        /* enum mail_flag */
	bool in_new;          /* the file lies in new/ */
	bool is_recent;       /* came by ourselves, no session was told yet */
	bool is_gone;         /* expunged; some view still shows it */
	bool is_flushed;      /* its bytes are on disk, as far as we know */
	bool is_shown;        /* private: has UID and file */
	bool to_list;         /* private: size, wire, uidl are to be kept */
	bool was_hidden;      /* private: the index has it, nobody saw it yet */
	bool to_index;        /* private: differs from what the index has */
	bool in_slab;         /* private: this, and name, are of a slab */
	bool name_in_slab;
	uint8_t summaries; /* what the index has of it: summaries.h */
};
#define MAILBOX_NO_DATE INT64_MIN

/* rec->sent, taken apart. false: there is no Date field, or it is none. */
struct mailbox_sent {
	int64_t utc;
	int zone_mins; /* east of UTC */
};
bool mailbox_rec_sent(const struct mailbox_rec *rec, struct mailbox_sent *out);
/* What there is to know is known: out of the header; NULL: no date. */
void mailbox_sent_is(struct mailbox *mb, struct mailbox_rec *rec,
    const struct mailbox_sent *sent);

/* ---- all mailboxes of a store in this process ---- */

struct mailboxes;
struct mailboxes_conf {
	uint32_t stamp_grain_us; /* 0: 10000 */
	bool watch;              /* inotify; else polled by the program */
};
/* st may be NULL where only mailbox_open_folder is used. */
struct mailboxes *
mailboxes_new(struct store *st, const struct mailboxes_conf *conf);
void mailboxes_free(struct mailboxes **ms); /* no mailbox may be open */
/* For watch_fd() and watch_read(); NULL without conf.watch. */
struct watch *mailboxes_watch(struct mailboxes *ms);

/* May clients be told modseqs? Else NOMODSEQ. */
bool mailboxes_have_modseqs(const struct mailboxes *ms);

/*
 * Keep what is known in an index (index.h), which is theirs from here on: to be
 * called before the first mailbox is opened, in the one session of the user
 * alone. Mailboxes stay loaded then when the last one has closed them, the ones
 * used last. Modseqs are kept with it, their file in control, a folder that
 * stays open (modseq.h). -1: they cannot be, mailboxes_have_modseqs() says so.
 */
struct index;
int mailboxes_use_index(struct mailboxes *ms, struct index *ix, int control,
    struct err *err) MUST_CHECK;
/* Is there anything to write, or so much that it should be done now? Costs next
 * to nothing. */
enum mailboxes_news {
	NEWS_NONE,
	NEWS_SOME,
	NEWS_MANY
};
enum mailboxes_news mailboxes_news(const struct mailboxes *ms);
/* Nothing was written for a while: what was is made to last. Blocks. */
void mailboxes_flush_index(struct mailboxes *ms);
/* A portion of it. When to call again (clock_mono_us), 0: no need. */
uint64_t mailboxes_write_index(struct mailboxes *ms);

/* ---- open and close ---- */

/* The mailbox of that name (as store_folder_open takes it), opened now or by
 * another session already. ERR_NOTFOUND, ERR_INVALID. mailbox_close() it. */
int mailbox_open(struct mailboxes *ms, struct slice name, struct mailbox **out,
    struct err *err) MUST_CHECK;
/* The same of a folder; *f is the mailbox's after success. */
int mailbox_open_folder(struct mailboxes *ms, struct folder *f,
    struct mailbox **out, struct err *err) MUST_CHECK;
/* The last one frees it. *mb is NULL then. */
void mailbox_close(struct mailbox **mb);
/* It was deleted or renamed by a session of this process: those who have it
 * open go on with what they hold; the next mailbox_open makes a new one. */
void mailboxes_forget(struct mailboxes *ms, struct slice name);

struct folder *mailbox_folder(struct mailbox *mb);

/* ---- refresh ---- */

/* State of one caller's refresh; zeroed at the start. */
struct mailbox_refresh {
	uint64_t flush_ino, flush_off; /* what a flush in flight will cover */
	uint32_t flush_uid;            /* the last one in it */
	int flush_fd;                  /* valid while is_flushing */
	bool is_flushing;
};
/* Give up a refresh half-way (after its flush has been answered). */
void mailbox_refresh_drop(struct mailbox_refresh *r);
/*
 * Find what changed on disk, number what has no UID, flush the list. Costs a
 * few stats when nothing changed. STEP_DONE, STEP_FLUSH, STEP_EVENT, STEP_FAIL.
 * ERR_GONE: the folder has been deleted. Views call it by view_refresh().
 */
enum step mailbox_refresh(struct mailbox *mb, struct mailbox_refresh *r,
    struct flush_set *fs, struct err *err) MUST_CHECK;
/* The list alone, where it is another than before: UIDLs that others wrote. A
 * refresh reads it only when there are other files. */
int mailbox_read_list(struct mailbox *mb, struct err *err) MUST_CHECK;
/* Does the kernel tell of changes? Not when it grants no watch, on a network's
 * file system, nor for a folder that was taken away: then a program that waits
 * looks at its interval. */
bool mailbox_is_watched(const struct mailbox *mb);
/* Has somebody changed it since (by the watch, or by our own hand), so that a
 * refresh now is worth it? Costs no system call. Always true where the kernel
 * does not tell. */
bool mailbox_is_dirty(const struct mailbox *mb);
/* A scan was not certain (the folder changed in the last moments): refresh
 * again at that time (clock_mono_us), 0: no need. */
uint64_t mailbox_refresh_at_us(const struct mailbox *mb);

/* ---- what it is; loaded mailboxes only ---- */

struct mailbox_status {
	uint32_t messages, recent, unseen, deleted;
	uint32_t uidnext, uidvalidity;
	uint64_t highest_modseq; /* of what may be told; RFC 7162 3.1.2.1 */
	/* of those whose sizes are known: see mailbox_sizes_some() */
	uint64_t bytes;                    /* stored */
	uint64_t wire;                     /* octets on the wire */
	uint64_t deleted_bytes;            /* stored, of those with \Deleted */
	uint64_t unsized, deleted_unsized; /* messages that they leave out */
	char guid[33];                     /* of the mailbox, 32 hex digits */
};
/* Of one that is not loaded: 1 nothing has changed since the index was written,
 * *out is what it says; 0: refresh it, -1. Reads no folder. */
int mailbox_peek(
    struct mailbox *mb, struct mailbox_status *out, struct err *err) MUST_CHECK;
void mailbox_status(struct mailbox *mb, struct mailbox_status *out);
uint32_t mailbox_uidvalidity(const struct mailbox *mb);
/* NULL when there is none. Valid until the next refresh. */
struct mailbox_rec *mailbox_find(const struct mailbox *mb, uint32_t uid);
/* Did the last scan see its file? What others delete is known to be gone only
 * once the folder rests; till then a message that was not seen most likely is.
 * For those who tell each client of what there is just once. */
bool mailbox_was_seen(const struct mailbox *mb, const struct mailbox_rec *rec);
struct slice mailbox_rec_base(const struct mailbox_rec *rec);
struct slice mailbox_rec_guid(const struct mailbox_rec *rec);
int64_t mailbox_rec_savedate(const struct mailbox_rec *rec); /* -1: unknown */

/* Octets stored and on the wire, INTERNALDATE: what the name does not say is
 * looked up and kept. ERR_GONE. */
int mailbox_sizes(
    struct mailbox *mb, struct mailbox_rec *rec, struct err *err) MUST_CHECK;
int mailbox_date(
    struct mailbox *mb, struct mailbox_rec *rec, struct err *err) MUST_CHECK;
/* When its name was last changed: the file's ctime, in seconds. ERR_GONE. */
int mailbox_changed_at(struct mailbox *mb, struct mailbox_rec *rec,
    int64_t *secs_out, struct err *err) MUST_CHECK;
/* Open the file to read. Finds it again when it was renamed. ERR_GONE. */
int mailbox_open_message(struct mailbox *mb, struct mailbox_rec *rec,
    int *fd_out, struct err *err) MUST_CHECK;
/* The same, with its bytes stored; its date is known from here on. */
int mailbox_open_sized(struct mailbox *mb, struct mailbox_rec *rec, int *fd_out,
    uint64_t *size_out, struct err *err) MUST_CHECK;
/* For sums of them: of all that may be told, in order of UID behind *uid (0 at
 * first), with only_deleted just what those with \Deleted have stored. A
 * portion a call: 1 call again, 0 all are known, -1. One that goes meanwhile is
 * passed over. */
int mailbox_sizes_some(struct mailbox *mb, bool only_deleted, uint32_t *uid,
    struct err *err) MUST_CHECK;
/* Somebody who read all of it has counted: kept as mailbox_sizes does. */
void mailbox_sizes_are(
    struct mailbox *mb, struct mailbox_rec *rec, uint64_t size, uint64_t wire);

/* Something of it became known that the index should keep (sent, summaries). */
void mailbox_rec_learnt(struct mailbox *mb, struct mailbox_rec *rec);

/* The UIDL of a message from now on: in the list after mailbox_write_list(). */
void
mailbox_set_uidl(struct mailbox *mb, struct mailbox_rec *rec, const char *uidl);
/* Sizes and UIDLs that the list does not have are written to it and flushed; at
 * the last close it is tried by itself. 1 done, 0 the lock is busy, -1. */
int mailbox_write_list(struct mailbox *mb, struct err *err) MUST_CHECK;

/* ---- keywords ---- */

/* Name of a letter (0..25), NULL when it has none. Valid until a refresh. */
const char *mailbox_keyword(const struct mailbox *mb, unsigned letter);
/* May clients make new ones (\* in PERMANENTFLAGS)? */
bool mailbox_keywords_free(const struct mailbox *mb);
/*
 * Letters of these names; with make the missing ones are given, under the lock.
 * Without it unknown names have no bit. Case does not matter. 1: *mask_out set;
 * 0: the lock is held elsewhere, call again after MAILBOX_RETRY_MS; -1:
 * ERR_LIMIT, none is free.
 */
int mailbox_keyword_mask(struct mailbox *mb, const struct slice *names,
    size_t n, bool make, uint32_t *mask_out, struct err *err) MUST_CHECK;

/* The lock of numbers and keywords, for a moment between two steps of nobody:
 * 1 held, 0 busy (call again after MAILBOX_RETRY_MS), -1. */
int mailbox_hold(struct mailbox *mb, struct err *err) MUST_CHECK;
void mailbox_release(struct mailbox *mb);
/* mailbox_keyword_mask() of one name with make, between these. 0, -1. */
int mailbox_keyword_held(struct mailbox *mb, struct slice name,
    uint32_t *mask_out, struct err *err) MUST_CHECK;

/* ---- modseqs (changes.c) ---- */

/* Does this mailbox have them for clients? */
bool mailbox_has_modseqs(const struct mailbox *mb);
/*
 * UIDs expunged since a modseq, of `within` (NULL: of all). true: exactly
 * those; false: the log does not reach back so far, so it is all UIDs given
 * that are not there. *uids_out is replaced; it may fail by its ceiling.
 */
bool mailbox_vanished(const struct mailbox *mb, uint64_t since,
    const struct seqset *within, struct seqset *uids_out);
/* The UIDs of messages that may have a modseq above since, without a look at
 * all of them; false when that must be. *uids_out is replaced. */
bool mailbox_changed(
    const struct mailbox *mb, uint64_t since, struct seqset *uids_out);

/* ---- changing flags ---- */

enum flag_op {
	FLAG_SET,
	FLAG_ADD,
	FLAG_REMOVE
};
struct flag_change {
	enum flag_op op;
	uint8_t flags;     /* enum mail_flag */
	uint32_t keywords; /* letters */
	/* ERR_BUSY when the message's modseq is above unchanged_since, or when
	 * somebody changes it in this moment. Refresh first. */
	bool is_conditional;
	uint64_t unchanged_since;
};
/*
 * One message. by: the view whose session does it (it is not told its own
 * change by view_update; the others are), or NULL. 1 changed, 0 was so
 * already, -1: ERR_GONE, ERR_BUSY (unchanged_since; also changed by another
 * program in this moment), or from the system.
 */
int mailbox_change(struct mailbox *mb, struct mailbox_rec *rec,
    const struct flag_change *how, struct view *by, struct err *err) MUST_CHECK;

#endif
