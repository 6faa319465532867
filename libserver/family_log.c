/* SPDX-License-Identifier: ISC */
/* The log file, opened by the parent for the log role. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libserver/family_parent.h"

void
log_file_send(struct parent *p)
{
	const char *where = conf_str(p->role.conf, "log");
	struct ipc_none none = { 0 };
	struct child *c;
	struct ipc_out o;
	size_t pos = 0;
	int fd = -1;

	c = child_next(p, R_LOG, &pos);
	if (c == NULL || c->peer == NULL)
		return;
	if (where[0] == '/') {
		fd = open(where,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
			O_NOCTTY,
		    0640);
		if (fd == -1)
			log_error(0, "log file not opened", "file", where,
			    "err", strerror(errno), NULL);
	}
	ipc_begin(&o, IPC_LOG_FILE, &none, sizeof(none));
	if (fd != -1)
		ipc_put_fd(&o, fd);
	(void)ipc_send(c->peer, &o);
	if (fd != -1)
		close(fd);
}
