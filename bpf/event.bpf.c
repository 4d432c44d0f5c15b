// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * event.bpf.c - tells the daemon what was decided. The only place that takes room in
 * the ring and therefore the only place that counts drops. Called after the verdict
 * stands (conclude.bpf.c) and by the open hook of kernels that cannot digest there.
 */
#include "guard.bpf.h"

static __always_inline void fill_process(struct psc_event_process *p, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

	p->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	p->tgid = BPF_CORE_READ(task, tgid);
	p->tid = BPF_CORE_READ(task, pid);
	p->uid = BPF_CORE_READ(cred, uid.val);
	p->gid = BPF_CORE_READ(cred, gid.val);
	p->auid = BPF_CORE_READ(task, loginuid.val);
	p->session = BPF_CORE_READ(task, sessionid);
	BPF_CORE_READ_STR_INTO(&p->comm, task, comm);
	/* its path is asked for afterwards, and may only be had by then of somebody else */
	p->exe_inode = BPF_CORE_READ(inode, i_ino);
	p->exe_device = BPF_CORE_READ(inode, i_sb, s_dev);
	p->exe_generation = BPF_CORE_READ(inode, i_generation);
}

static __always_inline void fill_file(struct psc_event *e, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	e->inode = BPF_CORE_READ(inode, i_ino);
	e->device = BPF_CORE_READ(inode, i_sb, s_dev);
	e->inode_generation = BPF_CORE_READ(inode, i_generation);
	e->filesystem_magic = BPF_CORE_READ(inode, i_sb, s_magic);
}

static __always_inline void fill_namespaces(struct psc_event *e, struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *upid;

	e->cgroup_id = bpf_get_current_cgroup_id();
	e->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	/* the last of numbers[] is of the process's own namespace; CO-RE knows no variable index */
	upid = (void *)pid + bpf_core_field_offset(pid->numbers) +
	       level * bpf_core_type_size(struct upid);
	e->pid_namespace = BPF_CORE_READ(upid, ns, ns.inum);
}

/*
 * The path as the process's root sees it. Hooks that cannot sleep may not ask for it
 * and give the last component alone.
 */
static __always_inline void fill_path(struct psc_event *e, struct file *file, bool may_sleep)
{
	const unsigned char *name;
	long length;

	if (may_sleep) {
		length = bpf_d_path(&file->f_path, e->path, sizeof(e->path));
		if (length > 0 && length <= PSC_PATH_SIZE) {
			e->path_length = length - 1;
			return;
		}
	}
	name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	length = bpf_probe_read_kernel_str(e->path, sizeof(e->path), name);
	if (length > 0 && length <= PSC_PATH_SIZE) {
		e->path_length = length - 1;
		e->head.flags |= PSC_EVENT_PATH_TRUNCATED;
	} else {
		e->path[0] = 0;
		e->path_length = 0;
		e->head.flags |= PSC_EVENT_PATH_MISSING;
	}
}

/* The number is taken even when there is no room, so that the reader sees the gap. */
static __always_inline struct psc_event *reserve_event(__u16 type, __u16 flags)
{
	struct psc_counters *c = psc_counters_get();
	struct psc_event *e;
	__u64 sequence;

	if (!c)
		return NULL;
	sequence = __sync_fetch_and_add(&c->sequence, 1);
	e = bpf_ringbuf_reserve(&psc_events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&c->dropped, 1);
		return NULL;
	}
	__sync_fetch_and_add(&c->emitted, 1);
	__builtin_memset(e, 0, __builtin_offsetof(struct psc_event, path));
	e->head.type = type;
	e->head.flags = flags;
	e->head.length = sizeof(*e);
	e->head.sequence = sequence;
	e->head.boot_ns = bpf_ktime_get_boot_ns();
	e->head.cpu = bpf_get_smp_processor_id();
	return e;
}

/* Who attempts what on which file, and what is known of its content. */
static __always_inline void fill_attempt(struct psc_event *e, struct file *file,
					 const struct psc_finding *finding, bool may_sleep)
{
	struct task_struct *task = bpf_get_current_task_btf();

	e->op = finding->op;
	e->size = finding->size;
	if (finding->flags & PSC_EVENT_DIGEST_VALID)
		__builtin_memcpy(e->digest, finding->digest, PSC_DIGEST_SIZE);
	fill_namespaces(e, task);
	fill_process(&e->process, task);
	fill_process(&e->parent, BPF_CORE_READ(task, real_parent));
	if (file) {
		fill_file(e, file);
		e->real_inode = finding->real_inode;
		e->real_device = finding->real_device;
		fill_path(e, file, may_sleep);
	} else {
		e->path[0] = 0;
		e->head.flags |= PSC_EVENT_PATH_MISSING;
	}
}

__hidden void psc_emit(struct file *file, const struct psc_finding *finding,
		       const struct psc_outcome *outcome, bool may_sleep)
{
	struct psc_event *e = reserve_event(PSC_EVENT_DECISION, finding->flags);

	if (!e)
		return;
	e->generation = outcome->generation;
	e->wall_ns = outcome->now;
	e->interval = outcome->decision.interval;
	e->class = outcome->decision.class;
	e->subject = outcome->subject;
	e->action = outcome->decision.action;
	e->verdict = outcome->decision.verdict;
	e->mode = outcome->mode;
	e->unverified = outcome->decision.unverified;
	e->source = outcome->place ? PSC_SOURCE_MARK : finding->source;
	e->place = outcome->place;
	fill_attempt(e, file, finding, may_sleep);
	bpf_ringbuf_submit(e, 0);
}

__hidden void psc_emit_wanted(struct file *file, const struct psc_finding *finding, bool may_sleep)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct psc_event *e = reserve_event(PSC_EVENT_WANTED, finding->flags);

	if (!e)
		return;
	e->generation = psc_shared.control.generation;
	e->op = finding->op;
	e->size = finding->size;
	fill_file(e, file);
	fill_process(&e->process, task);
	fill_path(e, file, may_sleep);
	bpf_ringbuf_submit(e, 0);
}

/* False: there was no room. */
__hidden bool psc_emit_seen(struct file *file, const struct psc_finding *finding, __u32 attempts,
			    bool may_sleep)
{
	struct psc_event *e = reserve_event(PSC_EVENT_SEEN, finding->flags);

	if (!e)
		return false;
	e->head.attempts = attempts;
	e->generation = psc_shared.control.generation;
	fill_attempt(e, file, finding, may_sleep);
	bpf_ringbuf_submit(e, 0);
	return true;
}

__hidden void psc_emit_clock(__u64 wall_ns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct psc_event *e = reserve_event(PSC_EVENT_CLOCK, PSC_EVENT_PATH_MISSING);

	if (!e)
		return;
	e->generation = psc_shared.control.generation;
	e->wall_ns = wall_ns;
	e->path[0] = 0;
	fill_namespaces(e, task);
	fill_process(&e->process, task);
	fill_process(&e->parent, BPF_CORE_READ(task, real_parent));
	bpf_ringbuf_submit(e, 0);
}
