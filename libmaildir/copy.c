/* SPDX-License-Identifier: ISC */
/*
 * COPY and MOVE: the source's bytes are flushed, then under the lock of the
 * target's list links (or renames) to new base names are made and numbered,
 * then folders and list are flushed.
 *
 * Y1. A COPY leaves nothing behind when it fails. A MOVE never has a message
 *     twice nor loses it: a rename, taken back when its record cannot be
 *     written.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/copy.h"
#include "libmaildir/io.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/quota.h"

#define BATCH 200 /* messages under one lock: some milliseconds */

struct copied {
	char *name; /* in the target's cur or new */
	bool in_new;
	char *from_name; /* of a MOVE: to take it back */
	bool from_new;
	uint32_t from_uid, to_uid;
	uint8_t flags;
};

enum copy_phase {
	COPY_SOURCES, /* flush the bytes of the messages */
	COPY_ROOM,    /* may they be added? */
	COPY_NAMES,
	COPY_FOLDER, /* flush folders and list */
	COPY_DONE
};

struct copy {
	struct view *view;
	struct mailbox *from, *to;
	bool move, is_over;
	enum copy_phase phase;
	uint32_t *uids;
	size_t n;
	size_t next_source, next; /* in uids: flushed, named */
	int fds[FLUSH_SET_MAX];
	unsigned n_fds;
	struct copied *v;
	size_t n_copied, n_recorded; /* named; in the list */
	int64_t bytes;               /* of these, for the quota */
	uint64_t room, n_room;       /* what is to be added */
	struct quota_count *count;   /* of the quota, while it is counted */
	uint32_t uidvalidity;
	struct seqset from_uids, to_uids;
	struct mailbox_refresh list;
};

int
copy_begin(struct view *from, const struct seqset *uids, struct mailbox *to,
    bool move, struct copy **out, struct err *err)
{
	struct copy *c = xcalloc(1, sizeof *c);
	uint32_t seq;

	(void)err;
	c->view = from;
	c->from = view_mailbox(from);
	c->to = to;
	c->move = move;
	seqset_init(&c->from_uids, MAX_VIEW_RANGES);
	seqset_init(&c->to_uids, MAX_VIEW_RANGES);
	c->uids = xcalloc(view_count(from) + 1, sizeof *c->uids);
	for (seq = 1; seq <= view_count(from); seq++) {
		const struct mailbox_rec *rec = view_rec(from, seq);

		if (!rec->is_gone && seqset_has(uids, rec->uid))
			c->uids[c->n++] = rec->uid;
	}
	c->v = xcalloc(c->n + 1, sizeof *c->v);
	*out = c;
	return 0;
}

static void
close_fds(struct copy *c)
{
	while (c->n_fds > 0)
		io_close(&c->fds[--c->n_fds]);
}

/* ---- names taken back ---- */

static void
take_back(struct copy *c, struct copied *one)
{
	int dir = one->in_new ? c->to->folder.new : c->to->folder.cur;

	if (c->move) {
		int from =
		    one->from_new ? c->from->folder.new : c->from->folder.cur;

		if (io_rename_new(dir, one->name, from, one->from_name) == -1)
			(void)!io_rename_new(
			    dir, one->name, from, one->from_name);
		mailbox_must_scan(c->from);
	} else
		io_discard(dir, one->name);
	mailbox_must_scan(c->to);
}

static void
free_copied(struct copied *one)
{
	xfree(one->name);
	xfree(one->from_name);
}

static enum step
fail(struct copy *c)
{
	size_t keep = c->move ? c->n_recorded : 0;

	while (c->n_copied > keep) {
		take_back(c, &c->v[--c->n_copied]);
		free_copied(&c->v[c->n_copied]);
	}
	if (!c->move) {
		seqset_reset(&c->from_uids);
		seqset_reset(&c->to_uids);
	}
	close_fds(c);
	c->phase = COPY_DONE;
	return STEP_FAIL;
}

void
copy_free(struct copy **copy)
{
	struct copy *c = *copy;
	size_t i;

	if (c == NULL)
		return;
	*copy = NULL;
	if (c->phase < COPY_FOLDER)
		(void)fail(c);
	for (i = 0; i < c->n_copied; i++)
		free_copied(&c->v[i]);
	close_fds(c);
	quota_count_free(c->count);
	mailbox_refresh_drop(&c->list);
	seqset_free(&c->from_uids);
	seqset_free(&c->to_uids);
	xfree(c->uids);
	xfree(c->v);
	xfree(c);
}

/* ---- one message ---- */

static bool
session_looks(const struct mailbox *mb)
{
	const struct view *v;

	for (v = mb->views; v != NULL; v = v->next)
		if (!v->read_only)
			return true;
	return false;
}

/* The letters that these keywords have in the target; under its lock. */
static int
translate(struct copy *c, uint32_t letters, uint32_t *out, struct err *err)
{
	struct slice names[N_KEYWORDS];
	size_t i, n = 0;

	if (c->from == c->to) {
		*out = letters;
		return 0;
	}
	for (i = 0; i < N_KEYWORDS; i++)
		/* A letter without a name has no meaning to take along. */
		if ((letters >> i & 1) != 0 &&
		    c->from->keywords.names[i] != NULL)
			names[n++] = slice_str(c->from->keywords.names[i]);
	if (n == 0) {
		*out = 0;
		return 0;
	}
	if (keywords_read(&c->to->keywords, &c->to->folder, err) == -1)
		return -1;
	return keywords_give(
	    &c->to->keywords, &c->to->folder, names, n, out, err);
}

/* A file system without links, or another one: bytes, by way of tmp/. 0, or -1
 * with errno. */
static int
copy_bytes(
    struct copy *c, const struct mailbox_rec *rec, int to_dir, const char *name)
{
	struct folder *f = &c->to->folder;
	int in = -1, out = -1;
	struct stat st;
	struct buf b;
	ssize_t n = -1;
	char *p;

	buf_init(&b, IO_BLOCK);
	p = buf_reserve(&b, IO_BLOCK);
	in = io_open(mailbox_rec_dir(c->from, rec), rec->name, O_RDONLY, 0);
	if (in == -1)
		goto out;
	out = io_open(f->tmp, name, O_WRONLY | O_CREAT | O_EXCL, f->mode);
	if (out == -1)
		goto out;
	while ((n = io_read(in, p, IO_BLOCK)) > 0)
		if (io_write(out, slice_of(p, (size_t)n)) == -1)
			break;
	if (n != 0 || io_fstat(in, &st) == -1 ||
	    io_set_mtime(out, st.st_mtime) == -1 || io_fsync(out) == -1 ||
	    io_rename_new(f->tmp, name, to_dir, name) == -1) {
		io_discard(f->tmp, name);
		n = -1;
	}
out:
	buf_free(&b);
	io_close(&in);
	io_close(&out);
	return n == 0 ? 0 : -1;
}

/* Link, rename, or copy. 0, or -1 with errno. */
static int
place(struct copy *c, const struct mailbox_rec *rec, bool in_new,
    const char *name)
{
	enum watch_dir in = in_new ? WATCH_NEW : WATCH_CUR;
	enum watch_dir out = rec->in_new ? WATCH_NEW : WATCH_CUR;
	int to = in_new ? c->to->folder.new : c->to->folder.cur;
	int from = mailbox_rec_dir(c->from, rec);
	int r, keep;

	watch_expect(c->to->watch, in, WATCH_IN, slice_str(name));
	if (c->move)
		watch_expect(
		    c->from->watch, out, WATCH_OUT, slice_str(rec->name));
	r = c->move ? io_rename_new(from, rec->name, to, name) :
		      io_link(from, rec->name, to, name);
	if (r == -1 && !c->move &&
	    (errno == EXDEV || errno == EMLINK || errno == EPERM ||
		errno == EOPNOTSUPP))
		r = copy_bytes(c, rec, to, name);
	if (r == 0)
		return 0;
	keep = errno;
	watch_forget(c->to->watch, in, WATCH_IN, slice_str(name));
	if (c->move)
		watch_forget(
		    c->from->watch, out, WATCH_OUT, slice_str(rec->name));
	errno = keep;
	return -1;
}

/* The new name; its base is all of it before ':'. */
static char *
new_name(struct copy *c, const struct mailbox_rec *rec, uint32_t letters,
    bool *in_new)
{
	struct name n = { 0 };
	struct buf base, b;
	char *name;

	buf_init(&base, 4 * MAX_FILE_NAME);
	buf_init(&b, 4 * MAX_FILE_NAME);
	name_unique(&c->to->folder.next, &base);
	name_put_sizes(&base, rec->size, rec->wire);
	n.base = buf_slice(&base);
	*in_new = rec->flags == 0 && letters == 0 && !session_looks(c->to);
	if (*in_new)
		buf_put_slice(&b, n.base);
	else
		name_print(&n, rec->flags, letters, &b);
	name = xstrdup(buf_cstr(&b));
	buf_free(&base);
	buf_free(&b);
	return name;
}

static void
print_line(
    const struct copied *one, const struct mailbox_rec *rec, struct buf *lines)
{
	struct uidlist_rec line = {
		.uid = one->to_uid,
		.size = UINT64_MAX,
		.wire = UINT64_MAX,
		.guid = mailbox_rec_guid(rec),
	};
	struct slice rest = slice_str(one->name);

	/* A GUID with a blank in it would break the line apart. */
	if (slice_find(line.guid, ' ') >= 0)
		line.guid = SLICE_NONE;
	(void)slice_cut(&rest, ':', &line.base);
	uidlist_print_rec(&line, lines);
}

static int
name_it(struct copy *c, struct mailbox_rec *rec, struct copied *one,
    struct err *err)
{
	uint32_t letters;

	if (translate(c, rec->keywords, &letters, err) == -1)
		return -1;
	xfree(one->name);
	one->name = new_name(c, rec, letters, &one->in_new);
	return 0;
}

/* The same, also when somebody has renamed it, and then with the flags that
 * its new name has: 1, 0 it is gone, -1. */
static int
place_found(struct copy *c, struct mailbox_rec *rec, struct copied *one,
    struct err *err)
{
	int fd;

	if (place(c, rec, one->in_new, one->name) == 0)
		return 1;
	if (errno != ENOENT)
		return err_sys(err, "copy uid %u", rec->uid);
	if (mailbox_open_message(c->from, rec, &fd, err) == -1)
		return err->code == ERR_GONE ? 0 : -1;
	io_close(&fd);
	if (name_it(c, rec, one, err) == -1)
		return -1;
	if (place(c, rec, one->in_new, one->name) == 0)
		return 1;
	return err_sys(err, "copy uid %u", rec->uid);
}

/* 1 done, 0 the message is gone, -1. */
static int
copy_one(struct copy *c, struct mailbox_rec *rec, uint32_t uid,
    struct buf *lines, struct err *err)
{
	struct copied *one = &c->v[c->n_copied];
	int r;

	if (mailbox_sizes(c->from, rec, err) == -1)
		return err->code == ERR_GONE ? 0 : -1;
	if (name_it(c, rec, one, err) == -1)
		return -1;
	if ((r = place_found(c, rec, one, err)) != 1) {
		xfree(one->name);
		one->name = NULL;
		return r;
	}
	one->from_name = xstrdup(rec->name);
	one->from_new = rec->in_new;
	one->from_uid = rec->uid;
	one->to_uid = uid;
	one->flags = rec->flags;
	c->bytes += (int64_t)rec->size;
	print_line(one, rec, lines);
	c->n_copied++;
	return 1;
}

/* ---- a batch ---- */

/* Both mailboxes in memory learn what has been done. */
static void
tell_mailboxes(struct copy *c, const struct copied *one)
{
	struct mailbox_rec *rec = mailbox_find(c->from, one->from_uid), *new;

	seqset_add(&c->from_uids, one->from_uid, one->from_uid);
	seqset_add(&c->to_uids, one->to_uid, one->to_uid);
	if (c->to->is_loaded) {
		new = mailbox_rec_new(c->to, slice_str(one->name), one->in_new);
		new->uid = one->to_uid;
		new->is_flushed = true;
		new->is_recent = !one->in_new;
		if (rec != NULL) {
			struct slice guid = mailbox_rec_guid(rec);

			new->internaldate = rec->internaldate;
			new->guid = xstrndup(guid.p, guid.n);
		}
		mailbox_add_own(c->to, new);
	}
	if (c->move && rec != NULL) {
		mailbox_remove_links(c->from, rec);
		mailbox_rec_expunge(c->from, rec, NULL);
	}
}

static int
batch_under_lock(struct copy *c, struct err *err)
{
	struct uidlist *ul = &c->to->list;
	uint32_t uid = uidlist_next(ul);
	size_t end = c->next + BATCH < c->n ? c->next + BATCH : c->n;
	struct buf lines;
	int r = 0;

	c->uidvalidity = ul->head.uidvalidity;
	if (uid == 0 || UINT32_MAX - uid < BATCH)
		return err_set(err, ERR_LIMIT, "no UID is left");
	buf_init(&lines, 4 * MIB);
	for (; c->next < end && r != -1; c->next++) {
		struct mailbox_rec *rec =
		    mailbox_find(c->from, c->uids[c->next]);

		if (rec != NULL &&
		    (r = copy_one(c, rec, uid, &lines, err)) == 1)
			uid++;
	}
	if (r != -1 && lines.n > 0)
		r = uidlist_append(ul, buf_slice(&lines), uid - 1, err);
	buf_free(&lines);
	if (r == -1)
		return -1;
	for (; c->n_recorded < c->n_copied; c->n_recorded++)
		tell_mailboxes(c, &c->v[c->n_recorded]);
	return 1;
}

/* 1 a batch is done, 0 the lock is busy, -1. */
static int
batch(struct copy *c, struct err *err)
{
	int r;

	/* The names of the source's letters must be those of now. */
	if (keywords_read(&c->from->keywords, &c->from->folder, err) == -1)
		return -1;
	if ((r = mailbox_lock(c->to, err)) != 1)
		return r;
	r = batch_under_lock(c, err);
	mailbox_unlock(c->to);
	return r;
}

/* ---- steps ---- */

/* A MOVE adds nothing. As quota_check_some. */
static int
check_room(struct copy *c, struct err *err)
{
	size_t i;

	if (c->move || !mailbox_has_quota(c->to))
		return 1;
	for (i = 0; i < c->n && c->count == NULL; i++) {
		const struct mailbox_rec *rec =
		    mailbox_find(c->from, c->uids[i]);

		if (rec == NULL)
			continue;
		c->room += (uint64_t)mailbox_quota_size(c->from, rec);
		c->n_room++;
	}
	return quota_check_some(
	    c->to->family->store, c->room, c->n_room, &c->count, err);
}

/* The bytes of some messages that may be in memory only (another program may
 * have delivered them): 1 all are flushed, 0 fs is filled, -1. */
static int
want_sources(struct copy *c, struct flush_set *fs, struct err *err)
{
	fs->n = 0;
	fs->error = 0;
	close_fds(c);
	for (; c->next_source < c->n && c->n_fds < FLUSH_SET_MAX;
	     c->next_source++) {
		struct mailbox_rec *rec =
		    mailbox_find(c->from, c->uids[c->next_source]);
		int fd;

		if (rec == NULL || rec->is_flushed)
			continue;
		if (mailbox_open_message(c->from, rec, &fd, err) == -1) {
			if (err->code == ERR_GONE)
				continue;
			return -1;
		}
		/* True when this flush has gone well; else all fails. */
		rec->is_flushed = true;
		c->fds[c->n_fds++] = fd;
		io_flush_want(fs, fd, FLUSH_FILE);
	}
	return c->n_fds == 0;
}

static int
want_folders(struct copy *c, struct flush_set *fs, struct err *err)
{
	size_t i;

	fs->n = 0;
	fs->error = 0;
	for (i = 0; i < c->n_copied; i++) {
		const struct copied *one = &c->v[i];

		io_flush_want(fs,
		    one->in_new ? c->to->folder.new : c->to->folder.cur,
		    FLUSH_FOLDER);
	}
	/* Both: what was renamed from new to cur may not be flushed there. */
	if (c->move && c->n_copied > 0) {
		io_flush_want(fs, c->from->folder.new, FLUSH_FOLDER);
		io_flush_want(fs, c->from->folder.cur, FLUSH_FOLDER);
	}
	if (c->n_copied == 0)
		return 0;
	c->list.flush_fd = fcntl(c->to->list.fd, F_DUPFD_CLOEXEC, 0);
	if (c->list.flush_fd == -1)
		return err_sys(err, "flush dovecot-uidlist");
	c->list.is_flushing = true;
	c->list.flush_ino = c->to->list.ino;
	c->list.flush_off = c->to->list.end;
	c->list.flush_uid = c->to->list.last_uid;
	io_flush_want(fs, c->list.flush_fd, FLUSH_LIST);
	if (c->to->list.flushed == 0) /* U4: another may have replaced it */
		io_flush_want(fs, c->to->folder.control, FLUSH_FOLDER);
	return 0;
}

static int
check_flush(struct flush_set *fs, struct err *err)
{
	fs->n = 0;
	if (fs->error == 0)
		return 0;
	errno = fs->error;
	return err_sys(err, "flush a copy");
}

static enum step
sources_step(struct copy *c, struct flush_set *fs, struct err *err)
{
	if (c->n_fds > 0 && check_flush(fs, err) == -1) {
		size_t i;

		for (i = 0; i < c->n; i++) {
			struct mailbox_rec *rec =
			    mailbox_find(c->from, c->uids[i]);

			if (rec != NULL)
				rec->is_flushed = false;
		}
		return fail(c);
	}
	switch (want_sources(c, fs, err)) {
	case 0:
		return STEP_FLUSH;
	case 1:
		c->phase = COPY_ROOM;
		return STEP_AGAIN;
	default:
		return fail(c);
	}
}

static enum step
room_step(struct copy *c, struct err *err)
{
	int r = check_room(c, err);

	if (r == -1)
		return fail(c);
	if (r != 0)
		c->phase = COPY_NAMES;
	c->is_over = r == 2;
	return STEP_AGAIN;
}

static enum step
names_step(struct copy *c, struct flush_set *fs, struct err *err)
{
	int r;

	if ((r = batch(c, err)) == 0)
		return STEP_EVENT;
	if (r == -1)
		return fail(c);
	if (c->next < c->n)
		return STEP_AGAIN;
	if (c->n > 0 && c->n_copied == 0 && !c->move) {
		(void)err_set(err, ERR_GONE, "all of them are gone");
		return fail(c);
	}
	if (want_folders(c, fs, err) == -1)
		return fail(c);
	c->phase = COPY_FOLDER;
	return fs->n > 0 ? STEP_FLUSH : STEP_AGAIN;
}

static enum step
folder_step(struct copy *c, struct flush_set *fs, struct err *err)
{
	if (check_flush(fs, err) == -1)
		return fail(c);
	if (c->list.is_flushing)
		mailbox_note_flushed(c->to, &c->list);
	mailbox_refresh_drop(&c->list);
	mailbox_note_told(c->to);
	if (!c->move)
		mailbox_quota_add(c->to, c->bytes, (int64_t)c->n_copied);
	c->phase = COPY_DONE;
	return STEP_DONE;
}

enum step
copy_step(struct copy *c, struct flush_set *fs, struct err *err)
{
	switch (c->phase) {
	case COPY_SOURCES:
		return sources_step(c, fs, err);
	case COPY_ROOM:
		return room_step(c, err);
	case COPY_NAMES:
		return names_step(c, fs, err);
	case COPY_FOLDER:
		return folder_step(c, fs, err);
	case COPY_DONE:
		break;
	}
	return STEP_DONE;
}

bool
copy_is_over(const struct copy *c)
{
	return c->is_over;
}

uint32_t
copy_uidvalidity(const struct copy *c)
{
	return c->uidvalidity;
}

const struct seqset *
copy_from_uids(const struct copy *c)
{
	return &c->from_uids;
}

const struct seqset *
copy_to_uids(const struct copy *c)
{
	return &c->to_uids;
}
