/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c - attaches programs that do nothing to the hooks that the guard uses: what
 * hooking alone costs. Run by guest.sh, as root:
 *
 *   floor learn GUARD.bpf.o   while the guard is on: a line "HOOK lsm.s|lsm ID" for each
 *                             of its links, asked of the kernel
 *   floor on <LINES           attaches to the same hooks, with the same sleepable flags
 *   floor hooks               the hooks of the floor, asked of the kernel
 *   floor off
 *
 * The kernel tells which function a link is attached to, but not whether its program may
 * sleep: that is taken from the object that the guard was built from. So no list of hooks
 * stands here that could grow old.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#define GUARD_PINS "/sys/fs/bpf/proscribe"
#define FLOOR_PINS "/sys/fs/bpf/psc-bench-floor"
#define HOOK_SIZE  64
#define LSM_PREFIX "bpf_lsm_" /* of the functions that LSM programs are attached to */

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A map's description fills the same memory otherwise, so what @fd is must be known before. */
static bool is_link(int fd)
{
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		die(path);
	target[n] = 0;
	return strstr(target, "bpf_link") || strstr(target, "bpf-link");
}

/* Function that the link pinned as @path is attached to; 0: it is no such link. */
static uint32_t link_target(const char *path)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(path);
	int r = 0;

	if (fd < 0)
		die(path);
	if (is_link(fd))
		r = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (r < 0)
		die(path);
	if (info.type != BPF_LINK_TYPE_TRACING || info.tracing.attach_type != BPF_LSM_MAC)
		return 0;
	return info.tracing.target_btf_id;
}

static const char *hook_name(const struct btf *kernel, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(kernel, id);
	const char *name = type ? btf__name_by_offset(kernel, type->name_off) : NULL;

	if (!name || strncmp(name, LSM_PREFIX, strlen(LSM_PREFIX))) {
		errno = ENOENT;
		die("a link is attached to no LSM hook");
	}
	return name + strlen(LSM_PREFIX);
}

/* "lsm" or "lsm.s": how the guard's program @name was declared. */
static const char *flavour(struct bpf_object *guard, const char *name, const char *hook)
{
	struct bpf_program *program = bpf_object__find_program_by_name(guard, name);
	const char *section = program ? bpf_program__section_name(program) : "";
	const char *slash = strchr(section, '/');

	if (slash && !strcmp(slash + 1, hook)) {
		if (!strncmp(section, "lsm.s/", 6))
			return "lsm.s";
		if (!strncmp(section, "lsm/", 4))
			return "lsm";
	}
	fprintf(stderr, "floor: %s is attached to %s, but the object declares it as '%s'\n", name,
		hook, section);
	exit(1);
}

/* Walks the links pinned below @pins; @guard only to print flavours as well. */
static int list_links(const char *pins, struct bpf_object *guard)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	DIR *dir = opendir(pins);
	struct dirent *entry;
	char path[512];
	int count = 0;

	if (!kernel || !dir)
		die(pins);
	while ((entry = readdir(dir))) {
		const char *hook;
		uint32_t id;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", pins, entry->d_name);
		id = link_target(path);
		if (!id)
			continue;
		hook = hook_name(kernel, id);
		if (guard)
			printf("%s %s %u\n", hook, flavour(guard, entry->d_name, hook), id);
		else
			printf("%s\n", hook);
		count++;
	}
	closedir(dir);
	btf__free(kernel);
	if (count)
		return 0;
	fprintf(stderr, "floor: no link is pinned in %s\n", pins);
	return 1;
}

static int learn(const char *path)
{
	struct bpf_object *guard = bpf_object__open_file(path, NULL);
	int status;

	if (!guard)
		die(path);
	status = list_links(GUARD_PINS, guard);
	bpf_object__close(guard);
	return status;
}

static void attach(const char *hook, bool sleepable, uint32_t id)
{
	static const struct bpf_insn body[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC,
		    .attach_btf_id = id, .prog_flags = sleepable ? BPF_F_SLEEPABLE : 0);
	char path[512];
	int program, link;

	program = bpf_prog_load(BPF_PROG_TYPE_LSM, "psc_floor", "GPL", body,
				sizeof(body) / sizeof(body[0]), &options);
	if (program < 0)
		die(hook);
	link = bpf_raw_tracepoint_open(NULL, program);
	snprintf(path, sizeof(path), FLOOR_PINS "/%s", hook);
	if (link < 0 || bpf_obj_pin(link, path) < 0)
		die(hook);
	close(link);
	close(program);
}

static int on(void)
{
	char hook[HOOK_SIZE], kind[8];
	int count = 0;
	uint32_t id;

	if (mkdir(FLOOR_PINS, 0700) < 0)
		die(FLOOR_PINS);
	while (scanf("%63s %7s %u", hook, kind, &id) == 3) {
		attach(hook, !strcmp(kind, "lsm.s"), id);
		count++;
	}
	if (count && feof(stdin))
		return 0;
	fputs("floor: expected lines of `floor learn`\n", stderr);
	return 1;
}

static int off(void)
{
	DIR *dir = opendir(FLOOR_PINS);
	struct dirent *entry;

	if (!dir)
		die(FLOOR_PINS);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			die(entry->d_name);
	closedir(dir);
	if (rmdir(FLOOR_PINS) < 0)
		die(FLOOR_PINS);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "learn"))
		return learn(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "on"))
		return on();
	if (argc == 2 && !strcmp(argv[1], "hooks"))
		return list_links(FLOOR_PINS, NULL);
	if (argc == 2 && !strcmp(argv[1], "off"))
		return off();
	fputs("usage: floor learn GUARD.bpf.o | on | hooks | off\n", stderr);
	return 2;
}
