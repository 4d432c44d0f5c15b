/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.c - see identify.h.
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/identify/bytes.h"
#include "user/identify/elf.h"
#include "user/identify/identify.h"
#include "user/identify/module.h"
#include "user/identify/package.h"
#include "user/identify/pe.h"
#include "user/identify/script.h"

static int add_digest(int fd, struct psc_facts *facts)
{
	uint8_t digest[PSC_DIGEST_SIZE];
	char hex[2 * PSC_DIGEST_SIZE + 1];
	int r = psc_digest_fd(fd, digest, NULL);

	if (r < 0)
		return r;
	psc_hex_encode(digest, sizeof(digest), hex);
	return psc_facts_add(facts, PSC_FACT_SHA256, 0, hex, strlen(hex));
}

static int read_format(int fd, uint64_t size, enum psc_format format,
		       const struct psc_identify_options *options, struct psc_facts *facts)
{
	int r;

	switch (format) {
	case PSC_FORMAT_ELF:
		r = psc_elf_identify(fd, size, options->markers, facts);
		return r < 0 ? r : psc_module_identify(fd, size, options->trust, facts);
	case PSC_FORMAT_PE:
		return psc_pe_identify(fd, size, options->markers, options->trust, facts);
	case PSC_FORMAT_SCRIPT:
		r = psc_script_identify(fd, facts);
		return r < 0 ? r : psc_identify_run(fd, facts);
	case PSC_FORMAT_DEB:
		return psc_identify_deb(fd, facts);
	case PSC_FORMAT_RPM:
		return psc_identify_rpm(fd, facts);
	case PSC_FORMAT_ARCHIVE:
		if (!options->unpack_modules)
			return 0;
		return psc_module_identify_compressed(fd, options->markers, options->trust, facts);
	default:
		return 0;
	}
}

int psc_identify_known(int fd, uint64_t size, enum psc_format format,
		       const struct psc_identify_options *options, struct psc_facts *facts)
{
	const char *name = psc_format_to_string(format);
	int r;

	r = psc_facts_add(facts, PSC_FACT_FORMAT, 0, name, strlen(name));
	if (r >= 0)
		r = psc_facts_addf(facts, PSC_FACT_SIZE, 0, "%llu", (unsigned long long)size);
	if (r >= 0 && options->want_digest)
		r = add_digest(fd, facts);
	if (r >= 0)
		r = read_format(fd, size, format, options, facts);
	return r;
}

int psc_identify(int fd, const struct psc_identify_options *options, struct psc_facts *facts)
{
	uint8_t head[PSC_FORMAT_HEAD_SIZE];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = psc_read_at(fd, head, sizeof(head), 0);
	if (n < 0)
		return n;
	return psc_identify_known(fd, st.st_size, psc_format_detect(head, n), options, facts);
}
