/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effect.h - what becomes of a file that a verb has changed: the daemon loads it, or refuses it
 * and the change is taken back. For lists.c and object_verbs.c, and what they print. Only for
 * user/cli.
 */
#pragma once

#include "user/cli/cli.h"

enum psc_effect {
	PSC_EFFECT_NONE = 0,	   /* nothing was changed */
	PSC_EFFECT_ACTIVE = 1,	   /* the daemon has loaded it */
	PSC_EFFECT_NEXT_START = 2, /* the daemon does not run */
	PSC_EFFECT_ELSEWHERE = 3,  /* the daemon runs and uses another directory */
};

/* "active", ... */
const char *psc_effect_to_string(enum psc_effect effect);

/* The files that a change is among. */
struct psc_effect_place {
	const char *given; /* the directory that an option names, or NULL: the daemon's */
	const char *key;   /* the daemon's in its status, such as "lists.directory" */
	const char *used;  /* the daemon's if it does not say, or NULL */
	const char *what;  /* "lists": how they are called */
};

/*
 * After a change of @path: has the daemon reload, unless it uses another directory, which is
 * said. When it refuses, @take_back (0 or a negative errno, having said why) is called with
 * @data, "@whole as before" is said if it succeeded, the daemon's reason is reported and
 * PSC_EXIT_INVALID comes back. Else PSC_EXIT_OK and *@ret, or the status for an outcome that is
 * not known.
 */
int psc_effect_apply(struct psc_cli *cli, const struct psc_effect_place *place, const char *path,
		     int (*take_back)(void *data), void *data, const char *whole,
		     enum psc_effect *ret);
