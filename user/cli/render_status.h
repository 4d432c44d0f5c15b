/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_status.h - the daemon's status as a page of text. Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"

/* Prints @data, the reply to "status"; members that are missing are left out. */
void psc_render_status(FILE *out, const json_t *data, bool colour);
