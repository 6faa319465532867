/* SPDX-License-Identifier: ISC */
/*
 * Lock files.
 *
 * L1. A lock file never exists without its contents (an empty one makes Dovecot
 * wait 122 s): it is written under another name and linked.
 * L2. A stale lock is removed by one process only: whoever holds flock() on it
 * and sees that the name still means that file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libmaildir/dotlock.h"
#include "libmaildir/io.h"
#include "libmaildir/name.h"

#define BUSY_MAX_US ((DOTLOCK_STALE_SECS + 10) * UINT64_C(1000000))
#define GAP_US      UINT64_C(5000000)

void
dotlock_init(struct dotlock *l)
{
	*l = (struct dotlock){ .fd = -1 };
}

static void
host_name(char *out, size_t n)
{
	if (gethostname(out, n - 1) == -1)
		(void)snprintf(out, n, "localhost");
	out[n - 1] = '\0';
}

/* A holder on this host that does not live any more. What cannot be read as
 * pid:host says nothing. */
static bool
holder_is_dead(int fd)
{
	char host[256];
	struct slice text, pid;
	uint32_t v;
	struct buf b;
	bool dead = false;

	host_name(host, sizeof host);
	buf_init(&b, 64 * 1024);
	if (io_read_all(fd, &b) == 0) {
		text = slice_trim(buf_slice(&b));
		if (slice_cut(&text, ':', &pid) && slice_eq_str(text, host) &&
		    slice_u32(pid, INT32_MAX, &v) == 0 && v > 0)
			/* Our own number: left by one who had it before us;
			 * we do not hold it. */
			dead = (pid_t)v == getpid() ||
			    (kill((pid_t)v, 0) == -1 && errno == ESRCH);
	}
	buf_free(&b);
	return dead;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Remove a stale lock (L2). 1: removed or gone, 0: its holder is alive, -1. */
static int
override(struct folder *f, const char *name)
{
	struct stat st, now;
	int fd, r = -1;

	if ((fd = io_open(f->control, name, O_RDONLY, 0)) == -1)
		return errno == ENOENT ? 1 : -1;
	if (io_fstat(fd, &st) == -1)
		goto out;
	if (!holder_is_dead(fd) &&
	    clock_now() - st.st_mtime < DOTLOCK_STALE_SECS) {
		r = 0;
		goto out;
	}
	if ((r = io_try_flock(fd)) != 1)
		goto out;
	r = 1;
	if (io_stat(f->control, name, &now) == -1)
		r = errno == ENOENT ? 1 : -1;
	else if (is_same(&st, &now) && io_unlink(f->control, name) == -1 &&
	    errno != ENOENT)
		r = -1;
out:
	io_close(&fd);
	return r;
}

/* A file with our name in it, under a name of its own (L1). tmp/ is swept by
 * all Maildir programs; a control folder elsewhere has none. */
static int
make_file(struct folder *f, int dir, struct buf *name, int *fd_out)
{
	char host[256], text[300];
	int fd, n;

	if (dir != f->tmp)
		buf_puts(name, ".temp.");
	name_unique(&f->next, name);
	host_name(host, sizeof host);
	n = snprintf(text, sizeof text, "%ld:%s", (long)getpid(), host);
	fd = io_open(dir, buf_cstr(name), O_RDWR | O_CREAT | O_EXCL, f->mode);
	if (fd == -1)
		return -1;
	if (io_write(fd, slice_of(text, (size_t)n)) == -1) {
		io_discard(dir, buf_cstr(name));
		io_close(&fd);
		return -1;
	}
	*fd_out = fd;
	return 0;
}

/* 1 linked, 0 the lock is there, -1. */
static int
try_once(struct dotlock *l, struct folder *f, const char *name)
{
	int dir = f->control == f->dir ? f->tmp : f->control;
	struct buf tmp;
	int fd = -1, r;

	buf_init(&tmp, 512);
	r = make_file(f, dir, &tmp, &fd);
	if (r == 0) {
		r = io_link(dir, buf_cstr(&tmp), f->control, name) == 0 ? 1 :
		    errno == EEXIST                                     ? 0 :
									  -1;
		io_discard(dir, buf_cstr(&tmp));
		if (r == 1)
			l->fd = fd;
		else
			io_close(&fd);
	}
	buf_free(&tmp);
	return r;
}

/* Note how long we have been waiting; -1 when it is too long. A pause means
 * that the one who waited has gone. */
static int
note_busy(struct dotlock *l, const char *name, struct err *err)
{
	uint64_t now = clock_mono_us();

	if (l->busy_since_us == 0 || now - l->busy_last_us > GAP_US)
		l->busy_since_us = now;
	l->busy_last_us = now;
	if (now - l->busy_since_us > BUSY_MAX_US) {
		l->busy_since_us = 0;
		return err_set(err, ERR_BUSY, "%s is held for too long", name);
	}
	return 0;
}

int
dotlock_take(
    struct dotlock *l, struct folder *f, const char *name, struct err *err)
{
	int i, r;

	if (l->fd != -1)
		return 0; /* ours, further up: a scan under the lock */
	for (i = 0; i < 2; i++) {
		/* Most often it is free; but a file made only to find it
		 * taken would be waste while we wait. */
		struct stat st;

		r = 0;
		if (i > 0 || l->busy_since_us == 0 ||
		    io_stat(f->control, name, &st) == -1)
			r = try_once(l, f, name);
		if (r == 1) {
			l->touched_us = clock_mono_us();
			l->busy_since_us = 0;
			return 1;
		}
		if (r == 0)
			r = override(f, name);
		if (r == -1)
			return err_sys(err, "lock %s", name);
		if (r == 0)
			break;
	}
	return note_busy(l, name, err);
}

void
dotlock_touch(struct dotlock *l)
{
	uint64_t now = clock_mono_us();

	if (l->fd == -1 ||
	    now - l->touched_us < DOTLOCK_TOUCH_SECS * UINT64_C(1000000))
		return;
	l->touched_us = now;
	(void)!io_set_mtime(l->fd, (int64_t)clock_now());
}

void
dotlock_drop(struct dotlock *l, struct folder *f, const char *name)
{
	struct stat ours, there;

	if (l->fd == -1)
		return;
	/* Overridden by somebody: theirs stays. In doubt it is ours. */
	if (io_fstat(l->fd, &ours) == -1 ||
	    io_stat(f->control, name, &there) == -1 || is_same(&ours, &there))
		io_discard(f->control, name);
	io_close(&l->fd);
}
