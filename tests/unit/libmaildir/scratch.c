/* SPDX-License-Identifier: ISC */
/* A folder of its own for each test that needs files. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/libmaildir/scratch.h"

int
scratch_setup(void **state)
{
	struct scratch *s = test_calloc(1, sizeof(*s));

	s->root = strdup("/tmp/restante-unit-XXXXXX");
	if (s->root == NULL || mkdtemp(s->root) == NULL)
		return -1;
	*state = s;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path);
}

int
scratch_teardown(void **state)
{
	struct scratch *s = *state;
	int r = nftw(s->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(s->root);
	test_free(s);
	return r;
}

const char *
scratch_path(struct scratch *s, const char *name)
{
	char *out;

	assert_true(s->n < SCRATCH_PATHS);
	out = s->paths[s->n++];
	(void)snprintf(out, sizeof(s->paths[0]), "%s/%s", s->root, name);
	return out;
}

void
scratch_write(int dir, const char *name, const char *text)
{
	int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

const char *
scratch_read(int dir, const char *name)
{
	static char text[65536];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return "(no file)";
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(close(fd), 0);
	return text;
}
