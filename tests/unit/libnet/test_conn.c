/* SPDX-License-Identifier: ISC */
/* A connection: wishes, gathered writes, back-pressure, ends, death, time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libbase/clock.h"

static void
test_bytes_come(void **state)
{
	struct net_fixture f;

	(void)state;
	net_open(&f, &net_fixture_conf);
	net_settle(&f);
	assert_int_equal(f.ready, 0);
	net_peer_send(&f, "hello");
	net_settle(&f);
	assert_int_equal(f.ready, 1);
	assert_string_equal(buf_cstr(&f.got), "hello");
	assert_int_equal(conn_bytes_in(f.conn), 5);
	net_close(&f);
}

static void
test_byte_by_byte(void **state)
{
	struct net_fixture f;
	const char *text = "a1 NOOP\r\n";

	(void)state;
	net_open(&f, &net_fixture_conf);
	for (size_t i = 0; i < strlen(text); i++) {
		char one[2] = { text[i], 0 };

		net_peer_send(&f, one);
		net_settle(&f);
		assert_int_equal(f.ready, i + 1);
	}
	assert_string_equal(buf_cstr(&f.got), text);
	net_close(&f);
}

static void
answer_in_pieces(struct net_fixture *f)
{
	struct out *o = conn_out(f->conn);

	conn_consume(f->conn, conn_in(f->conn).n);
	for (int i = 0; i < 100; i++)
		out_printf(o, "* %d FETCH (UID %d)\r\n", i, i);
	out_file(o, net_temp_file("x\ny\n", 4), 0, 4, OUT_LF_TO_CRLF, 6);
	out_puts(o, "a OK\r\n");
	conn_want(f->conn, WANT_IN);
}

static void
test_one_write_an_answer(void **state)
{
	struct net_fixture f;
	struct buf in;

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = answer_in_pieces;
	buf_init(&in, 1 << 20);
	net_peer_send(&f, "x");
	net_settle(&f);
	net_peer_recv(&f, &in);
	assert_int_equal(conn_writes(f.conn), 1);
	assert_true(slice_starts(buf_slice(&in), "* 0 FETCH (UID 0)\r\n"));
	assert_non_null(strstr(buf_cstr(&in), ")\r\nx\r\ny\r\na OK\r\n"));
	assert_int_equal(conn_bytes_out(f.conn), in.n);
	/* Somebody else writes: at the end of the round, once. */
	out_puts(conn_out(f.conn), "* 1 ");
	out_puts(conn_out(f.conn), "EXISTS\r\n");
	net_settle(&f);
	assert_int_equal(conn_writes(f.conn), 2);
	buf_free(&in);
	net_close(&f);
}

static void
wants_drain(struct net_fixture *f)
{
	conn_want(f->conn, 0);
}

static void
test_slow_reader(void **state)
{
	struct net_fixture f;
	struct buf in;
	struct rusage ru;
	int fd = memfd_create("big", MFD_CLOEXEC);
	uint64_t size = 2000ull << 20, got = 0;
	long before;

	(void)state;
	net_open(&f, &net_fixture_conf);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
	fd = memfd_create("sparse", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	getrusage(RUSAGE_SELF, &ru);
	before = ru.ru_maxrss;
	f.hook = wants_drain;
	out_file(conn_out(f.conn), fd, 0, size, OUT_LF_TO_CRLF, size);
	conn_want(f.conn, WANT_DRAIN);
	assert_true(conn_out_is_high(f.conn));
	buf_init(&in, 1 << 24);
	for (int i = 0; i < 1000; i++) {
		loop_round(f.loop, false);
		assert_int_equal(f.ready, 0);
		if (i % 3 == 0) {
			net_peer_recv(&f, &in);
			got += in.n;
			buf_reset(&in);
		}
	}
	assert_int_equal(conn_out_bytes(f.conn) + conn_bytes_out(f.conn), size);
	assert_true(got > 1 << 20);
	getrusage(RUSAGE_SELF, &ru);
#ifndef RESTANTE_SANITIZED
	/* Pages of the memfd that were read count, too: they are shared zero
	 * pages or the file's; so only a wide bound. */
	assert_true(ru.ru_maxrss - before < 64 * 1024 + (long)(got / 1024));
#endif
	(void)before;
	buf_free(&in);
	net_close(&f);
}

static void
test_drain_wish(void **state)
{
	struct net_fixture f;
	struct buf in;
	char *big = calloc(1, 1 << 20);

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = wants_drain;
	out_bytes(conn_out(f.conn), big, 1 << 20);
	conn_want(f.conn, WANT_DRAIN);
	net_settle(&f);
	assert_int_equal(f.ready, 0);
	buf_init(&in, 1 << 24);
	for (int i = 0; i < 100 && f.ready == 0; i++) {
		net_peer_recv(&f, &in);
		loop_round(f.loop, false);
	}
	assert_int_equal(f.ready, 1);
	assert_true(conn_out_bytes(f.conn) <= 64 * 1024);
	buf_free(&in);
	free(big);
	net_close(&f);
}

static void
test_output_ceiling(void **state)
{
	struct net_fixture f;
	struct conn_conf conf = net_fixture_conf;
	char *big = calloc(1, 1 << 20);

	(void)state;
	conf.out_max = 100000;
	net_open(&f, &conf);
	out_bytes(conn_out(f.conn), big, 1 << 20);
	net_settle(&f);
	assert_true(f.dead);
	assert_string_equal(f.death, "limit");
	free(big);
	net_close(&f);
}

static void
keeps_all(struct net_fixture *f)
{
	conn_want(f->conn, WANT_IN);
}

static void
test_input_is_bounded(void **state)
{
	struct net_fixture f;
	struct conn_conf conf = net_fixture_conf;

	(void)state;
	conf.max_in = 16;
	net_open(&f, &conf);
	f.hook = wants_drain; /* wants nothing */
	net_peer_send(&f, "0123456789abcdefghijklmnopq");
	net_settle(&f);
	assert_int_equal(conn_in(f.conn).n, 16);
	conn_set_max_in(f.conn, 20);
	net_settle(&f);
	assert_int_equal(conn_in(f.conn).n, 20);
	/* More wanted and no room: cannot come true. */
	f.hook = keeps_all;
	conn_want(f.conn, WANT_IN);
	net_settle(&f);
	assert_true(f.dead);
	assert_string_equal(f.death, "limit");
	net_close(&f);
}

static void
test_half_close(void **state)
{
	struct net_fixture f;
	struct buf in;
	char byte;

	(void)state;
	net_open(&f, &net_fixture_conf);
	net_peer_send(&f, "QUIT\r\n");
	assert_int_equal(shutdown(f.peer, SHUT_WR), 0);
	net_settle(&f);
	assert_true(f.eof);
	assert_false(f.dead);
	assert_string_equal(buf_cstr(&f.got), "QUIT\r\n");
	out_puts(conn_out(f.conn), "+OK bye\r\n");
	conn_close(&f.conn);
	net_settle(&f);
	buf_init(&in, 100);
	net_peer_recv(&f, &in);
	assert_string_equal(buf_cstr(&in), "+OK bye\r\n");
	assert_int_equal(recv(f.peer, &byte, 1, 0), 0);
	assert_false(conn_any_closing(f.loop));
	buf_free(&in);
	net_close(&f);
}

static void
wants_in_after_eof(struct net_fixture *f)
{
	conn_consume(f->conn, conn_in(f->conn).n);
	if (f->eof)
		out_puts(conn_out(f->conn), "* last\r\n");
	conn_want(f->conn, WANT_IN);
}

static void
test_eof_is_death_when_more_is_wanted(void **state)
{
	struct net_fixture f;
	struct buf in;

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = wants_in_after_eof;
	assert_int_equal(shutdown(f.peer, SHUT_WR), 0);
	net_settle(&f);
	assert_true(f.dead);
	assert_string_equal(f.death, "eof");
	buf_init(&in, 100);
	net_peer_recv(&f, &in); /* the answer left before */
	assert_string_equal(buf_cstr(&in), "* last\r\n");
	buf_free(&in);
	net_close(&f);
}

static void
test_peer_vanishes_while_writing(void **state)
{
	struct net_fixture f;
	char *big = calloc(1, 1 << 20);

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = wants_drain;
	out_bytes(conn_out(f.conn), big, 1 << 20);
	conn_want(f.conn, WANT_DRAIN);
	net_settle(&f);
	close(f.peer);
	f.peer = -1;
	net_settle(&f);
	assert_true(f.dead);
	assert_string_equal(f.death, "reset");
	free(big);
	net_close(&f);
}

static void
test_linger(void **state)
{
	struct net_fixture f;
	unsigned never = 0;

	(void)state;
	net_open(&f, &net_fixture_conf);
	out_puts(conn_out(f.conn), "* BYE\r\n");
	conn_close(&f.conn);
	net_settle(&f);
	net_peer_send(&f, "read away, no reset");
	net_settle(&f);
	assert_true(conn_any_closing(f.loop));
	/* The peer never closes: the linger time ends it, and the loop. */
	loop_run(f.loop);
	assert_false(conn_any_closing(f.loop));
	assert_int_equal(f.ready, never);
	net_close(&f);
}

/* A process leaves: what is queued arrives, and the peer that does not close is
 * not waited for as long as else. */
static void
test_finish(void **state)
{
	struct net_fixture f;
	struct conn_conf cc = net_fixture_conf;
	uint64_t before;
	struct buf in;

	(void)state;
	cc.linger_ms = 30000;
	net_open(&f, &cc);
	out_puts(conn_out(f.conn), "* BYE\r\n");
	conn_close(&f.conn);
	before = clock_mono_us();
	conn_finish(f.loop, 30000);
	assert_true(clock_mono_us() - before < 5000000);
	assert_false(conn_any_closing(f.loop));
	buf_init(&in, 100);
	net_peer_recv(&f, &in);
	assert_string_equal(buf_cstr(&in), "* BYE\r\n");
	buf_free(&in);
	net_close(&f);
}

/* One who does not read: given up when the time is over. */
static void
test_finish_is_limited(void **state)
{
	struct net_fixture f;
	char *big = calloc(1, 1 << 20);

	(void)state;
	net_open(&f, &net_fixture_conf);
	out_bytes(conn_out(f.conn), big, 1 << 20);
	conn_close(&f.conn);
	conn_finish(f.loop, 50);
	assert_true(conn_any_closing(f.loop));
	free(big);
	net_close(&f);
}

static void
test_short_file_is_death(void **state)
{
	struct net_fixture f;

	(void)state;
	net_open(&f, &net_fixture_conf);
	out_puts(conn_out(f.conn), "{100}\r\n");
	out_file(
	    conn_out(f.conn), net_temp_file("abc\n", 4), 0, 4, OUT_RAW, 100);
	net_settle(&f);
	assert_true(f.dead);
	net_close(&f);
}

static void
test_wake_and_soon(void **state)
{
	struct net_fixture f;

	(void)state;
	net_open(&f, &net_fixture_conf);
	conn_want(f.conn, 0);
	net_settle(&f);
	assert_int_equal(f.ready, 0);
	conn_wake(f.conn);
	conn_wake(f.conn);
	assert_int_equal(f.ready, 0); /* never from inside */
	net_settle(&f);
	assert_int_equal(f.ready, 1);
	conn_want(f.conn, WANT_SOON);
	net_settle(&f);
	assert_int_equal(f.ready, 2);
	net_close(&f);
}

static void
test_timeout_is_death(void **state)
{
	struct net_fixture f;
	uint64_t start = clock_mono_us();

	(void)state;
	net_open(&f, &net_fixture_conf);
	conn_set_timeout_ms(f.conn, 50);
	net_wait(&f, &f.ready, 0);
	assert_true(f.dead);
	assert_string_equal(f.death, "timeout");
	assert_true(clock_mono_us() - start >= 50000);
	net_close(&f);
}

static void
count_timeout(struct conn *c, void *arg)
{
	struct net_fixture *f = arg;

	f->timeouts++;
	out_puts(conn_out(c), "* BYE\r\n");
	conn_close(&f->conn);
}

static void
test_deadline_holds_against_trickle(void **state)
{
	struct net_fixture f;
	struct conn_conf conf = net_fixture_conf;

	(void)state;
	conf.on_timeout = count_timeout;
	net_open(&f, &conf);
	conn_set_timeout_ms(f.conn, 60000);
	conn_set_deadline_ms(f.conn, 50);
	while (f.timeouts == 0) {
		if (f.got.n < 1000)
			net_peer_send(&f, "x");
		loop_round(f.loop, true);
	}
	assert_false(f.dead);
	assert_null(f.conn);
	net_close(&f);
}

static void
test_detach(void **state)
{
	struct net_fixture f;
	char got[8];
	int fd;

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = wants_drain;
	net_peer_send(&f, "early");
	net_settle(&f);
	assert_int_equal(conn_in(f.conn).n, 5);
	out_puts(conn_out(f.conn), "x");
	assert_int_equal(conn_detach_fd(&f.conn), -1);
	net_settle(&f);
	fd = conn_detach_fd(&f.conn);
	assert_true(fd >= 0);
	assert_null(f.conn);
	net_peer_send(&f, "late");
	net_settle(&f);
	assert_int_equal(recv(fd, got, sizeof got, 0), 4);
	close(fd);
	net_close(&f);
}

static void
test_preload(void **state)
{
	struct net_fixture f;

	(void)state;
	net_open(&f, &net_fixture_conf);
	conn_preload(f.conn, SLICE("first "));
	net_peer_send(&f, "second");
	net_settle(&f);
	assert_string_equal(buf_cstr(&f.got), "first second");
	net_close(&f);
}

static struct flush_set the_set;

static void
wants_flush(struct net_fixture *f)
{
	if (f->ready == 1) {
		the_set.n = 1;
		the_set.want[0].kind = FLUSH_FILE;
		the_set.want[0].fd = net_temp_file("x", 1);
		the_set.error = -1;
		conn_consume(f->conn, conn_in(f->conn).n);
		conn_flush_set(f->conn, &the_set);
		conn_want(f->conn, WANT_FLUSH);
		return;
	}
	close(the_set.want[0].fd);
	conn_want(f->conn, WANT_IN);
}

static void
test_flush_wish(void **state)
{
	struct net_fixture f;

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = wants_flush;
	net_peer_send(&f, "x");
	net_wait(&f, &f.ready, 1);
	assert_int_equal(the_set.error, 0);
	/* Death waits for the flush; closing does not. */
	f.ready = 0;
	net_peer_send(&f, "x");
	net_wait(&f, &f.ready, 0);
	conn_kill(f.conn, ERR_TEMP, "test");
	net_wait(&f, &f.ready, 1);
	assert_true(f.dead);
	assert_int_equal(the_set.error, 0);
	close(the_set.want[0].fd);
	net_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bytes_come),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_one_write_an_answer),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_drain_wish),
		cmocka_unit_test(test_output_ceiling),
		cmocka_unit_test(test_input_is_bounded),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_eof_is_death_when_more_is_wanted),
		cmocka_unit_test(test_peer_vanishes_while_writing),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_short_file_is_death),
		cmocka_unit_test(test_wake_and_soon),
		cmocka_unit_test(test_timeout_is_death),
		cmocka_unit_test(test_deadline_holds_against_trickle),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_finish_is_limited),
		cmocka_unit_test(test_detach), cmocka_unit_test(test_preload),
		cmocka_unit_test(test_flush_wish) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
