/* SPDX-License-Identifier: ISC */
/* Quota: Maildir++'s maildirsize, read, appended to, counted anew. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libbase/random.h"
#include "libmaildir/io.h"
#include "libmaildir/name.h"
#include "libmaildir/store_private.h"

#define QUOTA_FILE       "maildirsize"
/* Both from the Maildir++ document. */
#define QUOTA_MAX_BYTES  5120
#define QUOTA_DOUBT_SECS (15 * 60)

/* ---- the file ---- */

static int
parse_limits(struct slice line, struct quota_file *f)
{
	struct slice item;
	bool more = true;

	while (more && line.n > 0) {
		uint64_t *into;
		char unit;

		more = slice_cut(&line, ',', &item);
		item = slice_trim(item);
		if (item.n < 2)
			return -1;
		unit = item.p[item.n - 1];
		if (unit != 'S' && unit != 'C')
			continue; /* "unknown to us: to be ignored" */
		into = unit == 'S' ? &f->limit_bytes : &f->limit_messages;
		if (slice_u64(slice_head(item, item.n - 1), INT64_MAX, into) <
		    0)
			return -1;
	}
	return 0;
}

static int
parse_signed(struct slice s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (slice_u64(slice_from(s, minus ? 1 : 0), INT64_MAX, &v) < 0)
		return -1;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return 0;
}

/* "bytes count", padded with blanks by some. */
static int
parse_count(struct slice line, struct quota_file *f)
{
	struct slice bytes;
	int64_t b, m;

	line = slice_trim(line);
	if (!slice_cut(&line, ' ', &bytes) || parse_signed(bytes, &b) < 0 ||
	    parse_signed(slice_trim(line), &m) < 0)
		return -1;
	if (__builtin_add_overflow(f->sum.bytes, b, &f->sum.bytes) ||
	    __builtin_add_overflow(f->sum.messages, m, &f->sum.messages))
		return -1;
	f->lines++;
	return 0;
}

int
quota_parse(struct slice text, struct quota_file *out)
{
	struct quota_file f = { 0 };
	struct slice line;

	if (!slice_cut(&text, '\n', &line) || parse_limits(line, &f) < 0)
		return -1;
	while (text.n > 0) {
		/* a last line without its end is being written */
		if (!slice_cut(&text, '\n', &line))
			return -1;
		if (parse_count(line, &f) < 0)
			return -1;
	}
	if (f.lines == 0)
		return -1;
	*out = f;
	return 0;
}

void
quota_print(const struct quota_file *f, struct buf *out)
{
	const char *comma = f->limit_bytes > 0 ? "," : "";

#if PLANT == 38
	comma = "";
#endif
	if (f->limit_bytes > 0)
		buf_printf(out, "%" PRIu64 "S", f->limit_bytes);
	if (f->limit_messages > 0)
		buf_printf(out, "%s%" PRIu64 "C", comma, f->limit_messages);
	buf_printf(
	    out, "\n%" PRId64 " %" PRId64 "\n", f->sum.bytes, f->sum.messages);
}

bool
quota_is_on(const struct store *st)
{
	return st->conf.quota_bytes > 0 || st->conf.quota_messages > 0;
}

static bool
is_over(uint64_t limit, uint64_t used, uint64_t add)
{
	return limit > 0 && (used > limit || add > limit - used);
}

/* 1 there is room, 2 in the grace, 0 none. The grace is for bytes: of messages
 * the last one always fits. */
static int
room_for(const struct store *st, const struct quota_usage *u,
    uint64_t add_bytes, uint64_t add_msgs)
{
	uint64_t b = (uint64_t)(u->bytes < 0 ? 0 : u->bytes);
	uint64_t m = (uint64_t)(u->messages < 0 ? 0 : u->messages);
	uint64_t limit = st->conf.quota_bytes;
	uint64_t percent = st->conf.quota_grace;
	uint64_t grace = limit / 100 * percent + limit % 100 * percent / 100;

	if (is_over(st->conf.quota_messages, m, add_msgs))
		return 0;
	if (!is_over(limit, b, add_bytes))
		return 1;
	return b < limit && !is_over(limit + grace, b, add_bytes) ? 2 : 0;
}

/* 1 believed, 0 the folders are to be counted, -1. */
static int
read_size(struct store *st, uint64_t add_bytes, uint64_t add_msgs,
    struct quota_usage *out, struct err *err)
{
	int fd = io_open(st->control_fd, QUOTA_FILE, O_RDONLY, 0), r;
	struct quota_file f;
	struct stat s;
	struct buf text;

	if (fd == -1)
		return errno == ENOENT ? 0 :
					 err_sys(err, "open %s", QUOTA_FILE);
	buf_init(&text, 64 * KIB);
	if (io_fstat(fd, &s) < 0 ||
	    (s.st_size <= QUOTA_MAX_BYTES && io_read_all(fd, &text) < 0))
		r = err_sys(err, "read %s", QUOTA_FILE);
	else
		r = s.st_size <= QUOTA_MAX_BYTES &&
		    quota_parse(buf_slice(&text), &f) == 0;
	if (r == 1 &&
	    (f.limit_bytes != st->conf.quota_bytes ||
		f.limit_messages != st->conf.quota_messages ||
		f.sum.bytes < 0 || f.sum.messages < 0))
		r = 0;
	if (r == 1 && room_for(st, &f.sum, add_bytes, add_msgs) != 1 &&
	    clock_now() - s.st_mtime >= QUOTA_DOUBT_SECS)
		r = 0;
	if (r == 1)
		*out = f.sum;
	buf_free(&text);
	io_close(&fd);
	return r;
}

/* ---- counting ---- */

struct quota_count {
	struct store *st;
	struct quota_usage sum;
	char **folders;
	size_t n, cap, next;
	bool has_new; /* of the next one: cur is what is left */
};

static int
keep_folder(void *arg, const char *disk)
{
	struct quota_count *c = arg;

	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 64 : 2 * c->cap;
		c->folders =
		    xreallocarray(c->folders, c->cap, sizeof(c->folders[0]));
	}
	c->folders[c->n++] = xstrdup(disk);
	return 0;
}

int
quota_count_begin(struct store *st, struct quota_count **out, struct err *err)
{
	struct quota_count *c = xcalloc(1, sizeof(*c));

	c->st = st;
	(void)keep_folder(c, ".");
	if (store_each_disk(st, keep_folder, c, err) < 0) {
		quota_count_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
quota_count_free(struct quota_count *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		xfree(c->folders[i]);
	xfree(c->folders);
	xfree(c);
}

struct adder {
	struct quota_usage *sum;
	int dir;
};

static int
add_message(void *arg, const char *file, unsigned char d_type)
{
	struct adder *a = arg;
	struct name n;
	struct stat s;

	(void)d_type;
	if (!name_is_message(slice_str(file)))
		return 0;
	name_split(slice_str(file), &n);
	if (n.size == NAME_NO_SIZE) {
		if (io_stat(a->dir, file, &s) < 0)
			return 0; /* renamed or gone: a number to correct
				   * later */
		n.size = (uint64_t)s.st_size;
	}
	if (n.size > INT64_MAX / 1024)
		return 0;
	a->sum->bytes += (int64_t)n.size;
	a->sum->messages++;
	return 0;
}

static int
add_part(int folder, const char *part, struct quota_usage *sum)
{
	struct adder a = { sum, io_open_dir(folder, part) };
	int r;

	if (a.dir == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 :
		    -1;
	r = io_list(a.dir, add_message, &a);
	io_close(&a.dir);
	return r;
}

/* new or cur of the next folder; files move that way. */
static int
add_next(struct quota_count *c, struct err *err)
{
	const char *disk = c->folders[c->next];
	int fd = io_open_dir(c->st->mail_fd, disk), r = 0;

	if (fd == -1 && errno != ENOENT)
		return err_sys(err, "open %s", disk);
	if (fd != -1 && add_part(fd, c->has_new ? "cur" : "new", &c->sum) < 0)
		r = err_sys(err, "count %s", disk);
	c->next += c->has_new;
	c->has_new = !c->has_new;
	io_close(&fd);
	return r;
}

/* Replace the file; it is a cache, so nothing is flushed. */
static int
write_size(struct store *st, const struct quota_usage *sum, struct err *err)
{
	struct quota_file f = { st->conf.quota_bytes, st->conf.quota_messages,
		*sum, 1 };
	uint32_t next = random_below(UINT32_MAX);
	struct buf name, text;
	int fd, r = 0;

	buf_init(&name, MAX_FILE_NAME);
	buf_init(&text, QUOTA_MAX_BYTES);
	buf_puts(&name, ".temp.");
	name_unique(&next, &name);
	quota_print(&f, &text);
	fd = io_open(st->control_fd, buf_cstr(&name),
	    O_WRONLY | O_CREAT | O_EXCL, st->mode == 0700 ? 0600 : 0660);
	if (fd == -1 || io_write(fd, buf_slice(&text)) < 0 ||
	    io_rename(st->control_fd, name.p, st->control_fd, QUOTA_FILE) < 0) {
		r = err_sys(err, "write %s", QUOTA_FILE);
		(void)!io_unlink(st->control_fd, name.p);
	}
	io_close(&fd);
	buf_free(&text);
	buf_free(&name);
	return r;
}

enum step
quota_count_step(
    struct quota_count *c, struct quota_usage *out, struct err *err)
{
	if (c->next < c->n) {
		return add_next(c, err) < 0 ? STEP_FAIL : STEP_AGAIN;
	}
	/* A full disk cannot keep the sum; it was counted all the same. */
	if (quota_is_on(c->st) && write_size(c->st, &c->sum, err) < 0 &&
	    err->code != ERR_NOSPACE && err->code != ERR_QUOTA)
		return STEP_FAIL;
	*out = c->sum;
	return STEP_DONE;
}

/* ---- asked by those who add ---- */

/* 1 known, 0 call again, -1. */
static int
usage_some(struct store *st, uint64_t add_bytes, uint64_t add_msgs,
    struct quota_count **count, struct quota_usage *out, struct err *err)
{
	enum step step;
	int r;

	if (*count == NULL) {
		r = read_size(st, add_bytes, add_msgs, out, err);
		return r == 0 ? quota_count_begin(st, count, err) : r;
	}
	step = quota_count_step(*count, out, err);
	if (step == STEP_AGAIN)
		return 0;
	quota_count_free(*count);
	*count = NULL;
	return step == STEP_DONE ? 1 : -1;
}

int
quota_check_some(struct store *st, uint64_t add_bytes, uint64_t add_msgs,
    struct quota_count **count, struct err *err)
{
	struct quota_usage u;
	int r;

	if (!quota_is_on(st))
		return 1;
	r = usage_some(st, add_bytes, add_msgs, count, &u, err);
	if (r != 1)
		return r;
	r = room_for(st, &u, add_bytes, add_msgs);
	if (r == 0)
		return err_set(err, ERR_QUOTA,
		    "%" PRId64 " bytes in %" PRId64 " messages, %" PRIu64
		    " more are over quota",
		    u.bytes, u.messages, add_bytes);
	return r;
}

int
quota_check(
    struct store *st, uint64_t add_bytes, uint64_t add_msgs, struct err *err)
{
	struct quota_count *count = NULL;
	int r;

	while (
	    (r = quota_check_some(st, add_bytes, add_msgs, &count, err)) == 0)
		;
	return r == -1 ? -1 : 0;
}

int
quota_usage_some(struct store *st, struct quota_count **count,
    struct quota_usage *out, struct err *err)
{
	return usage_some(st, 0, 0, count, out, err);
}

int
quota_usage(struct store *st, struct quota_usage *out, struct err *err)
{
	struct quota_count *count = NULL;
	int r;

	while ((r = quota_usage_some(st, &count, out, err)) == 0)
		;
	return r == -1 ? -1 : 0;
}

int
quota_add(struct store *st, int64_t bytes, int64_t msgs, struct err *err)
{
	struct buf line;
	int fd, r = 0;

	if (!quota_is_on(st))
		return 0;
	fd = io_open(st->control_fd, QUOTA_FILE, O_WRONLY | O_APPEND, 0);
	if (fd == -1)
		return errno == ENOENT ? 0 :
					 err_sys(err, "open %s", QUOTA_FILE);
	buf_init(&line, 64);
	buf_printf(&line, "%" PRId64 " %" PRId64 "\n", bytes, msgs);
	if (io_write(fd, buf_slice(&line)) < 0) {
		r = err_sys(err, "write %s", QUOTA_FILE);
		quota_forget(st);
	}
	buf_free(&line);
	io_close(&fd);
	return r;
}

void
quota_forget(struct store *st)
{
	if (quota_is_on(st))
		io_discard(st->control_fd, QUOTA_FILE);
}
