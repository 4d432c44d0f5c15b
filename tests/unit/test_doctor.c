/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_doctor.c - `proscribe doctor`: what the kernel's texts mean, what is thought of each
 * finding, the page that comes of it, and the proof against a pretended daemon. That the
 * proof is right about a real guard is tested in the lab.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "user/cli/cli.c"
#include "user/cli/client.c"
#include "user/cli/doctor_checks.c"
#include "user/cli/doctor_host.c"
#include "user/cli/doctor_proof.c"
#include "user/cli/doctor_render.c"
#include "user/cli/doctor_specimen.c"
#include "user/cli/output.c"
#include "user/cli/verb_doctor.c"
#include "user/core/frame.h"

static void assert_contains(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text ? text : "(null)");
}

/* ---- the kernel's texts --------------------------------------------------------- */

static void test_lsm_argument(void **state)
{
	static const struct {
		const char *list, *argument;
	} cases[] = {
		{"lockdown,capability,landlock,yama,apparmor",
		 "lsm=lockdown,landlock,yama,apparmor,bpf"},
		{"capability,landlock,yama", "lsm=landlock,yama,bpf"},
		{"landlock,capability", "lsm=landlock,bpf"},
		{"capability", "lsm=bpf"},
		{"lockdown,capability,bpf,tomoyo", "lsm=lockdown,tomoyo,bpf"},
		{"bpf", "lsm=bpf"},
		{"bpfx,capabilityx", "lsm=bpfx,capabilityx,bpf"},
	};
	char buffer[64], remedy[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(psc_kernelinfo_lsm_argument(cases[i].list, buffer, sizeof(buffer)),
				 0);
		assert_string_equal(buffer, cases[i].argument);
	}
	assert_int_equal(psc_kernelinfo_lsm_argument("", buffer, sizeof(buffer)), -EINVAL);
	assert_int_equal(psc_kernelinfo_lsm_argument("yama,", buffer, sizeof(buffer)), -EINVAL);
	assert_int_equal(psc_kernelinfo_lsm_argument("ya ma", buffer, sizeof(buffer)), -EINVAL);
	assert_int_equal(psc_kernelinfo_lsm_argument("yama", buffer, 12), -ENOSPC);
	assert_string_equal(buffer, cases[ARRAY_SIZE(cases) - 1].argument);
	assert_int_equal(psc_kernelinfo_lsm_argument("yama", buffer, 13), 0);
	assert_string_equal(buffer, "lsm=yama,bpf");

	assert_int_equal(psc_kernelinfo_lsm_remedy("capability,yama", remedy, sizeof(remedy)), 0);
	assert_contains(remedy, " lsm=yama,bpf ");
	assert_contains(remedy, "/etc/default/grub");
	assert_int_equal(psc_kernelinfo_lsm_remedy("", remedy, sizeof(remedy)), -EINVAL);
	assert_int_equal(psc_kernelinfo_lsm_remedy("yama", remedy, 40), -ENOSPC);
}

/* As many modules as there can be and more: an answer or an error, never a cut list. */
static void test_lsm_argument_long(void **state)
{
	char list[2000], buffer[2000];

	for (size_t n = 1; n < sizeof(list); n++) {
		int r;

		memset(list, 'a', n);
		list[n] = '\0';
		r = psc_kernelinfo_lsm_argument(list, buffer, sizeof(buffer));
		assert_true(r == 0 || (r == -ENOSPC && n > 900));
		if (r == 0) {
			assert_int_equal(strlen(buffer), n + strlen("lsm=,bpf"));
			assert_string_equal(buffer + 4 + n, ",bpf");
		}
	}
}

static void test_has_lsm(void **state)
{
	assert_true(psc_kernelinfo_has_lsm("bpf", "bpf"));
	assert_true(psc_kernelinfo_has_lsm("a,bpf", "bpf"));
	assert_true(psc_kernelinfo_has_lsm("bpf,a", "bpf"));
	assert_false(psc_kernelinfo_has_lsm("", "bpf"));
	assert_false(psc_kernelinfo_has_lsm("bpfx,xbpf,bp", "bpf"));
}

static void test_parameter(void **state)
{
	static const char line[] = "quiet ima-policy=tcb \"x=a b\" ima_tcb y=\"c d\" quiet=2 "
				   "ima_hash=sha1 ima_hash=sha512 -- ima_hash=md5 z\n";
	char value[16] = "before";

	assert_int_equal(psc_kernelinfo_parameter(line, "ima_policy", value, sizeof(value)), 0);
	assert_string_equal(value, "tcb");
	assert_int_equal(psc_kernelinfo_parameter(line, "ima_tcb", value, sizeof(value)), 0);
	assert_string_equal(value, "");
	assert_int_equal(psc_kernelinfo_parameter(line, "ima_hash", value, sizeof(value)), 0);
	assert_string_equal(value, "sha512");
	assert_int_equal(psc_kernelinfo_parameter(line, "x", value, sizeof(value)), 0);
	assert_string_equal(value, "a b");
	assert_int_equal(psc_kernelinfo_parameter(line, "y", value, sizeof(value)), 0);
	assert_string_equal(value, "c d");
	assert_int_equal(psc_kernelinfo_parameter(line, "quiet", value, sizeof(value)), 0);
	assert_string_equal(value, "2");
	assert_int_equal(psc_kernelinfo_parameter(line, "ima", value, sizeof(value)), -ENOENT);
	assert_int_equal(psc_kernelinfo_parameter(line, "z", NULL, 0), -ENOENT);
	assert_int_equal(psc_kernelinfo_parameter(line, "ima_hash", value, 6), -ENOSPC);
	assert_string_equal(value, "2");
	assert_int_equal(psc_kernelinfo_parameter("", "a", NULL, 0), -ENOENT);
	assert_int_equal(psc_kernelinfo_parameter("\"a=", "a", value, sizeof(value)), 0);
	assert_string_equal(value, "");
}

static void test_choice_and_algorithm(void **state)
{
	char text[16] = "before";

	assert_int_equal(psc_kernelinfo_choice("none [integrity] confidentiality", text, 16), 0);
	assert_string_equal(text, "integrity");
	assert_int_equal(psc_kernelinfo_choice("none", text, 16), -EINVAL);
	assert_int_equal(psc_kernelinfo_choice("]none[", text, 16), -EINVAL);
	assert_int_equal(psc_kernelinfo_choice("[]", text, 16), -EINVAL);
	assert_int_equal(psc_kernelinfo_choice("[confidentiality]", text, 15), -ENOSPC);
	assert_string_equal(text, "integrity");

	assert_int_equal(psc_kernelinfo_measured_algorithm(
				 "10 1d8d ima-ng sha256:0f30 boot_aggregate", text, 16),
			 0);
	assert_string_equal(text, "sha256");
	assert_int_equal(
		psc_kernelinfo_measured_algorithm("10 1d ima-ngv2 ima:sha1:0f b", text, 16), 0);
	assert_string_equal(text, "sha1");
	assert_int_equal(psc_kernelinfo_measured_algorithm("10 1d8d ima 0f30 b:c", text, 16),
			 -EINVAL);
	assert_int_equal(psc_kernelinfo_measured_algorithm("10 1d8d ima-ng", text, 16), -EINVAL);
	assert_int_equal(psc_kernelinfo_measured_algorithm("10 1d x \033[:0 b", text, 16), -EINVAL);
	assert_int_equal(psc_kernelinfo_measured_algorithm("", text, 16), -EINVAL);
}

/* ---- judging ---------------------------------------------------------------------- */

static void put_fact(struct psc_host_fact *fact, const char *text)
{
	*fact = (struct psc_host_fact){.error = text ? 0 : -ENOENT};
	snprintf(fact->text, sizeof(fact->text), "%s", text ? text : "");
}

static struct psc_host *healthy_host(void)
{
	struct psc_host *host = test_calloc(1, sizeof(*host));

	host->root = true;
	host->log_free = 1ULL << 30;
	snprintf(host->log, sizeof(host->log), "/var/log/proscribe/audit-1.jsonl");
	put_fact(&host->lsm, "lockdown,capability,bpf");
	put_fact(&host->lockdown, "none [integrity] confidentiality");
	put_fact(&host->ftrace, "1");
	put_fact(&host->memfd_noexec, NULL);
	put_fact(&host->cmdline, "quiet");
	put_fact(&host->ima_count, "1");
	put_fact(&host->ima_first, "10 00 ima-ng sha256:00 boot_aggregate");
	host->pins.links = 7;
	return host;
}

/* Takes no reference. */
static json_t *healthy_status(void)
{
	return json_pack("{s:s,s:i,s:i,s:s,s:{s:b,s:s,s:{s:s}},s:{s:i,s:{},s:i,s:i,s:b,s:s},"
			 "s:{s:i,s:i,s:i},s:s,s:[],s:[s,s],s:{s:s,s:s,s:s}}",
			 "version", PSC_VERSION, "pid", 12, "generation", 3, "mode", "enforce",
			 "canary", "passed", 1, "at", "2026-01-01T00:00:00Z", "checks", "open",
			 "refused", "lists", "digests", 5, "not_enforceable", "without_size", 0,
			 "sizes_missing", 0, "hash_all", 0, "directory", "/nowhere", "events",
			 "emitted", 9, "written", 8, "dropped", 0, "log",
			 "/var/log/proscribe/audit-1.jsonl", "warnings", "hooks", "file_open",
			 "mmap_file", "actions", "exec", "deny", "load", "deny", "open", "record");
}

/* "result|found|remedy" of the row @name; "" when there is none. Frees host and status. */
static const char *judged(struct psc_host *host, json_t *status, const char *name)
{
	struct psc_answer answer = {.data = status};
	json_t *rows = json_array();
	static char text[4096];
	const json_t *row;
	size_t i;

	if (!status) {
		answer.kind = PSC_ANSWER_UNREACHABLE;
		psc_error_set(&answer.error, NULL, 0, 0, "not reachable");
		snprintf(answer.remedy, sizeof(answer.remedy), "start it");
	}
	psc_doctor_judge(host, &answer, rows);
	text[0] = '\0';
	json_array_foreach(rows, i, row)
		if (strcmp(psc_json_text(row, "name", ""), name) == 0)
			snprintf(text, sizeof(text), "%s|%s|%s", psc_json_text(row, "result", ""),
				 psc_json_text(row, "found", ""), psc_json_text(row, "remedy", ""));
	if (strcmp(name, "worst") == 0) {
		size_t counts[PSC_HEALTH_MAX] = {};

		snprintf(text, sizeof(text), "%s",
			 psc_health_to_string(psc_doctor_worst(rows, counts)));
	}
	json_decref(rows);
	json_decref(status);
	test_free(host);
	return text;
}

static void test_healthy(void **state)
{
	assert_string_equal(judged(healthy_host(), healthy_status(), "worst"), "ok");
	assert_string_equal(judged(healthy_host(), healthy_status(), "lists"),
			    "ok|5 digests in force|");
	assert_string_equal(judged(healthy_host(), healthy_status(), "daemon"),
			    "ok|version " PSC_VERSION ", pid 12, generation 3|");
	assert_string_equal(judged(healthy_host(), healthy_status(), "ima"),
			    "ok|present, digests with sha256|");
}

/* One thing after the other is spoiled. */
#define SPOIL(change, name, expected)                                                              \
	do {                                                                                       \
		struct psc_host *host = healthy_host();                                            \
		json_t *status = healthy_status();                                                 \
                                                                                                   \
		change;                                                                            \
		assert_contains(judged(host, status, name), expected);                             \
	} while (0)

static void test_kernel_rows(void **state)
{
	SPOIL(host->root = false, "root", "fail|");
	SPOIL(host->btf = -ENOENT, "btf", "fail|");
	SPOIL(host->securityfs = -ENODEV, "securityfs", "warn|");
	SPOIL(put_fact(&host->lsm, "lockdown,capability,yama"), "lsm", "fail|");
	SPOIL(put_fact(&host->lsm, "lockdown,capability,yama"), "lsm", "lsm=lockdown,yama,bpf ");
	SPOIL(put_fact(&host->lsm, ""), "lsm", "fail|");
	SPOIL(put_fact(&host->lsm, NULL), "lsm", "fail|");
	SPOIL((put_fact(&host->lsm, NULL), host->securityfs = -ENODEV), "lsm", "warn|not known");
	SPOIL(put_fact(&host->lockdown, "none integrity [confidentiality]"), "lockdown",
	      "warn|confidentiality: the kernel would not load");
	SPOIL((put_fact(&host->lockdown, "none integrity [confidentiality]"),
	       host->pins.error = -ENOENT),
	      "lockdown", "fail|confidentiality: the kernel does not load");
	SPOIL(put_fact(&host->lockdown, NULL), "lockdown", "ok|not in this kernel");
	SPOIL(put_fact(&host->lockdown, "?"), "lockdown", "warn|");
	SPOIL(put_fact(&host->ftrace, "0"), "ftrace", "|sysctl kernel.ftrace_enabled=1");
	SPOIL(put_fact(&host->ftrace, "0"), "ftrace", "fail|");
	SPOIL(put_fact(&host->ftrace, NULL), "ftrace", "ok|");
	SPOIL(host->ftrace.error = -EACCES, "ftrace", "warn|");
	SPOIL(put_fact(&host->memfd_noexec, "1"), "memfd", "ok|vm.memfd_noexec is 1");
	SPOIL(put_fact(&host->memfd_noexec, "2"), "memfd", "fail|");
}

static void test_ima_rows(void **state)
{
	SPOIL(host->ima = -ENOENT, "ima", "fail|");
	SPOIL((host->ima = -ENOENT, host->securityfs = -ENODEV), "ima", "warn|not known");
	SPOIL(put_fact(&host->cmdline, "ima_hash=sha1"), "ima", "fail|");
	SPOIL(put_fact(&host->cmdline, "ima_hash=sha256"), "ima", "ok|");
	SPOIL(put_fact(&host->ima_first, "10 00 ima-ng sha1:00 boot_aggregate"), "ima", "warn|");
	SPOIL(put_fact(&host->ima_first, NULL), "ima", "ok|");
	SPOIL(put_fact(&host->ima_count, "2"), "ima policy", "warn|");
	SPOIL(put_fact(&host->cmdline, "quiet ima_policy=tcb"), "ima policy", "warn|");
	SPOIL(put_fact(&host->cmdline, "ima_tcb"), "ima policy", "warn|");
	SPOIL(put_fact(&host->cmdline, "-- ima_tcb"), "ima policy", "ok|");
	SPOIL(host->ima_count.error = -EACCES, "ima policy", "warn|not known: only root");
}

static void test_guard_rows(void **state)
{
	SPOIL(host->bpffs = -ENODEV, "bpffs", "fail|");
	SPOIL(host->pins.error = -ENOENT, "pins", "fail|nothing is pinned");
	SPOIL(host->pins.error = -EACCES, "pins", "warn|");
	SPOIL(host->pins.error = -EIO, "pins", "fail|");
	SPOIL(snprintf(host->pins.missing, 16, "psc_mmap_file"), "pins",
	      "fail|the pinned guard is incomplete: psc_mmap_file missing");
	SPOIL(host->pins.links = 1, "pins", "fail|1 links are pinned, the daemon attached 2");
	SPOIL(json_object_set_new(status, "version", json_string("9.9")), "daemon", "warn|");
	SPOIL(json_object_set_new(status, "mode", json_string("observe")), "mode", "warn|observe");
	SPOIL(json_object_set_new(json_object_get(status, "canary"), "passed", json_false()),
	      "canary", "fail|");
	SPOIL(json_object_set_new(psc_json_at(status, "canary.checks"), "open",
				  json_string("untested")),
	      "storage", "fail|");
	SPOIL((json_decref(status), status = NULL), "daemon", "fail|not reachable; mode");
	SPOIL((json_decref(status), status = NULL), "daemon", "|start it");
	SPOIL((json_decref(status), status = NULL), "mode", "");
	SPOIL((json_decref(status), status = NULL), "log", "ok|");
}

static void test_list_rows(void **state)
{
	SPOIL(json_object_set_new(psc_json_at(status, "lists.not_enforceable"), "md5",
				  json_integer(4)),
	      "lists", "warn|5 digests in force, 4 not enforceable (4 md5)");
	SPOIL(json_object_set_new(json_object_get(status, "lists"), "digests", json_integer(0)),
	      "lists", "warn|nothing is listed");
	SPOIL(json_object_set_new(json_object_get(status, "lists"), "hash_all", json_true()),
	      "sizes", "warn|");
	SPOIL(json_object_set_new(json_object_get(status, "lists"), "sizes_missing",
				  json_integer(2)),
	      "sizes", "warn|2 package");
	/* those of a catalog: nothing that anybody here could mend */
	SPOIL(json_object_set_new(json_object_get(status, "lists"), "needs_userspace",
				  json_integer(2)),
	      "sizes", "ok|");
	SPOIL(json_object_set_new(json_object_get(status, "events"), "dropped", json_integer(1)),
	      "events", "warn|");
}

static json_t *warning(const char *id, const char *message)
{
	return json_pack("[{s:s,s:s,s:s}]", "id", id, "message", message, "remedy", "do it");
}

static void test_log_rows(void **state)
{
	SPOIL(host->log_free = (64 << 20), "log", "ok|");
	SPOIL(host->log_free = (64 << 20) - 1, "log", "warn|");
	SPOIL(host->log_free = (8 << 20), "log", "warn|");
	SPOIL(host->log_free = (8 << 20) - 1, "log", "fail|");
	SPOIL(host->log_free = 0, "log", "fail|");
	SPOIL(host->log_error = -EROFS, "log", "fail|");
	SPOIL((host->log_error = -EACCES, host->root = false), "log", "warn|");
	SPOIL(json_object_del(status, "log"), "log", "fail|the daemon has no audit log");
	SPOIL(json_object_set_new(status, "warnings",
				  warning("log_failing", "it cannot: No space")),
	      "log", "fail|it cannot: No space");
	SPOIL(json_object_set_new(status, "warnings", warning("unheard", "unheard \033[of")),
	      "warning", "warn|unheard \\x1b[of|do it");
}

/* Some of what the daemon says means that nothing is right. */
static void test_warnings_that_fail(void **state)
{
	SPOIL(json_object_set_new(status, "warnings", warning("policy_held", "refused")), "warning",
	      "fail|refused|do it");
	SPOIL(json_object_set_new(status, "warnings", warning("guard_unpinned", "x")), "warning",
	      "fail|x|do it");
	SPOIL(json_object_set_new(status, "canary", json_null()), "canary",
	      "fail|the daemon could put none");
	SPOIL(json_object_set_new(status, "canary", json_null()), "storage", "");
}

/* What has a row of its own is not said twice. */
static void test_warnings_once(void **state)
{
	SPOIL(json_object_set_new(status, "warnings", warning("nothing_listed", "whatever")),
	      "worst", "ok");
	SPOIL(json_object_set_new(status, "warnings", warning("events_dropped", "whatever")),
	      "worst", "ok");
}

static void touch(const char *directory, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void remove_tree(const char *directory)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	assert_int_equal(system(command), 0);
}

static void test_pins(void **state)
{
	char directory[] = "/tmp/psc-test-XXXXXX";
	struct psc_host_pins pins;

	psc_host_look_at_pins("/nonexistent", &pins);
	assert_int_equal(pins.error, -ENOENT);
	assert_non_null(mkdtemp(directory));
	psc_host_look_at_pins(directory, &pins);
	assert_int_equal(pins.error, 0);
	assert_string_equal(pins.missing, "shared, psc_inode_setattr, psc_file_open, "
					  "psc_bprm_check_security, psc_mmap_file, "
					  "psc_file_mprotect");
	touch(directory, "shared");
	touch(directory, "psc_inode_setattr_plain");
	touch(directory, "psc_file_open");
	touch(directory, "psc_bprm_check_security");
	touch(directory, "psc_file_mprotect");
	psc_host_look_at_pins(directory, &pins);
	assert_string_equal(pins.missing, "psc_mmap_file");
	assert_int_equal(pins.links, 4);
	touch(directory, "psc_mmap_file");
	psc_host_look_at_pins(directory, &pins);
	assert_string_equal(pins.missing, "");
	remove_tree(directory);
}

/* ---- rendering --------------------------------------------------------------------- */

static void test_render(void **state)
{
	json_t *checks = json_array(), *steps = json_array(), *data;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	psc_doctor_row(checks, "root", PSC_HEALTH_OK, NULL, "running as root");
	psc_doctor_row(checks, "ftrace", PSC_HEALTH_FAIL, "sysctl kernel.ftrace_enabled=1",
		       "kernel.ftrace_enabled is %d", 0);
	psc_doctor_row(checks, "mode", PSC_HEALTH_WARN, NULL, "observe \033[31m");
	psc_doctor_row(steps, "program", PSC_HEALTH_OK, NULL, "refused, and counted");
	data = json_pack("{s:s,s:s,s:{s:i,s:i,s:i},s:o,s:{s:s,s:s,s:s,s:o}}", "version", "1",
			 "kernel", "6.1", "counts", "ok", 2, "warn", 1, "fail", 1, "checks", checks,
			 "proof", "result", "ok", "mode", "enforce", "directory", "/var/tmp/d",
			 "steps", steps);
	psc_doctor_render(out, data, false);
	json_object_set_new(json_object_get(data, "proof"), "result", json_string("skipped"));
	json_array_clear(checks);
	psc_doctor_row(checks, "a", PSC_HEALTH_FAIL, NULL, "b");
	psc_doctor_render(out, data, true);
	fclose(out);
	assert_string_equal(text, "proscribe 1, kernel 6.1\n"
				  "\n"
				  "  ok    root        running as root\n"
				  "  FAIL  ftrace      kernel.ftrace_enabled is 0\n"
				  "                    remedy: sysctl kernel.ftrace_enabled=1\n"
				  "  warn  mode        observe \\x1b[31m\n"
				  "\n"
				  "live proof, enforce mode, in /var/tmp/d\n"
				  "  ok    program     refused, and counted\n"
				  "\n"
				  "2 ok, 1 warning, 1 failed\n"
				  "proscribe 1, kernel 6.1\n"
				  "\n"
				  "  \033[31mFAIL\033[0m  a           b\n"
				  "\n"
				  "live proof: skipped, nothing is proven\n"
				  "\n"
				  "2 ok, 1 warning, 1 failed\n");
	json_decref(data);
	free(text);
}

/* ---- specimens --------------------------------------------------------------------- */

static void test_specimens(void **state)
{
	static const char *const parents[] = {"/nonexistent", "/tmp", NULL};
	static const char *const nowhere[] = {"/nonexistent", NULL};
	struct psc_specimens first, second;
	const char *what = NULL;
	struct stat st;

	assert_int_equal(psc_specimens_make(nowhere, &first, &what), -ENOENT);
	assert_string_equal(what, "/nonexistent");
	assert_int_equal(psc_specimens_make(parents, &first, &what), 0);
	assert_int_equal(psc_specimens_make(parents, &second, &what), 0);
	assert_int_equal(stat(first.directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (int kind = 0; kind < PSC_SPECIMEN_MAX; kind++) {
		uint8_t digest[PSC_DIGEST_SIZE];
		uint64_t size;
		int fd = open(first.file[kind].path, O_RDONLY | O_CLOEXEC);

		assert_int_equal(psc_digest_fd(fd, digest, &size), 0);
		close(fd);
		assert_memory_equal(digest, first.file[kind].digest, sizeof(digest));
		assert_int_equal(size, first.file[kind].size);
		assert_memory_not_equal(digest, second.file[kind].digest, sizeof(digest));
		assert_int_equal(psc_specimen_try(&first, kind), 0);
		assert_int_equal(chmod(first.file[kind].path, 0), 0);
		if (kind != PSC_SPECIMEN_LIBRARY)
			assert_int_equal(psc_specimen_try(&first, kind), -EACCES);
	}
	assert_memory_not_equal(first.file[PSC_SPECIMEN_PROGRAM].digest,
				first.file[PSC_SPECIMEN_LIBRARY].digest, PSC_DIGEST_SIZE);
	assert_int_equal(psc_specimens_remove(&first), 0);
	assert_int_equal(psc_specimens_remove(&first), 0);
	assert_int_equal(psc_specimens_remove(&second), 0);
	assert_int_equal(stat(second.directory, &st), -1);
}

/* A specimen that runs and fails is not one that is refused. */
static void test_specimen_fails(void **state)
{
	static const char *const parents[] = {"/tmp", NULL};
	struct psc_specimens specimens;
	const char *what;
	FILE *f;

	assert_int_equal(psc_specimens_make(parents, &specimens, &what), 0);
	f = fopen(specimens.file[PSC_SPECIMEN_SCRIPT].path, "w");
	fputs("#!/bin/sh\nexit 1\n", f);
	fclose(f);
	assert_true(psc_specimen_try(&specimens, PSC_SPECIMEN_SCRIPT) > 0);
	assert_int_equal(psc_specimens_remove(&specimens), 0);
}

/* ---- the proof ------------------------------------------------------------------------ */

struct fixture {
	char directory[64], lists[80], leftover[112];
	json_t *status;
	int listener;
	pthread_t thread, main;
	bool counts;	      /* the pretended guard sees what is listed */
	int refuse_reload;    /* number of the reload that is refused */
	int signal_at_reload; /* number of the reload at which a signal comes */
	int reloads, asked;
	size_t listed_most; /* lines of the list at a reload */
};

static size_t lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t lines = 0;

	if (!f)
		return 0;
	for (int c; (c = getc(f)) != EOF;)
		lines += c == '\n';
	fclose(f);
	return lines;
}

static json_t *answer_reload(struct fixture *f)
{
	size_t lines = lines_of(f->leftover);

	f->reloads++;
	if (lines > f->listed_most)
		f->listed_most = lines;
	if (f->reloads == f->signal_at_reload)
		pthread_kill(f->main, SIGTERM);
	if (f->reloads == f->refuse_reload)
		return json_pack("{s:b,s:i,s:{s:s}}", "ok", 0, "exit", 4, "error", "message", "no");
	return json_pack("{s:b,s:{}}", "ok", 1, "data");
}

/* Each time more was counted, when the guard sees anything. */
static json_t *answer_status(struct fixture *f)
{
	json_int_t n = f->counts ? ++f->asked : 0;

	return json_pack("{s:b,s:{s:{s:{s:I,s:I},s:{s:I,s:I}}}}", "ok", 1, "data", "counters",
			 "exec", "would_deny", n, "deny", n, "load", "would_deny", n, "deny", n);
}

static void *serve(void *arg)
{
	struct fixture *f = arg;

	for (;;) {
		_cleanup_json_ json_t *request = NULL, *reply = NULL;
		_cleanup_close_ int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
		const char *verb;

		if (fd < 0)
			return NULL;
		if (psc_frame_receive(fd, PSC_FRAME_REQUEST_MAX, 5000, &request) < 0)
			continue;
		verb = json_string_value(json_object_get(request, "verb"));
		reply = strcmp(verb, "reload") == 0 ? answer_reload(f) : answer_status(f);
		psc_frame_send(fd, reply);
	}
}

static int setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/psc-test-XXXXXX");
	if (!mkdtemp(f->directory))
		return -1;
	snprintf(f->lists, sizeof(f->lists), "%s/lists.d", f->directory);
	snprintf(f->leftover, sizeof(f->leftover), "%s/" PROOF_LIST, f->lists);
	if (mkdir(f->lists, 0755) < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", f->directory);
	setenv(PSC_ENV_CONTROL_SOCKET, address.sun_path, 1);
	f->status = healthy_status();
	json_object_set_new(json_object_get(f->status, "lists"), "directory",
			    json_string(f->lists));
	json_object_set_new(f->status, "mode", json_string("observe"));
	f->counts = true;
	f->main = pthread_self();
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(f->listener, 4) < 0)
		return -1;
	*state = f;
	return pthread_create(&f->thread, NULL, serve, f);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
	remove_tree(f->directory);
	json_decref(f->status);
	free(f);
	return 0;
}

/* Proves; nothing may be left of it, whatever it found. The caller frees. */
static json_t *proven(struct fixture *f, const char *result, int *ret_signal)
{
	json_t *proof = psc_proof_run(f->status, ret_signal);
	const char *directory = psc_json_text(proof, "directory", NULL);

	assert_string_equal(psc_json_text(proof, "result", "?"), result);
	if (directory)
		assert_int_equal(access(directory, F_OK), -1);
	return proof;
}

/* "name result, ..." of the steps, and their texts. */
static const char *steps_of(json_t *proof)
{
	static char text[4096];
	const json_t *step;
	size_t i, n = 0;

	text[0] = '\0';
	json_array_foreach(psc_json_at(proof, "steps"), i, step)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%s %s: %s\n", psc_json_text(step, "name", "?"),
			psc_json_text(step, "result", "?"), psc_json_text(step, "found", "?"));
	json_decref(proof);
	return text;
}

static void test_proof_observe(void **state)
{
	struct fixture *f = *state;
	int number = -1;
	const char *steps = steps_of(proven(f, "ok", &number));

	assert_int_equal(number, 0);
	assert_contains(steps, "before ok: not listed: the program and the script run");
	assert_contains(steps, "program ok: ran, and was counted as would_deny\n");
	assert_contains(steps, "script ok: ran, and was counted as would_deny\n");
	assert_contains(steps, "library ok: mapped, and was counted as would_deny\n");
	assert_contains(steps, "unlist ok");
	assert_contains(steps, "after ok");
	assert_int_equal(f->listed_most, 1 + PSC_SPECIMEN_MAX);
	assert_int_equal(f->reloads, 2);
	assert_int_equal(access(f->leftover, F_OK), -1);
}

static void test_proof_unseen(void **state)
{
	struct fixture *f = *state;
	const char *steps;
	int number;

	f->counts = false;
	steps = steps_of(proven(f, "fail", &number));
	assert_contains(steps, "program fail: NOT SEEN");
	assert_contains(steps, "script fail: NOT SEEN");
	assert_contains(steps, "library fail: NOT SEEN");
	assert_int_equal(access(f->leftover, F_OK), -1);
}

/* No guard refuses anything here. */
static void test_proof_enforce(void **state)
{
	struct fixture *f = *state;
	const char *steps;
	int number;

	json_object_set_new(f->status, "mode", json_string("enforce"));
	steps = steps_of(proven(f, "fail", &number));
	assert_contains(steps, "program fail: NOT REFUSED: ran although it is listed\n");
	assert_contains(steps, "script fail: NOT REFUSED: ran although it is listed\n");
	assert_contains(steps, "library fail: NOT REFUSED: mapped although it is listed\n");
	assert_contains(steps, "after ok");
	assert_int_equal(access(f->leftover, F_OK), -1);
}

static void test_proof_allowed(void **state)
{
	struct fixture *f = *state;
	const char *steps;
	int number;

	json_object_set_new(json_object_get(f->status, "actions"), "load", json_string("allow"));
	steps = steps_of(proven(f, "warn", &number));
	assert_contains(steps, "program ok");
	assert_contains(steps, "library warn: not tried");
}

/* A refusal counts only as the guard's. */
static void test_proof_verdicts(void **state)
{
	struct proof p = {.steps = json_array()};
	json_t *proof;
	const char *steps;

	judge_listed(&p, PSC_SPECIMEN_PROGRAM, PSC_VERDICT_DENY, -EPERM, 1);
	judge_listed(&p, PSC_SPECIMEN_PROGRAM, PSC_VERDICT_DENY, -EPERM, 0);
	judge_listed(&p, PSC_SPECIMEN_PROGRAM, PSC_VERDICT_DENY, -EACCES, 1);
	judge_listed(&p, PSC_SPECIMEN_PROGRAM, PSC_VERDICT_DENY, -EPERM, -1);
	judge_listed(&p, PSC_SPECIMEN_LIBRARY, PSC_VERDICT_RECORD, -EPERM, 1);
	proof = json_pack("{s:o}", "steps", p.steps);
	steps = steps_of(proof);
	assert_string_equal(
		steps,
		"program ok: refused, and counted\n"
		"program fail: NOT SEEN: refused, but the guard did not count it as deny\n"
		"program fail: does not run: Permission denied, which is not the guard's refusal\n"
		"program fail: the daemon does not tell its counters any more\n"
		"library fail: does not map: Operation not permitted although it may\n");
}

static void test_proof_reload_refused(void **state)
{
	struct fixture *f = *state;
	const char *steps;
	int number;

	f->refuse_reload = 1;
	steps = steps_of(proven(f, "fail", &number));
	assert_contains(steps, "list fail: reload: no\n");
	assert_contains(steps, "unlist ok");
	assert_int_equal(f->reloads, 2);
	assert_int_equal(access(f->leftover, F_OK), -1);
}

static void test_proof_unlist_refused(void **state)
{
	struct fixture *f = *state;
	int number;

	f->refuse_reload = 2;
	assert_contains(steps_of(proven(f, "fail", &number)), "unlist fail: reload: no\n");
	assert_int_equal(access(f->leftover, F_OK), -1);
}

#define ENTRY "sha256,5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03,6,,a,b,c,"

static void put_list(const struct fixture *f, const char *rest)
{
	FILE *file = fopen(f->leftover, "w");

	fprintf(file, PSC_LIST_HEADER "\n%s", rest);
	fclose(file);
}

static void test_proof_leftover(void **state)
{
	struct fixture *f = *state;
	int number;

	put_list(f, ENTRY PROOF_SOURCE "\n");
	assert_contains(steps_of(proven(f, "ok", &number)), "leftover ok");
	assert_int_equal(f->reloads, 3);
	assert_int_equal(access(f->leftover, F_OK), -1);
	/* somebody's own list of that name is left alone */
	put_list(f, ENTRY PROOF_SOURCE "\n" ENTRY "else\n");
	assert_contains(steps_of(proven(f, "fail", &number)), "leftover fail");
	assert_int_equal(lines_of(f->leftover), 3);
	put_list(f, "broken\n");
	assert_contains(steps_of(proven(f, "fail", &number)), PROOF_LIST ":2:");
	assert_int_equal(lines_of(f->leftover), 2);
	assert_int_equal(f->reloads, 3);
}

static void test_proof_alone(void **state)
{
	struct fixture *f = *state;
	int number, fd = open(f->lists, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_contains(steps_of(proven(f, "fail", &number)), "another proscribe doctor");
	close(fd);
	remove_tree(f->lists);
	assert_contains(steps_of(proven(f, "fail", &number)), "No such file or directory");
}

static void handler(int number)
{
}

static void test_proof_interrupted(void **state)
{
	struct sigaction action = {.sa_handler = handler}, before;
	struct fixture *f = *state;
	sigset_t mask;
	const char *steps;
	int number = 0;

	sigaction(SIGTERM, &action, &before);
	f->signal_at_reload = 1;
	steps = steps_of(proven(f, "fail", &number));
	assert_int_equal(number, SIGTERM);
	assert_null(strstr(steps, "\nprogram "));
	assert_contains(steps, "unlist ok");
	assert_contains(steps, "end fail: interrupted");
	assert_int_equal(f->reloads, 2);
	assert_int_equal(access(f->leftover, F_OK), -1);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
	/* who ignores the signal is not interrupted by it */
	action.sa_handler = SIG_IGN;
	sigaction(SIGTERM, &action, NULL);
	f->signal_at_reload = 3;
	steps = steps_of(proven(f, "ok", &number));
	assert_int_equal(number, 0);
	sigaction(SIGTERM, &before, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lsm_argument),
		cmocka_unit_test(test_lsm_argument_long),
		cmocka_unit_test(test_has_lsm),
		cmocka_unit_test(test_parameter),
		cmocka_unit_test(test_choice_and_algorithm),
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_kernel_rows),
		cmocka_unit_test(test_ima_rows),
		cmocka_unit_test(test_guard_rows),
		cmocka_unit_test(test_list_rows),
		cmocka_unit_test(test_log_rows),
		cmocka_unit_test(test_warnings_that_fail),
		cmocka_unit_test(test_warnings_once),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_specimens),
		cmocka_unit_test(test_specimen_fails),
		cmocka_unit_test_setup_teardown(test_proof_observe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_unseen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_enforce, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_allowed, setup, teardown),
		cmocka_unit_test(test_proof_verdicts),
		cmocka_unit_test_setup_teardown(test_proof_reload_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_unlist_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_leftover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proof_interrupted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
