/* SPDX-License-Identifier: ISC */
/* Flags as a client writes them, for STORE and APPEND. */
#ifndef IMAPD_CMD_FLAGS_H
#define IMAPD_CMD_FLAGS_H

#include "imapd/imap_args.h"

/* Longest name of a keyword; longer ones are refused. */
#define MAX_KEYWORD 128

struct flag_words {
	uint8_t flags;          /* enum mail_flag */
	struct slice *keywords; /* names, in the arena */
	size_t n;
};

/* Read a chain of flags. NULL, or why it is refused (for BAD): "\Recent" and
 * flags with "\" that do not exist cannot be set (RFC 3501 2.3.2). */
const char *flag_words_read(
    struct flag_words *w, const struct imap_arg *a, struct arena *arena);

#endif
