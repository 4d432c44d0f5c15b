/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - see kernel.h. Includes the probe's skeleton; the guard's is loader.c's. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "bpf/probe.skel.h"
#include "user/core/kernelinfo.h"
#include "user/daemon/kernel.h"

/* include/linux/proc_ns.h: the inode of the first PID namespace */
#define PROC_PID_INIT_INO 0xEFFFFFFCU

#define PATH_LSM_LIST "/sys/kernel/security/lsm"
#define PATH_LOCKDOWN "/sys/kernel/security/lockdown"
#define PATH_FTRACE   "/proc/sys/kernel/ftrace_enabled"
/* 1 is the boot aggregate alone: nothing is measured */
#define PATH_IMA_COUNT "/sys/kernel/security/integrity/ima/runtime_measurements_count"

void psc_problem_set(struct psc_problem *problem, const char *remedy, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(problem->message, sizeof(problem->message), fmt, args);
	va_end(args);
	snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
}

/* Reads a one-line file of the kernel; -errno. */
static int read_line(const char *path, char *buffer, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buffer, size - 1);
	if (n < 0)
		return -errno;
	buffer[n] = 0;
	buffer[strcspn(buffer, "\n")] = 0;
	return 0;
}

/* securityfs may not be mounted (containers, early boot): then the probe program decides. */
static int check_lsm_list(struct psc_problem *reterr)
{
	char list[256], remedy[sizeof(reterr->remedy)];

	if (read_line(PATH_LSM_LIST, list, sizeof(list)) < 0 || psc_kernelinfo_has_lsm(list, "bpf"))
		return 0;
	if (psc_kernelinfo_lsm_remedy(list, remedy, sizeof(remedy)) < 0)
		snprintf(remedy, sizeof(remedy), "add bpf to the kernel argument lsm=");
	psc_problem_set(reterr, remedy, "the kernel's active security modules (%s) lack bpf", list);
	return -EOPNOTSUPP;
}

static int check_ftrace(struct psc_problem *reterr)
{
	char value[16];

	if (read_line(PATH_FTRACE, value, sizeof(value)) < 0 || strcmp(value, "0"))
		return 0;
	psc_problem_set(reterr, "sysctl kernel.ftrace_enabled=1",
			"kernel.ftrace_enabled is 0: attached programs may not be called");
	return -EOPNOTSUPP;
}

static int hook_parameters(const struct btf *btf, const char *hook)
{
	char name[128];
	const struct btf_type *type;
	int id;

	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	if (id < 0)
		return -ENOENT;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	return btf_vlen(type);
}

/* In confidentiality mode BPF programs may not read kernel memory, which the guard's do. */
static int check_lockdown(struct psc_problem *reterr)
{
	char text[64], mode[32];

	if (read_line(PATH_LOCKDOWN, text, sizeof(text)) < 0 ||
	    psc_kernelinfo_choice(text, mode, sizeof(mode)) < 0 || strcmp(mode, "confidentiality"))
		return 0;
	psc_problem_set(reterr, "boot with lockdown=integrity, or without lockdown=",
			"kernel lockdown is in confidentiality mode");
	return -EOPNOTSUPP;
}

/* The programs know the daemon by the number that the host gives it. */
static int check_pid_namespace(struct psc_problem *reterr)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == PROC_PID_INIT_INO)
		return 0;
	psc_problem_set(reterr, "run it on the host, or in the host's PID namespace",
			"proscribed runs inside a PID namespace");
	return -EOPNOTSUPP;
}

static const struct {
	const char *hook;
	int feature; /* -1: the guard cannot do without */
} hooks[] = {
	{"bprm_check_security", -1}, {"mmap_file", -1},
	{"file_mprotect", -1},	     {"file_open", -1},
	{"inode_setattr", -1},	     {"file_post_open", PSC_FEATURE_FILE_POST_OPEN},
	{"kernel_read_file", -1},    {"kernel_load_data", -1},
	{"file_set_fowner", -1},     {"inode_copy_up", -1},
};

static int probe_hooks(uint64_t *features, struct psc_problem *reterr)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int r = 0;

	if (!btf) {
		psc_problem_set(reterr, "use a kernel with CONFIG_DEBUG_INFO_BTF=y",
				"the kernel's type information cannot be read: %s",
				strerror(errno));
		return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(hooks) && !r; i++) {
		if (hook_parameters(btf, hooks[i].hook) >= 0) {
			if (hooks[i].feature >= 0)
				*features |= 1ULL << hooks[i].feature;
		} else if (hooks[i].feature < 0) {
			psc_problem_set(reterr, "use a kernel with CONFIG_BPF_LSM=y, 6.1 or newer",
					"the kernel has no LSM hook %s for BPF", hooks[i].hook);
			r = -EOPNOTSUPP;
		}
	}
	if (hook_parameters(btf, "inode_setattr") == 3)
		*features |= 1ULL << PSC_FEATURE_SETATTR_IDMAP;
	if (btf__find_by_name_kind(btf, "bpf_real_data_inode", BTF_KIND_FUNC) > 0)
		*features |= 1ULL << PSC_FEATURE_REAL_INODE;
	btf__free(btf);
	return r;
}

/* Maps a file of our own executable: the probe program looks at nobody else's. */
static int call_probe(void)
{
	_cleanup_close_ int fd = memfd_create("proscribe-probe", MFD_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return -errno;
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	munmap(p, 4096);
	return 0;
}

static int judge_probe(const struct probe_bpf *probe, struct psc_problem *reterr)
{
	if (!probe->bss->psc_probe_result.called) {
		psc_problem_set(reterr,
				"check kernel.ftrace_enabled and that bpf is in " PATH_LSM_LIST,
				"a BPF LSM program was attached but the kernel never called it");
		return -EOPNOTSUPP;
	}
	if (probe->bss->psc_probe_result.algorithm != PSC_HASH_ALGO_SHA256) {
		psc_problem_set(
			reterr,
			"use a kernel with CONFIG_IMA=y and boot without ima_hash=, or with "
			"ima_hash=sha256",
			"the kernel does not digest files with SHA-256 (result %d)",
			probe->bss->psc_probe_result.algorithm);
		return -EOPNOTSUPP;
	}
	if (!probe->bss->psc_probe_result.storage) {
		psc_problem_set(reterr,
				"use a processor (or emulation) with cmpxchg16b: this kernel's "
				"allocator needs it",
				"the kernel cannot create inode storage");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int run_probe(uint64_t *features, struct psc_problem *reterr)
{
	struct probe_bpf *probe = probe_bpf__open();
	int r;

	if (!probe) {
		psc_problem_set(reterr, "", "the probe cannot be opened: %s", strerror(errno));
		return -EINVAL;
	}
	probe->rodata->psc_probe_tgid = getpid();
	r = probe_bpf__load(probe);
	if (!r)
		r = probe_bpf__attach(probe);
	if (r < 0)
		psc_problem_set(
			reterr,
			"run as root with CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN on a kernel "
			"with CONFIG_BPF_LSM=y and CONFIG_IMA=y",
			"a BPF LSM program cannot be loaded: %s", strerror(-r));
	if (!r) {
		r = call_probe();
		if (r < 0)
			psc_problem_set(reterr, "allow executable memory files",
					"the probe file cannot be mapped: %s", strerror(-r));
	}
	if (!r)
		r = judge_probe(probe, reterr);
	if (!r && probe->bss->psc_probe_result.execve_check)
		*features |= 1ULL << PSC_FEATURE_EXECVE_CHECK;
	probe_bpf__destroy(probe);
	return r;
}

bool psc_kernel_measures(void)
{
	char count[32], line[4096];

	if (!read_line(PATH_IMA_COUNT, count, sizeof(count)) && strtoul(count, NULL, 10) > 1)
		return true;
	return !read_line("/proc/cmdline", line, sizeof(line)) &&
	       (!psc_kernelinfo_parameter(line, "ima_policy", NULL, 0) ||
		!psc_kernelinfo_parameter(line, "ima_tcb", NULL, 0));
}

int psc_kernel_probe(uint64_t *ret_features, struct psc_problem *reterr)
{
	uint64_t features = 0;
	int r;

	r = check_pid_namespace(reterr);
	if (!r)
		r = probe_hooks(&features, reterr);
	if (!r)
		r = check_lsm_list(reterr);
	if (!r)
		r = check_ftrace(reterr);
	if (!r)
		r = check_lockdown(reterr);
	if (!r)
		r = run_probe(&features, reterr);
	if (r < 0)
		return r;
	*ret_features = features;
	return 0;
}
