/* SPDX-License-Identifier: ISC */
/* Names, system users, rules of entry, mail folders. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "libauth/userdb.h"
#include "libbase/mem.h"

static const char *const refused_names[] = { "root", "anonymous", "guest",
	"administrator", NULL };

bool
userdb_is_refused_name(const char *name)
{
	struct slice rest = slice_str(name), local;

	slice_cut(&rest, '@', &local);
	for (size_t i = 0; refused_names[i] != NULL; i++) {
		if (slice_ieq_str(local, refused_names[i]))
			return true;
	}
	return false;
}

static bool
is_ours(struct slice domain, const struct userdb_conf *conf)
{
	for (size_t i = 0; i < conf->n_domains; i++) {
		if (slice_ieq_str(domain, conf->domains[i]))
			return true;
	}
	return false;
}

int
userdb_canonical(struct slice login, const struct userdb_conf *conf,
    const struct userfile *f, char *out)
{
	char folded[MAX_USER + 1];
	struct slice name, domain;
	const char *at;

	if (login.n == 0 || login.n > MAX_USER)
		return -1;
	for (size_t i = 0; i < login.n; i++)
		folded[i] = ascii_lower(login.p[i]);
	folded[login.n] = '\0';
	name = slice_of(folded, login.n);
	if (!user_name_ok(name))
		return -1;
	at = memrchr(folded, '@', login.n);
	if (at != NULL && (f == NULL || userfile_find(f, name) == NULL)) {
		domain = slice_from(name, (size_t)(at - folded) + 1);
		if (is_ours(domain, conf))
			name.n = (size_t)(at - folded);
	}
	memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return name.n > 0 ? 0 : -1;
}

int
userdb_may_enter(
    const struct account *a, const struct userdb_conf *conf, struct err *err)
{
	if (userdb_is_refused_name(a->name))
		return err_set(err, ERR_DENIED, "name is refused");
	/* nobody, and what the kernel and libc use as "no uid" */
	if (a->uid >= 65534 && a->uid <= 65535)
		return err_set(err, ERR_DENIED, "uid %u is nobody", a->uid);
	if (a->uid == 0 || a->uid == UINT32_MAX || a->uid < conf->first_uid)
		return err_set(
		    err, ERR_DENIED, "uid %u below first_uid", a->uid);
	if ((a->flags & ACCOUNT_LOCKED) != 0)
		return err_set(err, ERR_DENIED, "account is locked");
	if ((a->flags & ACCOUNT_EXPIRED) != 0)
		return err_set(err, ERR_DENIED, "account has expired");
	return 0;
}

/* false when it does not fit. */
static bool
copy_text(char *out, size_t size, struct slice s)
{
	if (s.n >= size)
		return false;
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

/* A part of a name as one component of a path. */
static bool
is_component(struct slice s)
{
	return s.n > 0 && s.p[0] != '.' && slice_find(s, '/') < 0;
}

static int
put_part(struct buf *b, struct slice part)
{
	if (!is_component(part))
		return -1;
	buf_put_slice(b, part);
	return 0;
}

static int
put_percent(struct buf *b, char c, const struct account *a,
    const struct userdb_conf *conf)
{
	struct slice domain = slice_str(a->name), local;

	if (!slice_cut(&domain, '@', &local))
		domain = conf->n_domains == 0 ? SLICE_NONE :
						slice_str(conf->domains[0]);
	switch (c) {
	case 'u':
		return put_part(b, slice_str(a->name));
	case 'n':
		return put_part(b, local);
	case 'd':
		return put_part(b, domain);
	case 'h':
		buf_puts(b, a->home);
		return 0;
	case '%':
		buf_putc(b, '%');
		return 0;
	default:
		return -1;
	}
}

int
userdb_expand(const char *pattern, const struct account *a,
    const struct userdb_conf *conf, char *out, size_t size, struct err *err)
{
	struct buf b;
	int r = 0;

	buf_init(&b, size - 1);
	if (pattern[0] == '~' && pattern[1] == '/') {
		buf_puts(&b, a->home);
		pattern++;
	}
	for (const char *p = pattern; *p != '\0' && r == 0; p++) {
		if (*p != '%')
			buf_putc(&b, *p);
		else if (p[1] == '\0')
			r = -1;
		else
			r = put_percent(&b, *++p, a, conf);
	}
	if (r != 0 || !buf_ok(&b) || b.n == 0 || b.p[0] != '/')
		r = err_set(err, ERR_INVALID,
		    "\"%s\" gives no absolute path for %s", pattern, a->name);
	else
		(void)copy_text(out, size, buf_slice(&b)); /* it fits */
	buf_free(&b);
	return r;
}

/* As account_get takes it: absolute, no "." or ".." between slashes. */
static bool
is_plain_path(const char *path)
{
	struct slice rest = slice_str(path), head;
	bool more = true;

	if (path[0] != '/')
		return false;
	while (more) {
		more = slice_cut(&rest, '/', &head);
		if (slice_eq_str(head, "..") || slice_eq_str(head, "."))
			return false;
	}
	return true;
}

static int
folder(struct account *a, const char *pattern, const struct userdb_conf *conf,
    char out[ACCOUNT_PATH_MAX], struct err *err)
{
	if (pattern == NULL || pattern[0] == '\0') {
		out[0] = '\0';
		return 0;
	}
	return userdb_expand(pattern, a, conf, out, ACCOUNT_PATH_MAX, err);
}

/* Fill mail (attr_mail, else mail_location, else ~/Maildir), control and index
 * of an account whose name and home stand. */
static int
fill_folders(struct account *a, const char *attr_mail,
    const struct userdb_conf *conf, struct err *err)
{
	const char *mail = conf->mail_location;

	if (attr_mail[0] != '\0') {
		if (!copy_text(a->mail, sizeof(a->mail), slice_str(attr_mail)))
			return err_set(err, ERR_LIMIT, "mail path too long");
	} else if (folder(a,
		       mail == NULL || mail[0] == '\0' ? "~/Maildir" : mail,
		       conf, a->mail, err) != 0) {
		return -1;
	}
	if (folder(a, conf->control_location, conf, a->control, err) != 0 ||
	    folder(a, conf->index_location, conf, a->index, err) != 0)
		return -1;
	if (!is_plain_path(a->home) || !is_plain_path(a->mail) ||
	    (a->control[0] != '\0' && !is_plain_path(a->control)) ||
	    (a->index[0] != '\0' && !is_plain_path(a->index)))
		return err_set(err, ERR_INVALID,
		    "user %s: home or mail folder is no plain absolute path",
		    a->name);
	return 0;
}

int
userdb_from_entry(struct account *a, const struct userfile_entry *e,
    const struct userdb_conf *conf, uint32_t today, struct err *err)
{
	const struct attrs *at = &e->attrs;

	memset(a, 0, sizeof(*a));
	if (!copy_text(a->name, sizeof(a->name), e->name) ||
	    !copy_text(a->home, sizeof(a->home), e->home))
		return err_set(err, ERR_LIMIT, "name or home too long");
	a->uid = e->uid;
	a->gid = e->gid;
	a->groups[0] = e->gid;
	a->n_groups = 1;
	a->flags = at->flags | ACCOUNT_VIRTUAL;
	if (at->expires_day != 0 && today >= at->expires_day)
		a->flags |= ACCOUNT_EXPIRED;
	a->quota_bytes = at->quota_bytes;
	a->quota_messages = at->quota_messages;
	return fill_folders(a, at->mail, conf, err);
}

/* What NSS modules say for "there is nobody of that name". */
static bool
means_nobody(int sys)
{
	return sys == 0 || sys == ENOENT || sys == ESRCH || sys == EBADF ||
	    sys == EPERM;
}

/* getpwnam_r with as much room as it wants, up to 1 MiB. */
static int
nss_passwd(const char *name, struct account *a, struct err *err)
{
	struct passwd pw, *found = NULL;
	size_t size = 4096;
	char *room = NULL;
	int sys, r = 0;

	do {
		room = xreallocarray(room, size, 1);
		sys = getpwnam_r(name, &pw, room, size, &found);
		size *= 2;
	} while (sys == ERANGE && size <= 1024 * 1024);
	if (found == NULL && means_nobody(sys)) {
		r = err_set(err, ERR_NOTFOUND, "no user %s", name);
	} else if (found == NULL) {
		errno = sys;
		err_sys(err, "NSS: user %s", name);
		err->code = ERR_TEMP;
		r = -1;
	} else {
		a->uid = pw.pw_uid;
		a->gid = pw.pw_gid;
		if (!copy_text(
			a->home, sizeof(a->home), slice_str(pw.pw_dir)) ||
		    !copy_text(a->name, sizeof(a->name), slice_str(pw.pw_name)))
			r = err_set(
			    err, ERR_INVALID, "user %s: home too long", name);
	}
	xfree(room);
	return r;
}

int
userdb_nss(const char *name, const struct userdb_conf *conf, struct account *a,
    struct err *err)
{
	gid_t groups[ACCOUNT_GROUPS_MAX];
	int n = ACCOUNT_GROUPS_MAX;

	memset(a, 0, sizeof(*a));
	if (nss_passwd(name, a, err) != 0)
		return -1;
	/* -1: more groups than are carried; the first ones are. */
	if (getgrouplist(a->name, a->gid, groups, &n) < 0)
		n = ACCOUNT_GROUPS_MAX;
	for (int i = 0; i < n; i++)
		a->groups[i] = groups[i];
	a->n_groups = (uint32_t)n;
	if (fill_folders(a, "", conf, err) != 0) {
		err->code = ERR_INVALID;
		return -1;
	}
	return 0;
}
