/* SPDX-License-Identifier: ISC */
/*
 * A daemon for the tests of libserver: the whole family with a line protocol
 * of its own and an auth role that believes every password but "wrong".
 *   before login: login USER PASSWORD, starttls, quit
 *   after it: pid, uid, open PATH, create PATH, socket, exec, crash, syscall,
 *   count (lines so far), big N, quit; anything else comes back
 * In both: forge PEER TYPE MODE REF sends a message this role may not send, or
 * not so: MODE zero (right size, all zeros, REF first), long, short, fds.
 * Built with -DEVIL it has the real auth role of libauth (tests/evil).
 * User uN has uid ECHOD_UID + N as root, else our own. Mail: ECHOD_MAIL/USER.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libnet/conn.h"
#include "libnet/tls_key.h"
#include "libserver/family.h"
#ifdef EVIL
#include "libauth/auth.h"
#endif

#define LINE_MAX 1024

/* ---- what a role that was taken over would try ---- */

static void
forge(struct role *r, struct ipc_peer *p, struct slice args)
{
	static const char zeros[130000];
	struct slice type_word, mode;
	const struct ipc_rule *rule;
	uint64_t type = 0, ref = 0;
	size_t n;
	struct ipc_out o;
	uint64_t first;

	(void)slice_cut(&args, ' ', &type_word);
	(void)slice_cut(&args, ' ', &mode);
	if (slice_u64(type_word, 65535, &type) == -1 ||
	    slice_u64(args, UINT64_MAX, &ref) == -1)
		return;
	rule = ipc_rule_find(r->family->ipc, (uint16_t)type);
	n = rule == NULL ? 64 : rule->fixed;
	if (slice_eq_str(mode, "short"))
		n--;
	first = ref;
	ipc_begin(&o, (uint16_t)type, zeros, n);
	if (n >= sizeof(first))
		memcpy(o.b.p + sizeof(struct ipc_head), &first, sizeof(first));
	if (slice_eq_str(mode, "long"))
		buf_put(&o.b, zeros, rule == NULL ? 1 : rule->tail_max + 1);
	if (slice_eq_str(mode, "fds"))
		for (int i = 0; i < IPC_FDS_MAX; i++)
			ipc_put_fd(&o, 0);
	(void)ipc_send(p, &o);
}

static struct ipc_peer *
victim(struct role *r, struct slice *args)
{
	struct slice word;

	(void)slice_cut(args, ' ', &word);
	if (slice_eq_str(word, "auth"))
		return role_peer(r, R_AUTH, 0);
	if (slice_eq_str(word, "nursery"))
		return r->spec->id == R_SESSION ? r->maker :
						  role_peer(r, R_NURSERY, 0);
	return r->maker;
}

/* ---- frontend ---- */

static void
echo_open(struct fe_conn *fc)
{
	out_puts(conn_out(fc->conn), "* hello\r\n");
}

static bool
next_line(struct conn *c, char *line)
{
	struct slice in = conn_in(c), head;

	if (!slice_cut(&in, '\n', &head) || head.n >= LINE_MAX)
		return false;
	memcpy(line, head.p, head.n);
	line[head.n] = '\0';
	conn_consume(c, head.n + 1);
	if (head.n > 0 && line[head.n - 1] == '\r')
		line[head.n - 1] = '\0';
	return true;
}

static void
echo_command(struct fe_conn *fc, char *line)
{
	struct slice rest = slice_str(line), word, user;

	(void)slice_cut(&rest, ' ', &word);
	if (slice_eq_str(word, "login")) {
		(void)slice_cut(&rest, ' ', &user);
		frontend_login(fc, 0, user, SLICE_NONE, rest);
	} else if (slice_eq_str(word, "starttls")) {
		out_puts(conn_out(fc->conn), "ok go ahead\r\n");
		frontend_start_tls(fc);
	} else if (slice_eq_str(word, "forge")) {
		struct ipc_peer *p = victim(fc->role, &rest);

		forge(fc->role, p, rest);
		out_puts(conn_out(fc->conn), "sent\r\n");
	} else if (slice_eq_str(word, "quit")) {
		out_puts(conn_out(fc->conn), "ok bye\r\n");
		frontend_close(fc, "quit");
	} else {
		out_puts(conn_out(fc->conn), "bad\r\n");
	}
}

static void
echo_fe_run(struct fe_conn *fc)
{
	char line[LINE_MAX];

	while (!fc->is_closing && !fc->is_waiting && next_line(fc->conn, line))
		echo_command(fc, line);
	if (!fc->is_closing && !fc->is_waiting && !conn_is_tls(fc->conn))
		conn_want(fc->conn, WANT_IN);
	else if (!fc->is_closing && !fc->is_waiting)
		conn_want(fc->conn, WANT_IN);
}

static void
echo_result(struct fe_conn *fc, const struct login_result *res)
{
	out_printf(conn_out(fc->conn), "no %u\r\n", res->code);
}

static void
echo_handover(struct fe_conn *fc, struct buf *hello)
{
	(void)fc;
	buf_puts(hello, "hello from the frontend");
}

static void
echo_bye(struct fe_conn *fc)
{
	out_puts(conn_out(fc->conn), "* bye\r\n");
}

static const struct frontend_ops frontend_ops = {
	.conn_size = 16,
	.max_in = LINE_MAX,
	.open = echo_open,
	.run = echo_fe_run,
	.login_result = echo_result,
	.handover = echo_handover,
	.bye = echo_bye,
};

/* ---- session ---- */

struct echo {
	LIST_ENTRY(echo) entry;
	struct session *se;
	struct conn *conn;
	const struct attach_info *info;
	unsigned n_lines, parked_at;
};
static LIST_HEAD(, echo) echoes = LIST_HEAD_INITIALIZER(echoes);

static void
echo_end(struct echo *e)
{
	LIST_REMOVE(e, entry);
	conn_close(&e->conn);
	session_closed(e->se, e->info);
	xfree(e);
}

static void
say_errno(struct out *o, int r)
{
	out_printf(o, "%s\r\n", r == -1 ? strerrorname_np(errno) : "ok");
	if (r > 2)
		close(r);
}

static void
forge_line(struct echo *e, struct slice rest)
{
	struct ipc_peer *p = victim(e->se->role, &rest);

	forge(e->se->role, p, rest);
	out_puts(conn_out(e->conn), "sent\r\n");
}

static uint32_t
number(struct slice s)
{
	uint32_t n = 0;

	return slice_u32(s, UINT32_MAX, &n) == -1 ? 0 : n;
}

static void
say_big(struct out *o, struct slice bytes)
{
	for (uint32_t n = number(bytes) / 64; n > 0; n--)
		out_printf(o, "%062u\r\n", n);
}

static void
echo_line(struct echo *e, char *line)
{
	struct out *o = conn_out(e->conn);
	char *argv[] = { line, NULL };
	struct slice rest = slice_str(line), word;

	e->n_lines++;
	(void)slice_cut(&rest, ' ', &word);
	if (slice_eq_str(word, "pid"))
		out_printf(o, "%d\r\n", (int)getpid());
	else if (slice_eq_str(word, "uid"))
		out_printf(o, "%u\r\n", (unsigned)getuid());
	else if (slice_eq_str(word, "count"))
		out_printf(o, "%u\r\n", e->n_lines);
	else if (slice_eq_str(word, "open"))
		say_errno(o, open(rest.p, O_RDONLY | O_CLOEXEC));
	else if (slice_eq_str(word, "create"))
		say_errno(o, open(rest.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	else if (slice_eq_str(word, "socket"))
		say_errno(o, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	else if (slice_eq_str(word, "exec"))
		say_errno(o, execv("/bin/true", argv));
	else if (slice_eq_str(word, "ref"))
		out_printf(o, "%ju\r\n", (uintmax_t)e->info->ref);
	else if (slice_eq_str(word, "forge"))
		forge_line(e, rest);
	else if (slice_eq_str(word, "crash"))
		raise(SIGSEGV);
	else if (slice_eq_str(word, "big"))
		say_big(o, rest);
	else
		out_printf(o, "%s\r\n", line);
}

static bool
is_to_park(const struct echo *e, uint64_t park)
{
	return park > 0 && e->n_lines != e->parked_at && e->n_lines % park == 0;
}

static void
echo_ready(struct conn *c, void *arg)
{
	struct echo *e = arg;
	char line[LINE_MAX], packed[16];
	uint64_t park = conf_u64(e->se->conf, "park_after");
	struct err err;

	while (!conn_is_dead(c) && !is_to_park(e, park) && next_line(c, line)) {
		if (strcmp(line, "quit") == 0) {
			out_puts(conn_out(c), "ok bye\r\n");
			echo_end(e);
			return;
		}
		echo_line(e, line);
	}
	if (conn_is_dead(c) || conn_eof(c)) {
		echo_end(e);
		return;
	}
	if (is_to_park(e, park) && conn_out_bytes(c) == 0) {
		snprintf(packed, sizeof(packed), "%u", e->n_lines);
		if (session_park(e->se, &e->conn, slice_str(packed), NULL, 0,
			e->info, &err) == 1) {
			LIST_REMOVE(e, entry);
			xfree(e);
			return;
		}
	}
	conn_want(c, conn_out_bytes(c) > 0 ? WANT_IN | WANT_SOON : WANT_IN);
}

static struct echo *
echo_new(struct session *se, struct session_link *link,
    const struct attach_info *info)
{
	struct conn_conf cc = { .max_in = LINE_MAX, .on_ready = echo_ready };
	struct echo *e = xcalloc(1, sizeof(*e));

	e->se = se;
	e->info = info;
	cc.arg = e;
	e->conn = session_conn(link, &cc);
	LIST_INSERT_HEAD(&echoes, e, entry);
	return e;
}

static int
echo_attach(struct session *se, struct session_link *link, struct slice hello,
    const struct attach_info *info, struct err *err)
{
	struct echo *e;

	(void)err;
	e = echo_new(se, link, info);
	out_printf(conn_out(e->conn), "ok %s tls=%d plain=%d hello=%zu\r\n",
	    se->account->name, info->is_tls, info->is_plain, hello.n);
	conn_want(e->conn, WANT_IN | WANT_SOON);
	return 0;
}

static int
echo_unpack(struct session *se, struct session_link *link, struct slice packed,
    const int *fds, unsigned n_fds, const struct attach_info *info,
    struct err *err)
{
	struct echo *e = echo_new(se, link, info);
	uint32_t n = 0;

	(void)fds;
	(void)n_fds;
	if (slice_u32(packed, UINT32_MAX, &n) == -1)
		return err_set(err, ERR_CORRUPT, "packed");
	e->n_lines = e->parked_at = n;
	conn_want(e->conn, WANT_IN | WANT_SOON);
	return 0;
}

static void
echo_drain(struct session *se)
{
	struct echo *e;

	(void)se;
	while ((e = LIST_FIRST(&echoes)) != NULL) {
		out_puts(conn_out(e->conn), "* bye\r\n");
		echo_end(e);
	}
}

static const struct session_ops session_ops = {
	.attach = echo_attach,
	.unpack = echo_unpack,
	.drain = echo_drain,
};

#ifndef EVIL
/* ---- an auth role that believes everybody ---- */

struct fake_key {
	uint64_t id;
	struct tls_key *key;
};
static struct {
	struct fake_key keys[16];
	unsigned n_keys;
	uint64_t last_attach;
	struct {
		uint64_t attach, conn;
		unsigned frontend;
	} waiting[4096];
} fake;

static void
fake_answer(struct role *r, unsigned frontend, uint64_t conn, uint32_t code)
{
	struct ipc_login_result res = { .conn = conn, .code = code };
	struct ipc_out o;

	ipc_begin(&o, IPC_LOGIN_RESULT, &res, sizeof(res));
	ipc_put_str(&o, "");
	(void)ipc_send(role_peer(r, R_FRONTEND, frontend), &o);
}

static void
fake_account(struct account *a, struct slice user)
{
	const char *mail = getenv("ECHOD_MAIL"), *uid = getenv("ECHOD_UID");
	unsigned n = number(slice_from(user, 1));

	snprintf(a->name, sizeof(a->name), "%.*s", SLICE_ARG(user));
	snprintf(a->home, sizeof(a->home), "%s/%s",
	    mail == NULL ? "/nonexistent" : mail, a->name);
	snprintf(a->mail, sizeof(a->mail), "%.1000s/Maildir", a->home);
	a->uid = geteuid() != 0 || uid == NULL ?
	    geteuid() :
	    number(slice_str(uid)) + n % 100;
	a->gid = geteuid() != 0 ? getegid() : a->uid;
	if (geteuid() == 0 && mkdir(a->home, 0700) == 0 &&
	    chown(a->home, a->uid, a->gid) == -1)
		log_warn(0, "chown", NULL);
}

static void
fake_login(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_attach at = { .attach = ++fake.last_attach,
		.frontend = ipc_peer_index(from) };
	struct account *a = xcalloc(1, sizeof(*a));
	struct ipc_login_try head;
	struct slice user, secret;
	struct ipc_out o;
	size_t slot = at.attach % N_ELEMENTS(fake.waiting);

	memcpy(&head, m->fixed, sizeof(head));
	user = ipc_get_slice(m, MAX_USER);
	(void)ipc_get_slice(m, MAX_USER);
	secret = ipc_get_slice(m, SECRET_MAX);
	if (ipc_end(m) == -1 || !ipc_conn_ok(&head.conn)) {
		family_drop(from, "login not readable");
	} else if (slice_eq_str(secret, "wrong") || user.n == 0) {
		fake_answer(r, at.frontend, head.conn.id, LOGIN_FAILED);
	} else {
		at.conn = head.conn;
		fake.waiting[slot].attach = at.attach;
		fake.waiting[slot].conn = at.conn.id;
		fake.waiting[slot].frontend = at.frontend;
		fake_account(a, user);
		ipc_begin(&o, IPC_ATTACH, &at, sizeof(at));
		account_put(&o, a);
		if (ipc_send(role_peer(r, R_NURSERY, 0), &o) == -1)
			fake_answer(
			    r, at.frontend, at.conn.id, LOGIN_UNAVAILABLE);
	}
	xfree(a);
}

static void
fake_cancel(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	(void)r;
	(void)from;
	(void)m;
}

static void
fake_attached(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_attach_result res;
	size_t slot;

	(void)from;
	memcpy(&res, m->fixed, sizeof(res));
	slot = res.attach % N_ELEMENTS(fake.waiting);
	if (res.code != LOGIN_OK && fake.waiting[slot].attach == res.attach)
		fake_answer(r, fake.waiting[slot].frontend,
		    fake.waiting[slot].conn, res.code);
}

static void
fake_on_key(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_key head;
	struct err err;
	struct slice pem;
	struct fake_key *k = &fake.keys[fake.n_keys % 16];

	(void)r;
	memcpy(&head, m->fixed, sizeof(head));
	if (head.last != 0)
		return;
	pem = ipc_get_slice(m, 65536);
	if (ipc_end(m) == -1) {
		family_drop(from, "key not readable");
		return;
	}
	tls_key_free(&k->key);
	k->id = head.key_id;
	k->key = tls_key_load(pem, &err);
	if (k->key == NULL)
		log_err(0, "key", &err);
	fake.n_keys++;
}

static void
fake_sign(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct ipc_sign_answer ans = { 0 };
	struct ipc_sign_req req;
	struct slice data;
	struct ipc_out o;
	struct buf sig;
	struct err err;

	(void)r;
	memcpy(&req, m->fixed, sizeof(req));
	data = ipc_get_slice(m, TLS_SIGN_MAX_DATA);
	if (ipc_end(m) == -1) {
		family_drop(from, "data not readable");
		return;
	}
	buf_init(&sig, TLS_SIGN_MAX_SIG);
	ans.key_id = req.key_id;
	for (unsigned i = 0; i < 16; i++)
		if (fake.keys[i].key != NULL && fake.keys[i].id == req.key_id)
			ans.ok = tls_key_sign(fake.keys[i].key,
				     (enum tls_sign_op)req.op, req.algo,
				     req.flags, data, &sig, &err) == 0;
	ipc_begin(&o, IPC_SIGN_ANSWER, &ans, sizeof(ans));
	ipc_put_slice(&o, buf_slice(&sig));
	(void)ipc_send(from, &o);
	buf_free(&sig);
}

static const struct ipc_handler sign_handlers[] = {
	{ IPC_SIGN_REQ, fake_sign, false },
	{ .fn = NULL },
};

static void
fake_pair(struct role *r, enum role_id peer, unsigned index,
    enum peer_kind kind, int fd)
{
	struct ipc_peer_conf pc = { .role = r,
		.loop = r->loop,
		.me = R_AUTH,
		.peer = peer,
		.index = index,
		.handlers = sign_handlers };

	(void)kind;
	(void)ipc_peer_new(fd, &pc);
}

static const struct ipc_handler fake_handlers[] = {
	{ IPC_LOGIN_TRY, fake_login, false },
	{ IPC_LOGIN_CANCEL, fake_cancel, false },
	{ IPC_ATTACH_RESULT, fake_attached, false },
	{ IPC_KEY, fake_on_key, false },
	{ .fn = NULL },
};

static const struct role_spec fake_auth_role = {
	.id = R_AUTH,
	.name = "auth",
	.peers = R_BIT(R_FRONTEND) | R_BIT(R_NURSERY),
	.handlers = fake_handlers,
	.pair = fake_pair,
};

#endif

/* ---- the family ---- */

static const char *const alpn[] = { "imap", NULL };

static const struct listener_spec listeners[] = {
	{ "imap_listen", false, alpn },
	{ "imaps_listen", true, alpn },
	{ .setting = NULL },
};

static const struct role_spec *const roles[] = {
	&log_role,
#ifdef EVIL
	&auth_role,
	&helper_role,
#else
	&fake_auth_role,
#endif
	&nursery_role,
	&frontend_role,
	NULL,
};

static const struct family echod_family = {
#ifdef EVIL
	.name = "evild",
#else
	.name = "echod",
#endif
	.protocol = "imap",
	.enable_setting = "imap",
	.listeners = listeners,
	.roles = roles,
	.frontend = &frontend_ops,
	.session = &session_ops,
	.max_frontends = 2,
};

int
main(int argc, char **argv)
{
	return family_main(argc, argv, &echod_family);
}
