/* SPDX-License-Identifier: ISC */
/*
 * The configuration: settings are rows of tables (settings.h and the
 * program's), the file is read with libconfig, all faults are found at once.
 * Only the parent reads the file; a role gets the settings whose row names it,
 * as one message. A struct conf never changes: a reload makes a new one.
 */
#ifndef LIBSERVER_CONF_H
#define LIBSERVER_CONF_H

#include <sys/types.h>

#include "libserver/ipc.h"
#include "libserver/role_id.h"

enum setting_type {
	SET_BOOL,
	SET_NUMBER,
	SET_SIZE,     /* "64M", "1 GiB", bytes */
	SET_DURATION, /* "5 min", "500 ms", "1h"; kept as milliseconds */
	SET_STRING,
	SET_PATH,     /* absolute, or "" when the default is "" */
	SET_STRINGS,  /* list, or one string */
	SET_LISTEN,   /* list of "ADDR:PORT", "[ADDR]:PORT", "*:PORT" */
	SET_NETWORKS, /* list of "ADDR/BITS" */
	SET_ENUM, /* default is "first|second|third": first is the default */
	SET_UID,  /* number, or a name in /etc/passwd; "" = none */
	SET_UIDS, /* "LOW-HIGH", or "" */
	SET_UIDL, /* see uidl_format.h */
	SET_CERTS /* list of groups { certificate, key } */
};

/* A list ends with name == NULL. min and max bound numbers, sizes, durations
 * (ms), the length of strings and the number of list members. */
struct setting {
	const char *name;
	enum setting_type type;
	const char *def; /* as text; members of lists separated by a blank */
	uint64_t min, max;
	unsigned roles; /* R_BIT mask: who is told */
	const char *help;
};

#define SETTING_ROW(name_, type_, def_, min_, max_, roles_, help_)             \
	{ #name_, type_, def_, min_, max_, roles_, help_ },

struct conf;

struct conf_cert {
	const char *certificate; /* path of the chain */
	const char *key;         /* path */
};

/* Called once a fault; line 0: the whole file or no line known. */
typedef void
conf_fault_fn(void *arg, const char *file, unsigned line, const char *text);

/* Read file ("" or absent with must_exist false: all defaults) against the
 * common table and more. Every fault is told. A configuration, or NULL when
 * there was a fault. Does not look at files named in it: family.c does. */
struct conf *conf_read(const char *file, bool must_exist,
    const struct setting *more, conf_fault_fn *fault, void *arg);
/* The same from text: tests and fuzzing. */
struct conf *conf_read_text(const char *text, const struct setting *more,
    conf_fault_fn *fault, void *arg);
void conf_free(struct conf *c); /* NULL is fine */

/* Values by name; a name that is no setting, of another type, or was not told
 * to this role is a programming error (assert). Valid as long as the conf. */
const char *conf_str(const struct conf *c, const char *name); /* also PATH,
							       * ENUM, UIDL */
uint64_t conf_u64(const struct conf *c, const char *name);    /* NUMBER, SIZE */
uint64_t conf_ms(const struct conf *c, const char *name);     /* DURATION */
bool conf_bool(const struct conf *c, const char *name);
/* STRINGS, LISTEN, NETWORKS. */
const char *const *
conf_list(const struct conf *c, const char *name, size_t *n_out);
size_t conf_certs(const struct conf *c, const struct conf_cert **certs_out);
/* UIDS: false when empty. */
bool
conf_uid_range(const struct conf *c, const char *name, uid_t *lo, uid_t *hi);
/* Was it written in the file? And where (0 = not there). */
bool conf_is_set(const struct conf *c, const char *name);
unsigned conf_line(const struct conf *c, const char *name);

/* The message CONFIG for a role, and back. NULL and failed: not valid. */
void conf_put(struct ipc_out *o, const struct conf *c, enum role_id role);
struct conf *conf_get(struct ipc_msg *m, const struct setting *more);

/* The row of a name in the common table or more; NULL. */
const struct setting *
setting_find(const struct setting *more, const char *name);
/* The common table. */
extern const struct setting settings_common[];

#endif
