/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_entries.h - the names inside an archive as facts, within bounds that are said aloud. Used by
 * the readers of packages.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/archive_input.h"

/*
 * Bytes that are unpacked for the sake of names: what is behind them takes longer than the
 * worker has.
 */
#define PSC_ENTRIES_BYTES_MAX (256ULL << 20)

/*
 * Adds a PSC_FACT_ENTRY for everything that is no directory, and a PSC_FACT_PROBLEM when not
 * all could be. @ret_all (may be NULL): whether all were. -ENOMEM, errors of reading.
 */
int psc_entries_of_input(struct psc_archive_input *input, struct psc_facts *facts, bool *ret_all);

/* The same for an archive at byte @start of a file. */
int psc_entries_of_file(int fd, uint64_t start, unsigned int formats, struct psc_facts *facts);
