/* SPDX-License-Identifier: ISC */
/*
 * Operations that change the tree. Each is a step function over a few phases;
 * what it promises is flushed before STEP_DONE.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/store_op.h"

#define SWEEP_PORTION 256 /* unlinks a step: a few milliseconds */

struct store_op *
store_op_new(struct store *st, store_op_fn *step)
{
	struct store_op *op = xcalloc(1, sizeof(*op));

	op->st = st;
	op->step = step;
	op->file = -1;
	op->folder = op->inbox =
	    (struct folder){ -1, -1, -1, -1, -1, -1, -1, 0, NULL, 0 };
	return op;
}

void
store_op_free(struct store_op *op)
{
	if (op == NULL)
		return;
	if (op->drop != NULL)
		op->drop(op);
	io_close(&op->file);
	folder_close(&op->folder);
	folder_close(&op->inbox);
	buf_free(&op->name);
	for (size_t i = 0; i < op->n_children; i++)
		xfree(op->children[i]);
	xfree(op->children);
	xfree(op);
}

enum step
store_op_step(struct store_op *op, struct flush_set *fs, struct err *err)
{
	if (op->is_flushing && fs->error != 0) {
		errno = fs->error;
		(void)err_sys(err, "flush");
		return STEP_FAIL;
	}
	op->is_flushing = false;
	return op->step(op, fs, err);
}

enum step
store_op_flush(struct store_op *op)
{
	op->is_flushing = true;
	return STEP_FLUSH;
}

int
store_op_run(struct store_op *op, struct err *err)
{
	struct flush_set fs = { .n = 0 };
	enum step r;

	do {
		r = store_op_step(op, &fs, err);
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
	} while (r == STEP_AGAIN || r == STEP_FLUSH);
	if (r == STEP_EVENT)
		(void)err_set(err, ERR_BUSY, "held by another program");
	store_op_free(op);
	return r == STEP_DONE ? 0 : -1;
}

void
store_op_begin_flush(struct flush_set *fs)
{
	fs->n = 0;
	fs->error = 0;
}

static void
want_roots(struct store_op *op, struct flush_set *fs)
{
	store_op_begin_flush(fs);
	io_flush_want(fs, op->st->mail_fd, FLUSH_FOLDER);
	if (store_has_control(op->st))
		io_flush_want(fs, op->st->control_fd, FLUSH_FOLDER);
}

/* ---- create ---- */

static int
count_one(void *arg, const char *disk)
{
	(void)disk;
	++*(uint32_t *)arg;
	return 0;
}

static int
check_room(struct store *st, struct err *err)
{
	uint32_t n = 0;

	if (store_each_disk(st, count_one, &n, err) < 0)
		return -1;
	if (n >= st->conf.max_folders)
		return err_set(
		    err, ERR_LIMIT, "%u folders are the limit", (unsigned)n);
	return 0;
}

/* A control folder without mail is what a crash left of a mailbox deleted or
 * renamed; its UIDs are of no use to a new one. */
static int
drop_stale_control(struct store *st, const char *disk, struct err *err)
{
	if (!store_has_control(st))
		return 0;
	return store_gone_put(st->control_fd, disk, err) < 0 ? -1 : 0;
}

int
store_op_make(struct store_op *op, const struct foldername *disk,
    struct folder *out, struct err *err)
{
	struct store *st = op->st;
	int fd;

	if (drop_stale_control(st, disk->s, err) < 0)
		return -1;
	if (io_mkdir(st->mail_fd, disk->s, st->mode) < 0)
		return err_sys(err, "make %s", disk->s);
	if (store_open_disk(st, disk, out, err) < 0)
		return -1;
	/* Maildir++: says that this is a folder of the Maildir above it */
	fd = io_open(out->dir, "maildirfolder", O_WRONLY | O_CREAT, out->mode);
	if (fd == -1)
		return err_sys(err, "make maildirfolder");
	io_close(&fd);
	return 0;
}

static enum step
create_step(struct store_op *op, struct flush_set *fs, struct err *err)
{
	if (op->phase > 0)
		return STEP_DONE;
	if (store_op_make(op, &op->to, &op->folder, err) < 0)
		return STEP_FAIL;
	want_roots(op, fs);
	io_flush_want(fs, op->folder.dir, FLUSH_FOLDER);
	op->phase = 1;
	return store_op_flush(op);
}

/* The name of a mailbox that is to come into being. */
static int
new_name(struct store *st, struct slice name, struct foldername *out,
    struct err *err)
{
	if (foldername_to_disk(&st->names, name, FOLDERNAME_NEW, out, err) < 0)
		return -1;
	if (store_is_free(st, out->s, err) < 0)
		return -1;
	return check_room(st, err);
}

int
store_create(
    struct store *st, struct slice name, struct store_op **out, struct err *err)
{
	struct foldername disk;
	struct store_op *op;

	if (new_name(st, name, &disk, err) < 0)
		return -1;
	op = store_op_new(st, create_step);
	op->to = disk;
	*out = op;
	return 0;
}

/* ---- delete ---- */

static bool
is_child(const char *disk, const struct foldername *of)
{
	return strncmp(disk, of->s, of->n) == 0 && disk[of->n] == '.';
}

static int
find_child(void *arg, const char *disk)
{
	return is_child(disk, arg) ? 1 : 0;
}

enum {
	DELETE_RENAME,
	DELETE_SWEEP
};

static enum step
delete_step(struct store_op *op, struct flush_set *fs, struct err *err)
{
	struct store *st = op->st;
	int more;

	if (op->phase == DELETE_RENAME) {
		int r = store_gone_put(st->mail_fd, op->from.s, err);

		if (r == 1 && store_has_control(st) &&
		    store_gone_put(st->control_fd, op->from.s, err) < 0)
			r = -1;
		if (r == 0)
			(void)err_set(err, ERR_NOTFOUND, "no such mailbox");
		if (r != 1)
			return STEP_FAIL;
		quota_forget(st);
		want_roots(op, fs);
		op->phase = DELETE_SWEEP;
		return store_op_flush(op);
	}
	more = store_gone_sweep(st->mail_fd, SWEEP_PORTION);
	if (store_has_control(st))
		more |= store_gone_sweep(st->control_fd, SWEEP_PORTION);
	return more != 0 ? STEP_AGAIN : STEP_DONE;
}

int
store_delete(
    struct store *st, struct slice name, struct store_op **out, struct err *err)
{
	struct foldername disk;
	struct store_op *op;
	int r;

	if (foldername_to_disk(&st->names, name, FOLDERNAME_OLD, &disk, err) <
	    0)
		return -1;
	if (disk.n == 0)
		return err_set(err, ERR_DENIED, "INBOX cannot be deleted");
	r = store_has_disk(st, disk.s, err);
	if (r == 0) {
		r = store_each_disk(st, find_child, &disk, err);
		if (r == 1)
			return err_set(err, ERR_INVALID,
			    "only a level with mailboxes below it");
		if (r == 0)
			return err_set(err, ERR_NOTFOUND, "no such mailbox");
	}
	if (r < 0)
		return -1;
	op = store_op_new(st, delete_step);
	op->from = disk;
	*out = op;
	return 0;
}

/* ---- subscribe ---- */

#define SUBS_LOCK SUBS_FILE ".lock"
#define SUBS_TEMP SUBS_FILE ".restante"

enum {
	SUBS_CHANGE,
	SUBS_REPLACE,
	SUBS_FLUSHED
};

static void
subscribe_drop(struct store_op *op)
{
	if (op->phase == SUBS_REPLACE)
		(void)!io_unlink(op->st->control_fd, SUBS_TEMP);
	dotlock_drop(&op->lock, &op->lock_at, SUBS_LOCK);
}

/* Under the lock: the new contents into a file beside. 1 written, 0 nothing to
 * change, -1. */
static int
subscribe_write(struct store_op *op, struct err *err)
{
	struct store *st = op->st;
	struct subs subs;
	struct buf text;
	int r;

	subs_init(&subs);
	buf_init(&text, 2 * SUBS_MAX_BYTES);
	r = store_read_subs(st, &subs, err);
	if (r == 0)
		r = subs_set(&subs, &st->names,
		    slice_of(op->name.p, op->name.n), op->on, err);
	if (r == 1) {
		subs_print(&subs, &text);
		op->file = io_open(st->control_fd, SUBS_TEMP,
		    O_WRONLY | O_CREAT | O_TRUNC, op->inbox.mode);
		if (!buf_ok(&text) || text.n > SUBS_MAX_BYTES)
			r = err_set(err, ERR_LIMIT, "too many subscriptions");
		else if (op->file == -1 ||
		    io_write(op->file, buf_slice(&text)) < 0)
			r = err_sys(err, "write %s", SUBS_TEMP);
		/* made, perhaps, also when the open failed after that */
		if (r < 0 && io_unlink(st->control_fd, SUBS_TEMP) < 0)
			(void)!io_unlink(st->control_fd, SUBS_TEMP);
	}
	buf_free(&text);
	subs_free(&subs);
	return r;
}

static enum step
subscribe_change(struct store_op *op, struct flush_set *fs, struct err *err)
{
	int r = dotlock_take(&op->lock, &op->lock_at, SUBS_LOCK, err);

	if (r == 0)
		return STEP_EVENT;
	if (r == 1)
		r = subscribe_write(op, err);
	if (r <= 0)
		return r < 0 ? STEP_FAIL : STEP_DONE;
	op->phase = SUBS_REPLACE;
	store_op_begin_flush(fs);
	io_flush_want(fs, op->file, FLUSH_FILE);
	return store_op_flush(op);
}

static enum step
subscribe_step(struct store_op *op, struct flush_set *fs, struct err *err)
{
	int root = op->st->control_fd;

	switch (op->phase) {
	case SUBS_CHANGE:
		return subscribe_change(op, fs, err);
	case SUBS_REPLACE:
		if (io_rename(root, SUBS_TEMP, root, SUBS_FILE) < 0) {
			(void)err_sys(err, "replace %s", SUBS_FILE);
			return STEP_FAIL;
		}
		op->phase = SUBS_FLUSHED;
		dotlock_drop(&op->lock, &op->lock_at, SUBS_LOCK);
		store_op_begin_flush(fs);
		io_flush_want(fs, root, FLUSH_FOLDER);
		return store_op_flush(op);
	default:
		return STEP_DONE;
	}
}

int
store_subscribe(struct store *st, struct slice name, bool on,
    struct store_op **out, struct err *err)
{
	struct foldername disk, root = { 0 };
	struct store_op *op;

	if (on && name.n > 1 && name.p[name.n - 1] == st->conf.separator)
		name.n--;
	if (foldername_to_disk(&st->names, name, FOLDERNAME_OLD, &disk, err) <
	    0)
		return -1;
	op = store_op_new(st, subscribe_step);
	op->on = on;
	dotlock_init(&op->lock);
	buf_init(&op->name, 16 * KIB);
	buf_put_slice(&op->name, name);
	if (store_open_disk(st, &root, &op->inbox, err) < 0) {
		store_op_free(op);
		return -1;
	}
	op->drop = subscribe_drop;
	/* with CONTROL= INBOX's own control folder is another one */
	op->lock_at = op->inbox;
	op->lock_at.control = st->control_fd;
	if (!store_has_control(st))
		op->lock_at.dir = st->control_fd;
	*out = op;
	return 0;
}
