/* SPDX-License-Identifier: ISC */
/* The descriptors of one Maildir. */
#include <errno.h>

#include "libbase/mem.h"
#include "libbase/random.h"
#include "libmaildir/folder.h"
#include "libmaildir/io.h"

/* ""  means the root itself. */
static int
open_place(int root, const char *subdir)
{
	return io_open_dir(root, *subdir == '\0' ? "." : subdir);
}

/* One that is made here is on disk before anything is put into it: those who
 * flush what they put there do not flush the folder above. */
static int
open_part(int dir, const char *part, mode_t mode, int *fd_out)
{
	if ((*fd_out = io_open_dir(dir, part)) != -1 || errno != ENOENT)
		return *fd_out == -1 ? -1 : 0;
	if (io_mkdir(dir, part, mode) == -1 || io_fsync(dir) == -1)
		return -1;
	*fd_out = io_open_dir(dir, part);
	return *fd_out == -1 ? -1 : 0;
}

static int
open_control(const struct folder_place *place, struct folder *f)
{
	const char *subdir = place->subdir;

	if (place->control_root == place->mail_root) {
		f->control = f->dir;
		return 0;
	}
	/* Dovecot keeps INBOX's files beside the others there (tried). */
	if (*subdir == '\0')
		subdir = ".INBOX";
	return open_part(place->control_root, subdir, 0700, &f->control);
}

/* A folder that its group may write to (shared trees, setgid) has files for
 * the group; any other has files of the user's alone. */
static int
take_mode(struct folder *f)
{
	struct stat st;

	if (io_fstat(f->dir, &st) == -1)
		return -1;
	f->mode = (st.st_mode & (S_ISGID | S_IWGRP)) == (S_ISGID | S_IWGRP) ?
	    0660 :
	    0600;
	return 0;
}

int
folder_open(
    const struct folder_place *place, struct folder *out, struct err *err)
{
	struct folder f = {
		.dir = -1,
		.cur = -1,
		.new = -1,
		.tmp = -1,
		.control = -1,
		.root = place->control_root,
		.mail_root = *place->subdir == '\0' ? -1 : place->mail_root,
	};
	mode_t mode;

	f.dir = open_place(place->mail_root, place->subdir);
	if (f.dir == -1 || take_mode(&f) == -1)
		goto out;
	mode = f.mode == 0600 ? 0700 : 02770;
	if (open_part(f.dir, "cur", mode, &f.cur) == -1 ||
	    open_part(f.dir, "new", mode, &f.new) == -1 ||
	    open_part(f.dir, "tmp", mode, &f.tmp) == -1 ||
	    open_control(place, &f) == -1)
		goto out;
	f.name = xstrdup(place->name);
	random_bytes(&f.next, sizeof f.next);
	*out = f;
	return 0;
out:
	(void)err_sys(err, "folder %s", place->name);
	folder_close(&f);
	return -1;
}

void
folder_close(struct folder *f)
{
	if (f->control == f->dir)
		f->control = -1;
	io_close(&f->control);
	io_close(&f->cur);
	io_close(&f->new);
	io_close(&f->tmp);
	io_close(&f->dir);
	xfree(f->name);
	f->name = NULL;
}
