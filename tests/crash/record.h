/* SPDX-License-Identifier: ISC */
/*
 * Writes down every call that changes a folder: libmaildir's by way of its
 * table of calls (libmaildir/io.h), those of submitd's spool because the
 * program is linked with --wrap. The calls are made, too, but nothing is
 * flushed: that is only written down.
 */
#ifndef TESTS_CRASH_RECORD_H
#define TESTS_CRASH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libbase/buf.h"

enum event_kind {
	EV_CREATE, /* name in dir is obj from now on; a file */
	EV_MKDIR,
	EV_LINK,   /* name2 in dir2 is obj, too */
	EV_UNLINK, /* name in dir is gone */
	EV_RENAME, /* name in dir is gone, name2 in dir2 is obj */
	EV_WRITE,
	EV_TRUNC,
	EV_MTIME,
	EV_FSYNC,
	EV_MARK /* off: how many marks stand in the journal by now */
};

struct event {
	enum event_kind kind;
	unsigned obj;
	unsigned dir, dir2;
	char *name, *name2;
	uint64_t off;
	char *data;
	size_t n;
	int64_t mtime;
};

struct object {
	bool is_dir;
	uint64_t dev, ino; /* where it is really */
	char *path;        /* where it was made, below the root */
};

#define RECORD_ROOT 0u /* the object that is the folder itself */

struct record {
	struct event *v;
	size_t n, cap;
	struct object *objs;
	size_t n_objs, cap_objs;
	size_t base;        /* events before this one are on disk */
	const char *plant;  /* flushes of what was made so are left out */
	unsigned n_planted; /* how many were */
	/* called after each event, with recording going on */
	void (*after)(void *arg, const struct event *e);
	void *arg;
};

/* From now on what happens below the folder is written down. */
void record_begin(struct record *r, const char *root);
/* What is already there is known as if it had been made before. */
void record_here(struct record *r, const char *root);
/* All of it is on disk now. */
void record_settle(struct record *r);
void record_mark(struct record *r, size_t marks);
void record_end(struct record *r);
void record_free(struct record *r);

/* A name for messages: "WRITE 120+33 mail/dovecot-uidlist". */
void record_say(const struct record *r, size_t i, struct buf *out);

/* Calls made since, recorded or not; a fork'ed process may ask to end at its
 * n-th (0: never), before it is made. */
void record_die_at(unsigned n);
/* A file system that cannot rename without replacing, as NFS. */
void record_old_rename(bool on);
unsigned record_calls(void);

#endif
