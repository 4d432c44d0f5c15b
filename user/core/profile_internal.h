/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_internal.h - the values of a profile's text, one function a kind, and the walk over
 * a mapping by a table of fields. Only profile*.c include it.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/profile.h"
#include "user/core/yaml.h"

/* A file that is being read. Sections wait until those that they refer to are there. */
struct psc_profile_parser {
	struct psc_yaml *yaml;
	struct psc_profile *profile;
	const char *expected_id; /* what the file's name says, or NULL */
	const struct psc_yaml_node *exempt;
	const struct psc_yaml_node *phases;
	const struct psc_yaml_node *clauses;
	const struct psc_yaml_node *rules;
	const struct psc_yaml_node *reports;
};

/* What a mapping may hold; @take puts a value @offset behind the item's beginning. */
struct psc_profile_field {
	const char *name;
	bool optional;
	int (*take)(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to);
	size_t offset;
};

/*
 * Reads the mapping @node into @item. -EINVAL for a key that is not among @fields, a missing
 * one that is not optional and what @take refuses; -ENOMEM.
 */
int psc_profile_take_fields(struct psc_profile_parser *p, const struct psc_yaml_node *node,
			    const struct psc_profile_field *fields, size_t count, void *item);

/* Reads the sections that the parser holds into the profile. -EINVAL with the place, -ENOMEM. */
int psc_profile_parse_sections(struct psc_profile_parser *p);

/* A copy that the profile owns; -ENOMEM. */
int psc_profile_copy_text(const char *text, char **ret);

/*
 * One kind of value each: -EINVAL with the place and what was expected, -ENOMEM. @to is a
 * char **.
 */
int psc_profile_take_text(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			  void *to);
int psc_profile_take_id(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to);
int psc_profile_take_scope(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to);
int psc_profile_take_day(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to);

/* The same; @to is a pointer to the enumeration, bool, unsigned int, uint64_t. */
int psc_profile_take_label(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to);
int psc_profile_take_action(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			    void *to);
int psc_profile_take_basis(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to);
int psc_profile_take_bool(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			  void *to);
int psc_profile_take_days(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			  void *to);
int psc_profile_take_instant(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			     void *to);

/* The same; @to is a NULL-terminated char ***, and uint32_t * with a bit for each member. */
int psc_profile_take_entities(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			      void *to);
int psc_profile_take_roles(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to);
int psc_profile_take_statuses(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			      void *to);
int psc_profile_take_ops(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to);
