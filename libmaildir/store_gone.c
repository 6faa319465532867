/* SPDX-License-Identifier: ISC */
/*
 * Folders on their way out. A deleted mailbox is renamed into restante/gone,
 * which is the moment it is deleted; its files go later, portion by portion. A
 * folder found inside is moved up beside it, so that nothing here is deeper
 * than one level.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "libbase/random.h"
#include "libmaildir/io.h"
#include "libmaildir/store_private.h"

#define HIDDEN_MAX 24

static void
hidden_name(char out[HIDDEN_MAX])
{
	(void)snprintf(
	    out, HIDDEN_MAX, "%016llx", (unsigned long long)random_u64());
}

static int
open_gone(int root)
{
	int own = io_open_dir(root, STORE_OWN), fd;

	if (own == -1)
		return -1;
	fd = io_open_dir(own, "gone");
	io_close(&own);
	return fd;
}

static int
make_gone(int root)
{
	int own, fd = -1;

	if (io_mkdir(root, STORE_OWN, 0700) < 0)
		return -1;
	own = io_open_dir(root, STORE_OWN);
	if (own != -1 && io_mkdir(own, "gone", 0700) == 0)
		fd = io_open_dir(own, "gone");
	io_close(&own);
	return fd;
}

int
store_gone_put(int root, const char *disk, struct err *err)
{
	char to[HIDDEN_MAX];
	struct stat st;
	int gone, r = 1;

	if (io_stat(root, disk, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "stat %s", disk);
	gone = open_gone(root);
	if (gone == -1 && errno == ENOENT)
		gone = make_gone(root);
	if (gone == -1)
		return err_sys(err, "make %s", STORE_GONE);
	hidden_name(to);
	if (io_rename(root, disk, gone, to) < 0)
		r = errno == ENOENT ? 0 : err_sys(err, "delete %s", disk);
	io_close(&gone);
	return r;
}

struct sweep {
	int gone; /* restante/gone */
	int dir;  /* the folder being emptied */
	unsigned budget;
	bool stuck; /* something could not be removed */
};

static int
sweep_entry(void *arg, const char *name, unsigned char d_type)
{
	struct sweep *s = arg;
	struct stat st;

	if (s->budget == 0)
		return 1;
	s->budget--;
	if (d_type == DT_UNKNOWN)
		d_type =
		    io_stat(s->dir, name, &st) == 0 && S_ISDIR(st.st_mode) ?
		    DT_DIR :
		    DT_REG;
	if (d_type == DT_DIR) {
		char to[HIDDEN_MAX];

		if (io_rmdir(s->dir, name) == 0)
			return 0;
		hidden_name(to);
		if (io_rename(s->dir, name, s->gone, to) < 0 && errno != ENOENT)
			s->stuck = true;
	} else if (io_unlink(s->dir, name) < 0 && errno != ENOENT) {
		s->stuck = true;
	}
	return 0;
}

static int
sweep_folder(void *arg, const char *name, unsigned char d_type)
{
	struct sweep *s = arg;
	int r;

	if (s->budget == 0)
		return 1;
	s->budget--;
	s->dir = io_open_dir(s->gone, name);
	if (s->dir == -1) {
		if (d_type == DT_DIR || io_unlink(s->gone, name) < 0)
			s->stuck = true;
		return 0;
	}
	r = io_list(s->dir, sweep_entry, s);
	io_close(&s->dir);
	if (r == 0 && io_rmdir(s->gone, name) < 0 && errno != ENOENT)
		s->stuck = s->stuck || errno != ENOTEMPTY;
	return r < 0 ? 0 : r;
}

int
store_gone_sweep(int root, unsigned budget)
{
	struct sweep s = { .dir = -1, .budget = budget };

	s.gone = open_gone(root);
	if (s.gone == -1)
		return 0;
	(void)!io_list(s.gone, sweep_folder, &s);
	io_close(&s.gone);
	/* A folder moved up is seen by the next round: there is one as long as
	 * this one found work and could do it. */
	return !s.stuck && s.budget < budget ? 1 : 0;
}
