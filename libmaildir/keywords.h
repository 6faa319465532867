/* SPDX-License-Identifier: ISC */
/*
 * dovecot-keywords: which letter of a file name is which keyword. Letters are
 * given under the lock of the uidlist; one that no file has is given anew.
 */
#ifndef LIBMAILDIR_KEYWORDS_H
#define LIBMAILDIR_KEYWORDS_H

#include "libmaildir/folder.h"
#include "libmaildir/name.h"

#define MAX_KEYWORD 255

struct keywords {
	char *names[N_KEYWORDS];      /* NULL: the letter has no name */
	uint64_t ino, size, mtime_ns; /* of the file as last read */
	uint64_t changes;             /* counts up with every change of names */
	bool was_read;
};

void keywords_free(struct keywords *k); /* zeroed is a valid start */
/* Read the file when it is another than last time. 1: read, 0: the same. */
int keywords_read(
    struct keywords *k, const struct folder *f, struct err *err) MUST_CHECK;
/* Read it again: 1 when these letters have the names that they had, 0 when one
 * has been given anew. */
int keywords_are_same(struct keywords *k, const struct folder *f,
    uint32_t letters, struct err *err) MUST_CHECK;
/* Letter of a name (0..25, ASCII case folded), or -1. */
int keywords_find(const struct keywords *k, struct slice name);

/* Under the lock, after keywords_read: letters for all names, written. 0, or
 * -1: ERR_LIMIT (none is given then), ERR_INVALID, ERR_BUSY (somebody began to
 * use the letter that was to be given anew). */
int
keywords_give(struct keywords *k, struct folder *f, const struct slice *names,
    size_t n, uint32_t *mask_out, struct err *err) MUST_CHECK;

#endif
