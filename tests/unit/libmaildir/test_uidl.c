/* SPDX-License-Identifier: ISC */
/* What POP3 needs of a mailbox beside IMAP: P and O of the list, the lock held
 * for a moment, and when a name was changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "tests/unit/libmaildir/box.h"

#define MSG "Subject: x\n\ny\n"

static void
is_told(struct box *b, uint32_t seq, const char *uidl)
{
	const struct mailbox_rec *rec = view_rec(b->v, seq);

	if (uidl == NULL)
		assert_null(rec->uidl);
	else
		assert_string_equal(rec->uidl, uidl);
}

/* Set, written, read again by another; kept when the list is written anew, and
 * when it is lost. */
static void
uidls_stay(void **state)
{
	struct box a, b;
	struct err err;

	box_open(&a, *state, true);
	(void)box_save(a.mb, MSG, 0);
	(void)box_save(a.mb, MSG, 0);
	box_sync(&a);
	mailbox_set_uidl(a.mb, view_rec(a.v, 2), "told");
	assert_int_equal(mailbox_write_list(a.mb, &err), 1);
	assert_int_equal(mailbox_write_list(a.mb, &err), 1);
	box_open(&b, *state, false);
	is_told(&b, 1, NULL);
	is_told(&b, 2, "told");
	mailbox_set_uidl(b.mb, view_rec(b.v, 1), "other");
	assert_int_equal(mailbox_write_list(b.mb, &err), 1);
	box_close(&b);
	assert_int_equal(mailbox_read_list(a.mb, &err), 0);
	is_told(&a, 1, "other");
	assert_int_equal(unlinkat(a.root, "dovecot-uidlist", 0), 0);
	box_drop(&a, "new", "9.z.h", MSG);
	box_sync(&a);
	box_close(&a);
	box_open(&a, *state, false);
	is_told(&a, 1, "other");
	is_told(&a, 2, "told");
	is_told(&a, 3, NULL);
	box_close(&a);
}

static void
orders_are_read(void **state)
{
	struct box b;

	box_open(&b, *state, false);
	box_drop(&b, "cur", "1.a.h:2,", MSG);
	box_drop(&b, "cur", "2.b.h:2,", MSG);
	box_drop(&b, "cur", "3.c.h:2,", MSG);
	scratch_write(b.root, "dovecot-uidlist",
	    "3 V7 N9 G0123456789abcdef0123456789abcdef\n"
	    "1 X1 O12 Px Oy :1.a.h\n2 Ofoo :2.b.h\n3 :3.c.h\n");
	box_close(&b);
	box_open(&b, *state, false);
	assert_int_equal(view_rec(b.v, 1)->pop3_order, 12);
	assert_int_equal(view_rec(b.v, 2)->pop3_order, 0);
	assert_int_equal(view_rec(b.v, 3)->pop3_order, 0);
	is_told(&b, 1, "x");
	box_close(&b);
}

static void
held_by_one(void **state)
{
	uint32_t mask = 0, again = 0;
	struct box a, b;
	struct err err;

	box_open(&a, *state, false);
	box_open(&b, *state, false);
	assert_int_equal(mailbox_hold(a.mb, &err), 1);
	assert_int_equal(mailbox_hold(a.mb, &err), 0);
	assert_int_equal(
	    mailbox_keyword_held(a.mb, SLICE("$Word"), &mask, &err), 0);
	mailbox_release(a.mb);
	assert_int_equal(mailbox_hold(b.mb, &err), 1);
	assert_int_equal(
	    mailbox_keyword_held(b.mb, SLICE("$word"), &again, &err), 0);
	mailbox_release(b.mb);
	assert_int_not_equal(mask, 0);
	assert_int_equal(mask, again);
	box_close(&b);
	box_close(&a);
}

static void
changed_now(void **state)
{
	int64_t before = (int64_t)clock_now(), at = 0;
	struct box b;
	struct err err;

	box_open(&b, *state, false);
	(void)box_save(b.mb, MSG, 0);
	box_sync(&b);
	assert_int_equal(
	    mailbox_changed_at(b.mb, view_rec(b.v, 1), &at, &err), 0);
	assert_true(at >= before - 1 && at <= (int64_t)clock_now() + 1);
	box_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(uidls_stay),
		scratch_test(orders_are_read),
		scratch_test(held_by_one),
		scratch_test(changed_now),
	};

	return cmocka_run_group_tests_name("uidl", tests, NULL, NULL);
}
