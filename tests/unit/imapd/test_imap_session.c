/* SPDX-License-Identifier: ISC */
/*
 * Sessions over real mailboxes in one process: what clients hear. The door to
 * libserver is played by the functions at the top, which stand in for
 * libserver/session.c and frontend.c.
 */
#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "imapd/imap_user.h"
#include "imapd/pack.h"
#include "libmessage/text.h"
#include "libnet/conn.h"
#include "libserver/conf.h"
#include "libserver/frontend.h"
#include "libserver/session.h"

struct session_link {
	int fd;
};

struct client {
	int fd;
	struct attach_info info;
	bool is_closed;
};

#define N_CLIENTS 3
static struct client clients[N_CLIENTS];
static struct session se;
static struct account account;
static char root[] = "/tmp/restante-imap-XXXXXX";
static struct text_fold *fold;
static struct buf parked; /* what session_park was given */
static int parked_fd = -1;
static unsigned n_parked;

/* ---- stand-ins ---- */

struct conn *
session_conn(struct session_link *link, const struct conn_conf *conf)
{
	return conn_new(se.loop, link->fd, conf);
}

void
session_closed(struct session *of, const struct attach_info *info)
{
	assert_ptr_equal(of, &se);
	clients[info->ref].is_closed = true;
}

int
session_park(struct session *of, struct conn **conn, struct slice packed,
    const int *fds, unsigned n_fds, const struct attach_info *info,
    struct err *err)
{
	(void)of;
	(void)fds;
	(void)n_fds;
	(void)err;
	assert_ptr_equal(info, &clients[1].info); /* the one that talks */
	buf_reset(&parked);
	buf_put_slice(&parked, packed);
	parked_fd = conn_detach_fd(conn);
	n_parked++;
	return parked_fd == -1 ? 0 : 1;
}

/* A parked session comes back at once. */
static void
unpark(void)
{
	struct session_link link = { .fd = parked_fd };
	struct err err;

	if (parked_fd == -1)
		return;
	parked_fd = -1;
	assert_int_equal(imap_session_ops.unpack(&se, &link, buf_slice(&parked),
			     NULL, 0, &clients[1].info, &err),
	    0);
}

void
frontend_close(struct fe_conn *fc, const char *reason)
{
	(void)fc;
	(void)reason;
	fail();
}

void
frontend_start_tls(struct fe_conn *fc)
{
	(void)fc;
	fail();
}

bool
frontend_has_tls(const struct fe_conn *fc)
{
	(void)fc;
	return false;
}

void
frontend_login(struct fe_conn *fc, unsigned mech, struct slice user,
    struct slice authzid, struct slice secret)
{
	(void)fc;
	(void)mech;
	(void)user;
	(void)authzid;
	(void)secret;
	fail();
}

/* ---- a client ---- */

static void
connect_client(unsigned i)
{
	struct pack p = { .kind = PACK_LOGIN, .tag = SLICE("login") };
	struct session_link link;
	struct buf hello;
	struct err err;
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	clients[i] =
	    (struct client){ .fd = fds[0], .info = { .ref = i, .id = i } };
	link.fd = fds[1];
	buf_init(&hello, 4096);
	pack_write(&p, &hello);
	assert_int_equal(imap_session_ops.attach(&se, &link, buf_slice(&hello),
			     &clients[i].info, &err),
	    0);
	buf_free(&hello);
}

/* Read until a line begins with this, or all is quiet for 3 s. */
static void
read_until(unsigned i, const char *tag, struct buf *out)
{
	char block[65536];
	unsigned idle = 0;
	struct slice rest, line;
	ssize_t n;

	while (idle < 30000) {
		(void)loop_round(se.loop, false);
		unpark();
		n = recv(clients[i].fd, block, sizeof(block), MSG_DONTWAIT);
		if (n > 0)
			buf_put(out, block, (size_t)n);
		if (n == 0)
			return;
		rest = buf_slice(out);
		while (slice_cut(&rest, '\n', &line)) {
			if (slice_starts(line, tag))
				return;
		}
		if (n == -1 && errno == EAGAIN) {
			idle++;
			(void)usleep(100);
		}
	}
}

/* What the answer leaves to be done: parking. */
static void
settle(void)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		(void)loop_round(se.loop, false);
		unpark();
		(void)usleep(100);
	}
}

/* The client says this; all it hears up to tag matches the pattern. */
static void
talk(unsigned i, const char *say, const char *tag, const char *pattern)
{
	struct buf out;

	buf_init(&out, 1u << 24);
	assert_int_equal(send(clients[i].fd, say, strlen(say), 0), strlen(say));
	read_until(i, tag, &out);
	settle();
	if (fnmatch(pattern, buf_cstr(&out), 0) != 0)
		fail_msg("said %s\nheard %s\nwanted %s", say, buf_cstr(&out),
		    pattern);
	buf_free(&out);
}

/* The client says this, and hears nothing of it yet. */
static void
talk_quiet(unsigned i, const char *say)
{
	char c;

	assert_int_equal(send(clients[i].fd, say, strlen(say), 0), strlen(say));
	settle();
	assert_int_equal(recv(clients[i].fd, &c, 1, MSG_DONTWAIT), -1);
}

#define LINE(text) text "\r\n"

static int
setup(void **state)
{
	struct err err;
	static const char conf[] = "hostname = \"mail.example.test\"; "
				   "special_folders = false; "
				   "imap_timeout = \"30 min\";";

	(void)state;
	assert_non_null(mkdtemp(root));
	(void)snprintf(account.mail, sizeof(account.mail), "%s/Maildir", root);
	(void)snprintf(account.name, sizeof(account.name), "alice");
	account.uid = getuid();
	account.gid = getgid();
	se.loop = loop_new(&err);
	se.account = &account;
	se.warm = fold = text_fold_new();
	se.conf = conf_read_text(conf, NULL, NULL, NULL);
	assert_non_null(se.conf);
	buf_init(&parked, MAX_PACKED);
	assert_int_equal(imap_session_ops.start(&se, &err), 0);
	connect_client(0);
	connect_client(1);
	talk(0, "", "login", "login OK \\[CAPABILITY IMAP4rev1 *\\] *\r\n");
	talk(1, "", "login", "login OK *");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	imap_session_ops.drain(&se);
	while (!clients[0].is_closed || !clients[1].is_closed)
		(void)loop_round(se.loop, true);
	imap_session_ops.end(&se);
	(void)close(clients[0].fd);
	(void)close(clients[1].fd);
	while (loop_round(se.loop, false))
		;
	loop_free(&se.loop);
	conf_free((struct conf *)(uintptr_t)se.conf);
	buf_free(&parked);
	text_fold_free(fold);
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
test_any(void **state)
{
	(void)state;
	talk(0, LINE("a NOOP"), "a", "a OK NOOP completed\r\n");
	talk(0, LINE("a CAPABILITY"), "a",
	    "\\* CAPABILITY IMAP4rev1 *\r\na OK *");
	talk(0, LINE("a ID NIL"), "a", "\\* ID *\r\na OK *");
	talk(0, LINE("a ID (\"name\" \"x\" \"version\" NIL)"), "a",
	    "\\* ID *\r\na OK *");
	talk(0, LINE("a ID (\"name\")"), "a", "a BAD *");
	talk(0, LINE("a ENABLE X-NONE"), "a", "\\* ENABLED\r\na OK *");
	talk(0, LINE("a LOGIN x y"), "a", "a BAD *");
	talk(0, LINE("a EXPUNGE"), "a", "a BAD *");
	talk(0, LINE("a FROB"), "a", "a BAD Unknown command\r\n");
	talk(0, LINE("a NAMESPACE"), "a",
	    "\\* NAMESPACE ((\"\" \"/\")) NIL NIL\r\na OK *");
}

static void
test_tree(void **state)
{
	(void)state;
	talk(0, LINE("a LIST \"\" \"\""), "a",
	    "\\* LIST (\\\\Noselect) \"/\" \"\"\r\na OK *");
	talk(0, LINE("a CREATE Entw&APw-rfe/x"), "a", "a OK *");
	talk(0, LINE("a CREATE Entw&APw-rfe/x"), "a",
	    "a NO \\[ALREADYEXISTS\\] *");
	talk(0, LINE("a CREATE INBOX"), "a", "a NO \\[ALREADYEXISTS\\] *");
	talk(0, LINE("a LIST \"\" *"), "a",
	    "\\* LIST (\\\\HasNoChildren) \"/\" INBOX\r\n"
	    "\\* LIST (\\\\Noselect \\\\HasChildren) \"/\" Entw&APw-rfe\r\n"
	    "\\* LIST (\\\\HasNoChildren) \"/\" Entw&APw-rfe/x\r\na OK *");
	talk(0, LINE("a SUBSCRIBE Entw&APw-rfe/x"), "a", "a OK *");
	talk(0, LINE("a LSUB \"\" %"), "a",
	    "\\* LSUB (\\\\Noselect) \"/\" Entw&APw-rfe\r\na OK *");
	talk(0, LINE("a LIST (SUBSCRIBED) \"\" * RETURN (CHILDREN)"), "a",
	    "\\* LIST (\\\\HasNoChildren \\\\Subscribed) \"/\" "
	    "Entw&APw-rfe/x\r\na OK *");
	talk(0, LINE("a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %"), "a",
	    "\\* LIST (\\\\Noselect \\\\NonExistent \\\\HasChildren) \"/\" "
	    "Entw&APw-rfe (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\na OK *");
	talk(0, LINE("a LIST (RECURSIVEMATCH) \"\" %"), "a", "a BAD *");
	talk(0, LINE("a LIST \"\" x% RETURN (NONE)"), "a", "a BAD *");
	talk(0, LINE("a LIST \"\" (INBOX n/x) RETURN (STATUS (MESSAGES))"), "a",
	    "\\* LIST (\\\\HasNoChildren) \"/\" INBOX\r\n"
	    "\\* STATUS INBOX (MESSAGES 0)\r\na OK *");
	talk(0, LINE("a RENAME Entw&APw-rfe/x y"), "a", "a OK *");
	talk(0, LINE("a RENAME Entw&APw-rfe/x z"), "a",
	    "a NO \\[NONEXISTENT\\] *");
	talk(0, LINE("a DELETE y"), "a", "a OK *");
	talk(0, LINE("a DELETE y"), "a", "a NO \\[NONEXISTENT\\] *");
	talk(0, LINE("a DELETE INBOX"), "a", "a NO \\[CANNOT\\] *");
	talk(0, LINE("a UNSUBSCRIBE Entw&APw-rfe/x"), "a", "a OK *");
	talk(0, LINE("a LSUB \"\" *"), "a", "a OK *");
}

static void
append(unsigned i, const char *box, const char *flags, const char *code)
{
	char say[200], want[200];

	(void)snprintf(say, sizeof(say),
	    "a APPEND %s (%s) {16+}\r\nSubject: x\r\n\r\n!\n\r\n", box, flags);
	(void)snprintf(want, sizeof(want), "*a OK \\[%s\\] *", code);
	talk(i, say, "a", want);
}

static void
test_messages(void **state)
{
	(void)state;
	talk(0, LINE("a CREATE m"), "a", "a OK *");
	append(0, "m", "\\Seen $x", "APPENDUID * 1");
	append(0, "m", "", "APPENDUID * 2");
	append(0, "m", "", "APPENDUID * 3");
	talk(0, "a APPEND none {1}\r\n", "a", "a NO \\[TRYCREATE\\] *");
	talk(0, "a APPEND none {1+}\r\nx\r\n", "a", "a NO \\[TRYCREATE\\] *");
	talk(0, "a APPEND m {999999999}\r\n", "a", "a NO \\[TOOBIG\\] *");
	talk(0, "a APPEND m (\\Recent) {1+}\r\nx\r\n", "a", "a BAD *");
	talk(0, "a APPEND m {1+}\r\nx {1+}\r\ny\r\n", "a",
	    "a OK \\[APPENDUID * 4:5\\] *");
	talk(0, LINE("a STATUS m (MESSAGES UNSEEN UIDNEXT RECENT)"), "a",
	    "\\* STATUS m (MESSAGES 5 RECENT * UIDNEXT 6 UNSEEN 4)\r\na OK *");
	talk(0, LINE("a SELECT m"), "a",
	    "\\* FLAGS (*$x)\r\n"
	    "\\* OK \\[PERMANENTFLAGS (*$x \\\\\\*)\\] *\r\n"
	    "\\* 5 EXISTS\r\n\\* * RECENT\r\n\\* OK \\[UNSEEN 2\\] *\r\n"
	    "\\* OK \\[UIDVALIDITY *\\] *\r\n\\* OK \\[UIDNEXT 6\\] *\r\n"
	    "a OK \\[READ-WRITE\\] *\r\n");
	talk(1, LINE("a EXAMINE m"), "a", "*a OK \\[READ-ONLY\\] *");
	talk(1, LINE("a STORE 1 +FLAGS (x)"), "a", "a NO *");
	talk(1, LINE("a SELECT m"), "a", "*a OK \\[READ-WRITE\\] *");
}

static void
test_store(void **state)
{
	(void)state;
	talk(0, LINE("a STORE 2 +FLAGS (\\Flagged new)"), "a",
	    "\\* FLAGS (*new)\r\n\\* OK *\r\n"
	    "\\* 2 FETCH (FLAGS (\\\\Flagged*new))\r\na OK *");
	talk(1, LINE("a NOOP"), "a",
	    "\\* FLAGS (*new)\r\n\\* OK *\r\n"
	    "\\* 2 FETCH (FLAGS (\\\\Flagged*new))\r\na OK *");
	talk(0, LINE("a STORE 2 -FLAGS.SILENT new"), "a", "a OK *");
	talk(0, LINE("a STORE 9 -FLAGS.SILENT new"), "a", "a BAD *");
	talk(0, LINE("a UID STORE 9 -FLAGS.SILENT new"), "a", "a OK *");
	talk(0, LINE("a STORE 2 FLAGS (\\Bogus)"), "a", "a BAD *");
	talk(0, LINE("a STORE 2 FLAGS (\\Recent)"), "a", "a BAD *");
	talk(0, LINE("a STORE 2 XFLAGS (a)"), "a", "a BAD *");
}

static void
test_idle(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	talk(1, LINE("i IDLE"), "* 2 FETCH",
	    "+ idling\r\n\\* 2 FETCH (FLAGS (\\\\Flagged))\r\n");
	append(0, "m", "", "APPENDUID * 6");
	read_until(1, "* 6 EXISTS", &out);
	assert_non_null(strstr(buf_cstr(&out), "* 6 EXISTS\r\n"));
	buf_free(&out);
	talk(1, LINE("DONE"), "i", "*i OK *");
	talk(1, LINE("i IDLE x"), "i", "i BAD *");
}

static void
test_expunge(void **state)
{
	(void)state;
	talk(0, LINE("a STORE 1,3 +FLAGS.SILENT (\\Deleted)"), "a", "a OK *");
	talk(0, LINE("a UID EXPUNGE 1"), "a", "\\* 1 EXPUNGE\r\na OK *");
	talk(1, LINE("a STORE 1 +FLAGS.SILENT (y)"), "a",
	    "*a NO \\[EXPUNGEISSUED\\] *");
	talk(1, LINE("a NOOP"), "a", "\\* 1 EXPUNGE\r\n*a OK *");
	talk(0, LINE("a EXPUNGE"), "a", "*\r\n\\* 2 EXPUNGE\r\na OK *");
	talk(0, LINE("a MOVE 1 m2"), "a", "a NO \\[TRYCREATE\\] *");
	talk(0, LINE("a CREATE m2"), "a", "a OK *");
	talk(0, LINE("a MOVE 1 m2"), "a",
	    "\\* OK \\[COPYUID * 2 1\\] *\r\n\\* 1 EXPUNGE\r\na OK *");
	talk(0, LINE("a UID COPY 4:6 m2"), "a",
	    "a OK \\[COPYUID * 4:6 2:4\\] *");
	talk(0, LINE("a UID COPY 99 m2"), "a", "a OK No messages\r\n");
	talk(0, LINE("a CLOSE"), "a", "a OK *");
	talk(1, LINE("a UNSELECT"), "a", "a OK *");
}

static void
test_literals(void **state)
{
	(void)state;
	talk(0, "a STATUS {5}\r\n", "+", "+ *\r\n");
	talk(0, "INBOX (MESSAGES)\r\n", "a", "\\* STATUS INBOX *a OK *");
	talk(0, "a STATUS {99999}\r\n", "a", "a NO \\[TOOBIG\\] *");
	talk_quiet(0, "a STATUS \"x");
	talk(0, "\r\nb NOOP\r\n", "b", "a BAD *\r\nb OK *");
}

static void
test_park(void **state)
{
	struct imap_user *u = se.state;
	struct buf out;

	(void)state;
	u->park_after = 1;
	talk(1, LINE("a SELECT m"), "a", "*3 EXISTS*a OK \\[READ-WRITE\\] *");
	talk(1, LINE("a NOOP"), "a", "a OK *");
	talk(1, LINE("a UID STORE 4 +FLAGS (\\Seen)"), "a",
	    "\\* 1 FETCH (UID 4 FLAGS (\\\\Seen*))\r\na OK *");
	talk(1, LINE("a NOOP"), "a", "a OK *");
	assert_true(n_parked >= 3);
	u->park_after = 0;
	talk(0, LINE("b SELECT m"), "b", "*b OK *");
	u->park_after = 1;
	n_parked = 0;
	buf_init(&out, 65536);
	talk(1, LINE("i IDLE"), "+", "+ idling\r\n");
	assert_int_equal(n_parked, 1); /* IDLE's wait, not each round */
	u->park_after = 0;
	talk(0, LINE("b STORE 2 +FLAGS.SILENT (\\Answered)"), "b", "b OK *");
	read_until(1, "* 2", &out);
	assert_string_equal(
	    buf_cstr(&out), "* 2 FETCH (UID 5 FLAGS (\\Answered))\r\n");
	talk(1, LINE("DONE"), "i", "i OK IDLE completed\r\n");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_expunge),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_park),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
