/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen.c - inodes that have several names: hard links, bind mounts, directories that are mounted
 * twice, files that processes have mapped. Content is looked into once; what was found in it is
 * kept so that a rule on name and content holds under every name. Only for user/scan.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/internal.h"

#define KEPT_BYTES_MAX (8U << 20) /* of facts; what is beyond is looked into again */
#define ENTRY_BYTES    128	  /* what a fact takes besides its text, roughly */

struct entry {
	dev_t device;
	ino_t inode;
	unsigned int visits;
	struct psc_content *content;
};

/* Open addressing; at most half of it is used. */
struct psc_seen {
	pthread_mutex_t lock;
	struct entry *entry;
	size_t room; /* a power of two */
	size_t count;
	size_t kept;
};

int psc_seen_new(struct psc_seen **ret)
{
	struct psc_seen *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	seen->room = 4096;
	seen->entry = calloc(seen->room, sizeof(*seen->entry));
	if (!seen->entry) {
		free(seen);
		return -ENOMEM;
	}
	pthread_mutex_init(&seen->lock, NULL);
	*ret = seen;
	return 0;
}

struct psc_seen *psc_seen_free(struct psc_seen *seen)
{
	if (!seen)
		return NULL;
	for (size_t i = 0; i < seen->room; i++) {
		if (seen->entry[i].content)
			psc_content_clear(seen->entry[i].content);
		free(seen->entry[i].content);
	}
	pthread_mutex_destroy(&seen->lock);
	free(seen->entry);
	free(seen);
	return NULL;
}

/* The entry of an inode, or the empty one in which it belongs. */
static struct entry *place(struct entry *entry, size_t room, dev_t device, ino_t inode)
{
	uint64_t hash = ((uint64_t)inode ^ (uint64_t)device << 40) * 0x9e3779b97f4a7c15ULL;
	size_t i = (hash >> 32) & (room - 1);

	while (entry[i].visits && (entry[i].inode != inode || entry[i].device != device))
		i = (i + 1) & (room - 1);
	return &entry[i];
}

static int grow(struct psc_seen *seen)
{
	struct entry *larger;

	if (2 * (seen->count + 1) <= seen->room)
		return 0;
	larger = calloc(2 * seen->room, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	for (size_t i = 0; i < seen->room; i++) {
		struct entry *old = &seen->entry[i];

		if (old->visits)
			*place(larger, 2 * seen->room, old->device, old->inode) = *old;
	}
	free(seen->entry);
	seen->entry = larger;
	seen->room *= 2;
	return 0;
}

int psc_seen_visit(struct psc_seen *seen, dev_t device, ino_t inode, unsigned int *ret_before)
{
	struct entry *entry;
	int r;

	pthread_mutex_lock(&seen->lock);
	r = grow(seen);
	if (r >= 0) {
		entry = place(seen->entry, seen->room, device, inode);
		*ret_before = entry->visits;
		if (!entry->visits) {
			entry->device = device;
			entry->inode = inode;
			seen->count++;
		}
		if (entry->visits < UINT32_MAX)
			entry->visits++;
	}
	pthread_mutex_unlock(&seen->lock);
	return r;
}

const struct psc_content *psc_seen_content(struct psc_seen *seen, dev_t device, ino_t inode)
{
	const struct psc_content *content;

	pthread_mutex_lock(&seen->lock);
	content = place(seen->entry, seen->room, device, inode)->content;
	pthread_mutex_unlock(&seen->lock);
	return content;
}

static struct psc_content *copy_content(const struct psc_content *content, size_t first)
{
	struct psc_content *copy = calloc(1, sizeof(*copy));
	int r = copy ? 0 : -ENOMEM;

	for (size_t i = first; i < content->facts.count && r >= 0; i++) {
		const struct psc_fact *fact = &content->facts.fact[i];

		r = psc_facts_add(&copy->facts, fact->kind, fact->group, fact->value,
				  strlen(fact->value));
	}
	if (r < 0) {
		if (copy)
			psc_content_clear(copy);
		free(copy);
		return NULL;
	}
	copy->facts.groups = content->facts.groups;
	copy->format = content->format;
	copy->hits = content->hits;
	memcpy(copy->hit, content->hit, sizeof(copy->hit));
	copy->archive = content->archive;
	return copy;
}

void psc_seen_keep(struct psc_seen *seen, dev_t device, ino_t inode,
		   const struct psc_content *content, size_t first)
{
	size_t weight = content->facts.bytes + ENTRY_BYTES * (content->facts.count + 1);
	struct psc_content *copy = NULL;
	struct entry *entry;

	if (__atomic_load_n(&seen->kept, __ATOMIC_RELAXED) + weight <= KEPT_BYTES_MAX)
		copy = copy_content(content, first);
	if (!copy)
		return;
	pthread_mutex_lock(&seen->lock);
	entry = place(seen->entry, seen->room, device, inode);
	if (entry->visits && !entry->content) {
		entry->content = copy;
		seen->kept += weight;
		copy = NULL;
	}
	pthread_mutex_unlock(&seen->lock);
	if (copy)
		psc_content_clear(copy);
	free(copy);
}
