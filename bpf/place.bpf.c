// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * place.bpf.c - listed places: which marked inode a file lies under, and the marking itself.
 *
 * The marks are a hash map by {device, inode, generation}: what is marked stays so however it
 * is renamed, mounted or forgotten by the inode cache. They are looked for from the file's own
 * inode up to the root of its file system, and on from where that is mounted. A place only
 * ever adds to what is refused or recorded (decide.h).
 *
 * lsm/file_set_fowner: hardly ever called (F_SETOWN). The daemon calls it with an open file or
 *   directory that it wants marked, as the key is best made by whoever will look for it.
 */
#include "real.bpf.h"

/* Directories, of each walk. What is deeper may lie in a place all the same: PSC_UNVERIFIED_DEEP. */
#define STEPS 512

/*
 * A file's own path; the inode that is open where the path is another's; the layers below, of
 * which the kernel stacks two.
 */
#define WALKS  4
#define LAYERS 2

/* Addresses are numbers here, since a callback takes no pointer of the kernel's types. */
struct walk {
	__u64 dentry; /* 0: the walk is over */
	__u64 mount;  /* whose root the walk has not passed yet, or 0 */
	/* where the mount whose root was passed hangs in another one, or 0 */
	__u64 above_dentry;
	__u64 above_mount;
	__u32 slot;
	__u32 place;
};

/* Where walks begin; 0: none. */
struct starts {
	__u64 dentry[WALKS];
	__u64 mount; /* of the first */
};

/* What was found out about where a file lies. */
struct finding_place {
	__u32 place; /* number + 1 of the innermost place, 0 for none */
	__u32 deep;  /* boolean: some walk did not come to its end */
};

static __always_inline void key_of(struct inode *inode, struct psc_mark_key *ret)
{
	ret->device = BPF_CORE_READ(inode, i_sb, s_dev);
	ret->generation = BPF_CORE_READ(inode, i_generation);
	ret->inode = BPF_CORE_READ(inode, i_ino);
}

/* A mark whose place nobody stands for does not hide one further up. */
static __always_inline __u32 place_of_inode(__u32 slot, struct inode *inode)
{
	const struct psc_table *table = &psc_shared.table[slot & (PSC_SLOTS - 1)];
	struct psc_mark_key key = {};
	struct psc_mark *mark;
	__u32 place;

	if (!inode)
		return 0;
	key_of(inode, &key);
	mark = bpf_map_lookup_elem(&psc_marks, &key);
	if (!mark)
		return 0;
	place = (mark->place & (PSC_PLACES_MAX - 1)) + 1;
	return psc_place_subject(table, place) == PSC_SUBJECT_NONE ? 0 : place;
}

static __always_inline void pass_root(struct walk *w)
{
	struct mount *mount = (void *)w->mount;
	struct mount *parent;

	if (!mount || BPF_CORE_READ(mount, mnt.mnt_root) != (void *)w->dentry)
		return;
	parent = BPF_CORE_READ(mount, mnt_parent);
	if (parent != mount) {
		w->above_dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		w->above_mount = (__u64)parent;
	}
	w->mount = 0;
}

/* One step up; 1 ends the walk. */
static long step(__u32 i, void *context)
{
	struct walk *w = context;
	struct dentry *dentry = (void *)w->dentry;
	__u64 parent;

	w->place = place_of_inode(w->slot, BPF_CORE_READ(dentry, d_inode));
	if (w->place)
		return 1;
	pass_root(w);
	parent = (__u64)BPF_CORE_READ(dentry, d_parent);
	if (parent != w->dentry) {
		w->dentry = parent;
		return 0;
	}
	w->dentry = w->above_dentry;
	w->mount = w->above_mount;
	w->above_dentry = 0;
	w->above_mount = 0;
	return !w->dentry;
}

/* A name of the inode in its own file system: any, if it has several. */
static __always_inline __u64 name_of(struct inode *inode)
{
	struct hlist_node *node = BPF_CORE_READ(inode, i_dentry.first);
	struct dentry *dentry = NULL;
	struct dentry___flat *flat = NULL;

	if (!node)
		return 0;
	if (bpf_core_field_exists(dentry->d_u))
		return (__u64)node - bpf_core_field_offset(dentry->d_u.d_alias);
	return (__u64)node - bpf_core_field_offset(flat->d_alias);
}

/*
 * The path does not tell what is open where it is the overlay's (before 6.7), nor which layers
 * are below: an overlay's own layer may be on another one.
 */
static __always_inline void find_starts(struct file *file, struct starts *ret)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct vfsmount *mount = BPF_CORE_READ(file, f_path.mnt);

	if (mount)
		ret->mount = (__u64)mount - bpf_core_field_offset(struct mount, mnt);
	ret->dentry[0] = (__u64)BPF_CORE_READ(file, f_path.dentry);
	if (BPF_CORE_READ(file, f_path.dentry, d_inode) != inode)
		ret->dentry[1] = name_of(inode);
	for (int i = 0; i < LAYERS; i++) {
		if (!psc_is_overlay(inode))
			break;
		inode = psc_file_below(file, &file);
		if (!inode)
			break;
		ret->dentry[WALKS - LAYERS + i] = name_of(inode);
	}
}

/* Each walk has all of the steps: none of them can starve another. */
static __always_inline void find_place(__u32 slot, struct file *file, struct finding_place *ret)
{
	struct starts starts = {};

	find_starts(file, &starts);
	for (int i = 0; i < WALKS && !ret->place; i++) {
		struct walk w = {.slot = slot};

		w.dentry = starts.dentry[i];
		w.mount = i ? 0 : starts.mount;
		if (!w.dentry)
			continue;
		bpf_loop(STEPS, step, &w, 0);
		ret->place = w.place;
		if (!w.place && w.dentry)
			ret->deep = 1;
	}
}

/*
 * Adds the place that the file lies in, if it does, to what was decided. Apart from
 * psc_decide_once(), because the verifier walks every path through the search for the interval.
 */
__noinline int psc_decide_by_place(__u32 slot, const struct psc_finding *finding,
				   struct psc_outcome *ret)
{
	const struct psc_table *table = &psc_shared.table[slot & (PSC_SLOTS - 1)];
	struct finding_place found = {};
	__u32 subject, decided;

	if (!finding || !ret)
		return 0;
	find_place(slot, (void *)finding->file, &found);
	if (found.deep)
		psc_decide_doubt(table, finding->op, ret->subject, PSC_UNVERIFIED_DEEP,
				 &ret->decision);
	subject = psc_place_subject(table, found.place);
	if (subject == PSC_SUBJECT_NONE || !psc_place_counts(found.place, ret->subject))
		return 0;
	if (!ret->now)
		ret->now = psc_clock_now(&psc_shared.control.clock, bpf_ktime_get_boot_ns(),
					 bpf_ktime_get_tai_ns());
	decided = psc_decide_place(table, finding->op, ret->subject, subject, ret->now,
				   &ret->decision);
	if (decided == subject && decided != ret->subject) {
		ret->subject = decided;
		ret->place = found.place;
	}
	return 0;
}

SEC("lsm/file_set_fowner")
int BPF_PROG(psc_file_set_fowner, struct file *file)
{
	struct psc_control *control = &psc_shared.control;
	__u32 request = control->mark_request;
	struct psc_mark_key key = {};
	struct psc_mark mark = {};
	struct psc_counters *c;
	long r;

	if (!request || !psc_is_daemon())
		return 0;
	key_of(file->f_inode, &key);
	if (request & PSC_MARK_REMOVE) {
		r = bpf_map_delete_elem(&psc_marks, &key);
	} else {
		mark.place = request - 1;
		r = bpf_map_update_elem(&psc_marks, &key, &mark, 0);
		c = psc_counters_get();
		if (r && c)
			__sync_fetch_and_add(&c->marks_full, 1);
	}
	control->mark_result = r;
	control->mark_request = 0;
	return 0;
}
