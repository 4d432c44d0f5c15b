/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_list.c - list files and sha256sum lines. The first byte selects the syntax.
 * What is accepted must render to a file that says the same, and compile.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/compile.h"
#include "user/core/list.h"
#include "user/core/list_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void check_same(const struct psc_list_entry *a, const struct psc_list_entry *b)
{
	check(a->algo == b->algo && a->size == b->size && a->format == b->format);
	check(memcmp(a->digest, b->digest, a->digest_size) == 0);
	check(strcmp(a->name, b->name) == 0 && strcmp(a->product, b->product) == 0);
	check(strcmp(a->version, b->version) == 0 && strcmp(a->source, b->source) == 0);
}

/* Renders each entry and reads it back. */
static void check_rendering(const struct psc_list *list)
{
	_cleanup_(psc_list_freep) struct psc_list *back = NULL;

	check(psc_list_new(&back) == 0);
	for (size_t i = 0; i < psc_list_count(list); i++) {
		_cleanup_free_ char *line = NULL;
		_cleanup_free_ char *text = NULL;
		struct psc_list_entry entry, again;
		int n;

		check(psc_list_get(list, i, &entry) == 0);
		n = psc_list_format_line(&entry, &line);
		if (n == -EINVAL) /* too long once it is quoted or escaped */
			return;
		check(n == 0);
		n = asprintf(&text, PSC_LIST_HEADER "\n%s", line);
		check(n > 0);
		check(psc_list_parse(back, "again", text, n, NULL) == 0);
		check(psc_list_get(back, psc_list_count(back) - 1, &again) == 0);
		check_same(&entry, &again);
	}
}

static void check_compiling(struct psc_list *list)
{
	static const uint8_t canary[PSC_DIGEST_SIZE] = {1, 2, 3};
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct psc_error err;

	check(psc_config_new(&config) == 0);
	if (psc_compile(list, config, canary, 4096, &image, &err) < 0) {
		check(err.message[0]);
		return;
	}
	for (size_t i = 0; i < psc_list_count(list); i++) {
		struct psc_list_entry entry;

		check(psc_list_get(list, i, &entry) == 0);
		if (psc_list_entry_enforce(&entry) == PSC_LIST_ENFORCEABLE)
			check(psc_image_lookup(image, entry.digest) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_error err = {0};
	int r;

	if (size == 0)
		return 0;
	check(psc_list_new(&list) == 0);
	if (data[0] == 's')
		r = psc_list_parse_sha256sum(list, "in", (const char *)data + 1, size - 1, &err);
	else
		r = psc_list_parse(list, "in", (const char *)data + 1, size - 1, &err);
	if (r < 0) {
		check(psc_list_count(list) == 0 && psc_list_file_count(list) == 0);
		check(err.line > 0 && err.message[0]);
		return 0;
	}
	check(psc_list_index(list) == 0);
	check_rendering(list);
	check_compiling(list);
	return 0;
}
