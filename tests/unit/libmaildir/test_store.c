/* SPDX-License-Identifier: ISC */
/* The tree of mailboxes on a real folder: list, create, delete, rename,
 * subscribe, with and without a control folder. */
#include <dirent.h>
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

#include "libbase/clock.h"
#include "libmaildir/folder.h"
#include "libmaildir/io.h"
#include "libmaildir/store.h"
#include "tests/unit/libmaildir/scratch.h"

static struct store *
reopen(struct store *st, const struct store_conf *conf)
{
	struct err e = { 0 };

	store_close(st);
	st = NULL;
	if (store_open(conf, &st, &e) < 0)
		fail_msg("store_open: %s", e.text);
	return st;
}

static enum err_code
run(int begun, struct store_op *op, struct err *e)
{
	if (begun < 0 || store_op_run(op, e) < 0)
		return e->code;
	return ERR_OK;
}

static enum err_code
create(struct store *st, const char *name)
{
	struct store_op *op = NULL;
	struct err e = { 0 };
	int r = store_create(st, slice_str(name), &op, &e);

	return run(r, op, &e);
}

static enum err_code
del(struct store *st, const char *name)
{
	struct store_op *op = NULL;
	struct err e = { 0 };
	int r = store_delete(st, slice_str(name), &op, &e);

	return run(r, op, &e);
}

static enum err_code
ren(struct store *st, const char *from, const char *to)
{
	struct store_op *op = NULL;
	struct err e = { 0 };
	int r = store_rename(st, slice_str(from), slice_str(to), &op, &e);

	return run(r, op, &e);
}

static enum err_code
sub(struct store *st, const char *name, bool on)
{
	struct store_op *op = NULL;
	struct err e = { 0 };
	int r = store_subscribe(st, slice_str(name), on, &op, &e);

	return run(r, op, &e);
}

/* The list on one line: "name[NCSBO] ..." */
static const char *
tree(struct store *st)
{
	static char out[8192];
	static const char letters[] = "NCSBIO";
	struct store_list *l = NULL;
	struct store_entry e;
	struct err err = { 0 };
	size_t n = 0;

	if (store_list_open(st, &l, &err) < 0)
		fail_msg("%s", err.text);
	out[0] = '\0';
	while (store_list_next(l, &e)) {
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s[",
		    n == 0 ? "" : " ", SLICE_ARG(e.name));
		for (unsigned b = 0; b < 6; b++)
			if ((e.flags & 1u << b) != 0)
				out[n++] = letters[b];
		n += (size_t)snprintf(out + n, sizeof(out) - n, "]");
		assert_true(n < sizeof(out) - 2048);
	}
	store_list_close(l);
	return out;
}

static void
put_message(
    struct store *st, const char *box, const char *dir, const char *file)
{
	struct folder f;
	struct err e = { 0 };
	int fd;

	if (store_folder_open(st, slice_str(box), &f, &e) < 0)
		fail_msg("%s: %s", box, e.text);
	fd = io_open(strcmp(dir, "cur") == 0 ? f.cur : f.new, file,
	    O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	assert_int_equal(io_write(fd, SLICE("x\n")), 0);
	io_close(&fd);
	folder_close(&f);
}

static int
count_entry(void *arg, const char *name, unsigned char d_type)
{
	(void)name;
	(void)d_type;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
count_messages(struct store *st, const char *box)
{
	struct folder f;
	struct err e = { 0 };
	unsigned n = 0;

	assert_int_equal(store_folder_open(st, slice_str(box), &f, &e), 0);
	assert_int_equal(io_list(f.cur, count_entry, &n), 0);
	assert_int_equal(io_list(f.new, count_entry, &n), 0);
	folder_close(&f);
	return n;
}

static void
test_open(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "a/b/Maildir") };
	struct store *st = NULL;
	struct err e = { 0 };
	struct stat sb;

	assert_int_equal(store_open(&conf, &st, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	conf.create = true;
	st = reopen(NULL, &conf);
	assert_int_equal(fstatat(store_mail_fd(st), "tmp", &sb, 0), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	assert_string_equal(tree(st), "INBOX[I]");
	assert_int_equal(store_exists(st, SLICE("inbox"), &e), 1);
	conf.check_owner = true;
	conf.uid = getuid() + 1;
	assert_int_equal(store_open(&conf, &st, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	conf.mail = "relative";
	assert_int_equal(store_open(&conf, &st, &e), -1);
	assert_int_equal(e.code, ERR_INVALID);
	store_close(st);
}

static void
test_tree(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	struct folder f;
	struct err e = { 0 };

	assert_int_equal(create(st, "INBOX"), ERR_EXISTS);
	assert_int_equal(create(st, "a/b/c/"), ERR_OK);
	assert_int_equal(create(st, "a/b/c"), ERR_EXISTS);
	assert_int_equal(create(st, "example.org/v1.2"), ERR_OK);
	assert_int_equal(create(st, "a!"), ERR_OK);
	assert_int_equal(create(st, "inbox/kid"), ERR_OK);
	assert_int_equal(create(st, "a/*"), ERR_INVALID);
	assert_string_equal(tree(st),
	    "INBOX[CI] INBOX/kid[] a[NC] a/b[NC] a/b/c[] a![] "
	    "example.org[NC] example.org/v1.2[]");
	assert_int_equal(store_exists(st, SLICE("a/b"), &e), 0);
	assert_int_equal(store_exists(st, SLICE("a/b/c"), &e), 1);
	assert_int_equal(store_exists(st, SLICE("a//b"), &e), 0);
	assert_int_equal(store_folder_open(st, SLICE("a"), &f, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	/* DELETE: children stay; a mere level cannot be deleted */
	assert_int_equal(del(st, "a"), ERR_INVALID);
	assert_int_equal(del(st, "zz"), ERR_NOTFOUND);
	assert_int_equal(del(st, "inBox"), ERR_DENIED);
	assert_int_equal(create(st, "a"), ERR_OK);
	put_message(st, "a", "cur", "1.M1P1.h:2,S");
	assert_int_equal(del(st, "a"), ERR_OK);
	assert_int_equal(create(st, "a"), ERR_OK);
	assert_int_equal(count_messages(st, "a"), 0);
	assert_int_equal(del(st, "a/b/c"), ERR_OK);
	assert_string_equal(tree(st),
	    "INBOX[CI] INBOX/kid[] a[] a![] example.org[NC] "
	    "example.org/v1.2[]");
	store_close(st);
}

static void
test_foreign(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	int fd = store_mail_fd(st);

	assert_int_equal(mkdirat(fd, ".bad&name", 0700), 0);
	assert_int_equal(mkdirat(fd, ".INBOX", 0700), 0);
	assert_int_equal(mkdirat(fd, "..DOVECOT-TRASHED", 0700), 0);
	assert_int_equal(mkdirat(fd, "plain", 0700), 0);
	assert_int_equal(symlinkat("/etc", fd, ".link"), 0);
	assert_int_equal(
	    close(openat(fd, ".file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
	    0);
	assert_string_equal(tree(st), "INBOX[I] \\=bad\\26name[]");
	put_message(st, "\\=bad\\26name", "new", "1.M1P1.h");
	assert_int_equal(create(st, "link"), ERR_EXISTS);
	assert_int_equal(ren(st, "\\=bad\\26name", "good"), ERR_OK);
	assert_int_equal(count_messages(st, "good"), 1);
	store_close(st);
}

static void
test_rename(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);

	assert_int_equal(create(st, "a"), ERR_OK);
	assert_int_equal(create(st, "a/b"), ERR_OK);
	assert_int_equal(create(st, "a/c/d"), ERR_OK);
	assert_int_equal(create(st, "ab"), ERR_OK);
	put_message(st, "a/c/d", "cur", "1.M1P1.h:2,S");
	assert_int_equal(ren(st, "a", "a/x"), ERR_INVALID);
	assert_int_equal(ren(st, "a", "ab"), ERR_EXISTS);
	assert_int_equal(ren(st, "a", "a"), ERR_EXISTS);
	assert_int_equal(ren(st, "a", "inbox"), ERR_EXISTS);
	assert_int_equal(ren(st, "nope", "x"), ERR_NOTFOUND);
	assert_int_equal(create(st, "z/c/d"), ERR_OK);
	assert_int_equal(ren(st, "a", "z"), ERR_EXISTS); /* a child is */
	assert_int_equal(del(st, "z/c/d"), ERR_OK);
	assert_int_equal(ren(st, "a", "z/y"), ERR_OK);
	assert_string_equal(
	    tree(st), "INBOX[I] ab[] z[NC] z/y[C] z/y/b[] z/y/c[NC] z/y/c/d[]");
	assert_int_equal(count_messages(st, "z/y/c/d"), 1);
	assert_int_equal(ren(st, "z", "INBOX/q"), ERR_OK); /* a level only */
	assert_string_equal(tree(st),
	    "INBOX[CI] INBOX/q[NC] INBOX/q/y[C] INBOX/q/y/b[] "
	    "INBOX/q/y/c[NC] INBOX/q/y/c/d[] ab[]");
	store_close(st);
}

static void
test_rename_inbox(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	char name[64];

	assert_int_equal(create(st, "INBOX/kid"), ERR_OK);
	for (unsigned i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "%u.M1P1.h%s", 100 + i,
		    i % 2 == 0 ? "" : ":2,FSa");
		put_message(st, "INBOX", i % 2 == 0 ? "new" : "cur", name);
	}
	scratch_write(store_mail_fd(st), "dovecot-keywords", "0 hello\n");
	assert_int_equal(ren(st, "INBOX", "old/inbox"), ERR_OK);
	assert_int_equal(count_messages(st, "INBOX"), 0);
	assert_int_equal(count_messages(st, "old/inbox"), 600);
	assert_string_equal(
	    scratch_read(store_mail_fd(st), ".old.inbox/dovecot-keywords"),
	    "0 hello\n");
	assert_string_equal(
	    tree(st), "INBOX[CI] INBOX/kid[] old[NC] old/inbox[]");
	store_close(st);
}

static void
test_subscriptions(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	int fd = store_mail_fd(st);

	assert_int_equal(create(st, "b/k"), ERR_OK);
	assert_int_equal(sub(st, "b/k", true), ERR_OK);
	assert_int_equal(sub(st, "b/k", true), ERR_OK);
	assert_int_equal(sub(st, "gone/x/y", true), ERR_OK);
	assert_int_equal(sub(st, "inbox", true), ERR_OK);
	assert_string_equal(scratch_read(fd, "subscriptions"),
	    "V\t2\n\nb\tk\ngone\tx\ty\nINBOX\n");
	assert_string_equal(tree(st),
	    "INBOX[SI] b[NCB] b/k[S] gone[NBO] gone/x[NBO] gone/x/y[NSO]");
	assert_int_equal(del(st, "b/k"), ERR_OK);
	assert_string_equal(tree(st),
	    "INBOX[SI] b[NBO] b/k[NSO] gone[NBO] gone/x[NBO] "
	    "gone/x/y[NSO]");
	assert_int_equal(sub(st, "gone/x/y", false), ERR_OK);
	assert_int_equal(sub(st, "never", false), ERR_OK);
	assert_int_equal(faccessat(fd, "subscriptions.lock", F_OK, 0), -1);
	assert_int_equal(faccessat(fd, "subscriptions.restante", F_OK, 0), -1);
	/* version 1 stays version 1 */
	scratch_write(fd, "subscriptions", "x.y\n");
	assert_int_equal(sub(st, "a.b/c", true), ERR_OK);
	assert_string_equal(
	    scratch_read(fd, "subscriptions"), "x.y\na\\2eb.c\n");
	/* a living holder of the lock */
	scratch_write(fd, "subscriptions.lock", "1:somewhere.else");
	assert_int_equal(sub(st, "q", true), ERR_BUSY);
	assert_int_equal(unlinkat(fd, "subscriptions.lock", 0), 0);
	/* Courier's list, when there is none of ours */
	assert_int_equal(unlinkat(fd, "subscriptions", 0), 0);
	scratch_write(fd, "courierimapsubscribed", "INBOX\nINBOX.Sent\n");
	assert_string_equal(tree(st), "INBOX[SI] Sent[NSO]");
	assert_int_equal(sub(st, "Sent", false), ERR_OK);
	assert_string_equal(tree(st), "INBOX[SI]");
	store_close(st);
}

static void
test_control(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.control = scratch_path(s, "ctl"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	int ctl = store_control_fd(st);

	assert_int_not_equal(ctl, store_mail_fd(st));
	assert_int_equal(create(st, "a"), ERR_OK);
	assert_int_equal(create(st, "a/b"), ERR_OK);
	scratch_write(ctl, ".a/dovecot-uidlist", "of a\n");
	scratch_write(ctl, ".a.b/dovecot-uidlist", "of b\n");
	assert_int_equal(sub(st, "a", true), ERR_OK);
	assert_string_equal(scratch_read(ctl, "subscriptions"), "V\t2\n\na\n");
	assert_int_equal(ren(st, "a", "z"), ERR_OK);
	assert_string_equal(scratch_read(ctl, ".z/dovecot-uidlist"), "of a\n");
	assert_string_equal(
	    scratch_read(ctl, ".z.b/dovecot-uidlist"), "of b\n");
	assert_int_equal(del(st, "z"), ERR_OK);
	assert_int_equal(faccessat(ctl, ".z", F_OK, 0), -1);
	/* a list left over is not taken for that of a new mailbox */
	assert_int_equal(mkdirat(ctl, ".new", 0700), 0);
	scratch_write(ctl, ".new/dovecot-uidlist", "stale\n");
	assert_int_equal(create(st, "new"), ERR_OK);
	assert_int_equal(faccessat(ctl, ".new/dovecot-uidlist", F_OK, 0), -1);
	/* INBOX has its own, as with Dovecot */
	assert_int_equal(count_messages(st, "INBOX"), 0);
	assert_int_equal(faccessat(ctl, ".INBOX", F_OK, 0), 0);
	store_close(st);
}

static void
test_gone(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	struct store_op *op = NULL;
	struct flush_set fs = { .n = 0 };
	struct err e = { 0 };
	unsigned n = 0;
	char name[64];
	int fd;

	assert_int_equal(create(st, "a"), ERR_OK);
	for (unsigned i = 0; i < 700; i++) {
		(void)snprintf(name, sizeof(name), "%u.M1P1.h:2,", 100 + i);
		put_message(st, "a", "cur", name);
	}
	assert_int_equal(
	    mkdirat(store_mail_fd(st), ".a/courierimapkeywords", 0700), 0);
	scratch_write(store_mail_fd(st), ".a/courierimapkeywords/:list", "x\n");
	/* the first step makes it vanish; then we die */
	assert_int_equal(store_delete(st, SLICE("a"), &op, &e), 0);
	assert_int_equal(store_op_step(op, &fs, &e), STEP_FLUSH);
	assert_true(fs.n > 0);
	store_op_free(op);
	assert_string_equal(tree(st), "INBOX[I]");
	/* openings finish it, portion by portion */
	for (unsigned i = 0; i < 10; i++)
		st = reopen(st, &conf);
	fd = openat(store_mail_fd(st), "restante/gone",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd != -1);
	assert_int_equal(io_list(fd, count_entry, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(close(fd), 0);
	store_close(st);
}

static void
test_many(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = reopen(NULL, &conf);
	struct store_list *l = NULL;
	struct store_entry e;
	struct err err = { 0 };
	uint64_t begin;
	unsigned n = 0;
	char name[64];

	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(
		    name, sizeof(name), ".l%u.m%u.n%u", i % 20, i / 20 % 10, i);
		assert_int_equal(mkdirat(store_mail_fd(st), name, 0700), 0);
	}
	begin = clock_mono_us();
	assert_int_equal(store_list_open(st, &l, &err), 0);
	while (store_list_next(l, &e))
		n++;
	assert_true(clock_mono_us() - begin < 1000000);
	assert_int_equal(n, 1 + 20 + 200 + 2000);
	store_list_close(l);
	conf.max_folders = 1999;
	st = reopen(st, &conf);
	assert_int_equal(store_list_open(st, &l, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	conf.max_folders = 2000;
	st = reopen(st, &conf);
	assert_int_equal(create(st, "one-more"), ERR_LIMIT);
	store_close(st);
}

static void
test_prefix(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true,
		.separator = '.',
		.namespace_prefix = "INBOX." };
	struct store *st = reopen(NULL, &conf);

	assert_int_equal(create(st, "Sent"), ERR_INVALID);
	assert_int_equal(create(st, "INBOX.Sent"), ERR_OK);
	assert_int_equal(create(st, "INBOX.a.b"), ERR_OK);
	assert_int_equal(sub(st, "inbox.Sent", true), ERR_OK);
	assert_string_equal(
	    tree(st), "INBOX[CBI] INBOX.Sent[S] INBOX.a[NC] INBOX.a.b[]");
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_open),
		scratch_test(test_tree),
		scratch_test(test_foreign),
		scratch_test(test_rename),
		scratch_test(test_rename_inbox),
		scratch_test(test_subscriptions),
		scratch_test(test_control),
		scratch_test(test_gone),
		scratch_test(test_many),
		scratch_test(test_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
