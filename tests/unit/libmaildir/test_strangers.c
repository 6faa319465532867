/* SPDX-License-Identifier: ISC */
/*
 * Strangers rename and deliver while the folder is read: nothing is told
 * expunged that is there, each message is told once, UIDs ascend.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "tests/unit/libmaildir/box.h"

#define MESSAGES  300
#define DELIVERED 150

/* Flags of message i go round and round; its name is known to the renamer
 * alone. */
static void
rename_for_ever(int root)
{
	static const char *const infos[] = { "", "S", "FS", "RS", "DFRS" };
	unsigned at[MESSAGES] = { 0 };
	char from[64], to[64];
	unsigned i, n;

	for (n = 0;; n++) {
		i = n * 7 % MESSAGES;
		(void)snprintf(
		    from, sizeof from, "cur/1.m%u.h:2,%s", i, infos[at[i]]);
		at[i] = (at[i] + 1) % 5;
		(void)snprintf(
		    to, sizeof to, "cur/1.m%u.h:2,%s", i, infos[at[i]]);
		if (renameat(root, from, root, to) == -1)
			_exit(1);
	}
}

/* An MDA: writes, links into new/. */
static void
deliver_some(int root)
{
	char tmp[64], new[64];
	int i, fd;

	for (i = 0; i < DELIVERED; i++) {
		(void)snprintf(tmp, sizeof tmp, "tmp/2.d%d.h", i);
		(void)snprintf(new, sizeof new, "new/2.d%d.h", i);
		fd = openat(root, tmp, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1 || write(fd, "x\n", 2) != 2 ||
		    renameat(root, tmp, root, new) == -1)
			_exit(1);
		(void)close(fd);
		if (i % 10 == 0)
			usleep(5000);
	}
	_exit(0);
}

struct seen {
	uint32_t n, last_uid;
	unsigned expunged;
};

static void
on_expunge(void *arg, uint32_t seq, uint32_t uid)
{
	struct seen *s = arg;

	(void)seq;
	(void)uid;
	s->expunged++;
}

static void
watch_for_a_while(struct box *b, struct seen *s, pid_t mda)
{
	struct view_teller t = { .arg = s, .expunge = on_expunge };
	struct err err = { 0 };
	uint64_t end = clock_mono_us() + 3000000;
	bool running = true;
	uint32_t i;
	int st;

	while (running && clock_mono_us() < end) {
		if (waitpid(mda, &st, WNOHANG) == mda) {
			assert_int_equal(st, 0);
			running = false;
		}
		if (box_refresh(b->v, &err) == STEP_FAIL)
			fail_msg("%s", err.text);
		(void)view_update(b->v, true, &t);
		for (i = s->n; i < view_count(b->v); i++) {
			assert_true(view_rec(b->v, i + 1)->uid > s->last_uid);
			s->last_uid = view_rec(b->v, i + 1)->uid;
		}
		s->n = view_count(b->v);
	}
	if (running) {
		assert_int_equal(waitpid(mda, &st, 0), mda);
		assert_int_equal(st, 0);
	}
}

static void
look_on(struct scratch *scratch, bool watch)
{
	struct seen s = { 0 };
	char name[64];
	pid_t mda, renamer;
	struct box b;
	unsigned i;
	int st;

	box_open(&b, scratch, watch);
	for (i = 0; i < MESSAGES; i++) {
		(void)snprintf(name, sizeof name, "1.m%u.h:2,", i);
		box_drop(&b, "cur", name, "x\n");
	}
	if ((renamer = fork()) == 0)
		rename_for_ever(b.root);
	if ((mda = fork()) == 0)
		deliver_some(b.root);
	watch_for_a_while(&b, &s, mda);
	assert_int_equal(waitpid(renamer, &st, WNOHANG), 0);
	assert_int_equal(kill(renamer, SIGKILL), 0);
	assert_int_equal(waitpid(renamer, &st, 0), renamer);
	usleep(150000); /* the last moments: now it is certain */
	box_sync(&b);
	box_sync(&b);
	assert_int_equal(s.expunged, 0);
	assert_int_equal(view_count(b.v), MESSAGES + DELIVERED);
	assert_int_equal(view_max_uid(b.v), MESSAGES + DELIVERED);
	box_close(&b);
	box_open(&b, scratch, false);
	assert_int_equal(view_count(b.v), MESSAGES + DELIVERED);
	box_close(&b);
}

static void
renamed_while_read_watched(void **state)
{
	look_on(*state, true);
}

static void
renamed_while_read_polled(void **state)
{
	look_on(*state, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(renamed_while_read_watched),
		scratch_test(renamed_while_read_polled),
	};

	return cmocka_run_group_tests_name("strangers", tests, NULL, NULL);
}
