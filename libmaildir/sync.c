/* SPDX-License-Identifier: ISC */
/*
 * A scan of new/ and cur/ compared with what we knew. The problem: others
 * rename and delete while we read, and readdir may then show a file twice, or
 * not at all.
 *
 * S1. The list is read before the folder, and new/ before cur/: whoever numbers
 *     a file has linked it first, and files move from new/ to cur/.
 * S2. Absent is proved by a certain scan alone: one during which the folder did
 *     not change. The watch proves that, when it has seen nothing from before
 *     the scan to after it; without a watch the folder's stamps do, equal
 *     before and after and older than the grain of its times.
 * S3. Present needs no proof: a message seen is there, and a flag seen was so.
 * S4. In an uncertain scan no message is shown behind one whose record we have
 *     and whose file we did not see: its UID would come up later, out of order.
 *     (At the first load nothing was told yet.) After a few scans it is, lest
 *     what was delivered stays hidden as long as the folder does not rest.
 * S5. Each folder has its own proof: cur/, large, need not be read when what it
 *     holds is known from a certain scan and nobody but us has changed it since
 *     (by the watch, else by its stamp). What comes lies in new/.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/remember.h"

#define SCAN_TRIES    3
#define LOOKS         5 /* of one refresh: above list.c's PATIENCE */
#define SCAN_AGAIN_US 50000
#define MAX_DOUBLES   16
#define REWRITE_SLACK 64
#define GRAIN_DEFAULT 10000

struct scan {
	struct mailbox *mb;
	bool in_new;
	bool is_cur_known; /* S5 */
	/* Second files of a base name. */
	struct other_name doubles[MAX_DOUBLES];
	size_t n_doubles;
	/* Second names of a file. */
	struct other_name *links;
	size_t n_links;
};

static int64_t
ns_of(const struct timespec *t)
{
	return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

static int
take_stamp(struct mailbox *mb, int fd, struct stamp *out, struct err *err)
{
	struct stat st;

	if (io_fstat(fd, &st) == -1)
		return err_sys(err, "stat folder %s", mb->folder.name);
	if (st.st_nlink == 0) {
		mb->is_forgotten = true;
		return err_set(
		    err, ERR_GONE, "%s was deleted", mb->folder.name);
	}
	*out = (struct stamp){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.mtime_ns = ns_of(&st.st_mtim),
		.ctime_ns = ns_of(&st.st_ctim),
	};
	return 0;
}

/* It was deleted when it does not lie in the mail folder any more: a program
 * that deletes a mailbox moves it away first, and its files go one by one. One
 * that was only given another name stays what it is. */
static int
check_place(struct mailbox *mb, struct err *err)
{
	struct stat above, root;

	if (mb->folder.mail_root == -1)
		return 0;
	if (io_stat(mb->folder.dir, "..", &above) == -1 ||
	    io_fstat(mb->folder.mail_root, &root) == -1) {
		if (errno != ENOENT)
			return err_sys(err, "stat folder %s", mb->folder.name);
	} else if (above.st_ino == root.st_ino && above.st_dev == root.st_dev)
		return 0;
	mb->is_forgotten = true;
	return err_set(err, ERR_GONE, "%s was deleted", mb->folder.name);
}

static bool
stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* Older than the file system's times can tell apart? Times in the future (a
 * clock that jumped) are never old. */
bool
mailbox_stamp_is_old(const struct mailbox *mb, const struct stamp *s)
{
	int64_t now = (int64_t)clock_real_us() * 1000;
	uint32_t grain = mb->family->conf.stamp_grain_us;
	int64_t newest = s->mtime_ns > s->ctime_ns ? s->mtime_ns : s->ctime_ns;

	return now - newest >=
	    (int64_t)(grain == 0 ? GRAIN_DEFAULT : grain) * 1000;
}

int
mailbox_stamps(
    struct mailbox *mb, struct stamp *cur, struct stamp *new, struct err *err)
{
	if (take_stamp(mb, mb->folder.cur, cur, err) == -1)
		return -1;
	return take_stamp(mb, mb->folder.new, new, err);
}

static void
note_double(struct scan *s, const char *name)
{
	if (s->n_doubles == MAX_DOUBLES)
		return; /* the next scan has the rest */
	s->doubles[s->n_doubles++] = (struct other_name){
		.name = xstrdup(name),
		.in_new = s->in_new,
	};
}

static void
note_link(struct scan *s, const char *name, bool in_new, uint64_t ino)
{
	if (s->n_links == MAX_LINKS)
		return; /* these come up again when they alone are left */
	if ((s->n_links & (s->n_links - 1)) == 0)
		s->links = xreallocarray(
		    s->links, 2 * s->n_links + 1, sizeof *s->links);
	s->links[s->n_links++] = (struct other_name){
		.name = xstrdup(name),
		.in_new = in_new,
		.ino = ino,
	};
}

static void
free_names(struct other_name *v, size_t n)
{
	while (n > 0)
		xfree(v[--n].name);
}

static void
forget_others(struct scan *s)
{
	free_names(s->doubles, s->n_doubles);
	free_names(s->links, s->n_links);
	xfree(s->links);
	s->links = NULL;
	s->n_doubles = s->n_links = 0;
}

void
mailbox_forget_links(struct mailbox *mb)
{
	free_names(mb->links, mb->n_links);
	xfree(mb->links);
	mb->links = NULL;
	mb->n_links = 0;
}

enum which_file {
	RENAMED, /* the message that we know, under this name now */
	LINKED,  /* it too, and it has the name that we know as well */
	OTHER    /* another file with the same base name, or not to be told */
};

/* A base name that we know has come up with another rest or in another place.
 * Files are told apart by their inodes: names may change while we look. */
static enum which_file
which_file(struct scan *s, const struct mailbox_rec *rec, const char *name,
    uint64_t ino)
{
	const struct mailbox *mb = s->mb;
	struct stat known, other;

	if (rec->seen_scan == 0) /* listed; its file was never seen */
		return RENAMED;
	if (io_stat(mailbox_rec_dir(mb, rec), rec->name, &known) == -1)
		return errno == ENOENT ? RENAMED : OTHER;
	if (ino == 0 || ino != known.st_ino) {
		/* Some file systems list other numbers than they tell. */
		if (io_stat(s->in_new ? mb->folder.new : mb->folder.cur, name,
			&other) == -1)
			return OTHER;
		if (other.st_ino != known.st_ino ||
		    other.st_dev != known.st_dev) {
			note_double(s, name);
			return OTHER;
		}
	}
	/* Of two that are one file, that in cur/ counts. */
	if (rec->in_new && !s->in_new) {
		note_link(s, rec->name, true, known.st_ino);
		return RENAMED;
	}
	note_link(s, name, s->in_new, known.st_ino);
	return LINKED;
}

static int
on_name(void *arg, const char *file_name, unsigned char d_type, uint64_t ino)
{
	struct slice base, rest, name = slice_str(file_name);
	enum which_file which = RENAMED;
	struct scan *s = arg;
	struct mailbox *mb = s->mb;
	struct mailbox_rec *rec;

	if ((d_type != DT_REG && d_type != DT_UNKNOWN) ||
	    !name_is_message(name))
		return 0;
	rest = name;
	(void)slice_cut(&rest, ':', &base);
	rec = basetable_get(mailbox_bases(mb), base);
	if (rec == NULL) {
		rec = mailbox_rec_new(mb, name, s->in_new);
		basetable_put(mailbox_bases(mb), rec);
		recs_push(&mb->fresh, rec);
	} else if (rec->in_new != s->in_new ||
	    strcmp(rec->name, file_name) != 0)
		which = which_file(s, rec, file_name, ino);
	if (which == OTHER)
		return 0;
	rec->seen_scan = mb->scan; /* S3 */
	if (which == RENAMED && mailbox_rec_rename(mb, rec, name, s->in_new) &&
	    rec->is_shown)
		mailbox_rec_changed(mb, rec, NULL);
	return 0;
}

static int
read_folder(struct scan *s, struct err *err)
{
	struct mailbox *mb = s->mb;

	mb->scan++;
	if (!s->is_cur_known)
		mb->cur_scan = mb->scan;
	s->in_new = true;
	if (io_list_ino(mb->folder.new, on_name, s) == -1)
		return err_sys(err, "read new of %s", mb->folder.name);
	s->in_new = false;
	if (!s->is_cur_known && io_list_ino(mb->folder.cur, on_name, s) == -1)
		return err_sys(err, "read cur of %s", mb->folder.name);
	return 0;
}

/* ---- certain or not ---- */

struct proof {
	struct stamp cur, new; /* before */
	bool was_old;
};

/* A watch that died (unmounted, moved) proves nothing any more. */
static bool
is_watched(const struct mailbox *mb)
{
	return mb->watch != NULL && !watch_is_gone(mb->watch);
}

static int
proof_begin(struct mailbox *mb, struct proof *p, struct err *err)
{
	if (mb->watch != NULL) {
		(void)watch_read(mb->family->watch);
		if (watch_is_dirty_in(mb->watch, WATCH_CUR))
			mb->is_cur_known = false;
		watch_clear(mb->watch);
	}
	if (mailbox_stamps(mb, &p->cur, &p->new, err) == -1)
		return -1;
	if (!is_watched(mb) && !stamp_equal(&p->cur, &mb->cur_stamp))
		mb->is_cur_known = false;
	p->was_old = mailbox_stamp_is_old(mb, &p->cur) &&
	    mailbox_stamp_is_old(mb, &p->new);
	return 0;
}

/* 1: nothing moved, 0: something did (it may help to look again), -1. */
static int
proof_end(struct mailbox *mb, const struct proof *p, struct err *err)
{
	struct stamp cur, new;

	if (mailbox_stamps(mb, &cur, &new, err) == -1)
		return -1;
	if (mb->watch != NULL)
		(void)watch_read(mb->family->watch);
	if (!stamp_equal(&p->cur, &cur) || !stamp_equal(&p->new, &new))
		return 0;
	return mb->watch == NULL || !watch_is_dirty(mb->watch);
}

/* ---- what follows from a scan ---- */

bool
mailbox_was_seen(const struct mailbox *mb, const struct mailbox_rec *rec)
{
	return rec->seen_scan >= (rec->in_new ? mb->scan : mb->cur_scan);
}

static bool
drop_unseen_fresh(void *arg, struct mailbox_rec *rec)
{
	struct mailbox *mb = arg;

	if (mailbox_was_seen(mb, rec))
		return false;
	mailbox_rec_lost(mb, rec);
	basetable_del(&mb->bases, rec);
	mailbox_rec_free(rec);
	return true;
}

static bool
drop_unseen(void *arg, struct mailbox_rec *rec)
{
	struct mailbox *mb = arg;

	if (mailbox_was_seen(mb, rec))
		return false;
	mailbox_rec_gone(mb, rec, NULL);
	return true;
}

/* From the index, told to nobody yet, and its file is not to be seen: as if it
 * were known from the list alone. */
static bool
hide_unseen(void *arg, struct mailbox_rec *rec)
{
	struct mailbox *mb = arg;

	if (mailbox_was_seen(mb, rec))
		return false;
	mailbox_rec_hide(mb, rec);
	return true;
}

/* Only what was in new/ can be missing: it stands at the end. */
static bool
has_unseen_new(const struct mailbox *mb)
{
	size_t i, left = mb->n_new;

	for (i = mb->recs.n; i > 0 && left > 0; i--) {
		if (!mb->recs.v[i - 1]->in_new)
			continue;
		if (!mailbox_was_seen(mb, mb->recs.v[i - 1]))
			return true;
		left--;
	}
	return false;
}

/* true: something waits until one more scan has been made (S4). */
static bool
apply(struct scan *s, bool certain)
{
	struct mailbox *mb = s->mb;
	bool waits;

	recs_filter(&mb->fresh, drop_unseen_fresh, mb);
	mb->is_careful = mb->is_loaded && !certain;
	if (mb->is_untold && !certain)
		recs_filter(&mb->recs, hide_unseen, mb);
	mb->is_untold = false;
	waits = mailbox_show_named(mb);
	if (!certain)
		return waits;
	recs_filter(&mb->named, drop_unseen_fresh, mb);
	if (!s->is_cur_known || has_unseen_new(mb))
		recs_filter(&mb->recs, drop_unseen, mb); /* S2 */
	if (mb->list.n_lines >
	    mb->recs.n + mb->recs.n / 4 + mb->named.n + REWRITE_SLACK)
		mb->want_rewrite = true;
	return waits;
}

/* One base name with two files gets two: the one seen later is renamed. */
static int
part_double(struct mailbox *mb, const struct other_name *d, struct err *err)
{
	struct stat first, second;
	struct mailbox_rec *rec;
	struct slice base, rest = slice_str(d->name);
	struct name n;
	struct buf b;
	int r;

	(void)slice_cut(&rest, ':', &base);
	rec = basetable_get(mailbox_bases(mb), base);
	if (rec == NULL ||
	    (strcmp(rec->name, d->name) == 0 && rec->in_new == d->in_new))
		return 0;
	if (io_stat(mailbox_rec_dir(mb, rec), rec->name, &first) == -1 ||
	    io_stat(d->in_new ? mb->folder.new : mb->folder.cur, d->name,
		&second) == -1 ||
	    (first.st_ino == second.st_ino && first.st_dev == second.st_dev))
		return 0;
	buf_init(&b, 2048);
	name_split(slice_str(d->name), &n);
	name_unique(&mb->folder.next, &b);
	if (n.size != NAME_NO_SIZE && n.wire != NAME_NO_SIZE)
		name_put_sizes(&b, n.size, n.wire);
	buf_put_slice(&b, slice_from(slice_str(d->name), base.n));
	r = mailbox_rename(mb, d->in_new, d->name, d->in_new, buf_cstr(&b));
	if (r == -1 && errno == ENOENT)
		r = 0;
	if (r == -1)
		(void)err_sys(err, "rename a double in %s", mb->folder.name);
	buf_free(&b);
	mailbox_must_scan(mb);
	return r;
}

/* Under the lock, so that not both of two processes rename one of them. */
static int
part_doubles(struct scan *s, struct err *err)
{
	size_t i;
	int r;

	if (s->n_doubles == 0)
		return 0;
	if ((r = mailbox_lock(s->mb, err)) != 1) {
		mailbox_must_scan(s->mb);
		return r;
	}
	for (i = 0; i < s->n_doubles && r != -1; i++)
		r = part_double(s->mb, &s->doubles[i], err);
	mailbox_unlock(s->mb);
	return r == -1 ? -1 : 0;
}

void
mailbox_must_scan(struct mailbox *mb)
{
	mb->is_dirty = true;
	mb->is_cur_known = false;
	mb->again_at_us = 0;
}

/* The other names of our files; those of cur/ are in no scan but of cur/. */
static void
take_links(struct scan *s)
{
	struct mailbox *mb = s->mb;

	if (s->is_cur_known)
		return;
	mailbox_forget_links(mb);
	mb->links = s->links;
	mb->n_links = s->n_links;
	s->links = NULL;
	s->n_links = 0;
}

int
mailbox_scan(struct mailbox *mb, struct err *err)
{
	struct scan s = { .mb = mb };
	struct proof p;
	bool certain, waits;
	int i, still = 0;

	if (check_place(mb, err) == -1)
		return -1;
	if (!mb->is_loaded) {
		if (remember_load(mb, err) == -1)
			return -1;
		if (mb->is_loaded && !mb->is_dirty) {
			if (mailbox_list_read(mb, err) == -1)
				return -1;
			if (mb->named.n == 0)
				return 0;
		}
		mailbox_modseq_begin(mb);
	}
	mb->is_dirty = true; /* until proved otherwise, also after an error */
	mb->again_at_us = 0;
	if (mailbox_list_read(mb, err) == -1) /* S1 */
		return -1;
	for (i = 0; i < SCAN_TRIES && still == 0; i++) {
		forget_others(&s);
		if (proof_begin(mb, &p, err) == -1)
			return -1;
		s.is_cur_known = mb->is_cur_known && mb->is_loaded;
		if (read_folder(&s, err) == -1 ||
		    (still = proof_end(mb, &p, err)) == -1) {
			forget_others(&s);
			return -1;
		}
		/* Files with several names are told apart by all of them. */
		if (s.is_cur_known && s.n_links > 0) {
			mb->is_cur_known = false;
			still = 0;
		}
	}
	certain = still == 1 && (is_watched(mb) || p.was_old);
	mb->is_cur_known = certain;
	waits = apply(&s, certain);
	mb->is_loaded = true;
	mb->is_dirty = !certain;
	if (certain) {
		mb->cur_stamp = p.cur;
		mb->new_stamp = p.new;
		take_links(&s);
		still = part_doubles(&s, err);
	} else if (!waits)
		mb->again_at_us = clock_mono_us() + SCAN_AGAIN_US +
		    mb->family->conf.stamp_grain_us;
	forget_others(&s);
	return still == -1 ? -1 : 0;
}

/* ---- refresh ---- */

/* Must the folder be read? 1, 0, -1. */
static int
needs_scan(struct mailbox *mb, struct err *err)
{
	struct stamp cur, new;

	if (!mb->is_loaded)
		return 1;
	if (mb->is_dirty && clock_mono_us() >= mb->again_at_us)
		return 1;
	/* A folder removed under our descriptors makes no event. */
	if (take_stamp(mb, mb->folder.cur, &cur, err) == -1)
		return -1;
	if (mb->watch != NULL) {
		(void)watch_read(mb->family->watch);
		if (watch_is_dirty(mb->watch))
			return 1;
		if (!watch_is_gone(mb->watch))
			return 0;
	}
	if (check_place(mb, err) == -1 ||
	    take_stamp(mb, mb->folder.new, &new, err) == -1)
		return -1;
	return !stamp_equal(&cur, &mb->cur_stamp) ||
	    !stamp_equal(&new, &mb->new_stamp);
}

void
mailbox_note_told(struct mailbox *mb)
{
	if (uidlist_is_flushed(&mb->list) && mb->recs.n > 0 &&
	    mb->recs.v[mb->recs.n - 1]->uid > mb->told_uid)
		mb->told_uid = mb->recs.v[mb->recs.n - 1]->uid;
}

void
mailbox_note_flushed(struct mailbox *mb, const struct mailbox_refresh *r)
{
	uidlist_note_flushed(&mb->list, r->flush_ino, r->flush_off);
	if (mb->list.fd != -1 && mb->list.ino == r->flush_ino &&
	    r->flush_uid > mb->told_uid)
		mb->told_uid = r->flush_uid;
	mailbox_note_told(mb);
}

static bool
needs_lock(const struct mailbox *mb)
{
	return mb->fresh.n > 0 || mb->list.head.version == 0 ||
	    mb->list.head.guid[0] == '\0' || mb->want_rewrite;
}

/* 1 all have numbers, 0 the lock is busy, -1. */
static int
number_all(struct mailbox *mb, struct err *err)
{
	bool must = mb->fresh.n > 0 || mb->list.head.version == 0;
	int r;

	if (!needs_lock(mb))
		return 1;
	if ((r = mailbox_lock(mb, err)) == 0 && !must)
		return 1; /* the rest is for another time */
	if (r != 1)
		return must ? r : 1;
	/* The list read under the lock may have numbered some of them. */
	(void)mailbox_show_named(mb);
	if (mb->want_rewrite && mailbox_rewrite(mb, err) == -1)
		r = -1;
	if (r == 1 && mailbox_number(mb, err) == -1)
		r = -1;
	(void)mailbox_show_named(mb);
	mailbox_unlock(mb);
	return r;
}

void
mailbox_refresh_drop(struct mailbox_refresh *r)
{
	if (r->is_flushing)
		io_close(&r->flush_fd);
	r->is_flushing = false;
}

/* The flush we asked for has been done. */
static int
flush_done(struct mailbox *mb, struct mailbox_refresh *r, struct flush_set *fs,
    struct err *err)
{
	mailbox_refresh_drop(r);
	fs->n = 0;
	if (fs->error != 0) {
		errno = fs->error;
		return err_sys(err, "flush dovecot-uidlist");
	}
	mailbox_note_flushed(mb, r);
	return 0;
}

static enum step
flush_wanted(struct mailbox *mb, struct mailbox_refresh *r,
    struct flush_set *fs, struct err *err)
{
	/* Its own descriptor: the list may be replaced while it is flushed. */
	r->flush_fd = fcntl(mb->list.fd, F_DUPFD_CLOEXEC, 0);
	if (r->flush_fd == -1) {
		(void)err_sys(err, "flush dovecot-uidlist");
		return STEP_FAIL;
	}
	r->is_flushing = true;
	r->flush_ino = mb->list.ino;
	r->flush_off = mb->list.end;
	r->flush_uid = mb->list.last_uid;
	fs->n = 0;
	fs->error = 0;
	io_flush_want(fs, r->flush_fd, FLUSH_LIST);
	if (mb->list.flushed == 0) /* U4: another may have replaced it */
		io_flush_want(fs, mb->folder.control, FLUSH_FOLDER);
	return STEP_FLUSH;
}

enum step
mailbox_refresh(struct mailbox *mb, struct mailbox_refresh *r,
    struct flush_set *fs, struct err *err)
{
	struct err unkept; /* mailboxes_have_modseqs() says so */
	int n, i;

	(void)!modseqs_reserve(&mb->family->modseqs, &unkept);
	if (r->is_flushing && flush_done(mb, r, fs, err) == -1)
		return STEP_FAIL;
	for (i = 0; i < LOOKS; i++) {
		if ((n = needs_scan(mb, err)) == -1 ||
		    (n == 1 && mailbox_scan(mb, err) == -1))
			return STEP_FAIL;
		if (keywords_read(&mb->keywords, &mb->folder, err) == -1)
			return STEP_FAIL;
		if ((n = number_all(mb, err)) != 1)
			return n == 0 ? STEP_EVENT : STEP_FAIL;
		if (!mb->is_dirty || mb->again_at_us != 0)
			break;
	}
	if (!uidlist_is_flushed(&mb->list))
		return flush_wanted(mb, r, fs, err);
	mailbox_note_told(mb);
	/* Not within this command: soon. */
	if (mb->is_dirty && mb->again_at_us == 0)
		mb->again_at_us = clock_mono_us() + SCAN_AGAIN_US;
	return STEP_DONE;
}

bool
mailbox_is_watched(const struct mailbox *mb)
{
	return is_watched(mb);
}

bool
mailbox_is_dirty(const struct mailbox *mb)
{
	if (!mb->is_loaded || !is_watched(mb) || watch_is_dirty(mb->watch))
		return true;
	return mb->is_dirty && clock_mono_us() >= mb->again_at_us;
}

uint64_t
mailbox_refresh_at_us(const struct mailbox *mb)
{
	return mb->is_dirty ? mb->again_at_us : 0;
}
