/* SPDX-License-Identifier: ISC */
/*
 * How a failure is told: a class for the program, a text for the log.
 * The struct lives in the caller's frame or in the command; nothing is
 * allocated. Each protocol has one table from class to the client's words;
 * text is never sent to a client.
 */
#ifndef LIBBASE_ERR_H
#define LIBBASE_ERR_H

#include "libbase/attr.h"

enum err_code {
	ERR_OK,
	ERR_TEMP,        /* try again later: I/O error, no descriptors */
	ERR_NOSPACE,     /* disk full */
	ERR_QUOTA,       /* over the user's quota */
	ERR_LIMIT,       /* over one of our ceilings */
	ERR_INVALID,     /* the request makes no sense */
	ERR_NOTFOUND,    /* no such object */
	ERR_EXISTS,      /* object is there already */
	ERR_DENIED,      /* not allowed */
	ERR_GONE,        /* was there, has been deleted meanwhile */
	ERR_BUSY,        /* held by somebody else */
	ERR_CORRUPT,     /* what was read is not what was written */
	ERR_UNSUPPORTED, /* valid, but not something we do */
	ERR_CLOSED,      /* the other side has gone */
	ERR_COUNT
};

struct err {
	enum err_code code;
	int sys; /* errno, or 0 */
	char text[160];
};

/* Set class and text. Always -1, so that a function can return it. e may not
 * be NULL. */
int
err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* The same from errno: class by err_class(), ": strerror" appended. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Put context and ": " in front of a text that is set: err_context(e,
 * "mailbox %s", name). Always -1.
 */
int err_context(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* The class of an errno: ENOSPC NOSPACE, EDQUOT QUOTA, ENOENT NOTFOUND, EEXIST
 * EXISTS, EACCES/EPERM/EROFS/ELOOP/EXDEV DENIED, EPIPE/ECONNRESET CLOSED,
 * EBUSY/EAGAIN BUSY, ENAMETOOLONG/E2BIG/EMSGSIZE LIMIT, EINVAL INVALID,
 * ENOSYS/EOPNOTSUPP UNSUPPORTED, ESTALE GONE; all else TEMP. */
enum err_code err_class(int sys);

/* Short stable word for logs: "temp", "nospace", ... */
const char *err_word(enum err_code code);

#endif
