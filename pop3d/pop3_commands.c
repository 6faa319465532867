/* SPDX-License-Identifier: ISC */
/* POP3 after login: the snapshot and the rows of the TRANSACTION state. */
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/fetch.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "pop3d/pop3_session.h"
#include "pop3d/pop3_surrogate.h"

#define EXPUNGE_PORTION 100 /* files deleted before others are served */

/* ---- the snapshot ---- */

static enum step
give_up(struct pop3_session *s, const struct err *err)
{
	(void)pop3_fail(s, err);
	pop3_close(s, "mailbox");
	return STEP_INPUT;
}

static void
note_messages(struct pop3_session *s)
{
	struct mailbox_status st;
	uint32_t i;

	(void)view_update(s->view, true, NULL);
	mailbox_status(s->box, &st);
	s->uidvalidity = st.uidvalidity;
	s->n_messages = view_count(s->view);
	s->messages = xcalloc(s->n_messages + 1, sizeof *s->messages);
	for (i = 0; i < s->n_messages; i++)
		s->messages[i].uid = view_rec(s->view, i + 1)->uid;
}

/* Sizes that no name tells are counted now: LIST must be exact. */
static enum step
load_sizes(struct pop3_session *s)
{
	struct err err;

	while (s->cursor < s->n_messages) {
		struct pop3_message *m = &s->messages[s->cursor];
		struct mailbox_rec *rec = view_rec(s->view, s->cursor + 1);

		if (mailbox_sizes(s->box, rec, &err) == 0)
			m->wire = rec->wire;
		else if (err.code != ERR_GONE)
			return give_up(s, &err);
		s->cursor++;
		if (!conn_slice_left(s->conn))
			return STEP_AGAIN;
	}
	return STEP_DONE;
}

enum step
pop3_load(struct pop3_session *s)
{
	struct err err;
	enum step r;

	if (s->messages == NULL) {
		r = view_refresh(s->view, &s->flush, &err);
		if (r == STEP_FAIL)
			return give_up(s, &err);
		if (r == STEP_EVENT) {
			/* another process has the lock: look again soon */
			timer_start_ms(&s->retry, MAILBOX_RETRY_MS);
			return r;
		}
		if (r != STEP_DONE)
			return r;
		note_messages(s);
		s->cursor = 0;
	}
	r = load_sizes(s);
	if (r != STEP_DONE)
		return r;
	out_printf(conn_out(s->conn), "+OK %u messages\r\n", s->n_messages);
	pop3_enter(s, POP3_TRANSACTION);
	return STEP_DONE;
}

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

/* Fixed width, so that two messages never share one: UID and UIDVALIDITY, as
 * Dovecot writes them by default (pop3_uidl_format %08Xu%08Xv). */
static void
put_uidl(struct pop3_session *s, uint32_t i)
{
	out_printf(conn_out(s->conn), "%u %08x%08x\r\n", i + 1,
	    s->messages[i].uid, s->uidvalidity);
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
	struct mailbox_rec *rec = view_rec(s->view, s->number);
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

/* Find where line number s->lines of the body ends; from s->offset on. */
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
		if (fetch_open(s->box, view_rec(s->view, s->number), &s->fetch,
			&err) == -1)
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

/* ---- DELE, RSET, NOOP, QUIT ---- */

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

static void
collect_deleted(struct pop3_session *s, struct seqset *uids)
{
	uint32_t i;

	for (i = 0; i < s->n_messages; i++)
		if (s->messages[i].is_deleted)
			seqset_add(
			    uids, s->messages[i].uid, s->messages[i].uid);
}

static void
end_update(struct pop3_session *s)
{
	if (s->failed)
		(void)pop3_err(
		    s, "[SYS/TEMP] Some deleted messages were not removed");
	else
		pop3_ok(s, "Bye");
	pop3_close(s, "quit");
}

/* RFC 1939 6: the UPDATE state. */
static enum step
quit_step(struct pop3_session *s)
{
	struct seqset uids;
	struct err err;
	int more;

	pop3_enter(s, POP3_UPDATE);
	seqset_init(&uids, MAX_VIEW_RANGES);
	collect_deleted(s, &uids);
	do {
		more = uids.n == 0 ? 0 :
				     view_expunge(s->view, &uids, true,
					 &s->cursor, EXPUNGE_PORTION, &err);
		if (more == -1) {
			log_err(s->id, "not deleted", &err);
			s->failed = true;
		}
	} while (more != 0 && conn_slice_left(s->conn));
	seqset_free(&uids);
	if (more != 0)
		return STEP_AGAIN;
	end_update(s);
	return STEP_INPUT;
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
	{ "QUIT", POP3_IN_TRANSACTION, ARGS_NONE, quit_step },
	{ .name = NULL },
};
