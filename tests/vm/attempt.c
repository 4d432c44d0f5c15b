/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.c - attempts one operation on a file and says by its exit status what became
 * of it: 0 allowed, 1 denied (EPERM), 2 could not try, 3 failed otherwise. A program of
 * its own, linked statically, for the scripts in tests/vm; it knows nothing of the guard.
 * The attempts that run for a while or in several steps are in attempt_long.c, those of
 * many processes at once in attempt_bounds.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/attempt.h"

/* include/uapi/linux/fcntl.h of 6.14 */
#define EXECVE_CHECK 0x10000

void attempt_say(const char *format, ...)
{
	va_list ap;

	fputs("attempt: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int attempt_untried(const char *what)
{
	attempt_say("%s: %s", what, strerror(errno));
	return UNTRIED;
}

int attempt_result(long r, const char *what)
{
	if (r >= 0)
		return ALLOWED;
	attempt_say("%s: %s", what, strerror(errno));
	return errno == EPERM ? DENIED : FAILED;
}

/*
 * Whoever reads /proc of a process (the daemon does) holds its program for a moment longer: the
 * call is made again for 5 s at most.
 */
#define WHILE_EXECUTED(call)                                                                       \
	({                                                                                         \
		int result_ = (call);                                                              \
		for (int n_ = 1; n_ < 500 && result_ < 0 && errno == ETXTBSY; n_++) {              \
			usleep(10000);                                                             \
			result_ = (call);                                                          \
		}                                                                                  \
		result_;                                                                           \
	})

int attempt_writable(const char *path, int flags)
{
	return WHILE_EXECUTED(open(path, flags | O_WRONLY | O_CLOEXEC, 0755));
}

static int do_writable(int argc, char **argv)
{
	return attempt_writable(argv[0], 0) < 0 ? attempt_untried(argv[0]) : ALLOWED;
}

/* ---- execution ------------------------------------------------------------------- */

extern char **environ;

struct exec {
	int fd; /* AT_FDCWD, or what the path is relative to */
	const char *path;
	int flags; /* of execveat */
	char *const *argv;
};

static void exec_child(const struct exec *e, int report)
{
	int error;

	syscall(SYS_execveat, e->fd, e->path, e->argv, environ, e->flags);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(UNTRIED);
	_exit(0);
}

/* The pipe closes when the exec succeeds; otherwise it carries the errno. */
static int exec_and_wait(const struct exec *e)
{
	int report[2], status, error = 0;
	ssize_t n;
	pid_t child;

	if (pipe2(report, O_CLOEXEC) < 0)
		return attempt_untried("pipe");
	child = fork();
	if (child < 0)
		return attempt_untried("fork");
	if (child == 0)
		exec_child(e, report[1]);
	close(report[1]);
	n = read(report[0], &error, sizeof(error));
	close(report[0]);
	if (waitpid(child, &status, 0) < 0)
		return attempt_untried("wait");
	if (n == sizeof(error)) {
		errno = error;
		return attempt_result(-1, "exec");
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ALLOWED;
	attempt_say("the program started and ended with wait status 0x%x", status);
	return FAILED;
}

static int do_exec(int argc, char **argv)
{
	struct exec e = {AT_FDCWD, argv[0], 0, argv};

	return exec_and_wait(&e);
}

int attempt_exec_at(int fd, const char *path, int flags)
{
	char *argv[] = {"payload", NULL};
	struct exec e = {fd, path, flags, argv};

	return exec_and_wait(&e);
}

static int exec_descriptor(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return attempt_untried(path);
	return attempt_exec_at(fd, "", AT_EMPTY_PATH);
}

static int do_exec_fd(int argc, char **argv)
{
	return exec_descriptor(argv[0], O_RDONLY);
}

static int do_exec_path_fd(int argc, char **argv)
{
	return exec_descriptor(argv[0], O_PATH);
}

static int do_exec_direct_fd(int argc, char **argv)
{
	return exec_descriptor(argv[0], O_RDONLY | O_DIRECT);
}

/* Only asks; kernels that do not know the question say EINVAL. */
static int do_exec_check(int argc, char **argv)
{
	long r = syscall(SYS_execveat, AT_FDCWD, argv[0], argv, environ, EXECVE_CHECK);

	if (r < 0 && errno == EINVAL)
		return attempt_untried("AT_EXECVE_CHECK");
	return attempt_result(r, "AT_EXECVE_CHECK");
}

static int do_exec_written(int argc, char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return attempt_untried(argv[0]);
	r = do_exec(argc - 1, argv + 1);
	close(fd);
	return r;
}

/* ---- memory files ----------------------------------------------------------------- */

static int memory_file(const char *path, int sealed)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = memfd_create("attempt", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0 ||
	    sendfile(to, from, NULL, st.st_size) != st.st_size)
		return -1;
	close(from);
	if (sealed &&
	    fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -1;
	return to;
}

static int exec_memory(const char *path, int sealed)
{
	int fd = memory_file(path, sealed);

	if (fd < 0)
		return attempt_untried("memory file");
	return attempt_exec_at(fd, "", AT_EMPTY_PATH);
}

static int do_exec_memfd(int argc, char **argv)
{
	return exec_memory(argv[0], 0);
}

static int do_exec_memfd_sealed(int argc, char **argv)
{
	return exec_memory(argv[0], 1);
}

/* ---- mapping ---------------------------------------------------------------------- */

int attempt_map(int fd, size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE, fd, 0);
	int r = attempt_result(p == MAP_FAILED ? -1 : 0, "mmap");

	if (p != MAP_FAILED)
		munmap(p, size);
	return r;
}

int attempt_open(const char *path, int flags, size_t *ret_size)
{
	int fd = open(path, flags | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_size == 0) {
		close(fd);
		return -1;
	}
	*ret_size = st.st_size;
	return fd;
}

static int map_file(const char *path, int flags, int prot)
{
	size_t size;
	int fd = attempt_open(path, O_RDONLY | flags, &size);

	if (fd < 0)
		return attempt_untried(path);
	return attempt_map(fd, size, prot);
}

static int do_map(int argc, char **argv)
{
	return map_file(argv[0], 0, PROT_READ | PROT_EXEC);
}

static int do_map_direct(int argc, char **argv)
{
	return map_file(argv[0], O_DIRECT, PROT_READ | PROT_EXEC);
}

/* O_DIRECT can also be set on an open descriptor. */
static int do_map_direct_late(int argc, char **argv)
{
	size_t size;
	int fd = attempt_open(argv[0], O_RDONLY, &size);

	if (fd < 0 || fcntl(fd, F_SETFL, O_DIRECT) < 0)
		return attempt_untried(argv[0]);
	return attempt_map(fd, size, PROT_READ | PROT_EXEC);
}

/* With this personality a mapping that asks for PROT_READ alone is executable. */
static int do_map_implied(int argc, char **argv)
{
	if (personality(READ_IMPLIES_EXEC) < 0)
		return attempt_untried("personality");
	return map_file(argv[0], 0, PROT_READ);
}

/*
 * Kernels without ea7e2d5e49c0 ask nobody when a mapping is made anew by
 * remap_file_pages(2), where the personality adds PROT_EXEC.
 */
static int do_map_remapped(int argc, char **argv)
{
	size_t size;
	int fd = attempt_open(argv[0], O_RDWR, &size);
	void *p;

	if (fd < 0)
		return attempt_untried(argv[0]);
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || personality(READ_IMPLIES_EXEC) < 0)
		return attempt_untried("mmap");
	return attempt_result(remap_file_pages(p, size, 0, 0, 0), "remap_file_pages");
}

static int do_map_memfd(int argc, char **argv)
{
	int fd = memory_file(argv[0], 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return attempt_untried("memory file");
	return attempt_map(fd, st.st_size, PROT_READ | PROT_EXEC);
}

static int do_map_written(int argc, char **argv)
{
	int writer = open(argv[0], O_WRONLY | O_CLOEXEC);

	if (writer < 0)
		return attempt_untried(argv[0]);
	return do_map(argc, argv);
}

static int do_mprotect(int argc, char **argv)
{
	size_t size;
	int fd = attempt_open(argv[0], O_RDONLY, &size);
	void *p;

	if (fd < 0)
		return attempt_untried(argv[0]);
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return attempt_untried("mmap");
	return attempt_result(mprotect(p, size, PROT_READ | PROT_EXEC), "mprotect");
}

/* Reads the code into anonymous memory: no hook sees where it came from. */
static int do_map_copy(int argc, char **argv)
{
	size_t size;
	int fd = attempt_open(argv[0], O_RDONLY, &size);
	char *p;

	if (fd < 0)
		return attempt_untried(argv[0]);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || read(fd, p, size) != (ssize_t)size)
		return attempt_untried("read");
	return attempt_result(mprotect(p, size, PROT_READ | PROT_EXEC), "mprotect");
}

/* ---- the rest ---------------------------------------------------------------------- */

static int do_open(int argc, char **argv)
{
	return attempt_result(open(argv[0], O_RDONLY | O_CLOEXEC), "open");
}

static int do_truncate(int argc, char **argv)
{
	return attempt_result(WHILE_EXECUTED(truncate(argv[0], atol(argv[1]))), "truncate");
}

/* An executable copy of @argv[0] of that size whose last bytes are the tag. */
static int do_pad(int argc, char **argv)
{
	size_t size, wanted = atol(argv[2]), tag = strlen(argv[3]);
	int from = attempt_open(argv[0], O_RDONLY, &size);
	int to = attempt_writable(argv[1], O_CREAT | O_TRUNC);

	if (from < 0 || to < 0)
		return attempt_untried(from < 0 ? argv[0] : argv[1]);
	if (size + tag > wanted) {
		errno = EMSGSIZE;
		return attempt_untried(argv[0]);
	}
	if (sendfile(to, from, NULL, size) != (ssize_t)size || ftruncate(to, wanted) < 0 ||
	    pwrite(to, argv[3], tag, wanted - tag) != (ssize_t)tag)
		return attempt_untried(argv[1]);
	return ALLOWED;
}

static int unload_module(const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[64];

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
	name[strcspn(name, ".")] = '\0';
	if (syscall(SYS_delete_module, name, O_NONBLOCK) < 0)
		return attempt_untried(name);
	return ALLOWED;
}

static int do_insmod(int argc, char **argv)
{
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return attempt_untried(argv[0]);
	if (syscall(SYS_finit_module, fd, "", 0) < 0)
		return attempt_result(-1, "finit_module");
	return unload_module(argv[0]);
}

static int do_insmod_memory(int argc, char **argv)
{
	size_t size;
	int fd = attempt_open(argv[0], O_RDONLY, &size);
	void *p;

	if (fd < 0)
		return attempt_untried(argv[0]);
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return attempt_untried("mmap");
	if (syscall(SYS_init_module, p, size, "") < 0)
		return attempt_result(-1, "init_module");
	return unload_module(argv[0]);
}

static pid_t spawn_captured(char **argv, int *ret_output)
{
	int output[2];
	pid_t child;

	if (pipe2(output, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		dup2(output[1], STDOUT_FILENO);
		dup2(output[1], STDERR_FILENO);
		execv(argv[0], argv);
		perror("exec");
		_exit(127);
	}
	close(output[1]);
	*ret_output = output[0];
	return child;
}

/*
 * The dynamic loader reports a refused library in words only, and goes on without it
 * when it was to be preloaded.
 */
static int do_run(int argc, char **argv)
{
	char text[4096];
	size_t used = 0;
	ssize_t n;
	int output = -1, status;
	pid_t child = spawn_captured(argv + 1, &output);

	if (child < 0)
		return attempt_untried("fork");
	while (used < sizeof(text) - 1 &&
	       (n = read(output, text + used, sizeof(text) - 1 - used)) > 0)
		used += n;
	text[used] = '\0';
	close(output);
	waitpid(child, &status, 0);
	fputs(text, stderr);
	if (strstr(text, argv[0]))
		return ALLOWED;
	if (strstr(text, "Operation not permitted") || strstr(text, "failed to map segment"))
		return DENIED;
	attempt_say("ended with wait status 0x%x", status);
	/* Behind the point of no return the kernel has no other way to refuse. */
	return WIFSIGNALED(status) ? DENIED : FAILED;
}

static const struct verb {
	const char *name;
	const char *arguments;
	int least;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"exec", "PATH [ARG...]", 1, do_exec},
	{"exec-fd", "PATH", 1, do_exec_fd},
	{"exec-path-fd", "PATH", 1, do_exec_path_fd},
	{"exec-direct-fd", "PATH", 1, do_exec_direct_fd},
	{"exec-check", "PATH", 1, do_exec_check},
	{"exec-written", "WRITTEN PATH (while WRITTEN is open for write)", 2, do_exec_written},
	{"exec-memfd", "PATH (a copy of it)", 1, do_exec_memfd},
	{"exec-memfd-sealed", "PATH (a copy of it)", 1, do_exec_memfd_sealed},
	{"exec-memfd-rewritten", "CLEAN LISTED (while it runs)", 2, attempt_exec_memfd_rewritten},
	{"exec-tmpfile", "PATH (a copy of it, by /proc)", 1, attempt_exec_tmpfile},
	{"exec-tmpfile-fd", "PATH (a copy of it)", 1, attempt_exec_tmpfile_fd},
	{"exec-deleted", "PATH (a copy of it)", 1, attempt_exec_deleted},
	{"exec-other-fd", "PATH (another process has it open)", 1, attempt_exec_other_fd},
	{"exec-uring", "PATH", 1, attempt_exec_uring},
	{"exec-openat2", "DIR NAME", 2, attempt_exec_openat2},
	{"exec-handle", "PATH", 1, attempt_exec_handle},
	{"exec-rewritten", "BELOW ABOVE CLEAN LISTED FILES", 5, attempt_exec_rewritten},
	{"exec-many", "COUNT PATH", 2, attempt_exec_many},
	{"exec-storm", "STOPFILE LISTED UNLISTED", 3, attempt_exec_storm},
	{"counted", "PROCESSES ROUNDS PAUSE-MS STOPFILE LISTED (executions, maps of a memory file)",
	 5, attempt_counted},
	{"exec-at-once", "PATH... (each by a process of its own)", 1, attempt_exec_at_once},
	{"exec-storm-count", "COUNT SECONDS LISTED UNLISTED TARGET CLEAN DIRTY", 7,
	 attempt_exec_storm_count},
	{"map", "PATH", 1, do_map},
	{"map-direct", "PATH", 1, do_map_direct},
	{"map-direct-late", "PATH", 1, do_map_direct_late},
	{"map-implied", "PATH", 1, do_map_implied},
	{"map-remapped", "PATH", 1, do_map_remapped},
	{"map-memfd", "PATH (a copy of it)", 1, do_map_memfd},
	{"map-written", "PATH (while it is open for write)", 1, do_map_written},
	{"map-copy", "PATH", 1, do_map_copy},
	{"map-shared", "PATH (a copy of it)", 1, attempt_map_shared},
	{"map-sysv", "PATH (a copy of it)", 1, attempt_map_sysv},
	{"map-handle", "PATH", 1, attempt_map_handle},
	{"map-before-copy-up", "PATH CONTENT (written into it)", 2, attempt_map_before_copy_up},
	{"fuse-hanging", "DIR SIZE (serves files f0, f1, ... until killed)", 2,
	 attempt_fuse_hanging},
	{"mprotect", "PATH", 1, do_mprotect},
	{"rewrite-fd", "TARGET CLEAN LISTED", 3, attempt_rewrite_fd},
	{"rewrite-shared", "TARGET CLEAN LISTED", 3, attempt_rewrite_shared},
	{"rewrite-shared-late", "TARGET CLEAN LISTED", 3, attempt_rewrite_shared_late},
	{"race", "TARGET CLEAN LISTED SECONDS", 4, attempt_race},
	{"open", "PATH", 1, do_open},
	{"open-uring", "PATH", 1, attempt_open_uring},
	{"open-uring-async", "PATH", 1, attempt_open_uring_async},
	{"mount-idmapped", "SOURCE TARGET", 2, attempt_mount_idmapped},
	{"insmod", "PATH", 1, do_insmod},
	{"insmod-memory", "PATH", 1, do_insmod_memory},
	{"truncate", "PATH SIZE", 2, do_truncate},
	{"writable", "PATH (waits until nobody executes it)", 1, do_writable},
	{"set-ima", "FILE md5|sha1|old-md5|old-sha1 (security.ima)", 2, attempt_set_ima},
	{"pad", "SOURCE FILE SIZE TAG (makes a file)", 4, do_pad},
	{"clock-step", "SECONDS (forward or back)", 1, attempt_clock_step},
	{"clock-tai", "SECONDS (TAI minus UTC)", 1, attempt_clock_tai},
	{"run", "TOKEN PATH [ARG...] (allowed: it prints TOKEN)", 2, do_run},
};

static int usage(void)
{
	fputs("usage: attempt VERB ARGUMENT...\n", stderr);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(stderr, "  %s %s\n", verbs[i].name, verbs[i].arguments);
	return UNTRIED;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 2 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		if (argc - 2 >= verbs[i].least)
			return verbs[i].run(argc - 2, argv + 2);
		attempt_say("%s needs %s", verbs[i].name, verbs[i].arguments);
		return UNTRIED;
	}
	if (argc < 2)
		return usage();
	attempt_say("no such verb: %s", argv[1]);
	return UNTRIED;
}
