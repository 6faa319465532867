/* SPDX-License-Identifier: ISC */
/* Builds the folders that a power cut could leave. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "tests/crash/replay.h"
#include "tests/crash/sweep.h"

#define MAX_OPEN 512
#define NO_OBJ   UINT32_MAX

/* Ways to be of one thing that was not flushed. */
enum name_way {
	NAME_ON,
	NAME_OFF,
	NAME_BOTH, /* of a rename: the old name is still there, too */
	NAME_MOVED /* of a rename: on, and no older name either */
};
enum data_way {
	DATA_ALL,
	DATA_NONE,
	DATA_ZEROS, /* its length, no bytes */
	DATA_HALF,  /* the last write only half */
	DATA_LAST,  /* the last write, zeros before it */
	DATA_BUT_LAST,
	N_DATA_WAYS
};

/* One of them. */
struct unit {
	size_t event; /* of a name; else the file's first open event */
	unsigned obj; /* of data */
	size_t last;  /* of data: its last open write; 0: none */
	bool is_name;
	unsigned n; /* ways: pick is below it */
	enum name_way ways[3];
};

struct file {
	char *p;
	size_t n;
	int64_t mtime;
};

struct entry {
	unsigned dir, obj;
	const char *name; /* of the record */
};

struct tree {
	struct entry *v;
	size_t n, cap;
	struct file *files; /* by object */
	size_t n_files;
};

struct units {
	struct unit v[MAX_OPEN];
	size_t n;
};

uint64_t
replay_mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* ---- a tree in memory ---- */

static void
tree_init(struct tree *t, size_t n_objs)
{
	*t = (struct tree){ .n_files = n_objs };
	t->files = xcalloc(n_objs + 1, sizeof *t->files);
}

static void
tree_free(struct tree *t)
{
	size_t i;

	for (i = 0; i < t->n_files; i++)
		xfree(t->files[i].p);
	xfree(t->files);
	xfree(t->v);
}

static void
tree_copy(struct tree *to, const struct tree *from)
{
	size_t i;

	tree_init(to, from->n_files);
	to->n = from->n;
	to->cap = from->n + 64;
	to->v = xreallocarray(NULL, to->cap, sizeof *to->v);
	if (from->n > 0)
		memcpy(to->v, from->v, from->n * sizeof *to->v);
	for (i = 0; i < from->n_files; i++) {
		to->files[i] = from->files[i];
		if (from->files[i].p != NULL) {
			to->files[i].p = xmalloc(from->files[i].n + 1);
			memcpy(
			    to->files[i].p, from->files[i].p, from->files[i].n);
		}
	}
}

static void
name_del(struct tree *t, unsigned dir, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].dir == dir && strcmp(t->v[i].name, name) == 0) {
			t->v[i] = t->v[--t->n];
			return;
		}
}

static void
name_put(struct tree *t, unsigned dir, const char *name, unsigned obj)
{
	name_del(t, dir, name);
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : 2 * t->cap;
		t->v = xreallocarray(t->v, t->cap, sizeof *t->v);
	}
	t->v[t->n++] = (struct entry){ dir, obj, name };
}

static void
file_resize(struct file *f, size_t n)
{
	char *p = xmalloc(n + 1);

	memset(p, 0, n + 1);
	if (f->p != NULL)
		memcpy(p, f->p, f->n < n ? f->n : n);
	xfree(f->p);
	f->p = p;
	f->n = n;
}

/* n bytes of the write; zeros: as zeros. */
static void
file_write(struct file *f, const struct event *e, size_t n, bool zeros)
{
	if (f->n < e->off + n)
		file_resize(f, (size_t)e->off + n);
	if (n == 0)
		return;
	if (zeros)
		memset(f->p + e->off, 0, n);
	else
		memcpy(f->p + e->off, e->data, n);
}

/* A file that was renamed twice: when the second is there and the first is not,
 * it is not where it was before the first either. */
static void
drop_old(struct tree *t, const struct event *e)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].obj == e->obj) {
			t->v[i] = t->v[--t->n];
			return;
		}
}

static void
apply_name(struct tree *t, const struct event *e, enum name_way way)
{
	if (way == NAME_OFF)
		return;
	if (e->kind == EV_RENAME && way == NAME_MOVED) {
		drop_old(t, e);
		way = NAME_ON;
	}
	if (e->kind == EV_UNLINK || (e->kind == EV_RENAME && way == NAME_ON))
		name_del(t, e->dir, e->name);
	if (e->kind != EV_UNLINK)
		name_put(t, e->dir2, e->name2, e->obj);
}

static void
apply_data(
    struct tree *t, const struct event *e, enum data_way way, bool is_last)
{
	struct file *f = &t->files[e->obj];

	if (way == DATA_NONE || (way == DATA_BUT_LAST && is_last))
		return;
	if (e->kind == EV_WRITE)
		file_write(f, e, way == DATA_HALF && is_last ? e->n / 2 : e->n,
		    way == DATA_ZEROS || (way == DATA_LAST && !is_last));
	else if (e->kind == EV_TRUNC)
		file_resize(f, (size_t)e->off);
	else if (e->kind == EV_MTIME)
		f->mtime = e->mtime;
}

static bool
is_name(const struct event *e)
{
	return e->kind <= EV_RENAME;
}

static bool
is_data(const struct event *e)
{
	return e->kind == EV_WRITE || e->kind == EV_TRUNC ||
	    e->kind == EV_MTIME;
}

static void
apply(struct tree *t, const struct event *e, unsigned way, bool is_last)
{
	if (is_name(e))
		apply_name(t, e, (enum name_way)way);
	else if (is_data(e))
		apply_data(t, e, (enum data_way)way, is_last);
}

/* ---- what is open at a cut ---- */

static bool
flushed(const struct record *r, unsigned obj, size_t from, size_t cut)
{
	size_t i;

	for (i = from; i < cut; i++)
		if (r->v[i].kind == EV_FSYNC && r->v[i].obj == obj)
			return true;
	return false;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
add_name(struct units *u, const struct replay *rp, size_t i)
{
	const struct record *r = rp->rec;
	const struct event *e = &r->v[i];
	bool to = flushed(r, e->dir2, i, rp->cut);
	bool from = flushed(r, e->dir, i, rp->cut);
	struct unit *one = &u->v[u->n];

	*one = (struct unit){ .event = i, .is_name = true };
	one->ways[one->n++] = rp->lag ? NAME_ON : NAME_MOVED;
	if (!to && !from)
		one->ways[one->n++] = NAME_OFF;
	/* a leftover in tmp/ tells nothing */
	if (rp->lag && e->kind == EV_RENAME && !from &&
	    !r->objs[e->obj].is_dir && !ends_with(r->objs[e->dir].path, "/tmp"))
		one->ways[one->n++] = NAME_BOTH;
	if (one->n > 1)
		u->n++;
}

static void
add_data(struct units *u, const struct replay *rp, size_t i)
{
	const struct record *r = rp->rec;
	unsigned obj = r->v[i].obj, writes = 0;
	struct unit *one;
	size_t k;

	if (flushed(r, obj, i, rp->cut))
		return;
	for (k = 0; k < u->n; k++)
		if (!u->v[k].is_name && u->v[k].obj == obj)
			return;
	one = &u->v[u->n++];
	*one = (struct unit){ .event = i, .obj = obj };
	for (k = i; k < rp->cut; k++)
		if (r->v[k].kind == EV_WRITE && r->v[k].obj == obj) {
			one->last = k;
			writes++;
		}
	one->n = writes == 0 ? DATA_ZEROS :
	    writes == 1      ? DATA_LAST :
			       N_DATA_WAYS;
}

static void
units_at(struct units *u, const struct replay *rp)
{
	size_t i;

	u->n = 0;
	for (i = rp->rec->base; i < rp->cut && u->n < MAX_OPEN; i++)
		if (is_name(&rp->rec->v[i]))
			add_name(u, rp, i);
		else if (is_data(&rp->rec->v[i]))
			add_data(u, rp, i);
}

/* ---- a state ---- */

static const struct unit *
unit_of(const struct units *u, const struct event *v, size_t i, size_t *at)
{
	size_t k;

	for (k = 0; k < u->n; k++)
		if (u->v[k].is_name ? u->v[k].event == i :
				      is_data(&v[i]) &&
			    v[i].obj == u->v[k].obj && i >= u->v[k].event) {
			*at = k;
			return &u->v[k];
		}
	return NULL;
}

/* The folder as it is then. */
static void
tree_at(struct tree *t, const struct tree *base, const struct replay *rp,
    const struct units *u)
{
	const struct event *v = rp->rec->v;
	size_t i, at;

	tree_copy(t, base);
	for (i = rp->rec->base; i < rp->cut; i++) {
		const struct unit *one = unit_of(u, v, i, &at);

		if (one == NULL)
			apply(t, &v[i],
			    !rp->lag && is_name(&v[i]) ? NAME_MOVED : 0, false);
		else if (one->is_name)
			apply(t, &v[i], one->ways[rp->pick[at]], false);
		else
			apply(t, &v[i], rp->pick[at], i == one->last);
	}
}

static uint64_t
hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *s = p;

	while (n-- > 0)
		h = (h ^ *s++) * 0x100000001b3u;
	return h;
}

/* The same for the same tree, whatever the order of its making. */
static uint64_t
tree_hash(const struct tree *t, size_t marks)
{
	uint64_t sum = marks * 0x9e3779b97f4a7c15u;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct file *f = &t->files[t->v[i].obj];
		uint64_t h = 0xcbf29ce484222325u;

		h = hash_bytes(h, &t->v[i].dir, sizeof t->v[i].dir);
		h = hash_bytes(h, t->v[i].name, strlen(t->v[i].name));
		h = hash_bytes(h, &t->v[i].obj, sizeof t->v[i].obj);
		h = hash_bytes(h, &f->mtime, sizeof f->mtime);
		if (f->p != NULL)
			h = hash_bytes(h, f->p, f->n);
		sum += replay_mix(&h);
	}
	return sum;
}

/* ---- on disk ---- */

static void
make_file(const char *path, const struct file *f)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)f->mtime } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd == -1 || (f->n > 0 && write(fd, f->p, f->n) != (ssize_t)f->n) ||
	    (f->mtime != 0 && futimens(fd, times) == -1) || close(fd) == -1) {
		perror(path);
		abort();
	}
}

/* Folder by folder, from the root on. */
static void
tree_make(const struct tree *t, const struct record *r, const char *dir)
{
	char **paths = xcalloc(r->n_objs + 1, sizeof *paths);
	unsigned *queue = xcalloc(r->n_objs + 1, sizeof *queue);
	size_t head = 0, tail = 0, i;

	paths[RECORD_ROOT] = xstrdup(dir);
	queue[tail++] = RECORD_ROOT;
	while (head < tail) {
		unsigned at = queue[head++];

		if (mkdir(paths[at], 0700) == -1) {
			perror(paths[at]);
			abort();
		}
		for (i = 0; i < t->n; i++) {
			const struct entry *e = &t->v[i];
			char path[1024];

			if (e->dir != at)
				continue;
			(void)snprintf(
			    path, sizeof path, "%s/%s", paths[at], e->name);
			if (r->objs[e->obj].is_dir) {
				/* a folder has one name */
				if (paths[e->obj] != NULL)
					continue;
				queue[tail++] = e->obj;
			} else if (paths[e->obj] != NULL) {
				if (link(paths[e->obj], path) == -1)
					abort();
				continue;
			} else
				make_file(path, &t->files[e->obj]);
			paths[e->obj] = xstrdup(path);
		}
	}
	for (i = 0; i < r->n_objs; i++)
		xfree(paths[i]);
	xfree(paths);
	xfree(queue);
}

/* ---- all states of a cut ---- */

struct seen {
	uint64_t *v;
	size_t n, cap;
};

static bool
seen_before(struct seen *s, uint64_t h)
{
	struct seen old = *s;
	size_t i;

	h = h == 0 ? 1 : h;
	if (s->cap > 0)
		for (i = h % s->cap; s->v[i] != 0; i = (i + 1) % s->cap)
			if (s->v[i] == h)
				return true;
	if (s->n * 2 >= s->cap) {
		s->cap = s->cap == 0 ? 4096 : 2 * s->cap;
		s->v = xcalloc(s->cap, sizeof *s->v);
		s->n = 0;
		for (i = 0; i < old.cap; i++)
			if (old.v[i] != 0)
				(void)seen_before(s, old.v[i]);
		xfree(old.v);
	}
	for (i = h % s->cap; s->v[i] != 0; i = (i + 1) % s->cap)
		;
	s->v[i] = h;
	s->n++;
	return false;
}

static size_t
marks_at(const struct record *r, size_t cut)
{
	while (cut > 0)
		if (r->v[--cut].kind == EV_MARK)
			return (size_t)r->v[cut].off;
	return 0;
}

static int
one_state(struct replay *rp, const struct tree *base, const struct units *u,
    struct seen *seen)
{
	size_t marks = marks_at(rp->rec, rp->cut);
	struct tree t;
	int r = 0;

	tree_at(&t, base, rp, u);
	if (seen_before(seen, tree_hash(&t, marks)))
		rp->n_same++;
	else {
		rp->n_states++;
		tree_make(&t, rp->rec, rp->dir);
		r = rp->fn(rp->arg, rp, marks);
		sweep_away(rp->dir);
	}
	tree_free(&t);
	return r;
}

/* The next combination; false after the last. */
static bool
count_on(unsigned *pick, const struct units *u)
{
	size_t i;

	for (i = 0; i < u->n; i++) {
		if (++pick[i] < u->v[i].n)
			return true;
		pick[i] = 0;
	}
	return false;
}

static uint64_t
combinations(const struct units *u, uint64_t over)
{
	uint64_t n = 1;
	size_t i;

	for (i = 0; i < u->n && n <= over; i++)
		n *= u->v[i].n;
	return n;
}

/* Of more than can be tried: all, none, each missing, each alone, and by lot.
 */
static void
sample(unsigned *pick, const struct units *u, unsigned i, uint64_t *rnd)
{
	bool few = (replay_mix(rnd) & 1) != 0;
	size_t k;

	for (k = 0; k < u->n; k++) {
		if (i == 0)
			pick[k] = 0;
		else if (i == 1)
			pick[k] = 1;
		else if (i - 2 < u->n)
			pick[k] = k == i - 2;
		else if (i - 2 < 2 * u->n)
			pick[k] = k != i - 2 - u->n;
		else
			pick[k] = few && (replay_mix(rnd) & 3) != 0 ?
			    0 :
			    (unsigned)(replay_mix(rnd) % u->v[k].n);
	}
}

static int
one_cut(struct replay *rp, const struct tree *base, struct units *u,
    struct seen *seen)
{
	uint64_t rnd = rp->seed ^ (rp->cut * 0x100000001b3u);
	unsigned i;
	int r = 0;

	units_at(u, rp);
	rp->pick = xcalloc(u->n + 1, sizeof *rp->pick);
	rp->n_cuts++;
	if (combinations(u, rp->max) <= rp->max) {
		do
			r = one_state(rp, base, u, seen);
		while (r == 0 && count_on(rp->pick, u));
	} else {
		rp->n_sampled++;
		for (i = 0; i < rp->max && r == 0; i++) {
			sample(rp->pick, u, i, &rnd);
			r = one_state(rp, base, u, seen);
		}
	}
	if (r == 0) { /* else it is yet to be told */
		xfree(rp->pick);
		rp->pick = NULL;
	}
	return r;
}

static void
base_tree(struct tree *t, const struct record *r)
{
	size_t i;

	tree_init(t, r->n_objs);
	for (i = 0; i < r->base; i++)
		apply(t, &r->v[i], 0, false);
}

int
replay_all(struct replay *rp)
{
	struct units *u = xcalloc(1, sizeof *u);
	struct seen seen = { 0 };
	struct tree base;
	int r = 0;

	base_tree(&base, rp->rec);
	for (rp->cut = rp->rec->base; rp->cut <= rp->rec->n; rp->cut++)
		if ((r = one_cut(rp, &base, u, &seen)) != 0)
			break;
	tree_free(&base);
	xfree(seen.v);
	xfree(u);
	return r;
}

size_t
replay_random(struct replay *rp, uint64_t seed)
{
	struct units *u = xcalloc(1, sizeof *u);
	struct tree base, t;
	size_t n = rp->rec->n - rp->rec->base;

	base_tree(&base, rp->rec);
	rp->cut = rp->rec->base + replay_mix(&seed) % (n + 1);
	units_at(u, rp);
	xfree(rp->pick);
	rp->pick = xcalloc(u->n + 1, sizeof *rp->pick);
	sample(rp->pick, u, (unsigned)(2 * u->n + 2), &seed);
	tree_at(&t, &base, rp, u);
	tree_make(&t, rp->rec, rp->dir);
	rp->n_states++;
	tree_free(&t);
	tree_free(&base);
	xfree(u);
	return marks_at(rp->rec, rp->cut);
}

void
replay_forget(struct replay *rp)
{
	xfree(rp->pick);
	rp->pick = NULL;
}

bool
replay_has(const struct replay *rp, unsigned obj)
{
	struct units *u = xcalloc(1, sizeof *u);
	struct tree base, t;
	bool has = false;
	size_t i;

	base_tree(&base, rp->rec);
	units_at(u, rp);
	tree_at(&t, &base, rp, u);
	for (i = 0; i < t.n; i++)
		has = has || t.v[i].obj == obj;
	tree_free(&t);
	tree_free(&base);
	xfree(u);
	return has;
}

bool
replay_is_on(const struct replay *rp, size_t event)
{
	struct units *u = xcalloc(1, sizeof *u);
	const struct unit *one;
	bool on = true;
	size_t at;

	units_at(u, rp);
	one = unit_of(u, rp->rec->v, event, &at);
	if (one != NULL && one->is_name)
		on = one->ways[rp->pick[at]] != NAME_OFF;
	xfree(u);
	return on;
}

void
replay_say(const struct replay *rp, struct buf *out)
{
	static const char *const name_words[] = { "", "not", "both", "" };
	static const char *const data_words[] = { "", "no bytes", "zeros",
		"half", "last only", "all but the last" };
	struct units *u = xcalloc(1, sizeof *u);
	size_t i;

	units_at(u, rp);
	buf_printf(out, "cut %zu after ", rp->cut);
	if (rp->cut > 0)
		record_say(rp->rec, rp->cut - 1, out);
	for (i = 0; i < u->n; i++) {
		const struct unit *one = &u->v[i];
		unsigned p = rp->pick[i];

		if (p == 0)
			continue;
		buf_printf(out, "; %s: ",
		    one->is_name ? name_words[one->ways[p]] : data_words[p]);
		record_say(rp->rec,
		    one->is_name || one->last == 0 ? one->event : one->last,
		    out);
	}
	xfree(u);
}
