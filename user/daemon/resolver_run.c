/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_run.c - the resolver's thread: opens files, asks the indicators, digests what is
 * recognised and hands it to the daemon; see resolver_internal.h. A file system that never
 * answers stops this thread and nothing else.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <time.h>

#include "user/core/digest.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define THREAD_NICE 5
#define NAMELESS    "a file without a name"

struct psc_resolver_result *psc_resolver_result_new(enum psc_resolver_result_kind kind)
{
	struct psc_resolver_result *result = calloc(1, sizeof(*result));

	if (result) {
		result->kind = kind;
		result->fd = -1;
	}
	return result;
}

/* ---- one file ----------------------------------------------------------------------- */

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static enum psc_format format_of(int fd)
{
	uint8_t head[PSC_FORMAT_HEAD_SIZE];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n > 0 ? psc_format_detect(head, n) : PSC_FORMAT_ANY;
}

static int add_content_facts(struct psc_facts *facts, const char *path, enum psc_format format,
			     uint64_t size)
{
	const char *name = strrchr(path, '/');
	int r = psc_facts_addf(facts, PSC_FACT_NAME, 0, "%s", name ? name + 1 : path);

	if (!r)
		r = psc_facts_addf(facts, PSC_FACT_FORMAT, 0, "%s", psc_format_to_string(format));
	if (!r)
		r = psc_facts_addf(facts, PSC_FACT_SIZE, 0, "%llu", (unsigned long long)size);
	return r;
}

/* The digest that the run before computed, if nothing was changed since. */
static bool known_digest(const struct psc_resolver_thread *t, const struct stat *st,
			 uint8_t *digest)
{
	const struct psc_resolver_found *file = psc_resolver_files_find(&t->files, st);

	if (!file || !file->digested || !same_content(&file->st, st))
		return false;
	memcpy(digest, file->digest, PSC_DIGEST_SIZE);
	return true;
}

static bool has_content(const struct psc_essential_file *file, const uint8_t *digest)
{
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t own[PSC_DIGEST_SIZE];

	return fd >= 0 && !psc_digest_fd(fd, own, NULL) &&
	       memcmp(own, digest, PSC_DIGEST_SIZE) == 0;
}

/* Of those with another size none is read. */
bool psc_resolver_is_essential(const struct psc_resolver_thread *t, const char *path,
			       const struct stat *st, const uint8_t *digest)
{
	/* what was replaced while it ran is needed, too; elsewhere a path is no more than a claim */
	size_t length = strlen(path), gone = strlen(" (deleted)");
	bool replaced = length > gone && !strcmp(path + length - gone, " (deleted)");

	for (size_t i = 0; t->essential && i < t->essential->count; i++) {
		const struct psc_essential_file *file = &t->essential->file[i];

		if ((replaced && strlen(file->path) == length - gone &&
		     !strncmp(file->path, path, length - gone)) ||
		    (file->inode == st->st_ino &&
		     t->essential->ground[file->ground].device == st->st_dev) ||
		    (file->size == (uint64_t)st->st_size && has_content(file, digest)))
			return true;
	}
	return false;
}

/* As packages come and go. What cannot be found out leaves what was known. */
static void refresh_essential(struct psc_resolver_thread *t)
{
	struct psc_essential *essential;
	struct psc_error ignored;

	if (psc_essential_find("/", &essential, &ignored) < 0)
		return;
	psc_essential_free(t->essential);
	t->essential = essential;
}

/* What must not be fed has to be known before the first file is. */
static void prepare(struct psc_resolver_thread *t, const struct psc_resolver_know *know)
{
	if (!t->ready)
		refresh_essential(t);
	t->ready = true;
	psc_resolver_origin_refresh(&t->origin, know);
}

/* Digests it if that may lead to something. A file that is changed meanwhile comes again. */
static void digest(struct psc_resolver_thread *t, const struct psc_resolver_job *job, int fd,
		   const struct stat *st, struct psc_found_file *file,
		   struct psc_resolver_result *result)
{
	uint64_t size;

	result->outcome = psc_found_judge(file, job->know->least, job->know->limit);
	if (result->outcome != PSC_FOUND_FED)
		return;
	if (!known_digest(t, st, result->digest)) {
		if (psc_digest_fd(fd, result->digest, &size) < 0 || size != result->size) {
			result->outcome = PSC_FOUND_UNVERIFIED;
			return;
		}
	}
	result->digested = true;
	file->digest = result->digest;
	file->essential = psc_resolver_is_essential(t, "", st, result->digest);
	file->distribution = psc_resolver_origin_has(&t->origin, fd) ||
			     psc_rpm_packages_has(&t->rpm.packages, result->digest);
	result->outcome = psc_found_judge(file, job->know->least, job->know->limit);
}

bool psc_resolver_is_bound(struct psc_resolver_thread *t, const struct psc_facts *facts,
			   const struct stat *st)
{
	const struct psc_bound bound = {&t->mounts, t->root_fd, 0};
	size_t paths = 0;

	psc_resolver_mounts_refresh(t, false);
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->fact[i].kind != PSC_FACT_PATH)
			continue;
		if (!psc_bound_is(&bound, facts->fact[i].value, st))
			return false;
		paths++;
	}
	return paths > 0;
}

static int name_result(struct psc_resolver_result *result, const struct psc_facts *facts,
		       const struct psc_indicator *rule)
{
	const char *version = psc_facts_get(facts, PSC_FACT_PACKAGE_VERSION);

	result->path = strdup(psc_facts_get(facts, PSC_FACT_PATH) ?: NAMELESS);
	result->product = strdup(rule->product);
	result->rule = strdup(rule->id);
	result->version = version ? strdup(version) : NULL;
	result->role = rule->role;
	return !result->path || !result->product || !result->rule || (version && !result->version)
		       ? -ENOMEM
		       : 0;
}

/*
 * What is known of a recognised file, as a result; NULL when memory is short. Where others than
 * root can have chosen place and name, these do not count, neither for whether it is recognised
 * nor for as what.
 */
static struct psc_resolver_result *describe(struct psc_resolver_thread *t,
					    const struct psc_resolver_job *job, int fd,
					    const struct stat *st, bool linked,
					    const struct psc_facts *facts,
					    struct psc_matches *matches)
{
	struct psc_resolver_result *result = psc_resolver_result_new(PSC_RESULT_FILE);
	const struct psc_indicator *claim = matches->rule[0];
	struct psc_found_file file;
	bool bound = psc_resolver_is_bound(t, facts, st);

	if (!result)
		return NULL;
	if (!bound)
		psc_found_sift(matches, job->identified);
	if (name_result(result, facts, matches->count ? matches->rule[0] : claim) < 0) {
		psc_resolver_result_free(result);
		return NULL;
	}
	result->confidence = matches->count ? psc_found_confidence(matches) : claim->confidence;
	result->format = format_of(fd);
	result->size = st->st_size;
	result->changed_ns = job->changed_ns;
	result->fresh = job->fresh;
	result->st = *st;
	file = (struct psc_found_file){
		.path = result->path,
		.product = result->product,
		.role = result->role,
		.confidence = result->confidence,
		.rule = result->rule,
		.version = result->version,
		.format = result->format,
		.size = result->size,
		.linked = linked,
		.claimed = !matches->count,
	};
	/* what proves too little outweighs nothing */
	psc_found_sift(matches, job->identified);
	file.proven = matches->count && psc_found_confidence(matches) >= job->know->least;
	result->identified = job->identified;
	result->proven = file.proven;
	digest(t, job, fd, st, &file, result);
	return result;
}

void psc_resolver_answer_unverified(struct psc_resolver_thread *t, const char *path,
				    const char *why)
{
	struct psc_resolver_result *result = psc_resolver_result_new(PSC_RESULT_PARTLY);

	if (!result)
		return;
	result->path = strdup(path);
	result->problem = strdup(why);
	if (result->path && result->problem)
		psc_resolver_answer(t->queue, result);
	else
		psc_resolver_result_free(result);
}

/* New files do not wait until there is room, nor does a run that is to end. */
static bool make_room(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	const struct timespec while_at_it = {.tv_nsec = 20000000};

	while (!psc_resolver_unknown_begin(t->queue, job->fresh)) {
		if (job->fresh || !psc_resolver_progress(t->queue))
			return false;
		psc_resolver_look_at_urgent(t);
		nanosleep(&while_at_it, NULL);
	}
	return true;
}

/* Has the content of a file looked at that is not known, or not well enough. Once a file. */
static void ask_about(struct psc_resolver_thread *t, const struct psc_resolver_job *job, int fd,
		      const char *path)
{
	struct psc_resolver_result *result;

	if (job->identified)
		return;
	if (!make_room(t, job)) {
		psc_resolver_answer_unverified(t, path, "too many files wait");
		return;
	}
	result = psc_resolver_result_new(PSC_RESULT_UNKNOWN);
	if (result) {
		result->path = strdup(path);
		result->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		result->fresh = job->fresh;
		result->changed_ns = job->changed_ns;
	}
	if (result && result->path && result->fd >= 0) {
		psc_resolver_answer(t->queue, result);
		return;
	}
	psc_resolver_result_free(result);
	psc_resolver_unknown_settled(t->queue);
	psc_resolver_answer_unverified(t, path, "no memory or no descriptor was left");
}

/* What is to be proven by the content, since place and name do not suffice. */
static bool is_open_question(const struct psc_resolver_result *result)
{
	return result->outcome == PSC_FOUND_CONFIDENCE || result->outcome == PSC_FOUND_PLACE ||
	       result->outcome == PSC_FOUND_LINK ||
	       (result->outcome == PSC_FOUND_DISTRIBUTION && !result->proven);
}

/* ---- a run -------------------------------------------------------------------------- */

/* Whether the run before had its content looked at, and it is the same still. */
static bool was_asked(const struct psc_resolver_thread *t, const struct psc_resolver_job *job,
		      const struct stat *st)
{
	const struct psc_resolver_found *file = psc_resolver_files_find(&t->files, st);

	return file && file->asked && t->files_serial == job->know->serial &&
	       same_content(&file->st, st);
}

/* -ENOMEM; what cannot be opened is gone, or reported as unverified. */
static int examine(struct psc_resolver_thread *t, const struct psc_resolver_job *job,
		   struct psc_resolver_found *found, size_t *recognised)
{
	_cleanup_close_ int fd = open(found->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct psc_matches matches = {};
	struct psc_resolver_result *result = NULL;
	struct stat st;
	int r;

	if (fd < 0 && errno != ENOENT && errno != ESRCH)
		psc_resolver_answer_unverified(t, found->path, strerrordesc_np(errno));
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	found->st = st;
	r = add_content_facts(&found->facts, psc_facts_get(&found->facts, PSC_FACT_PATH),
			      format_of(fd), st.st_size);
	if (!r)
		r = psc_indicators_match(job->know->indicators, &found->facts, &matches);
	if (!r && matches.count) {
		result = describe(t, job, fd, &st, found->linked, &found->facts, &matches);
		r = result ? 0 : -ENOMEM;
	}
	psc_matches_clear(&matches);
	if (!result)
		return r;
	(*recognised)++;
	found->asked = was_asked(t, job, &st);
	if (is_open_question(result) && !found->asked) {
		ask_about(t, job, fd, result->path);
		found->asked = true;
	}
	found->digested = result->digested;
	memcpy(found->digest, result->digest, PSC_DIGEST_SIZE);
	psc_resolver_answer(t->queue, result);
	return r;
}

static void run(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	struct psc_resolver_result *done = psc_resolver_result_new(PSC_RESULT_RUN_DONE);
	struct psc_resolver_files files = {};
	uint64_t begin = psc_time_boot();
	size_t recognised = 0;
	int r;

	if (!done)
		return;
	psc_resolver_mounts_refresh(t, true);
	psc_resolver_origin_refresh(&t->origin, job->know);
	psc_resolver_rpm_refresh(t, job->know);
	refresh_essential(t);
	t->ready = true;
	psc_resolver_ask_owners(t, job);
	r = psc_resolver_collect(t, job->know, &files);
	for (size_t i = 0; i < files.count && !r && psc_resolver_progress(t->queue); i++) {
		psc_resolver_look_at_urgent(t);
		r = examine(t, job, files.file[i], &recognised);
	}
	done->has_places = !r && psc_resolver_places(t, job->know, &done->places) == 0;
	done->examined = files.count;
	done->recognised = recognised;
	done->truncated = files.full || r < 0;
	done->took_ns = psc_time_boot() - begin;
	psc_resolver_files_clear(&t->files);
	t->files = files;
	t->files_serial = job->know->serial;
	psc_resolver_answer(t->queue, done);
}

/* A file that the run passed by for its place: its content may tell something else. */
static void look_at_content(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	_cleanup_close_ int fd = -1;
	struct psc_resolver_found *file = psc_resolver_files_find(&t->files, &job->st);
	struct stat st;

	if (file && file->asked && same_content(&file->st, &job->st))
		return;
	fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != job->st.st_ino ||
	    st.st_dev != job->st.st_dev) {
		/* it is gone; what took its place comes by itself */
		return;
	}
	if (file)
		file->asked = true;
	ask_about(t, job, fd, job->path);
}

/* ---- a new file --------------------------------------------------------------------- */

/*
 * Where it is by now: it may have been renamed since it was closed. One that has no name any more
 * has no place.
 */
static int add_place(struct psc_facts *facts, const struct psc_resolver_job *job,
		     const struct stat *st)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", job->fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || !st->st_nlink)
		return 0;
	path[n] = 0;
	return psc_facts_addf(facts, PSC_FACT_PATH, 0, "%s", path);
}

/* Nothing was recognised: was all of it read? */
static void look_for_problem(struct psc_resolver_thread *t, const struct psc_resolver_job *job,
			     const char *path)
{
	const char *problem = psc_facts_get(&job->facts, PSC_FACT_PROBLEM);

	if (job->identified && (problem || job->facts.truncated))
		psc_resolver_answer_unverified(t, path,
					       problem ?: "there is more in it than is looked at");
}

static int compare_digest(const void *a, const void *b)
{
	return memcmp(a, b, PSC_DIGEST_SIZE);
}

/* Content that is listed without its size, as a result; NULL: it is not, or memory is short. */
static struct psc_resolver_result *match_sizeless(struct psc_resolver_thread *t,
						  const struct psc_resolver_job *job,
						  const struct stat *st, enum psc_format format,
						  const char *path)
{
	const struct psc_resolver_know *know = job->know;
	const struct psc_resolver_sizeless *listed;
	struct psc_resolver_result *result;
	uint8_t digest_of[PSC_DIGEST_SIZE];
	uint64_t size;

	/* what is executed is digested by the kernel when a digest without size is listed */
	if (!know->sizeless_count || psc_format_forces_hashing(format) ||
	    (uint64_t)st->st_size > know->limit || psc_digest_fd(job->fd, digest_of, &size) < 0 ||
	    size != (uint64_t)st->st_size)
		return NULL;
	listed = bsearch(digest_of, know->sizeless, know->sizeless_count, sizeof(*know->sizeless),
			 compare_digest);
	result = listed ? psc_resolver_result_new(PSC_RESULT_FILE) : NULL;
	if (!result)
		return NULL;
	result->path = strdup(path);
	result->product = strdup(listed->product);
	result->rule = strdup("a digest that is listed without its size");
	if (!result->path || !result->product || !result->rule) {
		psc_resolver_result_free(result);
		return NULL;
	}
	result->role = listed->role;
	result->confidence = PSC_CONFIDENCE_HIGH;
	result->format = format;
	result->size = size;
	result->digested = result->proven = true;
	result->changed_ns = job->changed_ns;
	result->fresh = job->fresh;
	result->st = *st;
	memcpy(result->digest, digest_of, PSC_DIGEST_SIZE);
	if (psc_resolver_is_essential(t, "", st, digest_of))
		result->outcome = PSC_FOUND_ESSENTIAL;
	return result;
}

/* What is never executed, loaded or installed is left before anything is asked. */
void psc_resolver_look_at_file(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	struct psc_resolver_result *result = NULL, *listed = NULL;
	struct psc_matches matches = {};
	enum psc_format format = format_of(job->fd);
	const char *path;
	struct stat st;
	int r;

	if (format == PSC_FORMAT_ANY || fstat(job->fd, &st) < 0 || !st.st_size)
		return;
	prepare(t, job->know);
	r = add_place(&facts, job, &st);
	for (size_t i = 0; i < job->facts.count && !r; i++) {
		const struct psc_fact *fact = &job->facts.fact[i];

		if (fact->kind != PSC_FACT_PATH && fact->kind != PSC_FACT_FOREIGN_OWNER)
			r = psc_facts_addf(&facts, fact->kind, fact->group, "%s", fact->value);
	}
	/* for people, when it has none any more */
	path = psc_facts_get(&facts, PSC_FACT_PATH) ?: psc_facts_get(&job->facts, PSC_FACT_PATH);
	if (!path)
		path = NAMELESS;
	if (!r)
		r = add_content_facts(&facts, path, format, st.st_size);
	if (!r)
		r = psc_indicators_match(job->know->indicators, &facts, &matches);
	if (!r)
		r = psc_resolver_judge_owner(t, job, &st, &facts, &matches);
	if (!r && matches.count)
		result = describe(t, job, job->fd, &st, false, &facts, &matches);
	psc_matches_clear(&matches);
	if (!r && !job->identified && (!result || is_open_question(result)))
		listed = match_sizeless(t, job, &st, format, path);
	if (listed) {
		psc_resolver_result_free(result);
		result = listed;
	}
	if (!r && (!result || is_open_question(result)))
		ask_about(t, job, job->fd, path);
	if (!r && !result)
		look_for_problem(t, job, path);
	if (result)
		psc_resolver_answer(t->queue, result);
}

/* ---- jobs --------------------------------------------------------------------------- */

static void do_job(struct psc_resolver_thread *t, struct psc_resolver_job *job)
{
	switch (job->kind) {
	case PSC_JOB_RUN:
		run(t, job);
		break;
	case PSC_JOB_FILE:
		psc_resolver_look_at_file(t, job);
		break;
	case PSC_JOB_MOVE:
		psc_resolver_moved(t, job);
		break;
	case PSC_JOB_CONTENT:
		look_at_content(t, job);
		break;
	case PSC_JOB_MOUNTS:
		psc_resolver_mounts_watch(t, job);
		break;
	case PSC_JOB_LATE:
		prepare(t, job->know);
		psc_resolver_look_late(t, job);
		break;
	}
	psc_resolver_job_free(job);
}

void psc_resolver_look_at_urgent(struct psc_resolver_thread *t)
{
	struct psc_resolver_job *job;

	while ((job = psc_resolver_next_urgent(t->queue)))
		do_job(t, job);
}

void *psc_resolver_thread(void *data)
{
	struct psc_resolver_thread t = {.queue = data};
	struct psc_resolver_job *job;

	/* of this thread alone, on Linux */
	setpriority(PRIO_PROCESS, gettid(), THREAD_NICE);
	pthread_setname_np(pthread_self(), "resolver");
	t.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while ((job = psc_resolver_next(t.queue)))
		do_job(&t, job);
	psc_resolver_files_clear(&t.files);
	psc_resolver_orphans_clear(&t);
	psc_rpm_packages_clear(&t.rpm.packages);
	psc_essential_free(t.essential);
	psc_mounts_clear(&t.mounts);
	free(t.origin.md5);
	psc_closep(&t.root_fd);
	return NULL;
}
