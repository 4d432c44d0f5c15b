/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_image_names.c - the names in a layer, to tell which of the layers below it they
 * hide. Of a name only its hash is kept, the last bit of which says what has it: layers may have
 * a million names. Whoever makes two names collide gets a wrong remark on a file that is looked
 * at all the same. Only for container_image*.c.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/identify/container_image_internal.h"

#define HASH_START 0xcbf29ce484222325ULL /* FNV-1a */
#define HASH_PRIME 0x100000001b3ULL
#define DIRECTORY  1ULL

static uint64_t hash_byte(uint64_t hash, char byte)
{
	return (hash ^ (uint8_t)byte) * HASH_PRIME;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int psc_blob_name_add(struct psc_blob *blob, const char *path, bool directory)
{
	size_t length = strlen(path);
	uint64_t hash = HASH_START;

	while (length > 0 && path[length - 1] == '/')
		length--;
	if (!length)
		return 0;
	/* room doubles at powers of two */
	if ((blob->names & (blob->names - 1)) == 0) {
		size_t room = blob->names ? 2 * blob->names : 1;
		uint64_t *more = reallocarray(blob->name, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		blob->name = more;
	}
	for (size_t i = 0; i < length; i++)
		hash = hash_byte(hash, path[i]);
	blob->name[blob->names++] = (hash & ~DIRECTORY) | (directory ? DIRECTORY : 0);
	return 0;
}

void psc_blob_names_sort(struct psc_blob *blob)
{
	if (blob->names)
		qsort(blob->name, blob->names, sizeof(*blob->name), compare);
}

static bool has(const struct psc_blob *blob, uint64_t hash, bool directory)
{
	uint64_t key = (hash & ~DIRECTORY) | (directory ? DIRECTORY : 0);

	return bsearch(&key, blob->name, blob->names, sizeof(key), compare);
}

bool psc_blob_replaces(const struct psc_blob *blob, const char *path, bool directory)
{
	uint64_t hash = HASH_START;

	if (!blob->names)
		return false;
	for (; *path; path++) {
		if (*path == '/' && has(blob, hash, false))
			return true;
		hash = hash_byte(hash, *path);
	}
	return has(blob, hash, false) || (!directory && has(blob, hash, true));
}
