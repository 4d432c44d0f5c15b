/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_judge.h - what the host's policy says of one subject, operation by operation, as JSON
 * and for people: for `policy test` and `explain`. Only for user/cli.
 */
#pragma once

#include "user/cli/policy_verbs.h"

/*
 * Adds to the object @json who the subject is ("product", "in_catalog", "name", "role", "site")
 * and the "operations", each with action, verdict and reasons, at the instant @at (ns).
 * *@ret_denied becomes true when one of them is refused, or would be in enforce mode; else it
 * stays. -ENOMEM, also for a @json that is NULL.
 */
int psc_policy_judge(const struct psc_policy_host *host, const struct psc_subject *subject,
		     uint64_t at, json_t *json, bool *ret_denied);

/* Prints "product, role: name" and then the operations of such an object. */
void psc_policy_judge_render(FILE *out, const json_t *json, bool colour);

/*
 * Who a number of a compiled policy stands for. Strings and product belong to @host and @image,
 * which must stay.
 */
struct psc_subject psc_policy_subject(const struct psc_policy_host *host,
				      const struct psc_image *image, uint32_t subject);

/* The record of a digest in a compiled policy that is not armed; NULL when it is not listed. */
const struct psc_digest_record *psc_policy_lookup(const struct psc_image *image,
						  const uint8_t digest[PSC_DIGEST_SIZE]);
