/* SPDX-License-Identifier: ISC */
/* How a login ends, in each protocol's words. */
#include <assert.h>

#include "libauth/auth.h"

static const struct auth_words words[] = {
	[LOGIN_OK] = { .word = "ok", .imap = "", .pop3 = "", .smtp = "" },
	[LOGIN_FAILED] = { .word = "failed",
	    .imap = "[AUTHENTICATIONFAILED] Authentication failed",
	    .pop3 = "[AUTH] Authentication failed",
	    .smtp = "535 5.7.8 Authentication failed" },
	[LOGIN_UNAVAILABLE] = { .word = "unavailable",
	    .imap = "[UNAVAILABLE] Temporary failure, try again later",
	    .pop3 = "[SYS/TEMP] Temporary failure, try again later",
	    .smtp = "454 4.7.0 Temporary failure, try again later" },
	[LOGIN_EXPIRED] = { .word = "expired",
	    .imap = "[EXPIRED] Password has expired",
	    .pop3 = "[AUTH] Password has expired",
	    .smtp = "535 5.7.8 Password has expired" },
	[LOGIN_DENIED] = { .word = "denied",
	    .imap = "[AUTHORIZATIONFAILED] Not allowed for this user",
	    .pop3 = "[AUTH] Not allowed for this user",
	    .smtp = "535 5.7.8 Not allowed for this user" },
	[LOGIN_PRIVACY] = { .word = "privacy",
	    .imap = "[PRIVACYREQUIRED] TLS is needed before login",
	    .pop3 = "[AUTH] TLS is needed before login",
	    .smtp = "538 5.7.11 TLS is needed before login" },
	[LOGIN_LIMIT] = { .word = "limit",
	    .imap = "[LIMIT] Too many logins, try again later",
	    .pop3 = "[SYS/TEMP] Too many logins, try again later",
	    .smtp = "454 4.7.0 Too many logins, try again later" },
	[LOGIN_CONTACTADMIN] = { .word = "contactadmin",
	    .imap = "[CONTACTADMIN] This account is not set up right",
	    .pop3 = "[SYS/PERM] This account is not set up right",
	    .smtp = "535 5.7.8 This account is not set up right" },
};
static_assert(N_ELEMENTS(words) == LOGIN_CODE_COUNT, "words for each code");

const struct auth_words *
auth_words(unsigned code)
{
	return &words[code < N_ELEMENTS(words) ? code : LOGIN_UNAVAILABLE];
}
