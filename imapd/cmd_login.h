/* SPDX-License-Identifier: ISC */
/* What the frontend tells the command that logs in. */
#ifndef IMAPD_CMD_LOGIN_H
#define IMAPD_CMD_LOGIN_H

#include "imapd/imap_session.h"
#include "libserver/ipc_messages.h"

/* auth said no: the step runs next and replies. */
void login_refused(struct imap_session *s, enum login_code code);

#endif
