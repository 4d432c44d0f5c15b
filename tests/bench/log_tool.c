/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_tool.c - makes audit logs for `make bench-log`, with the daemon's own functions:
 *
 *   log_tool generate DIR RECORDS DAYS FILE-MIB   a log that ends now, older files compressed
 *   log_tool write DIR RECORDS    events to records to chained, synced lines: the writer's path;
 *                                 prints nanoseconds of processor time a record
 *   log_tool export RECORDS       the same fields as the journal takes them, on stdout
 *   log_tool run COMMAND...       prints its processor time in ms and its largest size in KiB;
 *                                 what the command prints is thrown away
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <zlib.h>

#include "user/core/util.h"
#include "user/core/auditlog.h"
#include "user/core/auditlog_time.h"
#include "user/core/chain.h"
#include "user/core/digest.h"
#include "user/core/event_json.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

#define GROUP	  256 /* records between two syncs, as the daemon does it */
#define TEMPLATES 512

static void die(const char *what)
{
	fprintf(stderr, "log_tool: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const struct psc_event_context context = {
	.hostname = "host.example",
	.boot_id = "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11",
	.boot_to_wall_ns = 1767323000000000000,
	.product = "example/tool",
	.name = "tool",
	.version = "1.2",
	.source = "site",
	.list = "/etc/proscribe/lists.d/local.csv",
	.role = "program",
};

static const struct psc_event *event_number(uint64_t n)
{
	static struct psc_event e;

	memset(&e, 0, offsetof(struct psc_event, path));
	e.head = (struct psc_event_head){.type = PSC_EVENT_DECISION,
					 .flags = PSC_EVENT_DIGEST_VALID,
					 .length = sizeof(e),
					 .sequence = n,
					 .boot_ns = 45000000000ULL + n * 1000};
	e.generation = 5;
	e.wall_ns = 1767323045000000000;
	e.class = PSC_CLASS_FIRST;
	e.subject = PSC_SUBJECT_FIRST;
	e.op = n % 16 ? PSC_OP_EXEC : PSC_OP_OPEN;
	e.action = PSC_ACTION_DENY;
	e.verdict = n % 8 ? PSC_VERDICT_WOULD_DENY : PSC_VERDICT_DENY;
	e.mode = PSC_MODE_ENFORCE;
	e.source = PSC_SOURCE_DIGEST;
	memset(e.digest, (int)n, sizeof(e.digest));
	e.size = 760000 + n;
	e.inode = 1000 + n % 997;
	e.device = 8 << 20 | 1;
	e.filesystem_magic = 0xef53;
	e.cgroup_id = 4242;
	e.mount_namespace = 4026531841;
	e.pid_namespace = 4026531836;
	e.process = (struct psc_event_process){.start_ns = 44000000000,
					       .tgid = 1000 + (uint32_t)(n % 30000),
					       .tid = 1000 + (uint32_t)(n % 30000),
					       .uid = 1000,
					       .gid = 1000,
					       .auid = 1000,
					       .session = 3,
					       .comm = "bash"};
	e.parent = e.process;
	e.path_length = (uint16_t)snprintf(e.path, sizeof(e.path),
					   "/opt/example/releases/%" PRIu64 "/bin/tool", n % 512);
	return &e;
}

static json_t *record_number(uint64_t n)
{
	json_t *record;

	if (psc_event_to_json(event_number(n), &context, &record) < 0)
		die("record");
	return record;
}

/* ---- generate -------------------------------------------------------------------------------- */

struct output {
	const char *directory;
	gzFile file;
	uint64_t bytes;
	char path[512];
	bool packed;
	struct psc_auditlog_newest newest;
};

static void end_file(struct output *out)
{
	unsigned char trailer[PSC_AUDITLOG_TRAILER_SIZE];
	FILE *f;

	if (!out->file)
		return;
	if (gzclose_w(out->file) != Z_OK)
		die(out->path);
	if (!out->packed || !psc_auditlog_newest_format(&out->newest, trailer))
		return;
	f = fopen(out->path, "ae");
	if (!f || fwrite(trailer, sizeof(trailer), 1, f) != 1 || fclose(f) != 0)
		die(out->path);
}

/* @packed: as the daemon leaves files that are closed, but faster. */
static void next_file(struct output *out, uint64_t start_ns, bool packed)
{
	char text[PSC_TIME_TEXT_MAX];

	end_file(out);
	snprintf(out->path, sizeof(out->path), "%s/audit-%s.jsonl%s", out->directory,
		 psc_time_format_compact(start_ns, text), packed ? ".gz" : "");
	out->file = gzopen(out->path, packed ? "wb1e" : "wbTe");
	if (!out->file)
		die(out->path);
	out->bytes = 0;
	out->packed = packed;
	out->newest = (struct psc_auditlog_newest){};
}

static void generate(const char *directory, uint64_t records, uint64_t days, uint64_t file_bytes)
{
	const size_t begin = strlen("{\"@timestamp\":\"");
	uint64_t end = psc_time_now(), span = days * 86400 * PSC_NSEC_PER_SEC;
	struct output out = {.directory = directory};
	static char *templates[TEMPLATES];
	struct psc_hasher *hasher;
	struct psc_chain chain = {0};
	char line[8192];

	if (psc_hasher_new(&hasher) < 0)
		die("hasher");
	for (uint64_t n = 0; n < TEMPLATES; n++) {
		json_t *record = record_number(n);

		templates[n] = json_dumps(record, JSON_COMPACT);
		json_decref(record);
	}
	for (uint64_t n = 0; n < records; n++) {
		uint64_t at = end - span + (uint64_t)((double)span * (double)n / (double)records);
		const char *template = templates[n % TEMPLATES];
		char time[PSC_TIME_TEXT_MAX];
		struct psc_chain_link link;
		size_t prefix, length;

		psc_chain_next(&chain, &link);
		prefix = psc_chain_format(&link, line);
		length = prefix + strlen(template) - 1;
		if (length >= sizeof(line))
			die("line");
		memcpy(line + prefix, template + 1, strlen(template) - 1);
		memcpy(line + prefix + begin - 1, psc_time_format(at, time), 27);
		if (psc_chain_advance(&chain, hasher, line, length) < 0)
			die("chain");
		line[length++] = '\n';
		if (!out.file || out.bytes >= file_bytes)
			next_file(&out, at,
				  file_bytes && n + file_bytes / length * 5 / 4 < records);
		if (gzwrite(out.file, line, (unsigned int)length) != (int)length)
			die("write");
		psc_auditlog_newest_feed(&out.newest, line, length);
		out.bytes += length;
	}
	end_file(&out);
	psc_hasher_free(hasher);
}

/* ---- the writer's path ----------------------------------------------------------------------- */

static uint64_t processor_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PSC_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void write_log(const char *directory, uint64_t records)
{
	struct psc_auditlog *log;
	uint64_t begin;

	errno = -psc_auditlog_open(directory, (gid_t)-1, &log, NULL);
	if (errno)
		die(directory);
	begin = processor_ns();
	for (uint64_t n = 0; n < records; n++) {
		char text[PSC_AUDITLOG_LINE_MAX];
		size_t length;

		if (psc_event_format(event_number(n), &context, text, sizeof(text), &length) < 0)
			die("record");
		errno = -psc_auditlog_append_text(log, text, length);
		if (!errno && n % GROUP == GROUP - 1)
			errno = -psc_auditlog_sync(log);
		if (errno)
			die("append");
	}
	psc_auditlog_sync(log);
	printf("%" PRIu64 "\n", (processor_ns() - begin) / records);
	psc_auditlog_free(log);
}

/* ---- what the journal is given --------------------------------------------------------------- */

static void export_member(const char *path, const json_t *value)
{
	char name[256];
	const char *key;
	json_t *member;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member) {
			snprintf(name, sizeof(name), "%s%s%s", path, *path ? "_" : "", key);
			for (char *p = name; *p; p++)
				*p = *p == '@' || *p == '.' ? 'X' : *p & ~(*p >= 'a' ? 0x20 : 0);
			export_member(name, member);
		}
	} else if (json_is_string(value)) {
		printf("%s=%s\n", path, json_string_value(value));
	} else if (json_is_integer(value)) {
		printf("%s=%" JSON_INTEGER_FORMAT "\n", path, json_integer_value(value));
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			export_member(path, json_array_get(value, i));
	}
}

static void export_records(uint64_t records)
{
	for (uint64_t n = 0; n < records; n++) {
		json_t *record = record_number(n);

		printf("__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64
		       "\n_BOOT_ID=0b0f6e0a6b4e4f1e9a531f3b8e6f2a11\n",
		       1767323045000000 + n, 45000000 + n);
		export_member("", record);
		putchar('\n');
		json_decref(record);
	}
}

static int run_command(char **argv)
{
	pid_t pid = fork();
	struct rusage usage;
	int status;

	if (pid == 0) {
		int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		die(argv[0]);
	printf("%ld %ld\n",
	       (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
		       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000,
	       usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "generate") == 0)
		generate(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
			 strtoull(argv[5], NULL, 10) << 20);
	else if (argc == 4 && strcmp(argv[1], "write") == 0)
		write_log(argv[2], strtoull(argv[3], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "export") == 0)
		export_records(strtoull(argv[2], NULL, 10));
	else if (argc > 2 && strcmp(argv[1], "run") == 0)
		return run_command(argv + 2);
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
