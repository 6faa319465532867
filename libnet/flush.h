/* SPDX-License-Identifier: ISC */
/*
 * Group commit. A few threads, started with the first flush and ended when
 * idle, the only threads there are; they do nothing but fsync descriptors
 * handed to them. All sets that wait are taken at once: each file, then each
 * folder and each list once (by device and inode), then all answer.
 */
#ifndef LIBNET_FLUSH_H
#define LIBNET_FLUSH_H

#include "libbase/step.h"
#include "libnet/loop.h"

struct flush_job;

/* Flush all of the set and call cb(arg) in the loop; set->error is 0 or the
 * errno of the first failure. The set is borrowed until then, its descriptors
 * stay open until then. cb is never called from inside this function; an empty
 * set is answered next round. Returns a handle for flush_cancel, valid until
 * cb. */
struct flush_job *flush_submit(
    struct loop *loop, struct flush_set *set, void (*cb)(void *arg), void *arg);
/* Let go: no cb, the set is not touched again. NULL is taken. The descriptors
 * may be closed (what is fsynced then no longer matters). */
void flush_cancel(struct flush_job **job);

#endif
