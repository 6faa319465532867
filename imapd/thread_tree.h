/* SPDX-License-Identifier: ISC */
/*
 * Threads of messages: ORDEREDSUBJECT and REFERENCES (RFC 5256 3), REFS
 * (draft-ietf-morg-inthread: REFERENCES without the gathering by subject,
 * threads in the order of their latest arrival). Fed with message after
 * message, then made in portions, then told in portions. Nothing recurses,
 * whatever the references say.
 */
#ifndef IMAPD_THREAD_TREE_H
#define IMAPD_THREAD_TREE_H

#include "imapd/sort_keys.h"
#include "imapd/sort_run.h"
#include "libbase/hash.h"

#define THREAD_NONE UINT32_MAX

enum thread_kind {
	THREAD_ORDEREDSUBJECT,
	THREAD_REFERENCES,
	THREAD_REFS
};

/* A message, or a dummy: what is only referred to, or holds others together. */
struct thread_node {
	uint32_t seq;      /* 0: a dummy */
	uint32_t parent;   /* by references; when the tree is made: in it */
	uint32_t up;       /* on the way to the root, shortened as it is gone */
	uint32_t children; /* how many name it as parent */
	uint32_t first, last, next; /* children in order */
	bool is_reply;
	int64_t sent, arrival;
	const char *subject; /* base subject, "": none */
};

struct thread_tree {
	struct thread_node *node;
	uint32_t n;
	uint32_t first, last; /* threads in order, linked by next */
	bool failed;          /* over its ceiling of memory */

	/* private */
	enum thread_kind kind;
	uint32_t cap;
	size_t max, bytes;
	struct arena texts;
	struct map ids, subjects; /* to nodes */
	uint32_t *order, *spare;  /* messages; threads */
	uint32_t n_order, cap_order, n_threads;
	struct sort_run run;
	unsigned phase;
	uint32_t at; /* how far the phase is */
};

/* max: bytes of memory. */
void thread_tree_init(struct thread_tree *t, enum thread_kind kind, size_t max);
void thread_tree_free(struct thread_tree *t);
/* What it has to know of each message (sort_keys.h). */
unsigned thread_tree_needs(enum thread_kind kind);
/* The next message, in the order of the mailbox. */
void thread_tree_add(
    struct thread_tree *t, uint32_t seq, const struct sort_record *rec);
/* After the last one. True when the tree is made, or t->failed; false: a
 * portion is done. */
bool thread_tree_make(struct thread_tree *t, unsigned portion);

/* The THREAD response (RFC 5256 4), what stands behind "THREAD ". */
struct thread_teller {
	const struct thread_tree *tree;
	/* private */
	uint32_t thread, at;
	unsigned phase;
};
void thread_tell_begin(struct thread_teller *tt, const struct thread_tree *t);
/* The next bytes: at most 16 more than max. number tells how a message is told.
 * True at the end. */
bool thread_tell(struct thread_teller *tt, size_t max, struct buf *out,
    uint32_t (*number)(const void *arg, uint32_t seq), const void *arg);

#endif
