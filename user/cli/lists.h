/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.h - what the verbs around list files share: which directory, what an argument
 * means, making an edit take effect. Only for user/cli.
 */
#pragma once

#include "user/cli/cli.h"
#include "user/cli/effect.h"
#include "user/core/list.h"
#include "user/core/list_edit.h"

/* What FILE|DIGEST on the command line stands for. */
struct psc_target {
	bool is_file;
	enum psc_algo algo;
	uint8_t digest[PSC_ALGO_DIGEST_MAX];
	bool has_size;
	uint64_t size;
	enum psc_format format;
	char *name; /* base name of the file, escaped; NULL for a digest */
};

/* Frees what is in @target; a cleanup function. */
void psc_target_clear(struct psc_target *target);

/*
 * Digest, size, format and name of the file at @path. -EINVAL when it is not regular,
 * -EISDIR, errno of open(2) and read(2), -ENOMEM.
 */
int psc_target_read_file(const char *path, struct psc_target *ret);

/*
 * Reads a file (digest, size, format), or understands a digest: "sha256:HEX", or HEX
 * alone, whose length tells the algorithm. Returns PSC_EXIT_OK, or another status after
 * having said what is wrong.
 */
int psc_target_read(struct psc_cli *cli, const char *argument, struct psc_target *ret);

/* "sha256:HEX" of a digest; the caller frees it, NULL when memory is short. */
char *psc_target_text(enum psc_algo algo, const uint8_t *digest);

/* The directory of the lists: --lists, else what the daemon says, else the default. */
int psc_lists_directory(struct psc_cli *cli, char **ret);

/*
 * Loads and indexes all lists. With @missing_is_empty a directory that does not exist
 * is an empty list. Returns PSC_EXIT_OK, or another status after having said why.
 */
int psc_lists_load(struct psc_cli *cli, const char *directory, bool missing_is_empty,
		   struct psc_list **ret);

/* Path of the file @name (".csv" may be left out) below @directory; checks the name. */
int psc_lists_path(struct psc_cli *cli, const char *directory, const char *name, char **ret);

/* Creates the default directory when it is missing; other directories must exist. */
int psc_lists_ensure(struct psc_cli *cli, const char *directory);

/* Reports the failure @error (a negative errno) of a list function about @path. */
int psc_lists_fail(struct psc_cli *cli, const char *path, int error, struct psc_error *detail);

/*
 * After an edit of @path: has the daemon reload. If it refuses, the file becomes what it
 * was and the daemon's reason is reported. Returns PSC_EXIT_OK and *@ret, or another status.
 */
int psc_lists_apply(struct psc_cli *cli, const char *path, const struct psc_list_backup *backup,
		    enum psc_effect *ret);

/* JSON of one entry, without the list's own strings copied twice. NULL: memory is short. */
json_t *psc_list_entry_to_json(const struct psc_list *list, const struct psc_list_entry *entry);
