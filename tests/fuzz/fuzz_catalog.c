/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_catalog.c - products of a vendor. What is accepted can be found again by its name, and
 * nothing is found that is not there; what is refused says why.
 */
#include "user/core/util.h"
#include "user/core/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* See fuzz_config.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	struct psc_error err = {0};
	enum psc_role role;

	if (psc_catalog_parse(&catalog, (const char *)data, size, "in", &err) < 0 &&
	    !err.message[0])
		abort();
	for (size_t i = 0; i < catalog.count; i++) {
		const struct psc_product *product = &catalog.products[i];

		if (!product->id || !product->name || !product->entity || !product->class ||
		    !product->cite.source || product->cite.label >= PSC_LABEL_MAX)
			abort();
		if (psc_catalog_find(&catalog, product->id, &role) != product)
			abort();
	}
	if (psc_catalog_find(&catalog, "no such/product", &role))
		abort();
	return 0;
}
