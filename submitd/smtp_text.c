/* SPDX-License-Identifier: ISC */
/*
 * The text behind DATA on its way into the spool: dots off, header held until
 * it is whole, every From: address asked about, header mended, then the body
 * straight into the file. What is wrong is remembered and the text read to its
 * end, so that the refusal comes where the client waits for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "submitd/fixup.h"
#include "submitd/smtp_data.h"
#include "submitd/smtp_reply.h"
#include "submitd/smtp_session.h"

#define MAX_HOPS 100 /* RFC 5321 6.3 */

struct smtp_text {
	struct smtp_data decoder;
	int fd;
	char id[SPOOL_ID_MAX];
	struct buf head; /* until the header is done: all that came */
	struct buf chunk;
	size_t head_n;           /* of head: lines known to be header */
	bool head_is_whole;      /* what comes behind head_n is body */
	bool header_done;        /* and it is written */
	bool ended;              /* the end mark was seen */
	uint64_t taken;          /* octets of text that came */
	uint64_t written;        /* octets in the file */
	struct smtp_words fault; /* code 0: none so far */
	struct arena arena;
	struct fixup_from from;
	const struct address *asked; /* of from, or NULL */
};

static void
fault(struct smtp_text *t, short code, const char *text)
{
	if (t->fault.code == 0)
		t->fault = (struct smtp_words){ code, text };
}

void
smtp_text_begin(struct smtp_session *s, int fd, const char *id)
{
	struct smtp_text *t = xcalloc(1, sizeof *t);

	t->fd = fd;
	snprintf(t->id, sizeof t->id, "%s", id);
	smtp_data_init(&t->decoder);
	buf_init(&t->head, MAX_HEADER_BYTES + 2 * IO_BLOCK);
	buf_init(&t->chunk, 2 * IO_BLOCK + 2);
	arena_init(&t->arena, MAX_COMMAND_ARENA);
	s->text = t;
	conn_set_max_in(s->fc->conn, IO_BLOCK);
	smtp_reply(s, 354, "End the message with a dot on a line of its own");
}

void
smtp_text_free(struct smtp_session *s)
{
	struct smtp_text *t = s->text;

	if (t == NULL)
		return;
	if (t->fd != -1)
		close(t->fd);
	buf_free(&t->head);
	buf_free(&t->chunk);
	arena_free(&t->arena);
	xfree(t);
	s->text = NULL;
	conn_set_max_in(s->fc->conn, MAX_SMTP_LINE + 2);
}

static void
write_out(struct smtp_session *s, struct slice bytes)
{
	struct smtp_text *t = s->text;

	while (bytes.n > 0 && t->fault.code == 0) {
		ssize_t n = write(t->fd, bytes.p, bytes.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EFBIG)
			fault(t, 552, "5.3.4 The message is too large");
		else if (n == -1 && (errno == ENOSPC || errno == EDQUOT))
			fault(t, 452,
			    "4.3.1 No space for the message, try later");
		else if (n == -1)
			fault(
			    t, 451, "4.3.0 Temporary failure, try again later");
		if (n == -1) {
			log_error(s->fc->id, "spool write failed", "error",
			    strerrordesc_np(errno), NULL);
			return;
		}
		t->written += (uint64_t)n;
		bytes = slice_from(bytes, (size_t)n);
	}
}

/* ---- the header ---- */

/* Judge the lines that came: the header ends with the empty line, or before a
 * line that cannot be one of its. */
static void
header_scan(struct smtp_text *t)
{
	while (!t->head_is_whole) {
		struct slice rest = slice_from(buf_slice(&t->head), t->head_n);
		ptrdiff_t nl = slice_find(rest, '\n');
		size_t n = (size_t)nl + 1;

		if (nl == -1)
			return;
		t->head_is_whole = n <= 2 ||
		    !fixup_is_header_line(
			slice_head(rest, n - 2), t->head_n == 0);
		if (n <= 2 || !t->head_is_whole)
			t->head_n += n;
	}
}

static struct slice
first_domain(const struct smtp_session *s)
{
	size_t n;
	const char *const *list =
	    conf_list(frontend_conf(s->fc), "domains", &n);

	return n == 0 ? slice_str(smtp_hostname(s)) : slice_str(list[0]);
}

/* The header is known and allowed: mend and write it, and what came behind. */
static void
header_write(struct smtp_session *s)
{
	struct smtp_text *t = s->text;
	struct slice all = buf_slice(&t->head);
	struct buf sender, out;
	struct tm tm;
	time_t now = clock_now();
	struct fixup f = { .hostname = slice_str(smtp_hostname(s)),
		.domain = first_domain(s),
		.protocol = SLICE("ESMTPSA"),
		.id = slice_str(t->id),
		.now = now };

	f.zone_minutes =
	    localtime_r(&now, &tm) == NULL ? 0 : (int)(tm.tm_gmtoff / 60);
	buf_init(&sender, 2 * MAX_ADDRESS);
	buf_init(&out, 2 * MAX_HEADER_BYTES + 4096);
	if (s->sender[0] != '\0')
		buf_puts(&sender, s->sender);
	else
		buf_printf(&sender, "%s@%.*s", s->user, SLICE_ARG(f.domain));
	f.sender = buf_slice(&sender);
	fixup_write(&f, &t->from, slice_head(all, t->head_n), &out);
	if (buf_ok(&out))
		write_out(s, buf_slice(&out));
	else
		fault(t, 552, "5.3.4 The header is too large");
	t->header_done = true;
	write_out(s, slice_from(all, t->head_n));
	buf_free(&sender);
	buf_free(&out);
	buf_free(&t->head);
}

/* Ask about the next address of From:, or go on when all were asked. */
static void
ask_next(struct smtp_session *s)
{
	struct smtp_text *t = s->text;
	const struct address *a =
	    t->asked == NULL ? t->from.from.first : t->asked->next;
	struct buf b;
	bool asked;

	while (a != NULL && a->kind != ADDRESS_MAILBOX)
		a = a->next;
	t->asked = a;
	if (a == NULL || t->fault.code != 0) {
		header_write(s);
		return;
	}
	buf_init(&b, MAX_ADDRESS);
	address_put(&b, SLICE_NONE, a->mailbox,
	    a->host.n == 0 ? first_domain(s) : a->host);
	if (!buf_ok(&b) || buf_slice(&b).n == 0) {
		fault(t, 550, "5.7.1 From: holds an address that is not yours");
		header_write(s);
	} else {
		asked =
		    smtp_ask(s, IPC_SPOOL_OWNS, WAIT_OWNS, buf_slice(&b), 0);
		if (!asked) {
			fault(
			    t, 451, "4.3.0 Temporary failure, try again later");
			header_write(s);
		}
	}
	buf_free(&b);
}

static void
header_ready(struct smtp_session *s)
{
	struct smtp_text *t = s->text;
	const struct address *a;
	unsigned mailboxes = 0;

	if (!buf_ok(&t->head) || t->head_n > MAX_HEADER_BYTES ||
	    (!t->head_is_whole && !t->ended))
		fault(t, 552, "5.3.4 The header is too large");
	fixup_read(
	    slice_head(buf_slice(&t->head), t->head_n), &t->arena, &t->from);
	for (a = t->from.from.first; a != NULL; a = a->next)
		mailboxes += a->kind == ADDRESS_MAILBOX;
	if (t->from.n_from > 1)
		fault(t, 550, "5.6.0 More than one From: field");
	else if (t->from.n_from == 1 && mailboxes == 0)
		fault(t, 550, "5.6.0 From: holds no address");
	if (t->arena.failed || mailboxes > 100)
		fault(t, 550, "5.6.0 From: holds too many addresses");
	if (t->from.n_received > MAX_HOPS)
		fault(t, 554, "5.4.6 Too many Received: fields, a loop");
	t->asked = NULL;
	if (t->fault.code != 0)
		header_write(s);
	else
		ask_next(s);
}

/* ---- the end ---- */

static void
refuse(struct smtp_session *s)
{
	struct smtp_words w = s->text->fault;

	smtp_reset(s);
	smtp_reply(s, w.code, w.text);
}

static void
text_end(struct smtp_session *s)
{
	struct smtp_text *t = s->text;

	if (t->decoder.fault == DATA_BARE)
		t->fault = (struct smtp_words){ 554,
			"5.6.0 A CR or LF stands alone (RFC 5321 2.3.8)" };
	else if (t->decoder.fault == DATA_NUL)
		t->fault =
		    (struct smtp_words){ 554, "5.6.0 A NUL is not mail" };
	if (t->fault.code != 0) {
		refuse(s);
		return;
	}
	/* whether it was taken must be heard, else it is sent twice */
	s->fc->is_busy =
	    smtp_ask(s, IPC_SPOOL_COMMIT, WAIT_COMMIT, SLICE_NONE, t->written);
	if (!s->fc->is_busy)
		smtp_reset(s);
}

void
smtp_text_owned(struct smtp_session *s, enum queue_answer a)
{
	struct smtp_text *t = s->text;

	if (t == NULL)
		return;
	if (a == QUEUE_SENDER)
		fault(t, 550, "5.7.1 From: holds an address that is not yours");
	else if (a != QUEUE_OK)
		fault(t, 451, "4.3.0 Temporary failure, try again later");
	ask_next(s);
}

void
smtp_text_done(struct smtp_session *s, enum queue_answer a)
{
	char id[SPOOL_ID_MAX];

	snprintf(id, sizeof id, "%s", s->text->id);
	smtp_text_free(s);
	s->n_rcpts = 0;
	s->sender[0] = '\0';
	smtp_enter(s, SMTP_READY);
	if (a == QUEUE_OK)
		out_printf(
		    conn_out(s->fc->conn), "250 2.0.0 Queued as %s\r\n", id);
	else
		smtp_reply_words(s, smtp_queue_words(a));
	frontend_not_busy(s->fc);
}

bool
smtp_text_run(struct smtp_session *s)
{
	struct smtp_text *t = s->text;
	struct slice in = slice_head(conn_in(s->fc->conn), 2 * IO_BLOCK);
	size_t used;

	if (t->ended && t->header_done) {
		text_end(s);
		return true;
	}
	if (in.n == 0)
		return false;
	buf_reset(&t->chunk);
	t->ended = smtp_data_feed(&t->decoder, in, &t->chunk, &used) == 1;
	conn_consume(s->fc->conn, used);
	t->taken += t->chunk.n;
	if (t->taken > conf_u64(frontend_conf(s->fc), "message_size"))
		fault(t, 552, "5.3.4 The message is too large");
	if (t->header_done) {
		write_out(s, buf_slice(&t->chunk));
		return true;
	}
	buf_put_slice(&t->head, buf_slice(&t->chunk));
	header_scan(t);
	if (t->ended || t->head_is_whole || !buf_ok(&t->head) ||
	    t->head.n > MAX_HEADER_BYTES)
		header_ready(s);
	return true;
}
