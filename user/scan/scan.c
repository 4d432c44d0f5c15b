/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.c - one scan from what was asked for to its result. See scan.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/scan/internal.h"

#define MOUNTS_TABLE  "/proc/self/mounts"
#define ENTRIES_SIZE  (64U << 10)
#define PROGRESS_NSEC 200000000L

static unsigned int threads_default(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

/* Half of the descriptors that we may have are for directories that wait. */
static int nodes_default(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 64)
		return 8;
	return limit.rlim_cur > 8192 ? 4096 : (int)(limit.rlim_cur / 2);
}

struct psc_scan *psc_scan_free(struct psc_scan *scan)
{
	if (!scan)
		return NULL;
	while (scan->tasks) {
		struct psc_task *task = &scan->task[--scan->tasks];

		psc_node_unref(scan, task->node);
		free(task->names);
	}
	free(scan->task);
	psc_scan_result_clear(&scan->result);
	psc_digest_plan_clear(&scan->plan);
	psc_mounts_clear(&scan->mounts);
	psc_seen_free(scan->seen);
	psc_markers_free(scan->markers);
	pthread_mutex_destroy(&scan->lock);
	pthread_mutex_destroy(&scan->results);
	pthread_mutex_destroy(&scan->rpm);
	pthread_cond_destroy(&scan->ready);
	free(scan);
	return NULL;
}

void psc_scan_freep(struct psc_scan **scan)
{
	*scan = psc_scan_free(*scan);
}

int psc_scan_new(const struct psc_scan_options *options, struct psc_scan **ret)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = calloc(1, sizeof(*scan));
	int r;

	if (!scan)
		return -ENOMEM;
	scan->options = *options;
	pthread_mutex_init(&scan->lock, NULL);
	pthread_mutex_init(&scan->results, NULL);
	pthread_mutex_init(&scan->rpm, NULL);
	pthread_cond_init(&scan->ready, NULL);
	if (!scan->options.threads)
		scan->options.threads = threads_default();
	if (scan->options.threads > PSC_SCAN_THREADS_MAX)
		scan->options.threads = PSC_SCAN_THREADS_MAX;
	scan->nodes_max = nodes_default();
	scan->open_flags = geteuid() == 0 ? O_NOATIME : 0;
	scan->identify.trust = options->trust;
	r = psc_markers_new(psc_indicators_markers(options->indicators), &scan->markers);
	scan->identify.markers = scan->markers;
	if (r >= 0)
		r = psc_seen_new(&scan->seen);
	if (r >= 0)
		r = psc_mounts_load(MOUNTS_TABLE, &scan->mounts);
	if (r >= 0)
		r = psc_digest_plan_make(options->list, &scan->plan);
	if (r >= 0)
		*ret = TAKE_PTR(scan);
	return r;
}

static int scope_append(struct psc_scan *scan, enum psc_scan_target target, const char *path)
{
	struct psc_scan_result *result = &scan->result;
	struct psc_scan_scope *grown;
	char *copy = strdup(path);

	grown = reallocarray(result->scope, result->scopes + 1, sizeof(*grown));
	if (grown)
		result->scope = grown;
	if (!copy || !grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[result->scopes++] = (struct psc_scan_scope){target, copy};
	return 0;
}

int psc_scan_add(struct psc_scan *scan, enum psc_scan_target target, const char *path)
{
	_cleanup_free_ char *real = NULL;
	struct stat st;
	int r;

	if (target == PSC_SCAN_HOST)
		path = "/";
	real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0)
		return -errno;
	if (target == PSC_SCAN_ROOT && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (S_ISDIR(st.st_mode)) {
		r = psc_walk_add(scan, real, target == PSC_SCAN_ROOT);
		if (r < 0)
			return r;
	}
	return scope_append(scan, target, real);
}

/* A file that was named itself. What it contains is looked into, too. */
static int scope_file(struct psc_worker *worker, const struct psc_scan_scope *scope)
{
	struct psc_subject subject = {.thing = PSC_THING_FILE, .path = scope->path, .shared = true};
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	fd = open(scope->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		psc_scan_gap_errno(worker->scan, -errno, scope->path);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode)) {
		psc_scan_gap(worker->scan, false, "not a regular file", scope->path, NULL);
		return 0;
	}
	PSC_COUNT(worker->scan, names, 1);
	if (scope->target != PSC_SCAN_IMAGE)
		return psc_examine(worker, fd, &st, &subject, PSC_PLACE_NONE, true);
	r = psc_examine(worker, fd, &st, &subject, PSC_PLACE_NONE, false);
	return r < 0 ? r : psc_contain_image(worker, fd, &subject);
}

/* What is not a directory: by the first thread, before it helps with the trees. */
static int scopes_special(struct psc_worker *worker)
{
	const struct psc_scan_result *result = &worker->scan->result;
	int r = 0;

	for (size_t i = 0; i < result->scopes && r >= 0; i++) {
		if (result->scope[i].target == PSC_SCAN_HOST)
			r = psc_processes_read(worker);
		else
			r = scope_file(worker, &result->scope[i]);
	}
	return r;
}

static int worker_init(struct psc_scan *scan, struct psc_worker *worker)
{
	*worker = (struct psc_worker){.scan = scan, .entries = malloc(ENTRIES_SIZE)};
	return worker->entries ? 0 : -ENOMEM;
}

static void worker_clear(struct psc_worker *worker)
{
	psc_digester_clear(&worker->digester);
	psc_facts_clear(&worker->facts);
	free(worker->path.text);
	free(worker->entries);
}

static void *work(void *arg)
{
	struct psc_worker worker;
	struct psc_scan *scan = arg;
	int r;

	r = worker_init(scan, &worker);
	if (r < 0)
		psc_scan_fail(scan, r);
	else
		psc_walk_work(&worker);
	worker_clear(&worker);
	return NULL;
}

/* The first thread: the other scopes first; the trees are for all of them. */
static void *work_first(void *arg)
{
	struct psc_worker worker;
	struct psc_scan *scan = arg;
	int r;

	r = worker_init(scan, &worker);
	if (r >= 0)
		r = scopes_special(&worker);
	if (r >= 0)
		psc_walk_work(&worker);
	if (r < 0)
		psc_scan_fail(scan, r);
	worker_clear(&worker);
	return NULL;
}

/* Waits for a thread and says how far it is, a few times a second. */
static void join(struct psc_scan *scan, pthread_t thread)
{
	struct timespec until;

	if (!scan->options.progress) {
		pthread_join(thread, NULL);
		return;
	}
	do {
		scan->options.progress(&scan->result.counts, scan->options.progress_data);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_NSEC;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

int psc_scan_run(struct psc_scan *scan)
{
	pthread_t thread[PSC_SCAN_THREADS_MAX];
	unsigned int count = 0;

	scan->result.began = psc_time_now();
	while (count < scan->options.threads) {
		if (pthread_create(&thread[count], NULL, count ? work : work_first, scan) != 0)
			break;
		count++;
	}
	if (!count)
		return -EAGAIN;
	for (unsigned int i = 0; i < count; i++)
		join(scan, thread[i]);
	if (!scan->error)
		scan->error = psc_owners_find(scan);
	scan->result.ended = psc_time_now();
	psc_scan_settle(scan);
	return scan->error;
}

const struct psc_scan_result *psc_scan_result(const struct psc_scan *scan)
{
	return &scan->result;
}
