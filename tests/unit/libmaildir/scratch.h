/* SPDX-License-Identifier: ISC */
/* A folder of its own for each test that needs files; removed after it. */
#ifndef TESTS_UNIT_LIBMAILDIR_SCRATCH_H
#define TESTS_UNIT_LIBMAILDIR_SCRATCH_H

#define SCRATCH_PATHS 8

struct scratch {
	char *root;
	char paths[SCRATCH_PATHS][128];
	unsigned n;
};

int scratch_setup(void **state);
int scratch_teardown(void **state);

#define scratch_test(f)                                                        \
	cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

/* An absolute path below it; valid until teardown. */
const char *scratch_path(struct scratch *s, const char *name);
/* A small file, relative to dir; the text read is valid until the next. */
void scratch_write(int dir, const char *name, const char *text);
const char *scratch_read(int dir, const char *name);

#endif
