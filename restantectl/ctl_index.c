/* SPDX-License-Identifier: ISC */
/* index USER --restored: after a backup was put back. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libauth/userdb.h"
#include "libauth/userfile.h"
#include "libbase/mem.h"
#include "libmaildir/mailbox.h"
#include "libmaildir/store.h"
#include "libserver/become.h"
#include "libserver/sandbox.h"
#include "restantectl/ctl.h"

/* The account of a login name: out of the users file, else the system's. */
static int
find_account(const struct conf *conf, const char *login, struct account *a,
    struct err *err)
{
	char name[MAX_USER + 1];
	const struct userfile_entry *e;
	struct userfile_stamp stamp;
	struct userdb_conf uc;
	struct userfile f;
	int r = -1;

	userdb_conf_from(&uc, conf);
	userfile_init(&f);
	if (userfile_load(&f, conf_str(conf, "users_file"), &stamp, err) == 0) {
		if (userdb_canonical(slice_str(login), &uc, &f, name) == -1)
			(void)err_set(err, ERR_INVALID, "that is no user name");
		else if ((e = userfile_find(&f, slice_str(name))) != NULL)
			r = userdb_from_entry(a, e, &uc, 0, err);
		else
			r = userdb_nss(name, &uc, a, err);
	}
	userfile_free(&f);
	if (r == 0 &&
	    (userdb_is_refused_name(a->name) ||
		(geteuid() == 0 && a->uid == 0)))
		r = err_set(err, ERR_DENIED, "%s has no mail here", a->name);
	return r;
}

static int
open_store(const struct conf *conf, const struct account *a, struct store **out,
    struct err *err)
{
	const struct store_conf sc = { .mail = a->mail,
		.control = a->control[0] == '\0' ? NULL : a->control,
		.index = a->index[0] == '\0' ? NULL : a->index,
		.separator = conf_str(conf, "separator")[0],
		.namespace_prefix = conf_str(conf, "namespace_prefix"),
		.names_utf8 =
		    strcmp(conf_str(conf, "folder_names"), "utf8") == 0,
		.check_owner = true,
		.uid = a->uid,
		.gid = a->gid };

	return store_open(&sc, out, err);
}

/* Waits while another program holds the lock, as long as any may. */
static int
jump(struct store *st, struct slice name, struct err *err)
{
	int r, i;

	for (i = 0; i < 130000 / MAILBOX_RETRY_MS; i++) {
		r = store_jump(st, name, err);
		if (r != -1 || err->code != ERR_BUSY)
			return r;
		(void)poll(NULL, 0, MAILBOX_RETRY_MS);
	}
	return -1;
}

/* All mailboxes, whatever becomes of one. How many could not be done. */
static unsigned
jump_all(struct store *st, struct store_list *l)
{
	struct store_entry e;
	struct err err;
	unsigned n_bad = 0, n = 0;
	int r;

	while (store_list_next(l, &e)) {
		if ((e.flags & (STORE_NONEXISTENT | STORE_SUBS_ONLY)) != 0)
			continue;
		r = jump(st, e.name, &err);
		if (r == -1) {
			(void)ctl_fail_text(
			    "%.*s: %s", SLICE_ARG(e.name), err.text);
			n_bad++;
		}
		n += r == 1;
	}
	(void)printf("%u mailboxes: new messages get UIDs that no client has "
		     "seen\n",
	    n);
	return n_bad;
}

/* In the child; does not come back. */
static void
run_as(const struct conf *conf, const struct account *a)
{
	struct sandbox_filter *filter;
	struct store_list *l;
	struct store *st;
	struct err err;
	unsigned n_bad;

	filter = sandbox_filter_new(SANDBOX_SESSION, &err);
	if (filter == NULL || become(a, filter, &err) == -1 ||
	    open_store(conf, a, &st, &err) == -1)
		exit(ctl_fail(&err));
	if (store_list_open(st, &l, &err) == -1)
		exit(ctl_fail(&err));
	n_bad = jump_all(st, l);
	store_list_close(l);
	store_close(st);
	sandbox_filter_free(filter);
	exit(n_bad == 0 ? CTL_OK : CTL_FAULT);
}

static int
restored(struct ctl *c, const char *login)
{
	struct account *a = xcalloc(1, sizeof(*a));
	struct err err;
	int status;
	pid_t pid;

	if (find_account(c->conf, login, a, &err) == -1) {
		xfree(a);
		return ctl_fail(&err);
	}
	/* what a session holds in memory is older than the folder */
	ctl_kick(c->conf, a->name);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_as(c->conf, a);
	xfree(a);
	if (pid == -1)
		return ctl_fail_text("fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return ctl_fail_text("waitpid: %s", strerror(errno));
	}
	if (!WIFEXITED(status))
		return ctl_fail_text("ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int
index_verb(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	if (strcmp(argv[1], "--restored") != 0)
		return ctl_fail_text("index USER --restored");
	return restored(c, argv[0]);
}

const struct ctl_verb ctl_verbs_index[] = {
	{ .name = "index",
	    .args = "USER --restored",
	    .min_args = 2,
	    .max_args = 2,
	    .run = index_verb,
	    .help = "after a backup of the mail was put back: UIDs go on "
		    "above all that were told" },
	{ .name = NULL },
};
