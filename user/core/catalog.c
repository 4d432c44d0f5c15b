/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - see catalog.h.
 */
#include <dirent.h>
#include <errno.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/load.h"
#include "user/core/yaml.h"

#define CATALOG_SIZE_MAX (4U << 20) /* bytes of a products.yaml */

#define CATALOG_FILE "products.yaml"

/* One vendor's file while it is read. */
struct vendor {
	struct psc_catalog *catalog;
	const char *id;
	const char *entity;
	struct psc_product product; /* the one being read */
};

static void clear_product(struct psc_product *product)
{
	free(product->id);
	free(product->name);
	free(product->entity);
	free(product->class);
	free(product->cite.source);
	*product = (struct psc_product){0};
}

void psc_catalog_clear(struct psc_catalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++)
		clear_product(&catalog->products[i]);
	free(catalog->products);
	*catalog = (struct psc_catalog){0};
}

static int take_text(struct psc_yaml *yaml, const struct psc_yaml_node *value, char **ret)
{
	int r = psc_yaml_expect_scalar(yaml, value, "expected a text");

	if (r < 0)
		return r;
	*ret = strdup(value->text);
	return *ret ? 0 : -ENOMEM;
}

/* Lower case, digits and dashes: what can stand between the slashes of a product. */
static int expect_name(struct psc_yaml *yaml, const struct psc_yaml_node *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	int r = psc_yaml_expect_scalar(yaml, value, "expected a name");

	if (r < 0)
		return r;
	if (value->text[strspn(value->text, letters)])
		return psc_yaml_fail(yaml, value,
				     "not a name: expected lower case letters, digits and dashes");
	return 0;
}

static int parse_id(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct vendor *vendor = data;
	int r = expect_name(yaml, value);

	if (r < 0)
		return r;
	return asprintf(&vendor->product.id, "%s/%s", vendor->id, value->text) < 0 ? -ENOMEM : 0;
}

static int parse_name(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	return take_text(yaml, value, &((struct vendor *)data)->product.name);
}

static int parse_class(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	int r = expect_name(yaml, value);

	return r < 0 ? r : take_text(yaml, value, &((struct vendor *)data)->product.class);
}

static int parse_source(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	return take_text(yaml, value, &((struct vendor *)data)->product.cite.source);
}

static int parse_label(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct vendor *vendor = data;
	int r = psc_yaml_expect_scalar(yaml, value, "expected V, S, U or A");

	if (r < 0)
		return r;
	if (psc_label_from_string(value->text, &vendor->product.cite.label) < 0)
		return psc_yaml_fail(yaml, value, "unknown label \"%.40s\": expected V, S, U or A",
				     value->text);
	return 0;
}

static int compare_products(const void *a, const void *b)
{
	const struct psc_product *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static const struct psc_product *find_id(const struct psc_catalog *catalog, const char *id)
{
	struct psc_product key = {.id = (char *)id};

	if (!catalog->count)
		return NULL;
	return bsearch(&key, catalog->products, catalog->count, sizeof(key), compare_products);
}

static int add_product(struct vendor *vendor)
{
	struct psc_catalog *catalog = vendor->catalog;
	struct psc_product *products;

	products = realloc(catalog->products, (catalog->count + 1) * sizeof(*products));
	if (!products)
		return -ENOMEM;
	catalog->products = products;
	products[catalog->count++] = vendor->product;
	vendor->product = (struct psc_product){0};
	qsort(products, catalog->count, sizeof(*products), compare_products);
	return 0;
}

static int parse_product(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			 struct vendor *vendor)
{
	static const struct psc_yaml_key keys[] = {
		{"product", parse_id},	  {"name", parse_name},	  {"class", parse_class},
		{"source", parse_source}, {"label", parse_label},
	};
	static const char *const required[] = {"product", "name", "source", "label"};
	int r;

	r = psc_yaml_walk(yaml, node, keys, ARRAY_SIZE(keys), vendor);
	if (r >= 0)
		r = psc_yaml_require(yaml, node, required, ARRAY_SIZE(required));
	if (r < 0)
		return r;
	if (find_id(vendor->catalog, vendor->product.id))
		return psc_yaml_fail(yaml, node, "product \"%.80s\" is known already",
				     vendor->product.id);
	vendor->product.entity = strdup(vendor->entity);
	if (!vendor->product.class)
		vendor->product.class = strdup("");
	if (!vendor->product.entity || !vendor->product.class)
		return -ENOMEM;
	vendor->product.line = node->line;
	return add_product(vendor);
}

static int parse_vendor(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	((struct vendor *)data)->id = value->text;
	return expect_name(yaml, value);
}

static int parse_entity(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	((struct vendor *)data)->entity = value->text;
	return expect_name(yaml, value);
}

static int parse_products(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct vendor *vendor = data;
	int r;

	if (!vendor->id || !vendor->entity)
		return psc_yaml_fail_key(yaml, value, "expected vendor and entity before it");
	r = psc_yaml_expect_sequence(yaml, value, "expected a sequence of products");
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next) {
		r = parse_product(yaml, n, vendor);
		clear_product(&vendor->product);
	}
	return r;
}

int psc_catalog_parse(struct psc_catalog *catalog, const char *data, size_t size, const char *path,
		      struct psc_error *reterr)
{
	static const struct psc_yaml_key keys[] = {
		{"vendor", parse_vendor}, {"entity", parse_entity}, {"products", parse_products}};
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	struct vendor vendor = {.catalog = catalog};
	int r;

	r = psc_yaml_parse(data, size, path, &yaml, reterr);
	if (r < 0)
		return r;
	if (!psc_yaml_root(yaml))
		return 0;
	r = psc_yaml_walk(yaml, psc_yaml_root(yaml), keys, ARRAY_SIZE(keys), &vendor);
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, "out of memory");
	return r;
}

static int load_vendor(const char *directory, const char *name, void *catalog,
		       struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL, *data = NULL;
	size_t size;
	int r;

	if (asprintf(&path, "%s/%s/" CATALOG_FILE, directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	r = psc_load_trusted(path, CATALOG_SIZE_MAX, &data, &size, reterr);
	return r < 0 ? r : psc_catalog_parse(catalog, data, size, path, reterr);
}

int psc_catalog_each_vendor(const char *directory,
			    int (*fn)(const char *directory, const char *name, void *data,
				      struct psc_error *reterr),
			    void *data, struct psc_error *reterr)
{
	struct dirent **names = NULL;
	int count = scandir(directory, &names, NULL, alphasort);
	int r = 0;

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		r = -errno;
		psc_error_set(reterr, directory, 0, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	for (int i = 0; i < count; i++) {
		if (r >= 0 && names[i]->d_name[0] != '.')
			r = fn(directory, names[i]->d_name, data, reterr);
		free(names[i]);
	}
	free(names);
	return r;
}

int psc_catalog_load(struct psc_catalog *catalog, const char *directory, struct psc_error *reterr)
{
	return psc_catalog_each_vendor(directory, load_vendor, catalog, reterr);
}

const struct psc_product *psc_catalog_find(const struct psc_catalog *catalog, const char *text,
					   enum psc_role *ret_role)
{
	const char *slash = strchr(text, '/');
	const struct psc_product *product;
	_cleanup_free_ char *id = NULL;
	enum psc_role role = PSC_ROLE_PROGRAM;

	if (!slash)
		return NULL;
	slash = strchr(slash + 1, '/');
	if (slash && psc_role_from_string(slash + 1, &role) < 0)
		return NULL;
	id = slash ? strndup(text, slash - text) : strdup(text);
	product = id ? find_id(catalog, id) : NULL;
	if (product)
		*ret_role = role;
	return product;
}
