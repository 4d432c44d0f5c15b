// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * probe.bpf.c - an object of its own, run before the guard: does this kernel really call
 * LSM programs, digest files and keep inode storage? The daemon maps a file of its own
 * executable and reads what came of it. Whatever fails here cannot harm the guard.
 */
#include "compat.bpf.h"
#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} psc_probe_storage SEC(".maps");

const volatile __u32 psc_probe_tgid = 0;
struct psc_probe_result psc_probe_result = {};

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("lsm.s/mmap_file")
int BPF_PROG(psc_probe_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot)
{
	struct psc_probe_result *result = &psc_probe_result;
	struct linux_binprm *bprm = NULL;
	__u32 *value;

	if (!file || !(prot & PROT_EXEC) || bpf_get_current_pid_tgid() >> 32 != psc_probe_tgid)
		return 0;
	result->called++;
	value = bpf_inode_storage_get(&psc_probe_storage, file->f_inode, 0,
				      BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value) {
		*value = 1;
		value = bpf_inode_storage_get(&psc_probe_storage, file->f_inode, 0, 0);
		result->storage = value && *value == 1;
	}
	result->algorithm = bpf_ima_file_hash(file, result->digest, PSC_DIGEST_SIZE);
	result->execve_check = bpf_core_field_exists(bprm->is_check);
	result->tai_ns = bpf_ktime_get_tai_ns();
	return 0;
}
