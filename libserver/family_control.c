/* SPDX-License-Identifier: ISC */
/* What the parent answers on its control socket. */
#include <stdio.h>
#include <string.h>

#include "libserver/family_parent.h"

static const char *const state_words[] = {
	[CHILD_OFF] = "waiting",
	[CHILD_PAUSE] = "paused",
	[CHILD_STARTING] = "starting",
	[CHILD_KEYS] = "starting",
	[CHILD_READY] = "ready",
};

static void
say_fault(struct control_client *cc, const char *text)
{
	control_say(cc, slice_str("error"));
	control_say(cc, slice_str(text));
	control_done(cc);
}

static void
say_status(struct parent *p, struct control_client *cc)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_printf(&b, "daemon=%s generation=%ju serving=%s", p->f->name,
	    (uintmax_t)p->role.generation,
	    p->role.is_draining ? "draining" :
		p->ports.n > 0  ? "yes" :
				  "no");
	control_say(cc, buf_slice(&b));
	for (size_t i = 0; i < p->n_children; i++) {
		const struct child *c = &p->children[i];

		buf_reset(&b);
		buf_printf(&b,
		    "role=%s index=%u pid=%d state=%s since=%ju restarts=%u",
		    c->spec->name, c->index, (int)c->pid, state_words[c->state],
		    (uintmax_t)c->since, c->n_restarts);
		control_say(cc, buf_slice(&b));
	}
	buf_free(&b);
	control_done(cc);
}

/* Ask those who know the users: the nursery, or where there are no sessions
 * the frontends. */
static void
ask(struct parent *p, struct control_client *cc, uint16_t type,
    struct slice user)
{
	enum role_id who = p->f->session != NULL ? R_NURSERY : R_FRONTEND;
	struct ipc_ctl head = { .id = control_client_id(cc) };
	struct child *c;
	struct ipc_out o;
	size_t pos = 0;

	if (p->n_awaited > 0) {
		say_fault(cc, "busy with another question: try again");
		return;
	}
	p->asked_client = head.id;
	while ((c = child_next(p, who, &pos)) != NULL) {
		if (c->state != CHILD_READY)
			continue;
		ipc_begin(&o, type, &head, sizeof(head));
		ipc_put_slice(&o, user);
		if (ipc_send(c->peer, &o) == 0) {
			c->is_asked = true;
			p->n_awaited++;
		}
	}
	if (p->n_awaited == 0)
		control_done(cc);
}

/* Whether this child was asked, and by this client: else it forges. */
static bool
was_asked(struct parent *p, struct ipc_peer *from, uint64_t id)
{
	const struct child *c = ipc_peer_arg(from);

	if (c->is_asked && id == p->asked_client)
		return true;
	family_drop(from, "answered what was not asked");
	return false;
}

void
parent_on_ctl_line(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct parent *p = r->state;
	struct control_client *cc;
	struct ipc_ctl head;
	struct slice line;

	memcpy(&head, m->fixed, sizeof(head));
	line = ipc_get_slice(m, 2000);
	if (ipc_end(m) == -1) {
		family_drop(from, "line not readable");
		return;
	}
	if (!was_asked(p, from, head.id))
		return;
	cc = control_client_find(p->control, head.id);
	if (cc != NULL)
		control_say(cc, line);
}

/* It has answered, or never will. */
static void
one_less(struct child *c)
{
	struct parent *p = c->parent;
	struct control_client *cc;

	c->is_asked = false;
	if (--p->n_awaited > 0)
		return;
	cc = control_client_find(p->control, p->asked_client);
	if (cc != NULL)
		control_done(cc);
}

void
parent_on_ctl_done(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct parent *p = r->state;
	struct ipc_ctl head;

	memcpy(&head, m->fixed, sizeof(head));
	if (was_asked(p, from, head.id))
		one_less(ipc_peer_arg(from));
}

void
parent_ctl_peer_gone(struct child *c)
{
	if (c->is_asked)
		one_less(c);
}

static void
ctl_who(struct parent *p, struct control_client *cc, struct slice rest)
{
	ask(p, cc, IPC_CTL_WHO, slice_head(rest, MAX_USER));
}

static void
ctl_kick(struct parent *p, struct control_client *cc, struct slice rest)
{
	if (rest.n == 0 || rest.n > MAX_USER)
		say_fault(cc, "write: kick USER");
	else
		ask(p, cc, IPC_CTL_KICK, rest);
}

static void
ctl_status(struct parent *p, struct control_client *cc, struct slice rest)
{
	(void)rest;
	say_status(p, cc);
}

static void
ctl_reload(struct parent *p, struct control_client *cc, struct slice rest)
{
	(void)rest;
	parent_reload(p);
	control_done(cc);
}

static void
ctl_drain(struct parent *p, struct control_client *cc, struct slice rest)
{
	(void)rest;
	control_done(cc);
	parent_drain(p);
}

static const struct {
	const char *word;
	void (*fn)(
	    struct parent *p, struct control_client *cc, struct slice rest);
} commands[] = {
	{ "who", ctl_who },
	{ "kick", ctl_kick },
	{ "status", ctl_status },
	{ "reload", ctl_reload },
	{ "drain", ctl_drain },
};

static void
on_command(
    void *arg, struct control_client *cc, struct slice word, struct slice rest)
{
	for (size_t i = 0; i < N_ELEMENTS(commands); i++) {
		if (slice_eq_str(word, commands[i].word)) {
			commands[i].fn(arg, cc, rest);
			return;
		}
	}
	say_fault(cc, "commands: who, kick USER, status, reload, drain");
}

int
parent_control_open(struct parent *p, struct err *err)
{
	static const struct control_ops ops = { .command = on_command };
	char path[108];

	snprintf(path, sizeof(path), "%s/%s.ctl",
	    conf_str(p->role.conf, "run_dir"), p->f->name);
	p->control = control_open(p->role.loop, path, &ops, p, err);
	if (p->control == NULL && err->code == ERR_BUSY)
		return err_set(err, ERR_BUSY,
		    "%s runs already: its control socket %.90s answers",
		    p->f->name, path);
	return p->control == NULL ? -1 : 0;
}
