/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_edit.h - changes the mode in the text of a configuration, and nothing else of it:
 * comments, order and spelling stay. Used by the CLI.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/config.h"

/*
 * The text of the configuration @data with `mode: @mode`, which the caller frees; a text without
 * that key gets one at its end. @path names the text in errors. -EINVAL when the text is refused
 * by psc_config_parse(), or is written so that this does not find its mode; -E2BIG, -ENOMEM.
 */
int psc_config_edit_mode(const char *data, size_t size, const char *path, enum psc_mode mode,
			 char **ret, size_t *ret_size, struct psc_error *reterr);
