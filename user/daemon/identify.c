/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.c - see identify.h. A worker that misbehaves is killed (worker.h); what waits then
 * goes to the next one.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "user/core/util.h"
#include "user/core/frame.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/identify.h"
#include "user/daemon/worker.h"
#include "user/identify/wire.h"

struct job {
	struct job *next;
	int fd;
	bool want_digest;
	struct psc_identification result;
};

/* First in, first out. */
struct job_list {
	struct job *first;
	struct job **end;
	size_t count;
};

struct psc_identifier {
	struct psc_identifier_options options;
	struct psc_identifier_counts counts;
	struct job_list queue; /* its first is under way when `busy` */
	struct job_list done;
	int epoll_fd;
	int timer_fd;
	struct psc_worker worker;
	bool ready; /* it has said so */
	bool busy;
	bool stale; /* to be replaced before the next file */
	uint8_t *request;
	size_t request_size;
	size_t request_sent;
	uint64_t started_ns; /* the worker; boot clock */
	uint64_t sent_ns;    /* the request */
	struct psc_frame_decoder decoder;
};

static const char *const state_names[PSC_IDENTIFICATION_STATES] = {
	[PSC_IDENTIFIED] = "identified",      [PSC_IDENTIFY_UNREADABLE] = "unreadable",
	[PSC_IDENTIFY_CRASHED] = "crashed",   [PSC_IDENTIFY_TIMEOUT] = "timeout",
	[PSC_IDENTIFY_NONSENSE] = "nonsense", [PSC_IDENTIFY_UNAVAILABLE] = "unavailable",
};

const char *psc_identification_to_string(unsigned int state)
{
	return psc_name_of(state_names, PSC_IDENTIFICATION_STATES, state);
}

/* ---- lists --------------------------------------------------------------------------- */

static void list_init(struct job_list *list)
{
	list->first = NULL;
	list->end = &list->first;
	list->count = 0;
}

static void list_append(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
	list->count++;
}

static struct job *list_shift(struct job_list *list)
{
	struct job *job = list->first;

	if (!job)
		return NULL;
	list->first = job->next;
	if (!list->first)
		list->end = &list->first;
	list->count--;
	return job;
}

void psc_identification_clear(struct psc_identification *identification)
{
	free(identification->path);
	psc_facts_clear(&identification->facts);
	*identification = (struct psc_identification){0};
}

static void job_free(struct job *job)
{
	if (!job)
		return;
	psc_closep(&job->fd);
	psc_identification_clear(&job->result);
	free(job);
}

/* ---- the worker -------------------------------------------------------------------------- */

static void set_timer(struct psc_identifier *identifier, uint64_t ns)
{
	const struct itimerspec when = {
		.it_value = {(time_t)(ns / PSC_NSEC_PER_SEC), (long)(ns % PSC_NSEC_PER_SEC)}};

	timerfd_settime(identifier->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void forget_request(struct psc_identifier *identifier)
{
	free(identifier->request);
	identifier->request = NULL;
	identifier->request_size = 0;
	identifier->request_sent = 0;
	identifier->busy = false;
	psc_frame_decoder_clear(&identifier->decoder);
	set_timer(identifier, 0);
}

static void end_worker(struct psc_identifier *identifier)
{
	/* closing its socket makes epoll forget it */
	psc_worker_end(&identifier->worker);
	identifier->ready = false;
	identifier->stale = false;
	psc_frame_decoder_clear(&identifier->decoder);
}

/* It has to say that it is ready within the time that a file has. */
static int start_worker(struct psc_identifier *identifier)
{
	struct epoll_event event = {.events = EPOLLIN};
	int r = psc_worker_start(&identifier->worker);

	if (r < 0)
		return r;
	event.data.fd = identifier->worker.socket_fd;
	if (epoll_ctl(identifier->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) < 0) {
		r = -errno;
		end_worker(identifier);
		return r;
	}
	identifier->started_ns = psc_time_boot();
	set_timer(identifier, identifier->started_ns + identifier->options.timeout_ns);
	return 0;
}

/* ---- one file ------------------------------------------------------------------------------ */

/* The file under way, or the first that waits, has its result. */
static void finish(struct psc_identifier *identifier, enum psc_identification_state state,
		   int error)
{
	struct job *job = list_shift(&identifier->queue);

	if (!job)
		return;
	if (identifier->busy)
		job->result.took_ns = psc_time_boot() - identifier->sent_ns;
	forget_request(identifier);
	psc_closep(&job->fd);
	job->fd = -1;
	job->result.state = state;
	job->result.error = error;
	identifier->counts.state[state]++;
	list_append(&identifier->done, job);
}

/* There is no worker to be had: nothing that waits can be identified now. */
static void finish_all(struct psc_identifier *identifier, int error)
{
	while (identifier->queue.first)
		finish(identifier, PSC_IDENTIFY_UNAVAILABLE, error);
}

/* Waits for room in the socket only while there is something to send. */
static void watch_output(struct psc_identifier *identifier, bool output)
{
	struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0),
				    .data.fd = identifier->worker.socket_fd};

	epoll_ctl(identifier->epoll_fd, EPOLL_CTL_MOD, identifier->worker.socket_fd, &event);
}

/* Sends what is left of the request; the descriptor goes with the first byte. */
static int send_request(struct psc_identifier *identifier)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};

	while (identifier->request_sent < identifier->request_size) {
		struct iovec piece = {identifier->request + identifier->request_sent,
				      identifier->request_size - identifier->request_sent};
		struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
		ssize_t n;

		if (identifier->request_sent == 0) {
			struct cmsghdr *c = &control.align;

			message.msg_control = control.bytes;
			message.msg_controllen = sizeof(control.bytes);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &identifier->queue.first->fd, sizeof(int));
		}
		n = sendmsg(identifier->worker.socket_fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			watch_output(identifier, true);
			return 0;
		}
		if (n < 0)
			return -errno;
		identifier->request_sent += n;
	}
	watch_output(identifier, false);
	return 0;
}

static int begin(struct psc_identifier *identifier)
{
	const struct job *job = identifier->queue.first;
	const struct psc_wire_request request = {job->result.path, job->want_digest};
	_cleanup_json_ json_t *json = NULL;
	int r = psc_wire_request_encode(&request, &json);

	if (r == 0)
		r = psc_frame_encode(json, PSC_WIRE_REQUEST_MAX, &identifier->request,
				     &identifier->request_size);
	if (r < 0)
		return r;
	identifier->busy = true;
	identifier->sent_ns = psc_time_boot();
	identifier->counts.files++;
	set_timer(identifier, identifier->sent_ns + identifier->options.timeout_ns);
	return send_request(identifier);
}

/* Starts a worker if there is none, as soon as that may be. */
static void want_worker(struct psc_identifier *identifier)
{
	uint64_t later;
	int r;

	if (identifier->worker.socket_fd >= 0)
		return;
	later = psc_worker_may_start_at(&identifier->worker);
	if (later) {
		set_timer(identifier, later);
		return;
	}
	r = start_worker(identifier);
	if (r < 0)
		finish_all(identifier, r);
}

/* Sends the next file, if there is one and a worker for it. */
static void go_on(struct psc_identifier *identifier)
{
	int r;

	if (identifier->busy || !identifier->queue.first)
		return;
	if (identifier->stale)
		end_worker(identifier);
	want_worker(identifier);
	if (!identifier->ready || !identifier->queue.first)
		return;
	r = begin(identifier);
	if (r == -EPIPE || r == -ECONNRESET) {
		/* it ended before it saw this file: that says nothing of the file */
		end_worker(identifier);
		forget_request(identifier);
		want_worker(identifier);
	} else if (r < 0) {
		finish(identifier, PSC_IDENTIFY_UNAVAILABLE, r);
	}
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void give_up(struct psc_identifier *identifier, enum psc_identification_state state)
{
	bool ready = identifier->ready;

	end_worker(identifier);
	if (identifier->busy)
		finish(identifier, state, 0);
	else if (!ready)
		finish_all(identifier, state == PSC_IDENTIFY_TIMEOUT ? -ETIMEDOUT : -ECHILD);
}

static void take_reply(struct psc_identifier *identifier)
{
	struct job *job = identifier->queue.first;
	_cleanup_json_ json_t *json = NULL;
	int error, r;

	r = psc_frame_decoder_take(&identifier->decoder, &json);
	if (r == 0)
		r = psc_wire_reply_decode(json, &error, &job->result.facts);
	if (r == -ENOMEM)
		finish(identifier, PSC_IDENTIFY_UNAVAILABLE, r);
	else if (r < 0)
		give_up(identifier, PSC_IDENTIFY_NONSENSE);
	else if (error < 0)
		finish(identifier, PSC_IDENTIFY_UNREADABLE, error);
	else
		finish(identifier, PSC_IDENTIFIED, 0);
}

/* The first thing that a worker says. */
static void take_ready(struct psc_identifier *identifier)
{
	_cleanup_json_ json_t *json = NULL;

	if (psc_frame_decoder_take(&identifier->decoder, &json) < 0 || !psc_wire_is_ready(json)) {
		give_up(identifier, PSC_IDENTIFY_NONSENSE);
		return;
	}
	identifier->ready = true;
	set_timer(identifier, 0);
}

static void receive(struct psc_identifier *identifier)
{
	uint8_t buffer[16384];

	/* as much as there is, but a worker that never stops keeps the daemon from nothing */
	for (unsigned int i = 0; i < 64 && identifier->worker.socket_fd >= 0; i++) {
		ssize_t n =
			recv(identifier->worker.socket_fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		size_t used = 0;
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			give_up(identifier, PSC_IDENTIFY_CRASHED);
			return;
		}
		/* an answer to nothing, or to half of a question */
		if (identifier->ready &&
		    (!identifier->busy || identifier->request_sent < identifier->request_size)) {
			give_up(identifier, PSC_IDENTIFY_NONSENSE);
			return;
		}
		r = psc_frame_decoder_feed(&identifier->decoder, buffer, n, &used);
		if (r < 0 || used != (size_t)n)
			give_up(identifier, PSC_IDENTIFY_NONSENSE);
		else if (r > 0 && identifier->ready)
			take_reply(identifier);
		else if (r > 0)
			take_ready(identifier);
	}
}

static void handle_timer(struct psc_identifier *identifier)
{
	uint64_t expirations, since;

	if (read(identifier->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	if (identifier->worker.socket_fd < 0)
		return;
	since = identifier->busy ? identifier->sent_ns : identifier->started_ns;
	if ((identifier->busy || !identifier->ready) &&
	    psc_time_boot() - since >= identifier->options.timeout_ns)
		give_up(identifier, PSC_IDENTIFY_TIMEOUT);
}

static void handle_events(struct psc_identifier *identifier)
{
	struct epoll_event events[2];
	int n = epoll_wait(identifier->epoll_fd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == identifier->timer_fd) {
			handle_timer(identifier);
			continue;
		}
		if (events[i].data.fd != identifier->worker.socket_fd)
			continue;
		if (events[i].events & EPOLLOUT && send_request(identifier) < 0)
			give_up(identifier, PSC_IDENTIFY_CRASHED);
		else if (events[i].events & ~EPOLLOUT)
			receive(identifier);
	}
}

/* ---- for the daemon ------------------------------------------------------------------------------ */

int psc_identifier_take(struct psc_identifier *identifier, struct psc_identification *ret)
{
	struct job *job;

	if (!identifier->done.first) {
		psc_worker_reap(&identifier->worker);
		handle_events(identifier);
		go_on(identifier);
	}
	job = list_shift(&identifier->done);
	if (!job)
		return 0;
	*ret = job->result;
	job->result = (struct psc_identification){0};
	job_free(job);
	return 1;
}

int psc_identifier_submit(struct psc_identifier *identifier, int fd, const char *path,
			  bool want_digest, void *tag)
{
	_cleanup_close_ int file = fd;
	struct job *job;

	if (psc_identifier_waiting(identifier) >= identifier->options.queue_max)
		return -EAGAIN;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->fd = TAKE_FD(file);
	job->want_digest = want_digest;
	job->result.tag = tag;
	job->result.path = strdup(path ? path : "");
	if (!job->result.path) {
		job_free(job);
		return -ENOMEM;
	}
	list_append(&identifier->queue, job);
	go_on(identifier);
	return 0;
}

int psc_identifier_fd(const struct psc_identifier *identifier)
{
	return identifier->epoll_fd;
}

size_t psc_identifier_waiting(const struct psc_identifier *identifier)
{
	return identifier->queue.count + identifier->done.count;
}

struct psc_identifier_counts psc_identifier_counts(const struct psc_identifier *identifier)
{
	struct psc_identifier_counts counts = identifier->counts;

	counts.starts = identifier->worker.starts;
	return counts;
}

void psc_identifier_restart(struct psc_identifier *identifier)
{
	identifier->stale = identifier->worker.socket_fd >= 0;
}

int psc_identifier_new(const struct psc_identifier_options *options, struct psc_identifier **ret)
{
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier = NULL;
	struct epoll_event event = {.events = EPOLLIN};

	identifier = calloc(1, sizeof(*identifier));
	if (!identifier)
		return -ENOMEM;
	identifier->worker.socket_fd = -1;
	list_init(&identifier->queue);
	list_init(&identifier->done);
	psc_frame_decoder_init(&identifier->decoder, PSC_WIRE_REPLY_MAX);
	if (options)
		identifier->options = *options;
	identifier->worker.program =
		identifier->options.worker ? identifier->options.worker : PSC_PATH_WORKER;
	identifier->worker.arguments = identifier->options.arguments;
	if (!identifier->options.timeout_ns)
		identifier->options.timeout_ns = PSC_IDENTIFIER_TIMEOUT_NS;
	if (!identifier->options.queue_max)
		identifier->options.queue_max = PSC_IDENTIFIER_QUEUE_MAX;
	identifier->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	identifier->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	event.data.fd = identifier->timer_fd;
	if (identifier->epoll_fd < 0 || identifier->timer_fd < 0 ||
	    epoll_ctl(identifier->epoll_fd, EPOLL_CTL_ADD, identifier->timer_fd, &event) < 0)
		return -errno;
	*ret = TAKE_PTR(identifier);
	return 0;
}

struct psc_identifier *psc_identifier_free(struct psc_identifier *identifier)
{
	struct job *job;

	if (!identifier)
		return NULL;
	end_worker(identifier);
	forget_request(identifier);
	while ((job = list_shift(&identifier->queue)))
		job_free(job);
	while ((job = list_shift(&identifier->done)))
		job_free(job);
	psc_closep(&identifier->timer_fd);
	psc_closep(&identifier->epoll_fd);
	free(identifier);
	return NULL;
}

void psc_identifier_freep(struct psc_identifier **identifier)
{
	psc_identifier_free(*identifier);
}
