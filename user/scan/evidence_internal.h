/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_internal.h - what evidence.c and evidence_log.c share. Only for these two and rpmdb.c.
 */
#pragma once

#include "user/scan/evidence.h"

/* Copies both strings. -ENOMEM. */
int psc_evidence_add(struct psc_evidence *evidence, enum psc_evidence_kind kind,
		     enum psc_evidence_weight weight, uint64_t time, const char *source,
		     const char *text);

/* Names a source that cannot be read, with why. -ENOMEM, also when that is @error. */
int psc_evidence_unread(struct psc_evidence *evidence, const char *path, int error);

/* When the packages of these names were installed, by the rpm databases below @root. -ENOMEM. */
int psc_rpmdb_evidence(const char *root, const char *const *packages,
		       struct psc_evidence *evidence);
