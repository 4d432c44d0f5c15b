/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_resolver.c - the `resolver` of the configuration; see config_parts.h.
 */
#include "user/core/util.h"
#include "user/core/config_parts.h"
#include "user/core/indicator.h"

int psc_config_parse_flag(struct psc_yaml *yaml, const struct psc_yaml_node *value, bool *ret)
{
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected true or false");
	if (r < 0)
		return r;
	if (strcmp(value->text, "true") != 0 && strcmp(value->text, "false") != 0)
		return psc_yaml_fail(yaml, value, "\"%.40s\" is neither true nor false",
				     value->text);
	*ret = value->text[0] == 't';
	return 0;
}

static int parse_enabled(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_config_resolver *resolver = data;

	return psc_config_parse_flag(yaml, value, &resolver->enabled);
}

static int parse_new_files(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_config_resolver *resolver = data;

	return psc_config_parse_flag(yaml, value, &resolver->new_files);
}

static int parse_stop(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_config_resolver *resolver = data;

	return psc_config_parse_flag(yaml, value, &resolver->stop);
}

static int parse_places(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_config_resolver *resolver = data;

	return psc_config_parse_flag(yaml, value, &resolver->places);
}

static int parse_confidence(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	enum psc_confidence confidence;
	struct psc_config_resolver *resolver = data;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected high, medium or low");
	if (r < 0)
		return r;
	if (psc_confidence_from_string(value->text, &confidence) < 0)
		return psc_yaml_fail(yaml, value,
				     "unknown confidence \"%.40s\": expected high, medium or low",
				     value->text);
	resolver->confidence = confidence;
	return 0;
}

int psc_config_parse_resolver(struct psc_yaml *yaml, const struct psc_yaml_node *value,
			      struct psc_config_resolver *ret)
{
	static const struct psc_yaml_key keys[] = {
		{"enabled", parse_enabled},	{"confidence", parse_confidence},
		{"new_files", parse_new_files}, {"stop", parse_stop},
		{"places", parse_places},
	};

	return psc_yaml_walk(yaml, value, keys, ARRAY_SIZE(keys), ret);
}
