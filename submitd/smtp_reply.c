/* SPDX-License-Identifier: ISC */
/* What the client hears: one table an origin. */
#include <assert.h>

#include "submitd/smtp_reply.h"

static const struct smtp_words queue_words[] = {
	[QUEUE_OK] = { 250, "2.1.5 OK" },
	[QUEUE_SENDER] = { 550, "5.7.1 This is not one of your addresses" },
	[QUEUE_UNKNOWN] = { 550, "5.1.1 No such user here" },
	[QUEUE_REMOTE] = { 550,
	    "5.7.1 Mail for other hosts is not taken here" },
	[QUEUE_MANY] = { 452, "4.5.3 Too many recipients" },
	[QUEUE_RATE] = { 450, "4.7.1 Too much mail within an hour, try later" },
	[QUEUE_TEMP] = { 451, "4.3.0 Temporary failure, try again later" },
	[QUEUE_SPACE] = { 452, "4.3.1 No space for the message, try later" },
	[QUEUE_SIZE] = { 552, "5.3.4 The message is too large" },
	[QUEUE_LOOP] = { 554, "5.4.6 The alias has no end" },
	[QUEUE_ORDER] = { 451, "4.3.0 Temporary failure, try again later" },
};
static_assert(N_ELEMENTS(queue_words) == QUEUE_ANSWER_COUNT,
    "words for every answer of the queue");

static const struct smtp_words login_words[] = {
	[LOGIN_OK] = { 235, "2.7.0 Welcome" },
	[LOGIN_FAILED] = { 535, "5.7.8 User name or password is wrong" },
	[LOGIN_UNAVAILABLE] = { 454,
	    "4.7.0 Temporary failure, try again later" },
	[LOGIN_EXPIRED] = { 535, "5.7.8 The password has expired" },
	[LOGIN_DENIED] = { 535, "5.7.8 This account may not send mail here" },
	[LOGIN_PRIVACY] = { 538,
	    "5.7.11 Encryption is needed, start TLS first" },
	[LOGIN_LIMIT] = { 454,
	    "4.7.0 Too many tries or connections, try later" },
	[LOGIN_CONTACTADMIN] = { 535,
	    "5.7.8 The account is set up wrong, ask its administrator" },
};
static_assert(N_ELEMENTS(login_words) == LOGIN_CODE_COUNT,
    "words for every end of a login");

const struct smtp_words *
smtp_queue_words(enum queue_answer a)
{
	return &queue_words[(unsigned)a < QUEUE_ANSWER_COUNT ? a : QUEUE_TEMP];
}

const struct smtp_words *
smtp_login_words(enum login_code code)
{
	return &login_words[(unsigned)code < LOGIN_CODE_COUNT ?
		code :
		LOGIN_UNAVAILABLE];
}
