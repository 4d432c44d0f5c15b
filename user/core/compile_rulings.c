/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_rulings.c - from subjects to classes: subjects to which the same happens at every
 * instant, for the same reasons, are one class. See compile_parts.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/compile_parts.h"

/* What comes of one subject: the columns of its class. */
struct fate {
	uint8_t action[PSC_INTERVALS_MAX][PSC_OP_MAX];
	uint16_t ruling[PSC_INTERVALS_MAX][PSC_OP_MAX];
};

static int too_many(struct psc_compiler *c, const uint64_t *instants, size_t count)
{
	size_t over = 1;

	while (over < count && instants[over] <= c->input->now)
		over++;
	psc_error_set(
		c->reterr, NULL, 0, 0,
		"%zu instants to come at which something begins or ends: the kernel takes %u; "
		"let objects begin and end together, or activate fewer profiles",
		count - over, PSC_INTERVALS_MAX - 1);
	return -E2BIG;
}

/* The first instant is 0. Those after it that are too many are left out, if they have passed. */
static int find_intervals(struct psc_compiler *c)
{
	struct psc_table *table = &c->image->table;
	_cleanup_free_ uint64_t *instants = NULL;
	size_t count, excess;

	if (psc_policy_instants(&c->input->view, &instants, &count) < 0)
		return psc_compiler_no_memory(c);
	excess = count > PSC_INTERVALS_MAX ? count - PSC_INTERVALS_MAX : 0;
	if (instants[excess] > c->input->now)
		return too_many(c, instants, count);
	c->first_at = instants[excess];
	count -= excess;
	memcpy(&table->interval_start[1], &instants[1 + excess], (count - 1) * sizeof(*instants));
	table->interval_count = count;
	return 0;
}

static const char *text_of(const char *text)
{
	return text ?: "";
}

static struct psc_image_reason describe(const struct psc_ruling_reason *reason)
{
	const struct psc_profile *profile = reason->profile;
	const struct psc_rule *rule = reason->rule;

	return (struct psc_image_reason){
		.profile = (char *)(profile ? profile->id : "site"),
		.rule = (char *)text_of(rule ? rule->id : NULL),
		.clause = (char *)text_of(rule ? profile->clauses[rule->clause].id : NULL),
		.object = (char *)text_of(reason->object ? reason->object->id : NULL),
		.basis = rule ? rule->basis : PSC_BASIS_SITE,
		.status = reason->status,
		.action = reason->action,
	};
}

static bool same_reason(const struct psc_image_reason *a, const struct psc_image_reason *b)
{
	return strcmp(a->profile, b->profile) == 0 && strcmp(a->rule, b->rule) == 0 &&
	       strcmp(a->object, b->object) == 0 && a->status == b->status &&
	       a->action == b->action;
}

static bool same_ruling(const struct psc_image_ruling *known, const struct psc_ruling *ruling)
{
	if (known->count != ruling->count)
		return false;
	for (size_t i = 0; i < known->count; i++) {
		struct psc_image_reason reason = describe(&ruling->reason[i]);

		if (!same_reason(&known->reason[i], &reason))
			return false;
	}
	return true;
}

static int copy_ruling(struct psc_image_ruling *ret, const struct psc_ruling *ruling)
{
	ret->reason = calloc(ruling->count, sizeof(*ret->reason));
	if (!ret->reason)
		return -ENOMEM;
	ret->count = ruling->count;
	for (size_t i = 0; i < ruling->count; i++) {
		struct psc_image_reason *to = &ret->reason[i];

		*to = describe(&ruling->reason[i]);
		to->profile = strdup(to->profile);
		to->rule = strdup(to->rule);
		to->clause = strdup(to->clause);
		to->object = strdup(to->object);
		if (!to->profile || !to->rule || !to->clause || !to->object)
			return -ENOMEM;
	}
	return 0;
}

/* The number of a ruling, which is the same for all that have the same reasons; 0: none. */
static int number_ruling(struct psc_compiler *c, const struct psc_ruling *ruling, uint16_t *ret)
{
	struct psc_image *image = c->image;
	struct psc_image_ruling *rulings;

	if (!ruling->count) {
		*ret = 0;
		return 0;
	}
	for (size_t i = 1; i < image->ruling_count; i++) {
		if (same_ruling(&image->rulings[i], ruling)) {
			*ret = i;
			return 0;
		}
	}
	if (image->ruling_count > UINT16_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0, "more than %u different rulings", UINT16_MAX);
		return -E2BIG;
	}
	rulings = realloc(image->rulings, (image->ruling_count + 1) * sizeof(*rulings));
	if (!rulings)
		return psc_compiler_no_memory(c);
	image->rulings = rulings;
	rulings[image->ruling_count] = (struct psc_image_ruling){0};
	if (copy_ruling(&rulings[image->ruling_count++], ruling) < 0)
		return psc_compiler_no_memory(c);
	*ret = image->ruling_count - 1;
	return 0;
}

/* The subject with this number: as it is called, or the products that it is at once. */
struct party {
	struct psc_subject member[PSC_COMPILER_JOINT_MAX];
	size_t count;
};

static void find_party(const struct psc_compiler *c, uint32_t number, struct party *ret)
{
	const struct psc_image_subject *entry = &c->image->subjects[number];
	const struct psc_joint *joint = NULL;

	if (c->joint_of[number])
		joint = &c->joints[c->joint_of[number] - 1];
	ret->count = joint ? joint->count : 1;
	for (size_t i = 0; i < ret->count; i++) {
		struct psc_subject *member = &ret->member[i];

		*member = (struct psc_subject){
			.text = joint ? joint->text[i] : entry->product,
			.site = entry->site,
		};
		member->product = psc_catalog_find(c->input->catalog, member->text, &member->role);
	}
}

/* The strictest ruling on any of them; of equals the first. */
static void rule_on_party(const struct psc_compiler *c, const struct party *party, enum psc_op op,
			  uint64_t at, struct psc_ruling *ret)
{
	psc_rule_on(&c->input->view, &party->member[0], op, at, ret);
	for (size_t i = 1; i < party->count; i++) {
		struct psc_ruling ruling;

		psc_rule_on(&c->input->view, &party->member[i], op, at, &ruling);
		if (ruling.action > ret->action)
			*ret = ruling;
	}
}

static int find_fate(struct psc_compiler *c, const struct party *party, struct fate *ret)
{
	const struct psc_table *table = &c->image->table;
	int r;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < table->interval_count; i++) {
		for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
			struct psc_ruling ruling;

			rule_on_party(c, party, op, i ? table->interval_start[i] : c->first_at,
				      &ruling);
			ret->action[i][op] = ruling.action;
			r = number_ruling(c, &ruling, &ret->ruling[i][op]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* How strictly one is treated, over all instants and operations. */
static unsigned int strictness(const struct psc_compiler *c, const struct psc_subject *subject)
{
	const struct psc_table *table = &c->image->table;
	struct psc_ruling ruling;
	unsigned int sum = 0;

	for (uint32_t i = 0; i < table->interval_count; i++) {
		for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
			psc_rule_on(&c->input->view, subject, op,
				    i ? table->interval_start[i] : c->first_at, &ruling);
			sum += ruling.action;
		}
	}
	return sum;
}

/* What is several products is called, and explained, as the one that is treated strictest. */
static int lead_by_strictest(struct psc_compiler *c, struct psc_image_subject *entry,
			     struct party *party)
{
	struct psc_subject first = party->member[0];
	unsigned int most = 0;
	size_t leader = 0;
	char *text;

	for (size_t i = 0; party->count > 1 && i < party->count; i++) {
		unsigned int sum = strictness(c, &party->member[i]);

		if (sum > most) {
			most = sum;
			leader = i;
		}
	}
	if (!leader)
		return 0;
	text = strdup(party->member[leader].text);
	if (!text)
		return psc_compiler_no_memory(c);
	free(entry->product);
	entry->product = text;
	party->member[0] = party->member[leader];
	party->member[leader] = first;
	return 0;
}

static bool is_fate_of(const struct psc_image *image, uint32_t class, const struct fate *fate)
{
	for (uint32_t i = 0; i < image->table.interval_count; i++) {
		if (memcmp(image->table.action[i][class], fate->action[i], PSC_OP_MAX) != 0 ||
		    memcmp(image->ruling_of[i][class], fate->ruling[i], sizeof(fate->ruling[i])))
			return false;
	}
	return true;
}

static int find_class(struct psc_compiler *c, const struct fate *fate, uint16_t *ret)
{
	struct psc_image *image = c->image;
	uint32_t class;

	for (class = PSC_CLASS_FIRST; class < image->table.class_count; class ++) {
		if (is_fate_of(image, class, fate)) {
			*ret = class;
			return 0;
		}
	}
	if (class >= PSC_CLASSES_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0,
			      "more than %u kinds of products that are judged differently: give "
			      "exemptions and decisions for several products at once",
			      PSC_CLASSES_MAX - PSC_CLASS_FIRST);
		return -E2BIG;
	}
	for (uint32_t i = 0; i < image->table.interval_count; i++) {
		memcpy(image->table.action[i][class], fate->action[i], PSC_OP_MAX);
		memcpy(image->ruling_of[i][class], fate->ruling[i], sizeof(fate->ruling[i]));
	}
	image->table.class_count = class + 1;
	*ret = class;
	return 0;
}

/* Does an exemption or decision name a product of the site's own? */
static bool is_named(const struct psc_policy_view *view, const char *text)
{
	for (size_t i = 0; i < view->objects->count; i++) {
		char *const *products = view->objects->item[i]->products;

		for (; products && *products; products++) {
			if (strcmp(*products, text) == 0)
				return true;
		}
	}
	return false;
}

/* The site's own products are all alike, so that thousands of them cost one look. */
static int class_subjects(struct psc_compiler *c, struct fate *fate)
{
	struct psc_image *image = c->image;
	uint16_t ordinary = PSC_CLASS_NONE;
	int r;

	for (uint32_t i = PSC_SUBJECT_FIRST; i < image->table.subject_count; i++) {
		struct psc_image_subject *entry = &image->subjects[i];
		struct party party;
		bool alike;

		find_party(c, i, &party);
		r = lead_by_strictest(c, entry, &party);
		if (r < 0)
			return r;
		entry->role = party.member[0].role;
		alike = !party.member[0].product && entry->site &&
			!is_named(&c->input->view, entry->product);
		if (alike && ordinary != PSC_CLASS_NONE) {
			image->table.class_of[i] = ordinary;
			continue;
		}
		r = find_fate(c, &party, fate);
		if (r >= 0)
			r = find_class(c, fate, &image->table.class_of[i]);
		if (r < 0)
			return r;
		if (alike)
			ordinary = image->table.class_of[i];
	}
	return 0;
}

int psc_compiler_rule(struct psc_compiler *c)
{
	static const uint8_t canary_ops[] = {PSC_OP_EXEC, PSC_OP_LOAD, PSC_OP_MODULE, PSC_OP_OPEN};
	struct psc_image *image = c->image;
	_cleanup_free_ struct fate *fate = calloc(1, sizeof(*fate));
	int r;

	image->ruling_of = calloc(PSC_INTERVALS_MAX, sizeof(*image->ruling_of));
	image->rulings = calloc(1, sizeof(*image->rulings));
	if (!fate || !image->ruling_of || !image->rulings)
		return psc_compiler_no_memory(c);
	image->ruling_count = 1;
	r = find_intervals(c);
	if (r < 0)
		return r;
	image->table.class_count = PSC_CLASS_FIRST;
	image->table.class_of[PSC_SUBJECT_NONE] = PSC_CLASS_NONE;
	image->table.class_of[PSC_SUBJECT_CANARY] = PSC_CLASS_CANARY;
	for (uint32_t i = 0; i < image->table.interval_count; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(canary_ops); k++)
			image->table.action[i][PSC_CLASS_CANARY][canary_ops[k]] = PSC_ACTION_DENY;
	}
	return class_subjects(c, fate);
}
