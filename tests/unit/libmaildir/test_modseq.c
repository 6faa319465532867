/* SPDX-License-Identifier: ISC */
/* Modseqs: the counter and its ceiling, what vanished, what may be told. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "tests/unit/libmaildir/box.h"

#define MSG "A: b\n\nx\n"

static const struct modseq_past lost = { .is_clean = false };

static int
open_scratch(struct scratch *s)
{
	int dir = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_not_equal(dir, -1);
	return dir;
}

static uint64_t
ceiling_of(int dir)
{
	unsigned long long v;
	int end = 0;

	assert_int_equal(sscanf(scratch_read(dir, MODSEQ_FILE),
			     "1 ceiling=%llu%n", &v, &end),
	    1);
	assert_string_equal(scratch_read(dir, MODSEQ_FILE) + end, "\n");
	return v;
}

static void
counter_goes_on(void **state)
{
	int dir = open_scratch(*state);
	struct modseq_past past;
	struct modseqs m, other;
	struct err err;
	uint64_t v, last;
	unsigned i;

	assert_int_equal(modseqs_open(&m, dir, &lost, &err), 0);
	assert_true(m.is_kept);
	assert_true(m.floor > 1000000000000000);
	assert_int_equal(m.floor + (1u << 20), ceiling_of(dir));
	v = modseqs_draw(&m);
	assert_int_equal(v, m.floor + 1);

	/* Clean: the next one. */
	past = (struct modseq_past){ true, m.last, m.floor, m.ceiling };
	assert_int_equal(modseqs_open(&other, dir, &past, &err), 0);
	assert_int_equal(modseqs_draw(&other), v + 1);
	assert_int_equal(other.floor, m.floor);

	/* Not clean: above all that may have been told. */
	last = ceiling_of(dir);
	assert_int_equal(modseqs_open(&other, dir, &lost, &err), 0);
	assert_true(other.floor >= last);
	assert_true(modseqs_draw(&other) > last);

	/* Somebody else drew since. */
	past.ceiling = last;
	assert_int_equal(modseqs_open(&m, dir, &past, &err), 0);
	assert_true(modseqs_draw(&m) > other.ceiling);

	/* Two at once: what one has reserved the other does not draw. */
	for (i = 0; i < (1u << 20) - 1; i++)
		v = modseqs_draw(&other);
	assert_int_equal(v, other.ceiling);
	assert_true(modseqs_draw(&other) > m.ceiling);
	assert_true(other.is_kept);
	(void)close(dir);
}

static void
clock_may_go_back(void **state)
{
	int dir = open_scratch(*state);
	struct modseqs m;
	struct err err;
	uint64_t before;

	assert_int_equal(modseqs_open(&m, dir, &lost, &err), 0);
	before = modseqs_draw(&m);
	clock_shift_us(-INT64_C(1000000) * 86400 * 365);
	assert_int_equal(modseqs_open(&m, dir, &lost, &err), 0);
	clock_shift_us(0);
	assert_true(m.floor > before);
	(void)close(dir);
}

static void
nonsense_is_as_lost(void **state)
{
	static const char *const texts[] = { "", "1 ceiling=", "1 ceiling=\n",
		"1 ceiling=99999999999999999999999\n", "1 ceiling=7",
		"1 ceiling=07\n", "2 ceiling=7777777777777777\n",
		"1 ceiling=9223372036854775807\n", "1 ceiling=7x\n",
		"1 ceiling=7777777777777777\n1 ceiling=7777777777777777\n",
		"1 ceiling=-7777777777777777\n" };
	int dir = open_scratch(*state);
	struct modseq_past past = { true, 7, 7, 7 };
	struct modseqs m;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		scratch_write(dir, MODSEQ_FILE, texts[i]);
		assert_int_equal(modseqs_open(&m, dir, &past, &err), 0);
		assert_true(m.floor > 1000000000000000);
		assert_true(m.floor < 7000000000000000);
		assert_int_equal(m.floor + (1u << 20), ceiling_of(dir));
	}
	scratch_write(dir, MODSEQ_FILE, "1 ceiling=7777777777777777\n");
	past =
	    (struct modseq_past){ true, 7777777777777778, 7, 7777777777777777 };
	assert_int_equal(modseqs_open(&m, dir, &past, &err), 0);
	assert_int_equal(m.floor, 7777777777777778);
	assert_int_equal(modseqs_restored(dir, &err), 0);
	assert_int_equal(ceiling_of(dir), m.ceiling + (1u << 20));
	(void)close(dir);
}

static void
unwritable_is_not_kept(void **state)
{
	int dir = open_scratch(*state);
	struct modseqs m;
	struct err err;
	uint64_t v;

	/* A folder in its way: also root cannot write that. */
	assert_int_equal(mkdirat(dir, MODSEQ_FILE ".tmp", 0700), 0);
	assert_int_equal(modseqs_open(&m, dir, &lost, &err), -1);
	assert_false(m.is_kept);
	v = modseqs_draw(&m);
	assert_int_equal(modseqs_draw(&m), v + 1);
	assert_int_equal(unlinkat(dir, MODSEQ_FILE ".tmp", AT_REMOVEDIR), 0);
	assert_int_equal(modseqs_reserve(&m, &err), 0);
	assert_false(m.is_kept); /* not yet */
	m.again_at_us = 1;
	assert_int_equal(modseqs_reserve(&m, &err), 0);
	assert_true(m.is_kept);
	assert_true(modseqs_draw(&m) > v + 1);
	(void)close(dir);
}

static void
logs_are_bounded(void **state)
{
	struct modlog_entry e = { .secs = 100 };
	struct modlog l;
	size_t n;

	(void)state;
	modlog_init(&l, 100);
	modlog_reset(&l, 10);
	assert_null(modlog_above(&l, 0, &n));
	assert_int_equal(n, 0);
	for (e.modseq = 11; e.modseq <= 1010; e.modseq++) {
		e.uid = (uint32_t)e.modseq + 5;
		modlog_add(&l, &e);
		modlog_add(&l, &e); /* not again */
	}
	assert_true(l.cap <= 256);
	assert_int_equal(l.floor, 910);
	assert_false(modlog_covers(&l, 909));
	assert_true(modlog_covers(&l, 910));
	assert_int_equal(modlog_above(&l, 910, &n)[0].uid, 916);
	assert_int_equal(n, 100);
	assert_int_equal(modlog_above(&l, 1008, &n)[0].uid, 1014);
	assert_int_equal(n, 2);
	(void)modlog_above(&l, 1010, &n);
	assert_int_equal(n, 0);
	e = (struct modlog_entry){
		.modseq = 2000, .uid = 1, .secs = 101 + 30 * 86400
	};
	modlog_add(&l, &e);
	assert_int_equal(l.floor, 1010);
	assert_int_equal(modlog_above(&l, 0, &n)[0].uid, 1);
	assert_int_equal(n, 1);
	modlog_free(&l);
}

static void
assert_vanished(struct view *v, uint64_t since, const char *within, bool exact,
    const char *text)
{
	struct seqset set, out;
	struct buf b;

	buf_init(&b, 4096);
	seqset_init(&set, 100);
	seqset_init(&out, 100);
	if (within != NULL)
		assert_int_equal(seqset_parse(slice_str(within), 9, &set), 0);
	assert_int_equal(
	    view_vanished(v, since, within == NULL ? NULL : &set, &out), exact);
	seqset_print(&out, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_free(&b);
	seqset_free(&out);
	seqset_free(&set);
}

static void
expunge(struct view *v, uint32_t uid)
{
	struct err err;
	struct seqset set;
	uint32_t from = 0;

	seqset_init(&set, 1);
	seqset_add(&set, uid, uid);
	assert_int_equal(view_expunge(v, &set, true, &from, 9, &err), 0);
	seqset_free(&set);
}

static void
what_vanished(void **state)
{
	struct view *other;
	struct box b;
	uint64_t start, held;
	int i;

	box_open(&b, *state, true);
	for (i = 0; i < 9; i++)
		(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	start = view_highest_modseq(b.v);
	assert_vanished(b.v, start, NULL, true, "");
	other = view_open(b.mb, false);
	(void)view_update(other, true, NULL);
	expunge(b.v, 8);
	expunge(b.v, 2);
	expunge(b.v, 3);
	assert_vanished(b.v, start, NULL, true, ""); /* still shown */
	box_sync(&b);
	assert_vanished(b.v, start, NULL, true, "2:3,8");
	assert_vanished(b.v, start, "3:5,7:9", true, "3,8");
	assert_vanished(b.v, start + 1, NULL, true, "2:3");
	/* Since before the log: all that is not there. */
	assert_vanished(b.v, 1, NULL, false, "2:3,8");
	assert_vanished(b.v, 1, "1:2,3,4,8:20", false, "2:3,8");
	assert_vanished(b.v, 1, "4:7", false, "");
	/* Held back from the other one, and what comes later too. */
	assert_vanished(other, 1, NULL, false, "");
	assert_int_equal(view_highest_modseq(other), start);
	held = view_highest_modseq(b.v);
	assert_true(held > start);
	(void)view_update(other, true, NULL);
	assert_int_equal(view_highest_modseq(other), held);
	expunge(b.v, 9);
	expunge(b.v, 1);
	box_sync(&b);
	assert_vanished(b.v, 1, NULL, false, "1:3,8:9");
	view_close(&other);
	box_close(&b);
}

static void
untold_is_not_counted(void **state)
{
	const struct flag_change seen = { .op = FLAG_ADD, .flags = FLAG_SEEN };
	struct mailbox_status st;
	struct view *other;
	struct err err;
	struct box b;
	uint64_t start;

	box_open(&b, *state, true);
	(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	other = view_open(b.mb, false);
	(void)view_update(other, true, NULL);
	start = view_highest_modseq(other);
	assert_int_equal(
	    mailbox_change(b.mb, mailbox_find(b.mb, 1), &seen, b.v, &err), 1);
	assert_int_equal(view_highest_modseq(b.v), start + 1);
	assert_int_equal(view_highest_modseq(other), start);
	(void)view_update(other, false, NULL);
	assert_int_equal(view_highest_modseq(other), start + 1);
	(void)box_save(b.mb, MSG, 0);
	assert_int_equal(view_highest_modseq(other), start + 1);
	mailbox_status(b.mb, &st);
	assert_int_equal(st.messages, 2);
	assert_int_equal(st.highest_modseq, start + 2);
	(void)view_update(other, false, NULL);
	assert_int_equal(view_highest_modseq(other), start + 2);
	view_close(&other);
	box_close(&b);
}

static void
only_unchanged_is_changed(void **state)
{
	struct flag_change how = {
		.op = FLAG_ADD, .flags = FLAG_SEEN, .is_conditional = true
	};
	struct mailbox_rec *rec;
	struct err err;
	struct box b;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "7.a.h:2,", MSG);
	box_sync(&b);
	rec = mailbox_find(b.mb, 1);
	assert_int_equal(mailbox_change(b.mb, rec, &how, b.v, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	how.unchanged_since = rec->modseq;
	/* A stranger in the moment before. */
	box_rename(&b, "cur/7.a.h:2,", "cur/7.a.h:2,Fa");
	assert_int_equal(mailbox_change(b.mb, rec, &how, b.v, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(rec->flags, FLAG_FLAGGED);
	assert_int_equal(rec->keywords, 1);
	assert_true(rec->modseq > how.unchanged_since);
	how.unchanged_since = rec->modseq;
	assert_int_equal(mailbox_change(b.mb, rec, &how, b.v, &err), 1);
	assert_true(rec->modseq > how.unchanged_since);
	how.unchanged_since = rec->modseq;
	assert_int_equal(mailbox_change(b.mb, rec, &how, b.v, &err), 0);
	assert_int_equal(rec->modseq, how.unchanged_since);
	box_close(&b);
}

static void
loaded_again_is_above(void **state)
{
	struct mailbox *mb;
	struct seqset set;
	struct view *v;
	struct err err;
	struct box b;
	uint64_t last;
	int i;

	seqset_init(&set, 10);
	box_open(&b, *state, true);
	mb = box_other(&b, "more");
	v = view_open(mb, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	for (i = 0; i < 3; i++)
		(void)box_save(mb, MSG, 0);
	(void)view_update(v, true, NULL);
	last = view_highest_modseq(v);
	assert_true(mailbox_changed(mb, last - 2, &set));
	assert_int_equal(seqset_count(&set), 2);
	view_close(&v);
	mailbox_close(&mb);
	mb = box_other(&b, "more");
	v = view_open(mb, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	(void)view_update(v, true, NULL);
	assert_int_equal(view_count(v), 3);
	assert_true(view_highest_modseq(v) > last);
	assert_int_equal(view_rec(v, 1)->modseq, view_highest_modseq(v));
	assert_int_equal(view_rec(v, 3)->modseq, view_highest_modseq(v));
	assert_false(mailbox_changed(mb, last, &set));
	assert_true(mailbox_changed(mb, view_highest_modseq(v), &set));
	assert_int_equal(seqset_count(&set), 0);
	view_close(&v);
	mailbox_close(&mb);
	box_close(&b);
	seqset_free(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(counter_goes_on),
		scratch_test(clock_may_go_back),
		scratch_test(nonsense_is_as_lost),
		scratch_test(unwritable_is_not_kept),
		scratch_test(logs_are_bounded),
		scratch_test(what_vanished),
		scratch_test(untold_is_not_counted),
		scratch_test(only_unchanged_is_changed),
		scratch_test(loaded_again_is_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
