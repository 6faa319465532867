/* SPDX-License-Identifier: ISC */
/* dovecot-uidlist: as Dovecot writes it, torn at every byte, two at once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "libmaildir/uidlist.h"
#include "libmaildir/uidvalidity.h"
#include "tests/unit/libmaildir/box.h"

#define GUID "0f9a3b2c1d4e5f60718293a4b5c6d7e8"

static void
head_is_read_and_written(void **state)
{
	struct uidlist_head h;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(
	    uidlist_parse_head(
		SLICE("3 V1275660208 N25022 X7 G" GUID " Kfoo"), &h),
	    0);
	assert_int_equal(h.uidvalidity, 1275660208);
	assert_int_equal(h.next_uid, 25022);
	assert_string_equal(h.guid, GUID);
	uidlist_print_head(&h, &b);
	assert_string_equal(
	    buf_cstr(&b), "3 V1275660208 N25022 G" GUID " X7 Kfoo\n");
	assert_int_equal(uidlist_parse_head(SLICE("1 77 5"), &h), 0);
	assert_int_equal(h.next_uid, 5);
	assert_int_equal(uidlist_parse_head(SLICE("3 N5"), &h), -1);
	assert_int_equal(uidlist_parse_head(SLICE("3 V0 N5"), &h), -1);
	assert_int_equal(uidlist_parse_head(SLICE("4 V1 N5"), &h), -1);
	assert_int_equal(uidlist_parse_head(SLICE("3 V5x N5"), &h), -1);
	assert_int_equal(uidlist_parse_head(SLICE(""), &h), -1);
	buf_free(&b);
}

static void
records_are_read_and_written(void **state)
{
	struct uidlist_rec r;
	struct buf b, other;

	(void)state;
	buf_init(&b, 5000);
	buf_init(&other, MAX_UIDLIST_LINE);
	assert_int_equal(
	    uidlist_parse_rec(3,
		SLICE("25006 S10 W12 O3 Pabc Gguid Zz :1.a.b,S=10"), &other,
		&r),
	    0);
	assert_int_equal(r.uid, 25006);
	assert_int_equal(r.size, 10);
	assert_int_equal(r.wire, 12);
	assert_true(slice_eq_str(r.pop3, "abc"));
	assert_true(slice_eq_str(r.guid, "guid"));
	assert_true(slice_eq_str(r.other, "O3 Zz"));
	assert_true(slice_eq_str(r.base, "1.a.b,S=10"));
	uidlist_print_rec(&r, &b);
	assert_string_equal(
	    buf_cstr(&b), "25006 S10 W12 Gguid Pabc O3 Zz :1.a.b,S=10\n");
	assert_int_equal(
	    uidlist_parse_rec(3, SLICE("7 :x y:2,S"), &other, &r), 0);
	assert_true(slice_eq_str(r.base, "x y"));
	assert_int_equal(
	    uidlist_parse_rec(1, SLICE("7 1.a.b:2,S"), &other, &r), 0);
	assert_true(slice_eq_str(r.base, "1.a.b"));
	assert_int_equal(uidlist_parse_rec(3, SLICE("0 :x"), &other, &r), -1);
	assert_int_equal(uidlist_parse_rec(3, SLICE("7 :"), &other, &r), -1);
	assert_int_equal(uidlist_parse_rec(3, SLICE("7 S1"), &other, &r), -1);
	assert_int_equal(
	    uidlist_parse_rec(3, SLICE("7 :../x"), &other, &r), -1);
	assert_int_equal(uidlist_parse_rec(3, SLICE("7"), &other, &r), -1);
	buf_free(&b);
	buf_free(&other);
}

static void
list_of_dovecot_is_kept(void **state)
{
	struct mailbox_status st;
	struct box b;

	box_open(&b, *state, false);
	box_close(&b);
	b.root = open(((struct scratch *)*state)->root, O_RDONLY | O_CLOEXEC);
	(void)unlinkat(b.root, "dovecot-uidlist", 0);
	scratch_write(b.root, "dovecot-uidlist",
	    "3 V1275660208 N7 G" GUID "\n"
	    "3 W700 :9.c.h\n"
	    "5 P4d2 :7.a.h,S=27\n"
	    "6 Gold :8.b.h\n"
	    "9 :5.gone.h\n");
	box_drop(&b, "cur", "7.a.h,S=27:2,S", "A: b\n\nx\n");
	box_drop(&b, "cur", "8.b.h:2,", "A: b\n\nx\n");
	box_drop(&b, "new", "9.c.h", "A: b\n\nx\n");
	(void)close(b.root);
	box_open(&b, *state, false);
	mailbox_status(b.mb, &st);
	assert_int_equal(st.uidvalidity, 1275660208);
	assert_int_equal(st.uidnext, 10); /* N lags behind */
	assert_string_equal(st.guid, GUID);
	assert_int_equal(view_count(b.v), 3);
	assert_int_equal(view_rec(b.v, 1)->uid, 3);
	assert_int_equal(view_rec(b.v, 1)->wire, 700);
	assert_int_equal(view_rec(b.v, 2)->uid, 5);
	assert_int_equal(view_rec(b.v, 3)->uid, 6);
	assert_string_equal(view_rec(b.v, 3)->guid, "old");
	assert_int_equal(box_save(b.mb, "A: b\n\nx\n", 0), 10);
	box_close(&b);
}

static void
counted_sizes_are_kept(void **state)
{
	struct err err = { 0 };
	struct box b;
	const char *text;

	box_open(&b, *state, false);
	box_drop(&b, "cur", "7.a.h:2,S", "A: b\n\nx\n");
	box_sync(&b);
	assert_int_equal(mailbox_sizes(b.mb, view_rec(b.v, 1), &err), 0);
	assert_int_equal(view_rec(b.v, 1)->size, 8);
	assert_int_equal(view_rec(b.v, 1)->wire, 11);
	box_close(&b);
	box_open(&b, *state, false);
	text = scratch_read(b.root, "dovecot-uidlist");
	assert_non_null(strstr(text, "\n1 S8 W11 :7.a.h\n"));
	assert_int_equal(view_rec(b.v, 1)->wire, 11);
	box_close(&b);
}

/* For a sum: in portions, each file once, and not one that is known. */
static void
sizes_are_counted_in_portions(void **state)
{
	struct mailbox_status st;
	struct err err = { 0 };
	uint32_t uid = 0;
	unsigned calls = 1;
	char name[64];
	struct box b;
	int i, r;

	box_open(&b, *state, false);
	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof name, "%d.a.h:2,%s", 100 + i,
		    i % 2 == 0 ? "T" : "S");
		box_drop(&b, "cur", name, "A: b\n\nx\n");
	}
	box_drop(&b, "cur", "200.a.h,S=500,W=600:2,", "no such size");
	box_sync(&b);
	mailbox_status(b.mb, &st);
	assert_int_equal(st.wire, 600);
	assert_int_equal(st.deleted_bytes, 0);
	while ((r = mailbox_sizes_some(b.mb, true, &uid, &err)) == 1)
		calls++;
	assert_int_equal(r, 0);
	assert_int_equal(calls, 2);
	mailbox_status(b.mb, &st);
	assert_int_equal(st.wire, 600 + 20 * 11);
	assert_int_equal(st.deleted_bytes, 20 * 8);
	/* what was counted is not read again, what is gone not missed */
	(void)unlinkat(b.root, "cur/101.a.h:2,S", 0);
	uid = 0;
	calls = 1;
	while ((r = mailbox_sizes_some(b.mb, false, &uid, &err)) == 1)
		calls++;
	assert_int_equal(r, 0);
	assert_int_equal(calls, 2);
	mailbox_status(b.mb, &st);
	assert_int_equal(st.wire, 600 + 39 * 11);
	assert_int_equal(st.bytes, 500 + 39 * 8);
	box_close(&b);
}

static void
version_1_is_read(void **state)
{
	struct box b;

	box_open(&b, *state, false);
	box_drop(&b, "cur", "7.a.h:2,S", "A: b\n\nx\n");
	box_close(&b);
	b.root = open(((struct scratch *)*state)->root, O_RDONLY | O_CLOEXEC);
	(void)unlinkat(b.root, "dovecot-uidlist", 0);
	scratch_write(b.root, "dovecot-uidlist", "1 1000 50\n41 7.a.h:2,S\n");
	(void)close(b.root);
	box_open(&b, *state, false);
	assert_int_equal(view_rec(b.v, 1)->uid, 41);
	assert_int_equal(box_save(b.mb, "x\n", 0), 50);
	assert_int_equal(strncmp(scratch_read(b.root, "dovecot-uidlist"),
			     "3 V1000 N50 G", 13),
	    0);
	box_close(&b);
}

/* A list cut at any byte: no record is half believed, what comes after gets
 * numbers above those that were whole, and the list is a list again. */
static void
torn_at_every_byte(void **state)
{
	static const char whole[] = "3 V1000 N3 G" GUID "\n"
				    "1 :7.a.h\n"
				    "2 S8 W11 :8.b.h\n";
	size_t cut, first = strlen("3 V1000 N3 G" GUID "\n");
	struct box b;

	box_open(&b, *state, false);
	box_drop(&b, "cur", "7.a.h:2,S", "A: b\n\nx\n");
	box_drop(&b, "cur", "8.b.h:2,S", "A: b\n\nx\n");
	box_close(&b);
	for (cut = 0; cut < sizeof whole; cut++) {
		char text[sizeof whole];
		uint32_t uid;

		memcpy(text, whole, cut);
		text[cut] = '\0';
		b.root = open(
		    ((struct scratch *)*state)->root, O_RDONLY | O_CLOEXEC);
		(void)unlinkat(b.root, "dovecot-uidlist", 0);
		scratch_write(b.root, "dovecot-uidlist", text);
		(void)close(b.root);
		box_open(&b, *state, false);
		assert_int_equal(view_count(b.v), 2);
		if (cut >= first) {
			struct mailbox_status st;

			mailbox_status(b.mb, &st);
			assert_int_equal(st.uidvalidity, 1000);
		}
		if (cut >= first + strlen("1 :7.a.h\n"))
			assert_int_equal(view_rec(b.v, 1)->uid, 1);
		uid = view_max_uid(b.v);
		box_close(&b);
		box_open(&b, *state, false);
		assert_int_equal(view_max_uid(b.v), uid);
		assert_int_equal(view_count(b.v), 2);
		box_close(&b);
	}
}

static void
uidvalidity_always_grows(void **state)
{
	struct err err = { 0 };
	uint32_t last = 0, v;
	struct box b;
	int i;

	box_open(&b, *state, false);
	for (i = 0; i < 20; i++) {
		clock_shift_us(i % 2 == 0 ? -1000000000 : 0);
		assert_int_equal(
		    uidvalidity_next(mailbox_folder(b.mb), &v, &err), 0);
		assert_true(v > last);
		last = v;
	}
	clock_shift_us(0);
	box_close(&b);
}

/* ---- the lock ---- */

static const char *
host(void)
{
	static char name[256];

	assert_int_equal(gethostname(name, sizeof name), 0);
	return name;
}

static pid_t
dead_pid(void)
{
	pid_t pid = fork();
	int st;

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	return pid;
}

static int
try_lock(struct box *b)
{
	struct err err = { 0 };
	struct uidlist ul;
	int r;

	uidlist_init(&ul, mailbox_folder(b->mb));
	r = uidlist_lock(&ul, &err);
	if (r == 1) {
		char want[300];

		(void)snprintf(
		    want, sizeof want, "%ld:%s", (long)getpid(), host());
		assert_string_equal(
		    scratch_read(b->root, "dovecot-uidlist.lock"), want);
	}
	uidlist_free(&ul);
	return r;
}

static void
lock_of_the_dead_is_overridden(void **state)
{
	struct timespec old[2] = { { .tv_nsec = UTIME_OMIT } };
	char text[300];
	struct box b;

	box_open(&b, *state, false);
	assert_int_equal(try_lock(&b), 1);
	(void)snprintf(text, sizeof text, "%ld:%s", (long)dead_pid(), host());
	scratch_write(b.root, "dovecot-uidlist.lock", text);
	assert_int_equal(try_lock(&b), 1);
	(void)snprintf(text, sizeof text, "%ld:%s", (long)getppid(), host());
	scratch_write(b.root, "dovecot-uidlist.lock", text);
	assert_int_equal(try_lock(&b), 0);
	old[1].tv_sec = clock_now() - 60;
	assert_int_equal(utimensat(b.root, "dovecot-uidlist.lock", old, 0), 0);
	assert_int_equal(try_lock(&b), 0);
	old[1].tv_sec = clock_now() - 121;
	assert_int_equal(utimensat(b.root, "dovecot-uidlist.lock", old, 0), 0);
	assert_int_equal(try_lock(&b), 1);
	/* Another host: dead or alive, we cannot know. */
	(void)snprintf(text, sizeof text, "%ld:elsewhere", (long)dead_pid());
	scratch_write(b.root, "dovecot-uidlist.lock", text);
	assert_int_equal(try_lock(&b), 0);
	(void)unlinkat(b.root, "dovecot-uidlist.lock", 0);
	assert_int_equal(box_files(&b, "tmp", NULL), 0);
	box_close(&b);
}

static void
waiting_is_an_event(void **state)
{
	struct err err = { 0 };
	char text[300];
	struct box b;

	box_open(&b, *state, false);
	(void)snprintf(text, sizeof text, "%ld:%s", (long)getppid(), host());
	scratch_write(b.root, "dovecot-uidlist.lock", text);
	box_drop(&b, "new", "7.a.h", "x\n");
	assert_int_equal(box_refresh(b.v, &err), STEP_EVENT);
	(void)unlinkat(b.root, "dovecot-uidlist.lock", 0);
	assert_int_equal(box_refresh(b.v, &err), STEP_DONE);
	(void)view_update(b.v, true, NULL);
	assert_int_equal(view_count(b.v), 1);
	box_close(&b);
}

/* Many processes save and number at once: no UID twice, none lost. */
static void
many_at_once(void **state)
{
	struct box b;
	uint32_t seq;
	pid_t pids[4];
	int i, st;

	box_open(&b, *state, false);
	for (i = 0; i < 4; i++) {
		if ((pids[i] = fork()) == 0) {
			struct flush_set fs = { 0 };
			struct err err;
			struct save *s;
			enum step r;
			int n;

			for (n = 0; n < 25; n++) {
				struct save_message m = { .internaldate = 1 };

				if (save_begin(b.mb, &s, &err) == -1 ||
				    save_add(s, &m, &err) == -1 ||
				    save_write(s, SLICE("x\n"), &err) == -1)
					_exit(1);
				while ((r = save_commit(s, &fs, &err)) !=
				    STEP_DONE) {
					if (r == STEP_FAIL)
						_exit(2);
					if (r == STEP_EVENT)
						usleep(500);
				}
				save_free(&s);
			}
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &st, 0), pids[i]);
		assert_int_equal(st, 0);
	}
	usleep(20000);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 100);
	for (seq = 1; seq <= 100; seq++)
		assert_int_equal(view_rec(b.v, seq)->uid, seq);
	box_close(&b);
}

/* A rewrite leaves out the dead, keeps fields it does not know. */
static void
list_is_compacted(void **state)
{
	struct err err = { 0 };
	struct buf list;
	const char *text;
	struct box b;
	int i;

	box_open(&b, *state, false);
	box_close(&b);
	b.root = open(((struct scratch *)*state)->root, O_RDONLY | O_CLOEXEC);
	(void)unlinkat(b.root, "dovecot-uidlist", 0);
	buf_init(&list, 100000);
	buf_puts(&list, "3 V1000 N3 Yyes G" GUID "\n");
	for (i = 1; i < 200; i++)
		buf_printf(&list, "%d Qq :%d.gone.h\n", i, i);
	buf_puts(&list, "200 Qq P7 :7.a.h\n");
	scratch_write(b.root, "dovecot-uidlist", buf_cstr(&list));
	buf_free(&list);
	box_drop(&b, "cur", "7.a.h:2,S", "A: b\n\nx\n");
	(void)close(b.root);
	usleep(20000);
	box_open(&b, *state, false);
	assert_int_equal(box_refresh(b.v, &err), STEP_DONE);
	text = scratch_read(b.root, "dovecot-uidlist");
	assert_string_equal(
	    text, "3 V1000 N201 G" GUID " Yyes\n200 P7 Qq :7.a.h\n");
	box_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_is_read_and_written),
		cmocka_unit_test(records_are_read_and_written),
		scratch_test(list_of_dovecot_is_kept),
		scratch_test(counted_sizes_are_kept),
		scratch_test(sizes_are_counted_in_portions),
		scratch_test(version_1_is_read),
		scratch_test(torn_at_every_byte),
		scratch_test(uidvalidity_always_grows),
		scratch_test(lock_of_the_dead_is_overridden),
		scratch_test(waiting_is_an_event),
		scratch_test(many_at_once),
		scratch_test(list_is_compacted),
	};

	return cmocka_run_group_tests_name("uidlist", tests, NULL, NULL);
}
