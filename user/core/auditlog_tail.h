/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_tail.h - what the end of the audit log says already: which of the kernel's events have
 * their record, and how much loss was told. A daemon that was killed after it had written a group
 * and before it gave the group's room in the ring back finds the same events again. Used by the
 * daemon.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

/* As many as can have been written without being given back: a group, and as many counts. */
#define PSC_AUDITLOG_TAIL_KEYS 1024

/* Which event: no two of a boot have all of these the same. */
struct psc_auditlog_key {
	uint64_t sequence;
	uint64_t boot_ns;
	uint32_t cpu;
};

struct psc_auditlog_tail {
	size_t count;
	struct psc_auditlog_key keys[PSC_AUDITLOG_TAIL_KEYS];
	uint64_t lost_total; /* of the last record about loss; 0: there is none */
	uint64_t lost_boot_ns;
};

/*
 * Reads the last records of the boot @boot_id in @directory, backwards from the end, no further
 * than PSC_AUDITLOG_TAIL_BYTES and not in compressed files. No log is no error. Errors of the
 * calls, -ENOMEM.
 */
#define PSC_AUDITLOG_TAIL_BYTES (32U << 20)
int psc_auditlog_tail_read(const char *directory, const char *boot_id,
			   struct psc_auditlog_tail *ret);

/* Is there a record of this event? */
bool psc_auditlog_tail_has(const struct psc_auditlog_tail *tail, const struct psc_event_head *head);
