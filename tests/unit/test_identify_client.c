/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_identify_client.c - the daemon's end of proscribe-identify: with stand-in workers that
 * crash, hang, answer rubbish or too much (this program again, started with their name), and
 * with the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/frame.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"
#include "user/daemon/identify.h"
#include "user/daemon/worker.h"
#include "user/identify/package.h"
#include "user/identify/wire.h"
#include "tests/unit/standin.h"

/* ---- stand-in workers ------------------------------------------------------------------ */

static void say_ready(void)
{
	json_t *ready;

	if (psc_wire_ready_encode(&ready) < 0 || psc_frame_send(3, ready) < 0)
		_exit(9);
	json_decref(ready);
}

static void reply_path(const struct psc_wire_request *request)
{
	struct psc_facts facts = {0};
	json_t *reply;

	psc_facts_add(&facts, PSC_FACT_PATH, 0, request->path, strlen(request->path));
	if (psc_wire_reply_encode(strcmp(request->path, "unreadable") ? 0 : -EIO, &facts, &reply))
		_exit(9);
	psc_frame_send(3, reply);
	json_decref(reply);
	psc_facts_clear(&facts);
}

static void misbehave(const char *mode, const struct psc_wire_request *request)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, PSC_FRAME_VERSION};
	static char much[1 << 16];

	if (strcmp(mode, "crash") == 0 && strcmp(request->path, "bad") == 0)
		raise(SIGKILL);
	if (strcmp(mode, "hang") == 0 && strcmp(request->path, "bad") == 0)
		pause();
	if (strcmp(mode, "rubbish") == 0 && strcmp(request->path, "bad") == 0)
		send(3, "rubbish that is no frame", 24, 0);
	else if (strcmp(mode, "nofacts") == 0)
		send(3, "\002\0\0\0\001{}", 7, 0);
	else if (strcmp(mode, "huge") == 0)
		send(3, huge, sizeof(huge), 0);
	else if (strcmp(mode, "endless") == 0)
		while (send(3, much, sizeof(much), MSG_NOSIGNAL) > 0)
			;
	else
		reply_path(request);
	if (strcmp(mode, "twice") == 0)
		reply_path(request);
}

static int stand_in(const char *mode)
{
	if (strcmp(mode, "dead") == 0)
		return 1;
	if (strcmp(mode, "mute") == 0)
		pause();
	say_ready();
	for (;;) {
		struct psc_wire_request request = {0};
		json_t *json = NULL;

		if (psc_frame_receive(3, PSC_WIRE_REQUEST_MAX, -1, &json) < 0 ||
		    psc_wire_request_decode(json, &request) < 0)
			return 1;
		json_decref(json);
		misbehave(mode, &request);
		psc_wire_request_clear(&request);
	}
}

/* ---- helpers ----------------------------------------------------------------------------- */

static char self[256];

static struct psc_identifier *identifier_of(const char *mode, uint64_t timeout_ms)
{
	/* the program and its arguments live as long as the identifier */
	static char script[128];
	struct psc_identifier_options options = {.worker = script,
						 .timeout_ns = timeout_ms * 1000000};
	struct psc_identifier *identifier;
	FILE *f;

	snprintf(script, sizeof(script), "%s/worker", standin_directory);
	f = fopen(script, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nexec %s stand-in %s\n", self, mode);
	fclose(f);
	assert_int_equal(chmod(script, 0755), 0);
	assert_int_equal(psc_identifier_new(&options, &identifier), 0);
	return identifier;
}

static void submit(struct psc_identifier *identifier, const char *path)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(psc_identifier_submit(identifier, fd, path, false, (void *)path), 0);
}

/* The next result, waiting for the one descriptor only. */
static struct psc_identification wait_result(struct psc_identifier *identifier)
{
	struct psc_identification result = {0};
	int r;

	while ((r = psc_identifier_take(identifier, &result)) == 0) {
		struct pollfd p = {.fd = psc_identifier_fd(identifier), .events = POLLIN};

		assert_int_equal(poll(&p, 1, 30000), 1);
	}
	assert_int_equal(r, 1);
	return result;
}

static void expect(struct psc_identifier *identifier, const char *path,
		   enum psc_identification_state state, int error)
{
	struct psc_identification result = wait_result(identifier);

	assert_ptr_equal(result.tag, path);
	assert_string_equal(result.path, path);
	assert_int_equal(result.state, state);
	assert_int_equal(result.error, error);
	if (state == PSC_IDENTIFIED) {
		assert_string_equal(psc_facts_get(&result.facts, PSC_FACT_PATH), path);
		assert_true(result.took_ns > 0);
	}
	psc_identification_clear(&result);
}

static void test_order(void **state)
{
	static const char *const paths[] = {"a", "b\377", "unreadable", "c"};
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier =
		identifier_of("echo", 0);

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		submit(identifier, paths[i]);
	assert_int_equal(psc_identifier_waiting(identifier), 4);
	expect(identifier, paths[0], PSC_IDENTIFIED, 0);
	psc_identifier_restart(identifier);
	expect(identifier, paths[1], PSC_IDENTIFIED, 0);
	expect(identifier, paths[2], PSC_IDENTIFY_UNREADABLE, -EIO);
	expect(identifier, paths[3], PSC_IDENTIFIED, 0);
	assert_int_equal(psc_identifier_waiting(identifier), 0);
	assert_int_equal(psc_identifier_counts(identifier).starts, 2);
	assert_int_equal(psc_identifier_counts(identifier).files, 4);
}

/* A file over which the worker ends costs the others nothing. */
static void one_bad(const char *mode, uint64_t timeout_ms, enum psc_identification_state state)
{
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier =
		identifier_of(mode, timeout_ms);

	submit(identifier, "good");
	submit(identifier, "bad");
	submit(identifier, "after");
	expect(identifier, "good", PSC_IDENTIFIED, 0);
	expect(identifier, "bad", state, 0);
	expect(identifier, "after", PSC_IDENTIFIED, 0);
	assert_int_equal(psc_identifier_counts(identifier).starts, 2);
	assert_int_equal(psc_identifier_counts(identifier).state[state], 1);
}

static void test_one_bad(void **state)
{
	uint64_t before = psc_time_boot();

	one_bad("crash", 0, PSC_IDENTIFY_CRASHED);
	one_bad("rubbish", 0, PSC_IDENTIFY_NONSENSE);
	assert_true(psc_time_boot() - before < 5 * PSC_NSEC_PER_SEC);
	one_bad("hang", 1000, PSC_IDENTIFY_TIMEOUT);
}

static void test_nonsense(void **state)
{
	static const char *const modes[] = {"nofacts", "huge", "endless"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		_cleanup_(psc_identifier_freep) struct psc_identifier *identifier =
			identifier_of(modes[i], 0);

		submit(identifier, "x");
		expect(identifier, "x", PSC_IDENTIFY_NONSENSE, 0);
	}
}

/* A second answer is none to the next question: that worker is not asked again. */
static void test_twice(void **state)
{
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier =
		identifier_of("twice", 0);
	struct pollfd p = {.fd = psc_identifier_fd(identifier), .events = POLLIN};
	struct psc_identification result;

	submit(identifier, "x");
	result = wait_result(identifier);
	/* the second may come in the same breath */
	assert_true(result.state == PSC_IDENTIFIED || result.state == PSC_IDENTIFY_NONSENSE);
	psc_identification_clear(&result);
	while (psc_identifier_counts(identifier).state[PSC_IDENTIFY_NONSENSE] == 0 &&
	       poll(&p, 1, 1000) == 1)
		assert_int_equal(psc_identifier_take(identifier, &result), 0);
	submit(identifier, "y");
	result = wait_result(identifier);
	assert_ptr_not_equal(result.tag, NULL);
	if (result.state == PSC_IDENTIFIED)
		assert_string_equal(psc_facts_get(&result.facts, PSC_FACT_PATH), "y");
	psc_identification_clear(&result);
	assert_int_equal(psc_identifier_counts(identifier).starts, 2);
}

static void test_no_worker(void **state)
{
	const struct psc_identifier_options options = {.worker = "/nonexistent"};
	_cleanup_(psc_identifier_freep) struct psc_identifier *dead = identifier_of("dead", 0);
	_cleanup_(psc_identifier_freep) struct psc_identifier *none = NULL;
	struct psc_identifier *mute;

	submit(dead, "x");
	submit(dead, "y");
	expect(dead, "x", PSC_IDENTIFY_UNAVAILABLE, -ECHILD);
	expect(dead, "y", PSC_IDENTIFY_UNAVAILABLE, -ECHILD);
	assert_int_equal(psc_identifier_counts(dead).starts, 1);
	assert_int_equal(psc_identifier_new(&options, &none), 0);
	submit(none, "x");
	expect(none, "x", PSC_IDENTIFY_UNAVAILABLE, -ENOENT);
	mute = identifier_of("mute", 300);
	submit(mute, "x");
	expect(mute, "x", PSC_IDENTIFY_UNAVAILABLE, -ETIMEDOUT);
	psc_identifier_free(mute);
}

/* Files that crash the worker do not make the daemon start one after the other. */
static void test_rate(void **state)
{
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier =
		identifier_of("crash", 0);
	struct psc_identification result;
	struct pollfd p = {.fd = psc_identifier_fd(identifier), .events = POLLIN};

	for (unsigned int i = 0; i < PSC_WORKER_STARTS_MAX + 1; i++)
		submit(identifier, "bad");
	for (unsigned int i = 0; i < PSC_WORKER_STARTS_MAX; i++)
		expect(identifier, "bad", PSC_IDENTIFY_CRASHED, 0);
	/* it waits, and nothing makes the daemon spin meanwhile */
	assert_int_equal(psc_identifier_take(identifier, &result), 0);
	assert_int_equal(poll(&p, 1, 100), 0);
	assert_int_equal(psc_identifier_counts(identifier).starts, PSC_WORKER_STARTS_MAX);
	assert_int_equal(psc_identifier_waiting(identifier), 1);
}

static void test_queue(void **state)
{
	struct psc_identifier_options options = {.worker = "/nonexistent", .queue_max = 1};
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier = NULL;

	assert_int_equal(psc_identifier_new(&options, &identifier), 0);
	submit(identifier, "x");
	assert_int_equal(psc_identifier_submit(identifier, dup(0), "y", false, NULL), -EAGAIN);
	expect(identifier, "x", PSC_IDENTIFY_UNAVAILABLE, -ENOENT);
	submit(identifier, "z");
	expect(identifier, "z", PSC_IDENTIFY_UNAVAILABLE, -ENOENT);
	assert_string_equal(psc_identification_to_string(PSC_IDENTIFY_NONSENSE), "nonsense");
	assert_null(psc_identification_to_string(PSC_IDENTIFICATION_STATES));
}

/* ---- the real worker ----------------------------------------------------------------------- */

static struct psc_identification identify_real(struct psc_identifier *identifier, const char *name)
{
	assert_int_equal(psc_identifier_submit(identifier, standin_open(name), name, true, NULL),
			 0);
	return wait_result(identifier);
}

static void expect_real(struct psc_identifier *identifier, const char *name,
			enum psc_fact_kind kind, const char *value)
{
	struct psc_identification result = identify_real(identifier, name);

	assert_int_equal(result.state, PSC_IDENTIFIED);
	assert_int_equal(standin_count(&result.facts, PSC_FACT_SHA256, NULL), 1);
	assert_int_equal(standin_count(&result.facts, PSC_FACT_PROBLEM, NULL), 0);
	if (standin_count(&result.facts, kind, value) == 0)
		fail_msg("%s: no %s \"%s\"", name, psc_fact_to_string(kind), value);
	psc_identification_clear(&result);
}

static const char make_files[] = STANDIN_TREE
	"mkdir -p tree/DEBIAN cat/acme; printf '%s\\n' 'Package: kesl' 'Version: 1'"
	" 'Architecture: all' 'Maintainer: s <s@example.invalid>' 'Description: s'"
	" >tree/DEBIAN/control; dpkg-deb --root-owner-group -Zxz -b tree a.deb; rm -r tree/DEBIAN;"
	"cp a.deb not.rpm; printf '\\355\\253\\356\\333' | dd of=not.rpm conv=notrunc bs=1;"
	"{ printf '#!/bin/sh\\nlabel=\"stand-in\"\\n'; tar -C tree -cJf - opt; } >a.run;"
	"printf '%s\\n' 'Name: kesl' 'Version: 1' 'Release: 1' 'Summary: s' 'License: none'"
	" 'Vendor: Stand-in' 'BuildArch: noarch' '%description' 's' '%files' '/opt' >s.spec;"
	"rm -rf tree/usr; rpmbuild --quiet -bb --define \"_rpmdir $PWD/out\""
	" --define \"_topdir $PWD/top\" --buildroot \"$PWD/tree\" s.spec;"
	"mv out/noarch/*.rpm a.rpm; cp /bin/true elf; printf plain >plain;";

static void test_real(void **state)
{
	const char *arguments[] = {"--catalog", "/nonexistent", "--trust", "/nonexistent", NULL};
	struct psc_identifier_options options = {.arguments = arguments};
	_cleanup_(psc_identifier_freep) struct psc_identifier *identifier = NULL;
	struct psc_identification result;
	char program[300];

	snprintf(program, sizeof(program), "%.*s/../../proscribe-identify",
		 (int)(strrchr(self, '/') - self), self);
	options.worker = program;
	standin_shell(make_files);
	assert_int_equal(psc_identifier_new(&options, &identifier), 0);
	expect_real(identifier, "a.deb", PSC_FACT_PACKAGE_NAME, "kesl");
	expect_real(identifier, "a.deb", PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl");
	if (psc_package_rpm_covered()) {
		expect_real(identifier, "a.rpm", PSC_FACT_PACKAGE_VENDOR, "Stand-in");
		expect_real(identifier, "a.rpm", PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl");
	}
	expect_real(identifier, "a.run", PSC_FACT_ARCHIVE_LABEL, "stand-in");
	expect_real(identifier, "a.run", PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl");
	expect_real(identifier, "elf", PSC_FACT_ELF_NEEDED, "libc.so.6");
	expect_real(identifier, "plain", PSC_FACT_FORMAT, "any");
	result = identify_real(identifier, "not.rpm");
	assert_int_equal(result.state, PSC_IDENTIFIED);
	assert_true(standin_count(&result.facts, PSC_FACT_PROBLEM, NULL) > 0);
	psc_identification_clear(&result);
	assert_int_equal(psc_identifier_submit(identifier, open("/", O_RDONLY | O_CLOEXEC), "/",
					       false, NULL),
			 0);
	result = wait_result(identifier);
	assert_int_equal(result.state, PSC_IDENTIFY_UNREADABLE);
	psc_identification_clear(&result);
	/* one worker for all of it */
	assert_int_equal(psc_identifier_counts(identifier).starts, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	  cmocka_unit_test(test_one_bad),
		cmocka_unit_test(test_nonsense),  cmocka_unit_test(test_twice),
		cmocka_unit_test(test_no_worker), cmocka_unit_test(test_rate),
		cmocka_unit_test(test_queue),	  cmocka_unit_test(test_real),
	};

	if (argc == 3 && strcmp(argv[1], "stand-in") == 0)
		return stand_in(argv[2]);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, standin_setup, standin_teardown);
}
