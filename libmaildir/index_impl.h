/* SPDX-License-Identifier: ISC */
/*
 * The parts of the index among themselves: the state and its lease
 * (index_state.c, index_lease.c), trees (index_db.c), the table of heads
 * (index_heads.c), what is to be written (index_batch.c).
 */
#ifndef LIBMAILDIR_INDEX_IMPL_H
#define LIBMAILDIR_INDEX_IMPL_H

#include "libbase/ceilings.h"
#include "libbase/err.h"
#include "libmaildir/index.h"

#define INDEX_STATE_NAME "index.state"
#define INDEX_HEADS_NAME "mailboxes.db"

static inline void
index_put64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static inline uint64_t
index_get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* ---- index.state ---- */

enum index_writing {
	INDEX_WRITES_NOTHING,
	INDEX_WRITES_HEADS,
	INDEX_WRITES_BOX
};

struct index_state {
	uint64_t ident;      /* drawn when the index was made */
	uint64_t owner;      /* whose it is, as the caller says */
	uint64_t generation; /* one more with each write */
	uint64_t heads;      /* that at which the heads were written; 0 none */
	enum index_writing writing;
	uint64_t box; /* which, for INDEX_WRITES_BOX */
	bool flushed;
	uint8_t boot[16]; /* the boot id of the machine that wrote it */
};

enum index_found {
	INDEX_GOOD,
	INDEX_NONE, /* the file is empty */
	INDEX_BAD   /* not one of ours; or of another format */
};

enum index_found index_state_read(int fd, struct index_state *out);
/* In place, in one write. */
bool index_state_write(int fd, const struct index_state *st);

/* ---- trees ---- */

#define INDEX_KEY_MAX   9
#define INDEX_PAGE      (16u * KIB)
#define INDEX_HEAD_PAGE (4u * KIB)

struct index_tree;

enum index_mode {
	INDEX_READ,
	INDEX_WRITE,
	INDEX_MAKE /* there is none of that name */
};

/* By names in the working directory, which is the index's. NULL with err. */
struct index_tree *index_db_open(
    const char *name, uint32_t page, enum index_mode mode, struct err *err);
/* -1: what was put may not be there. */
int index_db_close(struct index_tree **t, struct err *err);
/* 1, 0 not there, -1. The bytes are appended. */
int index_db_get(
    struct index_tree *t, struct slice key, struct buf *out, struct err *err);
int index_db_put(struct index_tree *t, struct slice key, struct slice value,
    struct err *err);
/* Many at once: next gives them in the order of keys, false at the end. */
typedef bool index_db_next(void *arg, struct slice *key, struct slice *value);
int index_db_put_all(
    struct index_tree *t, index_db_next *next, void *arg, struct err *err);
/* All from lo to hi, both of one length. */
int index_db_del(
    struct index_tree *t, struct slice lo, struct slice hi, struct err *err);
typedef bool index_db_fn(void *arg, struct slice key, struct slice value);
/* All from lo to hi in order. 0, also when fn had enough. */
int index_db_read(struct index_tree *t, struct slice lo, struct slice hi,
    size_t want, index_db_fn *fn, void *arg, struct err *err);

/* ---- the index ---- */

struct index_head {
	uint64_t box;
	uint64_t revision; /* drawn with each write */
	uint64_t tree;     /* the revision that its tree has; 0: has none */
	size_t n;
	char *p;
};

#define INDEX_CHANGED_MAX 32

struct index {
	struct index_conf conf;
	uint64_t owner;
	bool knows_boot; /* else a restart of the machine is not seen */
	int fd;          /* index.state, while the lease is held */
	struct index_state st;
	uint64_t ident; /* of the last one seen, 0 none yet */
	struct index_head *heads;
	size_t n_heads, cap_heads;
	uint64_t heads_ident, heads_generation; /* when they were read; 0 not */
	/* what this process has written and not flushed; more than fit: all */
	uint64_t changed[INDEX_CHANGED_MAX];
	size_t n_changed;
	bool unflushed, flush_all;
	uint64_t rest_until_us; /* no use to try before */
	const char *drop_wanted;
	bool lost;
};

/* The lease: the lock held, the state read, the working directory set. What a
 * dead writer left has been cleared away. false: not now. */
bool index_lease_take(struct index *ix, bool to_write);
void index_lease_end(struct index *ix);
/* Before a file is written; and when all are done. false: it could not be said,
 * nothing may be written. */
bool index_lease_name(struct index *ix, enum index_writing what, uint64_t box);
bool index_lease_done(struct index *ix, bool with_heads);
/* With the lease to write: all files gone, a new state. */
bool index_lease_drop(struct index *ix, const char *why);
/* The state without the lock, as long as nobody writes. */
bool index_lease_peek(struct index *ix, struct index_state *out);

#define INDEX_NAME_MAX 32
void index_box_name(uint64_t box, char out[INDEX_NAME_MAX]);
/* The file and libdb's twin of it. false: it is still there. */
bool index_unlink(const struct index *ix, const char *name);

/* ---- heads ---- */

/* With a lease: the table is what the state says. */
bool index_heads_load(struct index *ix, struct err *err);
struct index_head *index_heads_find(const struct index *ix, uint64_t box);
/* Puts (or takes out: n 0 and no tree) and writes; the state names it. */
bool index_heads_write(
    struct index *ix, const struct index_head *head, struct err *err);
void index_heads_clear(struct index *ix);

/* ---- batches ---- */

struct index_op {
	uint64_t key, hi; /* hi: of a range that is deleted */
	size_t off, n;    /* of a value */
	uint32_t nr;      /* the order they came in */
	uint8_t kind;
	bool dead; /* a later one undoes it */
};

struct index_batch {
	size_t max_bytes;
	struct buf values;
	struct index_op *puts, *dels;
	size_t n_puts, cap_puts, n_dels, cap_dels;
	uint32_t nr;
	bool sorted;
};

/* Ordered by key, dead ones marked: now all dels, then all puts. */
void index_batch_sort(struct index_batch *b);

#endif
