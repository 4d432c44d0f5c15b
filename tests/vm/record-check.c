/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record-check.c - holds every record of an audit log on stdin against a schema:
 *
 *   record-check SCHEMA <log
 *
 * Prints what is wrong (the first of each kind), then how many records of each type there were.
 * Status 1 when anything was wrong, or there was nothing to look at.
 */
#include "tests/unit/schema.h"

#define FAULTS_MAX 20

int main(int argc, char **argv)
{
	json_t *root = argc == 2 ? json_load_file(argv[1], JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *types = json_object(), *faults = json_object(), *count;
	size_t size = 0, number = 0, wrong = 0;
	char *line = NULL;
	const char *type;

	if (!root) {
		fputs("record-check: no schema\n", stderr);
		return 2;
	}
	for (ssize_t n; (n = getline(&line, &size, stdin)) > 0; number++) {
		json_t *record = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
		struct schema s = {.root = root};

		type = json_string_value(
			json_object_get(json_object_get(record, "proscribe"), "type"));
		if (!record || !schema_holds(&s, root, record)) {
			wrong++;
			if (!json_object_get(faults, s.fault) &&
			    json_object_size(faults) < FAULTS_MAX) {
				printf("record %zu, %s: %s\n%s", number + 1, type ? type : "?",
				       record ? s.fault : "no JSON", line);
				json_object_set_new(faults, s.fault, json_true());
			}
		}
		type = type ? type : "?";
		count = json_object_get(types, type);
		json_object_set_new(types, type, json_integer(json_integer_value(count) + 1));
		json_decref(record);
	}
	printf("%zu records, %zu against the schema:", number, wrong);
	json_object_foreach(types, type, count)
		printf(" %s %" JSON_INTEGER_FORMAT, type, json_integer_value(count));
	putchar('\n');
	json_decref(types);
	json_decref(faults);
	json_decref(root);
	free(line);
	return wrong || !number;
}
