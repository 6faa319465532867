/* SPDX-License-Identifier: ISC */
/*
 * The file "subscriptions" as Dovecot writes it. Version 1: one name a line.
 * Version 2: "V\t2\n\n", then one name a line with its levels parted by tabs
 * and \001 \t \r \n in them escaped. Names here are client names.
 */
#ifndef LIBMAILDIR_SUBS_H
#define LIBMAILDIR_SUBS_H

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libmaildir/foldername.h"

#define SUBS_FILE      "subscriptions"
#define SUBS_MAX_BYTES (4 * MIB) /* 10000 names of 400 bytes */

struct subs {
	unsigned version; /* 1 or 2; of a new file 2 */
	size_t n, cap;
	struct slice *names; /* in the order of the file, no name twice */
	struct buf text;     /* the names' bytes */
};

void subs_init(struct subs *s);
void subs_free(struct subs *s);

/* Read the contents of the file. Lines that are no possible name are kept out
 * of names and counted as broken. 0, or -1 with ERR_LIMIT. */
int subs_parse(struct subs *s, const struct foldername_conf *c,
    struct slice text, struct err *err) MUST_CHECK;
/* The file again, in s->version. */
void subs_print(
    const struct subs *s, const struct foldername_conf *c, struct buf *out);

bool subs_has(const struct subs *s, struct slice name);
/* True when it changed something. */
bool subs_add(struct subs *s, struct slice name);
bool subs_remove(struct subs *s, struct slice name);

#endif
