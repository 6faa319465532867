/* SPDX-License-Identifier: ISC */
/*
 * A daemon is a declaration (STYLE B20): a name, its rows, its roles.
 *   int main(int argc, char **argv) { return family_main(argc, argv, &f); }
 * Options: -c FILE, -t (tell all faults), -f (foreground), -d (debug),
 * -V (version), --role NAME (internal).
 *
 * The parent opens ports, keys and the configuration, makes the pairs, starts
 * the roles, restarts them, reloads on SIGHUP, drains on SIGTERM. It reads no
 * byte of a client.
 */
#ifndef LIBSERVER_FAMILY_H
#define LIBSERVER_FAMILY_H

#include "libserver/conf.h"
#include "libserver/frontend.h"
#include "libserver/ipc.h"
#include "libserver/log.h"
#include "libserver/nursery.h"
#include "libserver/role.h"
#include "libserver/session.h"

struct family {
	const char *name;           /* "imapd" */
	const char *protocol;       /* "imap": PAM service suffix, who */
	const char *enable_setting; /* "imap": bool; false: nothing is served */
	const struct setting *settings; /* the program's rows, or NULL */
	const struct ipc_rule *ipc;     /* the program's rules, or NULL */
	const struct listener_spec *listeners;
	const struct role_spec *const *roles; /* executed ones; NULL ends */
	const struct frontend_ops *frontend;
	const struct session_ops *session; /* NULL: no sessions (submitd) */
	const struct session_ops *deliver; /* NULL: no deliveries */
	unsigned max_frontends;            /* by default; imapd 4, others 1 */
	/* Combinations of settings: tell faults by fault(arg, ...). NULL. */
	void (*check)(const struct conf *c, conf_fault_fn *fault, void *arg);
	/* Once in the nursery before it forks: a table worth sharing, which
	 * sessions find as session.warm. NULL. */
	const void *(*warm)(void);
	/* Further options: returns an exit code >= 0 when it has done it all
	 * (--list-commands), -1 when it does not know arg. NULL. */
	int (*option)(const char *arg);
};

/* Roles of libserver; auth_role and helper_role stand in libauth. */
extern const struct role_spec log_role;

int family_main(int argc, char **argv, const struct family *f);

#endif
