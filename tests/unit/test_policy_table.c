/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_table.c - what the shipped profiles decide, against policy-table.csv, which was
 * written by hand from the orders: every role x status x operation, one nanosecond before each
 * instant at which something changes and at it. Runs in the root of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/names.h"
#include "user/core/ruling.h"
#include "user/core/timefmt.h"

#define TABLE "tests/unit/policy-table.csv"

#define ROWS_MAX     400
#define INSTANTS_MAX 8 /* of a profile */

enum column {
	COLUMN_PROFILE,
	COLUMN_ROLE,
	COLUMN_STATUS,
	COLUMN_OP,
	COLUMN_INSTANT,
	COLUMN_ACTION,
	COLUMN_CLAUSE,
	COLUMN_BASIS,
	COLUMNS
};

static const char *const shipped[] = {
	"us-commerce-icts-2021-002",
	"us-ndaa-1634-far-52.204-23",
	"us-bod-17-01",
	"au-pspf-002-2025",
	"de-bsi-2022",
};

struct row {
	char *column[COLUMNS];
	unsigned int line;
};

static struct {
	char text[ROWS_MAX * 512];
	struct row row[ROWS_MAX];
	size_t count;
} table;

/* The table's instants for a profile, ascending. */
struct instants {
	uint64_t at[INSTANTS_MAX];
	size_t count;
};

/* Splits @text at @separator in place; NULL when no more is there. */
static char *next_part(char **text, char separator)
{
	char *part = *text;
	char *end;

	if (!part)
		return NULL;
	end = strchr(part, separator);
	if (end)
		*end++ = 0;
	*text = end;
	return part;
}

static void take_row(char *line, unsigned int number)
{
	struct row *row = &table.row[table.count++];

	assert_true(table.count <= ROWS_MAX);
	row->line = number;
	for (unsigned int i = 0; i < COLUMNS; i++) {
		row->column[i] = next_part(&line, ',');
		if (!row->column[i] || !row->column[i][0])
			fail_msg(TABLE ":%u: fewer than %u columns", number, COLUMNS);
	}
	if (line)
		fail_msg(TABLE ":%u: more than %u columns", number, COLUMNS);
}

static int read_table(void **state)
{
	_cleanup_fclose_ FILE *f = fopen(TABLE, "re");
	char *rest = table.text;
	unsigned int number = 0;
	bool header = true;
	char *line;

	assert_non_null(f);
	assert_true(fread(table.text, 1, sizeof(table.text) - 1, f) < sizeof(table.text) - 1);
	while ((line = next_part(&rest, '\n'))) {
		number++;
		if (!line[0] || line[0] == '#')
			continue;
		if (header)
			assert_string_equal(
				line, "profile,role,status,operation,instant,action,clause,basis");
		else
			take_row(line, number);
		header = false;
	}
	return 0;
}

/* Is @word one of @list ("a|b"), or is the list "*"? */
static bool lists(const char *list, const char *word)
{
	size_t length = strlen(word);

	if (strcmp(list, "*") == 0)
		return true;
	for (const char *p = list; p; p = strchr(p, '|')) {
		p += *p == '|';
		if (strncmp(p, word, length) == 0 && (!p[length] || p[length] == '|'))
			return true;
	}
	return false;
}

static bool lists_instant(const char *list, uint64_t at)
{
	char copy[512];
	char *rest = copy;
	char *part;

	if (strcmp(list, "*") == 0)
		return true;
	assert_true(snprintf(copy, sizeof(copy), "%s", list) < (int)sizeof(copy));
	while ((part = next_part(&rest, '|'))) {
		uint64_t ns;

		assert_int_equal(psc_time_parse(part, &ns), 0);
		if (ns == at)
			return true;
	}
	return false;
}

static void add_instant(struct instants *instants, uint64_t at)
{
	size_t i = instants->count;

	for (size_t k = 0; k < instants->count; k++) {
		if (instants->at[k] == at)
			return;
	}
	assert_true(instants->count++ < INSTANTS_MAX);
	for (; i > 0 && instants->at[i - 1] > at; i--)
		instants->at[i] = instants->at[i - 1];
	instants->at[i] = at;
}

static void find_instants(const char *profile, struct instants *ret)
{
	*ret = (struct instants){0};
	for (size_t i = 0; i < table.count; i++) {
		char copy[512];
		char *rest = copy;
		char *part;

		if (strcmp(table.row[i].column[COLUMN_PROFILE], profile) != 0)
			continue;
		snprintf(copy, sizeof(copy), "%s", table.row[i].column[COLUMN_INSTANT]);
		while ((part = next_part(&rest, '|'))) {
			uint64_t ns;

			if (psc_time_parse(part, &ns) < 0)
				fail_msg(TABLE ":%u: \"%s\" is no instant", table.row[i].line,
					 part);
			add_instant(ret, ns);
		}
	}
}

/* The one row that speaks of a case. */
static const struct row *find_row(const char *profile, unsigned int role, unsigned int status,
				  unsigned int op, uint64_t at)
{
	const struct row *found = NULL;

	for (size_t i = 0; i < table.count; i++) {
		const struct row *row = &table.row[i];

		if (strcmp(row->column[COLUMN_PROFILE], profile) != 0 ||
		    !lists(row->column[COLUMN_ROLE], psc_role_to_string(role)) ||
		    !lists(row->column[COLUMN_STATUS], psc_status_to_string(status)) ||
		    !lists(row->column[COLUMN_OP], psc_op_to_string(op)) ||
		    !lists_instant(row->column[COLUMN_INSTANT], at))
			continue;
		if (found)
			fail_msg(TABLE ":%u: says again what line %u says: %s %s %s", row->line,
				 found->line, psc_role_to_string(role),
				 psc_status_to_string(status), psc_op_to_string(op));
		found = row;
	}
	if (!found)
		fail_msg(TABLE ": nothing on %s %s %s %s", profile, psc_role_to_string(role),
			 psc_status_to_string(status), psc_op_to_string(op));
	return found;
}

static struct psc_profile *load(const char *id)
{
	_cleanup_free_ char *text = calloc(1, PSC_PROFILE_SIZE_MAX);
	struct psc_profile *profile = NULL;
	struct psc_error err = {0};
	char path[256], message[700];
	FILE *f;
	size_t size;

	snprintf(path, sizeof(path), "policy/profiles/%s.yaml", id);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(text);
	size = fread(text, 1, PSC_PROFILE_SIZE_MAX, f);
	fclose(f);
	if (psc_profile_parse(text, size, path, &profile, &err) < 0)
		fail_msg("%s", psc_error_format(&err, message, sizeof(message)));
	return profile;
}

/* A product of each status: who is legacy says a decision, who is exempt says the profile. */
static struct psc_product products[] = {
	[PSC_STATUS_COVERED_NEW] = {.id = "acme/new", .entity = "kaspersky", .class = "endpoint"},
	[PSC_STATUS_COVERED_LEGACY] = {.id = "acme/old",
				       .entity = "kaspersky",
				       .class = "endpoint"},
	[PSC_STATUS_EMBEDDED] = {.id = "acme/engine", .entity = "kaspersky", .class = ""},
	[PSC_STATUS_EXEMPT] = {.id = "acme/feeds",
			       .entity = "kaspersky",
			       .class = "threat-intelligence"},
};

static char *legacy_products[] = {"acme/old", NULL};

static struct psc_object decision = {
	.kind = PSC_OBJECT_DECISION,
	.id = "old",
	.products = legacy_products,
	.until = PSC_TIME_NEVER,
};

static struct psc_object *items[] = {&decision};
static const struct psc_objects objects = {.item = items, .count = 1};

static void compare(const struct psc_profile *profile, const struct row *row,
		    const struct psc_ruling *ruling)
{
	const struct psc_rule *rule = ruling->reason[0].rule;
	const char *clause = rule ? profile->clauses[rule->clause].id : "-";
	const char *basis = rule ? psc_basis_to_string(rule->basis) : "-";

	assert_int_equal(ruling->count, 1);
	if (strcmp(row->column[COLUMN_ACTION], psc_action_to_string(ruling->action)) != 0 ||
	    strcmp(row->column[COLUMN_CLAUSE], clause) != 0 ||
	    strcmp(row->column[COLUMN_BASIS], basis) != 0)
		fail_msg(TABLE ":%u: expected %s,%s,%s, the profile says %s,%s,%s (rule %s)",
			 row->line, row->column[COLUMN_ACTION], row->column[COLUMN_CLAUSE],
			 row->column[COLUMN_BASIS], psc_action_to_string(ruling->action), clause,
			 basis, rule ? rule->id : "none");
}

static size_t check_instant(const struct psc_profile *profile, const struct psc_policy_view *view,
			    uint64_t at)
{
	const unsigned int cells = PSC_ROLE_MAX * PSC_STATUS_MAX * PSC_OP_MAX;

	for (unsigned int cell = 0; cell < cells; cell++) {
		unsigned int op = cell % PSC_OP_MAX;
		unsigned int status = cell / PSC_OP_MAX % PSC_STATUS_MAX;
		unsigned int role = cell / (PSC_OP_MAX * PSC_STATUS_MAX);
		struct psc_subject subject = {
			.text = products[status].id,
			.product = &products[status],
			.role = role,
			.embedded = status == PSC_STATUS_EMBEDDED,
		};
		struct psc_ruling ruling;

		psc_rule_on(view, &subject, op, at, &ruling);
		compare(profile, find_row(profile->id, role, status, op, at), &ruling);
	}
	return cells;
}

static void test_table(void **state)
{
	size_t cells = 0;

	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		_cleanup_(psc_profile_freep) struct psc_profile *profile = load(shipped[i]);
		struct psc_policy_view view = {
			.profiles = &profile,
			.profile_count = 1,
			.objects = &objects,
		};
		struct instants instants;

		find_instants(shipped[i], &instants);
		for (size_t k = 0; k < instants.count; k++)
			cells += check_instant(profile, &view, instants.at[k]);
	}
	assert_int_equal(cells, (4 * 4 + 2) * 224);
}

/* The table knows every instant at which a ruling changes, and the nanosecond before it. */
static void test_instants(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		_cleanup_(psc_profile_freep) struct psc_profile *profile = load(shipped[i]);
		struct psc_policy_view view = {
			.profiles = &profile,
			.profile_count = 1,
			.objects = &objects,
		};
		_cleanup_free_ uint64_t *changes = NULL;
		struct instants instants;
		size_t count;

		find_instants(shipped[i], &instants);
		assert_int_equal(psc_policy_instants(&view, &changes, &count), 0);
		assert_int_equal(instants.count, 2 * (count - 1));
		for (size_t k = 1; k < count; k++) {
			assert_true(instants.at[2 * k - 2] == changes[k] - 1);
			assert_true(instants.at[2 * k - 1] == changes[k]);
		}
	}
}

/* Every row is of a profile that is shipped, in words that are known. */
static void test_rows(void **state)
{
	for (size_t i = 0; i < table.count; i++) {
		const struct row *row = &table.row[i];
		enum psc_action action;
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(shipped); k++)
			known |= strcmp(row->column[COLUMN_PROFILE], shipped[k]) == 0;
		if (!known || psc_action_from_string(row->column[COLUMN_ACTION], &action) < 0)
			fail_msg(TABLE ":%u: unknown profile or action", row->line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_instants),
	};

	return cmocka_run_group_tests(tests, read_table, NULL);
}
