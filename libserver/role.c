/* SPDX-License-Identifier: ISC */
/* A role from its execution to its end: settings, sandbox, peers, loop. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/conn.h"
#include "libnet/loop.h"
#include "libserver/family.h"

/* The maker has sent the settings before it executed us. */
#define FIRST_WORD_MS 30000
#define LAST_WORDS_MS 200

static void peer_gone(struct role *r, struct ipc_peer *p, const char *fault);
static void maker_gone(struct role *r, struct ipc_peer *p, const char *fault);

int
role_user(const struct conf *c, const char *setting, uid_t *uid_out,
    gid_t *gid_out, struct err *err)
{
	const char *text = conf_str(c, setting);
	struct passwd *pw;
	uint32_t n;
	FILE *f;
	int r = -1;

	if (slice_u32(slice_str(text), UINT32_MAX - 1, &n) == 0) {
		if (n == 0)
			return err_set(
			    err, ERR_INVALID, "%s must not be root", setting);
		*uid_out = n;
		*gid_out = n;
		return 0;
	}
	f = fopen("/etc/passwd", "re");
	if (f == NULL)
		return err_sys(err, "/etc/passwd");
	while (r == -1 && (pw = fgetpwent(f)) != NULL) {
		if (strcmp(pw->pw_name, text) != 0)
			continue;
		*uid_out = pw->pw_uid;
		*gid_out = pw->pw_gid;
		r = 0;
	}
	fclose(f);
	if (r == -1)
		return err_set(err, ERR_NOTFOUND,
		    "there is no user \"%.60s\" in /etc/passwd: make it, or "
		    "set %s to another name or a number",
		    text, setting);
	if (*uid_out == 0)
		return err_set(
		    err, ERR_INVALID, "%s must not be root", setting);
	return 0;
}

struct ipc_peer *
role_peer(struct role *r, enum role_id id, unsigned index)
{
	for (size_t i = 0; i < N_ELEMENTS(r->peers); i++)
		if (r->peers[i] != NULL && ipc_peer_role(r->peers[i]) == id &&
		    ipc_peer_index(r->peers[i]) == index)
			return r->peers[i];
	return NULL;
}

void
role_quit(struct role *r)
{
	r->is_quitting = true;
	loop_stop(r->loop);
}

static const struct ipc_handler *
program_handlers(const struct role *r)
{
	if (r->spec->id == R_FRONTEND && r->family->frontend != NULL)
		return r->family->frontend->handlers;
	return NULL;
}

/* Take it off the list, tell the role. */
static void
forget_peer(struct role *r, struct ipc_peer *p)
{
	for (size_t i = 0; i < N_ELEMENTS(r->peers); i++)
		if (r->peers[i] == p)
			r->peers[i] = NULL;
	if (r->spec->peer_gone != NULL)
		r->spec->peer_gone(r, p);
}

static void
ignore(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	(void)r;
	(void)from;
	(void)m;
}

/* What a role that was spawned by us says beside its own messages. */
static const struct ipc_handler spawned_handlers[] = {
	{ IPC_HELPER_READY, ignore, false },
	{ .fn = NULL },
};

/* Take a pair into r->peers; one that is there with that role and index ends
 * first. */
static struct ipc_peer *
add_peer(struct role *r, enum role_id id, unsigned index, int fd)
{
	struct ipc_peer_conf pc = { .role = r,
		.loop = r->loop,
		.me = r->spec->id,
		.peer = id,
		.index = index,
		.rules = r->family->ipc,
		.handlers = r->spec->handlers,
		.more = id == R_HELPER ? spawned_handlers : program_handlers(r),
		.gone = peer_gone };
	struct ipc_peer *old = role_peer(r, id, index);

	if (old != NULL) {
		forget_peer(r, old);
		ipc_peer_close(&old);
	}
	for (size_t i = 0; i < N_ELEMENTS(r->peers); i++) {
		if (r->peers[i] != NULL)
			continue;
		r->peers[i] = ipc_peer_new(fd, &pc);
		return r->peers[i];
	}
	close(fd);
	return NULL;
}

static void
peer_gone(struct role *r, struct ipc_peer *p, const char *fault)
{
	struct ipc_fault f = { .role = ipc_peer_role(p),
		.index = ipc_peer_index(p) };
	struct ipc_out o;

	if (fault != NULL) {
		log_error(0, "peer dropped", "peer", role_word(f.role), "index",
		    LOG_U64(f.index), "reason", fault, NULL);
		ipc_begin(&o, IPC_FAULT, &f, sizeof(f));
		ipc_put_str(&o, fault);
		(void)ipc_send(r->maker, &o);
	}
	forget_peer(r, p);
}

/* ---- what the maker says ---- */

static void
set_log_level(const struct conf *c)
{
	static const char *const words[] = { "debug", "info", "warn", "error" };
	const char *level = conf_str(c, "log_level");

	for (size_t i = 0; i < N_ELEMENTS(words); i++)
		if (strcmp(level, words[i]) == 0)
			log_set_level((enum log_level)i);
}

static void
say_ready(struct role *r)
{
	struct ipc_ready ready = { .generation = r->generation };

	if (r->spec->id == R_HELPER)
		(void)IPC_SEND(r->maker, IPC_HELPER_READY, &ready);
	else
		(void)IPC_SEND(r->maker, IPC_READY, &ready);
}

static void
on_config(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_config head;
	struct conf *c, *old = r->conf;

	memcpy(&head, m->fixed, sizeof(head));
	c = conf_get(m, r->family->settings);
	if (c == NULL) {
		family_drop(from, "settings not readable");
		return;
	}
	r->conf = c;
	r->generation = head.generation;
	set_log_level(c);
	if (r->spec->reload != NULL)
		r->spec->reload(r, old);
	conf_free(old);
	say_ready(r);
}

static void
on_peer(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_peer_intro intro;
	struct ipc_peer *p;
	int fd = ipc_take_fd(m, 0);

	memcpy(&intro, m->fixed, sizeof(intro));
	if (intro.role >= R_COUNT || ipc_end(m) == -1) {
		family_drop(from, "no such role");
		close(fd);
		return;
	}
	if (intro.kind != PEER_TALK) {
		if (r->spec->pair != NULL)
			r->spec->pair(r, (enum role_id)intro.role, intro.index,
			    (enum peer_kind)intro.kind, fd);
		else
			close(fd);
		return;
	}
	p = add_peer(r, (enum role_id)intro.role, intro.index, fd);
	if (p != NULL && r->spec->peer_up != NULL)
		r->spec->peer_up(r, p);
}

static void
on_drain(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_drain d;

	(void)from;
	memcpy(&d, m->fixed, sizeof(d));
	if (r->is_draining)
		return;
	r->is_draining = true;
	if (r->spec->drain != NULL)
		r->spec->drain(r, d.within_ms);
	else
		role_quit(r);
}

static const struct ipc_handler maker_handlers[] = {
	{ IPC_CONFIG, on_config, false },
	{ IPC_PEER, on_peer, false },
	{ IPC_DRAIN, on_drain, true },
	{ .fn = NULL },
};

static void
maker_gone(struct role *r, struct ipc_peer *p, const char *fault)
{
	(void)p;
	(void)fault;
	r->maker = NULL;
	role_quit(r); /* the parent's death ends all */
}

/* ---- the way in ---- */

static const struct role_spec *
find_spec(const struct family *f, const char *name)
{
	for (size_t i = 0; f->roles[i] != NULL; i++)
		if (strcmp(f->roles[i]->name, name) == 0)
			return f->roles[i];
	return NULL;
}

static int
first_config(struct role *r, enum role_id maker, struct err *err)
{
	struct ipc_config head;
	struct ipc_msg m = { 0 };
	struct buf tail;
	int x;

	buf_init(&tail, MAX_IPC_DATAGRAM);
	x = ipc_await(ROLE_FD_MAKER, r->family->ipc, r->spec->id, maker,
	    IPC_CONFIG, &head, sizeof(head), &tail, FIRST_WORD_MS, err);
	if (x == 0) {
		m.tail = buf_slice(&tail);
		r->generation = head.generation;
		r->conf = conf_get(&m, r->family->settings);
		if (r->conf == NULL)
			x = err_set(err, ERR_INVALID, "settings not readable");
		else
			set_log_level(r->conf);
	}
	buf_wipe(&tail);
	return x;
}

static int
change_user(const struct role *r, uid_t uid, gid_t gid, struct err *err)
{
	if (r->spec->folder_setting != NULL) {
		const char *dir = conf_str(r->conf, r->spec->folder_setting);

#ifndef RESTANTE_SANITIZED
		if (chroot(dir) == -1)
			return err_sys(err, "chroot %s", dir);
#endif
		if (chdir("/") == -1)
			return err_sys(err, "chdir %s", dir);
	}
	if (r->spec->user_setting == NULL)
		return 0;
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return err_sys(err, "becoming uid %u", (unsigned)uid);
	return 0;
}

/* Close, forget, chroot, ids, no_new_privs, undumpable, limits, seccomp. */
static int
enter_sandbox(struct role *r, struct err *err)
{
	const struct role_spec *spec = r->spec;
	struct sandbox_filter *filter = NULL;
	uid_t uid = 0;
	gid_t gid = 0;
	int x;

	if (geteuid() == 0 && spec->user_setting != NULL &&
	    role_user(r->conf, spec->user_setting, &uid, &gid, err) == -1)
		return -1;
	if (spec->sandbox != SANDBOX_NONE) {
		filter = sandbox_filter_new(spec->sandbox, err);
		if (filter == NULL)
			return -1;
	}
	x = geteuid() == 0 ? change_user(r, uid, gid, err) : 0;
	if (x == 0)
		x = sandbox_undumpable(err);
	if (x == 0)
		x = sandbox_limits(spec->sandbox, 0, err);
	if (x == 0 && filter != NULL)
		x = sandbox_filter_load(filter, err);
	sandbox_filter_free(filter);
	return x;
}

static int
enter(struct role *r, struct err *err)
{
	enum role_id maker = r->spec->id == R_HELPER ? R_AUTH : R_PARENT;
	struct ipc_peer_conf pc = { .role = r,
		.me = r->spec->id,
		.peer = maker,
		.rules = r->family->ipc,
		.handlers = maker_handlers,
		.more = r->spec->handlers,
		.gone = maker_gone };

	if (first_config(r, maker, err) == -1)
		return -1;
	if (r->spec->prepare != NULL && r->spec->prepare(r, err) == -1)
		return -1;
	if (enter_sandbox(r, err) == -1)
		return -1;
	r->loop = loop_new(err);
	if (r->loop == NULL)
		return -1;
	pc.loop = r->loop;
	r->maker = ipc_peer_new(ROLE_FD_MAKER, &pc);
	if (r->spec->start != NULL && r->spec->start(r, err) == -1)
		return -1;
	say_ready(r);
	return 0;
}

int
role_main(const struct family *f, const char *name, unsigned index)
{
	int keep[] = { 0, 1, 2, ROLE_FD_MAKER, ROLE_FD_LOG };
	struct role *r = xcalloc(1, sizeof(*r));
	struct err err = { 0 };
	char title[16];

	log_init(f->name, name);
	snprintf(title, sizeof(title), "%s:%s", f->name, name);
	(void)prctl(PR_SET_NAME, title, 0, 0, 0); /* else ps says "exe" */
	r->family = f;
	r->index = index;
	r->spec = find_spec(f, name);
	if (r->spec == NULL) {
		fprintf(stderr, "%s: no role \"%s\"\n", f->name, name);
		return 2;
	}
	if (r->spec->id != R_LOG)
		log_to_fd(ROLE_FD_LOG);
	role_reset_signals();
	if (role_close_others(keep, N_ELEMENTS(keep), &err) == -1 ||
	    enter(r, &err) == -1) {
		log_err(0, "role cannot start", &err);
		return 1;
	}
	if (!r->is_quitting)
		loop_run(r->loop);
	/* last words to clients; with the parent's death there are none */
	if (r->maker != NULL)
		conn_finish(r->loop, conf_ms(r->conf, "drain_time"));
	ipc_flush(r->maker, LAST_WORDS_MS);
	for (size_t i = 0; i < N_ELEMENTS(r->peers); i++)
		ipc_flush(r->peers[i], LAST_WORDS_MS);
	return 0;
}

/* ---- children of a role ---- */

static void
on_child(void *arg, int signum)
{
	struct role *r = arg;
	pid_t pid;
	int status;

	(void)signum;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (r->spec->child_ended != NULL)
			r->spec->child_ended(r, pid, status);
}

void
role_watch_children(struct role *r)
{
	if (r->has_children)
		return;
	r->has_children = true;
	loop_signal(r->loop, SIGCHLD, on_child, r);
}

struct ipc_peer *
role_spawn(struct role *r, enum role_id id, unsigned index, struct err *err)
{
	struct ipc_config head = { .generation = r->generation };
	struct ipc_out o;
	struct ipc_peer *p;
	int fds[2];
	pid_t pid;

	if (ipc_pair(fds, err) == -1)
		return NULL;
	role_watch_children(r);
	pid = role_exec(r->family, role_word(id), index, fds[1], ROLE_FD_LOG,
	    ROLE_FD_LOG, err);
	close(fds[1]);
	if (pid == -1) {
		close(fds[0]);
		return NULL;
	}
	p = add_peer(r, id, index, fds[0]);
	if (p == NULL) {
		(void)err_set(err, ERR_LIMIT, "too many peers");
		return NULL;
	}
	ipc_peer_set_pid(p, pid);
	ipc_begin(&o, IPC_CONFIG, &head, sizeof(head));
	conf_put(&o, r->conf, id);
	if (ipc_send(p, &o) == -1)
		log_warn(0, "helper gone at once", NULL);
	return p;
}
