/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - what the running kernel can do, found by trying. Used by the daemon before
 * the guard is loaded.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

/* Why the guard cannot work here, and what to do about it. */
struct psc_problem {
	char message[512];
	char remedy[512];
};

void psc_problem_set(struct psc_problem *problem, const char *remedy, const char *fmt, ...)
	_printf_(3, 4);

/*
 * Probes the kernel: BTF, the active LSM list, the hooks, and by running a program of its
 * own the digest helper and inode storage. Loads nothing that stays. Returns a negative
 * errno with @reterr filled when something that the guard needs is missing; *ret_features
 * is a set of 1 << enum psc_feature.
 */
int psc_kernel_probe(uint64_t *ret_features, struct psc_problem *reterr);

/*
 * Does an IMA policy measure files? Then the kernel answers a request for a digest with the
 * one that it measured, which may be older than the content below an overlay.
 */
bool psc_kernel_measures(void);
