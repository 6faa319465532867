/* SPDX-License-Identifier: ISC */
/* The helper role: one PAM conversation or NSS question at a time. It may block
 * and may crash; auth watches the clock and makes another. Holds no key. */
#include <string.h>

#include "libauth/auth.h"
#include "libauth/auth_pam.h"
#include "libauth/userdb.h"
#include "libbase/mem.h"
#include "libserver/family.h"

struct helper {
	struct auth_pam *pam;
	struct userdb_conf conf;
	struct account account; /* too large for a stack frame */
	struct secret secret;
};

struct verdict {
	enum login_code code;
	char name[MAX_USER + 1];
	bool found; /* helper->account is filled */
	struct err err;
};

static int
helper_start(struct role *r, struct err *err)
{
	struct helper *h = xcalloc(1, sizeof(*h));

	(void)err;
	h->pam =
	    auth_pam_new(r->family->protocol, conf_str(r->conf, "pam_confdir"),
		conf_bool(r->conf, "pam_session"));
	userdb_conf_from(&h->conf, r->conf);
	r->state = h;
	return 0;
}

/* Who is it, for the system? Nobody: the code stays as PAM says, auth decides.
 */
static void
ask_nss(struct helper *h, struct verdict *v)
{
	struct err err;

	if (userdb_nss(v->name, &h->conf, &h->account, &err) == 0) {
		v->found = true;
		return;
	}
	if (err.code == ERR_NOTFOUND)
		return;
	v->code = err.code == ERR_TEMP ? LOGIN_UNAVAILABLE : LOGIN_CONTACTADMIN;
	v->err = err;
}

static void
answer(struct role *r, uint64_t id, const struct verdict *v)
{
	struct ipc_helper_answer msg = {
		.id = id, .code = v->code, .found = v->found
	};
	const struct helper *h = r->state;
	struct ipc_out o;

	ipc_begin(&o, IPC_HELPER_ANSWER, &msg, sizeof(msg));
	ipc_put_str(&o, v->name);
	ipc_put_str(&o, v->code == LOGIN_OK ? "" : v->err.text);
	if (v->found)
		account_put(&o, &h->account);
	if (ipc_send(r->maker, &o) != 0)
		role_quit(r); /* auth has gone: nobody asks any more */
}

static void
on_try(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_helper_try *msg = m->fixed;
	struct verdict v = { .code = LOGIN_OK };
	struct helper *h = r->state;
	char name[MAX_USER + 1], address[64];

	ipc_get_str(m, name, sizeof(name));
	ipc_get_str(m, address, sizeof(address));
	if (secret_set(&h->secret, ipc_get_slice(m, SECRET_MAX)) != 0 ||
	    ipc_end(m) != 0) {
		family_drop(from, "bad HELPER_TRY");
		return;
	}
	memcpy(v.name, name, sizeof(v.name));
	if (msg->what != HELPER_LOOKUP)
		v.code = auth_pam_check(
		    h->pam, name, address, h->secret.bytes, v.name, &v.err);
	secret_wipe(&h->secret);
	if (msg->what == HELPER_LOOKUP ||
	    (msg->what == HELPER_LOGIN &&
		(v.code == LOGIN_OK || v.code == LOGIN_EXPIRED)))
		ask_nss(h, &v);
	if (msg->what == HELPER_LOOKUP && v.code == LOGIN_OK && !v.found)
		v.code = LOGIN_FAILED;
	answer(r, msg->id, &v);
}

static const struct ipc_handler helper_handlers[] = {
	{ IPC_HELPER_TRY, on_try, false },
	{ 0, NULL, false },
};

const struct role_spec helper_role = {
	.id = R_HELPER,
	.name = "helper",
	.sandbox = SANDBOX_NONE,
	.on_demand = true,
	.handlers = helper_handlers,
	.start = helper_start,
};
