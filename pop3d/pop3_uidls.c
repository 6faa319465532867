/* SPDX-License-Identifier: ISC */
/*
 * No two messages have one UIDL. By the default format none do; but others'
 * lists may give two the same P, copies have one GUID, and a P may look like
 * what the format makes of another message. Of two the older (by UID) keeps it;
 * the other gets one of its own, which is written to the list as its P before
 * it is told, so that it stays when the older is gone.
 */
#include "libbase/ceilings.h"
#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "pop3d/pop3_session.h"
#include "pop3d/pop3_uidl.h"

struct pop3_uidls {
	struct map seen;   /* UIDLs, to anything */
	uint32_t *doubles; /* sequence numbers in the view */
	uint32_t n, cap;
	uint32_t seq; /* compared up to here */
};

void
pop3_uidls_free(struct pop3_uidls **u)
{
	if (*u == NULL)
		return;
	map_free(&(*u)->seen);
	xfree((*u)->doubles);
	xfree(*u);
	*u = NULL;
}

void
pop3_put_uidl(struct pop3_session *s, struct mailbox_rec *rec, struct buf *out)
{
	struct pop3_uidl m = {
		.uid = rec->uid,
		.uidvalidity = mailbox_uidvalidity(s->box),
		.file = mailbox_rec_base(rec),
		.guid = mailbox_rec_guid(rec),
		.told = slice_str(rec->uidl),
	};

	pop3_uidl_make(
	    slice_str(conf_str(s->user->se->conf, "pop3_uidl_format")), &m,
	    out);
}

static bool
are_plain(const struct pop3_session *s)
{
	uint32_t seq;

	if (!pop3_uidl_is_plain(
		slice_str(conf_str(s->user->se->conf, "pop3_uidl_format"))))
		return false;
	for (seq = 1; seq <= view_count(s->view); seq++)
		if (view_rec(s->view, seq)->uidl != NULL)
			return false;
	return true;
}

static void
note_double(struct pop3_uidls *u, uint32_t seq)
{
	if (u->n == u->cap) {
		u->cap = u->cap == 0 ? 16 : 2 * u->cap;
		u->doubles =
		    xreallocarray(u->doubles, u->cap, sizeof *u->doubles);
	}
	u->doubles[u->n++] = seq;
}

/* All of the view, what is hidden too: it may come back. */
static enum step
compare(struct pop3_session *s)
{
	struct pop3_uidls *u = s->uidls;
	struct buf b;

	buf_init(&b, KIB);
	while (u->seq < view_count(s->view) && conn_slice_left(s->conn)) {
		buf_reset(&b);
		pop3_put_uidl(s, view_rec(s->view, ++u->seq), &b);
		if (map_put(&u->seen, buf_slice(&b), u) != NULL)
			note_double(u, u->seq);
	}
	buf_free(&b);
	return u->seq < view_count(s->view) ? STEP_AGAIN : STEP_DONE;
}

static void
part(struct pop3_session *s, struct mailbox_rec *rec)
{
	struct buf b;

	if (rec->is_gone)
		return;
	buf_init(&b, 2 * KIB);
	pop3_put_uidl(s, rec, &b);
	if (b.n > MAX_POP3_UIDL / 2) /* room for what is put behind */
		buf_reset(&b);
	do
		buf_printf(&b, "-%u", rec->uid);
	while (map_get(&s->uidls->seen, buf_slice(&b)) != NULL);
	(void)map_put(&s->uidls->seen, buf_slice(&b), s);
	mailbox_set_uidl(s->box, rec, buf_cstr(&b));
	buf_free(&b);
}

enum step
pop3_compare_uidls(struct pop3_session *s)
{
	struct err err;
	uint32_t i;
	int r;

	if (s->uidls == NULL) {
		s->has_uidls = are_plain(s);
		if (s->has_uidls)
			return STEP_DONE;
		s->uidls = xcalloc(1, sizeof *s->uidls);
	}
	if (compare(s) != STEP_DONE)
		return STEP_AGAIN;
	for (i = 0; i < s->uidls->n; i++)
		part(s, view_rec(s->view, s->uidls->doubles[i]));
	s->uidls->n = 0;
	if ((r = mailbox_write_list(s->box, &err)) == 0)
		return pop3_wait_for_lock(s);
	/* Better told than not: it is the same as long as the older is here. */
	if (r == -1)
		log_err(s->id, "UIDLs not kept", &err);
	pop3_uidls_free(&s->uidls);
	s->has_uidls = true;
	return STEP_DONE;
}
