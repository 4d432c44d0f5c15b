/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_apply.h - between object_verbs.c and object_draft.c, which make one module.
 */
#pragma once

#include "user/cli/effect.h"
#include "user/cli/object_verbs.h"

/* --objects, else the default. */
const char *psc_object_directory(struct psc_cli *cli);

/* Reports the failure @error (a negative errno) of a function of object.h. */
int psc_object_fail(struct psc_cli *cli, int error, struct psc_error *detail);

/*
 * After a change of @path: has the daemon reload, unless --no-reload. When it refuses,
 * @take_back (0 or a negative errno, having said why) is called with @data, the daemon's
 * reason is reported and PSC_EXIT_INVALID comes back. Else PSC_EXIT_OK and *@ret, or the
 * status for an outcome that is not known.
 */
int psc_object_apply(struct psc_cli *cli, const char *path, int (*take_back)(void *data),
		     void *data, enum psc_effect *ret);

/* What the verbs print of an object with --json. NULL: memory is short. */
json_t *psc_object_to_json(const struct psc_object *object, uint64_t now);

/* Prints what such an object is about: "us_person: no", "a/b, c/d under p". */
void psc_object_put_what(FILE *out, const json_t *object);
