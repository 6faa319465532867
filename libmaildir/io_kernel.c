/* SPDX-License-Identifier: ISC */
/* The system calls of mail as the kernel has them. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libmaildir/io.h"

static int
kernel_openat2(int dir, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dir, path, how, sizeof *how);
}

static int
kernel_openat(int dir, const char *path, int flags, mode_t mode)
{
	return openat(dir, path, flags | O_CLOEXEC, mode);
}

static int
kernel_sync_range(int fd, off_t off, off_t n)
{
	return sync_file_range(fd, off, n, SYNC_FILE_RANGE_WRITE);
}

static int
kernel_fstatat(int dir, const char *path, struct stat *st)
{
	return fstatat(dir, path, st, AT_SYMLINK_NOFOLLOW);
}

static ssize_t
kernel_getdents(int fd, void *p, size_t n)
{
	return syscall(SYS_getdents64, fd, p, n);
}

static int
kernel_linkat(int dir, const char *from, int to_dir, const char *to)
{
	return linkat(dir, from, to_dir, to, 0);
}

const struct io_ops io_kernel = {
	.openat2 = kernel_openat2,
	.openat = kernel_openat,
	.close = close,
	.read = read,
	.pread = pread,
	.write = write,
	.ftruncate = ftruncate,
	.fsync = fsync,
	.sync_range = kernel_sync_range,
	.fstat = fstat,
	.fstatat = kernel_fstatat,
	.getdents = kernel_getdents,
	.lseek = lseek,
	.mkdirat = mkdirat,
	.linkat = kernel_linkat,
	.renameat2 = renameat2,
	.unlinkat = unlinkat,
	.futimens = futimens,
	.flock = flock,
};
