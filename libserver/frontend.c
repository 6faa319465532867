/* SPDX-License-Identifier: ISC */
/* Clients in a frontend: from accept to the pump or the end. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/proxyproto.h"
#include "libserver/frontend_state.h"

#define HELLO_MAX (32u * KIB)
#define RETRY_MS  20u
#define PROXY_IN  PROXYPROTO_MAX

static void client_step(struct client *c);

/* ---- counting ---- */

static uintptr_t
address_count(struct frontend *fe, const struct netaddr *key)
{
	char bytes[17];

	return (uintptr_t)map_get(
	    &fe->addresses, netaddr_key_bytes(key, bytes));
}

static void
count_address(struct client *c, int by)
{
	struct frontend *fe = c->fe;
	uintptr_t n = address_count(fe, &c->key);
	char bytes[17];
	struct slice key = netaddr_key_bytes(&c->key, bytes);

	c->is_counted = by > 0;
	n = by > 0 ? n + 1 : n - 1;
	if (n == 0)
		(void)map_del(&fe->addresses, key);
	else
		(void)map_put(&fe->addresses, key, (void *)n);
}

/* ---- the end of a client ---- */

static void
client_free(struct client *c)
{
	struct frontend *fe = c->fe;
	struct role *r = fe->role;

	timer_stop(&c->later);
	if (c->channel_fd != -1)
		close(c->channel_fd);
	channel_close(&c->channel);
	if (c->is_counted)
		count_address(c, -1);
	(void)idmap_del(&fe->ids, c->fc.id);
	LIST_REMOVE(c, entry);
	fe->n_clients--;
	mem_wipe(c->user, sizeof(c->user));
	xfree(c);
	frontend_pause(fe, false);
	for (size_t i = 0; i < fe->n_ports; i++)
		listener_nudge(fe->ports[i].listener);
	if (r->is_draining && fe->n_clients == 0)
		role_quit(r);
}

/* The protocol's part is over; proto goes. */
static void
close_protocol(struct client *c)
{
	if (c->is_opened && c->fe->ops->close != NULL)
		c->fe->ops->close(&c->fc);
	c->is_opened = false;
	xfree(c->fc.proto);
	c->fc.proto = NULL;
}

static void
client_end(struct client *c)
{
	struct conn *conn = c->fc.conn;

	log_info(c->fc.id, "closed", "reason", c->reason, "address",
	    c->fc.address, "in",
	    LOG_U64(conn == NULL ? 0 : conn_bytes_in(conn)), "out",
	    LOG_U64(conn == NULL ? 0 : conn_bytes_out(conn)), NULL);
	close_protocol(c);
	conn_close(&c->fc.conn);
	client_free(c);
}

void
frontend_close(struct fe_conn *fc, const char *reason)
{
	struct client *c = container_of(fc, struct client, fc);
	struct ipc_conn_id id = { .conn = fc->id };

	if (c->state == CLIENT_ENDING)
		return;
	if (c->state == CLIENT_LOGIN)
		(void)IPC_SEND(
		    role_peer(c->fe->role, R_AUTH, 0), IPC_LOGIN_CANCEL, &id);
	c->state = CLIENT_ENDING;
	c->reason = reason;
	fc->is_closing = true;
	/* from the loop: the protocol is still on the stack */
	timer_start_ms(&c->later, 0);
}

/* ---- the dialogue ---- */

static void
run(struct client *c)
{
	if (c->state != CLIENT_TALK)
		return;
	c->is_inside = true;
	c->fe->ops->run(&c->fc);
	c->is_inside = false;
	if (c->state != CLIENT_TALK && c->fc.conn != NULL &&
	    c->state != CLIENT_HANDSHAKE)
		conn_want(c->fc.conn, 0);
}

static void
open_protocol(struct client *c)
{
	c->state = CLIENT_TALK;
	c->is_opened = true;
	c->fe->ops->open(&c->fc);
	run(c);
}

/* The address is known: limits, then TLS or the greeting. */
static void
begin(struct client *c)
{
	struct frontend *fe = c->fe;
	uint64_t most = conf_u64(fe->role->conf, "max_address_connections");

	(void)netaddr_text(&c->fc.peer, c->fc.address);
	c->key = netaddr_limit_key(&c->fc.peer);
	if (address_count(fe, &c->key) >= most) {
		frontend_close(&c->fc, "max_address_connections");
		return;
	}
	count_address(c, +1);
	log_debug(c->fc.id, "connected", "address", c->fc.address, NULL);
	if (!c->fc.listener->implicit_tls) {
		open_protocol(c);
		return;
	}
	if (fe_tls_server(fe->tls) == NULL) {
		frontend_close(&c->fc, "no certificate");
		return;
	}
	c->state = CLIENT_HANDSHAKE;
	conn_start_tls(c->fc.conn, CONN_TLS_IMPLICIT, fe_tls_server(fe->tls),
	    c->fc.listener->alpn);
}

static void
read_proxy(struct client *c)
{
	struct proxyproto pp;
	struct err err;
	int r = proxyproto_parse(conn_in(c->fc.conn), &pp, &err);

	if (r == 0) {
		if (conn_eof(c->fc.conn))
			frontend_close(&c->fc, "eof");
		else
			conn_want(c->fc.conn, WANT_IN);
		return;
	}
	if (r == -1) {
		log_warn(c->fc.id, "no PROXY header from a trusted network",
		    "address", c->fc.address, "err", err.text, NULL);
		frontend_close(&c->fc, "proxy");
		return;
	}
	conn_consume(c->fc.conn, pp.used);
	conn_set_max_in(c->fc.conn, c->fe->ops->max_in);
	if (pp.has_addresses) {
		c->fc.peer = pp.src;
		c->fc.is_tls = pp.tls;
		c->fc.is_loopback =
		    c->fc.is_loopback && netaddr_is_loopback(&pp.src);
	}
	begin(c);
}

static void
check_handshake(struct client *c)
{
	struct conn_tls_info info;

	if (!conn_tls_info(c->fc.conn, &info))
		return;
	c->fc.is_tls = true;
	log_debug(c->fc.id, "tls", "version", info.version, "cipher",
	    info.cipher, "sni", info.sni, "alpn", info.alpn, NULL);
	if (!c->is_opened) {
		open_protocol(c);
		return;
	}
	c->state = CLIENT_TALK;
	run(c);
}

static void
client_step(struct client *c)
{
	switch (c->state) {
	case CLIENT_PROXY:
		read_proxy(c);
		break;
	case CLIENT_HANDSHAKE:
		check_handshake(c);
		break;
	case CLIENT_TALK:
		run(c);
		break;
	case CLIENT_LOGIN:
	case CLIENT_ENDING:
		conn_want(c->fc.conn, 0);
		break;
	case CLIENT_PUMP:
		break;
	}
}

static void
on_ready(struct conn *conn, void *arg)
{
	struct client *c = arg;

	if (conn_is_dead(conn))
		frontend_close(&c->fc, conn_death(conn));
	else
		client_step(c);
}

static void
on_timeout(struct conn *conn, void *arg)
{
	struct client *c = arg;

	(void)conn;
	if (c->fc.is_busy)
		return; /* it is we who are slow */
	if (c->state == CLIENT_TALK && c->fe->ops->timeout != NULL)
		c->fe->ops->timeout(&c->fc);
	frontend_close(&c->fc, "timeout");
}

static bool
is_trusted(const struct frontend *fe, const struct netaddr *a)
{
	for (size_t i = 0; i < fe->n_trusted; i++)
		if (netblock_contains(&fe->trusted[i], a))
			return true;
	return false;
}

static void on_later(void *arg);

void
client_accept(
    void *arg, int fd, const struct netaddr *peer, const struct netaddr *local)
{
	struct fe_port *port = arg;
	struct frontend *fe = port->fe;
	struct conn_conf cc = { .max_in = fe->ops->max_in,
		.on_ready = on_ready,
		.on_timeout = on_timeout };
	struct client *c = xcalloc(1, sizeof(*c));

	(void)local;
	c->fe = fe;
	c->channel_fd = -1;
	c->fc.id = ++fe->last_id;
	c->fc.listener = port->spec;
	c->fc.peer = *peer;
	c->fc.is_loopback = netaddr_is_loopback(peer);
	c->fc.role = fe->role;
	c->fc.proto = xcalloc(1, fe->ops->conn_size + 1);
	(void)netaddr_text(peer, c->fc.address);
	timer_init(&c->later, fe->role->loop, on_later, c);
	LIST_INSERT_HEAD(&fe->clients, c, entry);
	(void)idmap_put(&fe->ids, c->fc.id, c);
	if (++fe->n_clients >= conf_u64(fe->role->conf, "max_connections"))
		frontend_pause(fe, true);
	cc.arg = c;
	if (is_trusted(fe, peer) && cc.max_in < PROXY_IN)
		cc.max_in = PROXY_IN;
	c->fc.conn = conn_new(fe->role->loop, fd, &cc);
	conn_set_deadline_ms(
	    c->fc.conn, conf_ms(fe->role->conf, "login_timeout"));
	if (is_trusted(fe, peer)) {
		c->state = CLIENT_PROXY;
		conn_want(c->fc.conn, WANT_IN);
	} else {
		begin(c);
	}
}

/* ---- what the protocol asks ---- */

bool
frontend_may_login(const struct fe_conn *fc)
{
	return fc->is_tls || fc->is_loopback;
}

bool
frontend_has_tls(const struct fe_conn *fc)
{
	const struct frontend *fe = fc->role->state;

	return fe_tls_server(fe->tls) != NULL;
}

void
frontend_start_tls(struct fe_conn *fc)
{
	struct client *c = container_of(fc, struct client, fc);

	if (fe_tls_server(c->fe->tls) == NULL || c->state != CLIENT_TALK) {
		frontend_close(fc, "no certificate");
		return;
	}
	/* sent by whoever sits on the wire: not believed, not answered */
	if (conn_in(fc->conn).n > 0) {
		frontend_close(fc, "plaintext behind STARTTLS");
		return;
	}
	c->state = CLIENT_HANDSHAKE;
	conn_start_tls(fc->conn, CONN_STARTTLS, fe_tls_server(c->fe->tls),
	    fc->listener->alpn);
}

struct fe_conn *
frontend_find(struct role *r, uint64_t id)
{
	struct frontend *fe = r->state;
	struct client *c = idmap_get(&fe->ids, id);

	if (c == NULL || c->state == CLIENT_ENDING || c->state == CLIENT_PUMP)
		return NULL;
	return &c->fc;
}

const struct conf *
frontend_conf(const struct fe_conn *fc)
{
	return fc->role->conf;
}

void
frontend_wake(struct fe_conn *fc)
{
	if (fc->conn != NULL)
		conn_wake(fc->conn);
}

static void
describe(const struct client *c, struct ipc_conn *out)
{
	memset(out, 0, sizeof(*out));
	out->id = c->fc.id;
	out->peer = c->fc.peer;
	out->tls = c->fc.is_tls;
	out->loopback = c->fc.is_loopback;
	out->plain = !conn_is_tls(c->fc.conn);
	out->listener =
	    (uint8_t)(c->fc.listener - c->fe->role->family->listeners);
}

void
frontend_login(struct fe_conn *fc, unsigned mech, struct slice user,
    struct slice authzid, struct slice secret)
{
	struct client *c = container_of(fc, struct client, fc);
	struct ipc_peer *auth = role_peer(c->fe->role, R_AUTH, 0);
	struct ipc_login_try head = { .mech = mech };
	struct ipc_out o;

	assert(c->state == CLIENT_TALK);
	c->state = CLIENT_LOGIN;
	fc->is_waiting = true;
	conn_want(fc->conn, 0);
	c->refusal = LOGIN_OK;
	if (!frontend_may_login(fc))
		c->refusal = LOGIN_PRIVACY;
	else if (auth == NULL || ipc_is_full(auth))
		c->refusal = LOGIN_UNAVAILABLE;
	if (c->refusal == LOGIN_OK) {
		describe(c, &head.conn);
		ipc_begin(&o, IPC_LOGIN_TRY, &head, sizeof(head));
		ipc_put_slice(&o, user);
		ipc_put_slice(&o, authzid);
		ipc_put_slice(&o, secret);
		/* names and secrets longer than a login can have */
		if (o.b.n > sizeof(struct ipc_head) + sizeof(head) + 2048) {
			ipc_out_drop(&o);
			c->refusal = LOGIN_FAILED;
		} else if (ipc_send(auth, &o) == -1) {
			c->refusal = LOGIN_UNAVAILABLE;
		}
	}
	if (c->refusal != LOGIN_OK)
		timer_start_ms(&c->later, 0);
}

/* ---- answers ---- */

static void
tell_result(struct client *c, enum login_code code, const char *user)
{
	struct login_result res = { .code = code, .user = user };

	c->state = CLIENT_TALK;
	c->fc.is_waiting = false;
	c->refusal = LOGIN_OK;
	if (code == LOGIN_OK) {
		conn_set_deadline_ms(c->fc.conn, 0);
		c->is_user = true;
		memcpy(c->user, user, strlen(user) + 1);
		if (c->is_counted)
			count_address(c, -1);
	}
	c->fe->ops->login_result(&c->fc, &res);
	run(c);
}

static struct client *
waiting_client(struct role *r, uint64_t id)
{
	struct frontend *fe = r->state;
	struct client *c = idmap_get(&fe->ids, id);

	return c != NULL && c->state == CLIENT_LOGIN && c->channel_fd == -1 ?
	    c :
	    NULL; /* the client left while PAM was thinking */
}

void
client_on_login_result(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_login_result head;
	char user[MAX_USER + 1];
	struct client *c;

	memcpy(&head, m->fixed, sizeof(head));
	ipc_get_str(m, user, sizeof(user));
	if (ipc_end(m) == -1 || head.code >= LOGIN_CODE_COUNT ||
	    (head.code == LOGIN_OK && r->family->session != NULL)) {
		family_drop(from, "login result not readable");
		return;
	}
	c = waiting_client(r, head.conn);
	if (c != NULL)
		tell_result(c, (enum login_code)head.code, user);
}

static void
on_pump_end(struct channel *ch, void *arg, const char *why)
{
	struct client *c = arg;
	const char *death = channel_death(ch);

	log_info(c->fc.id, strcmp(why, "handed-over") == 0 ? why : "closed",
	    "user", c->user, "address", c->fc.address, "reason",
	    death[0] == '\0' ? why : death, "in", LOG_U64(channel_bytes_in(ch)),
	    "out", LOG_U64(channel_bytes_out(ch)), NULL);
	c->state = CLIENT_ENDING;
	client_free(c);
}

/* The session has it: the hello, the unread input, then bytes both ways. */
static void
hand_over(struct client *c)
{
	struct channel_conf conf = { .on_end = on_pump_end, .arg = c };
	int fd = c->channel_fd;
	struct buf hello;
	struct err err;

	if (!conn_is_tls(c->fc.conn) && conn_out_bytes(c->fc.conn) > 0) {
		timer_start_ms(&c->later, RETRY_MS);
		return;
	}
	buf_init(&hello, HELLO_MAX);
	c->fe->ops->handover(&c->fc, &hello);
	c->channel_fd = -1;
	c->state = CLIENT_PUMP;
	conn_set_deadline_ms(c->fc.conn, 0);
	c->channel =
	    channel_open(&c->fc.conn, fd, buf_slice(&hello), &conf, &err);
	buf_wipe(&hello);
	close_protocol(c);
	if (c->is_counted)
		count_address(c, -1);
	c->is_user = true;
	if (c->channel == NULL) {
		log_err(c->fc.id, "not handed over", &err);
		c->state = CLIENT_ENDING;
		client_free(c);
	}
}

void
client_on_channel(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_channel head;
	char user[MAX_USER + 1];
	struct client *c;

	memcpy(&head, m->fixed, sizeof(head));
	ipc_get_str(m, user, sizeof(user));
	if (ipc_end(m) == -1) {
		family_drop(from, "channel not readable");
		return;
	}
	c = waiting_client(r, head.conn);
	if (c == NULL)
		return;
	memcpy(c->user, user, sizeof(c->user));
	c->channel_fd = ipc_take_fd(m, 0);
	hand_over(c);
}

static void
on_later(void *arg)
{
	struct client *c = arg;

	if (c->state == CLIENT_ENDING)
		client_end(c);
	else if (c->state == CLIENT_LOGIN && c->channel_fd != -1)
		hand_over(c);
	else if (c->state == CLIENT_LOGIN && c->refusal != LOGIN_OK)
		tell_result(c, c->refusal, "");
}

void
client_unanswered(struct client *c)
{
	if (c->state != CLIENT_LOGIN || c->channel_fd != -1)
		return;
	c->refusal = LOGIN_UNAVAILABLE;
	timer_start_ms(&c->later, 0);
}

void
client_bye(struct client *c)
{
	if (c->state == CLIENT_PUMP || c->state == CLIENT_ENDING ||
	    c->fc.is_busy)
		return;
	if (c->is_opened && c->state != CLIENT_HANDSHAKE &&
	    c->fe->ops->bye != NULL)
		c->fe->ops->bye(&c->fc);
	frontend_close(&c->fc, "shutdown");
}

void
frontend_not_busy(struct fe_conn *fc)
{
	fc->is_busy = false;
	if (fc->role->is_draining)
		client_bye(container_of(fc, struct client, fc));
}
