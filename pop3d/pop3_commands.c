/* SPDX-License-Identifier: ISC */
/* POP3 after login: the rows of the TRANSACTION state. */
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/fetch.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "pop3d/pop3_session.h"
#include "pop3d/pop3_surrogate.h"

/* ---- STAT, LIST, UIDL ---- */

static enum step
stat_step(struct pop3_session *s)
{
	uint64_t octets = 0;
	uint32_t i, n = 0;

	for (i = 0; i < s->n_messages; i++)
		if (!s->messages[i].is_deleted) {
			octets += s->messages[i].wire;
			n++;
		}
	out_printf(conn_out(s->conn), "+OK %u %llu\r\n", n,
	    (unsigned long long)octets);
	return STEP_DONE;
}

static void
put_size(struct pop3_session *s, uint32_t i)
{
	out_printf(conn_out(s->conn), "%u %llu\r\n", i + 1,
	    (unsigned long long)s->messages[i].wire);
}

static void
put_uidl(struct pop3_session *s, uint32_t i)
{
	struct buf b;

	buf_init(&b, KIB);
	pop3_put_uidl(s, s->messages[i].rec, &b);
	out_printf(conn_out(s->conn), "%u %s\r\n", i + 1, buf_cstr(&b));
	buf_free(&b);
}

static enum step
each_message(
    struct pop3_session *s, void (*put)(struct pop3_session *, uint32_t))
{
	if (s->number != 0) {
		out_puts(conn_out(s->conn), "+OK ");
		put(s, s->number - 1);
		return STEP_DONE;
	}
	if (s->cursor == 0)
		out_puts(conn_out(s->conn), "+OK\r\n");
	while (s->cursor < s->n_messages) {
		if (s->cursor > 0 && conn_out_is_high(s->conn))
			return STEP_DRAIN;
		if (!s->messages[s->cursor].is_deleted)
			put(s, s->cursor);
		s->cursor++;
	}
	out_puts(conn_out(s->conn), ".\r\n");
	return STEP_DONE;
}

static enum step
list_step(struct pop3_session *s)
{
	return each_message(s, put_size);
}

static enum step
uidl_step(struct pop3_session *s)
{
	enum step r = s->has_uidls ? STEP_DONE : pop3_compare_uidls(s);

	if (r != STEP_DONE)
		return r;
	return each_message(s, put_uidl);
}

/* ---- RETR, TOP ---- */

static void
mark_seen(struct pop3_session *s, struct mailbox_rec *rec)
{
	struct flag_change how = { .op = FLAG_ADD, .flags = FLAG_SEEN };
	struct err err;

	if (!conf_bool(s->user->se->conf, "pop3_mark_seen"))
		return;
	/* the message was read all the same */
	if (mailbox_change(s->box, rec, &how, s->view, &err) == -1)
		log_err(s->id, "not marked as seen", &err);
}

/* A part of the message that ends its last line (RFC 1939 3). */
static void
put_file(struct pop3_session *s, int fd, uint64_t off, uint64_t end)
{
	out_file(conn_out(s->conn), fd, off, end - off,
	    OUT_LF_TO_CRLF | OUT_DOT_STUFF | OUT_END_LINE, OUT_WIRE_UNKNOWN);
	out_puts(conn_out(s->conn), ".\r\n");
}

static void
put_surrogate(struct pop3_session *s, struct slice header)
{
	struct out *o = conn_out(s->conn);
	struct slice rest, line;
	struct buf b;

	buf_init(&b, 8 * MAX_HEADER_BYTES);
	pop3_surrogate_put(header, &b);
	for (rest = buf_slice(&b); rest.n > 0;) {
		(void)slice_cut(&rest, '\n', &line);
		if (line.n > 0 && line.p[0] == '.')
			out_puts(o, ".");
		out_slice(o, line);
		out_puts(o, "\r\n");
	}
	buf_free(&b);
}

/* The message up to end: as it is, or with another header for a client that
 * does not take UTF-8 in it (RFC 6856 2.1). -1: refused, and answered. */
static int
send_message(struct pop3_session *s, uint64_t end)
{
	struct buf header;
	struct err err;
	bool is_other;
	int fd;

	buf_init(&header, MAX_HEADER_BYTES);
	if ((!s->is_utf8 && fetch_header(s->fetch, &header, &err) == -1) ||
	    fetch_dup(s->fetch, &fd, &err) == -1) {
		buf_free(&header);
		(void)pop3_fail(s, &err);
		return -1;
	}
	is_other = pop3_surrogate_needed(buf_slice(&header)) && header.n <= end;
	if (is_other) {
		pop3_ok(s, "The header is made ASCII, say UTF8 to get it");
		put_surrogate(s, buf_slice(&header));
	} else
		out_printf(conn_out(s->conn), "+OK %llu octets\r\n",
		    (unsigned long long)s->messages[s->number - 1].wire);
	put_file(s, fd, is_other ? header.n : 0, end);
	buf_free(&header);
	return 0;
}

static enum step
retr_step(struct pop3_session *s)
{
	struct mailbox_rec *rec = s->messages[s->number - 1].rec;
	struct err err;
	int r;

	if (fetch_open(s->box, rec, &s->fetch, &err) == -1)
		return pop3_fail(s, &err);
	r = send_message(s, fetch_size(s->fetch));
	fetch_close(&s->fetch);
	if (r == 0)
		mark_seen(s, rec);
	return STEP_DONE;
}

/* Find where line number s->lines behind s->end ends. */
static enum step
scan_lines(struct pop3_session *s, struct err *err)
{
	char block[3000];
	size_t n;

	while (s->lines > 0 && s->end < fetch_size(s->fetch)) {
		const char *p = block, *nl;

		if (!conn_slice_left(s->conn))
			return STEP_AGAIN;
		if (fetch_read_stored(
			s->fetch, s->end, block, sizeof block, &n, err) == -1)
			return STEP_FAIL;
		if (n == 0) /* it became shorter */
			break;
		while (s->lines > 0 &&
		    (nl = memchr(p, '\n', n - (size_t)(p - block))) != NULL) {
			p = nl + 1;
			s->lines--;
		}
		s->end += s->lines > 0 ? n : (uint64_t)(p - block);
	}
	return STEP_DONE;
}

static enum step
top_step(struct pop3_session *s)
{
	struct err err;
	struct buf head;
	enum step r;

	if (s->fetch == NULL) {
		if (fetch_open(s->box, s->messages[s->number - 1].rec,
			&s->fetch, &err) == -1)
			return pop3_fail(s, &err);
		buf_init(&head, MAX_HEADER_BYTES);
		if (fetch_header(s->fetch, &head, &err) == -1) {
			buf_free(&head);
			fetch_close(&s->fetch);
			return pop3_fail(s, &err);
		}
		s->end = head.n;
		buf_free(&head);
	}
	r = scan_lines(s, &err);
	if (r == STEP_AGAIN)
		return r;
	if (r == STEP_FAIL)
		(void)pop3_fail(s, &err);
	else
		(void)send_message(s, s->end);
	fetch_close(&s->fetch);
	return STEP_DONE;
}

/* ---- DELE, RSET, NOOP ---- */

static enum step
dele_step(struct pop3_session *s)
{
	s->messages[s->number - 1].is_deleted = true;
	pop3_ok(s, "Deleted at QUIT");
	return STEP_DONE;
}

static enum step
rset_step(struct pop3_session *s)
{
	uint32_t i;

	for (i = 0; i < s->n_messages; i++)
		s->messages[i].is_deleted = false;
	pop3_ok(s, "All are kept");
	return STEP_DONE;
}

static enum step
noop_step(struct pop3_session *s)
{
	pop3_ok(s, "Here");
	return STEP_DONE;
}

const struct pop3_verb pop3_verbs_transaction[] = {
	{ "STAT", POP3_IN_TRANSACTION, ARGS_NONE, stat_step },
	{ "LIST", POP3_IN_TRANSACTION, ARGS_MAYBE_MESSAGE, list_step },
	{ "UIDL", POP3_IN_TRANSACTION, ARGS_MAYBE_MESSAGE, uidl_step },
	{ "RETR", POP3_IN_TRANSACTION, ARGS_MESSAGE, retr_step },
	{ "TOP", POP3_IN_TRANSACTION, ARGS_MESSAGE_LINES, top_step },
	{ "DELE", POP3_IN_TRANSACTION, ARGS_MESSAGE, dele_step },
	{ "RSET", POP3_IN_TRANSACTION, ARGS_NONE, rset_step },
	{ "NOOP", POP3_IN_TRANSACTION, ARGS_NONE, noop_step },
	{ "CAPA", POP3_IN_TRANSACTION, ARGS_NONE, pop3_capa },
	{ "LANG", POP3_IN_TRANSACTION, ARGS_TEXT, pop3_lang },
	{ "QUIT", POP3_IN_TRANSACTION, ARGS_NONE, pop3_quit },
	{ .name = NULL },
};
