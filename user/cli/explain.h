/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h - between the files of `proscribe explain`: what is known of one thing, gathered
 * before anything is judged. Only for verb_explain.c, explain_gather.c and explain_render.c.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/cli/policy_judge.h"
#include "user/core/facts.h"
#include "user/core/indicator.h"

struct psc_markers;
struct psc_trust;

/* What things are compared with. */
struct psc_explain_knowledge {
	const struct psc_indicators *indicators;
	struct psc_markers *markers;
	struct psc_trust *trust; /* NULL: the host has no certificates to trust */
};

/* One thing that is explained. */
struct psc_explained {
	const char *kind; /* "file", "process", "digest" */
	char *where;	  /* as it was given, or a process' program */
	pid_t pid;	  /* of a process, else 0 */
	bool has_digest;
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size; /* 0: not known */
	struct psc_facts facts;
	struct psc_matches matches;
};

void psc_explained_clear(struct psc_explained *thing);

/*
 * Reads a file: where its links lead, what identify finds, its digest. -EINVAL when it is no
 * regular file, errno of open(2) and read(2), -ENOMEM.
 */
int psc_explain_file(const struct psc_explain_knowledge *knowledge, const char *path,
		     struct psc_explained *ret);

/* A process: its program, name and, of its environment, what the catalog asks for. */
int psc_explain_process(const struct psc_explain_knowledge *knowledge, pid_t pid,
			struct psc_explained *ret);

/* A digest alone. */
int psc_explain_digest(const uint8_t digest[PSC_DIGEST_SIZE], struct psc_explained *ret);

/*
 * Calls @fn with every file that the process has mapped for execution, each once, its program
 * left out. -errno when its mappings cannot be read, else what @fn returned first that is not 0.
 */
int psc_explain_mapped(pid_t pid, int (*fn)(const char *path, void *data), void *data);

/*
 * {"items": [{"time", "kind", "weight", "source", "text"}], "unread": [...]}: since when the
 * product ("VENDOR/PRODUCT") is on this host, earliest first. -ENOMEM.
 */
int psc_explain_evidence(const struct psc_indicators *indicators, const struct psc_objects *objects,
			 const char *product, json_t **ret);

/* Prints what the verb hands in. */
void psc_explain_render(FILE *out, const json_t *data, bool colour);
