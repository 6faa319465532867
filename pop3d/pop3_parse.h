/* SPDX-License-Identifier: ISC */
/* POP3's lines: where one ends, its words, its arguments (RFC 1939 3). Pure. */
#ifndef POP3D_POP3_PARSE_H
#define POP3D_POP3_PARSE_H

#include "libbase/buf.h"

/* What the arguments of a command are. */
enum pop3_args {
	ARGS_NONE,
	ARGS_TEXT,          /* anything, looked at by the command */
	ARGS_MESSAGE,       /* a message number */
	ARGS_MAYBE_MESSAGE, /* a message number or nothing */
	ARGS_MESSAGE_LINES  /* TOP */
};

struct pop3_command {
	uint32_t number;   /* of a message, 1 to the last; 0: none was given */
	uint32_t lines;    /* of TOP */
	struct slice text; /* of ARGS_TEXT, as it came */
};

/* What one look at the input came to. */
enum pop3_took {
	POP3_TOOK_NOTHING, /* more is wanted */
	POP3_TOOK_LINE,
	POP3_TOOK_LONG /* the end of a line over MAX_POP3_LINE */
};

/* The next line, ended by LF or CRLF, into line without them. *used_out bytes
 * of in are done with, also when it is not whole and too long to be kept.
 * *swallowing is the caller's memory of that, false at first. */
enum pop3_took pop3_parse_line(
    struct slice in, bool *swallowing, struct buf *line, size_t *used_out);

/* The command's word; rest is what stands behind the one blank (a password may
 * begin and end with blanks). False when a NUL is in it. */
bool
pop3_parse_word(struct slice line, struct slice *word_out, struct slice *rest);

/* Arguments of a command in a mailbox of n_messages. NULL, or the words of the
 * refusal. Whether the message is deleted is not asked here. */
const char *pop3_parse_args(enum pop3_args what, struct slice rest,
    uint32_t n_messages, struct pop3_command *out) MUST_CHECK;

#endif
