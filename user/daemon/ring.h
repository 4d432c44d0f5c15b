/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - the reader of the kernel's event ring. Unlike libbpf's it moves the read
 * position only when it is told to: after the records are on disk, so that a daemon
 * that dies in between gets them again. One reader at a time.
 */
#pragma once

#include "user/core/util.h"

/* Bytes of the ring that are looked at at a time: much more than the longest record. */
#define PSC_RING_WINDOW ((size_t)256 << 10)

struct psc_ring;

/* @fd: the ring buffer map, borrowed until psc_ring_free(). Errors of the calls. */
int psc_ring_new(int fd, struct psc_ring **ret);
struct psc_ring *psc_ring_free(struct psc_ring *ring);

/*
 * Next record that was not taken yet: 1 and its bytes, aligned to 8 and valid until the next
 * call, or 0 when there is none (or the next one is still being written). It stays the next one
 * when it cannot be looked at: -ENOMEM, or -EBADMSG when it is longer than the window.
 */
int psc_ring_next(struct psc_ring *ring, const void **ret_data, size_t *ret_size);

/* How far records were taken, and how far there are any: what is between is waiting. */
unsigned long psc_ring_position(const struct psc_ring *ring);
unsigned long psc_ring_produced(const struct psc_ring *ring);

/* Gives the room of all records taken so far back to the kernel. */
void psc_ring_commit(struct psc_ring *ring);

/* Takes the records from @position on (psc_ring_position() before they were taken) again. */
void psc_ring_back(struct psc_ring *ring, unsigned long position);

/* Takes the records since the last commit again from the first. */
void psc_ring_rewind(struct psc_ring *ring);
