/* SPDX-License-Identifier: ISC */
/*
 * How a long operation says why it stopped, and which descriptors it wants
 * flushed before it goes on. Returned by libmaildir and by commands; carried
 * out by libnet (the flusher) or, in processes without a loop, by
 * io_flush_now() of libmaildir.
 */
#ifndef LIBBASE_STEP_H
#define LIBBASE_STEP_H

#include "libbase/attr.h"

enum step {
	STEP_DONE,  /* finished; for a command: tagged reply queued */
	STEP_AGAIN, /* did a portion; more to do */
	STEP_INPUT, /* wants more bytes of the literal */
	STEP_DRAIN, /* output is above its high mark */
	STEP_FLUSH, /* call again when the flush set has been flushed */
	STEP_EVENT, /* waits for a wake-up: IDLE, lock, another process */
	STEP_FAIL   /* the struct err says why */
};

/* Order of flushing: all files, then each folder and each list once. */
enum flush_kind {
	FLUSH_FILE,
	FLUSH_FOLDER,
	FLUSH_LIST
};

#define FLUSH_SET_MAX 32
struct flush_set {
	struct {
		int fd; /* borrowed: stays open until the set is done */
		enum flush_kind kind;
	} want[FLUSH_SET_MAX];
	unsigned n;
	int error; /* errno of the first failure, 0 when all are flushed */
};

#endif
