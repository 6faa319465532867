/* SPDX-License-Identifier: ISC */
/* What a client hears, and the table from error classes to its words. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "libbase/ceilings.h"
#include "libmaildir/mutf7.h"
#include "libnet/conn.h"
#include "libserver/log.h"

/* RFC 5530. What the program may not blame on the client is UNAVAILABLE or
 * SERVERBUG. */
static const struct imap_reply_row rows[] = {
	[ERR_OK] = { IMAP_NO, "SERVERBUG", "Internal error" },
	[ERR_TEMP] = { IMAP_NO, "UNAVAILABLE", "Temporary failure" },
	[ERR_NOSPACE] = { IMAP_NO, "OVERQUOTA", "Not enough space" },
	[ERR_QUOTA] = { IMAP_NO, "OVERQUOTA", "Quota exceeded" },
	[ERR_LIMIT] = { IMAP_NO, "LIMIT", "Over a limit of this server" },
	[ERR_INVALID] = { IMAP_NO, "CANNOT", "Not possible" },
	[ERR_NOTFOUND] = { IMAP_NO, "NONEXISTENT", "No such mailbox" },
	[ERR_EXISTS] = { IMAP_NO, "ALREADYEXISTS", "Mailbox exists already" },
	[ERR_DENIED] = { IMAP_NO, "NOPERM", "Not allowed" },
	[ERR_GONE] = { IMAP_NO, "EXPUNGEISSUED",
	    "Some of the messages have been expunged" },
	[ERR_BUSY] = { IMAP_NO, "INUSE", "In use, try again" },
	[ERR_CORRUPT] = { IMAP_NO, "UNAVAILABLE", "Message is not readable" },
	[ERR_UNSUPPORTED] = { IMAP_NO, "CANNOT", "Not supported" },
	[ERR_CLOSED] = { IMAP_NO, "UNAVAILABLE", "Temporary failure" },
};
static_assert(N_ELEMENTS(rows) == ERR_COUNT, "a row for every class");

const struct imap_reply_row *
imap_reply_row(enum err_code code)
{
	assert(code < ERR_COUNT);
	return &rows[code];
}

/* ---- writing ---- */

void
imap_put(struct imap_session *s, struct slice bytes)
{
	out_slice(conn_out(s->conn), bytes);
}

void
imap_untagged(struct imap_session *s, const char *fmt, ...)
{
	char text[512];
	struct out *o = conn_out(s->conn);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* longer ones are made in a buf: see imap_put */
	assert(n > 0 && (size_t)n < sizeof(text));
	out_puts(o, "* ");
	out_bytes(o, text, (size_t)n);
	out_puts(o, "\r\n");
}

void
imap_continue(struct imap_session *s, const char *text)
{
	out_printf(
	    conn_out(s->conn), "+ %s\r\n", text == NULL ? "Go on" : text);
}

void
imap_bye(struct imap_session *s, const char *code, const char *text)
{
	if (code != NULL)
		imap_untagged(s, "BYE [%s] %s", code, text);
	else
		imap_untagged(s, "BYE %s", text);
}

/* ---- the tagged reply ---- */

static enum step
set_reply(struct imap_cmd *cmd, enum imap_status status, const char *code,
    const char *text)
{
	cmd->status = status;
	cmd->code = code;
	cmd->text = text;
	return STEP_DONE;
}

enum step
imap_ok(struct imap_cmd *cmd, const char *code, const char *text)
{
	return set_reply(cmd, IMAP_OK, code, text);
}

enum step
imap_no(struct imap_cmd *cmd, const char *code, const char *text)
{
	return set_reply(cmd, IMAP_NO, code, text);
}

enum step
imap_bad(struct imap_cmd *cmd, const char *text)
{
	return set_reply(cmd, IMAP_BAD, NULL, text);
}

/* One failure makes one line, when it is ours. */
static void
log_failure(struct imap_cmd *cmd)
{
	switch (cmd->err.code) {
	case ERR_OK:
	case ERR_TEMP:
	case ERR_NOSPACE:
	case ERR_CORRUPT:
	case ERR_CLOSED:
		log_error(cmd->s->id, "command failed", "command",
		    cmd->verb->name, "err", cmd->err.text, NULL);
		break;
	case ERR_QUOTA:
	case ERR_LIMIT:
	case ERR_INVALID:
	case ERR_NOTFOUND:
	case ERR_EXISTS:
	case ERR_DENIED:
	case ERR_GONE:
	case ERR_BUSY:
	case ERR_UNSUPPORTED:
	case ERR_COUNT:
		log_debug(cmd->s->id, "command refused", "command",
		    cmd->verb->name, "err", cmd->err.text, NULL);
		break;
	}
}

enum step
imap_fail(struct imap_cmd *cmd)
{
	const struct imap_reply_row *row = imap_reply_row(cmd->err.code);

	log_failure(cmd);
	return set_reply(cmd, row->status, row->code, row->text);
}

enum step
imap_fail_target(struct imap_cmd *cmd)
{
	if (cmd->err.code == ERR_NOTFOUND)
		return imap_no(cmd, "TRYCREATE", "No such mailbox");
	return imap_fail(cmd);
}

void
imap_tell_over_quota(struct imap_session *s)
{
	imap_untagged(s, "NO [OVERQUOTA] Over quota, nothing more fits");
}

void
imap_reply_tagged(struct imap_cmd *cmd)
{
	static const char *const words[] = { "OK", "NO", "BAD" };
	struct out *o = conn_out(cmd->s->conn);

	if (cmd->tag.n == 0)
		out_puts(o, "*");
	else
		out_slice(o, cmd->tag);
	out_printf(o, " %s ", words[cmd->status]);
	if (cmd->code != NULL)
		out_printf(o, "[%s] ", cmd->code);
	if (cmd->text != NULL)
		out_printf(o, "%s\r\n", cmd->text);
	else if (cmd->verb != NULL)
		out_printf(o, "%s completed\r\n", cmd->verb->name);
	else
		out_puts(o, "Completed\r\n");
}

/* ---- values ---- */

static bool
may_be_quoted(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n' ||
		    (s.p[i] & 0x80) != 0)
			return false;
	}
	return s.n <= 1000;
}

void
imap_put_string(struct buf *b, struct slice s)
{
	size_t i;

	if (!may_be_quoted(s)) {
		buf_printf(b, "{%zu}\r\n", s.n);
		buf_put_slice(b, s);
		return;
	}
	buf_putc(b, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, s.p[i]);
	}
	buf_putc(b, '"');
}

void
imap_put_nstring(struct buf *b, struct slice s)
{
	if (s.p == NULL)
		buf_puts(b, "NIL");
	else
		imap_put_string(b, s);
}

void
imap_put_mailbox(struct buf *b, struct slice name)
{
	struct buf wire;

	/* each character is at most six octets of base64 */
	buf_init(&wire, 6 * MAX_MAILBOX_NAME);
	if (mutf7_encode(name, &wire) == -1 || !buf_ok(&wire))
		imap_put_string(b, name);
	else if (imap_is_atom(buf_slice(&wire)) &&
	    !slice_ieq_str(buf_slice(&wire), "NIL"))
		buf_put_slice(b, buf_slice(&wire));
	else
		imap_put_string(b, buf_slice(&wire));
	buf_free(&wire);
}

static char *
put_2(char *p, int v)
{
	*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *
put_text(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}

/* "dd-Mon-yyyy hh:mm:ss +zzzz": by hand, as every message of a mailbox has one.
 */
static void
put_date(struct buf *b, const struct tm *tm, bool is_west, int zone)
{
	static const char months[] = "-Jan--Feb--Mar--Apr--May--Jun-"
				     "-Jul--Aug--Sep--Oct--Nov--Dec-";
	char *p = buf_reserve(b, 28), *start = p;

	if (p == NULL)
		return;
	*p++ = '"';
	p = put_2(p, tm->tm_mday);
	p = put_text(p, months + (size_t)tm->tm_mon * 5, 5);
	p = put_2(p, (tm->tm_year + 1900) / 100);
	p = put_2(p, (tm->tm_year + 1900) % 100);
	*p++ = ' ';
	p = put_2(p, tm->tm_hour);
	*p++ = ':';
	p = put_2(p, tm->tm_min);
	*p++ = ':';
	p = put_2(p, tm->tm_sec);
	p = put_text(p, is_west ? " -" : " +", 2);
	p = put_2(p, zone / 60);
	p = put_2(p, zone % 60);
	*p++ = '"';
	buf_commit(b, (size_t)(p - start));
}

void
imap_put_date_time(struct buf *b, int64_t secs, int zone_mins)
{
	int zone = zone_mins < 0 ? -zone_mins : zone_mins;
	time_t local = (time_t)(secs + zone_mins * 60);
	struct tm tm;

	/* what no date-time can say (years beyond 9999) is the epoch */
	if (gmtime_r(&local, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 8099) {
		local = 0;
		(void)gmtime_r(&local, &tm);
	}
	put_date(b, &tm, zone_mins < 0, zone);
}
