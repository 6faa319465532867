/* SPDX-License-Identifier: ISC */
/*
 * inotify on the folders of open mailboxes.
 *
 * I1. What we do ourselves is announced before it is done and taken back when
 *     it fails; an event that was announced is ticked off, every other one
 *     makes the folder dirty. A stranger who does the same to the same name
 *     makes ours fail, and so is never ticked off.
 * I2. When the queue ran over nothing is known: all folders are dirty, and
 *     what was announced is forgotten.
 * I3. On file systems that others write to over the network inotify sees only
 *     ourselves: such a folder is polled.
 * I4. A folder may be watched twice: a mailbox that was renamed while a session
 *     had it open is opened again under its new name. The kernel has one watch
 *     for both.
 * I5. A folder removed while we hold it open makes no event of its own, nor
 *     does one that is renamed: both are seen in the folder above.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libmaildir/watch.h"

#define MASK                                                                   \
	(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |                 \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define ROOT_MASK (IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)
#define ROOT      2 /* beside enum watch_dir */
#define DIRTY_ALL (1u << WATCH_CUR | 1u << WATCH_NEW | 1u << ROOT)

struct watch_folder {
	struct watch *watch;
	struct watch_folder *next;
	int wd[3];         /* by enum watch_dir, and ROOT; -1: none */
	struct map expect; /* "dir event name" to a count */
	unsigned dirty;    /* bits 1 << enum watch_dir, and ROOT */
	bool is_gone;
};

struct watch {
	int fd; /* -1: none */
	struct watch_folder *folders;
};

struct watch *
watch_new(void)
{
	struct watch *w = xcalloc(1, sizeof *w);

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return w;
}

void
watch_free(struct watch **w)
{
	if (*w == NULL)
		return;
	while ((*w)->folders != NULL) {
		struct watch_folder *f = (*w)->folders;

		watch_remove(&f);
	}
	if ((*w)->fd != -1)
		(void)close((*w)->fd);
	xfree(*w);
	*w = NULL;
}

int
watch_fd(const struct watch *w)
{
	return w == NULL ? -1 : w->fd;
}

/* File systems of <linux/magic.h> and others whose other writers we do not
 * hear. */
static bool
is_remote(int fd)
{
	static const uint32_t remote[] = {
		0x6969,     /* NFS */
		0xff534d42, /* CIFS */
		0xfe534d42, /* SMB2 */
		0x65735546, /* FUSE: GlusterFS, sshfs */
		0x00c36400, /* Ceph */
		0x5346414f, /* AFS */
		0x0bd00bd0, /* Lustre */
		0x01021997, /* 9p */
	};
	struct statfs st;
	size_t i;

	if (fstatfs(fd, &st) == -1)
		return true;
	for (i = 0; i < N_ELEMENTS(remote); i++)
		if ((uint32_t)st.f_type == remote[i])
			return true;
	return false;
}

static int
add_one(const struct watch *w, int dir_fd, uint32_t mask)
{
	char path[32];

	/* By descriptor: paths may be out of the sandbox's reach. */
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", dir_fd);
	return inotify_add_watch(w->fd, path, mask);
}

static void
expect_free(struct watch_folder *f)
{
	struct map_entry *pos = NULL;
	struct slice key;
	void *count;

	while (map_next(&f->expect, &pos, &key, &count))
		xfree(count);
	map_free(&f->expect);
}

static bool
has_wd(const struct watch_folder *f, int wd)
{
	return f->wd[WATCH_CUR] == wd || f->wd[WATCH_NEW] == wd ||
	    f->wd[ROOT] == wd;
}

/* I4: not while another has it too. */
static void
drop_wd(const struct watch *w, int wd)
{
	const struct watch_folder *f;

	for (f = w->folders; f != NULL; f = f->next)
		if (has_wd(f, wd))
			return;
	if (wd != -1)
		(void)inotify_rm_watch(w->fd, wd);
}

struct watch_folder *
watch_add(struct watch *w, int cur_fd, int new_fd, int root_fd)
{
	struct watch_folder *f;
	int i, wd[3] = { -1, -1, -1 };

	if (w == NULL || w->fd == -1 || is_remote(cur_fd) || is_remote(new_fd))
		return NULL;
	wd[WATCH_CUR] = add_one(w, cur_fd, MASK);
	if (wd[WATCH_CUR] != -1)
		wd[WATCH_NEW] = add_one(w, new_fd, MASK);
	if (wd[WATCH_NEW] != -1 && root_fd != -1)
		wd[ROOT] = add_one(w, root_fd, ROOT_MASK);
	if (wd[WATCH_NEW] == -1 || (root_fd != -1 && wd[ROOT] == -1)) {
		for (i = 0; i < 3; i++)
			drop_wd(w, wd[i]);
		return NULL;
	}
	f = xcalloc(1, sizeof *f);
	f->watch = w;
	memcpy(f->wd, wd, sizeof wd);
	f->dirty = DIRTY_ALL; /* what was before is not known */
	f->next = w->folders;
	w->folders = f;
	return f;
}

void
watch_remove(struct watch_folder **folder)
{
	struct watch_folder *f = *folder, **at;

	if (f == NULL)
		return;
	*folder = NULL;
	for (at = &f->watch->folders; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	drop_wd(f->watch, f->wd[WATCH_CUR]);
	drop_wd(f->watch, f->wd[WATCH_NEW]);
	drop_wd(f->watch, f->wd[ROOT]);
	expect_free(f);
	xfree(f);
}

bool
watch_is_dirty(const struct watch_folder *f)
{
	return f == NULL || f->dirty != 0;
}

bool
watch_is_dirty_in(const struct watch_folder *f, enum watch_dir dir)
{
	return f == NULL || (f->dirty & 1u << dir) != 0;
}

void
watch_clear(struct watch_folder *f)
{
	if (f != NULL)
		f->dirty = 0;
}

bool
watch_is_gone(const struct watch_folder *f)
{
	return f != NULL && f->is_gone;
}

/* ---- our own doings ---- */

struct key {
	char text[NAME_MAX + 3];
};

static struct slice
make_key(
    struct key *k, enum watch_dir dir, enum watch_event ev, struct slice name)
{
	name = slice_head(name, NAME_MAX);
	k->text[0] = dir == WATCH_CUR ? 'c' : 'n';
	k->text[1] = ev == WATCH_IN ? '+' : '-';
	if (name.n > 0)
		memcpy(k->text + 2, name.p, name.n);
	return slice_of(k->text, name.n + 2);
}

void
watch_expect(struct watch_folder *f, enum watch_dir dir, enum watch_event ev,
    struct slice name)
{
	struct slice key;
	unsigned *count;
	struct key k;

	if (f == NULL)
		return;
	key = make_key(&k, dir, ev, name);
	if ((count = map_get(&f->expect, key)) == NULL) {
		count = xcalloc(1, sizeof *count);
		(void)map_put(&f->expect, key, count);
	}
	++*count;
}

/* false when nothing of that kind was announced. */
static bool
tick_off(struct watch_folder *f, enum watch_dir dir, enum watch_event ev,
    struct slice name)
{
	unsigned *count;
	struct slice key;
	struct key k;

	key = make_key(&k, dir, ev, name);
	if ((count = map_get(&f->expect, key)) == NULL)
		return false;
	if (--*count == 0)
		xfree(map_del(&f->expect, key));
	return true;
}

void
watch_forget(struct watch_folder *f, enum watch_dir dir, enum watch_event ev,
    struct slice name)
{
	if (f != NULL)
		(void)tick_off(f, dir, ev, name);
}

/* ---- events ---- */

static void
all_dirty(struct watch *w)
{
	struct watch_folder *f;

	for (f = w->folders; f != NULL; f = f->next) {
		f->dirty = DIRTY_ALL;
		expect_free(f);
	}
}

/* true: it has made the folder dirty. */
static bool
on_folder_event(
    struct watch_folder *f, enum watch_dir dir, const struct inotify_event *e)
{
	enum watch_event ev;

	if ((e->mask &
		(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) !=
	    0) {
		f->is_gone = true;
		f->dirty = DIRTY_ALL;
		return true;
	}
	ev = (e->mask & (IN_CREATE | IN_MOVED_TO)) != 0 ? WATCH_IN : WATCH_OUT;
	if (tick_off(f, dir, ev, slice_str(e->len > 0 ? e->name : "")))
		return false;
	f->dirty |= 1u << dir;
	return true;
}

static bool
on_event(struct watch *w, const struct inotify_event *e)
{
	struct watch_folder *f;
	bool marked = false;

	if ((e->mask & IN_Q_OVERFLOW) != 0) { /* I2 */
		all_dirty(w);
		return true;
	}
	for (f = w->folders; f != NULL; f = f->next) { /* I4 */
		if (f->wd[WATCH_CUR] == e->wd)
			marked = on_folder_event(f, WATCH_CUR, e) || marked;
		else if (f->wd[WATCH_NEW] == e->wd)
			marked = on_folder_event(f, WATCH_NEW, e) || marked;
		else if (f->wd[ROOT] == e->wd && (e->mask & IN_ISDIR) != 0) {
			f->dirty |= 1u << ROOT; /* I5 */
			marked = true;
		}
	}
	return marked;
}

/* One read of the queue: 1 there may be more, 0 it is empty. */
static int
read_some(struct watch *w, bool *marked)
{
	union {
		char bytes[3072];
		struct inotify_event align;
	} b;
	const struct inotify_event *e;
	size_t off;
	ssize_t n;

	do {
		n = read(w->fd, b.bytes, sizeof b.bytes);
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return 0;
	for (off = 0; off < (size_t)n; off += sizeof *e + e->len) {
		e = (const void *)(b.bytes + off);
		*marked = on_event(w, e) || *marked;
	}
	return 1;
}

bool
watch_read(struct watch *w)
{
	bool marked = false;

	if (w == NULL || w->fd == -1)
		return false;
	while (read_some(w, &marked) == 1)
		;
	return marked;
}
