/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_checks.c - what `proscribe doctor` thinks of what it found: a row a prerequisite,
 * and what to do about it. Looks at nothing but its arguments, see doctor.h.
 */
#include <errno.h>
#include <stdarg.h>

#include "user/cli/doctor.h"
#include "user/cli/output.h"
#include "user/core/kernelinfo.h"
#include "user/core/list.h"

/* Below the first the log is soon in danger, below the second it is lost. */
#define DOCTOR_FREE_WARN (64ULL << 20)
#define DOCTOR_FREE_FAIL (8ULL << 20)

#define DOCTOR_INSTALL_AGAIN "proscribe off, then start proscribed again"

/* ---- rows ------------------------------------------------------------------ */

static const char *const health_names[] = {
	[PSC_HEALTH_OK] = "ok",
	[PSC_HEALTH_WARN] = "warn",
	[PSC_HEALTH_FAIL] = "fail",
};

_Static_assert(ARRAY_SIZE(health_names) == PSC_HEALTH_MAX, "health names");

const char *psc_health_to_string(enum psc_health health)
{
	return health_names[health];
}

static json_t *row_text(const char *text)
{
	char safe[4096];

	if (!text || !*text)
		return json_null();
	psc_output_safe(text, safe, sizeof(safe));
	return json_string(safe);
}

void psc_doctor_row(json_t *rows, const char *name, enum psc_health health, const char *remedy,
		    const char *found, ...)
{
	char text[3072];
	va_list ap;

	va_start(ap, found);
	vsnprintf(text, sizeof(text), found, ap);
	va_end(ap);
	json_array_append_new(rows, json_pack("{s:s,s:s,s:o,s:o}", "name", name, "result",
					      psc_health_to_string(health), "found", row_text(text),
					      "remedy", row_text(remedy)));
}

enum psc_health psc_doctor_worst(const json_t *rows, size_t counts[PSC_HEALTH_MAX])
{
	enum psc_health worst = PSC_HEALTH_OK;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		enum psc_health health = PSC_HEALTH_FAIL;

		while (health > PSC_HEALTH_OK &&
		       strcmp(psc_json_text(row, "result", ""), health_names[health]) != 0)
			health--;
		counts[health]++;
		if (health > worst)
			worst = health;
	}
	return worst;
}

/* ---- the kernel -------------------------------------------------------------- */

/* What cannot be read for want of rights or of securityfs is not judged, but not "ok" either. */
static bool unknown(json_t *checks, const struct psc_host *host, const char *name, int error)
{
	if (error == -EACCES || error == -EPERM)
		psc_doctor_row(checks, name, PSC_HEALTH_WARN, "run it as root",
			       "not known: only root can see it");
	else if (host->securityfs == -ENODEV)
		psc_doctor_row(checks, name, PSC_HEALTH_WARN, "mount securityfs, see above",
			       "not known: securityfs is not mounted");
	else
		return false;
	return true;
}

static void judge_root(const struct psc_host *host, json_t *checks)
{
	if (host->root)
		psc_doctor_row(checks, "root", PSC_HEALTH_OK, NULL, "running as root");
	else
		psc_doctor_row(checks, "root", PSC_HEALTH_FAIL, "run it as root",
			       "not running as root: not everything below can be seen");
}

static void judge_btf(const struct psc_host *host, json_t *checks)
{
	if (host->btf == 0)
		psc_doctor_row(checks, "btf", PSC_HEALTH_OK, NULL,
			       "the kernel has its type information");
	else
		psc_doctor_row(checks, "btf", PSC_HEALTH_FAIL,
			       "use a kernel with CONFIG_DEBUG_INFO_BTF=y, as Debian's are",
			       "the kernel's type information cannot be read: %s",
			       strerror(-host->btf));
}

static void judge_securityfs(const struct psc_host *host, json_t *checks)
{
	if (host->securityfs == 0)
		psc_doctor_row(checks, "securityfs", PSC_HEALTH_OK, NULL, "mounted");
	else
		psc_doctor_row(checks, "securityfs", PSC_HEALTH_WARN,
			       "mount -t securityfs securityfs /sys/kernel/security",
			       "not mounted: security modules and IMA cannot be examined");
}

static void judge_lsm(const struct psc_host *host, json_t *checks)
{
	char remedy[2048];

	if (host->lsm.error) {
		if (!unknown(checks, host, "lsm", host->lsm.error))
			psc_doctor_row(checks, "lsm", PSC_HEALTH_FAIL,
				       "use a kernel with CONFIG_SECURITY=y and CONFIG_BPF_LSM=y",
				       "the kernel does not list its security modules: %s",
				       strerror(-host->lsm.error));
	} else if (psc_kernelinfo_has_lsm(host->lsm.text, "bpf")) {
		psc_doctor_row(checks, "lsm", PSC_HEALTH_OK, NULL, "bpf is active (%s)",
			       host->lsm.text);
	} else {
		if (psc_kernelinfo_lsm_remedy(host->lsm.text, remedy, sizeof(remedy)) < 0)
			snprintf(remedy, sizeof(remedy), "add bpf to the kernel argument lsm=");
		psc_doctor_row(checks, "lsm", PSC_HEALTH_FAIL, remedy,
			       "bpf is not among the active security modules (%s)", host->lsm.text);
	}
}

/*
 * Confidentiality takes from BPF programs the helper by which ours read the kernel's
 * structures (kernel_lockdown(7)); those that are loaded already go on.
 */
static void judge_lockdown(const struct psc_host *host, bool loaded, json_t *checks)
{
	char mode[32];

	if (host->lockdown.error == -ENOENT && host->securityfs == 0)
		psc_doctor_row(checks, "lockdown", PSC_HEALTH_OK, NULL, "not in this kernel");
	else if (host->lockdown.error && unknown(checks, host, "lockdown", host->lockdown.error))
		return;
	else if (host->lockdown.error ||
		 psc_kernelinfo_choice(host->lockdown.text, mode, sizeof(mode)) < 0)
		psc_doctor_row(checks, "lockdown", PSC_HEALTH_WARN,
			       "see /sys/kernel/security/lockdown",
			       "the kernel's lockdown mode is not understood");
	else if (strcmp(mode, "confidentiality") != 0)
		psc_doctor_row(checks, "lockdown", PSC_HEALTH_OK, NULL, "%s", mode);
	else
		psc_doctor_row(checks, "lockdown", loaded ? PSC_HEALTH_WARN : PSC_HEALTH_FAIL,
			       "boot with lockdown=integrity, or without lockdown=",
			       "confidentiality: the kernel %s",
			       loaded ? "would not load the guard again"
				      : "does not load the guard's programs");
}

static void judge_ftrace(const struct psc_host *host, json_t *checks)
{
	if (!host->ftrace.error && strcmp(host->ftrace.text, "0") == 0)
		psc_doctor_row(checks, "ftrace", PSC_HEALTH_FAIL,
			       "sysctl kernel.ftrace_enabled=1, and look for it in /etc/sysctl.d",
			       "kernel.ftrace_enabled is 0: attached programs may not be called");
	else if (host->ftrace.error == -ENOENT)
		psc_doctor_row(checks, "ftrace", PSC_HEALTH_OK, NULL,
			       "this kernel has no kernel.ftrace_enabled");
	else if (host->ftrace.error)
		psc_doctor_row(checks, "ftrace", PSC_HEALTH_WARN, "run it as root",
			       "kernel.ftrace_enabled cannot be read: %s",
			       strerror(-host->ftrace.error));
	else
		psc_doctor_row(checks, "ftrace", PSC_HEALTH_OK, NULL, "kernel.ftrace_enabled is %s",
			       host->ftrace.text);
}

/* The daemon's proof of itself is an executable memory file. */
static void judge_memfd(const struct psc_host *host, json_t *checks)
{
	if (!host->memfd_noexec.error && strcmp(host->memfd_noexec.text, "2") == 0)
		psc_doctor_row(checks, "memfd", PSC_HEALTH_FAIL, "sysctl vm.memfd_noexec=1",
			       "vm.memfd_noexec is 2: the daemon cannot prove the guard when it "
			       "starts, and does not start");
	else if (host->memfd_noexec.error == -ENOENT)
		psc_doctor_row(checks, "memfd", PSC_HEALTH_OK, NULL,
			       "this kernel has no vm.memfd_noexec");
	else if (host->memfd_noexec.error)
		psc_doctor_row(checks, "memfd", PSC_HEALTH_WARN, "run it as root",
			       "vm.memfd_noexec cannot be read: %s",
			       strerror(-host->memfd_noexec.error));
	else
		psc_doctor_row(checks, "memfd", PSC_HEALTH_OK, NULL, "vm.memfd_noexec is %s",
			       host->memfd_noexec.text);
}

/* ---- IMA --------------------------------------------------------------------- */

static void judge_ima(const struct psc_host *host, json_t *checks)
{
	static const char remedy[] = "boot without ima_hash=, or with ima_hash=sha256";
	char named[64] = "", aggregate[64] = "";

	psc_kernelinfo_parameter(host->cmdline.text, "ima_hash", named, sizeof(named));
	if (!host->ima_first.error)
		psc_kernelinfo_measured_algorithm(host->ima_first.text, aggregate,
						  sizeof(aggregate));
	if (host->ima) {
		if (!unknown(checks, host, "ima", host->ima))
			psc_doctor_row(checks, "ima", PSC_HEALTH_FAIL,
				       "use a kernel with CONFIG_IMA=y, as Debian's are",
				       "the kernel has no IMA, which computes the digests");
	} else if (named[0] && strcmp(named, "sha256") != 0) {
		psc_doctor_row(
			checks, "ima", PSC_HEALTH_FAIL, remedy,
			"the kernel was booted with ima_hash=%s: only sha256 can be compared",
			named);
	} else if (!named[0] && aggregate[0] && strcmp(aggregate, "sha256") != 0) {
		/* with a TPM this one may differ from what files are digested with */
		psc_doctor_row(checks, "ima", PSC_HEALTH_WARN, "boot with ima_hash=sha256",
			       "present; its boot aggregate has %s, files need sha256", aggregate);
	} else {
		psc_doctor_row(checks, "ima", PSC_HEALTH_OK, NULL, "present, digests with %s",
			       named[0]	      ? "ima_hash=sha256"
			       : aggregate[0] ? "sha256"
					      : "its default");
	}
}

static void judge_ima_policy(const struct psc_host *host, json_t *checks)
{
	const char *cmdline = host->cmdline.text;
	bool told = !psc_kernelinfo_parameter(cmdline, "ima_policy", NULL, 0) ||
		    !psc_kernelinfo_parameter(cmdline, "ima_tcb", NULL, 0);
	unsigned long count = strtoul(host->ima_count.text, NULL, 10);

	if (host->ima == -ENOENT && !told)
		return;
	if (told || count > 1) {
		psc_doctor_row(checks, "ima policy", PSC_HEALTH_WARN,
			       "boot without ima_policy= and ima_tcb, load no measure rules, or "
			       "accept the records: files on overlays, and files whose "
			       "security.ima names another digest than sha256, are unverified",
			       "an IMA policy measures files%s (%lu measured): the kernel may "
			       "answer with an older digest",
			       told ? ", by the kernel's command line" : "", count);
	} else if (!host->ima_count.error) {
		/* the one is the boot aggregate */
		psc_doctor_row(checks, "ima policy", PSC_HEALTH_OK, NULL,
			       "no policy measures files (%lu measured)", count);
	} else if (!unknown(checks, host, "ima policy", host->ima_count.error)) {
		psc_doctor_row(checks, "ima policy", PSC_HEALTH_WARN, "",
			       "not known: the number of measurements cannot be read: %s",
			       strerror(-host->ima_count.error));
	}
}

/* ---- BPF file system ----------------------------------------------------------- */

static void judge_bpffs(const struct psc_host *host, json_t *checks)
{
	if (host->bpffs == 0)
		psc_doctor_row(checks, "bpffs", PSC_HEALTH_OK, NULL, "mounted on /sys/fs/bpf");
	else
		psc_doctor_row(checks, "bpffs", PSC_HEALTH_FAIL, "mount -t bpf bpf /sys/fs/bpf",
			       "no BPF file system on /sys/fs/bpf: the guard cannot be pinned");
}

static void judge_pins(const struct psc_host *host, const json_t *status, json_t *checks)
{
	const struct psc_host_pins *pins = &host->pins;
	size_t hooks = json_array_size(psc_json_at(status, "hooks"));

	if (pins->error == -ENOENT)
		psc_doctor_row(checks, "pins", PSC_HEALTH_FAIL,
			       status ? DOCTOR_INSTALL_AGAIN : "systemctl start proscribed",
			       "nothing is pinned: the guard is off");
	else if (pins->error == -EACCES || pins->error == -EPERM)
		psc_doctor_row(checks, "pins", PSC_HEALTH_WARN, "run it as root",
			       "not known: only root can see them");
	else if (pins->error)
		psc_doctor_row(checks, "pins", PSC_HEALTH_FAIL, DOCTOR_INSTALL_AGAIN,
			       "the guard's pins cannot be read: %s", strerror(-pins->error));
	else if (pins->missing[0])
		psc_doctor_row(checks, "pins", PSC_HEALTH_FAIL, DOCTOR_INSTALL_AGAIN,
			       "the pinned guard is incomplete: %s missing", pins->missing);
	else if (hooks > pins->links)
		psc_doctor_row(checks, "pins", PSC_HEALTH_FAIL, DOCTOR_INSTALL_AGAIN,
			       "%u links are pinned, the daemon attached %zu", pins->links, hooks);
	else
		psc_doctor_row(checks, "pins", PSC_HEALTH_OK, NULL,
			       "the guard is on: %u links and its maps are pinned", pins->links);
}

/* ---- the daemon ---------------------------------------------------------------- */

static void judge_daemon(const struct psc_answer *answer, json_t *checks)
{
	const char *version = psc_json_text(answer->data, "version", "?");
	char text[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 32];

	if (answer->kind != PSC_ANSWER_OK)
		psc_doctor_row(checks, "daemon", PSC_HEALTH_FAIL, answer->remedy,
			       "%s; mode, lists and events are not known",
			       psc_error_format(&answer->error, text, sizeof(text)));
	else if (strcmp(version, PSC_VERSION) != 0)
		psc_doctor_row(checks, "daemon", PSC_HEALTH_WARN,
			       "restart the daemon: systemctl restart proscribed",
			       "version %s is running, this command is " PSC_VERSION, version);
	else
		psc_doctor_row(checks, "daemon", PSC_HEALTH_OK, NULL,
			       "version %s, pid %" JSON_INTEGER_FORMAT ", generation "
			       "%" JSON_INTEGER_FORMAT,
			       version, psc_json_number(answer->data, "pid", 0),
			       psc_json_number(answer->data, "generation", 0));
}

static void judge_mode(const json_t *status, json_t *checks)
{
	const char *mode = psc_json_text(status, "mode", "?");

	if (strcmp(mode, "enforce") == 0)
		psc_doctor_row(checks, "mode", PSC_HEALTH_OK, NULL, "enforce");
	else
		psc_doctor_row(checks, "mode", PSC_HEALTH_WARN,
			       "to refuse: mode: enforce in /etc/proscribe/proscribe.yaml, then "
			       "proscribe reload",
			       "%s: what is listed is recorded and runs", mode);
}

/*
 * At open nothing can be digested: that this was refused shows that the identity was found
 * in the inode storage.
 */
static void judge_canary(const json_t *status, json_t *checks)
{
	bool passed = json_is_true(psc_json_at(status, "canary.passed"));
	bool tried = json_is_object(psc_json_at(status, "canary"));
	const char *opened = psc_json_text(status, "canary.checks.open", "?");
	const char *at = psc_json_text(status, "canary.at", "?");

	if (passed)
		psc_doctor_row(checks, "canary", PSC_HEALTH_OK, NULL,
			       "the daemon's own was refused at %s", at);
	else if (!tried)
		psc_doctor_row(checks, "canary", PSC_HEALTH_FAIL,
			       "mend what the daemon refuses, then proscribe reload",
			       "the daemon could put none of its own into force");
	else
		psc_doctor_row(checks, "canary", PSC_HEALTH_FAIL, DOCTOR_INSTALL_AGAIN,
			       "the daemon's own was not refused at %s", at);
	if (!tried)
		return;
	if (strcmp(opened, "refused") == 0)
		psc_doctor_row(checks, "storage", PSC_HEALTH_OK, NULL,
			       "inode storage works: the canary was known again when opened");
	else
		psc_doctor_row(checks, "storage", PSC_HEALTH_FAIL,
			       "use a processor (or emulation) with cmpxchg16b: newer kernels' "
			       "allocator needs it",
			       "inode storage is unproven: opening the canary was %s", opened);
}

static void judge_lists(const json_t *status, json_t *checks)
{
	json_int_t digests = psc_json_number(status, "lists.digests", 0), idle = 0;
	json_t *others = psc_json_at(status, "lists.not_enforceable");
	char kinds[256] = "";
	size_t used = 0;
	const char *kind;
	const json_t *count;

	json_object_foreach(others, kind, count) {
		idle += json_integer_value(count);
		if (used < sizeof(kinds))
			used += (size_t)snprintf(kinds + used, sizeof(kinds) - used,
						 "%s%" JSON_INTEGER_FORMAT " %s", used ? ", " : "",
						 json_integer_value(count), kind);
	}
	if (idle > 0)
		psc_doctor_row(checks, "lists", PSC_HEALTH_WARN,
			       "list the sha256 digests of the same files: the kernel computes no "
			       "other, and none of 4 GiB and more",
			       "%" JSON_INTEGER_FORMAT " digests in force, %" JSON_INTEGER_FORMAT
			       " not enforceable (%s)",
			       digests, idle, kinds);
	else if (digests == 0)
		psc_doctor_row(checks, "lists", PSC_HEALTH_WARN,
			       "proscribe list add FILE, or proscribe list import",
			       "nothing is listed");
	else
		psc_doctor_row(checks, "lists", PSC_HEALTH_OK, NULL,
			       "%" JSON_INTEGER_FORMAT " digests in force", digests);
}

static void judge_sizes(const json_t *status, json_t *checks)
{
	json_int_t unseen = psc_json_number(status, "lists.sizes_missing", 0);

	if (json_is_true(psc_json_at(status, "lists.hash_all")))
		psc_doctor_row(checks, "sizes", PSC_HEALTH_WARN,
			       "give the sizes that proscribe list show does not have",
			       "%" JSON_INTEGER_FORMAT " digests without size: everything that is "
			       "executed or mapped is digested once",
			       psc_json_number(status, "lists.without_size", 0));
	else if (unseen > 0)
		psc_doctor_row(checks, "sizes", PSC_HEALTH_WARN,
			       "give the sizes that proscribe list show does not have",
			       "%" JSON_INTEGER_FORMAT " package or Windows digests of the site's "
			       "lists without size: the kernel cannot look for them",
			       unseen);
	else
		psc_doctor_row(checks, "sizes", PSC_HEALTH_OK, NULL,
			       "only files of a listed size are digested");
}

static void judge_events(const json_t *status, json_t *checks)
{
	json_int_t dropped = psc_json_number(status, "events.dropped", 0);

	psc_doctor_row(checks, "events", dropped ? PSC_HEALTH_WARN : PSC_HEALTH_OK,
		       dropped ? "their verdicts stood; see the ring_loss records in proscribe log"
			       : NULL,
		       "%" JSON_INTEGER_FORMAT " emitted, %" JSON_INTEGER_FORMAT
		       " written, %" JSON_INTEGER_FORMAT " dropped by a full ring",
		       psc_json_number(status, "events.emitted", 0),
		       psc_json_number(status, "events.written", 0), dropped);
}

/* ---- the log ------------------------------------------------------------------- */

static enum psc_health judge_space(uint64_t bytes)
{
	if (bytes < DOCTOR_FREE_FAIL)
		return PSC_HEALTH_FAIL;
	return bytes < DOCTOR_FREE_WARN ? PSC_HEALTH_WARN : PSC_HEALTH_OK;
}

/* The daemon's warning of that id, NULL: none. */
static const json_t *find_warning(const json_t *status, const char *id)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(psc_json_at(status, "warnings"), i, warning)
		if (strcmp(psc_json_text(warning, "id", ""), id) == 0)
			return warning;
	return NULL;
}

#define DOCTOR_LOG_WARNING "log_failing"

static void judge_log(const struct psc_host *host, const json_t *status, json_t *checks)
{
	const json_t *warning = find_warning(status, DOCTOR_LOG_WARNING);
	enum psc_health space = judge_space(host->log_free);
	char bytes[32];

	if (warning || (status && !psc_json_text(status, "log", NULL)))
		psc_doctor_row(checks, "log", PSC_HEALTH_FAIL,
			       "make room or mend the file system; nothing needs restarting", "%s",
			       psc_json_text(warning, "message", "the daemon has no audit log"));
	else if (host->log_error && !host->root)
		psc_doctor_row(checks, "log", PSC_HEALTH_WARN, "run it as root",
			       "not known: %s: %s", host->log, strerror(-host->log_error));
	else if (host->log_error)
		psc_doctor_row(checks, "log", PSC_HEALTH_FAIL,
			       "make it writable; nothing needs restarting",
			       "%s cannot be written: %s", host->log, strerror(-host->log_error));
	else
		psc_doctor_row(checks, "log", space,
			       space == PSC_HEALTH_OK ? NULL
						      : "make room: what happens cannot be kept "
							"without",
			       "%s can be written, %s free", host->log,
			       psc_output_bytes(host->log_free, bytes));
}

static bool is_among(const char *id, const char *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(id, ids[i]) == 0)
			return true;
	return false;
}

/* What the daemon says beyond what has a row here. */
static void pass_warnings(const json_t *status, json_t *checks)
{
	static const char *const told[] = {
		"digests_without_size", "digests_need_userspace", DOCTOR_LOG_WARNING,
		"ima_policy",		"nothing_listed",	  "events_dropped",
	};
	static const char *const failures[] = {"guard_off", "guard_unpinned", "policy_held"};
	const json_t *warning;
	size_t i;

	json_array_foreach(psc_json_at(status, "warnings"), i, warning) {
		const char *id = psc_json_text(warning, "id", "");
		bool failed = is_among(id, failures, ARRAY_SIZE(failures));

		if (!is_among(id, told, ARRAY_SIZE(told)))
			psc_doctor_row(checks, "warning",
				       failed ? PSC_HEALTH_FAIL : PSC_HEALTH_WARN,
				       psc_json_text(warning, "remedy", NULL), "%s",
				       psc_json_text(warning, "message", "?"));
	}
}

void psc_doctor_judge(const struct psc_host *host, const struct psc_answer *answer, json_t *checks)
{
	const json_t *status = answer->kind == PSC_ANSWER_OK ? answer->data : NULL;

	judge_root(host, checks);
	judge_btf(host, checks);
	judge_securityfs(host, checks);
	judge_lsm(host, checks);
	judge_lockdown(host, host->pins.error == 0, checks);
	judge_ftrace(host, checks);
	judge_memfd(host, checks);
	judge_ima(host, checks);
	judge_ima_policy(host, checks);
	judge_bpffs(host, checks);
	judge_pins(host, status, checks);
	judge_daemon(answer, checks);
	if (status) {
		judge_mode(status, checks);
		judge_canary(status, checks);
		judge_lists(status, checks);
		judge_sizes(status, checks);
		judge_events(status, checks);
	}
	judge_log(host, status, checks);
	pass_warnings(status, checks);
}
