/* SPDX-License-Identifier: ISC */
/*
 * The file "subscriptions" as Dovecot writes it. Version 1: one name on disk a
 * line, without its leading dot. Version 2: "V\t2\n\n", then the same with tabs
 * between the levels. Both tried with Dovecot 2.3. Names given and taken here
 * are client names as the list shows them (foldername_canonical).
 */
#ifndef LIBMAILDIR_SUBS_H
#define LIBMAILDIR_SUBS_H

#include "libbase/arena.h"
#include "libbase/buf.h"
#include "libbase/err.h"
#include "libbase/hash.h"
#include "libmaildir/foldername.h"

#define SUBS_FILE         "subscriptions"
#define SUBS_FILE_COURIER "courierimapsubscribed"
#define SUBS_MAX_BYTES    (2 * MIB) /* 10000 names of 200 bytes */
#define SUBS_MAX_LINES    20000

struct subs_line {
	struct slice raw;  /* as it stands in the file; p NULL: taken out */
	struct slice name; /* p NULL: no possible name, kept as it is */
};

struct subs {
	unsigned version; /* 1 or 2 */
	size_t n, cap;
	struct subs_line *lines; /* in the order of the file */
	struct arena text;       /* their bytes */
	struct map by_name;      /* index + 1 */
};

void subs_init(struct subs *s); /* empty, version 2 */
void subs_free(struct subs *s);

/* Read the contents of the file into s, which is empty. 0, or -1 with ERR_LIMIT
 * or, for a version we do not know, ERR_UNSUPPORTED. */
int subs_parse(struct subs *s, const struct foldername_conf *c,
    struct slice text, struct err *err) MUST_CHECK;
/* The same from Courier's courierimapsubscribed: "INBOX", "INBOX.A.B". */
int subs_parse_courier(struct subs *s, const struct foldername_conf *c,
    struct slice text, struct err *err) MUST_CHECK;
/* The file again, in s->version; lines we do not understand as they were. */
void subs_print(const struct subs *s, struct buf *out);

bool subs_has(const struct subs *s, struct slice name);
/* 1 when it changed something, 0 when not, -1 (ERR_LIMIT, ERR_INVALID). */
int subs_set(struct subs *s, const struct foldername_conf *c, struct slice name,
    bool on, struct err *err) MUST_CHECK;
/* Visit the names: *pos starts at 0; false at the end. */
bool subs_next(const struct subs *s, size_t *pos, struct slice *name);

#endif
