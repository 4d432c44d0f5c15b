/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contain.c - what lies inside archives, packages and container images, looked at like files of
 * a root of their own. Only for user/scan.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/identify/archive.h"
#include "user/identify/container_image.h"
#include "user/scan/internal.h"

struct containing {
	struct psc_worker *worker;
	const struct psc_subject *outer;
	const struct psc_container_image *named; /* whose names were judged last */
};

static enum psc_thing thing_of(uint32_t mode)
{
	if (S_ISREG(mode))
		return PSC_THING_FILE;
	if (S_ISDIR(mode))
		return PSC_THING_DIRECTORY;
	return S_ISLNK(mode) ? PSC_THING_LINK : PSC_THING_SPECIAL;
}

static enum psc_place place_of(const char *path)
{
	const char *end = strrchr(path, '/');

	return psc_place_of(path, (size_t)(end - path));
}

static int entry_examine(struct containing *containing, const struct psc_archive_entry *entry,
			 struct psc_subject *subject)
{
	struct psc_worker *worker = containing->worker;
	struct stat st;
	int r;

	if (fstat(entry->fd, &st) < 0)
		return -errno;
	PSC_COUNT(worker->scan, entries, 1);
	r = psc_examine(worker, entry->fd, &st, subject, place_of(subject->inside), false);
	return r;
}

static int entry_name(struct containing *containing, struct psc_subject *subject)
{
	struct psc_worker *worker = containing->worker;
	int r;

	psc_facts_clear(&worker->facts);
	r = psc_subject_facts(subject, &worker->facts);
	return r < 0 ? r : psc_scan_judge(worker->scan, subject, &worker->facts, NULL, 0, NULL);
}

/* @where says in which layer; "" for no image. */
static int entry_look(struct containing *containing, const struct psc_archive_entry *entry,
		      const char *where)
{
	struct psc_subject subject = {.thing = thing_of(entry->mode),
				      .path = containing->outer->path,
				      .size = entry->size};
	_cleanup_free_ char *inside = NULL, *label = NULL;
	char reason[192];
	int r = 0;

	if (asprintf(&inside, "/%s", entry->path) < 0 ||
	    asprintf(&label, "%s%s%s%s", where, entry->container ?: "",
		     entry->container ? "!/" : "", entry->path) < 0)
		return -ENOMEM;
	/* of an archive in the package nobody knows whose it is */
	if (!entry->container)
		subject.package = containing->outer->package;
	subject.inside = inside;
	subject.label = label;
	if (entry->skip != PSC_ARCHIVE_SKIP_NONE) {
		snprintf(reason, sizeof(reason), "inside archives: %s", entry->reason);
		psc_scan_gap(containing->worker->scan, false, reason, containing->outer->path,
			     label);
	}
	if (entry->fd >= 0)
		return entry_examine(containing, entry, &subject);
	if (*entry->path)
		r = entry_name(containing, &subject);
	return r;
}

static int archive_entry(const struct psc_archive_entry *entry, void *data)
{
	return entry_look(data, entry, "");
}

static int container_file(const struct psc_container_file *file, void *data)
{
	char where[96] = "";

	if (file->layer && file->deleted_in)
		snprintf(where, sizeof(where), "layer %u (%s in layer %u): ", file->layer,
			 file->replaced ? "replaced" : "deleted", file->deleted_in);
	else if (file->layer)
		snprintf(where, sizeof(where), "layer %u: ", file->layer);
	return entry_look(data, file->entry, where);
}

/* What comes out of a walk; damage inside was reported by it. */
static int finish(struct psc_worker *worker, const struct psc_subject *subject, int error)
{
	if (error >= 0 || error == -ENOMEM)
		return error;
	psc_scan_gap_errno(worker->scan, error, subject->path);
	return 0;
}

int psc_contain_archive(struct psc_worker *worker, int fd, const struct psc_subject *subject)
{
	struct containing containing = {.worker = worker, .outer = subject};
	int r;

	r = psc_archive_walk(fd, NULL, archive_entry, &containing);
	if (r == -ENOEXEC)
		return 0; /* it only begins like one */
	PSC_COUNT(worker->scan, archives, 1);
	return finish(worker, subject, r);
}

static int image_names(struct psc_worker *worker, const struct psc_subject *outer,
		       const struct psc_container_images *images)
{
	struct psc_subject subject = *outer;
	int r = 0;

	subject.thing = PSC_THING_IMAGE;
	for (size_t i = 0; i < images->count; i++) {
		for (char **name = images->image[i].names; name && *name && r >= 0; name++) {
			psc_facts_clear(&worker->facts);
			r = psc_facts_add(&worker->facts, PSC_FACT_CONTAINER_IMAGE, 0, *name,
					  strlen(*name));
			subject.detail = *name;
			if (r >= 0)
				r = psc_scan_judge(worker->scan, &subject, &worker->facts, NULL, 0,
						   NULL);
		}
	}
	return r;
}

int psc_contain_image(struct psc_worker *worker, int fd, const struct psc_subject *subject)
{
	_cleanup_(psc_container_images_clear) struct psc_container_images images = {0};
	struct containing containing = {.worker = worker, .outer = subject};
	int r;

	r = psc_container_images_read(fd, &images);
	if (r == -ENOEXEC) {
		psc_scan_gap(worker->scan, false, "no container image that is understood",
			     subject->path, NULL);
		return psc_contain_archive(worker, fd, subject);
	}
	if (r >= 0)
		r = image_names(worker, subject, &images);
	if (r >= 0) {
		PSC_COUNT(worker->scan, archives, 1);
		r = psc_container_walk(fd, NULL, container_file, &containing);
	}
	return finish(worker, subject, r);
}
