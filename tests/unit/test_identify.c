/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_identify.c - facts of ELF files and scripts: this very program, whole, cut off, without
 * section headers, with hostile headers; a library's name; first lines of scripts; what is no
 * regular file.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/image.h"
#include "tests/unit/signing.h"
#include "user/identify/identify.h"
#include "user/identify/marker.h"

#define MARKER "psc-stand-in-marker"

/* One in .rodata; the strings to look for are put together, so that they do not stand there. */
static const char *volatile planted = "before " MARKER " behind";

static struct psc_markers *markers;
static uint8_t *self;
static size_t self_size;

static uint8_t *load(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	uint8_t *data;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	*ret_size = ftell(file);
	rewind(file);
	data = malloc(*ret_size + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *ret_size, file), *ret_size);
	fclose(file);
	return data;
}

static int setup(void **state)
{
	char here[32], absent[32];
	const char *const strings[] = {here, absent, NULL};

	snprintf(here, sizeof(here), "psc-%s-marker", "stand-in");
	snprintf(absent, sizeof(absent), "psc-%s-%s", "stand-in", "absent");
	assert_int_equal(psc_markers_new(strings, &markers), 0);
	self = load("/proc/self/exe", &self_size);
	assert_non_null(strstr(planted, here));
	return 0;
}

static int teardown(void **state)
{
	markers = psc_markers_free(markers);
	free(self);
	return 0;
}

static void identify(const void *data, size_t size, struct psc_facts *facts)
{
	const struct psc_identify_options options = {.markers = markers};
	_cleanup_close_ int fd = memory_file(data, size);

	psc_facts_clear(facts);
	assert_int_equal(psc_identify(fd, &options, facts), 0);
	assert_int_equal(count_facts(facts, PSC_FACT_FORMAT), 1);
	assert_int_equal(count_facts(facts, PSC_FACT_SIZE), 1);
}

static bool is_hex(const char *text)
{
	return *text && strspn(text, "0123456789abcdef") == strlen(text);
}

static void test_elf(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	identify(self, self_size, &facts);
	assert_true(has_fact(&facts, PSC_FACT_FORMAT, 0, "elf"));
	assert_true(has_fact(&facts, PSC_FACT_ELF_NEEDED, 0, "libc.so.6"));
	assert_int_equal(count_facts(&facts, PSC_FACT_ELF_SONAME), 0);
	assert_int_equal(count_facts(&facts, PSC_FACT_ELF_BUILD_ID), 1);
	assert_true(is_hex(psc_facts_get(&facts, PSC_FACT_ELF_BUILD_ID)));
	assert_int_equal(strlen(psc_facts_get(&facts, PSC_FACT_ELF_BUILD_ID)), 40);
	assert_true(has_fact(&facts, PSC_FACT_ELF_NOTE, 0, "GNU/3"));
	assert_int_equal(strncmp(psc_facts_get(&facts, PSC_FACT_ELF_COMMENT), "GCC: ", 5), 0);
	assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, MARKER));
	assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 1);
	assert_int_equal(count_facts(&facts, PSC_FACT_PROBLEM), 0);
	assert_int_equal(count_facts(&facts, PSC_FACT_SHA256), 0);
	assert_false(facts.truncated);
}

static void test_soname(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_free_ uint8_t *library = NULL;
	Dl_info info;
	size_t size;

	assert_true(dladdr((void *)(uintptr_t)_cmocka_run_group_tests, &info));
	library = load(info.dli_fname, &size);
	identify(library, size, &facts);
	assert_true(has_fact(&facts, PSC_FACT_ELF_SONAME, 0, "libcmocka.so.0"));
	assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 0);
}

/* What strip cannot take away is found by the segments. */
static void test_without_sections(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_free_ uint8_t *copy = malloc(self_size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)copy;

	memcpy(copy, self, self_size);
	header->e_shoff = 0;
	header->e_shnum = 0;
	header->e_shstrndx = 0;
	identify(copy, self_size, &facts);
	assert_true(has_fact(&facts, PSC_FACT_ELF_NEEDED, 0, "libc.so.6"));
	assert_int_equal(count_facts(&facts, PSC_FACT_ELF_BUILD_ID), 1);
	assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, MARKER));
	assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 1);
	assert_int_equal(count_facts(&facts, PSC_FACT_ELF_COMMENT), 0);
	assert_int_equal(count_facts(&facts, PSC_FACT_PROBLEM), 0);
}

/* libelf would allocate what such a number asks for: the file is searched as a whole. */
static void test_many_sections(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_free_ uint8_t *copy = malloc(self_size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)copy;
	Elf64_Shdr *first;

	memcpy(copy, self, self_size);
	first = (Elf64_Shdr *)(copy + header->e_shoff);
	first->sh_size = header->e_shnum;
	header->e_shnum = 0;
	identify(copy, self_size, &facts);
	assert_true(has_problem(&facts, "too many sections"));
	assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, MARKER));
}

/* Cut off anywhere: some facts, a problem, no error. */
static void test_cut_off(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	for (size_t size = 0; size < self_size; size += 1 + size / 7) {
		identify(self, size, &facts);
		if (size > EI_NIDENT)
			assert_true(count_facts(&facts, PSC_FACT_PROBLEM) > 0);
	}
}

static Elf64_Shdr *section(uint8_t *data, const char *wanted)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)data;
	Elf64_Shdr *sections = (Elf64_Shdr *)(data + header->e_shoff);
	const char *names = (const char *)data + sections[header->e_shstrndx].sh_offset;

	for (unsigned int i = 0; i < header->e_shnum; i++) {
		if (strcmp(names + sections[i].sh_name, wanted) == 0)
			return &sections[i];
	}
	fail_msg("no %s", wanted);
	return NULL;
}

static void test_damage(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_free_ uint8_t *copy = malloc(self_size);
	char expected[64];

	memcpy(copy, self, self_size);
	section(copy, ".comment")->sh_size = 1ULL << 50;
	snprintf(expected, sizeof(expected), "offset %llu",
		 (unsigned long long)section(copy, ".comment")->sh_offset);
	identify(copy, self_size, &facts);
	assert_true(has_problem(&facts, ".comment too large"));
	assert_true(has_problem(&facts, expected));
	assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, MARKER));

	memcpy(copy, self, self_size);
	section(copy, ".rodata")->sh_offset = UINT64_MAX - 8;
	identify(copy, self_size, &facts);
	assert_true(has_problem(&facts, "a section reaches behind the end"));
	assert_true(has_fact(&facts, PSC_FACT_ELF_NEEDED, 0, "libc.so.6"));

	memcpy(copy, self, self_size);
	memset(copy + section(copy, ".note.gnu.build-id")->sh_offset, 0xff, 4);
	identify(copy, self_size, &facts);
	assert_true(has_problem(&facts, "note"));

	/* A name of a library that does not end */
	memcpy(copy, self, self_size);
	memset(copy + section(copy, ".dynstr")->sh_offset, 'x', section(copy, ".dynstr")->sh_size);
	identify(copy, self_size, &facts);
	assert_true(has_problem(&facts, "a name does not end"));
}

/* A header, a segment, and many notes without content. */
static void test_many_notes(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		Elf64_Nhdr note[100];
	} file = {
		.header.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.header.e_type = ET_EXEC,
		.header.e_machine = EM_X86_64,
		.header.e_version = EV_CURRENT,
		.header.e_ehsize = sizeof(Elf64_Ehdr),
		.header.e_phoff = sizeof(Elf64_Ehdr),
		.header.e_phentsize = sizeof(Elf64_Phdr),
		.header.e_phnum = 1,
	};

	file.segment.p_type = PT_NOTE;
	file.segment.p_align = 4;
	file.segment.p_offset = offsetof(typeof(file), note);
	file.segment.p_filesz = sizeof(file.note);
	identify(&file, sizeof(file), &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_ELF_NOTE), 64);
	assert_true(has_problem(&facts, "too many notes"));
	file.segment.p_filesz = 64 * sizeof(file.note[0]);
	identify(&file, sizeof(file), &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_PROBLEM), 0);
}

static void expect_script(const char *text, const char *first, const char *second)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	size_t count = !!first + !!second;

	identify(text, strlen(text), &facts);
	assert_true(has_fact(&facts, PSC_FACT_FORMAT, 0, "script"));
	assert_int_equal(count_facts(&facts, PSC_FACT_INTERPRETER), count);
	if (first)
		assert_string_equal(psc_facts_get(&facts, PSC_FACT_INTERPRETER), first);
	if (second)
		assert_true(has_fact(&facts, PSC_FACT_INTERPRETER, 0, second));
}

static void test_script(void **state)
{
	expect_script("#!/bin/sh\nexec true\n", "/bin/sh", NULL);
	expect_script("#! /bin/sh -e", "/bin/sh", NULL);
	expect_script("#!\t/usr/bin/perl\r\n", "/usr/bin/perl", NULL);
	expect_script("#!/usr/bin/env python3\n", "/usr/bin/env", "python3");
	expect_script("#!/usr/bin/env -S A=b perl -w\n", "/usr/bin/env", "perl");
	expect_script("#!/usr/bin/env -Sruby\n", "/usr/bin/env", "ruby");
	expect_script("#!env\n", "env", NULL);
	expect_script("#!/usr/bin/myenv python3\n", "/usr/bin/myenv", NULL);
	expect_script("#!", NULL, NULL);
	expect_script("#!\n/bin/sh", NULL, NULL);
}

static void test_pe(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	uint8_t image[IMAGE_SIZE];

	make_image(image, true);
	memcpy(image + IMAGE_RDATA + 99, MARKER, strlen(MARKER));
	identify(image, IMAGE_SIZE, &facts);
	assert_true(has_fact(&facts, PSC_FACT_FORMAT, 0, "pe"));
	assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, MARKER));
	/* In .text only: the compiler puts no strings there. */
	make_image(image, false);
	memcpy(image + 0x200, MARKER, strlen(MARKER));
	identify(image, IMAGE_SIZE, &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 0);
	/* ... unless there is no section for them. */
	memcpy(image + IMAGE_OPTIONAL + 224 + 40, ".packed", 7);
	identify(image, IMAGE_SIZE, &facts);
	assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, MARKER));
}

static void test_digest(void **state)
{
	const struct psc_identify_options options = {.want_digest = true};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = memory_file("abc", 3);

	assert_int_equal(psc_identify(fd, &options, &facts), 0);
	assert_true(has_fact(&facts, PSC_FACT_FORMAT, 0, "any"));
	assert_true(has_fact(&facts, PSC_FACT_SIZE, 0, "3"));
	assert_true(has_fact(&facts, PSC_FACT_SHA256, 0,
			     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

static void test_no_file(void **state)
{
	const struct psc_identify_options options = {0};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_int_equal(psc_identify(directory, &options, &facts), -EINVAL);
	assert_int_equal(psc_identify(zero, &options, &facts), -EINVAL);
	assert_int_equal(psc_identify(-1, &options, &facts), -EBADF);
	assert_int_equal(facts.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf),
		cmocka_unit_test(test_soname),
		cmocka_unit_test(test_without_sections),
		cmocka_unit_test(test_many_sections),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_many_notes),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_pe),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
