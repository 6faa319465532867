/* SPDX-License-Identifier: ISC */
/* Whose uids are these already. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "libauth/uids.h"

/* What uids_clash tells. */
typedef void tell_fn(void *arg, const char *file, const char *name,
    uint64_t first, uint64_t last);

static const char passwd[] = "/etc/passwd", subuid[] = "/etc/subuid";

static int
open_list(const char *path, FILE **out, struct err *err)
{
	*out = fopen(path, "re");
	if (*out == NULL && errno != ENOENT)
		return err_sys(err, "%s", path);
	return 0;
}

static int
clash_passwd(uid_t lo, uid_t hi, tell_fn *tell, void *arg, struct err *err)
{
	const struct passwd *pw;
	FILE *f;

	if (open_list(passwd, &f, err) != 0)
		return -1;
	while (f != NULL && (pw = fgetpwent(f)) != NULL) {
		if (pw->pw_uid >= lo && pw->pw_uid <= hi)
			tell(arg, passwd, pw->pw_name, pw->pw_uid, pw->pw_uid);
	}
	if (f != NULL)
		(void)fclose(f);
	return 0;
}

/* name:first:count */
static void
clash_line(char *line, uid_t lo, uid_t hi, tell_fn *tell, void *arg)
{
	struct slice rest = slice_trim(slice_str(line)), name, first;
	uint32_t from, count;
	uint64_t last;

	if (!slice_cut(&rest, ':', &name) || !slice_cut(&rest, ':', &first) ||
	    slice_u32(first, UINT32_MAX, &from) != 0 ||
	    slice_u32(rest, UINT32_MAX, &count) != 0 || count == 0)
		return;
	last = (uint64_t)from + count - 1;
	line[name.p - line + (ptrdiff_t)name.n] = '\0';
	if (from <= hi && last >= lo)
		tell(arg, subuid, name.p, from, last);
}

static int
clash_subuid(uid_t lo, uid_t hi, tell_fn *tell, void *arg, struct err *err)
{
	char line[512];
	FILE *f;

	if (open_list(subuid, &f, err) != 0)
		return -1;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		clash_line(line, lo, hi, tell, arg);
	if (f != NULL)
		(void)fclose(f);
	return 0;
}

int
uids_clash(uid_t lo, uid_t hi, tell_fn *tell, void *arg, struct err *err)
{
	if (clash_passwd(lo, hi, tell, arg, err) != 0)
		return -1;
	return clash_subuid(lo, hi, tell, arg, err);
}
