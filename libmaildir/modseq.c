/* SPDX-License-Identifier: ISC */
/*
 * Modseqs: the counter, its ceiling on disk, and logs ordered by them.
 *
 * The file is one line: "1 ceiling=N". It is read strictly; what is not this
 * line is as good as no file: then the clock alone keeps values rising.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/modseq.h"

#define RESERVE     (UINT64_C(1) << 20)
#define RESERVE_LOW (UINT64_C(1) << 19)
/* RFC 7162 7: 63 bits. Far below it, and far above the clock. */
#define CEILING_MAX (UINT64_C(1) << 62)
#define AGAIN_US    (60 * UINT64_C(1000000))
#define TEMP_FILE   MODSEQ_FILE ".tmp"
#define PREFIX      "1 ceiling="
#define MAX_LINE    64
#define LOCK_TRIES  50

/* Who was away for longer gets the wider answer. */
#define LOG_AGE_SECS (30u * 86400)

static uint64_t
max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
parse(struct slice text)
{
	uint64_t v;

	if (!slice_starts(text, PREFIX) || text.p[text.n - 1] != '\n')
		return 0;
	text = slice_head(
	    slice_from(text, sizeof PREFIX - 1), text.n - sizeof PREFIX);
	if (text.n == 0 || text.p[0] == '0' ||
	    slice_u64(text, CEILING_MAX, &v) == -1)
		return 0;
	return v;
}

/* What the file holds; 0: nothing that can be believed. */
static uint64_t
read_ceiling(int dir)
{
	char text[MAX_LINE];
	ssize_t n;
	int fd;

	if ((fd = io_open(dir, MODSEQ_FILE, O_RDONLY, 0)) == -1)
		return 0;
	n = io_pread(fd, text, sizeof text, 0);
	io_close(&fd);
	if (n <= 0 || n == sizeof text)
		return 0;
	return parse(slice_of(text, (size_t)n));
}

static int
write_line(int fd, uint64_t ceiling)
{
	char text[MAX_LINE];
	int n = snprintf(
	    text, sizeof text, PREFIX "%llu\n", (unsigned long long)ceiling);

	if (io_write(fd, slice_of(text, (size_t)n)) == -1)
		return -1;
	return io_fsync(fd);
}

/* The new file, locked: who holds it may read the old one and replace it. 1, 0
 * somebody else has it, -1 with errno. */
static int
try_lock(int dir, int *fd_out)
{
	struct stat mine, there;
	int fd, r;

	fd = io_open_stat(dir, TEMP_FILE, O_RDWR | O_CREAT, 0600, &mine);
	if (fd == -1)
		return -1;
	r = io_try_flock(fd);
	/* It may have got its name meanwhile, by the one who had it. */
	if (r == 1 &&
	    (io_stat(dir, TEMP_FILE, &there) == -1 ||
		there.st_ino != mine.st_ino))
		r = 0;
	if (r == 1)
		*fd_out = fd;
	else
		io_close(&fd);
	return r;
}

/* Two processes of a user may be at it in the same moment: a few milliseconds.
 */
static int
lock(int dir, int *fd_out, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int i, r = 0;

	for (i = 0; i < LOCK_TRIES && r == 0; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL);
		r = try_lock(dir, fd_out);
	}
	if (r == -1)
		return err_sys(err, "make " TEMP_FILE);
	return r == 1 ? 0 : err_set(err, ERR_BUSY, TEMP_FILE " is locked");
}

/* Under the lock, which goes with it. */
static int
write_ceiling(int dir, int fd, uint64_t ceiling, struct err *err)
{
	if (io_truncate(fd, 0) == -1 || write_line(fd, ceiling) == -1 ||
	    io_rename(dir, TEMP_FILE, dir, MODSEQ_FILE) == -1) {
		(void)err_sys(err, "write " MODSEQ_FILE);
		io_discard(dir, TEMP_FILE);
		return -1;
	}
	if (io_fsync(dir) == -1)
		return err_sys(err, "flush the folder of " MODSEQ_FILE);
	return 0;
}

void
modseqs_init(struct modseqs *m)
{
	*m = (struct modseqs){ .dir = -1 };
	m->last = m->ceiling = m->floor = clock_real_us();
}

/* Another process of this user may have raised it: then the values up to there
 * are that one's. */
static int
raise_locked(struct modseqs *m, int fd, struct err *err)
{
	uint64_t there = read_ceiling(m->dir);
	uint64_t from = there > m->ceiling ? there : m->last;

	if (from > CEILING_MAX)
		return err_set(err, ERR_LIMIT, "no modseq is left");
	if (write_ceiling(m->dir, fd, from + RESERVE, err) == -1)
		return -1;
	m->last = from;
	m->ceiling = from + RESERVE;
	return 0;
}

static int
raise_ceiling(struct modseqs *m, struct err *err)
{
	int fd, r;

	r = lock(m->dir, &fd, err);
	if (r == 0) {
		r = raise_locked(m, fd, err);
		io_close(&fd);
	}
	m->is_kept = r == 0;
	if (r == -1)
		m->again_at_us = clock_mono_us() + AGAIN_US;
	return r;
}

/* The same, and what is drawn from here on is above all that anybody told. */
static int
begin_anew(struct modseqs *m, struct err *err)
{
	int r;

	m->ceiling = m->last;
	r = raise_ceiling(m, err);
	m->floor = m->last;
	return r;
}

int
modseqs_open(
    struct modseqs *m, int dir, const struct modseq_past *past, struct err *err)
{
	uint64_t there = read_ceiling(dir);

	*m = (struct modseqs){ .dir = dir };
	if (past->is_clean && past->ceiling == there && past->last <= there &&
	    past->floor <= past->last && past->floor != 0) {
		m->last = past->last;
		m->floor = past->floor;
		m->ceiling = there;
		m->is_kept = true;
		return modseqs_reserve(m, err);
	}
	m->last = max_of(there, clock_real_us());
	if (past->last < CEILING_MAX)
		m->last = max_of(m->last, past->last);
	return begin_anew(m, err);
}

int
modseqs_overtaken(struct modseqs *m, struct err *err)
{
	uint64_t there = m->dir == -1 ? 0 : read_ceiling(m->dir);

	m->last = max_of(m->last, max_of(m->ceiling, there));
	m->floor = m->ceiling = m->last;
	return m->dir == -1 ? 0 : begin_anew(m, err);
}

int
modseqs_reserve(struct modseqs *m, struct err *err)
{
	bool is_low =
	    m->last >= m->ceiling || m->ceiling - m->last < RESERVE_LOW;

	if (m->dir == -1 || !is_low)
		return 0;
	if (m->again_at_us != 0 && clock_mono_us() < m->again_at_us)
		return 0;
	m->again_at_us = 0;
	return raise_ceiling(m, err);
}

uint64_t
modseqs_draw(struct modseqs *m)
{
	struct err err;

	if (m->last >= m->ceiling && m->dir != -1 &&
	    modseqs_reserve(m, &err) == -1)
		m->is_kept = false;
	return ++m->last;
}

int
modseqs_restored(int dir, struct err *err)
{
	uint64_t from;
	int fd, r;

	if (lock(dir, &fd, err) == -1)
		return -1;
	from = max_of(read_ceiling(dir), clock_real_us());
	r = write_ceiling(dir, fd, from + RESERVE, err);
	io_close(&fd);
	return r;
}

/* ---- logs ---- */

void
modlog_init(struct modlog *l, size_t max)
{
	*l = (struct modlog){ .max = max };
}

void
modlog_free(struct modlog *l)
{
	xfree(l->v);
	modlog_init(l, l->max);
}

void
modlog_reset(struct modlog *l, uint64_t floor)
{
	l->first = l->n = 0;
	l->floor = floor;
}

static void
drop_first(struct modlog *l)
{
	l->floor = l->v[l->first++].modseq;
}

static void
make_room(struct modlog *l)
{
	size_t live = l->n - l->first;

	if (l->n < l->cap)
		return;
	if (l->first >= 64 && l->first >= l->cap / 4) {
		memmove(l->v, l->v + l->first, live * sizeof *l->v);
		l->first = 0;
		l->n = live;
		return;
	}
	l->cap = l->cap == 0 ? 16 : 2 * l->cap;
	l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
}

void
modlog_add(struct modlog *l, const struct modlog_entry *e)
{
	uint64_t last = l->n > l->first ? l->v[l->n - 1].modseq : l->floor;

	if (e->modseq <= last)
		return;
	if (l->n - l->first == l->max)
		drop_first(l);
	while (l->n > l->first && e->secs > LOG_AGE_SECS &&
	    l->v[l->first].secs < e->secs - LOG_AGE_SECS)
		drop_first(l);
	make_room(l);
	l->v[l->n++] = *e;
}

const struct modlog_entry *
modlog_above(const struct modlog *l, uint64_t modseq, size_t *n_out)
{
	size_t lo = l->first, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->v[mid].modseq <= modseq)
			lo = mid + 1;
		else
			hi = mid;
	}
	*n_out = l->n - lo;
	return l->v == NULL ? NULL : l->v + lo;
}

bool
modlog_covers(const struct modlog *l, uint64_t modseq)
{
	return modseq >= l->floor;
}
