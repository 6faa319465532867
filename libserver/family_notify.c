/* SPDX-License-Identifier: ISC */
/* How others learn that the daemon is ready: systemd, the starting shell, the
 * pid file. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libserver/family_parent.h"

void
notify_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char text[96];
	size_t n;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(sa.sun_path))
		return;
	n = strlen(path);
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%ju\nMAINPID=%d\n",
	    state, (uintmax_t)clock_mono_us(), (int)getpid());
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		(const struct sockaddr *)&sa,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		log_warn(0, "systemd not told", "state", state, NULL);
	close(fd);
}

int
pid_file_write(const char *path, struct err *err)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (fd == -1)
		return err_sys(err, "%s", path);
	if (write(fd, text, (size_t)n) != n) {
		(void)err_sys(err, "%s", path);
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

/* The shell's process: its exit code is what the other one says. */
static NORETURN void
wait_for_word(int fd, pid_t pid)
{
	int status = 1;
	char c = 1;
	ssize_t n;

	do
		n = read(fd, &c, 1);
	while (n == -1 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status) == 0 ? 1 : WEXITSTATUS(status));
	_exit(1);
}

int
daemon_begin(int *tell_fd_out, struct err *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == -1) {
		close(fds[0]);
		close(fds[1]);
		return err_sys(err, "fork");
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_word(fds[0], pid);
	}
	close(fds[0]);
	if (setsid() == -1)
		return err_sys(err, "setsid");
	*tell_fd_out = fds[1];
	return 0;
}

void
daemon_tell(int *tell_fd)
{
	int null_fd;

	if (*tell_fd == -1)
		return;
	if (write(*tell_fd, "", 1) != 1)
		log_warn(0, "nobody waits for the start", NULL);
	close(*tell_fd);
	*tell_fd = -1;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd == -1)
		return;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null_fd, fd) == -1)
			log_warn(0, "terminal not let go", NULL);
	close(null_fd);
}
