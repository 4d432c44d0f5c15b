/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_files.c - the files of a run, by device and inode; see resolver_internal.h. */
#include "user/core/util.h"

#include "user/daemon/resolver_internal.h"

static void file_free(struct psc_resolver_found *file)
{
	if (!file)
		return;
	free(file->path);
	psc_facts_clear(&file->facts);
	free(file);
}

void psc_resolver_files_clear(struct psc_resolver_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		file_free(files->file[i]);
	free(files->file);
	*files = (struct psc_resolver_files){};
}

static int compare_identity(const struct stat *a, const struct stat *b)
{
	if (a->st_dev != b->st_dev)
		return a->st_dev < b->st_dev ? -1 : 1;
	return a->st_ino < b->st_ino ? -1 : a->st_ino > b->st_ino;
}

size_t psc_resolver_files_slot(const struct psc_resolver_files *files, const struct stat *st,
			       bool *ret_found)
{
	size_t low = 0, high = files->count;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = compare_identity(&files->file[middle]->st, st);

		if (!r) {
			*ret_found = true;
			return middle;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct psc_resolver_found *psc_resolver_files_find(const struct psc_resolver_files *files,
						   const struct stat *st)
{
	bool found;
	size_t at = psc_resolver_files_slot(files, st, &found);

	return found ? files->file[at] : NULL;
}

struct psc_resolver_found *psc_resolver_files_insert(struct psc_resolver_files *files, size_t at,
						     const char *path, const struct stat *st)
{
	struct psc_resolver_found *file = calloc(1, sizeof(*file));
	struct psc_resolver_found **grown = files->file;

	if (file)
		file->path = strdup(path);
	if (!(files->count & (files->count + 1)))
		grown = reallocarray(files->file, 2 * (files->count + 1), sizeof(void *));
	if (grown)
		files->file = grown;
	if (!file || !file->path || !grown) {
		file_free(file);
		return NULL;
	}
	memmove(&grown[at + 1], &grown[at], (files->count - at) * sizeof(void *));
	grown[at] = file;
	files->count++;
	file->st = *st;
	file->linked = true;
	return file;
}
