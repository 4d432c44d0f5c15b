/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who_json.c - who and where in the records, see who.h.
 */
#include <errno.h>

#include "user/core/json.h"
#include "user/core/who.h"

#define ARGUMENTS_MAX 64

/* Takes the reference @value; false when there is no memory. */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static bool put_text(json_t *object, const char *key, const char *text)
{
	return !*text || put(object, key, psc_json_safe(text));
}

/* What is left out at the end shows as "...". */
static json_t *arguments_json(const struct psc_who_process *process)
{
	const char *at = process->arguments, *end = at + process->arguments_size;
	bool cut = process->arguments_cut;
	json_t *array = json_array();

	for (size_t n = 0; at < end; n++, at += strlen(at) + 1) {
		if (n == ARGUMENTS_MAX) {
			cut = true;
			break;
		}
		if (json_array_append_new(array, psc_json_safe(at)) < 0)
			goto failed;
	}
	if (!cut || json_array_append_new(array, json_string("...")) == 0)
		return array;
failed:
	json_decref(array);
	return NULL;
}

static bool put_process(json_t *object, const struct psc_who_process *process)
{
	if (!object || !process->known)
		return true;
	return put_text(object, "executable", process->executable) &&
	       (!process->arguments_size || put(object, "args", arguments_json(process)));
}

static bool put_container(json_t *record, const struct psc_who_container *container)
{
	json_t *object;

	if (container->id[0]) {
		object = json_object();
		if (!put(record, "container", object) || !put_text(object, "id", container->id) ||
		    (container->named && !put_text(object, "name", container->id)) ||
		    (container->runtime && !put_text(object, "runtime", container->runtime)))
			return false;
	}
	return !container->pod[0] ||
	       put(record, "orchestrator",
		   json_pack("{s:s,s:{s:s,s:s}}", "type", "kubernetes", "resource", "type", "pod",
			     "id", container->pod));
}

int psc_who_record(json_t *record, const struct psc_who *who)
{
	json_t *process = json_object_get(record, "process");
	json_t *own = json_object_get(record, "proscribe");
	bool done;

	done = put_process(process, &who->process) &&
	       put_process(json_object_get(process, "parent"), &who->parent) &&
	       put_container(record, &who->container) && put_text(own, "cgroup", who->cgroup);
	if (done && (who->process.known || who->parent.known || who->cgroup[0]))
		done = put(own, "best_effort", json_true());
	return done ? 0 : -ENOMEM;
}
