/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_auditlog.c - the audit log's reader and the writer's repair over any file: every
 * line is handed out once, and a repaired log takes a record that is then read back.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/auditlog.h"
#include "user/core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/psc-fuzz-XXXXXX";
static char path[64];

static void clean_up(void)
{
	unlink(path);
	rmdir(directory);
}

static void prepare(void)
{
	if (path[0])
		return;
	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", directory);
	atexit(clean_up);
}

/* Reads all lines; returns whether the last one was a whole record. */
static bool read_all(size_t *ret_lines)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line = {};
	bool good = false;

	if (psc_auditlog_reader_new(directory, 0, false, &reader) < 0)
		abort();
	*ret_lines = 0;
	while (psc_auditlog_reader_next(reader, &line) > 0) {
		if (line.line != ++*ret_lines || !line.json == !line.error)
			abort();
		good = line.json != NULL;
	}
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	_cleanup_json_ json_t *record = json_pack("{s:i}", "n", 1);
	size_t lines = 0, expected = 0;
	FILE *f;

	prepare();
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
	for (size_t i = 0; i < size; i++)
		expected += data[i] == '\n';
	expected += size > 0 && data[size - 1] != '\n';
	read_all(&lines);
	if (lines != expected)
		abort();
	if (psc_auditlog_open(directory, (gid_t)-1, &log, NULL) < 0 ||
	    psc_auditlog_append(log, record) < 0)
		abort();
	if (!read_all(&lines))
		abort();
	return 0;
}
