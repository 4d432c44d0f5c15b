/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_scan_text.c - text files that a scan reads: dpkg's status and lists, units, accounts. The
 * first byte says which. Any file gives bounded results or an error.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/scan/dpkg.h"
#include "user/scan/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int package(const struct psc_dpkg_package *found, void *data)
{
	if (!*found->name || !found->line || strchr(found->version, '\n'))
		abort();
	return 0;
}

static int path(const char *found, size_t length, void *data)
{
	if (*found != '/' || found[length])
		abort();
	return 0;
}

static int account(const char *name, void *data)
{
	if (strpbrk(name, ":\n"))
		abort();
	return 0;
}

static int unit(int fd)
{
	struct psc_facts facts = {0};
	int r = psc_unit_read(fd, &facts);

	for (size_t i = 0; i < facts.count; i++) {
		const struct psc_fact *fact = &facts.fact[i];

		if (fact->kind == PSC_FACT_PATH ? *fact->value != '/' : !strchr(fact->value, '='))
			abort();
	}
	psc_facts_clear(&facts);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	unsigned int line = 0;
	int r;

	if (!size || fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		return 0;
	switch (data[0]) {
	case 's':
		r = psc_dpkg_read_status(fd, package, NULL, &line);
		break;
	case 'l':
		r = psc_dpkg_read_list(fd, path, NULL);
		break;
	case 'u':
		r = unit(fd);
		break;
	default:
		r = psc_accounts_read(fd, account, NULL);
		break;
	}
	if (r < 0 && r != -EBADMSG && r != -E2BIG && r != -ENOMEM)
		abort();
	return 0;
}
