/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - see config.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/config.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/yaml.h"

#define DEFAULT_HASH_LIMIT (256ULL << 20)

#define ACTIONS "expected allow, record or deny"

/* What a text says, before it is laid over the defaults. */
struct parser {
	struct psc_yaml *yaml;
	struct psc_config *config;
	/* `default` may stand behind the reasons it must not override. */
	int unverified_default; /* -1: not said */
	bool said[PSC_OP_MAX][PSC_UNVERIFIED_MAX];
	uint8_t unverified[PSC_OP_MAX][PSC_UNVERIFIED_MAX];
};

/* Keys of one mapping: what each is followed by. */
struct key {
	const char *name;
	int (*parse)(struct parser *p, const struct psc_yaml_event *value);
};

int psc_config_new(struct psc_config **ret)
{
	_cleanup_(psc_config_freep) struct psc_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->mode = PSC_MODE_OBSERVE;
	config->lists = strdup(PSC_PATH_LISTS);
	config->log_directory = strdup(PSC_PATH_LOG);
	if (!config->lists || !config->log_directory)
		return -ENOMEM;
	config->hash_limit = DEFAULT_HASH_LIMIT;
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

/* What was found instead of what was expected. */
static const char *found(const struct psc_yaml_event *event)
{
	switch (event->type) {
	case PSC_YAML_MAPPING_START:
		return "a mapping";
	case PSC_YAML_SEQUENCE_START:
		return "a sequence";
	case PSC_YAML_SCALAR:
		return event->text[0] ? "a value" : "nothing";
	default:
		return "the end";
	}
}

static int expect_scalar(struct parser *p, const struct psc_yaml_event *value, const char *expected)
{
	if (value->type != PSC_YAML_SCALAR || !value->text[0])
		return psc_yaml_fail(p->yaml, value, "%s, found %s", expected, found(value));
	return 0;
}

/* Adds "a, b or c" for the names of a table. */
static void list_keys(const struct key *keys, size_t count, char *buffer, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < count && used < size; i++)
		used += snprintf(buffer + used, size - used, "%s%s",
				 i == 0		 ? ""
				 : i + 1 < count ? ", "
						 : " or ",
				 keys[i].name);
}

/* Called with each key of a mapping; parses what follows it. */
typedef int (*pair_fn)(struct parser *p, const struct psc_yaml_event *key, void *data);

static int parse_mapping(struct parser *p, const struct psc_yaml_event *start, pair_fn fn,
			 void *data)
{
	if (start->type != PSC_YAML_MAPPING_START)
		return psc_yaml_fail(p->yaml, start, "expected a mapping (key: value), found %s",
				     found(start));
	for (;;) {
		_cleanup_free_ char *text = NULL;
		struct psc_yaml_event key;
		int r;

		r = psc_yaml_next(p->yaml, &key);
		if (r < 0)
			return r;
		if (key.type == PSC_YAML_MAPPING_END)
			return 0;
		r = expect_scalar(p, &key, "expected a key");
		if (r < 0)
			return r;
		/* The key's text goes with the next event, and its value is that. */
		text = strdup(key.text);
		if (!text)
			return -ENOMEM;
		key.text = text;
		r = fn(p, &key, data);
		if (r < 0)
			return r;
	}
}

static int fail_duplicate(struct parser *p, const struct psc_yaml_event *key)
{
	return psc_yaml_fail(p->yaml, key, "duplicate key \"%.40s\"", key->text);
}

/* A mapping whose keys stand in a table; @seen has a bit for each. */
struct table {
	const struct key *keys;
	size_t count;
	uint32_t *seen;
};

static int parse_key(struct parser *p, const struct psc_yaml_event *key, void *data)
{
	struct table *table = data;
	char expected[160] = "";

	for (size_t i = 0; i < table->count; i++) {
		struct psc_yaml_event value;
		int r;

		if (strcmp(key->text, table->keys[i].name) != 0)
			continue;
		if (*table->seen & 1U << i)
			return fail_duplicate(p, key);
		*table->seen |= 1U << i;
		r = psc_yaml_next(p->yaml, &value);
		return r < 0 ? r : table->keys[i].parse(p, &value);
	}
	list_keys(table->keys, table->count, expected, sizeof(expected));
	return psc_yaml_fail(p->yaml, key, "unknown key \"%.40s\": expected %s", key->text,
			     expected);
}

static int parse_table(struct parser *p, const struct psc_yaml_event *start, const struct key *keys,
		       size_t count)
{
	uint32_t seen = 0;
	struct table table = {keys, count, &seen};

	return parse_mapping(p, start, parse_key, &table);
}

static int parse_mode(struct parser *p, const struct psc_yaml_event *value)
{
	int r;

	r = expect_scalar(p, value, "expected observe or enforce");
	if (r < 0)
		return r;
	if (psc_mode_from_string(value->text, &p->config->mode) < 0)
		return psc_yaml_fail(p->yaml, value,
				     "unknown mode \"%.40s\": expected observe or enforce",
				     value->text);
	return 0;
}

static int parse_path(struct parser *p, const struct psc_yaml_event *value, char **path)
{
	char *copy;
	int r;

	r = expect_scalar(p, value, "expected an absolute path");
	if (r < 0)
		return r;
	if (value->text[0] != '/')
		return psc_yaml_fail(p->yaml, value,
				     "not an absolute path: expected one that begins with /");
	copy = strdup(value->text);
	if (!copy)
		return -ENOMEM;
	free(*path);
	*path = copy;
	return 0;
}

static int parse_lists(struct parser *p, const struct psc_yaml_event *value)
{
	return parse_path(p, value, &p->config->lists);
}

static int parse_log_directory(struct parser *p, const struct psc_yaml_event *value)
{
	return parse_path(p, value, &p->config->log_directory);
}

static int parse_log(struct parser *p, const struct psc_yaml_event *value)
{
	static const struct key keys[] = {{"directory", parse_log_directory}};

	return parse_table(p, value, keys, ARRAY_SIZE(keys));
}

static int parse_hash_limit(struct parser *p, const struct psc_yaml_event *value)
{
	uint64_t limit;
	int r;

	r = expect_scalar(p, value, "expected a size such as 256MiB");
	if (r < 0)
		return r;
	r = psc_size_from_string(value->text, &limit);
	if (r == -EINVAL)
		return psc_yaml_fail(p->yaml, value,
				     "not a size: expected bytes, or a number with KiB, MiB or "
				     "GiB");
	if (r < 0 || limit < PSC_CONFIG_HASH_MIN || limit > PSC_CONFIG_HASH_MAX)
		return psc_yaml_fail(p->yaml, value,
				     "size out of range: expected 1MiB to 4294967295 bytes");
	p->config->hash_limit = limit;
	return 0;
}

static int parse_action(struct parser *p, const struct psc_yaml_event *value, uint8_t *ret)
{
	enum psc_action action;
	int r;

	r = expect_scalar(p, value, ACTIONS);
	if (r < 0)
		return r;
	if (psc_action_from_string(value->text, &action) < 0)
		return psc_yaml_fail(p->yaml, value, "unknown action \"%.40s\": " ACTIONS,
				     value->text);
	*ret = action;
	return 0;
}

/* Actions by operation, with what was said already. */
struct op_actions {
	uint8_t action[PSC_OP_MAX];
	bool said[PSC_OP_MAX];
};

static int parse_op_action(struct parser *p, const struct psc_yaml_event *key, void *data)
{
	struct op_actions *actions = data;
	struct psc_yaml_event value;
	enum psc_op op;
	int r;

	if (psc_op_from_string(key->text, &op) < 0)
		return psc_yaml_fail(p->yaml, key,
				     "unknown operation \"%.40s\": expected exec, load, module, "
				     "open, write, connect, spawn or install",
				     key->text);
	if (actions->said[op])
		return fail_duplicate(p, key);
	actions->said[op] = true;
	r = psc_yaml_next(p->yaml, &value);
	return r < 0 ? r : parse_action(p, &value, &actions->action[op]);
}

static int parse_actions(struct parser *p, const struct psc_yaml_event *value)
{
	struct op_actions actions = {0};
	int r;

	r = parse_mapping(p, value, parse_op_action, &actions);
	if (r < 0)
		return r;
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		if (actions.said[op])
			p->config->action[op] = actions.action[op];
	}
	return 0;
}

/* REASON: ACTION for every operation, or REASON: {OPERATION: ACTION, ...}. */
static int parse_reason(struct parser *p, enum psc_unverified reason,
			const struct psc_yaml_event *value)
{
	struct op_actions actions = {0};
	int r;

	if (value->type == PSC_YAML_MAPPING_START) {
		r = parse_mapping(p, value, parse_op_action, &actions);
	} else {
		r = parse_action(p, value, &actions.action[0]);
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

static int parse_unverified_key(struct parser *p, const struct psc_yaml_event *key, void *data)
{
	uint32_t *seen = data;
	enum psc_unverified reason = PSC_UNVERIFIED_NONE; /* stands for "default" */
	struct psc_yaml_event value;
	uint8_t action;
	int r;

	if (strcmp(key->text, "default") != 0 &&
	    (psc_unverified_from_string(key->text, &reason) < 0 || reason == PSC_UNVERIFIED_NONE))
		return psc_yaml_fail(p->yaml, key,
				     "unknown reason \"%.40s\": expected default, algorithm, "
				     "error, interrupted, direct_io, too_large, storage, writer, "
				     "memfd, filesystem, uncached, busy, swap, no_file, overlay, "
				     "ima_policy or table",
				     key->text);
	if (*seen & 1U << reason)
		return fail_duplicate(p, key);
	*seen |= 1U << reason;
	r = psc_yaml_next(p->yaml, &value);
	if (r < 0)
		return r;
	if (reason != PSC_UNVERIFIED_NONE)
		return parse_reason(p, reason, &value);
	r = parse_action(p, &value, &action);
	if (r < 0)
		return r;
	p->unverified_default = action;
	return 0;
}

static int parse_unverified(struct parser *p, const struct psc_yaml_event *value)
{
	uint32_t seen = 0;

	return parse_mapping(p, value, parse_unverified_key, &seen);
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

static int parse_document(struct parser *p)
{
	static const struct key keys[] = {
		{"mode", parse_mode},	    {"lists", parse_lists},
		{"log", parse_log},	    {"hash_limit", parse_hash_limit},
		{"actions", parse_actions}, {"unverified", parse_unverified},
	};
	struct psc_yaml_event event;
	int r;

	r = psc_yaml_next(p->yaml, &event);
	if (r < 0)
		return r;
	/* "---" alone is an empty value. */
	if (event.type == PSC_YAML_SCALAR && !event.text[0])
		r = 0;
	else if (event.type != PSC_YAML_END)
		r = parse_table(p, &event, keys, ARRAY_SIZE(keys));
	if (r < 0)
		return r;
	/* Whatever comes behind is looked at too: a second document is refused. */
	while (event.type != PSC_YAML_END) {
		r = psc_yaml_next(p->yaml, &event);
		if (r < 0)
			return r;
	}
	apply_unverified(p);
	return 0;
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
	r = psc_yaml_new(data, size, path, &yaml, reterr);
	if (r < 0)
		return r;
	r = psc_config_new(&config);
	if (r >= 0) {
		parser.yaml = yaml;
		parser.config = config;
		r = parse_document(&parser);
	}
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, "out of memory");
	if (r < 0)
		return r;
	*ret = TAKE_PTR(config);
	return 0;
}

/* Whoever may write the configuration may switch the guard off. */
static int check_owner(int fd, const char *path, struct psc_error *reterr)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int r = -errno;

		psc_error_set(reterr, path, 0, 0, "cannot be examined: %s", strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		psc_error_set(reterr, path, 0, 0, "is not a regular file");
		return -EINVAL;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		psc_error_set(reterr, path, 0, 0, "belongs to uid %u: expected root (chown root)",
			      st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		psc_error_set(reterr, path, 0, 0,
			      "is writable for others than its owner (mode %04o): expected 0644 or "
			      "less (chmod go-w)",
			      st.st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

int psc_config_load(const char *path, struct psc_config **ret, struct psc_error *reterr)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	size_t size = 0;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
		psc_error_set(reterr, path, 0, 0, "cannot be opened: %s", strerror(-r));
		return r;
	}
	r = check_owner(fd, path, reterr);
	if (r < 0)
		return r;
	data = malloc(PSC_CONFIG_SIZE_MAX + 1);
	if (!data) {
		psc_error_set(reterr, path, 0, 0, "out of memory");
		return -ENOMEM;
	}
	while (size <= PSC_CONFIG_SIZE_MAX) {
		ssize_t n = read(fd, data + size, PSC_CONFIG_SIZE_MAX + 1 - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = -errno;
			psc_error_set(reterr, path, 0, 0, "cannot be read: %s", strerror(-r));
			return r;
		}
		if (n == 0)
			break;
		size += n;
	}
	return psc_config_parse(data, size, path, ret, reterr);
}
