/* SPDX-License-Identifier: Apache-2.0 */
/* loader.c - see loader.h. */
#include "user/core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "bpf/guard.skel.h"
#include "user/core/digest.h"
#include "user/core/paths.h"
#include "user/daemon/loader.h"

#define BPF_FS_MAGIC	0xcafe4a11
#define PATH_BPFFS_ROOT "/sys/fs/bpf"

/*
 * The programs in the order in which they are attached: first those that keep the
 * identity cache honest, so that nothing is ever cached that they did not watch.
 */
static const struct {
	const char *program;
	const char *hook;
	int feature;  /* enum psc_feature, -1: always */
	bool without; /* loaded when the feature is missing */
	bool kernels; /* it counts what the kernel has, used or not */
} programs[] = {
	{"psc_inode_setattr", "inode_setattr", PSC_FEATURE_SETATTR_IDMAP, false, false},
	{"psc_inode_setattr_plain", "inode_setattr", PSC_FEATURE_SETATTR_IDMAP, true, false},
	{"psc_inode_copy_up", "inode_copy_up", PSC_FEATURE_REAL_INODE, true, false},
	{"psc_file_open", "file_open", -1, false, false},
	{"psc_bprm_check_security", "bprm_check_security", -1, false, false},
	{"psc_bprm_creds_for_exec", "bprm_creds_for_exec", PSC_FEATURE_EXECVE_CHECK, false, true},
	{"psc_mmap_file", "mmap_file", -1, false, false},
	{"psc_file_mprotect", "file_mprotect", -1, false, false},
	{"psc_file_post_open", "file_post_open", PSC_FEATURE_FILE_POST_OPEN, false, false},
	{"psc_kernel_read_file", "kernel_read_file", -1, false, false},
	{"psc_kernel_load_data", "kernel_load_data", -1, false, false},
	{"psc_settime", "settime", -1, false, false},
	{"psc_file_set_fowner", "file_set_fowner", -1, false, false},
};

static const struct {
	const char *map;
	const char *pin;
} maps[] = {
	{"guard_bp.bss", "shared"},	  {"psc_records", "records"}, {"psc_buckets", "buckets"},
	{"psc_identities", "identities"}, {"psc_events", "events"},   {"psc_counters", "counters"},
	{"psc_marks", "marks"},
};

_Static_assert(ARRAY_SIZE(programs) <= PSC_GUARD_HOOKS_MAX, "hooks");
_Static_assert(ARRAY_SIZE(programs) + ARRAY_SIZE(maps) <= PSC_GUARD_PINS_MAX, "pins");

static bool program_used(size_t i, const struct psc_guard *guard)
{
	uint64_t features = programs[i].kernels ? guard->kernel_features : guard->features;

	if (programs[i].feature < 0)
		return true;
	return !!(features >> programs[i].feature & 1) != programs[i].without;
}

/* Tells two versions of the object apart. */
static int object_digest(uint8_t ret[PSC_DIGEST_SIZE])
{
	size_t size;
	const void *bytes = guard_bpf__elf_bytes(&size);

	return psc_digest_buffer(bytes, size, ret);
}

static struct psc_guard *guard_new(void)
{
	struct psc_guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return NULL;
	guard->records_fd = guard->buckets_fd = guard->events_fd = -1;
	guard->counters_fd = guard->marks_fd = guard->shared_fd = -1;
	return guard;
}

struct psc_guard *psc_guard_free(struct psc_guard *guard)
{
	if (!guard)
		return NULL;
	if (guard->shared)
		munmap(guard->shared, sizeof(*guard->shared));
	psc_closep(&guard->records_fd);
	psc_closep(&guard->buckets_fd);
	psc_closep(&guard->events_fd);
	psc_closep(&guard->counters_fd);
	psc_closep(&guard->marks_fd);
	psc_closep(&guard->shared_fd);
	free(guard);
	return NULL;
}

void psc_guard_freep(struct psc_guard **guard)
{
	*guard = psc_guard_free(*guard);
}

static int map_shared(struct psc_guard *guard)
{
	void *p = mmap(NULL, sizeof(struct psc_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		       guard->shared_fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	guard->shared = p;
	return 0;
}

/* ---- pins ------------------------------------------------------------------- */

static int ensure_bpffs(struct psc_problem *reterr)
{
	struct statfs fs;

	if (!statfs(PATH_BPFFS_ROOT, &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", PATH_BPFFS_ROOT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700")) {
		psc_problem_set(reterr, "mount -t bpf bpf " PATH_BPFFS_ROOT,
				"no BPF file system on " PATH_BPFFS_ROOT ": %s", strerror(errno));
		return -EOPNOTSUPP;
	}
	return 0;
}

static int remove_pins(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0) < 0 && !r)
			r = -errno;
	closedir(dir);
	if (rmdir(directory) < 0 && !r)
		r = -errno;
	return r;
}

int psc_guard_remove(void)
{
	int r = remove_pins(PSC_PATH_BPFFS);
	int rest = remove_pins(PSC_PATH_BPFFS_NEW);

	if (r == -ENOENT)
		return rest;
	return r < 0 || rest == -ENOENT ? r : rest;
}

static int pin_all(struct guard_bpf *object, struct bpf_link *const links[])
{
	char path[128];
	int r;

	if (mkdir(PSC_PATH_BPFFS_NEW, 0700) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object->obj, maps[i].map);

		if (!map)
			return -ENOENT;
		snprintf(path, sizeof(path), PSC_PATH_BPFFS_NEW "/%s", maps[i].pin);
		r = bpf_obj_pin(bpf_map__fd(map), path);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (!links[i])
			continue;
		snprintf(path, sizeof(path), PSC_PATH_BPFFS_NEW "/%s", programs[i].program);
		r = bpf_obj_pin(bpf_link__fd(links[i]), path);
		if (r < 0)
			return r;
	}
	return rename(PSC_PATH_BPFFS_NEW, PSC_PATH_BPFFS) < 0 ? -errno : 0;
}

/* ---- adopt ------------------------------------------------------------------ */

static int open_pin_in(const char *directory, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static int open_pin(const char *name)
{
	return open_pin_in(PSC_PATH_BPFFS, name);
}

static int open_pins(struct psc_guard *guard)
{
	struct {
		const char *pin;
		int *fd;
	} pins[] = {
		{"shared", &guard->shared_fd},	   {"records", &guard->records_fd},
		{"buckets", &guard->buckets_fd},   {"events", &guard->events_fd},
		{"counters", &guard->counters_fd}, {"marks", &guard->marks_fd},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		int fd = open_pin(pins[i].pin);

		if (fd < 0)
			return fd;
		*pins[i].fd = fd;
	}
	return 0;
}

/* Every link that the features call for must still be pinned. */
static int check_links(const struct psc_guard *guard, struct psc_problem *reterr)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_close_ int fd = -1;

		if (!program_used(i, guard))
			continue;
		fd = open_pin(programs[i].program);
		if (fd < 0) {
			psc_problem_set(reterr, "proscribe off, then start proscribed again",
					"the pinned guard is incomplete: %s/%s: %s", PSC_PATH_BPFFS,
					programs[i].program, strerror(-fd));
			return fd;
		}
	}
	return 0;
}

static int check_shared(const struct psc_guard *guard, struct psc_problem *reterr)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(guard->shared_fd, &info, &size);

	if (r < 0 || info.value_size != sizeof(struct psc_shared)) {
		psc_problem_set(reterr, "proscribe off, then start proscribed again",
				"the pinned guard has another layout (%u bytes); it stays on",
				info.value_size);
		return -ESTALE;
	}
	return 0;
}

int psc_guard_adopt(struct psc_guard **ret, struct psc_problem *reterr)
{
	_cleanup_(psc_guard_freep) struct psc_guard *guard = NULL;
	uint8_t digest[PSC_DIGEST_SIZE];
	int r;

	if (access(PSC_PATH_BPFFS, F_OK) < 0)
		return -ENOENT;
	guard = guard_new();
	if (!guard)
		return -ENOMEM;
	r = open_pins(guard);
	if (r < 0) {
		psc_problem_set(reterr, "proscribe off, then start proscribed again",
				"the pinned guard cannot be opened: %s", strerror(-r));
		return r;
	}
	r = check_shared(guard, reterr);
	if (!r)
		r = map_shared(guard);
	if (r < 0)
		return r;
	r = object_digest(digest);
	if (r < 0)
		return r;
	if (memcmp(digest, guard->shared->control.object_digest, sizeof(digest))) {
		psc_problem_set(reterr, "proscribe off, then start proscribed again",
				"the guard in the kernel was installed by another version; it "
				"stays on");
		return -ESTALE;
	}
	guard->features = guard->shared->control.features;
	guard->kernel_features = guard->shared->control.kernel_features;
	r = check_links(guard, reterr);
	if (r < 0)
		return r;
	guard->adopted = true;
	*ret = TAKE_PTR(guard);
	return 0;
}

/* ---- what was left ----------------------------------------------------------- */

int psc_guard_open_left(struct psc_guard **ret)
{
	_cleanup_(psc_guard_freep) struct psc_guard *guard = NULL;
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int r;

	if (access(PSC_PATH_BPFFS_LEFT, F_OK) < 0)
		return -ENOENT;
	guard = guard_new();
	if (!guard)
		return -ENOMEM;
	guard->shared_fd = open_pin_in(PSC_PATH_BPFFS_LEFT, "shared");
	guard->events_fd = open_pin_in(PSC_PATH_BPFFS_LEFT, "events");
	guard->counters_fd = open_pin_in(PSC_PATH_BPFFS_LEFT, "counters");
	if (guard->shared_fd < 0 || guard->events_fd < 0 || guard->counters_fd < 0)
		return -ESTALE;
	if (bpf_obj_get_info_by_fd(guard->shared_fd, &info, &size) < 0)
		return -errno;
	if (info.value_size != sizeof(struct psc_shared))
		return -ESTALE;
	r = map_shared(guard);
	if (r < 0)
		return r;
	if (guard->shared->control.abi_version != PSC_ABI_VERSION)
		return -ESTALE;
	*ret = TAKE_PTR(guard);
	return 0;
}

int psc_guard_leave(const struct psc_guard *guard)
{
	int r;

	if (mkdir(PSC_PATH_BPFFS_LEFT, 0700) < 0)
		return -errno;
	r = bpf_obj_pin(guard->shared_fd, PSC_PATH_BPFFS_LEFT "/shared");
	if (!r)
		r = bpf_obj_pin(guard->events_fd, PSC_PATH_BPFFS_LEFT "/events");
	if (!r)
		r = bpf_obj_pin(guard->counters_fd, PSC_PATH_BPFFS_LEFT "/counters");
	if (r < 0)
		remove_pins(PSC_PATH_BPFFS_LEFT);
	return r;
}

int psc_guard_remove_left(void)
{
	return remove_pins(PSC_PATH_BPFFS_LEFT);
}

/* ---- install ---------------------------------------------------------------- */

static int load_object(const struct psc_guard *guard, struct guard_bpf **ret)
{
	uint64_t features = guard->features;
	struct guard_bpf *object = guard_bpf__open();
	int r;

	if (!object)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(object->obj, programs[i].program),
			program_used(i, guard));
	object->rodata->psc_have_execve_check = features >> PSC_FEATURE_EXECVE_CHECK & 1;
	/* one attempt is judged, and counted, once */
	object->rodata->psc_exec_judged_before =
		guard->kernel_features & ~features & 1ULL << PSC_FEATURE_EXECVE_CHECK;
	object->rodata->psc_have_post_open = features >> PSC_FEATURE_FILE_POST_OPEN & 1;
	object->rodata->psc_have_real_inode = features >> PSC_FEATURE_REAL_INODE & 1;
	r = guard_bpf__load(object);
	if (r < 0) {
		guard_bpf__destroy(object);
		return r;
	}
	*ret = object;
	return 0;
}

/* Takes the map descriptors out of the object, which is destroyed after attaching. */
static int take_maps(struct psc_guard *guard, const struct guard_bpf *object)
{
	struct {
		struct bpf_map *map;
		int *fd;
	} taken[] = {
		{object->maps.bss, &guard->shared_fd},
		{object->maps.psc_records, &guard->records_fd},
		{object->maps.psc_buckets, &guard->buckets_fd},
		{object->maps.psc_events, &guard->events_fd},
		{object->maps.psc_counters, &guard->counters_fd},
		{object->maps.psc_marks, &guard->marks_fd},
	};

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		*taken[i].fd = fcntl(bpf_map__fd(taken[i].map), F_DUPFD_CLOEXEC, 3);
		if (*taken[i].fd < 0)
			return -errno;
	}
	return map_shared(guard);
}

static uint64_t boot_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int attach_all(struct guard_bpf *object, const struct psc_guard *guard,
		      struct bpf_link *links[ARRAY_SIZE(programs)], struct psc_problem *reterr)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (!program_used(i, guard))
			continue;
		links[i] = bpf_program__attach_lsm(
			bpf_object__find_program_by_name(object->obj, programs[i].program));
		if (!links[i]) {
			int r = -errno;

			psc_problem_set(reterr, "", "the program for %s cannot be attached: %s",
					programs[i].hook, strerror(-r));
			return r;
		}
	}
	return 0;
}

static int attach_and_pin(struct psc_guard *guard, struct guard_bpf *object,
			  struct psc_problem *reterr)
{
	struct bpf_link *links[ARRAY_SIZE(programs)] = {};
	int r = attach_all(object, guard, links, reterr);

	if (!r) {
		guard->shared->control.attached_ns = boot_clock();
		r = pin_all(object, links);
		if (r < 0) {
			psc_problem_set(reterr, "", "the guard cannot be pinned in %s: %s",
					PATH_BPFFS_ROOT, strerror(-r));
			remove_pins(PSC_PATH_BPFFS_NEW);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		bpf_link__destroy(links[i]);
	return r;
}

int psc_guard_install(uint64_t features, uint64_t without, const struct psc_image *image,
		      const struct psc_clock *clock, struct psc_guard **ret,
		      struct psc_problem *reterr)
{
	_cleanup_(psc_guard_freep) struct psc_guard *guard = guard_new();
	struct guard_bpf *object = NULL;
	int r;

	if (!guard)
		return -ENOMEM;
	r = ensure_bpffs(reterr);
	if (r < 0)
		return r;
	guard->features = features & ~without;
	guard->kernel_features = features;
	/* left by a daemon that was killed half-way: attached, but superfluous once we are */
	remove_pins(PSC_PATH_BPFFS_NEW);
	r = load_object(guard, &object);
	if (r < 0) {
		psc_problem_set(reterr, "run with --debug to see the verifier's reason",
				"the guard cannot be loaded: %s", strerror(-r));
		return r;
	}
	r = take_maps(guard, object);
	if (!r) {
		guard->shared->control.abi_version = PSC_ABI_VERSION;
		guard->shared->control.features = guard->features;
		guard->shared->control.kernel_features = features;
		psc_guard_set_clock(guard, clock);
		r = object_digest(guard->shared->control.object_digest);
	}
	if (!r)
		r = psc_guard_activate(guard, image, reterr);
	if (!r)
		r = attach_and_pin(guard, object, reterr);
	guard_bpf__destroy(object);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(guard);
	return 0;
}

/* ---- reading ---------------------------------------------------------------- */

int psc_guard_hooks(const struct psc_guard *guard, const char *ret_hooks[PSC_GUARD_HOOKS_MAX])
{
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (program_used(i, guard))
			ret_hooks[n++] = programs[i].hook;
	return n;
}

static bool is_pinned(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), PSC_PATH_BPFFS "/%s", name);
	return access(path, F_OK) == 0;
}

int psc_guard_missing_pins(const struct psc_guard *guard, const char *ret[PSC_GUARD_PINS_MAX])
{
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (program_used(i, guard) && !is_pinned(programs[i].program))
			ret[n++] = programs[i].program;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (!is_pinned(maps[i].pin))
			ret[n++] = maps[i].pin;
	return n;
}

int psc_guard_counters(const struct psc_guard *guard, struct psc_counters *ret)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct psc_counters *values = NULL;
	struct psc_counters sum = {};
	uint32_t zero = 0;

	if (cpus < 0)
		return cpus;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(guard->counters_fd, &zero, values) < 0)
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		const __u64 *from = (const __u64 *)&values[cpu];
		__u64 *to = (__u64 *)&sum;

		for (size_t i = 0; i < sizeof(sum) / sizeof(*to); i++)
			to[i] += from[i];
	}
	*ret = sum;
	return 0;
}
