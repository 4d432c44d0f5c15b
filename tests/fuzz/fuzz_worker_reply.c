/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_worker_reply.c - what a worker that was taken over may answer. Facts that are accepted
 * are within their limits, and come out of a second journey as they were.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/json.h"
#include "user/identify/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct psc_facts *a, const struct psc_facts *b)
{
	if (a->count != b->count || a->truncated != b->truncated)
		abort();
	for (size_t i = 0; i < a->count; i++) {
		if (a->fact[i].kind != b->fact[i].kind || a->fact[i].group != b->fact[i].group ||
		    strcmp(a->fact[i].value, b->fact[i].value) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_wire_request_clear) struct psc_wire_request request = {0};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_(psc_facts_clear) struct psc_facts again = {0};
	_cleanup_json_ json_t *json = NULL;
	_cleanup_json_ json_t *reply = NULL;
	int error = 1, second = 1;

	if (psc_json_parse(data, size, PSC_WIRE_REPLY_MAX, &json, NULL, NULL, 0) < 0)
		return 0;
	psc_wire_is_ready(json);
	psc_wire_request_decode(json, &request);
	if (psc_wire_reply_decode(json, &error, &facts) < 0)
		return 0;
	if (error > 0 || facts.count > PSC_FACTS_MAX || facts.bytes > PSC_FACTS_BYTES_MAX)
		abort();
	if (psc_wire_reply_encode(error, &facts, &reply) < 0 ||
	    psc_wire_reply_decode(reply, &second, &again) < 0 || second != error)
		abort();
	compare(&facts, &again);
	return 0;
}
