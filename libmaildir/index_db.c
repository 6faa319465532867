/* SPDX-License-Identifier: ISC */
/*
 * One B-tree in one file, opened, used and closed under the lease. Nothing that
 * is read is trusted: what libdb does not check itself (it believes the flags
 * of the first page, and does not ask whether a page is in its place) is looked
 * at before it sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <db.h>

#include "libbase/mem.h"
#include "libmaildir/index_impl.h"
#include "libmaildir/io.h"

#if PLANT == 34 /* for tests/index/planted */
#define PAGE_FLAGS 0
#else
#define PAGE_FLAGS DB_CHKSUM
#endif
#define CACHE      (256u * KIB)
#define BULK       (256u * KIB)
#define BULK_MIN   (32u * KIB)
/* Smaller than any record with what a page keeps of it. */
#define RECORD_MIN 8

struct index_tree {
	DB *db;
	uint64_t max_records;
};

/* ---- what libdb does by itself, done our way ---- */

static int
hook_open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t) & 0600;
		va_end(ap);
	}
	return io_open(AT_FDCWD, path, flags, mode);
}

/* Flushing is ours: later, without the lease. */
static int
hook_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* It would sleep for seconds on a full disk. */
static int
hook_yield(u_long secs, u_long usecs)
{
	(void)secs;
	(void)usecs;
	return 0;
}

static int
hook_unlink(const char *path)
{
	return io_unlink(AT_FDCWD, path);
}

static int
hook_rename(const char *from, const char *to)
{
	return io_rename(AT_FDCWD, from, AT_FDCWD, to);
}

/* A page out of its place has a sum that is right, and one of zeros needs none:
 * both are spoilt here, so that libdb finds them to be. (It would read again
 * by another way after an error.) A page's number stands behind the log's
 * sequence number. */
static ssize_t
hook_pread(int fd, void *p, size_t n, off_t off)
{
	ssize_t r = io_pread(fd, p, n, off);
	uint32_t page;

	if (r != (ssize_t)n || (n != INDEX_PAGE && n != INDEX_HEAD_PAGE) ||
	    off % (off_t)n != 0)
		return r;
	memcpy(&page, (const char *)p + 8, sizeof(page));
	if (page != off / (off_t)n)
		memset(p, 0xa5, n);
	return r;
}

static void
hook_error(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	(void)text;
}

static int
set_hooks(void)
{
	int r = db_env_set_func_open(hook_open);

	r = r != 0 ? r : db_env_set_func_fsync(hook_fsync);
	r = r != 0 ? r : db_env_set_func_yield(hook_yield);
	r = r != 0 ? r : db_env_set_func_unlink(hook_unlink);
	r = r != 0 ? r : db_env_set_func_rename(hook_rename);
	return r != 0 ? r : db_env_set_func_pread(hook_pread);
}

static int
fail(struct err *err, const char *what, int r)
{
	return err_set(err,
	    r == ENOSPC || r == EFBIG ? ERR_NOSPACE : ERR_CORRUPT, "%s: %s",
	    what, db_strerror(r));
}

/* ---- the first page, as we make it ---- */

enum {
	META_PAGE_NR = 8, /* offsets of 32-bit numbers, in our byte order */
	META_MAGIC = 12,
	META_VERSION = 16,
	META_PAGE_SIZE = 20,
	META_ENCRYPTION = 24, /* bytes: encryption, type, flags */
	META_TYPE = 25,
	META_FLAGS = 26,
	META_LAST_PAGE = 32,
	META_TREE_FLAGS = 48,
	META_END = 512
};

#define BTREE_MAGIC   0x053162u
#define BTREE_VERSION 9u
#define BTREE_TYPE    9
#define HAS_SUMS      1

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static int
check_meta(const uint8_t *p, uint32_t page, uint64_t n_pages)
{
	return get32(p + META_PAGE_NR) == 0 &&
	    get32(p + META_MAGIC) == BTREE_MAGIC &&
	    get32(p + META_VERSION) == BTREE_VERSION &&
	    get32(p + META_PAGE_SIZE) == page && p[META_ENCRYPTION] == 0 &&
	    p[META_TYPE] == BTREE_TYPE && p[META_FLAGS] == HAS_SUMS &&
	    get32(p + META_LAST_PAGE) < n_pages &&
	    get32(p + META_TREE_FLAGS) == 0;
}

static int
check_file(const char *name, uint32_t page, uint64_t *size, struct err *err)
{
	uint8_t p[META_END];
	struct stat st;
	int fd = io_open_stat(AT_FDCWD, name, O_RDONLY, 0, &st), r = 0;

	if (fd == -1)
		return err_set(err, ERR_CORRUPT, "a file is missing");
	*size = (uint64_t)st.st_size;
	if (st.st_size == 0 || st.st_size % page != 0)
		r = err_set(err, ERR_CORRUPT, "a file was cut");
	else if (io_pread(fd, p, sizeof(p), 0) != sizeof(p) ||
	    !check_meta(p, page, (uint64_t)st.st_size / page))
		r = err_set(err, ERR_CORRUPT, "a first page is damaged");
	io_close(&fd);
	return r;
}

/* After a failure it calls itself panicked, and would not even let go of the
 * file. */
static int
close_db(DB *db, uint32_t flags)
{
	DB_ENV *env = db->get_env(db);
	int r = env->set_flags(env, DB_NOPANIC, 1), r2;

	r2 = db->close(db, flags);
	return r2 != 0 ? r2 : r;
}

struct index_tree *
index_db_open(
    const char *name, uint32_t page, enum index_mode mode, struct err *err)
{
	struct index_tree *t;
	uint64_t size = 0;
	DB *db = NULL;
	uint32_t flags = mode == INDEX_READ ? DB_RDONLY :
	    mode == INDEX_MAKE              ? DB_CREATE | DB_EXCL :
					      0;
	int r;

	if (mode != INDEX_MAKE && check_file(name, page, &size, err) == -1)
		return NULL;
	if ((r = set_hooks()) != 0 || (r = db_create(&db, NULL, 0)) != 0) {
		(void)fail(err, "db_create", r);
		return NULL;
	}
	db->set_errcall(db, hook_error);
	if ((r = db->get_env(db)->set_tmp_dir(db->get_env(db), ".")) != 0 ||
	    (r = db->set_cachesize(db, 0, CACHE, 1)) != 0 ||
	    (mode == INDEX_MAKE &&
		((r = db->set_pagesize(db, page)) != 0 ||
		    (r = db->set_flags(db, PAGE_FLAGS)) != 0)) ||
	    (r = db->open(db, NULL, name, NULL, DB_BTREE, flags | DB_NOMMAP,
		 0600)) != 0) {
		(void)fail(err, "open", r);
		(void)close_db(db, DB_NOSYNC);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->db = db;
	t->max_records = size / RECORD_MIN;
	return t;
}

int
index_db_close(struct index_tree **t, struct err *err)
{
	int r = 0;

	if (*t != NULL)
		r = close_db((*t)->db, 0);
	xfree(*t);
	*t = NULL;
	return r == 0 ? 0 : fail(err, "close", r);
}

/* A DBT is not const; libdb does not write to a key it only looks at. */
static void
set_key(DBT *dbt, uint8_t mem[INDEX_KEY_MAX], struct slice key)
{
	*dbt = (DBT){ .data = mem,
		.size = (uint32_t)key.n,
		.ulen = INDEX_KEY_MAX,
		.flags = DB_DBT_USERMEM };
	memcpy(mem, key.p, key.n);
}

int
index_db_get(
    struct index_tree *t, struct slice key, struct buf *out, struct err *err)
{
	uint8_t mem[INDEX_KEY_MAX];
	DBT k, v = { .flags = DB_DBT_USERMEM };
	int r;

	set_key(&k, mem, key);
	v.ulen = INDEX_VALUE_MAX;
	if ((v.data = buf_reserve(out, v.ulen)) == NULL)
		return err_set(err, ERR_LIMIT, "no room");
	r = t->db->get(t->db, NULL, &k, &v, 0);
	if (r == DB_NOTFOUND)
		return 0;
	if (r != 0)
		return fail(err, "get", r);
	buf_commit(out, v.size);
	return 1;
}

int
index_db_put(
    struct index_tree *t, struct slice key, struct slice value, struct err *err)
{
	uint8_t mem[INDEX_KEY_MAX];
	DBT k, v = { 0 };
	char *copy = xmalloc(value.n + 1);
	int r;

	set_key(&k, mem, key);
	if (value.n > 0)
		memcpy(copy, value.p, value.n);
	v.data = copy;
	v.size = (uint32_t)value.n;
	r = t->db->put(t->db, NULL, &k, &v, 0);
	xfree(copy);
	return r == 0 ? 0 : fail(err, "put", r);
}

/* ---- many at once: bytes from the front, four numbers each from the end ----
 */

struct bulk {
	uint32_t *numbers; /* the next ones, downwards */
	uint8_t *p;
	size_t used;
	bool any;
};

static void
bulk_start(struct bulk *b)
{
	b->numbers = (uint32_t *)(void *)(b->p + BULK) - 1;
	*b->numbers = UINT32_MAX;
	b->used = 0;
	b->any = false;
}

static void
bulk_one(struct bulk *b, struct slice s)
{
	memcpy(b->p + b->used, s.p, s.n);
	b->numbers[0] = (uint32_t)b->used;
	b->numbers[-1] = (uint32_t)s.n;
	b->numbers -= 2;
	b->used += s.n;
}

static bool
bulk_add(struct bulk *b, struct slice key, struct slice value)
{
	uint8_t *end = (uint8_t *)(b->numbers - 5);

	if (b->p + b->used + key.n + value.n > end)
		return false;
	bulk_one(b, key);
	bulk_one(b, value.n == 0 ? SLICE("") : value);
	*b->numbers = UINT32_MAX;
	b->any = true;
	return true;
}

static int
bulk_put(struct index_tree *t, struct bulk *b, struct err *err)
{
	DBT k = { .data = b->p,
		.ulen = BULK,
		.flags = DB_DBT_USERMEM | DB_DBT_BULK };
	DBT v = { 0 };
	int r = b->any ? t->db->put(t->db, NULL, &k, &v, DB_MULTIPLE_KEY) : 0;

	bulk_start(b);
	return r == 0 ? 0 : fail(err, "put", r);
}

int
index_db_put_all(
    struct index_tree *t, index_db_next *next, void *arg, struct err *err)
{
	struct bulk b = { .p = xmalloc(BULK) };
	struct slice key, value;
	int r = 0;

	bulk_start(&b);
	while (r == 0 && next(arg, &key, &value)) {
		if (bulk_add(&b, key, value))
			continue;
		r = bulk_put(t, &b, err);
		(void)bulk_add(&b, key, value); /* the longest fits */
	}
	if (r == 0)
		r = bulk_put(t, &b, err);
	xfree(b.p);
	return r;
}

int
index_db_del(
    struct index_tree *t, struct slice lo, struct slice hi, struct err *err)
{
	uint8_t mem[INDEX_KEY_MAX];
	DBT k, v = { .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
	DBC *c = NULL;
	int r, r2;

	set_key(&k, mem, lo);
	if (slice_eq(lo, hi)) {
		r = t->db->del(t->db, NULL, &k, 0);
		return r == 0 || r == DB_NOTFOUND ? 0 : fail(err, "del", r);
	}
	if ((r = t->db->cursor(t->db, NULL, &c, 0)) != 0)
		return fail(err, "cursor", r);
	r = c->get(c, &k, &v, DB_SET_RANGE);
	while (r == 0 && k.size == hi.n && memcmp(mem, hi.p, hi.n) <= 0) {
		if ((r = c->del(c, 0)) == 0)
			r = c->get(c, &k, &v, DB_NEXT);
	}
	r2 = c->close(c);
	if (r == 0 || r == DB_NOTFOUND)
		r = r2;
	return r == 0 ? 0 : fail(err, "del", r);
}

/* ---- reading in order ---- */

struct reading {
	struct slice hi;
	uint8_t last[INDEX_KEY_MAX]; /* of hi.n bytes */
	bool any;
	uint64_t left; /* no more records than the file can hold */
	index_db_fn *fn;
	void *arg;
};

static bool
inside(const uint32_t *at, size_t n_bytes)
{
	return at[0] <= n_bytes && at[1] <= n_bytes - at[0];
}

/* What one read brought. 1 go on, 0 enough, -1 it cannot be. */
static int
read_bulk(struct reading *rd, const uint8_t *p, size_t n)
{
	const uint32_t *end = (const uint32_t *)(const void *)(p + n);

	for (size_t i = 1; n / sizeof(uint32_t) >= i + 3; i += 4) {
		uint32_t at[4];

		if (*(end - i) == UINT32_MAX)
			return i == 1 ? -1 : 1;
		for (unsigned j = 0; j < 4; j++)
			at[j] = *(end - i - j);
		if (!inside(at, n) || !inside(at + 2, n))
			return -1;
		if (at[1] != rd->hi.n || memcmp(p + at[0], rd->hi.p, at[1]) > 0)
			return 0; /* what is of another length is not asked */
		if ((rd->any && memcmp(p + at[0], rd->last, at[1]) <= 0) ||
		    rd->left-- == 0)
			return -1;
		memcpy(rd->last, p + at[0], at[1]);
		rd->any = true;
		if (!rd->fn(rd->arg, slice_of(p + at[0], at[1]),
			slice_of(p + at[2], at[3])))
			return 0;
	}
	return -1;
}

static int
read_all(DBC *c, struct reading *rd, DBT *k, size_t want, struct err *err)
{
	DBT v = { .flags = DB_DBT_USERMEM };
	uint32_t flags = DB_SET_RANGE;
	uint8_t *p;
	int r, more = 1;

	want = want == 0 || want > BULK ? BULK :
	    want < BULK_MIN             ? BULK_MIN :
					  (want + 1023) / 1024 * 1024;
	v.data = p = xmalloc(BULK);
	v.ulen = (uint32_t)want;
	do {
		r = c->get(c, k, &v, flags | DB_MULTIPLE_KEY);
		if (r == DB_BUFFER_SMALL && v.ulen < BULK) {
			v.ulen = BULK;
			continue;
		}
		if (r != 0)
			break;
		more = read_bulk(rd, p, v.ulen);
		flags = DB_NEXT;
	} while (r != 0 || more == 1);
	xfree(p);
	if (more == -1)
		return err_set(err, ERR_CORRUPT, "records out of order");
	return r == 0 || r == DB_NOTFOUND ? 0 : fail(err, "read", r);
}

int
index_db_read(struct index_tree *t, struct slice lo, struct slice hi,
    size_t want, index_db_fn *fn, void *arg, struct err *err)
{
	struct reading rd = {
		.hi = hi, .left = t->max_records, .fn = fn, .arg = arg
	};
	uint8_t mem[INDEX_KEY_MAX];
	DBC *c = NULL;
	DBT k;
	int r, r2;

	set_key(&k, mem, lo);
	if ((r = t->db->cursor(t->db, NULL, &c, DB_CURSOR_BULK)) != 0)
		return fail(err, "cursor", r);
	r = read_all(c, &rd, &k, want, err);
	r2 = c->close(c);
	return r == -1 || r2 == 0 ? r : fail(err, "cursor", r2);
}
