/* SPDX-License-Identifier: ISC */
/* Landlock: the folders a session may use, and nothing else of the tree. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libserver/sandbox.h"

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_WRITE                                                           \
	(RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                         \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |   \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |        \
	    LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER |           \
	    LANDLOCK_ACCESS_FS_TRUNCATE)
/* Handled, and given to nobody. */
#define RIGHTS_NEVER                                                           \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |           \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |      \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK)

static int
allow_tree(int ruleset, const char *path, uint64_t rights, bool must_exist,
    struct err *err)
{
	struct landlock_path_beneath_attr a = { .allowed_access = rights };
	int r;

	a.parent_fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (a.parent_fd == -1 && !must_exist)
		return 0;
	if (a.parent_fd == -1)
		return err_sys(err, "open %s", path);
	r = (int)syscall(
	    SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	if (r == -1)
		(void)err_sys(err, "landlock rule for %s", path);
	close(a.parent_fd);
	return r == -1 ? -1 : 0;
}

static int
allow_all(int ruleset, const struct sandbox_paths *paths, uint64_t known,
    struct err *err)
{
	for (size_t i = 0; i < N_ELEMENTS(paths->write); i++) {
		const char *p = paths->write[i];

		if (p != NULL && p[0] != '\0' &&
		    allow_tree(ruleset, p, RIGHTS_WRITE & known, true, err) ==
			-1)
			return -1;
	}
	for (size_t i = 0; i < N_ELEMENTS(paths->read); i++) {
		const char *p = paths->read[i];

		if (p != NULL && p[0] != '\0' &&
		    allow_tree(ruleset, p, RIGHTS_READ & known, false, err) ==
			-1)
			return -1;
	}
	return 0;
}

/* Version 1 refuses every rename between folders: tmp to new fails. */
static long
version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

bool
sandbox_has_landlock(void)
{
	return version() >= 2;
}

int
sandbox_landlock(const struct sandbox_paths *paths, struct err *err)
{
	struct landlock_ruleset_attr attr = { 0 };
	long abi = version();
	int ruleset, r;

	if (abi < 2)
		return 1;
	attr.handled_access_fs = RIGHTS_WRITE | RIGHTS_NEVER;
	if (abi < 3)
		attr.handled_access_fs &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset == -1)
		return err_sys(err, "landlock_create_ruleset");
	r = allow_all(ruleset, paths, attr.handled_access_fs, err);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		r = err_sys(err, "no_new_privs");
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
		r = err_sys(err, "landlock_restrict_self");
	close(ruleset);
	return r;
}
