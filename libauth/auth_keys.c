/* SPDX-License-Identifier: ISC */
/* The private keys: they come from the parent by id before any frontend hears
 * of their certificates, sign, and are forgotten two reloads later. */
#include <string.h>
#include <unistd.h>

#include "libauth/auth_state.h"
#include "libnet/tls_key.h"
#include "libserver/family.h"
#include "libserver/log.h"

struct key_row {
	uint64_t id;
	uint64_t generation;
	struct tls_key *key;
};

#define KEYS_MAX 512 /* 100 certificates in each of three generations */

struct auth_keys {
	struct key_row rows[KEYS_MAX];
	unsigned n;
	struct ipc_peer *pairs[AUTH_FRONTENDS];
};

struct auth_keys *
auth_keys_new(void)
{
	return xcalloc(1, sizeof(struct auth_keys));
}

static struct key_row *
key_find(struct auth_keys *k, uint64_t id)
{
	for (unsigned i = 0; i < k->n; i++) {
		if (k->rows[i].id == id)
			return &k->rows[i];
	}
	return NULL;
}

/* Connections of two generations ago have their handshake behind them. */
static void
forget_old(struct auth_keys *k, uint64_t generation)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < k->n; i++) {
		if (k->rows[i].generation + 2 <= generation)
			tls_key_free(&k->rows[i].key);
		else
			k->rows[kept++] = k->rows[i];
	}
	k->n = kept;
}

static void
key_add(struct auth_keys *k, const struct ipc_key *msg, struct slice pem)
{
	struct key_row *row = key_find(k, msg->key_id);
	struct tls_key *key;
	struct err err;

	key = tls_key_load(pem, &err);
	if (key == NULL) {
		log_err(0, "private key is not usable", &err);
		return;
	}
	if (row == NULL && k->n == KEYS_MAX) {
		log_error(0, "too many private keys", NULL);
		tls_key_free(&key);
		return;
	}
	if (row == NULL)
		row = &k->rows[k->n++];
	else
		tls_key_free(&row->key);
	row->id = msg->key_id;
	row->generation = msg->generation;
	row->key = key;
}

void
auth_key(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_key *msg = m->fixed;
	struct auth *a = r->state;
	struct slice pem;

	if (msg->last) { /* the end of the list carries no key */
		forget_old(a->keys, msg->generation);
		return;
	}
	pem = ipc_get_slice(m, 65536);
	if (ipc_end(m) != 0) {
		family_drop(from, "bad KEY");
		return;
	}
	key_add(a->keys, msg, pem);
}

static void
sign(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_sign_req *msg = m->fixed;
	struct ipc_sign_answer ans = { .key_id = msg->key_id };
	struct auth *a = r->state;
	struct slice data = ipc_get_slice(m, TLS_SIGN_MAX_DATA);
	const struct key_row *row;
	struct ipc_out o;
	struct buf sig;
	struct err err;

	if (ipc_end(m) != 0) {
		family_drop(from, "bad SIGN_REQ");
		return;
	}
	buf_init(&sig, TLS_SIGN_MAX_SIG);
	row = key_find(a->keys, msg->key_id);
	if (row == NULL)
		err_set(&err, ERR_NOTFOUND, "no key of that number");
	else if (tls_key_sign(row->key, (enum tls_sign_op)msg->op, msg->algo,
		     msg->flags, data, &sig, &err) == 0)
		ans.ok = 1;
	if (!ans.ok) {
		log_err(0, "signature is refused", &err);
		buf_reset(&sig);
	}
	ipc_begin(&o, IPC_SIGN_ANSWER, &ans, sizeof(ans));
	ipc_put_slice(&o, buf_slice(&sig));
	(void)ipc_send(from, &o); /* it has gone: nobody waits */
	buf_free(&sig);
}

static const struct ipc_handler sign_handlers[] = {
	{ IPC_SIGN_REQ, sign, false },
	{ 0, NULL, false },
};

static void
pair_gone(struct role *r, struct ipc_peer *p, const char *fault)
{
	struct auth *a = r->state;

	if (fault != NULL)
		log_warn(0, "signature pair ends", "reason", fault, NULL);
	for (unsigned i = 0; i < AUTH_FRONTENDS; i++) {
		if (a->keys->pairs[i] == p)
			a->keys->pairs[i] = NULL;
	}
}

void
auth_sign_pair(struct role *r, enum role_id peer, unsigned index,
    enum peer_kind kind, int fd)
{
	struct auth *a = r->state;
	struct ipc_peer_conf conf = { .role = r,
		.loop = r->loop,
		.me = R_AUTH,
		.peer = peer,
		.index = index,
		.handlers = sign_handlers,
		.gone = pair_gone };

	if (kind != PEER_SIGN || peer != R_FRONTEND ||
	    index >= AUTH_FRONTENDS) {
		(void)close(fd);
		return;
	}
	if (a->keys->pairs[index] != NULL)
		ipc_peer_close(&a->keys->pairs[index]);
	a->keys->pairs[index] = ipc_peer_new(fd, &conf);
}
