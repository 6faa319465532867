/* SPDX-License-Identifier: ISC */
/*
 * The cache of one user: what mailboxes hold, so that nobody has to look.
 * Berkeley DB trees in a folder of its own, opened, used and closed under one
 * lock (the lease). Records in, records out: what they mean is the caller's.
 *
 * It may vanish at any moment. Every call may find it gone, broken, full, of
 * another format or held by another process, and then says 0; the caller goes
 * on without. Nothing here ever fails, waits for longer than INDEX_WAIT_MS or
 * keeps a file of it open from one call to the next but the lock's.
 */
#ifndef LIBMAILDIR_INDEX_H
#define LIBMAILDIR_INDEX_H

#include "libbase/buf.h"
#include "libbase/ceilings.h"

#define INDEX_WAIT_MS   50
/* A longer one is not kept. */
#define INDEX_VALUE_MAX (size_t)(64 * KIB)

struct index;

struct index_conf {
	int dir;         /* the folder; the index's from here on; -1 none */
	bool drop_first; /* who used it last died by a signal */
	/* The user's name: files that were made for another are dropped. Need
	 * not outlive the call. */
	const char *owner;
	uint8_t boot_id[16]; /* all zero: the kernel's */
	/* 0: 16 MiB. With less free on its file system nothing is written. */
	uint64_t min_free;
	/* It was dropped: for one line of the log. */
	void (*dropped)(void *arg, const char *why);
	/* The folder is gone: a new one for the index to keep, or -1. NULL: it
	 * stays unusable then. */
	int (*again)(void *arg);
	void *arg;
};

/* Never NULL; what is wrong shows by calls that say 0. */
struct index *index_open(const struct index_conf *conf);
/* Flushes as index_flush() does. */
void index_close(struct index **ix);

/* Kinds of a mailbox's records: each has an order of its own. */
enum index_kind {
	INDEX_MESSAGE = 'm',  /* key: UID */
	INDEX_EXPUNGED = 'x', /* key: modseq */
	INDEX_SUMMARY = '0'   /* and the nine behind it; key: UID */
};

/* ---- heads: one short record a mailbox, all in one tree ---- */

#define INDEX_HEAD_MAX 1024
/* The user's own head. */
#define INDEX_USER     0

/* 1 and its bytes appended to out; 0: none. Heads are held in memory as long as
 * no other process has written: costs three system calls then. */
int index_head(struct index *ix, uint64_t box, struct buf *out);
/* All of them, by mailbox: fn says false to stop, and asks nothing of the
 * index. 1, 0 the index cannot be used. */
int index_heads(struct index *ix,
    bool (*fn)(void *arg, uint64_t box, struct slice head), void *arg);

/* ---- records ---- */

/* false: enough. The slice dies with the call, which is made under the lease:
 * it asks nothing of the index. */
typedef bool index_fn(void *arg, uint64_t key, struct slice value);
/* Records of a kind with keys from lo to hi, ascending, by bulk reads of about
 * `want` bytes each (0: as large as it goes). 1, 0 the index cannot be used or
 * has nothing of that mailbox; also after some were told, when it turned out
 * to be damaged: they are to be forgotten. */
int index_read(struct index *ix, uint64_t box, int kind, uint64_t lo,
    uint64_t hi, size_t want, index_fn *fn, void *arg);

/* ---- writing ---- */

/* What is to be written to one mailbox's tree, and its head: all in one lease;
 * a process that dies half-way loses that mailbox's records, never mixes them.
 */
struct index_batch;
struct index_batch *index_batch_new(size_t max_bytes);
void index_batch_free(struct index_batch **b);
void index_batch_reset(struct index_batch *b);
/* false: no room, nothing was added: write first. Keys in any order (those in
 * order cost less); of two for one key the later holds. */
bool index_batch_put(
    struct index_batch *b, int kind, uint64_t key, struct slice value);
bool index_batch_del(struct index_batch *b, int kind, uint64_t lo, uint64_t hi);

/* What a caller knows of a mailbox was read at this revision; another process
 * that wrote since makes the write say 0. Changed by each write. 0: none. */
uint64_t index_revision(struct index *ix, uint64_t box);
/* head of n 0: it stays. b NULL: the head alone. 1 written, 0 not. *revision as
 * above, in and out. The batch is put in order, and kept. */
int index_write(struct index *ix, uint64_t box, struct index_batch *b,
    struct slice head, uint64_t *revision);
/* Forget one mailbox: its file and its head. */
void index_drop_box(struct index *ix, uint64_t box);
/* Forget all. */
void index_drop(struct index *ix, const char *why);
/* Is there one that answers? false after it was found unusable, until it was
 * made anew. */
bool index_is_usable(struct index *ix);
/* Was it empty when it was opened, or dropped since? What a client was told of
 * modseqs then is not in it. Asked once: false the next time. */
bool index_was_lost(struct index *ix);

/* Unflushed writes are lost with the machine's power, and with them the whole:
 * so flush now and then. Blocks. */
void index_flush(struct index *ix);
bool index_is_flushed(const struct index *ix);

/* For statistics. */
struct index_stats {
	uint64_t bytes, boxes;
};
int index_stats(struct index *ix, struct index_stats *out);

#endif
