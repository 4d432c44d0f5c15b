/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who.c - see who.h. A directory of /proc is opened once and stays that process's, also when its
 * number is used again; that it is the event's is seen by the time at which it began.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/vfs.h>
#include <time.h>

#include <linux/magic.h>

#include "user/core/timefmt.h"
#include "user/daemon/who.h"

#define CGROUP_ROOT	   "/sys/fs/cgroup"
#define CGROUP_ROOT_HYBRID "/sys/fs/cgroup/unified"
#define CGROUP_CACHE	   64
#define PROGRAM_CACHE	   64
#define FILEID_KERNFS	   0xfe /* linux/exportfs.h, which programs do not have */

/* How late an event may come, and how long one waits for the thread. */
#define LATE_NS PSC_NSEC_PER_SEC
#define WAIT_NS (50 * 1000000)

struct question {
	struct psc_event_process process, parent;
	uint64_t cgroup_id;
	bool late; /* the event waited */
};

/* The unified hierarchy uses no number twice. */
struct cgroup {
	uint64_t id; /* 0: none */
	char path[PSC_WHO_PATH_MAX];
};

/* A program by what the kernel calls it, where it was seen last. */
struct program {
	uint64_t inode; /* 0: none */
	uint32_t device;
	uint32_t generation;
	char path[PSC_WHO_PATH_MAX];
};

struct psc_who_reader {
	pthread_mutex_t lock;
	pthread_cond_t asked, answered;
	struct question question;
	struct psc_who answer;
	bool busy; /* from the question until its answer, also when nobody waits for it any more */
	bool ended;
	/* the thread's own */
	long ticks;
	int cgroup_fd;	   /* root of the unified hierarchy, or -1 */
	const char *root;  /* its path */
	bool only_unified; /* there is no other */
	struct cgroup cache[CGROUP_CACHE];
	size_t cache_next;
	struct program programs[PROGRAM_CACHE];
	size_t program_next;
};

/* ---- in the thread --------------------------------------------------------------------------- */

/* Up to @size bytes of a file, or negative errno. */
static ssize_t read_file(int directory_fd, const char *name, char *buffer, size_t size)
{
	_cleanup_close_ int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (used < size && n > 0) {
		n = read(fd, buffer + used, size - used);
		if (n < 0)
			return -errno;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* The beginning of a file, as much as one read gives. */
static ssize_t read_some(int directory_fd, const char *name, char *buffer, size_t size)
{
	_cleanup_close_ int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : read(fd, buffer, size);
}

/* Its directory in /proc, if it is still the same process; else -1. */
static int open_process(const struct psc_who_reader *reader, const struct psc_event_process *p)
{
	_cleanup_close_ int fd = -1;
	char text[1024];
	uint64_t start;
	ssize_t n;

	if (!p->tgid)
		return -1;
	snprintf(text, sizeof(text), "/proc/%u", p->tgid);
	fd = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read_file(fd, "stat", text, sizeof(text));
	if (n < 0 || psc_who_parse_stat(text, (size_t)n, &start) < 0 ||
	    !psc_who_same_start(start, p->start_ns, reader->ticks))
		return -1;
	return TAKE_FD(fd);
}

static void read_process(int fd, struct psc_who_process *ret)
{
	ssize_t n = readlinkat(fd, "exe", ret->executable, sizeof(ret->executable));

	ret->executable[n > 0 && n < (ssize_t)sizeof(ret->executable) ? n : 0] = '\0';
	ret->known = true;
	n = read_file(fd, "cmdline", ret->arguments, sizeof(ret->arguments));
	if (n <= 0)
		return;
	ret->arguments_cut = n == (ssize_t)sizeof(ret->arguments);
	if (ret->arguments_cut || ret->arguments[n - 1])
		ret->arguments[n == (ssize_t)sizeof(ret->arguments) ? n - 1 : n++] = '\0';
	ret->arguments_size = (size_t)n;
}

/* ---- programs: of a process that is gone by now, another one may run the same ------------------- */

static struct program *find_program(struct psc_who_reader *reader,
				    const struct psc_event_process *p)
{
	for (size_t i = 0; i < PROGRAM_CACHE && p->exe_inode; i++) {
		struct program *program = &reader->programs[i];

		if (program->inode == p->exe_inode && program->device == p->exe_device &&
		    program->generation == p->exe_generation)
			return program;
	}
	return NULL;
}

/*
 * @fd: the process's directory. It may run another program since the event; its mappings say by
 * inode whether it is the same, and are read without a look at the file.
 */
static void learn_program(struct psc_who_reader *reader, int fd, const struct psc_event_process *p,
			  const char *path)
{
	struct program *program = find_program(reader, p);
	char text[8192];
	ssize_t n;

	if (!*path || !p->exe_inode || (program && strcmp(program->path, path) == 0))
		return;
	n = read_some(fd, "maps", text, sizeof(text));
	if (n <= 0 || !psc_who_maps_has(text, (size_t)n, p->exe_inode, p->exe_device, path))
		return;
	if (!program)
		program = &reader->programs[reader->program_next++ % PROGRAM_CACHE];
	program->inode = p->exe_inode;
	program->device = p->exe_device;
	program->generation = p->exe_generation;
	snprintf(program->path, sizeof(program->path), "%s", path);
}

/* What is not known of the process itself, may be known of its program. */
static void recall_program(struct psc_who_reader *reader, const struct psc_event_process *p,
			   struct psc_who_process *ret)
{
	const struct program *program = ret->executable[0] ? NULL : find_program(reader, p);

	if (!program)
		return;
	snprintf(ret->executable, sizeof(ret->executable), "%s", program->path);
	ret->known = true;
}

/* Path of a control group of the unified hierarchy by its number. */
static int path_of_id(const struct psc_who_reader *reader, uint64_t id, char *path)
{
	struct {
		struct file_handle head;
		uint64_t id;
	} handle = {.head = {.handle_bytes = sizeof(uint64_t), .handle_type = FILEID_KERNFS}};
	char link[64], target[PSC_WHO_PATH_MAX + 64];
	size_t root = strlen(reader->root);
	_cleanup_close_ int fd = -1;
	ssize_t n;

	memcpy(handle.head.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(reader->cgroup_fd, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < (ssize_t)root || memcmp(target, reader->root, root) != 0 ||
	    n - root >= PSC_WHO_PATH_MAX)
		return -ENOENT;
	target[n] = '\0';
	snprintf(path, PSC_WHO_PATH_MAX, "%s", n == (ssize_t)root ? "/" : target + root);
	return 0;
}

static bool recall(const struct psc_who_reader *reader, uint64_t id, char *path)
{
	for (size_t i = 0; i < CGROUP_CACHE && id; i++) {
		if (reader->cache[i].id != id)
			continue;
		memcpy(path, reader->cache[i].path, PSC_WHO_PATH_MAX);
		return true;
	}
	return false;
}

static void remember(struct psc_who_reader *reader, uint64_t id, const char *path)
{
	struct cgroup *cgroup = &reader->cache[reader->cache_next++ % CGROUP_CACHE];

	cgroup->id = id;
	memcpy(cgroup->path, path, PSC_WHO_PATH_MAX);
}

/* @fd: the process's directory, or -1. */
static void read_cgroup(struct psc_who_reader *reader, uint64_t id, int fd, struct psc_who *ret)
{
	char text[8192];
	bool unified;
	ssize_t n;

	if (recall(reader, id, ret->cgroup))
		return;
	if (reader->only_unified && path_of_id(reader, id, ret->cgroup) == 0) {
		remember(reader, id, ret->cgroup);
		return;
	}
	n = fd < 0 ? -ESRCH : read_file(fd, "cgroup", text, sizeof(text));
	if (n < 0 || psc_who_parse_cgroup(text, (size_t)n, ret->cgroup, &unified) < 0)
		ret->cgroup[0] = '\0';
}

/*
 * Of an event that waited only the programs are told, which are the event's or not told: what else
 * /proc says is of a time since.
 */
static void learn_late(struct psc_who_reader *reader, const struct psc_event_process *p)
{
	_cleanup_close_ int fd = find_program(reader, p) ? -1 : open_process(reader, p);
	char path[PSC_WHO_PATH_MAX];
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "exe", path, sizeof(path));

	if (n <= 0 || n == (ssize_t)sizeof(path))
		return;
	path[n] = '\0';
	learn_program(reader, fd, p, path);
}

static void look_late(struct psc_who_reader *reader, const struct question *question,
		      struct psc_who *ret)
{
	memset(ret, 0, sizeof(*ret));
	learn_late(reader, &question->process);
	learn_late(reader, &question->parent);
	recall_program(reader, &question->process, &ret->process);
	recall_program(reader, &question->parent, &ret->parent);
}

static void look(struct psc_who_reader *reader, const struct question *question,
		 struct psc_who *ret)
{
	_cleanup_close_ int process = open_process(reader, &question->process);
	_cleanup_close_ int parent = open_process(reader, &question->parent);

	memset(ret, 0, sizeof(*ret));
	if (process >= 0) {
		read_process(process, &ret->process);
		learn_program(reader, process, &question->process, ret->process.executable);
	}
	if (parent >= 0) {
		read_process(parent, &ret->parent);
		learn_program(reader, parent, &question->parent, ret->parent.executable);
	}
	recall_program(reader, &question->process, &ret->process);
	recall_program(reader, &question->parent, &ret->parent);
	read_cgroup(reader, question->cgroup_id, process, ret);
	psc_who_container_of(ret->cgroup, &ret->container);
}

static void open_cgroups(struct psc_who_reader *reader)
{
	struct statfs fs;

	reader->only_unified = statfs(CGROUP_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
	reader->root = reader->only_unified ? CGROUP_ROOT : CGROUP_ROOT_HYBRID;
	reader->cgroup_fd = open(reader->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	reader->only_unified = reader->only_unified && reader->cgroup_fd >= 0;
}

static void release(struct psc_who_reader *reader)
{
	if (reader->cgroup_fd >= 0)
		close(reader->cgroup_fd);
	pthread_mutex_destroy(&reader->lock);
	pthread_cond_destroy(&reader->asked);
	pthread_cond_destroy(&reader->answered);
	free(reader);
}

static void *run(void *arg)
{
	struct psc_who_reader *reader = arg;
	struct question question;
	struct psc_who answer;

	pthread_setname_np(pthread_self(), "who");
	open_cgroups(reader);
	pthread_mutex_lock(&reader->lock);
	for (;;) {
		while (!reader->busy && !reader->ended)
			pthread_cond_wait(&reader->asked, &reader->lock);
		if (reader->ended)
			break;
		question = reader->question;
		pthread_mutex_unlock(&reader->lock);
		if (question.late)
			look_late(reader, &question, &answer);
		else
			look(reader, &question, &answer);
		pthread_mutex_lock(&reader->lock);
		reader->answer = answer;
		reader->busy = false;
		pthread_cond_signal(&reader->answered);
	}
	pthread_mutex_unlock(&reader->lock);
	release(reader);
	return NULL;
}

/* ---- the daemon's side ----------------------------------------------------------------------- */

static int start_thread(struct psc_who_reader *reader)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&thread, NULL, run, reader);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!r)
		pthread_detach(thread);
	return r;
}

int psc_who_reader_new(struct psc_who_reader **ret)
{
	struct psc_who_reader *reader = calloc(1, sizeof(*reader));
	pthread_condattr_t monotonic;
	int r;

	if (!reader)
		return -ENOMEM;
	reader->cgroup_fd = -1;
	reader->ticks = sysconf(_SC_CLK_TCK);
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->asked, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&reader->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r = start_thread(reader);
	if (r < 0) {
		release(reader);
		return r;
	}
	*ret = reader;
	return 0;
}

/* The thread frees what is shared: it may hang for longer than the daemon lives. */
struct psc_who_reader *psc_who_reader_free(struct psc_who_reader *reader)
{
	if (!reader)
		return NULL;
	pthread_mutex_lock(&reader->lock);
	reader->ended = true;
	pthread_cond_signal(&reader->asked);
	pthread_mutex_unlock(&reader->lock);
	return NULL;
}

static struct timespec deadline(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += WAIT_NS;
	if (ts.tv_nsec >= (long)PSC_NSEC_PER_SEC) {
		ts.tv_nsec -= (long)PSC_NSEC_PER_SEC;
		ts.tv_sec++;
	}
	return ts;
}

/* While the thread is idle what it knows is ours to look at: a backlog need not wait for it. */
static bool recall_both(struct psc_who_reader *reader, const struct psc_event *event,
			struct psc_who *ret)
{
	recall_program(reader, &event->process, &ret->process);
	recall_program(reader, &event->parent, &ret->parent);
	return ret->process.known && ret->parent.known;
}

void psc_who_ask(struct psc_who_reader *reader, const struct psc_event *event, struct psc_who *ret)
{
	struct timespec until = deadline();
	bool late;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (!reader)
		return;
	late = event->head.boot_ns + LATE_NS < psc_time_boot();
	pthread_mutex_lock(&reader->lock);
	if (!reader->busy && !(late && recall_both(reader, event, ret))) {
		reader->question = (struct question){
			.process = event->process,
			.parent = event->parent,
			.cgroup_id = event->cgroup_id,
			.late = late,
		};
		reader->busy = true;
		pthread_cond_signal(&reader->asked);
		while (reader->busy && r == 0)
			r = pthread_cond_timedwait(&reader->answered, &reader->lock, &until);
		if (!reader->busy)
			*ret = reader->answer;
	}
	pthread_mutex_unlock(&reader->lock);
}
