/* SPDX-License-Identifier: ISC */
/*
 * One question, one verdict. The auth role answers logins of the frontends
 * (LOGIN_TRY), questions of the queue (USER_LOOKUP, DELIVER) and signs with the
 * private keys. It is root, runs no sandbox, and reads of a client nothing but
 * a bounded name and a bounded secret; PAM and NSS live in its helpers
 * (auth_helper.c), which hold no key.
 */
#ifndef LIBAUTH_AUTH_H
#define LIBAUTH_AUTH_H

#include "libauth/userdb.h"

/*
 * How a login ends. Each protocol has its own words:
 *                        IMAP                     POP3            SMTP
 * AUTH_OK                OK                       +OK             235 2.7.0
 * AUTH_FAILED            [AUTHENTICATIONFAILED]   [AUTH]          535 5.7.8
 * AUTH_UNAVAILABLE       [UNAVAILABLE]            [SYS/TEMP]      454 4.7.0
 * AUTH_EXPIRED           [EXPIRED]                [AUTH]          535 5.7.8
 * AUTH_DENIED            [AUTHORIZATIONFAILED]    [AUTH]          535 5.7.8
 * AUTH_PRIVACY           [PRIVACYREQUIRED]        [AUTH]          538 5.7.11
 * AUTH_LIMIT             [LIMIT]                  [SYS/TEMP]      454 4.7.0
 * AUTH_CONTACTADMIN      [CONTACTADMIN]           [SYS/PERM]      535 5.7.8
 * (RFC 5530, RFC 3206, RFC 4954.) The same numbers travel in LOGIN_RESULT.
 */
enum auth_result {
	AUTH_OK,
	AUTH_FAILED,       /* wrong password, unknown user, refused name */
	AUTH_UNAVAILABLE,  /* try again later: PAM hangs, no session */
	AUTH_EXPIRED,      /* right, but the password has expired */
	AUTH_DENIED,       /* right, but this protocol is off for the user, or
			    * authzid is another user */
	AUTH_PRIVACY,      /* plaintext without TLS, not from loopback */
	AUTH_LIMIT,        /* too many tries wait, or too many connections */
	AUTH_CONTACTADMIN, /* the account is set up wrong: no home, bad uid */
	AUTH_RESULT_COUNT
};

/* Short stable word for the log: "ok", "failed", "unavailable", ... */
const char *auth_result_word(enum auth_result r);
/* RFC 5530 code ("AUTHENTICATIONFAILED"), "" for AUTH_OK. */
const char *auth_result_code(enum auth_result r);

#endif
