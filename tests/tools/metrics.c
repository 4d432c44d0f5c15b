/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - prints the metrics of the status on stdin, for metrics.sh.
 */
#include "user/core/util.h"

#include "user/core/json.h"
#include "user/daemon/metrics.c"

int main(void)
{
	_cleanup_json_ json_t *status = json_loadf(stdin, JSON_REJECT_DUPLICATES, NULL);
	_cleanup_free_ char *text = NULL;

	if (!status || psc_metrics_format(status, &text) < 0)
		return EXIT_FAILURE;
	return fputs(text, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
