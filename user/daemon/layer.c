/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer.c - which directory of an overlay a file's content lies in; see daemon.h.
 *
 * Only overlays in the daemon's own mount table are looked at, and no symbolic link or mount
 * below a layer is followed: what a container mounted or linked could make this wait.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <libmount/libmount.h>
#include <linux/openat2.h>

#include "user/daemon/daemon.h"

/* A storm of attempts on one file reads the mount table once in this time. */
#define MEMORY_NS 1000000000

static const char *const options[] = {"upperdir", "lowerdir"};

/* The kernel's device numbers have 20 bits of minor. */
static dev_t device_of(uint32_t device)
{
	return makedev(device >> 20, device & 0xfffff);
}

/* Is @path below @layer the file that holds the content? */
static bool holds(const char *layer, const char *path, const struct psc_event *event)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	_cleanup_close_ int directory = -1;
	_cleanup_close_ int fd = -1;
	struct stat st;

	while (*path == '/')
		path++;
	if (layer[0] != '/')
		return false; /* relative to wherever it was mounted from */
	directory = open(layer, O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (directory < 0)
		return false;
	fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
	return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == event->real_inode &&
	       st.st_dev == device_of(event->real_device);
}

/* Takes the first of "a:b:c" off *@list, in place; a colon in a name is "\:". */
static char *next_layer(char **list)
{
	char *from = *list, *to = *list, *layer = *list;

	if (!*from)
		return NULL;
	while (*from && *from != ':') {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from++;
	}
	*list = *from ? from + 1 : from;
	*to = 0;
	return layer;
}

/* The path in the overlay: as the process sees it, or below where the overlay is mounted. */
static char *find_layer(char *layers, const char *path, const char *target,
			const struct psc_event *event)
{
	size_t prefix = strlen(target);
	char *layer;

	if (strncmp(path, target, prefix) != 0 || path[prefix] != '/')
		prefix = 0;
	while ((layer = next_layer(&layers))) {
		if (holds(layer, path, event) || (prefix && holds(layer, path + prefix, event)))
			return strdup(layer);
	}
	return NULL;
}

static char *layer_in_mount(struct libmnt_fs *fs, const struct psc_event *event)
{
	const char *path = (const char *)event + offsetof(struct psc_event, path);
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(options) && !found; i++) {
		_cleanup_free_ char *layers = NULL;
		char *value = NULL;
		size_t size = 0;

		if (mnt_optstr_get_option(mnt_fs_get_fs_options(fs), options[i], &value, &size))
			continue;
		layers = strndup(value, size);
		if (layers)
			found = find_layer(layers, path, mnt_fs_get_target(fs), event);
	}
	return found;
}

static char *find_in_mounts(const struct psc_event *event)
{
	struct libmnt_table *table;
	struct libmnt_iter *iterator;
	struct libmnt_fs *fs;
	char *found = NULL;

	table = mnt_new_table_from_file("/proc/self/mountinfo");
	iterator = mnt_new_iter(MNT_ITER_FORWARD);
	while (table && iterator && !found && mnt_table_next_fs(table, iterator, &fs) == 0) {
		if (mnt_fs_get_devno(fs) == device_of(event->device) &&
		    mnt_fs_match_fstype(fs, "overlay"))
			found = layer_in_mount(fs, event);
	}
	mnt_free_iter(iterator);
	mnt_unref_table(table);
	return found;
}

static bool same_file(const struct psc_layer *layer, const struct psc_event *event)
{
	return layer->real_inode == event->real_inode && layer->real_device == event->real_device &&
	       layer->device == event->device;
}

const char *psc_layer_of(struct psc_layer *layer, const struct psc_event *event)
{
	if (!event->real_inode)
		return NULL;
	if (same_file(layer, event) && event->head.boot_ns - layer->boot_ns < MEMORY_NS)
		return layer->path;
	psc_layer_clear(layer);
	layer->path = find_in_mounts(event);
	layer->real_inode = event->real_inode;
	layer->real_device = event->real_device;
	layer->device = event->device;
	layer->boot_ns = event->head.boot_ns;
	return layer->path;
}

void psc_layer_clear(struct psc_layer *layer)
{
	free(layer->path);
	*layer = (struct psc_layer){0};
}
