/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_record.h - one record of the audit log as a line of text. Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"

/* Prints "time verdict op path product process(pid) user"; of other records, the message. */
void psc_render_record(FILE *out, const json_t *record, bool colour);
