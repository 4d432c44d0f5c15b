/* SPDX-License-Identifier: Apache-2.0 */
/* marks.c - see marks.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>

#include <bpf/bpf.h>

#include "user/daemon/marks.h"

/*
 * The wish is put where the programs see it, then F_SETOWN makes the kernel call the one that
 * grants it. Without O_ASYNC the owner of a descriptor means nothing else.
 */
static int request(struct psc_guard *guard, uint32_t word, int fd)
{
	struct psc_control *control = &guard->shared->control;
	int r = 0;

	__atomic_store_n(&control->mark_result, -EBADE, __ATOMIC_RELAXED);
	__atomic_store_n(&control->mark_request, word, __ATOMIC_RELEASE);
	if (fcntl(fd, F_SETOWN, getpid()) < 0)
		r = -errno;
	__atomic_store_n(&control->mark_request, 0, __ATOMIC_RELEASE);
	if (!r)
		r = __atomic_load_n(&control->mark_result, __ATOMIC_ACQUIRE);
	/* what the kernel's hash map says when it is full */
	return r == -E2BIG ? -ENOSPC : r;
}

int psc_marks_set(struct psc_guard *guard, uint32_t number, int fd)
{
	if (number >= PSC_PLACES_MAX)
		return -ERANGE;
	return request(guard, number + 1, fd);
}

int psc_marks_remove(struct psc_guard *guard, int fd)
{
	return request(guard, PSC_MARK_REMOVE | 1, fd);
}

/* Calls for each mark, which the call may remove. */
static int each(const struct psc_guard *guard,
		int (*visit)(const struct psc_guard *guard, const struct psc_mark_key *key,
			     const struct psc_mark *mark, void *data),
		void *data)
{
	struct psc_mark_key *keys = calloc(PSC_MARKS_MAX, sizeof(*keys));
	struct psc_mark_key *last = NULL;
	size_t count = 0;
	int r = 0;

	if (!keys)
		return -ENOMEM;
	/* nobody but this thread has them changed, so the walk meets each once */
	while (count < PSC_MARKS_MAX &&
	       bpf_map_get_next_key(guard->marks_fd, last, &keys[count]) == 0)
		last = &keys[count++];
	for (size_t i = 0; i < count && !r; i++) {
		struct psc_mark mark;

		if (bpf_map_lookup_elem(guard->marks_fd, &keys[i], &mark) == 0)
			r = visit(guard, &keys[i], &mark, data);
	}
	free(keys);
	return r;
}

struct range {
	uint32_t from;
	uint32_t to;
	const bool *keep; /* by number; NULL: none */
};

static int remove_mark(const struct psc_guard *guard, const struct psc_mark_key *key,
		       const struct psc_mark *mark, void *data)
{
	const struct range *range = data;

	if (mark->place < range->from || mark->place >= range->to ||
	    (range->keep && range->keep[mark->place]))
		return 0;
	return bpf_map_delete_elem(guard->marks_fd, key) < 0 && errno != ENOENT ? -errno : 0;
}

int psc_marks_sweep(struct psc_guard *guard, uint32_t from, uint32_t to,
		    const bool keep[PSC_PLACES_MAX])
{
	struct range range = {.from = from, .to = to, .keep = keep};

	return to > PSC_PLACES_MAX ? -ERANGE : each(guard, remove_mark, &range);
}

int psc_marks_clear(struct psc_guard *guard)
{
	struct range range = {.to = PSC_PLACES_MAX};

	return each(guard, remove_mark, &range);
}

struct tally {
	size_t count;
	size_t *of;
};

static int count_mark(const struct psc_guard *guard, const struct psc_mark_key *key,
		      const struct psc_mark *mark, void *data)
{
	struct tally *tally = data;

	tally->count++;
	if (tally->of && mark->place < PSC_PLACES_MAX)
		tally->of[mark->place]++;
	return 0;
}

int psc_marks_count(const struct psc_guard *guard, size_t *ret, size_t *ret_of)
{
	size_t of[PSC_PLACES_MAX] = {0};
	struct tally tally = {.of = of};
	int r = each(guard, count_mark, &tally);

	if (r < 0)
		return r;
	*ret = tally.count;
	if (ret_of)
		memcpy(ret_of, of, sizeof(of));
	return 0;
}
