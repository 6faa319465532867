/* SPDX-License-Identifier: ISC */
/* The parent of a family: start, reload, drain, end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libbase/random.h"
#include "libserver/family_parent.h"

#ifndef RESTANTE_SYSCONFDIR
#define RESTANTE_SYSCONFDIR "/etc"
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

#define CONF_FILE     RESTANTE_SYSCONFDIR "/restante/restante.conf"
#define LOG_PIPE_SIZE (1024 * 1024)
#define TICKET_MS     (24u * 3600u * 1000u) /* a new ticket key each day */
#define GRACE_MS      2000u /* after drain_time, before the last resort */

/* ---- faults of the configuration ---- */

static void
print_fault(void *arg, const char *file, unsigned line, const char *text)
{
	FILE *f = arg;

	if (line > 0)
		fprintf(f, "%s:%u: %s\n", file, line, text);
	else
		fprintf(f, "%s: %s\n", file, text);
}

static void
log_fault(void *arg, const char *file, unsigned line, const char *text)
{
	(void)arg;
	log_error(0, "wrong configuration", "file", file, "line", LOG_U64(line),
	    "fault", text, NULL);
}

/* ---- the end ---- */

static bool
is_any_alive(struct parent *p, unsigned roles)
{
	for (size_t i = 0; i < p->n_children; i++)
		if (p->children[i].pid != 0 &&
		    (roles & R_BIT(p->children[i].spec->id)) != 0)
			return true;
	return false;
}

static void
drain_roles(struct parent *p, unsigned roles, uint64_t ms)
{
	struct ipc_drain d = { .within_ms = ms };

	for (size_t i = 0; i < p->n_children; i++)
		if (p->children[i].pid != 0 &&
		    (roles & R_BIT(p->children[i].spec->id)) != 0)
			(void)IPC_SEND(p->children[i].peer, IPC_DRAIN, &d);
}

/* Who ends when: those with clients, then the others, the log last. */
static const unsigned drain_order[] = {
	R_BIT(R_FRONTEND) | R_BIT(R_NURSERY) | R_BIT(R_RELAY),
	R_BIT(R_QUEUE),
	R_BIT(R_AUTH),
	R_BIT(R_LOG),
};

static void
drain_on(struct parent *p)
{
	uint64_t ms = conf_ms(p->role.conf, "drain_time");

	while (p->drain_step < N_ELEMENTS(drain_order)) {
		if (is_any_alive(p, drain_order[p->drain_step]))
			return;
		p->drain_step++;
		if (p->drain_step < N_ELEMENTS(drain_order))
			drain_roles(p, drain_order[p->drain_step], ms);
	}
	loop_stop(p->role.loop);
}

static void
kill_all(struct parent *p)
{
	for (size_t i = 0; i < p->n_children; i++)
		child_kill(&p->children[i], SIGKILL);
}

static void
drain_over(void *arg)
{
	struct parent *p = arg;

	log_warn(0, "drain_time is over: the rest is killed", NULL);
	kill_all(p);
}

void
parent_drain(struct parent *p)
{
	uint64_t ms = conf_ms(p->role.conf, "drain_time");

	if (p->role.is_draining)
		return;
	p->role.is_draining = true;
	log_info(0, "stopping", "within_ms", LOG_U64(ms), NULL);
	notify_systemd("STOPPING=1");
	ports_close(&p->ports);
	for (size_t i = 0; i < p->n_children; i++)
		timer_stop(&p->children[i].pause);
	drain_roles(p, drain_order[0], ms);
	timer_start_ms(&p->drain_timer, ms + GRACE_MS);
	drain_on(p);
}

static void
on_term(void *arg, int signum)
{
	struct parent *p = arg;

	(void)signum;
	if (p->role.is_draining)
		kill_all(p); /* asked twice */
	else
		parent_drain(p);
}

void
parent_step(struct parent *p)
{
	if (p->role.is_draining) {
		drain_on(p);
		return;
	}
	if (p->is_announced || !children_all_ready(p))
		return;
	p->is_announced = true;
	log_info(0, "ready", "daemon", p->f->name, "ports", LOG_U64(p->ports.n),
	    "certificates", LOG_U64(p->certs.n), NULL);
	notify_systemd("READY=1");
	daemon_tell(&p->tell_fd);
}

/* ---- reload ---- */

void
parent_reload(struct parent *p)
{
	struct certs certs = { 0 };
	struct ports ports = { 0 };
	struct conf *c;
	struct err err;

	if (p->role.is_draining)
		return;
	notify_systemd("RELOADING=1");
	c = family_read(p, &certs, log_fault, NULL);
	if (c == NULL ||
	    ports_open(p, c, certs.n > 0, &p->ports, &ports, &err) == -1) {
		if (c != NULL)
			log_err(0, "reload", &err);
		log_error(0, "not reloaded: the old configuration stays", NULL);
		certs_free(&certs);
		conf_free(c);
		log_file_send(p); /* the file is opened again all the same */
		notify_systemd("READY=1");
		return;
	}
	ports_close(&p->ports);
	certs_free(&p->certs);
	conf_free(p->role.conf);
	p->ports = ports;
	p->certs = certs;
	p->role.conf = c;
	p->last_key_id += certs.n;
	p->role.generation++;
	log_file_send(p);
	children_reload(p);
}

static void
on_hup(void *arg, int signum)
{
	(void)signum;
	parent_reload(arg);
}

static void
new_ticket_key(void *arg)
{
	struct parent *p = arg;

	random_bytes(p->ticket_key, sizeof(p->ticket_key));
	children_ticket_key(p);
	timer_start_ms(&p->ticket_timer, TICKET_MS);
}

/* ---- start ---- */

static int
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) == -1 && errno != EEXIST)
		return err_sys(err, "%s", path);
	return 0;
}

static void
raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) == -1)
			log_warn(0, "limit of descriptors stays", NULL);
	}
}

static int
open_log_pipe(struct parent *p, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return err_sys(err, "pipe");
	p->log_read = fds[0];
	p->log_write = fds[1];
	(void)fcntl(fds[1], F_SETPIPE_SZ, LOG_PIPE_SIZE);
	if (fcntl(fds[1], F_SETFL, O_NONBLOCK) == -1)
		return err_sys(err, "log pipe");
	return 0;
}

static int
prepare(struct parent *p, struct err *err)
{
	const struct conf *c = p->role.conf;

	raise_files();
	if (make_folder(conf_str(c, "run_dir"), 0755, err) == -1)
		return -1;
	if (geteuid() == 0 &&
	    make_folder(conf_str(c, "empty_dir"), 0755, err) == -1)
		return -1;
	p->role.loop = loop_new(err);
	if (p->role.loop == NULL || parent_control_open(p, err) == -1 ||
	    ports_open(p, c, p->certs.n > 0, NULL, &p->ports, err) == -1 ||
	    open_log_pipe(p, err) == -1)
		return -1;
	snprintf(p->pid_path, sizeof(p->pid_path), "%s/%s.pid",
	    conf_str(c, "run_dir"), p->f->name);
	return pid_file_write(p->pid_path, err);
}

static int
run(struct parent *p)
{
	struct loop *loop = p->role.loop;

	loop_signal(loop, SIGTERM, on_term, p);
	loop_signal(loop, SIGINT, on_term, p);
	loop_signal(loop, SIGHUP, on_hup, p);
	children_watch(p);
	timer_init(&p->drain_timer, loop, drain_over, p);
	timer_init(&p->ticket_timer, loop, new_ticket_key, p);
	new_ticket_key(p);
	children_make(p);
	log_to_fd(p->log_write);
	children_start(p);
	if (!conf_bool(p->role.conf, p->f->enable_setting))
		log_warn(0, "this daemon is off", "setting",
		    p->f->enable_setting, "hint", "set it to true", NULL);
	loop_run(loop);
	control_close(&p->control);
	(void)unlink(p->pid_path);
	return 0;
}

static int
start(struct parent *p)
{
	struct err err = { 0 };

	if (!p->is_foreground && getenv("NOTIFY_SOCKET") == NULL &&
	    daemon_begin(&p->tell_fd, &err) == -1) {
		fprintf(stderr, "%s: %s\n", p->f->name, err.text);
		return 1;
	}
	if (prepare(p, &err) == -1) {
		fprintf(stderr, "%s: %s\n", p->f->name, err.text);
		control_close(&p->control);
		return 1;
	}
	return run(p);
}

static int
check_only(struct parent *p)
{
	struct certs certs = { 0 };
	struct conf *c = family_read(p, &certs, print_fault, stdout);

	if (c == NULL)
		return 1;
	certs_free(&certs);
	conf_free(c);
	printf("%s: no faults\n", p->conf_file);
	return 0;
}

static void
usage(const struct family *f, FILE *to)
{
	fprintf(to,
	    "usage: %s [-c FILE] [-t] [-f] [-d]\n"
	    "  -c FILE  configuration (%s)\n"
	    "  -t       tell all faults of the configuration, then end\n"
	    "  -f       stay in the foreground\n"
	    "  -d       log more\n"
	    "  -V       version\n",
	    f->name, CONF_FILE);
}

static void
see_file(struct parent *p, const char *file)
{
	char *whole = file[0] == '/' ? NULL : realpath(file, NULL);

	p->conf_file = whole == NULL ? file : whole;
	p->conf_must_exist = true;
}

static int
parent_main(int argc, char **argv, const struct family *f)
{
	struct parent *p = xcalloc(1, sizeof(*p));
	static const struct role_spec parent_spec = { .id = R_PARENT,
		.name = "parent" };
	bool is_test = false;
	int o;

	p->f = f;
	p->role.family = f;
	p->role.spec = &parent_spec;
	p->role.state = p;
	p->role.generation = 1;
	p->conf_file = CONF_FILE;
	p->tell_fd = -1;
	while ((o = getopt(argc, argv, "c:tfdVh")) != -1) {
		switch (o) {
		case 'c':
			see_file(p, optarg);
			break;
		case 't':
			is_test = true;
			break;
		case 'f':
			p->is_foreground = true;
			break;
		case 'd':
			p->is_debug = true;
			break;
		case 'V':
			printf("%s %s\n", f->name, PACKAGE_VERSION);
			return 0;
		case 'h':
			usage(f, stdout);
			return 0;
		default:
			usage(f, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		usage(f, stderr);
		return 2;
	}
	if (is_test)
		return check_only(p);
	p->role.conf = family_read(p, &p->certs, print_fault, stderr);
	if (p->role.conf == NULL)
		return 1;
	p->last_key_id = p->certs.n;
	if (p->is_debug)
		log_set_level(LOG_LEVEL_DEBUG);
	return start(p);
}

int
family_main(int argc, char **argv, const struct family *f)
{
	int r;

	umask(022);
	log_init(f->name, "parent");
	if (argc == 4 && strcmp(argv[1], "--role") == 0)
		return role_main(
		    f, argv[2], (unsigned)strtoul(argv[3], NULL, 10));
	if (argc == 2 && f->option != NULL && (r = f->option(argv[1])) >= 0)
		return r;
	role_reset_signals();
	return parent_main(argc, argv, f);
}
