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
#include "libmaildir/store.h"

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

void
mailboxes_free(struct mailboxes **ms)
{
	if (*ms == NULL)
		return;
	assert((*ms)->open == NULL);
	watch_free(&(*ms)->watch);
	xfree(*ms);
	*ms = NULL;
}

int
mailboxes_modseqs(struct mailboxes *ms, int dir, const struct modseq_past *past,
    struct err *err)
{
	assert(ms->open == NULL);
	return modseqs_open(&ms->modseqs, dir, past, err);
}

bool
mailboxes_have_modseqs(const struct mailboxes *ms)
{
	return ms->modseqs.is_kept;
}

const struct modseqs *
mailboxes_counter(const struct mailboxes *ms)
{
	return &ms->modseqs;
}

struct watch *
mailboxes_watch(struct mailboxes *ms)
{
	return ms->watch;
}

/* The mailbox that has this very folder open, whatever name it had then. */
static struct mailbox *
find_open(struct mailboxes *ms, const struct folder *f, struct err *err)
{
	struct stat wanted, st;
	struct mailbox *mb;

	if (io_fstat(f->dir, &wanted) == -1) {
		(void)err_sys(err, "stat %s", f->name);
		return NULL;
	}
	err->code = ERR_OK;
	for (mb = ms->open; mb != NULL; mb = mb->next) {
		if (mb->is_forgotten || io_fstat(mb->folder.dir, &st) == -1)
			continue;
		if (st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino)
			return mb;
	}
	return NULL;
}

int
mailbox_open_folder(struct mailboxes *ms, struct folder *f,
    struct mailbox **out, struct err *err)
{
	struct mailbox *mb = find_open(ms, f, err);

	if (mb == NULL && err->code != ERR_OK)
		return -1;
	if (mb != NULL) {
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
	mailbox_log_trim(mb);
	xfree(mb->log);
	modlog_free(&mb->expunged);
	modlog_free(&mb->changed);
	free_all(&mb->recs);
	free_all(&mb->named);
	free_all(&mb->fresh);
	basetable_free(&mb->bases);
	mailbox_forget_links(mb);
	watch_remove(&mb->watch);
	keywords_free(&mb->keywords);
	uidlist_free(&mb->list);
	folder_close(&mb->folder);
	xfree(mb);
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
	mailbox_free(m);
}

void
mailboxes_forget(struct mailboxes *ms, struct slice name)
{
	struct mailbox *mb;

	for (mb = ms->open; mb != NULL; mb = mb->next)
		if (slice_eq_str(name, mb->folder.name))
			mb->is_forgotten = true;
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
mailbox_status(struct mailbox *mb, struct mailbox_status *out)
{
	size_t i;

	*out = (struct mailbox_status){
		.uidvalidity = mb->list.head.uidvalidity,
		.uidnext = uidlist_next(&mb->list),
		.highest_modseq = mailbox_told_modseq(mb, mb->told_uid),
	};
	(void)memcpy(out->guid, mb->list.head.guid, sizeof out->guid);
	for (i = 0; i < mb->recs.n; i++) {
		const struct mailbox_rec *rec = mb->recs.v[i];

		if (rec->uid > mb->told_uid)
			break;
		out->messages++;
		out->recent += rec->in_new || rec->is_recent;
		out->unseen += (rec->flags & FLAG_SEEN) == 0;
		out->deleted += (rec->flags & FLAG_DELETED) != 0;
		if (rec->wire != NAME_NO_SIZE)
			out->wire += rec->wire;
		if (rec->size == NAME_NO_SIZE)
			continue;
		out->bytes += rec->size;
		if ((rec->flags & FLAG_DELETED) != 0)
			out->deleted_bytes += rec->size;
	}
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
