/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_journald.c - records as fields of the journal, by its native protocol: a datagram of
 * FIELD=value lines. Nothing waits for it; see sinks.h.
 */
#include "user/core/util.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "user/daemon/sinks.h"

/* Priorities of syslog(3). */
#define PRIORITY_ERROR	 3
#define PRIORITY_WARNING 4
#define PRIORITY_NOTICE	 5
#define PRIORITY_INFO	 6

/* A value with a newline goes with its length, as the protocol has it. */
static void put_field(FILE *out, const char *name, const char *value)
{
	uint64_t size;

	if (!value || !*value)
		return;
	if (!strchr(value, '\n')) {
		fprintf(out, "%s=%s\n", name, value);
		return;
	}
	size = htole64(strlen(value));
	fprintf(out, "%s\n", name);
	fwrite(&size, sizeof(size), 1, out);
	fprintf(out, "%s\n", value);
}

static void put_value(FILE *out, const char *name, const json_t *value)
{
	const json_t *item;
	char number[32];
	size_t i;

	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		put_field(out, name, number);
	}
	put_field(out, name, json_string_value(value));
	/* a field may stand several times */
	json_array_foreach(value, i, item)
		put_field(out, name, json_string_value(item));
}

static int priority_of(const json_t *record, const json_t *own)
{
	const char *verdict = json_string_value(json_object_get(own, "verdict")) ?: "";
	const char *outcome =
		json_string_value(json_object_get(json_object_get(record, "event"), "outcome"));

	if (!strcmp(verdict, "deny"))
		return PRIORITY_WARNING;
	if (!strcmp(verdict, "would_deny"))
		return PRIORITY_NOTICE;
	return outcome && !strcmp(outcome, "failure") ? PRIORITY_ERROR : PRIORITY_INFO;
}

static void put_record(FILE *out, const json_t *record, uint64_t sequence)
{
	static const struct {
		const char *field;
		const char *member;
	} members[] = {
		{"PROSCRIBE_TYPE", "type"},
		{"PROSCRIBE_OP", "op"},
		{"PROSCRIBE_VERDICT", "verdict"},
		{"PROSCRIBE_PRODUCT", "product"},
		{"PROSCRIBE_ROLE", "role"},
		{"PROSCRIBE_PROFILE", "profiles"},
		{"PROSCRIBE_CLAUSE", "clauses"},
		{"PROSCRIBE_BASIS", "basis"},
		{"PROSCRIBE_UNVERIFIED", "unverified"},
		{"PROSCRIBE_MODE", "mode"},
		{"PROSCRIBE_REQUESTER", "requester"},
		{"PROSCRIBE_REPEATS", "repeats"},
		{"PROSCRIBE_GENERATION", "generation"},
	};
	const json_t *own = json_object_get(record, "proscribe");
	const json_t *file = json_object_get(record, "file");
	const json_t *process = json_object_get(record, "process");

	put_value(out, "MESSAGE", json_object_get(record, "message"));
	fprintf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=proscribed\nPROSCRIBE_SEQUENCE=%llu\n",
		priority_of(record, own), (unsigned long long)sequence);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		put_value(out, members[i].field, json_object_get(own, members[i].member));
	put_value(out, "PROSCRIBE_PATH", json_object_get(file, "path"));
	put_value(out, "PROSCRIBE_SHA256",
		  json_object_get(json_object_get(file, "hash"), "sha256"));
	put_value(out, "PROSCRIBE_PID", json_object_get(process, "pid"));
	put_value(out, "PROSCRIBE_COMM", json_object_get(process, "name"));
	put_value(out, "PROSCRIBE_UID", json_object_get(json_object_get(process, "user"), "id"));
}

int psc_sink_journald_format(const json_t *record, uint64_t sequence, char **ret, size_t *ret_size)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	put_record(out, record, sequence);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

static int send_text(int *fd, const char *path, const char *text, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	if (*fd < 0)
		*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return -errno;
	if (sendto(*fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		   sizeof(address)) < 0)
		return -errno;
	return 0;
}

int psc_sink_journald_send(struct psc_sink *sink, int *fd, const char *path, const json_t *record,
			   uint64_t sequence)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = psc_sink_journald_format(record, sequence, &text, &size);

	if (r >= 0)
		r = send_text(fd, path, text, size);
	sink->error = r < 0 ? r : 0;
	if (r < 0)
		sink->lost++;
	else
		sink->written++;
	return r;
}
