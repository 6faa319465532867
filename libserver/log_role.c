/* SPDX-License-Identifier: ISC */
/* The log role: reads the pipe all others write to, writes stderr, a file or
 * syslog. It is the last to end. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libnet/loop.h"
#include "libserver/family.h"

#define LINE_MAX  (8u * 1024u)
/* After some lines more are let come: being woken for each costs a busy family
 * more than the lines do. The pipe holds what eight such pauses can bring. */
#define GATHER_MS 2

enum log_target {
	TO_STDERR,
	TO_FILE,
	TO_SYSLOG
};

struct log_state {
	struct role *role;
	enum log_target target;
	int file; /* -1: none, stderr instead */
	struct iowatch pipe;
	struct timer gather;
	struct buf in;
	uint64_t lost;
};

static enum log_level
level_of(struct slice line)
{
	static const char *const words[] = { " level=debug ", " level=info ",
		" level=warn ", " level=error " };

	for (size_t i = 0; i < N_ELEMENTS(words); i++)
		if (memmem(line.p, line.n, words[i], strlen(words[i])) != NULL)
			return (enum log_level)i;
	return LOG_LEVEL_WARN;
}

static void
put_syslog(struct slice line)
{
	struct slice rest = line;

	if (line.n == 0)
		return;
	/* syslog has its own time: ours ends at the first blank */
	if (ascii_is_digit(line.p[0]) && line.n > 25 && line.p[24] == ' ')
		rest = slice_from(line, 25);
	log_syslog_line(level_of(line), rest);
}

/* Whole lines. */
static void
put_lines(struct log_state *s, struct slice lines)
{
	int fd =
	    s->target == TO_FILE && s->file != -1 ? s->file : STDERR_FILENO;
	ptrdiff_t at;

	if (s->target != TO_SYSLOG) {
		if (write(fd, lines.p, lines.n) != (ssize_t)lines.n)
			s->lost++;
		return;
	}
	while ((at = slice_find(lines, '\n')) >= 0) {
		put_syslog(slice_of(lines.p, (size_t)at));
		lines = slice_from(lines, (size_t)at + 1);
	}
}

static void
put_whole(struct log_state *s)
{
	struct slice all = buf_slice(&s->in);
	const char *lf = all.n == 0 ? NULL : memrchr(all.p, '\n', all.n);
	size_t used = lf == NULL ? 0 : (size_t)(lf - all.p) + 1;

	if (used > 0)
		put_lines(s, slice_of(all.p, used));
	else if (all.n >= LINE_MAX)
		used = all.n; /* not ours: a line without end */
	buf_consume(&s->in, used);
}

/* false: nothing there now, or the end. */
static bool
read_some(struct log_state *s)
{
	char *p = buf_reserve(&s->in, LINE_MAX);
	ssize_t n;

	if (p == NULL) {
		buf_reset(&s->in);
		return true;
	}
	n = read(ROLE_FD_LOG, p, LINE_MAX);
	if (n > 0)
		buf_commit(&s->in, (size_t)n);
	if (n == 0)
		role_quit(s->role);
	put_whole(s);
	return n > 0;
}

static void
on_pipe(void *arg, unsigned events)
{
	struct log_state *s = arg;

	(void)events;
	while (read_some(s) && !s->role->is_quitting)
		continue;
	iowatch_set(&s->pipe, 0);
	timer_start_ms(&s->gather, GATHER_MS);
}

static void
on_gathered(void *arg)
{
	struct log_state *s = arg;

	iowatch_set(&s->pipe, LOOP_READ);
}

static void
choose_target(struct log_state *s)
{
	const char *where = conf_str(s->role->conf, "log");

	s->target = strcmp(where, "syslog") == 0 ? TO_SYSLOG :
	    where[0] == '/'                      ? TO_FILE :
						   TO_STDERR;
	if (s->target == TO_SYSLOG)
		log_syslog_open(s->role->family->name);
}

static void
on_log_file(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct log_state *s = r->state;
	int fd = ipc_take_fd(m, 0);

	(void)from;
	if (fd == -1)
		return;
	if (s->file != -1)
		close(s->file);
	s->file = fd;
}

static int
log_start(struct role *r, struct err *err)
{
	struct log_state *s = xcalloc(1, sizeof(*s));
	int flags = fcntl(ROLE_FD_LOG, F_GETFL);

	if (flags == -1 ||
	    fcntl(ROLE_FD_LOG, F_SETFL, flags | O_NONBLOCK) == -1)
		return err_sys(err, "log pipe");
	s->role = r;
	s->file = -1;
	r->state = s;
	buf_init(&s->in, 4 * LINE_MAX);
	choose_target(s);
	timer_init(&s->gather, r->loop, on_gathered, s);
	iowatch_init(&s->pipe, r->loop, ROLE_FD_LOG, on_pipe, s);
	iowatch_set(&s->pipe, LOOP_READ);
	return 0;
}

static void
log_reload(struct role *r, const struct conf *old)
{
	(void)old;
	choose_target(r->state);
}

/* Everybody else has ended: write what is left. */
static void
log_drain(struct role *r, uint64_t within_ms)
{
	(void)within_ms;
	while (read_some(r->state) && !r->is_quitting)
		continue;
	role_quit(r);
}

static const struct ipc_handler log_handlers[] = {
	{ IPC_LOG_FILE, on_log_file, false },
	{ .fn = NULL },
};

const struct role_spec log_role = {
	.id = R_LOG,
	.name = "log",
	.sandbox = SANDBOX_LOG,
	.user_setting = "log_user",
	.handlers = log_handlers,
	.start = log_start,
	.reload = log_reload,
	.drain = log_drain,
};
