/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - from bytes of the ring buffer to a checked event. The daemon's ring
 * consumer is the caller; nothing else in user/ looks at raw records.
 */
#pragma once

#include "bpf/abi.h"
#include "user/core/util.h"

/*
 * Checks the ring record of @size bytes at @data and points *@ret into it (valid as
 * long as @data; @data must be aligned to 8 bytes, as ring records are). Every
 * enumeration is in range, `path` is terminated exactly at path_length and contains
 * no other NUL, both comm are terminated, padding may be anything.
 * -EBADMSG: truncated, oversized, wrong length field, unknown type, value out of
 * range, unterminated string, misaligned.
 *
 * A record is sizeof(struct psc_event) long, or shorter when the producer leaves out
 * the end of `path`: then it ends at or after the path's final NUL. So read path bytes
 * up to path_length only, and do not copy the structure as a whole.
 */
int psc_event_decode(const void *data, size_t size, const struct psc_event **ret);

/* The flags that PSC_EVENT_* of this version define. */
#define PSC_EVENT_FLAGS_ALL                                                                        \
	(PSC_EVENT_PATH_TRUNCATED | PSC_EVENT_PATH_MISSING | PSC_EVENT_DIGEST_VALID |              \
	 PSC_EVENT_SCRIPT_INTERP | PSC_EVENT_EXECVE_CHECK | PSC_EVENT_MPROTECT | PSC_EVENT_CANARY)
