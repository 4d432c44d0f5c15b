/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - see config.h.
 */
#include <errno.h>
#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/config.h"
#include "user/core/config_parts.h"
#include "user/core/indicator.h"
#include "user/core/load.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/policy.h"
#include "user/core/yaml.h"

#define DEFAULT_PROFILE	   "us-commerce-icts-2021-002"
#define DEFAULT_HASH_LIMIT (256ULL << 20)

#define LOG_FILE_SIZE  (64ULL << 20)
#define LOG_TOTAL_SIZE (4ULL << 30)
#define ACTIONS	       "expected allow, record or deny"

/* What a text says, before it is laid over the defaults. */
struct parser {
	struct psc_config *config;
	/* `default` may stand behind the reasons it must not override. */
	int unverified_default; /* -1: not said */
	bool said[PSC_OP_MAX][PSC_UNVERIFIED_MAX];
	uint8_t unverified[PSC_OP_MAX][PSC_UNVERIFIED_MAX];
};

static int default_profiles(char ***ret)
{
	char **names = calloc(2, sizeof(*names));

	if (names)
		names[0] = strdup(DEFAULT_PROFILE);
	if (!names || !names[0]) {
		free(names);
		return -ENOMEM;
	}
	*ret = names;
	return 0;
}

int psc_config_new(struct psc_config **ret)
{
	_cleanup_(psc_config_freep) struct psc_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->mode = PSC_MODE_OBSERVE;
	config->lists = strdup(PSC_PATH_LISTS);
	config->log_directory = strdup(PSC_PATH_LOG);
	config->log_file_size = LOG_FILE_SIZE;
	config->log_total_size = LOG_TOTAL_SIZE;
	if (!config->lists || !config->log_directory || default_profiles(&config->profiles) < 0)
		return -ENOMEM;
	config->seen = true;
	config->hash_limit = DEFAULT_HASH_LIMIT;
	config->unstable = psc_filesystems_default();
	config->resolver = (struct psc_config_resolver){
		.enabled = false,
		.confidence = PSC_CONFIDENCE_HIGH,
		.new_files = true,
		.stop = false,
		.places = true,
	};
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		config->action[op] = PSC_ACTION_RECORD;
		for (unsigned int reason = 1; reason < PSC_UNVERIFIED_MAX; reason++)
			config->unverified[op][reason] = PSC_ACTION_RECORD;
	}
	config->action[PSC_OP_EXEC] = PSC_ACTION_DENY;
	config->action[PSC_OP_LOAD] = PSC_ACTION_DENY;
	config->action[PSC_OP_MODULE] = PSC_ACTION_DENY;
	/* Nobody runs listed sizes so by accident: these are ways around. */
	for (unsigned int op = PSC_OP_EXEC; op <= PSC_OP_MODULE; op++) {
		config->unverified[op][PSC_UNVERIFIED_DIRECT_IO] = PSC_ACTION_DENY;
		config->unverified[op][PSC_UNVERIFIED_BUSY] = PSC_ACTION_DENY;
		config->unverified[op][PSC_UNVERIFIED_SWAP] = PSC_ACTION_DENY;
		config->unverified[op][PSC_UNVERIFIED_DEEP] = PSC_ACTION_DENY;
	}
	/* Kernels that digest after the open answer so to every first open. */
	config->unverified[PSC_OP_OPEN][PSC_UNVERIFIED_UNCACHED] = PSC_ACTION_ALLOW;
	*ret = TAKE_PTR(config);
	return 0;
}

struct psc_config *psc_config_free(struct psc_config *config)
{
	if (!config)
		return NULL;
	free(config->lists);
	free(config->log_directory);
	free(config->metrics);
	psc_strings_free(config->profiles);
	psc_places_free(config->places, config->place_count);
	free(config);
	return NULL;
}

void psc_config_freep(struct psc_config **config)
{
	*config = psc_config_free(*config);
}

int psc_size_from_string(const char *text, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(p, units[i].suffix) != 0)
			continue;
		if (value > UINT64_MAX >> units[i].shift)
			return -ERANGE;
		*ret = value << units[i].shift;
		return 0;
	}
	return -EINVAL;
}

static int parse_mode(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected observe or enforce");
	if (r < 0)
		return r;
	if (psc_mode_from_string(value->text, &p->config->mode) < 0)
		return psc_yaml_fail(yaml, value,
				     "unknown mode \"%.40s\": expected observe or enforce",
				     value->text);
	return 0;
}

static int parse_path(struct psc_yaml *yaml, const struct psc_yaml_node *value, char **path)
{
	char *copy;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected an absolute path");
	if (r < 0)
		return r;
	if (value->text[0] != '/')
		return psc_yaml_fail(yaml, value,
				     "not an absolute path: expected one that begins with /");
	copy = strdup(value->text);
	if (!copy)
		return -ENOMEM;
	free(*path);
	*path = copy;
	return 0;
}

static int parse_lists(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return parse_path(yaml, value, &p->config->lists);
}

/* Names only: which of them exist is for whoever loads them. */
static int parse_profiles(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;
	size_t count = 0;
	char **names;
	int r;

	r = psc_yaml_expect_sequence(yaml, value, "expected a sequence of profiles ([] for none)");
	if (r < 0)
		return r;
	names = calloc(PSC_PROFILES_MAX + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	psc_strings_free(p->config->profiles);
	p->config->profiles = names;
	for (const struct psc_yaml_node *n = value->first; n; n = n->next) {
		r = psc_yaml_expect_scalar(yaml, n, "expected the name of a profile");
		if (r < 0)
			return r;
		if (strchr(n->text, '/') || n->text[0] == '.')
			return psc_yaml_fail(yaml, n, "not the name of a profile: \"%.40s\"",
					     n->text);
		for (size_t i = 0; i < count; i++) {
			if (strcmp(names[i], n->text) == 0)
				return psc_yaml_fail(yaml, n, "profile \"%.40s\" stands twice",
						     n->text);
		}
		if (count == PSC_PROFILES_MAX)
			return psc_yaml_fail(yaml, n, "more than %u profiles", PSC_PROFILES_MAX);
		names[count] = strdup(n->text);
		if (!names[count++])
			return -ENOMEM;
	}
	return 0;
}

static int parse_log_directory(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return parse_path(yaml, value, &p->config->log_directory);
}

/* @range says what is expected. */
static int parse_size(struct psc_yaml *yaml, const struct psc_yaml_node *value, uint64_t min,
		      uint64_t max, const char *range, uint64_t *ret)
{
	int r = psc_yaml_expect_scalar(yaml, value, "expected a size such as 256MiB");
	uint64_t size;

	if (r < 0)
		return r;
	r = psc_size_from_string(value->text, &size);
	if (r == -EINVAL)
		return psc_yaml_fail(yaml, value,
				     "not a size: expected bytes, or a number with KiB, MiB or "
				     "GiB");
	if (r < 0 || size < min || size > max)
		return psc_yaml_fail(yaml, value, "size out of range: expected %s", range);
	*ret = size;
	return 0;
}

static int parse_log_size(struct psc_yaml *yaml, const struct psc_yaml_node *value, uint64_t *ret)
{
	return parse_size(yaml, value, PSC_CONFIG_LOG_MIN, PSC_CONFIG_LOG_MAX, "1MiB to 1048576GiB",
			  ret);
}

static int parse_log_file_size(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return parse_log_size(yaml, value, &p->config->log_file_size);
}

static int parse_log_total_size(struct psc_yaml *yaml, const struct psc_yaml_node *value,
				void *data)
{
	struct parser *p = data;

	return parse_log_size(yaml, value, &p->config->log_total_size);
}

static int parse_log(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	static const struct psc_yaml_key keys[] = {
		{"directory", parse_log_directory},
		{"file_size", parse_log_file_size},
		{"total_size", parse_log_total_size},
	};
	const struct parser *p = data;
	int r = psc_yaml_walk(yaml, value, keys, ARRAY_SIZE(keys), data);

	if (r >= 0 && p->config->log_total_size / 2 < p->config->log_file_size)
		return psc_yaml_fail(yaml, value, "total_size must be twice file_size at least");
	return r;
}

static int parse_journald(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return psc_config_parse_flag(yaml, value, &p->config->journald);
}

static int parse_seen(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return psc_config_parse_flag(yaml, value, &p->config->seen);
}

static int parse_metrics(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return parse_path(yaml, value, &p->config->metrics);
}

static int parse_hash_limit(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return parse_size(yaml, value, PSC_CONFIG_HASH_MIN, PSC_CONFIG_HASH_MAX,
			  "1MiB to 4294967295 bytes", &p->config->hash_limit);
}

static int parse_unstable(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_filesystems set = {0};
	struct parser *p = data;
	int r;

	r = psc_yaml_expect_sequence(yaml, value,
				     "expected a sequence of file systems ([nfs, fuse])");
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next) {
		r = psc_yaml_expect_scalar(yaml, n, "expected a file system");
		if (r < 0)
			return r;
		r = psc_filesystems_add(&set, n->text);
		if (r == -E2BIG)
			return psc_yaml_fail(yaml, n, "more than %u file systems",
					     PSC_UNSTABLE_MAX);
		if (r < 0)
			return psc_yaml_fail(
				yaml, n,
				"unknown file system \"%.40s\": expected %s or a magic "
				"number (0x1a2b)",
				n->text, PSC_FILESYSTEMS_NAMES);
	}
	if (r >= 0)
		p->config->unstable = set;
	return r;
}

static int parse_places(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return psc_places_parse(yaml, value, &p->config->places, &p->config->place_count);
}

static int parse_action(struct psc_yaml *yaml, const struct psc_yaml_node *value, uint8_t *ret)
{
	enum psc_action action;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, ACTIONS);
	if (r < 0)
		return r;
	if (psc_action_from_string(value->text, &action) < 0)
		return psc_yaml_fail(yaml, value, "unknown action \"%.40s\": " ACTIONS,
				     value->text);
	*ret = action;
	return 0;
}

/* Actions by operation, with what was said of them. */
struct op_actions {
	uint8_t action[PSC_OP_MAX];
	bool said[PSC_OP_MAX];
};

static int parse_op_actions(struct psc_yaml *yaml, const struct psc_yaml_node *value,
			    struct op_actions *actions)
{
	int r;

	r = psc_yaml_expect_mapping(yaml, value);
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next) {
		enum psc_op op;

		if (psc_op_from_string(n->key, &op) < 0)
			return psc_yaml_fail_key(
				yaml, n,
				"unknown operation \"%.40s\": expected exec, load, "
				"module, open, write, connect, spawn or install",
				n->key);
		actions->said[op] = true;
		r = parse_action(yaml, n, &actions->action[op]);
	}
	return r;
}

static int parse_actions(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct op_actions actions = {0};
	struct parser *p = data;
	int r;

	r = parse_op_actions(yaml, value, &actions);
	if (r < 0)
		return r;
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		if (actions.said[op])
			p->config->action[op] = actions.action[op];
	}
	return 0;
}

/* REASON: ACTION for every operation, or REASON: {OPERATION: ACTION, ...}. */
static int parse_reason(struct psc_yaml *yaml, const struct psc_yaml_node *value, struct parser *p,
			enum psc_unverified reason)
{
	struct op_actions actions = {0};
	int r;

	if (value->type == PSC_YAML_MAPPING) {
		r = parse_op_actions(yaml, value, &actions);
	} else {
		r = parse_action(yaml, value, &actions.action[0]);
		memset(actions.action, actions.action[0], sizeof(actions.action));
		memset(actions.said, true, sizeof(actions.said));
	}
	if (r < 0)
		return r;
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		p->said[op][reason] = actions.said[op];
		p->unverified[op][reason] = actions.action[op];
	}
	return 0;
}

static int parse_unverified_default(struct psc_yaml *yaml, const struct psc_yaml_node *value,
				    struct parser *p)
{
	uint8_t action;
	int r;

	r = parse_action(yaml, value, &action);
	if (r >= 0)
		p->unverified_default = action;
	return r;
}

static int parse_unverified(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	int r;

	r = psc_yaml_expect_mapping(yaml, value);
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next) {
		enum psc_unverified reason;

		if (strcmp(n->key, "default") == 0) {
			r = parse_unverified_default(yaml, n, data);
			continue;
		}
		if (psc_unverified_from_string(n->key, &reason) < 0 ||
		    reason == PSC_UNVERIFIED_NONE)
			return psc_yaml_fail_key(yaml, n,
						 "unknown reason \"%.40s\": expected default, "
						 "algorithm, error, interrupted, direct_io, "
						 "too_large, storage, writer, memfd, filesystem, "
						 "uncached, busy, swap, no_file, overlay, "
						 "ima_policy, table or deep",
						 n->key);
		r = parse_reason(yaml, n, data, reason);
	}
	return r;
}

/* The default first, what was named over it, wherever they stood. */
static void apply_unverified(struct parser *p)
{
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		for (unsigned int reason = 1; reason < PSC_UNVERIFIED_MAX; reason++) {
			uint8_t *action = &p->config->unverified[op][reason];
			bool usual = op == PSC_OP_OPEN && reason == PSC_UNVERIFIED_UNCACHED;

			if (p->said[op][reason])
				*action = p->unverified[op][reason];
			else if (p->unverified_default >= 0 && !usual)
				*action = p->unverified_default;
		}
	}
}

static int parse_resolver(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct parser *p = data;

	return psc_config_parse_resolver(yaml, value, &p->config->resolver);
}

static int parse_document(struct psc_yaml *yaml, struct parser *p)
{
	static const struct psc_yaml_key keys[] = {
		{"mode", parse_mode},
		{"lists", parse_lists},
		{"profiles", parse_profiles},
		{"log", parse_log},
		{"metrics", parse_metrics},
		{"journald", parse_journald},
		{"seen", parse_seen},
		{"hash_limit", parse_hash_limit},
		{"unstable_filesystems", parse_unstable},
		{"places", parse_places},
		{"actions", parse_actions},
		{"unverified", parse_unverified},
		{"resolver", parse_resolver},
	};
	int r = 0;

	if (psc_yaml_root(yaml))
		r = psc_yaml_walk(yaml, psc_yaml_root(yaml), keys, ARRAY_SIZE(keys), p);
	if (r >= 0)
		apply_unverified(p);
	return r;
}

int psc_config_parse(const char *data, size_t size, const char *path, struct psc_config **ret,
		     struct psc_error *reterr)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	struct parser parser = {.unverified_default = -1};
	int r;

	if (size > PSC_CONFIG_SIZE_MAX) {
		psc_error_set(reterr, path, 0, 0, "larger than %u bytes", PSC_CONFIG_SIZE_MAX);
		return -E2BIG;
	}
	r = psc_yaml_parse(data, size, path, &yaml, reterr);
	if (r < 0)
		return r;
	r = psc_config_new(&config);
	if (r >= 0) {
		parser.config = config;
		r = parse_document(yaml, &parser);
	}
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, "out of memory");
	if (r < 0)
		return r;
	*ret = TAKE_PTR(config);
	return 0;
}

int psc_config_load(const char *path, struct psc_config **ret, struct psc_error *reterr)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	r = psc_load_trusted(path, PSC_CONFIG_SIZE_MAX, &data, &size, reterr);
	return r < 0 ? r : psc_config_parse(data, size, path, ret, reterr);
}
