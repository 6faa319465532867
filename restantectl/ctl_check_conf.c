/* SPDX-License-Identifier: ISC */
/* check: certificates, PAM, folders, users: what the configuration names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libauth/auth_pam.h"
#include "libauth/uids.h"
#include "libauth/userdb.h"
#include "libauth/userfile.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libnet/tls_key.h"
#include "libserver/role.h"
#include "restantectl/ctl_check.h"

#define DAY           86400
#define MAX_PEM_BYTES 65536

/* ---- certificates ---- */

static int
read_small(const char *path, struct buf *b, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 1;

	if (fd < 0)
		return err_sys(err, "%s", path);
	while (n > 0) {
		char *room = buf_reserve(b, 4096);

		if (room == NULL) {
			(void)close(fd);
			return err_set(err, ERR_LIMIT, "%s: too large", path);
		}
		n = read(fd, room, 4096);
		if (n > 0)
			buf_commit(b, (size_t)n);
	}
	if (n < 0)
		err_sys(err, "%s", path);
	(void)close(fd);
	return n < 0 ? -1 : 0;
}

static void
check_cert_info(
    struct check *c, const char *path, const struct tls_cert_info *info)
{
	const char *host = conf_str(c->conf, "hostname");
	int64_t now = clock_now();

	if (info->not_before > now)
		check_fault(c, "%s: is not valid yet", path);
	if (info->not_after <= now)
		check_fault(c, "%s: has expired", path);
	else if (info->not_after < now + 14 * DAY)
		check_warn(c, "%s: expires in %lld days", path,
		    (long long)((info->not_after - now) / DAY));
	if (info->names == NULL || info->names[0] == '\0')
		check_fault(c, "%s: names no host", path);
	else if (host[0] != '\0' &&
	    !tls_cert_names_match(info->names, slice_str(host)))
		check_warn(c, "%s: is for %s, not for hostname %s", path,
		    info->names, host);
}

static void
check_key(struct check *c, const struct conf_cert *cc, struct slice cert,
    struct slice pem)
{
	struct tls_key *key;
	struct stat st;
	struct err err;

	if (stat(cc->key, &st) == 0 && (st.st_mode & 0077) != 0)
		check_fault(c,
		    "%s: others may read this private key: chmod 600", cc->key);
	key = tls_key_load(pem, &err);
	if (key == NULL) {
		check_fault(c, "%s: %s", cc->key, err.text);
		return;
	}
	if (tls_cert_check_key(cert, key, &err) != 0)
		check_fault(c, "%s does not belong to %s: %s", cc->key,
		    cc->certificate, err.text);
	tls_key_free(&key);
}

static void
check_pair(struct check *c, const struct conf_cert *cc)
{
	struct tls_cert_info info;
	struct buf cert, key;
	struct err err;

	buf_init(&cert, MAX_PEM_BYTES);
	buf_init(&key, MAX_PEM_BYTES);
	if (read_small(cc->certificate, &cert, &err) != 0) {
		check_fault(c, "%s", err.text);
	} else if (tls_cert_read(buf_slice(&cert), &info, &err) != 0) {
		check_fault(c, "%s: %s", cc->certificate, err.text);
	} else {
		check_cert_info(c, cc->certificate, &info);
		tls_cert_info_free(&info);
	}
	if (read_small(cc->key, &key, &err) != 0)
		check_fault(c, "%s", err.text);
	else
		check_key(c, cc, buf_slice(&cert), buf_slice(&key));
	buf_free(&cert);
	buf_wipe(&key);
}

void
check_certificates(struct check *c)
{
	const struct conf_cert *certs;
	size_t n = conf_certs(c->conf, &certs);

	if (n == 0)
		check_fault(c,
		    "none: nobody but this machine can log in; write "
		    "certificates = ({ certificate = \"...\"; key = \"...\"; "
		    "})");
	for (size_t i = 0; i < n; i++)
		check_pair(c, &certs[i]);
}

/* ---- PAM ---- */

void
check_pam(struct check *c)
{
	const char *confdir = conf_str(c->conf, "pam_confdir");
	const char *where = confdir[0] != '\0' ? confdir : "/etc/pam.d";

	for (const struct ctl_daemon *d = ctl_daemons; d->name != NULL; d++) {
		char service[32];

		if (!conf_bool(c->conf, d->enable))
			continue;
		(void)snprintf(service, sizeof(service), "restante-%s", d->pam);
		if (!auth_pam_has_service(confdir, service) &&
		    !auth_pam_has_service(confdir, "restante"))
			check_fault(c,
			    "no service %s or restante in %s: nobody can log "
			    "in to %s",
			    service, where, d->name);
	}
}

/* ---- folders ---- */

/* A folder that must be there, belong to owner (-1: root or us) and not be
 * writable by others. */
static void
check_folder(
    struct check *c, const char *setting, uid_t owner, mode_t forbidden)
{
	const char *path = conf_str(c->conf, setting);
	uid_t me = geteuid();
	struct stat st;

	if (stat(path, &st) != 0) {
		check_fault(c, "%s %s: %s", setting, path, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		check_fault(c, "%s %s: not a folder", setting, path);
		return;
	}
	if (owner == (uid_t)-1 && st.st_uid != 0 && st.st_uid != me)
		check_fault(c, "%s %s: belongs to uid %u, not to root", setting,
		    path, st.st_uid);
	if (owner != (uid_t)-1 && st.st_uid != owner)
		check_fault(c, "%s %s: belongs to uid %u, not to %u", setting,
		    path, st.st_uid, owner);
	if ((st.st_mode & forbidden) != 0)
		check_fault(c, "%s %s: mode %o is too open", setting, path,
		    st.st_mode & 07777);
}

static void
check_is_empty(struct check *c, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	unsigned n = 0;

	if (dir == NULL)
		return; /* told already */
	while ((d = readdir(dir)) != NULL)
		n +=
		    strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	(void)closedir(dir);
	if (n > 0)
		check_fault(c, "empty_dir %s: is not empty", path);
}

void
check_folders(struct check *c)
{
	uid_t queue = geteuid();
	gid_t gid;
	struct err err;

	check_folder(c, "run_dir", (uid_t)-1, 0022);
	check_folder(c, "empty_dir", (uid_t)-1, 0022);
	check_is_empty(c, conf_str(c->conf, "empty_dir"));
	if (!conf_bool(c->conf, "submission"))
		return;
	if (geteuid() == 0 &&
	    role_user(c->conf, "queue_user", &queue, &gid, &err) != 0)
		return; /* told as a service user */
	check_folder(c, "spool_dir", queue, 0077);
}

/* ---- users ---- */

static void
check_entry(struct check *c, const struct userfile_entry *e,
    const struct userdb_conf *uc, struct idmap *uids)
{
	struct account *a = xcalloc(1, sizeof(*a));
	struct err err;

	(void)idmap_put(uids, e->uid, uids);
	if (userdb_from_entry(a, e, uc, 0, &err) != 0)
		check_fault(c, "line %u: %s", e->line, err.text);
	if (e->uid == 0 || e->uid < uc->first_uid)
		check_warn(c,
		    "line %u: %.*s: uid %u is below first_uid, "
		    "logins are refused",
		    e->line, SLICE_ARG(e->name), e->uid);
	if (userdb_is_refused_name(a->name))
		check_warn(c, "line %u: %s never logs in", e->line, a->name);
	xfree(a);
}

static void
check_file_mode(struct check *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	if ((st.st_mode & 0022) != 0)
		check_fault(c, "%s: others may write it: chmod 600", path);
	else if ((st.st_mode & 0004) != 0)
		check_warn(c,
		    "%s: everybody may read the password hashes: "
		    "chmod 600",
		    path);
}

void
check_users(struct check *c)
{
	const char *path = conf_str(c->conf, "users_file");
	struct userfile_stamp stamp;
	struct userdb_conf uc;
	struct idmap uids = { 0 };
	struct userfile f;
	struct err err;
	size_t users = 0;

	if (path[0] == '\0')
		return;
	userfile_init(&f);
	userdb_conf_from(&uc, c->conf);
	if (userfile_load(&f, path, &stamp, &err) != 0)
		check_fault(c, "%s", err.text);
	check_file_mode(c, path);
	for (size_t i = 0; i < f.n; i++) {
		if (f.entries[i].name.n == 0)
			continue;
		users++;
		check_entry(c, &f.entries[i], &uc, &uids);
	}
	if (users > 1 && uids.m.n < users / 2 + 1)
		check_warn(c,
		    "%zu users share %zu uids: they share the kernel's wall "
		    "and its limits (inotify), too",
		    users, uids.m.n);
	idmap_free(&uids);
	userfile_free(&f);
}

/* ---- uids ---- */

static void
tell_clash(
    void *arg, const char *file, const char *name, uint64_t lo, uint64_t hi)
{
	check_fault(arg, "virtual_uids overlaps %s in %s (%llu-%llu)", name,
	    file, (unsigned long long)lo, (unsigned long long)hi);
}

void
check_uids(struct check *c)
{
	struct err err;
	uid_t lo, hi;

	if (!conf_uid_range(c->conf, "virtual_uids", &lo, &hi))
		return;
	if (lo < conf_u64(c->conf, "first_uid"))
		check_fault(c, "virtual_uids begins below first_uid");
	/* Who runs everything as himself shares his uid on purpose. */
	if (lo == hi && lo == geteuid())
		return;
	if (uids_clash(lo, hi, tell_clash, c, &err) != 0)
		check_warn(c, "%s", err.text);
}
