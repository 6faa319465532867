/* SPDX-License-Identifier: ISC */
/* Open mailboxes: one in memory for all sessions of a process. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/quota.h"
#include "libmaildir/remember.h"
#include "libmaildir/store.h"
#include "libmaildir/summaries.h"

struct mailboxes *
mailboxes_new(struct store *st, const struct mailboxes_conf *conf)
{
	struct mailboxes *ms = xcalloc(1, sizeof *ms);

	ms->store = st;
	if (conf != NULL)
		ms->conf = *conf;
	if (ms->conf.watch)
		ms->watch = watch_new();
	modseqs_init(&ms->modseqs);
	return ms;
}

bool
mailboxes_have_modseqs(const struct mailboxes *ms)
{
	return ms->modseqs.is_kept;
}

struct watch *
mailboxes_watch(struct mailboxes *ms)
{
	return ms->watch;
}

/* The mailbox that has this very folder open, whatever name it had then. */
static struct mailbox *
find_open(struct mailboxes *ms, const struct stat *st)
{
	struct mailbox *mb;

	for (mb = ms->open; mb != NULL; mb = mb->next)
		if (!mb->is_forgotten && mb->ino == st->st_ino &&
		    mb->dev == st->st_dev)
			break;
	return mb;
}

int
mailbox_open_folder(struct mailboxes *ms, struct folder *f,
    struct mailbox **out, struct err *err)
{
	struct mailbox *mb;
	struct stat st;

	if (io_fstat(f->dir, &st) == -1)
		return err_sys(err, "stat %s", f->name);
	remember_look(ms);
	if ((mb = find_open(ms, &st)) != NULL) {
		folder_close(f);
		mb->refs++;
		*out = mb;
		return 0;
	}
	mb = xcalloc(1, sizeof *mb);
	mb->family = ms;
	mb->refs = 1;
	mb->folder = *f;
	uidlist_init(&mb->list, &mb->folder);
	modlog_init(&mb->expunged, MAX_EXPUNGE_LOG);
	modlog_init(&mb->changed, MAX_CHANGE_LOG);
	mb->dev = st.st_dev;
	mb->ino = st.st_ino;
	mb->box = ms->index == NULL ? 0 : mb->ino;
	mb->next = ms->open;
	ms->open = mb;
	*out = mb;
	return 0;
}

int
mailbox_open(struct mailboxes *ms, struct slice name, struct mailbox **out,
    struct err *err)
{
	struct folder f;

	if (store_folder_open(ms->store, name, &f, err) == -1)
		return -1;
	if (mailbox_open_folder(ms, &f, out, err) == -1) {
		folder_close(&f);
		return -1;
	}
	return 0;
}

static void
free_all(struct recs *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		mailbox_rec_free(r->v[i]);
	recs_free(r);
}

static void
mailbox_free(struct mailbox *mb)
{
	struct mailbox **at;

	for (at = &mb->family->open; *at != mb; at = &(*at)->next)
		;
	*at = mb->next;
	remember_free(mb);
	summaries_free(mb);
	mailbox_log_trim(mb);
	xfree(mb->log);
	modlog_free(&mb->expunged);
	modlog_free(&mb->changed);
	free_all(&mb->recs);
	free_all(&mb->named);
	free_all(&mb->fresh);
	basetable_free(&mb->bases);
	mailbox_free_slabs(mb);
	mailbox_forget_links(mb);
	watch_remove(&mb->watch);
	keywords_free(&mb->keywords);
	uidlist_free(&mb->list);
	folder_close(&mb->folder);
	xfree(mb);
}

void
mailboxes_free(struct mailboxes **ms)
{
	if (*ms == NULL)
		return;
	while ((*ms)->open != NULL && (*ms)->open->refs == 0)
		mailbox_free((*ms)->open);
	assert((*ms)->open == NULL);
	remember_end(*ms);
	watch_free(&(*ms)->watch);
	xfree(*ms);
	*ms = NULL;
}

int
mailbox_read_list(struct mailbox *mb, struct err *err)
{
	return mb->is_loaded ? mailbox_list_read(mb, err) : 0;
}

int
mailbox_write_list(struct mailbox *mb, struct err *err)
{
	int r;

	if (mb->n_to_list == 0 || mb->is_forgotten)
		return 1;
	if ((r = mailbox_lock(mb, err)) != 1)
		return r;
	if (mailbox_rewrite(mb, err) == -1)
		r = -1;
	mailbox_unlock(mb);
	return r;
}

/* A session opens again and again what it has closed: loaded once, it stays,
 * the ones used last, up to a number of messages; and of what was only saved
 * to, the place where its list ends. */
static bool
is_worth_keeping(const struct mailbox *mb)
{
	return (mb->is_loaded ? mb->box != 0 : mb->list.fd != -1) &&
	    !mb->is_forgotten && mb->recs.n <= MAX_KEPT_MESSAGES;
}

static void
keep(struct mailbox *mb)
{
	struct mailboxes *ms = mb->family;
	struct mailbox **at, *m, *next;
	size_t messages = 0;
	unsigned n = 0;

	for (at = &ms->open; *at != mb; at = &(*at)->next)
		;
	*at = mb->next;
	mb->next = ms->open;
	ms->open = mb;
	for (m = ms->open; m != NULL; m = next) {
		next = m->next;
		if (m->refs > 0)
			continue;
		messages += m->recs.n;
		if (++n > MAX_KEPT_MAILBOXES || messages > MAX_KEPT_MESSAGES)
			mailbox_free(m);
	}
}

void
mailbox_close(struct mailbox **mb)
{
	struct mailbox *m = *mb;
	struct err err;

	if (m == NULL)
		return;
	*mb = NULL;
	if (--m->refs > 0)
		return;
	assert(m->views == NULL);
	/* Sizes that were counted save work the next time, not more: a failure
	 * is no matter. */
	(void)!mailbox_write_list(m, &err);
	if (is_worth_keeping(m))
		keep(m);
	else
		mailbox_free(m);
}

void
mailboxes_forget(struct mailboxes *ms, struct slice name)
{
	struct mailbox *mb, *next;

	for (mb = ms->open; mb != NULL; mb = next) {
		next = mb->next;
		if (!slice_eq_str(name, mb->folder.name))
			continue;
		mb->is_forgotten = true;
		if (mb->refs == 0)
			mailbox_free(mb);
	}
}

struct folder *
mailbox_folder(struct mailbox *mb)
{
	return &mb->folder;
}

struct mailbox_rec *
mailbox_find(const struct mailbox *mb, uint32_t uid)
{
	size_t i = recs_from(&mb->recs, uid);

	return i < mb->recs.n && mb->recs.v[i]->uid == uid ? mb->recs.v[i] :
							     NULL;
}

void
mailbox_put_counts(const struct mailbox_counts *c, struct mailbox_status *out)
{
	out->messages = (uint32_t)c->messages;
	out->recent = (uint32_t)c->recent;
	out->unseen = (uint32_t)c->unseen;
	out->deleted = (uint32_t)c->deleted;
	out->bytes = c->bytes;
	out->wire = c->wire;
	out->deleted_bytes = c->deleted_bytes;
	out->unsized = c->unsized;
	out->deleted_unsized = c->deleted_unsized;
}

void
mailbox_status(struct mailbox *mb, struct mailbox_status *out)
{
	size_t i;

	*out = (struct mailbox_status){
		.uidvalidity = mb->list.head.uidvalidity,
		.uidnext = uidlist_next(&mb->list),
		.highest_modseq = mailbox_told_modseq(mb, mb->told_uid),
	};
	(void)memcpy(out->guid, mb->list.head.guid, sizeof out->guid);
	/* But for those that may not be told yet: at the end, few. */
	for (i = mb->recs.n; i > 0 && mb->recs.v[i - 1]->uid > mb->told_uid;
	     i--)
		mailbox_count(mb, mb->recs.v[i - 1], -1);
	mailbox_put_counts(&mb->counts, out);
	for (; i < mb->recs.n; i++)
		mailbox_count(mb, mb->recs.v[i], 1);
}

uint32_t
mailbox_uidvalidity(const struct mailbox *mb)
{
	return mb->list.head.uidvalidity;
}

/* ---- quota ---- */

bool
mailbox_has_quota(const struct mailbox *mb)
{
	return mb->family->store != NULL && quota_is_on(mb->family->store);
}

void
mailbox_quota_add(struct mailbox *mb, int64_t bytes, int64_t msgs)
{
	struct err err;

	if (msgs != 0 && mailbox_has_quota(mb))
		(void)!quota_add(mb->family->store, bytes, msgs, &err);
}

int64_t
mailbox_quota_size(const struct mailbox *mb, const struct mailbox_rec *rec)
{
	struct stat st;

	if (rec->size != NAME_NO_SIZE)
		return (int64_t)rec->size;
	if (io_stat(mailbox_rec_dir(mb, rec), rec->name, &st) == -1)
		return 0; /* renamed or gone: a number to correct later */
	return st.st_size;
}

/* ---- keywords ---- */

const char *
mailbox_keyword(const struct mailbox *mb, unsigned letter)
{
	return letter < N_KEYWORDS ? mb->keywords.names[letter] : NULL;
}

bool
mailbox_keywords_free(const struct mailbox *mb)
{
	uint32_t used = 0;
	size_t i;

	for (i = 0; i < N_KEYWORDS; i++)
		if (mb->keywords.names[i] == NULL)
			return true;
	for (i = 0; i < mb->recs.n; i++)
		used |= mb->recs.v[i]->keywords;
	return used != (1u << N_KEYWORDS) - 1;
}

int
mailbox_keyword_mask(struct mailbox *mb, const struct slice *names, size_t n,
    bool make, uint32_t *mask_out, struct err *err)
{
	uint32_t mask = 0;
	bool all = true;
	size_t i;
	int r, letter;

	if (keywords_read(&mb->keywords, &mb->folder, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		letter = keywords_find(&mb->keywords, names[i]);
		if (letter != -1)
			mask |= 1u << letter;
		all = all && letter != -1;
	}
	if (all || !make) {
		*mask_out = mask;
		return 1;
	}
	if ((r = mailbox_lock(mb, err)) != 1)
		return r;
	if (keywords_read(&mb->keywords, &mb->folder, err) == -1 ||
	    keywords_give(
		&mb->keywords, &mb->folder, names, n, mask_out, err) == -1)
		r = -1;
	mailbox_unlock(mb);
	return r;
}

int
mailbox_hold(struct mailbox *mb, struct err *err)
{
	return mailbox_lock(mb, err);
}

void
mailbox_release(struct mailbox *mb)
{
	mailbox_unlock(mb);
}

int
mailbox_keyword_held(
    struct mailbox *mb, struct slice name, uint32_t *mask_out, struct err *err)
{
	if (keywords_read(&mb->keywords, &mb->folder, err) == -1)
		return -1;
	return keywords_give(
	    &mb->keywords, &mb->folder, &name, 1, mask_out, err);
}
