/* SPDX-License-Identifier: ISC */
/*
 * Who a user is: name, ids, home, mail folder, attributes. System users come
 * from NSS (asked in helpers only, it may block), virtual ones from the users
 * file (read by the auth role). Both are brought into one struct account here.
 */
#ifndef LIBAUTH_USERDB_H
#define LIBAUTH_USERDB_H

#include "libauth/userfile.h"
#include "libserver/account.h"

/* What of the configuration names and folders depend on. Borrowed text. */
struct userdb_conf {
	const char *const *domains;
	size_t n_domains;
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

/* May this user come in? By name, uid (0 never, below first_uid never), lock
 * and expiry. 0 yes; -1 no: err says why (ERR_DENIED). */
int userdb_may_enter(const struct account *a, const struct userdb_conf *conf,
    struct err *err) MUST_CHECK;

/* From an entry of the users file; today (days since 1970) decides whether it
 * has expired. Groups are the gid alone. -1: its folders cannot be named. */
int userdb_from_entry(struct account *a, const struct userfile_entry *e,
    const struct userdb_conf *conf, uint32_t today, struct err *err) MUST_CHECK;

/* From NSS: getpwnam_r, getgrouplist, and its folders. ERR_NOTFOUND: nobody;
 * ERR_TEMP: a service is down; ERR_INVALID: folders cannot be named. May block:
 * helpers only. */
int userdb_nss(const char *name, const struct userdb_conf *conf,
    struct account *a, struct err *err) MUST_CHECK;

/* Expand %u (name), %n (before @), %d (after @, else our first domain), %h
 * (home), %% and a leading
 * "~/" (home). out has size bytes; -1 when it does not fit, is not absolute, or
 * a name part would leave its folder. */
int userdb_expand(const char *pattern, const struct account *a,
    const struct userdb_conf *conf, char *out, size_t size,
    struct err *err) MUST_CHECK;
/* The part of the configuration, borrowed from c. */
struct conf;
void userdb_conf_from(struct userdb_conf *out, const struct conf *c);

#endif
