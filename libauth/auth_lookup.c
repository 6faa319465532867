/* SPDX-License-Identifier: ISC */
/* Questions of submitd's queue: who gets mail, and a process to deliver it. */
#include <stdio.h>
#include <string.h>

#include "libauth/auth_state.h"
#include "libbase/clock.h"
#include "libserver/family.h"
#include "libserver/log.h"

static void
answer_lookup(
    struct auth *a, uint64_t id, enum err_code code, const struct account *acct)
{
	struct ipc_user_answer msg = { .id = id, .code = code };
	struct ipc_out o;

	if (acct != NULL) {
		msg.uid = acct->uid;
		msg.quota_bytes = acct->quota_bytes;
	}
	ipc_begin(&o, IPC_USER_ANSWER, &msg, sizeof(msg));
	ipc_put_str(&o, acct == NULL ? "" : acct->name);
	/* A queue that has gone asks again when it is back. */
	(void)ipc_send(role_peer(a->role, R_QUEUE, 0), &o);
}

static void
answer_deliver(struct auth *a, uint64_t job, enum err_code code,
    const struct account *acct)
{
	struct ipc_deliver_fail fail = { .job = job, .code = code };
	struct ipc_deliver msg = { .job = job };
	struct ipc_out o;

	if (code == ERR_OK) {
		ipc_begin(&o, IPC_DELIVER_FORK, &msg, sizeof(msg));
		account_put(&o, acct);
		if (ipc_send(role_peer(a->role, R_NURSERY, 0), &o) == 0)
			return;
		fail.code = ERR_TEMP;
	}
	(void)IPC_SEND(role_peer(a->role, R_QUEUE, 0), IPC_DELIVER_FAIL, &fail);
}

/* Locked and expired accounts do not log in, but they get mail. */
static bool
gets_mail(const struct auth *a, const struct account *acct)
{
	return acct->uid != 0 && acct->uid >= a->conf.first_uid &&
	    !userdb_is_refused_name(acct->name);
}

static void
finish(struct auth *a, enum try_kind kind, uint64_t number, enum err_code code,
    const struct account *acct)
{
	if (code == ERR_OK && !gets_mail(a, acct))
		code = ERR_NOTFOUND;
	if (code != ERR_OK)
		acct = NULL;
	if (kind == TRY_LOOKUP)
		answer_lookup(a, number, code, acct);
	else
		answer_deliver(a, number, code, acct);
}

void
auth_lookup_verdict(
    struct auth_try *t, enum login_code code, const struct account *found)
{
	enum err_code ec = ERR_TEMP;

	if (code == LOGIN_OK && found != NULL)
		ec = ERR_OK;
	else if (code == LOGIN_FAILED)
		ec = ERR_NOTFOUND;
	else
		log_warn(0, "user lookup fails", "user", t->name, "reason",
		    t->reason, NULL);
	finish(t->auth, t->kind, t->job, ec, found);
	auth_try_free(t);
}

static void
from_users_file(struct auth *a, enum try_kind kind, uint64_t number,
    const struct userfile_entry *e)
{
	struct account *acct = xcalloc(1, sizeof(*acct));
	struct err err;

	if (userdb_from_entry(acct, e, &a->conf,
		(uint32_t)(clock_now() / 86400), &err) != 0) {
		log_err(0, "user has no mail folder", &err);
		finish(a, kind, number, ERR_TEMP, NULL);
	} else {
		finish(a, kind, number, ERR_OK, acct);
	}
	xfree(acct);
}

static void
begin_lookup(
    struct auth *a, enum try_kind kind, uint64_t number, const char *name)
{
	char canonical[MAX_USER + 1];
	struct userfile_entry *e;
	struct auth_try *t;

	auth_users_refresh(a);
	if (userdb_canonical(slice_str(name), &a->conf, &a->users, canonical) !=
		0 ||
	    userdb_is_refused_name(canonical)) {
		finish(a, kind, number, ERR_NOTFOUND, NULL);
		return;
	}
	e = userfile_find(&a->users, slice_str(canonical));
	if (e != NULL) {
		from_users_file(a, kind, number, e);
		return;
	}
	if (a->n_tries >= AUTH_TRIES_MAX) {
		finish(a, kind, number, ERR_TEMP, NULL);
		return;
	}
	t = auth_try_new(a, kind);
	t->job = number;
	memcpy(t->name, canonical, sizeof(t->name));
	auth_pool_add(t);
}

void
auth_user_lookup(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_user_lookup *msg = m->fixed;
	char name[MAX_USER + 1];

	ipc_get_str(m, name, sizeof(name));
	if (ipc_end(m) != 0 || msg->what != USER_EXISTS)
		family_drop(from, "bad USER_LOOKUP");
	else
		begin_lookup(r->state, TRY_LOOKUP, msg->id, name);
}

void
auth_deliver(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_deliver *msg = m->fixed;
	char name[MAX_USER + 1];

	ipc_get_str(m, name, sizeof(name));
	if (ipc_end(m) != 0)
		family_drop(from, "bad DELIVER");
	else
		begin_lookup(r->state, TRY_DELIVER, msg->job, name);
}
