/* SPDX-License-Identifier: ISC */
/* The ports: opened by the parent, kept over a reload. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "libnet/listen.h"
#include "libserver/family_parent.h"

static int
find_open(const struct ports *ports, const char *text)
{
	for (size_t i = 0; ports != NULL && i < ports->n; i++)
		if (strcmp(ports->v[i].text, text) == 0)
			return ports->v[i].fd;
	return -1;
}

static int
add_port(struct ports *out, unsigned listener, const char *text,
    const struct ports *old, struct err *err)
{
	struct netaddr addr;
	int fd = find_open(out, text);

	if (fd != -1)
		return err_set(err, ERR_EXISTS, "%s is named twice", text);
	fd = find_open(old, text);
	if (fd != -1) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (fd == -1)
			return err_sys(err, "dup");
	} else if (netaddr_parse_listen(slice_str(text), &addr, err) == -1 ||
	    listen_open(&addr, &fd, err) == -1) {
		return err_context(err, "cannot listen on %s", text);
	}
	out->v = xreallocarray(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = (struct port){ listener, xstrdup(text), fd };
	return 0;
}

int
ports_open(const struct parent *p, const struct conf *c, bool has_certs,
    const struct ports *old, struct ports *out, struct err *err)
{
	const struct listener_spec *rows = p->f->listeners;

	*out = (struct ports){ 0 };
	if (rows == NULL || !conf_bool(c, p->f->enable_setting))
		return 0;
	for (unsigned i = 0; rows[i].setting != NULL; i++) {
		const char *const *list;
		size_t n;

		list = conf_list(c, rows[i].setting, &n);
		if (rows[i].implicit_tls && !has_certs && n > 0) {
			log_warn(0, "no certificates: ports not opened",
			    "setting", rows[i].setting, NULL);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			if (add_port(out, i, list[k], old, err) == -1) {
				ports_close(out);
				return err_context(err, "%s", rows[i].setting);
			}
		}
	}
	return 0;
}

void
ports_close(struct ports *ports)
{
	for (size_t i = 0; i < ports->n; i++) {
		xfree(ports->v[i].text);
		close(ports->v[i].fd);
	}
	xfree(ports->v);
	*ports = (struct ports){ 0 };
}
