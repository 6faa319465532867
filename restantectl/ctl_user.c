/* SPDX-License-Identifier: ISC */
/* user: the virtual users in the users file. */
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "libauth/userdb.h"
#include "libauth/userfile.h"
#include "libbase/mem.h"
#include "restantectl/ctl.h"
#include "restantectl/ctl_home.h"
#include "restantectl/ctl_password.h"

/* What stands on the command line of add and set. */
struct wishes {
	bool has_uid, has_gid, yescrypt, no_home;
	uint32_t uid, gid;
	const char *home;
	int first_attr; /* argv from here: name=value */
};

static int
take_wishes(struct wishes *w, int argc, char **argv)
{
	int i;

	memset(w, 0, sizeof(*w));
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "--yescrypt") == 0) {
			w->yescrypt = true;
		} else if (strcmp(argv[i], "--no-home") == 0) {
			w->no_home = true;
		} else if (strcmp(argv[i], "--uid") == 0 && has_value) {
			w->has_uid = true;
			if (slice_u32(slice_str(argv[++i]), UINT32_MAX - 1,
				&w->uid) != 0)
				return ctl_fail_text("--uid: a number");
		} else if (strcmp(argv[i], "--gid") == 0 && has_value) {
			w->has_gid = true;
			if (slice_u32(slice_str(argv[++i]), UINT32_MAX - 1,
				&w->gid) != 0)
				return ctl_fail_text("--gid: a number");
		} else if (strcmp(argv[i], "--home") == 0 && has_value) {
			w->home = argv[++i];
		} else {
			return ctl_fail_text("no option \"%s\"", argv[i]);
		}
	}
	w->first_attr = i;
	return CTL_OK;
}

static int
set_attrs(struct attrs *a, const struct wishes *w, int argc, char **argv)
{
	struct err err;

	for (int i = w->first_attr; i < argc; i++) {
		if (attrs_set(a, slice_str(argv[i]), &err) != 0)
			return ctl_fail(&err);
	}
	return CTL_OK;
}

/* The uid asked for, else the next of virtual_uids; who is no root can only
 * make users with the own uid. */
static int
choose_uid(const struct conf *conf, const struct userfile *f,
    const struct wishes *w, uid_t *out)
{
	uid_t lo, hi;
	struct err err;

	if (w->has_uid) {
		*out = w->uid;
		return CTL_OK;
	}
	if (!conf_uid_range(conf, "virtual_uids", &lo, &hi))
		return ctl_fail_text("virtual_uids is not set: write for "
				     "example virtual_uids = "
				     "\"200000-299999\", or give --uid");
	if (lo == hi) { /* one uid for all is what the admin wants */
		*out = lo;
		return CTL_OK;
	}
	if (userfile_free_uid(f, lo, hi, out, &err) != 0)
		return ctl_fail(&err);
	return CTL_OK;
}

static int
check_uid(const struct conf *conf, uid_t uid)
{
	if (uid == 0 || uid < conf_u64(conf, "first_uid"))
		return ctl_fail_text("uid %u is below first_uid: logins would "
				     "be refused",
		    uid);
	if (geteuid() != 0 && uid != geteuid())
		return ctl_fail_text("only root makes users with another uid");
	return CTL_OK;
}

/* Everything about the new entry but its password. home has ACCOUNT_PATH_MAX
 * bytes. */
static int
fill_entry(struct ctl *c, const struct userfile *f, const struct wishes *w,
    struct userfile_entry *e, char *home)
{
	struct err err;
	uid_t uid = 0;

	if (choose_uid(c->conf, f, w, &uid) != CTL_OK ||
	    check_uid(c->conf, uid) != CTL_OK)
		return CTL_FAULT;
	e->uid = uid;
	e->gid = w->has_gid ? w->gid : geteuid() == 0 ? uid : getegid();
	if (w->home != NULL)
		(void)snprintf(home, ACCOUNT_PATH_MAX, "%s", w->home);
	else if (ctl_default_home(c->conf, e->name, home, &err) != 0)
		return ctl_fail(&err);
	e->home = slice_str(home);
	return CTL_OK;
}

static int
make_home(struct ctl *c, const struct userfile_entry *e)
{
	struct account *a = xcalloc(1, sizeof(*a));
	struct userdb_conf uc;
	struct err err;
	int r;

	userdb_conf_from(&uc, c->conf);
	r = userdb_from_entry(a, e, &uc, 0, &err);
	if (r == 0)
		r = ctl_make_home(a, &err);
	xfree(a);
	return r == 0 ? CTL_OK : ctl_fail(&err);
}

static int
add_to(struct ctl *c, struct userfile_edit *edit, const struct wishes *w,
    struct userfile_entry *e)
{
	char home[ACCOUNT_PATH_MAX];
	struct err err;

	if (userfile_find(&edit->file, e->name) != NULL)
		return ctl_fail_text(
		    "user %.*s is there already", SLICE_ARG(e->name));
	if (fill_entry(c, &edit->file, w, e, home) != CTL_OK)
		return CTL_FAULT;
	if (userfile_put(&edit->file, e, &err) != 0)
		return ctl_fail(&err);
	/* The folder first: a user that can log in has one. */
	if (!w->no_home && make_home(c, e) != CTL_OK)
		return CTL_FAULT;
	(void)printf("user=%.*s uid=%u gid=%u home=%s\n", SLICE_ARG(e->name),
	    e->uid, e->gid, home);
	return CTL_OK;
}

/* Begin an edit, do it, commit. */
static int
edit_file(struct ctl *c, struct userfile_edit *edit)
{
	struct err err;

	if (userfile_begin(edit, conf_str(c->conf, "users_file"), &err) != 0)
		return ctl_fail(&err);
	return CTL_OK;
}

static int
end_edit(struct userfile_edit *edit, int r)
{
	struct err err;

	if (r != CTL_OK) {
		userfile_abort(edit);
		return r;
	}
	return userfile_commit(edit, &err) == 0 ? CTL_OK : ctl_fail(&err);
}

static int
user_add(struct ctl *c, int argc, char **argv)
{
	struct userfile_entry e = { .name = slice_str(argv[0]) };
	struct userfile_edit edit;
	char hash[MAX_HASH];
	struct wishes w;
	struct err err;

	if (!user_name_ok(e.name))
		return ctl_fail_text("\"%s\" is no user name: lower case, no "
				     "blanks, none of : / \\ %% * ? \"",
		    argv[0]);
	if (userdb_is_refused_name(argv[0]))
		return ctl_fail_text(
		    "%s never logs in: take another name", argv[0]);
	if (take_wishes(&w, argc, argv) != CTL_OK)
		return CTL_USAGE;
	if (set_attrs(&e.attrs, &w, argc, argv) != CTL_OK)
		return CTL_FAULT;
	/* Asked before the file is locked: people type slowly. */
	if (ctl_password_hash(argv[0], w.yescrypt, hash, &err) != 0)
		return ctl_fail(&err);
	e.hash = slice_str(hash);
	if (edit_file(c, &edit) != CTL_OK)
		return CTL_FAULT;
	return end_edit(&edit, add_to(c, &edit, &w, &e));
}

/* The entry of that name in an edit that has begun; NULL has been told. */
static struct userfile_entry *
need(struct userfile_edit *edit, const char *name)
{
	struct userfile_entry *e = userfile_find(&edit->file, slice_str(name));

	if (e == NULL)
		(void)ctl_fail_text("no user %s in the users file", name);
	return e;
}

static int
user_passwd(struct ctl *c, int argc, char **argv)
{
	struct userfile_entry *e, copy;
	struct userfile_edit edit;
	char hash[MAX_HASH];
	struct wishes w;
	struct err err;
	int r = CTL_FAULT;

	if (take_wishes(&w, argc, argv) != CTL_OK || w.first_attr < argc)
		return CTL_USAGE;
	if (ctl_password_hash(argv[0], w.yescrypt, hash, &err) != 0)
		return ctl_fail(&err);
	if (edit_file(c, &edit) != CTL_OK)
		return CTL_FAULT;
	e = need(&edit, argv[0]);
	if (e != NULL) {
		copy = *e;
		copy.hash = slice_str(hash);
		r = userfile_put(&edit.file, &copy, &err) == 0 ? CTL_OK :
								 ctl_fail(&err);
	}
	return end_edit(&edit, r);
}

static int
user_set(struct ctl *c, int argc, char **argv)
{
	struct wishes w = { .first_attr = 1 };
	struct userfile_edit edit;
	struct userfile_entry *e;
	unsigned before = 0, after = 0;
	int r = CTL_FAULT;

	if (edit_file(c, &edit) != CTL_OK)
		return CTL_FAULT;
	e = need(&edit, argv[0]);
	if (e != NULL) {
		before = e->attrs.flags;
		r = set_attrs(&e->attrs, &w, argc, argv);
		after = e->attrs.flags;
	}
	r = end_edit(&edit, r);
	/* What was switched off ends now, not at the next login. */
	if (r == CTL_OK && (after & ~before) != 0)
		ctl_kick(c->conf, argv[0]);
	return r;
}

static int
user_del(struct ctl *c, int argc, char **argv)
{
	struct userfile_edit edit;
	struct userfile_entry *e;
	int r = CTL_FAULT;

	(void)argc;
	if (edit_file(c, &edit) != CTL_OK)
		return CTL_FAULT;
	e = need(&edit, argv[0]);
	if (e != NULL) {
		(void)printf("user %s is gone; the mail stays in %.*s\n",
		    argv[0], SLICE_ARG(e->home));
		(void)userfile_del(&edit.file, slice_str(argv[0]));
		r = CTL_OK;
	}
	r = end_edit(&edit, r);
	if (r == CTL_OK)
		ctl_kick(c->conf, argv[0]);
	return r;
}

static void
print_entry(const struct userfile_entry *e)
{
	struct buf b;

	buf_init(&b, 2 * MAX_USERS_LINE);
	buf_printf(&b, "user=%.*s uid=%u gid=%u home=", SLICE_ARG(e->name),
	    e->uid, e->gid);
	attr_escape(e->home, &b);
	buf_puts(&b, " password=");
	buf_puts(&b,
	    e->hash.n == 0 || e->hash.p[0] == '!' || e->hash.p[0] == '*' ?
		"none" :
		"set");
	buf_putc(&b, ' ');
	attrs_print(&e->attrs, &b);
	(void)puts(buf_cstr(&b));
	buf_free(&b);
}

static int
user_list(struct ctl *c, int argc, char **argv)
{
	struct userfile_stamp stamp;
	struct userfile f;
	struct err err;
	unsigned shown = 0;

	userfile_init(&f);
	if (userfile_load(&f, conf_str(c->conf, "users_file"), &stamp, &err) !=
	    0) {
		userfile_free(&f);
		return ctl_fail(&err);
	}
	for (size_t i = 0; i < f.n; i++) {
		const struct userfile_entry *e = &f.entries[i];

		if (e->name.n == 0 ||
		    (argc > 0 && !slice_eq_str(e->name, argv[0])))
			continue;
		print_entry(e);
		shown++;
	}
	userfile_free(&f);
	if (argc > 0 && shown == 0)
		return ctl_fail_text("no user %s in the users file", argv[0]);
	return CTL_OK;
}

const struct ctl_verb ctl_verbs_user[] = {
	{ .name = "user",
	    .sub = "add",
	    .args = "NAME [--uid N] [--gid N] [--home DIR] [--no-home] "
		    "[--yescrypt] [ATTRIBUTE=VALUE...]",
	    .min_args = 1,
	    .max_args = -1,
	    .run = user_add,
	    .help = "a new virtual user; the password is read from stdin" },
	{ .name = "user",
	    .sub = "passwd",
	    .args = "NAME [--yescrypt]",
	    .min_args = 1,
	    .max_args = 2,
	    .run = user_passwd,
	    .help = "a new password, read from stdin" },
	{ .name = "user",
	    .sub = "set",
	    .args = "NAME ATTRIBUTE=VALUE...",
	    .min_args = 2,
	    .max_args = -1,
	    .run = user_set,
	    .help = "imap, pop3, submission, locked, expires, quota, "
		    "quota_messages, mail" },
	{ .name = "user",
	    .sub = "del",
	    .args = "NAME",
	    .min_args = 1,
	    .max_args = 1,
	    .run = user_del,
	    .help = "take a virtual user away; the mail stays" },
	{ .name = "user",
	    .sub = "list",
	    .args = "[NAME]",
	    .max_args = 1,
	    .run = user_list,
	    .help = "the virtual users" },
	{ .name = NULL },
};
