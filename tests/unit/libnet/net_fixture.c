/* SPDX-License-Identifier: ISC */
/* A connection over a socket pair, and a peer that the test drives by hand. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/libnet/net_fixture.h"

#include "libbase/clock.h"

static void
fixture_ready(struct conn *c, void *arg)
{
	struct net_fixture *f = arg;

	f->ready++;
	if (conn_is_dead(c)) {
		f->dead = true;
		strncpy(f->death, conn_death(c), sizeof f->death - 1);
		conn_close(&f->conn);
		return;
	}
	f->eof = conn_eof(c);
	if (f->hook != NULL) {
		f->hook(f);
		return;
	}
	buf_put_slice(&f->got, conn_in(c));
	conn_consume(c, conn_in(c).n);
	conn_want(c, conn_eof(c) ? 0 : f->want);
}

const struct conn_conf net_fixture_conf = {
	.max_in = 65536, .linger_ms = 300, .on_ready = fixture_ready
};

void
net_open(struct net_fixture *f, const struct conn_conf *conf)
{
	struct conn_conf own = *conf;
	struct err err;
	int pair[2];

	memset(f, 0, sizeof *f);
	f->loop = loop_new(&err);
	assert_non_null(f->loop);
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	own.arg = f;
	f->peer = pair[1];
	f->want = WANT_IN;
	buf_init(&f->got, 1 << 24);
	f->conn = conn_new(f->loop, pair[0], &own);
	conn_want(f->conn, WANT_IN);
}

void
net_close(struct net_fixture *f)
{
	conn_close(&f->conn);
	if (f->peer >= 0)
		close(f->peer);
	net_settle(f);
	loop_free(&f->loop);
	buf_free(&f->got);
}

void
net_settle(struct net_fixture *f)
{
	for (int i = 0; i < 8; i++)
		loop_round(f->loop, false);
}

void
net_wait(struct net_fixture *f, const unsigned *count, unsigned over)
{
	uint64_t end = clock_mono_us() + 5000000;

	while (*count <= over && clock_mono_us() < end)
		loop_round(f->loop, true);
	assert_true(*count > over);
}

void
net_peer_send(struct net_fixture *f, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(f->peer, text, n, MSG_NOSIGNAL), n);
}

void
net_peer_recv(struct net_fixture *f, struct buf *to)
{
	static char block[65536];
	ssize_t n;

	while ((n = recv(f->peer, block, sizeof block, 0)) > 0)
		buf_put(to, block, (size_t)n);
}

int
net_temp_file(const void *p, size_t n)
{
	char path[] = "/tmp/netXXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, p, n), n);
	return fd;
}
