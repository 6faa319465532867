/* SPDX-License-Identifier: ISC */
/*
 * Each operation on the tree with the n-th system call failing, for every n:
 * it says so or has succeeded, leaves no file of its own and no descriptor
 * behind, loses no message, and the same again succeeds. FAILING=all: each call
 * with each error (tests/io/failing), else with one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmaildir/folder.h"
#include "libmaildir/io.h"
#include "libmaildir/quota.h"
#include "libmaildir/store.h"
#include "tests/unit/libmaildir/box.h"

/* Calls until the failing one; 0: none fails. */
static unsigned countdown;
static bool has_failed;
static int with_errno;

static bool
fails(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	has_failed = true;
	errno = with_errno;
	return true;
}

#define FAILING(type, name, args, pass)                                        \
	static type fail_##name args                                           \
	{                                                                      \
		return fails() ? (type)-1 : io_kernel.name pass;               \
	}

FAILING(
    int, openat2, (int d, const char *p, const struct open_how *h), (d, p, h))
FAILING(int, openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
FAILING(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
FAILING(ssize_t, pread, (int fd, void *p, size_t n, off_t o), (fd, p, n, o))
FAILING(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
FAILING(int, ftruncate, (int fd, off_t n), (fd, n))
/* Flushing itself is for other tests; it takes its time. */
static int
fail_fsync(int fd)
{
	(void)fd;
	return fails() ? -1 : 0;
}

FAILING(int, fstat, (int fd, struct stat *s), (fd, s))
FAILING(int, fstatat, (int d, const char *p, struct stat *s), (d, p, s))
FAILING(ssize_t, getdents, (int fd, void *p, size_t n), (fd, p, n))
FAILING(off_t, lseek, (int fd, off_t o, int w), (fd, o, w))
FAILING(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m))
FAILING(int, linkat, (int d, const char *a, int e, const char *b), (d, a, e, b))
FAILING(int, renameat2,
    (int d, const char *a, int e, const char *b, unsigned f), (d, a, e, b, f))
FAILING(int, unlinkat, (int d, const char *p, int f), (d, p, f))

static struct io_ops ops;
const struct io_ops *const io_table = &ops;

static void
ops_init(void)
{
	ops = io_kernel;
	ops.openat2 = fail_openat2;
	ops.openat = fail_openat;
	ops.read = fail_read;
	ops.pread = fail_pread;
	ops.write = fail_write;
	ops.ftruncate = fail_ftruncate;
	ops.fsync = fail_fsync;
	ops.fstat = fail_fstat;
	ops.fstatat = fail_fstatat;
	ops.getdents = fail_getdents;
	ops.lseek = fail_lseek;
	ops.mkdirat = fail_mkdirat;
	ops.linkat = fail_linkat;
	ops.renameat2 = fail_renameat2;
	ops.unlinkat = fail_unlinkat;
}

enum what {
	DO_CREATE,
	DO_DELETE,
	DO_RENAME,
	DO_RENAME_INBOX,
	DO_SUBSCRIBE,
	DO_QUOTA
};

static int
begin(struct store *st, enum what what, struct store_op **op, struct err *e)
{
	switch (what) {
	case DO_CREATE:
		return store_create(st, SLICE("new/one"), op, e);
	case DO_DELETE:
		return store_delete(st, SLICE("a"), op, e);
	case DO_RENAME:
		return store_rename(st, SLICE("a"), SLICE("z"), op, e);
	case DO_RENAME_INBOX:
		return store_rename(st, SLICE("INBOX"), SLICE("z"), op, e);
	case DO_SUBSCRIBE:
		return store_subscribe(st, SLICE("a/b"), true, op, e);
	case DO_QUOTA:
		break;
	}
	return -1;
}

/* All folders are counted, and one more is added. */
static int
do_quota(struct store *st, struct err *e)
{
	if (quota_check(st, 1, 1, e) == -1)
		return -1;
	return quota_add(st, 2, 1, e);
}

static bool is_first;

static bool
attempt(struct store *st, enum what what)
{
	struct store_op *op = NULL;
	struct err e = { 0 };

	if (what == DO_QUOTA ?
		do_quota(st, &e) == 0 :
		begin(st, what, &op, &e) == 0 && store_op_run(op, &e) == 0)
		return true;
	/* the second try, after a crash so to say, may find the work done */
	if (countdown == 0 && has_failed && !is_first)
		return false;
	if (with_errno == EINTR || e.code != err_class(with_errno))
		fail_msg("operation %d: %s is told as %s", what,
		    strerror(with_errno), e.text);
	return false;
}

static int
count_message(void *arg, const char *name, unsigned char d_type)
{
	(void)d_type;
	*(unsigned *)arg += strncmp(name, "1.M1P1.h", 8) == 0;
	return 0;
}

/* Messages in all mailboxes; nothing of ours may lie at the root. */
static unsigned
messages(struct store *st)
{
	struct store_list *l = NULL;
	struct store_entry entry;
	struct err e = { 0 };
	struct folder f;
	unsigned n = 0;

	assert_int_equal(store_list_open(st, &l, &e), 0);
	while (store_list_next(l, &entry)) {
		if ((entry.flags & STORE_NONEXISTENT) != 0)
			continue;
		assert_int_equal(store_folder_open(st, entry.name, &f, &e), 0);
		assert_int_equal(io_list(f.cur, count_message, &n), 0);
		assert_int_equal(io_list(f.new, count_message, &n), 0);
		folder_close(&f);
	}
	store_list_close(l);
	return n;
}

static int
is_left_over(void *arg, const char *name, unsigned char d_type)
{
	(void)arg;
	(void)d_type;
	if (strcmp(name, "subscriptions.restante") == 0 ||
	    strncmp(name, ".temp.", 6) == 0)
		fail_msg("%s is left behind", name);
	return 0;
}

static struct store *
make(const struct store_conf *conf)
{
	struct store *st = NULL;
	struct store_op *op = NULL;
	struct err e = { 0 };
	int fd;

	assert_int_equal(store_open(conf, &st, &e), 0);
	assert_int_equal(store_create(st, SLICE("a"), &op, &e), 0);
	assert_int_equal(store_op_run(op, &e), 0);
	assert_int_equal(store_create(st, SLICE("a/b"), &op, &e), 0);
	assert_int_equal(store_op_run(op, &e), 0);
	fd = store_mail_fd(st);
	scratch_write(fd, "cur/1.M1P1.h:2,S", "x\n");
	scratch_write(fd, ".a.b/cur/1.M1P1.h:2,S", "x\n");
	scratch_write(fd, "dovecot-keywords", "0 x\n");
	scratch_write(fd, "subscriptions", "V\t2\n\na\n");
	return st;
}

static void
one_round(const char *mail, enum what what, unsigned n, bool *more)
{
	struct store_conf conf = { .mail = mail,
		.create = true,
		.quota_bytes = 1000,
		.quota_messages = 100 };
	struct store *st = make(&conf);
	unsigned fds = box_fds();
	struct quota_usage u;
	struct err e = { 0 };
	bool done;

	has_failed = false;
	countdown = n;
	is_first = true;
	done = attempt(st, what);
	is_first = false;
	countdown = 0;
	*more = has_failed;
	assert_int_equal(box_fds(), fds);
	assert_true(done || has_failed);
	/* a lock whose unlink failed is overridden by its dead holder's pid */
	assert_int_equal(messages(st), 2);
	assert_int_equal(io_list(store_mail_fd(st), is_left_over, NULL), 0);
	if (what == DO_QUOTA && !done) {
		assert_int_equal(quota_usage(st, &u, &e), 0);
		assert_int_equal(u.messages, 2);
	}
	if (!done && what != DO_RENAME_INBOX)
		(void)attempt(st, what);
	assert_int_equal(messages(st), 2);
	store_close(st);
}

static const int errors[] = { ENOSPC, EIO, EDQUOT, EMFILE, EINTR };

static unsigned
each_call(struct scratch *s, enum what w)
{
	static const char *const names[] = { "create", "delete", "rename",
		"rename INBOX", "subscribe", "quota" };
	const char *how = getenv("FAILING");
	bool all = how != NULL && strcmp(how, "all") == 0;
	unsigned i, n, rounds = 0;
	bool more = true, failed;
	char mail[200];

	for (n = 1; more && n < 1000; n++) {
		failed = false;
		for (i = 0; i < (all ? N_ELEMENTS(errors) : 1); i++) {
			with_errno = errors[all ? i : n % N_ELEMENTS(errors)];
			(void)snprintf(mail, sizeof(mail), "%s/M%d.%u", s->root,
			    (int)w, rounds++);
			one_round(mail, w, n, &more);
			failed = failed || more;
		}
		more = failed;
	}
	assert_false(more);
	print_message("%s: %u calls, %u cases\n", names[w], n - 2, rounds);
	return rounds;
}

static void
test_each(void **state)
{
	unsigned cases = 0;

	ops_init();
	for (enum what w = DO_CREATE; w <= DO_QUOTA; w++)
		cases += each_call(*state, w);
	print_message("%u cases\n", cases);
	assert_true(cases > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
