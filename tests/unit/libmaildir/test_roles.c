/* SPDX-License-Identifier: ISC */
/* Roles of folders: who has which, what is made, and only once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmaildir/roles.h"
#include "libmaildir/store.h"
#include "tests/unit/libmaildir/scratch.h"

static const struct roles_conf usual = { .names = { "Drafts", "Sent", "Trash",
					     "Junk", "Archive" } };

static struct store *
open_with(struct scratch *s, const char *prefix)
{
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.namespace_prefix = prefix,
		.create = true };
	struct store *st = NULL;
	struct err e = { 0 };

	assert_int_equal(store_open(&conf, &st, &e), 0);
	return st;
}

static void
folder(struct store *st, const char *disk)
{
	assert_int_equal(mkdirat(store_mail_fd(st), disk, 0700), 0);
}

static bool
is_there(struct store *st, const char *name)
{
	struct stat s;

	return fstatat(store_mail_fd(st), name, &s, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What has the role is of that name; NULL: nobody. */
static void
want_role(struct store *st, const struct roles_conf *conf,
    enum folder_role role, const char *name)
{
	struct store_list *l = NULL;
	struct err e = { 0 };
	struct roles r;

	assert_int_equal(store_list_open(st, &l, &e), 0);
	roles_find(st, l, conf, &r);
	if (name == NULL)
		assert_null(r.names[role].p);
	else
		assert_true(slice_eq_str(r.names[role], name));
	store_list_close(l);
}

static void
found_by_name(void **state)
{
	struct store *st = open_with(*state, "");
	struct roles_conf other = usual;

	want_role(st, &usual, ROLE_SENT, NULL);
	folder(st, ".Sent Messages");
	want_role(st, &usual, ROLE_SENT, "Sent Messages");
	folder(st, ".SENT ITEMS");
	want_role(st, &usual, ROLE_SENT, "SENT ITEMS");
	folder(st, ".sent");
	want_role(st, &usual, ROLE_SENT, "sent");
	/* the admin's name is before all known ones */
	other.names[ROLE_SENT] = "Out/Copies";
	want_role(st, &other, ROLE_SENT, "sent");
	folder(st, ".Out.Copies");
	want_role(st, &other, ROLE_SENT, "Out/Copies");
	want_role(st, &usual, ROLE_SENT, "sent");
	/* levels below, subscriptions alone, a level that is no folder */
	folder(st, ".x.Drafts");
	folder(st, ".Trash.old");
	scratch_write(store_mail_fd(st), "subscriptions", "Junk\n");
	want_role(st, &usual, ROLE_DRAFTS, NULL);
	want_role(st, &usual, ROLE_TRASH, NULL);
	want_role(st, &usual, ROLE_JUNK, NULL);
	folder(st, ".Entw&APw-rfe");
	want_role(st, &usual, ROLE_DRAFTS, "Entwürfe");
	store_close(st);
}

static void
below_the_prefix(void **state)
{
	struct store *st = open_with(*state, "INBOX/");
	struct err e = { 0 };
	unsigned made;

	folder(st, ".Spam");
	want_role(st, &usual, ROLE_JUNK, "INBOX/Spam");
	assert_int_equal(roles_make(st, &usual, &made, &e), 0);
	assert_int_equal(made, 4);
	want_role(st, &usual, ROLE_TRASH, "INBOX/Trash");
	want_role(st, &usual, ROLE_JUNK, "INBOX/Spam");
	assert_true(is_there(st, ".Trash"));
	assert_false(is_there(st, ".Junk"));
	assert_string_equal(scratch_read(store_mail_fd(st), "subscriptions"),
	    "V\t2\n\nDrafts\nSent\nTrash\nSpam\nArchive\n");
	store_close(st);
}

static void
made_once(void **state)
{
	struct store *st = open_with(*state, "");
	struct roles_conf few = usual;
	struct store_op *op;
	struct err e = { 0 };
	unsigned made;

	few.names[ROLE_ARCHIVE] = few.names[ROLE_JUNK] = "";
	assert_int_equal(roles_make(st, &few, &made, &e), 0);
	assert_int_equal(made, 3);
	assert_true(is_there(st, ".Drafts/cur"));
	assert_false(is_there(st, ".Archive"));
	assert_int_equal(roles_make(st, &usual, &made, &e), 0);
	assert_int_equal(made, 0);
	assert_int_equal(store_delete(st, SLICE("Drafts"), &op, &e), 0);
	assert_int_equal(store_op_run(op, &e), 0);
	assert_int_equal(roles_make(st, &usual, &made, &e), 0);
	assert_int_equal(made, 0);
	assert_false(is_there(st, ".Drafts"));
	store_close(st);
}

/* Somebody has arranged it already. */
static void
not_made_for_others(void **state)
{
	struct store *st = open_with(*state, "");
	struct err e = { 0 };
	unsigned made;

	scratch_write(store_mail_fd(st), "courierimapsubscribed", "INBOX\n");
	assert_int_equal(roles_make(st, &usual, &made, &e), 0);
	assert_int_equal(made, 0);
	(void)unlinkat(store_mail_fd(st), "courierimapsubscribed", 0);
	scratch_write(store_mail_fd(st), "subscriptions", "");
	assert_int_equal(roles_make(st, &usual, &made, &e), 0);
	assert_int_equal(made, 0);
	assert_false(is_there(st, ".Sent"));
	store_close(st);
}

/* What fails half-way is made at the next login. */
static void
failure_is_made_good(void **state)
{
	struct store *st = open_with(*state, "");
	struct roles_conf bad = usual;
	struct err e = { 0 };
	unsigned made;

	bad.names[ROLE_TRASH] = "a//b";
	assert_int_equal(roles_make(st, &bad, &made, &e), -1);
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(made, 2);
	assert_false(is_there(st, "subscriptions"));
	assert_int_equal(roles_make(st, &usual, &made, &e), 0);
	assert_int_equal(made, 3);
	assert_true(is_there(st, "subscriptions"));
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(found_by_name),
		scratch_test(below_the_prefix),
		scratch_test(made_once),
		scratch_test(not_made_for_others),
		scratch_test(failure_is_made_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
