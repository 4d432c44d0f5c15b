/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.c - see compile.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/compile_parts.h"
#include "bpf/decide.h"

/* Files of the largest size that may be digested at once, before others are "busy". */
#define BUSY_FILES 4U

/* Everything the lists say about one digest. */
struct group {
	struct psc_list_entry first; /* the earliest enforceable entry */
	bool any;		     /* whether there is one */
	/* what the catalog's products among them are called, each once */
	const char *known[PSC_COMPILER_JOINT_MAX];
	size_t known_count;
	bool site; /* the site lists it */
	bool in_exec;
	bool in_open;
	bool forces_hashing; /* some entry without a size does */
	bool sizeless;	     /* some entry gives no size */
	uint64_t size;	     /* 0: none, or not the same everywhere */
	bool has_size;
};

/*
 * The earliest entry names the product, unless later ones are known to the catalog: of these
 * each has a say. A digest of more products than fit is one that somebody made up.
 */
static int name_group(const struct psc_compiler *c, const struct psc_list_entry *entry,
		      struct group *group)
{
	enum psc_role role;

	if (!group->any)
		group->first = *entry;
	group->any = true;
	group->site |= psc_compiler_is_site(c, entry);
	if (!psc_catalog_find(c->input->catalog, entry->product, &role))
		return 0;
	for (size_t i = 0; i < group->known_count; i++) {
		if (strcmp(group->known[i], entry->product) == 0)
			return 0;
	}
	if (group->known_count == PSC_COMPILER_JOINT_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0,
			      "one digest is listed as more than %u products of the catalog, %.80s "
			      "among them",
			      PSC_COMPILER_JOINT_MAX, entry->product);
		return -E2BIG;
	}
	group->known[group->known_count++] = entry->product;
	return 0;
}

/*
 * A size tells nothing of the entries that have none: one that is wrong must not hide them. Of
 * formats that are matched by userspace one entry with a size is enough for the kernel.
 */
static void size_group(const struct psc_list_entry *entry, struct group *group)
{
	if (!entry->has_size) {
		group->sizeless = true;
		group->forces_hashing |= psc_format_forces_hashing(entry->format);
		return;
	}
	group->size = !group->has_size || group->size == entry->size ? entry->size : 0;
	group->has_size = true;
}

/* Adds up the entries order[begin] to order[end], which have the same digest. */
static int join_group(const struct psc_compiler *c, size_t begin, size_t end, struct group *ret)
{
	*ret = (struct group){0};
	for (size_t i = begin; i < end; i++) {
		struct psc_list_entry entry;
		int r;

		psc_list_get(c->input->list, c->order[i], &entry);
		if (psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		r = name_group(c, &entry, ret);
		if (r < 0)
			return r;
		size_group(&entry, ret);
		ret->in_exec |= psc_format_in_exec_filter(entry.format);
		ret->in_open |= psc_format_in_open_filter(entry.format);
	}
	if (ret->sizeless)
		ret->size = 0;
	return 0;
}

/* A wrong size must not hide a right one: the filters get every size that is given. */
static void filter_group(struct psc_compiler *c, size_t begin, size_t end,
			 const struct group *group)
{
	for (size_t i = begin; i < end; i++) {
		struct psc_list_entry entry;

		psc_list_get(c->input->list, c->order[i], &entry);
		if (!entry.has_size || psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		if (group->in_exec)
			psc_image_set_filter(c->image, PSC_FILTER_EXEC, entry.size);
		if (group->in_open)
			psc_image_set_filter(c->image, PSC_FILTER_OPEN, entry.size);
	}
}

static void append_record(struct psc_image *image, const uint8_t *digest, uint32_t subject,
			  uint32_t size)
{
	struct psc_digest_record *record = &image->records[image->table.digest_count++];

	memcpy(record->digest, digest, PSC_DIGEST_SIZE);
	record->subject = subject;
	record->size = size;
	image->subjects[subject].digests++;
}

static int find_subject(struct psc_compiler *c, const struct group *group, uint32_t *ret)
{
	const char *text = psc_compiler_product_text(&group->first);

	if (group->known_count > 1)
		return psc_compiler_joint(c, group->known, group->known_count, group->site, ret);
	return psc_compiler_subject(c, group->known_count ? group->known[0] : text, group->site,
				    ret);
}

static int add_group(struct psc_compiler *c, size_t begin, size_t end)
{
	struct psc_image *image = c->image;
	struct group group;
	uint32_t subject;
	int r;

	r = join_group(c, begin, end, &group);
	if (r < 0 || !group.any)
		return r;
	filter_group(c, begin, end, &group);
	image->listed++;
	if (group.forces_hashing || !group.has_size)
		image->without_size++;
	if (group.forces_hashing)
		image->table.flags |= PSC_TABLE_HASH_ALL;
	else if (!group.has_size)
		image->needs_userspace++;
	r = find_subject(c, &group, &subject);
	if (r >= 0)
		append_record(image, group.first.digest, subject, group.size);
	return r;
}

/* Digests in order, each once. */
static int fill_records(struct psc_compiler *c)
{
	size_t begin = c->first;
	int r;

	while (begin < c->end) {
		struct psc_list_entry entry, next;
		size_t end = begin + 1;

		psc_list_get(c->input->list, c->order[begin], &entry);
		while (end < c->end) {
			psc_list_get(c->input->list, c->order[end], &next);
			if (memcmp(entry.digest, next.digest, PSC_DIGEST_SIZE) != 0)
				break;
			end++;
		}
		r = add_group(c, begin, end);
		if (r < 0)
			return r;
		begin = end;
	}
	if (c->image->table.digest_count >= PSC_DIGESTS_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0, "%u listed digests: the kernel takes %u",
			      c->image->table.digest_count, PSC_DIGESTS_MAX - 1);
		return -E2BIG;
	}
	return 0;
}

static void fill_table(struct psc_table *table, const struct psc_config *config)
{
	_Static_assert(sizeof(table->unverified) == sizeof(config->unverified), "same rows");
	table->hash_limit = config->hash_limit;
	table->busy_limit = BUSY_FILES * config->hash_limit;
	table->mode = config->mode;
	memcpy(table->unverified, config->unverified, sizeof(table->unverified));
	psc_filesystems_compile(&config->unstable, table);
}

/* Allocates for as many digests as there are sha256 entries, and a canary. */
static int prepare(struct psc_compiler *c)
{
	struct psc_image *image = c->image;
	size_t count = psc_list_count(c->input->list);
	struct psc_list_entry entry;

	if (psc_list_sorted(c->input->list, &c->order) < 0)
		return psc_compiler_no_memory(c);
	while (c->first < count) {
		psc_list_get(c->input->list, c->order[c->first], &entry);
		if (entry.algo >= PSC_ALGO_SHA256)
			break;
		c->first++;
	}
	for (c->end = c->first; c->end < count; c->end++) {
		psc_list_get(c->input->list, c->order[c->end], &entry);
		if (entry.algo != PSC_ALGO_SHA256)
			break;
	}
	image->subjects = calloc(PSC_SUBJECTS_MAX, sizeof(*image->subjects));
	image->records = calloc(c->end - c->first + 1, sizeof(*image->records));
	if (!image->subjects || !image->records)
		return psc_compiler_no_memory(c);
	for (unsigned int i = 0; i < PSC_FILTER_MAX; i++) {
		image->filter[i] = calloc(PSC_FILTER_WORDS, sizeof(*image->filter[i]));
		if (!image->filter[i])
			return psc_compiler_no_memory(c);
	}
	return 0;
}

static int run_compiler(struct psc_compiler *c)
{
	int r;

	r = prepare(c);
	if (r >= 0)
		r = psc_compiler_number_subjects(c);
	if (r >= 0)
		r = fill_records(c);
	if (r >= 0)
		r = psc_compiler_add_places(c);
	if (r >= 0)
		r = psc_compiler_name_subjects(c);
	if (r >= 0)
		r = psc_compiler_rule(c);
	if (r >= 0)
		fill_table(&c->image->table, c->input->view.config);
	return r;
}

int psc_compile_policy(const struct psc_compile_input *input, struct psc_image **ret,
		       struct psc_error *reterr)
{
	_cleanup_(psc_image_freep) struct psc_image *image = calloc(1, sizeof(*image));
	_cleanup_free_ struct psc_compiler *c = calloc(1, sizeof(*c));
	int r;

	if (!image || !c) {
		psc_error_set(reterr, NULL, 0, 0, "out of memory");
		return -ENOMEM;
	}
	c->input = input;
	c->image = image;
	c->reterr = reterr;
	r = run_compiler(c);
	free(c->order);
	free(c->joints);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(image);
	return 0;
}

int psc_compile(const struct psc_list *list, const struct psc_config *config,
		const uint8_t canary_digest[PSC_DIGEST_SIZE], uint64_t canary_size,
		struct psc_image **ret, struct psc_error *reterr)
{
	static const struct psc_catalog no_catalog;
	static const struct psc_objects no_objects;
	const struct psc_compile_input input = {
		.list = list,
		.site_files = SIZE_MAX,
		.catalog = &no_catalog,
		.view = {.objects = &no_objects, .config = config},
	};
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	int r;

	r = psc_compile_policy(&input, &image, reterr);
	if (r >= 0)
		r = psc_image_arm(image, canary_digest, canary_size, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(image);
	return 0;
}
