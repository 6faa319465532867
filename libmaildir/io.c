/* SPDX-License-Identifier: ISC */
/* Every system call on mail: bounded to the folder, with EINTR taken care of.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libmaildir/io.h"

/* Again while a signal came in between. */
#define RETRY(result, call)                                                    \
	do {                                                                   \
		(result) = (call);                                             \
	} while ((result) == -1 && errno == EINTR)

/* A kernel or sandbox without openat2: names without a level in them need only
 * O_NOFOLLOW. Deeper paths are walked by the callers, level by level. */
static int
open_old(int dir, const char *path, int flags, mode_t mode)
{
	int fd;

	if (strchr(path, '/') != NULL || strcmp(path, "..") == 0) {
		errno = ELOOP;
		return -1;
	}
	RETRY(fd, io_table->openat(dir, path, flags | O_CLOEXEC, mode));
	return fd;
}

static int
open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags,
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd;

	/* EAGAIN: a rename on the way, the kernel could not be sure. */
	do {
		fd = io_table->openat2(dir, path, &how);
	} while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	if (fd == -1 && errno == ENOSYS)
		return open_old(dir, path, flags, mode);
	return fd;
}

int
io_open(int dir, const char *path, int flags, mode_t mode)
{
	struct stat st;

	return io_open_stat(dir, path, flags, mode, &st);
}

int
io_open_stat(
    int dir, const char *path, int flags, mode_t mode, struct stat *st_out)
{
	struct stat st;
	int fd;

	flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	if ((fd = open_beneath(dir, path, flags, mode)) == -1)
		return -1;
	if (io_fstat(fd, &st) == -1) {
		io_close(&fd);
		if ((flags & O_EXCL) != 0)
			io_discard(dir, path); /* it was made just now */
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		io_close(&fd);
		errno = EINVAL;
		return -1;
	}
	*st_out = st;
	return fd;
}

int
io_open_dir(int dir, const char *path)
{
	return open_beneath(dir, path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
}

int
io_open_root(const char *path)
{
	int fd;

	RETRY(fd,
	    io_table->openat(AT_FDCWD, path,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK, 0));
	return fd;
}

int
io_mkdir(int dir, const char *path, mode_t mode)
{
	int r;

	RETRY(r, io_table->mkdirat(dir, path, mode));
	return r == -1 && errno == EEXIST ? 0 : r;
}

void
io_close(int *fd)
{
	int keep = errno;

	if (*fd != -1)
		(void)io_table->close(*fd); /* gone also after EINTR */
	*fd = -1;
	errno = keep;
}

ssize_t
io_read(int fd, void *p, size_t n)
{
	ssize_t r;

	RETRY(r, io_table->read(fd, p, n));
	return r;
}

ssize_t
io_pread(int fd, void *p, size_t n, off_t off)
{
	ssize_t r;

	RETRY(r, io_table->pread(fd, p, n, off));
	return r;
}

int
io_write(int fd, struct slice s)
{
	ssize_t r;

	while (s.n > 0) {
		RETRY(r, io_table->write(fd, s.p, s.n));
		if (r == -1)
			return -1;
		s = slice_from(s, (size_t)r);
	}
	return 0;
}

int
io_read_all(int fd, struct buf *out)
{
	ssize_t r;
	char *p;

	do {
		if ((p = buf_reserve(out, 16 * KIB)) == NULL) {
			errno = EFBIG;
			return -1;
		}
		if ((r = io_read(fd, p, 16 * KIB)) == -1)
			return -1;
		buf_commit(out, (size_t)r);
	} while (r > 0);
	return 0;
}

int
io_truncate(int fd, off_t n)
{
	int r;

	RETRY(r, io_table->ftruncate(fd, n));
	return r;
}

int
io_fsync(int fd)
{
	int r;

	RETRY(r, io_table->fsync(fd));
	return r;
}

void
io_sync_soon(int fd)
{
	int keep = errno;

	(void)io_table->sync_range(fd, 0, 0); /* a hint; fsync decides */
	errno = keep;
}

int
io_fstat(int fd, struct stat *st)
{
	int r;

	RETRY(r, io_table->fstat(fd, st));
	return r;
}

int
io_stat(int dir, const char *path, struct stat *st)
{
	int r;

	RETRY(r, io_table->fstatat(dir, path, st));
	return r;
}

int
io_link(int dir, const char *from, int to_dir, const char *to)
{
	int r;

	RETRY(r, io_table->linkat(dir, from, to_dir, to));
	return r;
}

int
io_rename(int dir, const char *from, int to_dir, const char *to)
{
	int r;

	RETRY(r, io_table->renameat2(dir, from, to_dir, to, 0));
	return r;
}

int
io_rename_new(int dir, const char *from, int to_dir, const char *to)
{
	int r;

	RETRY(r, io_table->renameat2(dir, from, to_dir, to, RENAME_NOREPLACE));
	if (r == 0 || (errno != EINVAL && errno != ENOSYS))
		return r;
	/* NFS knows no RENAME_NOREPLACE. */
	if ((r = io_link(dir, from, to_dir, to)) == 0)
		r = io_unlink(dir, from);
	return r;
}

int
io_unlink(int dir, const char *path)
{
	int r;

	RETRY(r, io_table->unlinkat(dir, path, 0));
	return r;
}

void
io_discard(int dir, const char *path)
{
	int keep = errno;

	if (io_unlink(dir, path) == -1 && errno != ENOENT)
		(void)!io_unlink(dir, path);
	errno = keep;
}

int
io_rmdir(int dir, const char *path)
{
	int r;

	RETRY(r, io_table->unlinkat(dir, path, AT_REMOVEDIR));
	return r;
}

int
io_set_mtime(int fd, int64_t secs)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)secs },
	};
	int r;

	RETRY(r, io_table->futimens(fd, times));
	return r;
}

int
io_try_flock(int fd)
{
	int r;

	RETRY(r, io_table->flock(fd, LOCK_EX | LOCK_NB));
	if (r == 0)
		return 1;
	return errno == EWOULDBLOCK ? 0 : -1;
}

/* One block of getdents64. */
static int
list_block(const char *block, size_t n, io_list_ino_fn *fn, void *arg)
{
	const struct dirent64 *d;
	size_t off;
	int r;

	for (off = 0; off < n; off += d->d_reclen) {
		d = (const void *)(block + off);
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if ((r = fn(arg, d->d_name, d->d_type, d->d_ino)) != 0)
			return r;
	}
	return 0;
}

int
io_list_ino(int dir, io_list_ino_fn *fn, void *arg)
{
	/* On the stack it would be too much for E.2's 4 KiB. */
	struct buf b;
	off_t off;
	ssize_t n;
	char *p;
	int r = 0;

	RETRY(off, io_table->lseek(dir, 0, SEEK_SET));
	if (off == -1)
		return -1;
	buf_init(&b, 64 * KIB);
	p = buf_reserve(&b, 32 * KIB);
	do {
		RETRY(n, io_table->getdents(dir, p, 32 * KIB));
		if (n == -1)
			r = -1;
		else if (n > 0)
			r = list_block(p, (size_t)n, fn, arg);
	} while (n > 0 && r == 0);
	buf_free(&b);
	return r;
}

struct plain_list {
	io_list_fn *fn;
	void *arg;
};

static int
without_ino(void *arg, const char *name, unsigned char d_type, uint64_t ino)
{
	const struct plain_list *l = arg;

	(void)ino;
	return l->fn(l->arg, name, d_type);
}

int
io_list(int dir, io_list_fn *fn, void *arg)
{
	struct plain_list l = { fn, arg };

	return io_list_ino(dir, without_ino, &l);
}

void
io_flush_now(struct flush_set *fs)
{
	unsigned kind, i;

	fs->error = 0;
	for (kind = FLUSH_FILE; kind <= FLUSH_LIST; kind++)
		for (i = 0; i < fs->n; i++)
			if ((unsigned)fs->want[i].kind == kind &&
			    io_fsync(fs->want[i].fd) == -1 && fs->error == 0)
				fs->error = errno;
}

void
io_flush_want(struct flush_set *fs, int fd, enum flush_kind kind)
{
	unsigned i;

	for (i = 0; i < fs->n; i++)
		if (fs->want[i].fd == fd)
			return;
	if (fs->n == FLUSH_SET_MAX)
		return;
	fs->want[fs->n].fd = fd;
	fs->want[fs->n].kind = kind;
	fs->n++;
}
