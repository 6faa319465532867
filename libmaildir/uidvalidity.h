/* SPDX-License-Identifier: ISC */
/* UIDVALIDITY of a new mailbox: dovecot-uidvalidity, always above the last. */
#ifndef LIBMAILDIR_UIDVALIDITY_H
#define LIBMAILDIR_UIDVALIDITY_H

#include "libmaildir/folder.h"

/* A number that no mailbox of this store had or will have. */
int uidvalidity_next(
    const struct folder *f, uint32_t *out, struct err *err) MUST_CHECK;

#endif
