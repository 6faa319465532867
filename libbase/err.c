/* SPDX-License-Identifier: ISC */
/* Classes and texts of failures. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libbase/err.h"

static const char *const err_words[] = {
	[ERR_OK] = "ok",
	[ERR_TEMP] = "temp",
	[ERR_NOSPACE] = "nospace",
	[ERR_QUOTA] = "quota",
	[ERR_LIMIT] = "limit",
	[ERR_INVALID] = "invalid",
	[ERR_NOTFOUND] = "notfound",
	[ERR_EXISTS] = "exists",
	[ERR_DENIED] = "denied",
	[ERR_GONE] = "gone",
	[ERR_BUSY] = "busy",
	[ERR_CORRUPT] = "corrupt",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_CLOSED] = "closed",
};
static_assert(N_ELEMENTS(err_words) == ERR_COUNT, "a word for each class");

static const struct {
	int sys;
	enum err_code code;
} err_classes[] = {
	{ 0, ERR_OK },
	{ ENOSPC, ERR_NOSPACE },
	{ EDQUOT, ERR_QUOTA },
	{ ENOENT, ERR_NOTFOUND },
	{ EEXIST, ERR_EXISTS },
	{ EACCES, ERR_DENIED },
	{ EPERM, ERR_DENIED },
	{ EROFS, ERR_DENIED },
	{ ELOOP, ERR_DENIED },
	{ EXDEV, ERR_DENIED },
	{ EPIPE, ERR_CLOSED },
	{ ECONNRESET, ERR_CLOSED },
	{ EBUSY, ERR_BUSY },
	{ EAGAIN, ERR_BUSY },
	{ ENAMETOOLONG, ERR_LIMIT },
	{ E2BIG, ERR_LIMIT },
	{ EMSGSIZE, ERR_LIMIT },
	{ EINVAL, ERR_INVALID },
	{ ENOSYS, ERR_UNSUPPORTED },
	{ EOPNOTSUPP, ERR_UNSUPPORTED },
	{ ESTALE, ERR_GONE },
};

static void
err_vadd(struct err *e, size_t *at, const char *fmt, va_list ap) PRINTF(3, 0);

/* Append to the text at *at, cut off at the end of the room. */
static void
err_vadd(struct err *e, size_t *at, const char *fmt, va_list ap)
{
	size_t room = sizeof(e->text) - *at;
	int n = vsnprintf(e->text + *at, room, fmt, ap);

	if (n < 0)
		n = 0;
	*at += (size_t)n < room ? (size_t)n : room - 1;
	e->text[*at] = '\0';
}

static void
err_add(struct err *e, size_t *at, const char *s)
{
	size_t room = sizeof(e->text) - 1 - *at;
	size_t n = strnlen(s, room);

	memcpy(e->text + *at, s, n);
	*at += n;
	e->text[*at] = '\0';
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	size_t at = 0;
	va_list ap;

	e->code = code;
	e->sys = 0;
	va_start(ap, fmt);
	err_vadd(e, &at, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int sys = errno;
	char words[80];
	size_t at = 0;
	va_list ap;

	e->code = sys == 0 ? ERR_TEMP : err_class(sys);
	e->sys = sys;
	va_start(ap, fmt);
	err_vadd(e, &at, fmt, ap);
	va_end(ap);
	err_add(e, &at, ": ");
	err_add(e, &at, strerror_r(sys, words, sizeof(words)));
	return -1;
}

int
err_context(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	size_t at = 0;
	va_list ap;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	err_vadd(e, &at, fmt, ap);
	va_end(ap);
	err_add(e, &at, ": ");
	err_add(e, &at, old);
	return -1;
}

enum err_code
err_class(int sys)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(err_classes); i++) {
		if (err_classes[i].sys == sys)
			return err_classes[i].code;
	}
	return ERR_TEMP;
}

const char *
err_word(enum err_code code)
{
	return code < ERR_COUNT ? err_words[code] : "unknown";
}
