/* SPDX-License-Identifier: ISC */
/* Messages that are found, and their keys, one after the other. */
#include "imapd/sort_find.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "imapd/kept.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* Messages without their files before the clock is looked at. */
#define PORTION 256

bool
sort_find_begin(struct imap_cmd *cmd, const struct imap_arg *at, unsigned needs,
    struct sort_find *x)
{
	if (!search_charset(cmd, &at))
		return false;
	sort_reader_init(&x->reader, cmd->s->box, cmd->s->user->fold, needs);
	x->reader.kept = cmd->s->user->kept;
	return search_find_begin(cmd, at, FIND_ALL, &x->find);
}

void
sort_find_free(struct sort_find *x)
{
	search_find_free(&x->find);
	sort_reader_free(&x->reader);
}

bool
sort_find_step(struct imap_cmd *cmd, struct sort_find *x)
{
	if (!search_find_step(cmd, &x->find))
		return false;
	seqset_iter_init(&x->at, &x->find.found);
	return true;
}

int
sort_find_next(struct imap_cmd *cmd, struct sort_find *x, uint32_t *seq_out)
{
	bool opens = sort_reader_opens(&x->reader);
	struct mailbox_rec *rec;

	for (;;) {
		if ((opens || x->looked++ % PORTION == 0) &&
		    !conn_slice_left(cmd->s->conn))
			return -1;
		if (!seqset_next(&x->at, seq_out))
			return 0;
		rec = view_rec(cmd->s->view, *seq_out);
		if (rec->is_gone)
			continue;
		if (sort_read(&x->reader, rec, &cmd->err) == 0)
			return 1;
		if (cmd->err.code != ERR_GONE)
			x->find.err = cmd->err;
	}
}
