/* SPDX-License-Identifier: ISC */
/* The executed roles: started, introduced to each other, restarted. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libserver/family_parent.h"

#define MINUTE_US 60000000u
#define PAUSE_MAX 60u /* seconds */

static void
child_gone(struct role *r, struct ipc_peer *peer, const char *fault);

/* A report about somebody is believed when the one who reports stands higher.
 */
static unsigned
trust(enum role_id id)
{
	static const uint8_t order[R_COUNT] = {
		[R_PARENT] = 9,
		[R_AUTH] = 8,
		[R_NURSERY] = 7,
		[R_LOG] = 6,
		[R_QUEUE] = 5,
		[R_HELPER] = 4,
		[R_SESSION] = 2,
		[R_DELIVER] = 2,
		[R_FRONTEND] = 1,
		[R_RELAY] = 1,
	};

	return order[id];
}

static unsigned
wanted_count(const struct parent *p, const struct role_spec *spec)
{
	uint64_t n;
	long cores;

	if (spec->id != R_FRONTEND)
		return 1;
	n = conf_u64(p->role.conf, "frontends");
	if (n == 0) {
		cores = sysconf(_SC_NPROCESSORS_ONLN);
		n = p->f->max_frontends == 0 ? 1 : p->f->max_frontends;
		if (cores >= 1 && (uint64_t)cores < n)
			n = (uint64_t)cores;
	}
	return (unsigned)n;
}

static void
pause_over(void *arg)
{
	struct child *c = arg;

	c->state = CHILD_OFF;
	children_start(c->parent);
}

void
children_make(struct parent *p)
{
	size_t n = 0;

	for (size_t i = 0; p->f->roles[i] != NULL; i++)
		n += wanted_count(p, p->f->roles[i]);
	p->children = xcalloc(n + 1, sizeof(*p->children));
	for (size_t i = 0; p->f->roles[i] != NULL; i++) {
		const struct role_spec *spec = p->f->roles[i];
		unsigned count = wanted_count(p, spec);

		if (spec->on_demand)
			continue;
		for (unsigned k = 0; k < count; k++) {
			struct child *c = &p->children[p->n_children++];

			c->parent = p;
			c->spec = spec;
			c->index = k;
			timer_init(&c->pause, p->role.loop, pause_over, c);
		}
	}
}

struct child *
child_next(struct parent *p, enum role_id id, size_t *pos)
{
	while (*pos < p->n_children) {
		struct child *c = &p->children[(*pos)++];

		if (c->spec->id == id)
			return c;
	}
	return NULL;
}

bool
children_all_ready(const struct parent *p)
{
	for (size_t i = 0; i < p->n_children; i++)
		if (p->children[i].state != CHILD_READY)
			return false;
	return true;
}

/* Frontends come last: whoever they need is there then. */
static bool
may_start(const struct parent *p, const struct child *c)
{
	if (c->spec->id != R_FRONTEND)
		return true;
	for (size_t i = 0; i < p->n_children; i++)
		if (p->children[i].spec->id != R_FRONTEND &&
		    p->children[i].state != CHILD_READY)
			return false;
	return true;
}

static void
send_config(struct child *c)
{
	struct parent *p = c->parent;
	struct ipc_config head = { .generation = p->role.generation };
	struct ipc_out o;

	ipc_begin(&o, IPC_CONFIG, &head, sizeof(head));
	conf_put(&o, p->role.conf, c->spec->id);
	if (ipc_send(c->peer, &o) == -1 && c->peer != NULL)
		log_error(0, "settings not sent", "to", c->spec->name, NULL);
}

static void
start(struct child *c)
{
	struct parent *p = c->parent;
	bool is_log = c->spec->id == R_LOG;
	struct ipc_peer_conf pc = { .role = &p->role,
		.loop = p->role.loop,
		.me = R_PARENT,
		.peer = c->spec->id,
		.index = c->index,
		.rules = p->f->ipc,
		.handlers = parent_handlers,
		.gone = child_gone,
		.arg = c };
	int fds[2], std_fd = p->log_write;
	struct err err;

	/* a daemon lets the terminal go, unless it is the log */
	if (is_log)
		std_fd = strcmp(conf_str(p->role.conf, "log"), "stderr") == 0 ?
		    STDERR_FILENO :
		    -1;
	if (ipc_pair(fds, &err) == -1) {
		log_err(0, "role not started", &err);
		c->state = CHILD_PAUSE;
		timer_start_ms(&c->pause, 1000);
		return;
	}
	c->pid = role_exec(p->f, c->spec->name, c->index, fds[1],
	    is_log ? p->log_read : p->log_write, std_fd, &err);
	close(fds[1]);
	if (c->pid == -1) {
		log_err(0, "role not started", &err);
		close(fds[0]);
		c->pid = 0;
		c->state = CHILD_PAUSE;
		timer_start_ms(&c->pause, 1000);
		return;
	}
	c->peer = ipc_peer_new(fds[0], &pc);
	c->state = CHILD_STARTING;
	c->since = (uint64_t)clock_now();
	send_config(c);
}

void
children_start(struct parent *p)
{
	if (p->role.is_draining)
		return;
	for (size_t i = 0; i < p->n_children; i++)
		if (p->children[i].state == CHILD_OFF &&
		    may_start(p, &p->children[i]))
			start(&p->children[i]);
}

void
child_kill(struct child *c, int signum)
{
	if (c->pid > 0)
		(void)kill(c->pid, signum);
}

/* ---- introductions ---- */

static bool
are_to_talk(const struct child *a, const struct child *b)
{
	return (a->spec->peers & R_BIT(b->spec->id)) != 0 ||
	    (b->spec->peers & R_BIT(a->spec->id)) != 0;
}

static void
tell_of(struct child *to, const struct child *of, enum peer_kind kind, int fd)
{
	struct ipc_peer_intro intro = {
		.role = of->spec->id, .index = of->index, .kind = kind
	};
	struct ipc_out o;

	ipc_begin(&o, IPC_PEER, &intro, sizeof(intro));
	ipc_put_fd(&o, fd);
	(void)ipc_send(to->peer, &o);
}

static void
introduce(struct child *a, struct child *b, enum peer_kind kind)
{
	struct err err;
	int fds[2];

	if (ipc_pair(fds, &err) == -1) {
		log_err(0, "roles not introduced", &err);
		child_kill(a, SIGKILL); /* tried again from the start */
		return;
	}
	tell_of(a, b, kind, fds[0]);
	tell_of(b, a, kind, fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static void
introduce_all(struct child *c)
{
	struct parent *p = c->parent;

	for (size_t i = 0; i < p->n_children; i++) {
		struct child *d = &p->children[i];

		if (d == c || d->state != CHILD_READY || !are_to_talk(c, d))
			continue;
		if ((c->spec->id == R_FRONTEND && d->spec->id == R_AUTH) ||
		    (c->spec->id == R_AUTH && d->spec->id == R_FRONTEND))
			introduce(c, d, PEER_SIGN);
		introduce(c, d, PEER_TALK);
	}
}

/* ---- keys, certificates, ports ---- */

static void
send_keys(struct child *c)
{
	struct parent *p = c->parent;
	struct ipc_key head = { .generation = p->role.generation };
	struct ipc_out o;

	for (size_t i = 0; i < p->certs.n; i++) {
		head.key_id = p->certs.v[i].id;
		ipc_begin(&o, IPC_KEY, &head, sizeof(head));
		ipc_put_slice(&o, buf_slice(&p->certs.v[i].key));
		(void)ipc_send(c->peer, &o);
	}
	head.key_id = 0;
	head.last = 1;
	(void)IPC_SEND(c->peer, IPC_KEY, &head);
	send_config(c); /* its READY says that the keys are there */
}

static void
send_certs(struct child *c)
{
	struct parent *p = c->parent;
	struct ipc_key head = { .generation = p->role.generation };
	struct ipc_out o;

	for (size_t i = 0; i < p->certs.n; i++) {
		head.key_id = p->certs.v[i].id;
		ipc_begin(&o, IPC_CERT, &head, sizeof(head));
		ipc_put_slice(&o, buf_slice(&p->certs.v[i].chain));
		(void)ipc_send(c->peer, &o);
	}
	head.key_id = 0;
	head.last = 1;
	(void)IPC_SEND(c->peer, IPC_CERT, &head);
}

static void
send_ports(struct child *c)
{
	struct parent *p = c->parent;
	struct ipc_listen end = { .last = 1 };
	struct ipc_out o;

	for (size_t i = 0; i < p->ports.n; i++) {
		struct ipc_listen head = { .listener = p->ports.v[i].listener };

		ipc_begin(&o, IPC_LISTEN, &head, sizeof(head));
		ipc_put_fd(&o, p->ports.v[i].fd);
		(void)ipc_send(c->peer, &o);
	}
	(void)IPC_SEND(c->peer, IPC_LISTEN, &end);
}

static void
send_ticket_key(struct child *c)
{
	struct ipc_ticket_key k;

	memcpy(k.bytes, c->parent->ticket_key, sizeof(k.bytes));
	(void)IPC_SEND(c->peer, IPC_TICKET_KEY, &k);
	mem_wipe(&k, sizeof(k));
}

void
children_ticket_key(struct parent *p)
{
	size_t pos = 0;
	struct child *c;

	while ((c = child_next(p, R_FRONTEND, &pos)) != NULL)
		if (c->state == CHILD_READY)
			send_ticket_key(c);
}

static void
serve(struct child *frontend)
{
	send_ticket_key(frontend);
	send_certs(frontend);
	send_ports(frontend);
}

/* Auth has the new keys: now the frontends may use them. */
static void
finish_reload(struct parent *p)
{
	size_t pos = 0;
	struct child *c;

	p->is_reloading = false;
	while ((c = child_next(p, R_FRONTEND, &pos)) != NULL) {
		if (c->state != CHILD_READY)
			continue;
		send_config(c);
		serve(c);
	}
	log_info(
	    0, "reloaded", "generation", LOG_U64(p->role.generation), NULL);
	notify_systemd("READY=1");
}

void
children_reload(struct parent *p)
{
	size_t pos = 0;
	struct child *auth = child_next(p, R_AUTH, &pos);

	p->is_reloading = true;
	for (size_t i = 0; i < p->n_children; i++) {
		struct child *c = &p->children[i];

		if (c->peer == NULL || c->spec->id == R_FRONTEND)
			continue;
		if (c != auth)
			send_config(c);
		else if (c->state == CHILD_READY)
			send_keys(c);
	}
	if (auth == NULL || auth->state != CHILD_READY)
		finish_reload(p); /* keys go to auth when it starts */
}

/* ---- what children say ---- */

static void
on_ready(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct child *c = ipc_peer_arg(from);
	struct parent *p = c->parent;
	struct ipc_ready ready;

	(void)r;
	memcpy(&ready, m->fixed, sizeof(ready));
	if (c->state == CHILD_READY) {
		if (c->spec->id == R_AUTH && p->is_reloading &&
		    ready.generation == p->role.generation)
			finish_reload(p);
		return;
	}
	if (c->spec->id == R_AUTH && c->state == CHILD_STARTING) {
		c->state = CHILD_KEYS;
		send_keys(c);
		return;
	}
	c->state = CHILD_READY;
	log_debug(0, "role ready", "name", c->spec->name, NULL);
	if (c->spec->id == R_LOG)
		log_file_send(p);
	introduce_all(c);
	if (c->spec->id == R_FRONTEND)
		serve(c);
	children_start(p);
	parent_step(p);
}

static struct child *
find_child(struct parent *p, uint32_t role, uint32_t index)
{
	for (size_t i = 0; i < p->n_children; i++)
		if ((uint32_t)p->children[i].spec->id == role &&
		    p->children[i].index == index)
			return &p->children[i];
	return NULL;
}

static void
on_fault(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct child *c = ipc_peer_arg(from), *who;
	struct ipc_fault f;
	char why[256];

	(void)r;
	memcpy(&f, m->fixed, sizeof(f));
	ipc_get_str(m, why, sizeof(why));
	who = find_child(c->parent, f.role, f.index);
	if (ipc_end(m) == -1 || who == NULL) {
		family_drop(from, "fault about nobody");
		return;
	}
	/* the pair between the two has ended: one of them must go */
	if (trust(who->spec->id) >= trust(c->spec->id))
		who = c;
	log_error(0, "role dropped", "name", who->spec->name, "index",
	    LOG_U64(who->index), "pid", LOG_U64(who->pid), "told_by",
	    c->spec->name, "reason", why, NULL);
	child_kill(who, SIGKILL);
}

const struct ipc_handler parent_handlers[] = {
	{ IPC_READY, on_ready, false },
	{ IPC_FAULT, on_fault, false },
	{ IPC_CTL_LINE, parent_on_ctl_line, false },
	{ IPC_CTL_DONE, parent_on_ctl_done, false },
	{ .fn = NULL },
};

static void
child_gone(struct role *r, struct ipc_peer *peer, const char *fault)
{
	struct child *c = ipc_peer_arg(peer);

	(void)r;
	c->peer = NULL;
	if (fault != NULL)
		log_error(0, "role dropped", "name", c->spec->name, "pid",
		    LOG_U64(c->pid), "reason", fault, NULL);
	if (!c->parent->role.is_draining)
		child_kill(c, SIGKILL); /* without its pair it is of no use */
}

/* ---- deaths ---- */

static void
log_death(const struct child *c, int status)
{
	const char *sig = NULL;
	char name[16];

	if (WIFSIGNALED(status)) {
		sig = sigabbrev_np(WTERMSIG(status));
		snprintf(name, sizeof(name), "SIG%s", sig == NULL ? "?" : sig);
	}
	if (c->parent->role.is_draining && status == 0) {
		log_debug(0, "role ended", "name", c->spec->name, NULL);
		return;
	}
	log_error(0, "role died", "name", c->spec->name, "index",
	    LOG_U64(c->index), "pid", LOG_U64(c->pid), "signal",
	    sig == NULL ? NULL : name, "exit",
	    sig == NULL ? LOG_U64(WEXITSTATUS(status)) : NULL, "hint",
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ?
		"a system call outside its sandbox" :
		NULL,
	    NULL);
}

/* Three deaths in a minute: growing pauses and one loud line. */
static uint64_t
pause_ms(struct child *c)
{
	uint64_t now = clock_mono_us(), secs;

	if (c->deaths_us[DEATHS_KEPT - 1] == 0 ||
	    now - c->deaths_us[DEATHS_KEPT - 1] >
		MINUTE_US + c->n_fast * PAUSE_MAX * 3000000ull) {
		c->n_fast = 0;
		c->is_loud = false;
		return 50;
	}
	secs = c->n_fast >= 6 ? PAUSE_MAX : 1ull << c->n_fast;
	c->n_fast++;
	if (!c->is_loud)
		log_error(0, "ROLE KEEPS DYING: restarted with pauses", "name",
		    c->spec->name, "index", LOG_U64(c->index), NULL);
	c->is_loud = true;
	return secs * 1000;
}

static void
child_died(struct child *c, int status)
{
	struct parent *p = c->parent;

	log_death(c, status);
	ipc_peer_close(&c->peer);
	c->pid = 0;
	c->n_restarts++;
	c->state = CHILD_PAUSE;
	memmove(c->deaths_us + 1, c->deaths_us,
	    sizeof(c->deaths_us) - sizeof(c->deaths_us[0]));
	c->deaths_us[0] = clock_mono_us();
	parent_ctl_peer_gone(c);
	if (!p->role.is_draining)
		timer_start_ms(&c->pause, pause_ms(c));
	parent_step(p);
}

static void
on_sigchld(void *arg, int signum)
{
	struct parent *p = arg;
	pid_t pid;
	int status;

	(void)signum;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < p->n_children; i++)
			if (p->children[i].pid == pid)
				child_died(&p->children[i], status);
}

void
children_watch(struct parent *p)
{
	loop_signal(p->role.loop, SIGCHLD, on_sigchld, p);
}
