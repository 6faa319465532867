/* SPDX-License-Identifier: ISC */
/*
 * The file of virtual users, one a line:
 *     name:hash:uid:gid:home:attr=value attr=value
 * (pam_pwdfile reads the first two fields). Blank lines and lines that begin
 * with '#' are kept where they are. The auth role reads it, restantectl user
 * writes it, atomically and under a lock. Parsing and printing are pure and
 * bounded: parse(print(f)) is f.
 */
#ifndef LIBAUTH_USERFILE_H
#define LIBAUTH_USERFILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "libauth/attrs.h"
#include "libbase/arena.h"
#include "libbase/hash.h"

#define MAX_USERS_FILE (32 * MIB) /* about 200 000 users */
#define MAX_USERS_LINE 4096
#define MAX_HASH       256 /* yescrypt 73, sha512-crypt 106 + rounds */

struct userfile_entry {
	struct slice name; /* canonical: folded, unique */
	struct slice hash; /* crypt(5) text; "" or "!..." or "*": no password */
	uid_t uid;
	gid_t gid;
	struct slice home; /* unescaped, absolute */
	struct attrs attrs;
	unsigned line;        /* where it stood, from 1; 0 for a new one */
	struct slice comment; /* of a comment or blank line: name.n is 0 */
};

struct userfile {
	struct arena arena; /* all text */
	struct userfile_entry *entries;
	size_t n, cap;
	struct map by_name;
};

void userfile_init(struct userfile *f);
void userfile_free(struct userfile *f);

/* Replace f by what text says. A fault names its line; f is then empty. */
int userfile_parse(
    struct userfile *f, struct slice text, struct err *err) MUST_CHECK;
void userfile_print(const struct userfile *f, struct buf *out);

/* NULL when it is not there. Names are compared as they stand. */
struct userfile_entry *
userfile_find(const struct userfile *f, struct slice name);

/* Add, or change the entry of that name; all of it is copied. Validates as the
 * parser does. */
int userfile_put(struct userfile *f, const struct userfile_entry *from,
    struct err *err) MUST_CHECK;
/* 1 when it was there, else 0. A comment "# was NAME uid N home HOME" stays in
 * its place: the uid owns mail until the admin removes mail and line. */
int userfile_del(struct userfile *f, struct slice name);

/* The lowest uid in [lo, hi] that no entry has and no "# was" line keeps, or -1
 * when none is left. */
int userfile_free_uid(const struct userfile *f, uid_t lo, uid_t hi, uid_t *out,
    struct err *err) MUST_CHECK;

/* A name as the file may hold it: 1 to MAX_USER bytes of UTF-8, folded, no
 * control bytes, blanks, ':', '/', '\\', '%', no leading '-', '.', '#'. */
bool user_name_ok(struct slice name);

/* Read and parse. The stamp is the file's that was read, also when what it says
 * is wrong (so that this is told once). A missing file is an empty one
 * (ERR_NOTFOUND is not raised; stamp zeroed). */
struct userfile_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctim;
};
int userfile_load(struct userfile *f, const char *path,
    struct userfile_stamp *stamp_out, struct err *err) MUST_CHECK;
/* 1 when the file of that path has another stamp, 0 when not, -1 on error. */
int userfile_changed(const char *path, const struct userfile_stamp *stamp,
    struct err *err) MUST_CHECK;

/* Change it: lock ("<path>.lock", flock), load; then commit (new file beside
 * it with owner and mode of the old one, or 0600; flushed, renamed, folder
 * flushed) or abort. Both unlock and free. */
struct userfile_edit {
	struct userfile file;
	const char *path;
	int lock_fd;
};
int userfile_begin(
    struct userfile_edit *e, const char *path, struct err *err) MUST_CHECK;
int userfile_commit(struct userfile_edit *e, struct err *err) MUST_CHECK;
void userfile_abort(struct userfile_edit *e);

/* crypt(5): sha512-crypt with 5000 rounds, or yescrypt with the library's
 * default cost. out has MAX_HASH bytes. */
enum hash_kind {
	HASH_SHA512,
	HASH_YESCRYPT
};
int userfile_hash(enum hash_kind kind, const char *password, char out[MAX_HASH],
    struct err *err) MUST_CHECK;

#endif
