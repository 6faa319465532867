/* SPDX-License-Identifier: ISC */
/* Folders of a test: made, removed. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "tests/crash/sweep.h"

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)at;
	return flag == FTW_DP ? rmdir(path) : unlink(path);
}

void
sweep_away(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

char *
sweep_new(void)
{
	const char *where = getenv("TMPDIR");
	char path[512];

	if (where == NULL)
		where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(path, sizeof path, "%s/restante-crash-XXXXXX", where);
	if (mkdtemp(path) == NULL) {
		perror(path);
		abort();
	}
	return xstrdup(path);
}
