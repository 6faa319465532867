/* SPDX-License-Identifier: ISC */
/* The roles of a family, by number: part of every ipc message's rule. */
#ifndef LIBSERVER_ROLE_ID_H
#define LIBSERVER_ROLE_ID_H

enum role_id {
	R_PARENT,
	R_FRONTEND,
	R_AUTH,
	R_NURSERY,
	R_SESSION, /* forked by the nursery, one a user */
	R_LOG,
	R_HELPER, /* started by auth: one PAM conversation at a time */
	R_QUEUE,
	R_RELAY,
	R_DELIVER, /* forked by the nursery, one a delivery job */
	R_CTL, /* a person at the control socket (only in settings' masks) */
	R_COUNT
};

#define R_BIT(r) (1u << (unsigned)(r))
#define R_ALL    ((1u << (unsigned)R_COUNT) - 1)

/* "frontend", "auth", ...: for logs and --role. */
const char *role_word(enum role_id id);

#endif
