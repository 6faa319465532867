/* SPDX-License-Identifier: ISC */
/*
 * A process of the family from inside: one struct role a process, its peers,
 * its settings, its loop. The entry order (STYLE B19): close what is not its
 * own, get the settings, prepare (spec->prepare, still privileged), chroot,
 * ids, no_new_privs, undumpable, limits, seccomp; then spec->start, then the
 * loop and the first byte of anybody.
 */
#ifndef LIBSERVER_ROLE_H
#define LIBSERVER_ROLE_H

#include "libserver/conf.h"
#include "libserver/ipc_messages.h"
#include "libserver/sandbox.h"

struct family;
struct loop;
struct role_spec;

#define ROLE_PEERS_MAX 80

/* The root struct of a process; handed to every handler. */
struct role {
	const struct family *family;
	const struct role_spec *spec;
	unsigned index; /* frontend 0, 1, ... */
	struct loop *loop;
	struct conf *conf; /* current; a reload replaces it */
	uint64_t generation;
	struct ipc_peer *maker; /* the parent; of a helper: auth */
	struct ipc_peer *peers[ROLE_PEERS_MAX]; /* NULL holes */
	bool is_draining;
	bool is_quitting;
	bool has_children;
	const void *warm; /* nursery: what family.warm made */
	void *state;      /* spec's own, set in start */
};

struct role_spec {
	enum role_id id;
	const char *name; /* --role NAME */
	enum sandbox_kind sandbox;
	const char *user_setting;   /* "net_user", ...; NULL: stays who it is */
	const char *folder_setting; /* chroot there; NULL: no chroot */
	unsigned peers;             /* R_BIT mask: pairs are made with these */
	bool on_demand;             /* not started by the parent (role_spawn) */
	const struct ipc_handler *handlers;

	/* Privileged, settings known, before the sandbox. May be NULL. */
	int (*prepare)(struct role *r, struct err *err);
	/* In the sandbox, before the loop. -1 ends the process. */
	int (*start)(struct role *r, struct err *err);
	/* A pair was introduced, or ended (peer is freed afterwards). */
	void (*peer_up)(struct role *r, struct ipc_peer *p);
	void (*peer_gone)(struct role *r, struct ipc_peer *p);
	/* Another kind of pair (PEER_SIGN): takes fd over. NULL: refused. */
	void (*pair)(struct role *r, enum role_id peer, unsigned index,
	    enum peer_kind kind, int fd);
	/* r->conf is new (old is still valid until this returns). */
	void (*reload)(struct role *r, const struct conf *old);
	/* Finish within within_ms, then role_quit. NULL: quit at once. */
	void (*drain)(struct role *r, uint64_t within_ms);
	/* A child of role_spawn or of the nursery has ended. */
	void (*child_ended)(struct role *r, pid_t pid, int status);
};

/* The living pair with that role, NULL when there is none now. */
struct ipc_peer *role_peer(struct role *r, enum role_id id, unsigned index);
/* End this process: the loop stops, queued messages are written, exit 0. */
void role_quit(struct role *r);

/* For auth: start another role of the family (a helper) by executing ourselves
 * anew. It gets the settings its rows name, out of ours. Handlers of the new
 * pair are the maker's spec->handlers. The peer, its pid set; NULL and err.
 * Its end: peer_gone, later child_ended. */
struct ipc_peer *
role_spawn(struct role *r, enum role_id id, unsigned index, struct err *err);

/* ---- inside libserver ---- */

/* The ids of a SET_UID setting: a number is uid and gid, a name is looked up
 * in /etc/passwd (never NSS). */
int role_user(const struct conf *c, const char *setting, uid_t *uid_out,
    gid_t *gid_out, struct err *err) MUST_CHECK;
/* The process that was executed with --role. Returns its exit code. */
int role_main(const struct family *f, const char *name, unsigned index);
/* spec->child_ended is called for each child from now on. */
void role_watch_children(struct role *r);
/* Close every descriptor but these; n at most 32. Sorts keep. */
int role_close_others(int *keep, unsigned n, struct err *err) MUST_CHECK;
/* Fork and execute ourselves as a role: fd becomes ROLE_FD_MAKER, log_fd
 * ROLE_FD_LOG; stdout and stderr become std_fd (-1: /dev/null). The child's
 * pid, or -1. */
pid_t role_exec(const struct family *f, const char *name, unsigned index,
    int fd, int log_fd, int std_fd, struct err *err);
/* Signals as a new process wants them: all default, none blocked, SIGPIPE
 * ignored. */
void role_reset_signals(void);

#define ROLE_FD_MAKER 3
#define ROLE_FD_LOG   4

#endif
