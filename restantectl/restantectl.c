/* SPDX-License-Identifier: ISC */
/* restantectl(8): finds the verb, reads the configuration, runs it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "restantectl/ctl.h"

static const struct ctl_verb *const tables[] = { ctl_verbs_check,
	ctl_verbs_daemon, ctl_verbs_index, ctl_verbs_settings, ctl_verbs_user };

const struct ctl_daemon ctl_daemons[] = {
	{ "imapd", "imap", "IMAP", "imaps_listen", "imap_listen", "imap" },
	{ "pop3d", "pop3", "POP3", "pop3s_listen", "pop3_listen", "pop3" },
	{ "submitd", "submission", "SMTP", "submissions_listen",
	    "submission_listen", "submission" },
	{ .name = NULL },
};

int
ctl_fail(const struct err *err)
{
	(void)fprintf(stderr, "restantectl: %s\n", err->text);
	return CTL_FAULT;
}

int
ctl_fail_text(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("restantectl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return CTL_FAULT;
}

/* "FILE:LINE: TEXT" on stderr. */
static void
print_fault(void *arg, const char *file, unsigned line, const char *text)
{
	(void)arg;
	if (line > 0)
		(void)fprintf(stderr, "%s:%u: %s\n", file, line, text);
	else
		(void)fprintf(stderr, "%s: %s\n", file, text);
}

static int
usage(FILE *to)
{
	(void)fputs("usage: restantectl [-c FILE] VERB ...\n", to);
	for (size_t i = 0; i < N_ELEMENTS(tables); i++) {
		for (const struct ctl_verb *v = tables[i]; v->name != NULL;
		     v++) {
			(void)fprintf(to, "  %s%s%s%s%s\n      %s\n", v->name,
			    v->sub == NULL ? "" : " ",
			    v->sub == NULL ? "" : v->sub,
			    v->args[0] == '\0' ? "" : " ", v->args, v->help);
		}
	}
	return CTL_USAGE;
}

/* The row for these words, and how many of them it took. */
static const struct ctl_verb *
find_verb(int argc, char **argv, int *taken_out)
{
	for (size_t i = 0; i < N_ELEMENTS(tables); i++) {
		for (const struct ctl_verb *v = tables[i]; v->name != NULL;
		     v++) {
			if (argc < 1 || strcmp(argv[0], v->name) != 0)
				continue;
			*taken_out = v->sub == NULL ? 1 : 2;
			if (v->sub == NULL ||
			    (argc > 1 && strcmp(argv[1], v->sub) == 0))
				return v;
		}
	}
	return NULL;
}

static int
run(struct ctl *c, const struct ctl_verb *v, int argc, char **argv)
{
	struct conf *conf;
	int r;

	if (argc < v->min_args || (v->max_args >= 0 && argc > v->max_args)) {
		(void)fprintf(stderr, "usage: restantectl %s%s%s %s\n", v->name,
		    v->sub == NULL ? "" : " ", v->sub == NULL ? "" : v->sub,
		    v->args);
		return CTL_USAGE;
	}
	if (v->reads_conf_itself)
		return v->run(c, argc, argv);
	conf = conf_read(
	    c->conf_path, c->conf_must_exist, NULL, print_fault, NULL);
	if (conf == NULL)
		return CTL_FAULT;
	c->conf = conf;
	r = v->run(c, argc, argv);
	conf_free(conf);
	return r;
}

int
main(int argc, char **argv)
{
	struct ctl c = { .conf_path =
			     RESTANTE_SYSCONFDIR "/restante/restante.conf" };
	const struct ctl_verb *v;
	int opt, taken, r;

	/* "+": options of a verb are the verb's. */
	while ((opt = getopt(argc, argv, "+c:hV")) != -1) {
		switch (opt) {
		case 'c':
			c.conf_path = optarg;
			c.conf_must_exist = true;
			break;
		case 'h':
			(void)usage(stdout);
			return CTL_OK;
		case 'V':
			(void)printf("restantectl %s\n", PACKAGE_VERSION);
			return CTL_OK;
		default:
			return usage(stderr);
		}
	}
	v = find_verb(argc - optind, argv + optind, &taken);
	if (v == NULL)
		return usage(stderr);
	r = run(&c, v, argc - optind - taken, argv + optind + taken);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return ctl_fail_text("output could not be written");
	return r;
}
