// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * conclude.bpf.c - from a finding to the verdict: subject, table, count, event, in this
 * order, so that nothing of the reporting can change the verdict. Called by the hooks
 * through guard.bpf.h.
 */
#include "guard.bpf.h"

/* Each exchange of a generation takes the daemon milliseconds, each try microseconds. */
#define SWAP_RETRIES 8

static __always_inline bool same_digest(const __u8 *a, const __u8 *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

/*
 * Subject of the finding's digest in one slot's list, PSC_SUBJECT_NONE when it is not
 * there. Like psc_decide_once() a global function: the verifier then walks it once, not
 * once a path that leads here, which would exceed its limit.
 */
__noinline int psc_find_subject(__u32 slot, __u32 index_bits, const struct psc_finding *finding)
{
	__u32 prefix;
	struct psc_digest_bucket *bucket;
	struct psc_digest_record *record;
	void *buckets, *records;

	if (!finding)
		return PSC_SUBJECT_NONE;
	prefix = psc_digest_prefix(finding->digest, index_bits);
	buckets = bpf_map_lookup_elem(&psc_buckets, &slot);
	records = bpf_map_lookup_elem(&psc_records, &slot);
	if (!buckets || !records)
		return PSC_SUBJECT_NONE;
	bucket = bpf_map_lookup_elem(buckets, &prefix);
	if (!bucket)
		return PSC_SUBJECT_NONE;
	for (__u32 i = 0; i < PSC_BUCKET_MAX; i++) {
		__u32 at = bucket->start + i;

		if (i >= bucket->count)
			break;
		record = bpf_map_lookup_elem(records, &at);
		if (record && same_digest(record->digest, finding->digest))
			return record->subject;
	}
	return PSC_SUBJECT_NONE;
}

/* One try under one generation. 0: the generation moved, the result is void. */
__noinline int psc_decide_once(const struct psc_finding *finding, struct psc_outcome *ret)
{
	__u64 generation = READ_ONCE(psc_shared.control.generation);
	__u32 slot = generation & (PSC_SLOTS - 1);
	struct psc_table *table = &psc_shared.table[slot];
	__u32 subject = PSC_SUBJECT_NONE;
	__u64 now = 0;

	if (!finding || !ret)
		return 0;
	barrier();
	if (finding->flags & PSC_EVENT_DIGEST_VALID)
		subject = psc_find_subject(slot, table->index_bits, finding);
	if (subject != PSC_SUBJECT_NONE)
		now = psc_clock_now(&psc_shared.control.clock, bpf_ktime_get_boot_ns(),
				    bpf_ktime_get_tai_ns());
	psc_decide(table, finding->op, subject, finding->unverified, now, &ret->decision);
	ret->generation = generation;
	ret->now = now;
	ret->subject = subject;
	ret->mode = table->mode;
	ret->place = 0;
	if (finding->file && table->flags & PSC_TABLE_PLACES)
		psc_decide_by_place(slot, finding, ret);
	barrier();
	return READ_ONCE(psc_shared.control.generation) == generation;
}

static __always_inline void count_outcome(const struct psc_finding *finding,
					  const struct psc_outcome *outcome)
{
	struct psc_counters *c = psc_counters_get();
	__u32 op = finding->op & (PSC_OP_MAX - 1);

	if (!c)
		return;
	__sync_fetch_and_add(&c->verdict[op][outcome->decision.verdict & (PSC_VERDICT_MAX - 1)], 1);
	if (outcome->decision.unverified)
		__sync_fetch_and_add(&c->unverified[op][outcome->decision.unverified & 31], 1);
}

static __always_inline void count_retry(void)
{
	struct psc_counters *c = psc_counters_get();

	if (c)
		__sync_fetch_and_add(&c->swap_retries, 1);
}

__hidden int psc_conclude(struct file *file, struct psc_finding *finding, bool may_sleep)
{
	struct psc_outcome outcome = {};
	bool canary, daemon;
	int decided = 0;

	for (int i = 0; i < SWAP_RETRIES && !decided; i++) {
		decided = psc_decide_once(finding, &outcome);
		if (!decided)
			count_retry();
	}
	if (!decided) {
		finding->unverified = PSC_UNVERIFIED_SWAP;
		finding->flags &= ~PSC_EVENT_DIGEST_VALID;
		psc_decide_once(finding, &outcome);
	}
	canary = outcome.subject == PSC_SUBJECT_CANARY;
	if (canary)
		finding->flags |= PSC_EVENT_CANARY;
	/* the daemon opens and maps listed files to have them digested: nobody's attempt */
	daemon = !canary && psc_is_daemon();
	if (daemon && finding->op == PSC_OP_OPEN)
		return 0;
	if (!daemon && !canary)
		count_outcome(finding, &outcome);
	if (!daemon && outcome.decision.verdict != PSC_VERDICT_ALLOW) {
		psc_emit(file, finding, &outcome, may_sleep);
		finding->told = 1;
	}
	if (outcome.decision.verdict == PSC_VERDICT_DENY)
		return -EPERM;
	return 0;
}
