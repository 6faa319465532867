/* SPDX-License-Identifier: ISC */
/* Fork and execute ourselves as another role, with exactly its descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libserver/family.h"

void
role_reset_signals(void)
{
	struct sigaction sa = { 0 };
	sigset_t none;

	sa.sa_handler = SIG_DFL;
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)sigaction(i, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int
role_close_others(int *keep, unsigned n, struct err *err)
{
	unsigned from = 0;

	for (unsigned i = 1; i < n; i++) /* a handful: insertion sort */
		for (unsigned k = i; k > 0 && keep[k - 1] > keep[k]; k--) {
			int t = keep[k];

			keep[k] = keep[k - 1];
			keep[k - 1] = t;
		}
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] < 0 || (unsigned)keep[i] < from)
			continue;
		if ((unsigned)keep[i] > from &&
		    close_range(from, (unsigned)keep[i] - 1, 0) == -1)
			return err_sys(err, "close_range");
		from = (unsigned)keep[i] + 1;
	}
	if (close_range(from, ~0u, 0) == -1)
		return err_sys(err, "close_range");
	return 0;
}

/* In the child: nothing but system calls. Descriptors are moved out of the way
 * first, so that no dup2 closes one that is still needed. */
static NORETURN void
become(char *const argv[], int fd, int log_fd, int std_fd)
{
	int null_fd, keep[] = { 0, 1, 2, ROLE_FD_MAKER, ROLE_FD_LOG };
	struct err err;

	role_reset_signals();
	fd = fcntl(fd, F_DUPFD, 10);
	log_fd = fcntl(log_fd, F_DUPFD, 10);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd == -1 || log_fd == -1 || null_fd == -1)
		_exit(126);
	if (std_fd == -1)
		std_fd = null_fd;
	if (dup2(null_fd, 0) == -1 || dup2(std_fd, 1) == -1 ||
	    dup2(std_fd, 2) == -1 || dup2(fd, ROLE_FD_MAKER) == -1 ||
	    dup2(log_fd, ROLE_FD_LOG) == -1 ||
	    role_close_others(keep, N_ELEMENTS(keep), &err) == -1)
		_exit(126);
	execv("/proc/self/exe", argv);
	_exit(127);
}

pid_t
role_exec(const struct family *f, const char *name, unsigned index, int fd,
    int log_fd, int std_fd, struct err *err)
{
	char words[4][32];
	char *argv[] = { words[0], words[1], words[2], words[3], NULL };
	pid_t pid;

	snprintf(words[0], sizeof(words[0]), "%s", f->name);
	snprintf(words[1], sizeof(words[1]), "--role");
	snprintf(words[2], sizeof(words[2]), "%s", name);
	snprintf(words[3], sizeof(words[3]), "%u", index);
	pid = fork();
	if (pid == -1)
		(void)err_sys(err, "fork");
	if (pid == 0)
		become(argv, fd, log_fd, std_fd);
	return pid;
}
