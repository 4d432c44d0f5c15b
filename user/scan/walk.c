/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - directory trees by several threads. Nothing is opened by its path but by its name in
 * an open directory, without following links, so that neither the length of a path nor somebody
 * who exchanges directories leads elsewhere. Only for user/scan.
 *
 * Tasks are a stack: the walk goes deep first, and few directories wait with their parents open.
 * Where too many would be open, they are closed and reached again from above.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "user/core/util.h"
#include "user/scan/internal.h"

#define ENTRIES_SIZE (64U << 10)
#define BATCH_SIZE   2048 /* bytes of names that are one task */
#define TASKS_MAX    4096 /* more, and names are looked at by the thread that reads them */
#define VISITS_MAX   16	  /* of one directory, under several mounts */

/* A directory. What is below it keeps it; nothing changes once others know of it. */
struct psc_node {
	struct psc_node *parent;
	unsigned int references;
	unsigned int depth;
	int fd; /* -1: closed, to be reached from above */
	dev_t device;
	ino_t inode;
	size_t base; /* bytes of the path that lead to the root that was asked for */
	size_t root; /* and those to another one within; else the same */
	enum psc_place place;
	const char *product; /* whose directory it is; NULL: nobody's that is known */
	char name[];
};

/* As the kernel writes them. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

static void node_close(struct psc_scan *scan, struct psc_node *node)
{
	if (node->fd < 0)
		return;
	close(node->fd);
	node->fd = -1;
	__atomic_fetch_sub(&scan->nodes, 1, __ATOMIC_RELAXED);
}

void psc_node_unref(struct psc_scan *scan, struct psc_node *node)
{
	while (node && __atomic_sub_fetch(&node->references, 1, __ATOMIC_ACQ_REL) == 0) {
		struct psc_node *parent = node->parent;

		node_close(scan, node);
		free(node);
		node = parent;
	}
}

static struct psc_node *node_new(struct psc_node *parent, const char *name)
{
	size_t length = strlen(name);
	struct psc_node *node = calloc(1, sizeof(*node) + length + 1);

	if (!node)
		return NULL;
	memcpy(node->name, name, length + 1);
	node->references = 1;
	node->fd = -1;
	node->parent = parent;
	if (parent) {
		__atomic_fetch_add(&parent->references, 1, __ATOMIC_RELAXED);
		node->depth = parent->depth + 1;
		node->base = parent->base;
		node->root = parent->root;
	}
	return node;
}

/* ---- paths ------------------------------------------------------------------------- */

static int path_of(const struct psc_node *node, struct psc_path *path)
{
	const struct psc_node **chain;
	size_t count = node->depth + 1;
	int r = 0;

	chain = calloc(count, sizeof(void *));
	if (!chain)
		return -ENOMEM;
	for (size_t i = count; i-- > 0; node = node->parent)
		chain[i] = node;
	path->length = 0;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = psc_path_append(path, chain[i]->name, strlen(chain[i]->name));
	free(chain);
	return r;
}

/* ---- directories ------------------------------------------------------------------- */

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK)

static int open_below(const struct psc_scan *scan, int fd, const char *name, int flags)
{
	int opened = openat(fd, name, flags | O_CLOEXEC | scan->open_flags);

	/* only its owner may leave a file's access time as it is */
	if (opened < 0 && errno == EPERM && scan->open_flags)
		opened = openat(fd, name, flags | O_CLOEXEC);
	return opened < 0 ? -errno : opened;
}

/* Reaches a directory that was closed, from the next one above that is open. */
static int reopen(const struct psc_scan *scan, const struct psc_node *node)
{
	const struct psc_node **chain;
	size_t count = 0;
	struct stat st;
	int fd = -1, r;

	chain = calloc(node->depth + 1, sizeof(void *));
	if (!chain)
		return -ENOMEM;
	for (; node->fd < 0; node = node->parent)
		chain[count++] = node;
	r = node->fd;
	while (count-- > 0 && r >= 0) {
		r = open_below(scan, r, chain[count]->name, DIRECTORY_FLAGS);
		if (fd >= 0)
			close(fd);
		fd = r;
		if (r >= 0 && (fstat(r, &st) < 0 || st.st_dev != chain[count]->device ||
			       st.st_ino != chain[count]->inode)) {
			close(r);
			r = -ESTALE;
		}
	}
	free(chain);
	return r;
}

/* A descriptor of the node; *@ret_close when it is the caller's to close. */
static int node_fd(const struct psc_scan *scan, const struct psc_node *node, bool *ret_close)
{
	*ret_close = node->fd < 0;
	return node->fd >= 0 ? node->fd : reopen(scan, node);
}

/*
 * Whether a mount point is none of ours. It is looked up before anything is asked of it: a
 * server that does not answer would keep us waiting, an automounter would mount.
 */
static bool skip_mount(struct psc_scan *scan, const char *path)
{
	const struct psc_mount *mount = psc_mounts_find(&scan->mounts, path);
	char reason[96];

	if (!mount || mount->kind == PSC_MOUNT_LOCAL ||
	    (mount->kind == PSC_MOUNT_NETWORK && scan->options.network))
		return false;
	snprintf(reason, sizeof(reason), "%s file system (%s), not entered",
		 mount->kind == PSC_MOUNT_NETWORK ? "network" : "kernel's", mount->type);
	psc_scan_gap(scan, true, reason, path, NULL);
	return true;
}

/* The same for what was mounted since. */
static bool skip_device(struct psc_scan *scan, int fd, const char *path)
{
	struct statfs fs;
	enum psc_mount_kind kind;

	if (fstatfs(fd, &fs) < 0)
		return false;
	kind = psc_mount_kind_of_magic((unsigned long)fs.f_type);
	if (kind == PSC_MOUNT_LOCAL || (kind == PSC_MOUNT_NETWORK && scan->options.network))
		return false;
	psc_scan_gap(scan, true,
		     kind == PSC_MOUNT_NETWORK ? "network file system, not entered"
					       : "kernel's file system, not entered",
		     path, NULL);
	return true;
}

/*
 * Opens the directory; negative: do not read it. With too many open ones the descriptor is the
 * reader's alone, and those below reach the directory again.
 */
static int enter(struct psc_worker *worker, struct psc_node *node)
{
	struct psc_scan *scan = worker->scan;
	bool mine = false;
	struct stat st;
	int parent, fd;

	if (node->fd >= 0)
		return node->fd;
	if (skip_mount(scan, worker->path.text))
		return -1;
	parent = node_fd(scan, node->parent, &mine);
	fd = parent < 0 ? parent : open_below(scan, parent, node->name, DIRECTORY_FLAGS);
	if (mine && parent >= 0)
		close(parent);
	if (fd == -ENOENT || fd == -ENOTDIR) {
		PSC_COUNT(scan, vanished, 1);
		return -1;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		psc_scan_gap_errno(scan, fd < 0 ? fd : -errno, worker->path.text);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	node->device = st.st_dev;
	node->inode = st.st_ino;
	if (st.st_dev != node->parent->device && skip_device(scan, fd, worker->path.text)) {
		close(fd);
		return -1;
	}
	if (__atomic_load_n(&scan->nodes, __ATOMIC_RELAXED) < scan->nodes_max) {
		node->fd = fd;
		__atomic_fetch_add(&scan->nodes, 1, __ATOMIC_RELAXED);
	}
	return fd;
}

/* ---- names ------------------------------------------------------------------------- */

/* What has a name and no content: a rule on places may mean it. */
static int judge_name(struct psc_worker *worker, const struct psc_node *node, enum psc_thing thing)
{
	struct psc_subject subject = {
		.thing = thing, .path = worker->path.text, .base = node->base, .root = node->root};
	int r;

	psc_facts_clear(&worker->facts);
	r = psc_subject_facts(&subject, &worker->facts);
	return r < 0 ? r : psc_scan_judge(worker->scan, &subject, &worker->facts, NULL, 0, NULL);
}

/* A directory in one of the same product is found with that. */
static int judge_directory(struct psc_worker *worker, struct psc_node *node)
{
	struct psc_subject subject = {.thing = PSC_THING_DIRECTORY,
				      .path = worker->path.text,
				      .base = node->base,
				      .root = node->root};
	int r;

	subject.known = node->parent ? node->parent->product : NULL;
	psc_facts_clear(&worker->facts);
	r = psc_subject_facts(&subject, &worker->facts);
	return r < 0 ? r
		     : psc_scan_judge(worker->scan, &subject, &worker->facts, NULL, 0,
				      &node->product);
}

static int judge_unread(struct psc_worker *worker, const struct psc_node *node, int error)
{
	if (error == -ENOENT) {
		PSC_COUNT(worker->scan, vanished, 1);
		return 0;
	}
	if (error == -ELOOP)
		return judge_name(worker, node, PSC_THING_LINK);
	if (error == -ENXIO) /* a socket, or a pipe that took the file's place */
		return judge_name(worker, node, PSC_THING_SPECIAL);
	psc_scan_gap_errno(worker->scan, error, worker->path.text);
	return judge_name(worker, node, PSC_THING_FILE);
}

static int file(struct psc_worker *worker, const struct psc_node *node, int directory,
		const char *name)
{
	struct psc_subject subject = {.thing = PSC_THING_FILE,
				      .path = worker->path.text,
				      .base = node->base,
				      .root = node->root};
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open_below(worker->scan, directory, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return judge_unread(worker, node, fd);
	if (fstat(fd, &st) < 0)
		return judge_unread(worker, node, -errno);
	if (!S_ISREG(st.st_mode))
		return judge_name(worker, node, PSC_THING_SPECIAL);
	/* a device of its own: a file that is mounted, or a layer below an overlay */
	subject.shared = st.st_nlink > 1 || st.st_dev != node->device;
	return psc_examine(worker, fd, &st, &subject, node->place, worker->scan->options.archives);
}

static int name_one(struct psc_worker *worker, const struct psc_node *node, int directory,
		    unsigned char type, const char *name)
{
	size_t length = worker->path.length;
	int r;

	r = psc_path_append(&worker->path, name, strlen(name));
	if (r < 0)
		return r;
	if (type == DT_REG)
		r = file(worker, node, directory, name);
	else
		r = judge_name(worker, node, type == DT_LNK ? PSC_THING_LINK : PSC_THING_SPECIAL);
	worker->path.length = length;
	worker->path.text[length] = '\0';
	return r;
}

/* @names as in a task, @fd is the directory's. */
static int names_all(struct psc_worker *worker, const struct psc_node *node, int fd,
		     const char *names, size_t size)
{
	int r = 0;

	for (size_t at = 0; at < size && r >= 0; at += strlen(names + at + 1) + 2)
		r = name_one(worker, node, fd, (unsigned char)names[at], names + at + 1);
	return r;
}

/* ---- reading a directory ------------------------------------------------------------ */

struct reading {
	struct psc_worker *worker;
	struct psc_node *node;
	int fd;
	char *batch; /* as in a task */
	size_t size;
};

static int batch_flush(struct reading *reading)
{
	struct psc_scan *scan = reading->worker->scan;
	struct psc_task task = {
		.node = reading->node, .names = reading->batch, .size = reading->size};

	if (!reading->size)
		return 0;
	reading->size = 0;
	/* Somebody else may take it, unless they have enough or the directory will be closed. */
	if (reading->node->fd < 0 || __atomic_load_n(&scan->tasks, __ATOMIC_RELAXED) >= TASKS_MAX)
		return names_all(reading->worker, reading->node, reading->fd, task.names,
				 task.size);
	reading->batch = NULL;
	__atomic_fetch_add(&reading->node->references, 1, __ATOMIC_RELAXED);
	return psc_task_push(scan, task);
}

static int batch_add(struct reading *reading, unsigned char type, const char *name)
{
	size_t length = strlen(name) + 2;
	int r = 0;

	if (reading->size + length > BATCH_SIZE)
		r = batch_flush(reading);
	if (r >= 0 && !reading->batch)
		reading->batch = malloc(BATCH_SIZE);
	if (r < 0 || !reading->batch)
		return r < 0 ? r : -ENOMEM;
	reading->batch[reading->size] = (char)type;
	memcpy(reading->batch + reading->size + 1, name, length - 1);
	reading->size += length;
	return 0;
}

static int push_directory(struct reading *reading, const char *name)
{
	struct psc_scan *scan = reading->worker->scan;
	struct psc_node *child;

	if (reading->node->depth + 1 >= PSC_SCAN_DEPTH_MAX) {
		psc_scan_gap(scan, false, "directories nested too deeply",
			     reading->worker->path.text, NULL);
		return 0;
	}
	child = node_new(reading->node, name);
	return child ? psc_task_push(scan, (struct psc_task){.node = child}) : -ENOMEM;
}

static int entry_one(struct reading *reading, const struct linux_dirent64 *entry)
{
	unsigned char type = entry->d_type;
	struct stat st;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	PSC_COUNT(reading->worker->scan, names, 1);
	if (type == DT_UNKNOWN &&
	    fstatat(reading->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
		type = (unsigned char)IFTODT(st.st_mode);
	if (type == DT_DIR)
		return push_directory(reading, entry->d_name);
	/* Under another name the content was looked into, but a rule may mean this place. */
	return batch_add(reading, type, entry->d_name);
}

/* A directory with both of these is where a system's root is. */
static void note_root(struct reading *reading, size_t size)
{
	bool etc = false, usr = false;

	for (size_t at = 0; at < size;) {
		const struct linux_dirent64 *entry = (const void *)(reading->worker->entries + at);

		etc = etc || strcmp(entry->d_name, "etc") == 0;
		usr = usr || strcmp(entry->d_name, "usr") == 0;
		at += entry->d_reclen;
	}
	if (etc && usr && reading->worker->path.length > 1)
		reading->node->root = reading->worker->path.length;
}

static int entries_read(struct reading *reading)
{
	struct psc_worker *worker = reading->worker;
	bool first = true;
	int r = 0;

	while (r >= 0) {
		long n = syscall(SYS_getdents64, reading->fd, worker->entries, ENTRIES_SIZE);

		if (n < 0 && errno != ENOENT) /* ENOENT: it was removed */
			psc_scan_gap_errno(worker->scan, -errno, worker->path.text);
		if (n <= 0)
			break;
		if (first)
			note_root(reading, (size_t)n);
		first = false;
		for (long at = 0; at < n && r >= 0;) {
			const struct linux_dirent64 *entry = (const void *)(worker->entries + at);

			at += entry->d_reclen;
			r = entry_one(reading, entry);
		}
	}
	return r < 0 ? r : batch_flush(reading);
}

/* Layers of containers and other roots that do not look like one. */
static void note_layer(struct psc_node *node, const struct psc_path *path)
{
	static const struct {
		const char *name, *below;
	} layers[] = {
		{"diff", "/overlay2/"}, {"diff", "/overlay/"},	{"fs", "/snapshots/"},
		{"rootfs", "/"},	{"merged", "/overlay"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		if (strcmp(node->name, layers[i].name) == 0 && strstr(path->text, layers[i].below))
			node->root = path->length;
	}
}

static int read_directory(struct reading *reading)
{
	struct psc_worker *worker = reading->worker;
	struct psc_node *node = reading->node;
	int r = judge_directory(worker, node);

	node->place =
		psc_place_of(worker->path.text + node->root, worker->path.length - node->root);
	PSC_COUNT(worker->scan, directories, 1);
	return r < 0 ? r : entries_read(reading);
}

static int directory(struct psc_worker *worker, struct psc_node *node)
{
	struct psc_scan *scan = worker->scan;
	struct reading reading = {.worker = worker, .node = node};
	unsigned int before = 0;
	int r;

	note_layer(node, &worker->path);
	reading.fd = enter(worker, node);
	if (reading.fd < 0)
		return 0;
	r = psc_seen_visit(scan->seen, node->device, node->inode, &before);
	if (r >= 0 && before < VISITS_MAX)
		r = read_directory(&reading);
	else if (r >= 0)
		psc_scan_gap(scan, true, "directories mounted many times, read before",
			     worker->path.text, NULL);
	if (node->fd < 0)
		close(reading.fd);
	free(reading.batch);
	return r;
}

/* ---- the threads -------------------------------------------------------------------- */

static int names_task(struct psc_worker *worker, const struct psc_task *task)
{
	return names_all(worker, task->node, task->node->fd, task->names, task->size);
}

void psc_walk_work(struct psc_worker *worker)
{
	struct psc_scan *scan = worker->scan;
	struct psc_task task;
	int r;

	while (psc_task_pop(scan, &task)) {
		r = __atomic_load_n(&scan->error, __ATOMIC_RELAXED);
		if (r >= 0)
			r = path_of(task.node, &worker->path);
		if (r >= 0)
			r = task.names ? names_task(worker, &task) : directory(worker, task.node);
		if (r < 0)
			psc_scan_fail(scan, r);
		psc_node_unref(scan, task.node);
		free(task.names);
		psc_task_done(scan);
	}
}

int psc_walk_add(struct psc_scan *scan, const char *path, bool is_root)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct psc_node *node;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	node = node_new(NULL, path);
	if (!node)
		return -ENOMEM;
	node->device = st.st_dev;
	node->inode = st.st_ino;
	node->fd = TAKE_FD(fd);
	__atomic_fetch_add(&scan->nodes, 1, __ATOMIC_RELAXED);
	if (is_root && strcmp(path, "/") != 0)
		node->base = node->root = strlen(path);
	return psc_task_push(scan, (struct psc_task){.node = node});
}
