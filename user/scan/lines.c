/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.c - see lines.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <zlib.h>

#include "user/core/util.h"
#include "user/scan/lines.h"

#define BUFFER_SIZE 32768

struct psc_lines {
	gzFile file; /* reads what is no gzip as it is */
	uint64_t left;
	unsigned int number;
	int error;
	size_t at, end; /* of the buffer */
	char buffer[BUFFER_SIZE];
	char line[PSC_LINE_MAX + 1];
};

int psc_lines_open(int fd, uint64_t most, struct psc_lines **ret)
{
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct psc_lines *lines;

	if (copy < 0 || lseek(copy, 0, SEEK_SET) < 0)
		return -errno;
	lines = malloc(sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	memset(lines, 0, offsetof(struct psc_lines, buffer));
	lines->left = most;
	lines->file = gzdopen(copy, "rb");
	if (!lines->file) {
		free(lines);
		return -ENOMEM;
	}
	TAKE_FD(copy);
	*ret = lines;
	return 0;
}

struct psc_lines *psc_lines_free(struct psc_lines *lines)
{
	if (lines)
		gzclose(lines->file);
	free(lines);
	return NULL;
}

void psc_lines_freep(struct psc_lines **lines)
{
	*lines = psc_lines_free(*lines);
}

static bool refill(struct psc_lines *lines)
{
	unsigned int want = lines->left < BUFFER_SIZE ? (unsigned int)lines->left : BUFFER_SIZE;
	int n, code;

	if (lines->error)
		return false;
	if (!want) {
		lines->error = -E2BIG;
		return false;
	}
	n = gzread(lines->file, lines->buffer, want);
	if (n <= 0) {
		gzerror(lines->file, &code);
		if (code == Z_ERRNO)
			lines->error = -errno ?: -EIO;
		else if (code != Z_OK && code != Z_STREAM_END)
			lines->error = -EBADMSG;
		return false;
	}
	lines->left -= (uint64_t)n;
	lines->at = 0;
	lines->end = (size_t)n;
	return true;
}

char *psc_lines_next(struct psc_lines *lines, size_t *ret_length)
{
	size_t length = 0;
	bool any = false;

	for (;;) {
		size_t piece, take;
		char *end;

		if (lines->at == lines->end && !refill(lines))
			break;
		any = true;
		end = memchr(lines->buffer + lines->at, '\n', lines->end - lines->at);
		piece = end ? (size_t)(end - lines->buffer) - lines->at : lines->end - lines->at;
		take = piece < PSC_LINE_MAX - length ? piece : PSC_LINE_MAX - length;
		memcpy(lines->line + length, lines->buffer + lines->at, take);
		length += take;
		lines->at += piece;
		if (end) {
			lines->at++;
			break;
		}
	}
	if (!any)
		return NULL;
	if (length && lines->line[length - 1] == '\r')
		length--;
	lines->line[length] = '\0';
	lines->number++;
	if (ret_length)
		*ret_length = length;
	return lines->line;
}

unsigned int psc_lines_number(const struct psc_lines *lines)
{
	return lines->number;
}

int psc_lines_error(const struct psc_lines *lines)
{
	return lines->error;
}
