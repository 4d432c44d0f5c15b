/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_event.c - ring records: what the decoder accepts must become a record of the log
 * that is valid JSON, is read back as a line of it and is the same to the byte when a library
 * writes it.
 */
#include "user/core/auditlog.h"
#include "user/core/event.h"
#include "user/core/event_json.h"
#include "user/core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The length is set right for half of the inputs, which would else hardly get anywhere. */
static void mend(uint8_t *copy, size_t size)
{
	struct psc_event *e = (void *)copy;

	if (size <= offsetof(struct psc_event, path) || e->head.cpu & 1)
		return;
	e->head.length = (uint32_t)size;
	e->path_length = (uint16_t)strnlen((char *)copy + offsetof(struct psc_event, path),
					   size - offsetof(struct psc_event, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct psc_event_context context = {.hostname = "h", .product = "p\n"};
	static char text[PSC_AUDITLOG_LINE_MAX];
	_cleanup_json_ json_t *json = NULL;
	_cleanup_free_ uint8_t *copy = malloc(size ? size : 1);
	_cleanup_free_ char *line = NULL;
	const struct psc_event *event;
	size_t length;

	if (size)
		memcpy(copy, data, size);
	mend(copy, size);
	if (psc_event_decode(copy, size, &event) < 0)
		return 0;
	if (psc_event_format(event, &context, text, sizeof(text), &length) < 0 ||
	    psc_auditlog_parse_line(text, length, &json, NULL, 0) < 0)
		abort();
	line = json_dumps(json, JSON_COMPACT);
	if (!line || strlen(line) != length || memcmp(line, text, length) != 0)
		abort();
	return 0;
}
