/* SPDX-License-Identifier: ISC */
/* The users file on disk: read with its stamp; changed under a lock,
 * atomically; crypt hashes. */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "libauth/userfile.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libbase/random.h"

static void
stamp_of(const struct stat *st, struct userfile_stamp *out)
{
	out->dev = st->st_dev;
	out->ino = st->st_ino;
	out->size = st->st_size;
	out->mtime = st->st_mtim;
	out->ctim = st->st_ctim;
}

static bool
time_eq(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int
userfile_changed(
    const char *path, const struct userfile_stamp *stamp, struct err *err)
{
	struct stat st = { 0 };

	if (stat(path, &st) != 0 && errno != ENOENT)
		return err_sys(err, "%s", path);
	return st.st_dev != stamp->dev || st.st_ino != stamp->ino ||
	    st.st_size != stamp->size || !time_eq(&st.st_mtim, &stamp->mtime) ||
	    !time_eq(&st.st_ctim, &stamp->ctim);
}

static int
read_all(int fd, struct buf *b, struct err *err)
{
	for (;;) {
		char *room = buf_reserve(b, 64 * KIB);
		ssize_t n;

		if (room == NULL)
			return err_set(err, ERR_LIMIT, "file too large");
		n = read(fd, room, 64 * KIB);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			return 0;
		buf_commit(b, (size_t)n);
	}
}

int
userfile_load(struct userfile *f, const char *path,
    struct userfile_stamp *stamp_out, struct err *err)
{
	struct stat st;
	struct buf text;
	int fd, r = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (errno != ENOENT)
			return err_sys(err, "%s", path);
		memset(stamp_out, 0, sizeof(*stamp_out));
		return userfile_parse(f, SLICE_NONE, err);
	}
	buf_init(&text, MAX_USERS_FILE + 64 * KIB);
	if (fstat(fd, &st) != 0)
		err_sys(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, ERR_INVALID, "%s: not a regular file", path);
	else if (read_all(fd, &text, err) == 0) {
		stamp_of(&st, stamp_out);
		r = userfile_parse(f, buf_slice(&text), err);
	}
	if (r != 0)
		err_context(err, "%s", path);
	buf_wipe(&text); /* password hashes */
	(void)close(fd);
	return r;
}

int
userfile_begin(struct userfile_edit *e, const char *path, struct err *err)
{
	struct userfile_stamp stamp;
	char *lock = xasprintf("%s.lock", path);

	userfile_init(&e->file);
	e->path = path;
	e->lock_fd =
	    open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock_fd < 0) {
		err_sys(err, "%s", lock);
		xfree(lock);
		return -1;
	}
	xfree(lock);
	while (flock(e->lock_fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		err_sys(err, "%s: lock", path);
		userfile_abort(e);
		return -1;
	}
	if (userfile_load(&e->file, path, &stamp, err) != 0) {
		userfile_abort(e);
		return -1;
	}
	return 0;
}

void
userfile_abort(struct userfile_edit *e)
{
	userfile_free(&e->file);
	if (e->lock_fd >= 0)
		(void)close(e->lock_fd);
	e->lock_fd = -1;
}

static int
write_all(int fd, struct slice s, struct err *err)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write");
		s = slice_from(s, (size_t)n);
	}
	return 0;
}

/* Owner and mode of the old file go over; a new one is for root alone. */
static int
write_new(int fd, const char *path, struct slice text, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		if (fchown(fd, st.st_uid, st.st_gid) != 0)
			return err_sys(err, "chown");
		if (fchmod(fd, st.st_mode & 0777) != 0)
			return err_sys(err, "chmod");
	} else if (errno != ENOENT) {
		return err_sys(err, "stat");
	}
	if (write_all(fd, text, err) != 0)
		return -1;
	if (fsync(fd) != 0)
		return err_sys(err, "flush");
	return 0;
}

static int
flush_folder_of(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int fd, r = 0;

	if (slash == NULL)
		folder = xstrdup(".");
	else if (slash == path)
		folder = xstrdup("/");
	else
		folder = xstrndup(path, (size_t)(slash - path));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		r = err_sys(err, "%s: flush", folder);
	if (fd >= 0)
		(void)close(fd);
	xfree(folder);
	return r;
}

static int
replace(const char *path, struct slice text, struct err *err)
{
	char *tmp = xasprintf("%s.%016lx", path, (unsigned long)random_u64());
	int fd, r;

	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_sys(err, "%s", tmp);
		xfree(tmp);
		return -1;
	}
	r = write_new(fd, path, text, err);
	if (close(fd) != 0 && r == 0)
		r = err_sys(err, "close");
	if (r == 0 && rename(tmp, path) != 0)
		r = err_sys(err, "rename");
	if (r != 0)
		(void)unlink(tmp);
	else
		r = flush_folder_of(path, err);
	xfree(tmp);
	return r;
}

int
userfile_commit(struct userfile_edit *e, struct err *err)
{
	struct buf text;
	int r;

	buf_init(&text, MAX_USERS_FILE);
	userfile_print(&e->file, &text);
	if (!buf_ok(&text))
		r = err_set(err, ERR_LIMIT, "users file too large");
	else
		r = replace(e->path, buf_slice(&text), err);
	if (r != 0)
		err_context(err, "%s", e->path);
	buf_wipe(&text);
	userfile_abort(e);
	return r;
}

int
userfile_hash(enum hash_kind kind, const char *password, char out[MAX_HASH],
    struct err *err)
{
	const char *prefix = kind == HASH_YESCRYPT ? "$y$" : "$6$";
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], rbytes[32];
	struct crypt_data *data;
	const char *hash;
	int r = -1;

	random_bytes(rbytes, sizeof(rbytes));
	/* 5000 rounds are sha512-crypt's default; 0 yescrypt's own. */
	if (crypt_gensalt_rn(prefix, kind == HASH_YESCRYPT ? 0 : 5000, rbytes,
		sizeof(rbytes), setting, sizeof(setting)) == NULL)
		return err_sys(err, "salt");
	data = xcalloc(1, sizeof(*data));
	hash = crypt_rn(password, setting, data, sizeof(*data));
	if (hash == NULL || strlen(hash) >= MAX_HASH) {
		err_set(err, ERR_TEMP, "crypt fails");
	} else {
		memcpy(out, hash, strlen(hash) + 1);
		r = 0;
	}
	mem_wipe(data, sizeof(*data));
	xfree(data);
	return r;
}
