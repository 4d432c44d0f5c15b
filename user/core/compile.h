/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.h - lists, profiles, objects and configuration to the image that the kernel decides
 * with. Pure: no file, no clock, no kernel. Used by the daemon, and by the CLI to check.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/config.h"
#include "user/core/error.h"
#include "user/core/image.h"
#include "user/core/list.h"
#include "user/core/ruling.h"

struct psc_compile_input {
	const struct psc_list *list;
	size_t site_files; /* the first files of @list are the site's, the others a catalog's */
	const struct psc_catalog *catalog;
	const struct psc_place *places; /* each with a number of its own */
	size_t place_count;
	struct psc_policy_view view;
	uint64_t now; /* ns; nothing will be judged at an earlier time. 0: nothing is known */
};

/*
 * Compiles. Entries that are not enforceable are left out. Of a digest that is listed more
 * than once the first entry gives the product, before it the first that names one of the
 * catalog; where several products of the catalog are named the strictest of them decides, for
 * each operation and interval, and the one that is so most of the time gives the name. Sizes and formats of all of them count: when sizes differ, or an
 * entry of what the kernel executes has none, any size matches.
 * Entries of the site fall under the configuration's actions as well. Places are judged by the
 * same rulings as digests of their product.
 *
 * The kernel takes PSC_INTERVALS_MAX intervals. When there are more, the earliest of those that
 * are over at the input's `now` become one with the interval after them, as many as it takes:
 * the first interval is then right from its last instant on only. Without need nothing is left
 * out, so that the same policy has the same digest tomorrow.
 *
 * The image has no canary yet and no index: psc_image_arm() adds both.
 *
 * Errors: -E2BIG for more than PSC_DIGESTS_MAX digests, too many products, kinds of subjects
 * that are judged differently (classes) or instants of change to come; @reterr says which. -ENOMEM.
 * The caller frees @ret with psc_image_free().
 */
int psc_compile_policy(const struct psc_compile_input *input, struct psc_image **ret,
		       struct psc_error *reterr);

/* A site's lists alone, armed: as without profile, catalog and objects. */
int psc_compile(const struct psc_list *list, const struct psc_config *config,
		const uint8_t canary_digest[PSC_DIGEST_SIZE], uint64_t canary_size,
		struct psc_image **ret, struct psc_error *reterr);
