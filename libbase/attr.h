/* SPDX-License-Identifier: ISC */
/* Compiler attributes, by the names the house uses. */
#ifndef LIBBASE_ATTR_H
#define LIBBASE_ATTR_H

#include <stddef.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NONNULL           __attribute__((nonnull))
#define COLD              __attribute__((cold))
#define UNUSED            __attribute__((unused))
#define NORETURN          __attribute__((noreturn))

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of which ptr is the given member. */
#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
