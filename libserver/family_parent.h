/* SPDX-License-Identifier: ISC */
/* The parent's own state, shared by the family_*.c files and nobody else. */
#ifndef LIBSERVER_FAMILY_PARENT_H
#define LIBSERVER_FAMILY_PARENT_H

#include "libnet/loop.h"
#include "libserver/control.h"
#include "libserver/family.h"

#define DEATHS_KEPT 3u

enum child_state {
	CHILD_OFF,      /* not wanted, or not yet possible */
	CHILD_PAUSE,    /* died; waits for the timer */
	CHILD_STARTING, /* executed; has not said READY */
	CHILD_KEYS,     /* auth: has been sent its keys */
	CHILD_READY
};

struct parent;

/* One executed role. */
struct child {
	struct parent *parent;
	const struct role_spec *spec;
	unsigned index;
	enum child_state state;
	pid_t pid; /* 0: none */
	struct ipc_peer *peer;
	struct timer pause;
	uint64_t deaths_us[DEATHS_KEPT]; /* latest first */
	unsigned n_fast;                 /* deaths in a row within a minute */
	unsigned n_restarts;
	uint64_t since; /* seconds since 1970 */
	bool is_loud;   /* the loud line has been said */
	bool is_asked;  /* a question of the control socket waits for it */
};

struct port {
	unsigned listener;
	char *text; /* as in the setting */
	int fd;
};
struct ports {
	struct port *v;
	size_t n;
};

struct cert {
	uint64_t id;
	struct buf chain; /* PEM */
	struct buf key;   /* PEM, wiped */
};
struct certs {
	struct cert *v;
	size_t n;
};

struct parent {
	struct role role; /* loop, conf, generation */
	const struct family *f;
	const char *conf_file;
	bool conf_must_exist;
	bool is_foreground;
	bool is_debug;
	struct child *children;
	size_t n_children;
	int log_read, log_write; /* the pipe of the log role */
	struct ports ports;
	struct certs certs;
	uint64_t last_key_id;
	struct control *control;
	struct timer ticket_timer, drain_timer;
	uint8_t ticket_key[64];
	int tell_fd; /* of the waiting daemon start, or -1 */
	bool is_announced;
	bool is_reloading; /* new keys are with auth, certificates follow */
	unsigned drain_step;
	char pid_path[128];
	/* a question of the control socket that waits for roles */
	uint64_t asked_client;
	unsigned n_awaited;
};

/* ---- family_children.c ---- */
void children_make(struct parent *p);
void children_watch(struct parent *p); /* SIGCHLD */
/* Start what can be started now. */
void children_start(struct parent *p);
void child_kill(struct child *c, int signum);
struct child *child_next(struct parent *p, enum role_id id, size_t *pos);
bool children_all_ready(const struct parent *p);
/* New settings to all; then keys, certificates, ports in the right order. */
void children_reload(struct parent *p);
void children_ticket_key(struct parent *p);
extern const struct ipc_handler parent_handlers[];

/* ---- family_ports.c ---- */
/* Open what conf wants; sockets of old with the same address are shared
 * (duplicated). Without a certificate ports with implicit TLS are left out. */
int ports_open(const struct parent *p, const struct conf *c, bool has_certs,
    const struct ports *old, struct ports *out, struct err *err) MUST_CHECK;
void ports_close(struct ports *ports);

/* ---- family_certs.c ---- */
/* Read and check certificates and keys; faults are told. -1 when there are
 * any. Ids are last_id + 1 and on. */
int certs_read(const char *file, const struct conf *c, uint64_t last_id,
    struct certs *out, conf_fault_fn *fault, void *arg) MUST_CHECK;
void certs_free(struct certs *certs);

/* ---- family_check.c ---- */
/* The file with all that it names. NULL when there is a fault (told). */
struct conf *family_read(const struct parent *p, struct certs *certs_out,
    conf_fault_fn *fault, void *arg);

/* ---- family_notify.c ---- */
void notify_systemd(const char *state);
int pid_file_write(const char *path, struct err *err) MUST_CHECK;
/* Fork; the first process waits until the second tells it. In the second: 0
 * and the descriptor to tell on. */
int daemon_begin(int *tell_fd_out, struct err *err) MUST_CHECK;
void daemon_tell(int *tell_fd);

/* ---- family_log.c ---- */
/* Open the log file again and give it to the log role. */
void log_file_send(struct parent *p);

/* ---- family_control.c ---- */
int parent_control_open(struct parent *p, struct err *err) MUST_CHECK;
void
parent_on_ctl_line(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void
parent_on_ctl_done(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
/* A role that was asked has gone. */
void parent_ctl_peer_gone(struct child *c);

/* ---- family.c ---- */
void parent_reload(struct parent *p);
void parent_drain(struct parent *p);
/* A child has ended, or said READY. */
void parent_step(struct parent *p);

#endif
