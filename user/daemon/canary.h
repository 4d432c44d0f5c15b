/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary.h - proves that the guard works: a file that nobody else has, listed under
 * PSC_SUBJECT_CANARY and refused in every mode, is executed, mapped and opened. A
 * successful attach proves nothing: the kernel may never call what is attached.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"
#include "user/daemon/kernel.h"

enum psc_canary_check {
	PSC_CANARY_EXEC = 0,
	PSC_CANARY_LOAD = 1,
	PSC_CANARY_MPROTECT = 2,
	PSC_CANARY_OPEN = 3,
	PSC_CANARY_EXECVE_CHECK = 4,
	PSC_CANARY_MAX = 5,
};

enum psc_canary_result {
	PSC_CANARY_UNTESTED = 0, /* the kernel or the host does not let us try */
	PSC_CANARY_REFUSED = 1,	 /* as it must be */
	PSC_CANARY_PASSED = 2,	 /* the guard did not refuse it */
	PSC_CANARY_RESULT_MAX = 3,
};

struct psc_canary {
	int fd; /* sealed memory file with the listed content */
	uint64_t size;
	uint8_t digest[PSC_DIGEST_SIZE];
	enum psc_canary_result result[PSC_CANARY_MAX]; /* of the last run */
	uint64_t wall_ns;			       /* when that was; 0 never */
};

/* Makes a canary of random content. Clear it with psc_canary_clear(). */
int psc_canary_init(struct psc_canary *canary);
void psc_canary_clear(struct psc_canary *canary);

/*
 * Tries everything once; the canary's digest must be in force. 0 when exec and load are
 * refused and nothing that could be tried went through; -EBADE with @reterr filled
 * otherwise.
 */
int psc_canary_run(struct psc_canary *canary, uint64_t features, struct psc_problem *reterr);

/* Is an execution of the canary refused? For those who wait for the guard to be off. */
bool psc_canary_refused(const struct psc_canary *canary);

const char *psc_canary_check_to_string(unsigned int check);
const char *psc_canary_result_to_string(unsigned int result);
