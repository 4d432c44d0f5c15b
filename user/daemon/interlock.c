/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interlock.c - refuses a policy under which this host could not start, be logged into or be
 * repaired; see daemon.h. What the host needs is found by user/identify/essential.h, what the
 * policy would do to it is judged by user/identify/interlock.h.
 */
#include "user/core/util.h"

#include <errno.h>

#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"
#include "user/identify/interlock.h"

/* Of what is objected to, as much is told as one can read. */
#define TOLD_MAX 8

void psc_interlock_forget(struct psc_daemon *daemon)
{
	json_decref(daemon->objections);
	daemon->objections = NULL;
}

/* What a place holds is refused, or will be one day: whatever its product is treated like now. */
static int check_places(const struct psc_image *image, const struct psc_essential *essential,
			struct psc_error *reterr)
{
	_cleanup_free_ const char **paths = calloc(image->place_count + 1, sizeof(*paths));

	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < image->place_count; i++)
		paths[i] = image->places[i].path;
	return psc_essential_check_places(essential, "/", paths, reterr);
}

static int judge(const struct psc_image *image, const struct psc_objects *objects, uint64_t now,
		 json_t **ret_objections, struct psc_error *reterr)
{
	_cleanup_(psc_interlock_report_clear) struct psc_interlock_report report = {};
	_cleanup_(psc_essential_freep) struct psc_essential *essential = NULL;
	uint64_t wall = psc_time_now();
	int r = psc_essential_find("/", &essential, reterr);
	const struct psc_interlock_input input = {
		.image = image,
		.essential = essential,
		.root = "/",
		.objects = objects,
		.now = now,
		/* whoever signs does so by the wall clock, which may be ahead of what is trusted */
		.begun = wall > now ? wall : now,
	};

	if (r >= 0)
		r = check_places(image, essential, reterr);
	if (r >= 0)
		r = psc_interlock_judge(&input, &report, reterr);
	if (r < 0 || !report.count)
		return r;
	psc_interlock_describe(&report, reterr);
	if (ret_objections)
		*ret_objections = psc_interlock_json(&report, TOLD_MAX);
	return -EPERM;
}

int psc_interlock_check_place(const char *path, struct psc_error *reterr)
{
	_cleanup_(psc_essential_freep) struct psc_essential *essential = NULL;
	const char *const paths[] = {path, NULL};
	int r = psc_essential_find("/", &essential, reterr);

	return r < 0 ? r : psc_essential_check_places(essential, "/", paths, reterr);
}

static bool concerns(const struct psc_image *image)
{
	return image->place_count || psc_interlock_concerns(image);
}

int psc_interlock_check(struct psc_daemon *daemon, const struct psc_policy *policy, uint64_t now,
			struct psc_error *reterr)
{
	psc_interlock_forget(daemon);
	if (!concerns(policy->image))
		return 0;
	return judge(policy->image, &policy->set.objects, now, &daemon->objections, reterr);
}

int psc_interlock_check_restored(const struct psc_policy *policy, uint64_t now,
				 struct psc_error *reterr)
{
	_cleanup_(psc_objects_clear) struct psc_objects objects = {};
	const char *directory = psc_policy_places_default().objects;
	struct psc_error ignored;

	if (!concerns(policy->image))
		return 0;
	/* of these only overrides are read; without them there are more objections, not fewer */
	if (directory)
		psc_objects_load(directory, now, &objects, NULL, &ignored);
	return judge(policy->image, &objects, now, NULL, reterr);
}
