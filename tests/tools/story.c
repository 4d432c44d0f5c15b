/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - writes the audit log of tests/unit/report_log.h into the directory that its argument
 * names, for report.sh.
 */
#include "user/core/util.h"

#include <errno.h>

#include "tests/unit/report_log.h"

int main(int argc, char **argv)
{
	int r = argc == 2 ? story_tell(argv[1], NULL, true) : -EINVAL;

	if (r < 0)
		fprintf(stderr, "story: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
