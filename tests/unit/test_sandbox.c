/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sandbox.c - what a process can still do in the worker's sandbox: read its file, answer on
 * its socket, and nothing else. Every attempt is made in a process of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "user/core/util.h"
#include "user/worker/sandbox.h"

#define KILLED 1000 /* by SIGSYS */

static int file_fd = -1;

/* The errno of @attempt in the sandbox (0: it worked), or KILLED. */
static int try(int (*attempt)(void))
{
	struct psc_sandbox *sandbox;
	int pair[2], status;
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int r;

		dup2(pair[0], PSC_SANDBOX_SOCKET);
		if (psc_sandbox_drop() < 0 || psc_sandbox_new(&sandbox) < 0 ||
		    psc_sandbox_enter(sandbox) < 0)
			_exit(250);
		r = attempt();
		_exit(r < 0 ? errno : r);
	}
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int read_file(void)
{
	char c;
	struct stat st;

	return pread(file_fd, &c, 1, 0) == 1 && fstat(file_fd, &st) == 0 ? 0 : -1;
}

static int answer(void)
{
	return send(PSC_SANDBOX_SOCKET, "x", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int allocate(void)
{
	char *p = malloc(64 << 20);

	if (!p)
		return -1;
	memset(p, 1, 64 << 20);
	free(p);
	return 0;
}

static int write_file(void)
{
	return write(file_fd, "x", 1);
}

static int open_file(void)
{
	return open("/etc/hostname", O_RDONLY | O_CLOEXEC);
}

static int stat_file(void)
{
	struct stat st;

	return fstatat(AT_FDCWD, "/etc/passwd", &st, 0);
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int start(void)
{
	char *const argv[] = {"true", NULL};

	return execve("/bin/true", argv, NULL);
}

static int make_process(void)
{
	return fork() == 0 ? 0 : 0;
}

static int map_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int signal_parent(void)
{
	return kill(getppid(), 0);
}

static int trace(void)
{
	return syscall(SYS_ptrace, 16, 1, 0, 0);
}

static int ask_kernel(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static int make_memory_file(void)
{
	return memfd_create("x", MFD_CLOEXEC);
}

static void test_what_works(void **state)
{
	assert_int_equal(try(read_file), 0);
	assert_int_equal(try(answer), 0);
	assert_int_equal(try(allocate), 0);
}

static void test_what_is_refused(void **state)
{
	assert_int_equal(try(open_file), EACCES);
	assert_int_equal(try(stat_file), EACCES);
	assert_int_equal(try(write_file), EACCES);
	assert_int_equal(try(make_socket), EACCES);
}

static void test_what_kills(void **state)
{
	assert_int_equal(try(start), KILLED);
	assert_int_equal(try(make_process), KILLED);
	assert_int_equal(try(map_executable), KILLED);
	assert_int_equal(try(make_executable), KILLED);
	assert_int_equal(try(signal_parent), KILLED);
	assert_int_equal(try(trace), KILLED);
	assert_int_equal(try(ask_kernel), KILLED);
	assert_int_equal(try(make_memory_file), KILLED);
}

/* Privileges are gone before the filter comes; looked at without it. */
static void test_privileges(void **state)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
		struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
		struct rlimit core;

		if (psc_sandbox_drop() < 0)
			_exit(1);
		if (getuid() == 0 || geteuid() == 0 || getgid() == 0)
			_exit(2);
		if (syscall(SYS_capget, &header, data) < 0 || data[0].permitted ||
		    data[1].permitted || data[0].effective || data[0].inheritable)
			_exit(3);
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
		    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(4);
		if (getgroups(0, NULL) != 0 && getuid() != geteuid())
			_exit(5);
		if (setuid(0) == 0 || getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
			_exit(6);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_works),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_kills),
		cmocka_unit_test(test_privileges),
	};

	file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	file_fd = fcntl(file_fd, F_DUPFD_CLOEXEC, PSC_SANDBOX_SOCKET + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
