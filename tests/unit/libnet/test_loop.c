/* SPDX-License-Identifier: ISC */
/* Rounds, timers, signals, and listening. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libbase/clock.h"
#include "libnet/listen.h"

static char order[64];
static struct loop *loop;

static void
note(void *arg)
{
	const char *word = arg;

	strncat(order, word, sizeof order - strlen(order) - 1);
}

static void
note_and_defer(void *arg)
{
	note(arg);
	loop_defer(loop, note, (void *)(uintptr_t) "d");
	loop_soon(loop, note, (void *)(uintptr_t) "n");
}

static void
fresh(void)
{
	struct err err;

	order[0] = '\0';
	loop = loop_new(&err);
	assert_non_null(loop);
}

static void
test_round_order(void **state)
{
	(void)state;
	fresh();
	loop_set_check(loop, note, (void *)(uintptr_t) "c");
	loop_soon(loop, note_and_defer, (void *)(uintptr_t) "s");
	assert_true(loop_round(loop, true));
	assert_string_equal(order, "sdc");
	assert_true(loop_round(loop, true)); /* "n" may have started sth. */
	assert_string_equal(order, "sdcnc");
	assert_false(loop_round(loop, true)); /* nothing left: no wait */
	loop_free(&loop);
	assert_null(loop);
	loop_free(&loop);
}

static void
start_timer(void *arg)
{
	timer_start_ms(arg, 5);
}

static void
test_what_a_job_starts_is_awaited(void **state)
{
	struct timer t;

	(void)state;
	fresh();
	timer_init(&t, loop, note, (void *)(uintptr_t) "t");
	loop_defer(loop, start_timer, &t);
	loop_run(loop);
	assert_string_equal(order, "t");
	timer_stop(&t);
	loop_free(&loop);
}

static void
test_timers(void **state)
{
	struct timer a, b, c = { 0 };
	uint64_t start = clock_mono_us();

	(void)state;
	fresh();
	timer_init(&a, loop, note, (void *)(uintptr_t) "a");
	timer_init(&b, loop, note, (void *)(uintptr_t) "b");
	timer_start_ms(&a, 40);
	timer_start_ms(&b, 10);
	timer_start_ms(&b, 20);
	assert_true(timer_is_active(&b));
	loop_run(loop);
	assert_string_equal(order, "ba");
	assert_true(clock_mono_us() - start >= 39000);
	assert_false(timer_is_active(&a));
	timer_start_ms(&a, 0);
	timer_start_ms(&b, 60000);
	timer_stop(&b);
	timer_stop(&b);
	timer_stop(&c);
	loop_run(loop);
	assert_string_equal(order, "baa");
	timer_stop(&a);
	loop_free(&loop);
}

static void
got_signal(void *arg, int signum)
{
	assert_int_equal(signum, SIGUSR1);
	note(arg);
	loop_stop(loop);
}

static void
test_signals(void **state)
{
	struct timer t;

	(void)state;
	for (int i = 0; i < 2; i++) { /* a second loop may have it again */
		fresh();
		loop_signal(loop, SIGUSR1, got_signal, (void *)(uintptr_t) "!");
		loop_run(loop); /* the signal alone keeps nothing alive */
		timer_init(&t, loop, note, (void *)(uintptr_t) "late");
		timer_start_ms(&t, 5000);
		raise(SIGUSR1);
		loop_run(loop);
		assert_string_equal(order, "!");
		timer_stop(&t);
		loop_free(&loop);
	}
}

static void
test_slices(void **state)
{
	uint64_t start;

	(void)state;
	fresh();
	loop_slice_start(loop);
	assert_true(loop_slice_left(loop));
	start = clock_mono_us();
	while (loop_slice_left(loop))
		assert_true(clock_mono_us() < start + 5000000);
	assert_true(clock_mono_us() >= start + LOOP_SLICE_US / 2);
	loop_free(&loop);
}

/* --- listening --------------------------------------------------------------
 */
static unsigned accepted, troubles;
static struct netaddr last_peer, last_local;
static int last_sys;

static void
on_accept(
    void *arg, int fd, const struct netaddr *peer, const struct netaddr *local)
{
	(void)arg;
	accepted++;
	last_peer = *peer;
	last_local = *local;
	close(fd);
}

static void
on_trouble(void *arg, int sys)
{
	(void)arg;
	last_sys = sys;
	troubles++;
}

static const struct listener_conf listen_conf = { .on_accept = on_accept,
	.on_trouble = on_trouble };

static int
connect_to(const struct netaddr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(a, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

static void
rounds(void)
{
	for (int i = 0; i < 5; i++)
		loop_round(loop, false);
}

static void
test_listen(void **state)
{
	struct netaddr want = { .family = NETADDR_V4, .ip = { 127, 0, 0, 1 } };
	struct netaddr bound;
	struct err err;
	struct listener *l;
	int fd, again, a, b;

	(void)state;
	fresh();
	accepted = troubles = 0;
	assert_int_equal(listen_open(&want, &fd, &err), 0);
	netaddr_of_local(&bound, fd);
	assert_true(bound.port != 0);
	assert_int_equal(listen_open(&bound, &again, &err), -1);
	assert_int_equal(err.sys, EADDRINUSE);
	l = listener_new(loop, fd, &listen_conf);
	a = connect_to(&bound);
	rounds();
	assert_int_equal(accepted, 1);
	assert_true(netaddr_is_loopback(&last_peer));
	assert_int_equal(last_local.port, bound.port);
	listener_pause(l);
	b = connect_to(&bound);
	rounds();
	assert_int_equal(accepted, 1);
	listener_resume(l);
	rounds();
	assert_int_equal(accepted, 2);
	close(a);
	close(b);
	listener_close(&l);
	assert_null(l);
	loop_free(&loop);
}

static void
test_no_descriptors(void **state)
{
	struct netaddr a = { .family = NETADDR_V4, .ip = { 127, 0, 0, 1 } };
	struct err err;
	struct rlimit old, tight;
	struct listener *l;
	int fd, c;

	(void)state;
	fresh();
	accepted = troubles = 0;
	assert_int_equal(listen_open(&a, &fd, &err), 0);
	netaddr_of_local(&a, fd);
	l = listener_new(loop, fd, &listen_conf);
	rounds();
	c = connect_to(&a);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = 3; /* every number above is taken or refused */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	rounds();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(accepted, 0);
	assert_int_equal(troubles, 1); /* told once, then the pause */
	assert_int_equal(last_sys, EMFILE);
	rounds();
	assert_int_equal(accepted, 0);
	listener_nudge(l);
	rounds();
	assert_int_equal(accepted, 1);
	close(c);
	listener_close(&l);
	loop_free(&loop);
}

static void
test_listen_unix(void **state)
{
	char path[64];
	struct err err;
	struct stat st;
	int fd, again;

	(void)state;
	snprintf(path, sizeof path, "/tmp/test_loop.%d.ctl", (int)getpid());
	assert_int_equal(listen_open_unix(path, 0600, &fd, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(listen_open_unix(path, 0600, &again, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	close(fd); /* its owner died: taken over */
	assert_int_equal(listen_open_unix(path, 0600, &fd, &err), 0);
	close(fd);
	unlink(path);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(listen_open_unix(path, 0600, &again, &err), -1);
	assert_int_equal(stat(path, &st), 0); /* a file is not ours to take */
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_order),
		cmocka_unit_test(test_what_a_job_starts_is_awaited),
		cmocka_unit_test(test_timers), cmocka_unit_test(test_signals),
		cmocka_unit_test(test_slices), cmocka_unit_test(test_listen),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_listen_unix) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
