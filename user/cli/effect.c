/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effect.c - see effect.h.
 */
#include <sys/stat.h>

#include "user/cli/client.h"
#include "user/cli/effect.h"
#include "user/cli/output.h"
#include "user/core/json.h"

const char *psc_effect_to_string(enum psc_effect effect)
{
	switch (effect) {
	case PSC_EFFECT_ACTIVE:
		return "active";
	case PSC_EFFECT_NEXT_START:
		return "next_start";
	case PSC_EFFECT_ELSEWHERE:
		return "elsewhere";
	default:
		return "none";
	}
}

static bool is_elsewhere(struct psc_cli *cli, const struct psc_effect_place *place)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	const char *used;
	struct stat a, b;

	if (!place->given)
		return false;
	psc_client_ask("status", &answer);
	if (answer.kind == PSC_ANSWER_UNREACHABLE)
		return false;
	used = psc_json_text(answer.data, place->key, place->used);
	if (!used || (stat(place->given, &a) == 0 && stat(used, &b) == 0 && a.st_dev == b.st_dev &&
		      a.st_ino == b.st_ino))
		return false;
	psc_cli_note(cli, "the daemon uses the %s in %s: this change does not reach it",
		     place->what, used);
	return true;
}

int psc_effect_apply(struct psc_cli *cli, const struct psc_effect_place *place, const char *path,
		     int (*take_back)(void *data), void *data, const char *whole,
		     enum psc_effect *ret)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};

	if (is_elsewhere(cli, place)) {
		*ret = PSC_EFFECT_ELSEWHERE;
		return PSC_EXIT_OK;
	}
	psc_client_ask("reload", &answer);
	switch (answer.kind) {
	case PSC_ANSWER_OK:
		*ret = PSC_EFFECT_ACTIVE;
		return PSC_EXIT_OK;
	case PSC_ANSWER_UNREACHABLE:
		psc_cli_note(cli, "%s; the change takes effect at its next start",
			     answer.error.message);
		*ret = PSC_EFFECT_NEXT_START;
		return PSC_EXIT_OK;
	case PSC_ANSWER_REFUSED:
		if (take_back(data) == 0)
			psc_cli_note(cli, "%s as before", whole);
		psc_answer_fail(cli, &answer);
		return PSC_EXIT_INVALID;
	default:
		psc_cli_note(cli, "%s is changed, but it is not known whether the daemon loaded it",
			     path);
		return psc_answer_fail(cli, &answer);
	}
}
