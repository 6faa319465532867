/* SPDX-License-Identifier: ISC */
/* settings: what a user types into a mail program, inside and outside; and the
 * names of all settings. */
#include <string.h>
#include <unistd.h>

#include "libnet/netaddr.h"
#include "restantectl/ctl.h"

enum view {
	INSIDE,
	OUTSIDE
};

static bool
is_inside(const struct conf *conf, const struct netaddr *a)
{
	size_t n;
	const char *const *nets = conf_list(conf, "internal_networks", &n);
	struct netblock block;
	struct err err;

	if (netaddr_is_loopback(a))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (netblock_parse(slice_str(nets[i]), &block, &err) == 0 &&
		    netblock_contains(&block, a))
			return true;
	}
	return false;
}

/* The port of the first address of a listen setting that this view reaches; 0
 * for none. Inside reaches all. */
static unsigned
port_of(const struct conf *conf, const char *setting, enum view view)
{
	size_t n;
	const char *const *list = conf_list(conf, setting, &n);
	struct netaddr a;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		if (netaddr_parse_listen(slice_str(list[i]), &a, &err) != 0)
			continue;
		if (view == INSIDE || a.family == NETADDR_NONE ||
		    !is_inside(conf, &a))
			return a.port;
	}
	return 0;
}

static void
print_one(const struct conf *conf, const char *host, const struct ctl_daemon *d,
    enum view view)
{
	const char *where = view == INSIDE ? "internal" : "external";
	const char *how = "TLS";
	unsigned port;

	if (!conf_bool(conf, d->enable)) {
		(void)printf("%s %-4s  off\n", where, d->what);
		return;
	}
	port = port_of(conf, d->tls, view);
	if (port == 0) {
		how = "STARTTLS";
		port = port_of(conf, d->starttls, view);
	}
	if (port == 0)
		(void)printf("%s %-4s  not reachable\n", where, d->what);
	else
		(void)printf("%s %-4s  server %s  port %u  encryption %s\n",
		    where, d->what, host, port, how);
}

static int
print_names(void)
{
	for (const struct setting *s = settings_common; s->name != NULL; s++)
		(void)puts(s->name);
	return CTL_OK;
}

static int
settings(struct ctl *c, int argc, char **argv)
{
	char name[256] = "";
	const char *host = conf_str(c->conf, "hostname");

	if (argc > 0 && strcmp(argv[0], "--names") == 0)
		return print_names();
	if (argc > 0)
		return ctl_fail_text("settings [--names]");
	if (host[0] == '\0') {
		if (gethostname(name, sizeof(name) - 1) != 0)
			return ctl_fail_text("the machine has no host name");
		host = name;
	}
	for (int view = INSIDE; view <= OUTSIDE; view++) {
		for (const struct ctl_daemon *d = ctl_daemons; d->name != NULL;
		     d++)
			print_one(c->conf, host, d, (enum view)view);
	}
	(void)puts("user name: the account's name, or its address");
	(void)puts("password: normal password (PLAIN)");
	return CTL_OK;
}

const struct ctl_verb ctl_verbs_settings[] = {
	{ .name = "settings",
	    .args = "[--names]",
	    .max_args = 1,
	    .run = settings,
	    .help = "what users type into their mail programs; --names: all "
		    "settings of the configuration" },
	{ .name = NULL },
};
