/* SPDX-License-Identifier: ISC */
/*
 * Changing and finding single messages of an open mailbox.
 *
 * C1. A flag is changed by renaming from the name that was compared: when
 *     another program was faster the rename fails, the folder is read again,
 *     and the change is made once more from the new name.
 * C2. A change with a condition (UNCHANGEDSINCE) is compared and renamed from
 *     the same name too: what another program did meanwhile either has raised
 *     the modseq when the folder was read again, or changed no flag.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/quota.h"
#include "libmessage/crlf.h"

/* Of mailbox_sizes_some(): what a call reads, one message at least. */
#define SIZES_FILES 16
#define SIZES_BYTES (512 * KIB)

static int
dir_of(const struct mailbox *mb, bool in_new)
{
	return in_new ? mb->folder.new : mb->folder.cur;
}

static bool
is_one_file(const struct mailbox *mb, bool a_new, const char *a, bool b_new,
    const char *b)
{
	struct stat x, y;

	return io_stat(dir_of(mb, a_new), a, &x) == 0 &&
	    io_stat(dir_of(mb, b_new), b, &y) == 0 && x.st_ino == y.st_ino &&
	    x.st_dev == y.st_dev;
}

int
mailbox_rename(struct mailbox *mb, bool from_new, const char *from, bool to_new,
    const char *to)
{
	enum watch_dir out = from_new ? WATCH_NEW : WATCH_CUR;
	enum watch_dir in = to_new ? WATCH_NEW : WATCH_CUR;
	int keep;

	watch_expect(mb->watch, out, WATCH_OUT, slice_str(from));
	watch_expect(mb->watch, in, WATCH_IN, slice_str(to));
	if (io_rename_new(dir_of(mb, from_new), from, dir_of(mb, to_new), to) ==
	    0)
		return 0;
	keep = errno;
	watch_forget(mb->watch, out, WATCH_OUT, slice_str(from));
	watch_forget(mb->watch, in, WATCH_IN, slice_str(to));
	if (keep == EEXIST && is_one_file(mb, from_new, from, to_new, to)) {
		/* It has that name already; the other is a link now. */
		mailbox_must_scan(mb);
		return 0;
	}
	errno = keep;
	return -1;
}

static int
remove_file(struct mailbox *mb, bool in_new, const char *name)
{
	enum watch_dir dir = in_new ? WATCH_NEW : WATCH_CUR;
	int keep;

	watch_expect(mb->watch, dir, WATCH_OUT, slice_str(name));
	if (io_unlink(dir_of(mb, in_new), name) == 0)
		return 0;
	keep = errno;
	watch_forget(mb->watch, dir, WATCH_OUT, slice_str(name));
	errno = keep;
	return -1;
}

void
mailbox_remove_links(struct mailbox *mb, const struct mailbox_rec *rec)
{
	struct slice base;
	struct stat st;
	size_t i;

	for (i = 0; i < mb->n_links; i++) {
		const struct other_name *l = &mb->links[i];
		struct slice rest = slice_str(l->name);

		(void)slice_cut(&rest, ':', &base);
		if (!slice_eq(base, mailbox_rec_base(rec)) ||
		    io_stat(dir_of(mb, l->in_new), l->name, &st) == -1 ||
		    st.st_ino != l->ino)
			continue;
		/* What stays comes up as a message of its own. */
		(void)!remove_file(mb, l->in_new, l->name);
	}
}

/* The file is not where we thought. Look where it is: 1 found under another
 * name (or place), 0 -1: ERR_GONE, or from the system. */
static int
find_again(struct mailbox *mb, struct mailbox_rec *rec, struct err *err)
{
	if (rec->is_gone)
		return err_set(err, ERR_GONE, "uid %u is expunged", rec->uid);
	mailbox_must_scan(mb);
	if (mailbox_scan(mb, err) == -1)
		return -1;
	/* An uncertain scan does not expunge; not seen is gone for this call.
	 */
	if (rec->is_gone || !mailbox_was_seen(mb, rec))
		return err_set(err, ERR_GONE, "uid %u is gone", rec->uid);
	return 0;
}

/* ---- flags ---- */

static void
apply_op(const struct flag_change *how, uint8_t *flags, uint32_t *keywords)
{
	uint8_t f = how->flags & FLAGS_ALL;

	switch (how->op) {
	case FLAG_SET:
		/* P has no name in IMAP: FLAGS (...) does not take it away. */
		*flags = (uint8_t)(f | (*flags & FLAG_PASSED));
		*keywords = how->keywords;
		break;
	case FLAG_ADD:
		*flags |= f;
		*keywords |= how->keywords;
		break;
	case FLAG_REMOVE:
		*flags = (uint8_t)(*flags & ~f);
		*keywords &= ~how->keywords;
		break;
	}
}

/* Letters that a name has got just now mean what they meant (keywords.c, K3),
 * or are taken out of it: then -1 with EBUSY. */
static int
keep_letters(struct mailbox *mb, const struct name *n, uint8_t flags,
    uint32_t old, uint32_t new, const char *name)
{
	struct err err;
	struct buf b;

	if (keywords_are_same(&mb->keywords, &mb->folder, new & ~old, &err) !=
	    0)
		return 0; /* one that cannot be read does not change either */
	buf_init(&b, 2 * MAX_FILE_NAME);
	name_print(n, flags, old, &b);
	(void)!mailbox_rename(mb, false, name, false, buf_cstr(&b));
	mailbox_must_scan(mb); /* whatever its name is now */
	buf_free(&b);
	errno = EBUSY;
	return -1;
}

/* One try: 1 changed, 0 was so, -1 with errno (ENOENT: somebody renamed it, so
 * that what the record says is not what there is). */
static int
change_once(struct mailbox *mb, struct mailbox_rec *rec,
    const struct flag_change *how, struct view *by)
{
	uint32_t keywords = rec->keywords;
	uint8_t flags = rec->flags;
	struct name n;
	struct stat st;
	struct buf b;
	int r;

	apply_op(how, &flags, &keywords);
	if (flags == rec->flags && keywords == rec->keywords)
		return io_stat(mailbox_rec_dir(mb, rec), rec->name, &st);
	buf_init(&b, 2 * MAX_FILE_NAME);
	name_split(slice_str(rec->name), &n);
	name_print(&n, flags, keywords, &b);
	/* Not io_rename(): a name that is there belongs to a double. */
	r = mailbox_rename(mb, rec->in_new, rec->name, false, buf_cstr(&b));
	if (r == 0 && (keywords & ~rec->keywords) != 0)
		r = keep_letters(
		    mb, &n, flags, rec->keywords, keywords, buf_cstr(&b));
	if (r == 0) {
		if (mailbox_rec_rename(mb, rec, buf_slice(&b), false))
			mailbox_rec_changed(mb, rec, by);
		r = 1;
	}
	buf_free(&b);
	return r;
}

static int
check_unchanged(const struct mailbox_rec *rec, const struct flag_change *how,
    struct err *err)
{
	if (how->is_conditional && rec->modseq > how->unchanged_since)
		return err_set(
		    err, ERR_BUSY, "uid %u has been changed", rec->uid);
	return 0;
}

int
mailbox_change(struct mailbox *mb, struct mailbox_rec *rec,
    const struct flag_change *how, struct view *by, struct err *err)
{
	int r, i;

	for (i = 0; i < 2; i++) {
		if (rec->is_gone)
			return err_set(
			    err, ERR_GONE, "uid %u is expunged", rec->uid);
		if (check_unchanged(rec, how, err) == -1)
			return -1;
		if ((r = change_once(mb, rec, how, by)) != -1)
			return r;
		if (errno != ENOENT && errno != EEXIST)
			break;
		if (i == 0 && find_again(mb, rec, err) == -1) /* C1 */
			return -1;
	}
	/* C2: found again as it was, and lost again. */
	if (how->is_conditional && (errno == ENOENT || errno == EEXIST))
		return err_set(
		    err, ERR_BUSY, "uid %u is being changed", rec->uid);
	return err_sys(err, "rename uid %u", rec->uid);
}

int
mailbox_claim_new(struct mailbox *mb, struct err *err)
{
	struct name n;
	struct buf b;
	size_t i;
	int r = 0;

	if (mb->n_new == 0)
		return 0;
	buf_init(&b, 2 * MAX_FILE_NAME);
	/* From the end, where they are. */
	for (i = mb->recs.n; i > 0 && mb->n_new > 0 && r == 0; i--) {
		struct mailbox_rec *rec = mb->recs.v[i - 1];

		if (!rec->in_new)
			continue;
		buf_reset(&b);
		name_split(slice_str(rec->name), &n);
		name_print(&n, n.flags, n.keywords, &b);
		if (mailbox_rename(mb, true, rec->name, false, buf_cstr(&b)) ==
		    0) {
			(void)mailbox_rec_rename(mb, rec, buf_slice(&b), false);
			mailbox_rec_set_recent(mb, rec, true);
		} else if (errno == ENOENT || errno == EEXIST)
			mailbox_must_scan(mb); /* somebody else took it */
		else
			r = err_sys(err, "move %s to cur", rec->name);
	}
	buf_free(&b);
	return r;
}

/* ---- expunge ---- */

/* 1 gone now, 0 its \Deleted has been taken away meanwhile, -1. */
static int
expunge_one(struct view *v, struct mailbox_rec *rec, bool any,
    struct quota_usage *freed, struct err *err)
{
	struct mailbox *mb = v->mb;
	int64_t bytes;
	int i;

	for (i = 0; i < 2; i++) {
		if (!any && (rec->flags & FLAG_DELETED) == 0)
			return 0;
		bytes = mailbox_has_quota(mb) ? mailbox_quota_size(mb, rec) : 0;
		if (remove_file(mb, rec->in_new, rec->name) == 0) {
			freed->bytes += bytes;
			freed->messages++;
			mailbox_remove_links(mb, rec);
			mailbox_rec_expunge(mb, rec, NULL);
			return 1;
		}
		if (errno != ENOENT)
			break;
		if (i == 0 && find_again(mb, rec, err) == -1) {
			/* Gone by itself: the next scan says so. */
			mailbox_must_scan(mb);
			return err->code == ERR_GONE ? 1 : -1;
		}
	}
	return err_sys(err, "remove uid %u", rec->uid);
}

/* 1 there is more, 0 all is done, -1. */
static int
expunge_some(struct view *v, const struct seqset *uids, bool any,
    uint32_t *from, unsigned max, struct quota_usage *freed, struct err *err)
{
	size_t i = recs_from(&v->recs, *from + 1);

	for (; i < v->recs.n; i++) {
		struct mailbox_rec *rec = v->recs.v[i];

		if (max == 0)
			return 1;
		if (rec->is_gone ||
		    (uids != NULL && !seqset_has(uids, rec->uid)))
			continue;
		*from = rec->uid;
		if (!any && (rec->flags & FLAG_DELETED) == 0)
			continue;
		if (expunge_one(v, rec, any, freed, err) == -1)
			return -1;
		max--;
	}
	return 0;
}

int
view_expunge(struct view *v, const struct seqset *uids, bool any,
    uint32_t *from, unsigned max, struct err *err)
{
	struct quota_usage freed = { 0 };
	int r;

	if (*from == UINT32_MAX)
		return 0;
	r = expunge_some(v, uids, any, from, max, &freed, err);
	mailbox_quota_add(v->mb, -freed.bytes, -freed.messages);
	return r;
}

/* ---- reading ---- */

int
mailbox_open_message(
    struct mailbox *mb, struct mailbox_rec *rec, int *fd_out, struct err *err)
{
	uint64_t size;

	return mailbox_open_sized(mb, rec, fd_out, &size, err);
}

int
mailbox_open_sized(struct mailbox *mb, struct mailbox_rec *rec, int *fd_out,
    uint64_t *size_out, struct err *err)
{
	struct stat st;
	int fd, i;

	for (i = 0; i < 2; i++) {
		if (rec->is_gone)
			return err_set(
			    err, ERR_GONE, "uid %u is expunged", rec->uid);
		fd = io_open_stat(
		    mailbox_rec_dir(mb, rec), rec->name, O_RDONLY, 0, &st);
		if (fd != -1) {
			if (rec->internaldate == MAILBOX_NO_DATE) {
				rec->internaldate = st.st_mtime;
				mailbox_rec_learnt(mb, rec);
			}
			*size_out = (uint64_t)st.st_size;
			*fd_out = fd;
			return 0;
		}
		if (errno != ENOENT)
			break;
		if (i == 0 && find_again(mb, rec, err) == -1)
			return -1;
	}
	return err_sys(err, "open uid %u", rec->uid);
}

static int
count_sizes(int fd, uint64_t size, struct crlf_count *c, struct err *err)
{
	struct buf b;
	ssize_t n = 0;
	char *p;

	*c = (struct crlf_count){ 0 };
	buf_init(&b, IO_BLOCK);
	p = buf_reserve(&b, IO_BLOCK);
	while (c->bytes < size && (n = io_read(fd, p, IO_BLOCK)) > 0)
		crlf_count(c, slice_of(p, (size_t)n));
	buf_free(&b);
	return n == -1 ? err_sys(err, "read a message") : 0;
}

int
mailbox_sizes(struct mailbox *mb, struct mailbox_rec *rec, struct err *err)
{
	struct crlf_count c;
	uint64_t size;
	int fd, r;

	if (rec->size != NAME_NO_SIZE && rec->wire != NAME_NO_SIZE)
		return 0;
	if (mailbox_open_sized(mb, rec, &fd, &size, err) == -1)
		return -1;
	if ((r = count_sizes(fd, size, &c, err)) == 0)
		mailbox_sizes_are(mb, rec, c.bytes, crlf_wire(&c));
	io_close(&fd);
	return r;
}

static bool
is_unsized(const struct mailbox_rec *rec, bool only_deleted)
{
	if (only_deleted)
		return (rec->flags & FLAG_DELETED) != 0 &&
		    rec->size == NAME_NO_SIZE;
	return rec->size == NAME_NO_SIZE || rec->wire == NAME_NO_SIZE;
}

/* The first one behind a UID whose sizes are wanted and not known; NULL: none
 * that may be told. */
static struct mailbox_rec *
next_unsized(const struct mailbox *mb, bool only_deleted, uint32_t uid)
{
	size_t i = recs_from(&mb->recs, uid);

	for (; i < mb->recs.n && mb->recs.v[i]->uid <= mb->told_uid; i++) {
		if (mb->recs.v[i]->uid > uid &&
		    is_unsized(mb->recs.v[i], only_deleted))
			return mb->recs.v[i];
	}
	return NULL;
}

int
mailbox_sizes_some(
    struct mailbox *mb, bool only_deleted, uint32_t *uid, struct err *err)
{
	struct mailbox_rec *rec;
	unsigned files = 0;
	uint64_t bytes = 0;

	if ((only_deleted ? mb->counts.deleted_unsized : mb->counts.unsized) ==
	    0)
		return 0;
	while (files++ < SIZES_FILES && bytes < SIZES_BYTES) {
		rec = next_unsized(mb, only_deleted, *uid);
		if (rec == NULL)
			return 0;
		*uid = rec->uid;
		if (mailbox_sizes(mb, rec, err) == 0)
			bytes += rec->size;
		else if (err->code != ERR_GONE)
			return -1;
	}
	return 1;
}

static void
to_list(struct mailbox *mb, struct mailbox_rec *rec)
{
	if (!rec->to_list && rec->is_shown)
		mb->n_to_list++;
	rec->to_list = true;
}

void
mailbox_sizes_are(
    struct mailbox *mb, struct mailbox_rec *rec, uint64_t size, uint64_t wire)
{
	mailbox_count(mb, rec, -1);
	rec->size = size;
	rec->wire = wire;
	mailbox_count(mb, rec, 1);
	mailbox_rec_learnt(mb, rec);
	to_list(mb, rec);
}

void
mailbox_set_uidl(struct mailbox *mb, struct mailbox_rec *rec, const char *uidl)
{
	xfree(rec->uidl);
	rec->uidl = xstrdup(uidl);
	mailbox_rec_learnt(mb, rec);
	to_list(mb, rec);
}

/* Its file as it is now. */
static int
stat_message(struct mailbox *mb, struct mailbox_rec *rec, struct stat *st,
    struct err *err)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (rec->is_gone)
			return err_set(
			    err, ERR_GONE, "uid %u is expunged", rec->uid);
		if (io_stat(mailbox_rec_dir(mb, rec), rec->name, st) == 0)
			return 0;
		if (errno != ENOENT)
			break;
		if (i == 0 && find_again(mb, rec, err) == -1)
			return -1;
	}
	return err_sys(err, "stat uid %u", rec->uid);
}

int
mailbox_date(struct mailbox *mb, struct mailbox_rec *rec, struct err *err)
{
	struct stat st;

	if (rec->internaldate != MAILBOX_NO_DATE)
		return 0;
	if (stat_message(mb, rec, &st, err) == -1)
		return -1;
	rec->internaldate = st.st_mtime;
	mailbox_rec_learnt(mb, rec);
	return 0;
}

int
mailbox_changed_at(struct mailbox *mb, struct mailbox_rec *rec,
    int64_t *secs_out, struct err *err)
{
	struct stat st;

	if (stat_message(mb, rec, &st, err) == -1)
		return -1;
	*secs_out = st.st_ctime;
	return 0;
}
