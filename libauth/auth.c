/* SPDX-License-Identifier: ISC */
/* The auth role: its life, its tables, who has gone. */
#include <string.h>

#include "libauth/auth_state.h"
#include "libbase/clock.h"
#include "libbase/random.h"
#include "libserver/family.h"
#include "libserver/log.h"

struct auth_try *
auth_try_new(struct auth *a, enum try_kind kind)
{
	struct auth_try *t = xcalloc(1, sizeof(*t));

	t->auth = a;
	t->kind = kind;
	t->id = ++a->last_id;
	t->came_us = clock_mono_us();
	(void)idmap_put(&a->tries, t->id, t);
	a->n_tries++;
	return t;
}

void
auth_try_free(struct auth_try *t)
{
	struct auth *a = t->auth;

	timer_stop(&t->timer);
	auth_pool_remove(t);
	if (t->kind == TRY_LOGIN &&
	    idmap_get(&a->by_conn[t->frontend], t->conn.id) == t)
		(void)idmap_del(&a->by_conn[t->frontend], t->conn.id);
	(void)idmap_del(&a->tries, t->id);
	a->n_tries--;
	secret_wipe(&t->secret);
	xfree(t->account);
	xfree(t);
}

void
auth_users_refresh(struct auth *a)
{
	const char *path = conf_str(a->role->conf, "users_file");
	struct userfile_stamp stamp;
	struct userfile fresh;
	struct err err;
	int r;

	if (path[0] == '\0')
		return;
	r = userfile_changed(path, &a->users_stamp, &err);
	if (r == 0)
		return;
	userfile_init(&fresh);
	stamp = a->users_stamp;
	if (r < 0 || userfile_load(&fresh, path, &stamp, &err) != 0) {
		log_err(0, "users file is not read, the old one stays", &err);
		userfile_free(&fresh);
		a->users_stamp = stamp;
		return;
	}
	userfile_free(&a->users);
	a->users = fresh;
	a->users_stamp = stamp;
}

static void
throttle_settings(const struct conf *c, struct throttle_conf *out)
{
	memset(out, 0, sizeof(*out));
	out->free = (unsigned)conf_u64(c, "auth_throttle");
	out->delay_us = conf_ms(c, "auth_delay") * 1000;
}

static int
auth_start(struct role *r, struct err *err)
{
	struct auth *a = xcalloc(1, sizeof(*a));
	struct throttle_conf tc;

	(void)err;
	a->role = r;
	r->state = a;
	userdb_conf_from(&a->conf, r->conf);
	throttle_settings(r->conf, &tc);
	a->throttle = throttle_new(&tc);
	random_bytes(a->hint_key, sizeof(a->hint_key));
	userfile_init(&a->users);
	TAILQ_INIT(&a->ready);
	auth_pool_init(a);
	a->keys = auth_keys_new();
	auth_users_refresh(a);
	return 0;
}

/* Helpers got their settings when they were made: new ones take over. */
static void
auth_reload(struct role *r, const struct conf *old)
{
	struct auth *a = r->state;
	struct throttle_conf tc;

	(void)old;
	userdb_conf_from(&a->conf, r->conf);
	throttle_settings(r->conf, &tc);
	throttle_reconf(a->throttle, &tc);
	memset(&a->users_stamp, 0xff, sizeof(a->users_stamp));
	auth_users_refresh(a);
	auth_pool_retire(a);
}

/* Visit the tries and end those of a role that has gone. */
static void
end_tries(struct auth *a, bool (*match)(const struct auth_try *t, unsigned),
    unsigned index, void (*end)(struct auth_try *t))
{
	struct map_entry *pos = NULL;
	void *value;
	uint64_t id;

	while (idmap_next(&a->tries, &pos, &id, &value)) {
		struct auth_try *t = value;

		if (match(t, index))
			end(t);
	}
}

static bool
is_of_frontend(const struct auth_try *t, unsigned index)
{
	return t->kind == TRY_LOGIN && t->frontend == index;
}

static bool
is_of_queue(const struct auth_try *t, unsigned index)
{
	(void)index;
	return t->kind != TRY_LOGIN;
}

static bool
is_given(const struct auth_try *t, unsigned index)
{
	(void)index;
	return t->kind == TRY_LOGIN && t->phase == TRY_GIVEN;
}

static void
end_unavailable(struct auth_try *t)
{
	auth_login_end(t, LOGIN_UNAVAILABLE);
}

static void
auth_peer_gone(struct role *r, struct ipc_peer *p)
{
	struct auth *a = r->state;

	switch (ipc_peer_role(p)) {
	case R_HELPER:
		auth_helper_gone(a, p);
		return;
	case R_FRONTEND:
		end_tries(a, is_of_frontend, ipc_peer_index(p), auth_try_free);
		return;
	case R_QUEUE:
		end_tries(a, is_given, 0, end_unavailable);
		end_tries(a, is_of_queue, 0, auth_try_free);
		return;
	case R_NURSERY:
		if (r->family->session != NULL)
			end_tries(a, is_given, 0, end_unavailable);
		return;
	case R_PARENT:
	case R_AUTH:
	case R_SESSION:
	case R_LOG:
	case R_RELAY:
	case R_DELIVER:
	case R_CTL:
	case R_COUNT:
		return;
	}
}

static const struct ipc_handler auth_handlers[] = {
	{ IPC_LOGIN_TRY, auth_login_try, false },
	{ IPC_LOGIN_CANCEL, auth_login_cancel, false },
	{ IPC_ATTACH_RESULT, auth_attach_result, false },
	{ IPC_SUBMITTER_ACK, auth_submitter_ack, false },
	{ IPC_USER_LOOKUP, auth_user_lookup, false },
	{ IPC_DELIVER, auth_deliver, false },
	{ IPC_KEY, auth_key, false },
	{ IPC_HELPER_READY, auth_helper_ready, true },
	{ IPC_HELPER_ANSWER, auth_helper_answer, false },
	{ 0, NULL, false },
};

const struct role_spec auth_role = {
	.id = R_AUTH,
	.name = "auth",
	.sandbox = SANDBOX_NONE,
	.peers = R_BIT(R_FRONTEND) | R_BIT(R_NURSERY) | R_BIT(R_QUEUE),
	.handlers = auth_handlers,
	.start = auth_start,
	.reload = auth_reload,
	.peer_gone = auth_peer_gone,
	.pair = auth_sign_pair,
};
