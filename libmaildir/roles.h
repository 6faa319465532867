/* SPDX-License-Identifier: ISC */
/*
 * What folders are for (RFC 6154): by their names, as people and clients call
 * them. Nothing is kept on disk about it. Each role has one folder at most: the
 * one named by the settings, else the first that is there of the known names.
 * Names are looked for below the namespace's prefix, at its first level; ASCII
 * case does not matter.
 */
#ifndef LIBMAILDIR_ROLES_H
#define LIBMAILDIR_ROLES_H

#include "libbase/err.h"
#include "libbase/slice.h"

struct store;
struct store_list;

enum folder_role {
	ROLE_DRAFTS,
	ROLE_SENT,
	ROLE_TRASH,
	ROLE_JUNK,
	ROLE_ARCHIVE,
	N_ROLES
};

struct roles_conf {
	const char *names[N_ROLES]; /* without prefix; "": none of its own */
};

struct roles {
	struct slice names[N_ROLES]; /* client's form; p NULL: nobody has it */
};

/* "\\Drafts" */
const char *role_attribute(enum folder_role role);

/* Who has which role; valid as long as the list, which is rewound. */
void roles_find(const struct store *st, struct store_list *list,
    const struct roles_conf *conf, struct roles *out);

/*
 * At a user's first login, that is while nobody has subscribed to anything yet
 * (no file of subscriptions, also none of Courier): make the folders that the
 * settings name for roles that nobody has, then subscribe to all that have one.
 * After that there are subscriptions, so what the user deletes stays deleted.
 * Flushes in place. *made_out: how many folders. 0, or -1: what was not done is
 * tried again at the next login.
 */
int roles_make(struct store *st, const struct roles_conf *conf,
    unsigned *made_out, struct err *err) MUST_CHECK;

#endif
