/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who_json.c - who and where in the records, see who.h.
 */
#include "user/core/json_text.h"
#include "user/core/who.h"

#define ARGUMENTS_MAX 64

static void put_text(struct psc_json_text *t, const char *key, const char *text)
{
	if (*text)
		psc_put_string(t, key, text);
}

/* What is left out at the end shows as "...". */
static void put_arguments(struct psc_json_text *t, const struct psc_who_process *process)
{
	const char *at = process->arguments, *end = at + process->arguments_size;
	bool cut = process->arguments_cut;

	psc_put_open(t, "args", '[');
	for (size_t n = 0; at < end; n++, at += strlen(at) + 1) {
		if (n == ARGUMENTS_MAX) {
			cut = true;
			break;
		}
		psc_put_string(t, NULL, at);
	}
	if (cut)
		psc_put_word(t, NULL, "...");
	psc_put_close(t, ']');
}

void psc_who_put_process(struct psc_json_text *t, const struct psc_who_process *process)
{
	if (!process->known)
		return;
	put_text(t, "executable", process->executable);
	if (process->arguments_size)
		put_arguments(t, process);
}

void psc_who_put_own(struct psc_json_text *t, const struct psc_who *who)
{
	put_text(t, "cgroup", who->cgroup);
	if (who->process.known || who->parent.known || who->cgroup[0])
		psc_put_bool(t, "best_effort", true);
}

void psc_who_put_container(struct psc_json_text *t, const struct psc_who_container *container)
{
	if (container->id[0]) {
		psc_put_open(t, "container", '{');
		psc_put_string(t, "id", container->id);
		if (container->named)
			psc_put_string(t, "name", container->id);
		psc_put_word(t, "runtime", container->runtime);
		psc_put_close(t, '}');
	}
	if (!container->pod[0])
		return;
	psc_put_open(t, "orchestrator", '{');
	psc_put_word(t, "type", "kubernetes");
	psc_put_open(t, "resource", '{');
	psc_put_word(t, "type", "pod");
	psc_put_string(t, "id", container->pod);
	psc_put_close(t, '}');
	psc_put_close(t, '}');
}
