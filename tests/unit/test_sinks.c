/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sinks.c - the status file and the metrics: whole or not at all, never through somebody
 * else's link, a failure counted and said once, nothing written for no change.
 */
#include "user/core/util.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "user/core/paths.h"

#undef PSC_PATH_STATUS_JSON
#undef PSC_PATH_JOURNAL
#define PSC_PATH_STATUS_JSON "run/status.json"
#define PSC_PATH_JOURNAL     "run/journal"

#include "user/daemon/metrics.c"
#include "user/daemon/sink_file.c"
#include "user/daemon/sink_journald.c"
#include "user/daemon/statusfile.c"

/* ---- the rest of the daemon ---------------------------------------------------------------- */

static unsigned int said;
static const char *status_now;

void psc_say(const char *fmt, ...)
{
	said++;
}

int psc_status_json(struct psc_daemon *daemon, json_t **ret)
{
	*ret = json_loads(status_now, 0, NULL);
	return *ret ? 0 : -ENOMEM;
}

/* ---- fixture ------------------------------------------------------------------------------- */

static char root[PATH_MAX], directory[64];
static struct psc_config config;
static struct psc_daemon daemon_now;

static int setup(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/psc-test-sinks-XXXXXX");
	if (!getcwd(root, sizeof(root)) || !mkdtemp(directory) || chdir(directory) < 0 ||
	    mkdir("run", 0755) < 0)
		return -1;
	said = 0;
	status_now = "{\"mode\":\"observe\",\"generation\":1,\"clock\":{\"wall\":\"x\"}}";
	config = (struct psc_config){0};
	memset(&daemon_now, 0, sizeof(daemon_now));
	daemon_now.policy.config = &config;
	daemon_now.sinks.journald_fd = -1;
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	psc_sinks_close(&daemon_now);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return chdir(root) < 0 || system(command) != 0 ? -1 : 0;
}

static void assert_file(const char *path, const char *expected, mode_t mode)
{
	char text[4096];
	struct stat st;
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(fstat(fileno(f), &st), 0);
	fclose(f);
	assert_string_equal(text, expected);
	assert_int_equal(st.st_mode & 0777, mode);
}

/* ---- a file -------------------------------------------------------------------------------- */

static void test_whole(void **state)
{
	assert_int_equal(psc_sink_file_write("run/a", 0640, "one", 3), 0);
	assert_file("run/a", "one", 0640);
	assert_int_equal(psc_sink_file_write("run/a", 0644, "second", 6), 0);
	assert_file("run/a", "second", 0644);
	assert_int_equal(psc_sink_file_write("none/a", 0640, "one", 3), -ENOENT);
	assert_int_equal(psc_sink_file_write("a", 0640, "one", 3), -EISDIR);
}

/* The directory may be another user's, who puts something in the way. */
static void test_in_the_way(void **state)
{
	assert_int_equal(psc_sink_file_write("run/other", 0600, "kept", 4), 0);
	assert_int_equal(symlink("other", "run/.a.new"), 0);
	assert_int_equal(symlink("other", "run/a"), 0);
	assert_int_equal(psc_sink_file_write("run/a", 0640, "one", 3), 0);
	assert_file("run/other", "kept", 0600);
	assert_file("run/a", "one", 0640);
	assert_int_equal(mkdir("run/.b.new", 0755), 0);
	assert_int_equal(psc_sink_file_write("run/b", 0640, "one", 3), -EEXIST);
}

/* No room: what was there stays, and nothing is left lying about. */
static void test_no_room(void **state)
{
	struct rlimit before, limit;

	assert_int_equal(psc_sink_file_write("run/a", 0640, "one", 3), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(psc_sink_file_write("run/a", 0640, "too long", 8), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_file("run/a", "one", 0640);
	assert_int_equal(access("run/.a.new", F_OK), -1);
}

/* ---- ticks --------------------------------------------------------------------------------- */

static void test_status(void **state)
{
	_cleanup_json_ json_t *json = NULL;
	struct stat st;

	psc_sinks_tick(&daemon_now);
	assert_int_equal(daemon_now.sinks.status.written, 1);
	assert_int_equal(stat("run/status.json", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	json = json_load_file("run/status.json", JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "verb")), "status");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "data"), "mode")),
		"observe");
	/* only the time went on */
	status_now = "{\"mode\":\"observe\",\"generation\":1,\"clock\":{\"wall\":\"y\"}}";
	psc_sinks_tick(&daemon_now);
	assert_int_equal(daemon_now.sinks.status.written, 1);
	status_now = "{\"mode\":\"enforce\",\"generation\":1,\"clock\":{\"wall\":\"y\"}}";
	psc_sinks_tick(&daemon_now);
	assert_int_equal(daemon_now.sinks.status.written, 2);
	psc_sinks_close(&daemon_now);
	assert_int_equal(access("run/status.json", F_OK), -1);
}

static void test_failing(void **state)
{
	_cleanup_json_ json_t *warnings = json_array(), *sinks = NULL;
	char metrics[] = "none/proscribe.prom";

	config.metrics = metrics;
	for (int i = 0; i < 3; i++)
		psc_sinks_tick(&daemon_now);
	assert_int_equal(daemon_now.sinks.metrics.lost, 3);
	assert_int_equal(said, 1);
	psc_sinks_warn(&daemon_now, warnings);
	assert_int_equal(json_array_size(warnings), 1);
	sinks = psc_sinks_json(&daemon_now);
	assert_int_equal(json_array_size(sinks), 2);
	assert_int_equal(number_of(json_array_get(sinks, 1), "lost", NULL), 3);
	assert_int_equal(mkdir("none", 0755), 0);
	psc_sinks_tick(&daemon_now);
	assert_int_equal(said, 2);
	assert_int_equal(daemon_now.sinks.metrics.lost, 3);
	assert_int_equal(daemon_now.sinks.metrics.error, 0);
	assert_int_equal(access("none/proscribe.prom", R_OK), 0);
}

/* ---- the journal ---------------------------------------------------------------------------- */

static int listen_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PSC_PATH_JOURNAL};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_journald(void **state)
{
	static const char expected[] = "MESSAGE=m\nPRIORITY=4\nSYSLOG_IDENTIFIER=proscribed\n"
				       "PROSCRIBE_SEQUENCE=7\nPROSCRIBE_VERDICT=deny\n"
				       "PROSCRIBE_PROFILE=a\nPROSCRIBE_PROFILE=b\n"
				       "PROSCRIBE_PATH\n\3\0\0\0\0\0\0\0x\ny\n";
	_cleanup_json_ json_t *record = json_loads("{\"message\":\"m\",\"file\":{\"path\":"
						   "\"x\\ny\"},\"proscribe\":{\"verdict\":"
						   "\"deny\",\"profiles\":[\"a\",\"b\"]}}",
						   0, NULL);
	char text[1024];
	int fd;

	psc_sinks_record(&daemon_now, record, 7);
	assert_int_equal(daemon_now.sinks.journald.lost, 0); /* it is not asked for */
	config.journald = true;
	psc_sinks_record(&daemon_now, record, 7);
	psc_sinks_record(&daemon_now, record, 7);
	assert_int_equal(daemon_now.sinks.journald.lost, 2); /* nobody listens */
	assert_int_equal(said, 1);
	fd = listen_journal();
	psc_sinks_record(&daemon_now, record, 7);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), sizeof(expected) - 1);
	assert_memory_equal(text, expected, sizeof(expected) - 1);
	/* a journal that reads nothing is full soon, and holds nobody up */
	for (int i = 0; i < 5000; i++)
		psc_sinks_record(&daemon_now, record, 7);
	assert_int_equal(daemon_now.sinks.journald.error, -EAGAIN);
	assert_int_equal(daemon_now.sinks.journald.lost + daemon_now.sinks.journald.written, 5003);
	close(fd);
}

/* ---- metrics ------------------------------------------------------------------------------- */

static bool has_line(const char *text, const char *line)
{
	for (const char *at = text; (at = strstr(at, line)); at++) {
		if ((at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return true;
	}
	return false;
}

static void test_metrics(void **state)
{
	_cleanup_json_ json_t *status = json_loads(
		"{\"version\":\"1\",\"kernel\":\"6.1\\\"\\\\\\n\",\"mode\":\"enforce\",\"guard\":"
		"\"on\",\"generation\":7,\"counters\":{\"exec\":{\"deny\":2,\"allow\":5}},"
		"\"unverified\":{\"load\":{\"busy\":3}},\"events\":{\"dropped\":4},"
		"\"resolver\":{\"latency\":{\"files\":300,\"p50_ms\":120.5,\"p99_ms\":2500}},"
		"\"warnings\":[{\"id\":\"a\"},{\"id\":\"a\"},{\"id\":\"b\"}],"
		"\"sinks\":[{\"name\":\"status\",\"lost\":9}]}",
		0, NULL);
	_cleanup_json_ json_t *empty = json_object();
	_cleanup_free_ char *text = NULL, *none = NULL;

	assert_non_null(status);
	assert_int_equal(psc_metrics_format(status, &text), 0);
	assert_true(has_line(text, "proscribe_info{version=\"1\",kernel=\"6.1\\\"\\\\\\n\",mode="
				   "\"enforce\"} 1"));
	assert_true(has_line(text, "proscribe_guard_on 1"));
	assert_true(has_line(text, "proscribe_enforcing 1"));
	assert_true(has_line(text, "proscribe_decisions_total{op=\"exec\",verdict=\"deny\"} 2"));
	assert_true(has_line(text, "proscribe_unverified_total{op=\"load\",reason=\"busy\"} 3"));
	assert_true(has_line(text, "proscribe_events_dropped_total 4"));
	assert_true(has_line(text, "proscribe_sink_lost_total{sink=\"status\"} 9"));
	assert_true(has_line(text, "proscribe_new_file_seconds{quantile=\"0.5\"} 0.120500"));
	assert_true(has_line(text, "proscribe_new_file_seconds{quantile=\"0.99\"} 2.500000"));
	assert_true(has_line(text, "proscribe_new_file_seconds_count 300"));
	/* a series stands once */
	assert_true(has_line(text, "proscribe_warning{id=\"a\"} 1"));
	assert_null(strstr(strstr(text, "{id=\"a\"}") + 1, "{id=\"a\"}"));
	assert_int_equal(psc_metrics_format(empty, &none), 0);
	assert_true(has_line(none, "proscribe_guard_on 0"));
	assert_null(strstr(none, "new_file_seconds"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journald, setup, teardown),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
