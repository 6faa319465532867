/* SPDX-License-Identifier: ISC */
/*
 * restantectl: the admin's hand. A verb is a row in a table of its file
 * (ctl_*.c); restantectl.c finds it, reads the configuration for it, runs it.
 * Output goes to stdout, complaints to stderr.
 */
#ifndef RESTANTECTL_CTL_H
#define RESTANTECTL_CTL_H

#include <stdio.h>

#include "libbase/err.h"
#include "libbase/slice.h"
#include "libserver/conf.h"

/* How it ends. */
enum ctl_exit {
	CTL_OK,
	CTL_FAULT, /* something is wrong, or could not be done */
	CTL_USAGE
};

struct ctl {
	const char *conf_path;
	bool conf_must_exist;    /* -c was given */
	const struct conf *conf; /* NULL for verbs that read it themselves */
};

struct ctl_verb {
	const char *name;
	const char *sub;        /* second word, NULL for none */
	const char *args;       /* as shown in the usage */
	int min_args, max_args; /* behind the words; -1: any number */
	bool reads_conf_itself;
	int (*run)(struct ctl *c, int argc, char **argv); /* enum ctl_exit */
	const char *help;                                 /* one line */
};

/* A table's end has name NULL. */
extern const struct ctl_verb ctl_verbs_check[];
extern const struct ctl_verb ctl_verbs_daemon[];
extern const struct ctl_verb ctl_verbs_index[];
extern const struct ctl_verb ctl_verbs_settings[];
extern const struct ctl_verb ctl_verbs_user[];

/* "restantectl: TEXT" on stderr; answers CTL_FAULT. */
int ctl_fail(const struct err *err);
int ctl_fail_text(const char *fmt, ...) PRINTF(1, 2);
/* The daemons: name, the setting that turns them on, their listen settings,
 * their PAM suffix. name NULL at the end. */
struct ctl_daemon {
	const char *name;
	const char *enable;
	const char *what;     /* "IMAP" */
	const char *tls;      /* setting: TLS from the first byte */
	const char *starttls; /* setting: STARTTLS */
	const char *pam;      /* "imap" */
};
extern const struct ctl_daemon ctl_daemons[];

/* Ask a daemon's control socket: one line, answers given to line(arg), without
 * the end mark. 0; 1 when it does not run; -1 and err. */
int ctl_ask(const struct conf *conf, const char *daemon, const char *question,
    void (*line)(void *arg, struct slice text), void *arg,
    struct err *err) MUST_CHECK;
/* End all sessions of a user in the daemons that run (quietly). */
void ctl_kick(const struct conf *conf, const char *user);

#endif
