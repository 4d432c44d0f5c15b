/* SPDX-License-Identifier: Apache-2.0 */
/* handover.c - see handover.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "user/core/durable.h"
#include "user/core/handover.h"

#define LINE_MAX_SIZE 256

void psc_handover_boot_id(char ret[PSC_BOOT_ID_SIZE])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	ret[0] = '\0';
	if (f && fgets(ret, PSC_BOOT_ID_SIZE, f))
		ret[strcspn(ret, "\n")] = '\0';
}

int psc_handover_guard(const char *path, const char *boot_id, const char *state, uint64_t boot_ns,
		       const char *requester)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char line[LINE_MAX_SIZE];
	int n = snprintf(line, sizeof(line), "%s %s %" PRIu64 " %s\n", boot_id, state, boot_ns,
			 requester);
	int r = 0;

	if (fd < 0 || pwrite(fd, line, (size_t)n, 0) != n || ftruncate(fd, n) < 0) {
		r = errno ? -errno : -EIO;
		unlink(path);
	}
	return r;
}

static bool parse_unread(const char *line, struct psc_unread *ret)
{
	char kept[8];
	int end = 0;

	if (sscanf(line, "%63s %7s %" SCNu64 "%n", ret->boot_id, kept, &ret->events, &end) != 3 ||
	    line[end] != '\n')
		return false;
	ret->kept = strcmp(kept, "kept") == 0;
	return ret->kept || strcmp(kept, "lost") == 0;
}

int psc_unread_read(const char *path, struct psc_unread ret[PSC_UNREAD_MAX])
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	struct psc_unread unread[PSC_UNREAD_MAX];
	char line[LINE_MAX_SIZE];
	int count = 0;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), f)) {
		if (count == PSC_UNREAD_MAX || !parse_unread(line, &unread[count]))
			return -EINVAL;
		count++;
	}
	if (ferror(f))
		return -EIO;
	memcpy(ret, unread, (size_t)count * sizeof(*ret));
	return count;
}

int psc_unread_write(const char *path, const struct psc_unread *unread, size_t count)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	char text[PSC_UNREAD_MAX * LINE_MAX_SIZE];
	size_t used = 0;
	int r;

	if (!count)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	if (count > PSC_UNREAD_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s %" PRIu64 "\n",
					 unread[i].boot_id, unread[i].kept ? "kept" : "lost",
					 unread[i].events);
	r = psc_durable_begin(AT_FDCWD, path, &file);
	if (!r)
		r = psc_durable_write(&file, text, used);
	if (!r)
		r = psc_durable_replace(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

int psc_unread_add(const char *path, const struct psc_unread *unread)
{
	struct psc_unread all[PSC_UNREAD_MAX];
	int count = psc_unread_read(path, all);

	/* what cannot be understood says nothing to anybody */
	if (count < 0 && count != -EINVAL)
		return count;
	if (count < 0)
		count = 0;
	if (count < PSC_UNREAD_MAX) {
		all[count++] = *unread;
	} else {
		all[count - 1].events += unread->events;
		all[count - 1].kept = false;
	}
	return psc_unread_write(path, all, (size_t)count);
}
