/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - see sandbox.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "user/core/util.h"
#include "user/worker/sandbox.h"

#define USER	    "proscribe"
#define NOBODY	    65534
#define MEMORY_MAX  (2ULL << 30)
#define CPU_SECONDS 20 /* the daemon's patience ends before */
#define FILES_MAX   16

#define LIBRARY_SECONDS	  60
#define LIBRARY_FILE_MAX  (600ULL << 20)
#define LIBRARY_FILES_MAX 64

#if defined(__SANITIZE_ADDRESS__) || defined(PSC_NO_MEMORY_LIMIT)
#define LIMIT_MEMORY 0 /* the sanitizer reserves terabytes */
#else
#define LIMIT_MEMORY 1
#endif

struct psc_sandbox {
	scmp_filter_ctx filter;
};

/* ---- privileges -------------------------------------------------------------------- */

static int become_nobody(void)
{
	const struct passwd *user;
	const gid_t gid = NOBODY;
	uid_t uid = NOBODY;

	if (geteuid() != 0)
		return 0;
	user = getpwnam(USER);
	if (!user)
		user = getpwnam("nobody");
	/* never its group: that may read the audit log */
	if (user && user->pw_uid != 0)
		uid = user->pw_uid;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	/* needs a capability that the service does not have; the others say enough */
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int psc_sandbox_drop(void)
{
	const struct rlimit none = {0, 0};
	int r = become_nobody();

	if (r == 0)
		r = drop_capabilities();
	if (r < 0)
		return r;
	/* a change of user takes the signal of the parent's death away, so it comes last */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* ---- system calls ------------------------------------------------------------------- */

static const int allowed[] = {
	/* the file and the socket */
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(readv),
	SCMP_SYS(preadv),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(fadvise64),
	/* memory; mmap and mprotect are below */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	/* what libraries ask of the process itself */
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(sysinfo),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getrusage),
	SCMP_SYS(umask),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Refused politely: libraries look for configuration and do without it. */
static const int refused[] = {
	SCMP_SYS(open),	  SCMP_SYS(openat),    SCMP_SYS(openat2),    SCMP_SYS(access),
	SCMP_SYS(stat),	  SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(lstat),
	SCMP_SYS(statx),  SCMP_SYS(readlink),  SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(uname),  SCMP_SYS(ioctl),     SCMP_SYS(prlimit64),  SCMP_SYS(getrlimit),
	SCMP_SYS(statfs), SCMP_SYS(fstatfs),   SCMP_SYS(socket),     SCMP_SYS(write),
	SCMP_SYS(writev),
};

static int add_rules(scmp_filter_ctx filter)
{
	static const int fcntls[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(fcntls) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1_32(SCMP_CMP_EQ, fcntls[i]));
	/* the answer goes to the daemon and nowhere else */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				     SCMP_A0_32(SCMP_CMP_EQ, PSC_SANDBOX_SOCKET));
	/* nothing becomes executable */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* fstat() of glibc; whoever names a path learns what any user may learn of it */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				     SCMP_A3_32(SCMP_CMP_EQ, AT_EMPTY_PATH));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
				     SCMP_A3_32(SCMP_CMP_NE, AT_EMPTY_PATH));
	return r;
}

int psc_sandbox_new(struct psc_sandbox **ret)
{
	struct psc_sandbox *sandbox = calloc(1, sizeof(*sandbox));
	int r = -ENOMEM;

	if (!sandbox)
		return -ENOMEM;
	sandbox->filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (sandbox->filter)
		r = add_rules(sandbox->filter);
	if (r < 0) {
		seccomp_release(sandbox->filter);
		free(sandbox);
		return r;
	}
	*ret = sandbox;
	return 0;
}

struct limit {
	int resource;
	rlim_t limit;
};

static int set_limits(const struct limit *limits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rlimit limit = {limits[i].limit, limits[i].limit};

		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

int psc_sandbox_enter(struct psc_sandbox *sandbox)
{
	static const struct limit limits[] = {
#if LIMIT_MEMORY
		{RLIMIT_AS, MEMORY_MAX},
#endif
		{RLIMIT_CPU, CPU_SECONDS},
		{RLIMIT_FSIZE, 0},
		{RLIMIT_NPROC, 0},
		{RLIMIT_NOFILE, FILES_MAX},
	};
	int r = set_limits(limits, ARRAY_SIZE(limits));

	return r < 0 ? r : seccomp_load(sandbox->filter);
}

/* What databases and their files have no use for. */
static const int confined[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(socket),
	SCMP_SYS(socketpair),
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(kill),
	SCMP_SYS(tkill),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(bpf),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(mount),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(open_by_handle_at),
};

int psc_sandbox_confine(void)
{
	static const struct limit limits[] = {
#if LIMIT_MEMORY
		{RLIMIT_AS, MEMORY_MAX},
#endif
		{RLIMIT_CPU, LIBRARY_SECONDS},
		{RLIMIT_FSIZE, LIBRARY_FILE_MAX},
		{RLIMIT_NPROC, 0},
		{RLIMIT_NOFILE, LIBRARY_FILES_MAX},
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(confined) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), confined[i], 0);
	if (r == 0)
		r = set_limits(limits, ARRAY_SIZE(limits));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
