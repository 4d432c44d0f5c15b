/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ring.c - the reader of the kernel's ring over a file that is laid out as the kernel lays
 * out the ring: records at every place of the window that moves over it, and over its end.
 */
#include "user/core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "user/daemon/ring.c"

#define RING_SIZE (4 * PSC_RING_WINDOW)

/* What the kernel writes: a file stands for the map, so the second copy is written as well. */
struct kernel {
	int fd;
	unsigned long produced;
};

int bpf_obj_get_info_by_fd(int fd, void *info, uint32_t *size)
{
	((struct bpf_map_info *)info)->max_entries = RING_SIZE;
	return 0;
}

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static void put(struct kernel *kernel, unsigned long position, const void *bytes, size_t size)
{
	size_t data = 2 * page_size();
	unsigned long at = position & (RING_SIZE - 1);

	assert_int_equal(pwrite(kernel->fd, bytes, size, data + at), size);
	assert_int_equal(pwrite(kernel->fd, bytes, size, data + RING_SIZE + at), size);
	/* the copy in front of the first: what stands behind the end is at the beginning */
	if (at + size > RING_SIZE)
		assert_int_equal(pwrite(kernel->fd, (const char *)bytes + (RING_SIZE - at),
					at + size - RING_SIZE, data),
				 at + size - RING_SIZE);
}

static void publish(struct kernel *kernel, uint32_t length)
{
	kernel->produced += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	assert_int_equal(
		pwrite(kernel->fd, &kernel->produced, sizeof(kernel->produced), page_size()),
		sizeof(kernel->produced));
}

/* A record of @length bytes which are all @fill. */
static void produce(struct kernel *kernel, uint32_t length, uint32_t flags, char fill)
{
	uint32_t head[2] = {length | flags};
	char *bytes = malloc(length + 1);

	memset(bytes, fill, length);
	put(kernel, kernel->produced, head, sizeof(head));
	put(kernel, kernel->produced + sizeof(head), bytes, length);
	free(bytes);
	publish(kernel, length);
}

static unsigned long consumed(const struct kernel *kernel)
{
	unsigned long position;

	assert_int_equal(pread(kernel->fd, &position, sizeof(position), 0), sizeof(position));
	return position;
}

static void assert_next(struct psc_ring *ring, uint32_t length, char fill)
{
	const void *data;
	size_t size;

	assert_int_equal(psc_ring_next(ring, &data, &size), 1);
	assert_int_equal(size, length);
	assert_int_equal((uintptr_t)data % 8, 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(((const char *)data)[i], fill);
}

static void assert_none(struct psc_ring *ring)
{
	const void *data;
	size_t size;

	assert_int_equal(psc_ring_next(ring, &data, &size), 0);
}

static void setup(struct kernel *kernel, struct psc_ring **ring)
{
	kernel->fd = memfd_create("ring", MFD_CLOEXEC);
	kernel->produced = 0;
	assert_true(kernel->fd >= 0);
	assert_int_equal(ftruncate(kernel->fd, 2 * page_size() + 2 * RING_SIZE), 0);
	assert_int_equal(psc_ring_new(kernel->fd, ring), 0);
}

static void teardown(struct kernel *kernel, struct psc_ring *ring)
{
	psc_ring_free(ring);
	close(kernel->fd);
}

/* Records of every length, so that their ends meet the window's in every way, three rings long. */
static void windows(void **state)
{
	struct psc_ring *ring;
	struct kernel kernel;
	uint32_t length = 0;
	char fill = 0;

	setup(&kernel, &ring);
	while (kernel.produced < 3 * RING_SIZE) {
		length = (length + 461) % 5000;
		produce(&kernel, length, 0, ++fill);
		assert_next(ring, length, fill);
		assert_none(ring);
		psc_ring_commit(ring);
		assert_int_equal(consumed(&kernel), kernel.produced);
	}
	teardown(&kernel, ring);
}

/* What was taken and not committed is taken again, also where the window has left it. */
static void back_and_rewind(void **state)
{
	struct psc_ring *ring;
	struct kernel kernel;
	unsigned long second;

	setup(&kernel, &ring);
	produce(&kernel, 100, 0, 'a');
	produce(&kernel, 4000, 0, 'b');
	for (size_t i = 0; i < 2 * PSC_RING_WINDOW / 4096; i++)
		produce(&kernel, 4000, 0, 'c');
	assert_int_equal(psc_ring_produced(ring), kernel.produced);
	assert_next(ring, 100, 'a');
	second = psc_ring_position(ring);
	assert_next(ring, 4000, 'b');
	while (psc_ring_position(ring) < kernel.produced)
		assert_next(ring, 4000, 'c');
	psc_ring_back(ring, second);
	assert_next(ring, 4000, 'b');
	psc_ring_rewind(ring);
	assert_next(ring, 100, 'a');
	psc_ring_commit(ring);
	psc_ring_rewind(ring);
	assert_next(ring, 4000, 'b');
	teardown(&kernel, ring);
}

static void busy_and_discarded(void **state)
{
	struct psc_ring *ring;
	struct kernel kernel;
	uint32_t head[2] = {24};
	unsigned long busy;

	setup(&kernel, &ring);
	produce(&kernel, 40, BPF_RINGBUF_DISCARD_BIT, 'a');
	busy = kernel.produced;
	produce(&kernel, 24, BPF_RINGBUF_BUSY_BIT, 'b');
	produce(&kernel, 8, 0, 'c');
	assert_none(ring);
	put(&kernel, busy, head, sizeof(head));
	assert_next(ring, 24, 'b');
	assert_next(ring, 8, 'c');
	assert_none(ring);
	teardown(&kernel, ring);
}

/* Nothing that the kernel writes is so long: it is not read beyond what is mapped. */
static void longer_than_the_window(void **state)
{
	struct psc_ring *ring;
	struct kernel kernel;
	const void *data;
	size_t size;

	setup(&kernel, &ring);
	produce(&kernel, 8, 0, 'a');
	produce(&kernel, PSC_RING_WINDOW, 0, 'b');
	assert_next(ring, 8, 'a');
	assert_int_equal(psc_ring_next(ring, &data, &size), -EBADMSG);
	assert_int_equal(psc_ring_position(ring), 16);
	teardown(&kernel, ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),
		cmocka_unit_test(back_and_rewind),
		cmocka_unit_test(busy_and_discarded),
		cmocka_unit_test(longer_than_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
