/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unread.c - see unread.h. Layout of a ring: Documentation/bpf/ringbuf.rst: a page with the
 * consumer's position, a page with the producer's, then the data. Nothing is written to it.
 */
#include "user/core/util.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/bpf.h>

#include "bpf/abi.h"
#include "user/cli/unread.h"

#define POSSIBLE_CPUS "/sys/devices/system/cpu/possible"

static int call(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int open_pin(const char *directory, const char *name)
{
	union bpf_attr attr = {};
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	attr.pathname = (uintptr_t)path;
	return call(BPF_OBJ_GET, &attr);
}

static int info_of(int fd, struct bpf_map_info *ret)
{
	union bpf_attr attr = {};

	*ret = (struct bpf_map_info){};
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(*ret);
	attr.info.info = (uintptr_t)ret;
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

struct psc_unread_maps psc_unread_open(const char *directory)
{
	return (struct psc_unread_maps){
		.events = open_pin(directory, "events"),
		.counters = open_pin(directory, "counters"),
		.shared = open_pin(directory, "shared"),
	};
}

void psc_unread_close(struct psc_unread_maps *maps)
{
	psc_closep(&maps->events);
	psc_closep(&maps->counters);
	psc_closep(&maps->shared);
	*maps = PSC_UNREAD_MAPS_NONE;
}

uint64_t psc_unread_records(const char *data, size_t size, unsigned long from, unsigned long to)
{
	uint64_t records = 0;

	while (from < to) {
		uint32_t head =
			atomic_load_explicit((const _Atomic uint32_t *)(data + (from & (size - 1))),
					     memory_order_acquire);
		uint32_t length = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		from += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
		records += !(head & BPF_RINGBUF_DISCARD_BIT);
	}
	return records;
}

static int count_ring(int fd, uint64_t *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned long from, to;
	struct bpf_map_info info;
	const char *consumer, *producer;
	size_t size;
	int r = info_of(fd, &info);

	if (r < 0)
		return r;
	size = info.max_entries;
	consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		r = -errno;
		munmap((void *)consumer, page);
		return r;
	}
	from = atomic_load_explicit((const _Atomic unsigned long *)consumer, memory_order_acquire);
	to = atomic_load_explicit((const _Atomic unsigned long *)producer, memory_order_acquire);
	*ret = psc_unread_records(producer + page, size, from, to);
	munmap((void *)producer, page + 2 * size);
	munmap((void *)consumer, page);
	return 0;
}

/* Of the highest number of "0-3,8-11": the kernel answers for all up to it. */
static size_t possible_cpus(void)
{
	_cleanup_fclose_ FILE *f = fopen(POSSIBLE_CPUS, "re");
	char text[256];
	size_t last = 0;

	if (!f || !fgets(text, sizeof(text), f))
		return 0;
	for (const char *at = text; *at >= '0' && *at <= '9';) {
		char *end;

		last = strtoul(at, &end, 10);
		at = *end == '-' || *end == ',' ? end + 1 : end;
	}
	return last + 1;
}

static int count_drops(int fd, uint64_t *ret)
{
	size_t cpus = possible_cpus();
	_cleanup_free_ struct psc_counters *values = calloc(cpus ?: 1, sizeof(*values));
	union bpf_attr attr = {};
	struct bpf_map_info info;
	uint64_t drops = 0;
	uint32_t zero = 0;
	int r = info_of(fd, &info);

	if (r < 0)
		return r;
	if (!cpus || !values)
		return -ENOMEM;
	if (info.value_size != sizeof(*values))
		return -ESTALE;
	attr.map_fd = (uint32_t)fd;
	attr.key = (uintptr_t)&zero;
	attr.value = (uintptr_t)values;
	r = call(BPF_MAP_LOOKUP_ELEM, &attr);
	for (size_t i = 0; r >= 0 && i < cpus; i++)
		drops += values[i].dropped;
	if (r >= 0)
		*ret = drops;
	return r;
}

/* Of the drops those that no record tells. */
static int count_untold(const struct psc_unread_maps *maps, uint64_t *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct psc_control *control;
	struct bpf_map_info info;
	uint64_t drops = 0;
	int r = info_of(maps->shared, &info);

	if (r >= 0 && info.value_size != sizeof(struct psc_shared))
		r = -ESTALE;
	if (r >= 0)
		r = count_drops(maps->counters, &drops);
	if (r < 0)
		return r;
	control = mmap(NULL, page, PROT_READ, MAP_SHARED, maps->shared, 0);
	if (control == MAP_FAILED)
		return -errno;
	if (control->abi_version != PSC_ABI_VERSION)
		r = -ESTALE;
	else
		*ret = drops > control->dropped_recorded ? drops - control->dropped_recorded : 0;
	munmap((void *)control, page);
	return r;
}

int psc_unread_count(const struct psc_unread_maps *maps, uint64_t *ret)
{
	uint64_t waiting = 0, untold = 0;
	int r = maps->events < 0 ? maps->events : count_ring(maps->events, &waiting);

	if (r < 0)
		return r;
	count_untold(maps, &untold);
	*ret = waiting + untold;
	return 0;
}
