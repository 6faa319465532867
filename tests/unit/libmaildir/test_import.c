/* SPDX-License-Identifier: ISC */
/* Courier's files: their text, and the first opening of such a mailbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmaildir/import.h"
#include "libmaildir/store.h"
#include "tests/unit/libmaildir/scratch.h"

static const struct import_msg *
msg(const struct import *im, const char *base)
{
	uintptr_t at = (uintptr_t)map_get(&im->by_base, slice_str(base));

	if (at == 0)
		fail_msg("%s is missing", base);
	return &im->msgs[at - 1];
}

static void
test_text(void **state)
{
	struct import im;

	(void)state;
	import_init(&im);
	assert_int_equal(import_uiddb(&im, SLICE("2 100 4\n")), -1);
	assert_int_equal(import_uiddb(&im, SLICE("")), -1);
	assert_int_equal(import_uiddb(&im,
			     SLICE("1 1149154237 9\n1 a.h:2,S\nx y\n0 z\n7 b\n"
				   "7 c\n3 sp ace\n12 late\n5 a.h\n5 .bad\n")),
	    0);
	assert_int_equal(im.uidvalidity, 1149154237);
	assert_int_equal(im.next_uid, 13);
	assert_int_equal(im.n, 5);
	assert_int_equal(msg(&im, "a.h")->uid, 1);
	assert_int_equal(import_sizelist(&im, SLICE("/1 3 5\n")), -1);
	assert_int_equal(
	    import_sizelist(&im,
		SLICE("/3 6 77\na.h:2,S 100 5:77:0\nsp ace 9 6:77:1\n"
		      "b 1 4:0:0\nplus+ \" 3 0:0:0\nnew 3 8:78\nbroken\n")),
	    0);
	assert_true(slice_eq_str(msg(&im, "a.h")->uidl, "UID5-77"));
	assert_true(slice_eq_str(msg(&im, "sp ace")->uidl, "UID6-77"));
	assert_true(slice_eq_str(msg(&im, "b")->uidl, "UID4"));
	assert_true(slice_eq_str(msg(&im, "plus+ \"")->uidl, "plus+2B+20+22"));
	assert_true(slice_eq_str(msg(&im, "new")->uidl, "UID8-78"));
	assert_int_equal(
	    import_keyword_list(
		&im, SLICE("$Forwarded\nWork\nbad word\n\na.h:0 1\nb:1 2 9\n")),
	    0);
	assert_int_equal(im.n_keywords, 2);
	assert_int_equal(msg(&im, "a.h")->keywords, 3);
	assert_int_equal(msg(&im, "b")->keywords, 2);
	assert_int_equal(
	    import_keyword_file(&im, SLICE("a.h"), SLICE("work\nNew\n")), 0);
	assert_int_equal(msg(&im, "a.h")->keywords, 2 | 4);
	assert_int_equal(import_number(&im), 0);
	assert_int_equal(msg(&im, "plus+ \"")->uid, 13);
	assert_int_equal(msg(&im, "new")->uid, 14);
	assert_int_equal(im.next_uid, 15);
	/* 7 was there twice: one of them gets a new number at the next sync */
	assert_int_equal(
	    (msg(&im, "b")->uid == 7) + (msg(&im, "c")->uid == 7), 1);
	import_free(&im);
}

static void
test_open(void **state)
{
	struct scratch *s = *state;
	struct store_conf conf = { .mail = scratch_path(s, "Maildir"),
		.create = true };
	struct store *st = NULL;
	struct folder f;
	struct err e = { 0 };
	int fd;

	assert_int_equal(store_open(&conf, &st, &e), 0);
	fd = store_mail_fd(st);
	assert_int_equal(mkdirat(fd, ".a", 0700), 0);
	assert_int_equal(mkdirat(fd, ".a/cur", 0700), 0);
	assert_int_equal(mkdirat(fd, ".a/courierimapkeywords", 0700), 0);
	scratch_write(fd, ".a/courierimapuiddb", "1 555 9\n3 1.m:2,\n8 2.m\n");
	scratch_write(
	    fd, ".a/courierpop3dsizelist", "/2 9 600\n1.m 10 4:600\n");
	scratch_write(
	    fd, ".a/courierimapkeywords/:list", "Work\nHome\n\n1.m:0\n");
	scratch_write(fd, ".a/courierimapkeywords/.1.2.m", "Work\n");
	scratch_write(fd, ".a/courierimapkeywords/.2.2.m", "Home\nWork\n");
	scratch_write(fd, ".a/cur/1.m:2,FS", "x\n");
	scratch_write(fd, ".a/cur/2.m:2,", "x\n");
	assert_int_equal(store_folder_open(st, SLICE("a"), &f, &e), 0);
	folder_close(&f);
	assert_string_equal(scratch_read(fd, ".a/dovecot-uidlist"),
	    "3 V555 N9\n3 PUID4-600 :1.m\n8 :2.m\n");
	assert_string_equal(
	    scratch_read(fd, ".a/dovecot-keywords"), "0 Work\n1 Home\n");
	assert_string_equal(scratch_read(fd, ".a/cur/1.m:2,FSa"), "x\n");
	assert_string_equal(scratch_read(fd, ".a/cur/2.m:2,ab"), "x\n");
	/* once only */
	scratch_write(fd, ".a/dovecot-uidlist", "3 V9 N9\n");
	assert_int_equal(store_folder_open(st, SLICE("a"), &f, &e), 0);
	folder_close(&f);
	assert_string_equal(
	    scratch_read(fd, ".a/dovecot-uidlist"), "3 V9 N9\n");
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		scratch_test(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
