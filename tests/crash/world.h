/* SPDX-License-Identifier: ISC */
/*
 * A user's mail, a spool, and the journal of what anybody was told about them.
 * A scene works in a world while a recorder writes; a judge compares what a
 * power cut left with the journal.
 */
#ifndef TESTS_CRASH_WORLD_H
#define TESTS_CRASH_WORLD_H

#include "libmaildir/copy.h"
#include "libmaildir/save.h"
#include "libmaildir/store.h"
#include "libmaildir/view.h"
#include "submitd/spool.h"
#include "tests/crash/replay.h"

#define MAX_BOXES 8
#define MAX_MIDS  256
#define MANY      INT32_MAX

/* Boxes are numbers that the scene gives: INBOX is 0. Messages, too (mid). */
enum promise_kind {
	P_AT,    /* box is under name, or under name2 (NULL: under name) */
	P_MAYBE, /* box may be under name */
	P_GONE,  /* box is under no name */
	P_COUNT, /* box holds min to max of mid */
	P_TOTAL, /* all boxes together */
	P_UID,   /* uid of validity was told to be mid */
	P_SUB,   /* name is subscribed (1), is not (0), may be (-1): min */
	P_WORDS  /* mid may have keywords w0.. of the mask uid */
};

struct promise {
	enum promise_kind kind;
	unsigned box, mid;
	uint32_t uid, validity;
	int min, max;
	const char *name, *name2;
};

struct world {
	char *root; /* holds mail/, control/ and spool/ */
	struct record rec;
	struct promise *v; /* the journal */
	size_t n, cap;
	bool has_control; /* CONTROL= elsewhere */
	bool has_quota;
	struct store *st;
	struct mailboxes *ms;
	struct spool spool;
	/* of a judge: where it looks, what is wrong */
	char fault[4096];
	unsigned locks;             /* waited for until they were stale */
	unsigned counted[MAX_MIDS]; /* by the last judgement */
	unsigned once; /* invariant of lost and doubled ones; 0: 3 and 2 */
	/* a scene's own judgement, after the mailboxes were looked at, with
	 * the store open: 0, or -1 with fault */
	int (*judge)(struct world *w, size_t marks);
	/* before it: a queue that starts again */
	int (*recover)(struct world *w, const char *root, size_t marks);
	void *own;
};

void world_open(struct world *w, bool control, bool quota);
void world_close(struct world *w);
/* The store of a world that is below root; also for the judge. */
void world_start(struct world *w, const char *root);
void world_stop(struct world *w);

/* ---- promises ---- */

void promise(struct world *w, struct promise p);
void
promise_count(struct world *w, unsigned box, unsigned mid, int min, int max);
void promise_total(struct world *w, unsigned mid, int min, int max);
void promise_box(struct world *w, enum promise_kind kind, unsigned box,
    const char *name, const char *name2);

/* ---- what scenes do; whatever fails ends the program ---- */

void must(bool ok, const struct err *err, const char *what);
void make_text(unsigned mid, struct buf *out);
/* The text's mid, or 0 when it is not whole. */
unsigned text_mid(struct slice text);

struct mailbox *world_box(struct world *w, const char *name);
/* Refresh and update; all UIDs that it shows are told. */
void world_look(struct world *w, unsigned box, struct view *v);
/* n messages from mid on as one save; told when tell. */
void world_append(struct world *w, unsigned box, struct mailbox *mb,
    unsigned mid, unsigned n, bool tell);
void world_commit(struct world *w, struct save *s);
/* A lock is in the way: let time pass until it is stale. */
bool world_wait(struct world *w, unsigned *tries);
void world_op(struct store_op *op);
/* The mid of a message in a view. */
unsigned world_mid(struct mailbox *mb, struct mailbox_rec *rec);

/* ---- judgement ---- */

/* Of the folder at root, with the first marks promises told. 0, or -1 with
 * w->fault, which begins with "invariant N:". */
int world_judge(struct world *w, const char *root, size_t marks);
int world_fault(struct world *w, const char *fmt, ...) PRINTF(2, 3);

#endif
