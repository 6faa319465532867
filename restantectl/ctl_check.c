/* SPDX-License-Identifier: ISC */
/* check: all faults at once, exit code 1 when there is one. */
#include <stdarg.h>
#include <string.h>

#include "restantectl/ctl_check.h"

static const struct {
	const char *area;
	void (*fn)(struct check *c);
} areas[] = {
	{ "names", check_names },
	{ "ports", check_ports },
	{ "certificates", check_certificates },
	{ "pam", check_pam },
	{ "folders", check_folders },
	{ "service users", check_service_users },
	{ "users", check_users },
	{ "uids", check_uids },
	{ "kernel", check_kernel },
};

static void
begin_line(struct check *c, const char *word)
{
	(void)printf("%-5s %s: ", word, c->area);
	c->said++;
}

void
check_fault(struct check *c, const char *fmt, ...)
{
	va_list ap;

	begin_line(c, "FAULT");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	c->faults++;
}

void
check_warn(struct check *c, const char *fmt, ...)
{
	va_list ap;

	begin_line(c, "warn");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	c->warnings++;
}

static void
conf_fault(void *arg, const char *file, unsigned line, const char *text)
{
	if (line > 0)
		check_fault(arg, "%s:%u: %s", file, line, text);
	else
		check_fault(arg, "%s: %s", file, text);
}

static int
check(struct ctl *ctl, int argc, char **argv)
{
	struct check c = { .area = "configuration" };
	struct conf *conf;

	(void)argc;
	(void)argv;
	conf = conf_read(
	    ctl->conf_path, ctl->conf_must_exist, NULL, conf_fault, &c);
	if (conf != NULL) {
		(void)printf("ok    configuration: %s\n", ctl->conf_path);
	} else {
		/* The rest of the machine is looked at with the defaults. */
		(void)printf("      (looking on with the defaults)\n");
		conf = conf_read("", false, NULL, conf_fault, &c);
	}
	c.conf = conf;
	for (size_t i = 0; conf != NULL && i < N_ELEMENTS(areas); i++) {
		c.area = areas[i].area;
		c.said = 0;
		areas[i].fn(&c);
		if (c.said == 0)
			(void)printf("ok    %s\n", c.area);
	}
	conf_free(conf);
	(void)printf("%u faults, %u warnings\n", c.faults, c.warnings);
	return c.faults > 0 ? CTL_FAULT : CTL_OK;
}

const struct ctl_verb ctl_verbs_check[] = {
	{ .name = "check",
	    .args = "",
	    .reads_conf_itself = true,
	    .run = check,
	    .help = "look at everything a daemon needs; tell all faults" },
	{ .name = NULL },
};
