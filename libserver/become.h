/* SPDX-License-Identifier: ISC */
/* To become a user, for good: whatever touches mail does so first (DESIGN 2).
 */
#ifndef LIBSERVER_BECOME_H
#define LIBSERVER_BECOME_H

#include "libbase/err.h"

struct account;
struct sandbox_filter;

/*
 * This process takes the ids of the account (as root; else it stays who it is),
 * makes missing folders of the account, shuts itself in with Landlock and the
 * filter of SANDBOX_SESSION, and cannot be dumped. There is no way back; after
 * -1 it must end.
 */
int become(const struct account *a, const struct sandbox_filter *filter,
    struct err *err) MUST_CHECK;

#endif
