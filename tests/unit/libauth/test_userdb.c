/* SPDX-License-Identifier: ISC */
/* Names folded and made canonical, who is refused, folders out of patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libauth/userdb.h"

static const char *const domains[] = { "example.test", "localhost" };
static const struct userdb_conf conf = { .domains = domains,
	.n_domains = 2,
	.mail_location = "~/Maildir",
	.first_uid = 1000 };

static void
test_canonical(void **state)
{
	static const struct {
		const char *login, *want;
	} rows[] = {
		{ "alice", "alice" },
		{ "ALICE", "alice" },
		{ "Alice@Example.TEST", "alice" },
		{ "alice@localhost", "alice" },
		{ "alice@other.test", "alice@other.test" },
		{ "full@example.test", "full@example.test" },
		{ "a@b@example.test", "a@b" },
		{ "", NULL },
		{ "@example.test", NULL },
		{ "../alice", NULL },
		{ "a/b", NULL },
		{ "a%b", NULL },
		{ "-x", NULL },
		{ "a b", NULL },
		{ "a:b", NULL },
		{ "a\nb", NULL },
	};
	char out[MAX_USER + 1];
	struct userfile f;
	struct err err;

	(void)state;
	userfile_init(&f);
	assert_int_equal(
	    userfile_parse(
		&f, SLICE("full@example.test:x:2000:2000:/f:\n"), &err),
	    0);
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		int r =
		    userdb_canonical(slice_str(rows[i].login), &conf, &f, out);

		if (rows[i].want == NULL) {
			assert_int_equal(r, -1);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(out, rows[i].want);
	}
	userfile_free(&f);
}

static void
test_refused(void **state)
{
	(void)state;
	assert_true(userdb_is_refused_name("root"));
	assert_true(userdb_is_refused_name("Anonymous"));
	assert_true(userdb_is_refused_name("guest"));
	assert_true(userdb_is_refused_name("administrator"));
	assert_true(userdb_is_refused_name("root@other.test"));
	assert_false(userdb_is_refused_name("rooty"));
	assert_false(userdb_is_refused_name("alice"));
}

static void
test_may_enter(void **state)
{
	static struct account a = { .name = "alice", .uid = 1000 };
	struct err err;

	(void)state;
	assert_int_equal(userdb_may_enter(&a, &conf, &err), 0);
	a.uid = 999;
	assert_int_equal(userdb_may_enter(&a, &conf, &err), -1);
	a.uid = 0;
	assert_int_equal(userdb_may_enter(&a, &conf, &err), -1);
	a.uid = 1000;
	a.flags = ACCOUNT_LOCKED;
	assert_int_equal(userdb_may_enter(&a, &conf, &err), -1);
	a.flags = ACCOUNT_EXPIRED;
	assert_int_equal(userdb_may_enter(&a, &conf, &err), -1);
	a.flags = ACCOUNT_NO_IMAP;
	assert_int_equal(userdb_may_enter(&a, &conf, &err), 0);
	memcpy(a.name, "guest", 6);
	assert_int_equal(userdb_may_enter(&a, &conf, &err), -1);
}

static void
test_entry(void **state)
{
	static struct account a;
	struct userfile f;
	struct err err;

	(void)state;
	userfile_init(&f);
	assert_int_equal(
	    userfile_parse(&f,
		SLICE("zoe:x:2000:2001:/h/zoe:expires=2027-01-01 imap=no\n"),
		&err),
	    0);
	assert_int_equal(
	    userdb_from_entry(&a, f.entries, &conf, 20818, &err), 0);
	assert_int_equal(a.flags, ACCOUNT_NO_IMAP | ACCOUNT_VIRTUAL);
	assert_string_equal(a.mail, "/h/zoe/Maildir");
	assert_string_equal(a.control, "");
	assert_int_equal(a.gid, 2001);
	assert_int_equal(
	    userdb_from_entry(&a, f.entries, &conf, 20819, &err), 0);
	assert_true((a.flags & ACCOUNT_EXPIRED) != 0);
	userfile_free(&f);
}

static void
test_expand(void **state)
{
	static struct account a = { .name = "zoe@b.test", .home = "/h/zoe" };
	static struct account plain = { .name = "alice", .home = "/h/a" };
	static struct account evil = { .name = "x@..", .home = "/h/x" };
	char out[ACCOUNT_PATH_MAX];
	struct err err;

	(void)state;
	assert_int_equal(
	    userdb_expand("/m/%d/%n", &a, &conf, out, sizeof(out), &err), 0);
	assert_string_equal(out, "/m/b.test/zoe");
	assert_int_equal(
	    userdb_expand("%h/.m/%u", &a, &conf, out, sizeof(out), &err), 0);
	assert_string_equal(out, "/h/zoe/.m/zoe@b.test");
	assert_int_equal(
	    userdb_expand("/m/%d/100%%", &plain, &conf, out, sizeof(out), &err),
	    0);
	assert_string_equal(out, "/m/example.test/100%");
	assert_int_equal(
	    userdb_expand("/m/%d/%n", &evil, &conf, out, sizeof(out), &err),
	    -1);
	assert_int_equal(
	    userdb_expand("/m/%x", &a, &conf, out, sizeof(out), &err), -1);
	assert_int_equal(
	    userdb_expand("/m/%", &a, &conf, out, sizeof(out), &err), -1);
	assert_int_equal(
	    userdb_expand("m/%n", &a, &conf, out, sizeof(out), &err), -1);
	assert_int_equal(userdb_expand("/m/%n", &a, &conf, out, 5, &err), -1);
}

static void
test_nss(void **state)
{
	static struct account a;
	struct err err;

	(void)state;
	assert_int_equal(userdb_nss("root", &conf, &a, &err), 0);
	assert_int_equal(a.uid, 0);
	assert_string_equal(a.mail, "/root/Maildir");
	assert_int_equal(userdb_nss("no-such-user-here", &conf, &a, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_may_enter),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_nss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
