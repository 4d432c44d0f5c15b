/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kernelinfo.c - whatever the kernel's files hold: an lsm= argument that is made has
 * bpf and no `capability`, keeps every other module, and is what comes of itself; the
 * other texts give a part of themselves or an error.
 */
#include "user/core/util.h"
#include "user/core/kernelinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void try_lsm(const char *list)
{
	char argument[1200], again[1200], remedy[1500];

	if (psc_kernelinfo_lsm_argument(list, argument, sizeof(argument)) < 0)
		return;
	check(strncmp(argument, "lsm=", 4) == 0);
	check(psc_kernelinfo_has_lsm(argument + 4, "bpf"));
	check(!psc_kernelinfo_has_lsm(argument + 4, "capability"));
	check(psc_kernelinfo_lsm_argument(argument + 4, again, sizeof(again)) == 0);
	check(strcmp(argument, again) == 0);
	check(psc_kernelinfo_lsm_remedy(list, remedy, sizeof(remedy)) == 0);
	check(strstr(remedy, argument) != NULL);
	for (const char *word = list; word; word = strchr(word, ',')) {
		char name[1200];

		word += *word == ',';
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, ","), word);
		check(strcmp(name, "capability") == 0 ||
		      psc_kernelinfo_has_lsm(argument + 4, name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"ima_policy", "ima-hash", "lsm", "a", ""};
	char *text = malloc(size + 1), *value = malloc(size + 1);

	check(text && value);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	try_lsm(text);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (psc_kernelinfo_parameter(text, names[i], value, size + 1) == 0)
			check(strstr(text, value) != NULL);
	if (psc_kernelinfo_choice(text, value, size + 1) == 0)
		check(*value && strstr(text, value));
	if (psc_kernelinfo_measured_algorithm(text, value, size + 1) == 0)
		check(*value && strstr(text, value));
	free(value);
	free(text);
	return 0;
}
