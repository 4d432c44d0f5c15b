/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_mounts.c - file systems that come and files that are moved, in the resolver's thread:
 * both need paths of mounts, and such a path can lead to a server that never answers. What is no
 * local file system, or lies below one, is never touched; see resolver_internal.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/fanotify.h>
#include <sys/vfs.h>

#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define TABLE "/proc/self/mounts"

/* Not network, FUSE or kernel file systems: content there changes unseen, or is none. */
static const char *const local_types[] = {
	"ext2",	   "ext3", "ext4",  "xfs",   "btrfs", "f2fs",	"tmpfs",    "ramfs", "zfs",
	"overlay", "vfat", "exfat", "ntfs3", "jfs",   "nilfs2", "bcachefs", "udf",   "hfsplus"};

static bool is_watched(const struct psc_mounts *mounts, const struct psc_mount *mount)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(local_types); i++)
		known |= !strcmp(mount->type, local_types[i]);
	return known && psc_bound_reachable(mounts, mount->path);
}

static void load(struct psc_resolver_thread *t, struct psc_mounts *ret_before)
{
	struct psc_mounts mounts;

	*ret_before = (struct psc_mounts){};
	if (psc_mounts_load(TABLE, &mounts) < 0)
		return;
	*ret_before = t->mounts;
	t->mounts = mounts;
	t->mounts_ns = psc_time_boot();
}

void psc_resolver_mounts_refresh(struct psc_resolver_thread *t, bool now)
{
	struct psc_mounts before;

	if (!now && psc_time_boot() < t->mounts_ns + PSC_NSEC_PER_SEC)
		return;
	load(t, &before);
	psc_mounts_clear(&before);
}

/* ---- new ones ------------------------------------------------------------------------- */

/* Whether a rule looks at something on this mount, or the mount lies in such a place. */
static bool concerns(const struct psc_resolver_know *know, const char *mount)
{
	char place[PATH_MAX];

	for (size_t i = 0; i < psc_indicators_count(know->indicators); i++) {
		const struct psc_indicator *rule = psc_indicators_get(know->indicators, i);

		for (size_t k = 0; k < rule->conditions; k++) {
			if (psc_found_place_of(&rule->condition[k], place, sizeof(place)) ==
			    PSC_FOUND_PLACE_NONE)
				continue;
			place[strcspn(place, "*?[")] = 0;
			if (psc_place_is_below(place, mount) ||
			    strncmp(mount, place, strlen(place)) == 0)
				return true;
		}
	}
	return false;
}

static void mark(const struct psc_resolver_job *job, const char *path, bool *ret_watched)
{
	if (job->files_fd >= 0 && fanotify_mark(job->files_fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
						FAN_CLOSE_WRITE, AT_FDCWD, path) == 0)
		*ret_watched = true;
	if (job->moves_fd >= 0)
		fanotify_mark(job->moves_fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
			      FAN_MOVED_TO | FAN_ONDIR, AT_FDCWD, path);
}

static void answer(struct psc_resolver_thread *t, enum psc_resolver_result_kind kind, size_t count)
{
	struct psc_resolver_result *result = psc_resolver_result_new(kind);

	if (!result)
		return;
	result->examined = count;
	psc_resolver_answer(t->queue, result);
}

/* A file system that is watched already stays so: the kernel merges the marks. */
void psc_resolver_mounts_watch(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	struct psc_mounts before;
	size_t watched = 0;
	bool look = false;

	load(t, &before);
	for (size_t i = 0; i < t->mounts.count; i++) {
		const struct psc_mount *mount = &t->mounts.mount[i];
		bool good = false;

		if (!psc_resolver_progress(t->queue))
			break;
		if (!is_watched(&t->mounts, mount))
			continue;
		mark(job, mount->path, &good);
		watched += good;
		look |= t->mounts_watched && !psc_mounts_find(&before, mount->path) &&
			concerns(job->know, mount->path);
	}
	t->mounts_watched = true;
	psc_mounts_clear(&before);
	answer(t, PSC_RESULT_MOUNTS, watched);
	if (look)
		answer(t, PSC_RESULT_MOVED, 0);
}

/* ---- moved files ------------------------------------------------------------------------ */

static bool is_on(const char *path, uint64_t id)
{
	struct statfs st;

	return statfs(path, &st) == 0 && memcmp(&st.f_fsid, &id, sizeof(id)) == 0;
}

/*
 * A mount of the file system, to open handles by. It is not kept open, since nobody could
 * unmount it then; its name is remembered, as most moves are on one file system.
 */
static int open_mount(struct psc_resolver_thread *t, uint64_t id)
{
	const struct psc_mount *known = psc_mounts_find(&t->mounts, t->moved_on);

	if (!known || !is_watched(&t->mounts, known) || !is_on(t->moved_on, id))
		t->moved_on[0] = 0;
	for (size_t i = 0; i < t->mounts.count && !t->moved_on[0]; i++) {
		const struct psc_mount *mount = &t->mounts.mount[i];

		if (is_watched(&t->mounts, mount) && strlen(mount->path) < sizeof(t->moved_on) &&
		    is_on(mount->path, id))
			snprintf(t->moved_on, sizeof(t->moved_on), "%s", mount->path);
	}
	return t->moved_on[0] ? open(t->moved_on, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* Whether a moved directory, or something in it, can be in a listed place now. */
static bool is_listed_place(const struct psc_resolver_know *know, int directory, const char *name)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	struct psc_matches matches = {};
	char link[64], path[PATH_MAX];
	bool listed;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = 0;
	if (psc_facts_addf(&facts, PSC_FACT_PATH, 0, "%s/%s", path, name) < 0 ||
	    psc_facts_addf(&facts, PSC_FACT_PATH, 0, "%s/%s/.", path, name) < 0)
		return false;
	listed = !psc_indicators_match(know->indicators, &facts, &matches) && matches.count;
	psc_matches_clear(&matches);
	return listed;
}

void psc_resolver_moved(struct psc_resolver_thread *t, struct psc_resolver_job *job)
{
	const struct psc_resolver_move *move = &job->move;
	_cleanup_close_ int mount = -1, directory = -1;
	struct stat st;

	psc_resolver_mounts_refresh(t, false);
	mount = open_mount(t, move->file_system);
	if (mount >= 0)
		directory =
			open_by_handle_at(mount, move->handle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return;
	if (move->is_directory) {
		if (is_listed_place(job->know, directory, move->name))
			answer(t, PSC_RESULT_MOVED, 0);
		return;
	}
	job->fd = openat(directory, move->name,
			 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (job->fd < 0 || fstat(job->fd, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size)
		return;
	job->fresh = true;
	job->changed_ns = st.st_ctim.tv_sec * PSC_NSEC_PER_SEC + st.st_ctim.tv_nsec;
	psc_resolver_look_at_file(t, job);
}
