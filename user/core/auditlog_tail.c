/* SPDX-License-Identifier: Apache-2.0 */
/* auditlog_tail.c - see auditlog_tail.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_names.h"
#include "user/core/auditlog_tail.h"
#include "user/core/chain.h"

/* Bytes that are read at a time; the longest line fits. */
#define WINDOW (4 * PSC_AUDITLOG_LINE_MAX)

struct look {
	const char *boot_id;
	struct psc_auditlog_tail *tail;
	uint64_t left; /* bytes that may still be read */
	bool done;
	char window[WINDOW];
};

/*
 * The number behind @name, which stands with its quotes: those within a string are escaped, so
 * that no text of an event looks like it.
 */
static bool find_number(const char *text, size_t size, const char *name, uint64_t *ret)
{
	const char *at = memmem(text, size, name, strlen(name));
	uint64_t value = 0;
	size_t digits = 0;

	if (!at)
		return false;
	for (at += strlen(name); at < text + size && *at >= '0' && *at <= '9'; at++, digits++)
		value = value * 10 + (uint64_t)(*at - '0');
	*ret = value;
	return digits > 0 && digits < 20;
}

static void note_key(struct look *look, const char *text, size_t size)
{
	struct psc_auditlog_tail *tail = look->tail;
	struct psc_auditlog_key key;
	uint64_t cpu, lost;

	if (!find_number(text, size, "\"boot_ns\":", &key.boot_ns))
		return;
	if (!tail->lost_total && find_number(text, size, "\"lost_total\":", &lost)) {
		tail->lost_total = lost;
		tail->lost_boot_ns = key.boot_ns;
	}
	if (!find_number(text, size, "\"cpu\":", &cpu) ||
	    !find_number(text, size, "\"sequence\":", &key.sequence))
		return;
	key.cpu = (uint32_t)cpu;
	tail->keys[tail->count++] = key;
	look->done = tail->count == ARRAY_SIZE(tail->keys);
}

/* A record of another boot is older than all that is asked for. */
static void look_at(struct look *look, const char *line, size_t size)
{
	struct psc_chain_link link;

	if (psc_chain_parse(line, size, &link) < 0)
		return;
	/* the link has a number of its own */
	line += link.length;
	size -= link.length;
	if (!memmem(line, size, look->boot_id, strlen(look->boot_id)))
		look->done = true;
	else
		note_key(look, line, size);
}

/* The lines that begin within the window, the last one first; where the first of them begins. */
static size_t look_through(struct look *look, size_t size, bool from_start)
{
	const char *text = look->window;

	while (size > 0 && !look->done) {
		const char *newline = memrchr(text, '\n', size - 1);

		if (!newline && !from_start)
			break;
		look_at(look, newline ? newline + 1 : text,
			size - 1 - (newline ? (size_t)(newline + 1 - text) : 0));
		size = newline ? (size_t)(newline + 1 - text) : 0;
	}
	return size;
}

static int look_into(struct look *look, int fd)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return -errno;
	for (end = st.st_size; end > 0 && !look->done;) {
		size_t size = end < WINDOW ? (size_t)end : WINDOW;
		size_t rest;
		ssize_t n;

		if (look->left < size)
			look->done = true;
		look->left -= look->left < size ? 0 : size;
		if (look->done)
			break;
		n = pread(fd, look->window, size, end - (off_t)size);
		if (n != (ssize_t)size)
			return n < 0 ? -errno : -EIO;
		/* a last line that is not whole will be cut off */
		if (end == st.st_size)
			while (n > 0 && look->window[n - 1] != '\n')
				n--;
		rest = look_through(look, (size_t)n, end == (off_t)size);
		if (rest == size || (!n && end == st.st_size))
			break; /* no line is that long */
		end -= (off_t)(size - rest);
	}
	return 0;
}

int psc_auditlog_tail_read(const char *directory, const char *boot_id,
			   struct psc_auditlog_tail *ret)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	_cleanup_close_ int directory_fd = -1;
	_cleanup_free_ struct look *look = calloc(1, sizeof(*look));
	int r;

	*ret = (struct psc_auditlog_tail){};
	if (!look)
		return -ENOMEM;
	look->boot_id = boot_id;
	look->tail = ret;
	look->left = PSC_AUDITLOG_TAIL_BYTES;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = psc_auditlog_names_read(directory, &names);
	for (size_t i = names.count; r >= 0 && i > 0 && !look->done; i--) {
		_cleanup_close_ int fd = -1;

		if (psc_auditlog_is_packed(names.names[i - 1]))
			break;
		fd = openat(directory_fd, names.names[i - 1],
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		r = fd < 0 ? -errno : look_into(look, fd);
	}
	return r < 0 ? r : 0;
}

bool psc_auditlog_tail_has(const struct psc_auditlog_tail *tail, const struct psc_event_head *head)
{
	for (size_t i = 0; i < tail->count; i++) {
		const struct psc_auditlog_key *key = &tail->keys[i];

		if (key->boot_ns == head->boot_ns && key->sequence == head->sequence &&
		    key->cpu == head->cpu)
			return true;
	}
	return false;
}
