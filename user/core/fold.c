/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.c - see fold.h.
 *
 * A process may end between any two stores, so each state between them has to mean the same as
 * the one before or the one after. Groups are numbered; an entry has its count before and after
 * the group that touched it last, and the number of the last group that was committed says which
 * of the two holds: one store commits a whole group.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "user/core/event.h"
#include "user/core/fold.h"

#define MAGIC	  "psc-fol2"
#define NO_ENTRY  PSC_FOLD_ENTRIES
#define FILE_MODE 0600

struct entry {
	uint64_t first_boot_ns;
	uint64_t due_boot_ns; /* when its window ends */
	uint64_t remembered;  /* the group in which; 0: the entry is free */
	uint64_t group;	      /* that touched the count last */
	uint64_t before, after;
};

struct memory {
	char magic[8];
	uint64_t size; /* of all this, with the event's: another version's is not read */
	char boot_id[64];
	uint64_t attached_ns;
	uint64_t committed;
	/* a group whose events the ring is about to give up, and where it is then */
	uint64_t ready, ready_position;
	/* apart: the first is searched for each event */
	struct entry entries[PSC_FOLD_ENTRIES];
	struct psc_event events[PSC_FOLD_ENTRIES]; /* the last of each */
};

struct psc_fold {
	struct memory *memory;
	size_t last; /* entry that was remembered, or taken, last */
	size_t hand; /* where the next free place is looked for */
	bool taken[PSC_FOLD_ENTRIES];
	uint32_t processes[PSC_FOLD_ENTRIES]; /* of the events, as far as they are remembered */
};

/* What was stored before is there when @value is. */
static void store(uint64_t *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

/* Number of the group that is under way. */
static uint64_t group_of(const struct psc_fold *fold)
{
	return fold->memory->committed + 1;
}

static int fold_of(int fd, struct psc_fold **ret)
{
	struct psc_fold *fold = calloc(1, sizeof(*fold));
	void *p;

	if (!fold)
		return -ENOMEM;
	p = mmap(NULL, sizeof(*fold->memory), PROT_READ | PROT_WRITE,
		 fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		free(fold);
		return -errno;
	}
	fold->memory = p;
	fold->last = NO_ENTRY;
	*ret = fold;
	return 0;
}

int psc_fold_new(struct psc_fold **ret)
{
	return fold_of(-1, ret);
}

struct psc_fold *psc_fold_free(struct psc_fold *fold)
{
	if (fold)
		munmap(fold->memory, sizeof(*fold->memory));
	free(fold);
	return NULL;
}

static struct psc_event *event_of(const struct psc_fold *fold, const struct entry *entry)
{
	return &fold->memory->events[entry - fold->memory->entries];
}

static bool is_foldable(const struct psc_event *event)
{
	return event->head.type == PSC_EVENT_DECISION;
}

static uint64_t window_of(const struct psc_event *event)
{
	return event->unverified && event->verdict == PSC_VERDICT_RECORD ? PSC_FOLD_WINDOW_NS
									 : PSC_FOLD_DECIDED_NS;
}

/* ---- in a file ------------------------------------------------------------------- */

static bool is_known(const struct memory *memory, const char *boot_id)
{
	return !memcmp(memory->magic, MAGIC, sizeof(memory->magic)) &&
	       memory->size == sizeof(*memory) &&
	       !strncmp(memory->boot_id, boot_id, sizeof(memory->boot_id));
}

static void begin(struct memory *memory, const char *boot_id)
{
	memset(memory, 0, sizeof(*memory));
	memory->size = sizeof(*memory);
	snprintf(memory->boot_id, sizeof(memory->boot_id), "%s", boot_id);
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(memory->magic, MAGIC, sizeof(memory->magic));
}

/* Events of another ring do not come again, whether they were committed or not. */
static void commit_all(struct memory *memory)
{
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++)
		if (memory->entries[i].group > memory->committed)
			store(&memory->committed, memory->entries[i].group);
}

static void recall_events(struct psc_fold *fold)
{
	const struct psc_event *event;

	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->memory->entries[i];
		struct psc_event *kept = event_of(fold, entry);

		/* the one field that copying leaves wrong for a moment */
		kept->head.length = sizeof(*kept);
		if (entry->remembered &&
		    (psc_event_decode(kept, sizeof(*kept), &event) < 0 || !is_foldable(event)))
			store(&entry->remembered, 0);
		fold->processes[i] = kept->process.tgid;
	}
}

static void go_on(struct psc_fold *fold, const struct psc_fold_ring *ring)
{
	struct memory *memory = fold->memory;

	if (!is_known(memory, ring->boot_id))
		begin(memory, ring->boot_id);
	if (memory->attached_ns != ring->attached_ns)
		commit_all(memory);
	else if (memory->ready > memory->committed && memory->ready_position == ring->position)
		store(&memory->committed, memory->ready);
	psc_fold_rewind(fold);
	recall_events(fold);
	store(&memory->attached_ns, ring->attached_ns);
}

int psc_fold_open(const char *path, const struct psc_fold_ring *ring, struct psc_fold **ret)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	struct psc_fold *fold = NULL;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return -EPERM;
	if (st.st_size != (off_t)sizeof(struct memory) &&
	    (ftruncate(fd, 0) < 0 || ftruncate(fd, sizeof(struct memory)) < 0))
		return -errno;
	/* a page that has no room when it is written would end the process */
	r = -posix_fallocate(fd, 0, sizeof(struct memory));
	if (!r)
		r = fold_of(fd, &fold);
	if (r)
		return r;
	go_on(fold, ring);
	*ret = fold;
	return 0;
}

/* ---- one by one ------------------------------------------------------------------ */

/* What the kernel found of the file, and what it made of it. */
static bool same_decision(const struct psc_event *a, const struct psc_event *b)
{
	return a->generation == b->generation && a->interval == b->interval &&
	       a->class == b->class && a->subject == b->subject && a->action == b->action &&
	       a->mode == b->mode && a->place == b->place && a->inode == b->inode &&
	       a->inode_generation == b->inode_generation && a->size == b->size &&
	       !memcmp(a->digest, b->digest, sizeof(a->digest)) &&
	       a->process.uid == b->process.uid && a->cgroup_id == b->cgroup_id &&
	       a->mount_namespace == b->mount_namespace;
}

/*
 * The same process, operation, outcome and name. The inode only where the content is known: every
 * memory file is a new one, and their names stay.
 */
static bool same_attempt(const struct psc_event *a, const struct psc_event *b)
{
	return a->process.tgid == b->process.tgid && a->process.start_ns == b->process.start_ns &&
	       a->op == b->op && a->verdict == b->verdict && a->unverified == b->unverified &&
	       a->device == b->device && a->head.flags == b->head.flags &&
	       a->path_length == b->path_length && !memcmp(a->path, b->path, a->path_length) &&
	       (a->unverified || same_decision(a, b));
}

/*
 * The next place around that is free, or has no repeats, or none: no count is given up. They are
 * taken in turn, so that this is the oldest, by and large.
 */
static struct entry *find_place(struct psc_fold *fold)
{
	for (size_t n = 0; n < PSC_FOLD_ENTRIES; n++) {
		struct entry *entry = &fold->memory->entries[fold->hand];

		fold->hand = (fold->hand + 1) % PSC_FOLD_ENTRIES;
		if (!entry->remembered || !entry->after)
			return entry;
	}
	return NULL;
}

/*
 * A record may leave out the end of its path: only what is there is copied. Over the event of the
 * same attempt this may be left half done: it stays an event of that attempt.
 */
static void copy_event(struct psc_event *to, const struct psc_event *from)
{
	size_t size = offsetof(struct psc_event, path) + from->path_length + 1;

	memcpy(to, from, size);
	to->head.length = sizeof(*to);
}

static void count_repeat(struct psc_fold *fold, struct entry *entry, const struct psc_event *event)
{
	uint64_t group = group_of(fold);

	if (entry->group != group) {
		store(&entry->before, entry->after);
		store(&entry->group, group);
	}
	copy_event(event_of(fold, entry), event);
	store(&entry->after, entry->after + 1);
}

static void remember(struct psc_fold *fold, struct entry *entry, const struct psc_event *event)
{
	uint64_t group = group_of(fold);

	store(&entry->remembered, 0);
	copy_event(event_of(fold, entry), event);
	fold->processes[entry - fold->memory->entries] = event->process.tgid;
	entry->first_boot_ns = event->head.boot_ns;
	entry->due_boot_ns = event->head.boot_ns + window_of(event);
	entry->before = entry->after = 0;
	entry->group = group;
	store(&entry->remembered, group);
}

bool psc_fold_hold(struct psc_fold *fold, const struct psc_event *event)
{
	struct entry *place;

	fold->last = NO_ENTRY;
	if (!is_foldable(event))
		return false;
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->memory->entries[i];

		if (fold->processes[i] != event->process.tgid || !entry->remembered ||
		    fold->taken[i] || !same_attempt(event_of(fold, entry), event))
			continue;
		count_repeat(fold, entry, event);
		return true;
	}
	place = find_place(fold);
	if (!place)
		return false;
	remember(fold, place, event);
	fold->last = (size_t)(place - fold->memory->entries);
	return false;
}

void psc_fold_unwritten(struct psc_fold *fold)
{
	if (fold->last != NO_ENTRY)
		store(&fold->memory->entries[fold->last].remembered, 0);
	fold->last = NO_ENTRY;
}

uint64_t psc_fold_due(const struct psc_fold *fold)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		const struct entry *entry = &fold->memory->entries[i];

		if (entry->remembered && entry->after && entry->due_boot_ns < due)
			due = entry->due_boot_ns;
	}
	return due;
}

bool psc_fold_take(struct psc_fold *fold, uint64_t boot_ns, struct psc_fold_repeats *ret)
{
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->memory->entries[i];

		if (!entry->remembered || fold->taken[i] || entry->due_boot_ns > boot_ns)
			continue;
		if (!entry->after) {
			store(&entry->remembered, 0);
			continue;
		}
		fold->taken[i] = true;
		fold->last = i;
		ret->event = *event_of(fold, entry);
		ret->count = entry->after;
		ret->first_boot_ns = entry->first_boot_ns;
		return true;
	}
	return false;
}

void psc_fold_put_back(struct psc_fold *fold)
{
	if (fold->last != NO_ENTRY)
		fold->taken[fold->last] = false;
	fold->last = NO_ENTRY;
}

void psc_fold_forget(struct psc_fold *fold,
		     bool (*is_written)(const void *userdata, const struct psc_event_head *head),
		     const void *userdata)
{
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->memory->entries[i];

		if (entry->remembered && entry->after &&
		    is_written(userdata, &event_of(fold, entry)->head))
			store(&entry->remembered, 0);
	}
}

/* ---- groups ---------------------------------------------------------------------- */

void psc_fold_ready(struct psc_fold *fold, uint64_t position)
{
	/* in this order: an older group's position must not stand for this one */
	store(&fold->memory->ready_position, position);
	store(&fold->memory->ready, group_of(fold));
}

void psc_fold_commit(struct psc_fold *fold)
{
	store(&fold->memory->committed, group_of(fold));
	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++)
		if (fold->taken[i])
			store(&fold->memory->entries[i].remembered, 0);
	memset(fold->taken, 0, sizeof(fold->taken));
	fold->last = NO_ENTRY;
}

void psc_fold_rewind(struct psc_fold *fold)
{
	uint64_t committed = fold->memory->committed;

	for (size_t i = 0; i < PSC_FOLD_ENTRIES; i++) {
		struct entry *entry = &fold->memory->entries[i];

		/* its record was not written: when it comes again it is no repeat */
		if (entry->remembered > committed)
			store(&entry->remembered, 0);
		if (entry->group > committed) {
			store(&entry->after, entry->before);
			store(&entry->group, committed);
		}
	}
	memset(fold->taken, 0, sizeof(fold->taken));
	fold->last = NO_ENTRY;
}
