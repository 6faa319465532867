/* SPDX-License-Identifier: ISC */
/*
 * RENAME. Of a folder: each folder below it by one rename, then itself, so
 * that a crash leaves whole mailboxes under one name or the other and the same
 * command finishes the work. Of INBOX: its messages, file by file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/name.h"
#include "libmaildir/store_op.h"

#define FOLDER_PORTION  64
#define MESSAGE_PORTION 256

static void
want_roots(struct store_op *op, struct flush_set *fs)
{
	store_op_begin_flush(fs);
	io_flush_want(fs, op->st->mail_fd, FLUSH_FOLDER);
	if (store_has_control(op->st))
		io_flush_want(fs, op->st->control_fd, FLUSH_FOLDER);
}

/* The name that a folder below from (or from itself) will have. */
static int
new_place(const struct store_op *op, const char *disk, struct foldername *out,
    struct err *err)
{
	size_t rest = strlen(disk) - op->from.n;

	if (op->to.n + rest > MAX_FILE_NAME)
		return err_set(err, ERR_LIMIT,
		    "a mailbox below would have too long a name");
	memcpy(out->s, op->to.s, op->to.n);
	memcpy(out->s + op->to.n, disk + op->from.n, rest + 1);
	out->n = op->to.n + rest;
	return 0;
}

/* NFS knows no RENAME_NOREPLACE for folders; but one that is there holds cur,
 * and a rename over what is not empty fails. */
static int
rename_folder(int root, const char *from, const char *to)
{
	struct stat st;

	if (io_stat(root, to, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	return io_rename(root, from, root, to);
}

struct linker {
	int from, to;
	int error; /* errno of the first that could not be linked */
};

static int
link_file(void *arg, const char *name, unsigned char d_type)
{
	struct linker *l = arg;
	struct stat st;

	(void)d_type;
	if (strncmp(name, ".temp.", 6) == 0 ||
	    io_stat(l->from, name, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (io_link(l->from, name, l->to, name) < 0 && errno != ENOENT)
		l->error = errno;
	return l->error != 0;
}

/* 1 linked and flushed, 0 links cannot be made here, -1 with errno. */
static int
link_files(int root, const char *from, const char *to)
{
	struct linker l = { io_open_dir(root, from), -1, 0 };
	int r = -1;

	if (l.from != -1 && io_mkdir(root, to, 0700) == 0)
		l.to = io_open_dir(root, to);
	if (l.to != -1 && io_list(l.from, link_file, &l) >= 0) {
		io_discard(l.to, "dovecot-uidlist.lock");
		r = l.error == 0 ? io_fsync(l.to) == 0 ? 1 : -1 :
		    l.error == EPERM || l.error == EOPNOTSUPP ||
			l.error == EMLINK ?
				   0 :
				   -1;
		if (r == -1 && l.error != 0)
			errno = l.error;
	}
	io_close(&l.from);
	io_close(&l.to);
	return r;
}

/* What the control folder holds is there under both names while the mail goes
 * from one to the other, so that a crash leaves UIDs with neither lost. Where
 * files cannot have two names the folder itself goes first. A target without
 * mail is left over, of a crash or of something deleted, and gives way. */
static int
copy_control(
    struct store *st, const char *from, const char *to, struct err *err)
{
	struct stat s;
	int r;

	if (io_stat(st->control_fd, from, &s) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "stat %s", from);
	if (store_gone_put(st->control_fd, to, err) < 0)
		return -1;
	if ((r = link_files(st->control_fd, from, to)) == -1)
		return err_sys(err, "copy the control folder of %s", from);
	if (r == 1)
		return 0;
	if (store_gone_put(st->control_fd, to, err) < 0)
		return -1;
	if (io_rename(st->control_fd, from, st->control_fd, to) < 0)
		return err_sys(err, "rename %s", from);
	return 0;
}

/* ---- one folder, in each phase ---- */

static int
control_before(struct store_op *op, const char *disk, struct err *err)
{
	struct foldername to;

	if (!store_has_control(op->st))
		return 0;
	return new_place(op, disk, &to, err) < 0 ||
		copy_control(op->st, disk, to.s, err) < 0 ?
	    -1 :
	    0;
}

static int
move_folder(struct store_op *op, const char *disk, struct err *err)
{
	struct foldername to;

	if (new_place(op, disk, &to, err) < 0)
		return -1;
	if (rename_folder(op->st->mail_fd, disk, to.s) < 0 && errno != ENOENT)
		return err_sys(err, "rename %s", disk);
	return 0;
}

static int
control_after(struct store_op *op, const char *disk, struct err *err)
{
	if (!store_has_control(op->st))
		return 0;
	return store_gone_put(op->st->control_fd, disk, err) < 0 ? -1 : 0;
}

static int (*const rename_phases[])(struct store_op *op, const char *disk,
    struct err *err) = { control_before, move_folder, control_after };

static enum step
rename_step(struct store_op *op, struct flush_set *fs, struct err *err)
{
	size_t end = op->next_child + FOLDER_PORTION;

	if (op->phase == N_ELEMENTS(rename_phases))
		return STEP_DONE;
	while (op->next_child < op->n_children && op->next_child < end)
		if (rename_phases[op->phase](
			op, op->children[op->next_child++], err) < 0)
			return STEP_FAIL;
	if (op->next_child < op->n_children)
		return STEP_AGAIN;
	op->next_child = 0;
	op->phase++;
	if (!store_has_control(op->st)) { /* the second is all */
		if (op->phase == 1)
			return STEP_AGAIN;
		op->phase = N_ELEMENTS(rename_phases);
	}
	want_roots(op, fs);
	return store_op_flush(op);
}

static int
keep_child(void *arg, const char *disk)
{
	struct store_op *op = arg;

	if (strncmp(disk, op->from.s, op->from.n) != 0 ||
	    (disk[op->from.n] != '.' && disk[op->from.n] != '\0'))
		return 0;
	if (op->n_children == op->cap_children) {
		op->cap_children =
		    op->cap_children == 0 ? 16 : 2 * op->cap_children;
		op->children = xreallocarray(
		    op->children, op->cap_children, sizeof(op->children[0]));
	}
	op->children[op->n_children++] = xstrdup(disk);
	return 0;
}

/* All that is to move, the folder itself last; nothing may be in the way. */
static int
gather(struct store_op *op, struct err *err)
{
	size_t last = SIZE_MAX;

	if (store_each_disk(op->st, keep_child, op, err) < 0)
		return -1;
	if (op->n_children == 0)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	for (size_t i = 0; i < op->n_children; i++) {
		struct foldername to;

		if (op->children[i][op->from.n] == '\0')
			last = i;
		if (new_place(op, op->children[i], &to, err) < 0)
			return -1;
		if (store_is_free(op->st, to.s, err) < 0)
			return -1;
	}
	if (last != SIZE_MAX) {
		char *self = op->children[last];

		op->children[last] = op->children[op->n_children - 1];
		op->children[op->n_children - 1] = self;
	}
	return 0;
}

/* ---- INBOX ---- */

enum {
	INBOX_MAKE,
	INBOX_MOVE,
	INBOX_FLUSH_FROM,
	INBOX_END
};

/* Letters of keywords mean what this file says; the messages carry theirs. */
static int
copy_keywords(struct store_op *op, struct err *err)
{
	static const char name[] = "dovecot-keywords";
	struct buf text;
	int fd = io_open(op->inbox.control, name, O_RDONLY, 0), r = 0;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", name);
	buf_init(&text, 64 * KIB);
	if (io_read_all(fd, &text) < 0) {
		r = err_sys(err, "read %s", name);
		goto out;
	}
	op->file = io_open(op->folder.control, name,
	    O_WRONLY | O_CREAT | O_TRUNC, op->folder.mode);
	if (op->file == -1 || io_write(op->file, buf_slice(&text)) < 0)
		r = err_sys(err, "write %s", name);
out:
	io_close(&fd);
	buf_free(&text);
	return r;
}

struct mover {
	int from, to;
	unsigned left;
	bool failed;
};

static int
move_message(void *arg, const char *name, unsigned char d_type)
{
	struct mover *m = arg;

	(void)d_type;
	if (!name_is_message(slice_str(name)))
		return 0;
	if (m->left == 0)
		return 1;
	m->left--;
	/* gone meanwhile, or under a new name: the next round finds it */
	if (io_rename_new(m->from, name, m->to, name) < 0 && errno != ENOENT) {
		m->failed = true;
		return -1;
	}
	return 0;
}

/* One portion; 1 when nothing was left to move, 0, -1. */
static int
move_portion(struct store_op *op, struct err *err)
{
	struct mover m = { op->inbox.new, op->folder.new, MESSAGE_PORTION,
		false };
	int r = io_list(m.from, move_message, &m);

	if (r == 0) {
		m.from = op->inbox.cur;
		m.to = op->folder.cur;
		r = io_list(m.from, move_message, &m);
	}
	if (r < 0)
		return err_sys(err, "move the messages of INBOX");
	return m.left == MESSAGE_PORTION ? 1 : 0;
}

static enum step
inbox_step(struct store_op *op, struct flush_set *fs, struct err *err)
{
	int r;

	switch (op->phase) {
	case INBOX_MAKE:
		if (store_op_make(op, &op->to, &op->folder, err) < 0 ||
		    copy_keywords(op, err) < 0)
			return STEP_FAIL;
		/* no message goes to where a power cut could undo it */
		want_roots(op, fs);
		if (op->file != -1)
			io_flush_want(fs, op->file, FLUSH_FILE);
		io_flush_want(fs, op->folder.dir, FLUSH_FOLDER);
		io_flush_want(fs, op->folder.control, FLUSH_FOLDER);
		op->phase = INBOX_MOVE;
		return store_op_flush(op);
	case INBOX_MOVE:
		r = move_portion(op, err);
		if (r <= 0)
			return r < 0 ? STEP_FAIL : STEP_AGAIN;
		/* where they are now, before where they were */
		store_op_begin_flush(fs);
		io_flush_want(fs, op->folder.cur, FLUSH_FOLDER);
		io_flush_want(fs, op->folder.new, FLUSH_FOLDER);
		op->phase = INBOX_FLUSH_FROM;
		return store_op_flush(op);
	case INBOX_FLUSH_FROM:
		store_op_begin_flush(fs);
		io_flush_want(fs, op->inbox.cur, FLUSH_FOLDER);
		io_flush_want(fs, op->inbox.new, FLUSH_FOLDER);
		op->phase = INBOX_END;
		return store_op_flush(op);
	default:
		return STEP_DONE;
	}
}

/* ---- begin ---- */

static int
check_names(struct store *st, struct slice from, struct slice to,
    struct store_op *op, struct err *err)
{
	int r;

	if (foldername_to_disk(
		&st->names, from, FOLDERNAME_OLD, &op->from, err) < 0 ||
	    foldername_to_disk(&st->names, to, FOLDERNAME_NEW, &op->to, err) <
		0)
		return -1;
	r = store_is_free(st, op->to.s, err);
	if (r == 0 && op->from.n > 0 &&
	    strncmp(op->to.s, op->from.s, op->from.n) == 0 &&
	    op->to.s[op->from.n] == '.')
		return err_set(err, ERR_INVALID, "a mailbox below itself");
	return r;
}

int
store_rename(struct store *st, struct slice from, struct slice to,
    struct store_op **out, struct err *err)
{
	struct store_op *op = store_op_new(st, rename_step);
	int r = check_names(st, from, to, op, err);

	if (r == 0 && op->from.n == 0) {
		op->step = inbox_step;
		r = store_open_disk(st, &op->from, &op->inbox, err);
	} else if (r == 0) {
		r = gather(op, err);
	}
	if (r < 0) {
		store_op_free(op);
		return -1;
	}
	*out = op;
	return 0;
}
