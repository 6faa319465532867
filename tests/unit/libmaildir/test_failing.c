/* SPDX-License-Identifier: ISC */
/*
 * Every operation with its n-th system call failing, for every n, until the
 * operation ends before that call is reached: the class of the error is right,
 * nothing is left in tmp/, no lock, no descriptor; what was there is there with
 * its UID, and what failed is not. With FAILING=all in the environment (as
 * tests/io/failing has it) each call fails with each of the errors, else with
 * one of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/mem.h"
#include "libmaildir/mailbox_impl.h"
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

/* What POP3 does at QUIT. */
static int
op_quit(struct box *b, struct mailbox *to, struct err *err)
{
	uint32_t from = 0;
	struct seqset uids;
	int r;

	(void)to;
	seqset_init(&uids, 10);
	seqset_add(&uids, 1, 2);
	r = view_expunge(b->v, &uids, true, &from, 10, err);
	seqset_free(&uids);
	return r == 0 ? 1 : -1;
}

static int
op_rewrite(struct box *b, struct mailbox *to, struct err *err)
{
	int r;

	(void)to;
	if ((r = mailbox_lock(b->mb, err)) != 1)
		return r;
	if (mailbox_rewrite(b->mb, err) == -1)
		r = -1;
	mailbox_unlock(b->mb);
	return r;
}

/* All letters are taken, none is used: one is given anew. */
static int
op_letter(struct box *b, struct mailbox *to, struct err *err)
{
	const struct slice name = SLICE("another");
	struct buf text;
	uint32_t mask;
	unsigned i;

	(void)to;
	plan.at = -plan.at;
	buf_init(&text, 4096);
	for (i = 0; i < N_KEYWORDS; i++)
		buf_printf(&text, "%u key%02u\n", i, i);
	box_drop(b, ".", "dovecot-keywords", buf_cstr(&text));
	buf_free(&text);
	plan.at = -plan.at;
	return mailbox_keyword_mask(b->mb, &name, 1, true, &mask, err) == 1 ?
	    1 :
	    -1;
}

/* Its sizes and date, which no name holds, and its bytes. */
static int
op_fetch(struct box *b, struct mailbox *to, struct err *err)
{
	struct mailbox_rec *rec = view_rec(b->v, 1);
	struct fetch *f = NULL;
	char text[64];
	size_t n;
	int r;

	(void)to;
	rec->size = rec->wire = NAME_NO_SIZE;
	rec->internaldate = MAILBOX_NO_DATE;
	if (mailbox_sizes(b->mb, rec, err) == -1 ||
	    mailbox_date(b->mb, rec, err) == -1 ||
	    fetch_open(b->mb, rec, &f, err) == -1)
		return -1;
	r = fetch_read(f, 0, text, sizeof text, &n, err) == 0 ? 1 : -1;
	fetch_close(&f);
	return r;
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

/* Two files of one name: one of them gets another. */
static int
op_double(struct box *b, struct mailbox *to, struct err *err)
{
	(void)to;
	plan.at = -plan.at;
	box_drop(b, "cur", "8.z.h:2,S", MSG);
	box_drop(b, "cur", "8.z.h:2,F", MSG "x\n");
	usleep(12000); /* so that the scan is certain */
	plan.at = -plan.at;
	return box_refresh(b->v, err) == STEP_DONE ? 1 : -1;
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
	{ "quit", op_quit, 0, 0, 2, 0, true },
	{ "rewrite", op_rewrite, 2, 0, 2, 0, false },
	{ "letter", op_letter, 2, 0, 2, 0, false },
	{ "fetch", op_fetch, 2, 0, 2, 0, false },
	{ "double", op_double, 4, 0, 4, 0, false },
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
	if (r == -1 && row->half && in > row->failed_inbox)
		say(row, at, sys, "more than there was", in);
}

/* The file of keywords is the old or the new one, whole. */
static void
check_keywords(struct box *b, const struct row *row, int at, int sys)
{
	const struct slice one = SLICE("key25"), other = SLICE("another");
	struct err err = { 0 };
	uint32_t a, z;

	if (row->run != op_letter)
		return;
	if (mailbox_keyword_mask(b->mb, &one, 1, false, &z, &err) != 1 ||
	    mailbox_keyword_mask(b->mb, &other, 1, false, &a, &err) != 1)
		say(row, at, sys, err.text, 0);
	if (z != 1u << 25 || (a & ~1u) != 0)
		say(row, at, sys, "keywords are lost", 0);
}

/* What it was called before has the UID that it had. */
static void
check_uids(
    struct box *b, char *const names[2], const struct row *row, int at, int sys)
{
	uint32_t seq, i;

	if (row->run == op_refresh) /* there the list was taken away */
		return;
	for (seq = 1; seq <= view_count(b->v); seq++)
		for (i = 0; i < 2; i++) {
			const struct mailbox_rec *rec = view_rec(b->v, seq);

			if (slice_eq_str(mailbox_rec_base(rec), names[i]) &&
			    rec->uid != i + 1)
				say(row, at, sys, "another UID", rec->uid);
		}
}

/* The mailboxes open and tell what is there, in order, once. */
static void
check_mailboxes(struct scratch *s, char *const names[2], const struct row *row,
    int at, int sys)
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
	check_uids(&b, names, row, at, sys);
	check_keywords(&b, row, at, sys);
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

static char *
base_of(struct box *b, uint32_t seq)
{
	struct slice base = mailbox_rec_base(view_rec(b->v, seq));

	return xstrndup(base.p, base.n);
}

static void
check_error(const struct row *row, int at, int sys, const struct err *err)
{
	if (sys == EINTR)
		say(row, at, sys, err->text, 0);
	if (err->code != err_class(sys))
		say(row, at, sys, err->text, err->code);
}

/* true when the operation made fewer calls than at. */
static bool
run_once(struct scratch *state, const struct row *row, int at, int sys)
{
	struct err err = { 0 };
	unsigned before = box_fds();
	struct mailbox *to;
	char *names[2];
	struct box b;
	bool end;
	int r;

	wipe(state->root);
	/* With a watch now and then: its end makes the kernel wait. */
	box_open(&b, state, at % 32 == 1);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, FLAG_DELETED);
	box_sync(&b);
	names[0] = base_of(&b, 1);
	names[1] = base_of(&b, 2);
	to = box_other(&b, ".to");
	plan.count = 0;
	plan.sys = sys;
	plan.at = at;
	r = row->run(&b, to, &err);
	end = plan.count < at;
	plan.at = 0;
	if (r == -1)
		check_error(row, at, sys, &err);
	check_files(&b, row, at, sys, r);
	mailbox_close(&to);
	box_close(&b);
	if (box_fds() != before)
		say(row, at, sys, "descriptors leak", box_fds() - before);
	check_mailboxes(state, names, row, at, sys);
	xfree(names[0]);
	xfree(names[1]);
	return end;
}

static const int errors[] = { ENOSPC, EIO, EDQUOT, EMFILE, EINTR };

/* The number of cases. */
static unsigned
fail_each_call(struct scratch *s, const struct row *row)
{
	const char *how = getenv("FAILING");
	bool all = how != NULL && strcmp(how, "all") == 0;
	unsigned cases = 0;
	bool end = false;
	size_t i;
	int at;

	for (at = 1; !end; at++) {
		assert_true(at < 1000);
		for (i = 0; i < (all ? N_ELEMENTS(errors) : 1); i++, cases++)
			end = run_once(s, row, at,
				  errors[all ?
					  i :
					  (size_t)at % N_ELEMENTS(errors)]) ||
			    end;
	}
	print_message("%s: %d calls, %u cases\n", row->name, at - 2, cases);
	return cases;
}

static void
every_call_fails_once(void **state)
{
	unsigned cases = 0;
	size_t i;

	for (i = 0; i < N_ELEMENTS(rows); i++)
		cases += fail_each_call(*state, &rows[i]);
	print_message("%u cases\n", cases);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(every_call_fails_once),
	};

	return cmocka_run_group_tests_name("failing", tests, NULL, NULL);
}
