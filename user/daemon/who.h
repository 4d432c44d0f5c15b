/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who.h - asks /proc and the control groups who did something and where, for the records. What
 * belongs to a hostile process may make whoever reads it wait: a thread reads, and nobody waits
 * for it longer than a moment. Only for the daemon.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/who.h"
#include "bpf/abi.h"

struct psc_who_reader;

/* -ENOMEM, or what pthread_create(3) says. */
int psc_who_reader_new(struct psc_who_reader **ret);

/* Leaves a thread that hangs to itself. NULL is fine. */
struct psc_who_reader *psc_who_reader_free(struct psc_who_reader *reader);

/*
 * What is still there of the event's process, its parent and its control group. Empty when the
 * event is more than a second old, when the thread hangs, or without @reader.
 */
void psc_who_ask(struct psc_who_reader *reader, const struct psc_event *event, struct psc_who *ret);
