/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pe.c - facts of Windows programs and their signatures. Any file gives facts within their
 * limits; what is damaged is a problem among them and no error. The seeds are images of
 * tests/unit/test_pe.c, which keeps them when PSC_KEEP_SEEDS names a directory.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const strings[] = {"stand-in-marker", "another-marker", NULL};
	static struct psc_markers *markers;
	static const char *const none[] = {NULL};
	static struct psc_trust *trust;
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (!markers && psc_markers_new(strings, &markers) < 0)
		return 0;
	if (!trust && psc_trust_new_files(none, &trust, NULL) < 0)
		return 0;
	if (psc_pe_identify(fd, size, markers, trust, &facts) != 0)
		abort();
	/* Without certificates nobody is trusted. */
	for (size_t i = 0; i < facts.count; i++) {
		if (facts.fact[i].kind == PSC_FACT_SIGNER_STATE &&
		    strcmp(facts.fact[i].value, "trusted") == 0)
			abort();
	}
	if (facts.count > PSC_FACTS_MAX || facts.bytes > PSC_FACTS_BYTES_MAX)
		abort();
	return 0;
}
