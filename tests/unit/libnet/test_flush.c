/* SPDX-License-Identifier: ISC */
/* The flusher: groups, one fsync an object, the order, errors, letting go. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libnet/flush.h"

/* fsync of this program: noted, with the order. */
#define MAX_NOTED 10000
static int noted[MAX_NOTED];
static unsigned n_noted;
static int bad_fd = -1;

int
fsync(int fd)
{
	unsigned at = __atomic_fetch_add(&n_noted, 1, __ATOMIC_SEQ_CST);

	assert_true(at < MAX_NOTED);
	__atomic_store_n(&noted[at], fd, __ATOMIC_SEQ_CST);
	if (fd == __atomic_load_n(&bad_fd, __ATOMIC_SEQ_CST)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static unsigned answered;

static void
count(void *arg)
{
	(void)arg;
	answered++;
}

static struct loop *
fresh(void)
{
	struct err err;

	n_noted = 0;
	answered = 0;
	bad_fd = -1;
	return loop_new(&err);
}

static void
set_of(struct flush_set *s, int file, int folder, int list)
{
	memset(s, 0, sizeof *s);
	s->error = 999;
	s->want[0].fd = list; /* the order given is not the order done */
	s->want[0].kind = FLUSH_LIST;
	s->want[1].fd = folder;
	s->want[1].kind = FLUSH_FOLDER;
	s->want[2].fd = file;
	s->want[2].kind = FLUSH_FILE;
	s->n = 3;
}

static unsigned
first_of(int fd)
{
	for (unsigned i = 0; i < n_noted; i++)
		if (noted[i] == fd)
			return i;
	fail_msg("%d was not flushed", fd);
	return 0;
}

#define N 500

static void
test_group(void **state)
{
	static struct flush_set sets[N];
	static int files[N];
	struct loop *loop = fresh();
	int folder = net_temp_file("", 0), list = net_temp_file("", 0);
	int again = fcntl(folder, F_DUPFD_CLOEXEC, 0);

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		files[i] = net_temp_file("x", 1);
		set_of(&sets[i], files[i], i % 2 == 0 ? folder : again, list);
		flush_submit(loop, &sets[i], count, NULL);
	}
	assert_int_equal(answered, 0);
	loop_run(loop); /* ends by itself when all have answered */
	assert_int_equal(answered, N);
	/* One group: each file, then the folder once by whichever number and
	 * the list once. */
	assert_int_equal(n_noted, N + 2);
	assert_true(first_of(list) >= N);
	for (unsigned i = 0; i < N; i++) {
		assert_true(first_of(files[i]) < N);
		assert_int_equal(sets[i].error, 0);
		close(files[i]);
	}
	close(folder);
	close(again);
	close(list);
	loop_free(&loop);
}

static void
test_one_after_another(void **state)
{
	struct flush_set set;
	struct loop *loop = fresh();
	int fd = net_temp_file("x", 1), dir = net_temp_file("", 0);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		set_of(&set, fd, dir, dir);
		flush_submit(loop, &set, count, NULL);
		loop_run(loop);
		assert_int_equal(answered, i + 1);
	}
	assert_int_equal(n_noted, 200); /* folder and list are one here */
	close(fd);
	close(dir);
	loop_free(&loop);
}

static void
test_errors(void **state)
{
	struct flush_set good, bad, gone, empty = { .error = 999 };
	struct loop *loop = fresh();
	int a = net_temp_file("x", 1), b = net_temp_file("x", 1);
	int dir = net_temp_file("", 0);

	(void)state;
	bad_fd = b;
	set_of(&good, a, dir, dir);
	set_of(&bad, b, dir, dir);
	set_of(&gone, 9999, dir, dir);
	flush_submit(loop, &good, count, NULL);
	flush_submit(loop, &bad, count, NULL);
	flush_submit(loop, &gone, count, NULL);
	flush_submit(loop, &empty, count, NULL);
	loop_run(loop);
	assert_int_equal(answered, 4);
	assert_int_equal(good.error, 0);
	assert_int_equal(bad.error, EIO);
	assert_int_equal(gone.error, EBADF);
	assert_int_equal(empty.error, 0);
	close(a);
	close(b);
	close(dir);
	loop_free(&loop);
}

static void
test_cancel(void **state)
{
	struct flush_set set, other;
	struct loop *loop = fresh();
	struct flush_job *job;
	int a = net_temp_file("x", 1);

	(void)state;
	set_of(&set, a, a, a);
	set_of(&other, a, a, a);
	job = flush_submit(loop, &set, count, NULL);
	flush_submit(loop, &other, count, NULL);
	flush_cancel(&job);
	assert_null(job);
	flush_cancel(&job);
	loop_run(loop);
	assert_int_equal(answered, 1);
	assert_int_equal(set.error, 999); /* not touched */
	/* A loop that ends with work under way. */
	flush_submit(loop, &set, count, NULL);
	loop_round(loop, false);
	loop_free(&loop);
	close(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_group),
		cmocka_unit_test(test_one_after_another),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_cancel) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
