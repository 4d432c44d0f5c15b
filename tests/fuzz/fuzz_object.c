/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_object.c - the files of objects.d. What is accepted is within bounds and formats to
 * a text that means the same; what is refused says why.
 */
#include "user/core/util.h"
#include "user/core/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* libfyaml 0.7 loses a few hundred bytes of a quoted scalar, see fuzz_config.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool same_names(char *const *a, char *const *b)
{
	if (!a || !b)
		return !a && !b;
	for (; *a && *b; a++, b++) {
		if (strcmp(*a, *b) != 0)
			return false;
	}
	return !*a && !*b;
}

static void require_same(const struct psc_object *a, const struct psc_object *b)
{
	require(a->kind == b->kind && a->value == b->value);
	require(a->from == b->from && a->until == b->until);
	require(strcmp(a->id, b->id) == 0 && strcmp(a->reason, b->reason) == 0);
	require(strcmp(a->by, b->by) == 0 && strcmp(a->document, b->document) == 0);
	require(strcmp(a->subject, b->subject) == 0);
	require(same_names(a->profiles, b->profiles) && same_names(a->products, b->products));
	require(same_names(a->digests, b->digests));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_object_freep) struct psc_object *object = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL, *same = NULL;
	struct psc_error error = {0};

	if (psc_object_parse((const char *)data, size, "in", &object, &error) < 0) {
		require(!object && error.message[0]);
		return 0;
	}
	require(object->kind < PSC_OBJECT_KIND_MAX && psc_object_is_id(object->id));
	require(object->from < object->until && object->by[0]);
	require(object->kind != PSC_OBJECT_WINDOW ||
		object->until - object->from <= PSC_OBJECT_WINDOW_MAX);
	require(psc_object_format(object, &text) == 0);
	/* Quoted, a text of the largest size can be larger than a file may be. */
	if (strlen(text) > PSC_OBJECT_SIZE_MAX)
		return 0;
	require(psc_object_parse(text, strlen(text), "text", &again, &error) == 0);
	require_same(object, again);
	require(psc_object_format(again, &same) == 0 && strcmp(text, same) == 0);
	return 0;
}
