/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.c - the daemon's side of the resolver: takes what its thread recognised, puts the
 * digests into PSC_PATH_FOUND and into force, writes the records; see resolver.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "bpf/decide.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define RUN_QUIET (1 * PSC_NSEC_PER_SEC)  /* after the last change of a package database */
#define RUN_MOST  (30 * PSC_NSEC_PER_SEC) /* after the first one */
#define END_MS	  2000			  /* for the thread to end */

/* ---- what the thread works with -------------------------------------------------------- */

static int compare_sizeless(const void *a, const void *b)
{
	return memcmp(a, b, PSC_DIGEST_SIZE);
}

static int add_sizeless(const struct psc_daemon *daemon, const struct psc_list_entry *entry,
			struct psc_resolver_know *know)
{
	struct psc_resolver_sizeless *grown = know->sizeless, *one;
	const struct psc_product *product;

	if (!(know->sizeless_count & (know->sizeless_count + 1)))
		grown = reallocarray(grown, 2 * (know->sizeless_count + 1), sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	know->sizeless = grown;
	one = &grown[know->sizeless_count];
	*one = (struct psc_resolver_sizeless){.role = PSC_ROLE_PROGRAM};
	memcpy(one->digest, entry->digest, PSC_DIGEST_SIZE);
	product = psc_catalog_find(&daemon->policy.set.catalog, entry->product, &one->role);
	one->product = product ? strdup(product->id) : strdup(entry->product);
	know->sizeless_count += one->product != NULL;
	return one->product ? 0 : -ENOMEM;
}

/* Those that the kernel cannot look for and that are not executed: see PSC_FILTER_OPEN. */
static int know_sizeless(const struct psc_daemon *daemon, struct psc_resolver_know *know)
{
	const struct psc_list *list = daemon->policy.list;
	struct psc_list_entry entry;
	int r = 0;

	for (size_t i = 0; !r && !psc_list_get(list, i, &entry); i++) {
		if (!entry.has_size && psc_list_entry_enforce(&entry) == PSC_LIST_ENFORCEABLE &&
		    !psc_format_forces_hashing(entry.format))
			r = add_sizeless(daemon, &entry, know);
	}
	if (know->sizeless_count)
		qsort(know->sizeless, know->sizeless_count, sizeof(*know->sizeless),
		      compare_sizeless);
	return r;
}

static int know_new(const struct psc_daemon *daemon, struct psc_resolver_know **ret,
		    struct psc_error *reterr)
{
	const struct psc_policy_places places = psc_policy_places_default();
	struct psc_resolver_know *know = calloc(1, sizeof(*know));
	int r = know ? psc_indicators_new(&know->indicators) : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(places.catalogs) && !r; i++) {
		if (places.catalogs[i])
			r = psc_indicators_load(know->indicators, &daemon->policy.set.catalog,
						places.catalogs[i], reterr);
	}
	if (!r)
		r = know_sizeless(daemon, know);
	if (know)
		know->users = 1;
	if (r < 0) {
		if (!reterr->message[0])
			psc_error_set(reterr, NULL, 0, 0, "%s", strerror(-r));
		psc_resolver_know_drop(know);
		return r;
	}
	know->serial = ++daemon->resolver->serial;
	know->least = daemon->policy.config->resolver.confidence;
	know->limit = daemon->policy.config->hash_limit;
	*ret = know;
	return 0;
}

/* A policy that was restored or is held brings no catalog: what was known before is kept. */
static void learn(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_resolver_know *know = NULL;
	char text[640];

	if (daemon->policy.restored || daemon->policy.held)
		return;
	resolver->refused = (struct psc_error){};
	if (!daemon->policy.config->resolver.enabled) {
		/* they may be nobody's any more when it is switched on again */
		psc_found_places_clear(&daemon->found_places);
	} else if (know_new(daemon, &know, &resolver->refused) < 0) {
		psc_say("the catalog's indicators are refused: %s",
			psc_error_format(&resolver->refused, text, sizeof(text)));
		return;
	}
	psc_resolver_know_drop(resolver->know);
	resolver->know = know;
	if (resolver->identifier)
		psc_identifier_restart(resolver->identifier);
}

/* ---- when -------------------------------------------------------------------------------- */

void psc_resolver_rearm(struct psc_resolver *resolver)
{
	uint64_t due = psc_debounce_due(&resolver->run);
	struct itimerspec timer = {};

	if (resolver->running || !resolver->know)
		due = UINT64_MAX;
	if ((resolver->pending || resolver->places) && resolver->feed_from_ns < due)
		due = resolver->feed_from_ns;
	if (due != UINT64_MAX) {
		timer.it_value.tv_sec = due / PSC_NSEC_PER_SEC;
		timer.it_value.tv_nsec = due % PSC_NSEC_PER_SEC + 1;
	}
	timerfd_settime(resolver->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

void psc_resolver_ask(struct psc_daemon *daemon)
{
	psc_debounce_trigger(&daemon->resolver->run, psc_time_boot());
}

static void begin_run(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_resolver_job *job;

	if (resolver->running || !resolver->know ||
	    !psc_debounce_take(&resolver->run, psc_time_boot()))
		return;
	job = psc_resolver_job_new(PSC_JOB_RUN, resolver->know);
	if (!job)
		return;
	memset(resolver->outcomes, 0, sizeof(resolver->outcomes));
	resolver->running = true;
	psc_resolver_push(&resolver->queue, job);
}

static int compare_listed(const void *a, const void *b)
{
	return memcmp(a, b, PSC_DIGEST_SIZE);
}

void psc_resolver_begin_late(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	const struct psc_list *list = daemon->policy.list;
	struct psc_resolver_job *job;
	struct psc_list_entry entry;
	struct psc_list_file file;

	resolver->late_again |= resolver->late_running;
	if (resolver->late_running || !resolver->know)
		return;
	job = psc_resolver_job_new(PSC_JOB_LATE, resolver->know);
	if (job)
		job->listed = calloc(psc_list_count(list) + 1, sizeof(*job->listed));
	if (!job || !job->listed) {
		psc_resolver_job_free(job);
		return;
	}
	for (size_t i = 0; !psc_list_get(list, i, &entry); i++) {
		if (psc_list_file(list, entry.file, &file) < 0 ||
		    strcmp(file.path, PSC_PATH_FOUND) != 0)
			continue;
		memcpy(job->listed[job->listed_count].digest, entry.digest, PSC_DIGEST_SIZE);
		job->listed[job->listed_count++].size = entry.size;
	}
	qsort(job->listed, job->listed_count, sizeof(*job->listed), compare_listed);
	resolver->late_running = true;
	resolver->late_again = false;
	psc_resolver_push(&resolver->queue, job);
}

/* ---- results ------------------------------------------------------------------------------ */

bool psc_resolver_said(struct psc_resolver *resolver, const char *what, const char *path,
		       uint64_t number)
{
	uint64_t hash = 14695981039346656037ULL ^ number;

	for (const char *p = what; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
	for (const char *p = path; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
	for (size_t i = 0; i < resolver->said_count && i < PSC_RESOLVER_SAID_MAX; i++) {
		if (resolver->said && resolver->said[i] == hash)
			return true;
	}
	if (!resolver->said)
		resolver->said = calloc(PSC_RESOLVER_SAID_MAX, sizeof(*resolver->said));
	if (resolver->said)
		resolver->said[resolver->said_count++ % PSC_RESOLVER_SAID_MAX] = hash;
	return false;
}

/*
 * A product that a profile exempts and none refuses needs no guard, and is not fed: the same
 * content, found later as a product that is refused, must not stand there as the exempt one.
 */
static bool is_exempt(const struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	const struct psc_policy *policy = &daemon->policy;
	const struct psc_policy_view view = psc_policy_set_view(&policy->set, policy->config);
	static const enum psc_op ops[] = {PSC_OP_EXEC, PSC_OP_LOAD, PSC_OP_OPEN};
	struct psc_subject subject = {.text = result->product, .role = result->role};
	struct psc_ruling ruling;
	enum psc_role ignored;
	bool exempt = false;

	subject.product = psc_catalog_find(&policy->set.catalog, result->product, &ignored);
	for (size_t i = 0; i < ARRAY_SIZE(ops) && subject.product; i++) {
		psc_rule_on(&view, &subject, ops[i], psc_clock_guard_now(daemon), &ruling);
		for (size_t k = 0; k < ruling.count; k++)
			exempt |= ruling.reason[k].status == PSC_STATUS_EXEMPT;
		if (ruling.action == PSC_ACTION_DENY)
			return false;
	}
	return exempt;
}

/*
 * Whether the kernel knows this content already. A digest that is listed without a size is not
 * known to it: no file is read whose size is not listed. With it, it is.
 */
static bool is_in_force(const struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	const struct psc_image *image = daemon->policy.image;
	const struct psc_digest_record *record = psc_image_lookup(image, result->digest);

	if (!record || (record->size && record->size != result->size))
		return false;
	return (!psc_format_in_exec_filter(result->format) ||
		psc_image_filter(image, PSC_FILTER_EXEC, result->size)) &&
	       (!psc_format_in_open_filter(result->format) ||
		psc_image_filter(image, PSC_FILTER_OPEN, result->size));
}

/* By place or name it is an exempt product; its content may be that of another. */
static void ask_for_content(struct psc_resolver *resolver, struct psc_resolver_result *result)
{
	struct psc_resolver_job *job;

	if (!resolver->know)
		return;
	job = psc_resolver_job_new(PSC_JOB_CONTENT, resolver->know);
	if (!job)
		return;
	job->path = TAKE_PTR(result->path);
	job->st = result->st;
	psc_resolver_push(&resolver->queue, job);
}

static void take_file(struct psc_daemon *daemon, struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;

	if (result->outcome == PSC_FOUND_FED && is_in_force(daemon, result) &&
	    !psc_resolver_renames(daemon, result))
		result->outcome = PSC_FOUND_LISTED;
	if (result->outcome == PSC_FOUND_FED && is_exempt(daemon, result))
		result->outcome = PSC_FOUND_EXEMPT;
	if (result->outcome == PSC_FOUND_FED)
		result->outcome = psc_resolver_add(daemon, result);
	resolver->outcomes[result->outcome]++;
	psc_resolver_record_held(daemon, result);
	if (result->outcome == PSC_FOUND_EXEMPT && !result->identified)
		ask_for_content(resolver, result);
}

static void take_run(struct psc_daemon *daemon, struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;

	resolver->running = false;
	resolver->runs++;
	resolver->run_wall_ns = psc_time_now();
	resolver->run_took_ns = result->took_ns;
	resolver->run_examined = result->examined;
	resolver->run_recognised = result->recognised;
	resolver->run_truncated = result->truncated;
	if (result->has_places && daemon->policy.config->resolver.places)
		resolver->places |= psc_found_places_replace(daemon, &result->places);
	/* at the first one also for what was found in an earlier life */
	if (resolver->runs == 1)
		psc_resolver_begin_late(daemon);
}

/* What the thread was at when the resolver was switched off: nobody asks for it any more. */
static void let_go(struct psc_resolver *resolver, const struct psc_resolver_result *result)
{
	if (result->kind == PSC_RESULT_UNKNOWN)
		psc_resolver_unknown_settled(&resolver->queue);
	else if (result->kind == PSC_RESULT_RUN_DONE)
		resolver->running = false;
	else if (result->kind == PSC_RESULT_LATE_DONE)
		resolver->late_running = false;
}

static void take(struct psc_daemon *daemon, struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;

	if (!resolver->know) {
		let_go(resolver, result);
		return;
	}
	switch (result->kind) {
	case PSC_RESULT_FILE:
		take_file(daemon, result);
		break;
	case PSC_RESULT_UNKNOWN:
		psc_resolver_identify(daemon, result);
		break;
	case PSC_RESULT_PARTLY:
		resolver->outcomes[PSC_FOUND_UNVERIFIED]++;
		if (!psc_resolver_said(resolver, result->problem, result->path, 0))
			psc_resolver_unverified(daemon, result->path, result->problem);
		break;
	case PSC_RESULT_PROCESS:
		psc_resolver_late(daemon, result);
		break;
	case PSC_RESULT_MOVED:
		psc_resolver_ask(daemon);
		break;
	case PSC_RESULT_MOUNTS:
		resolver->watch.file_systems = result->examined;
		break;
	case PSC_RESULT_RUN_DONE:
		take_run(daemon, result);
		break;
	case PSC_RESULT_LATE_DONE:
		resolver->late_running = false;
		if (resolver->late_again)
			psc_resolver_begin_late(daemon);
		break;
	}
}

static void take_results(struct psc_daemon *daemon)
{
	struct psc_resolver_result *result = psc_resolver_take(&daemon->resolver->queue), *next;

	for (; result; result = next) {
		next = result->next;
		take(daemon, result);
		psc_resolver_result_free(result);
	}
}

/* ---- loop --------------------------------------------------------------------------------- */

static void dispatch(struct psc_daemon *daemon, int fd)
{
	struct psc_resolver *resolver = daemon->resolver;
	uint64_t expirations;

	if (fd == resolver->queue.event_fd)
		take_results(daemon);
	else if (resolver->identifier && fd == psc_identifier_fd(resolver->identifier))
		psc_resolver_identify_take(daemon);
	else if (fd == resolver->watch.packages_fd)
		psc_resolver_watch_packages(daemon);
	else if (fd == resolver->watch.mounts_fd)
		psc_resolver_watch_mounts(daemon);
	else if (fd == resolver->watch.files_fd)
		psc_resolver_watch_files(daemon);
	else if (fd == resolver->watch.moves_fd)
		psc_resolver_watch_moves(daemon);
	else if (read(resolver->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
}

static size_t waiting(struct psc_resolver *resolver)
{
	return psc_resolver_waiting(&resolver->queue) +
	       (resolver->identifier ? psc_identifier_waiting(resolver->identifier) : 0);
}

void psc_resolver_handle(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct epoll_event events[8];
	int n = epoll_wait(resolver->epoll_fd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++)
		dispatch(daemon, events[i].data.fd);
	/* also what a submit has settled at once */
	psc_resolver_identify_take(daemon);
	begin_run(daemon);
	psc_resolver_feed(daemon);
	psc_resolver_watch_intake(resolver, waiting(resolver) < PSC_RESOLVER_JOBS_MAX);
	psc_resolver_rearm(resolver);
}

void psc_resolver_reloaded(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;

	if (!resolver || resolver->activating)
		return;
	learn(daemon);
	/* an override may let in what was refused */
	resolver->refused_count = 0;
	resolver->full_said = false;
	psc_resolver_watch_adjust(daemon);
	psc_resolver_ask(daemon);
	/* what is refused now may run: the mode, a profile or an exemption may have changed */
	psc_resolver_begin_late(daemon);
	psc_resolver_rearm(resolver);
}

static void record_stuck(struct psc_daemon *daemon, const char *message, bool failed)
{
	json_t *record;

	psc_say("%s", message);
	if (psc_journal_record(daemon, "resolver_stuck", &record) < 0)
		return;
	psc_record_message(record, "%s", message);
	if (failed)
		psc_record_failed(record);
	psc_journal_write(daemon, record);
}

static void check_stuck(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	bool stuck = psc_resolver_busy(&resolver->queue, psc_time_boot()) > PSC_RESOLVER_STUCK_NS;

	if (stuck == resolver->stuck_said)
		return;
	resolver->stuck_said = stuck;
	record_stuck(
		daemon,
		stuck ? "the resolver has been at one file for a minute: nothing is looked for "
			"meanwhile"
		      : "the resolver gets on again",
		stuck);
}

/* A phase that begins refuses what it refuses, also what runs. */
static void check_interval(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	uint32_t interval =
		psc_interval_at(&daemon->policy.image->table, psc_clock_guard_now(daemon));
	bool another = interval != resolver->interval ||
		       resolver->interval_generation != daemon->policy.generation;
	bool known = resolver->interval_generation == daemon->policy.generation;

	resolver->interval = interval;
	resolver->interval_generation = daemon->policy.generation;
	/* another generation has had its look */
	if (another && known)
		psc_resolver_begin_late(daemon);
}

void psc_resolver_tick(struct psc_daemon *daemon)
{
	if (!daemon->resolver)
		return;
	check_stuck(daemon);
	check_interval(daemon);
	psc_resolver_record_more(daemon, false);
}

static int add_fd(struct psc_resolver *resolver, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void free_resolver(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;

	daemon->resolver = NULL;
	psc_identifier_free(resolver->identifier);
	psc_resolver_feed_drop(resolver);
	free(resolver->said);
	psc_closep(&resolver->timer_fd);
	/* it may be waiting for a disk: what it uses ends with the process */
	if (!psc_resolver_queue_end(&resolver->queue, END_MS))
		return;
	psc_resolver_watch_close(resolver);
	psc_closep(&resolver->epoll_fd);
	psc_resolver_know_drop(resolver->know);
	free(resolver);
}

int psc_resolver_start(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	daemon->resolver = resolver;
	resolver->queue.event_fd = -1;
	resolver->run = (struct psc_debounce){.quiet_ns = RUN_QUIET, .most_ns = RUN_MOST};
	resolver->watch = (struct psc_resolver_watch){
		.packages_fd = -1, .mounts_fd = -1, .files_fd = -1, .moves_fd = -1};
	resolver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	resolver->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	r = resolver->epoll_fd < 0 || resolver->timer_fd < 0 ? -errno : 0;
	if (!r)
		r = psc_resolver_queue_start(&resolver->queue, psc_resolver_thread);
	if (!r)
		r = add_fd(resolver, resolver->queue.event_fd);
	if (!r)
		r = add_fd(resolver, resolver->timer_fd);
	if (r < 0) {
		free_resolver(daemon);
		return r;
	}
	learn(daemon);
	if (psc_resolver_identify_open(resolver) < 0)
		psc_say("the content of files cannot be identified: out of memory");
	psc_resolver_watch_adjust(daemon);
	/* at once: nothing is gained by waiting */
	resolver->run.quiet_ns = 0;
	psc_resolver_ask(daemon);
	begin_run(daemon);
	resolver->run.quiet_ns = RUN_QUIET;
	psc_resolver_rearm(resolver);
	return resolver->epoll_fd;
}

/* What is not in force by now is found again at the next start: after `off` nothing is. */
void psc_resolver_stop(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;

	if (!resolver)
		return;
	if (!daemon->policy.held && psc_off_state(daemon) == PSC_GUARD_ON) {
		take_results(daemon);
		resolver->feed_from_ns = 0;
		psc_resolver_feed(daemon);
	}
	psc_resolver_record_more(daemon, true);
	free_resolver(daemon);
}
