/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_host.h - a host's root directory for unit tests: ELF files that need others, scripts,
 * links. Only for tests/unit; include it behind cmocka.h.
 */
#pragma once

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "user/core/util.h"

static char host_root[64];

static void host_path(const char *path, char ret[PATH_MAX])
{
	assert_true(snprintf(ret, PATH_MAX, "%s%s", host_root, path) < PATH_MAX);
}

static void host_begin(void)
{
	snprintf(host_root, sizeof(host_root), "/tmp/psc-host-XXXXXX");
	assert_non_null(mkdtemp(host_root));
}

static int host_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void host_end(void)
{
	nftw(host_root, host_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* With the directories above it. */
static void host_write(const char *path, const void *data, size_t size, mode_t mode)
{
	char real[PATH_MAX];
	int fd;

	host_path(path, real);
	for (char *slash = real + strlen(host_root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		assert_true(mkdir(real, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	fd = open(real, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline void host_text(const char *path, const char *text)
{
	host_write(path, text, strlen(text), 0644);
}

static inline void host_script(const char *path, const char *text)
{
	host_write(path, text, strlen(text), 0755);
}

static inline void host_link(const char *to, const char *path)
{
	char real[PATH_MAX];

	/* for the directories above it */
	host_text(path, "");
	host_path(path, real);
	assert_int_equal(unlink(real), 0);
	assert_int_equal(symlink(to, real), 0);
}

/* What an ELF file of a fake host says. */
struct host_elf {
	const char *interpreter;
	const char *needed[8];
	const char *rpath;
	const char *runpath;
};

/* Room for headers, interpreter, dynamic segment and strings. */
struct host_image {
	Elf64_Ehdr header;
	Elf64_Phdr segment[3];
	Elf64_Dyn dynamic[16];
	char interpreter[256];
	char strings[1024];
};

static Elf64_Xword host_string(struct host_image *image, size_t *used, const char *text)
{
	size_t at = *used;

	assert_true(at + strlen(text) < sizeof(image->strings));
	memcpy(image->strings + at, text, strlen(text) + 1);
	*used += strlen(text) + 1;
	return at;
}

static void host_dynamic(struct host_image *image, const struct host_elf *elf)
{
	Elf64_Dyn *dynamic = image->dynamic;
	size_t used = 1;

	for (size_t i = 0; i < ARRAY_SIZE(elf->needed) && elf->needed[i]; i++)
		*dynamic++ = (Elf64_Dyn){DT_NEEDED, {host_string(image, &used, elf->needed[i])}};
	if (elf->rpath)
		*dynamic++ = (Elf64_Dyn){DT_RPATH, {host_string(image, &used, elf->rpath)}};
	if (elf->runpath)
		*dynamic++ = (Elf64_Dyn){DT_RUNPATH, {host_string(image, &used, elf->runpath)}};
	*dynamic++ = (Elf64_Dyn){DT_STRTAB, {offsetof(struct host_image, strings)}};
	*dynamic++ = (Elf64_Dyn){DT_STRSZ, {sizeof(image->strings)}};
}

static Elf64_Phdr host_segment(Elf64_Word type, size_t offset, size_t size)
{
	return (Elf64_Phdr){.p_type = type,
			    .p_offset = offset,
			    .p_vaddr = offset,
			    .p_filesz = size,
			    .p_memsz = size};
}

/* No two are the same: the path is in them. */
static inline void host_elf(const char *path, struct host_elf elf)
{
	struct host_image image = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phoff = offsetof(struct host_image, segment),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = elf.interpreter ? 3 : 2},
	};

	image.segment[0] = host_segment(PT_LOAD, 0, sizeof(image));
	image.segment[1] = host_segment(PT_DYNAMIC, offsetof(struct host_image, dynamic),
					sizeof(image.dynamic));
	if (elf.interpreter) {
		image.segment[2] = host_segment(PT_INTERP, offsetof(struct host_image, interpreter),
						strlen(elf.interpreter) + 1);
		snprintf(image.interpreter, sizeof(image.interpreter), "%s", elf.interpreter);
	}
	host_dynamic(&image, &elf);
	snprintf(image.strings + sizeof(image.strings) - 200, 200, "%s", path);
	host_write(path, &image, sizeof(image), 0755);
}
