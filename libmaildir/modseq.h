/* SPDX-License-Identifier: ISC */
/*
 * Modseqs (RFC 7162): one counter a user, whose values no client is ever told
 * twice for different states. The file restante-state at the root of the
 * control folder holds a ceiling that no value drawn has passed.
 */
#ifndef LIBMAILDIR_MODSEQ_H
#define LIBMAILDIR_MODSEQ_H

#include "libbase/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODSEQ_FILE "restante-state"

/* What the index knows of the session before this one; all 0: nothing. */
struct modseq_past {
	bool is_clean;  /* it ended well, and all that it told is in there */
	uint64_t last;  /* the last value drawn */
	uint64_t floor; /* as below */
	/* As it stood at that end: it is another when somebody drew since. */
	uint64_t ceiling;
};

struct modseqs {
	int dir;       /* of the file, borrowed; -1: in memory alone */
	uint64_t last; /* drawn */
	uint64_t ceiling;
	/* Since the last unclean end: every message has at least this one, and
	 * expunges before it are not known one by one. */
	uint64_t floor;
	uint64_t again_at_us; /* after a failure */
	bool is_kept;         /* values may be told: the ceiling is on disk */
};

/* In memory alone: values for order, not to be told. */
void modseqs_init(struct modseqs *m);
/*
 * Go on behind the past when it is clean and the file fits to it; else (an
 * unclean end, an index or a file that was lost) from max(ceiling, microseconds
 * since 1970), which is the floor then. dir: the control folder's root, open as
 * long as m is used. 0, or -1: the file cannot be kept; the counter works in
 * memory alone.
 */
int modseqs_open(struct modseqs *m, int dir, const struct modseq_past *past,
    struct err *err) MUST_CHECK;
/* The next value. Raises the ceiling when nobody did in time. */
uint64_t modseqs_draw(struct modseqs *m);
/* Before many are drawn: raise the ceiling when little is left below it; costs
 * nothing else. After a failure it is tried again once a minute. */
int modseqs_reserve(struct modseqs *m, struct err *err) MUST_CHECK;
/* Another process of the user has drawn meanwhile: go on above all that it may
 * have told, which is the floor then. */
int modseqs_overtaken(struct modseqs *m, struct err *err) MUST_CHECK;
/* A mail folder came back from a backup: the ceiling jumps above what may have
 * been told since; no past fits to it any more. */
int modseqs_restored(int dir, struct err *err) MUST_CHECK;

/*
 * A log of the last messages that something happened to, by modseq. Bounded by
 * number and age: what happened up to the floor is not known one by one.
 */
struct modlog_entry {
	uint64_t modseq;
	uint32_t uid;
	uint32_t secs; /* since 1970 */
};
struct modlog {
	struct modlog_entry *v;
	size_t first, n, cap; /* v[first .. n) */
	size_t max;
	uint64_t floor;
};

void modlog_init(struct modlog *l, size_t max);
void modlog_free(struct modlog *l);
/* It begins anew: nothing up to floor is known. */
void modlog_reset(struct modlog *l, uint64_t floor);
/* modseq is above those before it (else it is left out). */
void modlog_add(struct modlog *l, const struct modlog_entry *e);
/* The entries above a modseq: *n_out of them, valid until the next add. */
const struct modlog_entry *
modlog_above(const struct modlog *l, uint64_t modseq, size_t *n_out);
/* Are all above it known? */
bool modlog_covers(const struct modlog *l, uint64_t modseq);

#endif
