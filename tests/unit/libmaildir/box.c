/* SPDX-License-Identifier: ISC */
/* A mail folder with mailboxes, for the tests of the mailbox half. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/libmaildir/box.h"

static struct mailbox *
open_sub(struct box *b, const char *subdir, const char *name)
{
	struct folder_place place = { b->root, b->root, subdir, name };
	struct mailbox *mb;
	struct folder f;
	struct err err;

	assert_int_equal(folder_open(&place, &f, &err), 0);
	assert_int_equal(mailbox_open_folder(b->ms, &f, &mb, &err), 0);
	return mb;
}

void
box_open(struct box *b, struct scratch *s, bool watch)
{
	struct mailboxes_conf conf = { .watch = watch };

	b->root = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(b->root, -1);
	b->ms = mailboxes_new(NULL, &conf);
	b->mb = open_sub(b, "", "INBOX");
	b->v = view_open(b->mb, false);
	box_sync(b);
}

void
box_close(struct box *b)
{
	view_close(&b->v);
	mailbox_close(&b->mb);
	mailboxes_free(&b->ms);
	(void)close(b->root);
}

struct mailbox *
box_other(struct box *b, const char *subdir)
{
	(void)mkdirat(b->root, subdir, 0700);
	return open_sub(b, subdir, subdir);
}

enum step
box_refresh(struct view *v, struct err *err)
{
	struct flush_set fs = { 0 };
	enum step r;

	while ((r = view_refresh(v, &fs, err)) == STEP_FLUSH)
		io_flush_now(&fs);
	return r;
}

void
box_sync(struct box *b)
{
	struct err err = { 0 };
	enum step r = box_refresh(b->v, &err);

	if (r != STEP_DONE)
		print_error("%s\n", err.text);
	assert_int_equal(r, STEP_DONE);
	(void)view_update(b->v, true, NULL);
}

enum step
box_commit(struct save *s, struct err *err)
{
	struct flush_set fs = { 0 };
	enum step r;

	while ((r = save_commit(s, &fs, err)) == STEP_FLUSH)
		io_flush_now(&fs);
	return r;
}

enum step
box_copy(struct copy *c, struct err *err)
{
	struct flush_set fs = { 0 };
	enum step r;

	while ((r = copy_step(c, &fs, err)) == STEP_FLUSH || r == STEP_AGAIN)
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
	return r;
}

uint32_t
box_save(struct mailbox *mb, const char *text, uint8_t flags)
{
	struct save_message m = { .flags = flags,
		.internaldate = MAILBOX_NO_DATE };
	struct err err = { 0 };
	struct save *s;
	uint32_t uid;

	assert_int_equal(save_begin(mb, &s, &err), 0);
	assert_int_equal(save_add(s, &m, &err), 0);
	assert_int_equal(save_write(s, slice_str(text), &err), 0);
	assert_int_equal(box_commit(s, &err), STEP_DONE);
	uid = save_uid(s, 0);
	save_free(&s);
	return uid;
}

void
box_drop(struct box *b, const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = openat(
	    b->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

void
box_rename(struct box *b, const char *from, const char *to)
{
	assert_int_equal(renameat(b->root, from, b->root, to), 0);
}

unsigned
box_files(struct box *b, const char *dir, char name[256])
{
	int fd = openat(b->root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	unsigned n = 0;
	DIR *d;

	if (fd == -1)
		return 0;
	d = fdopendir(fd);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' &&
		    (e->d_name[1] == '\0' || e->d_name[1] == '.'))
			continue;
		n++;
		if (name != NULL)
			(void)snprintf(name, 256, "%s", e->d_name);
	}
	(void)closedir(d);
	return n;
}

unsigned
box_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}
