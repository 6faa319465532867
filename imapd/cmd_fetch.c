/* SPDX-License-Identifier: ISC */
/* FETCH: rows. */
#include "imapd/command.h"

const struct imap_verb imap_verbs_fetch[] = {
	{ .name = NULL },
};
