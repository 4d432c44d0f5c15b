/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_owner.c - whether a vendor's file came with a package of somebody else's. A package
 * manager writes the file first and its database last, so a new file is asked about again when the
 * database has changed. In the resolver's thread; see resolver_internal.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>

#include "user/daemon/resolver_internal.h"
#include "user/scan/owner.h"

static int find_owner(const char *path, void *data, struct psc_facts *ret)
{
	const struct psc_resolver_thread *t = data;
	const struct psc_rpm_package *package = psc_rpm_packages_owner(&t->rpm.packages, path);
	int r = psc_owner_find_dpkg("", path, ret);

	for (size_t i = 0; !r && package && i < package->facts.count; i++) {
		const struct psc_fact *fact = &package->facts.fact[i];

		r = psc_facts_add(ret, fact->kind, 0, fact->value, strlen(fact->value));
	}
	return r ? r : package != NULL;
}

static void orphan_clear(struct psc_resolver_orphan *orphan)
{
	free(orphan->path);
	psc_facts_clear(&orphan->facts);
	*orphan = (struct psc_resolver_orphan){};
}

void psc_resolver_orphans_clear(struct psc_resolver_thread *t)
{
	while (t->orphan_count)
		orphan_clear(&t->orphan[--t->orphan_count]);
}

static int copy_facts(const struct psc_facts *from, struct psc_facts *to)
{
	int r = 0;

	for (size_t i = 0; i < from->count && !r; i++) {
		const struct psc_fact *fact = &from->fact[i];

		if (fact->kind != PSC_FACT_PATH && fact->kind != PSC_FACT_FOREIGN_OWNER)
			r = psc_facts_add(to, fact->kind, fact->group, fact->value,
					  strlen(fact->value));
	}
	to->groups = from->groups;
	return r;
}

/* The oldest makes room: it was asked about most often. */
static void remember(struct psc_resolver_thread *t, const char *path, const struct stat *st,
		     const struct psc_facts *facts)
{
	struct psc_resolver_orphan orphan = {.st = *st};

	for (size_t i = 0; i < t->orphan_count; i++) {
		if (strcmp(t->orphan[i].path, path) == 0)
			return;
	}
	orphan.path = strdup(path);
	if (!orphan.path || copy_facts(facts, &orphan.facts) < 0) {
		orphan_clear(&orphan);
		return;
	}
	if (t->orphan_count == PSC_RPM_ASKED_MAX) {
		orphan_clear(&t->orphan[0]);
		memmove(&t->orphan[0], &t->orphan[1], --t->orphan_count * sizeof(t->orphan[0]));
	}
	t->orphan[t->orphan_count++] = orphan;
	t->orphans_serial++;
}

int psc_resolver_judge_owner(struct psc_resolver_thread *t, const struct psc_resolver_job *job,
			     const struct stat *st, struct psc_facts *facts,
			     struct psc_matches *matches)
{
	_cleanup_(psc_facts_clear) struct psc_facts package = {};
	const char *path = psc_facts_get(facts, PSC_FACT_PATH);
	int r;

	/* who owns a path says nothing of what others than root can put there */
	if (!path || !psc_indicators_wants_owner(matches) || !psc_resolver_is_bound(t, facts, st))
		return 0;
	r = find_owner(path, t, &package);
	if (!r && job->identified)
		remember(t, path, st, &job->facts);
	return r <= 0 ? r : psc_owner_judge(job->know->indicators, find_owner, t, facts, matches);
}

/* Looks at it once more, with what its content showed. True: nothing is left to ask. */
static bool ask_again(struct psc_resolver_thread *t, const struct psc_resolver_job *run,
		      struct psc_resolver_orphan *orphan)
{
	struct psc_resolver_job job = {.kind = PSC_JOB_FILE, .know = run->know, .identified = true};
	_cleanup_(psc_facts_clear) struct psc_facts package = {};
	struct stat st;
	int r;

	job.fd = open(orphan->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (job.fd < 0)
		return true;
	/* what took its place comes by itself */
	if (fstat(job.fd, &st) < 0 || st.st_ino != orphan->st.st_ino ||
	    st.st_dev != orphan->st.st_dev || st.st_size != orphan->st.st_size ||
	    st.st_mtim.tv_sec != orphan->st.st_mtim.tv_sec) {
		psc_closep(&job.fd);
		return true;
	}
	r = find_owner(orphan->path, t, &package);
	if (r > 0) {
		job.facts = orphan->facts;
		psc_resolver_look_at_file(t, &job);
	}
	psc_closep(&job.fd);
	return r > 0;
}

void psc_resolver_ask_owners(struct psc_resolver_thread *t, const struct psc_resolver_job *run)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->orphan_count; i++) {
		struct psc_resolver_orphan orphan = t->orphan[i];

		if (psc_resolver_progress(t->queue) && ask_again(t, run, &orphan))
			orphan_clear(&orphan);
		else
			t->orphan[kept++] = orphan;
	}
	t->orphan_count = kept;
}
