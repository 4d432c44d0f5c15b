/* SPDX-License-Identifier: Apache-2.0 */
/* restored.c - the policy of the last active.bin: may it be in force here; see daemon.h. */
#include "user/core/util.h"

#include "user/daemon/daemon.h"

/*
 * What is restored was judged on the host as it was then. Where it would refuse what the host
 * needs now, or where that cannot be told, it refuses nothing until a reload succeeds: a host
 * that cannot be repaired is worse than one on which a listed program is only recorded.
 */
void psc_restored_judge(struct psc_daemon *daemon)
{
	struct psc_policy *policy = &daemon->policy;
	struct psc_error error = {};
	int r = psc_interlock_check_restored(policy, psc_clock_kept(), &error);

	if (!r)
		return;
	if (!error.message[0])
		psc_error_set(&error, NULL, 0, 0, "the interlock: %s", strerror(-r));
	policy->disarmed = true;
	policy->config->mode = PSC_MODE_OBSERVE;
	policy->image->table.mode = PSC_MODE_OBSERVE;
	psc_policy_tell_seen(policy);
	daemon->disarmed = error;
	psc_say_error("what was restored observes and refuses nothing", &error);
}

void psc_restored_record(struct psc_daemon *daemon)
{
	char text[640];
	json_t *record;

	if (!daemon->policy.disarmed || psc_journal_record(daemon, "disarmed", &record) < 0)
		return;
	psc_record_message(record, "what was restored observes and refuses nothing: %s",
			   psc_error_format(&daemon->disarmed, text, sizeof(text)));
	psc_record_failed(record);
	psc_journal_write(daemon, record);
}

/*
 * What happened while no daemon ran was decided by the policy that the guard has: it is
 * this one, or the one in active.bin. Else its records go without reasons.
 */
void psc_restored_recognise(struct psc_daemon *daemon)
{
	const struct psc_shared *shared = daemon->guard->shared;
	uint64_t generation = shared->control.generation;
	const uint8_t *digest = shared->table[generation & (PSC_SLOTS - 1)].policy;
	struct psc_policy last = {};
	struct psc_error ignored;

	if (memcmp(digest, daemon->policy.digest, PSC_DIGEST_SIZE) == 0) {
		daemon->adopted_generation = generation;
		return;
	}
	if (psc_policy_restore(&daemon->options, &last, &ignored) < 0)
		return;
	if (memcmp(digest, last.digest, PSC_DIGEST_SIZE) != 0) {
		psc_policy_clear(&last);
		return;
	}
	/* wanted.c asks it for digests; what cannot be asked is asked the present one */
	psc_policy_arm(&last, &daemon->canary, &ignored);
	last.generation = generation;
	daemon->previous = last;
}
