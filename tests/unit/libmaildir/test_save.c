/* SPDX-License-Identifier: ISC */
/* Saving, keywords, copying and moving, delivery in two steps. */
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

#define MSG "From: a@example.test\r\n\r\nbody\r\n"

static void
count_tap(void *arg, struct slice stored)
{
	buf_put_slice(arg, stored);
}

static void
any_split_is_stored_the_same(void **state)
{
	static const char in[] = "a\r\nb\rc\r\r\nd\ne\r";
	static const char out[] = "a\nb\rc\r\r\nd\ne\r";
	struct err err = { 0 };
	struct buf seen;
	struct box b;
	size_t step;

	box_open(&b, *state, false);
	for (step = 1; step < sizeof in; step++) {
		struct save_message m = {
			.internaldate = 5, .tap = count_tap, .tap_arg = &seen
		};
		struct save *s;
		size_t i;

		buf_init(&seen, 1000);
		assert_int_equal(save_begin(b.mb, &s, &err), 0);
		assert_int_equal(save_add(s, &m, &err), 0);
		for (i = 0; i < sizeof in - 1; i += step)
			assert_int_equal(
			    save_write(s,
				slice_head(slice_from(slice_str(in), i), step),
				&err),
			    0);
		assert_int_equal(box_commit(s, &err), STEP_DONE);
		assert_string_equal(buf_cstr(&seen), out);
		assert_int_equal(save_size(s), sizeof out - 1);
		save_free(&s);
		buf_free(&seen);
	}
	box_close(&b);
}

static void
several_come_together(void **state)
{
	struct save_message m = { .internaldate = 86400 };
	struct err err = { 0 };
	struct save *s;
	struct box b;
	unsigned i;

	box_open(&b, *state, true);
	assert_int_equal(save_begin(b.mb, &s, &err), 0);
	for (i = 0; i < 20; i++) {
		m.flags = i % 2 == 0 ? FLAG_SEEN : 0;
		assert_int_equal(save_add(s, &m, &err), 0);
		assert_int_equal(save_write(s, SLICE(MSG), &err), 0);
	}
	box_sync(&b);
	assert_int_equal(view_count(b.v), 0);
	assert_int_equal(box_commit(s, &err), STEP_DONE);
	assert_int_equal(save_count(s), 20);
	assert_int_equal(save_uid(s, 19), 20);
	save_free(&s);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 20);
	assert_int_equal(mailbox_date(b.mb, view_rec(b.v, 20), &err), 0);
	assert_int_equal(view_rec(b.v, 20)->internaldate, 86400);
	box_close(&b);
	box_open(&b, *state, true);
	assert_int_equal(view_count(b.v), 20);
	assert_int_equal(mailbox_date(b.mb, view_rec(b.v, 7), &err), 0);
	assert_int_equal(view_rec(b.v, 7)->internaldate, 86400);
	assert_int_equal(view_rec(b.v, 1)->flags, FLAG_SEEN);
	box_close(&b);
}

static void
given_up_leaves_nothing(void **state)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE,
		.max_bytes = 40 };
	struct err err = { 0 };
	unsigned before, i;
	struct save *s;
	struct box b;

	box_open(&b, *state, true);
	before = box_fds();
	assert_int_equal(save_begin(b.mb, &s, &err), 0);
	for (i = 0; i < 12; i++) {
		assert_int_equal(save_add(s, &m, &err), 0);
		assert_int_equal(save_write(s, SLICE(MSG), &err), 0);
	}
	save_free(&s);
	assert_int_equal(save_begin(b.mb, &s, &err), 0);
	assert_int_equal(save_add(s, &m, &err), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(save_write(s, SLICE(MSG), &err), 0);
	assert_int_equal(box_commit(s, &err), STEP_FAIL);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(box_commit(s, &err), STEP_FAIL);
	save_free(&s);
	assert_int_equal(box_files(&b, "tmp", NULL), 0);
	assert_int_equal(
	    box_files(&b, "cur", NULL) + box_files(&b, "new", NULL), 0);
	assert_int_equal(box_fds(), before);
	box_close(&b);
}

/* ---- keywords ---- */

static void
letters_are_given_anew(void **state)
{
	struct flag_change how = { .op = FLAG_SET };
	struct err err = { 0 };
	struct slice names[27];
	char text[27][16];
	uint32_t mask;
	struct box b;
	int i;

	box_open(&b, *state, true);
	(void)box_save(b.mb, MSG, FLAG_SEEN);
	box_sync(&b);
	for (i = 0; i < 27; i++) {
		(void)snprintf(text[i], sizeof text[i], "k%d", i);
		names[i] = slice_str(text[i]);
	}
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, names, 26, false, &mask, &err), 1);
	assert_int_equal(mask, 0);
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, names, 26, true, &mask, &err), 1);
	assert_int_equal(mask, (1u << 26) - 1);
	assert_int_equal(strncmp(scratch_read(b.root, "dovecot-keywords"),
			     "0 k0\n1 k1\n", 10),
	    0);
	how.keywords = mask;
	assert_int_equal(
	    mailbox_change(b.mb, view_rec(b.v, 1), &how, b.v, &err), 1);
	assert_false(mailbox_keywords_free(b.mb));
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, names + 26, 1, true, &mask, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, names + 3, 1, true, &mask, &err), 1);
	assert_int_equal(mask, 1u << 3);
	how.op = FLAG_REMOVE;
	how.keywords = 1u << 5;
	assert_int_equal(
	    mailbox_change(b.mb, view_rec(b.v, 1), &how, b.v, &err), 1);
	assert_true(mailbox_keywords_free(b.mb));
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, names + 26, 1, true, &mask, &err), 1);
	assert_int_equal(mask, 1u << 5);
	assert_string_equal(mailbox_keyword(b.mb, 5), "k26");
	box_close(&b);
}

static void
foreign_letters_stay(void **state)
{
	struct flag_change how = { .op = FLAG_ADD, .flags = FLAG_FLAGGED };
	struct err err = { 0 };
	char name[256];
	struct box b;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "7.a.h:2,SXc,foo", MSG);
	box_sync(&b);
	assert_int_equal(
	    mailbox_change(b.mb, view_rec(b.v, 1), &how, b.v, &err), 1);
	assert_int_equal(box_files(&b, "cur", name), 1);
	assert_string_equal(name, "7.a.h:2,FSXc,foo");
	box_close(&b);
}

/* ---- copies ---- */

static enum step
copy_all(struct box *b, struct mailbox *to, bool move, struct buf *sets)
{
	struct seqset all;
	struct err err = { 0 };
	struct copy *c;
	enum step r;

	seqset_init(&all, 10);
	seqset_add(&all, 1, 1000);
	assert_int_equal(copy_begin(b->v, &all, to, move, &c, &err), 0);
	r = box_copy(c, &err);
	buf_reset(sets);
	seqset_print(copy_from_uids(c), sets);
	buf_putc(sets, '>');
	seqset_print(copy_to_uids(c), sets);
	copy_free(&c);
	seqset_free(&all);
	return r;
}

static void
set_keyword(struct box *b, uint32_t seq, const char *name)
{
	struct flag_change how = { .op = FLAG_ADD };
	struct slice n = slice_str(name);
	struct err err = { 0 };

	assert_int_equal(
	    mailbox_keyword_mask(b->mb, &n, 1, true, &how.keywords, &err), 1);
	assert_int_equal(
	    mailbox_change(b->mb, view_rec(b->v, seq), &how, b->v, &err), 1);
}

static void
copies_keep_what_they_should(void **state)
{
	const struct slice other = SLICE("other");
	struct err err = { 0 };
	struct mailbox *to;
	struct buf sets;
	uint32_t mask;
	struct view *v;
	struct box b;

	box_open(&b, *state, true);
	buf_init(&sets, 1000);
	(void)box_save(b.mb, MSG, FLAG_SEEN);
	(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	set_keyword(&b, 1, "work");
	to = box_other(&b, ".to");
	assert_int_equal(
	    mailbox_keyword_mask(to, &other, 1, true, &mask, &err), 1);
	assert_int_equal(copy_all(&b, to, false, &sets), STEP_DONE);
	assert_string_equal(buf_cstr(&sets), "1:2>1:2");
	assert_int_equal(copy_all(&b, to, false, &sets), STEP_DONE);
	assert_string_equal(buf_cstr(&sets), "1:2>3:4");
	v = view_open(to, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	(void)view_update(v, true, NULL);
	assert_int_equal(view_count(v), 4);
	assert_int_equal(view_recent(v), 2); /* those without flags */
	assert_int_equal(view_rec(v, 1)->flags, FLAG_SEEN);
	assert_string_equal(mailbox_keyword(to, 1), "work");
	assert_int_equal(view_rec(v, 1)->keywords, 2);
	assert_true(slice_eq(mailbox_rec_guid(view_rec(v, 1)),
	    mailbox_rec_base(view_rec(b.v, 1))));
	assert_false(slice_eq(mailbox_rec_base(view_rec(v, 1)),
	    mailbox_rec_base(view_rec(b.v, 1))));
	assert_int_equal(view_rec(v, 1)->wire, view_rec(b.v, 1)->wire);
	/* Into the mailbox itself, and with the target open. */
	assert_int_equal(copy_all(&b, b.mb, false, &sets), STEP_DONE);
	assert_string_equal(buf_cstr(&sets), "1:2>3:4");
	box_sync(&b);
	assert_int_equal(view_count(b.v), 4);
	assert_int_equal(copy_all(&b, to, true, &sets), STEP_DONE);
	assert_string_equal(buf_cstr(&sets), "1:4>5:8");
	box_sync(&b);
	assert_int_equal(view_count(b.v), 0);
	assert_int_equal(
	    box_files(&b, "cur", NULL) + box_files(&b, "new", NULL), 0);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	(void)view_update(v, true, NULL);
	assert_int_equal(view_count(v), 8);
	view_close(&v);
	mailbox_close(&to);
	buf_free(&sets);
	box_close(&b);
}

static void
gone_messages_are_left_out(void **state)
{
	struct mailbox *to;
	struct buf sets;
	char name[256], path[300];
	struct box b;

	box_open(&b, *state, true);
	buf_init(&sets, 1000);
	(void)box_save(b.mb, MSG, FLAG_SEEN);
	box_sync(&b);
	assert_int_equal(box_files(&b, "cur", name), 1);
	(void)snprintf(path, sizeof path, "cur/%s", name);
	assert_int_equal(unlinkat(b.root, path, 0), 0);
	to = box_other(&b, ".to");
	assert_int_equal(copy_all(&b, to, false, &sets), STEP_FAIL);
	assert_string_equal(buf_cstr(&sets), ">");
	assert_int_equal(copy_all(&b, to, true, &sets), STEP_DONE);
	assert_string_equal(buf_cstr(&sets), ">");
	mailbox_close(&to);
	buf_free(&sets);
	box_close(&b);
}

static void
many_are_moved(void **state)
{
	struct save_message m = { .internaldate = 1 };
	struct err err = { 0 };
	struct mailbox *to;
	struct save *s;
	struct buf sets;
	struct box b;
	int i;

	box_open(&b, *state, true);
	buf_init(&sets, 1000);
	assert_int_equal(save_begin(b.mb, &s, &err), 0);
	for (i = 0; i < 450; i++) {
		assert_int_equal(save_add(s, &m, &err), 0);
		assert_int_equal(save_write(s, SLICE("x\n"), &err), 0);
	}
	assert_int_equal(box_commit(s, &err), STEP_DONE);
	save_free(&s);
	box_sync(&b);
	to = box_other(&b, ".to");
	assert_int_equal(copy_all(&b, to, true, &sets), STEP_DONE);
	assert_string_equal(buf_cstr(&sets), "1:450>1:450");
	box_sync(&b);
	assert_int_equal(view_count(b.v), 0);
	mailbox_close(&to);
	buf_free(&sets);
	box_close(&b);
}

/* ---- two steps ---- */

static int
unstage(struct box *b, uint8_t flags, struct err *err)
{
	const struct slice held = SLICE("$Held");
	struct save_message m = {
		.flags = flags, .keywords = &held, .n_keywords = flags != 0
	};
	struct save *s;
	enum step r;

	if (save_begin_unstage(b->root, SLICE("Q7.bob"), mailbox_folder(b->mb),
		&m, &s, err) == -1)
		return -1;
	r = box_commit(s, err);
	save_free(&s);
	return r == STEP_DONE ? 0 : -1;
}

static void
stage(struct box *b)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct err err = { 0 };
	struct save *s;

	assert_int_equal(
	    save_begin_stage(b->root, SLICE("Q7.bob"), &s, &err), 0);
	assert_int_equal(save_add(s, &m, &err), 0);
	assert_int_equal(save_write(s, SLICE(MSG), &err), 0);
	assert_int_equal(box_commit(s, &err), STEP_DONE);
	save_free(&s);
}

static void
staged_is_delivered_once(void **state)
{
	static const char *const bad[] = { "", ".x", "a/b", "..", "a b" };
	struct err err = { 0 };
	char name[256];
	struct save *s;
	struct box b;
	size_t i;

	box_open(&b, *state, true);
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_int_equal(
		    save_begin_stage(b.root, slice_str(bad[i]), &s, &err), -1);
	stage(&b);
	stage(&b); /* again, after a crash */
	assert_int_equal(box_files(&b, "restante/stage", name), 1);
	assert_string_equal(name, "Q7.bob");
	assert_int_equal(unstage(&b, 0, &err), 0);
	assert_int_equal(box_files(&b, "restante/stage", NULL), 0);
	assert_int_equal(box_files(&b, "new", name), 1);
	assert_non_null(strstr(name, ",S=27,W=30"));
	assert_int_equal(unstage(&b, 0, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	stage(&b);
	assert_int_equal(unstage(&b, FLAG_SEEN, &err), 0);
	assert_int_equal(box_files(&b, "cur", name), 1);
	assert_non_null(strstr(name, ":2,Sa"));
	stage(&b);
	assert_int_equal(save_drop_stage(b.root, SLICE("Q7.bob"), &err), 0);
	assert_int_equal(save_drop_stage(b.root, SLICE("Q7.bob"), &err), 0);
	box_sync(&b);
	assert_int_equal(view_count(b.v), 2);
	box_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(any_split_is_stored_the_same),
		scratch_test(several_come_together),
		scratch_test(given_up_leaves_nothing),
		scratch_test(letters_are_given_anew),
		scratch_test(foreign_letters_stay),
		scratch_test(copies_keep_what_they_should),
		scratch_test(gone_messages_are_left_out),
		scratch_test(many_are_moved),
		scratch_test(staged_is_delivered_once),
	};

	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
