/* SPDX-License-Identifier: ISC */
/* The index held against the folders, and made anew. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libbase/clock.h"
#include "libmaildir/index.h"
#include "libmaildir/io.h"
#include "libmaildir/remember_record.h"
#include "libmaildir/store.h"
#include "libmaildir/verify.h"

/* As long as any program may hold the lock of a list. */
#define LOCK_MS  130000
/* Stamps prove nothing before they are older than the file system's grain. */
#define PROVE_US 3000000

#define TEXT_BYTES 1024

struct compare {
	struct mailbox *mb;
	struct slice name;
	const struct verify_teller *teller;
	size_t next; /* of recs: all below are held against the index */
	bool differs;
};

static void PRINTF(2, 3) tell(struct compare *c, const char *fmt, ...)
{
	char text[TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	c->differs = true;
	c->teller->differs(c->teller->arg, c->name, text);
}

/* What one knows and the other does not is no difference. */
static void
compare_number(struct compare *c, uint32_t uid, const char *what, uint64_t kept,
    uint64_t is, uint64_t unknown)
{
	if (kept != is && kept != unknown && is != unknown)
		tell(c, "UID %u: %s %llu, is %llu", uid, what,
		    (unsigned long long)kept, (unsigned long long)is);
}

static void
compare_rec(struct compare *c, const struct mailbox_rec *kept,
    const struct mailbox_rec *is)
{
	if (strcmp(kept->name, is->name) != 0 || kept->in_new != is->in_new)
		tell(c, "UID %u: %s/%s, is %s/%s", is->uid,
		    kept->in_new ? "new" : "cur", kept->name,
		    is->in_new ? "new" : "cur", is->name);
	else if (kept->flags != is->flags || kept->keywords != is->keywords)
		tell(c, "UID %u: flags %x %x, are %x %x", is->uid, kept->flags,
		    kept->keywords, is->flags, is->keywords);
	compare_number(
	    c, is->uid, "octets", kept->size, is->size, NAME_NO_SIZE);
	compare_number(c, is->uid, "octets on the wire", kept->wire, is->wire,
	    NAME_NO_SIZE);
	compare_number(c, is->uid, "date", (uint64_t)kept->internaldate,
	    (uint64_t)is->internaldate, (uint64_t)MAILBOX_NO_DATE);
	if (kept->uidl != NULL && is->uidl != NULL &&
	    strcmp(kept->uidl, is->uidl) != 0)
		tell(
		    c, "UID %u: UIDL %s, is %s", is->uid, kept->uidl, is->uidl);
}

/* Those of the folder below that UID, which the index has passed by. */
static void
pass(struct compare *c, uint64_t uid)
{
	const struct recs *recs = &c->mb->recs;

	for (; c->next < recs->n && recs->v[c->next]->uid < uid; c->next++)
		tell(c, "UID %u: not in the index", recs->v[c->next]->uid);
}

static bool
on_message(void *arg, uint64_t key, struct slice value)
{
	struct compare *c = arg;
	const struct recs *recs = &c->mb->recs;
	struct mailbox_rec *kept = key == 0 || key > UINT32_MAX ?
	    NULL :
	    record_get(c->mb, (uint32_t)key, value);

	pass(c, key);
	if (kept == NULL)
		tell(c, "record %llu is broken", (unsigned long long)key);
	else if (c->next == recs->n || recs->v[c->next]->uid != key)
		tell(c, "UID %u: in the index alone", kept->uid);
	else
		compare_rec(c, kept, recs->v[c->next]);
	if (c->next < recs->n && recs->v[c->next]->uid == key)
		c->next++;
	mailbox_rec_free(kept);
	return true;
}

static void
compare_head(struct compare *c, const struct box_head *h)
{
	struct mailbox_status is;

	mailbox_status(c->mb, &is);
	if (h->list.head.uidvalidity != is.uidvalidity)
		tell(c, "UIDVALIDITY %u, is %u", h->list.head.uidvalidity,
		    is.uidvalidity);
	if (h->counts.messages != is.messages)
		tell(c, "%llu messages, are %u",
		    (unsigned long long)h->counts.messages, is.messages);
	if (h->counts.unseen != is.unseen || h->counts.deleted != is.deleted)
		tell(c, "%llu unseen and %llu deleted, are %u and %u",
		    (unsigned long long)h->counts.unseen,
		    (unsigned long long)h->counts.deleted, is.unseen,
		    is.deleted);
}

/* What is there, by a scan. */
static int
refresh(struct mailbox *mb, struct err *err)
{
	struct mailbox_refresh r = { 0 };
	struct flush_set fs = { 0 };
	int waited = 0;
	enum step s;

	while ((s = mailbox_refresh(mb, &r, &fs, err)) != STEP_DONE) {
		if (s == STEP_FLUSH)
			io_flush_now(&fs);
		else if (s == STEP_EVENT && waited < LOCK_MS) {
			(void)poll(NULL, 0, MAILBOX_RETRY_MS);
			waited += MAILBOX_RETRY_MS;
		} else {
			mailbox_refresh_drop(&r);
			return s == STEP_FAIL ?
			    -1 :
			    err_set(err, ERR_BUSY, "the list is locked");
		}
	}
	return 0;
}

static enum verified
compare(struct compare *c, struct index *ix)
{
	struct box_head h;
	struct buf b;
	int r;

	buf_init(&b, INDEX_HEAD_MAX);
	r = index_head(ix, c->mb->ino, &b);
	if (r == 1 && !box_head_get(buf_slice(&b), &h)) {
		tell(c, "its head is broken, or unfinished");
		r = -1;
	}
	buf_free(&b);
	if (r != 1)
		return r == 0 ? VERIFIED_UNKNOWN : VERIFIED_DIFFERS;
	compare_head(c, &h);
	if (index_read(ix, c->mb->ino, INDEX_MESSAGE, 0, UINT64_MAX, 0,
		on_message, c) == 0 &&
	    h.counts.messages != 0)
		tell(c, "its records cannot be read");
	else
		pass(c, (uint64_t)UINT32_MAX + 1);
	return c->differs ? VERIFIED_DIFFERS : VERIFIED_SAME;
}

enum verified
verify_mailbox(struct store *st, struct index *ix, struct slice name,
    const struct verify_teller *teller, uint64_t *messages_out, struct err *err)
{
	struct mailboxes_conf conf = { 0 };
	struct mailboxes *ms = mailboxes_new(st, &conf);
	struct compare c = { .name = name, .teller = teller };
	enum verified r = VERIFIED_FAILED;

	if (mailbox_open(ms, name, &c.mb, err) == 0) {
		if (refresh(c.mb, err) == 0) {
			*messages_out = c.mb->recs.n;
			r = compare(&c, ix);
		}
		mailbox_close(&c.mb);
	}
	mailboxes_free(&ms);
	return r;
}

/* All that is to be written, until stamps prove it. */
static void
write_all(struct mailboxes *ms)
{
	uint64_t end = clock_mono_us() + PROVE_US, at, now;

	while ((at = mailboxes_write_index(ms)) != 0) {
		now = clock_mono_us();
		if (at > now && at > end)
			return;
		if (at > now)
			(void)poll(NULL, 0, (int)((at - now) / 1000) + 1);
	}
}

static int
rebuild_one(struct mailboxes *ms, struct slice name, struct err *err)
{
	struct mailbox *mb;
	int r;

	if (mailbox_open(ms, name, &mb, err) == -1)
		return -1;
	r = refresh(mb, err);
	if (r == 0)
		write_all(ms);
	mailbox_close(&mb);
	return r;
}

static int
rebuild_all(struct mailboxes *ms, struct store *st,
    const struct verify_teller *failed, struct err *err)
{
	struct store_list *l;
	struct store_entry e;
	struct err why;
	int n = 0;

	if (store_list_open(st, &l, err) == -1)
		return -1;
	while (store_list_next(l, &e)) {
		if ((e.flags & (STORE_NONEXISTENT | STORE_SUBS_ONLY)) != 0)
			continue;
		if (rebuild_one(ms, e.name, &why) == 0)
			n++;
		else
			failed->differs(failed->arg, e.name, why.text);
	}
	store_list_close(l);
	mailboxes_flush_index(ms);
	return n;
}

int
verify_rebuild(struct store *st, struct index *ix,
    const struct verify_teller *failed, struct err *err)
{
	struct mailboxes_conf conf = { 0 };
	struct mailboxes *ms = mailboxes_new(st, &conf);
	int r;

	index_drop(ix, "made anew");
	r = mailboxes_use_index(ms, ix, store_control_fd(st), err);
	if (r == 0)
		r = rebuild_all(ms, st, failed, err);
	mailboxes_free(&ms);
	return r;
}
