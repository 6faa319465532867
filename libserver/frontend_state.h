/* SPDX-License-Identifier: ISC */
/* The state of a frontend, shared by the frontend*.c files and nobody else. */
#ifndef LIBSERVER_FRONTEND_STATE_H
#define LIBSERVER_FRONTEND_STATE_H

#include <sys/queue.h>

#include "libbase/hash.h"
#include "libnet/channel.h"
#include "libnet/listen.h"
#include "libserver/family.h"
#include "libserver/frontend_tls.h"

/* Changed by client_enter alone. */
enum client_state {
	CLIENT_PROXY,     /* the PROXY header of a trusted proxy is awaited */
	CLIENT_HANDSHAKE, /* TLS */
	CLIENT_TALK,      /* the protocol's dialogue */
	CLIENT_LOGIN,     /* auth has been asked */
	CLIENT_PUMP,      /* logged in; bytes are carried */
	CLIENT_ENDING
};

struct client {
	LIST_ENTRY(client) entry;
	struct fe_conn fc;
	struct frontend *fe;
	enum client_state state;
	bool is_opened;  /* ops->open was called */
	bool is_inside;  /* ops->run or the like is on the stack */
	bool is_counted; /* in the table of addresses */
	bool is_user;    /* logged in */
	struct netaddr key;
	struct timer later; /* a refusal, a handover, the end: from the loop */
	enum login_code refusal;
	int channel_fd; /* handed over as soon as the output is out */
	struct channel *channel;
	const char *reason;
	char user[MAX_USER + 1];
	uint64_t since;
};

/* A port, in the list that is used or in the one that is being sent. */
struct fe_port {
	struct frontend *fe;
	const struct listener_spec *spec;
	struct listener *listener;
	int fd; /* until it is used */
};

struct frontend {
	struct role *role;
	const struct frontend_ops *ops;
	struct fe_tls *tls;
	struct fe_port *ports;
	size_t n_ports;
	struct fe_port *coming;
	size_t n_coming;
	LIST_HEAD(, client) clients;
	size_t n_clients;
	bool is_paused;
	struct idmap ids;
	struct map addresses; /* key bytes: count as a pointer's value */
	uint64_t last_id;
	struct netblock *trusted;
	size_t n_trusted;
};

/* ---- frontend.c: clients ---- */
/* arg is a struct fe_port. */
void client_accept(
    void *arg, int fd, const struct netaddr *peer, const struct netaddr *local);
/* Auth or nursery died: a login under way is answered "unavailable". */
void client_unanswered(struct client *c);
/* The server is going down. */
void client_bye(struct client *c);
void client_on_login_result(
    struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void
client_on_channel(struct role *r, struct ipc_peer *from, struct ipc_msg *m);

/* ---- frontend_role.c ---- */
void frontend_pause(struct frontend *fe, bool pause);

#endif
