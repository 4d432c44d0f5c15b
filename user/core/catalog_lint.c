/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_lint.c - see catalog_lint.h. catalog_lint_rule.c looks at single rules.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/catalog_lint_parts.h"
#include "user/core/hex.h"
#include "user/core/list.h"
#include "user/core/load.h"

#define PRODUCTS_FILE	  "products.yaml"
#define PRODUCTS_SIZE_MAX (4U << 20)

void psc_lint_report(struct psc_lint *lint, const char *path, unsigned int line,
		     unsigned int column, const char *fmt, ...)
{
	struct psc_error finding = {0};
	char message[PSC_ERROR_MESSAGE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	psc_error_set(&finding, path, line, column, "%s", message);
	lint->fn(&finding, lint->data);
	lint->findings++;
}

/* What could not be read is a finding, too; only want of memory ends it. */
static int pass_on(struct psc_lint *lint, int r, const struct psc_error *error)
{
	if (r >= 0 || r == -ENOMEM)
		return r;
	if (error->message[0])
		psc_lint_report(lint, error->file, error->line, error->column, "%s",
				error->message);
	else
		psc_lint_report(lint, NULL, 0, 0, "%s", strerror(-r));
	return 0;
}

static void check_products(struct psc_lint *lint, const struct psc_catalog *catalog,
			   const char *vendor, const char *path)
{
	size_t length = strlen(vendor);

	if (!catalog->count)
		psc_lint_report(lint, path, 0, 0, "has no products");
	for (size_t i = 0; i < catalog->count; i++) {
		const struct psc_product *product = &catalog->products[i];

		if (strncmp(product->id, vendor, length) != 0 || product->id[length] != '/')
			psc_lint_report(lint, path, product->line, 0,
					"product %s stands in the folder of vendor %s", product->id,
					vendor);
	}
}

/* A folder may add rules and digests to a vendor of an earlier directory. */
static bool is_known(const struct psc_catalog *catalog, const char *vendor)
{
	size_t length = strlen(vendor);

	for (size_t i = 0; i < catalog->count; i++) {
		if (strncmp(catalog->products[i].id, vendor, length) == 0 &&
		    catalog->products[i].id[length] == '/')
			return true;
	}
	return false;
}

/* One vendor's products by themselves, then for all that follows. */
static int lint_products(const char *directory, const char *vendor, void *data,
			 struct psc_error *reterr)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog own = {0};
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct psc_lint *lint = data;
	struct psc_error error = {0};
	size_t size;
	int r;

	if (asprintf(&path, "%s/%s/" PRODUCTS_FILE, directory, vendor) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (access(path, F_OK) < 0 && (errno == ENOTDIR || is_known(&lint->catalog, vendor)))
		return 0;
	r = psc_load_trusted(path, PRODUCTS_SIZE_MAX, &text, &size, &error);
	if (r >= 0)
		r = psc_catalog_parse(&own, text, size, path, &error);
	if (r >= 0) {
		check_products(lint, &own, vendor, path);
		r = psc_catalog_parse(&lint->catalog, text, size, path, &error);
	}
	return pass_on(lint, r, &error);
}

static int lint_indicators(const char *directory, const char *vendor, void *data,
			   struct psc_error *reterr)
{
	struct psc_lint *lint = data;
	struct psc_error error = {0};
	size_t known = psc_indicators_count(lint->indicators);
	size_t length = strlen(vendor);
	int r;

	r = psc_indicators_load_vendor(lint->indicators, &lint->catalog, directory, vendor, &error);
	for (size_t i = known; i < psc_indicators_count(lint->indicators); i++) {
		const struct psc_indicator *rule = psc_indicators_get(lint->indicators, i);

		if (strncmp(rule->id, vendor, length) != 0 || rule->id[length] != '/') {
			psc_lint_report(lint, rule->path, 0, 0,
					"is of another vendor than its folder %s", vendor);
			break;
		}
	}
	return pass_on(lint, r, &error);
}

static int lint_digests(const char *directory, const char *vendor, void *data,
			struct psc_error *reterr)
{
	struct psc_lint *lint = data;
	struct psc_error error = {0};
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", directory, vendor) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = psc_list_load_dir(lint->list, path, &error);
	return r == -ENOTDIR ? 0 : pass_on(lint, r, &error);
}

static void check_entry(struct psc_lint *lint, size_t i, const struct psc_list_entry *entry,
			const char *path)
{
	char hex[2 * PSC_ALGO_DIGEST_MAX + 1];
	enum psc_role role;

	psc_hex_encode(entry->digest, entry->digest_size, hex);
	if (!psc_catalog_find(&lint->catalog, entry->product, &role))
		psc_lint_report(lint, path, entry->line, 0, "the catalog has no product \"%.80s\"",
				entry->product);
	if (!entry->source[0])
		psc_lint_report(lint, path, entry->line, 0, "digest %.16s... has no source", hex);
	if (psc_list_is_duplicate(lint->list, i))
		psc_lint_report(lint, path, entry->line, 0, "digest %.16s... stands above already",
				hex);
}

static int check_digests(struct psc_lint *lint)
{
	struct psc_list_entry entry;
	struct psc_list_file file;
	int r = psc_list_index(lint->list);

	if (r < 0)
		return r;
	for (size_t i = 0; psc_list_get(lint->list, i, &entry) == 0; i++) {
		if (psc_list_file(lint->list, entry.file, &file) == 0)
			check_entry(lint, i, &entry, file.path);
	}
	return 0;
}

/* Calls @one for every vendor of all directories. */
static int each(struct psc_lint *lint, const char *const *directories, size_t count,
		int (*one)(const char *directory, const char *vendor, void *data,
			   struct psc_error *reterr))
{
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		struct psc_error error = {0};

		if (directories[i])
			r = pass_on(lint,
				    psc_catalog_each_vendor(directories[i], one, lint, &error),
				    &error);
	}
	return r;
}

int psc_catalog_lint(const char *const *directories, size_t count, psc_catalog_lint_fn *fn,
		     void *data)
{
	struct psc_lint lint = {.fn = fn, .data = data};
	int r;

	r = psc_indicators_new(&lint.indicators);
	if (r >= 0)
		r = psc_list_new(&lint.list);
	if (r >= 0)
		r = each(&lint, directories, count, lint_products);
	if (r >= 0)
		r = each(&lint, directories, count, lint_indicators);
	if (r >= 0)
		r = each(&lint, directories, count, lint_digests);
	if (r >= 0)
		r = psc_lint_rules(&lint);
	if (r >= 0)
		r = check_digests(&lint);
	psc_indicators_free(lint.indicators);
	psc_list_free(lint.list);
	psc_catalog_clear(&lint.catalog);
	return r < 0 ? r : lint.findings;
}
