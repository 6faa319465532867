/* SPDX-License-Identifier: ISC */
/*
 * Inside the auth role: its root struct and what one question goes through.
 * Only auth*.c include this.
 *
 * A login: LOGIN_TRY > throttle_plan > WAIT (its place in the schedule) >
 * QUEUED (fair between addresses) > ASKED (a helper has it) > verdict > TELL
 * (a failure waits for its moment) or GIVEN (nursery or queue takes the user).
 * Questions of the queue go QUEUED > ASKED > answer.
 */
#ifndef LIBAUTH_AUTH_STATE_H
#define LIBAUTH_AUTH_STATE_H

#include <sys/queue.h>

#include "libauth/auth.h"
#include "libauth/throttle.h"
#include "libauth/userdb.h"
#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libnet/loop.h"
#include "libnet/netaddr.h"

#define AUTH_TRIES_MAX   4096 /* at one time; each holds a secret */
#define AUTH_HELPERS_MAX 64   /* fits ROLE_PEERS_MAX */
#define AUTH_FRONTENDS   64   /* as the setting frontends allows */

struct auth;
struct auth_helper;
struct auth_keys;

enum try_kind {
	TRY_LOGIN,
	TRY_LOOKUP, /* the queue: does this user exist */
	TRY_DELIVER /* the queue: a delivery process for this user */
};

enum try_phase {
	TRY_WAIT,
	TRY_QUEUED,
	TRY_ASKED,
	TRY_TELL,
	TRY_GIVEN
};

/* The tries of one address (or of the queue) that wait for a helper. */
struct auth_source {
	TAILQ_ENTRY(auth_source) link; /* in auth.ready, when is_ready */
	TAILQ_HEAD(try_list, auth_try) tries;
	struct try_list known; /* they go first, in their order */
	struct throttle_key key;
	unsigned running; /* helpers busy with it */
	bool is_ready;    /* has tries and may have one more helper */
};

struct auth_try {
	TAILQ_ENTRY(auth_try) link; /* in source->tries, when TRY_QUEUED */
	struct auth *auth;
	uint64_t id;
	enum try_kind kind;
	enum try_phase phase;
	struct auth_source *source; /* QUEUED and ASKED */
	struct auth_helper *helper; /* ASKED */
	struct timer timer;

	/* of a login */
	unsigned frontend;
	struct ipc_conn conn;
	char address[NETADDR_TEXT];
	bool is_gone;    /* the client hung up: nothing is told */
	bool is_refused; /* whatever PAM says; why is in reason */
	bool authz_other;
	struct secret secret;
	struct throttle_key key;
	struct throttle_plan plan;
	uint16_t hint;
	uint64_t came_us;
	uint64_t tell_us; /* TELL: not before this moment */

	uint64_t job; /* the queue's number */

	char login[MAX_USER + 1]; /* as it came, for the log */
	char name[MAX_USER + 1];  /* canonical */
	bool is_virtual;
	struct account *account; /* own; after the verdict */
	enum login_code code;
	char reason[160]; /* for the log */
};

struct auth {
	struct role *role;
	struct userdb_conf conf; /* borrows from role->conf */
	struct throttle *throttle;
	struct userfile users;
	struct userfile_stamp users_stamp;
	struct idmap tries; /* by id */
	unsigned n_tries;
	uint64_t last_id;
	struct idmap by_conn[AUTH_FRONTENDS]; /* logins by connection id */
	uint8_t hint_key[16];
	TAILQ_HEAD(, auth_source) ready;
	struct map sources;          /* by throttle_key */
	struct auth_helper *helpers; /* AUTH_HELPERS_MAX of them */
	struct auth_keys *keys;
};

/* auth.c */
struct auth_try *auth_try_new(struct auth *a, enum try_kind kind);
/* Out of all lists; wiped. */
void auth_try_free(struct auth_try *t);
/* Read the users file again when it has changed. A bad one is logged and the
 * old one stays. */
void auth_users_refresh(struct auth *a);

/* auth_login.c: what happens to a login before and after the helper */
void auth_login_try(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void
auth_login_cancel(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void
auth_attach_result(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void
auth_submitter_ack(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
/* A helper's answer. pam_name: after PAM. found: the system's account, NULL
 * when there is none. */
void auth_login_verdict(struct auth_try *t, enum login_code code,
    const char *pam_name, const struct account *found, const char *reason);
/* End it with code, at its moment (failures) or at once. */
void auth_login_end(struct auth_try *t, enum login_code code);

/* auth_lookup.c: questions of the queue */
void auth_user_lookup(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void auth_deliver(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void auth_lookup_verdict(
    struct auth_try *t, enum login_code code, const struct account *found);

/* auth_worker.c: the pool of helpers */
void auth_pool_init(struct auth *a);
void auth_pool_add(struct auth_try *t);    /* into the queue of its source */
void auth_pool_remove(struct auth_try *t); /* QUEUED or ASKED no more */
void auth_pool_retire(struct auth *a);     /* helpers end when they are idle */
void
auth_helper_ready(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void
auth_helper_answer(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void auth_helper_gone(struct auth *a, struct ipc_peer *p);

/* auth_keys.c: the private keys */
struct auth_keys *auth_keys_new(void);
void auth_key(struct role *r, struct ipc_peer *from, struct ipc_msg *m);
void auth_sign_pair(struct role *r, enum role_id peer, unsigned index,
    enum peer_kind kind, int fd);

#endif
