/* SPDX-License-Identifier: ISC */
/* check: names, ports, service users, kernel: what the machine gives. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libnet/netaddr.h"
#include "libserver/role.h"
#include "restantectl/ctl_check.h"

/* ---- names ---- */

void
check_names(struct check *c)
{
	const char *host = conf_str(c->conf, "hostname");
	struct addrinfo *found = NULL;
	char name[256] = "";
	size_t n;
	int r;

	if (host[0] == '\0') {
		if (gethostname(name, sizeof(name) - 1) != 0)
			check_fault(c, "the machine has no host name");
		host = name;
	}
	if (strchr(host, '.') == NULL && strcmp(host, "localhost") != 0)
		check_warn(c,
		    "host name %s is not fully qualified: set hostname", host);
	r = getaddrinfo(host, NULL, NULL, &found);
	if (r != 0)
		check_warn(c, "host name %s: %s", host, gai_strerror(r));
	else
		freeaddrinfo(found);
	(void)conf_list(c->conf, "domains", &n);
	if (n == 0 && conf_bool(c->conf, "submission"))
		check_warn(c, "domains is empty: no address is local");
}

/* ---- ports ---- */

/* Somebody who answers "status" at our control socket holds our ports. */
static bool
is_running(const struct check *c, const char *daemon)
{
	struct err err;

	return ctl_ask(c->conf, daemon, "status", NULL, NULL, &err) == 0;
}

static void
try_bind(struct check *c, const char *setting, const char *text,
    const struct netaddr *a)
{
	struct sockaddr_storage ss;
	socklen_t len;
	struct netaddr any = { .family = NETADDR_V6, .port = a->port };
	int fd, one = 1;

	len = netaddr_to_sockaddr(a->family == NETADDR_NONE ? &any : a, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return; /* no IPv6 here: nothing to try */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&ss, len) != 0) {
		if (errno == EADDRINUSE)
			check_fault(c, "%s %s: another program has this port",
			    setting, text);
		else if (errno == EACCES && geteuid() != 0)
			check_warn(
			    c, "%s %s: only root may open it", setting, text);
		else
			check_fault(
			    c, "%s %s: %s", setting, text, strerror(errno));
	}
	(void)close(fd);
}

static void
check_listen(struct check *c, const char *setting)
{
	size_t n;
	const char *const *list = conf_list(c->conf, setting, &n);
	struct netaddr a;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		if (netaddr_parse_listen(slice_str(list[i]), &a, &err) != 0)
			check_fault(c, "%s: %s", setting, err.text);
		else
			try_bind(c, setting, list[i], &a);
	}
}

void
check_ports(struct check *c)
{
	for (const struct ctl_daemon *d = ctl_daemons; d->name != NULL; d++) {
		if (!conf_bool(c->conf, d->enable) || is_running(c, d->name))
			continue;
		check_listen(c, d->starttls);
		check_listen(c, d->tls);
	}
}

/* ---- service users ---- */

void
check_service_users(struct check *c)
{
	static const char *const settings[] = { "net_user", "queue_user",
		"log_user" };
	uid_t uids[N_ELEMENTS(settings)] = { 0 };
	struct err err;
	gid_t gid;

	if (geteuid() != 0)
		return; /* the family does not switch then */
	for (size_t i = 0; i < N_ELEMENTS(settings); i++) {
		if (role_user(c->conf, settings[i], &uids[i], &gid, &err) != 0)
			check_fault(c, "%s", err.text);
		for (size_t k = 0; k < i; k++) {
			if (uids[i] != 0 && uids[k] == uids[i])
				check_fault(c, "%s and %s must differ",
				    settings[k], settings[i]);
		}
	}
}

/* ---- kernel ---- */

static void
check_number(struct check *c, const char *path, uint64_t least)
{
	char text[32];
	uint64_t v;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return; /* another kernel */
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n <= 0 ||
	    slice_u64(slice_trim(slice_of(text, (size_t)n)), UINT64_MAX, &v) !=
		0)
		return;
	if (v < least)
		check_warn(c, "%s is %llu: %llu or more is wanted", path,
		    (unsigned long long)v, (unsigned long long)least);
}

static void
check_landlock(struct check *c)
{
	/* NULL, 0, LANDLOCK_CREATE_RULESET_VERSION */
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);

	if (abi < 2)
		check_warn(c,
		    "no usable Landlock (ABI %ld, 2 is wanted): sessions are "
		    "kept apart by uids and seccomp alone",
		    abi < 0 ? 0 : abi);
}

void
check_kernel(struct check *c)
{
	struct rlimit rl;
	uint64_t conns = conf_u64(c->conf, "max_connections");

	check_landlock(c);
	check_number(c, "/proc/sys/fs/inotify/max_user_instances", 128);
	check_number(c, "/proc/sys/fs/inotify/max_user_watches", 8192);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_max < conns + 64)
		check_warn(c,
		    "max_connections is %llu, but a process may open %llu "
		    "descriptors",
		    (unsigned long long)conns, (unsigned long long)rl.rlim_max);
}
