/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_evidence.c - logs of package managers, plain or gzip. The first byte says which. Every
 * item has a time that can be written and a source.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/scan/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const packages[] = {"kesl", "a", NULL};
	struct psc_evidence_query query = {.root = "", .packages = packages};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	struct psc_evidence evidence = {0};
	char text[PSC_TIME_TEXT_MAX];
	int r;

	if (!size || fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		return 0;
	r = psc_evidence_read_log(fd, data[0] % (PSC_EVIDENCE_YUM_LOG + 1), "log", &query,
				  &evidence);
	if (r < 0 && r != -EBADMSG && r != -E2BIG && r != -ENOMEM)
		abort();
	for (size_t i = 0; i < evidence.count; i++) {
		psc_time_format(evidence.item[i].time, text);
		if (strncmp(evidence.item[i].source, "log:", 4) != 0 || !*evidence.item[i].text)
			abort();
	}
	psc_evidence_clear(&evidence);
	return 0;
}
