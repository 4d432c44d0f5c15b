/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation.c - psc_guard_activate(): exchanges digests, filters and tables as one
 * generation.
 *
 * Slot (g + 1) & 1 is filled while g is in force, then the generation word moves. A
 * program that still reads that slot under generation g - 1 sees the word differ
 * afterwards and starts again (conclude.bpf.c), so nothing is waited for here but what
 * the kernel itself waits for when an inner map is replaced.
 */
#include "user/core/util.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "user/daemon/loader.h"

/* From here on the memory of a generation that is over is worth two waits. */
#define MANY_DIGESTS 65536

/* A map as the inner map of an outer one, filled by copying into its memory. */
static int create_filled(const char *name, uint32_t value_size, uint32_t entries, const void *data,
			 int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	_cleanup_close_ int fd = -1;
	size_t size = (size_t)value_size * entries;
	void *p;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), value_size, entries, &opts);
	if (fd < 0)
		return -errno;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	memcpy(p, data, size);
	munmap(p, size);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int replace_inner(int outer_fd, uint32_t slot, const char *name, uint32_t value_size,
			 uint32_t entries, const void *data)
{
	_cleanup_close_ int fd = -1;
	int r = create_filled(name, value_size, entries, data, &fd);

	if (r < 0)
		return r;
	return bpf_map_update_elem(outer_fd, &slot, &fd, BPF_ANY) < 0 ? -errno : 0;
}

/* Each word is whole; together they are so often enough: the greatest of them counts. */
void psc_guard_set_clock(struct psc_guard *guard, const struct psc_clock *clock)
{
	struct psc_clock *to = &guard->shared->control.clock;

	__atomic_store_n(&to->floor, clock->floor, __ATOMIC_RELAXED);
	__atomic_store_n(&to->boot_offset, clock->boot_offset, __ATOMIC_RELAXED);
	__atomic_store_n(&to->tai_offset, clock->tai_offset, __ATOMIC_RELAXED);
}

/* TAI is left out: it follows the wall clock, which nobody may have trusted. */
uint64_t psc_guard_time(const struct psc_guard *guard, uint64_t boot_ns)
{
	const struct psc_clock *clock = &guard->shared->control.clock;
	uint64_t by_boot = boot_ns + clock->boot_offset;

	return by_boot > clock->floor ? by_boot : clock->floor;
}

/*
 * The digests of a slot that is not in force any more, if they are many. Whoever still looks
 * into them finds nothing, sees that the generation has moved, and starts again.
 */
static void drop_digests(struct psc_guard *guard, uint32_t slot)
{
	static const struct psc_digest_record no_record;
	static const struct psc_digest_bucket no_bucket;

	if (guard->shared->table[slot].digest_count < MANY_DIGESTS)
		return;
	replace_inner(guard->records_fd, slot, "psc_records_in", sizeof(no_record), 1, &no_record);
	replace_inner(guard->buckets_fd, slot, "psc_buckets_in", sizeof(no_bucket), 1, &no_bucket);
}

int psc_guard_activate(struct psc_guard *guard, const struct psc_image *image,
		       struct psc_problem *reterr)
{
	struct psc_control *control = &guard->shared->control;
	uint64_t generation = control->generation + 1;
	uint32_t slot = generation & (PSC_SLOTS - 1);
	struct psc_table *table = &guard->shared->table[slot];
	int r;

	r = replace_inner(guard->records_fd, slot, "psc_records_in",
			  sizeof(struct psc_digest_record), image->table.digest_count,
			  image->records);
	if (!r)
		r = replace_inner(guard->buckets_fd, slot, "psc_buckets_in",
				  sizeof(struct psc_digest_bucket), 1U << image->table.index_bits,
				  image->buckets);
	if (r < 0) {
		psc_problem_set(reterr, "free kernel memory or shorten the lists",
				"the lists cannot be put into the kernel: %s", strerror(-r));
		return r;
	}
	*table = image->table;
	table->generation = generation;
	for (int kind = 0; kind < PSC_FILTER_MAX; kind++)
		memcpy(guard->shared->filter[slot][kind], image->filter[kind],
		       sizeof(guard->shared->filter[slot][kind]));
	atomic_store_explicit((_Atomic uint64_t *)&control->generation, generation,
			      memory_order_release);
	drop_digests(guard, (generation - 1) & (PSC_SLOTS - 1));
	return 0;
}

bool psc_guard_has(const struct psc_guard *guard, const struct psc_image *image,
		   uint64_t generation)
{
	const struct psc_shared *shared = guard->shared;
	uint32_t slot = generation & (PSC_SLOTS - 1);
	const struct psc_table *table = &shared->table[slot];

	/* behind the generation, which the image does not know, it is the same to the byte */
	if (shared->control.generation != generation || table->generation != generation ||
	    memcmp(&table->hash_limit, &image->table.hash_limit,
		   sizeof(*table) - offsetof(struct psc_table, hash_limit)) != 0)
		return false;
	for (int kind = 0; kind < PSC_FILTER_MAX; kind++) {
		if (memcmp(shared->filter[slot][kind], image->filter[kind],
			   sizeof(shared->filter[slot][kind])) != 0)
			return false;
	}
	return true;
}
