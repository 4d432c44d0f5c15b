/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_input.c - see archive_input.h.
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/archive_input.h"

static la_ssize_t read_file(struct archive *archive, void *data, const void **ret)
{
	struct psc_archive_input *input = data;
	ssize_t n;

	do {
		n = pread(input->fd, input->buffer, sizeof(input->buffer), input->position);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		input->error = -errno;
		archive_set_error(archive, errno, "read failed");
		return -1;
	}
	input->position += n;
	*ret = input->buffer;
	return n;
}

static la_int64_t skip_file(struct archive *archive, void *data, la_int64_t request)
{
	struct psc_archive_input *input = data;
	uint64_t rest = input->size > input->position ? input->size - input->position : 0;

	if (request <= 0)
		return 0;
	if ((uint64_t)request > rest)
		request = (la_int64_t)rest;
	input->position += request;
	return request;
}

static la_int64_t seek_file(struct archive *archive, void *data, la_int64_t offset, int whence)
{
	struct psc_archive_input *input = data;
	int64_t base = whence == SEEK_SET   ? (int64_t)input->start
		       : whence == SEEK_CUR ? (int64_t)input->position
					    : (int64_t)input->size;
	int64_t to;

	if (__builtin_add_overflow(base, offset, &to) || to < (int64_t)input->start ||
	    to > (int64_t)input->size)
		return ARCHIVE_FATAL;
	input->position = to;
	return to - (int64_t)input->start;
}

static la_ssize_t read_member(struct archive *archive, void *data, const void **ret)
{
	struct psc_archive_input *input = data;
	uint64_t offset;
	size_t size;
	int r;

	do {
		r = psc_archive_input_read(input->outer, ret, &size, &offset);
	} while (r > 0 && size == 0);
	if (r < 0) {
		input->error = r == -EOPNOTSUPP ? -EBADMSG : r;
		archive_set_error(archive, EIO, "%s", psc_archive_input_reason(input->outer));
		return -1;
	}
	return r == 0 ? 0 : (la_ssize_t)size;
}

/*
 * Only what is read by this process itself: for other compressions libarchive would start
 * programs (it says so by a warning).
 */
static int support(struct archive *archive, unsigned int formats)
{
	int (*const filter[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,	  archive_read_support_filter_lzma,
		archive_read_support_filter_zstd,
	};
	static const struct {
		unsigned int bit;
		int (*add)(struct archive *);
	} format[] = {
		{PSC_INPUT_TAR, archive_read_support_format_tar},
		{PSC_INPUT_CPIO, archive_read_support_format_cpio},
		{PSC_INPUT_ZIP, archive_read_support_format_zip},
		{PSC_INPUT_AR, archive_read_support_format_ar},
		{PSC_INPUT_RPM, archive_read_support_filter_rpm},
		{PSC_INPUT_RPM, archive_read_support_format_cpio},
		{PSC_INPUT_RAW, archive_read_support_format_raw},
	};

	for (size_t i = 0; i < ARRAY_SIZE(filter); i++) {
		if (filter[i](archive) == ARCHIVE_FATAL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(format); i++) {
		if (formats & format[i].bit && format[i].add(archive) == ARCHIVE_FATAL)
			return -ENOMEM;
	}
	return 0;
}

/*
 * The errno behind a failure of libarchive. Its lack of memory is damage: a header that claims
 * gigabytes must not end the walk over everything else.
 */
static int failure(const struct psc_archive_input *input)
{
	for (const struct psc_archive_input *i = input; i; i = i->outer) {
		if (i->error < 0)
			return i->error;
	}
	return -EBADMSG;
}

static int open_input(struct psc_archive_input *input, unsigned int formats)
{
	int r;

	input->archive = archive_read_new();
	if (!input->archive)
		return -ENOMEM;
	r = support(input->archive, formats);
	if (r < 0)
		return r;
	archive_read_set_callback_data(input->archive, input);
	archive_read_set_read_callback(input->archive, input->outer ? read_member : read_file);
	if (!input->outer) {
		archive_read_set_skip_callback(input->archive, skip_file);
		archive_read_set_seek_callback(input->archive, seek_file);
	}
	r = archive_read_open1(input->archive);
	if (r == ARCHIVE_FATAL || r == ARCHIVE_FAILED) {
		r = failure(input);
		return r == -EBADMSG ? -ENOEXEC : r;
	}
	return 0;
}

static int new_input(struct psc_archive_input **ret)
{
	struct psc_archive_input *input = malloc(sizeof(*input));

	if (!input)
		return -ENOMEM;
	/* the buffer is left as it is */
	memset(input, 0, offsetof(struct psc_archive_input, buffer));
	input->fd = -1;
	*ret = input;
	return 0;
}

int psc_archive_input_open(int fd, uint64_t start, unsigned int formats,
			   struct psc_archive_input **ret)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || start > (uint64_t)st.st_size)
		return -ENOEXEC;
	r = new_input(&input);
	if (r < 0)
		return r;
	input->fd = fd;
	input->start = start;
	input->position = start;
	input->size = st.st_size;
	r = open_input(input, formats);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(input);
	return 0;
}

int psc_archive_input_member(struct psc_archive_input *outer, unsigned int formats,
			     struct psc_archive_input **ret)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	int r = new_input(&input);

	if (r < 0)
		return r;
	input->outer = outer;
	r = open_input(input, formats);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(input);
	return 0;
}

void psc_archive_input_freep(struct psc_archive_input **input)
{
	if (!*input)
		return;
	archive_read_free((*input)->archive);
	free(*input);
}

int psc_archive_input_next(struct psc_archive_input *input, struct archive_entry **ret)
{
	int r;

	/*
	 * When libarchive cannot convert a name, which is in the file's hand, it takes an errno of
	 * ENOMEM, however old, for a lack of memory and ends the process.
	 */
	errno = 0;
	r = archive_read_next_header(input->archive, ret);
	/* the names of the entry are asked for next */
	errno = 0;
	switch (r) {
	case ARCHIVE_OK:
	case ARCHIVE_WARN:
		return 1;
	case ARCHIVE_EOF:
		return 0;
	default:
		return failure(input);
	}
}

int psc_archive_input_read(struct psc_archive_input *input, const void **ret, size_t *ret_size,
			   uint64_t *ret_offset)
{
	const void *data;
	la_int64_t offset;
	size_t size;
	int r = archive_read_data_block(input->archive, &data, &size, &offset);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r == ARCHIVE_FAILED && input->error == 0)
		return -EOPNOTSUPP;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return failure(input);
	if (offset < 0)
		return -EBADMSG;
	*ret = data;
	*ret_size = size;
	*ret_offset = offset;
	return 1;
}

int psc_archive_input_slurp(struct psc_archive_input *input, size_t max, char **ret,
			    size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		const void *data;
		uint64_t offset;
		size_t n;
		char *more;
		int r = psc_archive_input_read(input, &data, &n, &offset);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (n == 0)
			continue;
		if (offset > max || n > max - offset)
			return -E2BIG;
		if (offset < size)
			return -EBADMSG;
		room = offset + n;
		more = realloc(text, room + 1);
		if (!more)
			return -ENOMEM;
		text = more;
		memset(text + size, 0, offset - size);
		memcpy(text + offset, data, n);
		size = room;
	}
	if (!text && !(text = malloc(1)))
		return -ENOMEM;
	text[size] = 0;
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

bool psc_archive_input_compressed(const struct psc_archive_input *input)
{
	if (archive_filter_code(input->archive, 0) != ARCHIVE_FILTER_NONE)
		return true;
	return input->outer && psc_archive_input_compressed(input->outer);
}

const char *psc_archive_input_reason(const struct psc_archive_input *input)
{
	const char *text = archive_error_string(input->archive);

	return text ? text : "damaged";
}

const char *psc_archive_entry_path(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	if (!path)
		path = archive_entry_pathname_utf8(entry);
	if (!path)
		return "";
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (path[0] == '.' && path[1] == '/')
			path += 2;
		else
			break;
	}
	return strcmp(path, ".") == 0 ? "" : path;
}

locale_t psc_archive_locale_enter(locale_t *ret_before)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);

	if (locale)
		*ret_before = uselocale(locale);
	return locale;
}

void psc_archive_locale_leave(locale_t locale, locale_t before)
{
	if (!locale)
		return;
	uselocale(before);
	freelocale(locale);
}
