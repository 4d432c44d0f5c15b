/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.c - see inputs.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/inputs.h"
#include "user/core/digest.h"
#include "user/core/list.h"

#define DEPTH_MAX 2 /* directories: a catalog has one a vendor */

void psc_inputs_clear(struct psc_inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		free(inputs->item[i].path);
	free(inputs->item);
	*inputs = (struct psc_inputs){};
}

static struct psc_input_stamp stamp_of(const struct stat *st)
{
	return (struct psc_input_stamp){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
	};
}

static bool same_instant(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

static bool same_stamp(const struct psc_input_stamp *one, const struct psc_input_stamp *other)
{
	return one->device == other->device && one->inode == other->inode &&
	       one->size == other->size && same_instant(&one->modified, &other->modified) &&
	       same_instant(&one->changed, &other->changed);
}

static int add_file(struct psc_inputs *inputs, enum psc_input_kind kind, const char *path,
		    const struct stat *st)
{
	struct psc_input one = {.kind = kind, .stamp = stamp_of(st)};
	struct psc_input *grown;

	if (inputs->count >= PSC_INPUTS_MAX)
		return -E2BIG;
	grown = reallocarray(inputs->item, inputs->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	inputs->item = grown;
	one.path = strdup(path);
	if (!one.path)
		return -ENOMEM;
	grown[inputs->count++] = one;
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* What the reader of lists takes out of a directory. */
static bool is_meant(enum psc_input_kind kind, const char *name)
{
	size_t length = strlen(name), suffix = strlen(PSC_LIST_SUFFIX);

	return kind != PSC_INPUT_LIST ||
	       (length > suffix && strcmp(name + length - suffix, PSC_LIST_SUFFIX) == 0);
}

static int add(struct psc_inputs *inputs, enum psc_input_kind kind, const char *path,
	       unsigned int depth);

static int add_directory(struct psc_inputs *inputs, enum psc_input_kind kind, const char *path,
			 unsigned int depth)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, is_visible, alphasort), r = 0;

	for (int i = 0; i < count; i++) {
		char *child = NULL;

		if (!is_meant(kind, names[i]->d_name)) {
			free(names[i]);
			continue;
		}
		if (r >= 0 && asprintf(&child, "%s/%s", path, names[i]->d_name) < 0) {
			child = NULL;
			r = -ENOMEM;
		}
		if (r >= 0)
			r = add(inputs, kind, child, depth + 1);
		free(child);
		free(names[i]);
	}
	free(names);
	return r;
}

/* Deeper than DEPTH_MAX nobody reads. */
static int add(struct psc_inputs *inputs, enum psc_input_kind kind, const char *path,
	       unsigned int depth)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return add_file(inputs, kind, path, &st);
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		return add_directory(inputs, kind, path, depth);
	return 0;
}

int psc_inputs_add(struct psc_inputs *inputs, enum psc_input_kind kind, const char *path)
{
	return add(inputs, kind, path, 0);
}

const struct psc_input *psc_inputs_find(const struct psc_inputs *inputs, const char *path)
{
	for (size_t i = 0; i < inputs->count; i++) {
		if (strcmp(inputs->item[i].path, path) == 0)
			return &inputs->item[i];
	}
	return NULL;
}

static void digest_file(struct psc_input *input)
{
	_cleanup_close_ int fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct psc_input_stamp stamp;
	struct stat st;

	if (fd < 0 || psc_digest_fd(fd, input->digest, NULL) < 0 || fstat(fd, &st) < 0)
		return;
	stamp = stamp_of(&st);
	input->digested = same_stamp(&stamp, &input->stamp);
}

void psc_inputs_digest(struct psc_inputs *inputs, const struct psc_inputs *before)
{
	for (size_t i = 0; i < inputs->count; i++) {
		struct psc_input *input = &inputs->item[i];
		const struct psc_input *known;

		if (input->kind != PSC_INPUT_CONFIGURATION && input->kind != PSC_INPUT_LIST)
			continue;
		known = before ? psc_inputs_find(before, input->path) : NULL;
		if (known && known->digested && same_stamp(&known->stamp, &input->stamp)) {
			memcpy(input->digest, known->digest, PSC_DIGEST_SIZE);
			input->digested = true;
		} else {
			digest_file(input);
		}
	}
}

/* The next one of @kind, from @at on; NULL: there is none. */
static const struct psc_input *next_of(const struct psc_inputs *inputs, enum psc_input_kind kind,
				       size_t *at)
{
	while (*at < inputs->count) {
		const struct psc_input *input = &inputs->item[(*at)++];

		if (input->kind == kind)
			return input;
	}
	return NULL;
}

static const char *difference_of(const struct psc_inputs *one, const struct psc_inputs *other,
				 enum psc_input_kind kind)
{
	const struct psc_input *a, *b;
	size_t at_a = 0, at_b = 0;

	for (;;) {
		a = next_of(one, kind, &at_a);
		b = next_of(other, kind, &at_b);
		if (!a || !b)
			return a ? a->path : b ? b->path : NULL;
		/* sorted: what sorts first is missing on the other side */
		if (strcmp(a->path, b->path) != 0)
			return psc_inputs_find(other, a->path) ? b->path : a->path;
		if (!same_stamp(&a->stamp, &b->stamp))
			return a->path;
	}
}

bool psc_inputs_same(const struct psc_inputs *one, const struct psc_inputs *other,
		     enum psc_input_kind kind)
{
	return !difference_of(one, other, kind);
}

const char *psc_inputs_difference(const struct psc_inputs *one, const struct psc_inputs *other)
{
	for (unsigned int kind = 0; kind < PSC_INPUT_KIND_MAX; kind++) {
		const char *path = difference_of(one, other, (enum psc_input_kind)kind);

		if (path)
			return path;
	}
	return NULL;
}
