/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defaults.c - says where the configuration file given as its argument differs from the
 * defaults, or why it is refused; nothing when all is well. Called by check-config.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/config.h"
#include "user/core/names.h"

static int read_file(const char *path, char *buffer, size_t size, size_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	*ret = fread(buffer, 1, size, f);
	return ferror(f) ? -EIO : 0;
}

/* 1 when they differ */
static int differ(const char *path, const char *key, const char *said, const char *built_in)
{
	if (!strcmp(said, built_in))
		return 0;
	printf("%s:1: %s is %s, the default %s\n", path, key, said, built_in);
	return 1;
}

static int compare(const char *path, const struct psc_config *said, const struct psc_config *own)
{
	char key[64];
	int n = 0;

	n += differ(path, "mode", psc_mode_to_string(said->mode), psc_mode_to_string(own->mode));
	n += differ(path, "lists", said->lists, own->lists);
	n += differ(path, "log: directory", said->log_directory, own->log_directory);
	if ((said->log_file_size != own->log_file_size ||
	     said->log_total_size != own->log_total_size) &&
	    ++n)
		printf("%s:1: log: file_size or total_size is not the default\n", path);
	if (said->hash_limit != own->hash_limit && ++n)
		printf("%s:1: hash_limit is not the default\n", path);
	if (said->journald != own->journald && ++n)
		printf("%s:1: journald is not the default\n", path);
	if (said->seen != own->seen && ++n)
		printf("%s:1: seen is not the default\n", path);
	if (memcmp(&said->resolver, &own->resolver, sizeof(own->resolver)) && ++n)
		printf("%s:1: resolver is not the default\n", path);
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		snprintf(key, sizeof(key), "actions: %s", psc_op_to_string(op));
		n += differ(path, key, psc_action_to_string(said->action[op]),
			    psc_action_to_string(own->action[op]));
		for (unsigned int reason = 1; reason < PSC_UNVERIFIED_MAX; reason++) {
			snprintf(key, sizeof(key), "unverified: %s: %s",
				 psc_unverified_to_string(reason), psc_op_to_string(op));
			n += differ(path, key, psc_action_to_string(said->unverified[op][reason]),
				    psc_action_to_string(own->unverified[op][reason]));
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	static char data[64 << 10];
	_cleanup_(psc_config_freep) struct psc_config *said = NULL, *own = NULL;
	struct psc_error error = {};
	char text[640];
	size_t size = 0;

	if (argc != 2 || read_file(argv[1], data, sizeof(data), &size) < 0) {
		printf("%s:1: cannot be read\n", argc > 1 ? argv[1] : "defaults");
		return EXIT_FAILURE;
	}
	if (psc_config_parse(data, size, argv[1], &said, &error) < 0) {
		puts(psc_error_format(&error, text, sizeof(text)));
		return EXIT_FAILURE;
	}
	if (psc_config_new(&own) < 0)
		return EXIT_FAILURE;
	return compare(argv[1], said, own) ? EXIT_FAILURE : EXIT_SUCCESS;
}
