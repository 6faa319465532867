/* SPDX-License-Identifier: ISC */
/* Listening sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libnet/listen.h"

#include "libbase/mem.h"

/* One event accepts so many, then others have their turn. */
#define BURST    16
#define PAUSE_MS 1000

static int
bind_and_listen(int fd, const struct netaddr *a, struct err *err)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(a, &ss);
	char text[NETADDR_TEXT];
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
	    bind(fd, (const struct sockaddr *)&ss, len) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1)
		return err_sys(err, "listen on %s", netaddr_text_port(a, text));
	return 0;
}

static int
open_one(const struct netaddr *a, int v6only, int *fd_out, struct err *err)
{
	int family = a->family == NETADDR_V6 ? AF_INET6 : AF_INET, fd;

	fd = socket(
	    family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd == -1)
		return err_sys(err, "socket");
	/* What the sysctl says is not what the setting says. */
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) ==
		-1) {
		err_sys(err, "IPV6_V6ONLY");
		(void)close(fd);
		return -1;
	}
	if (bind_and_listen(fd, a, err) == -1) {
		(void)close(fd);
		return -1;
	}
	*fd_out = fd;
	return 0;
}

int
listen_open(const struct netaddr *a, int *fd_out, struct err *err)
{
	struct netaddr any = { .family = NETADDR_V6, .port = a->port };

	if (a->family != NETADDR_NONE)
		return open_one(a, 1, fd_out, err);
	if (open_one(&any, 0, fd_out, err) == 0)
		return 0;
	if (err->sys != EAFNOSUPPORT && err->sys != EADDRNOTAVAIL)
		return -1;
	any.family = NETADDR_V4; /* a machine without v6 */
	return open_one(&any, 0, fd_out, err);
}

/* Nobody listens there any more: take the name away. */
static int
clear_path(const struct sockaddr_un *sun, const char *path, struct err *err)
{
	struct stat st;
	int fd, r;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_EXISTS, "%s: not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	r = connect(fd, (const struct sockaddr *)sun, sizeof *sun);
	if (r == -1 && errno == ECONNREFUSED) {
		r = unlink(path);
		r = r == -1 && errno != ENOENT ? err_sys(err, "%s", path) : 0;
	} else if (r == -1 && errno != EAGAIN) {
		r = err_sys(err, "%s", path);
	} else {
		r = err_set(err, ERR_BUSY, "%s: somebody listens there", path);
	}
	(void)close(fd);
	return r;
}

int
listen_open_unix(const char *path, unsigned mode, int *fd_out, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof sun.sun_path)
		return err_set(err, ERR_LIMIT, "%s: longer than %zu bytes",
		    path, sizeof sun.sun_path - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (clear_path(&sun, path, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	/* The mode of the descriptor before bind is that of the name: nobody
	 * gets in between. */
	if (fchmod(fd, (mode_t)mode) == -1 ||
	    bind(fd, (const struct sockaddr *)&sun, sizeof sun) == -1 ||
	    chmod(path, (mode_t)mode) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1) {
		err_sys(err, "listen on %s", path);
		(void)close(fd);
		return -1;
	}
	*fd_out = fd;
	return 0;
}

/* --- accepting ------------------------------------------------------------ */
struct listener {
	struct loop *loop;
	int fd;
	struct listener_conf conf;
	struct iowatch io;
	struct timer timer; /* active: a pause for lack of descriptors */
	bool paused;        /* by the owner */
	bool in_event, closed;
};

static void
watch(struct listener *l)
{
	iowatch_set(
	    &l->io, l->paused || timer_is_active(&l->timer) ? 0 : LOOP_READ);
}

/* Of one connection, already gone: not the listener's trouble. */
static bool
is_passing(int sys)
{
	return sys == ECONNABORTED || sys == EINTR || sys == EPROTO ||
	    sys == EPERM || sys == ENETDOWN || sys == EHOSTUNREACH ||
	    sys == ENETUNREACH || sys == EHOSTDOWN || sys == ENONET ||
	    sys == ENOPROTOOPT || sys == EOPNOTSUPP;
}

static bool
accept_one(struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	struct netaddr peer, local;
	int fd = accept4(
	    l->fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		netaddr_from_sockaddr(&peer, (struct sockaddr *)&ss, len);
		netaddr_of_local(&local, fd);
		l->conf.on_accept(l->conf.arg, fd, &peer, &local);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	if (is_passing(errno))
		return true;
	/* Out of descriptors or memory: the living go on, new ones wait in the
	 * backlog. */
	if (l->conf.on_trouble != NULL)
		l->conf.on_trouble(l->conf.arg, errno);
	if (!l->closed)
		timer_start_ms(&l->timer, PAUSE_MS);
	return false;
}

static void
free_later(void *arg)
{
	xfree(arg);
}

static void
listener_event(void *arg, unsigned events)
{
	struct listener *l = arg;

	(void)events;
	l->in_event = true;
	for (int i = 0; i < BURST && !l->paused && !l->closed; i++)
		if (!accept_one(l))
			break;
	l->in_event = false;
	if (!l->closed)
		watch(l);
}

static void
pause_over(void *arg)
{
	watch(arg);
}

struct listener *
listener_new(struct loop *loop, int fd, const struct listener_conf *conf)
{
	struct listener *l = xcalloc(1, sizeof *l);

	l->loop = loop;
	l->fd = fd;
	l->conf = *conf;
	iowatch_init(&l->io, loop, fd, listener_event, l);
	timer_init(&l->timer, loop, pause_over, l);
	watch(l);
	return l;
}

void
listener_pause(struct listener *l)
{
	l->paused = true;
	watch(l);
}

void
listener_resume(struct listener *l)
{
	l->paused = false;
	watch(l);
}

void
listener_nudge(struct listener *l)
{
	timer_stop(&l->timer);
	watch(l);
}

void
listener_close(struct listener **lp)
{
	struct listener *l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	l->closed = true;
	timer_stop(&l->timer);
	iowatch_stop(&l->io);
	(void)close(l->fd);
	if (l->in_event)
		loop_defer(l->loop, free_later, l);
	else
		xfree(l);
}
