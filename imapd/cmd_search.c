/* SPDX-License-Identifier: ISC */
/* SEARCH: rows. */
#include "imapd/command.h"

const struct imap_verb imap_verbs_search[] = {
	{ .name = NULL },
};
