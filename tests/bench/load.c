/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - what it costs to put a list into the kernel, beside the obvious way of doing it.
 * Run by scale.sh, as root, in a guest with counted instructions:
 *
 *   load LIST...             a line of JSON for each list file
 *   load swap COUNT A B      puts A and B into force in turns, in the guard that is at work,
 *                            from "ready" and a line of input on; a line of JSON with the
 *                            longest and the shortest time it took
 *
 * Text to records is the daemon's own code (psc_list_*, psc_compile), records to the kernel
 * too: generation.c is linked as it is and given outer maps of our own. Beside it stands one
 * bpf_map_update_batch() of a preallocated hash map with the same digests. Figures are
 * nanoseconds of CLOCK_MONOTONIC, thus instructions; of the repeated steps the least.
 */
#include "user/core/util.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>

#include "user/core/compile.h"
#include "user/core/config.h"
#include "user/core/list.h"
#include "user/core/paths.h"
#include "user/daemon/loader.h"

#define ROUNDS	  4 /* the first two fill empty slots */
#define INNER_MAP (BPF_F_MMAPABLE | BPF_F_INNER_MAP)

struct cost {
	uint64_t parse, index, compile;
	uint64_t activate, hash_create, hash_fill;
};

/* generation.c wants it; kernel.c, which has it, would bring the whole loader. */
void psc_problem_set(struct psc_problem *problem, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(problem->message, sizeof(problem->message), fmt, ap);
	va_end(ap);
	snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void keep_least(uint64_t *least, uint64_t begin)
{
	uint64_t took = now() - begin;

	if (!*least || took < *least)
		*least = took;
}

static int outer_map(const char *name, uint32_t value_size, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, inner, .map_flags = INNER_MAP);
	LIBBPF_OPTS(bpf_map_create_opts, outer);
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "psc_bench_inner", 4,
						value_size, entries, &inner);
	int outer_fd;

	if (fd < 0)
		err(1, "%s: inner map", name);
	outer.inner_map_fd = fd;
	outer_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, name, 4, 4, PSC_SLOTS, &outer);
	if (outer_fd < 0)
		err(1, "%s", name);
	return outer_fd;
}

static void map_shared(struct psc_guard *guard)
{
	guard->shared = mmap(NULL, sizeof(struct psc_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			     guard->shared_fd, 0);
	if (guard->shared == MAP_FAILED)
		err(1, "shared memory");
}

/* As the daemon's, but for the programs. */
static void make_guard(struct psc_guard *guard)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	guard->records_fd = outer_map("psc_bench_rec", sizeof(struct psc_digest_record), 1);
	guard->buckets_fd = outer_map("psc_bench_buck", sizeof(struct psc_digest_bucket),
				      1 << PSC_INDEX_BITS_MIN);
	guard->shared_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "psc_bench_bss", 4,
					  sizeof(struct psc_shared), 1, &opts);
	if (guard->shared_fd < 0)
		err(1, "shared map");
	map_shared(guard);
}

static void measure_activation(struct psc_guard *guard, const struct psc_image *image,
			       struct cost *cost)
{
	struct psc_problem problem = {};

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t begin = now();

		if (psc_guard_activate(guard, image, &problem) < 0)
			errx(1, "%s", problem.message);
		keep_least(&cost->activate, begin);
		/* the kernel frees the generation before the last in the background */
		sleep(1);
	}
}

static void measure_hash(const struct psc_image *image, struct cost *cost)
{
	uint32_t count = image->table.digest_count;
	_cleanup_free_ uint8_t *keys = malloc((size_t)count * PSC_DIGEST_SIZE);
	_cleanup_free_ uint32_t *values = malloc(count * sizeof(*values));

	if (!keys || !values)
		err(1, "keys");
	for (uint32_t i = 0; i < count; i++) {
		memcpy(keys + (size_t)i * PSC_DIGEST_SIZE, image->records[i].digest,
		       PSC_DIGEST_SIZE);
		values[i] = image->records[i].subject;
	}
	for (int i = 0; i < 2; i++) {
		uint64_t begin = now();
		_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "psc_bench_hash",
							PSC_DIGEST_SIZE, 4, count, NULL);
		uint32_t done = count;

		if (fd < 0)
			err(1, "hash map");
		keep_least(&cost->hash_create, begin);
		begin = now();
		if (bpf_map_update_batch(fd, keys, values, &done, NULL) < 0 || done != count)
			err(1, "bpf_map_update_batch");
		keep_least(&cost->hash_fill, begin);
	}
}

static struct psc_image *read_list(const char *path, struct cost *cost)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	static const uint8_t canary[PSC_DIGEST_SIZE];
	struct psc_image *image = NULL;
	struct psc_error error = {0};
	uint64_t begin = now();

	if (psc_config_new(&config) < 0 || psc_list_new(&list) < 0 ||
	    psc_list_load_file(list, path, &error) < 0)
		errx(1, "%s: %s", path, error.message);
	keep_least(&cost->parse, begin);
	begin = now();
	if (psc_list_index(list) < 0)
		errx(1, "%s: index", path);
	keep_least(&cost->index, begin);
	begin = now();
	if (psc_compile(list, config, canary, UINT32_MAX, &image, &error) < 0)
		errx(1, "%s: %s", path, error.message);
	keep_least(&cost->compile, begin);
	return image;
}

static void measure(struct psc_guard *guard, const char *path)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct cost cost = {0};
	uint32_t count;
	size_t bytes;

	image = read_list(path, &cost);
	count = image->table.digest_count;
	bytes = count * sizeof(struct psc_digest_record) +
		(sizeof(struct psc_digest_bucket) << image->table.index_bits);
	measure_activation(guard, image, &cost);
	measure_hash(image, &cost);
	printf("{\"digests\":%u,\"index_bits\":%u,\"bytes_a_digest\":%.2f,"
	       "\"parse\":%" PRIu64 ",\"index\":%" PRIu64 ",\"compile\":%" PRIu64
	       ",\"activate\":%" PRIu64 ",\"hash_create\":%" PRIu64 ",\"hash_fill\":%" PRIu64 "}\n",
	       count, image->table.index_bits, (double)bytes / count, cost.parse, cost.index,
	       cost.compile, cost.activate, cost.hash_create, cost.hash_fill);
	fflush(stdout);
}

static int pinned(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", PSC_PATH_BPFFS, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void swap(unsigned long count, char **paths)
{
	struct psc_guard guard = {};
	struct psc_problem problem = {};
	struct psc_image *images[2];
	struct cost cost = {0};
	uint64_t longest = 0;
	uint64_t shortest = 0;

	guard.records_fd = pinned("records");
	guard.buckets_fd = pinned("buckets");
	guard.shared_fd = pinned("shared");
	map_shared(&guard);
	for (int i = 0; i < 2; i++)
		images[i] = read_list(paths[i], &cost);
	puts("ready");
	fflush(stdout);
	getchar();
	for (unsigned long i = 0; i < count; i++) {
		uint64_t begin = now();

		if (psc_guard_activate(&guard, images[i & 1], &problem) < 0)
			errx(1, "%s", problem.message);
		if (now() - begin > longest)
			longest = now() - begin;
		keep_least(&shortest, begin);
		usleep(200000);
	}
	printf("{\"swaps\":%lu,\"shortest\":%" PRIu64 ",\"longest\":%" PRIu64 "}\n", count,
	       shortest, longest);
	for (int i = 0; i < 2; i++)
		psc_image_free(images[i]);
}

int main(int argc, char **argv)
{
	struct psc_guard guard = {};

	if (argc == 5 && !strcmp(argv[1], "swap")) {
		swap(strtoul(argv[2], NULL, 10), argv + 3);
		return 0;
	}
	if (argc < 2 || !strcmp(argv[1], "swap")) {
		fputs("usage: load LIST... | load swap COUNT A B\n", stderr);
		return 2;
	}
	make_guard(&guard);
	for (int i = 1; i < argc; i++)
		measure(&guard, argv[i]);
	return 0;
}
