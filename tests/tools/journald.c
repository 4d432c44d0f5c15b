/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journald.c - sends the record on stdin to the journal whose socket its argument names, for
 * journald.sh.
 */
#include "user/core/util.h"

#include "user/core/json.h"
#include "user/daemon/sink_journald.c"

int main(int argc, char **argv)
{
	_cleanup_json_ json_t *record = json_loadf(stdin, JSON_REJECT_DUPLICATES, NULL);
	_cleanup_close_ int fd = -1;
	struct psc_sink sink = {0};
	int r = -EINVAL;

	if (argc == 2 && record)
		r = psc_sink_journald_send(&sink, &fd, argv[1], record, 4711);
	if (r < 0)
		fprintf(stderr, "journald: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
