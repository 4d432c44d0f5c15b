/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_load.c - the policy of this host from its files, see policy_verbs.h.
 */
#include <errno.h>

#include "user/cli/policy_verbs.h"

struct psc_policy_places psc_policy_places_given(const struct psc_cli *cli)
{
	struct psc_policy_places places = psc_policy_places_default();
	const char *profiles = psc_cli_option(cli, "profiles-dir");
	const char *catalog = psc_cli_option(cli, "catalog");
	const char *objects = psc_cli_option(cli, "objects");

	if (profiles) {
		places.profiles[0] = profiles;
		places.profiles[1] = NULL;
	}
	if (catalog) {
		places.catalogs[0] = catalog;
		places.catalogs[1] = NULL;
	}
	if (objects)
		places.objects = objects;
	return places;
}

int psc_policy_find(const struct psc_policy_places *places, const char *name,
		    struct psc_profile **ret, struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL;
	size_t length = strlen(name);

	if (!strchr(name, '/') && length > 5 && strcmp(name + length - 5, ".yaml") == 0 &&
	    asprintf(&path, "./%s", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return psc_policy_find_profile(places, path ?: name, ret, reterr);
}

int psc_policy_config(const struct psc_cli *cli, struct psc_config **ret, struct psc_error *reterr)
{
	const char *path = psc_cli_option(cli, "policy");
	int r;

	if (!path || strcmp(path, "active") == 0)
		path = psc_cli_option(cli, "config");
	r = psc_config_load(path ?: PSC_PATH_CONFIG, ret, reterr);

	if (r == -ENOENT && !path) {
		*reterr = (struct psc_error){0};
		return psc_config_new(ret);
	}
	return r;
}

void psc_policy_host_clear(struct psc_policy_host *host)
{
	host->config = psc_config_free(host->config);
	host->list = psc_list_free(host->list);
	psc_policy_set_clear(&host->set);
}

int psc_policy_host_load(const struct psc_cli *cli, uint64_t at, struct psc_policy_host *ret,
			 struct psc_error *reterr)
{
	int r;

	ret->now = at;
	ret->places = psc_policy_places_given(cli);
	r = psc_policy_config(cli, &ret->config, reterr);
	if (r >= 0)
		r = psc_policy_set_load(ret->config, &ret->places, at, &ret->set, reterr);
	if (r >= 0)
		ret->view = psc_policy_set_view(&ret->set, ret->config);
	return r;
}

/* The site's lists, then the catalogs'; a host without any has no directory for them. */
static int load_lists(const struct psc_cli *cli, struct psc_policy_host *host,
		      struct psc_error *reterr)
{
	const char *given = psc_cli_option(cli, "lists");
	int r = psc_list_load_dir(host->list, given ?: host->config->lists, reterr);

	if (r == -ENOENT && !given) {
		*reterr = (struct psc_error){0};
		r = 0;
	}
	host->site_files = psc_list_file_count(host->list);
	for (size_t i = 0; i < ARRAY_SIZE(host->places.catalogs) && r >= 0; i++) {
		if (host->places.catalogs[i])
			r = psc_policy_load_digests(host->list, host->places.catalogs[i], reterr);
	}
	/* root alone can read what the daemon found */
	if (r >= 0 && !given && !access(PSC_PATH_FOUND, R_OK))
		r = psc_list_load_file(host->list, PSC_PATH_FOUND, reterr);
	return r < 0 ? r : psc_list_index(host->list);
}

int psc_policy_compile(const struct psc_cli *cli, struct psc_policy_host *host,
		       struct psc_image **ret, struct psc_error *reterr)
{
	struct psc_compile_input input = {.catalog = &host->set.catalog,
					  .view = host->view,
					  .places = host->view.config->places,
					  .place_count = host->view.config->place_count};
	int r;

	r = psc_list_new(&host->list);
	if (r >= 0)
		r = load_lists(cli, host, reterr);
	if (r < 0)
		return r;
	input.list = host->list;
	input.site_files = host->site_files;
	input.now = host->now;
	return psc_compile_policy(&input, ret, reterr);
}

int psc_policy_exit(int error)
{
	switch (error) {
	case -EINVAL:
	case -E2BIG:
	case -EBADMSG:
	case -ENOENT:
	case -EEXIST:
	case -ELOOP:
	case -EPERM: /* a file that others can write */
	case -ERANGE:
		return PSC_EXIT_INVALID;
	default:
		return PSC_EXIT_FAILED;
	}
}

const char *psc_policy_remedy(int error)
{
	switch (error) {
	case -EACCES:
		return "run it as root, or name files that you can read (see the options)";
	case -ENOENT:
		return "check the spelling, or name the place (see the options)";
	default:
		return NULL;
	}
}

int psc_policy_fail(struct psc_cli *cli, int error, struct psc_error *detail)
{
	if (!detail->message[0])
		psc_error_set(detail, NULL, 0, 0, "%s", strerror(-error));
	return psc_cli_fail_at(cli, psc_policy_exit(error), detail, psc_policy_remedy(error));
}

json_t *psc_policy_error_json(const struct psc_error *error)
{
	json_t *json = json_pack("{s:o}", "message", psc_json_safe(error->message));

	if (json && error->file[0])
		json_object_set_new(json, "file", psc_json_safe(error->file));
	if (json && error->line)
		json_object_set_new(json, "line", json_integer(error->line));
	if (json && error->column)
		json_object_set_new(json, "column", json_integer(error->column));
	return json;
}

int psc_policy_time_parse(const char *text, uint64_t now, uint64_t *ret)
{
	if (strcmp(text, "now") == 0) {
		*ret = now;
		return 0;
	}
	if (text[0] != '-')
		return psc_time_parse_until(text, now, ret);
	/* a date has dashes, a span has none */
	return strchr(text + 1, '-') ? -EINVAL : psc_time_parse_since(text + 1, now, ret);
}

int psc_policy_time_option(struct psc_cli *cli, const char *name, uint64_t now, uint64_t fallback,
			   uint64_t *ret)
{
	const char *text = psc_cli_option(cli, name);

	*ret = fallback;
	if (!text || psc_policy_time_parse(text, now, ret) >= 0)
		return PSC_EXIT_OK;
	return psc_cli_usage(cli, "--%s '%s' is no time: " PSC_POLICY_TIMES, name, text);
}

const char *psc_policy_time_text(uint64_t ns, char buffer[PSC_TIME_TEXT_MAX])
{
	if (ns == PSC_TIME_ALWAYS)
		return "always";
	if (ns == PSC_TIME_NEVER)
		return "never";
	return psc_time_format_seconds(ns, buffer);
}

json_t *psc_policy_time_json(uint64_t ns)
{
	char buffer[PSC_TIME_TEXT_MAX];

	if (ns == PSC_TIME_ALWAYS || ns == PSC_TIME_NEVER)
		return json_null();
	return json_string(psc_time_format_seconds(ns, buffer));
}
