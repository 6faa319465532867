/* SPDX-License-Identifier: ISC */
/* Names of folders: to disk and back, in both forms and with a prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libmaildir/foldername.h"

static const struct foldername_conf plain = { '/', false, 32, { "", 0 } };
static const struct foldername_conf utf8 = { '/', true, 32, { "", 0 } };
static const struct foldername_conf courier = { '.', false, 32,
	{ "INBOX.", 6 } };

static const struct {
	const struct foldername_conf *c;
	const char *client, *disk;
} pairs[] = {
	/* as Dovecot 2.3 with listescape makes them */
	{ &plain, "INBOX", "" },
	{ &plain, "a.b/c", ".a\\2eb.c" },
	{ &plain, "~x", ".\\7ex" },
	{ &plain, "a/~y", ".a.\\7ey" },
	{ &plain, "back\\slash", ".back\\5cslash" },
	{ &plain, "Entw\xc3\xbcrfe", ".Entw&APw-rfe" },
	{ &plain, "INBOX/kid", ".INBOX.kid" },
	{ &plain, "a&b", ".a&-b" },
	{ &plain, "x%y", ".x%y" },
	{ &plain, "a/INBOX", ".a.INBOX" },
	{ &utf8, "Entw\xc3\xbcrfe", ".Entw\xc3\xbcrfe" },
	{ &utf8, "a&b.c", ".a&b\\2ec" },
	{ &courier, "INBOX.Sent", ".Sent" },
	{ &courier, "INBOX.p.r/x", ".p.r\\2fx" },
	{ &courier, "INBOX.INBOX.kid", ".INBOX.kid" },
	{ &courier, "INBOX.INBOX", ".\\49NBOX" },
	{ &courier, "INBOX", "" },
	/* what does not read back is shown all the same */
	{ &plain, "\\=bad\\26name", ".bad&name" },
	{ &plain, "\\=x\\5c2Ey", ".x\\2Ey" },
	{ &plain, "\\=x\\5czz", ".x\\zz" },
	{ &plain, "a/\\=/b", ".a..b" },
	{ &plain, "\\=/x", "..x" },
	{ &plain, "a/\\=", ".a." },
	{ &plain, "\\=Inbox/foo", ".Inbox.foo" },
	{ &plain, "\\=Inbox", ".Inbox" },
	{ &plain, "\\=\\c3\\bc", ".\xc3\xbc" },
	{ &plain, "\\=\\5c2e\\5c2e", ".\\2e\\2e" },
	{ &plain, "\\=~x", ".~x" },
	{ &plain, "\\=a\\5c2fb", ".a\\2fb" },
	{ &plain, "\\=a\\01", ".a\x01" },
	{ &plain, "\\=\\5c5c=a", ".\\5c=a" },
	{ &utf8, "\\=\\ff", ".\xff" },
};

static const char *const hidden[] = { ".", "..", "..DOVECOT-TRASHED", ".INBOX",
	"cur", "x" };

static const char *const impossible[] = { "", "/", "a//b", "/a", "a/", ".",
	"..", "a/../b", "a\n", "a\x7f", "\xff", "\\=abc", "\\=a\\2eb",
	"\\=a\\5C2Ey", "\\=a.b\\26", "\\=\\00", "\\=\\2", "\\=a\\5c2eb" };

static const char *const not_new[] = { "a%b", "*", "a/%", "\\=\\c3\\bc",
	"a\xc2\x85" };

static void
test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(pairs); i++) {
		struct foldername disk;
		struct err e = { 0 };
		struct buf b;

		if (foldername_to_disk(pairs[i].c, slice_str(pairs[i].client),
			FOLDERNAME_OLD, &disk, &e) < 0)
			fail_msg("%s: %s", pairs[i].client, e.text);
		assert_string_equal(disk.s, pairs[i].disk);
		assert_int_equal(disk.n, strlen(disk.s));
		buf_init(&b, 5000);
		assert_int_equal(foldername_to_client(
				     pairs[i].c, slice_str(pairs[i].disk), &b),
		    1);
		assert_string_equal(buf_cstr(&b), pairs[i].client);
		buf_free(&b);
	}
}

static void
test_refused(void **state)
{
	struct foldername disk;
	struct err e;
	struct buf b;

	(void)state;
	buf_init(&b, 5000);
	for (size_t i = 0; i < N_ELEMENTS(hidden); i++)
		assert_int_equal(
		    foldername_to_client(&plain, slice_str(hidden[i]), &b), 0);
	buf_free(&b);
	for (size_t i = 0; i < N_ELEMENTS(impossible); i++) {
		if (foldername_to_disk(&plain, slice_str(impossible[i]),
			FOLDERNAME_OLD, &disk, &e) == 0)
			fail_msg("%s was taken", impossible[i]);
		assert_int_equal(e.code, ERR_INVALID);
	}
	for (size_t i = 0; i < N_ELEMENTS(not_new); i++)
		if (foldername_to_disk(&plain, slice_str(not_new[i]),
			FOLDERNAME_NEW, &disk, &e) == 0)
			fail_msg("%s was taken", not_new[i]);
	assert_int_equal(foldername_to_disk(&courier, SLICE("Sent"),
			     FOLDERNAME_OLD, &disk, &e),
	    -1);
}

static void
test_case_and_ends(void **state)
{
	struct foldername disk;
	struct err e;
	struct buf b;

	(void)state;
	assert_int_equal(foldername_to_disk(&plain, SLICE("inbox/kid"),
			     FOLDERNAME_OLD, &disk, &e),
	    0);
	assert_string_equal(disk.s, ".INBOX.kid");
	assert_int_equal(foldername_to_disk(
			     &plain, SLICE("a/b/"), FOLDERNAME_NEW, &disk, &e),
	    0);
	assert_string_equal(disk.s, ".a.b");
	assert_int_equal(
	    foldername_to_disk(&plain, SLICE("a//"), FOLDERNAME_NEW, &disk, &e),
	    -1);
	assert_int_equal(foldername_to_disk(&courier, SLICE("Inbox.a"),
			     FOLDERNAME_OLD, &disk, &e),
	    0);
	assert_string_equal(disk.s, ".a");
	buf_init(&b, 5000);
	assert_int_equal(
	    foldername_canonical(&plain, SLICE("iNbOx/a"), &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "INBOX/a");
	buf_free(&b);
}

static void
test_limits(void **state)
{
	char name[2001];
	struct foldername disk;
	struct err e;

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(foldername_to_disk(&plain, slice_of(name, 254),
			     FOLDERNAME_NEW, &disk, &e),
	    0);
	assert_int_equal(disk.n, 255);
	assert_int_equal(foldername_to_disk(&plain, slice_of(name, 255),
			     FOLDERNAME_NEW, &disk, &e),
	    -1);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(foldername_to_disk(&plain, slice_of(name, 2001),
			     FOLDERNAME_OLD, &disk, &e),
	    -1);
	assert_int_equal(e.code, ERR_LIMIT);
	for (size_t i = 1; i < 66; i += 2)
		name[i] = '/';
	assert_int_equal(foldername_to_disk(&plain, slice_of(name, 63),
			     FOLDERNAME_NEW, &disk, &e),
	    0);
	assert_int_equal(foldername_to_disk(&plain, slice_of(name, 65),
			     FOLDERNAME_NEW, &disk, &e),
	    -1);
	assert_int_equal(e.code, ERR_LIMIT);
}

static void
test_order(void **state)
{
	static const char *const sorted[] = { "INBOX", "INBOX/b", "A", "a",
		"a/b", "a/b/c", "a ", "a!", "ab", "b", "inbox" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(sorted); i++)
		for (size_t j = 0; j < N_ELEMENTS(sorted); j++) {
			int r = foldername_cmp(
			    '/', slice_str(sorted[i]), slice_str(sorted[j]));

			assert_int_equal((r > 0) - (r < 0), (i > j) - (i < j));
		}
	assert_true(foldername_is_below('/', SLICE("a"), SLICE("a/b")));
	assert_false(foldername_is_below('/', SLICE("a"), SLICE("a")));
	assert_false(foldername_is_below('/', SLICE("a"), SLICE("ab/c")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_case_and_ends),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
