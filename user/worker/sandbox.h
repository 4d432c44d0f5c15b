/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - what proscribe-identify takes from itself before it looks at a file. In two steps:
 * privileges for good at the start, system calls and resources in the process that parses.
 * Used by user/worker only.
 */
#pragma once

#include "user/core/util.h"

#define PSC_SANDBOX_SOCKET 3 /* the one descriptor that is written to */

struct psc_sandbox;

/*
 * Another user (`proscribe`, else `nobody`) when this is root, no groups, no capabilities, never
 * any again, no core dumps, no ptrace; ends with its parent. -EPERM and the like when any of
 * this fails: then no file must be looked at.
 */
int psc_sandbox_drop(void);

/* Prepares the filter of system calls. -ENOMEM, errors of libseccomp. */
int psc_sandbox_new(struct psc_sandbox **ret);

/*
 * For a process that parses one file and ends: limits of memory, processor time and files, then
 * the filter: nothing can be opened, started, sent elsewhere or made executable.
 */
int psc_sandbox_enter(struct psc_sandbox *sandbox);

/*
 * For a process in which a library opens files of its own below a directory that it may write:
 * limits as above, with room for such files, and no way to start or reach anything.
 */
int psc_sandbox_confine(void);
