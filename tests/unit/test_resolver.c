/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_resolver.c - the resolver's thread and its queues: what goes first, what is held back where
 * anybody can write, what the content shows, and that the thread ends when it is told to. What
 * runs already is looked for in the lab.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define WAIT_MS 60000

static const char catalog_text[] = "vendor: acme\n"
				   "entity: acme\n"
				   "products:\n"
				   "  - product: tool\n"
				   "    name: Acme Tool\n"
				   "    source: the test\n"
				   "    label: A\n";

static const char rule_head[] = "vendor: acme\nrules:\n";

static struct psc_catalog catalog;
static char directory[] = "/tmp/psc-resolver-XXXXXX";

void psc_resolver_look_late(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	struct psc_resolver_result *done = psc_resolver_result_new(PSC_RESULT_LATE_DONE);

	if (done)
		psc_resolver_answer(t->queue, done);
}

static struct psc_resolver_know *know_new(void)
{
	struct psc_resolver_know *know = calloc(1, sizeof(*know));
	struct psc_error error = {0};
	char text[2048];

	snprintf(
		text, sizeof(text),
		"%s  - {rule: place, product: tool, role: program, confidence: high, source: t,\n"
		"     label: A, all: [{fact: path, match: under, value: %s}]}\n"
		"  - {rule: marker, product: tool, role: library, confidence: high, source: t,\n"
		"     label: A, all: [{fact: format, value: elf}, {fact: marker, value: ACME-1}]}\n",
		rule_head, directory);
	assert_non_null(know);
	assert_int_equal(psc_indicators_new(&know->indicators), 0);
	if (psc_indicators_parse(know->indicators, &catalog, text, strlen(text), "test", &error) <
	    0)
		fail_msg("%s", error.message);
	know->users = 1;
	know->serial = 1;
	know->least = PSC_CONFIDENCE_HIGH;
	know->limit = 1 << 20;
	return know;
}

static int set_up(void **state)
{
	struct psc_error error = {0};

	assert_non_null(mkdtemp(directory));
	if (psc_catalog_parse(&catalog, catalog_text, strlen(catalog_text), "test", &error) < 0)
		fail_msg("%s", error.message);
	return 0;
}

static int tear_down(void **state)
{
	psc_catalog_clear(&catalog);
	return rmdir(directory);
}

/* An ELF file's head is enough: nothing here parses more. */
static int program(char *path, size_t size, const char *name)
{
	static const char head[64] = "\177ELF\2\1\1";
	int fd;

	snprintf(path, size, "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	return fd;
}

static struct psc_resolver_job *file_job(struct psc_resolver_know *know, int fd, const char *path)
{
	struct psc_resolver_job *job = psc_resolver_job_new(PSC_JOB_FILE, know);

	assert_non_null(job);
	job->fd = fd;
	job->fresh = true;
	assert_int_equal(psc_facts_addf(&job->facts, PSC_FACT_PATH, 0, "%s", path), 0);
	return job;
}

/* The next one, which the caller frees. */
static struct psc_resolver_result *next_result(struct psc_resolver_queue *queue,
					       struct psc_resolver_result **rest)
{
	struct psc_resolver_result *result = *rest;

	while (!result) {
		struct pollfd ready = {.fd = queue->event_fd, .events = POLLIN};

		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		result = psc_resolver_take(queue);
	}
	*rest = result->next;
	return result;
}

static void *no_thread(void *data)
{
	return NULL;
}

/* New mounts, new files, what runs, everything else; of one kind the older. */
static void test_order(void **state)
{
	static const enum psc_resolver_job_kind pushed[] = {PSC_JOB_RUN,  PSC_JOB_LATE,
							    PSC_JOB_FILE, PSC_JOB_CONTENT,
							    PSC_JOB_MOVE, PSC_JOB_MOUNTS};
	static const enum psc_resolver_job_kind taken[] = {PSC_JOB_MOUNTS, PSC_JOB_FILE,
							   PSC_JOB_MOVE, PSC_JOB_LATE};
	struct psc_resolver_know *know = know_new();
	struct psc_resolver_queue queue = {0};
	struct psc_resolver_job *job;

	assert_int_equal(psc_resolver_queue_start(&queue, no_thread), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pushed); i++)
		psc_resolver_push(&queue, psc_resolver_job_new(pushed[i], know));
	assert_int_equal(psc_resolver_waiting(&queue), ARRAY_SIZE(pushed));
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		job = psc_resolver_next_urgent(&queue);
		assert_non_null(job);
		assert_int_equal(job->kind, taken[i]);
		psc_resolver_job_free(job);
	}
	assert_null(psc_resolver_next_urgent(&queue));
	job = psc_resolver_next(&queue);
	assert_int_equal(job->kind, PSC_JOB_RUN);
	psc_resolver_job_free(job);
	/* what is left is freed with the queue */
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
	assert_int_equal(know->users, 1);
	psc_resolver_know_drop(know);
}

/* A run leaves room for new files. */
static void test_unknown(void **state)
{
	struct psc_resolver_queue queue = {0};

	assert_int_equal(psc_resolver_queue_start(&queue, no_thread), 0);
	for (size_t i = 0; i < PSC_RESOLVER_UNKNOWN_MAX / 2; i++)
		assert_true(psc_resolver_unknown_begin(&queue, false));
	assert_false(psc_resolver_unknown_begin(&queue, false));
	for (size_t i = PSC_RESOLVER_UNKNOWN_MAX / 2; i < PSC_RESOLVER_UNKNOWN_MAX; i++)
		assert_true(psc_resolver_unknown_begin(&queue, true));
	assert_false(psc_resolver_unknown_begin(&queue, true));
	psc_resolver_unknown_settled(&queue);
	assert_true(psc_resolver_unknown_begin(&queue, true));
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
}

static void *slow_thread(void *data)
{
	struct psc_resolver_queue *queue = data;
	struct psc_resolver_job *job = psc_resolver_next(queue);

	while (psc_resolver_progress(queue))
		usleep(1000);
	psc_resolver_job_free(job);
	return NULL;
}

static void test_busy_and_end(void **state)
{
	struct psc_resolver_know *know = know_new();
	struct psc_resolver_queue queue = {0};

	assert_int_equal(psc_resolver_queue_start(&queue, slow_thread), 0);
	assert_int_equal(psc_resolver_busy(&queue, psc_time_boot()), 0);
	psc_resolver_push(&queue, psc_resolver_job_new(PSC_JOB_RUN, know));
	while (psc_resolver_waiting(&queue))
		usleep(1000);
	assert_true(psc_resolver_busy(&queue, psc_time_boot() + PSC_RESOLVER_STUCK_NS * 2) >
		    PSC_RESOLVER_STUCK_NS);
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
	psc_resolver_know_drop(know);
}

/* In a directory that anybody may write a place is a claim: the content has to tell. */
static void test_claims(void **state)
{
	struct psc_resolver_know *know = know_new();
	struct psc_resolver_queue queue = {0};
	struct psc_resolver_result *rest = NULL, *result;
	char path[128];
	int fd;

	assert_int_equal(psc_resolver_queue_start(&queue, psc_resolver_thread), 0);
	fd = program(path, sizeof(path), "tool");
	psc_resolver_push(&queue, file_job(know, fd, path));
	result = next_result(&queue, &rest);
	assert_int_equal(result->kind, PSC_RESULT_UNKNOWN);
	assert_string_equal(result->path, path);
	assert_true(result->fd >= 0);
	psc_resolver_result_free(result);
	result = next_result(&queue, &rest);
	assert_int_equal(result->kind, PSC_RESULT_FILE);
	assert_int_equal(result->outcome, PSC_FOUND_PLACE);
	assert_string_equal(result->rule, "acme/place");
	assert_false(result->proven);
	assert_false(result->identified);
	psc_resolver_result_free(result);
	unlink(path);
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
	psc_resolver_know_drop(know);
}

static void test_content(void **state)
{
	struct psc_resolver_know *know = know_new();
	struct psc_resolver_queue queue = {0};
	struct psc_resolver_result *rest = NULL, *result;
	struct psc_resolver_job *job;
	char path[128];

	assert_int_equal(psc_resolver_queue_start(&queue, psc_resolver_thread), 0);
	job = file_job(know, program(path, sizeof(path), "tool"), path);
	job->identified = true;
	assert_int_equal(psc_facts_addf(&job->facts, PSC_FACT_MARKER, 0, "ACME-1"), 0);
	psc_resolver_push(&queue, job);
	result = next_result(&queue, &rest);
	assert_int_equal(result->kind, PSC_RESULT_FILE);
	assert_int_equal(result->outcome, PSC_FOUND_FED);
	assert_string_equal(result->rule, "acme/marker");
	assert_int_equal(result->role, PSC_ROLE_LIBRARY);
	assert_true(result->proven);
	/* nobody asks again */
	assert_true(result->identified);
	psc_resolver_result_free(result);
	unlink(path);

	/* of nobody's, but not all of it was read: somewhere else, where no rule looks */
	job = file_job(know, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "/none");
	job->identified = true;
	assert_int_equal(psc_facts_addf(&job->facts, PSC_FACT_PROBLEM, 0, "cut at 7"), 0);
	psc_resolver_push(&queue, job);
	result = next_result(&queue, &rest);
	assert_int_equal(result->kind, PSC_RESULT_PARTLY);
	assert_string_equal(result->problem, "cut at 7");
	psc_resolver_result_free(result);
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
	psc_resolver_know_drop(know);
}

/* A package that is listed without a size, wherever it lies; a program of the same list is not. */
static void test_sizeless(void **state)
{
	static const char package[] = "!<arch>\ndebian-binary   0           0     0     100644  4 "
				      "        `\n2.0\n";
	struct psc_resolver_know *know = know_new();
	struct psc_resolver_queue queue = {0};
	struct psc_resolver_result *rest = NULL, *result;
	uint64_t size;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/package.deb", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, package, sizeof(package) - 1), sizeof(package) - 1);
	know->sizeless = calloc(2, sizeof(*know->sizeless));
	know->sizeless_count = 1;
	know->sizeless[0].role = PSC_ROLE_INSTALLER;
	know->sizeless[0].product = strdup("acme/tool");
	assert_int_equal(psc_digest_fd(fd, know->sizeless[0].digest, &size), 0);
	assert_int_equal(psc_resolver_queue_start(&queue, psc_resolver_thread), 0);
	psc_resolver_push(&queue, file_job(know, fd, path));
	result = next_result(&queue, &rest);
	assert_int_equal(result->kind, PSC_RESULT_FILE);
	assert_int_equal(result->format, PSC_FORMAT_DEB);
	assert_int_equal(result->outcome, PSC_FOUND_FED);
	assert_int_equal(result->size, sizeof(package) - 1);
	assert_int_equal(result->role, PSC_ROLE_INSTALLER);
	assert_string_equal(result->product, "acme/tool");
	psc_resolver_result_free(result);
	unlink(path);
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
	psc_resolver_know_drop(know);
}

/* The thread ends in the middle of what it does, with everything that waits. */
static void test_end_under_load(void **state)
{
	struct psc_resolver_know *know = know_new();
	struct psc_resolver_queue queue = {0};
	char path[128];

	assert_int_equal(psc_resolver_queue_start(&queue, psc_resolver_thread), 0);
	for (unsigned int i = 0; i < 200; i++) {
		int fd = program(path, sizeof(path), "tool");

		psc_resolver_push(&queue, file_job(know, fd, path));
		psc_resolver_push(&queue, psc_resolver_job_new(PSC_JOB_LATE, know));
	}
	assert_true(psc_resolver_queue_end(&queue, WAIT_MS));
	unlink(path);
	assert_int_equal(know->users, 1);
	psc_resolver_know_drop(know);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	       cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_busy_and_end),   cmocka_unit_test(test_claims),
		cmocka_unit_test(test_content),	       cmocka_unit_test(test_sizeless),
		cmocka_unit_test(test_end_under_load),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
