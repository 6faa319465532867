/* SPDX-License-Identifier: ISC */
/* A quiet session to bytes and back: what stands in a struct pack. */
#include <string.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_user.h"
#include "imapd/pack.h"
#include "imapd/update.h"
#include "libbase/mem.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

void
pack_hello(const struct imap_session *s, struct buf *out)
{
	const struct pack p = {
		.kind = PACK_LOGIN, .enabled = s->enabled, .tag = s->cmd.tag
	};

	pack_write(&p, out);
}

/* Flags last told: messages in a row with equal ones make a run. */
static void
put_runs(const struct imap_session *s, struct buf *out)
{
	struct pack_run run = { .n = 0 };
	uint32_t seq, n = view_count(s->view);

	for (seq = 1; seq <= n; seq++) {
		const struct mailbox_rec *rec = view_rec(s->view, seq);

		if (run.n > 0 &&
		    (rec->flags != run.flags ||
			rec->keywords != run.keywords)) {
			pack_put_run(out, &run);
			run.n = 0;
		}
		run.flags = rec->flags;
		run.keywords = rec->keywords;
		run.n++;
	}
	if (run.n > 0)
		pack_put_run(out, &run);
}

static bool
is_quiet(const struct imap_session *s)
{
	if (conn_in(s->conn).n > 0 || conn_out_bytes(s->conn) > 0)
		return false;
	if (s->stale != NULL && s->stale->n > 0)
		return false;
	/* put_runs() takes what is for what was told */
	if (update_has_news(s))
		return false;
	if (s->is_idling)
		return s->phase == PHASE_RUN;
	/* nothing of a command has been read */
	return s->phase == PHASE_READ && arena_used(&s->arena) == 0 &&
	    s->input.line_bytes == 0;
}

/* The view as text: sets and runs. */
struct view_text {
	struct buf uids, recent, runs, saved;
};

static void
put_view(const struct imap_session *s, struct view_text *t)
{
	struct seqset set;

	seqset_init(&set, MAX_VIEW_RANGES);
	view_get_uids(s->view, &set);
	seqset_print(&set, &t->uids);
	seqset_reset(&set);
	view_get_recent(s->view, &set);
	seqset_print(&set, &t->recent);
	seqset_free(&set);
	seqset_print(&s->saved, &t->saved);
	put_runs(s, &t->runs);
}

int
imap_session_pack(struct imap_session *s, struct buf *out, struct err *err)
{
	struct pack p = { .kind = PACK_PARKED, .enabled = s->enabled };
	struct mailbox_status status;
	struct view_text t;

	if (!is_quiet(s) || s->is_gone)
		return err_set(err, ERR_BUSY, "session is not quiet");
	buf_init(&t.uids, MAX_PACKED);
	buf_init(&t.recent, MAX_PACKED);
	buf_init(&t.runs, MAX_PACKED);
	buf_init(&t.saved, MAX_PACKED);
	p.flags |= s->is_read_only ? PACK_READ_ONLY : 0u;
	p.flags |= s->uses_uid ? PACK_USES_UID : 0u;
	if (s->is_idling) {
		p.flags |= PACK_IDLING;
		p.tag = s->cmd.tag;
	}
	if (s->state == IMAP_SELECTED) {
		put_view(s, &t);
		mailbox_status(s->box, &status);
		p.flags |= PACK_SELECTED;
		if (s->has_no_modseq)
			p.flags |= PACK_NOMODSEQ;
		else
			p.modseq = view_highest_modseq(s->view);
		p.mailbox = slice_str(s->mailbox_name);
		p.uidvalidity = status.uidvalidity;
		p.names = s->names;
		p.uids = buf_slice(&t.uids);
		p.recent = buf_slice(&t.recent);
		p.runs = buf_slice(&t.runs);
		p.saved = buf_slice(&t.saved);
		p.flags |= p.saved.n > 0 ? PACK_SAVED : 0u;
	}
	pack_write(&p, out);
	if (!buf_ok(&t.uids) || !buf_ok(&t.recent) || !buf_ok(&t.runs) ||
	    !buf_ok(&t.saved))
		out->failed = true;
	buf_free(&t.uids);
	buf_free(&t.recent);
	buf_free(&t.runs);
	buf_free(&t.saved);
	return buf_ok(out) ? 0 :
			     err_set(err, ERR_LIMIT, "session is too large");
}

/* ---- back ---- */

static void
copy(struct imap_cmd *cmd, struct slice *s)
{
	*s = arena_slice(cmd->arena, *s);
}

/* Flags that differ from those last told are to be told. */
static void
note_stale(struct imap_session *s, const struct pack *p)
{
	struct pack_run run;
	size_t i;
	uint32_t seq = 1;

	s->stale = xcalloc(1, sizeof(*s->stale));
	seqset_init(s->stale, MAX_VIEW_RANGES);
	for (i = 0; pack_get_run(p->runs, i, &run); i++) {
		for (; run.n > 0 && seq <= view_count(s->view); run.n--) {
			const struct mailbox_rec *rec =
			    view_rec(s->view, seq++);

			if (!rec->is_gone &&
			    (rec->flags != run.flags ||
				rec->keywords != run.keywords))
				seqset_add(s->stale, rec->uid, rec->uid);
		}
	}
}

static int
restore_view(struct imap_session *s, const struct pack *p, struct err *err)
{
	struct seqset uids, recent;
	struct mailbox_status status;
	int r = -1;

	mailbox_status(s->box, &status);
	if (status.uidvalidity != p->uidvalidity)
		return err_set(err, ERR_GONE, "UIDVALIDITY has changed");
	seqset_init(&uids, MAX_VIEW_RANGES);
	seqset_init(&recent, MAX_VIEW_RANGES);
	if ((p->uids.n > 0 && seqset_parse(p->uids, 0, &uids) == -1) ||
	    (p->recent.n > 0 && seqset_parse(p->recent, 0, &recent) == -1) ||
	    (p->saved.n > 0 && seqset_parse(p->saved, 0, &s->saved) == -1))
		(void)err_set(err, ERR_CORRUPT, "packed session: sets");
	else
		r = view_restore(s->view, &uids, &recent, err);
	seqset_free(&uids);
	seqset_free(&recent);
	if (r == 0)
		note_stale(s, p);
	/* what went meanwhile may have any modseq above this one */
	s->has_no_modseq = (p->flags & PACK_NOMODSEQ) != 0;
	s->modseq_cap = update_has_news(s) ? p->modseq : 0;
	return r;
}

static enum step
unpack_open(struct imap_session *s, const struct pack *p, struct err *err)
{
	if (mailbox_open(s->user->boxes, p->mailbox, &s->box, err) == -1)
		return STEP_FAIL;
	s->is_read_only = (p->flags & PACK_READ_ONLY) != 0;
	s->mailbox_name = xstrndup(p->mailbox.p, p->mailbox.n);
	s->view = view_open(s->box, s->is_read_only);
	return STEP_AGAIN;
}

/* Opens what was open. Silent; when it fails the connection ends, and the
 * client comes again. */
static enum step
unpack_step(struct imap_cmd *cmd)
{
	struct imap_session *s = cmd->s;
	const struct pack *p = cmd->ctx;
	enum step r;

	if ((p->flags & PACK_SELECTED) != 0) {
		if (s->view == NULL &&
		    unpack_open(s, p, &cmd->err) == STEP_FAIL)
			return STEP_FAIL;
		r = view_refresh(s->view, cmd->flush, &cmd->err);
		if (r != STEP_DONE)
			return r;
		if (restore_view(s, p, &cmd->err) == -1)
			return STEP_FAIL;
		imap_enter(s, IMAP_SELECTED);
	}
	if ((p->flags & PACK_IDLING) != 0)
		cmd->verb = command_find(SLICE("IDLE"), false);
	/* IDLE goes on with its own step: cmd->ctx says that it is resumed */
	return (p->flags & PACK_IDLING) != 0 ? STEP_AGAIN : STEP_DONE;
}

static const struct imap_verb unpack_verb = {
	.name = "unpack",
	.flags = IS_SILENT | NO_UPDATES,
	.step = unpack_step,
};

void
imap_session_unpack(struct imap_session *s, const struct pack *p)
{
	struct imap_cmd *cmd = &s->cmd;
	struct pack *mine;

	s->enabled = p->enabled;
	s->uses_uid = (p->flags & PACK_USES_UID) != 0;
	s->names = p->names;
	memset(cmd, 0, sizeof(*cmd));
	cmd->s = s;
	cmd->verb = &unpack_verb;
	cmd->arena = &s->arena;
	cmd->flush = &s->flush;
	mine = arena_alloc(&s->arena, sizeof(*mine));
	*mine = *p;
	copy(cmd, &mine->tag);
	copy(cmd, &mine->mailbox);
	copy(cmd, &mine->uids);
	copy(cmd, &mine->recent);
	copy(cmd, &mine->runs);
	copy(cmd, &mine->saved);
	cmd->tag = mine->tag;
	cmd->ctx = mine;
	s->phase = PHASE_RUN;
}
