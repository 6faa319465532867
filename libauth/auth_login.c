/* SPDX-License-Identifier: ISC */
/* A login: from LOGIN_TRY to its answer at its moment. */
#include <stdio.h>
#include <string.h>

#include "libauth/auth_state.h"
#include "libbase/clock.h"
#include "libserver/family.h"
#include "libserver/log.h"

#define GIVEN_MS 30000 /* nursery and queue answer much sooner */

/* What PAM is asked about when the name is none: nobody is called so. */
static const char no_name[] = "-invalid-";

static void
say_why(struct auth_try *t, const char *why)
{
	(void)snprintf(t->reason, sizeof(t->reason), "%s", why);
}

static void
send_result(struct auth *a, unsigned frontend, uint64_t conn,
    enum login_code code, const char *user)
{
	struct ipc_login_result res = { .conn = conn, .code = code };
	struct ipc_out o;

	ipc_begin(&o, IPC_LOGIN_RESULT, &res, sizeof(res));
	ipc_put_str(&o, user);
	/* A frontend that has gone needs no answer. */
	(void)ipc_send(role_peer(a->role, R_FRONTEND, frontend), &o);
}

static void
log_end(const struct auth_try *t)
{
	uint64_t now_us = clock_mono_us();
	const char *plan = t->plan.fail_us == 0 ?
	    NULL :
	    LOG_U64((t->plan.fail_us - t->came_us) / 1000);

	if (t->code == LOGIN_OK) {
		log_info(t->conn.id, "login", "user", t->account->name,
		    "address", t->address, NULL);
		return;
	}
	log_info(t->conn.id, "login refused", "user", t->login, "address",
	    t->address, "code", auth_words(t->code)->word, "reason", t->reason,
	    "plan_ms", plan, "after_ms", LOG_U64((now_us - t->came_us) / 1000),
	    NULL);
}

static void
tell(void *arg)
{
	struct auth_try *t = arg;
	uint64_t now_us = clock_mono_us();

	/* The loop's clock may be a little ahead of the time. */
	if (now_us < t->tell_us) {
		timer_start_ms(&t->timer, (t->tell_us - now_us + 999) / 1000);
		return;
	}
	if (!t->is_gone)
		send_result(t->auth, t->frontend, t->conn.id, t->code, "");
	log_end(t);
	auth_try_free(t);
}

void
auth_login_end(struct auth_try *t, enum login_code code)
{
	uint64_t now_us = clock_mono_us(), at;

	auth_pool_remove(t);
	secret_wipe(&t->secret);
	t->code = code;
	t->phase = TRY_TELL;
	at = code == LOGIN_PRIVACY || t->plan.fail_us == 0 ?
	    now_us :
	    throttle_tell_us(&t->plan, now_us);
	t->tell_us = at;
	timer_stop(&t->timer); /* may run as given_timeout */
	timer_init(&t->timer, t->auth->role->loop, tell, t);
	timer_start_ms(&t->timer, (at - now_us + 999) / 1000);
}

static void
throttle_try_of(const struct auth_try *t, struct throttle_try *out)
{
	out->key = t->key;
	out->user = slice_str(t->name);
	out->hint = t->hint;
}

/* ---- before the helper ---- */

static void
begin_ask(void *arg)
{
	auth_pool_add(arg);
}

static void
plan(struct auth_try *t)
{
	struct auth *a = t->auth;
	struct throttle_try tt;

	throttle_try_of(t, &tt);
	throttle_plan(a->throttle, &tt, t->came_us, &t->plan);
	log_debug(t->conn.id, "login planned", "user", t->login, "address",
	    t->address, "start_ms",
	    LOG_U64((t->plan.start_us - t->came_us) / 1000), "fail_ms",
	    LOG_U64((t->plan.fail_us - t->came_us) / 1000), NULL);
	if (t->plan.refused) {
		say_why(t, "too many tries of this address or user wait");
		auth_login_end(t, LOGIN_LIMIT);
		return;
	}
	t->phase = TRY_WAIT;
	if (t->plan.start_us <= t->came_us) {
		auth_pool_add(t);
		return;
	}
	timer_init(&t->timer, a->role->loop, begin_ask, t);
	timer_start_ms(&t->timer, (t->plan.start_us - t->came_us) / 1000);
}

static void
take_conn(struct auth_try *t, const struct ipc_conn *conn)
{
	struct netaddr key = netaddr_limit_key(&conn->peer);

	t->conn = *conn;
	(void)netaddr_text(&conn->peer, t->address);
	t->key.bytes[0] = (uint8_t)key.family;
	/* v4 has four bytes, the /64 of v6 eight. */
	memcpy(t->key.bytes + 1, key.ip, sizeof(t->key.bytes) - 1);
}

/* The name as we go on with it; a name that is refused, or is none, goes the
 * same way as any other, only that no answer of PAM helps it. */
static void
take_name(struct auth_try *t, struct slice user)
{
	struct auth *a = t->auth;
	int r;

	(void)snprintf(t->login, sizeof(t->login), "%.*s", SLICE_ARG(user));
	r = userdb_canonical(user, &a->conf, &a->users, t->name);
	if (r != 0) {
		memcpy(t->name, no_name, sizeof(no_name));
		t->is_refused = true;
		say_why(t, "not a user name");
	} else if (userdb_is_refused_name(t->name)) {
		t->is_refused = true;
		say_why(t, "name is refused");
	} else if (t->secret.n == 0) {
		t->is_refused = true;
		say_why(t, "empty password");
	}
	t->is_virtual = userfile_find(&a->users, slice_str(t->name)) != NULL;
}

static void
take_authzid(struct auth_try *t, struct slice authzid)
{
	char other[MAX_USER + 1];

	if (authzid.n == 0)
		return;
	t->authz_other = userdb_canonical(authzid, &t->auth->conf,
			     &t->auth->users, other) != 0 ||
	    strcmp(other, t->name) != 0;
}

static void
begin_login(struct auth *a, struct ipc_peer *from,
    const struct ipc_login_try *msg, const struct slice text[3])
{
	struct auth_try *t = auth_try_new(a, TRY_LOGIN);
	struct idmap *by_conn = &a->by_conn[ipc_peer_index(from)];

	t->frontend = ipc_peer_index(from);
	take_conn(t, &msg->conn);
	(void)idmap_put(by_conn, t->conn.id, t);
	auth_users_refresh(a);
	if (secret_set(&t->secret, text[2]) != 0) {
		/* The frontend takes no such secret: it is not ours to trust.
		 */
		say_why(t, "password too long");
		t->is_refused = true;
	}
	take_name(t, text[0]);
	take_authzid(t, text[1]);
	t->hint = (uint16_t)hash_keyed(a->hint_key, text[2]);
	if (!t->conn.tls && !t->conn.loopback) {
		say_why(t, "no TLS");
		auth_login_end(t, LOGIN_PRIVACY);
		return;
	}
	plan(t);
}

void
auth_login_try(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_login_try *msg = m->fixed;
	struct auth *a = r->state;
	struct slice text[3];

	text[0] = ipc_get_slice(m, MAX_USER);
	text[1] = ipc_get_slice(m, MAX_USER);
	text[2] = ipc_get_slice(m, SECRET_MAX);
	if (ipc_end(m) != 0 || ipc_peer_index(from) >= AUTH_FRONTENDS) {
		family_drop(from, "LOGIN_TRY out of bounds");
		return;
	}
	if (idmap_get(&a->by_conn[ipc_peer_index(from)], msg->conn.id) !=
	    NULL) {
		family_drop(from, "LOGIN_TRY during a login");
		return;
	}
	if (a->n_tries >= AUTH_TRIES_MAX) {
		send_result(
		    a, ipc_peer_index(from), msg->conn.id, LOGIN_LIMIT, "");
		return;
	}
	begin_login(a, from, msg, text);
}

/* The client has gone. A try that a helper has goes on to its verdict, which
 * is counted; nothing is told. */
void
auth_login_cancel(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_conn_id *msg = m->fixed;
	struct auth *a = r->state;
	struct auth_try *t;

	if (ipc_peer_index(from) >= AUTH_FRONTENDS)
		return;
	t = idmap_get(&a->by_conn[ipc_peer_index(from)], msg->conn);
	if (t == NULL)
		return;
	t->is_gone = true;
	if (t->phase == TRY_WAIT || t->phase == TRY_QUEUED)
		auth_try_free(t);
}

/* ---- after the helper ---- */

static unsigned
off_flag(const struct role *r)
{
	static const struct {
		const char *protocol;
		unsigned flag;
	} rows[] = {
		{ "imap", ACCOUNT_NO_IMAP },
		{ "pop3", ACCOUNT_NO_POP3 },
		{ "submission", ACCOUNT_NO_SUBMISSION },
	};

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		if (strcmp(r->family->protocol, rows[i].protocol) == 0)
			return rows[i].flag;
	}
	return 0;
}

/* The account of the name that PAM ended with: the users file, else the
 * system's. A code that is not OK: why it is none. */
static enum login_code
find_account(
    struct auth_try *t, const char *pam_name, const struct account *found)
{
	struct auth *a = t->auth;
	struct userfile_entry *e;
	struct err err;

	if (userdb_canonical(
		slice_str(pam_name), &a->conf, &a->users, t->name) != 0) {
		say_why(t, "PAM gives no user name");
		return LOGIN_FAILED;
	}
	t->account = xcalloc(1, sizeof(*t->account));
	e = userfile_find(&a->users, slice_str(t->name));
	if (e != NULL &&
	    userdb_from_entry(t->account, e, &a->conf,
		(uint32_t)(clock_now() / 86400), &err) != 0) {
		say_why(t, err.text);
		return LOGIN_CONTACTADMIN;
	}
	if (e == NULL && found == NULL) {
		say_why(t, "PAM knows the user, nobody else does");
		return LOGIN_FAILED;
	}
	if (e == NULL)
		*t->account = *found;
	return LOGIN_OK;
}

static enum login_code
judge(struct auth_try *t, const char *pam_name, const struct account *found)
{
	enum login_code code;
	struct err err;

	if (t->is_refused)
		return LOGIN_FAILED;
	code = find_account(t, pam_name, found);
	if (code == LOGIN_FAILED)
		return code;
	if (code == LOGIN_OK &&
	    userdb_may_enter(t->account, &t->auth->conf, &err) != 0) {
		say_why(t, err.text);
		return LOGIN_FAILED;
	}
	if (t->authz_other) {
		say_why(t, "authorization identity of somebody else");
		return LOGIN_DENIED;
	}
	if ((t->account->flags & off_flag(t->auth->role)) != 0) {
		say_why(t, "protocol is off for this user");
		return LOGIN_DENIED;
	}
	return code;
}

static void
given_timeout(void *arg)
{
	struct auth_try *t = arg;

	say_why(t, "nursery or queue does not answer");
	auth_login_end(t, LOGIN_UNAVAILABLE);
}

static int
give_to_nursery(struct auth_try *t)
{
	struct ipc_attach msg = {
		.attach = t->id, .frontend = t->frontend, .conn = t->conn
	};
	struct ipc_out o;

	ipc_begin(&o, IPC_ATTACH, &msg, sizeof(msg));
	account_put(&o, t->account);
	return ipc_send(role_peer(t->auth->role, R_NURSERY, 0), &o);
}

static int
give_to_queue(struct auth_try *t)
{
	struct ipc_submitter msg = { .id = t->id,
		.frontend = t->frontend,
		.uid = t->account->uid,
		.conn = t->conn };
	struct ipc_out o;

	ipc_begin(&o, IPC_SUBMITTER, &msg, sizeof(msg));
	ipc_put_str(&o, t->account->name);
	return ipc_send(role_peer(t->auth->role, R_QUEUE, 0), &o);
}

static void
give(struct auth_try *t)
{
	struct role *r = t->auth->role;
	bool has_sessions = r->family->session != NULL;

	secret_wipe(&t->secret);
	t->plan.fail_us = 0; /* from here on nothing is hidden */
	if (t->is_gone) {
		auth_try_free(t);
		return;
	}
	t->phase = TRY_GIVEN;
	if ((has_sessions ? give_to_nursery(t) : give_to_queue(t)) != 0) {
		say_why(t, "nursery or queue takes no more");
		auth_login_end(t, LOGIN_UNAVAILABLE);
		return;
	}
	timer_init(&t->timer, r->loop, given_timeout, t);
	timer_start_ms(&t->timer, GIVEN_MS);
}

void
auth_login_verdict(struct auth_try *t, enum login_code code,
    const char *pam_name, const struct account *found, const char *reason)
{
	struct throttle_try tt;
	enum login_code judged;

	throttle_try_of(t, &tt);
	if (reason[0] != '\0' && !t->is_refused)
		say_why(t, reason);
	if (code == LOGIN_OK || code == LOGIN_EXPIRED ||
	    code == LOGIN_CONTACTADMIN) {
		judged = judge(t, pam_name, found);
		if (judged != LOGIN_OK)
			code = judged;
	} else if (t->is_refused) {
		code = LOGIN_FAILED;
	}
	if (code == LOGIN_OK || code == LOGIN_DENIED)
		throttle_good(t->auth->throttle, &tt, clock_mono_us());
	else if (code == LOGIN_FAILED)
		throttle_bad(t->auth->throttle, &tt, clock_mono_us());
	else
		throttle_void(t->auth->throttle, &tt, clock_mono_us());
	if (code == LOGIN_OK)
		give(t);
	else
		auth_login_end(t, code);
}

/* ---- nursery and queue answer ---- */

static void
given_answer(struct auth *a, uint64_t id, enum login_code code, bool tell_ok)
{
	struct auth_try *t = idmap_get(&a->tries, id);

	/* One that timed out, or whose frontend died. */
	if (t == NULL || t->kind != TRY_LOGIN || t->phase != TRY_GIVEN)
		return;
	if (code != LOGIN_OK) {
		say_why(t, "refused by nursery or queue");
		auth_login_end(t, code);
		return;
	}
	t->code = LOGIN_OK;
	log_end(t);
	if (tell_ok && !t->is_gone)
		send_result(
		    a, t->frontend, t->conn.id, LOGIN_OK, t->account->name);
	auth_try_free(t);
}

static enum login_code
code_from(uint32_t wire)
{
	return wire < LOGIN_CODE_COUNT ? (enum login_code)wire :
					 LOGIN_UNAVAILABLE;
}

/* The nursery gives the frontend its channel: that is the answer. */
void
auth_attach_result(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_attach_result *msg = m->fixed;

	(void)from;
	given_answer(r->state, msg->attach, code_from(msg->code), false);
}

void
auth_submitter_ack(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_submitter_ack *msg = m->fixed;

	(void)from;
	given_answer(r->state, msg->id, code_from(msg->code), true);
}
