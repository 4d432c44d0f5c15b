/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_report.c - a report out of any records: the input is lines, those that are JSON are taken.
 */
#include "user/core/json.h"
#include "user/core/report.h"
#include "user/core/timefmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char entity[] = "acme", id[] = "acme/tool", empty[] = "", profile_id[] = "p";
	static char *entities[] = {entity, NULL};
	struct psc_product product = {.id = id, .name = id, .entity = entity, .class = empty};
	const struct psc_catalog catalog = {&product, 1};
	const struct psc_profile profile = {.id = profile_id, .entities = entities};
	const struct psc_report_options options = {
		.from = size % 2 ? 1767225600ULL * PSC_NSEC_PER_SEC : 0,
		.until = 1798761600ULL * PSC_NSEC_PER_SEC,
		.profile = &profile,
		.catalog = &catalog,
	};
	_cleanup_(psc_report_freep) struct psc_report *report = NULL;
	_cleanup_json_ json_t *json = NULL;
	const char *at = (const char *)data, *end = at + size;

	if (psc_report_new(&options, &report) < 0)
		return 0;
	while (at < end) {
		const char *line = at, *newline = memchr(at, '\n', (size_t)(end - at));
		_cleanup_json_ json_t *record = NULL;

		at = newline ? newline + 1 : end;
		if (psc_json_parse(line, (size_t)((newline ?: end) - line), 1 << 16, &record, NULL,
				   NULL, 0) >= 0)
			psc_report_add(report, record);
	}
	if (psc_report_to_json(report, &json) < 0)
		return 0;
	/* intervals never end before they begin */
	json_t *interval;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(json, "guard"), "intervals"), i,
			   interval) {
		if (json_integer_value(json_object_get(interval, "seconds")) < 0)
			abort();
	}
	return 0;
}
