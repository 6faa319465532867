/* SPDX-License-Identifier: ISC */
/*
 * stepkill PID N: watch a process and kill it at the N-th entry to or return
 * from a system call. "ready" when it is watched, "killed NUMBER" (of the
 * call) when it is dead, "gone" when it ended by itself. Ended by a signal it
 * lets the process go. Only for root: those processes are not dumpable.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

static long
number_of(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (long)info.entry.nr;
}

/* Its next stop: 1 a system call, 0 something else, -1 it has ended. */
static int
next_stop(pid_t pid, int *pass)
{
	int status, sig;

	*pass = 0;
	while (waitpid(pid, &status, __WALL) == -1)
		if (errno != EINTR)
			return -1;
	if (!WIFSTOPPED(status))
		return -1;
	sig = WSTOPSIG(status);
	if (sig == (SIGTRAP | 0x80))
		return 1;
	if (status >> 16 == 0)
		*pass = sig; /* a signal of its own */
	return 0;
}

static int
watch(pid_t pid, unsigned long n)
{
	unsigned long at = 0;
	int r, pass;
	long nr = -1;

	while (at < n) {
		if ((r = next_stop(pid, &pass)) == -1) {
			(void)puts("gone");
			return 1;
		}
		if (r == 1 && ++at == n)
			break;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (long)pass) == -1) {
			(void)puts("gone");
			return 1;
		}
	}
	nr = number_of(pid);
	(void)kill(pid, SIGKILL);
	while (next_stop(pid, &pass) != -1)
		;
	(void)printf("killed %ld\n", nr);
	return 0;
}

int
main(int argc, char **argv)
{
	pid_t pid;
	int pass;

	if (argc != 3)
		return 64;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	pid = (pid_t)strtol(argv[1], NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (long)PTRACE_O_TRACESYSGOOD) ==
		-1 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1 ||
	    next_stop(pid, &pass) == -1 ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, (long)pass) == -1) {
		(void)printf("not %s\n", strerror(errno));
		return 2;
	}
	(void)puts("ready");
	return watch(pid, strtoul(argv[2], NULL, 10));
}
