/* SPDX-License-Identifier: ISC */
/*
 * dovecot-uidlist: which UID belongs to which file. Holds the header and how
 * far the list was read, not the records: those are the mailbox's.
 */
#ifndef LIBMAILDIR_UIDLIST_H
#define LIBMAILDIR_UIDLIST_H

#include "libmaildir/dotlock.h"
#include "libmaildir/uidlist_text.h"

/* UIDs left out when it is not known which were given last (DESIGN 3, 11): a
 * lost list, a restored backup. */
#define UIDLIST_JUMP (1u << 20)

struct uidlist {
	struct folder *folder; /* borrowed */
	int fd;                /* of the list as last seen; -1: none */
	uint64_t dev, ino;
	uint64_t off;      /* read by uidlist_read() up to here */
	uint64_t end;      /* known to be whole lines up to here */
	uint64_t flushed;  /* of this inode: on disk up to here (U1) */
	uint32_t last_uid; /* of the last record known */
	uint32_t floor;    /* UIDs up to here were given under floor_validity */
	uint32_t floor_validity;
	uint32_t n_lines;         /* records read by uidlist_read() */
	struct uidlist_head head; /* version 0: no list yet */
	struct dotlock lock;
};

void uidlist_init(struct uidlist *ul, struct folder *f);
void uidlist_free(struct uidlist *ul); /* unlocks */

/* How far a list was read, for another process to go on from there. */
struct uidlist_mark {
	uint64_t dev, ino, off, flushed;
	uint32_t last_uid, floor, n_lines;
	struct uidlist_head head;
};
/* false: it has not been read to its end. */
bool uidlist_get_mark(const struct uidlist *ul, struct uidlist_mark *out);
/* As if it had been read up to there; before the first read. 1, 0 it is another
 * list (or none) by now: nothing was done, -1. */
int uidlist_resume(struct uidlist *ul, const struct uidlist_mark *m,
    struct err *err) MUST_CHECK;

/* Is the open list of the mailbox with this head? 1, 0, -1. */
int uidlist_is_of(struct uidlist *ul, const struct uidlist_head *h,
    struct err *err) MUST_CHECK;
/* Is the folder's list just that one, and no longer? Opens nothing. 1, 0, -1.
 */
int uidlist_is_at(const struct folder *f, const struct uidlist_mark *m,
    struct err *err) MUST_CHECK;

/* Who is told the records. reset: the list is another one than before: forget
 * all, what follows are all of them. Slices die with the call. */
struct uidlist_reader {
	void *arg;
	void (*reset)(void *arg);
	void (*rec)(void *arg, const struct uidlist_rec *rec);
};
/* Read what is new since the last call. 1: something was told, 0: nothing new
 * (also: no list; head.version says), -1. A list that is no list: ERR_CORRUPT.
 */
int uidlist_read(struct uidlist *ul, const struct uidlist_reader *reader,
    struct err *err) MUST_CHECK;
/* The lock of numbers and keywords. 1 held, 0 busy, -1 (see dotlock_take). */
int uidlist_lock(struct uidlist *ul, struct err *err) MUST_CHECK;
void uidlist_unlock(struct uidlist *ul);

/* ---- under the lock ---- */

/* Make sure that there is a list of version 3 with a GUID, and know its end
 * and its next UID, without reading it whole. A new one gets
 * hint->uidvalidity, next_uid, guid where these are not 0. */
int uidlist_prepare(struct uidlist *ul, const struct uidlist_head *hint,
    struct err *err) MUST_CHECK;
/* The next UID to give: above all that were told. 0: there is none left. */
uint32_t uidlist_next(const struct uidlist *ul);
/* Append lines (uidlist_print_rec) of records with UIDs from uidlist_next() on;
 * last is the highest. All of them or none. */
int uidlist_append(struct uidlist *ul, struct slice lines, uint32_t last,
    struct err *err) MUST_CHECK;

/* What becomes of a record: 0 left out, 1 kept. It may be changed; what it
 * points to then must live until the next call. 2: another with a lower UID,
 * put into *rec, stands before it; the same record is asked for again. At the
 * end a record with UID 0 is asked for, where 0 and 1 mean: no more. */
typedef int uidlist_keep_fn(void *arg, struct uidlist_rec *rec);
/* Write the list anew, flushed. next_uid: the header's N is at least that. */
int uidlist_rewrite(struct uidlist *ul, uidlist_keep_fn *keep, void *arg,
    uint32_t next_uid, struct err *err) MUST_CHECK;

/* ---- flushing (U1) ---- */

bool uidlist_is_flushed(const struct uidlist *ul);
/* After a flush of inode ino that covered off bytes. */
void uidlist_note_flushed(struct uidlist *ul, uint64_t ino, uint64_t off);

#endif
