/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.h - lists and configuration to the image that the kernel decides with.
 * Pure: no file, no clock, no kernel. Used by the daemon, and by the CLI to check.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/config.h"
#include "user/core/error.h"
#include "user/core/image.h"
#include "user/core/list.h"

/*
 * Compiles. Entries that are not enforceable are left out. Of a digest that is
 * listed more than once the first entry gives the product; sizes and formats of all
 * of them count, and when sizes differ any size matches. The canary is refused for
 * exec, load, module and open whatever the configuration says; should a list name
 * its digest, it stays the canary.
 *
 * Errors: -E2BIG for more than PSC_DIGESTS_MAX digests, too many products, or more
 * digests of one prefix than the kernel searches; @reterr says which. -ENOMEM.
 * The caller frees @ret with psc_image_free().
 */
int psc_compile(const struct psc_list *list, const struct psc_config *config,
		const uint8_t canary_digest[PSC_DIGEST_SIZE], uint64_t canary_size,
		struct psc_image **ret, struct psc_error *reterr);
