/* SPDX-License-Identifier: ISC */
/* Seccomp programs made from tables of calls, and resource limits. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "libbase/mem.h"
#include "libserver/sandbox.h"

struct sandbox_filter {
	struct sock_fprog prog;
};

/* Sets of calls; a kind is a mask of sets. */
enum call_set {
	S_BASE = 1u << 0,   /* memory, time, signals to itself, its own end */
	S_IO = 1u << 1,     /* reading and writing what is open */
	S_SOCK = 1u << 2,   /* sending and receiving on what is open */
	S_ACCEPT = 1u << 3, /* clients */
	S_FILES = 1u << 4,  /* opening, renaming, ... */
	S_THREAD = 1u << 5, /* the flusher */
	S_FORK = 1u << 6,   /* the nursery */
	S_UNIX = 1u << 7,   /* socket(AF_UNIX), connect: syslog */
	S_INET = 1u << 8,   /* sockets to anywhere: relay */
	S_LOAD = 1u << 9,   /* executable mappings that cannot be written */
	S_WEAR = 1u << 10,  /* putting on the next sandbox */
};

static const unsigned kind_sets[SANDBOX_COUNT] = {
	[SANDBOX_NONE] = 0,
	[SANDBOX_FRONTEND] = S_BASE | S_IO | S_SOCK | S_ACCEPT,
	[SANDBOX_NURSERY] = S_BASE | S_IO | S_SOCK | S_FILES | S_THREAD |
	    S_FORK | S_LOAD | S_WEAR,
	[SANDBOX_SESSION] =
	    S_BASE | S_IO | S_SOCK | S_FILES | S_THREAD | S_LOAD,
	[SANDBOX_LOG] = S_BASE | S_IO | S_SOCK | S_UNIX,
	[SANDBOX_QUEUE] = S_BASE | S_IO | S_SOCK | S_FILES | S_THREAD,
	[SANDBOX_RELAY] = S_BASE | S_IO | S_SOCK | S_INET,
};

struct call {
	int nr;
	unsigned sets;
};

#define C(name, sets)                                                          \
	{                                                                      \
		SCMP_SYS(name), sets                                           \
	}

/* Calls that are admitted whatever their arguments are. */
static const struct call calls[] = {
	/* S_BASE */
	C(brk, S_BASE),
	C(munmap, S_BASE),
	C(mremap, S_BASE),
	C(madvise, S_BASE),
	C(exit, S_BASE),
	C(exit_group, S_BASE),
	C(futex, S_BASE),
	C(getrandom, S_BASE),
	C(clock_gettime, S_BASE),
	C(clock_getres, S_BASE),
	C(clock_nanosleep, S_BASE),
	C(nanosleep, S_BASE),
	C(gettimeofday, S_BASE),
	C(time, S_BASE),
	C(getpid, S_BASE),
	C(getppid, S_BASE),
	C(gettid, S_BASE),
	C(getuid, S_BASE),
	C(geteuid, S_BASE),
	C(getgid, S_BASE),
	C(getegid, S_BASE),
	C(uname, S_BASE),
	C(sysinfo, S_BASE),
	C(rt_sigaction, S_BASE),
	C(rt_sigprocmask, S_BASE),
	C(rt_sigreturn, S_BASE),
	C(restart_syscall, S_BASE),
	C(sigaltstack, S_BASE),
	C(tgkill, S_BASE),
	C(rseq, S_BASE),
	C(sched_yield, S_BASE),
	C(sched_getaffinity, S_BASE),
	C(getrlimit, S_BASE),
	C(getrusage, S_BASE),
	C(membarrier, S_BASE),
	/* S_IO */
	C(read, S_IO),
	C(readv, S_IO),
	C(write, S_IO),
	C(writev, S_IO),
	C(close, S_IO),
	C(close_range, S_IO),
	C(lseek, S_IO),
	C(fstat, S_IO),
	C(newfstatat, S_IO),
	C(fcntl, S_IO),
	C(dup, S_IO),
	C(dup2, S_IO),
	C(dup3, S_IO),
	C(poll, S_IO),
	C(ppoll, S_IO),
	C(select, S_IO),
	C(pselect6, S_IO),
	C(epoll_create1, S_IO),
	C(epoll_create, S_IO),
	C(epoll_ctl, S_IO),
	C(epoll_wait, S_IO),
	C(epoll_pwait, S_IO),
	C(eventfd2, S_IO),
	C(pipe2, S_IO),
	C(timerfd_create, S_IO),
	C(timerfd_settime, S_IO),
	C(timerfd_gettime, S_IO),
	/* S_SOCK */
	C(sendmsg, S_SOCK),
	C(recvmsg, S_SOCK),
	C(sendto, S_SOCK),
	C(recvfrom, S_SOCK),
	C(sendmmsg, S_SOCK),
	C(recvmmsg, S_SOCK),
	C(shutdown, S_SOCK),
	C(getsockopt, S_SOCK),
	C(setsockopt, S_SOCK),
	C(getsockname, S_SOCK),
	C(getpeername, S_SOCK),
	/* S_ACCEPT */
	C(accept4, S_ACCEPT),
	C(accept, S_ACCEPT),
	/* S_FILES */
	C(open, S_FILES),
	C(openat, S_FILES),
	C(openat2, S_FILES),
	C(creat, S_FILES),
	C(stat, S_FILES),
	C(lstat, S_FILES),
	C(statx, S_FILES),
	C(access, S_FILES),
	C(faccessat, S_FILES),
	C(faccessat2, S_FILES),
	C(getdents64, S_FILES),
	C(rename, S_FILES),
	C(renameat, S_FILES),
	C(renameat2, S_FILES),
	C(link, S_FILES),
	C(linkat, S_FILES),
	C(unlink, S_FILES),
	C(unlinkat, S_FILES),
	C(mkdir, S_FILES),
	C(mkdirat, S_FILES),
	C(rmdir, S_FILES),
	C(symlinkat, S_FILES),
	C(readlink, S_FILES),
	C(readlinkat, S_FILES),
	C(chdir, S_FILES),
	C(fchdir, S_FILES),
	C(getcwd, S_FILES),
	C(fchmod, S_FILES),
	C(fchmodat, S_FILES),
	C(fchown, S_FILES),
	C(fchownat, S_FILES),
	C(umask, S_FILES),
	C(fsync, S_FILES),
	C(fdatasync, S_FILES),
	C(sync_file_range, S_FILES),
	C(ftruncate, S_FILES),
	C(fallocate, S_FILES),
	C(fadvise64, S_FILES),
	C(flock, S_FILES),
	C(utimensat, S_FILES),
	C(utimes, S_FILES),
	C(pread64, S_FILES),
	C(pwrite64, S_FILES),
	C(preadv, S_FILES),
	C(pwritev, S_FILES),
	C(copy_file_range, S_FILES),
	C(sendfile, S_FILES),
	C(statfs, S_FILES),
	C(fstatfs, S_FILES),
	C(fgetxattr, S_FILES),
	C(readahead, S_FILES),
	C(inotify_init1, S_FILES),
	C(inotify_add_watch, S_FILES),
	C(inotify_rm_watch, S_FILES),
	/* S_THREAD: clone is below */
	C(set_robust_list, S_THREAD),
	C(get_robust_list, S_THREAD),
	C(set_tid_address, S_THREAD),
	C(sched_getparam, S_THREAD),
	C(sched_getscheduler, S_THREAD),
	C(sched_setscheduler, S_THREAD),
	C(sched_get_priority_min, S_THREAD),
	C(sched_get_priority_max, S_THREAD),
	C(prlimit64, S_THREAD),
	/* S_FORK */
	C(clone, S_FORK),
	C(fork, S_FORK),
	C(vfork, S_FORK),
	C(wait4, S_FORK),
	C(waitid, S_FORK),
	C(kill, S_FORK),
	C(socketpair, S_FORK),
	C(set_robust_list, S_FORK),
	C(setsid, S_FORK),
	C(getgroups, S_FORK),
	/* S_WEAR */
	C(prctl, S_WEAR),
	C(seccomp, S_WEAR),
	C(setgroups, S_WEAR),
	C(setresuid, S_WEAR),
	C(setresgid, S_WEAR),
	C(setuid, S_WEAR),
	C(setgid, S_WEAR),
	C(setrlimit, S_WEAR),
	C(prlimit64, S_WEAR),
	C(landlock_create_ruleset, S_WEAR),
	C(landlock_add_rule, S_WEAR),
	C(landlock_restrict_self, S_WEAR),
	/* S_UNIX and S_INET */
	C(connect, S_UNIX | S_INET),
	C(bind, S_INET),
};

#ifdef RESTANTE_SANITIZED
/* What the sanitizers' runtime does beside: reads /proc, makes threads, stops
 * the world with a clone that ptraces. */
static const struct call sanitizer_calls[] = {
	C(open, ~0u),
	C(openat, ~0u),
	C(readlink, ~0u),
	C(readlinkat, ~0u),
	C(stat, ~0u),
	C(lstat, ~0u),
	C(access, ~0u),
	C(clone, ~0u),
	C(ptrace, ~0u),
	C(wait4, ~0u),
	C(kill, ~0u),
	C(tkill, ~0u),
	C(prctl, ~0u),
	C(mmap, ~0u),
	C(mprotect, ~0u),
	C(getdents64, ~0u),
	C(pread64, ~0u),
	C(ioctl, ~0u),
	C(prlimit64, ~0u),
	C(pipe2, ~0u),
	C(process_vm_readv, ~0u),
	C(sched_setaffinity, ~0u),
	C(set_robust_list, ~0u),
	C(arch_prctl, ~0u),
	C(dup2, ~0u),
	C(unlink, ~0u),
	C(getcwd, ~0u),
	C(setrlimit, ~0u),
	C(getppid, ~0u),
};

/* The runtime asks these by name. A report ends the process by SIGABRT, which
 * the parent and the nursery tell; leaks are no matter of daemons, whose roots
 * live as long as they do, and in a sandbox the search finds no way to stop
 * the threads. */
const char *__asan_default_options(void);
int __lsan_is_turned_off(void);

const char *
__asan_default_options(void)
{
	return "abort_on_error=1:handle_abort=0";
}

int
__lsan_is_turned_off(void)
{
	return 1;
}
#endif

static int
allow_if(scmp_filter_ctx ctx, int nr, struct scmp_arg_cmp cmp)
{
	return seccomp_rule_add_exact(ctx, SCMP_ACT_ALLOW, nr, 1, cmp);
}

/* Calls that depend on an argument. Nothing may be both written and run. */
static int
add_conditional(scmp_filter_ctx ctx, unsigned sets)
{
	int r = 0;

#ifndef RESTANTE_SANITIZED
	r |= allow_if(
	    ctx, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	r |= allow_if(
	    ctx, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if ((sets & S_LOAD) != 0)
		r |= allow_if(ctx, SCMP_SYS(mmap),
		    SCMP_A2(
			SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
	if ((sets & S_THREAD) != 0 && (sets & S_FORK) == 0)
		r |= allow_if(ctx, SCMP_SYS(clone),
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
#endif
	/* names of threads and the like; reading, never keeping, capability */
	if ((sets & S_WEAR) == 0)
		r |= allow_if(
		    ctx, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	if ((sets & S_UNIX) != 0)
		r |= allow_if(ctx, SCMP_SYS(socket),
		    SCMP_A0(SCMP_CMP_EQ, 1 /* UNIX */, 0));
	if ((sets & S_INET) != 0) {
		r |= allow_if(ctx, SCMP_SYS(socket),
		    SCMP_A0(SCMP_CMP_EQ, 2 /* INET */, 0));
		r |= allow_if(ctx, SCMP_SYS(socket),
		    SCMP_A0(SCMP_CMP_EQ, 10 /* INET6 */, 0));
	}
	/* Does the holder of a Maildir's lock still live? No signal is sent. */
	if ((sets & S_FILES) != 0 && (sets & S_FORK) == 0)
		r |= allow_if(ctx, SCMP_SYS(kill), SCMP_A1(SCMP_CMP_EQ, 0, 0));
	/* FIONREAD and TCGETS of stdio and gconv: told it is no terminal */
	r |= seccomp_rule_add_exact(
	    ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	r |= seccomp_rule_add_exact(
	    ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

static int
add_table(scmp_filter_ctx ctx, const struct call *t, size_t n, unsigned sets)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		if ((t[i].sets & sets) == 0)
			continue;
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, t[i].nr, 0);
		/* a call this machine does not have, or added before */
		if (r != 0 && r != -EEXIST && r != -EDOM && r != -EFAULT)
			return r;
	}
	return 0;
}

/* The finished program out of a memory file. */
static struct sandbox_filter *
export_filter(scmp_filter_ctx ctx, struct err *err)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sandbox_filter *f;
	size_t n_bytes;
	off_t end;

	if (fd == -1) {
		(void)err_sys(err, "memfd_create");
		return NULL;
	}
	if (seccomp_export_bpf(ctx, fd) != 0 ||
	    (end = lseek(fd, 0, SEEK_END)) <= 0) {
		(void)err_set(err, ERR_TEMP, "seccomp_export_bpf failed");
		close(fd);
		return NULL;
	}
	n_bytes = (size_t)end;
	f = xcalloc(1, sizeof(*f));
	f->prog.len = (unsigned short)(n_bytes / sizeof(struct sock_filter));
	f->prog.filter = xcalloc(f->prog.len, sizeof(struct sock_filter));
	if (pread(fd, f->prog.filter, n_bytes, 0) != (ssize_t)n_bytes) {
		(void)err_sys(err, "reading the seccomp program");
		sandbox_filter_free(f);
		f = NULL;
	}
	close(fd);
	return f;
}

struct sandbox_filter *
sandbox_filter_new(enum sandbox_kind kind, struct err *err)
{
	unsigned sets = kind_sets[kind];
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	struct sandbox_filter *f = NULL;
	int r;

	if (ctx == NULL) {
		(void)err_set(err, ERR_TEMP, "seccomp_init failed");
		return NULL;
	}
	/* a binary tree: short ways to every call */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
#ifdef RESTANTE_SANITIZED
	r = add_table(ctx, sanitizer_calls, N_ELEMENTS(sanitizer_calls), ~0u);
	if (r == 0)
		r = add_table(ctx, calls, N_ELEMENTS(calls), sets);
	if (r == 0)
		r = add_conditional(ctx, sets | S_WEAR);
#else
	r = add_table(ctx, calls, N_ELEMENTS(calls), sets);
	if (r == 0)
		r = add_conditional(ctx, sets);
#endif
	if (r != 0)
		(void)err_set(err, ERR_TEMP, "seccomp rule: %s", strerror(-r));
	else
		f = export_filter(ctx, err);
	seccomp_release(ctx);
	return f;
}

void
sandbox_filter_free(struct sandbox_filter *f)
{
	if (f == NULL)
		return;
	xfree(f->prog.filter);
	xfree(f);
}

int
sandbox_filter_load(const struct sandbox_filter *f, struct err *err)
{
	struct sock_fprog prog = f->prog;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == -1)
		return err_sys(err, "seccomp");
	return 0;
}

int
sandbox_undumpable(struct err *err)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return err_sys(err, "RLIMIT_CORE");
#ifndef RESTANTE_SANITIZED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(err, "PR_SET_DUMPABLE");
#endif
	return 0;
}

/* Lower a limit, never raise it. */
static int
lower(int which, rlim_t to, struct err *err)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)which, &l) == -1)
		return err_sys(err, "getrlimit");
	if (l.rlim_max != RLIM_INFINITY && l.rlim_max < to)
		to = l.rlim_max;
	l.rlim_cur = l.rlim_max = to;
	if (setrlimit((__rlimit_resource_t)which, &l) == -1)
		return err_sys(err, "setrlimit");
	return 0;
}

int
sandbox_limits(enum sandbox_kind kind, uint64_t n_files, struct err *err)
{
	if (n_files != 0 && lower(RLIMIT_NOFILE, n_files, err) == -1)
		return -1;
#ifndef RESTANTE_SANITIZED
	/* more than anything of ours needs; less than the machine */
	if (kind != SANDBOX_NONE && kind != SANDBOX_NURSERY &&
	    lower(RLIMIT_AS, (rlim_t)4 << 30, err) == -1)
		return -1;
#endif
	(void)kind;
	return 0;
}
