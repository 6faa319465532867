/* SPDX-License-Identifier: ISC */
/* The control socket: who is on the other end, lines in, lines out. */
#include <errno.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libnet/conn.h"
#include "libnet/listen.h"
#include "libserver/control.h"

#define COMMAND_MAX 1024u
#define CLIENTS_MAX 32u
#define IDLE_MS     30000u

struct control_client {
	LIST_ENTRY(control_client) entry;
	struct control *control;
	struct conn *conn;
	uint64_t id;
	bool is_busy; /* a command waits for its answer */
};

struct control {
	struct loop *loop;
	const struct control_ops *ops;
	void *arg;
	char *path;
	struct listener *listener;
	LIST_HEAD(, control_client) clients;
	unsigned n_clients;
	uint64_t last_id;
};

static void
client_free(struct control_client *cc)
{
	struct control *c = cc->control;

	LIST_REMOVE(cc, entry);
	c->n_clients--;
	if (c->ops->gone != NULL)
		c->ops->gone(c->arg, cc);
	conn_close(&cc->conn);
	xfree(cc);
}

/* One line, if there is one and none is being answered. */
static bool
take_line(struct control_client *cc)
{
	struct control *c = cc->control;
	struct slice in = conn_in(cc->conn), line, word;
	char *copy;

	if (cc->is_busy || !slice_cut(&in, '\n', &line))
		return false;
	copy = xstrndup(line.n == 0 ? "" : line.p, line.n);
	conn_consume(cc->conn, line.n + 1);
	cc->is_busy = true;
	line = slice_trim(slice_str(copy));
	(void)slice_cut(&line, ' ', &word);
	c->ops->command(c->arg, cc, word, slice_trim(line));
	xfree(copy);
	return true;
}

static void
on_ready(struct conn *conn, void *arg)
{
	struct control_client *cc = arg;

	while (take_line(cc))
		continue;
	if (conn_is_dead(conn) || (conn_eof(conn) && !cc->is_busy)) {
		client_free(cc);
		return;
	}
	conn_want(conn, cc->is_busy || conn_eof(conn) ? 0 : WANT_IN);
}

static bool
is_allowed(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	    (who.uid == 0 || who.uid == geteuid());
}

static void
on_accept(
    void *arg, int fd, const struct netaddr *peer, const struct netaddr *local)
{
	struct control *c = arg;
	struct conn_conf cc_conf = { .max_in = COMMAND_MAX,
		.on_ready = on_ready };
	struct control_client *cc;

	(void)peer;
	(void)local;
	if (!is_allowed(fd) || c->n_clients >= CLIENTS_MAX) {
		close(fd);
		return;
	}
	cc = xcalloc(1, sizeof(*cc));
	cc->control = c;
	cc->id = ++c->last_id;
	cc_conf.arg = cc;
	cc->conn = conn_new(c->loop, fd, &cc_conf);
	conn_set_timeout_ms(cc->conn, IDLE_MS);
	conn_want(cc->conn, WANT_IN);
	LIST_INSERT_HEAD(&c->clients, cc, entry);
	c->n_clients++;
}

struct control *
control_open(struct loop *loop, const char *path, const struct control_ops *ops,
    void *arg, struct err *err)
{
	struct listener_conf lc = { .on_accept = on_accept };
	struct control *c;
	int fd;

	if (listen_open_unix(path, 0600, &fd, err) == -1)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->loop = loop;
	c->ops = ops;
	c->arg = arg;
	c->path = xstrdup(path);
	LIST_INIT(&c->clients);
	lc.arg = c;
	c->listener = listener_new(loop, fd, &lc);
	return c;
}

void
control_close(struct control **cp)
{
	struct control *c = *cp;
	struct control_client *cc;

	*cp = NULL;
	if (c == NULL)
		return;
	while ((cc = LIST_FIRST(&c->clients)) != NULL)
		client_free(cc);
	listener_close(&c->listener);
	(void)unlink(c->path);
	xfree(c->path);
	xfree(c);
}

void
control_say(struct control_client *cc, struct slice line)
{
	struct out *o = conn_out(cc->conn);

	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '\n')
			line.n = i; /* a line is a line */
	out_slice(o, line);
	out_puts(o, "\n");
}

void
control_done(struct control_client *cc)
{
	out_puts(conn_out(cc->conn), ".\n");
	cc->is_busy = false;
	conn_wake(cc->conn);
}

uint64_t
control_client_id(const struct control_client *cc)
{
	return cc->id;
}

struct control_client *
control_client_find(struct control *c, uint64_t id)
{
	struct control_client *cc;

	LIST_FOREACH(cc, &c->clients, entry)
		if (cc->id == id)
			return cc;
	return NULL;
}
