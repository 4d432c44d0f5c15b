/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journal_killed.c - a daemon that is killed at any moment, and started again, records every
 * attempt once: records and counts of repeats add up. A process that goes through a pretended
 * ring is killed at each call to the rest of the daemon in turn, and at random moments.
 */
#include "user/core/util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "user/core/chain_verify.h"
#include "user/core/json.h"
#include "user/daemon/journal.c"
#include "user/daemon/seen.c"
#include "tests/unit/journal_host.h"

/* Moments at which the process may end; the last one is the last_moment'th of last_kind. */
enum kind { ANY, TAKING, COMMITTING, COMMITTED, KINDS };

static enum kind last_kind;
static unsigned int moments, last_moment;

static void moment(enum kind kind)
{
	if ((last_kind == ANY || last_kind == kind) && ++moments == last_moment)
		raise(SIGKILL);
}

/* Another part of the daemon was asked for the event, or told of its record. */
static void called(void)
{
	moment(ANY);
}

/* ---- the ring: outlives the process, as the kernel's does -------------------------------- */

#define EVENTS	  3000
#define PROCESSES 7

static unsigned long *consumer, position;
static struct psc_event current;

/* Every fifth is a refusal, of processes that try twice; the others repeat themselves. */
static const struct psc_event *event_number(unsigned long n)
{
	memset(&current, 0, offsetof(struct psc_event, path));
	current.head = (struct psc_event_head){
		.type = PSC_EVENT_DECISION,
		.length = sizeof(current),
		.sequence = n / 2,
		.cpu = (uint32_t)(n % 2),
		.boot_ns = 1000 + n,
	};
	current.verdict = n % 5 ? PSC_VERDICT_RECORD : PSC_VERDICT_DENY;
	current.unverified = PSC_UNVERIFIED_MEMFD;
	current.process.tgid = (uint32_t)(n % 5 ? n % PROCESSES : PROCESSES + n / 10);
	current.path_length =
		(uint16_t)snprintf(current.path, sizeof(current.path), "/memfd:jit (deleted)");
	return &current;
}

int psc_ring_next(struct psc_ring *ring, const void **ret_data, size_t *ret_size)
{
	if (position == EVENTS)
		return 0;
	moment(TAKING);
	*ret_data = event_number(position++);
	*ret_size = sizeof(current);
	return 1;
}

unsigned long psc_ring_position(const struct psc_ring *ring)
{
	return position;
}

unsigned long psc_ring_produced(const struct psc_ring *ring)
{
	return EVENTS;
}

void psc_ring_commit(struct psc_ring *ring)
{
	moment(COMMITTING);
	*consumer = position;
	moment(COMMITTED);
}

void psc_ring_back(struct psc_ring *ring, unsigned long to)
{
	position = to;
}

void psc_ring_rewind(struct psc_ring *ring)
{
	position = *consumer;
}

/* ---- the process ----------------------------------------------------------------------- */

static char directory[] = "/tmp/psc-killed-XXXXXX";
static char kept[64], logs[64];
static struct psc_image image;

/* So many more bytes than it has may the log have. */
static void leave_room(const struct psc_daemon *daemon, rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes ? psc_auditlog_size(daemon->log) + bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What a daemon does until the ring is empty; with @room for so many bytes at first. */
static void work(rlim_t room)
{
	static struct psc_daemon daemon;
	const struct psc_fold_ring ring = {"0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11", 1, *consumer};

	signal(SIGXFSZ, SIG_IGN);
	position = *consumer;
	daemon.guard = &host_guard;
	daemon.policy.image = &image;
	daemon.policy.generation = 7;
	snprintf(daemon.boot_id, sizeof(daemon.boot_id), "%s", ring.boot_id);
	if (psc_config_new(&daemon.policy.config) < 0)
		_exit(2);
	daemon.policy.config->log_directory = logs;
	if (psc_fold_open(kept, &ring, &daemon.fold) < 0)
		_exit(3);
	psc_journal_open(&daemon);
	if (!daemon.log)
		_exit(4);
	leave_room(&daemon, room);
	for (unsigned int n = 0; *consumer < EVENTS; n++) {
		psc_journal_drain_some(&daemon);
		psc_journal_repeats(&daemon, n % 3 == 2);
		if (n == 4 && room) {
			psc_journal_open(&daemon);
			leave_room(&daemon, 0);
		}
	}
	/* the ring may be empty before there is room again */
	psc_journal_open(&daemon);
	leave_room(&daemon, 0);
	psc_journal_repeats(&daemon, true);
	_exit(daemon.log_error ? 5 : 0);
}

/* True when it came to its end by itself. */
static bool run(enum kind kind, unsigned int moments_left, useconds_t time, rlim_t room)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		last_kind = kind;
		last_moment = moments_left;
		host_called = called;
		work(room);
	}
	if (time) {
		usleep(time);
		kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFEXITED(status);
}

/* ---- what the log says --------------------------------------------------------------- */

static void assert_once(void)
{
	struct psc_chain_verify_options options = {};
	struct psc_auditlog_reader *reader;
	struct psc_chain_report report;
	static bool seen[EVENTS];
	struct psc_auditlog_line line;
	json_int_t records = 0, repeats = 0, refusals = 0;

	memset(seen, 0, sizeof(seen));
	assert_int_equal(psc_auditlog_reader_new(logs, 0, false, &reader), 0);
	while (psc_auditlog_reader_next(reader, &line) > 0) {
		const json_t *own = json_object_get(line.json, "proscribe");
		const char *verdict = json_string_value(json_object_get(own, "verdict"));
		json_int_t n, count = json_integer_value(json_object_get(own, "repeats"));

		assert_non_null(own);
		if (!verdict)
			continue;
		n = json_integer_value(json_object_get(own, "boot_ns")) - 1000;
		assert_in_range(n, 0, EVENTS - 1);
		assert_false(seen[n]);
		seen[n] = true;
		repeats += count;
		records += !count;
		refusals += strcmp(verdict, "deny") ? 0 : count ? count : 1;
	}
	psc_auditlog_reader_free(reader);
	assert_int_equal(refusals, EVENTS / 5);
	assert_int_equal(records + repeats, EVENTS);
	assert_true(repeats > 0);
	assert_int_equal(psc_chain_verify(logs, &options, &report), 0);
	assert_int_equal(report.fault, PSC_CHAIN_INTACT);
}

static int setup(void **state)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	if (!mkdtemp(directory))
		return -1;
	snprintf(kept, sizeof(kept), "%s/repeats", directory);
	snprintf(logs, sizeof(logs), "%s/log", directory);
	consumer = mmap(NULL, sizeof(*consumer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	return consumer == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	char command[64];

	munmap(consumer, sizeof(*consumer));
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* ---- tests ----------------------------------------------------------------------------- */

static unsigned int random_below(unsigned int bound)
{
	static uint64_t seed = 88172645463325252;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed % bound);
}

static void test_undisturbed(void **state)
{
	assert_true(run(ANY, 0, 0, 0));
	assert_once();
}

/* Around every step of a group's end, and of the repeats'. */
static void test_killed_at_moments(void **state)
{
	unsigned int killed = 0;

	for (enum kind kind = TAKING; kind < KINDS; kind++)
		for (unsigned int at = 1; at <= 3; at++)
			killed += !run(kind, kind == TAKING ? 100 * at : at % 3 + 1, 0, 0);
	while (!run(ANY, 1 + random_below(900), 0, 0))
		killed++;
	assert_true(killed > 10);
	assert_once();
}

static void test_killed_at_any_time(void **state)
{
	unsigned int killed = 0;

	for (unsigned int n = 0; n < 200 && !run(ANY, 0, 1 + random_below(4000 + 100 * n), 0); n++)
		killed++;
	assert_true(run(ANY, 0, 0, 0));
	assert_true(killed > 3);
	assert_once();
}

/* The disk is full now and then, too. */
static void test_killed_without_room(void **state)
{
	unsigned int killed = 0;

	while (!run(ANY, 1 + random_below(900), 0, 1 + random_below(100000)))
		killed++;
	assert_true(killed > 3);
	assert_once();
}

/* Counts of another boot are nobody's; those of a guard that is gone are kept. */
static bool is_none_written(const void *userdata, const struct psc_event_head *head)
{
	return false;
}

static void test_other_rings(void **state)
{
	struct psc_fold_ring ring = {"a", 1, 0};
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
	for (unsigned long n = 0; n < 3; n++)
		assert_int_equal(psc_fold_hold(fold, event_number(1 + 5 * PROCESSES * n)), n > 0);
	psc_fold_free(fold);
	ring.attached_ns = 2;
	assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
	psc_fold_forget(fold, is_none_written, NULL);
	assert_true(psc_fold_take(fold, UINT64_MAX, &repeats));
	assert_int_equal(repeats.count, 2);
	psc_fold_rewind(fold);
	psc_fold_free(fold);
	ring.boot_id = "b";
	assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
	assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
	psc_fold_free(fold);
}

/* A group whose position the ring did not reach has not been. */
static void test_position_decides(void **state)
{
	struct psc_fold_ring ring = {"a", 1, 0};
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	for (unsigned int reached = 0; reached < 2; reached++) {
		assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
		psc_fold_hold(fold, event_number(1));
		psc_fold_ready(fold, 10);
		psc_fold_commit(fold);
		assert_true(psc_fold_hold(fold, event_number(1)));
		psc_fold_ready(fold, 20);
		psc_fold_free(fold);
		ring.position = reached ? 20 : 10;
		assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
		assert_int_equal(psc_fold_take(fold, UINT64_MAX, &repeats), reached);
		psc_fold_free(fold);
		assert_int_equal(unlink(kept), 0);
	}
}

/* What others may write, or what is no such file, is not trusted. */
static void test_bad_files(void **state)
{
	const struct psc_fold_ring ring = {"a", 1, 0};
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;
	struct stat st;
	FILE *f;

	assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
	psc_fold_hold(fold, event_number(1));
	psc_fold_hold(fold, event_number(1));
	psc_fold_ready(fold, 0);
	psc_fold_commit(fold);
	psc_fold_free(fold);
	assert_int_equal(chmod(kept, 0660), 0);
	assert_int_equal(psc_fold_open(kept, &ring, &fold), -EPERM);
	assert_int_equal(chmod(kept, 0600), 0);
	f = fopen(kept, "r+e");
	assert_non_null(f);
	/* behind the first entry: its event is none any more */
	assert_int_equal(fstat(fileno(f), &st), 0);
	assert_int_equal(fseek(f, 256, SEEK_SET), 0);
	for (off_t i = 256; i < st.st_size; i++)
		fputc('x', f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
	assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
	psc_fold_free(fold);
	assert_int_equal(truncate(kept, 100), 0);
	assert_int_equal(psc_fold_open(kept, &ring, &fold), 0);
	assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
	psc_fold_free(fold);
	assert_int_equal(unlink(kept), 0);
	assert_int_equal(symlink("/dev/null", kept), 0);
	assert_int_equal(psc_fold_open(kept, &ring, &fold), -ELOOP);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_undisturbed),	       TEST(test_killed_at_moments),
		TEST(test_killed_at_any_time), TEST(test_killed_without_room),
		TEST(test_other_rings),	       TEST(test_position_decides),
		TEST(test_bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
