/* SPDX-License-Identifier: ISC */
/* What others did, told to one connection when the protocol lets it. */
#include "imapd/update.h"
#include "imapd/condstore.h"
#include "imapd/imap_reply.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"

/* Longest response here: 26 keywords of a line each. */
#define MAX_FLAGS_LINE (64 * KIB)

/* In the order they are told. */
static const struct {
	const char *name;
	uint8_t flag;
} system_flags[] = {
	{ "\\Answered", FLAG_ANSWERED },
	{ "\\Flagged", FLAG_FLAGGED },
	{ "\\Deleted", FLAG_DELETED },
	{ "\\Seen", FLAG_SEEN },
	{ "\\Draft", FLAG_DRAFT },
};

uint8_t
update_system_flag(struct slice name)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(system_flags); i++) {
		if (slice_ieq_str(name, system_flags[i].name))
			return system_flags[i].flag;
	}
	return 0;
}

static void
put_word(struct buf *b, size_t start, const char *word)
{
	if (b->n > start)
		buf_putc(b, ' ');
	buf_puts(b, word);
}

void
update_put_flags(
    struct buf *b, const struct imap_session *s, const struct mailbox_rec *rec)
{
	size_t start = b->n, i;
	const char *word;
	unsigned k;

	for (i = 0; i < N_ELEMENTS(system_flags); i++) {
		if ((rec->flags & system_flags[i].flag) != 0)
			put_word(b, start, system_flags[i].name);
	}
	if (view_is_recent(s->view, rec))
		put_word(b, start, "\\Recent");
	for (k = 0; k < N_KEYWORDS; k++) {
		if ((rec->keywords & (1u << k)) == 0)
			continue;
		word = mailbox_keyword(s->box, k);
		if (word != NULL)
			put_word(b, start, word);
	}
}

static void
put_names(struct buf *b, const struct imap_session *s)
{
	size_t start = b->n, i;
	const char *word;
	unsigned k;

	for (i = 0; i < N_ELEMENTS(system_flags); i++)
		put_word(b, start, system_flags[i].name);
	for (k = 0; k < N_KEYWORDS; k++) {
		word = mailbox_keyword(s->box, k);
		if (word != NULL)
			put_word(b, start, word);
	}
}

static uint32_t
names_hash(const struct imap_session *s)
{
	struct buf b;
	uint32_t h = 2166136261u;
	size_t i;

	buf_init(&b, MAX_FLAGS_LINE);
	put_names(&b, s);
	buf_putc(&b, mailbox_keywords_free(s->box) ? '*' : '.');
	for (i = 0; i < b.n; i++) /* FNV-1a: nobody gains by a collision */
		h = (h ^ (uint8_t)b.p[i]) * 16777619u;
	buf_free(&b);
	return h;
}

void
update_tell_names(struct imap_session *s)
{
	struct buf b;

	s->names = names_hash(s);
	buf_init(&b, MAX_FLAGS_LINE);
	buf_puts(&b, "* FLAGS (");
	put_names(&b, s);
	buf_puts(&b, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->is_read_only) {
		put_names(&b, s);
		if (mailbox_keywords_free(s->box))
			buf_puts(&b, " \\*");
		buf_puts(&b, ")] Flags that are kept\r\n");
	} else {
		buf_puts(&b, ")] No flags can be changed\r\n");
	}
	imap_put(s, buf_slice(&b));
	buf_free(&b);
}

/* "* 5 FETCH (UID 7 "; RFC 7162 3.2.4: with modseqs the UID is always told */
static void
put_begin(struct buf *b, const struct imap_session *s, uint32_t seq,
    const struct mailbox_rec *rec)
{
	buf_printf(b, "* %u FETCH (", seq);
	if (s->uses_uid || condstore_is_on(s))
		buf_printf(b, "UID %u ", rec->uid);
}

void
update_tell_flags(
    struct imap_session *s, uint32_t seq, const struct mailbox_rec *rec)
{
	struct buf b;

	buf_init(&b, MAX_FLAGS_LINE);
	put_begin(&b, s, seq, rec);
	buf_puts(&b, "FLAGS (");
	update_put_flags(&b, s, rec);
	buf_putc(&b, ')');
	if (condstore_is_on(s)) {
		buf_putc(&b, ' ');
		condstore_put(&b, s, rec);
	}
	buf_puts(&b, ")\r\n");
	imap_put(s, buf_slice(&b));
	buf_free(&b);
}

void
update_tell_modseq(
    struct imap_session *s, uint32_t seq, const struct mailbox_rec *rec)
{
	struct buf b;

	buf_init(&b, MAX_FLAGS_LINE);
	put_begin(&b, s, seq, rec);
	condstore_put(&b, s, rec);
	buf_puts(&b, ")\r\n");
	imap_put(s, buf_slice(&b));
	buf_free(&b);
}

/* ---- view_teller ---- */

struct teller {
	struct imap_session *s;
	struct seqset vanished; /* not told yet */
};

/* They are told first; the next that is told is something else. */
static void
tell_vanished(struct teller *t)
{
	size_t at = 0;

	(void)condstore_tell_vanished(t->s, &t->vanished, &at, false);
	seqset_reset(&t->vanished);
}

static void
tell_expunge(void *arg, uint32_t seq, uint32_t uid)
{
	struct teller *t = arg;

	if (condstore_tells_vanished(t->s))
		seqset_add(&t->vanished, uid, uid);
	else
		imap_untagged(t->s, "%u EXPUNGE", seq);
}

static void
tell_exists(void *arg, uint32_t n)
{
	struct teller *t = arg;

	tell_vanished(t);
	imap_untagged(t->s, "%u EXISTS", n);
}

static void
tell_recent(void *arg, uint32_t n)
{
	struct teller *t = arg;

	imap_untagged(t->s, "%u RECENT", n);
}

static void
tell_flags(void *arg, uint32_t seq, struct mailbox_rec *rec)
{
	struct teller *t = arg;
	struct imap_session *s = t->s;

	tell_vanished(t);
	if (s->stale != NULL)
		seqset_remove(s->stale, rec->uid, rec->uid);
	update_tell_flags(s, seq, rec);
}

void
update_tell_new_names(struct imap_session *s)
{
	/* a session that was parked has a new view, and the old names */
	if (s->names != names_hash(s))
		update_tell_names(s);
}

static void
tell_keywords(void *arg)
{
	struct teller *t = arg;

	update_tell_new_names(t->s);
}

/* Flags that changed while the session was parked. */
static bool
tell_stale(struct imap_session *s)
{
	struct seqset_iter it;
	uint32_t uid, seq;
	bool any = false;

	if (s->stale == NULL)
		return false;
	seqset_iter_init(&it, s->stale);
	while (seqset_next(&it, &uid)) {
		seq = view_seq(s->view, uid);
		if (seq == 0)
			continue;
		update_tell_flags(s, seq, view_rec(s->view, seq));
		any = true;
	}
	seqset_reset(s->stale);
	return any;
}

bool
update_tell(struct imap_session *s, bool may_expunge)
{
	struct teller t = { .s = s };
	const struct view_teller teller = {
		.arg = &t,
		.expunge = tell_expunge,
		.exists = tell_exists,
		.recent = tell_recent,
		.flags = tell_flags,
		.keywords = tell_keywords,
	};
	bool any;

	seqset_init(&t.vanished, MAX_VIEW_RANGES);
	any = view_update(s->view, may_expunge, &teller);
	tell_vanished(&t);
	seqset_free(&t.vanished);
	any = tell_stale(s) || any;
	if (may_expunge)
		s->modseq_cap = 0;
	return any;
}

bool
update_has_news(const struct imap_session *s)
{
	if (s->stale != NULL && s->stale->n > 0)
		return true;
	return s->view != NULL && view_has_news(s->view);
}
