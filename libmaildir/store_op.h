/* SPDX-License-Identifier: ISC */
/* An operation on the tree: its struct, for store_op.c and store_rename.c. */
#ifndef LIBMAILDIR_STORE_OP_H
#define LIBMAILDIR_STORE_OP_H

#include "libmaildir/dotlock.h"
#include "libmaildir/store_private.h"

typedef enum step
store_op_fn(struct store_op *op, struct flush_set *fs, struct err *err);

struct store_op {
	struct store *st;
	store_op_fn *step;
	void (*drop)(struct store_op *op); /* when it ends, whatever way */
	unsigned phase;                    /* of the step function */
	bool is_flushing;
	bool on; /* subscribe, not unsubscribe */
	struct foldername from, to;
	struct buf name; /* of the subscription */
	struct dotlock lock;
	struct folder folder; /* what is being made */
	struct folder inbox;
	struct folder lock_at; /* borrows: where the subscriptions lie */
	int file;
	char **children; /* names on disk below from */
	size_t n_children, cap_children, next_child;
};

struct store_op *store_op_new(struct store *st, store_op_fn *step);
/* Empty the set before wishes are put into it. */
void store_op_begin_flush(struct flush_set *fs);
/* Flush what the set holds, then go on; checked at the next step. */
enum step store_op_flush(struct store_op *op);
/* Make the folder of a new mailbox and open it. Nothing is flushed. */
int store_op_make(struct store_op *op, const struct foldername *disk,
    struct folder *out, struct err *err) MUST_CHECK;

#endif
