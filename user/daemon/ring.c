/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.c - see ring.h. Layout of the file: Documentation/bpf/ringbuf.rst and
 * kernel/bpf/ringbuf.c: a page with the consumer's position, a page with the producer's,
 * then the data twice in a row, so that no record is cut in two.
 *
 * Only a window of the data is mapped, and moved along: every page that is mapped counts as the
 * daemon's memory, and the whole of it twice is more than all else that the daemon needs.
 */
#include "user/core/util.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include "user/daemon/ring.h"

struct psc_ring {
	int fd;
	_Atomic unsigned long *consumer;
	const _Atomic unsigned long *producer;
	size_t page;
	size_t size; /* of the data, a power of two */
	const char *window;
	size_t window_at; /* in the data */
	size_t window_size;
	unsigned long position;
};

static void unmap_window(struct psc_ring *ring)
{
	if (ring->window)
		munmap((void *)ring->window, ring->window_size);
	ring->window = NULL;
}

struct psc_ring *psc_ring_free(struct psc_ring *ring)
{
	if (!ring)
		return NULL;
	unmap_window(ring);
	if (ring->consumer)
		munmap((void *)ring->consumer, ring->page);
	if (ring->producer)
		munmap((void *)ring->producer, ring->page);
	free(ring);
	return NULL;
}

static void ring_freep(struct psc_ring **ring)
{
	*ring = psc_ring_free(*ring);
}

int psc_ring_new(int fd, struct psc_ring **ret)
{
	_cleanup_(ring_freep) struct psc_ring *ring = calloc(1, sizeof(*ring));
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	void *p;

	if (!ring)
		return -ENOMEM;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	ring->fd = fd;
	ring->page = sysconf(_SC_PAGESIZE);
	ring->size = info.max_entries;
	ring->window_size = ring->size < PSC_RING_WINDOW ? ring->size : PSC_RING_WINDOW;
	p = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ring->consumer = p;
	p = mmap(NULL, ring->page, PROT_READ, MAP_SHARED, fd, ring->page);
	if (p == MAP_FAILED)
		return -errno;
	ring->producer = p;
	ring->position = atomic_load_explicit(ring->consumer, memory_order_acquire);
	*ret = TAKE_PTR(ring);
	return 0;
}

/* The @length bytes that stand at the reader's position. */
static int look(struct psc_ring *ring, size_t length, const char **ret)
{
	size_t at = ring->position & (ring->size - 1), first = at & ~(ring->page - 1);
	void *p;

	if (ring->window && at >= ring->window_at &&
	    at + length <= ring->window_at + ring->window_size)
		goto found;
	if (at - first + length > ring->window_size)
		return -EBADMSG;
	unmap_window(ring);
	p = mmap(NULL, ring->window_size, PROT_READ, MAP_SHARED, ring->fd,
		 (off_t)(2 * ring->page + first));
	if (p == MAP_FAILED)
		return -errno;
	ring->window = p;
	ring->window_at = first;
found:
	*ret = ring->window + (at - ring->window_at);
	return 0;
}

int psc_ring_next(struct psc_ring *ring, const void **ret_data, size_t *ret_size)
{
	while (ring->position < atomic_load_explicit(ring->producer, memory_order_acquire)) {
		uint32_t head, length;
		const char *at;
		int r = look(ring, BPF_RINGBUF_HDR_SZ, &at);

		if (r < 0)
			return r;
		head = atomic_load_explicit((const _Atomic uint32_t *)at, memory_order_acquire);
		length = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		if (head & BPF_RINGBUF_BUSY_BIT)
			return 0;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			r = look(ring, BPF_RINGBUF_HDR_SZ + length, &at);
			if (r < 0)
				return r;
		}
		ring->position += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
		if (head & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*ret_data = at + BPF_RINGBUF_HDR_SZ;
		*ret_size = length;
		return 1;
	}
	return 0;
}

unsigned long psc_ring_position(const struct psc_ring *ring)
{
	return ring->position;
}

unsigned long psc_ring_produced(const struct psc_ring *ring)
{
	return atomic_load_explicit(ring->producer, memory_order_acquire);
}

void psc_ring_commit(struct psc_ring *ring)
{
	atomic_store_explicit(ring->consumer, ring->position, memory_order_release);
}

void psc_ring_back(struct psc_ring *ring, unsigned long position)
{
	ring->position = position;
}

void psc_ring_rewind(struct psc_ring *ring)
{
	ring->position = atomic_load_explicit(ring->consumer, memory_order_acquire);
}
