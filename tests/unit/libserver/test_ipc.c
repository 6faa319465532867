/* SPDX-License-Identifier: ISC */
/* Messages: rules, cursor, pairs in a loop, back-pressure, descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/loop.h"
#include "libserver/ipc_messages.h"

/* What the handlers saw; the tests run one after the other. */
struct seen {
	unsigned n_results, n_channels, n_gone;
	uint64_t last_conn;
	const char *fault;
	int fd;
};
static struct seen seen;

static void
on_result(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_login_result head;
	char user[32];

	(void)r;
	memcpy(&head, m->fixed, sizeof(head));
	ipc_get_str(m, user, sizeof(user));
	if (ipc_end(m) == -1) {
		family_drop(from, "not readable");
		return;
	}
	seen.n_results++;
	seen.last_conn = head.conn;
}

static void
on_channel(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	(void)r;
	(void)from;
	seen.n_channels++;
	seen.fd = ipc_take_fd(m, 0);
}

static void
on_gone(struct role *r, struct ipc_peer *p, const char *fault)
{
	(void)r;
	(void)p;
	seen.n_gone++;
	seen.fault = fault;
}

static const struct ipc_handler handlers[] = {
	{ IPC_LOGIN_RESULT, on_result, false },
	{ IPC_TICKET_KEY, on_channel, true },
	{ IPC_CHANNEL, on_channel, false },
	{ .fn = NULL },
};

static struct loop *
set_up(struct ipc_peer **frontend, struct ipc_peer **other,
    enum role_id other_role)
{
	struct ipc_peer_conf a = { .me = R_FRONTEND,
		.peer = other_role,
		.handlers = handlers,
		.gone = on_gone };
	struct ipc_peer_conf b = { .me = other_role,
		.peer = R_FRONTEND,
		.handlers = handlers,
		.gone = on_gone };
	struct loop *loop;
	struct err err;
	int fds[2];

	memset(&seen, 0, sizeof(seen));
	seen.fd = -1;
	loop = loop_new(&err);
	assert_non_null(loop);
	assert_int_equal(ipc_pair(fds, &err), 0);
	a.loop = b.loop = loop;
	*frontend = ipc_peer_new(fds[0], &a);
	*other = ipc_peer_new(fds[1], &b);
	return loop;
}

static int
send_result(struct ipc_peer *p, uint64_t conn, const char *user)
{
	struct ipc_login_result head = { .conn = conn };
	struct ipc_out o;

	ipc_begin(&o, IPC_LOGIN_RESULT, &head, sizeof(head));
	ipc_put_str(&o, user);
	return ipc_send(p, &o);
}

static void
test_back_pressure(void **state)
{
	struct ipc_peer *fe, *auth;
	struct loop *loop = set_up(&fe, &auth, R_AUTH);
	uint64_t n = 0;

	(void)state;
	while (send_result(auth, n + 1, "alice") == 0)
		n++;
	assert_true(ipc_is_full(auth));
	assert_true(n > 1000 && n < 100000);
	while (seen.n_results < n)
		loop_round(loop, true);
	assert_int_equal(seen.last_conn, n);
	assert_false(ipc_is_full(auth));
	assert_int_equal(send_result(auth, n + 1, "alice"), 0);
	ipc_peer_close(&fe);
	ipc_peer_close(&auth);
	loop_free(&loop);
}

/* The datagram of a message, changed by hand, sent raw. */
static void
expect_drop(const void *bytes, size_t n, const char *why)
{
	struct ipc_peer_conf a = { .me = R_FRONTEND,
		.peer = R_AUTH,
		.handlers = handlers,
		.gone = on_gone };
	struct loop *loop;
	struct err err;
	int fds[2];

	memset(&seen, 0, sizeof(seen));
	loop = loop_new(&err);
	assert_non_null(loop);
	assert_int_equal(ipc_pair(fds, &err), 0);
	a.loop = loop;
	(void)ipc_peer_new(fds[0], &a);
	assert_int_equal(send(fds[1], bytes, n, 0), n);
	for (int i = 0; i < 10 && seen.n_gone == 0; i++)
		loop_round(loop, false);
	assert_int_equal(seen.n_gone, 1);
	assert_int_equal(seen.n_results, 0);
	assert_non_null(seen.fault);
	assert_non_null(strstr(seen.fault, why));
	close(fds[1]);
	loop_free(&loop);
}

static void
test_broken_rules(void **state)
{
	struct {
		struct ipc_head head;
		struct ipc_login_result fixed;
		uint32_t n;
		char text[600];
	} m = { { IPC_LOGIN_RESULT, 0, 4 }, { .conn = 1 }, 0, "" };
	size_t whole = sizeof(m.head) + sizeof(m.fixed) + 4;

	(void)state;
	expect_drop(&m, 3, "rules");         /* shorter than a head */
	expect_drop(&m, whole - 1, "rules"); /* tail cut */
	expect_drop(&m, whole + 1, "rules"); /* tail longer than said */
	m.n = 5;
	expect_drop(&m, whole, "not readable"); /* a string beyond the end */
	m.n = 0;
	m.head.tail = 600;
	expect_drop(&m, whole + 596, "rules"); /* over the ceiling */
	m.head.tail = 4;
	m.head.n_fds = 1;
	expect_drop(&m, whole, "rules"); /* descriptor missing */
	m.head.n_fds = 0;
	m.head.type = IPC_LOGIN_TRY;
	expect_drop(&m, whole, "rules"); /* wrong direction */
	m.head.type = 9999;
	expect_drop(&m, whole, "rules"); /* no such message */
}

static void
test_not_in_table(void **state)
{
	struct ipc_peer *fe, *auth;
	struct loop *loop = set_up(&fe, &auth, R_AUTH);
	struct ipc_conn_id id = { .conn = 1 };

	(void)state;
	/* allowed by the rules, but this auth has no handler for it */
	assert_int_equal(IPC_SEND(fe, IPC_LOGIN_CANCEL, &id), 0);
	for (int i = 0; i < 10 && seen.n_gone < 2; i++)
		loop_round(loop, false);
	assert_int_equal(seen.n_gone, 2); /* both ends notice */
	loop_free(&loop);
}

static void
test_once(void **state)
{
	struct ipc_peer *fe, *parent;
	struct loop *loop = set_up(&fe, &parent, R_PARENT);
	struct ipc_ticket_key k = { { 0 } };

	(void)state;
	assert_int_equal(IPC_SEND(parent, IPC_TICKET_KEY, &k), 0);
	assert_int_equal(IPC_SEND(parent, IPC_TICKET_KEY, &k), 0);
	for (int i = 0; i < 10 && seen.n_gone == 0; i++)
		loop_round(loop, false);
	assert_int_equal(seen.n_channels, 1);
	assert_string_equal(seen.fault, "message sent twice");
	ipc_peer_close(&parent);
	loop_free(&loop);
}

static void
test_descriptors(void **state)
{
	struct ipc_peer *fe, *nursery;
	struct loop *loop = set_up(&fe, &nursery, R_NURSERY);
	struct ipc_channel head = { .conn = 7 };
	struct ipc_out o;
	int fds[2];
	char c = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	ipc_begin(&o, IPC_CHANNEL, &head, sizeof(head));
	ipc_put_str(&o, "alice");
	ipc_put_fd(&o, fds[1]);
	assert_int_equal(ipc_send(nursery, &o), 0);
	close(fds[1]);
	while (seen.n_channels == 0)
		loop_round(loop, true);
	assert_int_equal(write(seen.fd, "x", 1), 1);
	close(seen.fd);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(read(fds[0], &c, 1), 0); /* nobody kept a copy */
	close(fds[0]);
	ipc_peer_close(&fe);
	ipc_peer_close(&nursery);
	loop_free(&loop);
}

/* What was sent before the end is read before it. */
static void
test_last_words(void **state)
{
	struct ipc_peer *fe, *auth;
	struct loop *loop = set_up(&fe, &auth, R_AUTH);

	(void)state;
	assert_int_equal(send_result(auth, 1, "a"), 0);
	assert_int_equal(send_result(auth, 2, "b"), 0);
	ipc_peer_close(&auth);
	assert_int_equal(send_result(fe, 3, "c"), -1);
	while (seen.n_gone == 0)
		loop_round(loop, true);
	assert_int_equal(seen.n_results, 2);
	assert_null(seen.fault);
	loop_free(&loop);
}

static void
test_account(void **state)
{
	struct account *a = xcalloc(1, sizeof(*a));
	struct account *b = xcalloc(1, sizeof(*b));
	struct ipc_deliver head = { .job = 1 };
	struct ipc_msg m;
	struct ipc_out o;
	struct err err;

	(void)state;
	strncpy(a->name, "alice", sizeof(a->name) - 1);
	strncpy(a->home, "/home/alice", sizeof(a->home) - 1);
	strncpy(a->mail, "/home/alice/Maildir", sizeof(a->mail) - 1);
	a->uid = a->gid = 1000;
	a->n_groups = ACCOUNT_GROUPS_MAX;
	a->groups[63] = 63;
	for (int pass = 0; pass < 3; pass++) {
		if (pass == 1)
			strncpy(a->mail, "/home/../root", sizeof(a->mail) - 1);
		if (pass == 2)
			a->name[0] = '\0';
		ipc_begin(&o, IPC_DELIVER_FORK, &head, sizeof(head));
		account_put(&o, a);
		assert_int_equal(ipc_seal(&o), 0);
		assert_int_equal(ipc_decode(NULL, R_AUTH, R_NURSERY,
				     buf_slice(&o.b), 0, &m, &err),
		    0);
		account_get(&m, b);
		assert_int_equal(ipc_end(&m), pass == 0 ? 0 : -1);
		if (pass == 0)
			assert_memory_equal(a, b, sizeof(*a));
		ipc_out_drop(&o);
	}
	xfree(a);
	xfree(b);
}

/* Every rule has a direction, a bound that fits a datagram, and no message can
 * be sent by a client's frontend or a session but the few meant for them. */
static void
test_rules(void **state)
{
	static const uint16_t of_frontends[] = { IPC_READY, IPC_FAULT,
		IPC_LOGIN_TRY, IPC_LOGIN_CANCEL, IPC_SIGN_REQ, IPC_CTL_LINE,
		IPC_CTL_DONE };
	unsigned n = 0;

	(void)state;
	for (uint16_t t = 1; t < IPC_COMMON_END; t++) {
		const struct ipc_rule *r = ipc_rule_find(NULL, t);

		assert_non_null(r);
		assert_int_equal(r->type, t);
		assert_int_not_equal(r->from, 0);
		assert_int_not_equal(r->to, 0);
		assert_true(sizeof(struct ipc_head) + r->fixed + r->tail_max <=
		    MAX_IPC_DATAGRAM);
		assert_true(
		    r->fds_min <= r->fds_max && r->fds_max <= IPC_FDS_MAX);
		n += (r->from & R_BIT(R_FRONTEND)) != 0;
	}
	assert_int_equal(n, N_ELEMENTS(of_frontends));
	for (size_t i = 0; i < N_ELEMENTS(of_frontends); i++)
		assert_true((ipc_rule_find(NULL, of_frontends[i])->from &
				R_BIT(R_FRONTEND)) != 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_broken_rules),
		cmocka_unit_test(test_not_in_table),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
