/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_queue.c - jobs to the resolver's thread, results from it; see resolver_internal.h. */
#include "user/core/util.h"

#include <errno.h>
#include <sys/eventfd.h>

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
	free(know);
}

int psc_resolver_queue_start(struct psc_resolver_queue *queue, void *(*thread)(void *))
{
	pthread_t id;
	int r;

	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->wake, NULL);
	queue->last = &queue->first;
	queue->results_last = &queue->results;
	queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->event_fd < 0)
		return -errno;
	r = -pthread_create(&id, NULL, thread, queue);
	if (r < 0) {
		close(queue->event_fd);
		queue->event_fd = -1;
		return r;
	}
	pthread_detach(id);
	queue->started = true;
	return 0;
}

struct psc_resolver_job *psc_resolver_job_new(enum psc_resolver_job_kind kind,
					      struct psc_resolver_know *know)
{
	struct psc_resolver_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->kind = kind;
	job->know = psc_resolver_know_use(know);
	job->fd = -1;
	return job;
}

void psc_resolver_job_free(struct psc_resolver_job *job)
{
	if (!job)
		return;
	psc_resolver_know_drop(job->know);
	psc_closep(&job->fd);
	psc_facts_clear(&job->facts);
	free(job->listed);
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

/* New files come before a look at everything: somebody may be about to execute them. */
static struct psc_resolver_job **urgent(struct psc_resolver_queue *queue)
{
	for (struct psc_resolver_job **job = &queue->first; *job; job = &(*job)->next) {
		if ((*job)->kind == PSC_JOB_FILE)
			return job;
	}
	return &queue->first;
}

static void signal_daemon(struct psc_resolver_queue *queue)
{
	const uint64_t one = 1;

	/* fails only when it is readable already */
	if (write(queue->event_fd, &one, sizeof(one)) < 0)
		return;
}

struct psc_resolver_job *psc_resolver_next(struct psc_resolver_queue *queue)
{
	struct psc_resolver_job **at, *job;
	bool room;

	pthread_mutex_lock(&queue->lock);
	while (!queue->first)
		pthread_cond_wait(&queue->wake, &queue->lock);
	at = urgent(queue);
	job = *at;
	*at = job->next;
	if (queue->last == &job->next)
		queue->last = at;
	queue->jobs--;
	/* the daemon, which waits for room, takes events again */
	room = queue->jobs == PSC_RESOLVER_JOBS_MAX / 2;
	pthread_mutex_unlock(&queue->lock);
	if (room)
		signal_daemon(queue);
	job->next = NULL;
	return job;
}

struct psc_resolver_job *psc_resolver_next_file(struct psc_resolver_queue *queue)
{
	bool any;

	pthread_mutex_lock(&queue->lock);
	any = queue->first && (*urgent(queue))->kind == PSC_JOB_FILE;
	pthread_mutex_unlock(&queue->lock);
	/* this thread alone takes jobs out */
	return any ? psc_resolver_next(queue) : NULL;
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
