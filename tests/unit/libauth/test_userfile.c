/* SPDX-License-Identifier: ISC */
/* The users file: identity, faults with their line, changes, the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <crypt.h>

#include "libauth/userfile.h"

static const char sample[] =
    "# people\n"
    "\n"
    "alice:$6$x$y:70001:70001:/mail/alice:\n"
    "bob:!:70002:70002:/mail/b\\040ob:pop3=no quota=1G mail=/m/x\\072y\n"
    "carol@example.test:$6$a$b:70003:70003:/mail/carol:locked=yes "
    "expires=2027-02-28 quota_messages=1000\n";

static void
print_is(const struct userfile *f, const char *want)
{
	struct buf b;

	buf_init(&b, 65536);
	userfile_print(f, &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
test_identity(void **state)
{
	const struct userfile_entry *e;
	struct userfile f;
	struct err err;

	(void)state;
	userfile_init(&f);
	assert_int_equal(userfile_parse(&f, slice_str(sample), &err), 0);
	print_is(&f, sample);
	e = userfile_find(&f, SLICE("bob"));
	assert_non_null(e);
	assert_int_equal(e->uid, 70002);
	assert_true(slice_eq_str(e->home, "/mail/b ob"));
	assert_int_equal(e->attrs.flags, ACCOUNT_NO_POP3);
	assert_true(e->attrs.quota_bytes == 1024u * 1024 * 1024);
	assert_string_equal(e->attrs.mail, "/m/x:y");
	e = userfile_find(&f, SLICE("carol@example.test"));
	assert_int_equal(e->attrs.flags, ACCOUNT_LOCKED);
	assert_int_equal(e->attrs.expires_day, 20877);
	assert_null(userfile_find(&f, SLICE("people")));
	userfile_free(&f);
}

static void
test_faults(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "alice\n", "line 1: name:hash:uid:gid" },
		{ "\n\nalice:x:1:2\n", "line 3: name:hash" },
		{ "alice:x:a:2:/h:\n", "numbers" },
		{ "alice:x:4294967295:2:/h:\n", "bad uid" },
		{ "alice:x:4294967296:2:/h:\n", "numbers" },
		{ "Alice:x:1:2:/h:\n", "no user name" },
		{ "../x:x:1:2:/h:\n", "no user name" },
		{ "a/b:x:1:2:/h:\n", "no user name" },
		{ "a b:x:1:2:/h:\n", "no user name" },
		{ "alice:x:1:2:h:\n", "absolute" },
		{ "alice:x:1:2::\n", "absolute" },
		{ "alice:x:1:2:/h\\099:\n", "bad home" },
		{ "alice:x y:1:2:/h:\n", "bad hash" },
		{ "alice:x:1:2:/h:colour=red\n", "no attribute \"colour\"" },
		{ "alice:x:1:2:/h:imap=maybe\n", "imap: \"maybe\"" },
		{ "alice:x:1:2:/h:expires=2027-02-29\n", "2027-02-29" },
		{ "alice:x:1:2:/h:quota=1X\n", "1X" },
		{ "alice:x:1:2:/h:mail=rel\n", "rel" },
		{ "alice:x:1:2:/h:\nalice:x:1:2:/h:\n", "line 2: user alice" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct userfile f;
		struct err err;

		userfile_init(&f);
		assert_int_equal(
		    userfile_parse(&f, slice_str(bad[i].text), &err), -1);
		if (strstr(err.text, bad[i].says) == NULL)
			fail_msg("%s: \"%s\"", bad[i].text, err.text);
		assert_int_equal(f.n, 0);
		userfile_free(&f);
	}
}

static void
test_changes(void **state)
{
	struct userfile_entry e = { .name = SLICE("dave"),
		.hash = SLICE("$6$q"),
		.uid = 5,
		.gid = 6,
		.home = SLICE("/home/d:ave") };
	struct userfile f;
	struct err err;
	uid_t uid = 0;

	(void)state;
	userfile_init(&f);
	assert_int_equal(userfile_parse(&f,
			     SLICE("a:x:10:1:/a:\n# c\nb:x:11:1:/b:\n"), &err),
	    0);
	assert_int_equal(userfile_put(&f, &e, &err), 0);
	assert_int_equal(attrs_set(&userfile_find(&f, SLICE("dave"))->attrs,
			     SLICE("quota=5K"), &err),
	    0);
	assert_int_equal(userfile_del(&f, SLICE("a")), 1);
	assert_int_equal(userfile_del(&f, SLICE("a")), 0);
	print_is(&f,
	    "# was a uid 10 home /a\n# c\nb:x:11:1:/b:\ndave:$6$q:5:6:/home/d\\072ave:quota=5K\n");
	assert_int_equal(userfile_free_uid(&f, 10, 12, &uid, &err), 0);
	assert_int_equal(uid, 12); /* 10 owns mail, 11 is b */
	assert_int_equal(userfile_free_uid(&f, 11, 12, &uid, &err), 0);
	assert_int_equal(uid, 12);
	assert_int_equal(userfile_free_uid(&f, 11, 11, &uid, &err), -1);
	e.name = SLICE("Dave");
	assert_int_equal(userfile_put(&f, &e, &err), -1);
	userfile_free(&f);
}

static void
test_disk(void **state)
{
	char folder[] = "/tmp/test_userfile.XXXXXX", path[64], lock[80];
	struct userfile_entry entry = { .name = SLICE("eve"),
		.hash = SLICE("!"),
		.uid = 9,
		.gid = 9,
		.home = SLICE("/e") };
	struct userfile_stamp stamp;
	struct userfile_edit edit;
	struct userfile f;
	struct stat st;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/users", folder);
	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	userfile_init(&f);
	assert_int_equal(userfile_load(&f, path, &stamp, &err), 0);
	assert_int_equal(userfile_changed(path, &stamp, &err), 0);
	assert_int_equal(userfile_begin(&edit, path, &err), 0);
	assert_int_equal(userfile_put(&edit.file, &entry, &err), 0);
	assert_int_equal(userfile_commit(&edit, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(userfile_changed(path, &stamp, &err), 1);
	assert_int_equal(userfile_load(&f, path, &stamp, &err), 0);
	assert_non_null(userfile_find(&f, SLICE("eve")));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(userfile_begin(&edit, path, &err), 0);
	assert_int_equal(userfile_del(&edit.file, SLICE("eve")), 1);
	assert_int_equal(userfile_commit(&edit, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(userfile_changed(path, &stamp, &err), 1);
	userfile_free(&f);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(rmdir(folder), 0); /* no file is left behind */
}

static void
test_hash(void **state)
{
	char hash[MAX_HASH];
	struct err err;

	(void)state;
	assert_int_equal(userfile_hash(HASH_SHA512, "secret", hash, &err), 0);
	assert_memory_equal(hash, "$6$", 3);
	assert_string_equal(crypt("secret", hash), hash);
	assert_string_not_equal(crypt("Secret", hash), hash);
	assert_int_equal(userfile_hash(HASH_YESCRYPT, "secret", hash, &err), 0);
	assert_memory_equal(hash, "$y$", 3);
	assert_string_equal(crypt("secret", hash), hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
