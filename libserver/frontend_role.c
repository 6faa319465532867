/* SPDX-License-Identifier: ISC */
/* The frontend role: ports, certificates, peers, the control socket. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libbase/random.h"
#include "libserver/frontend_state.h"

#define LISTEN_MAX  256u
#define NETWORK_MAX 1000u

void
frontend_pause(struct frontend *fe, bool pause)
{
	if (pause == fe->is_paused)
		return;
	fe->is_paused = pause;
	for (size_t i = 0; i < fe->n_ports; i++) {
		if (pause)
			listener_pause(fe->ports[i].listener);
		else
			listener_resume(fe->ports[i].listener);
	}
	if (pause)
		log_warn(0, "max_connections reached: accepting pauses", NULL);
}

/* ---- ports and certificates from the parent ---- */

static void
close_ports(struct fe_port *ports, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		listener_close(&ports[i].listener);
		if (ports[i].fd != -1)
			close(ports[i].fd);
	}
	xfree(ports);
}

static void
on_trouble(void *arg, int sys)
{
	(void)arg;
	log_warn(0, "accepting pauses", "err", strerrorname_np(sys), NULL);
}

static void
use_ports(struct frontend *fe)
{
	struct listener_conf lc = { .on_accept = client_accept,
		.on_trouble = on_trouble };

	close_ports(fe->ports, fe->n_ports);
	fe->ports = fe->coming;
	fe->n_ports = fe->n_coming;
	fe->coming = NULL;
	fe->n_coming = 0;
	fe->is_paused = false;
	for (size_t i = 0; i < fe->n_ports; i++) {
		lc.arg = &fe->ports[i];
		fe->ports[i].listener =
		    listener_new(fe->role->loop, fe->ports[i].fd, &lc);
		fe->ports[i].fd = -1;
	}
}

static void
on_listen(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct frontend *fe = r->state;
	const struct listener_spec *rows = r->family->listeners;
	struct ipc_listen head;
	unsigned n = 0;

	memcpy(&head, m->fixed, sizeof(head));
	if (head.last != 0) {
		if (!r->is_draining)
			use_ports(fe);
		return;
	}
	while (rows[n].setting != NULL)
		n++;
	if (head.listener >= n || m->n_fds != 1 || fe->n_coming >= LISTEN_MAX) {
		family_drop(from, "no such port");
		return;
	}
	fe->coming =
	    xreallocarray(fe->coming, fe->n_coming + 1, sizeof(*fe->coming));
	fe->coming[fe->n_coming++] = (struct fe_port){
		.fe = fe, .spec = &rows[head.listener], .fd = ipc_take_fd(m, 0)
	};
}

static void
on_cert(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct frontend *fe = r->state;

	fe_tls_on_cert(fe->tls, from, m);
}

static void
on_ticket_key(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct frontend *fe = r->state;

	(void)from;
	fe_tls_on_ticket_key(fe->tls, m);
}

/* ---- the control socket's questions (families without sessions) ---- */

static void
say_client(
    const struct client *c, struct ipc_peer *to, const struct ipc_ctl *head)
{
	struct ipc_out o;
	struct buf b;

	buf_init(&b, 2000);
	buf_puts(&b, "what=connection");
	log_put_pair(&b, "user", slice_str(c->user));
	buf_printf(&b, " connections=1 protocol=%s address=%s",
	    c->fe->role->family->protocol, c->fc.address);
	ipc_begin(&o, IPC_CTL_LINE, head, sizeof(*head));
	ipc_put_slice(&o, buf_slice(&b));
	(void)ipc_send(to, &o);
	buf_free(&b);
}

static void
on_ctl(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct frontend *fe = r->state;
	char user[MAX_USER + 1];
	struct ipc_ctl head;
	struct client *c;

	memcpy(&head, m->fixed, sizeof(head));
	ipc_get_str(m, user, sizeof(user));
	LIST_FOREACH(c, &fe->clients, entry) {
		if (!c->is_user ||
		    (user[0] != '\0' && strcmp(user, c->user) != 0))
			continue;
		say_client(c, from, &head);
		if (m->type == IPC_CTL_KICK && c->fc.conn != NULL)
			frontend_close(&c->fc, "kicked");
	}
	(void)IPC_SEND(from, IPC_CTL_DONE, &head);
}

/* ---- the role ---- */

static void
read_networks(struct frontend *fe)
{
	size_t n;
	const char *const *list =
	    conf_list(fe->role->conf, "trusted_networks", &n);
	struct err err;

	xfree(fe->trusted);
	fe->trusted = xcalloc(n + 1, sizeof(*fe->trusted));
	fe->n_trusted = 0;
	for (size_t i = 0; i < n && i < NETWORK_MAX; i++)
		if (netblock_parse(slice_str(list[i]),
			&fe->trusted[fe->n_trusted], &err) == 0)
			fe->n_trusted++;
}

static int
frontend_start(struct role *r, struct err *err)
{
	struct frontend *fe = xcalloc(1, sizeof(*fe));

	(void)err;
	fe->role = r;
	fe->ops = r->family->frontend;
	fe->tls = fe_tls_new();
	LIST_INIT(&fe->clients);
	/* never the same in another life of this frontend, nor in others */
	fe->last_id = (random_u64() >> 1) & ~0xffffffffull;
	r->state = fe;
	read_networks(fe);
	return 0;
}

static void
frontend_reload(struct role *r, const struct conf *old)
{
	(void)old;
	read_networks(r->state);
}

static void
frontend_pair(struct role *r, enum role_id peer, unsigned index,
    enum peer_kind kind, int fd)
{
	struct frontend *fe = r->state;

	(void)index;
	if (peer == R_AUTH && kind == PEER_SIGN)
		fe_tls_set_sign_fd(fe->tls, fd);
	else
		close(fd);
}

static void
frontend_peer_up(struct role *r, struct ipc_peer *p)
{
	struct frontend *fe = r->state;

	if (fe->ops->peer_up != NULL)
		fe->ops->peer_up(r, p);
}

void
frontend_each(struct role *r, void (*fn)(struct fe_conn *fc))
{
	struct frontend *fe = r->state;
	struct client *c;

	LIST_FOREACH(c, &fe->clients, entry)
		if (c->state == CLIENT_TALK && c->is_opened)
			fn(&c->fc);
}

/* Auth or nursery died: logins under way have no answer. */
static void
frontend_peer_gone(struct role *r, struct ipc_peer *p)
{
	struct frontend *fe = r->state;
	enum role_id who = ipc_peer_role(p);
	struct client *c;

	if (who == R_AUTH || who == R_NURSERY)
		LIST_FOREACH(c, &fe->clients, entry)
			client_unanswered(c);
	if (fe->ops->peer_gone != NULL)
		fe->ops->peer_gone(r, p);
}

static void
frontend_drain(struct role *r, uint64_t within_ms)
{
	struct frontend *fe = r->state;
	struct client *c;

	(void)within_ms;
	close_ports(fe->ports, fe->n_ports);
	fe->ports = NULL;
	fe->n_ports = 0;
	LIST_FOREACH(c, &fe->clients, entry)
		client_bye(c);
	if (fe->n_clients == 0)
		role_quit(r);
}

static const struct ipc_handler frontend_handlers[] = {
	{ IPC_LOGIN_RESULT, client_on_login_result, false },
	{ IPC_CHANNEL, client_on_channel, false },
	{ IPC_LISTEN, on_listen, false },
	{ IPC_CERT, on_cert, false },
	{ IPC_TICKET_KEY, on_ticket_key, false },
	{ IPC_CTL_WHO, on_ctl, false },
	{ IPC_CTL_KICK, on_ctl, false },
	{ .fn = NULL },
};

const struct role_spec frontend_role = {
	.id = R_FRONTEND,
	.name = "frontend",
	.sandbox = SANDBOX_FRONTEND,
	.user_setting = "net_user",
	.folder_setting = "empty_dir",
	.peers = R_BIT(R_AUTH) | R_BIT(R_NURSERY) | R_BIT(R_QUEUE),
	.handlers = frontend_handlers,
	.start = frontend_start,
	.peer_up = frontend_peer_up,
	.peer_gone = frontend_peer_gone,
	.pair = frontend_pair,
	.reload = frontend_reload,
	.drain = frontend_drain,
};
