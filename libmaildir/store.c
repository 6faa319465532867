/* SPDX-License-Identifier: ISC */
/* A user's mail folder: open, close, find a folder in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/import.h"
#include "libmaildir/io.h"
#include "libmaildir/store_private.h"

#define DEFAULT_MAX_FOLDERS 10000
#define DEFAULT_MAX_DEPTH   32
#define DEFAULT_GRAIN_US    10000
#define SWEEP_AT_OPEN       200 /* a few milliseconds */

/* Make what is missing of an absolute path. */
static int
make_path(const char *path, struct err *err)
{
	char *p = xstrdup(path);
	int r = 0;

	for (char *s = p + 1; r == 0; s++) {
		char was = *s;

		if (was != '/' && was != '\0')
			continue;
		*s = '\0';
		/* a level above may be there and closed to us */
		if (io_mkdir(AT_FDCWD, p, 0700) < 0 && was == '\0')
			r = err_sys(err, "make %s", path);
		*s = was;
		if (was == '\0')
			break;
	}
	xfree(p);
	return r;
}

/* The name of a new folder is on disk when the folder above is flushed. */
static int
flush_parent(const char *path, struct err *err)
{
	char *p = xstrdup(path), *slash;
	size_t n = strlen(p);
	int fd, r = 0;

	while (n > 1 && p[n - 1] == '/')
		p[--n] = '\0';
	slash = strrchr(p, '/');
	slash[slash == p ? 1 : 0] = '\0';
	fd = io_open_root(p);
	/* A folder above that cannot be read cannot be flushed by the user;
	 * nothing has been promised yet. */
	if (fd == -1 && errno != EACCES)
		r = err_sys(err, "open %s", p);
	else if (fd != -1 && io_fsync(fd) < 0)
		r = err_sys(err, "flush %s", p);
	io_close(&fd);
	xfree(p);
	return r;
}

static int
open_root(const char *path, bool create, int *fd_out, struct err *err)
{
	int fd = io_open_root(path);

	if (fd == -1 && errno == ENOENT && create) {
		if (make_path(path, err) < 0 || flush_parent(path, err) < 0)
			return -1;
		fd = io_open_root(path);
	}
	if (fd == -1)
		return err_sys(err, "open %s", path);
	*fd_out = fd;
	return 0;
}

static int
check_root(struct store *st, struct err *err)
{
	struct stat s;

	if (io_fstat(st->mail_fd, &s) < 0)
		return err_sys(err, "stat %s", st->mail);
	if (st->conf.check_owner && s.st_uid != st->conf.uid)
		return err_set(err, ERR_DENIED, "%s belongs to uid %u",
		    st->mail, (unsigned)s.st_uid);
	st->mode = (s.st_mode & (S_ISGID | S_IWGRP)) == (S_ISGID | S_IWGRP) ?
	    02770 :
	    0700;
	return 0;
}

/* cur, new and tmp of the root, flushed when they were not there: messages
 * that are promised later flush new alone. */
static int
make_parts(struct store *st, struct err *err)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	bool made = false;

	for (size_t i = 0; i < N_ELEMENTS(parts); i++) {
		struct stat s;

		if (io_stat(st->mail_fd, parts[i], &s) == 0)
			continue;
		if (errno != ENOENT ||
		    io_mkdir(st->mail_fd, parts[i], st->mode) < 0)
			return err_sys(err, "make %s/%s", st->mail, parts[i]);
		made = true;
	}
	if (made && io_fsync(st->mail_fd) < 0)
		return err_sys(err, "flush %s", st->mail);
	return 0;
}

static struct store *
store_new(const struct store_conf *conf)
{
	struct store *st = xcalloc(1, sizeof(*st));

	st->conf = *conf;
	st->mail = xstrdup(conf->mail);
	st->control = conf->control == NULL ? NULL : xstrdup(conf->control);
	st->prefix = xstrdup(
	    conf->namespace_prefix == NULL ? "" : conf->namespace_prefix);
	st->conf.mail = st->mail;
	st->conf.control = st->control;
	st->index = conf->index == NULL ? NULL : xstrdup(conf->index);
	st->conf.index = st->index;
	st->conf.namespace_prefix = st->prefix;
	if (st->conf.separator == '\0')
		st->conf.separator = '/';
	if (st->conf.max_folders == 0)
		st->conf.max_folders = DEFAULT_MAX_FOLDERS;
	if (st->conf.max_depth == 0)
		st->conf.max_depth = DEFAULT_MAX_DEPTH;
	if (st->conf.stamp_grain_us == 0)
		st->conf.stamp_grain_us = DEFAULT_GRAIN_US;
	st->names = (struct foldername_conf){
		.separator = st->conf.separator,
		.utf8 = conf->names_utf8,
		.max_depth = st->conf.max_depth,
		.prefix = slice_str(st->prefix),
	};
	st->mail_fd = st->control_fd = -1;
	return st;
}

int
store_open(const struct store_conf *conf, struct store **out, struct err *err)
{
	struct store *st;

	if (conf->mail == NULL || conf->mail[0] != '/' ||
	    (conf->control != NULL && conf->control[0] != '/'))
		return err_set(
		    err, ERR_INVALID, "the mail folder's path is not absolute");
	st = store_new(conf);
	if (open_root(st->mail, conf->create, &st->mail_fd, err) < 0 ||
	    check_root(st, err) < 0 ||
	    (conf->create && make_parts(st, err) < 0))
		goto out;
	st->control_fd = st->mail_fd;
	if (st->control != NULL && strcmp(st->control, st->mail) != 0 &&
	    open_root(st->control, conf->create, &st->control_fd, err) < 0)
		goto out;
	(void)store_gone_sweep(st->mail_fd, SWEEP_AT_OPEN);
	if (store_has_control(st))
		(void)store_gone_sweep(st->control_fd, SWEEP_AT_OPEN);
	*out = st;
	return 0;
out:
	store_close(st);
	return -1;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	if (store_has_control(st))
		io_close(&st->control_fd);
	io_close(&st->mail_fd);
	xfree(st->mail);
	xfree(st->control);
	xfree(st->index);
	xfree(st->prefix);
	xfree(st);
}

bool
store_has_control(const struct store *st)
{
	return st->control_fd != st->mail_fd;
}

int
store_mail_fd(const struct store *st)
{
	return st->mail_fd;
}

int
store_control_fd(const struct store *st)
{
	return st->control_fd;
}

const struct store_conf *
store_conf(const struct store *st)
{
	return &st->conf;
}

const struct foldername_conf *
store_names(const struct store *st)
{
	return &st->names;
}

/* 1 a folder, 2 something else, 0 nothing. */
static int
look(struct store *st, const char *disk, struct err *err)
{
	struct stat s;

	if (disk[0] == '\0')
		return 1;
	if (io_stat(st->mail_fd, disk, &s) == 0)
		return S_ISDIR(s.st_mode) ? 1 : 2;
	if (errno == ENOENT || errno == ENAMETOOLONG)
		return 0;
	return err_sys(err, "stat %s", disk);
}

int
store_has_disk(struct store *st, const char *disk, struct err *err)
{
	int r = look(st, disk, err);

	return r == 2 ? 0 : r;
}

int
store_is_free(struct store *st, const char *disk, struct err *err)
{
	int r = look(st, disk, err);

	return r > 0 ? err_set(err, ERR_EXISTS, "the mailbox exists") : r;
}

int
store_open_disk(struct store *st, const struct foldername *disk,
    struct folder *out, struct err *err)
{
	struct folder_place place = {
		.mail_root = st->mail_fd,
		.control_root = st->control_fd,
		.subdir = disk->s,
	};
	struct buf name;
	int r;

	buf_init(&name, 16 * KIB);
	if (foldername_to_client(
		&st->names, slice_of(disk->s, disk->n), &name) == 0) {
		buf_free(&name);
		return err_set(err, ERR_NOTFOUND, "%s is no mailbox", disk->s);
	}
	place.name = buf_cstr(&name);
	r = folder_open(&place, out, err);
	buf_free(&name);
	if (r == 0 && import_courier(out, err) < 0) {
		folder_close(out);
		r = -1;
	}
	return r;
}

/* A name that cannot be is a mailbox that is not there. */
static int
find(struct store *st, struct slice name, struct foldername *disk,
    struct err *err)
{
	return foldername_to_disk(&st->names, name, FOLDERNAME_OLD, disk, err);
}

int
store_folder_open(
    struct store *st, struct slice name, struct folder *out, struct err *err)
{
	struct foldername disk;

	if (find(st, name, &disk, err) < 0)
		return -1;
	return store_open_disk(st, &disk, out, err);
}

int
store_exists(struct store *st, struct slice name, struct err *err)
{
	struct foldername disk;
	struct err ignored;

	if (find(st, name, &disk, &ignored) < 0)
		return 0;
	return store_has_disk(st, disk.s, err);
}

struct each {
	struct store *st;
	store_disk_fn *fn;
	void *arg;
	uint32_t left;
	struct err *err;
};

static int
each_entry(void *arg, const char *name, unsigned char d_type)
{
	struct each *e = arg;

	if (name[0] != '.' || strcmp(name, "..DOVECOT-TRASHED") == 0 ||
	    strcmp(name, ".INBOX") == 0)
		return 0;
	if (d_type == DT_UNKNOWN) {
		int r = store_has_disk(e->st, name, e->err);

		if (r != 1)
			return r;
	} else if (d_type != DT_DIR) {
		return 0;
	}
	if (e->left-- == 0)
		return err_set(e->err, ERR_LIMIT, "more than %u folders",
		    (unsigned)e->st->conf.max_folders);
	return e->fn(e->arg, name);
}

int
store_each_disk(struct store *st, store_disk_fn *fn, void *arg, struct err *err)
{
	struct each e = { st, fn, arg, st->conf.max_folders, err };
	int r;

	err->code = ERR_OK;
	r = io_list(st->mail_fd, each_entry, &e);
	if (r < 0 && err->code == ERR_OK)
		return err_sys(err, "read %s", st->mail);
	return r;
}

/* Append a whole small file; 1, or 0 when it is not there. */
static int
read_file(int dir, const char *name, struct buf *out, struct err *err)
{
	int fd = io_open(dir, name, O_RDONLY, 0), r;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", name);
	r = io_read_all(fd, out) < 0 ? err_sys(err, "read %s", name) : 1;
	io_close(&fd);
	return r;
}

int
store_read_subs(struct store *st, struct subs *subs, struct err *err)
{
	struct buf text;
	int r;

	buf_init(&text, SUBS_MAX_BYTES + IO_BLOCK);
	r = read_file(st->control_fd, SUBS_FILE, &text, err);
	if (r == 1) {
		r = subs_parse(subs, &st->names, buf_slice(&text), err);
	} else if (r == 0) {
		r = read_file(st->mail_fd, SUBS_FILE_COURIER, &text, err);
		if (r == 1)
			r = subs_parse_courier(
			    subs, &st->names, buf_slice(&text), err);
	}
	buf_free(&text);
	return r < 0 ? -1 : 0;
}

/* The folder of our own in the mail folder, made when it is missing. */
static int
open_own(struct store *st, int *dir_out, struct err *err)
{
	int dir = io_open_dir(st->mail_fd, STORE_OWN);

	/* Flushed: the stage (stage.c) takes it for durable when it is there.
	 */
	if (dir == -1 && errno == ENOENT &&
	    io_mkdir(st->mail_fd, STORE_OWN, 0700) == 0 &&
	    io_fsync(st->mail_fd) == 0)
		dir = io_open_dir(st->mail_fd, STORE_OWN);
	if (dir == -1)
		return err_sys(err, "open " STORE_OWN);
	*dir_out = dir;
	return 0;
}

int
store_pop3_file(struct store *st, int *fd_out, struct err *err)
{
	int dir, fd = -1;

	if (open_own(st, &dir, err) == -1)
		return -1;
	fd = io_open(dir, "pop3", O_RDWR | O_CREAT, 0600);
	io_close(&dir);
	if (fd == -1)
		return err_sys(err, "open " STORE_OWN "/pop3");
	*fd_out = fd;
	return 0;
}

int
store_index_dir(struct store *st, int *dir_out, struct err *err)
{
	int dir, index;

	if (st->index != NULL) {
		if ((*dir_out = io_open_root(st->index)) == -1)
			return err_sys(err, "open %s", st->index);
		return 0;
	}
	if (open_own(st, &dir, err) == -1)
		return -1;
	if (io_mkdir(dir, "index", 0700) == -1)
		index = -1;
	else
		index = io_open_dir(dir, "index");
	io_close(&dir);
	if (index == -1)
		return err_sys(err, "open " STORE_OWN "/index");
	*dir_out = index;
	return 0;
}
