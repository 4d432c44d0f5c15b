/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_walk.c - the walk over archives inside archives, see archive_walk.h and archive.h.
 *
 * Every entry is unpacked into a memory file: formats that begin at their end (zip) need to
 * seek, and whoever looks at the content reads it more than once.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/identify/archive_walk.h"

/* Small files pack well; only more than this can be a bomb. */
#define RATIO_FREE (64ULL << 20)
/* Of "a.tar!/b.zip": deeper names are cut. */
#define CONTAINER_MAX 4096

int psc_archive_walk_init(struct psc_archive_walk *walk, int fd,
			  const struct psc_archive_limits *limits, psc_archive_fn fn, void *data)
{
	struct stat st;

	*walk = (struct psc_archive_walk){
		.limits = PSC_ARCHIVE_LIMITS_DEFAULT, .fn = fn, .data = data};
	for (size_t i = 0; i < ARRAY_SIZE(walk->memory); i++)
		walk->memory[i] = -1;
	if (limits)
		walk->limits = *limits;
	if (walk->limits.depth_max > PSC_ARCHIVE_DEPTH_MAX)
		walk->limits.depth_max = PSC_ARCHIVE_DEPTH_MAX;
	if (fstat(fd, &st) < 0)
		return -errno;
	walk->packed = st.st_size;
	return 0;
}

void psc_archive_walk_clear(struct psc_archive_walk *walk)
{
	for (size_t i = 0; i < ARRAY_SIZE(walk->memory); i++)
		psc_closep(&walk->memory[i]);
}

static int hand_out(struct psc_archive_walk *walk, const struct psc_archive_entry *entry)
{
	return walk->fn(entry, walk->data);
}

int psc_archive_walk_skip(struct psc_archive_walk *walk, const char *path, const char *container,
			  unsigned int depth, enum psc_archive_skip skip, const char *reason)
{
	struct psc_archive_entry entry = {
		.path = path,
		.container = container,
		.depth = depth,
		.fd = -1,
		.skip = skip,
		.reason = reason,
	};

	return hand_out(walk, &entry);
}

static int stop(struct psc_archive_walk *walk, const char *container, unsigned int depth,
		enum psc_archive_skip skip, const char *reason)
{
	int r = psc_archive_walk_skip(walk, "", container, depth, skip, reason);

	walk->stopped = true;
	return r < 0 ? r : 1;
}

int psc_archive_walk_entry(struct psc_archive_walk *walk, const char *container, unsigned int depth)
{
	if (++walk->entries <= walk->limits.entries_max)
		return 0;
	return stop(walk, container, depth, PSC_ARCHIVE_SKIP_ENTRIES, "too many entries");
}

int psc_archive_walk_charge(struct psc_archive_walk *walk, uint64_t bytes, const char *container,
			    unsigned int depth)
{
	if (__builtin_add_overflow(walk->bytes, bytes, &walk->bytes))
		walk->bytes = UINT64_MAX;
	if (walk->bytes > walk->limits.bytes_max)
		return stop(walk, container, depth, PSC_ARCHIVE_SKIP_BYTES,
			    "unpacks to more than is read");
	if (walk->bytes > RATIO_FREE && walk->limits.ratio_max &&
	    walk->bytes / walk->limits.ratio_max > walk->packed)
		return stop(walk, container, depth, PSC_ARCHIVE_SKIP_RATIO,
			    "unpacks to far more than its size: a bomb");
	return 0;
}

static int memory_file(struct psc_archive_walk *walk, unsigned int depth)
{
	if (walk->memory[depth] >= 0)
		return ftruncate(walk->memory[depth], 0) < 0 ? -errno : 0;
	walk->memory[depth] = memfd_create("archive-entry", MFD_CLOEXEC);
	return walk->memory[depth] < 0 ? -errno : 0;
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, data, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= n;
		offset += n;
	}
	return 0;
}

/* Marks the entry as skipped; it is handed out without its content. */
static int skip(struct psc_archive_entry *entry, enum psc_archive_skip why, const char *reason)
{
	entry->skip = why;
	entry->reason = reason;
	return 0;
}

/*
 * Unpacks into the memory file of the entry's depth. 0 also when the entry became a skip; 1 when
 * the walk stopped. @ret_size: bytes that came out.
 */
static int unpack(struct psc_archive_walk *walk, struct psc_archive_input *input,
		  struct psc_archive_entry *entry, uint64_t *ret_size)
{
	int fd = walk->memory[entry->depth], r;
	uint64_t end = 0;

	for (;;) {
		const void *data;
		uint64_t offset;
		size_t size;

		r = psc_archive_input_read(input, &data, &size, &offset);
		if (r <= 0)
			break;
		if (offset > walk->limits.entry_bytes_max ||
		    size > walk->limits.entry_bytes_max - offset)
			return skip(entry, PSC_ARCHIVE_SKIP_TOO_LARGE, "larger than is unpacked");
		r = psc_archive_walk_charge(walk, size, entry->container, entry->depth);
		if (r)
			return r;
		r = write_at(fd, data, size, offset);
		if (r < 0)
			return r;
		if (offset + size > end)
			end = offset + size;
	}
	*ret_size = end;
	return r;
}

/* Why an entry could not be read although the archive goes on. */
static int unreadable(struct psc_archive_input *input, struct archive_entry *from,
		      struct psc_archive_entry *entry)
{
	if (archive_entry_is_data_encrypted(from))
		return skip(entry, PSC_ARCHIVE_SKIP_ENCRYPTED, "encrypted");
	return skip(entry, PSC_ARCHIVE_SKIP_UNSUPPORTED, psc_archive_input_reason(input));
}

/* The content of a regular file. 1 when the walk stopped. */
static int take_content(struct psc_archive_walk *walk, struct psc_archive_input *input,
			struct archive_entry *from, struct psc_archive_entry *entry)
{
	uint64_t size = 0, cost = psc_archive_input_compressed(input) ? entry->size : 0;
	int r;

	if (entry->size > walk->limits.entry_bytes_max) {
		/* the reader goes over it on its way to the next */
		r = psc_archive_walk_charge(walk, cost, entry->container, entry->depth);
		return r ? r : skip(entry, PSC_ARCHIVE_SKIP_TOO_LARGE, "larger than is unpacked");
	}
	r = memory_file(walk, entry->depth);
	if (r == 0)
		r = unpack(walk, input, entry, &size);
	if (r == -EOPNOTSUPP)
		return unreadable(input, from, entry);
	if (r == -EBADMSG)
		return skip(entry, PSC_ARCHIVE_SKIP_DAMAGED, psc_archive_input_reason(input));
	if (r != 0 || entry->skip)
		return r;
	/* what ends in a hole has no piece there */
	if (archive_entry_sparse_count(from) > 0 && entry->size > size)
		size = entry->size;
	if (ftruncate(walk->memory[entry->depth], size) < 0)
		return -errno;
	entry->size = size;
	entry->fd = walk->memory[entry->depth];
	if (walk->limits.want_digest) {
		r = psc_digest_fd(entry->fd, entry->sha256, NULL);
		entry->has_sha256 = r == 0;
	}
	return r;
}

static void describe(struct archive_entry *from, struct psc_archive_entry *entry)
{
	entry->link = archive_entry_symlink(from);
	if (!entry->link)
		entry->link = archive_entry_hardlink(from);
	entry->size = archive_entry_size_is_set(from) && archive_entry_size(from) > 0
			      ? (uint64_t)archive_entry_size(from)
			      : 0;
	entry->mode = archive_entry_mode(from);
	if (!(entry->mode & S_IFMT))
		entry->mode |= S_IFREG; /* ar without a type */
	entry->mtime = archive_entry_mtime_is_set(from) ? archive_entry_mtime(from) : 0;
	entry->fd = -1;
}

/* What is inside an entry that has been handed out. */
static int walk_nested(struct psc_archive_walk *walk, const struct psc_archive_entry *entry,
		       struct psc_archive_input *nested)
{
	_cleanup_free_ char *container = NULL;

	if (asprintf(&container, "%s%s%.*s", entry->container ? entry->container : "",
		     entry->container ? "!/" : "", CONTAINER_MAX, entry->path) < 0)
		return -ENOMEM;
	if (entry->depth >= walk->limits.depth_max)
		return psc_archive_walk_skip(walk, "", container, entry->depth + 1,
					     PSC_ARCHIVE_SKIP_DEPTH, "nested too deeply");
	return psc_archive_walk_input(walk, nested, container, entry->depth + 1);
}

/* Hands out an entry with its content, and what is inside it. */
static int hand_out_content(struct psc_archive_walk *walk, struct psc_archive_entry *entry)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *nested = NULL;
	enum psc_archive_skip why = PSC_ARCHIVE_SKIP_NONE;
	const char *reason = NULL;
	int r;

	r = psc_archive_open(entry->fd, &nested, &why, &reason);
	if (r < 0 && r != -ENOEXEC)
		return r;
	entry->archive = r == 0;
	if (lseek(entry->fd, 0, SEEK_SET) < 0)
		return -errno;
	r = hand_out(walk, entry);
	if (r < 0)
		return r;
	if (nested)
		return walk_nested(walk, entry, nested);
	if (!why)
		return 0;
	entry->fd = -1;
	skip(entry, why, reason);
	return hand_out(walk, entry);
}

/* Members of a .deb are tar archives, read as they stream by. */
static int walk_member(struct psc_archive_walk *walk, struct psc_archive_input *input,
		       const char *path, const char *container, unsigned int depth)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *member = NULL;
	_cleanup_free_ char *inside = NULL;
	bool data = strncmp(path, "data.tar", 8) == 0;
	int r = psc_archive_input_member(input, PSC_INPUT_TAR, &member);

	/* data.tar is the root that the package is unpacked to */
	if (data && container)
		inside = strdup(container);
	else if (!data && asprintf(&inside, "%s%scontrol.tar", container ? container : "",
				   container ? "!/" : "") < 0)
		inside = NULL;
	if (!inside && (!data || container))
		return -ENOMEM;
	if (r == -ENOEXEC)
		return psc_archive_walk_skip(walk, path, container, depth,
					     PSC_ARCHIVE_SKIP_UNSUPPORTED,
					     "a part of the package that cannot be read");
	return r < 0 ? r : psc_archive_walk_input(walk, member, inside, depth);
}

static bool is_package_part(struct psc_archive_input *input, const char *path)
{
	return (archive_format(input->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_AR &&
	       (strncmp(path, "data.tar", 8) == 0 || strncmp(path, "control.tar", 11) == 0);
}

int psc_archive_walk_one(struct psc_archive_walk *walk, struct psc_archive_input *input,
			 struct archive_entry *from, const char *container, unsigned int depth)
{
	struct psc_archive_entry entry = {.container = container, .depth = depth};
	const char *name = psc_archive_entry_path(from);
	_cleanup_free_ char *path = strdup(name);
	size_t length = strlen(name);
	int r = psc_archive_walk_entry(walk, container, depth);

	if (r)
		return r;
	if (!path)
		return -ENOMEM;
	while (length > 0 && path[length - 1] == '/')
		path[--length] = 0;
	if (is_package_part(input, path))
		return walk_member(walk, input, path, container, depth);
	entry.path = path;
	if (archive_format(input->archive) == ARCHIVE_FORMAT_RAW)
		entry.path = "content";
	describe(from, &entry);
	if (!length)
		return 0; /* the root itself */
	if (!S_ISREG(entry.mode) || archive_entry_hardlink(from))
		return hand_out(walk, &entry);
	r = take_content(walk, input, from, &entry);
	if (r)
		return r;
	return entry.fd < 0 ? hand_out(walk, &entry) : hand_out_content(walk, &entry);
}

int psc_archive_walk_input(struct psc_archive_walk *walk, struct psc_archive_input *input,
			   const char *container, unsigned int depth)
{
	struct archive_entry *entry;
	int r;

	while ((r = psc_archive_input_next(input, &entry)) > 0) {
		r = psc_archive_walk_one(walk, input, entry, container, depth);
		if (r < 0)
			return r;
		if (walk->stopped)
			return 0;
	}
	if (r == -EBADMSG)
		return psc_archive_walk_skip(walk, "", container, depth, PSC_ARCHIVE_SKIP_DAMAGED,
					     psc_archive_input_reason(input));
	return r;
}
