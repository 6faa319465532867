/* SPDX-License-Identifier: ISC */
/*
 * A lock file as Dovecot takes it: NAME.lock with the contents "pid:hostname".
 * A holder that is dead (this host) or silent for 120 s is overridden. Nothing
 * here waits.
 */
#ifndef LIBMAILDIR_DOTLOCK_H
#define LIBMAILDIR_DOTLOCK_H

#include "libmaildir/folder.h"

#define DOTLOCK_STALE_SECS 120
#define DOTLOCK_TOUCH_SECS 10

struct dotlock {
	int fd;              /* of our lock file; -1: not held */
	uint64_t touched_us; /* clock_mono_us of the last touch */
	uint64_t busy_since_us, busy_last_us;
};

void dotlock_init(struct dotlock *l);
/* 1 held; 0 somebody else holds it, or this very lock is held; -1: ERR_BUSY
 * (tried for longer than any holder may be silent) or from the system. */
int dotlock_take(struct dotlock *l, struct folder *f, const char *name,
    struct err *err) MUST_CHECK;
/* A holder that works long calls it now and then. */
void dotlock_touch(struct dotlock *l);
/* Given up, unless somebody has overridden it. */
void dotlock_drop(struct dotlock *l, struct folder *f, const char *name);

#endif
