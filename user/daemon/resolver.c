/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.c - the daemon's side of the resolver: takes what its thread recognised, puts the
 * digests into PSC_PATH_FOUND and into force, writes the records; see resolver.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "user/core/hex.h"
#include "user/core/list_edit.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define FEED_MAX  20000			  /* digests of one activation */
#define FEED_GAP  (1 * PSC_NSEC_PER_SEC)  /* between two activations, at least */
#define RUN_QUIET (1 * PSC_NSEC_PER_SEC)  /* after the last change of a package database */
#define RUN_MOST  (30 * PSC_NSEC_PER_SEC) /* after the first one */
#define HELD_MAX  4096

/* ---- what the thread works with -------------------------------------------------------- */

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
	if (r < 0) {
		if (!reterr->message[0])
			psc_error_set(reterr, NULL, 0, 0, "%s", strerror(-r));
		if (know)
			psc_indicators_free(know->indicators);
		free(know);
		return r;
	}
	know->users = 1;
	know->least = daemon->policy.config->resolver.confidence;
	know->limit = daemon->policy.config->hash_limit;
	*ret = know;
	return 0;
}

/* A policy that was restored brings no catalog: what was known before is kept. */
static void learn(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_resolver_know *know = NULL;
	char text[640];

	if (daemon->policy.restored)
		return;
	resolver->refused = (struct psc_error){};
	if (daemon->policy.config->resolver.enabled &&
	    know_new(daemon, &know, &resolver->refused) < 0) {
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
	if (resolver->pending && resolver->fed_ns + FEED_GAP < due)
		due = resolver->fed_ns + FEED_GAP;
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

/* Looks which processes run what was found. */
static void begin_late(struct psc_daemon *daemon)
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

/* ---- into force -------------------------------------------------------------------------- */

static void drop_pending(struct psc_resolver *resolver)
{
	resolver->additions = psc_list_free(resolver->additions);
	free(resolver->changed);
	resolver->changed = NULL;
	resolver->changed_count = resolver->pending = 0;
}

static void record_feed(struct psc_daemon *daemon, size_t added)
{
	const struct psc_list *list = daemon->resolver->additions;
	struct psc_list_entry entry;
	json_t *record, *files;

	if (psc_journal_record(daemon, "found", &record) < 0)
		return;
	psc_record_message(record,
			   "%zu files of listed products were found, their content is "
			   "guarded from generation %llu on",
			   added, (unsigned long long)daemon->policy.generation);
	files = json_array();
	for (size_t i = 0; i < 32 && !psc_list_get(list, i, &entry); i++) {
		char digest[2 * PSC_DIGEST_SIZE + 1];

		psc_hex_encode(entry.digest, PSC_DIGEST_SIZE, digest);
		json_array_append_new(files, json_pack("{s:s, s:s, s:s, s:s}", "path", entry.name,
						       "sha256", digest, "product", entry.product,
						       "source", entry.source));
	}
	psc_record_set(record, "files", files);
	psc_record_set(record, "added", json_integer(added));
	psc_record_set(record, "generation", json_integer(daemon->policy.generation));
	psc_record_set_string(record, "list", PSC_PATH_FOUND);
	psc_journal_write(daemon, record);
}

static void record_failure(struct psc_daemon *daemon, const struct psc_error *error)
{
	char text[640];
	json_t *record;

	psc_say("what was found cannot be put into force: %s",
		psc_error_format(error, text, sizeof(text)));
	if (psc_journal_record(daemon, "found_refused", &record) < 0)
		return;
	psc_record_message(record, "what was found cannot be put into force: %s", text);
	psc_record_failed(record);
	psc_journal_write(daemon, record);
}

static void measure(struct psc_resolver *resolver)
{
	uint64_t now = psc_time_now();

	for (size_t i = 0; i < resolver->changed_count; i++) {
		/* a clock that was set meanwhile tells nothing */
		if (resolver->changed[i] < now &&
		    now - resolver->changed[i] < 600 * PSC_NSEC_PER_SEC)
			psc_latency_add(&resolver->latency, now - resolver->changed[i]);
	}
}

/*
 * Writes what is pending and puts it into force. A policy that is refused for another reason
 * than these digests leaves them in the file: the next reload brings them. Where they are the
 * reason (interlock), the file becomes what it was.
 */
static void feed(struct psc_daemon *daemon)
{
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *backup = NULL;
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_error error = {};
	size_t added = 0;
	int r;

	if (!resolver->pending || psc_time_boot() < resolver->fed_ns + FEED_GAP)
		return;
	resolver->fed_ns = psc_time_boot();
	mkdir(PSC_DIR_STATE, 0700);
	r = psc_list_file_add(PSC_PATH_FOUND, resolver->additions, &added, &backup, &error);
	/* what is in the file already is not in force, or it would not be pending */
	if (!r) {
		resolver->activating = true;
		r = psc_daemon_reload(daemon, "resolver", &error);
		resolver->activating = false;
	}
	if (r == -EPERM && backup)
		psc_list_file_restore(PSC_PATH_FOUND, backup, NULL);
	resolver->failed = error;
	if (r < 0) {
		record_failure(daemon, &error);
	} else {
		resolver->activations++;
		record_feed(daemon, added);
		measure(resolver);
		begin_late(daemon);
	}
	drop_pending(resolver);
}

/* ---- results ------------------------------------------------------------------------------ */

/* Whether this was said before since the start; remembers it. */
static bool said_before(struct psc_resolver *resolver, const char *what, const char *path,
			uint64_t number)
{
	uint64_t hash = 14695981039346656037ULL ^ number;

	for (const char *p = what; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
	for (const char *p = path; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
	for (size_t i = 0; i < resolver->held_count; i++) {
		if (resolver->held[i] == hash)
			return true;
	}
	if (!resolver->held)
		resolver->held = calloc(HELD_MAX, sizeof(*resolver->held));
	if (resolver->held && resolver->held_count < HELD_MAX)
		resolver->held[resolver->held_count++] = hash;
	return resolver->held_count == HELD_MAX;
}

static const char *reason_of(enum psc_found_outcome outcome)
{
	switch (outcome) {
	case PSC_FOUND_TOO_LARGE:
		return "it is larger than what is digested (hash_limit)";
	case PSC_FOUND_CONFIDENCE:
		return "the indicators prove too little (resolver: confidence)";
	case PSC_FOUND_LINK:
		return "only a link in a listed place leads there";
	case PSC_FOUND_ESSENTIAL:
		return "the host needs this content";
	case PSC_FOUND_DISTRIBUTION:
		return "its content is that of a package of the distribution";
	case PSC_FOUND_EXEMPT:
		return "an active profile exempts the product";
	case PSC_FOUND_UNVERIFIED:
		return "it could not be read";
	default:
		return NULL;
	}
}

/* Recognised and not guarded: said once, with the reason. */
static void record_held(struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	const char *reason = reason_of(result->outcome);
	json_t *record;

	if (!reason ||
	    said_before(daemon->resolver, psc_found_outcome_to_string(result->outcome),
			result->path, result->size) ||
	    psc_journal_record(daemon, "found_held", &record) < 0)
		return;
	psc_record_message(record, "%s looks like %s, but is not guarded by its content: %s",
			   result->path, result->product, reason);
	psc_record_set_string(record, "path", result->path);
	psc_record_set_string(record, "product", result->product);
	psc_record_set_string(record, "rule", result->rule);
	psc_record_set_string(record, "confidence", psc_confidence_to_string(result->confidence));
	psc_record_set_string(record, "reason", psc_found_outcome_to_string(result->outcome));
	psc_journal_write(daemon, record);
}

static int add_pending(struct psc_resolver *resolver, const struct psc_resolver_result *result)
{
	const struct psc_found_file file = {
		.path = result->path,
		.product = result->product,
		.role = result->role,
		.confidence = result->confidence,
		.rule = result->rule,
		.version = result->version,
		.format = result->format,
		.size = result->size,
		.digest = result->digest,
	};
	struct psc_error error = {};
	uint64_t *grown;
	int r = 0;

	if (!resolver->additions)
		r = psc_list_new(&resolver->additions);
	if (!r)
		r = psc_found_append(resolver->additions, &file, psc_time_now(), &error);
	if (r < 0)
		return r;
	resolver->pending++;
	if (!result->fresh)
		return 0;
	grown = reallocarray(resolver->changed, resolver->changed_count + 1, sizeof(*grown));
	if (!grown)
		return 0;
	resolver->changed = grown;
	grown[resolver->changed_count++] = result->changed_ns;
	return 0;
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

static void take_file(struct psc_daemon *daemon, struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_list_entry entry;

	if (result->outcome == PSC_FOUND_FED &&
	    !psc_list_find(daemon->policy.list, result->digest, &entry))
		result->outcome = PSC_FOUND_LISTED;
	if (result->outcome == PSC_FOUND_FED && is_exempt(daemon, result))
		result->outcome = PSC_FOUND_EXEMPT;
	if (result->outcome == PSC_FOUND_FED &&
	    (resolver->pending >= FEED_MAX || add_pending(resolver, result) < 0))
		result->outcome = PSC_FOUND_UNVERIFIED;
	resolver->outcomes[result->outcome]++;
	record_held(daemon, result);
}

static void take_run(struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;

	resolver->running = false;
	resolver->runs++;
	resolver->run_wall_ns = psc_time_now();
	resolver->run_took_ns = result->took_ns;
	resolver->run_examined = result->examined;
	resolver->run_recognised = result->recognised;
	resolver->run_truncated = result->truncated;
	/* at the first one also for what was found in an earlier life */
	if (resolver->runs == 1)
		begin_late(daemon);
}

static void take(struct psc_daemon *daemon, struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;

	switch (result->kind) {
	case PSC_RESULT_FILE:
		take_file(daemon, result);
		break;
	case PSC_RESULT_UNKNOWN:
		psc_resolver_identify(daemon, result);
		break;
	case PSC_RESULT_PROCESS:
		if (!said_before(resolver, "late", result->path,
				 ((uint64_t)result->pid << 40) ^ result->start_ticks))
			psc_resolver_late(daemon, result);
		break;
	case PSC_RESULT_RUN_DONE:
		take_run(daemon, result);
		break;
	case PSC_RESULT_LATE_DONE:
		resolver->late_running = false;
		if (resolver->late_again)
			begin_late(daemon);
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
	feed(daemon);
	psc_resolver_watch_intake(resolver, waiting(resolver) < PSC_RESOLVER_JOBS_MAX);
	psc_resolver_rearm(resolver);
}

void psc_resolver_reloaded(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;

	if (!resolver || resolver->activating)
		return;
	learn(daemon);
	psc_resolver_watch_begin_files(daemon);
	psc_resolver_ask(daemon);
	psc_resolver_rearm(resolver);
}

static int add_fd(struct psc_resolver *resolver, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void free_resolver(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;

	psc_resolver_watch_close(&resolver->watch);
	psc_identifier_free(resolver->identifier);
	psc_closep(&resolver->epoll_fd);
	psc_closep(&resolver->timer_fd);
	drop_pending(resolver);
	free(resolver->held);
	/* the thread may still be waiting for a disk: what it uses ends with the process */
	if (!resolver->queue.started) {
		psc_resolver_know_drop(resolver->know);
		free(resolver);
	}
	daemon->resolver = NULL;
}

int psc_resolver_start(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	daemon->resolver = resolver;
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
	psc_resolver_watch_open(daemon);
	/* at once: nothing is gained by waiting */
	resolver->run.quiet_ns = 0;
	psc_resolver_ask(daemon);
	begin_run(daemon);
	resolver->run.quiet_ns = RUN_QUIET;
	psc_resolver_rearm(resolver);
	return resolver->epoll_fd;
}

void psc_resolver_stop(struct psc_daemon *daemon)
{
	if (!daemon->resolver)
		return;
	take_results(daemon);
	daemon->resolver->fed_ns = 0;
	feed(daemon);
	free_resolver(daemon);
}
