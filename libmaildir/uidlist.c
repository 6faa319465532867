/* SPDX-License-Identifier: ISC */
/*
 * dovecot-uidlist: which UID belongs to which file.
 *
 * The problem: IMAP wants numbers that mean one message for ever, Maildir has
 * names that any program may give. The list ties the two. Several programs,
 * Dovecot among them, read it at any time without a lock and write it under
 * one. It must be right after any crash.
 *
 * The format (version 3):
 *	3 V<uidvalidity> N<next uid> G<mailbox guid> [other fields]
 *	<uid> [S<size>] [W<wire size>] [G<guid>] [P<pop3 uidl>] [...] :<base>
 *	...
 * Each line ends with LF; UIDs ascend. N is written with the whole list and
 * not by an append, so the next UID is the larger of N and last record + 1.
 * Version 1, read only: "1 <uidvalidity> <next uid>", lines "<uid> <name>".
 *
 * U1. A UID told to anyone is in the list on disk first: whoever tells it has
 *     flushed the list up to that record, also when another process wrote it.
 * U2. UIDs are given under the lock alone, after the end of the list was read.
 * U3. A line without LF at the end is torn: no reader believes it, and the next
 *     writer cuts it off. Nobody was told its UID (U1).
 * U4. The list is replaced whole by rename, flushed before it; the folder is
 *     flushed after it, so that no append goes to a list that a crash undoes.
 *     Of a list that we did not write ourselves (flushed is 0) we do not know
 *     it: its first flush is one of the folder, too. So is that of a list where
 *     there was none: nobody was told anything of it yet (U1).
 * U5. A record that nobody has a file for is harmless; one is left out by a
 *     rewrite only when its file is proved to be gone (sync.c).
 * U6. Fields we do not know are kept, of header and records.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/random.h"
#include "libmaildir/io.h"
#include "libmaildir/uidlist.h"
#include "libmaildir/uidvalidity.h"

#define LIST "dovecot-uidlist"
#define LOCK "dovecot-uidlist.lock"
#define TEMP "dovecot-uidlist.tmp"

void
uidlist_init(struct uidlist *ul, struct folder *f)
{
	*ul = (struct uidlist){ .folder = f, .fd = -1 };
	dotlock_init(&ul->lock);
}

void
uidlist_free(struct uidlist *ul)
{
	uidlist_unlock(ul);
	io_close(&ul->fd);
}

/* Forget what was read, not the file, the lock and the UIDs that were given. */
static void
restart(struct uidlist *ul)
{
	ul->off = ul->end = ul->flushed = 0;
	ul->last_uid = ul->n_lines = 0;
	ul->head = (struct uidlist_head){ 0 };
}

/* Take another file (or -1) as the list. */
static void
adopt(struct uidlist *ul, int fd, const struct stat *st)
{
	restart(ul);
	io_close(&ul->fd);
	ul->fd = fd;
	ul->dev = st->st_dev;
	ul->ino = st->st_ino;
}

/* Have the current list open. 1: another one than before (or none now), 0: the
 * same. *st is of the file; st_size 0 without one. */
static int
reopen(struct uidlist *ul, struct stat *st, struct err *err)
{
	int fd;

	if (io_stat(ul->folder->control, LIST, st) == -1) {
		if (errno != ENOENT)
			return err_sys(err, "stat " LIST);
		*st = (struct stat){ 0 };
		fd = ul->fd;
		adopt(ul, -1, st);
		return fd != -1;
	}
	if (ul->fd != -1 && st->st_ino == ul->ino && st->st_dev == ul->dev)
		return 0;
	fd = io_open(ul->folder->control, LIST, O_RDWR | O_APPEND, 0);
	if (fd == -1 && (errno == EACCES || errno == EROFS))
		fd = io_open(ul->folder->control, LIST, O_RDONLY, 0);
	if (fd == -1 || io_fstat(fd, st) == -1) {
		io_close(&fd);
		return err_sys(err, "open " LIST);
	}
	adopt(ul, fd, st);
	return 1;
}

/* ---- reading ---- */

/* Lines of a file from an offset on. */
struct lines {
	int fd;
	uint64_t off; /* of what is in buf */
	struct buf buf;
	size_t at; /* in buf: the next line */
	bool eof;
};

static void
lines_init(struct lines *l, int fd, uint64_t off)
{
	*l = (struct lines){ .fd = fd, .off = off };
	buf_init(&l->buf, 2 * IO_BLOCK);
}

static int
lines_fill(struct lines *l)
{
	ssize_t n;
	char *p;

	buf_consume(&l->buf, l->at);
	l->off += l->at;
	l->at = 0;
	if ((p = buf_reserve(&l->buf, IO_BLOCK)) == NULL) {
		l->eof = true; /* a line of 64 KiB is no line */
		return 0;
	}
	n = io_pread(l->fd, p, IO_BLOCK, (off_t)(l->off + l->buf.n));
	if (n == -1)
		return -1;
	buf_commit(&l->buf, (size_t)n);
	l->eof = n == 0;
	return 0;
}

/* 1: a whole line without its LF; 0: no more whole lines (U3); -1. */
static int
lines_next(struct lines *l, struct slice *line)
{
	for (;;) {
		struct slice rest = slice_from(buf_slice(&l->buf), l->at);
		ptrdiff_t n = rest.n == 0 ? -1 : slice_find(rest, '\n');

		if (n >= 0) {
			*line = slice_head(rest, (size_t)n);
			l->at += (size_t)n + 1;
			return 1;
		}
		if (l->eof)
			return 0;
		if (lines_fill(l) == -1)
			return -1;
	}
}

/* Offset behind the last whole line taken. */
static uint64_t
lines_off(const struct lines *l)
{
	return l->off + l->at;
}

/* A list of the same mailbox never makes a UID free again (U2). */
static void
note_uids(struct uidlist *ul)
{
	uint32_t last = ul->head.next_uid - 1;

	if (ul->head.version == 0)
		return;
	if (ul->last_uid > last)
		last = ul->last_uid;
	if (ul->floor_validity != ul->head.uidvalidity || last > ul->floor)
		ul->floor = last;
	ul->floor_validity = ul->head.uidvalidity;
}

/* The header, from the file's start: 0, or -1. What has none (empty, torn,
 * foreign) is no list: version stays 0, and a writer makes a new one. */
static int
read_head(struct uidlist *ul, struct lines *l, struct err *err)
{
	struct slice line;
	int r;

	if ((r = lines_next(l, &line)) == -1)
		return err_sys(err, "read " LIST);
	if (r == 1 && uidlist_parse_head(line, &ul->head) == -1)
		ul->head = (struct uidlist_head){ 0 };
	if (ul->head.version != 0)
		ul->end = lines_off(l);
	return 0;
}

static int
read_recs(struct uidlist *ul, struct lines *l,
    const struct uidlist_reader *reader, struct err *err)
{
	struct uidlist_rec rec;
	struct slice line;
	struct buf other;
	uint32_t last = ul->n_lines == 0 ? 0 : ul->last_uid;
	int r;

	buf_init(&other, MAX_UIDLIST_LINE);
	while ((r = lines_next(l, &line)) == 1) {
		/* Lines that are no record, or go back, say nothing. */
		if (uidlist_parse_rec(ul->head.version, line, &other, &rec) ==
			-1 ||
		    rec.uid <= last)
			continue;
		last = rec.uid;
		ul->n_lines++;
		reader->rec(reader->arg, &rec);
	}
	buf_free(&other);
	if (last > ul->last_uid)
		ul->last_uid = last;
	ul->off = lines_off(l);
	if (ul->off > ul->end)
		ul->end = ul->off;
	note_uids(ul);
	return r == -1 ? err_sys(err, "read " LIST) : 0;
}

int
uidlist_read(
    struct uidlist *ul, const struct uidlist_reader *reader, struct err *err)
{
	struct lines l;
	struct stat st;
	int other, r = 0;

	if ((other = reopen(ul, &st, err)) == -1)
		return -1;
	if (ul->fd != -1 && (uint64_t)st.st_size < ul->off) {
		restart(ul);
		other = 1;
	}
	if (other == 1)
		reader->reset(reader->arg);
	if (ul->fd == -1 || (uint64_t)st.st_size == ul->off)
		return other;
	lines_init(&l, ul->fd, ul->off);
	if (ul->off == 0)
		r = read_head(ul, &l, err);
	if (r == 0 && ul->head.version != 0)
		r = read_recs(ul, &l, reader, err);
	buf_free(&l.buf);
	return r == -1 ? -1 : 1;
}

/* ---- going on where another process was ---- */

bool
uidlist_get_mark(const struct uidlist *ul, struct uidlist_mark *out)
{
	if (ul->fd == -1 || ul->head.version != 3 || ul->off != ul->end)
		return false;
	*out = (struct uidlist_mark){
		.dev = ul->dev,
		.ino = ul->ino,
		.off = ul->off,
		.flushed = ul->flushed,
		.last_uid = ul->last_uid,
		.floor = ul->floor,
		.n_lines = ul->n_lines,
		.head = ul->head,
	};
	return true;
}

int
uidlist_is_of(struct uidlist *ul, const struct uidlist_head *h, struct err *err)
{
	struct uidlist_head found = { 0 };
	struct slice line;
	struct lines l;
	int r;

	lines_init(&l, ul->fd, 0);
	r = lines_next(&l, &line);
	if (r == 1 && uidlist_parse_head(line, &found) == -1)
		r = 0;
	buf_free(&l.buf);
	if (r == -1)
		return err_sys(err, "read " LIST);
	return r == 1 && found.uidvalidity == h->uidvalidity &&
	    strcmp(found.guid, h->guid) == 0;
}

int
uidlist_is_at(
    const struct folder *f, const struct uidlist_mark *m, struct err *err)
{
	struct stat st;

	if (io_stat(f->control, LIST, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "stat " LIST);
	return st.st_dev == m->dev && st.st_ino == m->ino &&
	    (uint64_t)st.st_size == m->off;
}

/* An inode may be given again: does the list have our last line there? */
static int
has_line(int fd, const struct uidlist_mark *m)
{
	char block[2048]; /* a longer line: read all of it again */
	size_t want = m->off < sizeof block ? (size_t)m->off : sizeof block;
	ssize_t n = io_pread(fd, block, want, (off_t)(m->off - want));
	struct slice line, word;
	uint32_t uid;
	size_t i;

	if (n == -1)
		return -1;
	if ((size_t)n != want || want < 2 || block[want - 1] != '\n')
		return 0;
	for (i = want - 1; i > 0 && block[i - 1] != '\n'; i--)
		;
	line = slice_of(block + i, want - 1 - i);
	if (m->n_lines == 0)
		return i == 0;
	(void)slice_cut(&line, ' ', &word);
	return slice_u32(word, UINT32_MAX, &uid) == 0 && uid == m->last_uid;
}

int
uidlist_resume(
    struct uidlist *ul, const struct uidlist_mark *m, struct err *err)
{
	struct stat st;
	int r;

	if (reopen(ul, &st, err) == -1)
		return -1;
	if (ul->fd == -1 || st.st_dev != m->dev || st.st_ino != m->ino ||
	    (uint64_t)st.st_size < m->off)
		return 0;
	if ((r = has_line(ul->fd, m)) != 1)
		return r == 0 ? 0 : err_sys(err, "read " LIST);
	ul->off = ul->end = m->off;
	ul->flushed = m->flushed < m->off ? m->flushed : m->off;
	ul->last_uid = m->last_uid;
	ul->n_lines = m->n_lines;
	ul->head = m->head;
	note_uids(ul);
	if (m->floor > ul->floor)
		ul->floor = m->floor;
	return 1;
}

/* ---- the lock ---- */

int
uidlist_lock(struct uidlist *ul, struct err *err)
{
	return dotlock_take(&ul->lock, ul->folder, LOCK, err);
}

void
uidlist_unlock(struct uidlist *ul)
{
	dotlock_drop(&ul->lock, ul->folder, LOCK);
}

uint32_t
uidlist_next(const struct uidlist *ul)
{
	return ul->floor == UINT32_MAX ? 0 : ul->floor + 1;
}

/* ---- the end of the list ---- */

/* Records from an offset on (whole: it is the start of a line), only to know
 * the last UID and where whole lines end. The number of records, or -1. */
static int
read_tail(struct uidlist *ul, uint64_t off, bool whole, struct err *err)
{
	struct uidlist_rec rec;
	struct slice line;
	struct buf other;
	struct lines l;
	int r, n = 0;

	buf_init(&other, MAX_UIDLIST_LINE);
	lines_init(&l, ul->fd, off);
	if (!whole && lines_next(&l, &line) == -1)
		n = -1;
	while (n != -1 && (r = lines_next(&l, &line)) != 0) {
		if (r == -1) {
			n = -1;
			break;
		}
		n++;
		if (uidlist_parse_rec(ul->head.version, line, &other, &rec) ==
			0 &&
		    rec.uid > ul->last_uid)
			ul->last_uid = rec.uid;
	}
	ul->end = lines_off(&l);
	buf_free(&l.buf);
	buf_free(&other);
	return n == -1 ? err_sys(err, "read the end of " LIST) : n;
}

/* Know last_uid and end; cut off what is torn (U3). */
static int
find_end(struct uidlist *ul, uint64_t size, struct err *err)
{
	uint64_t from = ul->end;
	int n = 0;

	if (size > from + IO_BLOCK &&
	    (n = read_tail(ul, size - IO_BLOCK, false, err)) == -1)
		return -1;
	if (n == 0 && read_tail(ul, from, true, err) == -1)
		return -1;
	note_uids(ul);
	if (ul->end < size && io_truncate(ul->fd, (off_t)ul->end) == -1)
		return err_sys(err, "cut the torn end of " LIST);
	return 0;
}

static int
keep_all(void *arg, struct uidlist_rec *rec)
{
	(void)arg;
	(void)rec;
	return 1;
}

static void
make_guid(char guid[33])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t bytes[16];
	size_t i;

	random_bytes(bytes, sizeof bytes);
	for (i = 0; i < sizeof bytes; i++) {
		guid[2 * i] = hex[bytes[i] >> 4];
		guid[2 * i + 1] = hex[bytes[i] & 15];
	}
	guid[32] = '\0';
}

int
uidlist_append(
    struct uidlist *ul, struct slice lines, uint32_t last, struct err *err)
{
	bool was_read = ul->off == ul->end;
	size_t i;

	if (io_write(ul->fd, lines) == -1) {
		(void)err_sys(err, "append to " LIST);
		(void)!io_truncate(ul->fd, (off_t)ul->end); /* else U3 */
		return -1;
	}
	ul->end += lines.n;
	if (was_read) {
		ul->off = ul->end;
		for (i = 0; i < lines.n; i++)
			ul->n_lines += lines.p[i] == '\n';
	}
	ul->last_uid = last;
	note_uids(ul);
	return 0;
}

/* ---- the whole list ---- */

struct rewrite {
	int fd;
	bool is_first; /* there is no list yet that it replaces */
	struct buf out;
	uint64_t size;
	uint32_t n_lines, last;
};

static int
rewrite_out(struct rewrite *w, size_t over)
{
	if (w->out.n <= over)
		return 0;
	if (io_write(w->fd, buf_slice(&w->out)) == -1)
		return -1;
	w->size += w->out.n;
	buf_reset(&w->out);
	return 0;
}

static int
rewrite_print(
    struct uidlist *ul, struct rewrite *w, const struct uidlist_rec *rec)
{
	uidlist_print_rec(rec, &w->out);
	w->n_lines++;
	if (rec->uid > w->last)
		w->last = rec->uid;
	dotlock_touch(&ul->lock);
	return rewrite_out(w, IO_BLOCK);
}

/* A record of the old file, or the one with UID 0, through keep. */
static int
rewrite_rec(struct uidlist *ul, struct rewrite *w,
    const struct uidlist_rec *listed, uidlist_keep_fn *keep, void *arg)
{
	struct uidlist_rec rec = *listed;
	int r;

	while ((r = keep(arg, &rec)) == 2) {
		if (rewrite_print(ul, w, &rec) == -1)
			return -1;
		rec = *listed;
	}
	return r == 1 && rec.uid != 0 ? rewrite_print(ul, w, &rec) : 0;
}

static int
rewrite_recs(
    struct uidlist *ul, struct rewrite *w, uidlist_keep_fn *keep, void *arg)
{
	static const struct uidlist_rec end = { .uid = 0 };
	struct uidlist_rec rec;
	struct slice line;
	struct buf other;
	struct lines l;
	uint32_t last = 0;
	int r;

	buf_init(&other, MAX_UIDLIST_LINE);
	lines_init(&l, ul->fd, 0);
	r = lines_next(&l, &line); /* the header */
	while (r == 1 && (r = lines_next(&l, &line)) == 1) {
		if (uidlist_parse_rec(ul->head.version, line, &other, &rec) ==
			-1 ||
		    rec.uid <= last)
			continue;
		last = rec.uid;
		if (rewrite_rec(ul, w, &rec, keep, arg) == -1)
			r = -1;
	}
	if (r == 0)
		r = rewrite_rec(ul, w, &end, keep, arg);
	buf_free(&other);
	buf_free(&l.buf);
	return r;
}

/* Header, records, on disk. */
static int
rewrite_fill(struct uidlist *ul, const struct uidlist_head *h,
    struct rewrite *w, uidlist_keep_fn *keep, void *arg)
{
	uidlist_print_head(h, &w->out);
	if (keep != NULL && ul->fd != -1 &&
	    rewrite_recs(ul, w, keep, arg) == -1)
		return -1;
	if (rewrite_out(w, 0) == -1)
		return -1;
	return w->is_first ? 0 : io_fsync(w->fd);
}

static int
replace(struct uidlist *ul, struct rewrite *w, uidlist_keep_fn *keep, void *arg,
    uint32_t next_uid, struct err *err)
{
	struct uidlist_head h = ul->head;
	int control = ul->folder->control;
	uint32_t last = ul->last_uid;
	bool was_read = ul->off == ul->end && ul->off > 0;
	struct stat st;
	int r = -1;

	h.version = 3;
	if (h.guid[0] == '\0')
		make_guid(h.guid);
	if (uidlist_next(ul) > next_uid && ul->floor_validity == h.uidvalidity)
		next_uid = uidlist_next(ul);
	if (next_uid > h.next_uid)
		h.next_uid = next_uid;
	buf_init(&w->out, 4 * IO_BLOCK);
	w->fd = io_open(control, TEMP, O_RDWR | O_APPEND | O_CREAT | O_TRUNC,
	    ul->folder->mode);
	if (w->fd == -1 || rewrite_fill(ul, &h, w, keep, arg) == -1 ||
	    io_fstat(w->fd, &st) == -1 ||
	    io_rename(control, TEMP, control, LIST) == -1) {
		(void)err_sys(err, "write " TEMP);
		io_discard(control, TEMP);
		goto out;
	}
	adopt(ul, w->fd, &st);
	w->fd = -1;
	ul->head = h;
	ul->last_uid = w->last > last ? w->last : last;
	ul->end = ul->flushed = w->size;
	if (was_read) {
		ul->off = w->size;
		ul->n_lines = w->n_lines;
	}
	note_uids(ul);
	r = w->is_first ? 0 : io_fsync(control); /* U4 */
	if (w->is_first)
		ul->flushed = 0;
	if (r == -1) {
		(void)err_sys(err, "flush the folder of " LIST);
		ul->flushed = 0;
	}
out:
	buf_free(&w->out);
	io_close(&w->fd);
	return r;
}

int
uidlist_rewrite(struct uidlist *ul, uidlist_keep_fn *keep, void *arg,
    uint32_t next_uid, struct err *err)
{
	struct rewrite w = { .fd = -1 };

	return replace(ul, &w, keep, arg, next_uid, err);
}

/* ---- a list to write to ---- */

/* A list of a mailbox that has none. */
static int
create(struct uidlist *ul, const struct uidlist_head *hint, struct err *err)
{
	struct uidlist_head h = { .version = 3, .next_uid = 1 };
	struct rewrite w = { .fd = -1, .is_first = ul->fd == -1 };

	if (hint != NULL)
		h = *hint;
	h.version = 3;
	if (h.next_uid == 0)
		h.next_uid = 1;
	if (h.uidvalidity == 0 &&
	    uidvalidity_next(ul->folder, &h.uidvalidity, err) == -1)
		return -1;
	restart(ul);
	ul->head = h;
	return replace(ul, &w, NULL, NULL, h.next_uid, err);
}

int
uidlist_prepare(
    struct uidlist *ul, const struct uidlist_head *hint, struct err *err)
{
	struct lines l;
	struct stat st;
	int r = 0;

	if (reopen(ul, &st, err) == -1)
		return -1;
	if (ul->fd != -1 && ul->head.version == 0) {
		lines_init(&l, ul->fd, 0);
		r = read_head(ul, &l, err);
		buf_free(&l.buf);
	}
	if (r == -1)
		return -1;
	if (ul->head.version == 0)
		return create(ul, hint, err);
	if ((uint64_t)st.st_size != ul->end || ul->last_uid == 0)
		r = find_end(ul, (uint64_t)st.st_size, err);
	if (r == 0 && (ul->head.version == 1 || ul->head.guid[0] == '\0'))
		r = uidlist_rewrite(ul, keep_all, NULL, uidlist_next(ul), err);
	return r;
}

/* ---- U1 ---- */

bool
uidlist_is_flushed(const struct uidlist *ul)
{
	return ul->fd == -1 || ul->flushed >= ul->end;
}

void
uidlist_note_flushed(struct uidlist *ul, uint64_t ino, uint64_t off)
{
	if (ul->fd != -1 && ul->ino == ino && off > ul->flushed)
		ul->flushed = off;
}
