/* SPDX-License-Identifier: ISC */
/*
 * Every operation with its n-th system call failing, for every n and each of
 * some errors: the class of the error is right, nothing is left in tmp/, no
 * lock, no descriptor; what was there is there, and what failed is not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/libmaildir/box.h"

/* ---- the table that fails ---- */

static struct {
	int at;    /* which call; 0: none */
	int count; /* calls so far */
	int sys;
} plan;

static bool
now(void)
{
	if (plan.at == 0 || ++plan.count != plan.at)
		return false;
	errno = plan.sys;
	return true;
}

#define FAILING(type, name, params, args)                                      \
	static type failing_##name params                                      \
	{                                                                      \
		return now() ? -1 : io_kernel.name args;                       \
	}

FAILING(
    int, openat2, (int d, const char *p, const struct open_how *h), (d, p, h))
FAILING(int, openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
FAILING(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
FAILING(ssize_t, pread, (int fd, void *p, size_t n, off_t o), (fd, p, n, o))
FAILING(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
FAILING(int, ftruncate, (int fd, off_t n), (fd, n))
FAILING(int, sync_range, (int fd, off_t o, off_t n), (fd, o, n))
FAILING(int, fstat, (int fd, struct stat *st), (fd, st))
FAILING(int, fstatat, (int d, const char *p, struct stat *st), (d, p, st))
FAILING(ssize_t, getdents, (int fd, void *p, size_t n), (fd, p, n))
FAILING(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m))
FAILING(int, linkat, (int d, const char *p, int e, const char *q), (d, p, e, q))
FAILING(int, renameat2,
    (int d, const char *p, int e, const char *q, unsigned f), (d, p, e, q, f))
FAILING(int, unlinkat, (int d, const char *p, int f), (d, p, f))
FAILING(int, futimens, (int fd, const struct timespec t[2]), (fd, t))
FAILING(int, flock, (int fd, int h), (fd, h))

/* What a flush is for is tests/crash's matter; here it only costs time. */
static int
failing_fsync(int fd)
{
	(void)fd;
	return now() ? -1 : 0;
}

static off_t
real_lseek(int fd, off_t off, int whence)
{
	return lseek(fd, off, whence);
}

static const struct io_ops failing = {
	.openat2 = failing_openat2,
	.openat = failing_openat,
	.close = close,
	.read = failing_read,
	.pread = failing_pread,
	.write = failing_write,
	.ftruncate = failing_ftruncate,
	.fsync = failing_fsync,
	.sync_range = failing_sync_range,
	.fstat = failing_fstat,
	.fstatat = failing_fstatat,
	.getdents = failing_getdents,
	.lseek = real_lseek,
	.mkdirat = failing_mkdirat,
	.linkat = failing_linkat,
	.renameat2 = failing_renameat2,
	.unlinkat = failing_unlinkat,
	.futimens = failing_futimens,
	.flock = failing_flock,
};
const struct io_ops *const io_table = &failing;

/* ---- operations ---- */

#define MSG "From: a@example.test\n\nbody\n"

/* One operation on the INBOX with messages 1 (flags none), 2 (\Deleted), and an
 * empty mailbox .to: 1 done, -1 err. */
typedef int operation(struct box *b, struct mailbox *to, struct err *err);

static int
save_all(
    struct save *s, const struct save_message *m, unsigned n, struct err *err)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (save_add(s, m, err) == -1 ||
		    save_write(s, SLICE(MSG), err) == -1)
			return -1;
	return box_commit(s, err) == STEP_DONE ? 1 : -1;
}

static int
op_append(struct box *b, struct mailbox *to, struct err *err)
{
	const struct slice keyword = SLICE("work");
	struct save_message m = { .flags = FLAG_SEEN,
		.keywords = &keyword,
		.n_keywords = 1,
		.internaldate = 1000000000 };
	struct save *s;
	int r;

	(void)b;
	if (save_begin(to, &s, err) == -1)
		return -1;
	r = save_all(s, &m, 2, err);
	save_free(&s);
	return r;
}

static int
op_deliver(struct box *b, struct mailbox *to, struct err *err)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct save *s;
	int r;

	(void)b;
	if (save_begin_new(mailbox_folder(to), &s, err) == -1)
		return -1;
	r = save_all(s, &m, 2, err);
	save_free(&s);
	return r;
}

static int
op_stage(struct box *b, struct mailbox *to, struct err *err)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct save *s;
	int r;

	if (save_begin_stage(b->root, SLICE("q1.2"), &s, err) == -1)
		return -1;
	r = save_all(s, &m, 1, err);
	save_free(&s);
	if (r == -1)
		return -1;
	/* Twice, if need be: it is the queue's way after a failure. */
	if (save_begin_unstage(
		b->root, SLICE("q1.2"), mailbox_folder(to), &m, &s, err) == -1)
		return -1;
	r = box_commit(s, err) == STEP_DONE ? 1 : -1;
	save_free(&s);
	return r;
}

static int
op_store(struct box *b, struct mailbox *to, struct err *err)
{
	const struct slice names[] = { SLICE("work"), SLICE("home") };
	struct flag_change how = { .op = FLAG_ADD, .flags = FLAG_SEEN };

	(void)to;
	if (mailbox_keyword_mask(b->mb, names, 2, true, &how.keywords, err) !=
	    1)
		return -1;
	return mailbox_change(b->mb, view_rec(b->v, 1), &how, b->v, err);
}

static int
op_expunge(struct box *b, struct mailbox *to, struct err *err)
{
	uint32_t from = 0;

	(void)to;
	return view_expunge(b->v, NULL, false, &from, 10, err) == 0 ? 1 : -1;
}

static int
copy_or_move(struct box *b, struct mailbox *to, bool move, struct err *err)
{
	struct seqset all;
	struct copy *c;
	int r;

	seqset_init(&all, 10);
	seqset_add(&all, 1, 2);
	r = copy_begin(b->v, &all, to, move, &c, err);
	if (r == 0) {
		r = box_copy(c, err) == STEP_DONE ? 1 : -1;
		copy_free(&c);
	}
	seqset_free(&all);
	return r;
}

static int
op_copy(struct box *b, struct mailbox *to, struct err *err)
{
	return copy_or_move(b, to, false, err);
}

static int
op_move(struct box *b, struct mailbox *to, struct err *err)
{
	return copy_or_move(b, to, true, err);
}

static int
op_refresh(struct box *b, struct mailbox *to, struct err *err)
{
	int r;

	plan.at = -plan.at; /* not this part */
	box_drop(b, "new", "9.z.h", MSG);
	box_drop(b, "cur", "8.z.h:2,S", MSG);
	(void)unlinkat(b->root, "dovecot-uidlist", 0);
	plan.at = -plan.at;
	(void)to;
	r = box_refresh(b->v, err) == STEP_DONE ? 1 : -1;
	return r;
}

/* ---- after it ---- */

struct row {
	const char *name;
	operation *run;
	unsigned inbox, target;               /* files when it went well */
	unsigned failed_inbox, failed_target; /* and when it failed */
	bool half; /* a portion may have been done: between the two */
};

static const struct row rows[] = {
	{ "append", op_append, 2, 2, 2, 0, false },
	{ "deliver", op_deliver, 2, 2, 2, 0, false },
	{ "stage", op_stage, 2, 1, 2, 0, false },
	{ "store", op_store, 2, 0, 2, 0, false },
	{ "expunge", op_expunge, 1, 0, 2, 0, true },
	{ "copy", op_copy, 2, 2, 2, 0, false },
	{ "move", op_move, 0, 2, 2, 0, true },
	{ "refresh", op_refresh, 4, 0, 4, 0, false },
};

static void
say(const struct row *row, int at, int sys, const char *what, unsigned n)
{
	fail_msg("%s, call %d fails with %s: %s (%u)", row->name, at,
	    strerror(sys), what, n);
}

static void
check_files(struct box *b, const struct row *row, int at, int sys, int r)
{
	unsigned in = box_files(b, "cur", NULL) + box_files(b, "new", NULL);
	unsigned to =
	    box_files(b, ".to/cur", NULL) + box_files(b, ".to/new", NULL);

	if (box_files(b, "tmp", NULL) + box_files(b, ".to/tmp", NULL) > 0)
		say(row, at, sys, "left in tmp", 0);
	if (faccessat(b->root, "dovecot-uidlist.lock", F_OK, 0) == 0 ||
	    faccessat(b->root, ".to/dovecot-uidlist.lock", F_OK, 0) == 0)
		say(row, at, sys, "a lock is left", 0);
	if (faccessat(b->root, "dovecot-uidlist.tmp", F_OK, 0) == 0 ||
	    faccessat(b->root, ".to/dovecot-uidlist.tmp", F_OK, 0) == 0 ||
	    faccessat(b->root, ".to/dovecot-keywords.tmp", F_OK, 0) == 0)
		say(row, at, sys, "a temporary list is left", 0);
	if (r == 1 && (in != row->inbox || to != row->target))
		say(row, at, sys, "not done", in * 10 + to);
	if (r == -1 && !row->half &&
	    (in != row->failed_inbox || to != row->failed_target))
		say(row, at, sys, "half done", in * 10 + to);
	if (r == -1 && row->half && row->run == op_move && in + to != 2)
		say(row, at, sys, "lost or doubled", in * 10 + to);
}

/* The mailboxes open and tell what is there, in order, once. */
static void
check_mailboxes(struct scratch *s, const struct row *row, int at, int sys)
{
	struct err err = { 0 };
	struct mailbox *to;
	struct box b;
	struct view *v;
	unsigned in;

	box_open(&b, s, false);
	to = box_other(&b, ".to");
	v = view_open(to, true);
	if (box_refresh(v, &err) != STEP_DONE)
		say(row, at, sys, err.text, 0);
	(void)view_update(v, true, NULL);
	in = box_files(&b, "cur", NULL) + box_files(&b, "new", NULL);
	if (view_count(b.v) != in)
		say(row, at, sys, "INBOX shows another number", in);
	in = box_files(&b, ".to/cur", NULL) + box_files(&b, ".to/new", NULL);
	if (view_count(v) != in)
		say(row, at, sys, "target shows another number", in);
	view_close(&v);
	mailbox_close(&to);
	box_close(&b);
}

/* All files, and the folders of the stage; the others stay: removing a folder
 * costs more than all the rest. */
static void
wipe(const char *root_path)
{
	static const char *const dirs[] = { ".", "cur", "new", "tmp", ".to",
		".to/cur", ".to/new", ".to/tmp", "restante/stage" };
	int root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	size_t i;
	DIR *d;
	int fd;

	assert_int_not_equal(root, -1);
	for (i = 0; i < N_ELEMENTS(dirs); i++) {
		fd = openat(root, dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1)
			continue;
		d = fdopendir(fd);
		assert_non_null(d);
		while ((e = readdir(d)) != NULL)
			if (e->d_type == DT_REG)
				(void)unlinkat(dirfd(d), e->d_name, 0);
		(void)closedir(d);
	}
	(void)unlinkat(root, "restante/stage", AT_REMOVEDIR);
	(void)unlinkat(root, "restante", AT_REMOVEDIR);
	(void)close(root);
}

/* true when the operation made fewer calls than at. */
static bool
run_once(struct scratch *state, const struct row *row, int at, int sys)
{
	struct err err = { 0 };
	unsigned before = box_fds();
	struct mailbox *to;
	struct box b;
	bool end;
	int r;

	wipe(state->root);
	/* With a watch once: its end makes the kernel wait. */
	box_open(&b, state, sys == EIO);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, FLAG_DELETED);
	box_sync(&b);
	to = box_other(&b, ".to");
	plan.count = 0;
	plan.sys = sys;
	plan.at = at;
	r = row->run(&b, to, &err);
	end = plan.count < at;
	plan.at = 0;
	if (r == -1 && sys == EINTR)
		say(row, at, sys, err.text, 0);
	if (r == -1 && err.code != err_class(sys))
		say(row, at, sys, err.text, err.code);
	check_files(&b, row, at, sys, r);
	mailbox_close(&to);
	box_close(&b);
	if (box_fds() != before)
		say(row, at, sys, "descriptors leak", box_fds() - before);
	check_mailboxes(state, row, at, sys);
	return end;
}

static void
fail_each_call(struct scratch *s, const struct row *row)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT, EMFILE, EINTR };
	size_t i;
	int at;

	for (i = 0; i < N_ELEMENTS(errors); i++) {
		for (at = 1; !run_once(s, row, at, errors[i]); at++)
			assert_true(at < 1000);
		if (i == 0)
			print_message("%s: %d calls\n", row->name, at - 1);
	}
}

static void
every_call_fails_once(void **state)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(rows); i++)
		fail_each_call(*state, &rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(every_call_fails_once),
	};

	return cmocka_run_group_tests_name("failing", tests, NULL, NULL);
}
