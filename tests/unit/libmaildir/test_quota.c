/* SPDX-License-Identifier: ISC */
/* maildirsize: its text, when it is believed, when the folders are counted. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "libmaildir/quota.h"
#include "libmaildir/store.h"
#include "tests/unit/libmaildir/box.h"

static void
test_text(void **state)
{
	static const char *const bad[] = { "", "1000S", "1000S\n", "xS\n1 1\n",
		"1000S\n1\n", "1000S\n1 x\n", "1000S\n1 1\n1",
		"1S\n9223372036854775807 1\n1 1\n", "S\n1 1\n", "1S\n- 1\n",
		"1S\n\n" };
	struct quota_file f;
	struct buf b;

	(void)state;
	assert_int_equal(
	    quota_parse(SLICE("1000C,5000S,7X\n  100    2\n-40 -1\n"), &f), 0);
	assert_int_equal(f.limit_bytes, 5000);
	assert_int_equal(f.limit_messages, 1000);
	assert_int_equal(f.sum.bytes, 60);
	assert_int_equal(f.sum.messages, 1);
	assert_int_equal(f.lines, 2);
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		if (quota_parse(slice_str(bad[i]), &f) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	buf_init(&b, 200);
	quota_print(&f, &b);
	assert_string_equal(buf_cstr(&b), "5000S,1000C\n60 1\n");
	buf_free(&b);
}

static void
test_use(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true,
		.quota_bytes = 1000,
		.quota_messages = 4 };
	struct timespec old[2] = { { .tv_sec = clock_now() - 1000 },
		{ .tv_sec = clock_now() - 1000 } };
	struct quota_usage u;
	struct store *st = NULL;
	struct err e = { 0 };
	int fd;

	assert_int_equal(store_open(&conf, &st, &e), 0);
	assert_true(quota_is_on(st));
	fd = store_mail_fd(st);
	assert_int_equal(quota_add(st, 5, 1, &e), 0); /* no file, none made */
	assert_string_equal(scratch_read(fd, "maildirsize"), "(no file)");
	scratch_write(fd, "cur/1.M1P1.h,S=300:2,", "");
	scratch_write(fd, "cur/.hidden", "no message");
	assert_int_equal(mkdirat(fd, ".a", 0700), 0);
	assert_int_equal(mkdirat(fd, ".a/new", 0700), 0);
	scratch_write(fd, ".a/new/2.M1P1.h", "ten bytes\n");
	assert_int_equal(quota_check(st, 690, 1, &e), 0);
	assert_string_equal(
	    scratch_read(fd, "maildirsize"), "1000S,4C\n310 2\n");
	assert_int_equal(quota_check(st, 691, 1, &e), -1);
	assert_int_equal(e.code, ERR_QUOTA);
	assert_int_equal(quota_check(st, 1, 3, &e), -1);
	assert_int_equal(quota_add(st, 200, 2, &e), 0);
	assert_string_equal(
	    scratch_read(fd, "maildirsize"), "1000S,4C\n310 2\n200 2\n");
	assert_int_equal(quota_check(st, 1, 1, &e), -1);
	/* over quota and old: counted again, and there is room */
	assert_int_equal(utimensat(fd, "maildirsize", old, 0), 0);
	assert_int_equal(quota_check(st, 1, 1, &e), 0);
	assert_string_equal(
	    scratch_read(fd, "maildirsize"), "1000S,4C\n310 2\n");
	/* other limits, a broken file, a negative sum */
	scratch_write(fd, "maildirsize", "999S,4C\n0 0\n");
	assert_int_equal(quota_usage(st, &u, &e), 0);
	assert_int_equal(u.bytes, 310);
	scratch_write(fd, "maildirsize", "1000S,4C\n1");
	assert_int_equal(quota_usage(st, &u, &e), 0);
	assert_int_equal(u.messages, 2);
	scratch_write(fd, "maildirsize", "1000S,4C\n-1 0\n");
	assert_int_equal(quota_usage(st, &u, &e), 0);
	assert_int_equal(u.messages, 2);
	store_close(st);
}

/* As a server does it: a folder a step. */
static void
test_steps(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true,
		.quota_bytes = 1000 };
	struct quota_count *c = NULL;
	struct quota_usage u = { 0, 0 };
	struct store *st = NULL;
	struct err e = { 0 };
	unsigned steps = 1;

	assert_int_equal(store_open(&conf, &st, &e), 0);
	assert_int_equal(mkdirat(store_mail_fd(st), ".a", 0700), 0);
	assert_int_equal(mkdirat(store_mail_fd(st), ".a.b", 0700), 0);
	scratch_write(store_mail_fd(st), "new/1.M1P1.h,S=7", "");
	assert_int_equal(quota_count_begin(st, &c, &e), 0);
	while (quota_count_step(c, &u, &e) == STEP_AGAIN)
		steps++;
	assert_int_equal(steps, 7);
	assert_int_equal(u.bytes, 7);
	assert_int_equal(u.messages, 1);
	quota_count_free(c);
	assert_string_equal(
	    scratch_read(store_mail_fd(st), "maildirsize"), "1000S\n7 1\n");
	store_close(st);
}

static void
test_off(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct quota_usage u;
	struct store *st = NULL;
	struct err e = { 0 };

	assert_int_equal(store_open(&conf, &st, &e), 0);
	assert_false(quota_is_on(st));
	assert_int_equal(quota_check(st, UINT64_MAX, 1, &e), 0);
	scratch_write(store_mail_fd(st), "new/1.M1P1.h,S=7", "");
	assert_int_equal(quota_usage(st, &u, &e), 0);
	assert_int_equal(u.bytes, 7);
	assert_string_equal(
	    scratch_read(store_mail_fd(st), "maildirsize"), "(no file)");
	store_close(st);
}

/* Who is below the limit may go over it by the grace; for bytes alone. */
static void
test_grace(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true,
		.quota_bytes = 1000,
		.quota_messages = 5,
		.quota_grace = 10 };
	struct quota_count *c = NULL;
	struct quota_usage u;
	struct store *st = NULL;
	struct err e = { 0 };
	int r;

	assert_int_equal(store_open(&conf, &st, &e), 0);
	while ((r = quota_usage_some(st, &c, &u, &e)) == 0)
		;
	assert_int_equal(r, 1);
	assert_null(c);
	assert_int_equal(u.messages, 0);
	assert_int_equal(quota_add(st, 990, 1, &e), 0);
	assert_int_equal(quota_check_some(st, 10, 1, &c, &e), 1);
	assert_int_equal(quota_check_some(st, 11, 1, &c, &e), 2);
	assert_int_equal(quota_check_some(st, 110, 4, &c, &e), 2);
	assert_int_equal(quota_check(st, 110, 4, &e), 0);
	assert_int_equal(quota_check_some(st, 111, 1, &c, &e), -1);
	assert_int_equal(e.code, ERR_QUOTA);
	assert_int_equal(quota_check_some(st, 110, 5, &c, &e), -1);
	/* at the limit it is full */
	assert_int_equal(quota_add(st, 10, 1, &e), 0);
	assert_int_equal(quota_check_some(st, 1, 1, &c, &e), -1);
	assert_int_equal(quota_usage_some(st, &c, &u, &e), 1);
	assert_int_equal(u.bytes, 1000);
	assert_int_equal(u.messages, 2);
	assert_null(c);
	store_close(st);
}

static const char *
sizes(struct store *st)
{
	return scratch_read(store_mail_fd(st), "maildirsize");
}

static enum step
copy_first(struct box *b, struct mailbox *to, bool move, struct err *err)
{
	struct seqset uids;
	struct copy *c = NULL;
	enum step r;

	seqset_init(&uids, 10);
	seqset_add(&uids, 1, 1);
	assert_int_equal(copy_begin(b->v, &uids, to, move, &c, err), 0);
	r = box_copy(c, err);
	copy_free(&c);
	seqset_free(&uids);
	return r;
}

/* What goes through a mailbox keeps maildirsize in step. */
static void
test_mailbox(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true,
		.quota_messages = 3 };
	struct store_op *op;
	struct store *st = NULL;
	struct mailbox *to;
	struct err e = { 0 };
	struct box b = { 0 };
	uint32_t from = 0;

	assert_int_equal(store_open(&conf, &st, &e), 0);
	assert_int_equal(quota_check(st, 0, 1, &e), 0);
	assert_int_equal(store_create(st, SLICE("a"), &op, &e), 0);
	assert_int_equal(store_op_run(op, &e), 0);
	b.ms = mailboxes_new(st, NULL);
	assert_int_equal(mailbox_open(b.ms, SLICE("INBOX"), &b.mb, &e), 0);
	assert_int_equal(mailbox_open(b.ms, SLICE("a"), &to, &e), 0);
	b.v = view_open(b.mb, false);
	assert_int_equal(box_save(b.mb, "12345\n", FLAG_DELETED), 1);
	assert_string_equal(sizes(st), "3C\n0 0\n6 1\n");
	box_sync(&b);
	assert_int_equal(copy_first(&b, to, false, &e), STEP_DONE);
	assert_string_equal(sizes(st), "3C\n0 0\n6 1\n6 1\n");
	assert_int_equal(copy_first(&b, b.mb, false, &e), STEP_DONE);
	/* a fourth is one too many */
	assert_int_equal(copy_first(&b, to, false, &e), STEP_FAIL);
	assert_int_equal(e.code, ERR_QUOTA);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 2);
	assert_int_equal(view_expunge(b.v, NULL, false, &from, 10, &e), 0);
	assert_string_equal(sizes(st), "3C\n0 0\n6 1\n6 1\n6 1\n-12 -2\n");
	mailbox_close(&to);
	/* a whole mailbox: counted anew */
	assert_int_equal(store_delete(st, SLICE("a"), &op, &e), 0);
	assert_int_equal(store_op_run(op, &e), 0);
	assert_int_equal(quota_check(st, 0, 3, &e), 0);
	assert_string_equal(sizes(st), "3C\n0 0\n");
	view_close(&b.v);
	mailbox_close(&b.mb);
	mailboxes_free(&b.ms);
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		scratch_test(test_use),
		scratch_test(test_steps),
		scratch_test(test_off),
		scratch_test(test_grace),
		scratch_test(test_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
