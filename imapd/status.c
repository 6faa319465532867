/* SPDX-License-Identifier: ISC */
/* STATUS items as rows, for STATUS and for LIST ... RETURN (STATUS). */
#include <string.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_user.h"
#include "imapd/status.h"

static uint64_t
get_messages(const struct mailbox_status *st)
{
	return st->messages;
}

static uint64_t
get_recent(const struct mailbox_status *st)
{
	return st->recent;
}

static uint64_t
get_uidnext(const struct mailbox_status *st)
{
	return st->uidnext;
}

static uint64_t
get_uidvalidity(const struct mailbox_status *st)
{
	return st->uidvalidity;
}

static uint64_t
get_unseen(const struct mailbox_status *st)
{
	return st->unseen;
}

static uint64_t
get_size(const struct mailbox_status *st)
{
	return st->wire;
}

static uint64_t
get_deleted(const struct mailbox_status *st)
{
	return st->deleted;
}

static uint64_t
get_deleted_storage(const struct mailbox_status *st)
{
	return st->deleted_bytes;
}

static uint64_t
get_highest_modseq(const struct mailbox_status *st)
{
	return st->highest_modseq;
}

enum item_needs {
	NEEDS_SIZES = 1,
	NEEDS_DELETED_SIZES = 2,
	NEEDS_MODSEQ = 4
};

/* RFC 3501 6.3.10; RFC 8438; RFC 9208 4.1.4; RFC 7162 3.1.7 */
static const struct {
	const char *name;
	uint64_t (*get)(const struct mailbox_status *st);
	unsigned needs;
} items[] = {
	{ "MESSAGES", get_messages, 0 },
	{ "RECENT", get_recent, 0 },
	{ "UIDNEXT", get_uidnext, 0 },
	{ "UIDVALIDITY", get_uidvalidity, 0 },
	{ "UNSEEN", get_unseen, 0 },
	{ "SIZE", get_size, NEEDS_SIZES },
	{ "DELETED", get_deleted, 0 },
	{ "DELETED-STORAGE", get_deleted_storage, NEEDS_DELETED_SIZES },
	{ "HIGHESTMODSEQ", get_highest_modseq, NEEDS_MODSEQ },
};

/* The bit of an item; 0: unknown. */
static unsigned
item_bit(const struct imap_arg *a)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(items); i++) {
		if (imap_arg_is(a, items[i].name))
			return 1u << i;
	}
	return 0;
}

bool
status_items(const struct imap_arg *a, unsigned *items_out)
{
	unsigned all = 0, bit;

	for (; a != NULL; a = a->next) {
		bit = item_bit(a);
		if (bit == 0)
			return false;
		all |= bit;
	}
	*items_out = all;
	return all != 0;
}

static unsigned
needs_of(unsigned wanted)
{
	unsigned needs = 0;
	size_t i;

	for (i = 0; i < N_ELEMENTS(items); i++) {
		if ((wanted & 1u << i) != 0)
			needs |= items[i].needs;
	}
	return needs;
}

bool
status_asks_modseq(unsigned wanted)
{
	return (needs_of(wanted) & NEEDS_MODSEQ) != 0;
}

/* Sizes that neither names nor list hold are counted, once in their life. */
static enum step
count_sizes(struct status_open *open, unsigned needs, struct err *err)
{
	int r = 0;

	needs &= NEEDS_SIZES | NEEDS_DELETED_SIZES;
	if (needs != 0)
		r = mailbox_sizes_some(
		    open->box, (needs & NEEDS_SIZES) == 0, &open->sized, err);
	return r == 1 ? STEP_AGAIN : r == 0 ? STEP_DONE : STEP_FAIL;
}

/* From the index, where it has the answer: 1, 0, -1. */
static int
peek(struct status_open *open, unsigned wanted, struct err *err)
{
	unsigned needs = needs_of(wanted);
	int r = mailbox_peek(open->box, &open->peeked, err);

	if (((needs & NEEDS_SIZES) != 0 && open->peeked.unsized > 0) ||
	    ((needs & NEEDS_DELETED_SIZES) != 0 &&
		open->peeked.deleted_unsized > 0))
		r = r == 1 ? 0 : r;
	open->is_peeked = r == 1;
	return r;
}

enum step
status_refresh(struct imap_user *u, struct slice name, unsigned wanted,
    struct status_open *open, struct flush_set *fs, struct err *err)
{
	enum step r;
	int n;

	if (open->box == NULL) {
		memset(open, 0, sizeof(*open));
		if (mailbox_open(u->boxes, name, &open->box, err) == -1)
			return STEP_FAIL;
	}
	if (!open->is_fresh) {
		if ((n = peek(open, wanted, err)) != 0)
			return n == 1 ? STEP_DONE : STEP_FAIL;
		r = mailbox_refresh(open->box, &open->refresh, fs, err);
		if (r != STEP_DONE)
			return r;
		open->is_fresh = true;
	}
	return count_sizes(open, needs_of(wanted), err);
}

void
status_close(struct status_open *open)
{
	mailbox_close(&open->box);
}

void
status_put(struct buf *b, struct slice name, unsigned wanted,
    const struct status_open *open)
{
	struct mailbox_status st = open->peeked;
	const char *sep = "";
	size_t i;

	if (!open->is_peeked)
		mailbox_status(open->box, &st);
	if (!mailbox_has_modseqs(open->box))
		st.highest_modseq = 0;
	buf_puts(b, "* STATUS ");
	imap_put_mailbox(b, name);
	buf_puts(b, " (");
	for (i = 0; i < N_ELEMENTS(items); i++) {
		if ((wanted & 1u << i) == 0)
			continue;
		buf_printf(b, "%s%s %llu", sep, items[i].name,
		    (unsigned long long)items[i].get(&st));
		sep = " ";
	}
	buf_puts(b, ")\r\n");
}
