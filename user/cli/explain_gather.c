/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_gather.c - what is known of a file, a process, a digest; see explain.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/cli/explain.h"
#include "user/core/hex.h"
#include "user/identify/identify.h"
#include "user/scan/owner.h"

#define MAPPED_MAX	4096
#define ENVIRONMENT_MAX (1U << 20) /* bytes that are looked at */

void psc_explained_clear(struct psc_explained *thing)
{
	free(thing->where);
	psc_facts_clear(&thing->facts);
	psc_matches_clear(&thing->matches);
	*thing = (struct psc_explained){0};
}

static int add_text(struct psc_facts *facts, enum psc_fact_kind kind, const char *text)
{
	return psc_facts_add(facts, kind, 0, text, strlen(text));
}

/* Where the file is, by its name and by where links lead. */
static int add_places(struct psc_facts *facts, int fd, const char *path)
{
	char link[64], real[PATH_MAX];
	_cleanup_free_ char *absolute = realpath(path, NULL);
	const char *name = strrchr(path, '/');
	ssize_t n;
	int r;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	r = add_text(facts, PSC_FACT_NAME, name ? name + 1 : path);
	if (n > 0 && r >= 0) {
		real[n] = 0;
		r = add_text(facts, PSC_FACT_PATH, real);
		name = strrchr(real, '/');
		if (r >= 0 && name && strcmp(name + 1, facts->fact[0].value))
			r = add_text(facts, PSC_FACT_NAME, name + 1);
	}
	/* rules speak of /opt/kaspersky/kesl though that is a link */
	if (r >= 0 && path[0] == '/' && absolute && strcmp(absolute, path))
		r = add_text(facts, PSC_FACT_PATH, path);
	return r;
}

static int read_file(const struct psc_explain_knowledge *knowledge, int fd, const char *path,
		     struct psc_explained *thing)
{
	const struct psc_identify_options options = {
		.markers = knowledge->markers,
		.trust = knowledge->trust,
		.want_digest = true,
		.unpack_modules = true,
	};
	const char *hex, *size;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = add_places(&thing->facts, fd, path);
	if (r >= 0)
		r = psc_identify(fd, &options, &thing->facts);
	if (r < 0)
		return r;
	hex = psc_facts_get(&thing->facts, PSC_FACT_SHA256);
	size = psc_facts_get(&thing->facts, PSC_FACT_SIZE);
	thing->has_digest =
		hex && psc_hex_decode(hex, strlen(hex), thing->digest, PSC_DIGEST_SIZE, NULL) == 0;
	thing->size = size ? strtoull(size, NULL, 10) : 0;
	return 0;
}

static int find_owner(const char *path, void *data, struct psc_facts *ret)
{
	int r = psc_owner_find_dpkg("", path, ret);

	return r ? r : psc_owner_find_rpm("", path, ret);
}

/* By which rules it is what; @thing is handed on as a whole or not at all. */
static int finish(const struct psc_explain_knowledge *knowledge, const char *path,
		  struct psc_explained *thing, struct psc_explained *ret)
{
	int r = psc_indicators_match(knowledge->indicators, &thing->facts, &thing->matches);

	if (r >= 0)
		r = psc_owner_judge(knowledge->indicators, find_owner, NULL, &thing->facts,
				    &thing->matches);
	if (r < 0)
		return r;
	thing->where = strdup(path);
	if (!thing->where)
		return -ENOMEM;
	*ret = *thing;
	*thing = (struct psc_explained){0};
	return 0;
}

int psc_explain_file(const struct psc_explain_knowledge *knowledge, const char *path,
		     struct psc_explained *ret)
{
	_cleanup_(psc_explained_clear) struct psc_explained thing = {.kind = "file"};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = read_file(knowledge, fd, path, &thing);
	return r < 0 ? r : finish(knowledge, path, &thing, ret);
}

/* ---- processes ----------------------------------------------------------------------------- */

/* Only variables that a rule asks for: the others are nobody's business. */
static bool is_asked_for(const struct psc_indicators *indicators, const char *variable)
{
	for (size_t i = 0; i < psc_indicators_count(indicators); i++) {
		const struct psc_indicator *indicator = psc_indicators_get(indicators, i);

		for (size_t k = 0; k < indicator->conditions; k++) {
			const struct psc_condition *c = &indicator->condition[k];
			size_t name = strcspn(c->value, "=");

			if (c->fact == PSC_FACT_ENVIRONMENT &&
			    strncmp(variable, c->value, name) == 0 && variable[name] == '=')
				return true;
		}
	}
	return false;
}

static int add_environment(const struct psc_indicators *indicators, pid_t pid,
			   struct psc_facts *facts)
{
	_cleanup_free_ char *text = malloc(ENVIRONMENT_MAX);
	_cleanup_fclose_ FILE *f = NULL;
	char path[64];
	size_t n;
	int r = 0;

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	if (!f)
		return add_text(facts, PSC_FACT_PROBLEM, "its environment cannot be read");
	n = fread(text, 1, ENVIRONMENT_MAX - 1, f);
	text[n] = 0;
	for (size_t at = 0; at < n && r >= 0; at += strlen(text + at) + 1) {
		if (is_asked_for(indicators, text + at))
			r = add_text(facts, PSC_FACT_ENVIRONMENT, text + at);
	}
	return r;
}

static int add_process_name(struct psc_facts *facts, pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], name[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, sizeof(name), f))
		return f ? 0 : -errno;
	name[strcspn(name, "\n")] = 0;
	return add_text(facts, PSC_FACT_PROCESS, name);
}

int psc_explain_process(const struct psc_explain_knowledge *knowledge, pid_t pid,
			struct psc_explained *ret)
{
	_cleanup_(psc_explained_clear) struct psc_explained thing = {.kind = "process", .pid = pid};
	_cleanup_close_ int fd = -1;
	char link[64], path[PATH_MAX];
	ssize_t n;
	int r;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (n < 0 || fd < 0)
		return -errno;
	path[n] = 0;
	r = read_file(knowledge, fd, path, &thing);
	if (r >= 0)
		r = add_process_name(&thing.facts, pid);
	if (r >= 0)
		r = add_environment(knowledge->indicators, pid, &thing.facts);
	return r < 0 ? r : finish(knowledge, path, &thing, ret);
}

/* The path in a line of /proc/PID/maps that is executable, as an offset; 0: none. */
static int mapped_path(const char *line)
{
	char flags[5];
	int at = 0;

	if (sscanf(line, "%*s %4s %*s %*s %*s %n", flags, &at) != 1 || flags[2] != 'x')
		return 0;
	return line[at] == '/' ? at : 0;
}

int psc_explain_mapped(pid_t pid, int (*fn)(const char *path, void *data), void *data)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[PATH_MAX + 128], exe[PATH_MAX], last[PATH_MAX] = "";
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	for (int i = 0; i < MAPPED_MAX && !r && fgets(line, sizeof(line), f); i++) {
		int at = mapped_path(line);

		line[strcspn(line, "\n")] = 0;
		if (!at || !strcmp(line + at, exe) || !strcmp(line + at, last))
			continue;
		snprintf(last, sizeof(last), "%s", line + at);
		r = fn(last, data);
	}
	return r;
}

int psc_explain_digest(const uint8_t digest[PSC_DIGEST_SIZE], struct psc_explained *ret)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];
	struct psc_explained thing = {.kind = "digest", .has_digest = true};

	memcpy(thing.digest, digest, PSC_DIGEST_SIZE);
	psc_hex_encode(digest, PSC_DIGEST_SIZE, hex);
	thing.where = strdup(hex);
	if (!thing.where)
		return -ENOMEM;
	*ret = thing;
	return 0;
}
