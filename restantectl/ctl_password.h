/* SPDX-License-Identifier: ISC */
/* A password from the person: one line of stdin, or a prompt twice. */
#ifndef RESTANTECTL_CTL_PASSWORD_H
#define RESTANTECTL_CTL_PASSWORD_H

#include "libauth/userfile.h"

/* Read it and hash it. The password itself stays here and is wiped. */
int ctl_password_hash(const char *user, bool yescrypt, char out[MAX_HASH],
    struct err *err) MUST_CHECK;

#endif
