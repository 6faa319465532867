/* SPDX-License-Identifier: ISC */
/*
 * Who a user is: name, ids, home, mail folder, attributes. System users come
 * from NSS (asked in helpers only, it may block), virtual ones from the users
 * file (read by the auth role). Both are brought into one struct user here.
 */
#ifndef LIBAUTH_USERDB_H
#define LIBAUTH_USERDB_H

#include <sys/types.h>

#include "libauth/userfile.h"
#include "libbase/ceilings.h"

#define MAX_USER_GROUPS 64 /* of one user; more are not carried */
#define MAX_USER_PATH   512

struct user {
	char name[MAX_USER + 1]; /* canonical; used everywhere after login */
	uid_t uid;
	gid_t gid;
	gid_t groups[MAX_USER_GROUPS];
	unsigned n_groups;
	bool is_virtual; /* stands in the users file */
	char home[MAX_USER_PATH];
	struct attrs attrs;
};

/* What of the configuration names and folders depend on. Borrowed text. */
struct userdb_conf {
	const char *const *domains; /* NULL at the end */
	const char *mail_location;
	const char *control_location; /* "" in the mail folder */
	const char *index_location;   /* "" in the mail folder */
	uid_t first_uid;
};

/*
 * The login name as it is looked up: ASCII folded; "name@domain" with a domain
 * of ours is "name" unless the users file has the full name (DESIGN 8). f may
 * be NULL. out has MAX_USER + 1 bytes. -1: over-long, empty, or not a name.
 */
int userdb_canonical(struct slice login, const struct userdb_conf *conf,
    const struct userfile *f, char *out) MUST_CHECK;

/* Names nobody logs in with, whatever PAM says: root, anonymous, guest,
 * administrator (with or without a domain). */
bool userdb_is_refused_name(const char *name);

/* May this user come in on that day (days since 1970) by uid, lock, expiry? 0
 * yes; -1 no: err names which (ERR_DENIED). first_uid is not asked of virtual
 * users with uid 0 excepted: uid 0 never. */
int userdb_may_enter(const struct user *u, const struct userdb_conf *conf,
    uint32_t today, struct err *err) MUST_CHECK;

/* From an entry of the users file: groups are the gid alone. */
void userdb_from_entry(struct user *u, const struct userfile_entry *e);

/* From NSS: getpwnam_r, getgrouplist. ERR_NOTFOUND, or ERR_TEMP when a service
 * is down. May block: helpers only. */
int userdb_nss(const char *name, struct user *u, struct err *err) MUST_CHECK;

/* Expand %u (name), %n (before @), %d (after @), %h (home), %% and a leading
 * "~/" (home). out has size bytes; -1 when it does not fit, is not absolute, or
 * a name part would leave its folder. */
int userdb_expand(const char *pattern, const struct user *u, char *out,
    size_t size, struct err *err) MUST_CHECK;
/* The mail folder: the attribute mail, else mail_location, else %h/Maildir. */
int userdb_mail_root(const struct user *u, const struct userdb_conf *conf,
    char *out, size_t size, struct err *err) MUST_CHECK;

#endif
