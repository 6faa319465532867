/* SPDX-License-Identifier: ISC */
/*
 * What a process may still do: seccomp lists by kind, Landlock rules,
 * resource limits. Each is one-way. Filters are made once (in the parent of
 * the process that wears it) and loaded as bytes.
 */
#ifndef LIBSERVER_SANDBOX_H
#define LIBSERVER_SANDBOX_H

#include "libbase/err.h"
#include "libbase/slice.h"

enum sandbox_kind {
	SANDBOX_NONE,     /* parent, auth, helpers: modules do as they like */
	SANDBOX_FRONTEND, /* sockets it was given; no open, no new sockets */
	SANDBOX_NURSERY,  /* fork, ids, no network */
	SANDBOX_SESSION,  /* files, inotify; no sockets, no exec */
	SANDBOX_LOG,      /* UNIX datagram socket, write */
	SANDBOX_QUEUE,    /* files; no network */
	SANDBOX_RELAY,    /* sockets; no files */
	SANDBOX_COUNT
};

struct sandbox_filter; /* bytes of a seccomp program */

/* Build the program of a kind; NULL and err on failure. */
struct sandbox_filter *
sandbox_filter_new(enum sandbox_kind kind, struct err *err);
void sandbox_filter_free(struct sandbox_filter *f);
/* Sets no_new_privs and loads. */
int
sandbox_filter_load(const struct sandbox_filter *f, struct err *err) MUST_CHECK;

/* Paths a session may use. NULL or "" members are skipped; missing read-only
 * ones too. */
struct sandbox_paths {
	const char *write[4]; /* whole trees, read and write */
	const char *read[8];  /* whole trees, read */
};
/* 0 done, 1 this kernel has no usable Landlock (log it), -1 failed. */
int
sandbox_landlock(const struct sandbox_paths *paths, struct err *err) MUST_CHECK;

/* Is there a Landlock that lets files be renamed between folders? */
bool sandbox_has_landlock(void);

/* No core file, not dumpable (no ptrace by the same uid). */
int sandbox_undumpable(struct err *err) MUST_CHECK;
/* Resource limits of a kind; n_files 0 keeps the limit of descriptors. */
int sandbox_limits(
    enum sandbox_kind kind, uint64_t n_files, struct err *err) MUST_CHECK;

#endif
