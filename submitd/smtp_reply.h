/* SPDX-License-Identifier: ISC */
/* What the client hears, with enhanced status codes (RFC 2034, RFC 3463). */
#ifndef SUBMITD_SMTP_REPLY_H
#define SUBMITD_SMTP_REPLY_H

#include "libserver/ipc_messages.h"
#include "submitd/ipc_queue.h"

struct smtp_words {
	short code;
	const char *text; /* enhanced code and words */
};

/* To a question put to the queue, and to a login. */
const struct smtp_words *smtp_queue_words(enum queue_answer a);
const struct smtp_words *smtp_login_words(enum login_code code);

#endif
