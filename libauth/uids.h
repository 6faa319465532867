/* SPDX-License-Identifier: ISC */
/* Whose uids are these already: /etc/passwd, /etc/subuid. For restantectl. */
#ifndef LIBAUTH_UIDS_H
#define LIBAUTH_UIDS_H

#include <sys/types.h>

#include "libbase/err.h"
#include "libbase/slice.h"

/* Tell every account and every range of subordinate uids that meets [lo, hi].
 * Reads the files, asks no NSS. -1 when one cannot be read (missing is fine).
 */
int uids_clash(uid_t lo, uid_t hi,
    void (*tell)(void *arg, const char *file, const char *name, uint64_t first,
	uint64_t last),
    void *arg, struct err *err) MUST_CHECK;

#endif
