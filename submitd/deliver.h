/* SPDX-License-Identifier: ISC */
/*
 * The delivery process: the owner's uid, in the sandbox of a session, for one
 * user. Takes jobs from the queue (ipc_queue.h), one at a time: copies the text
 * into restante/stage of the mail folder, says so, and when the queue has
 * recorded that, makes it a message of the mailbox.
 */
#ifndef SUBMITD_DELIVER_H
#define SUBMITD_DELIVER_H

#include "libserver/session.h"

extern const struct session_ops smtp_deliver;

#endif
