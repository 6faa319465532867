/* SPDX-License-Identifier: ISC */
/* What is done while the recorder writes. */
#ifndef TESTS_CRASH_SCENES_H
#define TESTS_CRASH_SCENES_H

#include "tests/crash/world.h"

struct scene {
	const char *name;
	void (*run)(struct world *w); /* calls record_settle() */
	bool no_lag; /* exactly once needs renames that are one change */
	bool quota;
	bool control; /* also with CONTROL= elsewhere */
};

extern const struct scene scenes[];       /* of the mailbox half */
extern const struct scene tree_scenes[];  /* of folders; both end with NULL */
extern const struct scene queue_scenes[]; /* submitd's spool and delivery */

/* The queue starts again: all that was accepted is delivered. */
int queue_recover(struct world *w, const char *root, size_t marks);
/* One message accepted, staged, recorded, delivered; in three parts. */
struct spool_entry;
void queue_accept(struct world *w, unsigned mid, unsigned rcpts);
void queue_deliver(struct world *w);

#endif
