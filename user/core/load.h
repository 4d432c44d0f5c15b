/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - reads the files that decide what the guard does: whoever else than root may write
 * one of them could switch it off. Used by the parsers of user/core.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/error.h"

/*
 * Reads a file of at most @max bytes into @ret_data, which the caller frees; a NUL follows it.
 * Refused: a file that group or others may write, one that neither root nor the caller's
 * effective user owns (-EPERM), what is no regular file (-EINVAL), a larger one (-E2BIG).
 * Other errors are those of open(2) and read(2), -ENOMEM. @reterr names the file and the
 * remedy.
 */
int psc_load_trusted(const char *path, size_t max, char **ret_data, size_t *ret_size,
		     struct psc_error *reterr);
