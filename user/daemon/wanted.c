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

#include "bpf/decide.h"
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
	if (!S_ISREG(st.st_mode) || st.st_ino != event->inode ||
	    (uint64_t)st.st_size != event->size)
		return -ESTALE;
	return TAKE_FD(fd);
}

/*
 * What became of an attempt that went ahead because its file was not known yet: in enforce mode
 * it was let through with the action that the policy has for it, which is recorded as it is.
 */
static uint8_t verdict_of(const struct psc_decision *decision)
{
	return decision->verdict == PSC_VERDICT_DENY ? PSC_VERDICT_RECORD : decision->verdict;
}

/*
 * The policy under which the file was opened, if it is still known and has digests; a reload may
 * have come between, and the record is of the open.
 */
static const struct psc_policy *policy_at(const struct psc_daemon *daemon,
					  const struct psc_event *event)
{
	const struct psc_policy *policy = psc_journal_policy_of(daemon, event->generation);

	return policy && policy->image->buckets ? policy : &daemon->policy;
}

static int record_found(struct psc_daemon *daemon, const struct psc_policy *policy,
			const struct psc_event *event, const struct psc_digest_record *record)
{
	const struct psc_table *table = &policy->image->table;
	uint64_t then = psc_guard_time(daemon->guard, event->head.boot_ns);
	struct psc_event found = *event;
	struct psc_decision decision;

	psc_decide(table, PSC_OP_OPEN, record->subject, PSC_UNVERIFIED_NONE, then, &decision);
	if (decision.action == PSC_ACTION_ALLOW)
		return 0;
	found.head.type = PSC_EVENT_DECISION;
	found.head.flags |= PSC_EVENT_DIGEST_VALID;
	if (psc_journal_policy_of(daemon, event->generation) != policy)
		found.generation = policy->generation;
	found.wall_ns = then;
	found.interval = decision.interval;
	found.class = decision.class;
	found.subject = record->subject;
	found.op = PSC_OP_OPEN;
	found.action = decision.action;
	found.verdict = verdict_of(&decision);
	found.mode = table->mode;
	found.unverified = PSC_UNVERIFIED_NONE;
	found.source = PSC_SOURCE_DIGEST;
	memcpy(found.digest, record->digest, PSC_DIGEST_SIZE);
	return psc_journal_decision(daemon, &found);
}

int psc_wanted_digest(struct psc_daemon *daemon, const struct psc_event *event)
{
	_cleanup_close_ int fd = open_wanted(event);
	const struct psc_policy *policy = policy_at(daemon, event);
	const struct psc_digest_record *record;
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size;
	void *p;

	if (fd < 0 || event->size > policy->image->table.hash_limit || !event->size)
		return 0;
	p = mmap(NULL, event->size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (p != MAP_FAILED)
		munmap(p, event->size);
	if (psc_digest_fd(fd, digest, &size) < 0)
		return 0;
	record = psc_image_lookup(policy->image, digest);
	if (!record || record->subject == PSC_SUBJECT_CANARY)
		return 0;
	return record_found(daemon, policy, event, record);
}
