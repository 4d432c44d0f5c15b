/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - the configuration file. What is accepted must be within bounds,
 * what is refused must say why.
 */
#include "user/core/util.h"
#include "user/core/config.h"

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
	return 0;
}
