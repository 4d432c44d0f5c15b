/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_value.c - what a condition of a catalog's rule may compare a fact with: whatever
 * no fact can ever be is refused where it is written. See indicator_internal.h.
 */
#include <ctype.h>
#include <errno.h>

#include "user/core/util.h"
#include "user/core/format.h"
#include "user/core/indicator_internal.h"
#include "user/core/yaml.h"

void psc_condition_clear(struct psc_condition *condition)
{
	free(condition->value);
	*condition = (struct psc_condition){0};
}

/* Hex digits of such a fact: exactly @min when that is @max; 0, 0 for a text. */
static void hex_length(enum psc_fact_kind kind, size_t *ret_min, size_t *ret_max)
{
	*ret_min = *ret_max = 0;
	switch (kind) {
	case PSC_FACT_SHA256:
	case PSC_FACT_SIGNER_KEY:
	case PSC_FACT_SIGNER_CERT_SHA256:
		*ret_min = *ret_max = 64;
		break;
	case PSC_FACT_SIGNER_CERT_SHA1:
		*ret_min = *ret_max = 40;
		break;
	case PSC_FACT_PACKAGE_KEY:
		*ret_min = 16;
		*ret_max = 64; /* a whole fingerprint */
		break;
	case PSC_FACT_ELF_BUILD_ID:
	case PSC_FACT_SIGNER_SERIAL:
	case PSC_FACT_SIGNER_KEY_ID:
		*ret_min = 2;
		*ret_max = 128;
		break;
	default:
		break;
	}
}

/* Facts are lower case, so values become it. */
static int check_hex(struct psc_yaml *yaml, const struct psc_yaml_node *at,
		     struct psc_condition *condition)
{
	size_t min, max;

	hex_length(condition->fact, &min, &max);
	if (!max)
		return 0;
	for (char *c = condition->value; *c; c++) {
		if (!isxdigit((unsigned char)*c))
			return psc_yaml_fail(yaml, at, "%s is not hexadecimal",
					     psc_fact_to_string(condition->fact));
		*c = tolower((unsigned char)*c);
	}
	if (min == max && condition->length != min)
		return psc_yaml_fail(yaml, at, "%s has %zu digits, found %zu",
				     psc_fact_to_string(condition->fact), min, condition->length);
	if (condition->length < min || condition->length > max)
		return psc_yaml_fail(yaml, at, "%s has %zu to %zu digits, found %zu",
				     psc_fact_to_string(condition->fact), min, max,
				     condition->length);
	return 0;
}

/* Those of a fixed set, and those that identify looks for, as whole values only. */
static bool is_whole(enum psc_fact_kind kind)
{
	size_t min, max;

	hex_length(kind, &min, &max);
	return max || kind == PSC_FACT_MARKER || kind == PSC_FACT_FORMAT ||
	       kind == PSC_FACT_SIGNER_STATE || kind == PSC_FACT_SIZE ||
	       kind == PSC_FACT_FOREIGN_OWNER || kind == PSC_FACT_ARCHIVE_OFFSET;
}

static int check_name(struct psc_yaml *yaml, const struct psc_yaml_node *at,
		      const struct psc_condition *condition)
{
	enum psc_signer state;
	enum psc_format format;

	if (condition->fact == PSC_FACT_FORMAT &&
	    psc_format_from_string(condition->value, &format) < 0)
		return psc_yaml_fail(yaml, at, "unknown format \"%.40s\"", condition->value);
	if (condition->fact == PSC_FACT_SIGNER_STATE &&
	    psc_signer_from_string(condition->value, &state) < 0)
		return psc_yaml_fail(yaml, at, "unknown state of a signer \"%.40s\"",
				     condition->value);
	if (condition->fact == PSC_FACT_NAME && condition->match != PSC_MATCH_GLOB &&
	    strchr(condition->value, '/'))
		return psc_yaml_fail(yaml, at, "a name has no slash: expected fact path");
	return 0;
}

static int check_path(struct psc_yaml *yaml, const struct psc_yaml_node *at,
		      const struct psc_condition *condition)
{
	const char *value = condition->value;

	if (condition->match == PSC_MATCH_UNDER && condition->fact != PSC_FACT_PATH)
		return psc_yaml_fail(yaml, at, "under is for fact path only");
	if (condition->fact != PSC_FACT_PATH || condition->match == PSC_MATCH_SUFFIX ||
	    condition->match == PSC_MATCH_CONTAINS)
		return 0;
	if (value[0] != '/' && !(condition->match == PSC_MATCH_GLOB && value[0] == '*'))
		return psc_yaml_fail(yaml, at, "a path begins with a slash");
	if (strstr(value, "//") || strstr(value, "/../") || strstr(value, "/./"))
		return psc_yaml_fail(yaml, at, "a path without //, /./ and /../ expected");
	if ((condition->match == PSC_MATCH_UNDER || condition->match == PSC_MATCH_EXACT) &&
	    value[condition->length - 1] == '/')
		return psc_yaml_fail(yaml, at, "leave out the slash at the end");
	return 0;
}

/* One attribute, as facts have them. */
static int check_attribute(struct psc_yaml *yaml, const struct psc_yaml_node *at,
			   const struct psc_condition *condition)
{
	const char *equals = strchr(condition->value, '=');

	if ((condition->fact != PSC_FACT_SIGNER_SUBJECT &&
	     condition->fact != PSC_FACT_SIGNER_ISSUER) ||
	    condition->match == PSC_MATCH_SUFFIX || condition->match == PSC_MATCH_CONTAINS)
		return 0;
	if (!equals || equals == condition->value || !equals[1])
		return psc_yaml_fail(yaml, at, "expected ATTRIBUTE=value, as in \"CN=A Company\"");
	return 0;
}

int psc_condition_check(struct psc_yaml *yaml, const struct psc_yaml_node *at,
			struct psc_condition *condition)
{
	const struct psc_yaml_node *value = psc_yaml_get(at, "value");
	const struct psc_yaml_node *match = psc_yaml_get(at, "match");
	int r;

	if (condition->fact == PSC_FACT_PROBLEM)
		return psc_yaml_fail(yaml, psc_yaml_get(at, "fact"),
				     "what could not be read proves nothing");
	if (condition->match != PSC_MATCH_EXACT && is_whole(condition->fact))
		return psc_yaml_fail(yaml, match, "%s is compared as a whole: expected exact",
				     psc_fact_to_string(condition->fact));
	condition->literal = strcspn(condition->value, "*?[\\");
	r = check_hex(yaml, value, condition);
	if (r >= 0)
		r = check_name(yaml, value, condition);
	if (r >= 0)
		r = check_path(yaml, value, condition);
	return r < 0 ? r : check_attribute(yaml, value, condition);
}
