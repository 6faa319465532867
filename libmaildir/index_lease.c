/* SPDX-License-Identifier: ISC */
/* The lease: who holds it may look or write; what the last one left half done
 * is cleared away by the next. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/random.h"
#include "libmaildir/index_impl.h"
#include "libmaildir/io.h"

/* After a wait in vain; after an index that cannot even be dropped. */
#define REST_LOCK_US  1000000u
#define REST_BROKE_US 30000000u
#define NAP_MAX_NS    1000000

void
index_box_name(uint64_t box, char out[INDEX_NAME_MAX])
{
	(void)snprintf(
	    out, INDEX_NAME_MAX, "%016llx.db", (unsigned long long)box);
}

/* Gone, or empty when it may not be removed. */
static bool
unlink_one(const struct index *ix, const char *name)
{
	int fd;
	bool good;

	if (io_unlink(ix->conf.dir, name) == 0 || errno == ENOENT)
		return true;
	if ((fd = io_open(ix->conf.dir, name, O_WRONLY, 0)) == -1)
		return errno == ENOENT;
	good = io_truncate(fd, 0) == 0;
	io_close(&fd);
	return good;
}

bool
index_unlink(const struct index *ix, const char *name)
{
	char twin[INDEX_NAME_MAX + 8];

	(void)snprintf(twin, sizeof(twin), "__db.%s", name);
	if (!unlink_one(ix, twin))
		return false;
	return unlink_one(ix, name);
}

struct removal {
	const struct index *ix;
	size_t n;
	bool failed;
};

static int
remove_fn(void *arg, const char *name, unsigned char type)
{
	struct removal *r = arg;
	size_t n = strlen(name);

	(void)type;
	if (strncmp(name, "__db.", 5) != 0 &&
	    (n < 3 || strcmp(name + n - 3, ".db") != 0))
		return 0;
	r->n++;
	if (!unlink_one(r->ix, name))
		r->failed = true;
	return 0;
}

/* Nothing is written over a state that says flushed before the disk knows that
 * it is no more: what follows may reach the disk before it. */
static bool
unflush(struct index *ix, const struct index_state *was)
{
	return !was->flushed || fdatasync(ix->fd) == 0;
}

static bool
write_state(struct index *ix, const struct index_state *to)
{
	if (!index_state_write(ix->fd, to))
		return false;
	ix->st = *to;
	return true;
}

bool
index_lease_drop(struct index *ix, const char *why)
{
	struct removal r = { .ix = ix };
	struct index_state was = ix->st,
			   to = {
				   .ident = random_u64() | 1,
				   .owner = ix->owner,
				   .generation = ix->st.generation + 1,
			   };

	memcpy(to.boot, ix->conf.boot_id, sizeof(to.boot));
	index_heads_clear(ix);
	ix->unflushed = ix->flush_all = false;
	ix->n_changed = 0;
	if (!write_state(ix, &to) || io_truncate(ix->fd, 88) == -1 ||
	    !unflush(ix, &was) || io_list(ix->conf.dir, remove_fn, &r) == -1 ||
	    r.failed) {
		if (ix->rest_until_us == 0 && ix->conf.dropped != NULL)
			ix->conf.dropped(ix->conf.arg, "cannot be written");
		ix->rest_until_us = clock_mono_us() + REST_BROKE_US;
		ix->lost = true;
		return false;
	}
	ix->drop_wanted = NULL;
	ix->ident = to.ident;
	ix->lost = true;
	if (r.n > 0 && ix->conf.dropped != NULL)
		ix->conf.dropped(ix->conf.arg, why);
	return true;
}

static void
nap(uint64_t waited_us)
{
	long ns = waited_us < 2000 ? NAP_MAX_NS / 10 : NAP_MAX_NS;
	struct timespec t = { .tv_nsec = ns };

	(void)nanosleep(&t, NULL);
}

static int
open_state(struct index *ix, struct stat *st)
{
	int dir,
	    fd = io_open_stat(
		ix->conf.dir, INDEX_STATE_NAME, O_RDWR | O_CREAT, 0600, st);

	if (fd != -1 || errno != ENOENT || ix->conf.again == NULL ||
	    (dir = ix->conf.again(ix->conf.arg)) == -1)
		return fd;
	io_close(&ix->conf.dir);
	ix->conf.dir = dir;
	return io_open_stat(dir, INDEX_STATE_NAME, O_RDWR | O_CREAT, 0600, st);
}

/* Lock the file that bears the name now. 1, 0 it was replaced meanwhile, -1. */
static int
lock_named(struct index *ix, bool to_write, uint64_t since_us)
{
	int how = (to_write ? LOCK_EX : LOCK_SH) | LOCK_NB;
	struct stat mine, named;

	if ((ix->fd = open_state(ix, &mine)) == -1) {
		ix->rest_until_us = clock_mono_us() + REST_LOCK_US;
		return -1;
	}
	while (io_table->flock(ix->fd, how) == -1) {
		uint64_t waited = clock_mono_us() - since_us;

		if ((errno != EWOULDBLOCK && errno != EINTR) ||
		    waited >= (uint64_t)INDEX_WAIT_MS * 1000) {
			ix->rest_until_us = clock_mono_us() + REST_LOCK_US;
			io_close(&ix->fd);
			return -1;
		}
		nap(waited);
	}
	if (io_stat(ix->conf.dir, INDEX_STATE_NAME, &named) == 0 &&
	    named.st_dev == mine.st_dev && named.st_ino == mine.st_ino)
		return 1;
	io_close(&ix->fd);
	return 0;
}

/* NULL: the state is one to go on with. */
static const char *
wrong_with(const struct index *ix, enum index_found found)
{
	const struct index_state *st = &ix->st;

	if (found == INDEX_NONE)
		return "its state is missing";
	if (found == INDEX_BAD)
		return "its state is damaged or of another format";
	if (st->owner != ix->owner)
		return "it is another user's";
	if (!st->flushed &&
	    (memcmp(st->boot, ix->conf.boot_id, 16) != 0 ||
		(!ix->knows_boot && ix->ident == 0)))
		return "the machine went down before it was flushed";
	if (st->writing == INDEX_WRITES_HEADS)
		return "a process died while it wrote the mailboxes";
	return ix->drop_wanted;
}

/* The one who wrote a mailbox's tree died: that one is gone. */
static bool
forget_box(struct index *ix)
{
	char name[INDEX_NAME_MAX];
	struct index_head none = { .box = ix->st.box };
	struct err e = { 0 };

	index_box_name(ix->st.box, name);
	if (!index_unlink(ix, name))
		return index_lease_drop(ix, "a dead writer's file stays");
	if (!index_heads_load(ix, &e) ||
	    (index_heads_find(ix, none.box) != NULL &&
		(!index_lease_name(ix, INDEX_WRITES_HEADS, 0) ||
		    !index_heads_write(ix, &none, &e))) ||
	    !index_lease_done(ix, true))
		return index_lease_drop(ix, e.text);
	if (ix->conf.dropped != NULL)
		ix->conf.dropped(ix->conf.arg,
		    "a process died while it wrote a mailbox: that one alone");
	return true;
}

/* 1 good, 0 the lock to write is needed to put it right, -1. */
static int
look(struct index *ix, bool to_write)
{
	enum index_found found = index_state_read(ix->fd, &ix->st);
	const char *why;

	if (found != INDEX_GOOD)
		ix->st = (struct index_state){ 0 };
	why = wrong_with(ix, found);
	if (why != NULL || ix->st.writing != INDEX_WRITES_NOTHING) {
		if (!to_write)
			return 0;
		if (why != NULL)
			return index_lease_drop(ix, why) ? 1 : -1;
		return forget_box(ix) ? 1 : -1;
	}
	if (ix->ident != ix->st.ident)
		ix->lost = ix->lost || ix->ident != 0;
	ix->ident = ix->st.ident;
	return 1;
}

bool
index_lease_take(struct index *ix, bool to_write)
{
	uint64_t since = clock_mono_us();
	int r;

	if (ix->conf.dir == -1 || since < ix->rest_until_us)
		return false;
	to_write = to_write || ix->drop_wanted != NULL;
	for (int i = 0; i < 8; i++) {
		if ((r = lock_named(ix, to_write, since)) == -1)
			return false;
		if (r == 0)
			continue;
		r = fchdir(ix->conf.dir) == -1 ? -1 : look(ix, to_write);
		if (r == 1) {
			ix->rest_until_us = 0;
			return true;
		}
		io_close(&ix->fd);
		if (r == -1)
			return false;
		to_write = true;
	}
	return false;
}

void
index_lease_end(struct index *ix)
{
	io_close(&ix->fd);
}

bool
index_lease_name(struct index *ix, enum index_writing what, uint64_t box)
{
	struct index_state was = ix->st, to = was;

	to.writing = what;
	to.box = box;
	to.flushed = false;
	memcpy(to.boot, ix->conf.boot_id, sizeof(to.boot));
	return write_state(ix, &to) && unflush(ix, &was);
}

bool
index_lease_done(struct index *ix, bool with_heads)
{
	struct index_state to = ix->st;

	to.writing = INDEX_WRITES_NOTHING;
	to.box = 0;
	to.generation++;
	if (with_heads)
		to.heads = to.generation;
	if (!write_state(ix, &to))
		return false;
	ix->heads_generation = to.generation;
	return true;
}

bool
index_lease_peek(struct index *ix, struct index_state *out)
{
	int fd;
	bool good;

	if (ix->conf.dir == -1 || ix->drop_wanted != NULL ||
	    ix->rest_until_us != 0)
		return false;
	fd = io_open(ix->conf.dir, INDEX_STATE_NAME, O_RDONLY, 0);
	if (fd == -1)
		return false;
	good = index_state_read(fd, out) == INDEX_GOOD &&
	    out->writing == INDEX_WRITES_NOTHING;
	io_close(&fd);
	return good;
}
