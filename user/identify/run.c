/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - see run.h and package.h. What the script says of its own length is not asked: it is
 * computed by the shell, in every version differently. The archive begins at the first line
 * that begins like one and opens as one.
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/archive_input.h"
#include "user/identify/package_entries.h"
#include "user/identify/package.h"
#include "user/identify/bytes.h"
#include "user/identify/run.h"

/* Places that begin like an archive and are none, before the search is given up. */
#define ATTEMPTS_MAX 32
#define LABEL_MAX    512
#define USTAR_OFFSET 257
#define TAIL	     512 /* of a tar header, behind the last place that is looked at */

static const struct magic {
	const char *bytes;
	size_t size;
	bool encrypted;
} magics[] = {
	{"\x1f\x8b\x08", 3, false},
	{"\xfd"
	 "7zXZ\0",
	 6, false},
	{"BZh", 3, false},
	{"\x28\xb5\x2f\xfd", 4, false},
	{"\x5d\0\0", 3, false}, /* lzma */
	{"PK\003\004", 4, false},
	{"070701", 6, false},
	{"Salted__", 8, true},	   /* openssl enc */
	{"\x8c\x0d\x04", 3, true}, /* gpg --symmetric */
};

void psc_run_clear(struct psc_run *run)
{
	free(run->label);
	*run = (struct psc_run){0};
}

static const struct magic *magic_at(const uint8_t *data, size_t size)
{
	static const struct magic tar = {"ustar", 5, false};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		if (size >= magics[i].size && data[0] == (uint8_t)magics[i].bytes[0] &&
		    memcmp(data, magics[i].bytes, magics[i].size) == 0)
			return &magics[i];
	}
	if (size >= USTAR_OFFSET + tar.size && data[USTAR_OFFSET] == 'u' &&
	    memcmp(data + USTAR_OFFSET, tar.bytes, tar.size) == 0)
		return &tar;
	return NULL;
}

/* 1: an archive with an entry begins at @offset. */
static int opens_at(int fd, uint64_t offset)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct archive_entry *entry;
	int r = psc_archive_input_open(fd, offset, PSC_INPUT_ALL & ~PSC_INPUT_AR, &input);

	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	r = psc_archive_input_next(input, &entry);
	if (r == -EBADMSG)
		return 0;
	/* raw takes everything, and proves nothing unless something unpacked it */
	if (r > 0 && archive_format(input->archive) == ARCHIVE_FORMAT_RAW)
		return psc_archive_input_compressed(input);
	return r;
}

/* The value of the line label="...", as makeself writes it. */
static int read_label(const char *script, size_t size, char **ret)
{
	static const char key[] = "\nlabel=\"";
	const char *start = memmem(script, size, key, sizeof(key) - 1), *end;

	if (!start)
		return 0;
	start += sizeof(key) - 1;
	end = memchr(start, '\n', script + size - start);
	if (!end || end == start || end[-1] != '"' || end - 1 - start > LABEL_MAX)
		return 0;
	*ret = strndup(start, end - 1 - start);
	return *ret ? 0 : -ENOMEM;
}

/* The script ends before @ret; -ENOEXEC when it never does. */
static int find_end(int fd, const uint8_t *data, size_t size, struct psc_run *run)
{
	unsigned int attempts = 0;
	const uint8_t *p = data;

	while ((p = memchr(p, '\n', data + size - p)) && ++p < data + size) {
		const struct magic *magic = magic_at(p, data + size - p);
		int r;

		if (p - data > (ptrdiff_t)PSC_RUN_SCRIPT_MAX)
			break;
		if (!magic)
			continue;
		r = magic->encrypted ? 1 : opens_at(fd, p - data);
		if (r < 0)
			return r;
		if (r > 0) {
			run->script_size = p - data;
			run->encrypted = magic->encrypted;
			return 0;
		}
		if (++attempts == ATTEMPTS_MAX)
			break;
	}
	return -ENOEXEC;
}

int psc_run_read(int fd, struct psc_run *ret)
{
	_cleanup_(psc_run_clear) struct psc_run run = {0};
	_cleanup_free_ uint8_t *data = NULL;
	size_t room = PSC_RUN_SCRIPT_MAX + TAIL;
	uint8_t start[2];
	struct stat st;
	ssize_t size;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	size = psc_read_at(fd, start, sizeof(start), 0);
	if (size < 0)
		return (int)size;
	if (size < 2 || memcmp(start, "#!", 2) != 0)
		return -ENOEXEC;
	if (room > (uint64_t)st.st_size)
		room = st.st_size;
	data = malloc(room + 1);
	if (!data)
		return -ENOMEM;
	size = psc_read_at(fd, data, room, 0);
	if (size < 0)
		return (int)size;
	r = find_end(fd, data, (size_t)size, &run);
	if (r == 0)
		r = read_label((const char *)data, run.script_size, &run.label);
	if (r < 0)
		return r;
	*ret = run;
	run = (struct psc_run){0};
	return 0;
}

int psc_identify_run(int fd, struct psc_facts *facts)
{
	_cleanup_(psc_run_clear) struct psc_run run = {0};
	locale_t before = NULL, locale;
	int r = psc_run_read(fd, &run);

	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	r = psc_facts_addf(facts, PSC_FACT_ARCHIVE_OFFSET, 0, "%llu",
			   (unsigned long long)run.script_size);
	if (r >= 0 && run.label)
		r = psc_facts_add(facts, PSC_FACT_ARCHIVE_LABEL, 0, run.label, strlen(run.label));
	if (r < 0)
		return r;
	if (run.encrypted)
		return psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
				      "the archive at offset %llu is encrypted",
				      (unsigned long long)run.script_size);
	locale = psc_archive_locale_enter(&before);
	r = psc_entries_of_file(fd, run.script_size, PSC_INPUT_ALL & ~PSC_INPUT_AR, facts);
	psc_archive_locale_leave(locale, before);
	return r;
}
