/* SPDX-License-Identifier: ISC */
/* Homes of virtual users. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libauth/userdb.h"
#include "libbase/mem.h"
#include "libserver/become.h"
#include "libserver/sandbox.h"
#include "restantectl/ctl.h"
#include "restantectl/ctl_home.h"

static const char tail[] = "/Maildir";

int
ctl_default_home(
    const struct conf *conf, struct slice name, char *out, struct err *err)
{
	const char *mail = conf_str(conf, "mail_location");
	struct account *a = xcalloc(1, sizeof(*a));
	size_t n = strlen(mail), t = sizeof(tail) - 1;
	struct userdb_conf uc;
	char *pattern;
	int r;

	userdb_conf_from(&uc, conf);
	(void)snprintf(a->name, sizeof(a->name), "%.*s", SLICE_ARG(name));
	if (mail[0] == '/' && n > t && strcmp(mail + n - t, tail) == 0)
		pattern = xstrndup(mail, n - t);
	else
		pattern =
		    xstrdup(RESTANTE_LOCALSTATEDIR "/lib/restante/mail/%u");
	r = userdb_expand(pattern, a, &uc, out, ACCOUNT_PATH_MAX, err);
	xfree(pattern);
	xfree(a);
	return r;
}

static int
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return err_sys(err, "%s", path);
	return 0;
}

/* All folders above path. */
static int
make_parents(const char *path, struct err *err)
{
	for (const char *p = strchr(path + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		char *part = xstrndup(path, (size_t)(p - path));
		int r = make_folder(part, 0755, err);

		xfree(part);
		if (r != 0)
			return -1;
	}
	return 0;
}

/* A folder of the user. One that is there and is somebody else's is refused:
 * it would be given away. */
static int
make_owned(const char *path, const struct account *a, struct err *err)
{
	struct stat st;
	bool fresh;
	int fd, r = 0;

	if (make_parents(path, err) != 0)
		return -1;
	fresh = mkdir(path, 0700) == 0;
	if (!fresh && errno != EEXIST)
		return err_sys(err, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (fresh && geteuid() == 0 && fchown(fd, a->uid, a->gid) != 0)
		r = err_sys(err, "%s: chown", path);
	else if (fstat(fd, &st) != 0)
		r = err_sys(err, "%s", path);
	else if (st.st_uid != a->uid && geteuid() == 0)
		r = err_set(err, ERR_DENIED,
		    "%s is there and belongs to uid %u, not %u", path,
		    st.st_uid, a->uid);
	(void)close(fd);
	return r;
}

static bool
is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

/* Beside what become() makes. */
static int
make_maildir(const char *mail, struct err *err)
{
	static const char *const subs[] = { "/tmp", "/new", "/cur" };
	char path[ACCOUNT_PATH_MAX + 8];

	for (size_t i = 0; i < N_ELEMENTS(subs); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", mail, subs[i]);
		if (make_folder(path, 0700, err) != 0)
			return -1;
	}
	return 0;
}

/* In the child; does not come back. */
static void
run_as(const struct account *a, ctl_work_fn *work, void *arg)
{
	struct sandbox_filter *filter;
	struct err err;
	int code;

	filter = sandbox_filter_new(SANDBOX_SESSION, &err);
	if (filter == NULL || become(a, filter, &err) == -1)
		exit(ctl_fail(&err));
	code = work(a, arg);
	sandbox_filter_free(filter);
	exit(code);
}

int
ctl_as_user(
    const struct account *a, ctl_work_fn *work, void *arg, struct err *err)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == -1)
		return err_sys(err, "fork");
	if (pid == 0)
		run_as(a, work, arg);
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return err_sys(err, "waitpid");
	}
	if (!WIFEXITED(status))
		return err_set(
		    err, ERR_TEMP, "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int
maildir_work(const struct account *a, void *arg)
{
	struct err err;

	(void)arg;
	return make_maildir(a->mail, &err) == 0 ? CTL_OK : ctl_fail(&err);
}

int
ctl_make_home(const struct account *a, struct err *err)
{
	int r;

	if (make_owned(a->home, a, err) != 0)
		return -1;
	if (!is_below(a->mail, a->home) && make_owned(a->mail, a, err) != 0)
		return -1;
	r = ctl_as_user(a, maildir_work, NULL, err);
	if (r > 0)
		r = err_set(err, ERR_TEMP, "the mail folder is not made");
	return r;
}
