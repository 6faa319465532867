/* SPDX-License-Identifier: ISC */
/* Log lines: made here, written to the pipe of the log role or to stderr. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libserver/log.h"

/* A line must be written to the pipe in one piece: below PIPE_BUF (4096). */
#define LINE_MAX  2000u
#define VALUE_CUT 600u

static const char *const levels[] = { "debug", "info", "warn", "error" };

static struct {
	const char *daemon, *role;
	char user[128];
	int fd;
	enum log_level least;
	uint64_t lost;
} state = { "restante", "main", "", STDERR_FILENO, LOG_LEVEL_INFO, 0 };

static void
log_line(enum log_level level, uint64_t id, const char *event, va_list ap);

void
log_init(const char *daemon, const char *role)
{
	state.daemon = daemon;
	state.role = role;
	tzset(); /* reads its file now: later the sandbox lets it read none */
}

void
log_to_fd(int fd)
{
	state.fd = fd;
}

void
log_set_level(enum log_level least)
{
	state.least = least;
}

void
log_set_user(const char *user)
{
	snprintf(
	    state.user, sizeof(state.user), "%s", user == NULL ? "" : user);
}

char *
log_u64(char buf[24], uint64_t v)
{
	snprintf(buf, 24, "%ju", (uintmax_t)v);
	return buf;
}

static bool
needs_quotes(struct slice s)
{
	if (s.n == 0)
		return true;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			return true;
	}
	return false;
}

static void
put_quoted(struct buf *b, struct slice s, bool is_text)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_text))
			buf_printf(b, "\\x%02x", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

/* UTF-8 without the control characters U+0080 to U+009F. */
static bool
is_text(struct slice s)
{
	if (!slice_is_utf8(s))
		return false;
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xc2 &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			return false;
	return true;
}

void
log_put_pair(struct buf *b, const char *key, struct slice value)
{
	bool is_cut = value.n > VALUE_CUT;

	value = slice_head(value, VALUE_CUT);
	buf_printf(b, " %s=", key);
	if (needs_quotes(value))
		put_quoted(b, value, is_text(value));
	else
		buf_put_slice(b, value);
	if (is_cut)
		buf_puts(b, "...");
}

static void
put_time(struct buf *b)
{
	uint64_t us = clock_real_us();
	time_t secs = (time_t)(us / 1000000);
	struct tm tm;
	char text[32];

	if (gmtime_r(&secs, &tm) == NULL)
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(b, "%s.%03uZ ", text, (unsigned)(us / 1000 % 1000));
}

/* One write; what the pipe does not take is lost and counted. */
static void
put_out(const struct buf *b)
{
	ssize_t n;

	do
		n = write(state.fd, b->p, b->n);
	while (n == -1 && errno == EINTR);
	if (n == (ssize_t)b->n)
		state.lost = 0;
	else
		state.lost++;
}

static void
log_line(enum log_level level, uint64_t id, const char *event, va_list ap)
{
	int saved = errno;
	const char *key, *value;
	struct buf b;

	if (level < state.least)
		return;
	buf_init(&b, LINE_MAX);
	put_time(&b);
	buf_printf(&b, "%s[%d] role=%s level=%s", state.daemon, (int)getpid(),
	    state.role, levels[level]);
	log_put_pair(&b, "event", slice_str(event));
	if (id != 0)
		buf_printf(&b, " id=%016jx", (uintmax_t)id);
	if (state.user[0] != '\0')
		log_put_pair(&b, "user", slice_str(state.user));
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value != NULL)
			log_put_pair(&b, key, slice_str(value));
	}
	if (state.lost > 0)
		buf_printf(&b, " lost_lines=%ju", (uintmax_t)state.lost);
	buf_truncate(&b, b.n < LINE_MAX - 1 ? b.n : LINE_MAX - 1);
	b.failed = false;
	buf_putc(&b, '\n');
	put_out(&b);
	buf_free(&b);
	errno = saved;
}

#define LOG_BODY(level)                                                        \
	do {                                                                   \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, event);                                           \
		log_line(level, id, event, ap);                                \
		va_end(ap);                                                    \
	} while (0)

void
log_debug(uint64_t id, const char *event, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG);
}

void
log_info(uint64_t id, const char *event, ...)
{
	LOG_BODY(LOG_LEVEL_INFO);
}

void
log_warn(uint64_t id, const char *event, ...)
{
	LOG_BODY(LOG_LEVEL_WARN);
}

void
log_error(uint64_t id, const char *event, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR);
}

void
log_err(uint64_t id, const char *event, const struct err *err)
{
	log_error(
	    id, event, "class", err_word(err->code), "err", err->text, NULL);
}

void
log_syslog_open(const char *daemon)
{
	openlog(daemon, LOG_NDELAY, LOG_MAIL);
}

void
log_syslog_line(enum log_level level, struct slice text)
{
	static const int priorities[] = { LOG_DEBUG, LOG_INFO, LOG_WARNING,
		LOG_ERR };

	syslog(priorities[level], "%.*s", SLICE_ARG(text));
}
