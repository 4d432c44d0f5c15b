/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_ways.c - attempts on files that have no name, that another process holds, or
 * that are opened by io_uring, a handle or openat2. Part of the program attempt.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/attempt.h"

/* Lives in a static program that runs one verb: nothing is given back. */
static char *read_file(const char *path, size_t *ret_size)
{
	int fd = attempt_open(path, O_RDONLY, ret_size);
	char *text = fd < 0 ? NULL : malloc(*ret_size);

	if (!text || read(fd, text, *ret_size) != (ssize_t)*ret_size)
		return NULL;
	close(fd);
	return text;
}

static int copy_into(int to, const char *path)
{
	size_t size;
	int from = attempt_open(path, O_RDONLY, &size);

	if (from < 0 || to < 0 || sendfile(to, from, NULL, size) != (ssize_t)size ||
	    fchmod(to, 0755) < 0)
		return -1;
	close(from);
	return 0;
}

/* The descriptor for writing must be gone, or the kernel answers ETXTBSY. */
static int reopen_to_read(int fd)
{
	char name[64];
	int again;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_RDONLY | O_CLOEXEC);
	close(fd);
	return again;
}

/* ---- files without a name ----------------------------------------------------------- */

static int nameless(const char *path)
{
	char copy[4096];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDWR | O_TMPFILE | O_CLOEXEC, 0755);
	return copy_into(fd, path) < 0 ? -1 : reopen_to_read(fd);
}

int attempt_exec_tmpfile(int argc, char **argv)
{
	char name[64];
	int fd = nameless(argv[0]);

	if (fd < 0)
		return attempt_untried("O_TMPFILE");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return attempt_exec_at(AT_FDCWD, name, 0);
}

int attempt_exec_tmpfile_fd(int argc, char **argv)
{
	int fd = nameless(argv[0]);

	if (fd < 0)
		return attempt_untried("O_TMPFILE");
	return attempt_exec_at(fd, "", AT_EMPTY_PATH);
}

int attempt_exec_deleted(int argc, char **argv)
{
	char copy[4096];
	int fd;

	snprintf(copy, sizeof(copy), "%s.copy", argv[0]);
	fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (copy_into(fd, argv[0]) < 0)
		return attempt_untried(copy);
	fd = reopen_to_read(fd);
	if (fd < 0 || unlink(copy) < 0)
		return attempt_untried(copy);
	return attempt_exec_at(fd, "", AT_EMPTY_PATH);
}

/* Opened by a process of its own, which closes its pipe's end when it is killed. */
static pid_t hold_open(const char *path, int *ret_fd)
{
	int report[2], fd = -1;
	pid_t child;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (write(report[1], &fd, sizeof(fd)) == sizeof(fd))
			pause();
		_exit(UNTRIED);
	}
	if (child < 0 || read(report[0], &fd, sizeof(fd)) != sizeof(fd) || fd < 0)
		return -1;
	*ret_fd = fd;
	return child;
}

int attempt_exec_other_fd(int argc, char **argv)
{
	char name[64];
	int fd, r;
	pid_t holder = hold_open(argv[0], &fd);

	if (holder < 0)
		return attempt_untried(argv[0]);
	snprintf(name, sizeof(name), "/proc/%d/fd/%d", holder, fd);
	r = attempt_exec_at(AT_FDCWD, name, 0);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	return r;
}

/* ---- memory that is written after the kernel looked ----------------------------------- */

static int has_content(pid_t process, const char *content, size_t size)
{
	char name[64], *now;
	size_t length;

	snprintf(name, sizeof(name), "/proc/%d/exe", process);
	now = read_file(name, &length);
	return now && length == size && !memcmp(now, content, size);
}

static int rewrite_running(int fd, const char *listed)
{
	char *argv[] = {"payload", "sleep", NULL};
	size_t size;
	char *content = read_file(listed, &size);
	int report[2], error = 0, r = ALLOWED;
	pid_t child;

	if (!content || pipe2(report, O_CLOEXEC) < 0)
		return attempt_untried(listed);
	child = fork();
	if (child == 0) {
		syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
		error = errno;
		_exit(write(report[1], &error, sizeof(error)) < 0);
	}
	close(report[1]);
	if (read(report[0], &error, sizeof(error)) > 0) {
		errno = error;
		r = attempt_result(-1, "exec");
	} else if (pwrite(fd, content, size, 0) != (ssize_t)size ||
		   !has_content(child, content, size)) {
		attempt_say("the content was not rewritten: %s", strerror(errno));
		r = FAILED;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return r;
}

/* The memory file is named like the case's file, by which its record is found. */
int attempt_exec_memfd_rewritten(int argc, char **argv)
{
	int fd = memfd_create(argv[1], MFD_CLOEXEC);

	if (copy_into(fd, argv[0]) < 0)
		return attempt_untried("memory file");
	return rewrite_running(fd, argv[1]);
}

int attempt_map_shared(int argc, char **argv)
{
	size_t size;
	char *content = read_file(argv[0], &size);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!content || p == MAP_FAILED)
		return attempt_untried("mmap");
	memcpy(p, content, size);
	return attempt_result(mprotect(p, size, PROT_READ | PROT_EXEC), "mprotect");
}

int attempt_map_sysv(int argc, char **argv)
{
	size_t size;
	char *content = read_file(argv[0], &size);
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0700);
	char *p = shmat(id, NULL, 0);
	void *code;

	if (!content || id < 0 || p == (void *)-1)
		return attempt_untried("shmget");
	memcpy(p, content, size);
	code = shmat(id, NULL, SHM_RDONLY | SHM_EXEC);
	shmctl(id, IPC_RMID, NULL);
	return attempt_result(code == (void *)-1 ? -1 : 0, "shmat");
}

/* ---- other ways to open --------------------------------------------------------------- */

struct ring {
	int fd;
	struct io_uring_params params;
	struct io_uring_sqe *entries;
	char *submit, *complete;
};

static int ring_setup(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;
	int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, 1, p);
	if (ring->fd < 0)
		return -1;
	ring->submit = mmap(NULL, p->sq_off.array + p->sq_entries * sizeof(__u32), prot, flags,
			    ring->fd, IORING_OFF_SQ_RING);
	ring->complete = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			      prot, flags, ring->fd, IORING_OFF_CQ_RING);
	ring->entries = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), prot, flags,
			     ring->fd, IORING_OFF_SQES);
	if (ring->submit == MAP_FAILED || ring->complete == MAP_FAILED ||
	    ring->entries == MAP_FAILED)
		return -1;
	return 0;
}

/* Opens @path to read; -1 with errno like open(2). @flags: IOSQE_ASYNC for a worker. */
static int ring_open(const char *path, int flags)
{
	struct ring ring;
	struct io_uring_cqe *done;
	unsigned int *tail;

	if (ring_setup(&ring) < 0)
		return -1;
	ring.entries[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT,
		.flags = flags,
		.fd = AT_FDCWD,
		.addr = (unsigned long)path,
		.open_flags = O_RDONLY | O_CLOEXEC,
	};
	tail = (unsigned int *)(ring.submit + ring.params.sq_off.tail);
	((unsigned int *)(ring.submit + ring.params.sq_off.array))[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -1;
	done = (struct io_uring_cqe *)(ring.complete + ring.params.cq_off.cqes);
	close(ring.fd);
	if (done->res >= 0)
		return done->res;
	errno = -done->res;
	return -1;
}

int attempt_open_uring(int argc, char **argv)
{
	return attempt_result(ring_open(argv[0], 0), "open by io_uring");
}

int attempt_open_uring_async(int argc, char **argv)
{
	return attempt_result(ring_open(argv[0], IOSQE_ASYNC), "open by a worker of io_uring");
}

int attempt_exec_uring(int argc, char **argv)
{
	int fd = ring_open(argv[0], 0);

	if (fd < 0)
		return attempt_untried("open by io_uring");
	return attempt_exec_at(fd, "", AT_EMPTY_PATH);
}

static int open_resolved(int dir, const char *name, __u64 resolve)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = resolve};

	return syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* What excludes each other is tried one after the other, with the same outcome. */
int attempt_exec_openat2(int argc, char **argv)
{
	static const __u64 ways[] = {
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
		RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
		RESOLVE_CACHED,
	};
	int dir = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	int first = -1, r, fd;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		fd = open_resolved(dir, argv[1], ways[i]);
		if (fd < 0)
			return attempt_untried("openat2");
		r = attempt_exec_at(fd, "", AT_EMPTY_PATH);
		if (first >= 0 && r != first) {
			attempt_say("openat2: outcome %d, then %d", first, r);
			return FAILED;
		}
		first = r;
	}
	return first;
}

/* By the handle alone, within the file system of the working directory. */
static int open_by_handle(const char *path)
{
	struct {
		struct file_handle handle;
		unsigned char room[MAX_HANDLE_SZ];
	} name = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
	int mount, here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (here < 0 || name_to_handle_at(AT_FDCWD, path, &name.handle, &mount, 0) < 0)
		return -1;
	return open_by_handle_at(here, &name.handle, O_RDONLY | O_CLOEXEC);
}

int attempt_exec_handle(int argc, char **argv)
{
	int fd = open_by_handle(argv[0]);

	if (fd < 0)
		return attempt_untried("open_by_handle_at");
	return attempt_exec_at(fd, "", AT_EMPTY_PATH);
}

int attempt_map_handle(int argc, char **argv)
{
	int fd = open_by_handle(argv[0]);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return attempt_untried("open_by_handle_at");
	return attempt_map(fd, st.st_size, PROT_READ | PROT_EXEC);
}

/* ---- mounts -------------------------------------------------------------------------- */

static int write_map(pid_t process, const char *which, const char *text)
{
	char name[64];
	int fd, r;

	snprintf(name, sizeof(name), "/proc/%d/%s", process, which);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	r = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return r;
}

/* A user namespace in which the first 1000 users are 100000 and on outside. */
static int user_namespace(void)
{
	char name[64];
	int report[2], fd = -1;
	pid_t child;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWUSER) == 0 && write(report[1], "", 1) == 1)
			pause();
		_exit(UNTRIED);
	}
	close(report[1]);
	if (read(report[0], name, 1) == 1 && write_map(child, "uid_map", "0 100000 1000") == 0 &&
	    write_map(child, "gid_map", "0 100000 1000") == 0) {
		snprintf(name, sizeof(name), "/proc/%d/ns/user", child);
		fd = open(name, O_RDONLY | O_CLOEXEC);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return fd;
}

int attempt_mount_idmapped(int argc, char **argv)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
	int tree = open_tree(AT_FDCWD, argv[0], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int users = user_namespace();

	if (tree < 0 || users < 0)
		return attempt_untried("open_tree");
	attr.userns_fd = users;
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return attempt_untried("mount_setattr");
	if (move_mount(tree, "", AT_FDCWD, argv[1], MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return attempt_untried("move_mount");
	return ALLOWED;
}

/* ---- files rewritten below an overlay, and executed through it, again and again ------- */

struct rewriting {
	const char *below, *above; /* directories */
	char *clean, *listed;	   /* contents */
	size_t size;
	long denied, escaped, wrong;
};

static int put(const struct rewriting *w, long i, const char *content)
{
	char name[4096];
	int fd, r;

	snprintf(name, sizeof(name), "%s/%ld", w->below, i);
	fd = attempt_writable(name, O_CREAT);
	r = fd >= 0 && write(fd, content, w->size) == (ssize_t)w->size ? 0 : -1;
	close(fd);
	return r;
}

static void expect_clean(struct rewriting *w, const char *name, long i)
{
	int r = attempt_spawn((char *)name);

	if (r == 0)
		return;
	w->wrong++;
	attempt_say("%ld: clean content: %s", i, strerror(r));
}

/* Clean content runs, so that it may be remembered; then at once the listed one. */
static int round_of(struct rewriting *w, long i)
{
	char name[4096];
	int r;

	snprintf(name, sizeof(name), "%s/%ld", w->above, i);
	expect_clean(w, name, i);
	expect_clean(w, name, i);
	if (put(w, i, w->listed) < 0)
		return -1;
	r = attempt_spawn(name);
	w->denied += r == EPERM;
	w->escaped += r == 0;
	w->wrong += r != EPERM && r != 0;
	return put(w, i, w->clean);
}

/* Below an overlay a digest is only kept of what was last changed more than a second ago. */
static int settle(const struct rewriting *w, long files)
{
	char name[4096];
	struct stat st;

	for (long i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "%s/%ld", w->below, i);
		if (access(name, F_OK) < 0 && put(w, i, w->clean) < 0)
			return -1;
	}
	if (stat(name, &st) < 0)
		return -1;
	while (strcmp(w->below, w->above) && time(NULL) < st.st_ctime + 2)
		usleep(50000);
	return 0;
}

/* Nothing is refused in the first rounds: nothing is listed, or nothing gets refused. */
#define ENOUGH 5

int attempt_exec_rewritten(int argc, char **argv)
{
	struct rewriting w = {.below = argv[0], .above = argv[1]};
	long files = atol(argv[4]), rounds = 0;
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	w.clean = read_file(argv[2], &w.size);
	w.listed = read_file(argv[3], &w.size);
	if (out < 0 || null < 0 || !w.clean || !w.listed || settle(&w, files) < 0)
		return attempt_untried(argv[0]);
	dup2(null, STDOUT_FILENO);
	for (; rounds < 2 * files && (w.denied || rounds < ENOUGH); rounds++)
		if (round_of(&w, rounds % files) < 0)
			return attempt_untried(argv[0]);
	dprintf(out, "rounds=%ld denied=%ld escaped=%ld wrong=%ld\n", rounds, w.denied, w.escaped,
		w.wrong);
	if (w.wrong || (w.denied && w.escaped))
		return FAILED;
	return w.denied ? DENIED : ALLOWED;
}
