/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_verbs.h - what attest, exempt, decide, window and override share: an object from options, into
 * the directory and into force, lists of them, removal. Only for user/cli.
 */
#pragma once

#include "user/cli/cli.h"
#include "user/core/object.h"

/* An object that is being made of the command line. Its strings belong to the command line. */
struct psc_object_draft {
	struct psc_object object;
	bool own_id;	     /* --id was given */
	const char *by_from; /* "option", "sudo" or "account": where the signer is known from */
	char by[256];
	char id[PSC_OBJECT_ID_MAX + 1];
	char *products[PSC_OBJECT_NAMES_MAX + 1];
	char *profiles[PSC_OBJECT_NAMES_MAX + 1];
	char *digests[PSC_OBJECT_NAMES_MAX + 1];
};

/*
 * Begins a draft: it begins now; the options --id, --by, --reason, --document, --until and
 * --profile of the verb are in it. @needs are the options that must be there, NULL-terminated.
 * Returns PSC_EXIT_OK, or another status after having said what is wrong.
 */
int psc_object_draft_begin(struct psc_cli *cli, enum psc_object_kind kind, const char *const *needs,
			   struct psc_object_draft *ret);

/* Adds a product; the same for more than there can be. */
int psc_object_draft_product(struct psc_cli *cli, struct psc_object_draft *draft, char *product);

/*
 * Writes the draft's file, has the daemon reload unless --no-reload, and reports. If the
 * daemon refuses, the file is taken away again. Returns the verb's exit status.
 */
int psc_object_draft_publish(struct psc_cli *cli, struct psc_object_draft *draft);

/* Prints all objects of a kind, those that are over too. Returns the verb's exit status. */
int psc_object_verbs_list(struct psc_cli *cli, enum psc_object_kind kind);

/*
 * Takes the object @id of that kind away, has the daemon reload unless --no-reload, and
 * reports. If the daemon refuses, the file is put back. Returns the verb's exit status.
 */
int psc_object_verbs_remove(struct psc_cli *cli, enum psc_object_kind kind, const char *id);

/*
 * The id of the only object of a kind that holds now; the caller frees it. Returns
 * PSC_EXIT_OK, or another status after having said that there is none or more than one.
 */
int psc_object_verbs_only(struct psc_cli *cli, enum psc_object_kind kind, char **ret);
