/* SPDX-License-Identifier: ISC */
/* Rules S1 to S5 of spool.h: stopped after each step, disk full, torn tails. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/mem.h"
#include "submitd/spool.h"

#define TEXT "Subject: x\r\n\r\nbody\r\n"

struct fixture {
	char path[64];
	struct spool spool;
};

/* What spool_load told. */
struct told {
	unsigned entries, bad;
	char id[SPOOL_ID_MAX];
	enum rcpt_state states[2];
};

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct err err;

	snprintf(f->path, sizeof f->path, "/tmp/test_spool.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	assert_int_equal(spool_open(f->path, &f->spool, &err), 0);
	*state = f;
	return 0;
}

static unsigned
count(const char *path, const char *sub)
{
	char full[100];
	unsigned n = 0;
	struct dirent *de;
	DIR *d;

	snprintf(full, sizeof full, "%s/%s", path, sub);
	d = opendir(full);
	assert_non_null(d);
	while ((de = readdir(d)) != NULL)
		n += strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0;
	closedir(d);
	return n;
}

static void
clear(const char *path, const char *sub)
{
	char full[100];
	struct dirent *de;
	DIR *d;

	snprintf(full, sizeof full, "%s/%s", path, sub);
	d = opendir(full);
	while ((de = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), de->d_name, 0);
	closedir(d);
	(void)rmdir(full);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	spool_close(&f->spool);
	clear(f->path, "msg");
	clear(f->path, "env");
	(void)rmdir(f->path);
	xfree(f);
	return 0;
}

static void
told_entry(void *arg, const struct spool_envelope *env)
{
	struct told *t = arg;
	unsigned i;

	t->entries++;
	snprintf(t->id, sizeof t->id, "%.*s", SLICE_ARG(env->id));
	assert_int_equal(env->n_rcpts, 2);
	assert_int_equal(env->size, sizeof TEXT - 1);
	for (i = 0; i < 2; i++)
		t->states[i] = env->rcpts[i].state;
}

static void
told_bad(void *arg, const char *id, const struct err *err)
{
	struct told *t = arg;

	(void)id;
	(void)err;
	t->bad++;
}

/* As after a crash: a new process opens the folder. */
static struct told
restart(struct fixture *f)
{
	struct told t = { 0 };
	struct spool_visitor v = {
		.arg = &t, .entry = told_entry, .bad = told_bad
	};
	struct err err;

	spool_close(&f->spool);
	assert_int_equal(spool_open(f->path, &f->spool, &err), 0);
	assert_int_equal(spool_load(&f->spool, &v, &err), 0);
	return t;
}

static void
begin(struct fixture *f, struct spool_entry *e)
{
	struct err err;
	int fd;

	assert_int_equal(spool_new(&f->spool, e, &err), 0);
	assert_int_equal(spool_writer(&f->spool, e, &fd, &err), 0);
	assert_int_equal(write(fd, TEXT, sizeof TEXT - 1), sizeof TEXT - 1);
	close(fd);
}

static struct spool_rcpt rcpts[2] = {
	{ .user = { "alice", 5 }, .address = { "alice@x", 7 } },
	{ .user = { "bob", 3 }, .address = { "bob@x", 5 } },
};

/* At most n steps of a commit; the last one's result. The files of a process
 * that stopped there are closed, nothing else is done. */
static enum step
commit(struct fixture *f, struct spool_entry *e, unsigned n, uint64_t size,
    int flush_error)
{
	struct spool_envelope env = { .user = SLICE("alice"),
		.sender = SLICE("alice@x"),
		.time = 1,
		.rcpts = rcpts,
		.n_rcpts = 2 };
	struct flush_set fs = { .error = flush_error };
	struct err err;
	enum step r = STEP_AGAIN;

	while (n-- > 0 && (r == STEP_AGAIN || r == STEP_FLUSH)) {
		r = spool_commit(&f->spool, e, &env, size, &fs, &err);
		if (r == STEP_FLUSH)
			fs.error = flush_error;
	}
	return r;
}

static void
stop(struct spool_entry *e)
{
	digest_drop(&e->digest);
	if (e->msg_fd != -1)
		close(e->msg_fd);
	if (e->env_fd != -1)
		close(e->env_fd);
}

static void
accepted_only_when_named(void **state)
{
	struct fixture *f = *state;
	struct spool_entry e;
	struct told t;
	struct err err;
	unsigned n;
	enum step r = STEP_AGAIN;

	for (n = 0; r != STEP_DONE; n++) {
		assert_true(n < 20);
		begin(f, &e);
		r = commit(f, &e, n, sizeof TEXT - 1, 0);
		/* phase 3 is behind the rename (S1) */
		t = restart(f);
		stop(&e);
		assert_int_equal(t.bad, 0);
		assert_int_equal(t.entries, e.phase == 3);
		assert_int_equal(count(f->path, "env"), t.entries);
		assert_int_equal(count(f->path, "msg"), t.entries);
		if (t.entries == 0)
			continue;
		assert_string_equal(t.id, e.id);
		assert_int_equal(spool_remove(&f->spool, e.id, &err), 0);
	}
}

static void
what_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct spool_entry e;

	begin(f, &e);
	assert_int_equal(commit(f, &e, 20, 5, 0), STEP_FAIL);
	assert_int_equal(count(f->path, "env") + count(f->path, "msg"), 0);
	begin(f, &e);
	assert_int_equal(commit(f, &e, 20, sizeof TEXT - 1, EIO), STEP_FAIL);
	assert_int_equal(count(f->path, "env") + count(f->path, "msg"), 0);
	/* the second flush: of the folders */
	begin(f, &e);
	assert_int_equal(commit(f, &e, 3, sizeof TEXT - 1, 0), STEP_FLUSH);
	assert_int_equal(count(f->path, "env"), 1);
	assert_int_equal(commit(f, &e, 1, sizeof TEXT - 1, EIO), STEP_FAIL);
	assert_int_equal(count(f->path, "env") + count(f->path, "msg"), 0);
}

/* Writes fail from this many octets of a file on. */
static void
limit(rlim_t octets)
{
	static const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit l;

	assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = octets;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void
no_space_for_the_envelope(void **state)
{
	struct fixture *f = *state;
	struct spool_entry e;
	rlim_t most;

	for (most = 0; most < 200; most += 37) {
		begin(f, &e);
		limit(most);
		assert_int_equal(
		    commit(f, &e, 20, sizeof TEXT - 1, 0), STEP_FAIL);
		limit(RLIM_INFINITY);
		assert_int_equal(
		    count(f->path, "env") + count(f->path, "msg"), 0);
	}
}

static void
accept_one(struct fixture *f, struct spool_entry *e)
{
	begin(f, e);
	assert_int_equal(commit(f, e, 20, sizeof TEXT - 1, 0), STEP_DONE);
}

/* A record that was cut off did not happen, and harms none that follows. */
static void
torn_records(void **state)
{
	static const char line[] = "staged 0\n";
	struct fixture *f = *state;
	struct spool_entry e;
	struct told t;
	struct err err;
	size_t n;
	int fd;

	for (n = 0; n < sizeof line; n++) {
		accept_one(f, &e);
		fd =
		    openat(f->spool.env, e.id, O_WRONLY | O_APPEND | O_CLOEXEC);
		assert_int_equal(write(fd, line, n), n);
		close(fd);
		t = restart(f);
		assert_int_equal(t.bad, 0);
		assert_int_equal(t.states[0],
		    n == sizeof line - 1 ? RCPT_STAGED : RCPT_WAITING);
		assert_int_equal(spool_open_env(&f->spool, e.id, &fd, &err), 0);
		assert_int_equal(spool_record(fd, 1, RCPT_DONE, &err), 0);
		close(fd);
		t = restart(f);
		assert_int_equal(t.bad, 0);
		assert_int_equal(t.states[1], RCPT_DONE);
		assert_int_equal(spool_remove(&f->spool, e.id, &err), 0);
	}
}

static void
no_space_for_a_record(void **state)
{
	struct fixture *f = *state;
	struct spool_entry e;
	struct told t;
	struct stat st;
	struct err err;
	rlim_t room;
	int fd;

	accept_one(f, &e);
	assert_int_equal(spool_open_env(&f->spool, e.id, &fd, &err), 0);
	for (room = 0; room < 9; room++) {
		assert_int_equal(fstat(fd, &st), 0);
		limit((rlim_t)st.st_size + room);
		assert_int_equal(spool_record(fd, 0, RCPT_STAGED, &err), -1);
		limit(RLIM_INFINITY);
		assert_int_equal(spool_record(fd, 1, RCPT_STAGED, &err), 0);
		t = restart(f);
		assert_int_equal(t.bad, 0);
		assert_int_equal(t.states[0], RCPT_WAITING);
		assert_int_equal(t.states[1], RCPT_STAGED);
	}
	close(fd);
}

/* S4: stopped between the two removals. */
static void
half_removed(void **state)
{
	struct fixture *f = *state;
	struct spool_entry e;
	struct told t;

	accept_one(f, &e);
	assert_int_equal(unlinkat(f->spool.env, e.id, 0), 0);
	t = restart(f);
	assert_int_equal(t.entries + t.bad, 0);
	assert_int_equal(count(f->path, "msg"), 0);
}

/* What cannot be read is told and kept. */
static void
unreadable_stays(void **state)
{
	struct fixture *f = *state;
	struct spool_entry e;
	struct told t;
	int fd;

	accept_one(f, &e);
	fd = openat(f->spool.env, e.id, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "?", 1), 1);
	close(fd);
	t = restart(f);
	assert_int_equal(t.bad, 1);
	assert_int_equal(count(f->path, "msg"), 1);
	assert_int_equal(count(f->path, "env"), 1);
}

/* S5 */
static void
ids_rise(void **state)
{
	static const char later[] = "00ffffffffffff0012345678";
	struct fixture *f = *state;
	struct spool_entry a, b, c;
	struct err err;
	int fd;

	assert_int_equal(spool_new(&f->spool, &a, &err), 0);
	assert_int_equal(spool_new(&f->spool, &b, &err), 0);
	assert_true(strcmp(a.id, b.id) < 0);
	spool_abort(&f->spool, &a);
	spool_abort(&f->spool, &b);
	fd = openat(f->spool.msg, later, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	(void)restart(f);
	assert_int_equal(spool_new(&f->spool, &c, &err), 0);
	assert_true(strcmp(c.id, later) > 0);
	spool_abort(&f->spool, &c);
}

#define ROW(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(accepted_only_when_named),
		ROW(what_fails_leaves_nothing),
		ROW(no_space_for_the_envelope),
		ROW(torn_records),
		ROW(no_space_for_a_record),
		ROW(half_removed),
		ROW(unreadable_stays),
		ROW(ids_rise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
