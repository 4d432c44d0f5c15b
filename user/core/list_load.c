/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_load.c - lists from texts, files and directories: splits into lines and sees
 * to all or nothing. See list.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/list.h"
#include "user/core/list_internal.h"

#define READ_SIZE (128 * 1024)
_Static_assert(READ_SIZE > 2 * PSC_LIST_LINE_MAX, "a line always fits the buffer");

/* Hands lines on and counts them. */
struct splitter {
	struct psc_list *list;
	const char *path;
	list_line_fn fn;
	struct psc_error *reterr;
	unsigned int line;
};

static int hand_line(struct splitter *s, const char *data, size_t size)
{
	if (s->line == UINT32_MAX) {
		psc_error_set(s->reterr, s->path, s->line, 0, "too many lines");
		return -E2BIG;
	}
	s->line++;
	if (size && data[size - 1] == '\r')
		size--;
	if (size > PSC_LIST_LINE_MAX) {
		psc_error_set(s->reterr, s->path, s->line, PSC_LIST_LINE_MAX + 1,
			      "line is longer than %u bytes", PSC_LIST_LINE_MAX);
		return -EINVAL;
	}
	return s->fn(s->list, s->path, s->line, data, size, s->reterr);
}

/*
 * Hands on the complete lines of @data, the rest too when it is the @last. Returns
 * how many bytes are done with in @ret_used.
 */
static int split(struct splitter *s, const char *data, size_t size, bool last, size_t *ret_used)
{
	size_t at = 0;
	int r;

	while (at < size) {
		const char *end = memchr(data + at, '\n', size - at);
		size_t length = end ? (size_t)(end - data) - at : size - at;

		/* Room for a carriage return; more cannot become a good line any more. */
		if (!end && !last && length <= PSC_LIST_LINE_MAX + 1)
			break;
		r = hand_line(s, data + at, length);
		if (r < 0)
			return r;
		at += length + (end != NULL);
	}
	/* An empty text has no first line, which is an error of the first line. */
	if (last && s->line == 0) {
		r = hand_line(s, "", 0);
		if (r < 0)
			return r;
	}
	*ret_used = at;
	return 0;
}

int list_split(struct psc_list *list, const char *path, const char *data, size_t size,
	       list_line_fn fn, struct psc_error *reterr)
{
	struct splitter s = {list, path, fn, reterr, 0};
	size_t used;

	return split(&s, data, size, true, &used);
}

int list_split_fd(struct psc_list *list, const char *path, int fd, list_line_fn fn,
		  struct psc_error *reterr)
{
	struct splitter s = {list, path, fn, reterr, 0};
	_cleanup_free_ char *buffer = malloc(READ_SIZE);
	size_t filled = 0;
	size_t used;
	int r;

	if (!buffer) {
		psc_error_set(reterr, path, 0, 0, "out of memory");
		return -ENOMEM;
	}
	for (;;) {
		ssize_t n = read(fd, buffer + filled, READ_SIZE - filled);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = -errno;
			psc_error_set(reterr, path, 0, 0, "cannot be read: %s", strerror(-r));
			return r;
		}
		filled += n;
		r = split(&s, buffer, filled, n == 0, &used);
		if (r < 0 || n == 0)
			return r;
		memmove(buffer, buffer + used, filled - used);
		filled -= used;
	}
}

static int parse_text(struct psc_list *list, const char *path, const char *data, size_t size,
		      list_line_fn fn, struct psc_error *reterr)
{
	struct list_mark mark;
	int r;

	list_mark(list, &mark);
	r = list_begin_file(list, path, reterr);
	if (r >= 0)
		r = list_split(list, path, data, size, fn, reterr);
	if (r < 0)
		list_rollback(list, &mark);
	return r;
}

int psc_list_parse(struct psc_list *list, const char *path, const char *data, size_t size,
		   struct psc_error *reterr)
{
	return parse_text(list, path, data, size, list_csv_line, reterr);
}

int psc_list_parse_sha256sum(struct psc_list *list, const char *path, const char *data, size_t size,
			     struct psc_error *reterr)
{
	return parse_text(list, path, data, size, list_sum_line, reterr);
}

/* Opens @name in @dirfd; @path is for errors. Not a FIFO's waiting, not a symbolic link. */
static int open_list(int dirfd, const char *name, const char *path, struct psc_error *reterr)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
		psc_error_set(reterr, path, 0, 0,
			      r == -ELOOP ? "is a symbolic link: expected a regular file"
					  : "cannot be opened: %s",
			      strerror(-r));
		return r;
	}
	if (fstat(fd, &st) < 0)
		r = -errno;
	else
		r = S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r < 0) {
		psc_error_set(reterr, path, 0, 0, "is not a regular file");
		return r;
	}
	return TAKE_FD(fd);
}

static int load_at(struct psc_list *list, int dirfd, const char *name, const char *path,
		   struct psc_error *reterr)
{
	_cleanup_close_ int fd = -1;
	struct list_mark mark;
	int r;

	fd = open_list(dirfd, name, path, reterr);
	if (fd < 0)
		return fd;
	list_mark(list, &mark);
	r = list_begin_file(list, path, reterr);
	if (r >= 0)
		r = list_split_fd(list, path, fd, list_csv_line, reterr);
	if (r < 0)
		list_rollback(list, &mark);
	return r;
}

int psc_list_load_file(struct psc_list *list, const char *path, struct psc_error *reterr)
{
	return load_at(list, AT_FDCWD, path, path, reterr);
}

static int is_list_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	size_t suffix = strlen(PSC_LIST_SUFFIX);

	return entry->d_name[0] != '.' && length > suffix &&
	       strcmp(entry->d_name + length - suffix, PSC_LIST_SUFFIX) == 0;
}

/* Not alphasort(): that asks the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_named(struct psc_list *list, int dirfd, const char *dir, const char *name,
		      struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		psc_error_set(reterr, dir, 0, 0, "out of memory");
		return -ENOMEM;
	}
	return load_at(list, dirfd, name, path, reterr);
}

int psc_list_load_dir(struct psc_list *list, const char *dir, struct psc_error *reterr)
{
	_cleanup_close_ int dirfd = -1;
	struct dirent **names = NULL;
	struct list_mark mark;
	int count = -1;
	int r = 0;

	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd >= 0)
		count = scandirat(dirfd, ".", &names, is_list_name, compare_names);
	if (count < 0) {
		r = -errno;
		psc_error_set(reterr, dir, 0, 0, "cannot be read as a directory of lists: %s",
			      strerror(-r));
		return r;
	}
	list_mark(list, &mark);
	for (int i = 0; i < count; i++) {
		if (r >= 0)
			r = load_named(list, dirfd, dir, names[i]->d_name, reterr);
		free(names[i]);
	}
	free(names);
	if (r < 0)
		list_rollback(list, &mark);
	return r;
}
