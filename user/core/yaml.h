/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a strict reader of one YAML document: a tree in which every value and every key
 * knows its place, and walks over it that refuse what is not expected. Used by the parsers
 * of user/core.
 *
 * Refused: what libfyaml refuses, aliases, anchors, tags, duplicate keys, keys that are no
 * scalars, a second document, bytes that are no text, more than PSC_YAML_DEPTH_MAX levels
 * or PSC_YAML_KEYS_MAX keys of one mapping.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/error.h"

#define PSC_YAML_DEPTH_MAX 16
#define PSC_YAML_KEYS_MAX  4096

enum psc_yaml_type {
	PSC_YAML_SCALAR = 0,
	PSC_YAML_MAPPING = 1,
	PSC_YAML_SEQUENCE = 2,
};

struct psc_yaml_node {
	enum psc_yaml_type type;
	unsigned int line;
	unsigned int column;
	char *text; /* of a scalar, "" when null; else NULL */
	char *key;  /* of a mapping's value; else NULL */
	unsigned int key_line;
	unsigned int key_column;
	struct psc_yaml_node *first; /* of what is inside, in the order of the text */
	struct psc_yaml_node *next;  /* beside it */
};

struct psc_yaml;

/*
 * Reads @data. @path and @reterr must outlive the tree. -EINVAL with the place, -ENOMEM.
 * The caller frees @ret with psc_yaml_freep().
 */
int psc_yaml_parse(const char *data, size_t size, const char *path, struct psc_yaml **ret,
		   struct psc_error *reterr);
void psc_yaml_freep(struct psc_yaml **yaml);

/* The outermost value; NULL for an empty document. */
const struct psc_yaml_node *psc_yaml_root(const struct psc_yaml *yaml);

/* The value of a mapping's key, or NULL. */
const struct psc_yaml_node *psc_yaml_get(const struct psc_yaml_node *node, const char *key);

/* Describes an error at a value or at its key; returns -EINVAL. */
int psc_yaml_fail(struct psc_yaml *yaml, const struct psc_yaml_node *node, const char *fmt, ...)
	_printf_(3, 4);
int psc_yaml_fail_key(struct psc_yaml *yaml, const struct psc_yaml_node *node, const char *fmt, ...)
	_printf_(3, 4);

/* -EINVAL with "@expected, found ..." unless @node is a scalar with a text. */
int psc_yaml_expect_scalar(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			   const char *expected);
int psc_yaml_expect_mapping(struct psc_yaml *yaml, const struct psc_yaml_node *node);
int psc_yaml_expect_sequence(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			     const char *expected);

/* What a mapping may hold. @parse gets the value and the walk's @data. */
struct psc_yaml_key {
	const char *name;
	int (*parse)(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data);
};

/*
 * Calls for each key of the mapping @node what @keys has for it, in the order of the text.
 * A key that is not there and a value that is no mapping are -EINVAL; else what a call
 * returned.
 */
int psc_yaml_walk(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		  const struct psc_yaml_key *keys, size_t count, void *data);

/* -EINVAL at @node for the first of @keys that its mapping lacks. */
int psc_yaml_require(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		     const char *const *keys, size_t count);
