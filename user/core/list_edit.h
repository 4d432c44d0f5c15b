/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_edit.h - changes list files: atomically, durably, one editor at a time, and
 * with a way back. Used by the CLI.
 *
 * Each edit takes a lock on <directory>/.lock, writes a temporary file beside the
 * list, syncs it, renames it over the list and syncs the directory: a crash leaves
 * the old or the new content. Lines that an edit does not concern stay as they are,
 * byte for byte. A file that does not parse is not edited.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/list.h"

/* What a list file was before an edit. */
struct psc_list_backup;

void psc_list_backup_freep(struct psc_list_backup **backup);

/*
 * Renders an entry as a line of a list file, quoted where needed, with its line
 * feed. The caller frees @ret. -EINVAL when it cannot stand in a file, -ENOMEM.
 */
int psc_list_format_line(const struct psc_list_entry *entry, char **ret);

/*
 * Appends the entries of @additions that the file does not have yet (same algorithm
 * and digest), each once; creates the file with its header, mode 0640, when missing.
 * @ret_added (may be NULL) is the number appended: 0 leaves the file untouched.
 * @ret_backup (may be NULL) is for psc_list_file_restore(). Errors: -EINVAL with
 * the position when the file does not parse, -ENOENT when the directory is missing,
 * else what the file system said. The file is then as before, but for a directory
 * that cannot be synced after the rename, which the message says.
 */
int psc_list_file_add(const char *path, const struct psc_list *additions, size_t *ret_added,
		      struct psc_list_backup **ret_backup, struct psc_error *reterr);

/*
 * Removes every line with this algorithm and digest (psc_algo_size() bytes).
 * @ret_removed (may be NULL) is the number of lines: 0 leaves the file untouched. A missing file
 * has no lines. Else as psc_list_file_add().
 */
int psc_list_file_remove(const char *path, enum psc_algo algo, const uint8_t *digest,
			 size_t *ret_removed, struct psc_list_backup **ret_backup,
			 struct psc_error *reterr);

/*
 * Puts back what the file was before the edit that gave @backup (or removes it, if
 * it was not there). -ESTALE when somebody else changed the file since: nothing is
 * done then. A backup of an edit that changed nothing restores nothing.
 */
int psc_list_file_restore(const char *path, const struct psc_list_backup *backup,
			  struct psc_error *reterr);
