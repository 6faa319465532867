/* SPDX-License-Identifier: ISC */
/* The queue on disk; rules S1 to S5 stand in spool.h. */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/random.h"

#include "submitd/spool.h"

#define HASH_PORTION (1 * MIB) /* a few milliseconds */

static int
open_folder(int dir, const char *name, int *fd_out, struct err *err)
{
	int fd;

	if (mkdirat(dir, name, 0700) == -1 && errno != EEXIST)
		return err_sys(err, "mkdir %s", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "open %s", name);
	*fd_out = fd;
	return 0;
}

int
spool_open(const char *path, struct spool *out, struct err *err)
{
	struct spool s = { .dir = -1, .msg = -1, .env = -1 };

	s.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.dir == -1)
		return err_sys(err, "open %s", path);
	if (open_folder(s.dir, "msg", &s.msg, err) == -1 ||
	    open_folder(s.dir, "env", &s.env, err) == -1) {
		spool_close(&s);
		return -1;
	}
	*out = s;
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
spool_close(struct spool *s)
{
	close_fd(&s->dir);
	close_fd(&s->msg);
	close_fd(&s->env);
}

/* S5 */
static void
make_id(struct spool *s, char id[SPOOL_ID_LEN + 1])
{
	uint64_t now = clock_real_us();

	s->last_us = now > s->last_us ? now : s->last_us + 1;
	snprintf(id, SPOOL_ID_LEN + 1, "%016llx%08lx",
	    (unsigned long long)s->last_us,
	    (unsigned long)(random_u64() & 0xffffffffu));
}

int
spool_new(struct spool *s, struct spool_entry *out, struct err *err)
{
	struct spool_entry e = { .msg_fd = -1, .env_fd = -1 };

	make_id(s, e.id);
	e.msg_fd = openat(s->msg, e.id,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (e.msg_fd == -1)
		return err_sys(err, "create msg/%s", e.id);
	*out = e;
	return 0;
}

int
spool_writer(
    struct spool *s, const struct spool_entry *e, int *fd_out, struct err *err)
{
	int fd = openat(s->msg, e->id, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return err_sys(err, "open msg/%s", e->id);
	*fd_out = fd;
	return 0;
}

static void
temp_name(const struct spool_entry *e, char name[SPOOL_ID_LEN + 2])
{
	snprintf(name, SPOOL_ID_LEN + 2, ".%s", e->id);
}

void
spool_abort(struct spool *s, struct spool_entry *e)
{
	char temp[SPOOL_ID_LEN + 2];

	if (e->msg_fd == -1)
		return;
	digest_drop(&e->digest);
	temp_name(e, temp);
	/* what cannot be removed now is removed at the next start, S2 */
	(void)unlinkat(s->env, temp, 0);
	(void)unlinkat(s->env, e->id, 0);
	(void)unlinkat(s->msg, e->id, 0);
	close_fd(&e->msg_fd);
	close_fd(&e->env_fd);
}

/* 1: more, 0: all hashed. */
static int
hash_portion(struct spool_entry *e, struct err *err)
{
	char block[3500];
	size_t n = 0;

	while (n < HASH_PORTION) {
		ssize_t got =
		    pread(e->msg_fd, block, sizeof block, (off_t)e->hashed);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return err_sys(err, "read msg/%s", e->id);
		if (got == 0)
			return 0;
		if (digest_add(&e->digest, slice_of(block, (size_t)got), err) ==
		    -1)
			return -1;
		e->hashed += (uint64_t)got;
		n += (size_t)got;
	}
	return 1;
}

static int
write_all(int fd, struct slice bytes, struct err *err)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "write to the spool");
		bytes = slice_from(bytes, (size_t)n);
	}
	return 0;
}

static int
write_envelope(struct spool *s, struct spool_entry *e,
    const struct spool_envelope *env, struct err *err)
{
	struct buf text;
	char temp[SPOOL_ID_LEN + 2];
	int rc = -1;

	temp_name(e, temp);
	buf_init(&text, ENVELOPE_MAX_BYTES);
	envelope_put(env, &text);
	if (!buf_ok(&text))
		err_set(err, ERR_LIMIT, "envelope too large");
	else if ((e->env_fd = openat(s->env, temp,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0600)) == -1)
		err_sys(err, "create env/%s", temp);
	else
		rc = write_all(e->env_fd, buf_slice(&text), err);
	buf_free(&text);
	return rc;
}

static void
want_flush(struct flush_set *fs, int fd, enum flush_kind kind)
{
	fs->want[fs->n].fd = fd;
	fs->want[fs->n++].kind = kind;
}

enum {
	PHASE_BEGIN,
	PHASE_HASH,
	PHASE_FILES,
	PHASE_FOLDERS
};

/* The flush that phase waited for is done. */
static int
flushed(const struct flush_set *fs, struct err *err)
{
	if (fs->error == 0)
		return 0;
	errno = fs->error;
	return err_sys(err, "flush of the spool");
}

static enum step
begin_files(struct spool *s, struct spool_entry *e, struct spool_envelope *env,
    uint64_t size, struct flush_set *fs, struct err *err)
{
	if (e->hashed != size) {
		err_set(err, ERR_CORRUPT, "msg/%s has %llu octets, not %llu",
		    e->id, (unsigned long long)e->hashed,
		    (unsigned long long)size);
		return STEP_FAIL;
	}
	digest_end(&e->digest, env->digest);
	env->size = size;
	env->id = slice_str(e->id);
	if (write_envelope(s, e, env, err) == -1)
		return STEP_FAIL;
	*fs = (struct flush_set){ 0 };
	want_flush(fs, e->msg_fd, FLUSH_FILE);
	want_flush(fs, e->env_fd, FLUSH_FILE);
	want_flush(fs, s->msg, FLUSH_FOLDER);
	e->phase = PHASE_FILES;
	return STEP_FLUSH;
}

static enum step
begin_folders(struct spool *s, struct spool_entry *e, struct flush_set *fs,
    struct err *err)
{
	char temp[SPOOL_ID_LEN + 2];

	temp_name(e, temp);
	if (flushed(fs, err) == -1)
		return STEP_FAIL;
	if (renameat(s->env, temp, s->env, e->id) == -1) {
		err_sys(err, "rename env/%s", temp);
		return STEP_FAIL;
	}
	*fs = (struct flush_set){ 0 };
	want_flush(fs, s->env, FLUSH_FOLDER);
	e->phase = PHASE_FOLDERS;
	return STEP_FLUSH;
}

enum step
spool_commit(struct spool *s, struct spool_entry *e, struct spool_envelope *env,
    uint64_t size, struct flush_set *fs, struct err *err)
{
	enum step r = STEP_FAIL;
	int more;

	switch (e->phase) {
	case PHASE_BEGIN:
		if (digest_begin(&e->digest, err) == -1)
			break;
		e->phase = PHASE_HASH;
		r = STEP_AGAIN;
		break;
	case PHASE_HASH:
		more = hash_portion(e, err);
		if (more == 1)
			r = STEP_AGAIN;
		else if (more == 0)
			r = begin_files(s, e, env, size, fs, err);
		break;
	case PHASE_FILES:
		r = begin_folders(s, e, fs, err);
		break;
	default: /* S1 */
		if (flushed(fs, err) == -1)
			break;
		close_fd(&e->msg_fd);
		close_fd(&e->env_fd);
		return STEP_DONE;
	}
	if (r == STEP_FAIL)
		spool_abort(s, e);
	return r;
}

/* A record that a crash or a full disk cut off did not happen; it is taken
 * away, else the next one would be glued to it and the file unreadable. */
static int
drop_torn(int env_fd, struct err *err)
{
	struct stat st;
	off_t end;
	char last = '\0';

	if (fstat(env_fd, &st) == -1)
		return err_sys(err, "stat of an envelope");
	for (end = st.st_size; end > 0; end--) {
		if (pread(env_fd, &last, 1, end - 1) != 1)
			return err_sys(err, "read of an envelope");
		if (last == '\n')
			break;
	}
	if (end == 0)
		return err_set(err, ERR_CORRUPT, "an envelope without a line");
	if (end < st.st_size && ftruncate(env_fd, end) == -1)
		return err_sys(err, "cut of an envelope");
	return 0;
}

int
spool_record(int env_fd, unsigned rcpt, enum rcpt_state state, struct err *err)
{
	struct err ignored;
	struct buf line;
	int rc;

	buf_init(&line, 64);
	envelope_put_state(rcpt, state, &line);
	rc = write_all(env_fd, buf_slice(&line), err);
	buf_free(&line);
	if (rc == -1)
		(void)drop_torn(env_fd, &ignored); /* else at the next open */
	return rc;
}

int
spool_open_env(struct spool *s, const char *id, int *fd_out, struct err *err)
{
	int fd = openat(s->env, id, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return err_sys(err, "open env/%s", id);
	if (drop_torn(fd, err) == -1) {
		close(fd);
		return -1;
	}
	*fd_out = fd;
	return 0;
}

int
spool_open_msg(struct spool *s, const char *id, int *fd_out, struct err *err)
{
	int fd = openat(s->msg, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return err_sys(err, "open msg/%s", id);
	*fd_out = fd;
	return 0;
}

int
spool_remove(struct spool *s, const char *id, struct err *err)
{
	if (unlinkat(s->env, id, 0) == -1 && errno != ENOENT)
		return err_sys(err, "remove env/%s", id);
	if (unlinkat(s->msg, id, 0) == -1 && errno != ENOENT)
		return err_sys(err, "remove msg/%s", id);
	return 0;
}

/* ---- at the start ---- */

static bool
is_id(const char *name)
{
	return strlen(name) == SPOOL_ID_LEN &&
	    strspn(name, "0123456789abcdef") == SPOOL_ID_LEN;
}

static int
read_envelope(struct spool *s, const char *id, struct buf *text,
    struct arena *arena, struct spool_envelope *out, struct err *err)
{
	int fd = openat(s->env, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = 1;

	if (fd == -1)
		return err_sys(err, "open env/%s", id);
	while (n > 0) {
		char *room = buf_reserve(text, 16 * KIB);

		if (room == NULL) {
			close(fd);
			return err_set(
			    err, ERR_LIMIT, "env/%s is too large", id);
		}
		n = read(fd, room, 16 * KIB);
		if (n > 0)
			buf_commit(text, (size_t)n);
	}
	if (n == -1)
		err_sys(err, "read env/%s", id);
	close(fd);
	return n == -1 ? -1 : envelope_parse(buf_slice(text), arena, out, err);
}

static void
visit(struct spool *s, const char *id, const struct spool_visitor *v)
{
	struct spool_envelope env;
	struct arena arena;
	struct buf text;
	struct err err = { 0 };

	arena_init(&arena, ENVELOPE_MAX_BYTES);
	buf_init(&text, ENVELOPE_MAX_BYTES + 16 * KIB);
	if (read_envelope(s, id, &text, &arena, &env, &err) == -1)
		v->bad(v->arg, id, &err);
	else if (!slice_eq_str(env.id, id)) {
		err_set(&err, ERR_CORRUPT, "env/%s has another id inside", id);
		v->bad(v->arg, id, &err);
	} else
		v->entry(v->arg, &env);
	buf_free(&text);
	arena_free(&arena);
}

/* S5: not below what is on disk, whatever the clock says. */
static void
note_id(struct spool *s, const char *id)
{
	unsigned long long us = 0;

	if (sscanf(id, "%16llx", &us) == 1 && us > s->last_us)
		s->last_us = us;
}

/* fn for each name of a folder, with a copy of its descriptor. */
static int
each_name(struct spool *s, int folder, const struct spool_visitor *v,
    void (*fn)(struct spool *, const char *, const struct spool_visitor *),
    struct err *err)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;
	int rc;

	if (d == NULL) {
		err_sys(err, "read the spool");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((void)(errno = 0), (de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			fn(s, de->d_name, v);
	rc = errno == 0 ? 0 : err_sys(err, "read the spool");
	closedir(d);
	return rc;
}

static void
load_env(struct spool *s, const char *name, const struct spool_visitor *v)
{
	if (!is_id(name)) {
		/* ".ID": was being written */
		if (name[0] == '.')
			(void)unlinkat(s->env, name, 0);
		return;
	}
	note_id(s, name);
	visit(s, name, v);
}

/* S2 */
static void
load_msg(struct spool *s, const char *name, const struct spool_visitor *v)
{
	(void)v;
	if (!is_id(name))
		return;
	note_id(s, name);
	if (faccessat(s->env, name, F_OK, 0) == -1 && errno == ENOENT)
		(void)unlinkat(s->msg, name, 0);
}

int
spool_load(struct spool *s, const struct spool_visitor *v, struct err *err)
{
	if (each_name(s, s->env, v, load_env, err) == -1)
		return -1;
	return each_name(s, s->msg, v, load_msg, err);
}
