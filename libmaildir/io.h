/* SPDX-License-Identifier: ISC */
/*
 * Every system call on mail. Calls go through one table, so that a test can
 * fail the n-th of them and a recorder can write them down: a program that
 * defines io_table itself takes the place of the one in the library.
 *
 * All paths are relative to a descriptor that the caller holds. Nothing is
 * followed: no symbolic link, no "..", no mount that leads out of the folder.
 * EINTR is taken care of here. All functions answer as the system call does:
 * -1 and errno; err_sys() makes an error of it.
 */
#ifndef LIBMAILDIR_IO_H
#define LIBMAILDIR_IO_H

#include <sys/stat.h>
#include <sys/types.h>

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libbase/step.h"

struct open_how; /* <linux/openat2.h> */

struct io_ops {
	int (*openat2)(int dir, const char *path, const struct open_how *how);
	int (*openat)(int dir, const char *path, int flags, mode_t mode);
	int (*close)(int fd);
	ssize_t (*read)(int fd, void *p, size_t n);
	ssize_t (*pread)(int fd, void *p, size_t n, off_t off);
	ssize_t (*write)(int fd, const void *p, size_t n);
	int (*ftruncate)(int fd, off_t n);
	int (*fsync)(int fd);
	int (*sync_range)(int fd, off_t off, off_t n);
	int (*fstat)(int fd, struct stat *st);
	int (*fstatat)(int dir, const char *path, struct stat *st);
	ssize_t (*getdents)(int fd, void *p, size_t n);
	off_t (*lseek)(int fd, off_t off, int whence);
	int (*mkdirat)(int dir, const char *path, mode_t mode);
	int (*linkat)(int dir, const char *from, int to_dir, const char *to);
	int (*renameat2)(int dir, const char *from, int to_dir, const char *to,
	    unsigned flags);
	int (*unlinkat)(int dir, const char *path, int flags);
	int (*futimens)(int fd, const struct timespec times[2]);
	int (*flock)(int fd, int how);
};

extern const struct io_ops io_kernel;
extern const struct io_ops *const io_table; /* io_table.c: &io_kernel */

/* A regular file; flags as of open(2), O_CLOEXEC, O_NOFOLLOW, O_NONBLOCK and
 * O_NOCTTY are added. Not a regular file: EINVAL. Without openat2 (ENOSYS) only
 * names without '/' are opened one by one with O_NOFOLLOW. */
int io_open(int dir, const char *path, int flags, mode_t mode) MUST_CHECK;
/* The same, with what fstat said of it. */
int io_open_stat(int dir, const char *path, int flags, mode_t mode,
    struct stat *st_out) MUST_CHECK;
/* A directory, to read and to hold. */
int io_open_dir(int dir, const char *path) MUST_CHECK;
/* The same, by a path that may have symbolic links: the root alone. */
int io_open_root(const char *path) MUST_CHECK;
/* Make it when it is missing; EEXIST is success. */
int io_mkdir(int dir, const char *path, mode_t mode) MUST_CHECK;
/* Close and set to -1; -1 is fine. errno is kept. */
void io_close(int *fd);

/* At most n bytes, 0 at the end. */
ssize_t io_read(int fd, void *p, size_t n) MUST_CHECK;
ssize_t io_pread(int fd, void *p, size_t n, off_t off) MUST_CHECK;
/* All of it: 0 or -1. */
int io_write(int fd, struct slice s) MUST_CHECK;
/* Append the whole file to out (its ceiling: EFBIG). 0 or -1. */
int io_read_all(int fd, struct buf *out) MUST_CHECK;
int io_truncate(int fd, off_t n) MUST_CHECK;
int io_fsync(int fd) MUST_CHECK;
/* Begin to write the file's pages; never fails. */
void io_sync_soon(int fd);
int io_fstat(int fd, struct stat *st) MUST_CHECK;
int io_stat(int dir, const char *path, struct stat *st) MUST_CHECK;
int io_link(int dir, const char *from, int to_dir, const char *to) MUST_CHECK;
/* Replaces what is there. */
int io_rename(int dir, const char *from, int to_dir, const char *to) MUST_CHECK;
/* EEXIST when there is something; one step where the file system has it. */
int
io_rename_new(int dir, const char *from, int to_dir, const char *to) MUST_CHECK;
int io_unlink(int dir, const char *path) MUST_CHECK;
/* Remove a file of our own on the way out of a failure: tried twice, errno is
 * kept. */
void io_discard(int dir, const char *path);
int io_rmdir(int dir, const char *path) MUST_CHECK;
int io_set_mtime(int fd, int64_t secs) MUST_CHECK;
/* 1 got it, 0 somebody else has it. */
int io_try_flock(int fd) MUST_CHECK;

/*
 * Read a folder: each name but "." and "..". Give it a descriptor of the
 * folder; it is read from its start. 0, or -1 with errno (also when fn asks to
 * stop by not answering 0: its answer is io_list's then).
 */
typedef int io_list_fn(void *arg, const char *name, unsigned char d_type);
int io_list(int dir, io_list_fn *fn, void *arg) MUST_CHECK;
/* The same with inodes; 0 where the file system has none to tell. */
typedef int
io_list_ino_fn(void *arg, const char *name, unsigned char d_type, uint64_t ino);
int io_list_ino(int dir, io_list_ino_fn *fn, void *arg) MUST_CHECK;

/* Flush all of the set here and now (kinds in their order); error is set as
 * the flusher does. For processes without a loop, and tests. */
void io_flush_now(struct flush_set *fs);
/* Add a descriptor (once). The set must have room. */
void io_flush_want(struct flush_set *fs, int fd, enum flush_kind kind);

#endif
