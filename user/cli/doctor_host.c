/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_host.c - what `proscribe doctor` finds on the host; nothing is judged here, see
 * doctor.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "user/cli/doctor.h"
#include "user/cli/output.h"
#include "user/core/escape.h"
#include "user/core/paths.h"

#define HOST_BTF	"/sys/kernel/btf/vmlinux"
#define HOST_SECURITYFS "/sys/kernel/security"
#define HOST_IMA	HOST_SECURITYFS "/integrity/ima"
#define HOST_BPFFS	"/sys/fs/bpf"

/* linux/magic.h */
#define HOST_SECURITYFS_MAGIC 0x73636673
#define HOST_BPFFS_MAGIC      0xcafe4a11

static void fact_read(const char *path, struct psc_host_fact *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*ret = (struct psc_host_fact){};
	n = fd < 0 ? -1 : read(fd, ret->text, sizeof(ret->text) - 1);
	if (n < 0) {
		ret->error = -errno;
		return;
	}
	ret->text[n] = '\0';
	ret->text[strcspn(ret->text, "\n")] = '\0';
}

static int file_there(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0 ? -errno : 0;
}

static int mounted(const char *path, unsigned long magic)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	return (unsigned long)fs.f_type == magic ? 0 : -ENODEV;
}

/* ---- pins ------------------------------------------------------------------ */

/*
 * The programs without which no kernel is guarded; the others depend on what the kernel
 * has. Of two names either will do.
 */
static const struct {
	const char *name;
	const char *other;
} required_pins[] = {
	{"shared", NULL},	 {"psc_inode_setattr", "psc_inode_setattr_plain"},
	{"psc_file_open", NULL}, {"psc_bprm_check_security", NULL},
	{"psc_mmap_file", NULL}, {"psc_file_mprotect", NULL},
};

void psc_host_look_at_pins(const char *directory, struct psc_host_pins *ret)
{
	bool there[ARRAY_SIZE(required_pins)] = {};
	DIR *d = opendir(directory);
	const struct dirent *entry;
	size_t used = 0;

	*ret = (struct psc_host_pins){.error = d ? 0 : -errno};
	if (!d)
		return;
	while ((entry = readdir(d))) {
		ret->links += strncmp(entry->d_name, "psc_", 4) == 0;
		for (size_t i = 0; i < ARRAY_SIZE(required_pins); i++)
			if (strcmp(entry->d_name, required_pins[i].name) == 0 ||
			    (required_pins[i].other &&
			     strcmp(entry->d_name, required_pins[i].other) == 0))
				there[i] = true;
	}
	closedir(d);
	for (size_t i = 0; i < ARRAY_SIZE(required_pins); i++)
		if (!there[i] && used < sizeof(ret->missing))
			used += (size_t)snprintf(ret->missing + used, sizeof(ret->missing) - used,
						 "%s%s", used ? ", " : "", required_pins[i].name);
}

/* ---- the log --------------------------------------------------------------- */

/*
 * Where the daemon writes, else where it would: the default directory, or the nearest one
 * above it that exists, since the daemon makes the rest.
 */
static void look_at_log(const json_t *status, struct psc_host *host)
{
	_cleanup_free_ char *path = NULL;
	const char *named = psc_json_text(status, "log", NULL);
	struct statvfs fs;
	size_t size;

	if (named && psc_unescape(named, &path, &size) == 0 && size < sizeof(host->log)) {
		memcpy(host->log, path, size + 1);
	} else {
		snprintf(host->log, sizeof(host->log), "%s", PSC_PATH_LOG);
		while (access(host->log, F_OK) < 0 && strrchr(host->log, '/') > host->log)
			*strrchr(host->log, '/') = '\0';
	}
	host->log_error = file_there(host->log, W_OK);
	if (statvfs(host->log, &fs) == 0)
		host->log_free = (uint64_t)fs.f_bavail * fs.f_frsize;
	else if (!host->log_error)
		host->log_error = -errno;
}

/* ---- all ------------------------------------------------------------------- */

void psc_host_look(const json_t *status, struct psc_host *ret)
{
	struct utsname kernel;

	*ret = (struct psc_host){.root = geteuid() == 0};
	if (uname(&kernel) == 0)
		snprintf(ret->release, sizeof(ret->release), "%s", kernel.release);
	ret->btf = file_there(HOST_BTF, R_OK);
	ret->securityfs = mounted(HOST_SECURITYFS, HOST_SECURITYFS_MAGIC);
	ret->ima = file_there(HOST_IMA, F_OK);
	ret->bpffs = mounted(HOST_BPFFS, HOST_BPFFS_MAGIC);
	fact_read(HOST_SECURITYFS "/lsm", &ret->lsm);
	fact_read(HOST_SECURITYFS "/lockdown", &ret->lockdown);
	fact_read("/proc/sys/kernel/ftrace_enabled", &ret->ftrace);
	fact_read("/proc/sys/vm/memfd_noexec", &ret->memfd_noexec);
	fact_read("/proc/cmdline", &ret->cmdline);
	fact_read(HOST_IMA "/runtime_measurements_count", &ret->ima_count);
	fact_read(HOST_IMA "/ascii_runtime_measurements", &ret->ima_first);
	psc_host_look_at_pins(PSC_PATH_BPFFS, &ret->pins);
	look_at_log(status, ret);
}
