/* SPDX-License-Identifier: ISC */
/* What the files of libnet share about the loop; nobody else includes this. */
#ifndef LIBNET_LOOP_PRIVATE_H
#define LIBNET_LOOP_PRIVATE_H

#include <ev.h>

#include "libnet/loop.h"

struct conn;
struct flusher;

struct loop_job {
	void (*fn)(void *arg);
	void *arg;
};

struct loop_jobs { /* a queue that is run from a copy */
	struct loop_job *v;
	size_t n, cap;
};

struct loop_signal {
	struct loop_signal *next;
	ev_signal ev;
	void (*cb)(void *arg, int signum);
	void *arg;
};

/* Blocks for what passes through: lent to chains and input buffers, kept while
 * the process is busy, given back when it is idle. The heap would be grown and
 * trimmed for each of them (a third of the time, measured). */
#define LOOP_BLOCK      ((size_t)64 * 1024 + 256)
#define LOOP_MAX_SPARES 8

struct loop_blocks {
	void *spare[LOOP_MAX_SPARES];
	unsigned n;
	bool used; /* since the timer last rang */
	ev_timer idle;
};

struct loop {
	struct ev_loop *ev;
	struct loop_jobs soon;  /* next round */
	struct loop_jobs late;  /* this round, after the callbacks: output */
	struct loop_jobs defer; /* this round, last */
	struct loop_jobs spare; /* memory of the queue that ran last */
	struct loop_signal *signals;
	void (*check)(void *arg);
	void *check_arg;
	uint64_t slice_end_us;
	bool stop;
	bool in_round;
	int epoll_fd; /* where loop_forget looks first */
	bool hurry;   /* the process leaves: closed connections linger less */
	struct loop_blocks blocks;
	struct flusher *flusher; /* of flush.c */
	struct conn *closing;    /* of conn_end.c */
	char *scratch[3];        /* see loop_scratch */
};

#define LOOP_SCRATCH     ((size_t)64 * 1024)
#define LOOP_SCRATCH_OUT ((size_t)80 * 1024) /* block 2 */

/* A block nobody keeps beyond one call: 0 for what a transport reads, and for
 * records being put together; 1 for what a connection reads, and for files;
 * 2 for what TLS wants to send. Saves 192 KiB a connection. */
char *loop_scratch(struct loop *loop, unsigned which);
/* LOOP_BLOCK bytes. loop may be NULL. */
void *loop_block_get(struct loop *loop);
void loop_block_put(struct loop *loop, void *block);
/*
 * A watch is stopped and its descriptor goes to another process, which keeps
 * the file open: the kernel must be told now. Closing does not, and libev,
 * which leaves it to closing, would meet the events of a descriptor it no
 * longer has, and then make its epoll anew with all that is watched.
 */
void loop_forget(struct loop *loop, int fd);
/* Run fn(arg) in this round, when all callbacks have run. */
void loop_late(struct loop *loop, void (*fn)(void *arg), void *arg);
/* flush.c: end the threads, free. */
void flusher_free(struct flusher **f);

#endif
