/* SPDX-License-Identifier: ISC */
/*
 * One line an event: words and key=value, values quoted where needed, control
 * bytes as \xNN. A role writes lines to the pipe of the log role and never
 * waits: a full pipe drops the line and the next one says how many were lost.
 * Before log_to_fd the lines go to stderr. The severities:
 *   debug  only with -d or log_level = debug
 *   info   what happened, one line an event
 *   warn   something an admin may want to change; the work went on
 *   error  something failed that should not have; somebody was refused
 */
#ifndef LIBSERVER_LOG_H
#define LIBSERVER_LOG_H

#include "libbase/buf.h"
#include "libbase/err.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};

/* id: of the connection the line is about, or 0. Then key, value pairs
 * (const char *; a NULL value skips the pair), then NULL. */
void log_debug(uint64_t id, const char *event, ...) __attribute__((sentinel));
void log_info(uint64_t id, const char *event, ...) __attribute__((sentinel));
void log_warn(uint64_t id, const char *event, ...) __attribute__((sentinel));
void log_error(uint64_t id, const char *event, ...) __attribute__((sentinel));
/* error with err="..." from a struct err. */
void log_err(uint64_t id, const char *event, const struct err *err);

/* Numbers as values: LOG_U64(n) lives to the end of the enclosing block. */
char *log_u64(char buf[24], uint64_t v);
#define LOG_U64(v) log_u64((char[24]){ 0 }, (uint64_t)(v))

/* Where lines of this process go. daemon and role stand in each line. */
void log_init(const char *daemon, const char *role);
void log_to_fd(int fd); /* borrowed; a pipe or a terminal */
void log_set_level(enum log_level least);
/* Keys in every later line of this process: user of a session. NULL: none. */
void log_set_user(const char *user);

/* " key=value" with quoting: also for the control socket. */
void log_put_pair(struct buf *b, const char *key, struct slice value);

/* For the log role alone: this line to syslog. */
void log_syslog_open(const char *daemon);
void log_syslog_line(enum log_level level, struct slice text);

#endif
