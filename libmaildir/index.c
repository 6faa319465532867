/* SPDX-License-Identifier: ISC */
/* The index as its callers see it: each call is one lease. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libbase/random.h"
#include "libmaildir/index_impl.h"
#include "libmaildir/io.h"

#define MIN_FREE ((uint64_t)16 * MIB)

/* In each mailbox's tree; value: mailbox 8, ident 8, revision 8. Records have
 * kinds above 0. */
#define MARK_KEY SLICE("\0\0\0\0\0\0\0\0\0")
#define N_MARK   24

/* The file there is text: 36 bytes, hexadecimal digits in groups. */
static bool
ask_boot_id(uint8_t out[16])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text));
	unsigned at = 0;

	memset(out, 0, 16);
	for (ssize_t i = 0; i < n && at < 32; i++) {
		char c = ascii_lower(text[i]);
		unsigned v = ascii_is_digit(c) ? (unsigned)(c - '0') :
						 (unsigned)(c - 'a') + 10;

		if (v > 15)
			continue;
		out[at / 2] = (uint8_t)((unsigned)out[at / 2] << 4 | v);
		at++;
	}
	io_close(&fd);
	return at == 32;
}

static uint64_t
hash_owner(const char *name)
{
	static const uint8_t key[16] = "index's owner";

	return name == NULL ? 0 : hash_keyed(key, slice_str(name));
}

struct index *
index_open(const struct index_conf *conf)
{
	static const uint8_t none[16] = { 0 };
	struct index *ix = xcalloc(1, sizeof(*ix));

	ix->conf = *conf;
	ix->fd = -1;
	if (ix->conf.min_free == 0)
		ix->conf.min_free = MIN_FREE;
	ix->owner = hash_owner(conf->owner);
	ix->conf.owner = NULL;
	ix->knows_boot = memcmp(conf->boot_id, none, 16) != 0 ||
	    ask_boot_id(ix->conf.boot_id);
	if (conf->drop_first)
		ix->drop_wanted = "the process that used it died";
	if (index_lease_take(ix, false))
		index_lease_end(ix);
	return ix;
}

void
index_close(struct index **ixp)
{
	struct index *ix = *ixp;

	if (ix == NULL)
		return;
	index_flush(ix);
	index_heads_clear(ix);
	io_close(&ix->conf.dir);
	xfree(ix);
	*ixp = NULL;
}

/* What was read is not what was written: the lease to write is taken for that,
 * unless another process has changed all of it meanwhile. */
static void
damaged(struct index *ix, const char *why)
{
	struct index_state saw = ix->st;

	index_lease_end(ix);
	if (!index_lease_take(ix, true)) {
		ix->drop_wanted = "it was found damaged";
		return;
	}
	if (ix->st.ident == saw.ident && ix->st.generation == saw.generation)
		(void)index_lease_drop(ix, why);
	index_lease_end(ix);
}

/* The lease, and the heads. */
static bool
take(struct index *ix, bool to_write)
{
	struct err e = { 0 };

	if (!index_lease_take(ix, to_write))
		return false;
	if (index_heads_load(ix, &e))
		return true;
	damaged(ix, e.text);
	return false;
}

/* Is the table of heads what another process would read? */
static bool
is_fresh(struct index *ix)
{
	struct index_state st;

	return ix->heads_ident != 0 && index_lease_peek(ix, &st) &&
	    st.ident == ix->heads_ident &&
	    st.generation == ix->heads_generation;
}

static bool
fresh_heads(struct index *ix)
{
	if (is_fresh(ix))
		return true;
	if (!take(ix, false))
		return false;
	index_lease_end(ix);
	return true;
}

int
index_head(struct index *ix, uint64_t box, struct buf *out)
{
	const struct index_head *h;

	if (!fresh_heads(ix) || (h = index_heads_find(ix, box)) == NULL ||
	    h->n == 0)
		return 0;
	buf_put(out, h->p, h->n);
	return 1;
}

int
index_heads(struct index *ix,
    bool (*fn)(void *arg, uint64_t box, struct slice head), void *arg)
{
	if (!fresh_heads(ix))
		return 0;
	for (size_t i = 0; i < ix->n_heads; i++)
		if (ix->heads[i].n > 0 &&
		    !fn(arg, ix->heads[i].box,
			slice_of(ix->heads[i].p, ix->heads[i].n)))
			break;
	return 1;
}

uint64_t
index_revision(struct index *ix, uint64_t box)
{
	const struct index_head *h;

	if (!fresh_heads(ix) || (h = index_heads_find(ix, box)) == NULL)
		return 0;
	return h->revision;
}

/* ---- a mailbox's tree ---- */

static void
mark_value(
    const struct index *ix, const struct index_head *h, uint8_t p[N_MARK])
{
	index_put64(p, h->box);
	index_put64(p + 8, ix->st.ident);
	index_put64(p + 16, h->tree);
}

/* Does the tree belong to the head? */
static bool
belongs(const struct index *ix, const struct index_head *h,
    struct index_tree *t, struct err *err)
{
	uint8_t want[N_MARK];
	struct buf b;
	int r;

	buf_init(&b, 2 * INDEX_VALUE_MAX);
	mark_value(ix, h, want);
	r = index_db_get(t, MARK_KEY, &b, err);
	if (r == 0 ||
	    (r == 1 && (b.n != N_MARK || memcmp(b.p, want, b.n) != 0)))
		r = err_set(err, ERR_CORRUPT, "its files are of two ages");
	buf_free(&b);
	return r == 1;
}

static struct index_tree *
open_tree(struct index *ix, const struct index_head *h, enum index_mode mode,
    struct err *err)
{
	char name[INDEX_NAME_MAX];
	struct index_tree *t;
	struct err ignored;

	index_box_name(h->box, name);
	if ((t = index_db_open(name, INDEX_PAGE, mode, err)) == NULL)
		return NULL;
	if (mode == INDEX_MAKE || belongs(ix, h, t, err))
		return t;
	(void)index_db_close(&t, &ignored);
	return NULL;
}

static struct slice
make_key(uint8_t p[INDEX_KEY_MAX], int kind, uint64_t key)
{
	p[0] = (uint8_t)kind;
	index_put64(p + 1, key);
	return slice_of(p, INDEX_KEY_MAX);
}

struct reader {
	index_fn *fn;
	void *arg;
};

static bool
read_one(void *arg, struct slice key, struct slice value)
{
	const struct reader *r = arg;

	return r->fn(r->arg, index_get64((const uint8_t *)key.p + 1), value);
}

int
index_read(struct index *ix, uint64_t box, int kind, uint64_t lo, uint64_t hi,
    size_t want, index_fn *fn, void *arg)
{
	uint8_t from[INDEX_KEY_MAX], to[INDEX_KEY_MAX];
	struct reader r = { fn, arg };
	const struct index_head *h;
	struct index_tree *t;
	struct err e = { 0 };
	bool good;

	if (!take(ix, false))
		return 0;
	h = index_heads_find(ix, box);
	if (h == NULL || h->tree == 0) {
		index_lease_end(ix);
		return 0;
	}
	t = open_tree(ix, h, INDEX_READ, &e);
	good = t != NULL &&
	    (lo > hi ||
		index_db_read(t, make_key(from, kind, lo),
		    make_key(to, kind, hi), want, read_one, &r, &e) == 0);
	if (index_db_close(&t, &e) == -1)
		good = false;
	if (!good)
		damaged(ix, e.text);
	index_lease_end(ix);
	return good ? 1 : 0;
}

/* ---- writing ---- */

static bool
has_room(const struct index *ix)
{
	struct statvfs v;

	return fstatvfs(ix->conf.dir, &v) == 0 &&
	    (uint64_t)v.f_bavail * v.f_frsize >= ix->conf.min_free;
}

struct putting {
	const struct index_batch *b;
	size_t i;
	uint8_t key[INDEX_KEY_MAX];
};

static bool
next_put(void *arg, struct slice *key, struct slice *value)
{
	struct putting *p = arg;
	const struct index_op *op;

	while (p->i < p->b->n_puts && p->b->puts[p->i].dead)
		p->i++;
	if (p->i == p->b->n_puts)
		return false;
	op = &p->b->puts[p->i++];
	*key = make_key(p->key, op->kind, op->key);
	*value = slice_of(p->b->values.p + op->off, op->n);
	return true;
}

static int
write_ops(struct index_tree *t, const struct index_batch *b, bool is_new,
    struct err *err)
{
	uint8_t from[INDEX_KEY_MAX], to[INDEX_KEY_MAX];
	struct putting p = { .b = b };

	for (size_t i = 0; i < b->n_dels && !is_new; i++) {
		const struct index_op *d = &b->dels[i];

		if (index_db_del(t, make_key(from, d->kind, d->key),
			make_key(to, d->kind, d->hi), err) == -1)
			return -1;
	}
	return index_db_put_all(t, next_put, &p, err);
}

/* The tree with the batch in it. h is as it was; its tree gets a new revision.
 */
static bool
write_tree(struct index *ix, struct index_head *h, const struct index_batch *b,
    struct err *err)
{
	bool is_new = h->tree == 0, good;
	char name[INDEX_NAME_MAX];
	uint8_t mark[N_MARK];
	struct index_tree *t;

	index_box_name(h->box, name);
	if (!index_lease_name(ix, INDEX_WRITES_BOX, h->box) ||
	    (is_new && !index_unlink(ix, name)))
		return false;
	t = open_tree(ix, h, is_new ? INDEX_MAKE : INDEX_WRITE, err);
	if (t == NULL)
		return false;
	h->tree = h->revision;
	mark_value(ix, h, mark);
	good = write_ops(t, b, is_new, err) == 0 &&
	    index_db_put(t, MARK_KEY, slice_of(mark, N_MARK), err) == 0;
	return index_db_close(&t, err) == 0 && good;
}

static void
note_change(struct index *ix, uint64_t box)
{
	ix->unflushed = true;
	for (size_t i = 0; i < ix->n_changed; i++)
		if (ix->changed[i] == box)
			return;
	if (ix->n_changed == INDEX_CHANGED_MAX)
		ix->flush_all = true;
	else
		ix->changed[ix->n_changed++] = box;
}

/* With the lease: the tree could not be written, or is not wanted. */
static void
forget_box(struct index *ix, uint64_t box)
{
	struct index_head none = { .box = box };
	char name[INDEX_NAME_MAX];
	struct err e = { 0 };

	index_box_name(box, name);
	if (!index_lease_name(ix, INDEX_WRITES_BOX, box) ||
	    !index_unlink(ix, name) ||
	    (index_heads_find(ix, box) != NULL &&
		(!index_lease_name(ix, INDEX_WRITES_HEADS, 0) ||
		    !index_heads_write(ix, &none, &e))) ||
	    !index_lease_done(ix, ix->st.writing == INDEX_WRITES_HEADS))
		(void)index_lease_drop(ix, "a mailbox could not be forgotten");
	else
		note_change(ix, box);
}

/* With the lease. */
static bool
write_all(struct index *ix, struct index_head *h, const struct index_batch *b)
{
	struct err e = { 0 };

	if (b != NULL && (b->n_puts > 0 || (b->n_dels > 0 && h->tree != 0)) &&
	    !write_tree(ix, h, b, &e)) {
		if (e.code == ERR_CORRUPT)
			(void)index_lease_drop(ix, e.text);
		else
			forget_box(ix, h->box);
		return false;
	}
	if (!index_lease_name(ix, INDEX_WRITES_HEADS, 0) ||
	    !index_heads_write(ix, h, &e) || !index_lease_done(ix, true)) {
		(void)index_lease_drop(
		    ix, e.code == ERR_OK ? "it cannot be written" : e.text);
		return false;
	}
	note_change(ix, h->box);
	return true;
}

int
index_write(struct index *ix, uint64_t box, struct index_batch *b,
    struct slice head, uint64_t *revision)
{
	struct index_head h = { .box = box };
	const struct index_head *was;
	char bytes[INDEX_HEAD_MAX];
	bool good = false;

	if (b != NULL)
		index_batch_sort(b);
	if (head.n > INDEX_HEAD_MAX || !has_room(ix) || !take(ix, true))
		return 0;
	was = index_heads_find(ix, box);
	if ((was == NULL ? 0 : was->revision) == *revision) {
		if (was != NULL)
			h = *was;
		if (head.n != 0) {
			h.n = head.n;
			memcpy(bytes, head.p, head.n);
		} else if (was != NULL && was->n > 0) {
			memcpy(bytes, was->p, was->n);
		}
		h.p = bytes;
		h.revision = random_u64() | 1;
		good = write_all(ix, &h, b);
	}
	index_lease_end(ix);
	if (good)
		*revision = h.revision;
	return good ? 1 : 0;
}

void
index_drop_box(struct index *ix, uint64_t box)
{
	if (!take(ix, true))
		return;
	if (index_heads_find(ix, box) != NULL)
		forget_box(ix, box);
	index_lease_end(ix);
}

void
index_drop(struct index *ix, const char *why)
{
	ix->drop_wanted = why;
	if (index_lease_take(ix, true))
		index_lease_end(ix);
}

bool
index_is_usable(struct index *ix)
{
	return fresh_heads(ix);
}

bool
index_was_lost(struct index *ix)
{
	bool lost = ix->lost;

	ix->lost = false;
	return lost;
}

/* ---- flushing ---- */

static int
flush_one(void *arg, const char *name, unsigned char type)
{
	int dir = *(const int *)arg;
	size_t n = strlen(name);
	int fd, r;

	(void)type;
	if (n < 3 || strcmp(name + n - 3, ".db") != 0)
		return 0;
	if ((fd = io_open(dir, name, O_RDONLY, 0)) == -1)
		return errno == ENOENT ? 0 : -1;
	r = io_fsync(fd);
	io_close(&fd);
	return r;
}

static bool
flush_changed(struct index *ix)
{
	int dir = ix->conf.dir;
	char name[INDEX_NAME_MAX];

	if (ix->flush_all)
		return io_list(dir, flush_one, &dir) == 0 && io_fsync(dir) == 0;
	for (size_t i = 0; i < ix->n_changed; i++) {
		index_box_name(ix->changed[i], name);
		if (flush_one(&dir, name, 0) != 0)
			return false;
	}
	return flush_one(&dir, INDEX_HEADS_NAME, 0) == 0 && io_fsync(dir) == 0;
}

void
index_flush(struct index *ix)
{
	struct index_state saw, st;
	int fd = -1;

	if (!ix->unflushed || !index_lease_peek(ix, &saw) ||
	    !flush_changed(ix) || !index_lease_take(ix, true))
		return;
	st = ix->st;
	st.flushed = true;
	if (st.ident == saw.ident && st.generation == saw.generation &&
	    index_state_write(ix->fd, &st)) {
		ix->unflushed = ix->flush_all = false;
		ix->n_changed = 0;
		fd = ix->fd;
		ix->fd = -1;
		(void)io_table->flock(fd, LOCK_UN);
	}
	index_lease_end(ix);
	if (fd != -1 && io_fsync(fd) == -1)
		ix->unflushed = true;
	io_close(&fd);
}

bool
index_is_flushed(const struct index *ix)
{
	return !ix->unflushed;
}

static int
add_size(void *arg, const char *name, unsigned char type)
{
	const struct index *ix = ((void **)arg)[0];
	struct index_stats *out = ((void **)arg)[1];
	struct stat st;

	(void)type;
	if (io_stat(ix->conf.dir, name, &st) == 0 && S_ISREG(st.st_mode))
		out->bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

int
index_stats(struct index *ix, struct index_stats *out)
{
	void *both[2] = { ix, out };

	*out = (struct index_stats){ 0 };
	if (!fresh_heads(ix) || io_list(ix->conf.dir, add_size, both) == -1)
		return 0;
	for (size_t i = 0; i < ix->n_heads; i++)
		out->boxes += ix->heads[i].box != INDEX_USER;
	return 1;
}
