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

/* Directories, of one path. Deeper than that nothing is looked for. */
#define STEPS 512

/* Addresses are numbers here, since a callback takes no pointer of the kernel's types. */
struct walk {
	__u64 dentry;
	__u64 mount; /* whose root the walk has not passed yet, or 0 */
	/* where the mount whose root was passed hangs in another one, or 0 */
	__u64 above_dentry;
	__u64 above_mount;
	__u64 other; /* where another walk begins when this one is over, or 0 */
	__u32 slot;
	__u32 place;
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
	if (!w->dentry) {
		w->dentry = w->other;
		w->other = 0;
	}
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
 * What the file's path does not tell: the inode below an overlay, or the one that is open
 * where the path is the overlay's.
 */
static __always_inline struct inode *other_inode(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if (psc_is_overlay(inode))
		return psc_mapped_inode(file);
	return BPF_CORE_READ(file, f_path.dentry, d_inode) == inode ? NULL : inode;
}

/* Number + 1, 0 for none. */
static __always_inline __u32 find_place(__u32 slot, struct file *file)
{
	struct walk w = {.slot = slot};
	struct vfsmount *mount;
	struct inode *other;

	mount = BPF_CORE_READ(file, f_path.mnt);
	w.dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
	if (mount)
		w.mount = (__u64)mount - bpf_core_field_offset(struct mount, mnt);
	other = other_inode(file);
	if (other)
		w.other = name_of(other);
	bpf_loop(STEPS, step, &w, 0);
	return w.place;
}

/*
 * Adds the place that the file lies in, if it does, to what was decided. Apart from
 * psc_decide_once(), because the verifier walks every path through the search for the interval.
 */
__noinline int psc_decide_by_place(__u32 slot, const struct psc_finding *finding,
				   struct psc_outcome *ret)
{
	const struct psc_table *table = &psc_shared.table[slot & (PSC_SLOTS - 1)];
	__u32 place, subject, decided;

	if (!finding || !ret)
		return 0;
	place = find_place(slot, (void *)finding->file);
	subject = psc_place_subject(table, place);
	if (subject == PSC_SUBJECT_NONE)
		return 0;
	if (!ret->now)
		ret->now = psc_clock_now(&psc_shared.control.clock, bpf_ktime_get_boot_ns(),
					 bpf_ktime_get_tai_ns());
	decided = psc_decide_place(table, finding->op, ret->subject, subject, ret->now,
				   &ret->decision);
	if (decided == subject && decided != ret->subject) {
		ret->subject = decided;
		ret->place = place;
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
