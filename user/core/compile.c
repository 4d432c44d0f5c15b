/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.c - see compile.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/compile.h"
#include "bpf/decide.h"

#define UNNAMED	    "unnamed"
#define BUCKET_MEAN 4U /* digests in an average bucket: 160 bytes to scan */

/* Files of the largest size that may be digested at once, before others are "busy". */
#define BUSY_FILES 4U

/* Finds the subject of a product by name. */
struct subject_slot {
	const char *product; /* belongs to the list */
	uint32_t subject;
};

struct compiler {
	const struct psc_list *list;
	struct psc_image *image;
	struct psc_error *reterr;
	uint32_t *order; /* entries by digest */
	size_t first;	 /* the sha256 entries: order[first] up to order[end] */
	size_t end;
	const uint8_t *canary;
	uint64_t canary_size;
	struct subject_slot slots[PSC_SUBJECTS_MAX]; /* sorted by product */
	uint32_t slot_count;
};

static int out_of_memory(struct psc_error *reterr)
{
	psc_error_set(reterr, NULL, 0, 0, "out of memory");
	return -ENOMEM;
}

/* Where @product stands in the slots, or is to be put in. */
static uint32_t find_slot(const struct compiler *c, const char *product, bool *ret_found)
{
	uint32_t low = 0;
	uint32_t high = c->slot_count;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int r = strcmp(c->slots[middle].product, product);

		if (r == 0) {
			*ret_found = true;
			return middle;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const char *product_of(const struct psc_list_entry *entry)
{
	return entry->product[0] ? entry->product : UNNAMED;
}

static int add_subject(struct compiler *c, const char *product, uint32_t at)
{
	uint32_t subject = PSC_SUBJECT_FIRST + c->slot_count;

	if (subject >= PSC_SUBJECTS_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0,
			      "more than %u different products in the lists: give related digests "
			      "the same product",
			      PSC_SUBJECTS_MAX - PSC_SUBJECT_FIRST);
		return -E2BIG;
	}
	memmove(&c->slots[at + 1], &c->slots[at], (c->slot_count - at) * sizeof(c->slots[0]));
	c->slots[at] = (struct subject_slot){product, subject};
	c->slot_count++;
	return 0;
}

/* Gives numbers in the order of reading, so that they do not depend on the digests. */
static int number_subjects(struct compiler *c)
{
	const char *last = NULL;

	for (size_t i = 0; i < psc_list_count(c->list); i++) {
		struct psc_list_entry entry;
		const char *product;
		bool found;
		uint32_t at;
		int r;

		psc_list_get(c->list, i, &entry);
		product = product_of(&entry);
		if (product == last || psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		last = product;
		at = find_slot(c, product, &found);
		if (found)
			continue;
		r = add_subject(c, product, at);
		if (r < 0)
			return r;
	}
	return 0;
}

static int name_subjects(struct compiler *c)
{
	uint32_t count = PSC_SUBJECT_FIRST + c->slot_count;
	struct psc_image *image = c->image;

	image->subjects = calloc(count, sizeof(*image->subjects));
	if (!image->subjects)
		return out_of_memory(c->reterr);
	image->table.subject_count = count;
	image->subjects[PSC_SUBJECT_NONE].product = strdup("");
	image->subjects[PSC_SUBJECT_CANARY].product = strdup("canary");
	for (uint32_t i = 0; i < c->slot_count; i++)
		image->subjects[c->slots[i].subject].product = strdup(c->slots[i].product);
	for (uint32_t i = 0; i < count; i++) {
		if (!image->subjects[i].product)
			return out_of_memory(c->reterr);
	}
	return 0;
}

static void set_filter(struct psc_image *image, enum psc_filter_kind kind, uint64_t size)
{
	uint32_t bit = psc_filter_bit(size);

	image->filter[kind][bit >> 6] |= 1ULL << (bit & 63);
}

/* Everything the lists say about one digest. */
struct group {
	struct psc_list_entry first; /* the earliest enforceable entry */
	bool any;		     /* whether there is one */
	bool in_exec;
	bool in_open;
	bool forces_hashing;
	uint64_t size; /* 0: none, or not the same everywhere */
	bool has_size;
};

/* Adds up the entries order[begin] to order[end], which have the same digest. */
static void join_group(const struct compiler *c, size_t begin, size_t end, struct group *ret)
{
	*ret = (struct group){0};
	for (size_t i = begin; i < end; i++) {
		struct psc_list_entry entry;

		psc_list_get(c->list, c->order[i], &entry);
		if (psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		if (!ret->any)
			ret->first = entry;
		ret->any = true;
		ret->in_exec |= psc_format_in_exec_filter(entry.format);
		ret->in_open |= psc_format_in_open_filter(entry.format);
		ret->forces_hashing |= psc_format_forces_hashing(entry.format);
		if (!entry.has_size)
			continue;
		ret->size = !ret->has_size || ret->size == entry.size ? entry.size : 0;
		ret->has_size = true;
	}
}

/* A wrong size must not hide a right one: the filters get every size that is given. */
static void filter_group(struct compiler *c, size_t begin, size_t end, const struct group *group)
{
	for (size_t i = begin; i < end; i++) {
		struct psc_list_entry entry;

		psc_list_get(c->list, c->order[i], &entry);
		if (!entry.has_size || psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		if (group->in_exec)
			set_filter(c->image, PSC_FILTER_EXEC, entry.size);
		if (group->in_open)
			set_filter(c->image, PSC_FILTER_OPEN, entry.size);
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

static void add_group(struct compiler *c, size_t begin, size_t end)
{
	struct psc_image *image = c->image;
	struct group group;
	bool found;
	uint32_t slot;

	join_group(c, begin, end, &group);
	if (!group.any)
		return;
	filter_group(c, begin, end, &group);
	image->listed++;
	if (!group.has_size) {
		image->without_size++;
		if (group.forces_hashing)
			image->table.flags |= PSC_TABLE_HASH_ALL;
		else
			image->needs_userspace++;
	}
	if (memcmp(group.first.digest, c->canary, PSC_DIGEST_SIZE) == 0)
		return;
	slot = find_slot(c, product_of(&group.first), &found);
	append_record(image, group.first.digest, c->slots[slot].subject, group.size);
}

/* Digests in order, each once, the canary among them. */
static void fill_records(struct compiler *c)
{
	bool canary_done = false;
	size_t begin = c->first;

	while (begin < c->end) {
		struct psc_list_entry entry, next;
		size_t end = begin + 1;

		psc_list_get(c->list, c->order[begin], &entry);
		while (end < c->end) {
			psc_list_get(c->list, c->order[end], &next);
			if (memcmp(entry.digest, next.digest, PSC_DIGEST_SIZE) != 0)
				break;
			end++;
		}
		if (!canary_done && memcmp(c->canary, entry.digest, PSC_DIGEST_SIZE) <= 0) {
			append_record(c->image, c->canary, PSC_SUBJECT_CANARY, c->canary_size);
			canary_done = true;
		}
		add_group(c, begin, end);
		begin = end;
	}
	if (!canary_done)
		append_record(c->image, c->canary, PSC_SUBJECT_CANARY, c->canary_size);
	for (unsigned int i = 0; i < PSC_FILTER_MAX; i++)
		set_filter(c->image, i, c->canary_size);
}

/* Longest run of records with the same prefix of @bits bits; where it begins in @ret_at. */
static uint32_t longest_run(const struct psc_image *image, uint32_t bits, uint32_t *ret_at)
{
	uint32_t longest = 0;
	uint32_t begin = 0;

	for (uint32_t i = 0; i < image->table.digest_count; i++) {
		if (psc_digest_prefix(image->records[i].digest, bits) !=
		    psc_digest_prefix(image->records[begin].digest, bits))
			begin = i;
		if (i - begin + 1 > longest) {
			longest = i - begin + 1;
			*ret_at = begin;
		}
	}
	return longest;
}

static int choose_index_bits(struct compiler *c)
{
	struct psc_image *image = c->image;
	uint32_t bits = PSC_INDEX_BITS_MIN;
	uint32_t at = 0;
	uint32_t run;

	while (bits < PSC_INDEX_BITS_MAX && image->table.digest_count > (BUCKET_MEAN << bits))
		bits++;
	while ((run = longest_run(image, bits, &at)) > PSC_BUCKET_MAX) {
		if (bits == PSC_INDEX_BITS_MAX) {
			psc_error_set(c->reterr, NULL, 0, 0,
				      "%u listed digests begin with the same %u bits (%05x): the "
				      "kernel searches %u at most; there are too many digests, or "
				      "these are made up",
				      run, bits, psc_digest_prefix(image->records[at].digest, bits),
				      PSC_BUCKET_MAX);
			return -E2BIG;
		}
		bits++;
	}
	image->table.index_bits = bits;
	return 0;
}

static int fill_buckets(struct compiler *c)
{
	struct psc_image *image = c->image;
	int r;

	r = choose_index_bits(c);
	if (r < 0)
		return r;
	image->buckets = calloc(1ULL << image->table.index_bits, sizeof(*image->buckets));
	if (!image->buckets)
		return out_of_memory(c->reterr);
	for (uint32_t i = 0; i < image->table.digest_count; i++) {
		uint32_t prefix =
			psc_digest_prefix(image->records[i].digest, image->table.index_bits);

		if (image->buckets[prefix].count++ == 0)
			image->buckets[prefix].start = i;
	}
	return 0;
}

static void fill_table(struct psc_table *table, const struct psc_config *config)
{
	static const uint8_t canary_ops[] = {PSC_OP_EXEC, PSC_OP_LOAD, PSC_OP_MODULE, PSC_OP_OPEN};

	_Static_assert(sizeof(table->unverified) == sizeof(config->unverified), "same rows");
	table->hash_limit = config->hash_limit;
	table->busy_limit = BUSY_FILES * config->hash_limit;
	table->mode = config->mode;
	table->class_count = PSC_CLASS_FIRST + 1;
	table->interval_count = 1;
	memcpy(table->unverified, config->unverified, sizeof(table->unverified));
	table->class_of[PSC_SUBJECT_NONE] = PSC_CLASS_NONE;
	table->class_of[PSC_SUBJECT_CANARY] = PSC_CLASS_CANARY;
	for (uint32_t i = PSC_SUBJECT_FIRST; i < table->subject_count; i++)
		table->class_of[i] = PSC_CLASS_FIRST;
	for (size_t i = 0; i < ARRAY_SIZE(canary_ops); i++)
		table->action[0][PSC_CLASS_CANARY][canary_ops[i]] = PSC_ACTION_DENY;
	memcpy(table->action[0][PSC_CLASS_FIRST], config->action, PSC_OP_MAX);
	psc_filesystems_compile(&config->unstable, table);
}

/* Allocates for as many digests as there are sha256 entries, and the canary. */
static int prepare(struct compiler *c)
{
	struct psc_image *image = c->image;
	size_t count = psc_list_count(c->list);
	struct psc_list_entry entry;

	if (psc_list_sorted(c->list, &c->order) < 0)
		return out_of_memory(c->reterr);
	while (c->first < count) {
		psc_list_get(c->list, c->order[c->first], &entry);
		if (entry.algo >= PSC_ALGO_SHA256)
			break;
		c->first++;
	}
	for (c->end = c->first; c->end < count; c->end++) {
		psc_list_get(c->list, c->order[c->end], &entry);
		if (entry.algo != PSC_ALGO_SHA256)
			break;
	}
	image->records = calloc(c->end - c->first + 1, sizeof(*image->records));
	if (!image->records)
		return out_of_memory(c->reterr);
	for (unsigned int i = 0; i < PSC_FILTER_MAX; i++) {
		image->filter[i] = calloc(PSC_FILTER_WORDS, sizeof(*image->filter[i]));
		if (!image->filter[i])
			return out_of_memory(c->reterr);
	}
	return 0;
}

static int run_compiler(struct compiler *c, const struct psc_config *config)
{
	int r;

	r = prepare(c);
	if (r < 0)
		return r;
	r = number_subjects(c);
	if (r < 0)
		return r;
	r = name_subjects(c);
	if (r < 0)
		return r;
	fill_records(c);
	if (c->image->table.digest_count > PSC_DIGESTS_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0, "%u listed digests: the kernel takes %u",
			      c->image->table.digest_count, PSC_DIGESTS_MAX);
		return -E2BIG;
	}
	r = fill_buckets(c);
	if (r < 0)
		return r;
	fill_table(&c->image->table, config);
	return 0;
}

int psc_compile(const struct psc_list *list, const struct psc_config *config,
		const uint8_t canary_digest[PSC_DIGEST_SIZE], uint64_t canary_size,
		struct psc_image **ret, struct psc_error *reterr)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct compiler *c;
	int r;

	if (canary_size == 0 || canary_size > UINT32_MAX) {
		psc_error_set(reterr, NULL, 0, 0, "the canary's size is out of range");
		return -EINVAL;
	}
	image = calloc(1, sizeof(*image));
	c = calloc(1, sizeof(*c));
	if (!image || !c) {
		free(c);
		return out_of_memory(reterr);
	}
	*c = (struct compiler){
		.list = list,
		.image = image,
		.reterr = reterr,
		.canary = canary_digest,
		.canary_size = canary_size,
	};
	r = run_compiler(c, config);
	free(c->order);
	free(c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(image);
	return 0;
}
