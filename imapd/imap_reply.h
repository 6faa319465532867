/* SPDX-License-Identifier: ISC */
/*
 * What a client hears: untagged and tagged responses, and one table from error
 * classes to the client's words (RFC 3501 7.1, RFC 5530).
 * Response text is never empty, never 8-bit, without double or trailing blanks.
 */
#ifndef IMAPD_IMAP_REPLY_H
#define IMAPD_IMAP_REPLY_H

#include "imapd/command.h"
#include "libbase/buf.h"

/* "* " + text + CRLF into the output of the session. At most 500 bytes; longer
 * answers are made in a buf of their own and given to imap_put. */
void imap_untagged(struct imap_session *s, const char *fmt, ...) PRINTF(2, 3);
/* Raw bytes, as they are. */
void imap_put(struct imap_session *s, struct slice bytes);
/* "+ text\r\n"; text NULL gives a polite one, "" gives "+ \r\n" (SASL). */
void imap_continue(struct imap_session *s, const char *text);
/* "* BYE text". The caller closes. */
void imap_bye(struct imap_session *s, const char *code, const char *text);

/* The tagged reply of this command; return STEP_DONE, so that a step can
 * return them. code may be NULL. code and text are constants or lie in the
 * arena. */
enum step imap_ok(struct imap_cmd *cmd, const char *code, const char *text);
enum step imap_no(struct imap_cmd *cmd, const char *code, const char *text);
enum step imap_bad(struct imap_cmd *cmd, const char *text);
/* From cmd->err by the table (what STEP_FAIL does); logs what the client may
 * not know. */
enum step imap_fail(struct imap_cmd *cmd);
/* The same when a mailbox was the target: NOTFOUND becomes [TRYCREATE]. */
enum step imap_fail_target(struct imap_cmd *cmd);

/* RFC 9208 4.3.1: what this command added fits into the grace alone. */
void imap_tell_over_quota(struct imap_session *s);

/* Write the tagged reply that is set. */
void imap_reply_tagged(struct imap_cmd *cmd);

struct imap_reply_row {
	enum imap_status status;
	const char *code;
	const char *text;
};
const struct imap_reply_row *imap_reply_row(enum err_code code);

/* Values on the wire, appended to b. */
/* string: quoted when it is 7-bit and short of CR, LF, NUL; else a literal */
void imap_put_string(struct buf *b, struct slice s);
void imap_put_nstring(struct buf *b, struct slice s); /* p NULL: NIL */
/* astring of a mailbox name: UTF-8 to modified UTF-7, quoted if need be */
void imap_put_mailbox(struct buf *b, struct slice name);
/* "01-Feb-1994 12:00:00 +0100" in quotes (RFC 3501 9 date-time) */
void imap_put_date_time(struct buf *b, int64_t secs, int zone_mins);

#endif
