/* SPDX-License-Identifier: ISC */
/* Mailboxes and views: what sessions see of what they and strangers do. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/libmaildir/box.h"

#define MSG "From: a@example.test\nSubject: one\n\nbody\n"

/* What a session was told, as a line. */
struct told {
	struct buf b;
};

static void
on_expunge(void *arg, uint32_t seq, uint32_t uid)
{
	(void)uid;
	buf_printf(arg, "-%u ", seq);
}

static void
on_exists(void *arg, uint32_t n)
{
	buf_printf(arg, "=%u ", n);
}

static void
on_recent(void *arg, uint32_t n)
{
	buf_printf(arg, "r%u ", n);
}

static void
on_flags(void *arg, uint32_t seq, struct mailbox_rec *rec)
{
	buf_printf(arg, "%u:%u ", seq, rec->flags);
}

static void
assert_told(struct view *v, bool may_expunge, const char *what)
{
	struct view_teller t = { .expunge = on_expunge,
		.exists = on_exists,
		.recent = on_recent,
		.flags = on_flags };
	struct err err = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	t.arg = &b;
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	(void)view_update(v, may_expunge, &t);
	assert_string_equal(buf_cstr(&b), what);
	buf_free(&b);
}

static int
change(struct box *b, uint32_t seq, enum flag_op op, uint8_t flags,
    struct view *by)
{
	struct flag_change how = { .op = op, .flags = flags };
	struct err err = { 0 };

	return mailbox_change(b->mb, view_rec(b->v, seq), &how, by, &err);
}

/* ---- tests ---- */

static void
empty_mailbox_has_numbers(void **state)
{
	struct mailbox_status st;
	struct box b;

	box_open(&b, *state, true);
	assert_int_equal(view_count(b.v), 0);
	mailbox_status(b.mb, &st);
	assert_int_not_equal(st.uidvalidity, 0);
	assert_int_equal(st.uidnext, 1);
	assert_int_equal(strlen(st.guid), 32);
	box_close(&b);
}

static void
delivered_message_is_recent_once(void **state)
{
	struct box a, b;
	char name[256];

	box_open(&a, *state, true);
	box_drop(&a, "new", "100.M1P1Q1.h,S=40,W=44", MSG);
	assert_told(a.v, true, "=1 r1 ");
	assert_int_equal(view_rec(a.v, 1)->uid, 1);
	assert_int_equal(box_files(&a, "new", NULL), 0);
	assert_int_equal(box_files(&a, "cur", name), 1);
	assert_string_equal(name, "100.M1P1Q1.h,S=40,W=44:2,");
	box_open(&b, *state, false);
	assert_int_equal(view_count(b.v), 1);
	assert_int_equal(view_recent(b.v), 0);
	assert_int_equal(view_rec(b.v, 1)->uid, 1);
	box_close(&b);
	box_close(&a);
}

static void
examine_leaves_recent(void **state)
{
	struct err err = { 0 };
	struct view *ro;
	struct box a;

	box_open(&a, *state, true);
	ro = view_open(a.mb, true);
	box_drop(&a, "new", "100.M1P1Q1.h", MSG);
	assert_told(ro, true, "=1 r1 ");
	assert_int_equal(box_files(&a, "new", NULL), 1);
	assert_told(a.v, true, "=1 r1 ");
	assert_int_equal(box_refresh(ro, &err), STEP_DONE);
	view_close(&ro);
	box_close(&a);
}

static void
saved_message_is_whole(void **state)
{
	struct mailbox_rec *rec;
	struct err err = { 0 };
	struct fetch *f;
	char text[64];
	size_t n;
	struct box b;

	box_open(&b, *state, true);
	assert_int_equal(box_save(b.mb, "A: b\r\n\r\nx\r\r\ny\n", 0), 1);
	assert_told(b.v, true, "=1 r1 ");
	rec = view_rec(b.v, 1);
	assert_int_equal(rec->size, 12);
	assert_int_equal(rec->wire, 15);
	assert_int_equal(fetch_open(b.mb, rec, &f, &err), 0);
	assert_int_equal(fetch_read(f, 0, text, sizeof text, &n, &err), 0);
	assert_int_equal(n, 15);
	assert_memory_equal(text, "A: b\r\n\r\nx\r\r\ny\r\n", n);
	assert_int_equal(fetch_read(f, 5, text, 2, &n, &err), 0);
	assert_memory_equal(text, "\n\r", 2);
	assert_int_equal(fetch_size(f), 12);
	fetch_close(&f);
	assert_int_equal(box_files(&b, "tmp", NULL), 0);
	box_close(&b);
}

static void
flags_are_told_to_others_only(void **state)
{
	struct view *other;
	char name[256];
	struct box b;

	box_open(&b, *state, true);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, FLAG_DRAFT);
	assert_told(b.v, true, "=2 r2 ");
	other = view_open(b.mb, false);
	assert_told(other, true, "=2 r0 ");
	assert_int_equal(change(&b, 1, FLAG_ADD, FLAG_SEEN, b.v), 1);
	assert_int_equal(change(&b, 1, FLAG_ADD, FLAG_SEEN, b.v), 0);
	assert_int_equal(change(&b, 2, FLAG_SET, FLAG_FLAGGED, b.v), 1);
	assert_told(b.v, true, "");
	assert_told(other, false, "1:16 2:2 ");
	assert_int_equal(change(&b, 2, FLAG_REMOVE, FLAG_FLAGGED, other), 1);
	assert_told(other, true, "");
	assert_told(b.v, true, "2:0 ");
	assert_int_equal(box_files(&b, "cur", name), 2);
	view_close(&other);
	box_close(&b);
}

static void
expunge_waits_until_it_may_be_told(void **state)
{
	struct err err = { 0 };
	struct view *other;
	uint32_t from = 0;
	struct box b;

	box_open(&b, *state, true);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, FLAG_DELETED);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, FLAG_DELETED);
	assert_told(b.v, true, "=4 r4 ");
	other = view_open(b.mb, false);
	assert_told(other, true, "=4 r0 ");
	assert_int_equal(view_expunge(b.v, NULL, false, &from, 1, &err), 1);
	assert_int_equal(view_expunge(b.v, NULL, false, &from, 9, &err), 0);
	assert_int_equal(box_files(&b, "cur", NULL), 2);
	(void)box_save(b.mb, MSG, 0);
	assert_told(other, false, "=5 r1 ");
	assert_true(view_rec(other, 2)->is_gone);
	assert_true(view_highest_modseq(other) < view_highest_modseq(b.v) + 1);
	assert_told(other, true, "-2 -3 ");
	assert_int_equal(view_count(other), 3);
	assert_int_equal(view_rec(other, 3)->uid, 5);
	assert_told(b.v, true, "-2 -3 =3 r2 ");
	view_close(&other);
	box_close(&b);
}

static void
strangers_are_noticed(void **state)
{
	int watched;

	for (watched = 0; watched < 2; watched++) {
		struct box b;

		box_open(&b, *state, watched == 1);
		box_drop(&b, "cur", "7.a.h:2,S", MSG);
		box_drop(&b, "cur", "8.b.h:2,S", MSG);
		box_drop(&b, "cur", ".hidden", MSG);
		usleep(20000); /* the grain of the folder's times */
		assert_told(b.v, true, "=2 r0 ");
		box_rename(&b, "cur/7.a.h:2,S", "cur/7.a.h:2,RS");
		usleep(20000);
		assert_told(b.v, true, "1:24 ");
		assert_int_equal(unlinkat(b.root, "cur/7.a.h:2,RS", 0), 0);
		usleep(20000);
		assert_told(b.v, true, "-1 ");
		assert_int_equal(unlinkat(b.root, "cur/8.b.h:2,S", 0), 0);
		assert_int_equal(unlinkat(b.root, "cur/.hidden", 0), 0);
		usleep(20000);
		assert_told(b.v, true, "-1 ");
		box_close(&b);
	}
}

static void
renamed_under_our_hands(void **state)
{
	struct err err = { 0 };
	struct box b;
	int fd;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "7.a.h:2,S", MSG);
	box_sync(&b);
	box_rename(&b, "cur/7.a.h:2,S", "cur/7.a.h:2,F");
	assert_int_equal(change(&b, 1, FLAG_ADD, FLAG_ANSWERED, b.v), 1);
	assert_int_equal(faccessat(b.root, "cur/7.a.h:2,FR", F_OK, 0), 0);
	box_rename(&b, "cur/7.a.h:2,FR", "cur/7.a.h:2,");
	assert_int_equal(
	    mailbox_open_message(b.mb, view_rec(b.v, 1), &fd, &err), 0);
	(void)close(fd);
	assert_int_equal(unlinkat(b.root, "cur/7.a.h:2,", 0), 0);
	assert_int_equal(
	    mailbox_open_message(b.mb, view_rec(b.v, 1), &fd, &err), -1);
	assert_int_equal(err.code, ERR_GONE);
	assert_int_equal(change(&b, 1, FLAG_ADD, FLAG_SEEN, b.v), -1);
	box_close(&b);
}

/* Another program left out what was told, or gave it a lower number: what was
 * told stays (N3). */
static void
forgotten_records_are_written_again(void **state)
{
	static const char forgotten[] = "\n1 :1.a.h\n2 :3.c.h\n";
	char list[512];
	const char *now;
	struct box b;
	size_t head;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "1.a.h:2,", MSG);
	box_drop(&b, "cur", "2.b.h:2,", MSG);
	box_drop(&b, "cur", "3.c.h:2,", MSG);
	box_sync(&b);
	now = scratch_read(b.root, "dovecot-uidlist");
	head = strcspn(now, "\n");
	assert_true(head < sizeof list - sizeof forgotten);
	(void)memcpy(list, now, head);
	(void)memcpy(list + head, forgotten, sizeof forgotten);
	scratch_write(b.root, "other", list);
	assert_int_equal(
	    renameat(b.root, "other", b.root, "dovecot-uidlist"), 0);
	box_drop(&b, "new", "4.d.h", MSG);
	box_sync(&b);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 4);
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(view_rec(b.v, i)->uid, i);
	now = scratch_read(b.root, "dovecot-uidlist");
	if (strstr(now, "\n1 :1.a.h\n2 :2.b.h\n3 :3.c.h\n4 :4.d.h\n") == NULL)
		fail_msg("%s", now);
	box_close(&b);
}

static void
two_files_with_one_name(void **state)
{
	struct box b;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "7.a.h:2,S", MSG);
	box_drop(&b, "cur", "7.a.h:2,F", "another");
	assert_int_equal(
	    linkat(b.root, "cur/7.a.h:2,S", b.root, "new/8.b.h", 0), 0);
	assert_int_equal(
	    linkat(b.root, "new/8.b.h", b.root, "cur/8.b.h:2,", 0), 0);
	box_sync(&b);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 3);
	assert_int_equal(
	    box_files(&b, "cur", NULL) + box_files(&b, "new", NULL), 4);
	box_close(&b);
}

/* Whatever readdir shows first: the file that has the UID keeps it. */
static void
double_gets_the_new_uid(void **state)
{
	static const char *const letters[] = { "", "D", "F", "R", "S", "T", "a",
		"b", "DF", "FS" };
	const char *name;
	char path[64];
	struct box b;
	size_t i;

	for (i = 0; i < N_ELEMENTS(letters); i++) {
		box_open(&b, *state, i % 2 == 0);
		(void)snprintf(path, sizeof path, "%zu.a.h:2,S", i);
		box_drop(&b, "cur", path, MSG);
		box_sync(&b);
		usleep(70000); /* without a watch: it is certain now */
		box_sync(&b);
		assert_int_equal(view_count(b.v), 2 * i + 1);
		(void)snprintf(
		    path, sizeof path, "%zu.a.h:2,P%s", i, letters[i]);
		box_drop(&b, i % 3 == 0 ? "new" : "cur", path, "another");
		box_sync(&b);
		usleep(70000);
		box_sync(&b);
		box_sync(&b);
		assert_int_equal(view_count(b.v), 2 * i + 2);
		name = view_rec(b.v, (uint32_t)(2 * i + 1))->name;
		(void)snprintf(path, sizeof path, "%zu.a.h:2,S", i);
		assert_string_equal(name, path);
		box_close(&b);
	}
}

/* A mailbox renamed under one session and opened again by another. */
static void
watched_under_two_names(void **state)
{
	struct box b, other = { 0 };

	box_open(&b, *state, true);
	mailboxes_forget(b.ms, SLICE("INBOX"));
	other = b;
	other.mb = box_other(&b, "");
	other.v = view_open(other.mb, false);
	box_sync(&other);
	assert_ptr_not_equal(b.mb, other.mb);
	box_drop(&b, "cur", "1.a.h:2,", MSG);
	box_sync(&other);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 1);
	assert_int_equal(view_count(other.v), 1);
	view_close(&other.v);
	mailbox_close(&other.mb);
	box_drop(&b, "cur", "2.a.h:2,", MSG);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 2);
	box_close(&b);
}

static void
uids_stay(void **state)
{
	struct box a, b;
	uint32_t from = 0;
	struct err err = { 0 };
	unsigned i;

	box_open(&a, *state, true);
	for (i = 0; i < 5; i++)
		(void)box_save(a.mb, MSG, i == 4 ? FLAG_DELETED : 0);
	box_sync(&a);
	assert_int_equal(view_expunge(a.v, NULL, false, &from, 9, &err), 0);
	box_close(&a);
	box_open(&b, *state, false);
	assert_int_equal(view_count(b.v), 4);
	assert_int_equal(view_max_uid(b.v), 4);
	assert_int_equal(box_save(b.mb, MSG, 0), 6);
	box_close(&b);
}

static void
came_back_gets_a_new_uid(void **state)
{
	struct box b;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "7.a.h:2,S", MSG);
	box_drop(&b, "cur", "8.b.h:2,S", MSG);
	box_sync(&b);
	box_rename(&b, "cur/7.a.h:2,S", "away");
	assert_told(b.v, true, "-1 ");
	box_rename(&b, "away", "cur/7.a.h:2,S");
	assert_told(b.v, true, "=2 r0 ");
	assert_int_equal(view_rec(b.v, 2)->uid, 3);
	box_close(&b);
	box_open(&b, *state, false);
	assert_int_equal(view_rec(b.v, 1)->uid, 2);
	assert_int_equal(view_rec(b.v, 2)->uid, 3);
	box_close(&b);
}

static void
two_processes_one_folder(void **state)
{
	struct box a, b;

	box_open(&a, *state, true);
	box_open(&b, *state, true);
	assert_int_equal(box_save(a.mb, MSG, 0), 1);
	assert_int_equal(box_save(b.mb, MSG, 0), 2);
	assert_int_equal(box_save(a.mb, MSG, FLAG_SEEN), 3);
	box_sync(&a);
	box_sync(&b);
	assert_int_equal(view_count(a.v), 3);
	assert_int_equal(view_count(b.v), 3);
	assert_int_equal(view_max_uid(a.v), 3);
	box_drop(&a, "new", "9.z.h", MSG);
	box_sync(&b);
	box_sync(&a);
	assert_int_equal(view_max_uid(a.v), 4);
	assert_int_equal(view_max_uid(b.v), 4);
	assert_int_equal(change(&a, 1, FLAG_ADD, FLAG_SEEN, a.v), 1);
	assert_told(b.v, true, "1:16 ");
	box_close(&b);
	box_close(&a);
}

static void
lost_list_is_restored_from_memory(void **state)
{
	struct mailbox_status before, after;
	struct box b;

	box_open(&b, *state, true);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	mailbox_status(b.mb, &before);
	assert_int_equal(unlinkat(b.root, "dovecot-uidlist", 0), 0);
	box_drop(&b, "new", "9.z.h", MSG);
	box_sync(&b);
	mailbox_status(b.mb, &after);
	assert_int_equal(before.uidvalidity, after.uidvalidity);
	assert_string_equal(before.guid, after.guid);
	assert_int_equal(view_rec(b.v, 2)->uid, 2);
	assert_true(view_rec(b.v, 3)->uid > 1u << 20);
	box_close(&b);
	box_open(&b, *state, false);
	assert_int_equal(view_rec(b.v, 2)->uid, 2);
	box_close(&b);
}

static void
deleted_folder_is_gone(void **state)
{
	struct err err = { 0 };
	struct mailbox *mb;
	struct view *v;
	struct box b;

	box_open(&b, *state, true);
	mb = box_other(&b, ".x");
	v = view_open(mb, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	assert_int_equal(unlinkat(b.root, ".x/dovecot-uidlist", 0), 0);
	assert_int_equal(unlinkat(b.root, ".x/cur", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(b.root, ".x/new", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(b.root, ".x/tmp", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(b.root, ".x", AT_REMOVEDIR), 0);
	assert_int_equal(box_refresh(v, &err), STEP_FAIL);
	assert_int_equal(err.code, ERR_GONE);
	view_close(&v);
	mailbox_close(&mb);
	box_close(&b);
}

static void
packed_view_comes_back(void **state)
{
	struct seqset uids, recent;
	struct err err = { 0 };
	struct view *v;
	struct box b;

	box_open(&b, *state, true);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, 0);
	(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	seqset_init(&uids, 100);
	seqset_init(&recent, 100);
	view_get_uids(b.v, &uids);
	view_get_recent(b.v, &recent);
	view_close(&b.v);
	b.v = view_open(b.mb, false);
	box_sync(&b);
	assert_int_equal(
	    view_expunge(b.v, NULL, true, &(uint32_t){ 0 }, 1, &err), 1);
	(void)box_save(b.mb, MSG, 0);
	v = view_open(b.mb, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	assert_int_equal(view_restore(v, &uids, &recent, &err), 0);
	assert_int_equal(view_count(v), 3);
	assert_true(view_has_news(v));
	assert_told(v, false, "=4 r4 ");
	assert_told(v, true, "-1 ");
	seqset_add(&uids, 1000, 2000);
	view_close(&v);
	v = view_open(b.mb, false);
	assert_int_equal(view_restore(v, &uids, &recent, &err), -1);
	view_close(&v);
	seqset_free(&uids);
	seqset_free(&recent);
	box_close(&b);
}

static void
numbers_and_uids(void **state)
{
	struct seqset a, out;
	struct box b;
	int i;

	box_open(&b, *state, true);
	for (i = 0; i < 6; i++)
		(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	assert_int_equal(view_expunge(b.v, NULL, true, &(uint32_t){ 1 }, 2,
			     &(struct err){ 0 }),
	    1);
	(void)view_update(b.v, true, NULL);
	seqset_init(&a, 100);
	seqset_init(&out, 100);
	seqset_add(&a, 2, 9);
	assert_false(view_uids_of(b.v, &a, &out));
	assert_int_equal(seqset_count(&out), 3);
	assert_true(seqset_has(&out, 4));
	assert_false(view_seqs_of(b.v, &a, &out));
	assert_int_equal(seqset_count(&out), 3);
	assert_int_equal(view_seq(b.v, 3), 0);
	assert_int_equal(view_seq(b.v, 4), 2);
	assert_int_equal(view_seq_from(b.v, 2), 2);
	assert_int_equal(view_seq_from(b.v, 7), 5);
	seqset_free(&a);
	seqset_free(&out);
	box_close(&b);
}

static void
log_is_bounded(void **state)
{
	struct view *sleeper;
	struct err err = { 0 };
	struct box b;
	int i;

	box_open(&b, *state, false);
	(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	sleeper = view_open(b.mb, true);
	assert_int_equal(box_refresh(sleeper, &err), STEP_DONE);
	(void)view_update(sleeper, true, NULL);
	for (i = 0; i < 10001; i++)
		assert_int_equal(
		    change(&b, 1, i % 2 == 0 ? FLAG_ADD : FLAG_REMOVE,
			FLAG_SEEN, b.v),
		    1);
	assert_told(sleeper, true, "1:16 ");
	view_close(&sleeper);
	box_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(empty_mailbox_has_numbers),
		scratch_test(delivered_message_is_recent_once),
		scratch_test(examine_leaves_recent),
		scratch_test(saved_message_is_whole),
		scratch_test(flags_are_told_to_others_only),
		scratch_test(expunge_waits_until_it_may_be_told),
		scratch_test(strangers_are_noticed),
		scratch_test(renamed_under_our_hands),
		scratch_test(forgotten_records_are_written_again),
		scratch_test(two_files_with_one_name),
		scratch_test(double_gets_the_new_uid),
		scratch_test(watched_under_two_names),
		scratch_test(uids_stay),
		scratch_test(came_back_gets_a_new_uid),
		scratch_test(two_processes_one_folder),
		scratch_test(lost_list_is_restored_from_memory),
		scratch_test(deleted_folder_is_gone),
		scratch_test(packed_view_comes_back),
		scratch_test(numbers_and_uids),
		scratch_test(log_is_bounded),
	};

	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
