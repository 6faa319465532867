/* SPDX-License-Identifier: ISC */
/*
 * TLS under a connection. GnuTLS never sees the socket: what a look at it gave
 * lies in `ct` for the pull function, what it wants to send gathers in scratch
 * block 2 and leaves in one call at the end of each operation. So all records
 * of a turn leave together, a read of 64 KiB gives many records, and there is
 * one place that knows that a socket can be full.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "libnet/transport.h"

#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/loop_private.h"
#include "libnet/tls_private.h"

#define RECORD       ((size_t)16384) /* RFC 8446 5.1: the most there is */
/* Four records, which with what TLS adds fit scratch block 2. */
#define GATHER_BYTES (4 * RECORD)
#define MAX_IOV      64
/* What may wait for a full socket: a turn's records. Alerts, key updates and
 * tickets come atop. */
#define MAX_PENDING  (256 * KIB)
#define MAX_ALPN     8

struct transport_tls {
	struct transport t;
	struct tls_server *server;
	gnutls_session_t session;
	bool up;         /* handshake done */
	bool bye;        /* close_notify is on its way */
	bool eof;        /* the peer's close_notify has come */
	bool raw_eof;    /* the socket has ended */
	struct slice ct; /* ciphertext not yet pulled: in scratch or `kept` */
	char *kept;      /* ... when it had to outlive the call */
	char *push;      /* scratch block while an operation runs, else NULL */
	size_t push_n;
	struct buf pending; /* for the socket, before push */
	char *cipher;
	char sni[256];
	char alpn_agreed[32];
};

static struct transport_tls *
tls_of(struct transport *t)
{
	return container_of(t, struct transport_tls, t);
}

static const struct transport_tls *
tls_of_const(const struct transport *t)
{
	return (const struct transport_tls *)(const void *)t;
}

/* --- what GnuTLS calls ---------------------------------------------------- */
static ssize_t
tls_pull(gnutls_transport_ptr_t ptr, void *to, size_t room)
{
	struct transport_tls *s = ptr;
	size_t n = s->ct.n < room ? s->ct.n : room;

	if (n == 0) {
		if (s->raw_eof)
			return 0;
		gnutls_transport_set_errno(s->session, EAGAIN);
		return -1;
	}
	memcpy(to, s->ct.p, n);
	s->ct = slice_from(s->ct, n);
	return (ssize_t)n;
}

static ssize_t
tls_push(gnutls_transport_ptr_t ptr, const void *p, size_t n)
{
	struct transport_tls *s = ptr;

	assert(s->push != NULL);
	if (n > LOOP_SCRATCH_OUT - s->push_n) {
		buf_put(&s->pending, s->push, s->push_n);
		s->push_n = 0;
	}
	if (!buf_ok(&s->pending) || n > LOOP_SCRATCH_OUT) {
		gnutls_transport_set_errno(s->session, ENOBUFS);
		return -1;
	}
	memcpy(s->push + s->push_n, p, n);
	s->push_n += n;
	return (ssize_t)n;
}

/* GnuTLS would poll the socket during a handshake. Never wait. */
static int
tls_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	struct transport_tls *s = ptr;

	(void)ms;
	if (s->ct.n > 0 || s->raw_eof)
		return 1;
	gnutls_transport_set_errno(s->session, EAGAIN);
	return -1;
}

static struct transport_tls *
tls_of_session(gnutls_session_t session)
{
	return gnutls_session_get_ptr(session);
}

/* The client has named a host: choose the certificates. */
static int
client_hello(gnutls_session_t session)
{
	struct transport_tls *s = tls_of_session(session);
	size_t n = sizeof s->sni;
	unsigned type;

	if (gnutls_server_name_get(session, s->sni, &n, &type, 0) < 0 ||
	    type != GNUTLS_NAME_DNS)
		s->sni[0] = '\0';
	tls_server_select(s->server, session, slice_str(s->sni));
	return 0;
}

/* --- operations ----------------------------------------------------------- */
static void
op_begin(struct transport_tls *s)
{
	s->push = loop_scratch(s->t.loop, 2);
	s->push_n = 0;
}

/* What was pushed goes out, behind what still waits. */
static enum transport_answer
op_end(struct transport_tls *s, struct err *err)
{
	enum transport_answer r = TRANSPORT_OK;
	size_t n = 0;

	if (s->pending.n > 0) {
		buf_put(&s->pending, s->push, s->push_n);
		s->push_n = 0;
		r = transport_send_bytes(
		    &s->t, s->pending.p, s->pending.n, &n, err);
		buf_consume(&s->pending, n);
	} else if (s->push_n > 0) {
		r = transport_send_bytes(&s->t, s->push, s->push_n, &n, err);
		if (r == TRANSPORT_AGAIN)
			buf_put(&s->pending, s->push + n, s->push_n - n);
	}
	s->push = NULL;
	s->push_n = 0;
	if (!buf_ok(&s->pending)) {
		err_set(err, ERR_LIMIT, "TLS records over their ceiling");
		return TRANSPORT_FAIL;
	}
	s->t.held = s->pending.n > 0;
	if (!s->t.held && s->pending.cap > 0)
		buf_free(&s->pending);
	return r;
}

static enum transport_answer
fail(int code, const char *what, struct err *err)
{
	(void)tls_err(err, code, what);
	return TRANSPORT_FAIL;
}

/* The handshake went wrong: the alert still leaves, if the socket takes it. */
static enum transport_answer
handshake_failed(struct transport_tls *s, int code, struct err *err)
{
	struct err ignored;

	if (code == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		err_set(err, ERR_INVALID, "TLS handshake: alert from peer: %s",
		    gnutls_alert_get_name(gnutls_alert_get(s->session)));
		return TRANSPORT_FAIL;
	}
	if (code != GNUTLS_E_PREMATURE_TERMINATION) {
		(void)gnutls_alert_send_appropriate(s->session, code);
		(void)op_end(s, &ignored);
		op_begin(s);
	}
	return fail(code, "TLS handshake", err);
}

static void
handshake_done(struct transport_tls *s)
{
	gnutls_datum_t proto;

	s->up = true;
	s->cipher = gnutls_ciphersuite_get(s->session) != NULL ?
	    xstrdup(gnutls_ciphersuite_get(s->session)) :
	    xstrdup("");
	if (gnutls_alpn_get_selected_protocol(s->session, &proto) == 0 &&
	    proto.size < sizeof s->alpn_agreed) {
		memcpy(s->alpn_agreed, proto.data, proto.size);
		s->alpn_agreed[proto.size] = '\0';
	}
}

/* OK: done. AGAIN: more must come from the socket. */
static enum transport_answer
handshake(struct transport_tls *s, struct err *err)
{
	int r;

	do
		r = gnutls_handshake(s->session);
	while (r == GNUTLS_E_INTERRUPTED ||
	    r == GNUTLS_E_WARNING_ALERT_RECEIVED ||
	    (r == GNUTLS_E_AGAIN && s->ct.n > 0));
	if (r == GNUTLS_E_AGAIN)
		return TRANSPORT_AGAIN;
	if (r < 0)
		return handshake_failed(s, r, err);
	handshake_done(s);
	return TRANSPORT_OK;
}

/* Records out of ct to buf. OK: room is used up. AGAIN: no whole record. */
static enum transport_answer
decrypt(struct transport_tls *s, char *buf, size_t room, size_t *n_out,
    struct err *err)
{
	while (*n_out < room) {
		ssize_t n =
		    gnutls_record_recv(s->session, buf + *n_out, room - *n_out);

		if (n > 0) {
			*n_out += (size_t)n;
			continue;
		}
		if (n == 0) {
			s->eof = true;
			return TRANSPORT_EOF;
		}
		if (n == GNUTLS_E_INTERRUPTED ||
		    n == GNUTLS_E_WARNING_ALERT_RECEIVED)
			continue;
		if (n == GNUTLS_E_AGAIN) {
			if (s->ct.n > 0)
				continue;
			return TRANSPORT_AGAIN;
		}
		/* GNUTLS_E_REHANDSHAKE among them: no renegotiation. */
		return fail((int)n, "TLS", err);
	}
	return TRANSPORT_OK;
}

/* As far as what lies here goes. */
static enum transport_answer
consume_ct(struct transport_tls *s, char *buf, size_t room, size_t *n_out,
    struct err *err)
{
	if (!s->up) {
		enum transport_answer r = handshake(s, err);

		if (r != TRANSPORT_OK)
			return r;
	}
	return decrypt(s, buf, room, n_out, err);
}

/* What was not pulled must outlive the scratch block. */
static void
keep_ct(struct transport_tls *s)
{
	char *old = s->kept;

	s->kept = NULL;
	if (s->ct.n > 0) {
		s->kept = xmalloc(s->ct.n);
		memcpy(s->kept, s->ct.p, s->ct.n);
		s->ct.p = s->kept;
	}
	xfree(old);
}

static enum transport_answer
look_at_socket(struct transport_tls *s, size_t room, struct err *err)
{
	char *block = loop_scratch(s->t.loop, 0);
	enum transport_answer r;
	size_t n;

	/* Plaintext is shorter than its records, so asking for no more than
	 * there is room leaves little behind; but at least one record. */
	if (room < RECORD)
		room = RECORD;
	r = transport_recv_bytes(
	    &s->t, block, room < LOOP_SCRATCH ? room : LOOP_SCRATCH, &n, err);
	if (r == TRANSPORT_OK)
		s->ct = slice_of(block, n);
	else if (r == TRANSPORT_EOF)
		s->raw_eof = true;
	return r == TRANSPORT_EOF ? TRANSPORT_OK : r;
}

static enum transport_answer
tls_read(
    struct transport *t, char *buf, size_t room, size_t *n_out, struct err *err)
{
	struct transport_tls *s = tls_of(t);
	enum transport_answer r = TRANSPORT_AGAIN, sent;
	size_t n = 0;

	if (s->eof)
		return TRANSPORT_EOF;
	op_begin(s);
	if (s->ct.n > 0 || (s->up && gnutls_record_check_pending(s->session)))
		r = consume_ct(s, buf, room, &n, err);
	if (r == TRANSPORT_AGAIN) {
		r = look_at_socket(s, room, err);
		if (r == TRANSPORT_OK)
			r = consume_ct(s, buf, room, &n, err);
	}
	sent = op_end(s, err);
	keep_ct(s);
	if (sent == TRANSPORT_FAIL && r != TRANSPORT_FAIL && n == 0)
		r = TRANSPORT_FAIL;
	*n_out = n;
	/* What came before an end or a fault is told first; the fault again
	 * with the next look. */
	return n > 0 ? TRANSPORT_OK : r;
}

static bool
tls_has_input(const struct transport *t)
{
	const struct transport_tls *s = tls_of_const(t);

	return s->ct.n > 0 || s->eof ||
	    (s->up && gnutls_record_check_pending(s->session) > 0);
}

/* One record of at most RECORD bytes out of the pieces; they shrink. */
static int
send_record(
    struct transport_tls *s, struct iovec *iov, unsigned n_iov, unsigned *at)
{
	struct iovec *v = &iov[*at];
	char *block = loop_scratch(s->t.loop, 0);
	size_t n = 0;
	ssize_t r;

	if (v->iov_len >= RECORD || *at + 1 == n_iov) {
		n = v->iov_len < RECORD ? v->iov_len : RECORD;
		r = gnutls_record_send(s->session, v->iov_base, n);
		v->iov_base = (char *)v->iov_base + n;
		v->iov_len -= n;
	} else {
		for (; n < RECORD && v < iov + n_iov; v++) {
			size_t k =
			    v->iov_len < RECORD - n ? v->iov_len : RECORD - n;

			memcpy(block + n, v->iov_base, k);
			n += k;
			v->iov_base = (char *)v->iov_base + k;
			v->iov_len -= k;
			if (v->iov_len > 0)
				break;
		}
		r = gnutls_record_send(s->session, block, n);
	}
	while (*at < n_iov && iov[*at].iov_len == 0)
		(*at)++;
	return r < 0 ? (int)r : r == (ssize_t)n ? 0 : GNUTLS_E_PUSH_ERROR;
}

static enum transport_answer
encrypt(struct transport_tls *s, struct out *o, size_t *n_out, struct err *err)
{
	struct iovec iov[MAX_IOV];
	unsigned n, at = 0;
	size_t total = 0;

	n = out_gather(
	    o, iov, MAX_IOV, GATHER_BYTES, loop_scratch(s->t.loop, 1), false);
	if (n == 0 && !out_ok(o)) {
		*err = o->err;
		return TRANSPORT_FAIL;
	}
	for (unsigned i = 0; i < n; i++)
		total += iov[i].iov_len;
	while (at < n) {
		int r = send_record(s, iov, n, &at);

		if (r < 0)
			return fail(r, "TLS send", err);
	}
	out_advance(o, total);
	*n_out = total;
	return TRANSPORT_OK;
}

static enum transport_answer
tls_send(struct transport *t, struct out *o, struct err *err)
{
	struct transport_tls *s = tls_of(t);
	enum transport_answer r;
	size_t turn = 0, n;

	op_begin(s);
	r = op_end(s, err); /* what waits goes first */
	while (r == TRANSPORT_OK && out_queued(o) > 0) {
		if (!s->up)
			return TRANSPORT_WAIT;
		if (turn >= TRANSPORT_TURN)
			return TRANSPORT_MORE;
		op_begin(s);
		n = 0;
		r = encrypt(s, o, &n, err);
		turn += n;
		if (r == TRANSPORT_OK)
			r = op_end(s, err);
		else
			s->push = NULL;
	}
	return r;
}

static enum transport_answer
tls_shutdown(struct transport *t, struct err *err)
{
	struct transport_tls *s = tls_of(t);
	enum transport_answer r;

	op_begin(s);
	if (!s->bye && s->up) {
		s->bye = true;
		(void)gnutls_bye(s->session, GNUTLS_SHUT_WR);
	}
	r = op_end(s, err);
	if (r != TRANSPORT_OK)
		return r;
	return transport_shutdown_fd(t, err);
}

static bool
tls_info(const struct transport *t, struct conn_tls_info *out)
{
	const struct transport_tls *s = tls_of_const(t);

	if (s->up && out != NULL)
		*out = (struct conn_tls_info){
			.version = gnutls_protocol_get_name(
			    gnutls_protocol_get_version(s->session)),
			.cipher = s->cipher,
			.sni = s->sni,
			.alpn = s->alpn_agreed,
			.resumed = gnutls_session_is_resumed(s->session) != 0
		};
	return s->up;
}

static void
tls_free(struct transport *t)
{
	struct transport_tls *s = tls_of(t);

	s->push = loop_scratch(t->loop, 2); /* should it say a last word */
	s->push_n = 0;
	gnutls_deinit(s->session);
	tls_server_free(&s->server);
	buf_free(&s->pending);
	xfree(s->kept);
	xfree(s->cipher);
	xfree(s);
}

static const struct transport_ops tls_ops = { .read = tls_read,
	.has_input = tls_has_input,
	.send = tls_send,
	.shutdown = tls_shutdown,
	.info = tls_info,
	.free = tls_free };

static int
set_alpn(struct transport_tls *s, const char *const *alpn, struct err *err)
{
	gnutls_datum_t list[MAX_ALPN];
	unsigned n = 0;
	int r;

	for (; alpn != NULL && alpn[n] != NULL && n < MAX_ALPN; n++)
		list[n] =
		    (gnutls_datum_t){ .data =
					  (unsigned char *)(uintptr_t)alpn[n],
			    .size = (unsigned)strlen(alpn[n]) };
	if (n == 0)
		return 0;
	/* RFC 7301 3.2: no common protocol is the end; none offered is none. */
	r = gnutls_alpn_set_protocols(s->session, list, n,
	    GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
	return r < 0 ? tls_err(err, r, "ALPN") : 0;
}

struct transport *
transport_tls_new(struct loop *loop, int fd, struct tls_server *server,
    const char *const *alpn, struct slice first, struct err *err)
{
	struct transport_tls *s = xcalloc(1, sizeof *s);
	int r;

	s->t.ops = &tls_ops;
	s->t.loop = loop;
	s->t.fd = fd;
	buf_init(&s->pending, MAX_PENDING);
	r = gnutls_init(
	    &s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (r < 0) {
		tls_err(err, r, "TLS session");
		xfree(s);
		return NULL;
	}
	s->server = tls_server_ref(server);
	gnutls_session_set_ptr(s->session, s);
	gnutls_transport_set_ptr(s->session, s);
	gnutls_transport_set_pull_function(s->session, tls_pull);
	gnutls_transport_set_push_function(s->session, tls_push);
	gnutls_transport_set_pull_timeout_function(
	    s->session, tls_pull_timeout);
	gnutls_handshake_set_timeout(s->session, 0); /* the loop's matter */
	gnutls_handshake_set_post_client_hello_function(
	    s->session, client_hello);
	if (tls_server_prepare(server, s->session, err) == -1 ||
	    set_alpn(s, alpn, err) == -1) {
		tls_free(&s->t);
		return NULL;
	}
	s->ct = first;
	keep_ct(s);
	return &s->t;
}
