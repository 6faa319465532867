/* SPDX-License-Identifier: ISC */
/* To become a user: ids, Landlock on the user's folders, limits, seccomp. */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libserver/account.h"
#include "libserver/become.h"
#include "libserver/sandbox.h"

#define FILES_MAX 4096u

static int
become_user(const struct account *a, struct err *err)
{
	gid_t groups[ACCOUNT_GROUPS_MAX];

	if (geteuid() != 0)
		return 0;
	for (uint32_t i = 0; i < a->n_groups; i++)
		groups[i] = a->groups[i];
	if (setgroups(a->n_groups, groups) == -1 ||
	    setresgid(a->gid, a->gid, a->gid) == -1 ||
	    setresuid(a->uid, a->uid, a->uid) == -1)
		return err_sys(err, "becoming uid %u", a->uid);
	return 0;
}

/* The folder of a user who never had mail, with what is missing above it. */
static int
make_folders(const char *path, struct err *err)
{
	char part[ACCOUNT_PATH_MAX];
	struct stat st;

	if (path[0] == '\0' || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	for (size_t i = 1; path[i - 1] != '\0'; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) == -1 && errno != EEXIST &&
		    errno != EACCES && errno != EROFS)
			return err_sys(err, "%s", part);
	}
	if (stat(path, &st) == -1)
		return err_sys(err, "%s", path);
	return 0;
}

static int
wall_in(const struct account *a, struct err *err)
{
	struct sandbox_paths paths = {
		.write = { a->mail, a->control, a->index },
		.read = { "/usr/lib/x86_64-linux-gnu/gconv",
		    "/usr/lib/aarch64-linux-gnu/gconv", "/usr/lib/gconv",
		    "/usr/lib64/gconv", "/usr/share/zoneinfo",
		    "/proc/sys/kernel/random", /* boot_id, for the index */
#ifdef RESTANTE_SANITIZED
		    "/proc",
#endif
		},
	};

	if (make_folders(a->mail, err) == -1 ||
	    make_folders(a->control, err) == -1 ||
	    make_folders(a->index, err) == -1)
		return -1;
	return sandbox_landlock(&paths, err) == -1 ? -1 : 0;
}

int
become(const struct account *a, const struct sandbox_filter *filter,
    struct err *err)
{
	umask(077);
	if (become_user(a, err) == -1 || chdir("/") == -1 ||
	    wall_in(a, err) == -1 || sandbox_undumpable(err) == -1 ||
	    sandbox_limits(SANDBOX_SESSION, FILES_MAX, err) == -1 ||
	    sandbox_filter_load(filter, err) == -1)
		return -1;
	return 0;
}
