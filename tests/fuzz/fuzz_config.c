/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - the configuration file. What is accepted must be within bounds,
 * what is refused must say why. The mode is changed in what is accepted: then nothing but
 * that may be different.
 */
#include "user/core/util.h"
#include "user/core/config.h"
#include "user/core/config_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/*
 * libfyaml 0.7 loses a few hundred bytes of a quoted scalar with many doubled
 * quotes. That the reader gives back all it took is for the unit tests to see, which
 * run without this.
 */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static void edit(const char *data, size_t size, const struct psc_config *before)
{
	enum psc_mode mode = before->mode == PSC_MODE_ENFORCE ? PSC_MODE_OBSERVE : PSC_MODE_ENFORCE;
	_cleanup_(psc_config_freep) struct psc_config *after = NULL;
	_cleanup_free_ char *text = NULL;
	struct psc_error err = {0};
	size_t length = 0;

	if (psc_config_edit_mode(data, size, "in", mode, &text, &length, &err) < 0) {
		if (text || !err.message[0])
			abort();
		return;
	}
	if (psc_config_parse(text, length, "in", &after, &err) < 0 || after->mode != mode ||
	    strcmp(after->lists, before->lists) != 0 ||
	    strcmp(after->log_directory, before->log_directory) != 0 ||
	    after->hash_limit != before->hash_limit || after->seen != before->seen ||
	    after->place_count != before->place_count ||
	    memcmp(after->action, before->action, sizeof(after->action)) != 0 ||
	    memcmp(after->unverified, before->unverified, sizeof(after->unverified)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	struct psc_error err = {0};

	if (psc_config_parse((const char *)data, size, "in", &config, &err) < 0) {
		if (config || !err.message[0])
			abort();
		return 0;
	}
	if (config->mode >= PSC_MODE_MAX || config->lists[0] != '/' ||
	    config->log_directory[0] != '/' || config->hash_limit < PSC_CONFIG_HASH_MIN ||
	    config->hash_limit > PSC_CONFIG_HASH_MAX)
		abort();
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		if (config->action[op] >= PSC_ACTION_MAX)
			abort();
		for (unsigned int reason = 0; reason < PSC_CONFIG_REASON_MAX; reason++) {
			if (config->unverified[op][reason] >= PSC_ACTION_MAX)
				abort();
		}
	}
	edit((const char *)data, size, config);
	return 0;
}
