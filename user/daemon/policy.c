/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - from configuration, profiles, objects and lists to an image, and the file that
 * keeps it; see daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/compile.h"
#include "user/core/image_file.h"
#include "user/core/paths.h"
#include "user/daemon/daemon.h"

void psc_policy_clear(struct psc_policy *policy)
{
	policy->config = psc_config_free(policy->config);
	policy->list = psc_list_free(policy->list);
	policy->image = psc_image_free(policy->image);
	psc_policy_set_clear(&policy->set);
	psc_inputs_clear(&policy->inputs);
}

static int replace_string(char **string, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

static int apply_options(const struct psc_options *options, struct psc_config *config)
{
	int r = 0;

	if (options->mode >= 0)
		config->mode = options->mode;
	if (options->lists)
		r = replace_string(&config->lists, options->lists);
	if (!r && options->log)
		r = replace_string(&config->log_directory, options->log);
	return r;
}

static int load_config(const struct psc_options *options, struct psc_config **ret,
		       struct psc_error *reterr)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	int r = psc_config_load(options->config ?: PSC_PATH_CONFIG, &config, reterr);

	if (r == -ENOENT && !options->config)
		r = psc_config_new(&config);
	if (!r)
		r = apply_options(options, config);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(config);
	return 0;
}

/*
 * The site's lists, then the catalogs'. A host without any list yet is no error, as long as
 * nobody named the directory.
 */
static int load_lists(const struct psc_policy_places *places, struct psc_policy *policy,
		      struct psc_error *reterr)
{
	const char *directory = policy->config->lists;
	int r;

	if (!strcmp(directory, PSC_PATH_LISTS)) {
		mkdir(PSC_DIR_CONFIG, 0755);
		mkdir(PSC_PATH_LISTS, 0750);
	}
	r = psc_list_new(&policy->list);
	if (!r)
		r = psc_list_load_dir(policy->list, directory, reterr);
	if (!r)
		policy->site_files = psc_list_file_count(policy->list);
	for (size_t i = 0; i < ARRAY_SIZE(places->catalogs) && !r; i++) {
		if (places->catalogs[i])
			r = psc_policy_load_digests(policy->list, places->catalogs[i], reterr);
	}
	/* what the resolver found is the catalog's too: profiles alone decide about it */
	if (!r && !access(PSC_PATH_FOUND, F_OK))
		r = psc_list_load_file(policy->list, PSC_PATH_FOUND, reterr);
	if (!r)
		r = psc_list_index(policy->list);
	return r;
}

static int compile(struct psc_policy *policy, uint64_t now, struct psc_error *reterr)
{
	const struct psc_compile_input input = {
		.list = policy->list,
		.site_files = policy->site_files,
		.catalog = &policy->set.catalog,
		.places = policy->config->places,
		.place_count = policy->config->place_count,
		.view = psc_policy_set_view(&policy->set, policy->config),
		.now = now,
	};
	int r = psc_compile_policy(&input, &policy->image, reterr);

	return r < 0 ? r : psc_image_digest(policy->image, policy->digest);
}

/* A place that was in force keeps its number, by which the kernel knows it. */
static int number_places(struct psc_config *config, const struct psc_image *before)
{
	return psc_places_number(config->places, config->place_count,
				 before ? before->places : NULL, before ? before->place_count : 0);
}

/* What was found lies behind the site's own; with nothing looked for, nothing is found. */
static int add_found(struct psc_config *config, const struct psc_found_places *found,
		     const struct psc_image *before)
{
	struct psc_place *grown;
	size_t own = config->place_count;
	int r = 0;

	if (!found->count || !config->resolver.enabled || !config->resolver.places)
		return 0;
	grown = reallocarray(config->places, own + found->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->places = grown;
	for (size_t i = 0; i < found->count && !r; i++) {
		if (psc_found_place_is_sites(config, found->place[i].path))
			continue;
		r = psc_place_copy(&found->place[i], &grown[config->place_count]);
		config->place_count += !r;
	}
	return r ? r
		 : psc_places_number_found(grown + own, config->place_count - own,
					   before ? before->places : NULL,
					   before ? before->place_count : 0);
}

int psc_policy_load(const struct psc_options *options, uint64_t now, const struct psc_image *before,
		    const struct psc_found_places *found, struct psc_policy *ret,
		    struct psc_error *reterr)
{
	const struct psc_policy_places places = psc_policy_places_default();
	_cleanup_(psc_policy_clear) struct psc_policy policy = {};
	int r;

	*reterr = (struct psc_error){};
	/* as they are before they are read: what is written meanwhile is seen as a change */
	psc_inputs_add(&policy.inputs, PSC_INPUT_CONFIGURATION, options->config ?: PSC_PATH_CONFIG);
	r = load_config(options, &policy.config, reterr);
	if (!r)
		psc_policy_add_inputs(policy.config, &policy.inputs);
	if (!r)
		r = number_places(policy.config, before);
	if (!r)
		r = add_found(policy.config, found, before);
	if (!r)
		r = psc_policy_set_load(policy.config, &places, now, &policy.set, reterr);
	if (!r)
		r = load_lists(&places, &policy, reterr);
	if (!r)
		r = compile(&policy, now, reterr);
	if (r < 0) {
		if (!reterr->message[0])
			psc_error_set(reterr, NULL, 0, 0, "%s", strerror(-r));
		return r;
	}
	*ret = policy;
	policy = (struct psc_policy){};
	return 0;
}

/* The log's place, if it can be learned; what is enforced is known from elsewhere. No list. */
static int load_surroundings(const struct psc_options *options, struct psc_policy *policy)
{
	struct psc_error ignored;
	int r = load_config(options, &policy->config, &ignored);

	if (r < 0) {
		r = psc_config_new(&policy->config);
		if (!r)
			r = apply_options(options, policy->config);
	}
	if (!r)
		r = psc_list_new(&policy->list);
	return r < 0 ? r : psc_list_index(policy->list);
}

int psc_policy_restore(const struct psc_options *options, struct psc_policy *ret,
		       struct psc_error *reterr)
{
	_cleanup_(psc_policy_clear) struct psc_policy policy = {.restored = true};
	int r;

	r = psc_image_load(PSC_PATH_ACTIVE, &policy.image, policy.digest, reterr);
	if (r < 0)
		return r;
	r = load_surroundings(options, &policy);
	if (r < 0)
		return r;
	policy.config->mode = options->mode >= 0 ? (enum psc_mode)options->mode
						 : (enum psc_mode)policy.image->table.mode;
	policy.image->table.mode = policy.config->mode;
	*ret = policy;
	policy = (struct psc_policy){};
	return 0;
}

int psc_policy_hold(const struct psc_options *options, const struct psc_table *table,
		    struct psc_policy *ret)
{
	_cleanup_(psc_policy_clear) struct psc_policy policy = {.held = true};
	int r = load_surroundings(options, &policy);

	if (r < 0)
		return r;
	policy.image = calloc(1, sizeof(*policy.image));
	if (!policy.image)
		return -ENOMEM;
	policy.image->table = *table;
	/* one is the canary's */
	policy.image->listed = table->digest_count ? table->digest_count - 1 : 0;
	policy.config->mode = (enum psc_mode)table->mode;
	memcpy(policy.digest, table->policy, PSC_DIGEST_SIZE);
	*ret = policy;
	policy = (struct psc_policy){};
	return 0;
}

int psc_policy_write(const struct psc_policy *policy, struct psc_durable *ret)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r;

	r = psc_durable_directory(PSC_DIR_STATE, PSC_DIR_STATE_MODE);
	if (r >= 0)
		r = psc_durable_begin(AT_FDCWD, PSC_PATH_ACTIVE, &file);
	if (r >= 0)
		r = psc_image_write(policy->image, policy->digest, &file);
	if (r < 0)
		return r;
	*ret = file;
	file = PSC_DURABLE_NONE;
	return 0;
}

void psc_policy_tell_seen(struct psc_policy *policy)
{
	struct psc_table *table = &policy->image->table;

	if (table->mode == PSC_MODE_OBSERVE && policy->config->seen)
		table->flags |= PSC_TABLE_SEEN;
	else
		table->flags &= ~PSC_TABLE_SEEN;
}

int psc_policy_arm(struct psc_policy *policy, const struct psc_canary *canary,
		   struct psc_error *reterr)
{
	/* not in the file: the digest is the file's, the flags the host's and the mode's */
	memcpy(policy->image->table.policy, policy->digest, PSC_DIGEST_SIZE);
	if (psc_kernel_measures())
		policy->image->table.flags |= PSC_TABLE_IMA_POLICY;
	psc_policy_tell_seen(policy);
	return psc_image_arm(policy->image, canary->digest, canary->size, reterr);
}

int psc_policy_keep(struct psc_durable *file)
{
	int r = psc_durable_replace(file);

	return r < 0 ? r : psc_durable_settle(file);
}
