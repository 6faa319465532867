/* SPDX-License-Identifier: ISC */
/* Tests of err.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/err.h"

static void
set(void **state)
{
	struct err e = { ERR_TEMP, 5, "old" };

	(void)state;
	assert_int_equal(err_set(&e, ERR_QUOTA, "%s: %d", "box", 3), -1);
	assert_int_equal(e.code, ERR_QUOTA);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.text, "box: 3");
}

static void
from_errno(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "x"), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "open x: No such file or directory");
	errno = 0;
	assert_int_equal(err_sys(&e, "short read"), -1);
	assert_int_equal(e.code, ERR_TEMP);
}

static void
context(void **state)
{
	struct err e;
	char large[300];

	(void)state;
	(void)err_set(&e, ERR_GONE, "no file");
	assert_int_equal(err_context(&e, "uid %u", 7u), -1);
	assert_string_equal(e.text, "uid 7: no file");
	assert_int_equal(e.code, ERR_GONE);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(err_context(&e, "%s", large), -1);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	errno = EIO;
	assert_int_equal(err_sys(&e, "%s", large), -1);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void
classes(void **state)
{
	int code;

	(void)state;
	assert_int_equal(err_class(ENOSPC), ERR_NOSPACE);
	assert_int_equal(err_class(EDQUOT), ERR_QUOTA);
	assert_int_equal(err_class(EEXIST), ERR_EXISTS);
	assert_int_equal(err_class(ELOOP), ERR_DENIED);
	assert_int_equal(err_class(EWOULDBLOCK), ERR_BUSY);
	assert_int_equal(err_class(EIO), ERR_TEMP);
	assert_int_equal(err_class(EMFILE), ERR_TEMP);
	assert_int_equal(err_class(-1), ERR_TEMP);
	for (code = 0; code < ERR_COUNT; code++)
		assert_true(strlen(err_word((enum err_code)code)) > 1);
	assert_string_equal(err_word(ERR_NOSPACE), "nospace");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set),
		cmocka_unit_test(from_errno),
		cmocka_unit_test(context),
		cmocka_unit_test(classes),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
