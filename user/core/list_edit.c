/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_edit.c - see list_edit.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/durable.h"
#include "user/core/hex.h"
#include "user/core/list_edit.h"
#include "user/core/text.h"

#define FILE_MAX  (1ULL << 31) /* bytes: 16 million lines of usual length */
#define FILE_MODE 0640

/* Bytes that grow. */
struct buffer {
	char *data;
	size_t size;
	size_t room;
};

/* Which file content this is, to see whether somebody else has changed it. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec mtime;
};

struct psc_list_backup {
	bool changed; /* the edit wrote something */
	bool existed;
	struct buffer content; /* before the edit */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct identity written; /* by the edit */
};

/* One edit of one file, from lock to unlock. */
struct edit {
	const char *path;
	struct psc_error *reterr;
	char *dir;
	const char *name;
	int dirfd;
	int lockfd;
	struct psc_list_backup *before;
};

static void free_buffer(struct buffer *buffer)
{
	free(buffer->data);
}

void psc_list_backup_freep(struct psc_list_backup **backup)
{
	if (*backup)
		free_buffer(&(*backup)->content);
	free(*backup);
	*backup = NULL;
}

static int append(struct buffer *buffer, const char *data, size_t size)
{
	if (size > buffer->room - buffer->size) {
		size_t room = buffer->room + buffer->room / 2 + size + 256;
		char *grown = realloc(buffer->data, room);

		if (!grown)
			return -ENOMEM;
		buffer->data = grown;
		buffer->room = room;
	}
	if (size)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	return 0;
}

/* ---- rendering ----------------------------------------------------------- */

static int append_field(struct buffer *line, const char *text)
{
	size_t length = strlen(text);
	int r = 0;

	if (!text[strcspn(text, "\",")])
		return append(line, text, length);
	r = append(line, "\"", 1);
	for (size_t i = 0; i < length && r >= 0; i++)
		r = append(line, text[i] == '"' ? "\"\"" : &text[i], text[i] == '"' ? 2 : 1);
	return r < 0 ? r : append(line, "\"", 1);
}

static int append_head(struct buffer *line, const struct psc_list_entry *entry)
{
	char digits[2 * PSC_ALGO_DIGEST_MAX + 1];
	char size[24] = "";
	_cleanup_free_ char *text = NULL;
	int length;

	psc_hex_encode(entry->digest, entry->digest_size, digits);
	if (entry->has_size)
		snprintf(size, sizeof(size), "%llu", (unsigned long long)entry->size);
	length = asprintf(&text, "%s,%s,%s,%s", psc_algo_to_string(entry->algo), digits, size,
			  entry->format == PSC_FORMAT_ANY ? ""
							  : psc_format_to_string(entry->format));
	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return append(line, text, length);
}

/* Appends the rendered entry with its line feed. */
static int append_line(struct buffer *lines, const struct psc_list_entry *entry)
{
	const char *const texts[] = {entry->name, entry->product, entry->version, entry->source};
	size_t begin = lines->size;
	const char *why;
	int r;

	if (!entry->digest || entry->digest_size == 0 ||
	    entry->digest_size != psc_algo_size(entry->algo) ||
	    !psc_format_to_string(entry->format) || (entry->has_size && entry->size == 0))
		return -EINVAL;
	r = append_head(lines, entry);
	for (size_t i = 0; i < ARRAY_SIZE(texts) && r >= 0; i++) {
		const char *text = texts[i] ? texts[i] : "";

		if (psc_text_span(text, strlen(text), &why) < strlen(text))
			return -EINVAL;
		r = append(lines, ",", 1);
		if (r >= 0)
			r = append_field(lines, text);
	}
	if (r < 0)
		return r;
	if (lines->size - begin > PSC_LIST_LINE_MAX)
		return -EINVAL;
	return append(lines, "\n", 1);
}

int psc_list_format_line(const struct psc_list_entry *entry, char **ret)
{
	_cleanup_(free_buffer) struct buffer line = {0};
	int r = append_line(&line, entry);

	if (r >= 0)
		r = append(&line, "", 1);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(line.data);
	return 0;
}

/* ---- files --------------------------------------------------------------- */

static int fail(struct edit *e, int r, const char *what)
{
	psc_error_set(e->reterr, e->path, 0, 0, "%s: %s", what, strerror(-r));
	return r;
}

static void end_edit(struct edit *e)
{
	if (e->lockfd >= 0)
		close(e->lockfd);
	if (e->dirfd >= 0)
		close(e->dirfd);
	free(e->dir);
	psc_list_backup_freep(&e->before);
}

static struct identity identify(const struct stat *st)
{
	return (struct identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* Reads what there is now into e->before. */
static int read_before(struct edit *e)
{
	struct psc_list_backup *before = e->before;
	_cleanup_close_ int fd = -1;
	char chunk[16384];
	struct stat st;
	int r;

	fd = openat(e->dirfd, e->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail(e, -errno, "cannot be opened");
	if (fstat(fd, &st) < 0)
		return fail(e, -errno, "cannot be examined");
	if (!S_ISREG(st.st_mode))
		return fail(e, -EINVAL, "is not a regular file");
	if ((uint64_t)st.st_size > FILE_MAX)
		return fail(e, -EFBIG, "cannot be edited");
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(e, -errno, "cannot be read");
		if (n == 0)
			break;
		r = append(&before->content, chunk, n);
		if (r < 0)
			return fail(e, r, "cannot be read");
	}
	before->existed = true;
	before->mode = st.st_mode & 07777;
	before->uid = st.st_uid;
	before->gid = st.st_gid;
	before->written = identify(&st);
	return 0;
}

/* Locks the directory and reads the file. */
static int begin_edit(struct edit *e, const char *path, struct psc_error *reterr)
{
	const char *slash = strrchr(path, '/');

	*e = (struct edit){.path = path, .reterr = reterr, .dirfd = -1, .lockfd = -1};
	e->name = slash ? slash + 1 : path;
	if (!e->name[0])
		return fail(e, -EISDIR, "cannot be edited");
	e->dir = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, slash - path);
	e->before = calloc(1, sizeof(*e->before));
	if (!e->dir || !e->before)
		return fail(e, -ENOMEM, "cannot be edited");
	e->dirfd = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dirfd < 0)
		return fail(e, -errno, "its directory cannot be opened");
	e->lockfd = openat(e->dirfd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (e->lockfd < 0)
		return fail(e, -errno, "its directory cannot be locked");
	while (flock(e->lockfd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return fail(e, -errno, "its directory cannot be locked");
	}
	return read_before(e);
}

/* Content, owner and mode of the file before it gets its name. */
static int fill_file(struct psc_durable *file, const struct buffer *content,
		     const struct psc_list_backup *like, struct identity *ret)
{
	struct stat st;
	int r = psc_durable_write(file, content->data, content->size);

	if (r < 0)
		return r;
	if (fstat(file->fd, &st) < 0)
		return -errno;
	if (like->existed && (st.st_uid != like->uid || st.st_gid != like->gid) &&
	    fchown(file->fd, like->uid, like->gid) < 0)
		return -errno;
	if (fchmod(file->fd, like->existed ? like->mode : FILE_MODE) < 0)
		return -errno;
	*ret = identify(&st);
	return 0;
}

/* Puts @content in the file's place; owner and mode as of @like, if that existed. */
static int replace_file(struct edit *e, const struct buffer *content,
			const struct psc_list_backup *like, struct identity *ret)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(e->dirfd, e->name, &file);

	if (r >= 0)
		r = fill_file(&file, content, like, ret);
	if (r >= 0)
		r = psc_durable_replace(&file);
	if (r < 0)
		return fail(e, r, "cannot be written");
	r = psc_durable_settle(&file);
	if (r < 0)
		return fail(e, r, "written, but its directory cannot be synced");
	return 0;
}

/* Writes @content, if it is @changed, and hands the backup out. */
static int finish_edit(struct edit *e, const struct buffer *content, bool changed,
		       struct psc_list_backup **ret_backup)
{
	struct identity written = {0};
	int r;

	if (changed) {
		r = replace_file(e, content, e->before, &written);
		if (r < 0)
			return r;
	}
	e->before->changed = changed;
	e->before->written = written;
	if (ret_backup)
		*ret_backup = TAKE_PTR(e->before);
	return 0;
}

/* Parses what there is; an empty or missing file is an empty list. */
static int parse_before(struct edit *e, struct psc_list **ret)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	const struct buffer *content = &e->before->content;
	int r;

	r = psc_list_new(&list);
	if (r >= 0 && content->size)
		r = psc_list_parse(list, e->path, content->data, content->size, e->reterr);
	else if (r < 0)
		fail(e, r, "cannot be edited");
	if (r < 0)
		return r;
	r = psc_list_index(list);
	if (r < 0)
		return fail(e, r, "cannot be edited");
	*ret = TAKE_PTR(list);
	return 0;
}

/* As begin_edit(), and parses what was read. */
static int begin_parsed(struct edit *e, const char *path, struct psc_list **ret,
			struct psc_error *reterr)
{
	int r = begin_edit(e, path, reterr);

	return r < 0 ? r : parse_before(e, ret);
}

/* Marks the entries of @additions that are in @present or stand further ahead. */
static int find_known(const struct psc_list *additions, const struct psc_list *present, bool **ret)
{
	_cleanup_free_ uint32_t *order = NULL;
	_cleanup_free_ bool *known = NULL;
	size_t count = psc_list_count(additions);
	struct psc_list_entry last = {0};
	int r;

	r = psc_list_sorted(additions, &order);
	if (r < 0)
		return r;
	known = calloc(count + 1, sizeof(*known));
	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct psc_list_entry entry, found;

		psc_list_get(additions, order[i], &entry);
		known[order[i]] =
			(last.digest && last.algo == entry.algo &&
			 memcmp(last.digest, entry.digest, entry.digest_size) == 0) ||
			psc_list_find_algo(present, entry.algo, entry.digest, &found) == 0;
		last = entry;
	}
	*ret = TAKE_PTR(known);
	return 0;
}

/* The new content: what there is, with an end to its last line, and the new lines. */
static int build_addition(struct edit *e, const struct psc_list *additions, const bool *known,
			  struct buffer *content, size_t *ret_added)
{
	const struct buffer *before = &e->before->content;
	size_t added = 0;
	int r;

	r = before->size ? append(content, before->data, before->size)
			 : append(content, PSC_LIST_HEADER "\n", strlen(PSC_LIST_HEADER "\n"));
	if (r >= 0 && before->size && before->data[before->size - 1] != '\n')
		r = append(content, "\n", 1);
	for (size_t i = 0; i < psc_list_count(additions) && r >= 0; i++) {
		struct psc_list_entry entry;

		psc_list_get(additions, i, &entry);
		if (known[i])
			continue;
		r = append_line(content, &entry);
		if (r == -EINVAL) {
			psc_error_set(e->reterr, e->path, 0, 0,
				      "entry %zu would be a line longer than %u bytes", i + 1,
				      PSC_LIST_LINE_MAX);
			return r;
		}
		added++;
	}
	if (r < 0)
		return fail(e, r, "cannot be edited");
	*ret_added = added;
	return 0;
}

int psc_list_file_add(const char *path, const struct psc_list *additions, size_t *ret_added,
		      struct psc_list_backup **ret_backup, struct psc_error *reterr)
{
	_cleanup_(psc_list_freep) struct psc_list *present = NULL;
	_cleanup_(free_buffer) struct buffer content = {0};
	_cleanup_(end_edit) struct edit e;
	_cleanup_free_ bool *known = NULL;
	size_t added = 0;
	int r;

	r = begin_parsed(&e, path, &present, reterr);
	if (r < 0)
		return r;
	r = find_known(additions, present, &known);
	if (r < 0)
		return fail(&e, r, "cannot be edited");
	r = build_addition(&e, additions, known, &content, &added);
	if (r < 0)
		return r;
	r = finish_edit(&e, &content, added > 0, ret_backup);
	if (r < 0)
		return r;
	if (ret_added)
		*ret_added = added;
	return 0;
}

/* Copies every line but those on which the digest stands. */
static int build_removal(struct edit *e, const struct psc_list *present, enum psc_algo algo,
			 const uint8_t *digest, struct buffer *content, size_t *ret_removed)
{
	const struct buffer *before = &e->before->content;
	size_t removed = 0;
	size_t at = 0;
	size_t next = 0;
	int r;

	/* Lines and entries both ascend: entry @next is the one on or after the line. */
	for (unsigned int line = 1; at < before->size; line++) {
		const char *end = memchr(before->data + at, '\n', before->size - at);
		size_t length = end ? (size_t)(end - before->data) - at + 1 : before->size - at;
		struct psc_list_entry entry;

		while (psc_list_get(present, next, &entry) == 0 && entry.line < line)
			next++;
		if (psc_list_get(present, next, &entry) == 0 && entry.line == line &&
		    entry.algo == algo && memcmp(entry.digest, digest, entry.digest_size) == 0) {
			removed++;
		} else {
			r = append(content, before->data + at, length);
			if (r < 0)
				return fail(e, r, "cannot be edited");
		}
		at += length;
	}
	*ret_removed = removed;
	return 0;
}

int psc_list_file_remove(const char *path, enum psc_algo algo, const uint8_t *digest,
			 size_t *ret_removed, struct psc_list_backup **ret_backup,
			 struct psc_error *reterr)
{
	_cleanup_(psc_list_freep) struct psc_list *present = NULL;
	_cleanup_(free_buffer) struct buffer content = {0};
	_cleanup_(end_edit) struct edit e;
	size_t removed = 0;
	int r;

	r = begin_parsed(&e, path, &present, reterr);
	if (r < 0)
		return r;
	r = build_removal(&e, present, algo, digest, &content, &removed);
	if (r < 0)
		return r;
	r = finish_edit(&e, &content, removed > 0, ret_backup);
	if (r < 0)
		return r;
	if (ret_removed)
		*ret_removed = removed;
	return 0;
}

int psc_list_file_restore(const char *path, const struct psc_list_backup *backup,
			  struct psc_error *reterr)
{
	_cleanup_(end_edit) struct edit e;
	struct identity written;
	int r;

	if (!backup->changed) {
		e = (struct edit){.dirfd = -1, .lockfd = -1};
		return 0;
	}
	r = begin_edit(&e, path, reterr);
	if (r < 0)
		return r;
	if (!e.before->existed || !same_identity(&e.before->written, &backup->written))
		return fail(&e, -ESTALE, "was changed by somebody else, not put back");
	if (backup->existed)
		return replace_file(&e, &backup->content, backup, &written);
	if (unlinkat(e.dirfd, e.name, 0) < 0)
		return fail(&e, -errno, "cannot be removed");
	if (fsync(e.dirfd) < 0)
		return fail(&e, -errno, "removed, but its directory cannot be synced");
	return 0;
}
