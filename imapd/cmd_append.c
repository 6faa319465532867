/* SPDX-License-Identifier: ISC */
/* APPEND, with several messages (RFC 3502): streamed into tmp/, never held. */
#include <string.h>

#include "imapd/cmd_flags.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "libmaildir/quota.h"
#include "libmaildir/save.h"
#include "libnet/conn.h"

/* UIDs of one APPEND as text; several messages come together. */
#define MAX_APPENDUID (64 * KIB)

enum phase {
	BEGIN,
	ROOM, /* may it be added? */
	READ, /* a literal */
	NEXT, /* behind it: another message, or the end of the line */
	COMMIT
};

struct append_ctx {
	struct mailbox *box;
	struct save *save;
	uint64_t left;  /* of the literal */
	uint64_t bytes; /* of all literals */
	struct save_message next;
	struct quota_count *count; /* while the quota is counted */
	bool is_over;              /* goes into the grace of the quota */
};

static void
append_drop(struct imap_cmd *cmd)
{
	struct append_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	save_free(&x->save);
	quota_count_free(x->count);
	mailbox_close(&x->box);
}

/* The reply is set, and the client may still be sending: n octets of a literal
 * and the rest of the line. */
static enum step
refuse_rest(struct imap_cmd *cmd, uint64_t n)
{
	struct imap_input *in = &cmd->s->input;

	(void)err_set(&in->err, ERR_INVALID, "refused");
	imap_input_refuse_rest(in, n);
	return STEP_DONE;
}

/* The same before the literal has begun. */
static enum step
refuse(struct imap_cmd *cmd)
{
	struct imap_input *in = &cmd->s->input;

	(void)err_set(&in->err, ERR_INVALID, "refused");
	imap_input_refuse(in);
	return STEP_DONE;
}

/* Why a literal is not wanted: false, the reply is set. */
static bool
is_wanted(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;

	if (s->input.is_literal8)
		(void)imap_bad(cmd, "Binary literal not expected");
	else if (s->input.stream_bytes > s->user->message_size)
		(void)imap_no(cmd, "TOOBIG", "Message is too large");
	else if (s->input.stream_bytes == 0)
		(void)imap_no(cmd, "CANNOT", "Message is empty");
	else
		return true;
	return false;
}

/* A message begins: its literal stands next in the input. */
static enum step
add_message(struct imap_cmd *cmd, const struct imap_value *flags,
    const struct imap_value *date)
{
	struct imap_session *s = cmd->s;
	struct append_ctx *x = cmd->ctx;
	struct save_message m = { .internaldate = MAILBOX_NO_DATE,
		.max_bytes = 0 };
	struct flag_words words = { .flags = 0 };
	const char *why;

	if (!is_wanted(cmd))
		return refuse(cmd);
	if (flags->is_set) {
		why = flag_words_read(&words, flags->arg, cmd->arena);
		if (why != NULL) {
			(void)imap_bad(cmd, why);
			return refuse(cmd);
		}
	}
	m.flags = words.flags;
	m.keywords = words.keywords;
	m.n_keywords = words.n;
	if (date->is_set)
		m.internaldate = date->date;
	x->bytes += s->input.stream_bytes;
	x->next = m;
	cmd->phase = ROOM;
	return STEP_AGAIN;
}

/* The client may send it, if there is room. */
static enum step
append_room(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct append_ctx *x = cmd->ctx;
	int r = quota_check_some(s->user->store, x->bytes,
	    save_count(x->save) + 1, &x->count, &cmd->err);

	if (r == 0)
		return STEP_AGAIN;
	if (r == -1 || save_add(x->save, &x->next, &cmd->err) == -1) {
		(void)imap_fail(cmd);
		return refuse(cmd);
	}
	x->is_over = r == 2;
	x->left = s->input.stream_bytes;
	if (s->input.is_sync)
		imap_continue(s, NULL);
	cmd->phase = READ;
	return STEP_AGAIN;
}

static enum step
append_begin(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct append_ctx *x = arena_zero(cmd->arena, sizeof(*x));

	cmd->ctx = x;
	if (mailbox_open(s->user->boxes, cmd->v[0].text, &x->box, &cmd->err) ==
		-1 ||
	    save_begin(x->box, &x->save, &cmd->err) == -1) {
		if (cmd->err.code == ERR_INVALID)
			(void)imap_no(
			    cmd, "CANNOT", "Not a possible mailbox name");
		else
			(void)imap_fail_target(cmd);
		return refuse(cmd);
	}
	return add_message(cmd, &cmd->v[1], &cmd->v[2]);
}

/* What has come of the literal goes into the file. */
static enum step
append_read(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct append_ctx *x = cmd->ctx;
	struct slice in = slice_head(conn_in(s->conn), x->left);

	if (in.n == 0)
		return STEP_INPUT;
	if (memchr(in.p, '\0', in.n) != NULL) {
		(void)imap_bad(cmd, "NUL in a literal");
		return refuse_rest(cmd, x->left);
	}
	if (save_write(x->save, in, &cmd->err) == -1) {
		(void)imap_fail(cmd);
		return refuse_rest(cmd, x->left);
	}
	conn_consume(s->conn, in.n);
	x->left -= in.n;
	if (x->left > 0)
		return STEP_AGAIN;
	if (save_end(x->save, &cmd->err) == -1) {
		(void)imap_fail(cmd);
		return refuse_rest(cmd, 0);
	}
	imap_input_streamed(&s->input);
	cmd->phase = NEXT;
	return STEP_AGAIN;
}

/* "[flags] [date]" of a further message. */
static enum step
append_another(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	struct imap_value v[IMAP_VALUES_MAX];
	struct imap_grammar g;

	if (imap_grammar_parse("[flags] [date] literal", &g, &cmd->err) == -1 ||
	    imap_args_match(&g, s->input.args, cmd->arena, v, &cmd->err) ==
		-1) {
		(void)imap_bad(cmd, arena_strdup(cmd->arena, cmd->err.text));
		return refuse(cmd);
	}
	return add_message(cmd, &v[0], &v[1]);
}

static enum step
append_next(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	enum imap_parse r;
	size_t used;

	r = imap_input_feed(&s->input, conn_in(s->conn), &used);
	conn_consume(s->conn, used);
	switch (r) {
	case PARSE_MORE:
		return STEP_INPUT;
	case PARSE_CONTINUE:
		imap_continue(s, NULL);
		return STEP_AGAIN;
	case PARSE_STREAM:
		return append_another(cmd);
	case PARSE_READY:
		if (s->input.args != NULL)
			return imap_bad(cmd, "Literal expected");
		cmd->phase = COMMIT;
		return STEP_AGAIN;
	case PARSE_VERB:
	case PARSE_BAD:
	case PARSE_CLOSE:
		break;
	}
	return imap_bad(cmd, arena_strdup(cmd->arena, s->input.err.text));
}

/* RFC 4315 3: "APPENDUID 38505 3955" */
static const char *
appenduid(struct imap_cmd *cmd, const struct save *save)
{
	struct seqset uids;
	const char *code = NULL;
	struct buf b;
	size_t i;

	seqset_init(&uids, MAX_SEQSET_RANGES);
	for (i = 0; i < save_count(save); i++)
		seqset_add(&uids, save_uid(save, i), save_uid(save, i));
	buf_init(&b, MAX_APPENDUID);
	buf_printf(&b, "APPENDUID %u ", save_uidvalidity(save));
	seqset_print(&uids, &b);
	if (buf_ok(&b) && !uids.failed)
		code = arena_dup(cmd->arena, b.p, b.n);
	buf_free(&b);
	seqset_free(&uids);
	return code;
}

/* RFC 3501 6.3.11. When the client hears OK, it is on disk. */
static enum step
append_step(struct imap_cmd *cmd)
{
	struct append_ctx *x = cmd->ctx;
	enum step r;

	switch ((enum phase)cmd->phase) {
	case BEGIN:
		return append_begin(cmd);
	case ROOM:
		return append_room(cmd);
	case READ:
		return append_read(cmd);
	case NEXT:
		return append_next(cmd);
	case COMMIT:
		break;
	}
	r = save_commit(x->save, cmd->flush, &cmd->err);
	if (r != STEP_DONE)
		return r;
	if (x->is_over)
		imap_tell_over_quota(cmd->s);
	return imap_ok(cmd, appenduid(cmd, x->save), NULL);
}

const struct imap_verb imap_verbs_append[] = {
	{ .name = "APPEND",
	    .args = "mailbox [flags] [date] literal",
	    .flags = IN_USER | STREAMS,
	    .capability = "MULTIAPPEND",
	    .step = append_step,
	    .drop = append_drop },
	{ .name = NULL },
};
