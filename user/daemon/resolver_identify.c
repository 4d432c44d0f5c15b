/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_identify.c - files whose place and name say nothing: proscribe-identify reads their
 * content, in a process of its own that may crash over it; see resolver_internal.h. What it
 * could not read is recorded as unverified.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "user/daemon/resolver_internal.h"

/* What is kept of a file while it is parsed. */
struct asked {
	int fd;
	bool fresh;
	uint64_t changed_ns;
};

static struct asked *asked_free(struct asked *asked)
{
	if (asked)
		psc_closep(&asked->fd);
	free(asked);
	return NULL;
}

int psc_resolver_identify_open(struct psc_resolver *resolver)
{
	struct psc_identifier_options options = {};
	struct epoll_event event = {.events = EPOLLIN};
	int r = psc_identifier_new(&options, &resolver->identifier);

	if (r < 0)
		return r;
	event.data.fd = psc_identifier_fd(resolver->identifier);
	return epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) < 0 ? -errno : 0;
}

void psc_resolver_unverified(struct psc_daemon *daemon, const char *path, const char *why)
{
	json_t *record;

	daemon->resolver->unverified++;
	if (!psc_resolver_may_record(daemon, PSC_RESOLVER_LIMIT_UNVERIFIED) ||
	    psc_journal_record(daemon, "found_unverified", &record) < 0)
		return;
	psc_record_message(record, "%s could not be identified: %s", path, why);
	psc_record_failed(record);
	psc_record_set_string(record, "path", path);
	psc_record_set_string(record, "reason", why);
	psc_journal_write(daemon, record);
}

void psc_resolver_identify(struct psc_daemon *daemon, struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct asked *asked = calloc(1, sizeof(*asked));
	int fd, r;

	if (!asked || !resolver->identifier) {
		psc_resolver_unverified(daemon, result->path, "no worker");
		psc_resolver_unknown_settled(&resolver->queue);
		free(asked);
		return;
	}
	*asked = (struct asked){TAKE_FD(result->fd), result->fresh, result->changed_ns};
	fd = fcntl(asked->fd, F_DUPFD_CLOEXEC, 3);
	r = fd < 0 ? -errno
		   : psc_identifier_submit(resolver->identifier, fd, result->path, false, asked);
	if (r < 0) {
		psc_resolver_unverified(daemon, result->path, strerror(-r));
		psc_resolver_unknown_settled(&resolver->queue);
		asked_free(asked);
	}
}

/* Back to the thread: what the content shows may name a product. */
static void take(struct psc_daemon *daemon, struct psc_identification *identification)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct asked *asked = identification->tag;
	struct psc_resolver_job *job = NULL;

	if (identification->state != PSC_IDENTIFIED)
		psc_resolver_unverified(daemon, identification->path,
					psc_identification_to_string(identification->state));
	else if (resolver->know)
		job = psc_resolver_job_new(PSC_JOB_FILE, resolver->know);
	if (job) {
		job->fd = TAKE_FD(asked->fd);
		job->changed_ns = asked->changed_ns;
		job->identified = true;
		job->fresh = asked->fresh;
		job->facts = identification->facts;
		identification->facts = (struct psc_facts){};
		/* the first path of a file is where it is */
		if (psc_facts_addf(&job->facts, PSC_FACT_PATH, 0, "%s", identification->path) < 0) {
			psc_resolver_job_free(job);
			job = NULL;
		}
	}
	if (job)
		psc_resolver_push(&resolver->queue, job);
	psc_resolver_unknown_settled(&resolver->queue);
	asked_free(asked);
}

void psc_resolver_identify_take(struct psc_daemon *daemon)
{
	struct psc_identification identification;

	while (daemon->resolver->identifier &&
	       psc_identifier_take(daemon->resolver->identifier, &identification) > 0) {
		take(daemon, &identification);
		psc_identification_clear(&identification);
	}
}
