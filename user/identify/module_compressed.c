/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_compressed.c - kernel modules that are compressed (.ko.gz, .ko.xz, .ko.zst): the kernel
 * or modprobe unpacks them, so what they are signed with and named inside counts. See module.h.
 */
#include <errno.h>
#include <elf.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/archive_input.h"
#include "user/identify/elf.h"
#include "user/identify/module.h"

#define MODULE_MAX (128ULL << 20) /* bytes unpacked; the largest of Debian has 40 MB */

static int add_problem(struct psc_facts *facts, const char *why)
{
	return psc_facts_addf(facts, PSC_FACT_PROBLEM, 0, "compressed module: %s", why);
}

/* Modules are relocatable programs. */
static bool is_module(const uint8_t *data, size_t size)
{
	Elf64_Ehdr header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_REL;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* 1: a module, whole, in @fd; 0: none, or a problem was added. */
static int unpack(struct psc_archive_input *input, int fd, struct psc_facts *facts,
		  uint64_t *ret_size)
{
	uint64_t done = 0;

	for (;;) {
		const void *data;
		uint64_t offset;
		size_t size;
		int r = psc_archive_input_read(input, &data, &size, &offset);

		if (r == -EBADMSG || r == -EOPNOTSUPP)
			return done ? add_problem(facts, psc_archive_input_reason(input)) : 0;
		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (done == 0 && !is_module(data, size))
			return 0;
		if (offset != done || size > MODULE_MAX - done)
			return add_problem(facts, "larger than is unpacked");
		r = write_all(fd, data, size);
		if (r < 0)
			return r;
		done += size;
	}
	*ret_size = done;
	return done > 0;
}

static int identify(struct psc_archive_input *input, const struct psc_markers *markers,
		    const struct psc_trust *trust, struct psc_facts *facts)
{
	_cleanup_close_ int fd = -1;
	struct archive_entry *entry;
	uint64_t size = 0;
	int r;

	if (!psc_archive_input_compressed(input))
		return 0;
	r = psc_archive_input_next(input, &entry);
	if (r <= 0)
		return r == -EBADMSG ? 0 : r;
	fd = memfd_create("module", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = unpack(input, fd, facts, &size);
	if (r <= 0)
		return r;
	r = psc_elf_identify(fd, size, markers, facts);
	return r < 0 ? r : psc_module_identify(fd, size, trust, facts);
}

int psc_module_identify_compressed(int fd, const struct psc_markers *markers,
				   const struct psc_trust *trust, struct psc_facts *facts)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	int r = psc_archive_input_open(fd, 0, PSC_INPUT_RAW, &input);

	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	return identify(input, markers, trust, facts);
}
