/* SPDX-License-Identifier: ISC */
/*
 * The aliases file: the syntax of aliases(5) ("name: target, target", "#",
 * folded lines, quotes) with whole addresses as keys too. Targets are names and
 * addresses; files, pipes and includes are refused with the line they stand on.
 */
#ifndef SUBMITD_ALIASES_H
#define SUBMITD_ALIASES_H

#include "libbase/arena.h"
#include "libbase/err.h"
#include "libbase/hash.h"

struct alias {
	struct alias *next;
	struct slice key; /* lower case */
	struct slice *targets;
	unsigned n_targets;
};

struct aliases { /* zeroed is empty; all of it lives in the arena given */
	struct alias *first;
	struct map *by_key; /* NULL: none were read */
	unsigned n;
};

/* Read the whole file's text. 0, or -1 with ERR_INVALID and "line N: ..." in
 * the text, ERR_LIMIT over the arena's ceiling. */
int aliases_parse(struct aliases *a, struct arena *arena, struct slice text,
    struct err *err) MUST_CHECK;

/* NULL when there is none; ASCII case does not matter. */
const struct alias *aliases_find(const struct aliases *a, struct slice key);

#endif
