/* SPDX-License-Identifier: ISC */
/* A connection over a socket pair, and a peer that the test drives by hand. */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libbase/buf.h"
#include "libnet/conn.h"

struct net_fixture {
	struct loop *loop;
	struct conn *conn;
	int peer;                 /* non-blocking */
	unsigned ready, timeouts; /* calls */
	bool dead;                /* on_ready saw it dead, and closed it */
	bool eof;
	char death[16];
	struct buf got;                      /* what on_ready consumed */
	unsigned want;                       /* what on_ready wants next */
	void (*hook)(struct net_fixture *f); /* instead of consuming */
};

extern const struct conn_conf net_fixture_conf;

void net_open(struct net_fixture *f, const struct conn_conf *conf);
void net_close(struct net_fixture *f);
/* Rounds without waiting, until nothing new happens. */
void net_settle(struct net_fixture *f);
/* Rounds with waiting, until *flag is over old or 5 seconds are over. */
void net_wait(struct net_fixture *f, const unsigned *count, unsigned over);
void net_peer_send(struct net_fixture *f, const char *text);
/* What the peer has received by now, appended. */
void net_peer_recv(struct net_fixture *f, struct buf *to);
/* A file with these bytes, already unlinked. */
int net_temp_file(const void *p, size_t n);

#endif
