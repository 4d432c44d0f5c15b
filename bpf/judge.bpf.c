// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * judge.bpf.c - the slow half of a hook: for files whose size is listed, or tells nothing.
 * Functions of their own, so that the fast half in guard.bpf.h needs neither stack nor
 * saved registers.
 */
#include "guard.bpf.h"

static __always_inline void find_identity(struct file *file, struct inode *inode,
					  struct psc_finding *finding, bool may_sleep)
{
	finding->size = inode->i_size;
	finding->listed_size = psc_size_listed(finding->kind, finding->size);
	if (may_sleep)
		psc_identify(file, inode, finding);
	else
		psc_identify_cached(file, inode, finding);
}

static __always_inline bool is_regular(struct inode *inode)
{
	return (inode->i_mode & S_IFMT) == S_IFREG;
}

static __always_inline __u32 table_flags(void)
{
	return psc_shared.table[psc_shared.control.generation & (PSC_SLOTS - 1)].flags;
}

/* Then it matters where a file lies, too. */
static __always_inline bool places_listed(void)
{
	return table_flags() & PSC_TABLE_PLACES;
}

/* Content that is not listed, or of which the size says so already. */
static __always_inline int decide(struct file *file, struct psc_finding *finding, bool matters,
				  bool may_sleep)
{
	if ((!matters || finding->clean) && !places_listed()) {
		psc_count_verdict(finding->op, PSC_VERDICT_ALLOW);
		return 0;
	}
	return psc_conclude(file, finding, may_sleep);
}

__hidden int psc_judge(struct file *file, __u32 op, __u16 flags, bool may_sleep)
{
	struct psc_finding finding = {
		.op = op,
		.flags = flags,
		.kind = PSC_FILTER_EXEC,
		.size = file->f_inode->i_size,
		.file = (unsigned long)file,
	};
	struct inode *inode = file->f_inode;
	bool matters;

	if (!inode || !is_regular(inode))
		return 0;
	matters = psc_content_matters(inode);
	if (matters)
		find_identity(file, inode, &finding, may_sleep);
	if (decide(file, &finding, matters, may_sleep))
		return -EPERM;
	if (!finding.told && table_flags() & PSC_TABLE_SEEN)
		psc_see(file, &finding, may_sleep);
	return 0;
}

/* Digests a file of a size that is listed for opens, for the opens to come. */
__hidden void psc_remember(struct file *file)
{
	struct psc_finding finding = {.op = PSC_OP_OPEN, .kind = PSC_FILTER_OPEN};
	struct inode *inode = file->f_inode;

	if (inode && is_regular(inode))
		find_identity(file, inode, &finding, true);
}

/*
 * The open of an exec is judged as exec. Without @may_digest (file_open, where
 * bpf_ima_file_hash answers -EOPNOTSUPP) what is not cached is reported to the daemon,
 * which has it digested, so that the next open is known.
 */
__hidden int psc_judge_open(struct file *file, bool may_digest)
{
	struct psc_finding finding = {.op = PSC_OP_OPEN, .kind = PSC_FILTER_OPEN};
	struct inode *inode = file->f_inode;

	if (!(file->f_mode & FMODE_READ) || file->f_flags & F_FMODE_EXEC || !inode ||
	    !is_regular(inode))
		return 0;
	find_identity(file, inode, &finding, may_digest);
	if (!finding.listed_size)
		return 0;
	if (finding.clean) {
		psc_count_verdict(PSC_OP_OPEN, PSC_VERDICT_ALLOW);
		return 0;
	}
	if (!may_digest && finding.unverified == PSC_UNVERIFIED_UNCACHED) {
		if (psc_is_daemon())
			return 0;
		psc_emit_wanted(file, &finding, true);
	}
	return psc_conclude(file, &finding, true);
}
