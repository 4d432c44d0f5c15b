/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.c - what archive.h promises but the walk itself: what is recognised, by which reader,
 * and where the inside of a file begins.
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/format.h"
#include "user/core/names.h"
#include "user/identify/archive.h"
#include "user/identify/archive_walk.h"
#include "user/identify/run.h"

static const char *const skip_names[PSC_ARCHIVE_SKIP_MAX] = {
	[PSC_ARCHIVE_SKIP_NONE] = "none",
	[PSC_ARCHIVE_SKIP_TOO_LARGE] = "too_large",
	[PSC_ARCHIVE_SKIP_ENCRYPTED] = "encrypted",
	[PSC_ARCHIVE_SKIP_DAMAGED] = "damaged",
	[PSC_ARCHIVE_SKIP_DEPTH] = "depth",
	[PSC_ARCHIVE_SKIP_BYTES] = "bytes",
	[PSC_ARCHIVE_SKIP_ENTRIES] = "entries",
	[PSC_ARCHIVE_SKIP_RATIO] = "ratio",
	[PSC_ARCHIVE_SKIP_UNSUPPORTED] = "unsupported",
	[PSC_ARCHIVE_SKIP_MISSING] = "missing",
};

enum magic_kind {
	ARCHIVE = 0,
	COMPRESSED = 1, /* an archive inside, or one file */
	WEAK = 2,	/* as COMPRESSED, but other files begin so, too */
	UNREAD = 3,	/* recognised, so that it can be reported */
};

#define MAGIC(text, at) text, sizeof(text) - 1, at
/* clang-format off */
static const struct magic {
	const char *bytes;
	size_t size;
	size_t offset;
	enum magic_kind kind;
	const char *name; /* of what is not read */
} magics[] = {
	{MAGIC("ustar", 257), ARCHIVE, NULL},
	{MAGIC("\x1f\x8b\x08", 0), COMPRESSED, NULL},
	{MAGIC("\xfd" "7zXZ\0", 0), COMPRESSED, NULL},
	{MAGIC("\x28\xb5\x2f\xfd", 0), COMPRESSED, NULL},
	{MAGIC("BZh", 0), WEAK, NULL},
	{MAGIC("\x5d\0\0", 0), WEAK, NULL}, /* lzma */
	{MAGIC("PK\003\004", 0), ARCHIVE, NULL},
	{MAGIC("PK\005\006", 0), ARCHIVE, NULL}, /* an empty zip */
	{MAGIC("070701", 0), ARCHIVE, NULL},
	{MAGIC("070702", 0), ARCHIVE, NULL},
	{MAGIC("070707", 0), ARCHIVE, NULL},
	{MAGIC("\xc7\x71", 0), WEAK, NULL}, /* cpio, binary */
	{MAGIC("!<arch>\n", 0), ARCHIVE, NULL},
	{MAGIC("\xed\xab\xee\xdb", 0), ARCHIVE, NULL}, /* rpm */
	{MAGIC("7z\xbc\xaf\x27\x1c", 0), UNREAD, "a 7-Zip archive"},
	{MAGIC("Rar!\x1a\x07", 0), UNREAD, "a RAR archive"},
	{MAGIC("MSCF\0\0\0\0", 0), UNREAD, "a Windows cabinet"},
	{MAGIC("hsqs", 0), UNREAD, "a SquashFS image"},
	{MAGIC("xar!", 0), UNREAD, "a xar archive"},
	{MAGIC("\x04\x22\x4d\x18", 0), UNREAD, "compressed by lz4"},
	{MAGIC("LZIP", 0), UNREAD, "compressed by lzip"},
	{MAGIC("\x89LZO\0\r\n\x1a\n", 0), UNREAD, "compressed by lzop"},
};
/* clang-format on */

/* Tar without a magic, from before 1988: its header has a sum. */
#define TAR_HEADER  512
#define TAR_SUM	    148
#define TAR_SUM_END 156

static bool is_old_tar(const uint8_t *head, size_t size)
{
	unsigned long sum = 0, wanted = 0;

	if (size < TAR_HEADER || head[0] == 0)
		return false;
	for (size_t i = TAR_SUM; i < TAR_SUM_END; i++) {
		if (head[i] >= '0' && head[i] <= '7')
			wanted = 8 * wanted + (head[i] - '0');
		else if (head[i] != ' ')
			break;
	}
	/* no number, no sum: that is nearly every file */
	for (size_t i = 0; i < TAR_HEADER && wanted; i++)
		sum += i >= TAR_SUM && i < TAR_SUM_END ? ' ' : head[i];
	return wanted && sum == wanted;
}

static const struct magic *find_magic(const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];

		if (size >= m->offset + m->size && memcmp(head + m->offset, m->bytes, m->size) == 0)
			return m;
	}
	return NULL;
}

bool psc_archive_detect(const uint8_t *head, size_t size)
{
	return find_magic(head, size) || is_old_tar(head, size);
}

const char *psc_archive_skip_to_string(unsigned int skip)
{
	return psc_name_of(skip_names, PSC_ARCHIVE_SKIP_MAX, skip);
}

/* What may begin there; 0: nothing. A zip is found from its end, behind a program as well. */
static unsigned int formats_of(const uint8_t *head, size_t size, const struct magic *magic)
{
	enum psc_format format = psc_format_detect(head, size);

	if (magic)
		return PSC_INPUT_ALL & ~PSC_INPUT_RAW;
	if (is_old_tar(head, size))
		return PSC_INPUT_TAR;
	if (format == PSC_FORMAT_PE || format == PSC_FORMAT_ELF)
		return PSC_INPUT_ZIP;
	return 0;
}

/* 1: an archive with entries. Zeros pass for an empty tar, whatever follows them. */
static int has_entries(int fd, uint64_t start, unsigned int formats)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct archive_entry *entry;
	int r = psc_archive_input_open(fd, start, formats, &input);

	if (r == 0)
		r = psc_archive_input_next(input, &entry);
	return r == -ENOEXEC ? 0 : r == -EBADMSG ? 1 : r;
}

/* An archive, else the one file that was compressed. */
static int open_formats(int fd, uint64_t start, unsigned int formats, bool compressed,
			struct psc_archive_input **ret)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	int r;

	if (!compressed)
		return psc_archive_input_open(fd, start, formats, ret);
	r = has_entries(fd, start, formats);
	if (r < 0)
		return r;
	if (r > 0)
		return psc_archive_input_open(fd, start, formats, ret);
	r = psc_archive_input_open(fd, start, PSC_INPUT_RAW, &input);
	if (r < 0)
		return r;
	if (!psc_archive_input_compressed(input))
		return psc_archive_input_open(fd, start, formats, ret);
	*ret = TAKE_PTR(input);
	return 0;
}

/* -ENOEXEC also for a script without an archive. */
static int open_script(int fd, struct psc_archive_input **ret, enum psc_archive_skip *ret_skip,
		       const char **ret_reason)
{
	_cleanup_(psc_run_clear) struct psc_run run = {0};
	int r = psc_run_read(fd, &run);

	if (r < 0)
		return r;
	if (run.encrypted) {
		*ret_skip = PSC_ARCHIVE_SKIP_ENCRYPTED;
		*ret_reason = "the archive behind the script is encrypted";
		return -ENOEXEC;
	}
	return open_formats(fd, run.script_size, PSC_INPUT_ALL & ~PSC_INPUT_RAW, true, ret);
}

int psc_archive_open(int fd, struct psc_archive_input **ret, enum psc_archive_skip *ret_skip,
		     const char **ret_reason)
{
	uint8_t head[TAR_HEADER];
	const struct magic *magic;
	unsigned int formats;
	ssize_t size = pread(fd, head, sizeof(head), 0);
	int r;

	if (size < 0)
		return -errno;
	*ret_skip = PSC_ARCHIVE_SKIP_NONE;
	if (size >= 2 && memcmp(head, "#!", 2) == 0)
		return open_script(fd, ret, ret_skip, ret_reason);
	magic = find_magic(head, size);
	if (magic && magic->kind == UNREAD) {
		*ret_skip = PSC_ARCHIVE_SKIP_UNSUPPORTED;
		*ret_reason = magic->name;
		return -ENOEXEC;
	}
	formats = formats_of(head, size, magic);
	if (formats == 0)
		return -ENOEXEC;
	r = open_formats(fd, 0, formats, magic && magic->kind != ARCHIVE, ret);
	if (r == -ENOEXEC && magic && magic->kind != WEAK) {
		*ret_skip = PSC_ARCHIVE_SKIP_DAMAGED;
		*ret_reason = "begins like an archive and is none";
	}
	return r;
}

static int walk_file(struct psc_archive_walk *walk, int fd)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	enum psc_archive_skip skip;
	const char *reason;
	int r = psc_archive_open(fd, &input, &skip, &reason);

	if (r == -ENOEXEC && skip)
		return psc_archive_walk_skip(walk, "", NULL, 0, skip, reason);
	if (r < 0)
		return r;
	return psc_archive_walk_input(walk, input, NULL, 0);
}

int psc_archive_walk(int fd, const struct psc_archive_limits *limits, psc_archive_fn fn, void *data)
{
	_cleanup_(psc_archive_walk_clear) struct psc_archive_walk walk;
	locale_t before = NULL, locale;
	int r = psc_archive_walk_init(&walk, fd, limits, fn, data);

	if (r < 0)
		return r;
	locale = psc_archive_locale_enter(&before);
	r = walk_file(&walk, fd);
	psc_archive_locale_leave(locale, before);
	return r;
}
