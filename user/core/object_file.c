/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_file.c - the files of objects.d, see object.h.
 *
 * A change is made under a lock on <directory>/.lock, synced, and its directory too: a
 * crash leaves an object there or not there, never half of one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/durable.h"
#include "user/core/load.h"
#include "user/core/object.h"

#define FILE_MODE 0640

/* A directory that is locked, and the names that one object has in it. */
struct place {
	int dirfd;
	int lockfd;
	char *path; /* for messages */
	char *name;
	char *aside; /* after it was withdrawn */
	struct psc_error *reterr;
};

static void close_place(struct place *place)
{
	if (place->lockfd >= 0)
		close(place->lockfd);
	if (place->dirfd >= 0)
		close(place->dirfd);
	free(place->path);
	free(place->name);
	free(place->aside);
}

static int fail(const struct place *place, int r, const char *what)
{
	psc_error_set(place->reterr, place->path, 0, 0, "%s: %s", what, strerror(-r));
	return r;
}

static int name_place(struct place *place, const char *directory, const char *id)
{
	if (asprintf(&place->path, "%s/%s" PSC_OBJECT_SUFFIX, directory, id) < 0)
		place->path = NULL;
	if (asprintf(&place->name, "%s" PSC_OBJECT_SUFFIX, id) < 0)
		place->name = NULL;
	if (asprintf(&place->aside, ".%s" PSC_OBJECT_SUFFIX ".withdrawn", id) < 0)
		place->aside = NULL;
	return place->path && place->name && place->aside ? 0 : -ENOMEM;
}

/* @place is to be closed whatever comes back. */
static int open_place(struct place *place, const char *directory, const char *id,
		      struct psc_error *reterr)
{
	*place = (struct place){.dirfd = -1, .lockfd = -1, .reterr = reterr};
	/* nobody reaches another directory by an id */
	if (!psc_object_is_id(id)) {
		psc_error_set(reterr, directory, 0, 0, "\"%.64s\" is no id of an object", id);
		return -EINVAL;
	}
	if (name_place(place, directory, id) < 0)
		return fail(place, -ENOMEM, "cannot be edited");
	place->dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->dirfd < 0)
		return fail(place, -errno, "its directory cannot be opened");
	place->lockfd =
		openat(place->dirfd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (place->lockfd < 0)
		return fail(place, -errno, "its directory cannot be locked");
	while (flock(place->lockfd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return fail(place, -errno, "its directory cannot be locked");
	}
	return 0;
}

static int sync_place(const struct place *place)
{
	if (fsync(place->dirfd) < 0)
		return fail(place, -errno, "done, but its directory cannot be synced");
	return 0;
}

/* Content and mode are on disk before the file gets its name, and it replaces none. */
static int write_place(const struct place *place, const char *text)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(place->dirfd, place->name, &file);

	if (r >= 0)
		r = psc_durable_write(&file, text, strlen(text));
	if (r >= 0 && fchmod(file.fd, FILE_MODE) < 0)
		r = -errno;
	if (r >= 0)
		r = psc_durable_create(&file);
	if (r == -EEXIST)
		return fail(place, r, "there is an object of that id");
	if (r < 0)
		return fail(place, r, "cannot be written");
	return sync_place(place);
}

int psc_object_save(const struct psc_object *object, const char *directory,
		    struct psc_error *reterr)
{
	_cleanup_(psc_object_freep) struct psc_object *again = NULL;
	_cleanup_(close_place) struct place place;
	_cleanup_free_ char *text = NULL;
	int r;

	r = open_place(&place, directory, object->id ? object->id : "", reterr);
	if (r < 0)
		return r;
	r = psc_object_format(object, &text);
	if (r < 0)
		return fail(&place, r, "cannot be written");
	/* Nothing gets into the directory that would keep the daemon from loading it. */
	r = psc_object_parse(text, strlen(text), place.path, &again, reterr);
	return r < 0 ? r : write_place(&place, text);
}

int psc_object_withdraw(const char *directory, const char *id, struct psc_error *reterr)
{
	_cleanup_(close_place) struct place place;
	int r;

	r = open_place(&place, directory, id, reterr);
	if (r < 0)
		return r;
	if (renameat(place.dirfd, place.name, place.dirfd, place.aside) < 0)
		return fail(&place, -errno, "cannot be removed");
	return sync_place(&place);
}

int psc_object_restore(const char *directory, const char *id, struct psc_error *reterr)
{
	_cleanup_(close_place) struct place place;
	int r;

	r = open_place(&place, directory, id, reterr);
	if (r < 0)
		return r;
	if (linkat(place.dirfd, place.aside, place.dirfd, place.name, 0) < 0)
		return fail(&place, -errno, "cannot be put back");
	unlinkat(place.dirfd, place.aside, 0);
	return sync_place(&place);
}

int psc_object_discard(const char *directory, const char *id, struct psc_error *reterr)
{
	_cleanup_(close_place) struct place place;
	int r;

	r = open_place(&place, directory, id, reterr);
	if (r < 0)
		return r;
	if (unlinkat(place.dirfd, place.aside, 0) < 0)
		return fail(&place, -errno, "cannot be removed");
	return sync_place(&place);
}

/* ---- loading ---------------------------------------------------------------- */

/* The file is found by its id and the id by the file: they have to agree. */
static int check_name(const struct psc_object *object, struct psc_error *reterr)
{
	const char *slash = strrchr(object->path, '/');
	const char *name = slash ? slash + 1 : object->path;
	size_t length = strlen(object->id);

	if (strncmp(name, object->id, length) == 0 && strcmp(name + length, PSC_OBJECT_SUFFIX) == 0)
		return 0;
	psc_error_set(reterr, object->path, 0, 0,
		      "the file of %s is named %.80s: expected %s" PSC_OBJECT_SUFFIX, object->id,
		      name, object->id);
	return -EINVAL;
}

int psc_object_load(const char *path, struct psc_object **ret, struct psc_error *reterr)
{
	_cleanup_(psc_object_freep) struct psc_object *object = NULL;
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	r = psc_load_trusted(path, PSC_OBJECT_SIZE_MAX, &data, &size, reterr);
	if (r >= 0)
		r = psc_object_parse(data, size, path, &object, reterr);
	if (r >= 0)
		r = check_name(object, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}

void psc_objects_clear(struct psc_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		psc_object_free(objects->item[i]);
	free(objects->item);
	*objects = (struct psc_objects){0};
}

static int is_object_file(const struct dirent *entry)
{
	const size_t suffix = strlen(PSC_OBJECT_SUFFIX);
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > suffix &&
	       strcmp(entry->d_name + length - suffix, PSC_OBJECT_SUFFIX) == 0;
}

/* Not alphasort(): that depends on the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

struct entries {
	struct dirent **item;
	size_t count;
};

static void free_entries(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->item[i]);
	free(entries->item);
}

static int read_directory(const char *directory, struct entries *ret, struct psc_error *reterr)
{
	int count = scandir(directory, &ret->item, is_object_file, compare_entries);
	int r = count < 0 ? -errno : 0;

	ret->count = count < 0 ? 0 : count;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		psc_error_set(reterr, directory, 0, 0, "cannot be read: %s", strerror(-r));
	if (ret->count > PSC_OBJECTS_MAX) {
		r = -E2BIG;
		psc_error_set(reterr, directory, 0, 0, "%zu objects: expected %u at most",
			      ret->count, PSC_OBJECTS_MAX);
	}
	return r;
}

static int allocate(struct psc_objects *objects, size_t count)
{
	/* one more: none at all is no failure */
	objects->item = calloc(count + 1, sizeof(void *));
	return objects->item ? 0 : -ENOMEM;
}

/* Sorts the object into what holds at @now and what is over. */
static int load_entry(const char *directory, const char *name, uint64_t now,
		      struct psc_objects *objects, struct psc_objects *expired,
		      struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL;
	struct psc_object *object = NULL;
	int r;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = psc_object_load(path, &object, reterr);
	if (r < 0)
		return r;
	if (object->until <= now)
		objects = expired;
	objects->item[objects->count++] = object;
	return 0;
}

int psc_objects_load(const char *directory, uint64_t now, struct psc_objects *ret,
		     struct psc_objects *ret_expired, struct psc_error *reterr)
{
	_cleanup_(psc_objects_clear) struct psc_objects objects = {0}, expired = {0};
	_cleanup_(free_entries) struct entries entries = {0};
	int r;

	r = read_directory(directory, &entries, reterr);
	if (r >= 0)
		r = allocate(&objects, entries.count);
	if (r >= 0)
		r = allocate(&expired, entries.count);
	for (size_t i = 0; i < entries.count && r >= 0; i++)
		r = load_entry(directory, entries.item[i]->d_name, now, &objects, &expired, reterr);
	if (r == -ENOMEM)
		psc_error_set(reterr, directory, 0, 0, "out of memory");
	if (r < 0)
		return r;
	*ret = objects;
	objects = (struct psc_objects){0};
	if (ret_expired) {
		*ret_expired = expired;
		expired = (struct psc_objects){0};
	}
	return 0;
}
