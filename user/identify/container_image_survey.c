/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_image_survey.c - the first of two passes over a tarball of images: manifests may
 * come after the layers, and a layer may be deleted from by one that was met before it.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/archive_input.h"
#include "user/identify/container_image_internal.h"

#define BLOBS_MAX     65536
#define JSON_MAX      (4U << 20)
#define KEPT_MAX      (64U << 20) /* bytes of manifests and whiteouts */
#define WHITEOUTS_MAX (1U << 20)
#define LINKS_MAX     4

/* What is counted while the survey goes on. */
struct count {
	const struct psc_archive_limits *limits;
	uint64_t bytes;
	uint64_t entries;
	size_t whiteouts;
};

void psc_survey_clear(struct psc_survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		struct psc_blob *blob = &survey->blob[i];

		for (size_t j = 0; j < blob->whiteouts; j++)
			free(blob->whiteout[j].path);
		free(blob->whiteout);
		free(blob->name);
		free(blob->path);
		free(blob->link);
		free(blob->json);
	}
	free(survey->blob);
	*survey = (struct psc_survey){0};
}

static int compare_blobs(const void *a, const void *b)
{
	const struct psc_blob *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static struct psc_blob *find(const struct psc_survey *survey, const char *path)
{
	struct psc_blob key = {.path = (char *)path};

	if (survey->count == 0)
		return NULL;
	return bsearch(&key, survey->blob, survey->count, sizeof(key), compare_blobs);
}

struct psc_blob *psc_survey_find(const struct psc_survey *survey, const char *path)
{
	struct psc_blob *blob = find(survey, path);

	for (unsigned int i = 0; blob && blob->link && i < LINKS_MAX; i++)
		blob = find(survey, blob->link);
	return blob && !blob->link ? blob : NULL;
}

/* ---- whiteouts ---------------------------------------------------------------------- */

static int compare_whiteouts(const void *a, const void *b)
{
	const struct psc_whiteout *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static bool has_whiteout(const struct psc_blob *blob, const char *path, bool below)
{
	struct psc_whiteout key = {.path = (char *)path}, *found;

	found = bsearch(&key, blob->whiteout, blob->whiteouts, sizeof(key), compare_whiteouts);
	if (!found)
		return false;
	if (below || !found->opaque)
		return true;
	/* both marks may stand for one path */
	for (struct psc_whiteout *w = found; w-- > blob->whiteout && !strcmp(w->path, path);) {
		if (!w->opaque)
			return true;
	}
	for (struct psc_whiteout *w = found + 1;
	     w < blob->whiteout + blob->whiteouts && !strcmp(w->path, path); w++) {
		if (!w->opaque)
			return true;
	}
	return false;
}

bool psc_blob_deletes(const struct psc_blob *blob, const char *path)
{
	_cleanup_free_ char *part = NULL;

	if (blob->whiteouts == 0)
		return false;
	if (has_whiteout(blob, path, false) || has_whiteout(blob, "", true))
		return true;
	part = strdup(path);
	for (char *slash; part && (slash = strrchr(part, '/'));) {
		*slash = 0;
		if (has_whiteout(blob, part, true))
			return true;
	}
	return false;
}

static int add_name(struct psc_survey *survey, struct psc_blob *blob, const char *path,
		    bool directory)
{
	if (survey->bytes + sizeof(*blob->name) > KEPT_MAX) {
		survey->truncated = true;
		return 0;
	}
	survey->bytes += sizeof(*blob->name);
	return psc_blob_name_add(blob, path, directory);
}

/* Keeps names of the layer @blob, ".wh.NAME" and ".wh..wh..opq" as what they mean. */
static int add_entry_name(struct psc_survey *survey, struct psc_blob *blob, struct count *count,
			  const char *path, bool is_directory)
{
	const char *name = strrchr(path, '/');
	size_t directory = name ? name - path : 0;
	struct psc_whiteout whiteout = {0}, *more;
	size_t room = blob->whiteouts;

	name = name ? name + 1 : path;
	if (strncmp(name, ".wh.", 4) != 0)
		return add_name(survey, blob, path, is_directory);
	if (++count->whiteouts > WHITEOUTS_MAX || survey->bytes + strlen(path) > KEPT_MAX) {
		survey->truncated = true;
		return 0;
	}
	whiteout.opaque = strcmp(name, ".wh..wh..opq") == 0;
	if (whiteout.opaque)
		whiteout.path = strndup(path, directory);
	else if (asprintf(&whiteout.path, "%.*s%s%s", (int)directory, path, directory ? "/" : "",
			  name + 4) < 0)
		whiteout.path = NULL;
	if (!whiteout.path)
		return -ENOMEM;
	survey->bytes += strlen(path);
	/* room doubles at powers of two */
	if ((room & (room - 1)) == 0) {
		more = reallocarray(blob->whiteout, room ? 2 * room : 1, sizeof(*more));
		if (!more) {
			free(whiteout.path);
			return -ENOMEM;
		}
		blob->whiteout = more;
	}
	blob->whiteout[blob->whiteouts++] = whiteout;
	return 0;
}

static bool too_much(struct psc_survey *survey, const struct count *count)
{
	if (count->bytes <= count->limits->bytes_max &&
	    count->entries <= count->limits->entries_max)
		return false;
	survey->truncated = true;
	return true;
}

static int survey_layer(struct psc_survey *survey, struct psc_blob *blob, struct count *count,
			struct psc_archive_input *layer)
{
	struct archive_entry *entry;
	int r;

	while ((r = psc_archive_input_next(layer, &entry)) > 0) {
		count->entries++;
		if (psc_archive_input_compressed(layer) && archive_entry_size(entry) > 0)
			count->bytes += archive_entry_size(entry);
		if (too_much(survey, count))
			break;
		r = add_entry_name(survey, blob, count, psc_archive_entry_path(entry),
				   archive_entry_filetype(entry) == AE_IFDIR);
		if (r < 0)
			return r;
	}
	if (blob->whiteouts > 0)
		qsort(blob->whiteout, blob->whiteouts, sizeof(*blob->whiteout), compare_whiteouts);
	psc_blob_names_sort(blob);
	/* what is damaged is reported by the walk */
	return r == -EBADMSG ? 0 : r < 0 ? r : 0;
}

/* ---- entries -------------------------------------------------------------------------- */

/* Where a link leads: symbolic ones from the directory they are in, hard ones from the top. */
static int resolve(const char *path, const char *target, bool symbolic, char **ret)
{
	const char *slash = strrchr(path, '/');
	size_t length = symbolic && slash ? slash - path : 0;

	for (; strncmp(target, "../", 3) == 0; target += 3) {
		while (length > 0 && path[length - 1] != '/')
			length--;
		length -= length > 0;
	}
	while (target[0] == '/' || strncmp(target, "./", 2) == 0)
		target += target[0] == '/' ? 1 : 2;
	return asprintf(ret, "%.*s%s%s", (int)length, path, length ? "/" : "", target) < 0 ? -ENOMEM
											   : 0;
}

/* A small entry: a manifest, or a small layer. */
static int survey_small(struct psc_survey *survey, struct psc_blob *blob, struct count *count,
			struct psc_archive_input *input, bool whiteouts)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *layer = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t size;
	int r = psc_archive_input_slurp(input, JSON_MAX, &text, &size);

	if (r < 0)
		return r == -E2BIG || r == -EOPNOTSUPP ? 0 : r;
	count->bytes += size;
	if (text[0] == '{' || text[0] == '[') {
		if (survey->bytes + size > KEPT_MAX)
			return -E2BIG;
		survey->bytes += size;
		blob->json = TAKE_PTR(text);
		blob->json_size = size;
		return 0;
	}
	fd = memfd_create("layer", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);

		if (n < 0)
			return -errno;
		done += n;
	}
	r = psc_archive_input_open(fd, 0, PSC_INPUT_TAR, &layer);
	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	blob->tar = true;
	return whiteouts ? survey_layer(survey, blob, count, layer) : 0;
}

static int survey_content(struct psc_survey *survey, struct psc_blob *blob, struct count *count,
			  struct psc_archive_input *input, uint64_t size, bool whiteouts)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *layer = NULL;
	int r;

	if (size <= JSON_MAX)
		return survey_small(survey, blob, count, input, whiteouts);
	r = psc_archive_input_member(input, PSC_INPUT_TAR, &layer);
	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	blob->tar = true;
	return whiteouts ? survey_layer(survey, blob, count, layer) : 0;
}

static int add_blob(struct psc_survey *survey, struct archive_entry *entry, struct psc_blob **ret)
{
	const char *path = psc_archive_entry_path(entry);
	const char *symbolic = archive_entry_symlink(entry);
	const char *target = symbolic ? symbolic : archive_entry_hardlink(entry);
	struct psc_blob *blob;
	size_t room = survey->count;

	if (room >= BLOBS_MAX)
		return -E2BIG;
	if ((room & (room - 1)) == 0) {
		blob = reallocarray(survey->blob, room ? 2 * room : 1, sizeof(*blob));
		if (!blob)
			return -ENOMEM;
		survey->blob = blob;
	}
	blob = &survey->blob[survey->count];
	*blob = (struct psc_blob){.path = strdup(path)};
	if (!blob->path)
		return -ENOMEM;
	survey->count++;
	*ret = blob;
	return target ? resolve(path, target, symbolic, &blob->link) : 0;
}

int psc_survey_read(int fd, bool whiteouts, const struct psc_archive_limits *limits,
		    struct psc_survey *ret)
{
	_cleanup_(psc_survey_clear) struct psc_survey survey = {0};
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct count count = {.limits = limits};
	struct archive_entry *entry;
	int r = psc_archive_input_open(fd, 0, PSC_INPUT_TAR, &input);

	while (r >= 0 && (r = psc_archive_input_next(input, &entry)) > 0) {
		struct psc_blob *blob;

		count.entries++;
		if (archive_entry_filetype(entry) == AE_IFDIR)
			continue;
		if (too_much(&survey, &count))
			break;
		r = add_blob(&survey, entry, &blob);
		if (r == 0 && !blob->link)
			r = survey_content(&survey, blob, &count, input, archive_entry_size(entry),
					   whiteouts);
	}
	if (r < 0 && r != -EBADMSG)
		return r;
	if (survey.count > 0)
		qsort(survey.blob, survey.count, sizeof(*survey.blob), compare_blobs);
	*ret = survey;
	survey = (struct psc_survey){0};
	return 0;
}
