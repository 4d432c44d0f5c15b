/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernelinfo.h - understanding the short texts in which the kernel tells its state, and
 * what to boot with instead. Pure: the caller reads the files. Used by the daemon's start
 * and by the CLI's doctor.
 *
 * Functions that fill @buffer end it with a NUL and leave it alone when they fail. All
 * return -ENOSPC when it is too small.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

/* Is @name one of the comma-separated words of @list (/sys/kernel/security/lsm)? */
bool psc_kernelinfo_has_lsm(const char *list, const char *name);

/*
 * The kernel argument that keeps the active modules of @list and adds bpf: "lsm=...,bpf".
 * `capability` is left out wherever it stands: it is always active and not accepted there.
 * -EINVAL when @list is no list of module names, an empty one included: an argument made
 * from that would switch modules off.
 */
int psc_kernelinfo_lsm_argument(const char *list, char *buffer, size_t size);

/* The same as a sentence that says what to do with it, and where Debian wants it. */
int psc_kernelinfo_lsm_remedy(const char *list, char *buffer, size_t size);

/*
 * Value of the last parameter @name on the kernel command line @cmdline, "" for one
 * without; as the kernel reads it: '-' and '_' are the same, double quotes hold blanks
 * together, what follows "--" is for init. @buffer may be NULL to ask whether it is there.
 * -ENOENT.
 */
int psc_kernelinfo_parameter(const char *cmdline, const char *name, char *buffer, size_t size);

/* The word in brackets: "integrity" of "none [integrity] confidentiality". -EINVAL. */
int psc_kernelinfo_choice(const char *text, char *buffer, size_t size);

/*
 * Digest algorithm of a line of IMA's ascii_runtime_measurements: "sha256" of
 * "10 1d8d... ima-ng sha256:0f30... boot_aggregate". -EINVAL when it names none.
 */
int psc_kernelinfo_measured_algorithm(const char *line, char *buffer, size_t size);
