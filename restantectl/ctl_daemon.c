/* SPDX-License-Identifier: ISC */
/* who, kick, drain: by the control sockets of the daemons. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "restantectl/ctl.h"

#define ANSWER_SECS 60 /* the longest silence between two lines */
#define MAX_LINE    8192

/* 0 connected, 1 nobody there. */
static int
dial(const struct conf *conf, const char *daemon, int *fd_out, struct err *err)
{
	struct timeval wait = { .tv_sec = ANSWER_SECS };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s.ctl",
	    conf_str(conf, "run_dir"), daemon);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path))
		return err_set(err, ERR_LIMIT, "run_dir is too long");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		int nobody = errno == ENOENT || errno == ECONNREFUSED;

		err_sys(err, "%s", sun.sun_path);
		(void)close(fd);
		return nobody ? 1 : -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0) {
		err_sys(err, "socket options");
		(void)close(fd);
		return -1;
	}
	*fd_out = fd;
	return 0;
}

static int
send_line(int fd, const char *question, struct err *err)
{
	struct buf b;
	struct slice rest;

	buf_init(&b, MAX_LINE);
	buf_printf(&b, "%s\n", question);
	rest = buf_slice(&b);
	while (rest.n > 0) {
		ssize_t n = send(fd, rest.p, rest.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			buf_free(&b);
			return err_sys(err, "control socket");
		}
		rest = slice_from(rest, (size_t)n);
	}
	buf_free(&b);
	return 0;
}

/* Whole lines out of b; 1 at the end mark, -1 when the daemon complains. */
static int
take_lines(struct buf *b, void (*line)(void *arg, struct slice text), void *arg,
    struct err *err)
{
	for (;;) {
		ptrdiff_t end = slice_find(buf_slice(b), '\n');
		struct slice text;

		if (end < 0)
			return 0;
		text = slice_head(buf_slice(b), (size_t)end);
		if (slice_eq_str(text, "."))
			return 1;
		if (slice_starts(text, "error "))
			return err_set(err, ERR_TEMP, "%.*s",
			    SLICE_ARG(slice_from(text, 6)));
		if (line != NULL)
			line(arg, text);
		buf_consume(b, (size_t)end + 1);
	}
}

static int
read_answer(int fd, void (*line)(void *arg, struct slice text), void *arg,
    struct err *err)
{
	struct buf b;
	int r = 0;

	buf_init(&b, MAX_LINE);
	while (r == 0) {
		char *room = buf_reserve(&b, 2048);
		ssize_t n;

		if (room == NULL) {
			r = err_set(err, ERR_LIMIT, "answer line too long");
			break;
		}
		n = recv(fd, room, 2048, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = err_sys(err, "control socket");
		else if (n == 0)
			r = err_set(err, ERR_CLOSED, "the daemon hung up");
		else {
			buf_commit(&b, (size_t)n);
			r = take_lines(&b, line, arg, err);
		}
	}
	buf_free(&b);
	return r < 0 ? -1 : 0;
}

int
ctl_ask(const struct conf *conf, const char *daemon, const char *question,
    void (*line)(void *arg, struct slice text), void *arg, struct err *err)
{
	int fd = -1, r;

	r = dial(conf, daemon, &fd, err);
	if (r != 0)
		return r;
	r = send_line(fd, question, err);
	if (r == 0)
		r = read_answer(fd, line, arg, err);
	(void)close(fd);
	return r;
}

static void
print_line(void *arg, struct slice text)
{
	(void)printf("%s %.*s\n", (const char *)arg, SLICE_ARG(text));
}

/* Ask the daemons named, or all that run. */
static int
ask_some(struct ctl *c, const char *only, const char *question)
{
	unsigned asked = 0, failed = 0;
	struct err err;

	for (const struct ctl_daemon *d = ctl_daemons; d->name != NULL; d++) {
		char name[16];
		int r;

		if (only != NULL && strcmp(only, d->name) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s", d->name);
		r = ctl_ask(c->conf, d->name, question, print_line, name, &err);
		if (r == 0) {
			asked++;
		} else if (r < 0) {
			failed++;
			(void)ctl_fail_text("%s: %s", d->name, err.text);
		} else if (only != NULL) {
			return ctl_fail_text("%s does not run", only);
		}
	}
	if (asked + failed == 0)
		return ctl_fail_text(only == NULL ?
			"no daemon runs (with this configuration)" :
			"no such daemon");
	return failed > 0 ? CTL_FAULT : CTL_OK;
}

static int
who(struct ctl *c, int argc, char **argv)
{
	return ask_some(c, argc > 0 ? argv[0] : NULL, "who");
}

/* A name goes into a line of words. */
static bool
is_one_word(const char *s)
{
	for (const char *p = s; *p != '\0'; p++) {
		if ((unsigned char)*p <= 0x20 || *p == 0x7f)
			return false;
	}
	return s[0] != '\0' && strlen(s) <= MAX_USER;
}

static int
kick(struct ctl *c, int argc, char **argv)
{
	char question[MAX_USER + 8];

	(void)argc;
	if (!is_one_word(argv[0]))
		return ctl_fail_text("that is no user name");
	(void)snprintf(question, sizeof(question), "kick %s", argv[0]);
	return ask_some(c, NULL, question);
}

void
ctl_kick(const struct conf *conf, const char *user)
{
	char question[MAX_USER + 8];
	struct err err;

	(void)snprintf(question, sizeof(question), "kick %s", user);
	for (const struct ctl_daemon *d = ctl_daemons; d->name != NULL; d++) {
		if (ctl_ask(conf, d->name, question, NULL, NULL, &err) < 0)
			(void)ctl_fail_text("%s: %s", d->name, err.text);
	}
}

static int
drain(struct ctl *c, int argc, char **argv)
{
	return ask_some(c, argc > 0 ? argv[0] : NULL, "drain");
}

const struct ctl_verb ctl_verbs_daemon[] = {
	{ .name = "who",
	    .args = "[DAEMON]",
	    .max_args = 1,
	    .run = who,
	    .help = "who is connected" },
	{ .name = "kick",
	    .args = "USER",
	    .min_args = 1,
	    .max_args = 1,
	    .run = kick,
	    .help = "end all connections of a user" },
	{ .name = "drain",
	    .args = "[DAEMON]",
	    .max_args = 1,
	    .run = drain,
	    .help = "take no new connections and end when the last has gone" },
	{ .name = NULL },
};
