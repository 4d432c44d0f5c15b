// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * core.bpf.c - the one definition of the maps and of the shared memory, and the
 * object's licence.
 */
#define PSC_DEFINE_MAPS
#include "maps.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
