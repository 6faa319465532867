/* SPDX-License-Identifier: ISC */
/* Life after a power cut, and the next one. */
#ifndef TESTS_CRASH_AGAIN_H
#define TESTS_CRASH_AGAIN_H

#include "tests/crash/world.h"

/*
 * The folder that the first cut left, as rp has built it, is opened, its queue
 * delivered, its mailboxes looked at and added to; that is recorded, and cut at
 * some random points. 0, or -1 with w->fault.
 */
int again_judge(struct world *w, const struct replay *rp, size_t marks);

#endif
