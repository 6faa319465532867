/* SPDX-License-Identifier: ISC */
/* The private keys: they come from the parent by id, sign for the frontends,
 * and are forgotten two reloads later. */
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

/* The parent tells auth a key before it tells a frontend the certificate, but
 * on another pair: a question that comes first waits a moment. A frontend is
 * held while it asks, so there is one a pair. */
#define KEY_WAIT_MS 300

struct sign_pair {
	struct ipc_peer *peer;
	bool is_waiting;
	struct ipc_sign_req req; /* is_waiting */
	struct buf data;
	struct timer timer;
};

struct auth_keys {
	struct key_row rows[KEYS_MAX];
	unsigned n;
	struct sign_pair pairs[AUTH_FRONTENDS];
};

static void pair_late(void *arg);

struct auth_keys *
auth_keys_new(struct loop *loop)
{
	struct auth_keys *k = xcalloc(1, sizeof(*k));

	for (unsigned i = 0; i < AUTH_FRONTENDS; i++) {
		timer_init(&k->pairs[i].timer, loop, pair_late, &k->pairs[i]);
		buf_init(&k->pairs[i].data, TLS_SIGN_MAX_DATA);
	}
	return k;
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

static void
answer(struct sign_pair *p, const struct tls_key *key,
    const struct ipc_sign_req *req, struct slice data)
{
	struct ipc_sign_answer ans = { .key_id = req->key_id };
	struct ipc_out o;
	struct buf sig;
	struct err err;

	buf_init(&sig, TLS_SIGN_MAX_SIG);
	if (key == NULL)
		err_set(&err, ERR_NOTFOUND, "no key of that number");
	else if (tls_key_sign(key, (enum tls_sign_op)req->op, req->algo,
		     req->flags, data, &sig, &err) == 0)
		ans.ok = 1;
	if (!ans.ok) {
		log_err(0, "signature is refused", &err);
		buf_reset(&sig);
	}
	ipc_begin(&o, IPC_SIGN_ANSWER, &ans, sizeof(ans));
	ipc_put_slice(&o, buf_slice(&sig));
	(void)ipc_send(p->peer, &o); /* it has gone: nobody waits */
	buf_free(&sig);
}

/* The key that a pair waited for, or NULL when it does not come. */
static void
answer_waiting(struct sign_pair *p, const struct tls_key *key)
{
	p->is_waiting = false;
	timer_stop(&p->timer);
	answer(p, key, &p->req, buf_slice(&p->data));
	buf_reset(&p->data);
}

static void
pair_late(void *arg)
{
	answer_waiting(arg, NULL);
}

static void
serve_waiting(struct auth_keys *k)
{
	for (unsigned i = 0; i < AUTH_FRONTENDS; i++) {
		struct sign_pair *p = &k->pairs[i];
		const struct key_row *row;

		if (!p->is_waiting)
			continue;
		row = key_find(k, p->req.key_id);
		if (row != NULL)
			answer_waiting(p, row->key);
	}
}

void
auth_key(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_key *msg = m->fixed;
	struct auth *a = r->state;
	struct slice pem = ipc_get_slice(m, 65536);

	if (ipc_end(m) != 0) {
		family_drop(from, "bad KEY");
		return;
	}
	if (pem.n > 0)
		key_add(a->keys, msg, pem);
	if (msg->last)
		forget_old(a->keys, msg->generation);
	serve_waiting(a->keys);
}

static void
sign(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_sign_req *msg = m->fixed;
	struct auth *a = r->state;
	struct sign_pair *p = ipc_peer_arg(from);
	struct slice data = ipc_get_slice(m, TLS_SIGN_MAX_DATA);
	const struct key_row *row;

	if (ipc_end(m) != 0 || p->is_waiting) {
		family_drop(from, "bad SIGN_REQ");
		return;
	}
	row = key_find(a->keys, msg->key_id);
	if (row != NULL) {
		answer(p, row->key, msg, data);
		return;
	}
	p->is_waiting = true;
	p->req = *msg;
	buf_put_slice(&p->data, data);
	timer_start_ms(&p->timer, KEY_WAIT_MS);
}

static const struct ipc_handler sign_handlers[] = {
	{ IPC_SIGN_REQ, sign, false },
	{ 0, NULL, false },
};

static void
pair_clear(struct sign_pair *p)
{
	p->peer = NULL;
	p->is_waiting = false;
	timer_stop(&p->timer);
	buf_reset(&p->data);
}

static void
pair_gone(struct role *r, struct ipc_peer *peer, const char *fault)
{
	(void)r;
	if (fault != NULL)
		log_warn(0, "signature pair ends", "reason", fault, NULL);
	pair_clear(ipc_peer_arg(peer));
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
	struct sign_pair *p;

	if (kind != PEER_SIGN || peer != R_FRONTEND ||
	    index >= AUTH_FRONTENDS) {
		(void)close(fd);
		return;
	}
	p = &a->keys->pairs[index];
	if (p->peer != NULL)
		ipc_peer_close(&p->peer);
	pair_clear(p);
	conf.arg = p;
	p->peer = ipc_peer_new(fd, &conf);
}
