/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wanted.c - kernels without file_post_open cannot digest a file that is opened. The
 * daemon maps it executable instead: the mmap hook, which can, leaves the digest in the
 * identity cache, and the next open is judged by it. See daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "user/core/digest.h"
#include "user/daemon/daemon.h"

/* The file of the event as its process sees it, if it still is that file. */
static int open_wanted(const struct psc_event *event)
{
	_cleanup_close_ int fd = -1;
	char path[PSC_PATH_SIZE + 64];
	struct stat st;

	if (event->head.flags & (PSC_EVENT_PATH_MISSING | PSC_EVENT_PATH_TRUNCATED))
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%u/root%s", event->process.tgid, event->path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* the process may be gone already */
		fd = open(event->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_ino != event->inode)
		return -ESTALE;
	return TAKE_FD(fd);
}

static void record_found(struct psc_daemon *daemon, const struct psc_event *event,
			 const struct psc_digest_record *record)
{
	struct psc_event found = *event;
	const struct psc_table *table = &daemon->policy.image->table;

	if (table->action[0][PSC_CLASS_FIRST][PSC_OP_OPEN] == PSC_ACTION_ALLOW)
		return;
	found.head.type = PSC_EVENT_DECISION;
	found.head.flags |= PSC_EVENT_DIGEST_VALID;
	found.op = PSC_OP_OPEN;
	found.action = PSC_ACTION_RECORD;
	found.verdict = PSC_VERDICT_RECORD;
	found.mode = table->mode;
	found.class = PSC_CLASS_FIRST;
	found.subject = record->subject;
	found.source = PSC_SOURCE_DIGEST;
	memcpy(found.digest, record->digest, PSC_DIGEST_SIZE);
	psc_journal_decision(daemon, &found);
}

void psc_wanted_digest(struct psc_daemon *daemon, const struct psc_event *event)
{
	_cleanup_close_ int fd = open_wanted(event);
	const struct psc_table *table = &daemon->policy.image->table;
	const struct psc_digest_record *record;
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size;
	void *p;

	if (fd < 0 || event->size > table->hash_limit || !event->size)
		return;
	p = mmap(NULL, event->size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (p != MAP_FAILED)
		munmap(p, event->size);
	if (psc_digest_fd(fd, digest, &size) < 0)
		return;
	record = psc_image_lookup(daemon->policy.image, digest);
	if (record && record->subject != PSC_SUBJECT_CANARY)
		record_found(daemon, event, record);
}
