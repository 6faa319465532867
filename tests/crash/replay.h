/* SPDX-License-Identifier: ISC */
/*
 * Builds the folders that a power cut could leave of what was recorded. At a
 * cut between two calls
 *
 *	a name made, linked, renamed or removed since the last fsync of its
 *	folder is so or not, each by itself; a rename is one change, also from
 *	folder to folder (all file systems we run on log it as one), and safe
 *	when one of the two folders was flushed; where the recording allows it
 *	the old name may stay beside the new one until its folder is flushed,
 *	and where it does not allow it, a file renamed twice has one name;
 *	bytes written since the last fsync of their file are there, or not, or
 *	zeros, or a part of them.
 */
#ifndef TESTS_CRASH_REPLAY_H
#define TESTS_CRASH_REPLAY_H

#include "tests/crash/record.h"

struct replay {
	const struct record *rec;
	uint64_t seed;
	unsigned max;    /* states a cut; more possible ones are sampled */
	bool lag;        /* old names may stay beside the new ones */
	const char *dir; /* where states are built; removed after each */
	/* Judge one: 0, or -1 to stop. marks: as told to record_mark(). */
	int (*fn)(void *arg, const struct replay *rp, size_t marks);
	void *arg;
	/* of the state under judgement */
	size_t cut;
	unsigned *pick;
	/* totals */
	uint64_t n_cuts, n_states, n_same, n_sampled;
};

/* All cuts from the record's base on. */
int replay_all(struct replay *rp);
/* One state at a random cut: built and left in dir; the marks at that cut. */
size_t replay_random(struct replay *rp, uint64_t seed);
void replay_forget(struct replay *rp);
/* Has an object a name in that state? Did an event before the cut happen? */
bool replay_has(const struct replay *rp, unsigned obj);
bool replay_is_on(const struct replay *rp, size_t event);
/* What was left out in the state under judgement, for a message. */
void replay_say(const struct replay *rp, struct buf *out);

uint64_t replay_mix(uint64_t *state); /* the next number of a seed */

#endif
