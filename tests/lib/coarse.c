/* SPDX-License-Identifier: ISC */
/*
 * Preloaded into the programs: a file system with coarser times, a kernel
 * without inotify.
 *
 * TEST_GRAIN_MS=n      times of files are rounded down to n milliseconds
 * TEST_NO_INOTIFY=1    the user's instances are used up (EMFILE)
 * TEST_NO_INOTIFY=2    the user's watches are used up (ENOSPC)
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static int64_t grain_ns;
static int no_inotify;
static __typeof__(stat) *real_stat;
static __typeof__(lstat) *real_lstat;
static __typeof__(fstat) *real_fstat;
static __typeof__(fstatat) *real_fstatat;
static __typeof__(inotify_init1) *real_init1;
static __typeof__(inotify_add_watch) *real_add_watch;

static void *
next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	return p;
}

/* Before the first use, which may be in another library's constructor. */
static void
begin(void)
{
	const char *ms = getenv("TEST_GRAIN_MS");
	const char *none = getenv("TEST_NO_INOTIFY");

	if (real_stat != NULL)
		return;
	grain_ns = ms == NULL ? 0 : strtoll(ms, NULL, 10) * 1000000;
	no_inotify = none == NULL ? 0 : (int)strtol(none, NULL, 10);
	*(void **)&real_lstat = next("lstat");
	*(void **)&real_fstat = next("fstat");
	*(void **)&real_fstatat = next("fstatat");
	*(void **)&real_init1 = next("inotify_init1");
	*(void **)&real_add_watch = next("inotify_add_watch");
	*(void **)&real_stat = next("stat");
}

static void
round_one(struct timespec *t)
{
	int64_t ns = t->tv_sec * INT64_C(1000000000) + t->tv_nsec;

	ns -= ns % grain_ns;
	t->tv_sec = (time_t)(ns / 1000000000);
	t->tv_nsec = (long)(ns % 1000000000);
}

static int
coarse(int r, struct stat *st)
{
	if (r == 0 && grain_ns > 0) {
		round_one(&st->st_mtim);
		round_one(&st->st_ctim);
	}
	return r;
}

int
stat(const char *restrict path, struct stat *restrict st)
{
	begin();
	return coarse(real_stat(path, st), st);
}

int
lstat(const char *restrict path, struct stat *restrict st)
{
	begin();
	return coarse(real_lstat(path, st), st);
}

int
fstat(int fd, struct stat *st)
{
	begin();
	return coarse(real_fstat(fd, st), st);
}

int
fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	begin();
	return coarse(real_fstatat(dir, path, st, flags), st);
}

int
inotify_init1(int flags)
{
	begin();
	if (no_inotify == 1) {
		errno = EMFILE;
		return -1;
	}
	return real_init1(flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	begin();
	if (no_inotify == 2) {
		errno = ENOSPC;
		return -1;
	}
	return real_add_watch(fd, path, mask);
}
