/* SPDX-License-Identifier: ISC */
/* A lower room that looks up. */
#include "libmaildir/mailbox.h"
