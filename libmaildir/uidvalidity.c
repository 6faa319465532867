/* SPDX-License-Identifier: ISC */
/*
 * UIDVALIDITY of new mailboxes. As Dovecot has it: dovecot-uidvalidity holds
 * eight hex digits, and beside it lies an empty file whose name ends with the
 * same digits: dovecot-uidvalidity.5f3a9c01. A number is taken by renaming
 * that file to the new one, which only one process can do; the contents are a
 * copy for speed that we do not believe.
 *
 * V1. A number given is above every number given before in this store, and
 * above the clock's seconds when that is later. So the name that proves it is
 * flushed before the number is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/clock.h"
#include "libmaildir/io.h"
#include "libmaildir/uidvalidity.h"

#define PREFIX "dovecot-uidvalidity"
#define TRIES  20

static uint32_t
hex_of(struct slice s)
{
	uint32_t v = 0;
	size_t i;

	if (s.n != 8)
		return 0;
	for (i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (ascii_is_digit(c))
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return 0;
	}
	return v;
}

static int
look_at(void *arg, const char *name, unsigned char d_type)
{
	struct slice s = slice_str(name);
	uint32_t *last = arg;
	uint32_t v;

	(void)d_type;
	if (slice_starts(s, PREFIX ".")) {
		v = hex_of(slice_from(s, sizeof PREFIX));
		if (v > *last)
			*last = v;
	}
	return 0;
}

/* The value that lies in the file, 0 when there is none. */
static int
read_value(int root, uint32_t *out)
{
	struct buf b;
	int fd, r;

	*out = 0;
	if ((fd = io_open(root, PREFIX, O_RDONLY, 0)) == -1)
		return errno == ENOENT ? 0 : -1;
	buf_init(&b, 64 * 1024);
	if ((r = io_read_all(fd, &b)) == 0)
		*out = hex_of(slice_head(buf_slice(&b), 8));
	buf_free(&b);
	io_close(&fd);
	return r;
}

static int
write_value(const struct folder *f, uint32_t v)
{
	char text[9];
	int fd, r;

	fd = io_open(f->root, PREFIX, O_WRONLY | O_CREAT, f->mode);
	if (fd == -1)
		return -1;
	(void)snprintf(text, sizeof text, "%08x", v);
	r = io_write(fd, slice_of(text, 8));
	io_close(&fd);
	return r;
}

/* 1 taken, 0 somebody was faster, -1. */
static int
take(const struct folder *f, uint32_t last, uint32_t next)
{
	char from[sizeof PREFIX + 9], to[sizeof PREFIX + 9];
	int fd;

	(void)snprintf(from, sizeof from, PREFIX ".%08x", last);
	(void)snprintf(to, sizeof to, PREFIX ".%08x", next);
	if (last != 0 && io_rename_new(f->root, from, f->root, to) == 0)
		return 1;
	if (last != 0 && errno != ENOENT)
		return errno == EEXIST ? 0 : -1;
	fd = io_open(f->root, to, O_WRONLY | O_CREAT | O_EXCL, 0444);
	if (fd == -1)
		return errno == EEXIST ? 0 : -1;
	io_close(&fd);
	return 1;
}

int
uidvalidity_next(const struct folder *f, uint32_t *out, struct err *err)
{
	uint32_t named, value, next;
	uint64_t now;
	int i, r;

	for (i = 0; i < TRIES; i++) {
		named = 0;
		if (io_list(f->root, look_at, &named) == -1 ||
		    read_value(f->root, &value) == -1)
			return err_sys(err, "read " PREFIX);
		next = (named > value ? named : value) + 1;
		now = (uint64_t)clock_now();
		if (now > next && now < UINT32_MAX)
			next = (uint32_t)now;
		if (next == 0)
			return err_set(
			    err, ERR_LIMIT, "no UIDVALIDITY is left");
		if ((r = take(f, named, next)) == -1)
			return err_sys(err, "take " PREFIX ".%08x", next);
		if (r == 0)
			continue;
		if (write_value(f, next) == -1 || io_fsync(f->root) == -1)
			return err_sys(err, "write " PREFIX);
		*out = next;
		return 0;
	}
	return err_set(err, ERR_BUSY, PREFIX " is taken again and again");
}
