/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - see fold.h. */
#include "user/core/util.h"

#include <errno.h>

#include "user/core/fold.h"

struct entry {
	struct psc_event event; /* the last one */
	uint64_t first_boot_ns;
	uint64_t repeats; /* committed */
	uint64_t pending; /* of the group that is under way */
	bool used;
	bool fresh; /* remembered in this group */
	bool taken; /* handed out in this group */
};

struct psc_fold {
	struct entry entries[PSC_FOLD_ENTRIES];
};

int psc_fold_new(struct psc_fold **ret)
{
	struct psc_fold *fold = calloc(1, sizeof(*fold));

	if (!fold)
		return -ENOMEM;
	*ret = fold;
	return 0;
}

struct psc_fold *psc_fold_free(struct psc_fold *fold)
{
	free(fold);
	return NULL;
}

static bool is_foldable(const struct psc_event *event)
{
	return event->head.type == PSC_EVENT_DECISION && event->unverified &&
	       event->verdict == PSC_VERDICT_RECORD;
}

/*
 * The same process, operation, reason and name. Not the inode: every memory file is a new
 * one, and their names stay.
 */
static bool same_attempt(const struct psc_event *a, const struct psc_event *b)
{
	return a->process.tgid == b->process.tgid && a->process.start_ns == b->process.start_ns &&
	       a->op == b->op && a->unverified == b->unverified && a->device == b->device &&
	       a->head.flags == b->head.flags && a->path_length == b->path_length &&
	       !memcmp(a->path, b->path, a->path_length);
}

/* A free place, else that of the oldest without repeats, else none: no count is given up. */
static struct entry *find_place(struct psc_fold *fold)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->entries[i];

		if (!entry->used)
			return entry;
		if (entry->repeats || entry->pending)
			continue;
		if (!oldest || entry->first_boot_ns < oldest->first_boot_ns)
			oldest = entry;
	}
	return oldest;
}

/* A record may leave out the end of its path: only what is there is copied. */
static void copy_event(struct psc_event *to, const struct psc_event *from)
{
	size_t size = offsetof(struct psc_event, path) + from->path_length + 1;

	memcpy(to, from, size);
	to->head.length = sizeof(*to);
}

bool psc_fold_hold(struct psc_fold *fold, const struct psc_event *event)
{
	struct entry *place;

	if (!is_foldable(event))
		return false;
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->entries[i];

		if (!entry->used || entry->taken || !same_attempt(&entry->event, event))
			continue;
		copy_event(&entry->event, event);
		entry->pending++;
		return true;
	}
	place = find_place(fold);
	if (!place)
		return false;
	copy_event(&place->event, event);
	place->first_boot_ns = event->head.boot_ns;
	place->repeats = place->pending = 0;
	place->used = place->fresh = true;
	return false;
}

bool psc_fold_take(struct psc_fold *fold, uint64_t boot_ns, struct psc_fold_repeats *ret)
{
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->entries[i];

		if (!entry->used || entry->taken ||
		    (boot_ns != UINT64_MAX && entry->first_boot_ns + PSC_FOLD_WINDOW_NS > boot_ns))
			continue;
		if (!entry->repeats && !entry->pending) {
			entry->used = false;
			continue;
		}
		entry->taken = true;
		ret->event = entry->event;
		ret->count = entry->repeats + entry->pending;
		ret->first_boot_ns = entry->first_boot_ns;
		return true;
	}
	return false;
}

void psc_fold_commit(struct psc_fold *fold)
{
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->entries[i];

		entry->used = entry->used && !entry->taken;
		entry->repeats += entry->pending;
		entry->pending = 0;
		entry->fresh = entry->taken = false;
	}
}

void psc_fold_rewind(struct psc_fold *fold)
{
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->entries[i];

		/* its record was not written: when it comes again it is no repeat */
		entry->used = entry->used && !entry->fresh;
		entry->pending = 0;
		entry->fresh = entry->taken = false;
	}
}
