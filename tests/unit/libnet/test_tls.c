/* SPDX-License-Identifier: ISC */
/* TLS below the door: keys that are elsewhere, SNI, ALPN, tickets, STARTTLS,
 * the proper end, records gathered. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/libnet/tls_fixture.h"

#include "libnet/netaddr.h"

static struct tls_pair rsa, ec, ed, wild;
static struct tls_pair *all[] = { &rsa, &ec, &ed, &wild, NULL };
static struct tls_server *server;
static const char *const imap_alpn[] = { "imap", NULL };

static int
setup(void **state)
{
	(void)state;
	tls_pair_make(&rsa, GNUTLS_PK_RSA, "mail.example.org");
	tls_pair_make(&ec, GNUTLS_PK_ECDSA, "mail.example.org");
	tls_pair_make(&ed, GNUTLS_PK_EDDSA_ED25519, "ed.example.org");
	tls_pair_make(&wild, GNUTLS_PK_ECDSA, "*.example.net example.net");
	server = tls_pair_server(all);
	assert_int_equal(tls_server_count_certs(server), 4);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tls_server_free(&server);
	for (int i = 0; all[i] != NULL; i++)
		tls_pair_free(all[i]);
	return 0;
}

static void
open_tls(struct net_fixture *f)
{
	net_open(f, &net_fixture_conf);
	conn_start_tls(f->conn, CONN_TLS_IMPLICIT, server, imap_alpn);
}

/* One connection: handshake with these wishes, an exchange, the end. The
 * number of the pair that signed. */
static int
exchange(const char *sni, const char *priorities)
{
	struct net_fixture f;
	struct tls_client c;
	struct conn_tls_info info;
	struct buf in;
	unsigned before[4];
	int who = -1;

	for (int i = 0; i < 4; i++)
		before[i] = all[i]->signatures;
	open_tls(&f);
	tls_client_open(&c, &f, sni, "imap", priorities, NULL);
	assert_false(conn_tls_info(f.conn, &info));
	if (tls_client_handshake(&c, &f) != 0)
		fail_msg("handshake: %s / %s", gnutls_strerror(c.last),
		    f.conn == NULL ? "dead" : conn_error(f.conn)->text);
	assert_true(conn_tls_info(f.conn, &info));
	assert_string_equal(info.sni, sni == NULL ? "" : sni);
	assert_string_equal(info.alpn, "imap");
	assert_false(info.resumed);
	assert_true(f.ready >= 1);
	tls_client_send(&c, &f, "a1 NOOP\r\n");
	assert_string_equal(buf_cstr(&f.got), "a1 NOOP\r\n");
	out_puts(conn_out(f.conn), "a1 OK\r\n");
	buf_init(&in, 1000);
	tls_client_recv(&c, &f, &in);
	assert_string_equal(buf_cstr(&in), "a1 OK\r\n");
	gnutls_bye(c.session, GNUTLS_SHUT_WR);
	net_settle(&f);
	assert_true(f.eof);
	assert_false(f.dead);
	conn_close(&f.conn);
	tls_client_recv(&c, &f, &in);
	assert_int_equal(c.last, 0); /* close_notify */
	buf_free(&in);
	tls_client_close(&c);
	net_close(&f);
	for (int i = 0; i < 4; i++)
		if (all[i]->signatures != before[i]) {
			assert_int_equal(who, -1);
			who = i;
		}
	return who;
}

static void
test_keys_and_sni(void **state)
{
	static const char tls12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
	static const char tls12_rsa[] =
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA";
	static const char tls13_rsa[] =
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:"
	    "+SIGN-RSA-PSS-RSAE-SHA256";

	(void)state;
	assert_int_equal(exchange("mail.example.org", tls12_rsa), 0);
	assert_int_equal(exchange("mail.example.org", tls13_rsa), 0);
	assert_true(exchange("MAIL.example.ORG", NULL) <= 1);
	assert_int_equal(exchange("ed.example.org", NULL), 2);
	assert_int_equal(exchange("ed.example.org", tls12), 2);
	assert_int_equal(exchange("imap.example.net", NULL), 3);
	assert_int_equal(exchange("imap.example.net", tls12), 3);
	assert_int_equal(exchange("example.net", NULL), 3);
	/* Two labels are not one; unknown and absent names get the first. */
	assert_true(exchange("a.b.example.net", NULL) <= 1);
	assert_true(exchange(NULL, NULL) <= 1);
}

static void
test_old_versions_refused(void **state)
{
	struct net_fixture f;
	struct tls_client c;

	(void)state;
	open_tls(&f);
	tls_client_open(
	    &c, &f, NULL, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1", NULL);
	assert_int_not_equal(tls_client_handshake(&c, &f), 0);
	assert_true(f.dead);
	assert_string_equal(f.death, "tls");
	tls_client_close(&c);
	net_close(&f);
}

static void
test_alpn(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct conn_tls_info info;

	(void)state;
	open_tls(&f);
	tls_client_open(&c, &f, NULL, "http/1.1", NULL, NULL);
	assert_int_not_equal(tls_client_handshake(&c, &f), 0);
	assert_int_equal(
	    gnutls_alert_get(c.session), GNUTLS_A_NO_APPLICATION_PROTOCOL);
	assert_true(f.dead);
	tls_client_close(&c);
	net_close(&f);
	open_tls(&f);
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	assert_true(conn_tls_info(f.conn, &info));
	assert_string_equal(info.alpn, "");
	tls_client_close(&c);
	net_close(&f);
}

static bool
resumes(struct tls_server *s, const gnutls_datum_t *data, const char *prio)
{
	struct net_fixture f;
	struct tls_client c;
	struct conn_tls_info info;
	bool r;

	net_open(&f, &net_fixture_conf);
	conn_start_tls(f.conn, CONN_TLS_IMPLICIT, s, NULL);
	tls_client_open(&c, &f, NULL, NULL, prio, data);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	assert_true(conn_tls_info(f.conn, &info));
	r = info.resumed;
	assert_int_equal(r, gnutls_session_is_resumed(c.session) != 0);
	tls_client_close(&c);
	net_close(&f);
	return r;
}

static void
tickets(const char *prio)
{
	uint8_t key[TLS_TICKET_KEY_SIZE] = { 1, 2, 3 };
	struct tls_server *one = tls_pair_server(all);
	struct tls_server *two = tls_pair_server(all);
	struct net_fixture f;
	struct tls_client c;
	struct buf in;
	gnutls_datum_t data;

	tls_server_set_ticket_key(one, key);
	tls_server_set_ticket_key(two, key);
	net_open(&f, &net_fixture_conf);
	conn_start_tls(f.conn, CONN_TLS_IMPLICIT, one, NULL);
	tls_client_open(&c, &f, NULL, NULL, prio, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	out_puts(conn_out(f.conn), "x");
	buf_init(&in, 100);
	tls_client_recv(&c, &f, &in);
	assert_int_equal(gnutls_session_get_data2(c.session, &data), 0);
	buf_free(&in);
	tls_client_close(&c);
	net_close(&f);
	assert_true(resumes(one, &data, prio));
	assert_true(resumes(two, &data, prio)); /* another frontend */
	key[0] = 9;
	tls_server_set_ticket_key(two, key);
	assert_false(resumes(two, &data, prio));
	gnutls_free(data.data);
	tls_server_free(&one);
	tls_server_free(&two);
}

static void
test_tickets(void **state)
{
	(void)state;
	tickets("NORMAL:-VERS-ALL:+VERS-TLS1.3");
	tickets("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

static void
does_starttls(struct net_fixture *f)
{
	struct slice in = conn_in(f->conn);
	const char line[] = "a STARTTLS\r\n";

	if (!conn_is_tls(f->conn) && in.n >= sizeof line - 1) {
		conn_consume(f->conn, sizeof line - 1);
		out_puts(conn_out(f->conn), "a OK begin TLS\r\n");
		conn_start_tls(f->conn, CONN_STARTTLS, server, imap_alpn);
	} else {
		buf_put_slice(&f->got, in);
		conn_consume(f->conn, in.n);
	}
	conn_want(f->conn, WANT_IN);
}

static void
test_starttls(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct buf in;

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = does_starttls;
	net_peer_send(&f, "a STARTTLS\r\n");
	net_settle(&f);
	buf_init(&in, 1000);
	net_peer_recv(&f, &in);
	assert_string_equal(buf_cstr(&in), "a OK begin TLS\r\n");
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	tls_client_send(&c, &f, "b NOOP\r\n");
	assert_string_equal(buf_cstr(&f.got), "b NOOP\r\n");
	buf_free(&in);
	tls_client_close(&c);
	net_close(&f);
}

static void
test_starttls_injection(void **state)
{
	struct net_fixture f;
	struct buf in;

	(void)state;
	net_open(&f, &net_fixture_conf);
	f.hook = does_starttls;
	net_peer_send(&f, "a STARTTLS\r\nb LOGIN evil x\r\n");
	net_settle(&f);
	assert_true(f.dead);
	assert_string_equal(f.death, "tls");
	assert_int_equal(f.got.n, 0);
	net_close(&f);
	/* The same a moment later, before the handshake: it is no record. */
	net_open(&f, &net_fixture_conf);
	f.hook = does_starttls;
	net_peer_send(&f, "a STARTTLS\r\n");
	net_settle(&f);
	net_peer_send(&f, "b LOGIN evil x\r\n");
	net_settle(&f);
	assert_true(f.dead);
	assert_int_equal(f.got.n, 0);
	buf_init(&in, 1);
	buf_free(&in);
	net_close(&f);
}

static void
test_end_without_close_notify_is_death(void **state)
{
	struct net_fixture f;
	struct tls_client c;

	(void)state;
	open_tls(&f);
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	tls_client_send(&c, &f, "a1 ");
	assert_int_equal(shutdown(f.peer, SHUT_WR), 0);
	net_settle(&f);
	assert_true(f.dead);
	assert_false(f.eof);
	tls_client_close(&c);
	net_close(&f);
}

static void
test_data_and_close_notify_together(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct buf in;

	(void)state;
	open_tls(&f);
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	gnutls_record_send(c.session, "QUIT\r\n", 6);
	gnutls_bye(c.session, GNUTLS_SHUT_WR);
	net_settle(&f); /* no end of file below: the alert alone */
	assert_string_equal(buf_cstr(&f.got), "QUIT\r\n");
	assert_true(f.eof);
	/* Our side is still open: half-closed. */
	out_puts(conn_out(f.conn), "+OK\r\n");
	buf_init(&in, 100);
	tls_client_recv(&c, &f, &in);
	assert_string_equal(buf_cstr(&in), "+OK\r\n");
	buf_free(&in);
	tls_client_close(&c);
	net_close(&f);
}

static void
test_trickled_handshake(void **state)
{
	struct net_fixture f, g;
	struct tls_client c;
	char byte;
	int r = GNUTLS_E_AGAIN;

	(void)state;
	/* The client talks to g's pair; the test carries byte by byte. */
	open_tls(&f);
	net_open(&g, &net_fixture_conf);
	tls_client_open(&c, &g, NULL, NULL, NULL, NULL);
	for (int i = 0; i < 100000 && r != 0; i++) {
		r = gnutls_handshake(c.session);
		assert_true(r == 0 || !gnutls_error_is_fatal(r));
		if (recv(conn_fd(g.conn), &byte, 1, 0) == 1)
			assert_int_equal(send(f.peer, &byte, 1, 0), 1);
		loop_round(f.loop, false);
		loop_round(f.loop, false);
		if (recv(f.peer, &byte, 1, 0) == 1)
			assert_int_equal(send(conn_fd(g.conn), &byte, 1, 0), 1);
	}
	assert_int_equal(r, 0);
	tls_client_close(&c);
	net_close(&g);
	net_close(&f);
}

static void
test_records_leave_together(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct buf in;
	static char big[40000];
	uint64_t before;

	(void)state;
	memset(big, 'x', sizeof big);
	open_tls(&f);
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	before = conn_writes(f.conn);
	out_puts(conn_out(f.conn), "* 1 FETCH (BODY[] {40000}\r\n");
	out_bytes(conn_out(f.conn), big, sizeof big);
	out_puts(conn_out(f.conn), ")\r\n");
	out_puts(conn_out(f.conn), "a OK\r\n");
	net_settle(&f);
	assert_int_equal(conn_writes(f.conn) - before, 1);
	buf_init(&in, 1 << 20);
	tls_client_recv(&c, &f, &in);
	assert_int_equal(in.n, 27 + 40000 + 3 + 6);
	assert_int_equal(conn_bytes_out(f.conn), in.n);
	buf_free(&in);
	tls_client_close(&c);
	net_close(&f);
}

static void
no_wish(struct net_fixture *f)
{
	conn_want(f->conn, 0);
}

static void
test_full_input_stops_and_goes_on(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct conn_conf conf = net_fixture_conf;
	char text[3001];
	size_t got = 0;

	(void)state;
	conf.max_in = 1000;
	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	net_open(&f, &conf);
	f.hook = no_wish;
	conn_start_tls(f.conn, CONN_TLS_IMPLICIT, server, NULL);
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	tls_client_send(&c, &f, text);
	for (int i = 0; i < 10 && got < 3000; i++) {
		assert_true(conn_in(f.conn).n <= 1000);
		got += conn_in(f.conn).n;
		conn_consume(f.conn, conn_in(f.conn).n);
		net_settle(&f);
	}
	assert_int_equal(got, 3000);
	tls_client_close(&c);
	net_close(&f);
}

static void
test_slow_tls_reader(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct buf in;
	uint64_t size = 3 << 20;
	char *zeros = calloc(1, size);
	int fd = net_temp_file(zeros, size);

	(void)state;
	open_tls(&f);
	f.hook = no_wish;
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	out_file(conn_out(f.conn), fd, 0, size, OUT_LF_TO_CRLF, size);
	out_puts(conn_out(f.conn), "end");
	conn_want(f.conn, WANT_DRAIN);
	buf_init(&in, 1 << 24);
	tls_client_recv(&c, &f, &in);
	assert_int_equal(in.n, size + 3);
	assert_memory_equal(in.p + size, "end", 3);
	assert_memory_equal(in.p, zeros, size);
	buf_free(&in);
	free(zeros);
	tls_client_close(&c);
	net_close(&f);
}

static void
test_no_renegotiation(void **state)
{
	struct net_fixture f;
	struct tls_client c;

	(void)state;
	open_tls(&f);
	tls_client_open(
	    &c, &f, NULL, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	(void)gnutls_handshake(c.session);
	net_settle(&f);
	assert_true(f.dead);
	tls_client_close(&c);
	net_close(&f);
}

static void
test_garbage_is_death(void **state)
{
	struct net_fixture f;

	(void)state;
	open_tls(&f);
	net_peer_send(&f, "GET / HTTP/1.0\r\n\r\n");
	net_settle(&f);
	assert_true(f.dead);
	assert_string_equal(f.death, "tls");
	net_close(&f);
}

static void
test_key_judges_requests(void **state)
{
	struct err err;
	struct buf sig;
	char hash[32] = { 0 };

	(void)state;
	buf_init(&sig, TLS_SIGN_MAX_SIG);
	assert_int_equal(
	    tls_key_sign(ec.loaded, TLS_SIGN_HASH, GNUTLS_SIGN_ECDSA_SHA256, 0,
		slice_of(hash, sizeof hash), &sig, &err),
	    0);
	assert_int_equal(
	    tls_key_sign(ec.loaded, TLS_SIGN_HASH, GNUTLS_SIGN_RSA_SHA256, 0,
		slice_of(hash, sizeof hash), &sig, &err),
	    -1);
	assert_int_equal(tls_key_sign(ec.loaded, TLS_SIGN_HASH, 99999, 0,
			     slice_of(hash, sizeof hash), &sig, &err),
	    -1);
	assert_int_equal(
	    tls_key_sign(ec.loaded, TLS_SIGN_HASH, GNUTLS_SIGN_ECDSA_SHA256,
		0xffffffff, slice_of(hash, sizeof hash), &sig, &err),
	    -1);
	assert_int_equal(
	    tls_key_sign(ec.loaded, TLS_SIGN_HASH, GNUTLS_SIGN_ECDSA_SHA256, 0,
		SLICE_NONE, &sig, &err),
	    -1);
	assert_int_equal(
	    tls_cert_check_key(buf_slice(&ec.cert), ec.loaded, &err), 0);
	assert_int_equal(
	    tls_cert_check_key(buf_slice(&ec.cert), ed.loaded, &err), -1);
	assert_null(tls_key_load(SLICE("no key"), &err));
	buf_free(&sig);
}

static void
test_cert_read(void **state)
{
	struct tls_cert_info info;
	struct err err;

	(void)state;
	assert_int_equal(tls_cert_read(buf_slice(&wild.cert), &info, &err), 0);
	assert_string_equal(info.names, "*.example.net example.net");
	assert_int_equal(info.chain, 1);
	assert_true(info.not_after > info.not_before);
	assert_true(tls_cert_names_match(info.names, SLICE("A.example.net")));
	assert_true(tls_cert_names_match(info.names, SLICE("a.example.net.")));
	assert_false(tls_cert_names_match(info.names, SLICE(".example.net")));
	assert_false(
	    tls_cert_names_match(info.names, SLICE("b.a.example.net")));
	assert_false(tls_cert_names_match(info.names, SLICE_NONE));
	tls_cert_info_free(&info);
	assert_int_equal(tls_cert_read(SLICE("junk"), &info, &err), -1);
}

static void
test_server_outlives_its_owner(void **state)
{
	struct net_fixture f;
	struct tls_client c;
	struct tls_server *own = tls_pair_server(all);

	(void)state;
	net_open(&f, &net_fixture_conf);
	conn_start_tls(f.conn, CONN_TLS_IMPLICIT, own, NULL);
	tls_server_free(&own);
	tls_client_open(&c, &f, NULL, NULL, NULL, NULL);
	assert_int_equal(tls_client_handshake(&c, &f), 0);
	tls_client_close(&c);
	net_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys_and_sni),
		cmocka_unit_test(test_old_versions_refused),
		cmocka_unit_test(test_alpn), cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_starttls_injection),
		cmocka_unit_test(test_end_without_close_notify_is_death),
		cmocka_unit_test(test_data_and_close_notify_together),
		cmocka_unit_test(test_trickled_handshake),
		cmocka_unit_test(test_records_leave_together),
		cmocka_unit_test(test_full_input_stops_and_goes_on),
		cmocka_unit_test(test_slow_tls_reader),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_garbage_is_death),
		cmocka_unit_test(test_key_judges_requests),
		cmocka_unit_test(test_cert_read),
		cmocka_unit_test(test_server_outlives_its_owner) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
