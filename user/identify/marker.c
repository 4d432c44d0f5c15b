/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marker.c - see marker.h. After Wu and Manber: with m the length of the shortest marker,
 * four bytes are looked at in every m - 3. Every marker is entered with the m - 3 blocks of
 * four bytes at its beginning, so wherever one stands, a place that is looked at has one of
 * its blocks. A bit table that fits the first-level cache says "no" to nearly every place.
 */
#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/bytes.h"
#include "user/identify/marker.h"

#define BLOCK	    4
#define STEP_MAX    16 /* more gains nothing and fills the bit table */
#define HASH_BITS   16
#define BUCKET_BITS 12
#define BUCKETS	    (1U << BUCKET_BITS)
/* Small enough to stay in the second-level cache, large enough to hide the system call. */
#define PIECE (128 * 1024)

struct block {
	uint32_t value;
	uint16_t marker;
	uint16_t at; /* offset within the marker */
};

struct marker {
	char *text;
	size_t length;
};

struct psc_markers {
	struct marker *marker;
	size_t count;
	size_t longest;
	size_t step;
	struct block *block; /* by bucket */
	uint32_t bucket[BUCKETS + 1];
	uint64_t filter[(1U << HASH_BITS) / 64];
};

static uint32_t block_at(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t hash(uint32_t value)
{
	return (value * 0x9e3779b1U) >> (32 - HASH_BITS);
}

struct psc_markers *psc_markers_free(struct psc_markers *markers)
{
	if (!markers)
		return NULL;
	for (size_t i = 0; i < markers->count; i++)
		free(markers->marker[i].text);
	free(markers->marker);
	free(markers->block);
	free(markers);
	return NULL;
}

void psc_markers_freep(struct psc_markers **markers)
{
	*markers = psc_markers_free(*markers);
}

size_t psc_markers_count(const struct psc_markers *markers)
{
	return markers->count;
}

const char *psc_markers_get(const struct psc_markers *markers, size_t i)
{
	return markers->marker[i].text;
}

static int add_marker(struct psc_markers *markers, const char *text, size_t *shortest)
{
	size_t length = strlen(text);
	char *copy;

	if (length < PSC_MARKER_MIN || length > PSC_MARKER_MAX)
		return -EINVAL;
	for (size_t i = 0; i < markers->count; i++) {
		if (strcmp(markers->marker[i].text, text) == 0)
			return 0;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	markers->marker[markers->count++] = (struct marker){copy, length};
	if (length < *shortest)
		*shortest = length;
	if (length > markers->longest)
		markers->longest = length;
	return 0;
}

static uint32_t bucket_of(uint32_t value)
{
	return hash(value) >> (HASH_BITS - BUCKET_BITS);
}

/* Counts the blocks of a bucket, then turns counts into places, then fills them. */
static int index_blocks(struct psc_markers *markers)
{
	uint32_t next[BUCKETS];

	markers->block = calloc(markers->count * markers->step + 1, sizeof(*markers->block));
	if (!markers->block)
		return -ENOMEM;
	for (size_t i = 0; i < markers->count * markers->step; i++) {
		const char *text = markers->marker[i / markers->step].text;
		uint32_t value = block_at((const uint8_t *)text + i % markers->step);

		markers->bucket[bucket_of(value) + 1]++;
		markers->filter[hash(value) / 64] |= 1ULL << hash(value) % 64;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		next[i] = markers->bucket[i];
		markers->bucket[i + 1] += markers->bucket[i];
	}
	for (size_t i = 0; i < markers->count * markers->step; i++) {
		const char *text = markers->marker[i / markers->step].text;
		uint32_t value = block_at((const uint8_t *)text + i % markers->step);

		markers->block[next[bucket_of(value)]++] = (struct block){
			value,
			i / markers->step,
			i % markers->step,
		};
	}
	return 0;
}

int psc_markers_new(const char *const *strings, struct psc_markers **ret)
{
	_cleanup_(psc_markers_freep) struct psc_markers *markers = NULL;
	size_t count = 0, shortest = PSC_MARKER_MAX;
	int r;

	while (strings[count])
		count++;
	if (count > PSC_MARKERS_MAX)
		return -EINVAL;
	markers = calloc(1, sizeof(*markers));
	if (!markers)
		return -ENOMEM;
	markers->marker = calloc(count + 1, sizeof(*markers->marker));
	if (!markers->marker)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		r = add_marker(markers, strings[i], &shortest);
		if (r < 0)
			return r;
	}
	markers->step = shortest - (BLOCK - 1);
	if (markers->step > STEP_MAX)
		markers->step = STEP_MAX;
	r = index_blocks(markers);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(markers);
	return 0;
}

/* The bit table says that a block may begin at @at: see whether a marker stands around it. */
static void look_closer(const struct psc_markers *markers, const uint8_t *data, size_t size,
			size_t at, uint8_t *found)
{
	uint32_t value = block_at(data + at);
	uint32_t bucket = bucket_of(value);

	for (uint32_t i = markers->bucket[bucket]; i < markers->bucket[bucket + 1]; i++) {
		const struct block *block = &markers->block[i];
		const struct marker *marker = &markers->marker[block->marker];

		if (block->value != value || found[block->marker] || at < block->at)
			continue;
		if (marker->length <= size - (at - block->at) &&
		    memcmp(data + at - block->at, marker->text, marker->length) == 0)
			found[block->marker] = 1;
	}
}

/* 1 or 0: a number, so that several can be joined without a branch. */
static unsigned int may_begin(const struct psc_markers *markers, const uint8_t *at)
{
	uint32_t h = hash(block_at(at));

	return markers->filter[h / 64] >> h % 64 & 1;
}

void psc_markers_search(const struct psc_markers *markers, const void *data, size_t size,
			uint8_t *found)
{
	const uint8_t *bytes = data;
	size_t step = markers->step, at = 0;

	if (!markers->count)
		return;
	/* Four at a time: their loads do not wait for each other's branches. */
	while (size >= 3 * step + BLOCK && at <= size - 3 * step - BLOCK) {
		if (may_begin(markers, bytes + at) | may_begin(markers, bytes + at + step) |
		    may_begin(markers, bytes + at + 2 * step) |
		    may_begin(markers, bytes + at + 3 * step)) {
			for (size_t i = 0; i < 4; i++)
				look_closer(markers, bytes, size, at + i * step, found);
		}
		at += 4 * step;
	}
	for (; at + BLOCK <= size; at += step) {
		if (may_begin(markers, bytes + at))
			look_closer(markers, bytes, size, at, found);
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct psc_marker_range *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Sorts and joins; the new number of ranges. */
static size_t join_ranges(struct psc_marker_range *ranges, size_t count)
{
	size_t joined = 0;

	qsort(ranges, count, sizeof(*ranges), by_offset);
	for (size_t i = 0; i < count; i++) {
		struct psc_marker_range *last = joined ? &ranges[joined - 1] : NULL;

		if (ranges[i].size > UINT64_MAX - ranges[i].offset)
			ranges[i].size = UINT64_MAX - ranges[i].offset;
		if (!last || ranges[i].offset > last->offset + last->size)
			ranges[joined++] = ranges[i];
		else if (ranges[i].offset + ranges[i].size > last->offset + last->size)
			last->size = ranges[i].offset + ranges[i].size - last->offset;
	}
	return joined;
}

/* Reads a range piece by piece; each piece begins with the end of the one before. */
static int search_range(const struct psc_markers *markers, int fd,
			const struct psc_marker_range *range, uint8_t *buffer, uint8_t *found)
{
	uint64_t done = 0;
	size_t kept = 0;

	while (done < range->size) {
		size_t want = PIECE - kept;
		ssize_t n;

		if (want > range->size - done)
			want = range->size - done;
		n = psc_read_at(fd, buffer + kept, want, range->offset + done);
		if (n < 0)
			return n;
		psc_markers_search(markers, buffer, kept + n, found);
		if ((size_t)n < want)
			break;
		done += n;
		n += kept;
		kept = (size_t)n < markers->longest - 1 ? (size_t)n : markers->longest - 1;
		memmove(buffer, buffer + n - kept, kept);
	}
	return 0;
}

int psc_markers_search_fd(const struct psc_markers *markers, int fd,
			  struct psc_marker_range *ranges, size_t count, struct psc_facts *facts)
{
	_cleanup_free_ uint8_t *found = NULL, *buffer = NULL;
	uint64_t budget = PSC_MARKER_BYTES_MAX;
	int r = 0;

	if (!markers->count || !count)
		return 0;
	found = calloc(markers->count, 1);
	buffer = malloc(PIECE);
	if (!found || !buffer)
		return -ENOMEM;
	count = join_ranges(ranges, count);
	for (size_t i = 0; i < count && r >= 0; i++) {
		if (ranges[i].size > budget) {
			unsigned long long end = ranges[i].offset + budget;

			ranges[i].size = budget;
			r = psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
					   "markers: not looked for behind offset %llu: too large",
					   end);
			count = i + 1;
		}
		budget -= ranges[i].size;
		if (r >= 0)
			r = search_range(markers, fd, &ranges[i], buffer, found);
	}
	for (size_t i = 0; i < markers->count && r >= 0; i++) {
		if (found[i])
			r = psc_facts_add(facts, PSC_FACT_MARKER, 0, markers->marker[i].text,
					  markers->marker[i].length);
	}
	return r;
}
