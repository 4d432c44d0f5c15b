/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.c - see yaml.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

#include <libfyaml.h>

#include "user/core/util.h"
#include "user/core/text.h"
#include "user/core/yaml.h"

#define OUT_OF_MEMORY "out of memory"

/* The reader; the parser's part of it is gone once the tree stands. */
struct psc_yaml {
	const char *path;
	struct psc_error *reterr;
	struct psc_yaml_node *root;
	struct fy_diag *diag;
	struct fy_parser *parser;
	struct fy_event *event; /* the one being looked at */
	unsigned int line;	/* of the last token that had a place */
	unsigned int column;
	bool had_document;
};

/* Depth is bounded by PSC_YAML_DEPTH_MAX. */
static void free_nodes(struct psc_yaml_node *node)
{
	while (node) {
		struct psc_yaml_node *next = node->next;

		free_nodes(node->first);
		free(node->text);
		free(node->key);
		free(node);
		node = next;
	}
}

static void free_parser(struct psc_yaml *yaml)
{
	if (yaml->event)
		fy_parser_event_free(yaml->parser, yaml->event);
	if (yaml->parser)
		fy_parser_destroy(yaml->parser);
	if (yaml->diag)
		fy_diag_destroy(yaml->diag);
	yaml->event = NULL;
	yaml->parser = NULL;
	yaml->diag = NULL;
}

void psc_yaml_freep(struct psc_yaml **yaml)
{
	if (!*yaml)
		return;
	free_parser(*yaml);
	free_nodes((*yaml)->root);
	free(*yaml);
	*yaml = NULL;
}

const struct psc_yaml_node *psc_yaml_root(const struct psc_yaml *yaml)
{
	return yaml->root;
}

static int fail_at(struct psc_yaml *yaml, unsigned int line, unsigned int column, const char *fmt,
		   va_list args)
{
	char message[PSC_ERROR_MESSAGE_SIZE];

	vsnprintf(message, sizeof(message), fmt, args);
	psc_error_set(yaml->reterr, yaml->path, line, column, "%s", message);
	return -EINVAL;
}

int psc_yaml_fail(struct psc_yaml *yaml, const struct psc_yaml_node *node, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = fail_at(yaml, node->line, node->column, fmt, args);
	va_end(args);
	return r;
}

int psc_yaml_fail_key(struct psc_yaml *yaml, const struct psc_yaml_node *node, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = fail_at(yaml, node->key_line, node->key_column, fmt, args);
	va_end(args);
	return r;
}

/* At the event being looked at. */
static int _printf_(2, 3) fail_here(struct psc_yaml *yaml, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = fail_at(yaml, yaml->line, yaml->column, fmt, args);
	va_end(args);
	return r;
}

/* libfyaml takes what is not UTF-8 for nothing at all, without a word. */
static int check_text(const char *data, size_t size, const char *path, struct psc_error *reterr)
{
	unsigned int line = 1;
	unsigned int column = 1;

	for (size_t at = 0; at < size; column++) {
		int n = psc_text_next(data + at, size - at);

		if (n > 0) {
			at += n;
		} else if (data[at] == '\n') {
			at++;
			line++;
			column = 0;
		} else if (data[at] == '\t' ||
			   (data[at] == '\r' && at + 1 < size && data[at + 1] == '\n')) {
			at++;
		} else {
			psc_error_set(reterr, path, line, column, "%s (byte 0x%02x)",
				      n < 0 ? "invalid UTF-8" : "control character",
				      (uint8_t)data[at]);
			return -EINVAL;
		}
	}
	return 0;
}

/* What libfyaml collected about its refusal. */
static int fail_parser(struct psc_yaml *yaml)
{
	struct fy_diag_error *error;
	void *iterator = NULL;

	error = fy_diag_errors_iterate(yaml->diag, &iterator);
	psc_error_set(yaml->reterr, yaml->path, error && error->line > 0 ? error->line : 0,
		      error && error->column > 0 ? error->column : 0, "not valid YAML: %s",
		      error && error->msg ? error->msg : "syntax error");
	return -EINVAL;
}

/* Refuses what this reader does not take although YAML has it. */
static int check_strict(struct psc_yaml *yaml)
{
	if (yaml->event->type == FYET_DOCUMENT_START) {
		if (yaml->had_document)
			return fail_here(yaml, "a second document: expected one");
		yaml->had_document = true;
		return 0;
	}
	if (yaml->event->type == FYET_ALIAS)
		return fail_here(yaml, "aliases (*) are not taken: write the value out");
	if (fy_event_get_anchor_token(yaml->event))
		return fail_here(yaml, "anchors (&) are not taken");
	if (fy_event_get_tag_token(yaml->event))
		return fail_here(yaml, "tags (!) are not taken");
	return 0;
}

/* Moves on to the next event that says something; FYET_STREAM_END beyond the end. */
static int next_event(struct psc_yaml *yaml, enum fy_event_type *ret)
{
	for (;;) {
		const struct fy_mark *mark;
		int r;

		if (yaml->event)
			fy_parser_event_free(yaml->parser, yaml->event);
		yaml->event = fy_parser_parse(yaml->parser);
		if (!yaml->event) {
			if (fy_parser_get_stream_error(yaml->parser))
				return fail_parser(yaml);
			*ret = FYET_STREAM_END;
			return 0;
		}
		/* null values stand nowhere, they get the place before */
		mark = fy_event_start_mark(yaml->event);
		if (mark) {
			yaml->line = mark->line + 1;
			yaml->column = mark->column + 1;
		}
		r = check_strict(yaml);
		if (r < 0)
			return r;
		*ret = yaml->event->type;
		if (*ret != FYET_STREAM_START && *ret != FYET_DOCUMENT_START &&
		    *ret != FYET_DOCUMENT_END)
			return 0;
	}
}

static int take_text(struct psc_yaml *yaml, char **ret)
{
	struct fy_token *token = fy_event_get_token(yaml->event);
	const char *text = token ? fy_token_get_text0(token) : "";
	size_t size = token ? fy_token_get_text_length(token) : 0;
	const char *why = NULL;
	char *copy;

	if (!text) {
		text = "";
		if (size)
			return -ENOMEM;
	}
	/* Escapes in quotes can spell what the text itself may not hold. */
	if (psc_text_span(text, size, &why) < size)
		return fail_here(yaml, "%s in a value", why);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static const char *found_event(enum fy_event_type type)
{
	return type == FYET_MAPPING_START ? "a mapping" : "a sequence";
}

/* The key being looked at, for the value that follows. */
static int take_key(struct psc_yaml *yaml, enum fy_event_type type,
		    const struct psc_yaml_node *mapping, struct psc_yaml_node *node)
{
	int r;

	if (type != FYET_SCALAR)
		return fail_here(yaml, "expected a key, found %s", found_event(type));
	node->key_line = yaml->line;
	node->key_column = yaml->column;
	r = take_text(yaml, &node->key);
	if (r < 0)
		return r;
	if (!node->key[0])
		return fail_here(yaml, "expected a key, found nothing");
	if (psc_yaml_get(mapping, node->key))
		return fail_here(yaml, "duplicate key \"%.40s\"", node->key);
	return 0;
}

static int take_node(struct psc_yaml *yaml, enum fy_event_type type, unsigned int depth,
		     struct psc_yaml_node *node);

/* Recursive with take_node(), as deep as PSC_YAML_DEPTH_MAX. */
static int take_children(struct psc_yaml *yaml, unsigned int depth, struct psc_yaml_node *parent)
{
	struct psc_yaml_node **end = &parent->first;
	enum fy_event_type type;
	unsigned int keys = 0;
	int r;

	if (depth >= PSC_YAML_DEPTH_MAX)
		return fail_here(yaml, "more than %u levels", PSC_YAML_DEPTH_MAX);
	for (;;) {
		struct psc_yaml_node *node;

		r = next_event(yaml, &type);
		if (r < 0)
			return r;
		if (type == FYET_MAPPING_END || type == FYET_SEQUENCE_END)
			return 0;
		if (parent->type == PSC_YAML_MAPPING && ++keys > PSC_YAML_KEYS_MAX)
			return fail_here(yaml, "more than %u keys", PSC_YAML_KEYS_MAX);
		node = calloc(1, sizeof(*node));
		if (!node)
			return -ENOMEM;
		if (parent->type == PSC_YAML_MAPPING) {
			r = take_key(yaml, type, parent, node);
			if (r >= 0)
				r = next_event(yaml, &type);
		}
		/* not before the key was looked for among the others */
		*end = node;
		end = &node->next;
		if (r >= 0)
			r = take_node(yaml, type, depth + 1, node);
		if (r < 0)
			return r;
	}
}

static int take_node(struct psc_yaml *yaml, enum fy_event_type type, unsigned int depth,
		     struct psc_yaml_node *node)
{
	node->line = yaml->line;
	node->column = yaml->column;
	switch (type) {
	case FYET_MAPPING_START:
		node->type = PSC_YAML_MAPPING;
		return take_children(yaml, depth, node);
	case FYET_SEQUENCE_START:
		node->type = PSC_YAML_SEQUENCE;
		return take_children(yaml, depth, node);
	case FYET_SCALAR:
		node->type = PSC_YAML_SCALAR;
		return take_text(yaml, &node->text);
	default:
		return fail_here(yaml, "expected a value");
	}
}

static int take_document(struct psc_yaml *yaml)
{
	enum fy_event_type type;
	int r;

	r = next_event(yaml, &type);
	if (r < 0 || type == FYET_STREAM_END)
		return r;
	yaml->root = calloc(1, sizeof(*yaml->root));
	if (!yaml->root)
		return -ENOMEM;
	r = take_node(yaml, type, 0, yaml->root);
	if (r < 0)
		return r;
	/* "---" alone is an empty value */
	if (yaml->root->type == PSC_YAML_SCALAR && !yaml->root->text[0]) {
		free_nodes(yaml->root);
		yaml->root = NULL;
	}
	/* Whatever comes behind is looked at too: a second document is refused. */
	while (type != FYET_STREAM_END) {
		r = next_event(yaml, &type);
		if (r < 0)
			return r;
	}
	return 0;
}

static int create_parser(struct psc_yaml *yaml, const char *data, size_t size)
{
	struct fy_parse_cfg parse = {.flags = FYPCF_QUIET};
	struct fy_diag_cfg diag;

	fy_diag_cfg_default(&diag);
	diag.fp = NULL; /* nothing is printed; errors are collected */
	yaml->diag = fy_diag_create(&diag);
	if (!yaml->diag)
		return -ENOMEM;
	fy_diag_set_collect_errors(yaml->diag, true);
	parse.diag = yaml->diag;
	yaml->parser = fy_parser_create(&parse);
	/* An empty text is none to libfyaml: give it a line. */
	if (!yaml->parser ||
	    fy_parser_set_string(yaml->parser, size ? data : "\n", size ? size : 1) != 0)
		return -ENOMEM;
	return 0;
}

int psc_yaml_parse(const char *data, size_t size, const char *path, struct psc_yaml **ret,
		   struct psc_error *reterr)
{
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	int r;

	r = check_text(data, size, path, reterr);
	if (r < 0)
		return r;
	yaml = calloc(1, sizeof(*yaml));
	r = -ENOMEM;
	if (yaml) {
		yaml->path = path;
		yaml->reterr = reterr;
		r = create_parser(yaml, data, size);
	}
	if (r >= 0)
		r = take_document(yaml);
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, OUT_OF_MEMORY);
	if (r < 0)
		return r;
	free_parser(yaml);
	*ret = TAKE_PTR(yaml);
	return 0;
}

const struct psc_yaml_node *psc_yaml_get(const struct psc_yaml_node *node, const char *key)
{
	for (const struct psc_yaml_node *n = node->first; n; n = n->next) {
		if (n->key && strcmp(n->key, key) == 0)
			return n;
	}
	return NULL;
}

static const char *found(const struct psc_yaml_node *node)
{
	switch (node->type) {
	case PSC_YAML_MAPPING:
		return "a mapping";
	case PSC_YAML_SEQUENCE:
		return "a sequence";
	default:
		return node->text[0] ? "a value" : "nothing";
	}
}

int psc_yaml_expect_scalar(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			   const char *expected)
{
	if (node->type != PSC_YAML_SCALAR || !node->text[0])
		return psc_yaml_fail(yaml, node, "%s, found %s", expected, found(node));
	return 0;
}

int psc_yaml_expect_mapping(struct psc_yaml *yaml, const struct psc_yaml_node *node)
{
	if (node->type != PSC_YAML_MAPPING)
		return psc_yaml_fail(yaml, node, "expected a mapping (key: value), found %s",
				     found(node));
	return 0;
}

int psc_yaml_expect_sequence(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			     const char *expected)
{
	if (node->type != PSC_YAML_SEQUENCE)
		return psc_yaml_fail(yaml, node, "%s, found %s", expected, found(node));
	return 0;
}

/* "a, b or c" for the names of a table. */
static void list_keys(const struct psc_yaml_key *keys, size_t count, char *buffer, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < count && used < size; i++) {
		const char *between = i == 0 ? "" : i + 1 < count ? ", " : " or ";

		used += snprintf(buffer + used, size - used, "%s%s", between, keys[i].name);
	}
}

int psc_yaml_walk(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		  const struct psc_yaml_key *keys, size_t count, void *data)
{
	char expected[240] = "";
	int r;

	r = psc_yaml_expect_mapping(yaml, node);
	for (const struct psc_yaml_node *n = node->first; n && r >= 0; n = n->next) {
		size_t i = 0;

		while (i < count && strcmp(n->key, keys[i].name) != 0)
			i++;
		if (i < count) {
			r = keys[i].parse(yaml, n, data);
			continue;
		}
		list_keys(keys, count, expected, sizeof(expected));
		return psc_yaml_fail_key(yaml, n, "unknown key \"%.40s\": expected %s", n->key,
					 expected);
	}
	return r;
}

int psc_yaml_require(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		     const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!psc_yaml_get(node, keys[i]))
			return psc_yaml_fail(yaml, node, "\"%s\" is missing", keys[i]);
	}
	return 0;
}
