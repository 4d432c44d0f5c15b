/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_run.c - the resolver's thread: opens files, asks the indicators, digests what is
 * recognised and hands it to the daemon; see resolver_internal.h. A file system that never
 * answers stops this thread and nothing else.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "user/core/digest.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"
#include "user/identify/essential.h"

#define THREAD_NICE 5

/* What the thread keeps from one job to the next. */
struct thread {
	struct psc_resolver_queue *queue;
	struct psc_resolver_files files; /* of the last run: what did not change is not read */
	struct psc_resolver_origin origin;
	struct psc_essential *essential; /* NULL: not known; the interlock still is there */
};

/* ---- one file ----------------------------------------------------------------------- */

static struct psc_resolver_result *result_new(enum psc_resolver_result_kind kind)
{
	struct psc_resolver_result *result = calloc(1, sizeof(*result));

	if (result) {
		result->kind = kind;
		result->fd = -1;
	}
	return result;
}

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
static bool known_digest(const struct thread *t, const struct stat *st, uint8_t *digest)
{
	const struct psc_resolver_found *file = psc_resolver_files_find(&t->files, st);

	if (!file || !file->digested || !same_content(&file->st, st))
		return false;
	memcpy(digest, file->digest, PSC_DIGEST_SIZE);
	return true;
}

/* Whether the host needs a file with this content; only those of its size are read. */
static bool is_essential(const struct thread *t, uint64_t size, const uint8_t *digest)
{
	uint8_t own[PSC_DIGEST_SIZE];

	for (size_t i = 0; t->essential && i < t->essential->count; i++) {
		const struct psc_essential_file *file = &t->essential->file[i];
		_cleanup_close_ int fd = -1;

		if (file->size != size)
			continue;
		fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 && !psc_digest_fd(fd, own, NULL) &&
		    memcmp(own, digest, PSC_DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

/* As packages come and go. What cannot be found out leaves what was known. */
static void refresh_essential(struct thread *t)
{
	struct psc_essential *essential;
	struct psc_error ignored;

	if (psc_essential_find("/", &essential, &ignored) < 0)
		return;
	psc_essential_free(t->essential);
	t->essential = essential;
}

/* Digests it if that may lead to something. A file that is changed meanwhile comes again. */
static void digest(struct thread *t, const struct psc_resolver_job *job, int fd,
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
	file->essential = is_essential(t, result->size, result->digest);
	file->distribution = psc_resolver_origin_has(&t->origin, fd);
	result->outcome = psc_found_judge(file, job->know->least, job->know->limit);
}

/* What is known of a recognised file, as a result; NULL when memory is short. */
static struct psc_resolver_result *describe(struct thread *t, const struct psc_resolver_job *job,
					    int fd, const struct stat *st, bool linked,
					    const struct psc_facts *facts,
					    const struct psc_matches *matches)
{
	const struct psc_indicator *rule = matches->rule[0];
	const char *path = psc_facts_get(facts, PSC_FACT_PATH) ?: "";
	const char *version = psc_facts_get(facts, PSC_FACT_PACKAGE_VERSION);
	struct psc_resolver_result *result = result_new(PSC_RESULT_FILE);
	struct psc_found_file file;

	if (!result)
		return NULL;
	result->path = strdup(path);
	result->product = strdup(rule->product);
	result->rule = strdup(rule->id);
	result->version = version ? strdup(version) : NULL;
	if (!result->path || !result->product || !result->rule || (version && !result->version)) {
		psc_resolver_result_free(result);
		return NULL;
	}
	result->role = rule->role;
	result->confidence = psc_found_confidence(matches);
	result->format = format_of(fd);
	result->size = st->st_size;
	result->changed_ns = job->changed_ns;
	result->fresh = job->fresh;
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
	};
	digest(t, job, fd, st, &file, result);
	return result;
}

/* Has the content of a file looked at that is not known, or not well enough. Once a file. */
static void ask_about(struct thread *t, const struct psc_resolver_job *job, int fd,
		      const char *path)
{
	struct psc_resolver_result *result;

	if (job->identified)
		return;
	result = result_new(PSC_RESULT_UNKNOWN);
	if (!result)
		return;
	result->path = strdup(path);
	result->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	result->fresh = job->fresh;
	result->changed_ns = job->changed_ns;
	if (result->path && result->fd >= 0)
		psc_resolver_answer(t->queue, result);
	else
		psc_resolver_result_free(result);
}

/* ---- a run -------------------------------------------------------------------------- */

/* -ENOMEM; what cannot be opened is gone, or reported as unverified. */
static int examine(struct thread *t, const struct psc_resolver_job *job,
		   struct psc_resolver_found *found, size_t *recognised)
{
	_cleanup_close_ int fd = open(found->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct psc_matches matches = {};
	struct psc_resolver_result *result = NULL;
	struct stat st;
	int r;

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
	if (result->outcome == PSC_FOUND_CONFIDENCE)
		ask_about(t, job, fd, result->path);
	found->digested = result->digested;
	memcpy(found->digest, result->digest, PSC_DIGEST_SIZE);
	psc_resolver_answer(t->queue, result);
	return r;
}

static void look_at_file(struct thread *t, const struct psc_resolver_job *job);

/* Between two files of a run: new ones do not wait for its end. */
static void look_at_new_files(struct thread *t)
{
	struct psc_resolver_job *job;

	while ((job = psc_resolver_next_file(t->queue))) {
		look_at_file(t, job);
		psc_resolver_job_free(job);
	}
}

static void run(struct thread *t, const struct psc_resolver_job *job)
{
	struct psc_resolver_files files = {};
	struct psc_resolver_result *done = result_new(PSC_RESULT_RUN_DONE);
	uint64_t begin = psc_time_boot();
	size_t recognised = 0;
	int r;

	if (!done)
		return;
	psc_resolver_origin_refresh(&t->origin, job->know);
	refresh_essential(t);
	r = psc_resolver_collect(job->know, &files);
	for (size_t i = 0; i < files.count && !r; i++) {
		look_at_new_files(t);
		r = examine(t, job, files.file[i], &recognised);
	}
	done->examined = files.count;
	done->recognised = recognised;
	done->truncated = files.full || r < 0;
	done->took_ns = psc_time_boot() - begin;
	psc_resolver_files_clear(&t->files);
	t->files = files;
	psc_resolver_answer(t->queue, done);
}

/* ---- a new file --------------------------------------------------------------------- */

/* What is never executed, loaded or installed is left before anything is asked. */
static void look_at_file(struct thread *t, const struct psc_resolver_job *job)
{
	const char *path = psc_facts_get(&job->facts, PSC_FACT_PATH) ?: "";
	struct psc_resolver_result *result = NULL;
	struct psc_matches matches = {};
	struct psc_facts facts = {};
	enum psc_format format = format_of(job->fd);
	struct stat st;
	int r = 0;

	if (format == PSC_FORMAT_ANY || fstat(job->fd, &st) < 0 || !st.st_size)
		return;
	for (size_t i = 0; i < job->facts.count && !r; i++)
		r = psc_facts_addf(&facts, job->facts.fact[i].kind, job->facts.fact[i].group, "%s",
				   job->facts.fact[i].value);
	if (!r)
		r = add_content_facts(&facts, path, format, st.st_size);
	if (!r)
		r = psc_indicators_match(job->know->indicators, &facts, &matches);
	if (!r && matches.count)
		result = describe(t, job, job->fd, &st, false, &facts, &matches);
	psc_matches_clear(&matches);
	psc_facts_clear(&facts);
	if (!r && (!result || result->outcome == PSC_FOUND_CONFIDENCE))
		ask_about(t, job, job->fd, path);
	if (result)
		psc_resolver_answer(t->queue, result);
}

void *psc_resolver_thread(void *data)
{
	struct thread t = {.queue = data};

	/* of this thread alone, on Linux */
	setpriority(PRIO_PROCESS, gettid(), THREAD_NICE);
	pthread_setname_np(pthread_self(), "resolver");
	for (;;) {
		struct psc_resolver_job *job = psc_resolver_next(t.queue);

		switch (job->kind) {
		case PSC_JOB_RUN:
			run(&t, job);
			break;
		case PSC_JOB_FILE:
			look_at_file(&t, job);
			break;
		case PSC_JOB_LATE:
			psc_resolver_look_late(t.queue, job);
			break;
		}
		psc_resolver_job_free(job);
	}
	return NULL;
}
