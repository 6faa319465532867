/* SPDX-License-Identifier: ISC */
/*
 * One question, one verdict. The auth role answers logins of the frontends
 * (LOGIN_TRY), questions of the queue (USER_LOOKUP, DELIVER) and signs with the
 * private keys. It is root, runs in no sandbox, and reads of a client nothing
 * but bounded names and a bounded secret; PAM and NSS live in its helpers,
 * which hold no key. A daemon puts both rows into its family.roles.
 */
#ifndef LIBAUTH_AUTH_H
#define LIBAUTH_AUTH_H

#include "libserver/ipc_messages.h"
#include "libserver/role.h"

extern const struct role_spec auth_role;   /* auth.c */
extern const struct role_spec helper_role; /* auth_helper.c */

/*
 * How a login ends, in each protocol's words (RFC 5530, RFC 3206, RFC 4954);
 * the number is enum login_code. Text never tells more than the code does.
 */
struct auth_words {
	const char *word; /* for the log: "failed", "unavailable", ... */
	const char *imap; /* "[AUTHENTICATIONFAILED] Text" behind NO */
	const char *pop3; /* "[AUTH] Text" behind -ERR */
	const char *smtp; /* "535 5.7.8 Text" */
};
/* Of LOGIN_OK only word is set. Any number is taken: unknown ones are
 * LOGIN_UNAVAILABLE. */
const struct auth_words *auth_words(unsigned code);

#endif
