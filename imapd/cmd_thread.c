/* SPDX-License-Identifier: ISC */
/* THREAD (RFC 5256): find, read keys, make the tree, tell. */
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/sort_find.h"
#include "imapd/thread_tree.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Messages' worth of work before the clock is looked at. */
#define PORTION 256
/* Bytes told before it is asked whether the client takes more. */
#define TOLD    8192

enum {
	THREAD_BEGIN,
	THREAD_FIND,
	THREAD_READ,
	THREAD_MAKE,
	THREAD_TELL
};

struct thread_ctx {
	struct sort_find find;
	struct thread_tree tree;
	struct thread_teller teller;
};

static const struct {
	const char *name;
	enum thread_kind kind;
} kinds[] = {
	{ "ORDEREDSUBJECT", THREAD_ORDEREDSUBJECT },
	{ "REFERENCES", THREAD_REFERENCES },
	{ "REFS", THREAD_REFS },
};

static void
thread_drop(struct imap_cmd *cmd)
{
	struct thread_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	sort_find_free(&x->find);
	thread_tree_free(&x->tree);
}

static bool
read_kind(const struct imap_arg *a, enum thread_kind *out)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		if (imap_arg_is(a, kinds[i].name)) {
			*out = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* False: the reply is set. */
static bool
thread_begin(struct imap_cmd *cmd, struct thread_ctx *x)
{
	const struct imap_arg *a = cmd->v[0].arg;
	enum thread_kind kind;

	if (!read_kind(a, &kind)) {
		(void)imap_bad(cmd, "Unknown algorithm");
		return false;
	}
	thread_tree_init(&x->tree, kind, MAX_SORT_MEMORY);
	return sort_find_begin(cmd, a->next, thread_tree_needs(kind), &x->find);
}

/* True when all are read, or memory is over its ceiling. */
static bool
read_messages(struct imap_cmd *cmd, struct thread_ctx *x)
{
	uint32_t seq;
	int r = 0;

	while (
	    !x->tree.failed && (r = sort_find_next(cmd, &x->find, &seq)) == 1)
		thread_tree_add(&x->tree, seq, &x->find.reader.record);
	return r != -1;
}

static bool
make(struct imap_cmd *cmd, struct thread_ctx *x)
{
	while (conn_slice_left(cmd->s->conn))
		if (thread_tree_make(&x->tree, PORTION))
			return true;
	return false;
}

static uint32_t
number_seq(const void *arg, uint32_t seq)
{
	(void)arg;
	return seq;
}

static uint32_t
number_uid(const void *arg, uint32_t seq)
{
	return view_rec(arg, seq)->uid;
}

/* True at the end. */
static bool
tell(struct imap_cmd *cmd, struct thread_ctx *x)
{
	struct buf b;
	bool done = false;

	buf_init(&b, 2 * TOLD);
	while (!done && !imap_is_full(cmd->s)) {
		buf_reset(&b);
		done = thread_tell(&x->teller, TOLD, &b,
		    cmd->is_uid ? number_uid : number_seq, cmd->s->view);
		imap_put(cmd->s, buf_slice(&b));
	}
	buf_free(&b);
	return done;
}

static enum step
thread_step(struct imap_cmd *cmd)
{
	struct thread_ctx *x = cmd->ctx;

	if (x == NULL)
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
	if (x == NULL)
		return imap_bad(cmd, "Command too large");
	if (cmd->phase == THREAD_BEGIN) {
		if (!thread_begin(cmd, x))
			return STEP_DONE;
		cmd->phase = THREAD_FIND;
	}
	if (cmd->phase == THREAD_FIND) {
		if (!sort_find_step(cmd, &x->find))
			return STEP_AGAIN;
		cmd->phase = THREAD_READ;
	}
	if (cmd->phase == THREAD_READ) {
		if (!read_messages(cmd, x))
			return STEP_AGAIN;
		cmd->phase = THREAD_MAKE;
	}
	if (cmd->phase == THREAD_MAKE) {
		if (!make(cmd, x))
			return STEP_AGAIN;
		if (x->tree.failed || x->find.find.found.failed)
			return imap_no(cmd, "LIMIT", "Too many messages");
		imap_put(cmd->s, SLICE("* THREAD"));
		if (x->tree.first != THREAD_NONE)
			imap_put(cmd->s, SLICE(" "));
		thread_tell_begin(&x->teller, &x->tree);
		cmd->phase = THREAD_TELL;
	}
	if (!tell(cmd, x))
		return STEP_DRAIN;
	imap_put(cmd->s, SLICE("\r\n"));
	return search_find_end(cmd, &x->find.find);
}

const struct imap_verb imap_verbs_thread[] = {
	{ .name = "THREAD",
	    .args = "*",
	    .flags = IN_SELECTED | HAS_UID | USES_SEQ,
	    .capability = "THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS",
	    .step = thread_step,
	    .drop = thread_drop },
	{ .name = NULL },
};
