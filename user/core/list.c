/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.c - the list in memory: entries, interned strings, index. See list.h.
 *
 * Entries have fixed size; digests stand in one buffer, each distinct string once
 * in another. Buffers of this size grow by mremap(2), so that the unused half of a
 * grown buffer costs address space and no memory.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/list.h"
#include "user/core/list_internal.h"

#define DIGEST_UNIT 4 /* every digest length is a multiple: offsets count in it */

/* Probes before a string is stored once more: bounds what a crafted list can cost. */
#define INTERN_PROBES 32

struct entry {
	uint64_t size;
	uint32_t digest; /* offset in DIGEST_UNITs */
	uint32_t line;
	uint32_t text[LIST_TEXT_MAX];
	uint16_t file;
	uint8_t algo;
	uint8_t format;
	uint8_t duplicate;
};
_Static_assert(sizeof(struct entry) == 40, "a million entries are 40 MB");

struct psc_list {
	struct entry *entries;
	size_t entries_room;
	uint8_t *digests;
	size_t digests_size;
	size_t digests_room;
	char *texts; /* NUL terminated strings; offset 0 is "" */
	size_t texts_size;
	size_t texts_room;
	uint32_t *intern; /* hash table of offsets into texts; 0 is free */
	size_t intern_room;
	size_t intern_used;
	struct psc_list_file *files;
	size_t files_room;
	size_t file_count;
	uint32_t *order; /* psc_list_sorted() of order_count entries */
	size_t order_count;
	struct psc_list_counts counts; /* counts.entries is the length of entries */
};

static const struct {
	const char *name;
	size_t size;
} algos[] = {
	[PSC_ALGO_MD5] = {"md5", 16},
	[PSC_ALGO_SHA1] = {"sha1", 20},
	[PSC_ALGO_SHA224] = {"sha224", 28},
	[PSC_ALGO_SHA256] = {"sha256", 32},
	[PSC_ALGO_SHA384] = {"sha384", 48},
	[PSC_ALGO_SHA512] = {"sha512", 64},
	[PSC_ALGO_BLAKE2B_512] = {"blake2b-512", 64},
};
_Static_assert(ARRAY_SIZE(algos) == PSC_ALGO_MAX, "a name for every algorithm");

const char *psc_algo_to_string(unsigned int algo)
{
	return algo < PSC_ALGO_MAX ? algos[algo].name : NULL;
}

size_t psc_algo_size(unsigned int algo)
{
	return algo < PSC_ALGO_MAX ? algos[algo].size : 0;
}

int psc_algo_from_string(const char *name, enum psc_algo *ret)
{
	for (unsigned int i = 0; i < PSC_ALGO_MAX; i++) {
		if (strcmp(name, algos[i].name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

int psc_list_new(struct psc_list **ret)
{
	struct psc_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*ret = list;
	return 0;
}

struct psc_list *psc_list_free(struct psc_list *list)
{
	if (!list)
		return NULL;
	for (size_t i = 0; i < list->file_count; i++)
		free((char *)list->files[i].path);
	free(list->files);
	free(list->entries);
	free(list->digests);
	free(list->texts);
	free(list->intern);
	free(list->order);
	free(list);
	return NULL;
}

void psc_list_freep(struct psc_list **list)
{
	*list = psc_list_free(*list);
}

/* Makes room for @needed elements of @size bytes in the array at @array. */
static int reserve(void *array, size_t *room, size_t needed, size_t size)
{
	size_t wanted = *room ? *room : 64;
	void *grown;

	if (needed <= *room)
		return 0;
	while (wanted < needed)
		wanted += wanted / 2;
	grown = reallocarray(*(void **)array, wanted, size);
	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	*room = wanted;
	return 0;
}

/* FNV-1a, folded by a multiplication so that the low bits depend on every byte. */
static size_t hash_text(const char *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)data[i]) * 0x100000001b3ULL;
	return (hash * 0x9E3779B97F4A7C15ULL) >> 32;
}

/* The slot that holds the string, or the free one for it, or NULL after INTERN_PROBES. */
static uint32_t *find_slot(struct psc_list *list, const char *data, size_t size)
{
	size_t at = hash_text(data, size);

	for (unsigned int i = 0; i < INTERN_PROBES && i < list->intern_room; i++, at++) {
		uint32_t *slot = &list->intern[at & (list->intern_room - 1)];
		const char *text = list->texts + *slot;

		if (*slot == 0)
			return slot;
		/* No stored string holds a NUL, so this never reads past its end. */
		if (strncmp(text, data, size) == 0 && text[size] == '\0')
			return slot;
	}
	return NULL;
}

static int grow_intern(struct psc_list *list)
{
	_cleanup_free_ uint32_t *old = NULL;
	size_t old_room = list->intern_room;
	size_t room = old_room ? old_room * 2 : 256;
	uint32_t *grown;

	if (list->intern_used < old_room / 4 * 3)
		return 0;
	grown = calloc(room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	old = list->intern;
	list->intern = grown;
	list->intern_room = room;
	list->intern_used = 0;
	for (size_t i = 0; i < old_room; i++) {
		const char *text = list->texts + old[i];
		uint32_t *slot = old[i] ? find_slot(list, text, strlen(text)) : NULL;

		if (slot && *slot == 0) {
			*slot = old[i];
			list->intern_used++;
		}
	}
	return 0;
}

/* Offset of a string in list->texts, stored now unless it is there already. */
static int intern_text(struct psc_list *list, const struct list_field *field, uint32_t *ret)
{
	uint32_t *slot;
	int r;

	if (field->size == 0) {
		*ret = 0;
		return 0;
	}
	r = grow_intern(list);
	if (r < 0)
		return r;
	slot = find_slot(list, field->data, field->size);
	if (slot && *slot) {
		*ret = *slot;
		return 0;
	}
	if (list->texts_size + field->size + 1 > UINT32_MAX)
		return -E2BIG;
	r = reserve(&list->texts, &list->texts_room, list->texts_size + field->size + 1, 1);
	if (r < 0)
		return r;
	memcpy(list->texts + list->texts_size, field->data, field->size);
	list->texts[list->texts_size + field->size] = '\0';
	*ret = list->texts_size;
	if (slot) {
		*slot = list->texts_size;
		list->intern_used++;
	}
	list->texts_size += field->size + 1;
	return 0;
}

void list_mark(const struct psc_list *list, struct list_mark *ret)
{
	*ret = (struct list_mark){
		.digests = list->digests_size,
		.texts = list->texts_size,
		.files = list->file_count,
		.counts = list->counts,
	};
	if (list->file_count)
		ret->last_file = list->files[list->file_count - 1];
}

/*
 * Forgets everything since @mark. Freeing slots of the hash table can hide a string
 * that was pushed behind them: it is then stored once more, nothing worse.
 */
void list_rollback(struct psc_list *list, const struct list_mark *mark)
{
	for (size_t i = 0; list->texts_size != mark->texts && i < list->intern_room; i++) {
		if (list->intern[i] && list->intern[i] >= mark->texts) {
			list->intern[i] = 0;
			list->intern_used--;
		}
	}
	while (list->file_count > mark->files)
		free((char *)list->files[--list->file_count].path);
	if (list->file_count)
		list->files[list->file_count - 1] = mark->last_file;
	list->digests_size = mark->digests;
	list->texts_size = mark->texts;
	list->counts = mark->counts;
}

int list_begin_file(struct psc_list *list, const char *path, struct psc_error *reterr)
{
	char *copy;

	if (list->file_count > UINT16_MAX) {
		psc_error_set(reterr, path, 0, 0, "more than %u list files", UINT16_MAX + 1U);
		return -E2BIG;
	}
	copy = strdup(path);
	if (!copy || reserve(&list->files, &list->files_room, list->file_count + 1,
			     sizeof(*list->files)) < 0) {
		free(copy);
		psc_error_set(reterr, path, 0, 0, "out of memory");
		return -ENOMEM;
	}
	list->files[list->file_count++] = (struct psc_list_file){.path = copy};
	return 0;
}

static enum psc_list_enforce enforce_of(enum psc_algo algo, uint64_t size)
{
	if (algo != PSC_ALGO_SHA256)
		return PSC_LIST_NOT_SHA256;
	if (size > UINT32_MAX)
		return PSC_LIST_SIZE_TOO_LARGE;
	return PSC_LIST_ENFORCEABLE;
}

static void count_entry(struct psc_list *list, enum psc_algo algo, uint64_t size)
{
	struct psc_list_file *file = &list->files[list->file_count - 1];

	list->counts.entries++;
	list->counts.by_algo[algo]++;
	file->entries++;
	switch (enforce_of(algo, size)) {
	case PSC_LIST_ENFORCEABLE:
		list->counts.enforceable++;
		list->counts.without_size += size == 0;
		file->enforceable++;
		break;
	case PSC_LIST_SIZE_TOO_LARGE:
		list->counts.too_large++;
		break;
	case PSC_LIST_NOT_SHA256:
		break;
	}
}

int list_add(struct psc_list *list, const struct list_draft *draft)
{
	struct entry entry = {
		.size = draft->size,
		.digest = list->digests_size / DIGEST_UNIT,
		.line = draft->line,
		.file = list->file_count - 1,
		.algo = draft->algo,
		.format = draft->format,
	};
	size_t size = psc_algo_size(draft->algo);
	int r;

	if (list->counts.entries >= PSC_LIST_ENTRIES_MAX)
		return -E2BIG;
	if (list->texts_size == 0) {
		r = reserve(&list->texts, &list->texts_room, 1, 1);
		if (r < 0)
			return r;
		list->texts[list->texts_size++] = '\0';
	}
	r = reserve(&list->entries, &list->entries_room, list->counts.entries + 1, sizeof(entry));
	if (r < 0)
		return r;
	r = reserve(&list->digests, &list->digests_room, list->digests_size + size, 1);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < LIST_TEXT_MAX; i++) {
		r = intern_text(list, &draft->text[i], &entry.text[i]);
		if (r < 0)
			return r;
	}
	memcpy(list->digests + list->digests_size, draft->digest, size);
	list->digests_size += size;
	list->entries[list->counts.entries] = entry;
	count_entry(list, draft->algo, draft->size);
	return 0;
}

size_t psc_list_count(const struct psc_list *list)
{
	return list->counts.entries;
}

static const uint8_t *digest_of(const struct psc_list *list, size_t i)
{
	return list->digests + (size_t)list->entries[i].digest * DIGEST_UNIT;
}

int psc_list_get(const struct psc_list *list, size_t i, struct psc_list_entry *ret)
{
	const struct entry *entry;

	if (i >= list->counts.entries)
		return -ERANGE;
	entry = &list->entries[i];
	*ret = (struct psc_list_entry){
		.algo = entry->algo,
		.digest = digest_of(list, i),
		.digest_size = psc_algo_size(entry->algo),
		.has_size = entry->size != 0,
		.size = entry->size,
		.format = entry->format,
		.name = list->texts + entry->text[LIST_TEXT_NAME],
		.product = list->texts + entry->text[LIST_TEXT_PRODUCT],
		.version = list->texts + entry->text[LIST_TEXT_VERSION],
		.source = list->texts + entry->text[LIST_TEXT_SOURCE],
		.file = entry->file,
		.line = entry->line,
	};
	return 0;
}

enum psc_list_enforce psc_list_entry_enforce(const struct psc_list_entry *entry)
{
	return enforce_of(entry->algo, entry->has_size ? entry->size : 0);
}

/* What sorting moves about: the digest's head decides nearly always, without a look at it. */
struct sort_key {
	uint64_t head;
	uint32_t algo;
	uint32_t entry;
};

static uint64_t digest_head(const uint8_t *digest)
{
	uint64_t head = 0;

	for (unsigned int i = 0; i < 8; i++)
		head = head << 8 | digest[i];
	return head;
}

static int compare_keys(const void *a, const void *b, void *list)
{
	const struct sort_key *x = a;
	const struct sort_key *y = b;
	int r;

	if (x->algo != y->algo)
		return x->algo < y->algo ? -1 : 1;
	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	r = memcmp(digest_of(list, x->entry), digest_of(list, y->entry), psc_algo_size(x->algo));
	if (r)
		return r;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Entries are only ever appended, so that the number tells. */
static bool is_indexed(const struct psc_list *list)
{
	return list->order_count == list->counts.entries;
}

int psc_list_sorted(const struct psc_list *list, uint32_t **ret)
{
	_cleanup_free_ struct sort_key *keys = NULL;
	size_t count = list->counts.entries;
	bool sorted = true;
	uint32_t *order;

	order = malloc((count ? count : 1) * sizeof(*order));
	if (!order)
		return -ENOMEM;
	if (list->order && is_indexed(list)) {
		memcpy(order, list->order, count * sizeof(*order));
		*ret = order;
		return 0;
	}
	keys = malloc((count ? count : 1) * sizeof(*keys));
	if (!keys) {
		free(order);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		keys[i] = (struct sort_key){digest_head(digest_of(list, i)), list->entries[i].algo,
					    i};
		sorted = sorted &&
			 (i == 0 || compare_keys(&keys[i - 1], &keys[i], (void *)list) < 0);
	}
	if (!sorted)
		qsort_r(keys, count, sizeof(*keys), compare_keys, (void *)list);
	for (size_t i = 0; i < count; i++)
		order[i] = keys[i].entry;
	*ret = order;
	return 0;
}

static int compare_digests(const struct psc_list *list, size_t i, enum psc_algo algo,
			   const uint8_t *digest)
{
	if (list->entries[i].algo != algo)
		return list->entries[i].algo < algo ? -1 : 1;
	return memcmp(digest_of(list, i), digest, psc_algo_size(algo));
}

int psc_list_index(struct psc_list *list)
{
	uint32_t *order;
	int r;

	r = psc_list_sorted(list, &order);
	if (r < 0)
		return r;
	free(list->order);
	list->order = order;
	list->order_count = list->counts.entries;
	list->counts.duplicates = 0;
	for (size_t i = 0; i < list->order_count; i++) {
		struct entry *entry = &list->entries[order[i]];

		entry->duplicate = i > 0 && compare_digests(list, order[i - 1], entry->algo,
							    digest_of(list, order[i])) == 0;
		list->counts.duplicates += entry->duplicate;
	}
	return 0;
}

int psc_list_find_algo(const struct psc_list *list, enum psc_algo algo, const uint8_t *digest,
		       struct psc_list_entry *ret)
{
	size_t low = 0;
	size_t high = list->order_count;

	if (!is_indexed(list))
		return -ESTALE;
	/* The first that is not before the digest is the earliest entry that has it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_digests(list, list->order[middle], algo, digest) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == list->order_count || compare_digests(list, list->order[low], algo, digest))
		return -ENOENT;
	return psc_list_get(list, list->order[low], ret);
}

int psc_list_find(const struct psc_list *list, const uint8_t sha256[PSC_DIGEST_SIZE],
		  struct psc_list_entry *ret)
{
	return psc_list_find_algo(list, PSC_ALGO_SHA256, sha256, ret);
}

bool psc_list_is_duplicate(const struct psc_list *list, size_t i)
{
	return is_indexed(list) && i < list->counts.entries && list->entries[i].duplicate;
}

size_t psc_list_file_count(const struct psc_list *list)
{
	return list->file_count;
}

int psc_list_file(const struct psc_list *list, size_t i, struct psc_list_file *ret)
{
	if (i >= list->file_count)
		return -ERANGE;
	*ret = list->files[i];
	return 0;
}

void psc_list_get_counts(const struct psc_list *list, struct psc_list_counts *ret)
{
	*ret = list->counts;
	if (!is_indexed(list))
		ret->duplicates = 0;
}
