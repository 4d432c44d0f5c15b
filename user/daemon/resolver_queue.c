/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_queue.c - jobs to the resolver's thread, results from it; see resolver_internal.h. */
#include "user/core/util.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

struct psc_resolver_know *psc_resolver_know_use(struct psc_resolver_know *know)
{
	__atomic_add_fetch(&know->users, 1, __ATOMIC_RELAXED);
	return know;
}

void psc_resolver_know_drop(struct psc_resolver_know *know)
{
	if (!know || __atomic_sub_fetch(&know->users, 1, __ATOMIC_ACQ_REL))
		return;
	psc_indicators_free(know->indicators);
	for (size_t i = 0; i < know->sizeless_count; i++)
		free(know->sizeless[i].product);
	free(know->sizeless);
	free(know);
}

static void *begin(void *data)
{
	struct psc_resolver_queue *queue = data;

	queue->run(queue);
	pthread_mutex_lock(&queue->lock);
	queue->ended = true;
	pthread_cond_signal(&queue->end);
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static void init_end(pthread_cond_t *end)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(end, &attributes);
	pthread_condattr_destroy(&attributes);
}

int psc_resolver_queue_start(struct psc_resolver_queue *queue, void *(*thread)(void *))
{
	int r;

	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->wake, NULL);
	init_end(&queue->end);
	queue->run = thread;
	queue->last = &queue->first;
	queue->results_last = &queue->results;
	queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->event_fd < 0)
		return -errno;
	r = -pthread_create(&queue->thread, NULL, begin, queue);
	if (r < 0) {
		close(queue->event_fd);
		queue->event_fd = -1;
		return r;
	}
	queue->started = true;
	return 0;
}

static void clear(struct psc_resolver_queue *queue)
{
	struct psc_resolver_result *result = queue->results, *next_result;
	struct psc_resolver_job *job = queue->first, *next_job;

	for (; job; job = next_job) {
		next_job = job->next;
		psc_resolver_job_free(job);
	}
	for (; result; result = next_result) {
		next_result = result->next;
		psc_resolver_result_free(result);
	}
	psc_closep(&queue->event_fd);
	pthread_cond_destroy(&queue->wake);
	pthread_cond_destroy(&queue->end);
	pthread_mutex_destroy(&queue->lock);
	*queue = (struct psc_resolver_queue){.event_fd = -1};
}

/* Whether the thread has ended after @ms at most. */
static bool wait_for_end(struct psc_resolver_queue *queue, unsigned int ms)
{
	struct timespec until;
	bool ended;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms % 1000 * 1000000L;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&queue->lock);
	queue->ending = true;
	pthread_cond_signal(&queue->wake);
	while (!queue->ended && !r)
		r = pthread_cond_timedwait(&queue->end, &queue->lock, &until);
	ended = queue->ended;
	pthread_mutex_unlock(&queue->lock);
	return ended;
}

bool psc_resolver_queue_end(struct psc_resolver_queue *queue, unsigned int ms)
{
	if (queue->started && !wait_for_end(queue, ms)) {
		pthread_detach(queue->thread);
		return false;
	}
	if (queue->started)
		pthread_join(queue->thread, NULL);
	clear(queue);
	return true;
}

struct psc_resolver_job *psc_resolver_job_new(enum psc_resolver_job_kind kind,
					      struct psc_resolver_know *know)
{
	struct psc_resolver_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->kind = kind;
	job->know = psc_resolver_know_use(know);
	job->fd = job->files_fd = job->moves_fd = -1;
	return job;
}

void psc_resolver_job_free(struct psc_resolver_job *job)
{
	if (!job)
		return;
	psc_resolver_know_drop(job->know);
	psc_closep(&job->fd);
	psc_closep(&job->files_fd);
	psc_closep(&job->moves_fd);
	psc_facts_clear(&job->facts);
	free(job->listed);
	free(job->move.name);
	free(job->move.handle);
	free(job->path);
	free(job);
}

void psc_resolver_push(struct psc_resolver_queue *queue, struct psc_resolver_job *job)
{
	pthread_mutex_lock(&queue->lock);
	*queue->last = job;
	queue->last = &job->next;
	queue->jobs++;
	pthread_cond_signal(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

/* What comes before the others: new files above all, somebody may be about to execute them. */
static unsigned int urgency_of(const struct psc_resolver_job *job)
{
	switch (job->kind) {
	case PSC_JOB_MOUNTS:
		return 3;
	case PSC_JOB_FILE:
	case PSC_JOB_MOVE:
		return 2;
	case PSC_JOB_LATE:
		return 1;
	default:
		return 0;
	}
}

static struct psc_resolver_job **most_urgent(struct psc_resolver_queue *queue)
{
	struct psc_resolver_job **best = &queue->first;

	for (struct psc_resolver_job **job = &queue->first; *job; job = &(*job)->next) {
		if (urgency_of(*job) > urgency_of(*best))
			best = job;
	}
	return best;
}

static void signal_daemon(struct psc_resolver_queue *queue)
{
	const uint64_t one = 1;

	/* fails only when it is readable already */
	if (write(queue->event_fd, &one, sizeof(one)) < 0)
		return;
}

/* Takes *@at out; the lock is held. */
static struct psc_resolver_job *take_out(struct psc_resolver_queue *queue,
					 struct psc_resolver_job **at)
{
	struct psc_resolver_job *job = *at;

	*at = job->next;
	if (queue->last == &job->next)
		queue->last = at;
	queue->jobs--;
	queue->progress_ns = psc_time_boot();
	job->next = NULL;
	return job;
}

/* The daemon, which waits for room, takes events again. */
static struct psc_resolver_job *give(struct psc_resolver_queue *queue, struct psc_resolver_job *job,
				     size_t left)
{
	if (left == PSC_RESOLVER_JOBS_MAX / 2)
		signal_daemon(queue);
	return job;
}

struct psc_resolver_job *psc_resolver_next(struct psc_resolver_queue *queue)
{
	struct psc_resolver_job *job = NULL;
	size_t left;

	pthread_mutex_lock(&queue->lock);
	queue->progress_ns = 0;
	while (!queue->first && !queue->ending)
		pthread_cond_wait(&queue->wake, &queue->lock);
	if (!queue->ending)
		job = take_out(queue, most_urgent(queue));
	left = queue->jobs;
	pthread_mutex_unlock(&queue->lock);
	return job ? give(queue, job, left) : NULL;
}

struct psc_resolver_job *psc_resolver_next_urgent(struct psc_resolver_queue *queue)
{
	struct psc_resolver_job *job = NULL, **at;
	size_t left;

	pthread_mutex_lock(&queue->lock);
	at = most_urgent(queue);
	if (*at && urgency_of(*at) && !queue->ending)
		job = take_out(queue, at);
	left = queue->jobs;
	pthread_mutex_unlock(&queue->lock);
	return job ? give(queue, job, left) : NULL;
}

bool psc_resolver_progress(struct psc_resolver_queue *queue)
{
	bool ending;

	pthread_mutex_lock(&queue->lock);
	queue->progress_ns = psc_time_boot();
	ending = queue->ending;
	pthread_mutex_unlock(&queue->lock);
	return !ending;
}

uint64_t psc_resolver_busy(struct psc_resolver_queue *queue, uint64_t now)
{
	uint64_t since;

	pthread_mutex_lock(&queue->lock);
	since = queue->progress_ns;
	pthread_mutex_unlock(&queue->lock);
	return since && since < now ? now - since : 0;
}

bool psc_resolver_unknown_begin(struct psc_resolver_queue *queue, bool fresh)
{
	size_t most = fresh ? PSC_RESOLVER_UNKNOWN_MAX : PSC_RESOLVER_UNKNOWN_MAX / 2;
	bool room;

	pthread_mutex_lock(&queue->lock);
	room = queue->unknown < most;
	queue->unknown += room;
	pthread_mutex_unlock(&queue->lock);
	return room;
}

void psc_resolver_unknown_settled(struct psc_resolver_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->unknown--;
	pthread_mutex_unlock(&queue->lock);
}

void psc_resolver_answer(struct psc_resolver_queue *queue, struct psc_resolver_result *result)
{
	pthread_mutex_lock(&queue->lock);
	*queue->results_last = result;
	queue->results_last = &result->next;
	pthread_mutex_unlock(&queue->lock);
	signal_daemon(queue);
}

struct psc_resolver_result *psc_resolver_take(struct psc_resolver_queue *queue)
{
	struct psc_resolver_result *results;
	uint64_t count;

	if (read(queue->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return NULL;
	pthread_mutex_lock(&queue->lock);
	results = queue->results;
	queue->results = NULL;
	queue->results_last = &queue->results;
	pthread_mutex_unlock(&queue->lock);
	return results;
}

void psc_resolver_result_free(struct psc_resolver_result *result)
{
	if (!result)
		return;
	free(result->path);
	free(result->product);
	free(result->rule);
	free(result->version);
	free(result->unit);
	free(result->problem);
	psc_places_free(result->places.place, result->places.count);
	psc_closep(&result->fd);
	free(result);
}

size_t psc_resolver_waiting(struct psc_resolver_queue *queue)
{
	size_t jobs;

	pthread_mutex_lock(&queue->lock);
	jobs = queue->jobs;
	pthread_mutex_unlock(&queue->lock);
	return jobs;
}
