/* SPDX-License-Identifier: ISC */
/*
 * Who is local (DESIGN 7): an address becomes recipients. In this order: exact
 * alias, alias without +detail, user name (+detail names a folder), catch-all.
 * Whether a user exists only auth knows, so it takes time.
 */
#ifndef SUBMITD_RESOLVE_H
#define SUBMITD_RESOLVE_H

#include "submitd/queue.h"

struct resolve;

/* rcpts is valid during the call; only with QUEUE_OK are there any. The resolve
 * is freed when it returns. */
typedef void resolve_fn(
    void *arg, enum queue_answer a, const struct spool_rcpt *rcpts, unsigned n);

/* done may be called from inside. NULL then, else a handle until done. */
struct resolve *resolve_start(
    struct queue *q, struct slice address, resolve_fn *done, void *arg);
/* Let go: done is not called. NULL is fine. */
void resolve_cancel(struct resolve *r);
/* auth's answer, or its silence (ERR_TEMP). */
void resolve_answer(
    struct queue *q, uint64_t id, enum err_code code, struct slice user);
/* auth died: all that wait get a temporary failure. */
void resolve_fail_all(struct queue *q);

#endif
