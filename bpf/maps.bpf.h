/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps.bpf.h - the maps, the shared memory and the counting of the guard. Defined
 * once in core.bpf.c, declared here for the hook files.
 */
#pragma once

#include "compat.bpf.h"
#include "abi.h"
#include "decide.h"

#ifdef PSC_DEFINE_MAPS
#define PSC_EXTERN
#else
#define PSC_EXTERN extern
#endif

/* Sorted records of one generation; the slot's inner map is as large as its list. */
struct psc_records_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct psc_digest_record));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
};

struct psc_buckets_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct psc_digest_bucket));
	__uint(max_entries, 1 << PSC_INDEX_BITS_MIN);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
};

struct psc_records_slots {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PSC_SLOTS);
	__type(key, __u32);
	__array(values, struct psc_records_map);
};

struct psc_buckets_slots {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PSC_SLOTS);
	__type(key, __u32);
	__array(values, struct psc_buckets_map);
};

struct psc_identities_map {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct psc_identity);
};

#define PSC_RING_SIZE (4 << 20) /* some 3 000 events */

struct psc_events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PSC_RING_SIZE);
};

struct psc_counters_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct psc_counters);
};

/* Allocated ahead: programs that sleep may use no other kind. */
struct psc_marks_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PSC_MARKS_MAX);
	__type(key, struct psc_mark_key);
	__type(value, struct psc_mark);
};

PSC_EXTERN struct psc_records_slots psc_records SEC(".maps");
PSC_EXTERN struct psc_buckets_slots psc_buckets SEC(".maps");
PSC_EXTERN struct psc_identities_map psc_identities SEC(".maps");
PSC_EXTERN struct psc_events_map psc_events SEC(".maps");
PSC_EXTERN struct psc_counters_map psc_counters SEC(".maps");
PSC_EXTERN struct psc_marks_map psc_marks SEC(".maps");

PSC_EXTERN struct psc_shared psc_shared;

/*
 * Counters of this CPU. Programs that sleep may be preempted by another one on the
 * same CPU: every change is an atomic addition.
 */
static __always_inline struct psc_counters *psc_counters_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&psc_counters, &zero);
}

static __always_inline void psc_count_verdict(__u32 op, __u32 verdict)
{
	struct psc_counters *c = psc_counters_get();

	if (c)
		__sync_fetch_and_add(
			&c->verdict[op & (PSC_OP_MAX - 1)][verdict & (PSC_VERDICT_MAX - 1)], 1);
}
