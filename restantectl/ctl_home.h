/* SPDX-License-Identifier: ISC */
/* The home of a virtual user, and the Maildir in it, made as that user. */
#ifndef RESTANTECTL_CTL_HOME_H
#define RESTANTECTL_CTL_HOME_H

#include "libserver/account.h"
#include "libserver/conf.h"

/* Where a user of that name lives when nobody says: the folder above Maildir
 * when mail_location is absolute, else LOCALSTATEDIR/lib/restante/mail/NAME.
 * out has ACCOUNT_PATH_MAX bytes. */
int ctl_default_home(const struct conf *conf, struct slice name, char *out,
    struct err *err) MUST_CHECK;
/* Make home (owner the user, 0700; parents 0755) and, in a process that has
 * become the user, the mail folder with cur, new, tmp. What is there stays. */
int ctl_make_home(const struct account *a, struct err *err) MUST_CHECK;

/* Work in a process that has become the user, for good, and can reach nothing
 * else; may print, and answers an exit code, which is the call's. -1 it did not
 * come to its end. */
typedef int ctl_work_fn(const struct account *a, void *arg);
int ctl_as_user(const struct account *a, ctl_work_fn *work, void *arg,
    struct err *err) MUST_CHECK;

#endif
