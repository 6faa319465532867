/* SPDX-License-Identifier: ISC */
/* SEARCH: message by message, then the numbers of those that were found. */
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/search_run.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Messages, or numbers told, before the clock is looked at. */
#define PORTION     64
/* "4294967295 " that many times. */
#define MAX_NUMBERS (16 * PORTION)

enum {
	SEARCH_RUN,
	SEARCH_TELL
};

struct search_ctx {
	struct search_run run;
	uint32_t next;       /* sequence number to look at */
	struct seqset found; /* UIDs in the UID form */
	struct seqset_iter told;
	struct err err; /* of a message that could not be read */
};

static void
search_drop(struct imap_cmd *cmd)
{
	struct search_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	search_run_free(&x->run);
	seqset_free(&x->found);
}

/* RFC 3501 6.4.4: CHARSET before the keys. Strings are taken as UTF-8, of
 * which US-ASCII is a part. NULL: the reply is set. */
static const struct imap_arg *
read_charset(struct imap_cmd *cmd, const struct imap_arg *a)
{
	const struct imap_arg *name;

	if (!imap_arg_is(a, "CHARSET"))
		return a;
	name = a->next;
	if (name == NULL || !imap_arg_is_astring(name) || name->next == NULL) {
		(void)imap_bad(cmd, "Charset and search keys expected");
		return NULL;
	}
	if (!slice_ieq_str(name->text, "US-ASCII") &&
	    !slice_ieq_str(name->text, "UTF-8")) {
		(void)imap_no(
		    cmd, "BADCHARSET (US-ASCII UTF-8)", "Unknown charset");
		return NULL;
	}
	return name->next;
}

/* STEP_AGAIN: go on; else the reply is set. */
static enum step
search_begin(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	const struct search_scope scope = { .max_seq = view_count(s->view),
		.max_uid = view_max_uid(s->view) };
	const struct imap_arg *keys = read_charset(cmd, cmd->v[0].arg);
	struct search_ctx *x;
	struct search_program *p;
	struct err err = { 0 };

	if (keys == NULL)
		return STEP_DONE;
	p = search_parse(keys, scope, cmd->arena, &err);
	x = arena_zero(cmd->arena, sizeof(*x));
	if (p == NULL)
		return imap_bad(cmd, arena_strdup(cmd->arena, err.text));
	if (x == NULL)
		return imap_bad(cmd, "Command too large");
	search_run_init(&x->run);
	seqset_init(&x->found, MAX_VIEW_RANGES);
	cmd->ctx = x;
	x->run.program = p;
	x->run.box = s->box;
	x->run.view = s->view;
	x->run.conn = s->conn;
	x->next = 1;
	if (search_has_strings(p)) {
		x->run.fold = s->user->fold;
		if (!search_arm(p, x->run.fold, cmd->arena))
			return imap_bad(cmd, "Command too large");
	}
	return STEP_AGAIN;
}

/* What was found becomes a number. What was not read is told at the end: the
 * rest is of use all the same. */
static void
take_message(struct imap_cmd *cmd, struct search_ctx *x, enum step r)
{
	uint32_t number = x->next;

	if (r == STEP_FAIL && cmd->err.code != ERR_GONE)
		x->err = cmd->err;
	if (r == STEP_DONE && x->run.is_hit) {
		if (cmd->is_uid)
			number = x->run.subject.rec->uid;
		seqset_add(&x->found, number, number);
	}
	x->next++;
}

/* True when all messages were looked at. */
static bool
search_messages(struct imap_cmd *cmd, struct search_ctx *x)
{
	uint32_t n = view_count(cmd->s->view);
	unsigned looked = 0;
	enum step r;

	/* others of this user run between the slices */
	search_name_keywords(x->run.program, cmd->s->box);
	while (x->next <= n) {
		if (looked++ % PORTION == 0 && !conn_slice_left(cmd->s->conn))
			return false;
		r = search_run_step(&x->run, x->next, &cmd->err);
		if (r == STEP_AGAIN)
			return false;
		if (x->run.program->costs >= 1u << COST_HEADER)
			looked = 0;
		take_message(cmd, x, r);
	}
	return true;
}

/* "* SEARCH 2 3 5", as much of it as the client takes now. True at its end. */
static bool
tell_numbers(struct imap_session *s, struct search_ctx *x)
{
	struct buf b;
	uint32_t number;
	bool more = true;

	buf_init(&b, MAX_NUMBERS);
	while (more && !imap_is_full(s)) {
		buf_reset(&b);
		while (b.n + 16 < MAX_NUMBERS &&
		    (more = seqset_next(&x->told, &number))) {
			buf_putc(&b, ' ');
			buf_put_u64(&b, number);
		}
		imap_put(s, buf_slice(&b));
	}
	buf_free(&b);
	if (!more)
		imap_put(s, SLICE("\r\n"));
	return !more;
}

static enum step
search_step(struct imap_cmd *cmd)
{
	struct search_ctx *x = cmd->ctx;
	enum step r;

	if (x == NULL) {
		r = search_begin(cmd);
		if (r != STEP_AGAIN)
			return r;
		x = cmd->ctx;
	}
	if (cmd->phase == SEARCH_RUN) {
		if (!search_messages(cmd, x))
			return STEP_AGAIN;
		if (x->found.failed)
			return imap_no(cmd, "LIMIT", "Too many ranges");
		imap_put(cmd->s, SLICE("* SEARCH"));
		seqset_iter_init(&x->told, &x->found);
		cmd->phase = SEARCH_TELL;
	}
	if (!tell_numbers(cmd->s, x))
		return STEP_DRAIN;
	if (x->err.code == ERR_OK)
		return STEP_DONE;
	cmd->err = x->err;
	return STEP_FAIL;
}

const struct imap_verb imap_verbs_search[] = {
	{ .name = "SEARCH",
	    .args = "*",
	    .flags = IN_SELECTED | HAS_UID | USES_SEQ,
	    .step = search_step,
	    .drop = search_drop },
	{ .name = NULL },
};
