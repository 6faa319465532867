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

/* RFC 3501 6.3.10 */
static const struct {
	const char *name;
	uint64_t (*get)(const struct mailbox_status *st);
} items[] = {
	{ "MESSAGES", get_messages },
	{ "RECENT", get_recent },
	{ "UIDNEXT", get_uidnext },
	{ "UIDVALIDITY", get_uidvalidity },
	{ "UNSEEN", get_unseen },
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

enum step
status_refresh(struct imap_user *u, struct slice name, struct status_open *open,
    struct flush_set *fs, struct err *err)
{
	if (open->box == NULL) {
		memset(open, 0, sizeof(*open));
		if (mailbox_open(u->boxes, name, &open->box, err) == -1)
			return STEP_FAIL;
	}
	return mailbox_refresh(open->box, &open->refresh, fs, err);
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
	struct mailbox_status st;
	const char *sep = "";
	size_t i;

	mailbox_status(open->box, &st);
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
