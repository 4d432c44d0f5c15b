/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - what runs: the program of each process, what it has mapped for execution, its
 * environment. Files are opened through /proc, so that those that were deleted, replaced or lie
 * in another mount namespace are looked into as well. Only for user/scan.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "user/core/util.h"
#include "user/scan/internal.h"
#include "user/scan/lines.h"

#define ENVIRONMENT_MAX (256U << 10) /* bytes of one process's */
#define MAPS_MAX	(16U << 20)

struct process {
	struct psc_worker *worker;
	int fd; /* of /proc/PID */
	pid_t pid;
	char name[64];
	char *program; /* path of exe */
};

static char *link_read(int fd, const char *name)
{
	char target[4096 + 64];
	ssize_t n = readlinkat(fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return strdup(target);
}

/* Into @buffer, as far as it goes; the number of bytes or a negative errno. */
static ssize_t file_read(int fd, const char *name, char *buffer, size_t size)
{
	_cleanup_close_ int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
	size_t used = 0;

	if (file < 0)
		return -errno;
	while (used < size) {
		ssize_t n = read(file, buffer + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static void comm_read(struct process *process)
{
	ssize_t n = file_read(process->fd, "comm", process->name, sizeof(process->name) - 1);

	if (n < 0)
		n = 0;
	process->name[n] = '\0';
	process->name[strcspn(process->name, "\n")] = '\0';
}

static int add(struct psc_facts *facts, enum psc_fact_kind kind, const char *value, size_t length)
{
	return length ? psc_facts_add(facts, kind, 0, value, length) : 0;
}

static int environment_facts(const struct process *process, struct psc_facts *facts)
{
	_cleanup_free_ char *text = malloc(ENVIRONMENT_MAX);
	ssize_t n;
	int r = 0;

	if (!text)
		return -ENOMEM;
	n = file_read(process->fd, "environ", text, ENVIRONMENT_MAX);
	if (n < 0)
		return n == -ESRCH ? 0 : (int)n;
	for (size_t at = 0; at < (size_t)n && r >= 0;) {
		size_t length = strnlen(text + at, (size_t)n - at);

		r = add(facts, PSC_FACT_ENVIRONMENT, text + at, length);
		at += length + 1;
	}
	return r;
}

/* The kernel adds this to the path of what was removed. */
static void undelete(char *path)
{
	static const char mark[] = " (deleted)";
	size_t length = strlen(path), tail = sizeof(mark) - 1;

	if (length > tail && strcmp(path + length - tail, mark) == 0)
		path[length - tail] = '\0';
}

static int program(struct process *process)
{
	_cleanup_(psc_content_clear) struct psc_content content = {0};
	struct psc_worker *worker = process->worker;
	struct psc_subject subject = {.thing = PSC_THING_PROCESS,
				      .path = process->program,
				      .detail = process->name,
				      .pid = process->pid};
	_cleanup_close_ int fd = openat(process->fd, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *base = strrchr(process->program, '/');
	struct stat st;
	int r;

	r = psc_subject_facts(&subject, &content.facts);
	if (r >= 0)
		r = add(&content.facts, PSC_FACT_PROCESS, process->name, strlen(process->name));
	if (r >= 0 && base && strcmp(base + 1, process->name) != 0)
		r = add(&content.facts, PSC_FACT_PROCESS, base + 1, strlen(base + 1));
	if (r >= 0)
		r = environment_facts(process, &content.facts);
	if (r < 0 && r != -ENOMEM)
		psc_scan_gap_errno(worker->scan, r, "environment of a process");
	if (r == -ENOMEM)
		return r;
	if (fd < 0 || fstat(fd, &st) < 0) {
		psc_scan_gap_errno(worker->scan, -errno, process->program);
	} else {
		subject.size = (uint64_t)st.st_size;
		r = psc_content_read(worker, fd, &st, &subject, &content);
		subject.format = content.format;
		if (r < 0)
			return r;
	}
	return psc_scan_judge(worker->scan, &subject, &content.facts, content.hit, content.hits,
			      NULL);
}

/* ---- mappings ------------------------------------------------------------------------ */

static int mapped_open(const struct process *process, const char *range, const char *path)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "map_files/%s", range);
	fd = openat(process->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == EPERM || errno == EACCES)) {
		/* map_files is for those who may do anything; the name is next best */
		_cleanup_free_ char *below = NULL;

		if (asprintf(&below, "root%s", path) < 0) {
			below = NULL;
			return -ENOMEM;
		}
		fd = openat(process->fd, below, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	return fd < 0 ? -errno : fd;
}

/* "START-END r-xp OFFSET MAJOR:MINOR INODE   PATH", split in place. */
struct mapping {
	char *range, *mode, *path;
	dev_t device;
	unsigned long long inode;
};

static bool mapping_parse(char *line, struct mapping *ret)
{
	unsigned int major, minor;
	int end = 0;

	ret->range = line;
	ret->mode = strchr(line, ' ');
	if (!ret->mode)
		return false;
	*ret->mode++ = '\0';
	if (sscanf(ret->mode, "%*4s %*x %x:%x %llu %n", &major, &minor, &ret->inode, &end) != 3 ||
	    !end || !ret->inode)
		return false;
	ret->device = makedev(major, minor);
	ret->path = ret->mode + end;
	return ret->mode[2] == 'x' && *ret->path == '/';
}

static int mapped_one(struct process *process, struct mapping *mapping)
{
	struct psc_worker *worker = process->worker;
	struct psc_subject subject = {.thing = PSC_THING_PROCESS,
				      .path = mapping->path,
				      .detail = process->name,
				      .pid = process->pid,
				      .shared = true};
	_cleanup_close_ int fd = mapped_open(process, mapping->range, mapping->path);
	struct stat st;

	undelete(mapping->path);
	if (fd == -ENOMEM)
		return fd;
	if (fd == -ENOENT)
		return 0; /* unmapped, or gone, meanwhile */
	if (fd < 0 || fstat(fd, &st) < 0) {
		psc_scan_gap_errno(worker->scan, fd < 0 ? fd : -errno, mapping->path);
		return 0;
	}
	PSC_COUNT(worker->scan, mapped, 1);
	/* through the name another file may have been reached */
	if (!S_ISREG(st.st_mode))
		return 0;
	return psc_examine(worker, fd, &st, &subject, PSC_PLACE_NONE, false);
}

static int mapped(struct process *process)
{
	_cleanup_(psc_lines_freep) struct psc_lines *lines = NULL;
	_cleanup_close_ int fd = openat(process->fd, "maps", O_RDONLY | O_CLOEXEC);
	struct mapping mapping;
	unsigned int before;
	char *line;
	int r;

	if (fd < 0)
		return -errno;
	r = psc_lines_open(fd, MAPS_MAX, &lines);
	while (r >= 0 && (line = psc_lines_next(lines, NULL))) {
		if (!mapping_parse(line, &mapping) || strcmp(mapping.path, process->program) == 0)
			continue;
		/* The same libraries are in every process: each is looked at once. */
		r = psc_seen_visit(process->worker->scan->seen, ~mapping.device, mapping.inode,
				   &before);
		if (r >= 0 && !before)
			r = mapped_one(process, &mapping);
	}
	if (r >= 0)
		r = psc_lines_error(lines);
	return r == -ESRCH ? 0 : r;
}

/* ---- all of them ---------------------------------------------------------------------- */

static int process_one(struct psc_worker *worker, int proc, const char *name)
{
	struct process process = {.worker = worker, .pid = (pid_t)strtol(name, NULL, 10)};
	_cleanup_close_ int fd = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *path = NULL;
	char where[64];
	int r;

	if (fd < 0)
		return 0; /* it has ended */
	process.fd = fd;
	snprintf(where, sizeof(where), "/proc/%d", (int)process.pid);
	errno = 0;
	path = process.program = link_read(fd, "exe");
	if (!path) {
		/* the kernel's own threads and those that ended have no program */
		if (errno != ENOENT && errno != ESRCH)
			psc_scan_gap(worker->scan, false, "processes of other users, not readable",
				     where, NULL);
		return errno == ENOMEM ? -ENOMEM : 0;
	}
	comm_read(&process);
	undelete(path);
	PSC_COUNT(worker->scan, processes, 1);
	r = program(&process);
	if (r >= 0)
		r = mapped(&process);
	if (r < 0 && r != -ENOMEM) {
		psc_scan_gap_errno(worker->scan, r, where);
		r = 0;
	}
	return r;
}

int psc_processes_read(struct psc_worker *worker)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (!proc) {
		psc_scan_gap_errno(worker->scan, -errno, "/proc");
		return 0;
	}
	while (r >= 0 && (entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			r = process_one(worker, dirfd(proc), entry->d_name);
	}
	closedir(proc);
	return r;
}
