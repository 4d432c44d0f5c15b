/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_entries.c - see package_entries.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/identify/package_entries.h"
#include "user/identify/package.h"

static int add_entry(struct archive_entry *entry, struct psc_facts *facts)
{
	const char *path = psc_archive_entry_path(entry);

	if (archive_entry_filetype(entry) == AE_IFDIR || !path[0])
		return 0;
	return psc_facts_add(facts, PSC_FACT_ENTRY, 0, path, strlen(path));
}

/* Passing over an entry of a compressed archive unpacks it: that is counted as it goes. */
static int pass_over(struct psc_archive_input *input, uint64_t *bytes)
{
	int r;

	if (!psc_archive_input_compressed(input))
		return 0;
	do {
		const void *data;
		uint64_t offset;
		size_t size = 0;

		r = psc_archive_input_read(input, &data, &size, &offset);
		*bytes += size;
	} while (r > 0 && *bytes <= PSC_ENTRIES_BYTES_MAX);
	return r == -EOPNOTSUPP ? 0 : r;
}

int psc_entries_of_input(struct psc_archive_input *input, struct psc_facts *facts, bool *ret_all)
{
	struct archive_entry *entry;
	uint64_t bytes = 0;
	unsigned int count = 0;
	bool all = false;
	int r;

	while ((r = psc_archive_input_next(input, &entry)) > 0) {
		if (++count > PSC_PACKAGE_ENTRIES_MAX || bytes > PSC_ENTRIES_BYTES_MAX)
			break;
		r = add_entry(entry, facts);
		if (r >= 0)
			r = pass_over(input, &bytes);
		if (r < 0)
			break;
	}
	if (r == -EBADMSG)
		r = psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
				   "the archive is damaged behind %u entries: %s", count,
				   psc_archive_input_reason(input));
	else if (r > 0)
		r = psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
				   "only the first %u names of the archive were read", count - 1);
	else if (r == 0)
		all = true;
	if (r >= 0 && ret_all)
		*ret_all = all;
	return r < 0 ? r : 0;
}

int psc_entries_of_file(int fd, uint64_t start, unsigned int formats, struct psc_facts *facts)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	int r = psc_archive_input_open(fd, start, formats, &input);

	if (r == -ENOEXEC)
		return psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
				      "the archive at offset %llu cannot be read",
				      (unsigned long long)start);
	return r < 0 ? r : psc_entries_of_input(input, facts, NULL);
}
