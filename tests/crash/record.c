/* SPDX-License-Identifier: ISC */
/* Every call that changes a folder, written down. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "tests/crash/record.h"

/* The linker's names for what --wrap took. */
int __real_openat(int dir, const char *path, int flags, ...);
int __real_mkdirat(int dir, const char *path, mode_t mode);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_ftruncate(int fd, off_t n);
int __real_renameat(int dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *path, int flags);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_renameat(int dir, const char *from, int to_dir, const char *to);
int __wrap_unlinkat(int dir, const char *path, int flags);

static struct record *now; /* NULL: nobody writes down */
static unsigned calls, die_at;
static bool old_rename;

void
record_old_rename(bool on)
{
	old_rename = on;
}

unsigned
record_calls(void)
{
	return calls;
}

void
record_die_at(unsigned n)
{
	calls = 0;
	die_at = n;
}

/* Before each call that changes something. */
static void
count_call(void)
{
	if (++calls == die_at)
		_exit(99);
}

/* ---- objects ---- */

static unsigned
object_new(struct record *r, const struct stat *st, const char *path)
{
	if (r->n_objs == r->cap_objs) {
		r->cap_objs = r->cap_objs == 0 ? 64 : 2 * r->cap_objs;
		r->objs = xreallocarray(r->objs, r->cap_objs, sizeof *r->objs);
	}
	r->objs[r->n_objs] = (struct object){ .is_dir = S_ISDIR(st->st_mode),
		.dev = st->st_dev,
		.ino = st->st_ino,
		.path = xstrdup(path) };
	return (unsigned)r->n_objs++;
}

/* The newest with this inode: numbers of removed files are used again. */
static bool
object_find(const struct record *r, const struct stat *st, unsigned *out)
{
	size_t i;

	for (i = r->n_objs; i > 0; i--)
		if (r->objs[i - 1].ino == st->st_ino &&
		    r->objs[i - 1].dev == st->st_dev) {
			*out = (unsigned)(i - 1);
			return true;
		}
	return false;
}

static bool
object_of_fd(int fd, unsigned *out)
{
	struct stat st;

	return now != NULL && fd >= 0 && fstat(fd, &st) == 0 &&
	    object_find(now, &st, out);
}

static bool
object_at(int dir, const char *name, unsigned *out)
{
	struct stat st;

	return now != NULL && dir >= 0 &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    object_find(now, &st, out);
}

/* ---- events ---- */

static void
put(struct event e)
{
	struct record *r = now;
	struct event copy;

	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 256 : 2 * r->cap;
		r->v = xreallocarray(r->v, r->cap, sizeof *r->v);
	}
	r->v[r->n++] = copy = e;
	if (r->after != NULL)
		r->after(r->arg, &copy);
}

/* A name has come into a folder. made: its object is a new one. */
static void
put_name(enum event_kind kind, int dir, const char *name, unsigned obj)
{
	struct event e = { .kind = kind, .obj = obj };

	if (!object_of_fd(dir, &e.dir))
		return;
	e.dir2 = e.dir;
	e.name = xstrdup(name);
	e.name2 = xstrdup(name);
	put(e);
}

static void
put_made(enum event_kind kind, int dir, const char *name)
{
	struct stat st;
	unsigned parent;
	char path[1024];

	if (!object_of_fd(dir, &parent) ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	(void)snprintf(
	    path, sizeof path, "%s/%s", now->objs[parent].path, name);
	put_name(kind, dir, name, object_new(now, &st, path));
}

static int
open_and_note(
    int dir, const char *path, int flags, int (*fn)(void *arg), void *arg)
{
	struct stat st;
	bool fresh, makes = (flags & O_CREAT) != 0;
	int fd;

	if (makes || (flags & O_TRUNC) != 0)
		count_call();
	fresh = makes && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == -1;
	fd = fn(arg);
	if (fd == -1 || now == NULL)
		return fd;
	if (fresh)
		put_made(EV_CREATE, dir, path);
	else if ((flags & O_TRUNC) != 0) {
		struct event e = { .kind = EV_TRUNC };

		if (object_of_fd(fd, &e.obj))
			put(e);
	}
	return fd;
}

struct open_args {
	int dir;
	const char *path;
	int flags;
	mode_t mode;
	const struct open_how *how;
};

static int
really_openat(void *arg)
{
	const struct open_args *a = arg;

	return __real_openat(a->dir, a->path, a->flags, a->mode);
}

static int
really_openat2(void *arg)
{
	const struct open_args *a = arg;

	return io_kernel.openat2(a->dir, a->path, a->how);
}

static int
rec_openat2(int dir, const char *path, const struct open_how *how)
{
	struct open_args a = { dir, path, (int)how->flags, 0, how };

	return open_and_note(dir, path, a.flags, really_openat2, &a);
}

static int
rec_openat(int dir, const char *path, int flags, mode_t mode)
{
	struct open_args a = { dir, path, flags | O_CLOEXEC, mode, NULL };

	return open_and_note(dir, path, flags, really_openat, &a);
}

static ssize_t
rec_write(int fd, const void *p, size_t n)
{
	struct event e = { .kind = EV_WRITE };
	struct stat st;
	off_t at;
	ssize_t r;

	if (!object_of_fd(fd, &e.obj) || fstat(fd, &st) == -1)
		return __real_write(fd, p, n);
	count_call();
	at = (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? st.st_size :
						    lseek(fd, 0, SEEK_CUR);
	if ((r = __real_write(fd, p, n)) > 0) {
		e.off = (uint64_t)at;
		e.n = (size_t)r;
		e.data = xmalloc(e.n);
		memcpy(e.data, p, e.n);
		put(e);
	}
	return r;
}

static int
rec_ftruncate(int fd, off_t n)
{
	struct event e = { .kind = EV_TRUNC, .off = (uint64_t)n };
	int r;

	count_call();
	if ((r = __real_ftruncate(fd, n)) == 0 && object_of_fd(fd, &e.obj))
		put(e);
	return r;
}

static int
rec_fsync(int fd)
{
	struct event e = { .kind = EV_FSYNC };

	count_call();
	if (!object_of_fd(fd, &e.obj))
		return 0;
	if (now->plant != NULL &&
	    fnmatch(now->plant, now->objs[e.obj].path, 0) == 0)
		now->n_planted++;
	else
		put(e);
	return 0;
}

static int
rec_mkdirat(int dir, const char *path, mode_t mode)
{
	int r;

	count_call();
	if ((r = __real_mkdirat(dir, path, mode)) == 0 && now != NULL)
		put_made(EV_MKDIR, dir, path);
	return r;
}

static int
rec_linkat(int dir, const char *from, int to_dir, const char *to)
{
	unsigned obj;
	int r;

	count_call();
	if ((r = linkat(dir, from, to_dir, to, 0)) == 0 &&
	    object_at(to_dir, to, &obj))
		put_name(EV_LINK, to_dir, to, obj);
	return r;
}

static int
rec_renameat2(
    int dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	struct event e = { .kind = EV_RENAME };
	int r;

	if (old_rename && flags != 0) {
		errno = EINVAL;
		return -1;
	}
	count_call();
	r = renameat2(dir, from, to_dir, to, flags);
	if (r == -1 || !object_at(to_dir, to, &e.obj) ||
	    !object_of_fd(dir, &e.dir) || !object_of_fd(to_dir, &e.dir2))
		return r;
	e.name = xstrdup(from);
	e.name2 = xstrdup(to);
	put(e);
	return r;
}

static int
rec_unlinkat(int dir, const char *path, int flags)
{
	unsigned obj = 0;
	bool known = object_at(dir, path, &obj);
	int r;

	count_call();
	if ((r = __real_unlinkat(dir, path, flags)) == 0 && known)
		put_name(EV_UNLINK, dir, path, obj);
	return r;
}

static int
rec_futimens(int fd, const struct timespec times[2])
{
	struct event e = { .kind = EV_MTIME, .mtime = times[1].tv_sec };
	int r;

	count_call();
	if ((r = futimens(fd, times)) == 0 && object_of_fd(fd, &e.obj))
		put(e);
	return r;
}

static int
rec_nothing(int fd, off_t off, off_t n)
{
	(void)fd;
	(void)off;
	(void)n;
	return 0;
}

static int
rec_fstatat(int dir, const char *path, struct stat *st)
{
	return fstatat(dir, path, st, AT_SYMLINK_NOFOLLOW);
}

static ssize_t
rec_getdents(int fd, void *p, size_t n)
{
	return io_kernel.getdents(fd, p, n);
}

static int
rec_flock(int fd, int how)
{
	return io_kernel.flock(fd, how);
}

static const struct io_ops recording = {
	.openat2 = rec_openat2,
	.openat = rec_openat,
	.close = close,
	.read = read,
	.pread = pread,
	.write = rec_write,
	.ftruncate = rec_ftruncate,
	.fsync = rec_fsync,
	.sync_range = rec_nothing,
	.fstat = fstat,
	.fstatat = rec_fstatat,
	.getdents = rec_getdents,
	.lseek = lseek,
	.mkdirat = rec_mkdirat,
	.linkat = rec_linkat,
	.renameat2 = rec_renameat2,
	.unlinkat = rec_unlinkat,
	.futimens = rec_futimens,
	.flock = rec_flock,
};
const struct io_ops *const io_table = &recording;

/* ---- what the spool calls by name ---- */

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return rec_openat(dir, path, flags, mode);
}

int
__wrap_mkdirat(int dir, const char *path, mode_t mode)
{
	return rec_mkdirat(dir, path, mode);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return rec_write(fd, p, n);
}

int
__wrap_ftruncate(int fd, off_t n)
{
	return rec_ftruncate(fd, n);
}

int
__wrap_renameat(int dir, const char *from, int to_dir, const char *to)
{
	return rec_renameat2(dir, from, to_dir, to, 0);
}

int
__wrap_unlinkat(int dir, const char *path, int flags)
{
	return rec_unlinkat(dir, path, flags);
}

/* ---- begin and end ---- */

void
record_begin(struct record *r, const char *root)
{
	struct stat st;

	if (stat(root, &st) == -1)
		abort();
	(void)object_new(r, &st, "");
	now = r;
}

/* The bytes and the date of a file that is there. */
static void
know_file(const char *path, const struct stat *st, unsigned obj)
{
	struct event w = { .kind = EV_WRITE, .obj = obj };
	struct event m = { .kind = EV_MTIME, .obj = obj };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		abort();
	w.n = (size_t)st->st_size;
	w.data = xmalloc(w.n + 1);
	if (read(fd, w.data, w.n) != (ssize_t)w.n)
		abort();
	(void)close(fd);
	put(w);
	m.mtime = st->st_mtime;
	put(m);
}

static void
know(struct record *r, const char *root, unsigned dir)
{
	const struct dirent *e;
	struct stat st;
	char path[2048], sub[1024];
	DIR *d;

	(void)snprintf(path, sizeof path, "%s%s", root, r->objs[dir].path);
	if ((d = opendir(path)) == NULL)
		abort();
	while ((e = readdir(d)) != NULL) {
		struct event ev = { .kind = EV_LINK, .dir = dir, .dir2 = dir };
		bool known;

		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			-1)
			continue;
		(void)snprintf(
		    sub, sizeof sub, "%s/%s", r->objs[dir].path, e->d_name);
		(void)snprintf(path, sizeof path, "%s%s", root, sub);
		known = object_find(r, &st, &ev.obj);
		if (!known)
			ev.obj = object_new(r, &st, sub);
		ev.name = xstrdup(e->d_name);
		ev.name2 = xstrdup(e->d_name);
		put(ev);
		if (!known && !S_ISDIR(st.st_mode))
			know_file(path, &st, ev.obj);
	}
	(void)closedir(d);
}

void
record_here(struct record *r, const char *root)
{
	unsigned i;

	for (i = 0; i < r->n_objs; i++)
		if (r->objs[i].is_dir)
			know(r, root, i);
}

void
record_settle(struct record *r)
{
	r->base = r->n;
}

void
record_mark(struct record *r, size_t marks)
{
	if (now == r)
		put((struct event){ .kind = EV_MARK, .off = marks });
}

void
record_end(struct record *r)
{
	if (now == r)
		now = NULL;
}

void
record_free(struct record *r)
{
	size_t i;

	record_end(r);
	for (i = 0; i < r->n; i++) {
		xfree(r->v[i].name);
		xfree(r->v[i].name2);
		xfree(r->v[i].data);
	}
	for (i = 0; i < r->n_objs; i++)
		xfree(r->objs[i].path);
	xfree(r->v);
	xfree(r->objs);
	*r = (struct record){ 0 };
}

void
record_say(const struct record *r, size_t i, struct buf *out)
{
	static const char *const words[] = { "CREATE", "MKDIR", "LINK",
		"UNLINK", "RENAME", "WRITE", "TRUNC", "MTIME", "FSYNC",
		"MARK" };
	const struct event *e = &r->v[i];

	buf_puts(out, words[e->kind]);
	if (e->name2 != NULL)
		buf_printf(out, " %s/%s %s/%s", r->objs[e->dir].path, e->name,
		    r->objs[e->dir2].path, e->name2);
	else
		buf_printf(out, " %llu+%zu %s", (unsigned long long)e->off,
		    e->n, e->kind == EV_MARK ? "" : r->objs[e->obj].path);
}
