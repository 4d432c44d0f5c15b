// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * module.bpf.c - kernel modules.
 *
 * lsm.s/kernel_read_file: finit_module, before the file is read. Sleepable: it digests the
 *   file as it is, compressed or not.
 * lsm/kernel_load_data: init_module brings its content in memory. There is no file to
 *   identify: unverified:no_file.
 */
#include "guard.bpf.h"

enum kernel_read_file_id {
	READING_MODULE = 2,
	READING_MODULE_COMPRESSED = 7, /* from 7.0; before it, one number for both */
};

enum kernel_load_data_id {
	LOADING_MODULE = 2,
};

static __always_inline bool reads_module(enum kernel_read_file_id id)
{
	if (id == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE))
		return true;
	return bpf_core_enum_value_exists(enum kernel_read_file_id, READING_MODULE_COMPRESSED) &&
	       id == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE_COMPRESSED);
}

SEC("lsm.s/kernel_read_file")
int BPF_PROG(psc_kernel_read_file, struct file *file, enum kernel_read_file_id id, bool contents)
{
	if (!reads_module(id))
		return 0;
	if (psc_guard(file, PSC_OP_MODULE, 0, true))
		return -EPERM;
	return 0;
}

SEC("lsm/kernel_load_data")
int BPF_PROG(psc_kernel_load_data, enum kernel_load_data_id id, bool contents)
{
	struct psc_finding finding = {
		.op = PSC_OP_MODULE,
		.unverified = PSC_UNVERIFIED_NO_FILE,
	};

	if (id != bpf_core_enum_value(enum kernel_load_data_id, LOADING_MODULE))
		return 0;
	if (psc_conclude(NULL, &finding, false))
		return -EPERM;
	return 0;
}
