/* SPDX-License-Identifier: ISC */
/* What the files of the store share; nobody else includes it. */
#ifndef LIBMAILDIR_STORE_PRIVATE_H
#define LIBMAILDIR_STORE_PRIVATE_H

#include "libmaildir/folder.h"
#include "libmaildir/quota.h"
#include "libmaildir/store.h"
#include "libmaildir/subs.h"

/* Where deleted folders wait for their end: no Maildir++ reader looks into a
 * folder without a leading dot. */
#define STORE_OWN  "restante"
#define STORE_GONE "restante/gone"

struct store {
	struct store_conf conf;
	struct foldername_conf names;
	char *mail, *control, *index, *prefix; /* copies behind conf */
	int mail_fd;
	int control_fd; /* may equal mail_fd */
	mode_t mode;    /* of new folders */
};

bool store_has_control(const struct store *st);

/* Is there a folder of that name on disk? 1, 0, -1. "" is always there. */
int
store_has_disk(struct store *st, const char *disk, struct err *err) MUST_CHECK;

/* 0 when nothing stands there; ERR_EXISTS, whatever it is. */
int
store_is_free(struct store *st, const char *disk, struct err *err) MUST_CHECK;

int store_open_disk(struct store *st, const struct foldername *disk,
    struct folder *out, struct err *err) MUST_CHECK;

/* Each folder on disk but the root: fn(arg, ".A.B"); not 0 stops. 0, fn's
 * answer, or -1 with ERR_LIMIT over max_folders. */
typedef int store_disk_fn(void *arg, const char *disk);
int store_each_disk(
    struct store *st, store_disk_fn *fn, void *arg, struct err *err) MUST_CHECK;

/* Read the subscriptions (Courier's, when ours were never written) into subs,
 * which is initialised. */
int store_read_subs(
    struct store *st, struct subs *subs, struct err *err) MUST_CHECK;

/* store_gone.c: move the folder away into restante/gone below root, under a
 * new name. 1, or 0 when it is not there. */
int store_gone_put(int root, const char *disk, struct err *err) MUST_CHECK;
/* Remove at most budget entries of what waits there. 1 there is more, 0 all
 * gone (or what is left cannot be removed now). Never an error: what stays is
 * tried again later. */
int store_gone_sweep(int root, unsigned budget);

#endif
