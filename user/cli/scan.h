/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - what the parts of `proscribe scan` share: the knowledge it compares with, its result
 * as JSON, and that as text and CSV. Only for user/cli.
 */
#pragma once

#include <jansson.h>

#include "user/cli/cli.h"
#include "user/core/config.h"
#include "user/core/policy_set.h"
#include "user/identify/signer.h"
#include "user/scan/scan.h"

/* What files are compared with. */
struct psc_scan_knowledge {
	struct psc_config *config;
	struct psc_policy_places places;
	struct psc_catalog catalog;
	struct psc_indicators *indicators;
	struct psc_list *list;
	struct psc_trust *trust;
	uint8_t digest[PSC_DIGEST_SIZE]; /* of the catalogs */
};

void psc_scan_knowledge_clear(struct psc_scan_knowledge *knowledge);

/* By the options. PSC_EXIT_OK, or another status after having said why. */
int psc_scan_knowledge_load(struct psc_cli *cli, struct psc_scan_knowledge *ret);

/* Everything about a scan; NULL: memory is short. */
json_t *psc_scan_to_json(const struct psc_scan_result *result,
			 const struct psc_scan_options *options,
			 const struct psc_scan_knowledge *knowledge);

/*
 * Tells the daemon, so that the audit log has a record of it, and sets "recorded" and, if it is
 * not, "not_recorded" (why) in @data. @wanted: the option.
 */
void psc_scan_tell(json_t *data, bool wanted);

/* How many places were not read, by the "gaps" of a scan. */
json_int_t psc_scan_unread(const json_t *gaps);

/* For psc_cli_report(). */
void psc_scan_render(FILE *out, const json_t *data, bool colour);
void psc_scan_render_csv(FILE *out, const json_t *data, bool colour);
