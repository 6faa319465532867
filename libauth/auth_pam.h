/* SPDX-License-Identifier: ISC */
/*
 * The PAM conversation, in a helper's process: may block, may crash. Keeps one
 * handle a service open, so that modules stay loaded.
 */
#ifndef LIBAUTH_AUTH_PAM_H
#define LIBAUTH_AUTH_PAM_H

#include "libbase/err.h"
#include "libserver/ipc_messages.h"

struct auth_pam;

/* protocol: "imap": the service is restante-imap, or restante when there is no
 * such file. confdir "" is the system's. with_session: open and close a PAM
 * session after a success. All text is copied. */
struct auth_pam *
auth_pam_new(const char *protocol, const char *confdir, bool with_session);
void auth_pam_free(struct auth_pam *p); /* NULL is fine */

/*
 * One login. secret: NUL behind it; wiped by the caller. user_out gets the name
 * PAM ended with (MAX_USER + 1 bytes), when LOGIN_OK or LOGIN_EXPIRED. Answers
 * LOGIN_OK, _FAILED, _EXPIRED or _UNAVAILABLE; err->text says why it is not OK.
 */
enum login_code auth_pam_check(struct auth_pam *p, const char *user,
    const char *rhost, const char *secret, char *user_out, struct err *err);

/* The name of the service a login would use, or NULL (neither file is there).
 */
const char *auth_pam_service(const struct auth_pam *p);
/* Is there a service file of that name in confdir ("" the system's)? */
bool auth_pam_has_service(const char *confdir, const char *service);

#endif
