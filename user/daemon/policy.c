/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - from configuration and list files to an image; see daemon.h. */
#include "user/core/util.h"

#include <errno.h>
#include <sys/stat.h>

#include "user/core/compile.h"
#include "user/core/paths.h"
#include "user/daemon/daemon.h"

void psc_policy_clear(struct psc_policy *policy)
{
	policy->config = psc_config_free(policy->config);
	policy->list = psc_list_free(policy->list);
	policy->image = psc_image_free(policy->image);
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

static int load_config(const struct psc_options *options, struct psc_config **ret,
		       struct psc_error *reterr)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	int r = psc_config_load(options->config ?: PSC_PATH_CONFIG, &config, reterr);

	if (r == -ENOENT && !options->config)
		r = psc_config_new(&config);
	if (!r && options->mode >= 0)
		config->mode = options->mode;
	if (!r && options->lists)
		r = replace_string(&config->lists, options->lists);
	if (!r && options->log)
		r = replace_string(&config->log_directory, options->log);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(config);
	return 0;
}

/* A host without any list yet is no error, as long as nobody named the directory. */
static int load_lists(const struct psc_config *config, struct psc_list **ret,
		      struct psc_error *reterr)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	int r;

	if (!strcmp(config->lists, PSC_PATH_LISTS)) {
		mkdir(PSC_DIR_CONFIG, 0755);
		mkdir(PSC_PATH_LISTS, 0750);
	}
	r = psc_list_new(&list);
	if (!r)
		r = psc_list_load_dir(list, config->lists, reterr);
	if (!r)
		r = psc_list_index(list);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(list);
	return 0;
}

int psc_policy_load(const struct psc_options *options, const struct psc_canary *canary,
		    struct psc_policy *ret, struct psc_error *reterr)
{
	_cleanup_(psc_policy_clear) struct psc_policy policy = {};
	int r;

	*reterr = (struct psc_error){};
	r = load_config(options, &policy.config, reterr);
	if (!r)
		r = load_lists(policy.config, &policy.list, reterr);
	if (!r)
		r = psc_compile(policy.list, policy.config, canary->digest, canary->size,
				&policy.image, reterr);
	if (!r && psc_kernel_measures())
		policy.image->table.flags |= PSC_TABLE_IMA_POLICY;
	if (r < 0) {
		if (!reterr->message[0])
			psc_error_set(reterr, NULL, 0, 0, "%s", strerror(-r));
		return r;
	}
	*ret = policy;
	policy = (struct psc_policy){};
	return 0;
}
