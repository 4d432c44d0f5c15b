/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_chain.c - links, anchors and whole logs of any bytes: what is read is written back the
 * same, verifying ends, and a log that it calls intact is intact under its own anchor.
 */
#include <sys/stat.h>

#include "user/core/chain_verify.h"

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

static void read_link(const char *text, size_t size)
{
	char prefix[PSC_CHAIN_PREFIX_MAX];
	struct psc_chain_link link;

	if (psc_chain_parse(text, size, &link) < 0)
		return;
	if (psc_chain_format(&link, prefix) != link.length || memcmp(prefix, text, link.length))
		abort();
}

static void read_anchor(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct psc_chain_anchor anchor;

	if (!text)
		abort();
	psc_chain_anchor_parse(text, &anchor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct psc_chain_verify_options options = {0};
	struct psc_chain_report report, again;
	struct psc_chain_anchor anchor;
	FILE *f;

	prepare();
	read_link((const char *)data, size);
	read_anchor(data, size);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
	if (psc_chain_verify(directory, &options, &report) < 0)
		abort();
	if (report.fault || !report.records)
		return 0;
	anchor.sequence = report.end.sequence;
	memcpy(anchor.head, report.end.head, PSC_DIGEST_SIZE);
	options.anchors = &anchor;
	options.anchor_count = 1;
	if (psc_chain_verify(directory, &options, &again) < 0 || again.fault || again.anchors != 1)
		abort();
	return 0;
}
