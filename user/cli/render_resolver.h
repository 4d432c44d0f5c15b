/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_resolver.h - the resolver's part of the daemon's status as text. Only for user/cli.
 */
#pragma once

#include "user/cli/output.h"

/* Prints what the resolver found and does; nothing when @status does not say. */
void psc_render_resolver(FILE *out, const json_t *status, bool colour);
