/* SPDX-License-Identifier: ISC */
/* The certificates of a frontend, and signatures asked of auth. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/tls.h"
#include "libserver/frontend_tls.h"
#include "libserver/log.h"

#define SIGN_MS 2000

struct fe_tls {
	struct tls_server *server; /* in use */
	struct tls_server *next;   /* being filled until the last CERT */
	bool is_bad;               /* next lacks a certificate */
	int sign_fd;
	bool has_ticket_key;
	uint8_t ticket_key[TLS_TICKET_KEY_SIZE];
};

struct fe_tls *
fe_tls_new(void)
{
	struct fe_tls *t = xcalloc(1, sizeof(*t));

	t->sign_fd = -1;
	return t;
}

struct tls_server *
fe_tls_server(const struct fe_tls *t)
{
	return t->server;
}

void
fe_tls_set_sign_fd(struct fe_tls *t, int fd)
{
	if (t->sign_fd != -1)
		close(t->sign_fd);
	t->sign_fd = fd;
}

/* GnuTLS wants the signature at once: one message there and back. */
static int
sign(void *arg, const char *key_id, enum tls_sign_op op, uint32_t algo,
    uint32_t flags, struct slice data, struct buf *sig)
{
	struct fe_tls *t = arg;
	struct ipc_sign_req req = { .key_id = strtoull(key_id, NULL, 10),
		.op = op,
		.algo = algo,
		.flags = flags };
	struct ipc_sign_answer ans;
	struct ipc_msg m = { 0 };
	struct buf tail;
	struct ipc_out o;
	struct slice s;
	struct err err;
	int r = -1;

	if (t->sign_fd == -1)
		return -1;
	buf_init(&tail, MAX_IPC_DATAGRAM);
	ipc_begin(&o, IPC_SIGN_REQ, &req, sizeof(req));
	ipc_put_slice(&o, data);
	if (ipc_call(t->sign_fd, NULL, R_FRONTEND, R_AUTH, &o, IPC_SIGN_ANSWER,
		&ans, sizeof(ans), &tail, SIGN_MS, &err) == -1) {
		log_err(0, "no signature", &err);
	} else {
		m.tail = buf_slice(&tail);
		s = ipc_get_slice(&m, TLS_SIGN_MAX_SIG);
		if (ipc_end(&m) == 0 && ans.ok == 1 &&
		    ans.key_id == req.key_id) {
			buf_put_slice(sig, s);
			r = buf_ok(sig) ? 0 : -1;
		}
	}
	buf_free(&tail);
	return r;
}

static void
add_cert(struct fe_tls *t, uint64_t key_id, struct slice pem)
{
	struct err err;

	if (t->next == NULL)
		t->next = tls_server_new(sign, t, NULL, &err);
	if (t->next == NULL ||
	    tls_server_add_cert(t->next, LOG_U64(key_id), pem, &err) == -1) {
		log_err(0, "certificate not loaded", &err);
		t->is_bad = true;
	}
}

/* All are there: new handshakes use them, old connections keep theirs. */
static void
swap(struct fe_tls *t)
{
	bool keep_old = t->is_bad &&
	    (t->next == NULL || tls_server_count_certs(t->next) == 0);

	t->is_bad = false;
	if (keep_old) {
		tls_server_free(&t->next);
		return;
	}
	tls_server_free(&t->server);
	t->server = t->next;
	t->next = NULL;
	if (t->server != NULL && t->has_ticket_key)
		tls_server_set_ticket_key(t->server, t->ticket_key);
}

void
fe_tls_on_cert(struct fe_tls *t, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_key head;
	struct slice pem;

	memcpy(&head, m->fixed, sizeof(head));
	if (head.last != 0) {
		swap(t);
		return;
	}
	pem = ipc_get_slice(m, MAX_IPC_DATAGRAM);
	if (ipc_end(m) == -1)
		family_drop(from, "certificate not readable");
	else
		add_cert(t, head.key_id, pem);
}

void
fe_tls_on_ticket_key(struct fe_tls *t, const struct ipc_msg *m)
{
	struct ipc_ticket_key k;

	memcpy(&k, m->fixed, sizeof(k));
	memcpy(t->ticket_key, k.bytes, sizeof(t->ticket_key));
	mem_wipe(&k, sizeof(k));
	t->has_ticket_key = true;
	if (t->server != NULL)
		tls_server_set_ticket_key(t->server, t->ticket_key);
}
