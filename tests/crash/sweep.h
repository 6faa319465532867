/* SPDX-License-Identifier: ISC */
/* Folders of a test: made, removed. */
#ifndef TESTS_CRASH_SWEEP_H
#define TESTS_CRASH_SWEEP_H

/* Remove a folder and all below it; not being there is fine. */
void sweep_away(const char *path);
/* A new folder in memory where the system has such a place; to be freed. */
char *sweep_new(void);

#endif
