/* SPDX-License-Identifier: ISC */
/*
 * The user's quota and Maildir++'s maildirsize: limits come from store_conf,
 * usage is what all folders hold (S= of the names). The file lies at the root
 * of the control folder and is kept in step for other programs.
 */
#ifndef LIBMAILDIR_QUOTA_H
#define LIBMAILDIR_QUOTA_H

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libbase/step.h"

struct store;

struct quota_usage {
	int64_t bytes;
	int64_t messages;
};

/* Contents of maildirsize. */
struct quota_file {
	uint64_t limit_bytes, limit_messages; /* 0: none given */
	struct quota_usage sum;
	unsigned lines; /* of counts */
};

/* "1000000S,1000C" and lines "bytes count". 0, or -1 when it is not that (the
 * file is to be made again). */
int quota_parse(struct slice text, struct quota_file *out) MUST_CHECK;
/* A file with one line of counts. */
void quota_print(const struct quota_file *f, struct buf *out);

/* Are there limits at all? All below is free without them. */
bool quota_is_on(const struct store *st);

/*
 * May this much be added? 1 yes; 2 yes, the bytes go over the limit, but from
 * below it and within conf.quota_grace; 0 call again; -1 with ERR_QUOTA or
 * another. Believes maildirsize; when that is missing, broken, over 5120 bytes,
 * for other limits, or over quota and older than 15 minutes, counts all
 * folders, one of their parts a call. *count is NULL at first and again at the
 * end; to give up before it: quota_count_free.
 */
struct quota_count;
int quota_check_some(struct store *st, uint64_t add_bytes, uint64_t add_msgs,
    struct quota_count **count, struct err *err) MUST_CHECK;
/* The same to its end, for processes without a loop: 0, or -1. */
int quota_check(struct store *st, uint64_t add_bytes, uint64_t add_msgs,
    struct err *err) MUST_CHECK;

/* Append what was added (or, negative, taken away). Never makes the file; one
 * that cannot be kept in step is removed, so that the folders are counted. What
 * goes through an open mailbox (save.h with UIDs, copy.h, view_expunge) does
 * this itself. */
int quota_add(
    struct store *st, int64_t bytes, int64_t msgs, struct err *err) MUST_CHECK;

/* A mailbox was deleted as a whole: what is left is counted by who asks next.
 */
void quota_forget(struct store *st);

/* Usage as quota_check would believe it, for GETQUOTA; steps as in
 * quota_check_some: 1, 0, -1. */
int quota_usage_some(struct store *st, struct quota_count **count,
    struct quota_usage *out, struct err *err) MUST_CHECK;
/* The same to its end. */
int quota_usage(
    struct store *st, struct quota_usage *out, struct err *err) MUST_CHECK;

/* Count all folders and write maildirsize, cur or new of a folder a step. */
int quota_count_begin(
    struct store *st, struct quota_count **out, struct err *err) MUST_CHECK;
enum step quota_count_step(
    struct quota_count *c, struct quota_usage *out, struct err *err) MUST_CHECK;
void quota_count_free(struct quota_count *c);

#endif
