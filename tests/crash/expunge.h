/* SPDX-License-Identifier: ISC */
/* Delivery to a recipient who expunges at once. */
#ifndef TESTS_CRASH_EXPUNGE_H
#define TESTS_CRASH_EXPUNGE_H

#include "tests/crash/scenes.h"

/* 0, or -1 after it has been told what was not delivered exactly once. */
int expunge_runs(unsigned runs, uint64_t seed);

#endif
