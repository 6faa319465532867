/* SPDX-License-Identifier: ISC */
/* From frontend to session: the hello, the pump, the hand-over, both ends'
 * ways to end. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/libnet/tls_fixture.h"

#include "libnet/channel.h"
#include "libnet/channel_private.h"

static struct tls_pair ec;
static struct tls_pair *all[] = { &ec, NULL };
static struct tls_server *server;

static int
setup(void **state)
{
	(void)state;
	tls_pair_make(&ec, GNUTLS_PK_ECDSA, "mail.example.org");
	server = tls_pair_server(all);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tls_server_free(&server);
	tls_pair_free(&ec);
	return 0;
}

/* Frontend (f.conn, then ch) and session (s) in one loop. */
struct both {
	struct net_fixture f; /* the client's side; f.peer is the client */
	struct channel *ch;
	const char *ended;
	int session_fd;
	unsigned accepted;
	unsigned flags;
	char hello[64];
	struct conn *s; /* the session's connection */
	struct buf s_in;
	bool s_eof, s_dead, s_failed;
};

static void
session_ready(struct conn *c, void *arg)
{
	struct both *b = arg;

	if (conn_is_dead(c)) {
		b->s_dead = true;
		conn_close(&b->s);
		return;
	}
	buf_put_slice(&b->s_in, conn_in(c));
	conn_consume(c, conn_in(c).n);
	b->s_eof = conn_eof(c);
	conn_want(c, b->s_eof ? 0 : WANT_IN);
}

static void
hello_came(void *arg, const struct channel_hello *h, const struct err *err)
{
	struct both *b = arg;
	struct conn_conf conf = { .max_in = 65536,
		.linger_ms = 300,
		.on_ready = session_ready,
		.arg = b };

	b->accepted++;
	if (h == NULL) {
		assert_true(err->code != ERR_OK);
		b->s_failed = true;
		return;
	}
	b->flags = h->flags;
	memcpy(b->hello, h->hello.p, h->hello.n);
	b->s = conn_new(b->f.loop, h->fd, &conf);
	conn_preload(b->s, h->input);
	conn_want(b->s, WANT_IN);
}

static void
channel_ended(struct channel *ch, void *arg, const char *why)
{
	struct both *b = arg;

	assert_ptr_equal(ch, b->ch);
	b->ended = why;
	channel_close(&b->ch);
}

static void
no_wish(struct net_fixture *f)
{
	conn_want(f->conn, 0);
}

static void
hand_on(struct both *b)
{
	struct channel_conf conf = { .on_end = channel_ended, .arg = b };
	struct err err;
	int pair[2];

	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	b->session_fd = pair[1];
	channel_accept(b->f.loop, pair[1], 5000, hello_came, b);
	b->ch = channel_open(&b->f.conn, pair[0], SLICE("tag a1"), &conf, &err);
	assert_non_null(b->ch);
	assert_null(b->f.conn);
	net_settle(&b->f);
	assert_int_equal(b->accepted, 1);
}

static void
open_both(struct both *b)
{
	memset(b, 0, sizeof *b);
	net_open(&b->f, &net_fixture_conf);
	b->f.hook = no_wish;
	buf_init(&b->s_in, 1 << 24);
}

static void
close_both(struct both *b)
{
	channel_close(&b->ch);
	conn_close(&b->s);
	net_close(&b->f);
	buf_free(&b->s_in);
}

static void
open_tls_pump(struct both *b, struct tls_client *c)
{
	open_both(b);
	conn_start_tls(b->f.conn, CONN_TLS_IMPLICIT, server, NULL);
	tls_client_open(c, &b->f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(c, &b->f), 0);
	tls_client_send(c, &b->f, "early ");
	hand_on(b);
	assert_string_equal(b->hello, "tag a1");
	assert_int_equal(b->flags, CHANNEL_TLS);
}

static void
test_handover(void **state)
{
	struct both b;
	struct buf in;

	(void)state;
	open_both(&b);
	net_peer_send(&b.f, "early ");
	net_settle(&b.f);
	hand_on(&b);
	assert_string_equal(b.ended, "handed-over");
	assert_int_equal(b.flags, CHANNEL_SOCKET);
	assert_string_equal(b.hello, "tag a1");
	net_peer_send(&b.f, "late");
	net_settle(&b.f);
	assert_string_equal(buf_cstr(&b.s_in), "early late");
	out_puts(conn_out(b.s), "a1 OK\r\n");
	net_settle(&b.f);
	buf_init(&in, 100);
	net_peer_recv(&b.f, &in);
	assert_string_equal(buf_cstr(&in), "a1 OK\r\n");
	buf_free(&in);
	close_both(&b);
}

static void
test_pump(void **state)
{
	struct both b;
	struct tls_client c;
	struct buf in;

	(void)state;
	open_tls_pump(&b, &c);
	tls_client_send(&c, &b.f, "late");
	assert_string_equal(buf_cstr(&b.s_in), "early late");
	out_puts(conn_out(b.s), "a1 OK\r\n");
	buf_init(&in, 100);
	tls_client_recv(&c, &b.f, &in);
	assert_string_equal(buf_cstr(&in), "a1 OK\r\n");
	assert_int_equal(channel_bytes_in(b.ch), 4);
	assert_int_equal(channel_bytes_out(b.ch), 7);
	/* LOGOUT: the session ends, the client hears all and the end. */
	out_puts(conn_out(b.s), "* BYE\r\n");
	conn_close(&b.s);
	buf_reset(&in);
	tls_client_recv(&c, &b.f, &in);
	assert_string_equal(buf_cstr(&in), "* BYE\r\n");
	assert_int_equal(c.last, 0);
	gnutls_bye(c.session, GNUTLS_SHUT_WR);
	net_settle(&b.f);
	assert_string_equal(b.ended, "client");
	buf_free(&in);
	tls_client_close(&c);
	close_both(&b);
}

static void
test_client_half_closes(void **state)
{
	struct both b;
	struct tls_client c;
	struct buf in;

	(void)state;
	open_tls_pump(&b, &c);
	gnutls_record_send(c.session, "x LOGOUT", 8);
	gnutls_bye(c.session, GNUTLS_SHUT_WR);
	net_settle(&b.f);
	assert_true(b.s_eof);
	assert_string_equal(buf_cstr(&b.s_in), "early x LOGOUT");
	out_puts(conn_out(b.s), "x OK\r\n");
	conn_close(&b.s);
	buf_init(&in, 100);
	tls_client_recv(&c, &b.f, &in);
	assert_string_equal(buf_cstr(&in), "x OK\r\n");
	assert_int_equal(c.last, 0);
	assert_string_equal(b.ended, "client");
	buf_free(&in);
	tls_client_close(&c);
	close_both(&b);
}

static void
test_client_vanishes(void **state)
{
	struct both b;
	struct tls_client c;

	(void)state;
	open_tls_pump(&b, &c);
	close(b.f.peer);
	b.f.peer = -1;
	net_settle(&b.f);
	assert_string_equal(b.ended, "client");
	assert_true(b.s_eof || b.s_dead);
	tls_client_close(&c);
	close_both(&b);
}

static void
test_session_dies_with_last_words(void **state)
{
	struct both b;
	struct tls_client c;
	struct buf in;

	(void)state;
	open_tls_pump(&b, &c);
	/* It writes and is gone; the client goes on sending. */
	assert_int_equal(send(conn_fd(b.s), "* BYE\r\n", 7, 0), 7);
	gnutls_record_send(c.session, "more", 4);
	assert_int_equal(shutdown(conn_fd(b.s), SHUT_RDWR), 0);
	buf_init(&in, 100);
	tls_client_recv(&c, &b.f, &in);
	assert_string_equal(buf_cstr(&in), "* BYE\r\n");
	assert_int_equal(c.last, 0);
	buf_free(&in);
	tls_client_close(&c);
	close_both(&b);
}

static void
test_back_pressure_down(void **state)
{
	struct both b;
	struct tls_client c;
	struct buf in;
	size_t n = 4 << 20;
	char *text = malloc(n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 7 + i / 251);
	open_tls_pump(&b, &c);
	out_bytes(conn_out(b.s), text, n);
	for (int i = 0; i < 50; i++)
		net_settle(&b.f);
	/* The client reads nothing: the frontend holds its marks, no more. */
	assert_true(channel_bytes_out(b.ch) < 1 << 20);
	buf_init(&in, 1 << 24);
	tls_client_recv(&c, &b.f, &in);
	assert_int_equal(in.n, n);
	assert_memory_equal(in.p, text, n);
	buf_free(&in);
	free(text);
	tls_client_close(&c);
	close_both(&b);
}

static void
test_back_pressure_up(void **state)
{
	struct both b;
	struct tls_client c;
	static char block[16384];
	size_t sent = 0;
	ssize_t n;

	(void)state;
	memset(block, 'z', sizeof block);
	open_tls_pump(&b, &c);
	conn_set_max_in(b.s, 1); /* the session reads no more */
	for (int i = 0; i < 300; i++) {
		n = gnutls_record_send(c.session, block, sizeof block);
		if (n > 0)
			sent += (size_t)n;
		else
			break;
		loop_round(b.f.loop, false);
	}
	assert_int_equal(n, GNUTLS_E_AGAIN);
	assert_true(sent < 2 << 20);
	conn_set_max_in(b.s, 65536);
	while (n == GNUTLS_E_AGAIN) {
		loop_round(b.f.loop, false);
		n = gnutls_record_send(c.session, NULL, 0);
	}
	sent += (size_t)n;
	for (int i = 0; i < 100; i++)
		net_settle(&b.f);
	assert_int_equal(b.s_in.n, 6 + sent);
	tls_client_close(&c);
	close_both(&b);
}

static void
test_hello_trickles(void **state)
{
	struct both b;
	struct channel_wire w = { CHANNEL_MAGIC, CHANNEL_VERSION, CHANNEL_TLS,
		3, 2 };
	char wire[CHANNEL_HEADER + 6];
	int pair[2];

	(void)state;
	open_both(&b);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	channel_accept(b.f.loop, pair[1], 5000, hello_came, &b);
	memcpy(wire, &w, sizeof w);
	memcpy(wire + sizeof w, "abcdeF", 6);
	for (size_t i = 0; i < sizeof wire; i++) {
		assert_int_equal(b.accepted, i == sizeof wire - 1);
		assert_int_equal(send(pair[0], wire + i, 1, 0), 1);
		net_settle(&b.f);
	}
	assert_string_equal(b.hello, "abc");
	assert_string_equal(buf_cstr(&b.s_in), "deF"); /* F is the client's */
	close(pair[0]);
	close_both(&b);
}

/* What a hostile frontend may write: n bytes, perhaps descriptors. */
static void
hostile(const void *p, size_t n, int fds, bool then_close)
{
	struct both b;
	int pair[2], extra[8];
	union {
		char room[CMSG_SPACE(sizeof extra)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t fds_size = (size_t)fds * sizeof(int);

	open_both(&b);
	memset(&control, 0, sizeof control);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < 8; i++)
		extra[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fds > 0) {
		struct cmsghdr *cm = &control.align;

		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(fds_size);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(fds_size);
		memcpy(CMSG_DATA(cm), extra, fds_size);
	}
	channel_accept(
	    b.f.loop, pair[1], then_close ? 5000 : 20, hello_came, &b);
	if (n > 0)
		assert_int_equal(sendmsg(pair[0], &msg, 0), n);
	if (then_close)
		shutdown(pair[0], SHUT_WR);
	net_wait(&b.f, &b.accepted, 0);
	assert_true(b.s_failed);
	close(pair[0]);
	for (int i = 0; i < 8; i++)
		close(extra[i]);
	close_both(&b);
}

static void
test_hostile_hellos(void **state)
{
	struct channel_wire w = { CHANNEL_MAGIC, CHANNEL_VERSION, CHANNEL_TLS,
		0, 0 };
	int before = fcntl(0, F_DUPFD_CLOEXEC, 0), after;

	(void)state;
	close(before);
	hostile("", 0, 0, true);
	hostile("", 0, 0, false);
	hostile(&w, 10, 0, true);
	hostile(&w, 10, 0, false);
	hostile("GET / HTTP/1.0\r\n\r\n\r\n\r\n", 22, 0, true);
	hostile(&w, sizeof w, 1, true); /* a descriptor nobody announced */
	w.flags = CHANNEL_SOCKET;
	hostile(&w, sizeof w, 0, true); /* announced, and none */
	hostile(&w, sizeof w, 1, true); /* not a socket */
	hostile(&w, sizeof w, 3, true);
	hostile(&w, sizeof w, 8, true);
	w.flags = 4;
	hostile(&w, sizeof w, 0, true);
	w.flags = 0;
	w.hello_len = UINT32_MAX;
	w.input_len = 2;
	hostile(&w, sizeof w, 0, true);
	w.hello_len = CHANNEL_HELLO_MAX;
	hostile(&w, sizeof w, 0, true);
	/* Nothing was left open. */
	after = fcntl(0, F_DUPFD_CLOEXEC, 0);
	assert_int_equal(after, before);
	close(after);
}

static void
test_refusals(void **state)
{
	struct both b;
	struct channel_conf conf = { .on_end = channel_ended };
	struct err err;
	char *big = calloc(1, CHANNEL_HELLO_MAX);
	int pair[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		open_both(&b);
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
		    0);
		if (i == 0)
			out_puts(conn_out(b.f.conn), "still queued");
		assert_null(channel_open(&b.f.conn, pair[0],
		    slice_of(big, i == 0 ? 1 : CHANNEL_HELLO_MAX - 19), &conf,
		    &err));
		assert_null(b.f.conn);
		close(pair[1]);
		close_both(&b);
	}
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_handover),
		cmocka_unit_test(test_pump),
		cmocka_unit_test(test_client_half_closes),
		cmocka_unit_test(test_client_vanishes),
		cmocka_unit_test(test_session_dies_with_last_words),
		cmocka_unit_test(test_back_pressure_down),
		cmocka_unit_test(test_back_pressure_up),
		cmocka_unit_test(test_hello_trickles),
		cmocka_unit_test(test_hostile_hellos),
		cmocka_unit_test(test_refusals) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
