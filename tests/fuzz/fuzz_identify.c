/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_identify.c - a whole file as identify sees it: the format, the reader of that format,
 * scripts, compressed modules. Readers have targets of their own, which go deeper.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/identify.h"
#include "user/identify/marker.h"
#include "user/identify/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const marker[] = {"KL_PLUGINS_PATH", NULL};
	static const char *const none[] = {NULL};
	static struct psc_markers *markers;
	static struct psc_trust *trust;
	struct psc_identify_options options = {.want_digest = true, .unpack_modules = true};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (!markers && psc_markers_new(marker, &markers) < 0)
		return 0;
	if (!trust && psc_trust_new_files(none, &trust, NULL) < 0)
		return 0;
	options.markers = markers;
	options.trust = trust;
	if (psc_identify(fd, &options, &facts) != 0)
		abort();
	if (!psc_facts_get(&facts, PSC_FACT_FORMAT) || !psc_facts_get(&facts, PSC_FACT_SHA256))
		abort();
	if (facts.count > PSC_FACTS_MAX || facts.bytes > PSC_FACTS_BYTES_MAX)
		abort();
	return 0;
}
