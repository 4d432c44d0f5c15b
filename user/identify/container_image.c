/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_image.c - the walk over the layers of container images, see container_image.h.
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/archive_input.h"
#include "user/identify/archive_walk.h"
#include "user/identify/container_image.h"
#include "user/identify/container_image_internal.h"

struct container_walk {
	struct psc_archive_walk archive;
	struct psc_survey survey;
	struct psc_container_images images;
	psc_container_fn fn;
	void *data;
	const struct psc_blob *blob; /* the layer that is walked over, or NULL */
};

/* The first layer of @image above number @layer that deletes or replaces @path; 0: none. */
static unsigned int find_deletion(const struct container_walk *walk,
				  const struct psc_container_image *image, size_t layer,
				  const char *path, bool directory, bool *ret_replaced)
{
	for (size_t i = layer; i < image->layers; i++) {
		const struct psc_blob *blob = psc_survey_find(&walk->survey, image->layer[i]);

		if (!blob)
			continue;
		*ret_replaced = psc_blob_replaces(blob, path, directory);
		if (*ret_replaced || psc_blob_deletes(blob, path))
			return i + 1;
	}
	*ret_replaced = false;
	return 0;
}

/* Which image, which layer; best one in which the file is still there in the end. */
static void place(const struct container_walk *walk, const char *path, bool directory,
		  struct psc_container_file *file)
{
	for (size_t i = 0; i < walk->images.count; i++) {
		const struct psc_container_image *image = &walk->images.image[i];

		for (size_t j = 0; j < image->layers; j++) {
			unsigned int deleted;
			bool replaced;

			if (psc_survey_find(&walk->survey, image->layer[j]) != walk->blob)
				continue;
			deleted = find_deletion(walk, image, j + 1, path, directory, &replaced);
			if (file->image && deleted)
				continue;
			file->image = image;
			file->layer = j + 1;
			file->deleted_in = deleted;
			file->replaced = replaced;
			if (!deleted)
				return;
		}
	}
}

static bool is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, ".wh.", 4) == 0;
}

static int hand_out(const struct psc_archive_entry *entry, void *data)
{
	struct container_walk *walk = data;
	struct psc_container_file file = {.entry = entry};
	_cleanup_free_ char *top = NULL;
	const char *path = entry->path;

	if (!walk->blob)
		return walk->fn(&file, walk->data);
	if (entry->container) {
		/* inside an archive: the archive is what a layer deletes */
		const char *end = strstr(entry->container, "!/");

		top = strndup(entry->container,
			      end ? (size_t)(end - entry->container) : strlen(entry->container));
		if (!top)
			return -ENOMEM;
		path = top;
	} else if (!entry->skip && is_whiteout(path)) {
		return 0;
	}
	place(walk, path, !entry->container && S_ISDIR(entry->mode), &file);
	return walk->fn(&file, walk->data);
}

static int walk_blob(struct container_walk *walk, struct psc_archive_input *input,
		     struct archive_entry *entry)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *layer = NULL;
	struct psc_blob *blob;
	int r;

	blob = psc_survey_find(&walk->survey, psc_archive_entry_path(entry));
	if (archive_entry_symlink(entry) || archive_entry_hardlink(entry))
		return 0; /* another name of an entry that is walked over itself */
	if (!blob || !blob->tar || blob->visited) {
		walk->blob = NULL;
		return psc_archive_walk_one(&walk->archive, input, entry, NULL, 0);
	}
	blob->visited = true;
	walk->blob = blob;
	r = psc_archive_input_member(input, PSC_INPUT_TAR, &layer);
	if (r == -ENOEXEC)
		return psc_archive_walk_skip(&walk->archive, blob->path, NULL, 0,
					     PSC_ARCHIVE_SKIP_DAMAGED,
					     "a layer that cannot be read");
	return r < 0 ? r : psc_archive_walk_input(&walk->archive, layer, NULL, 0);
}

/* What images name, and what was not among the layers. */
static int report_missing(struct container_walk *walk)
{
	for (size_t i = 0; i < walk->images.count; i++) {
		const struct psc_container_image *image = &walk->images.image[i];

		for (size_t j = 0; j < image->layers; j++) {
			struct psc_blob *blob = psc_survey_find(&walk->survey, image->layer[j]);
			struct psc_archive_entry entry = {.path = image->layer[j], .fd = -1};
			struct psc_container_file file = {
				.image = image, .layer = j + 1, .entry = &entry};
			int r;

			if (blob && blob->tar)
				continue;
			entry.skip = blob ? PSC_ARCHIVE_SKIP_UNSUPPORTED : PSC_ARCHIVE_SKIP_MISSING;
			entry.reason = blob ? "a layer that is no tar, or is encrypted"
					    : "a layer that is not in the file";
			r = walk->fn(&file, walk->data);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int walk_all(struct container_walk *walk, int fd)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct archive_entry *entry;
	int r = psc_archive_input_open(fd, 0, PSC_INPUT_TAR, &input);

	while (r >= 0 && (r = psc_archive_input_next(input, &entry)) > 0) {
		r = walk_blob(walk, input, entry);
		if (r < 0)
			return r;
		if (walk->archive.stopped)
			return 0;
	}
	walk->blob = NULL;
	if (r == -EBADMSG)
		r = psc_archive_walk_skip(&walk->archive, "", NULL, 0, PSC_ARCHIVE_SKIP_DAMAGED,
					  psc_archive_input_reason(input));
	return r < 0 ? r : report_missing(walk);
}

int psc_container_walk(int fd, const struct psc_archive_limits *limits, psc_container_fn fn,
		       void *data)
{
	struct container_walk walk = {.fn = fn, .data = data};
	locale_t before = NULL, locale = psc_archive_locale_enter(&before);
	int r = psc_archive_walk_init(&walk.archive, fd, limits, hand_out, &walk);

	if (r == 0)
		r = psc_survey_read(fd, true, &walk.archive.limits, &walk.survey);
	if (r == 0)
		r = psc_survey_images(&walk.survey, &walk.images);
	if (r == 0)
		r = walk_all(&walk, fd);
	psc_container_images_clear(&walk.images);
	psc_survey_clear(&walk.survey);
	psc_archive_walk_clear(&walk.archive);
	psc_archive_locale_leave(locale, before);
	return r;
}
