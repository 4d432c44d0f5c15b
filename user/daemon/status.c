/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - what `proscribe status` shows; see daemon.h. */
#include "user/core/util.h"

#include <errno.h>
#include <sys/utsname.h>
#include <time.h>

#include "user/core/json.h"
#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/sizeless.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

static json_t *boot_time_json(uint64_t boot_ns)
{
	struct timespec wall, boot;
	char text[PSC_TIME_TEXT_MAX];

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return json_string(psc_time_format_seconds(
		(uint64_t)(wall.tv_sec - boot.tv_sec) * PSC_NSEC_PER_SEC + boot_ns, text));
}

static json_t *lists_json(const struct psc_daemon *daemon)
{
	const struct psc_list *list = daemon->policy.list;
	struct psc_list_counts counts;
	json_t *files = json_array(), *others = json_object();
	size_t sizes_missing = psc_sizeless_count(list, daemon->policy.site_files);
	struct psc_list_file file;

	psc_list_get_counts(list, &counts);
	for (size_t i = 0; i < psc_list_file_count(list); i++)
		if (!psc_list_file(list, i, &file))
			json_array_append_new(files,
					      json_pack("{s:o, s:I, s:I}", "path",
							psc_json_safe(file.path), "entries",
							(json_int_t)file.entries, "enforceable",
							(json_int_t)file.enforceable));
	for (unsigned int algo = 0; algo < PSC_ALGO_MAX; algo++)
		if (counts.by_algo[algo] && algo != PSC_ALGO_SHA256)
			json_object_set_new(others, psc_algo_to_string(algo),
					    json_integer(counts.by_algo[algo]));
	if (counts.too_large)
		json_object_set_new(others, "too_large", json_integer(counts.too_large));
	return json_pack("{s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:b}", "directory",
			 psc_json_safe(daemon->policy.config->lists), "files", files, "digests",
			 (json_int_t)daemon->policy.image->listed, "not_enforceable", others,
			 "without_size", (json_int_t)daemon->policy.image->without_size,
			 "needs_userspace", (json_int_t)daemon->policy.image->needs_userspace,
			 "sizes_missing", (json_int_t)sizes_missing, "hash_all",
			 !!(daemon->policy.image->table.flags & PSC_TABLE_HASH_ALL));
}

static json_t *actions_json(const struct psc_config *config)
{
	json_t *actions = json_object();

	for (unsigned int op = 0; op <= PSC_OP_OPEN; op++)
		json_object_set_new(actions, psc_op_to_string(op),
				    json_string(psc_action_to_string(config->action[op])));
	return actions;
}

static json_t *verdicts_json(const struct psc_counters *counters)
{
	json_t *ops = json_object();

	for (unsigned int op = 0; op <= PSC_OP_OPEN; op++) {
		json_t *row = json_object();

		for (unsigned int v = 0; v < PSC_VERDICT_MAX; v++)
			json_object_set_new(row, psc_verdict_to_string(v),
					    json_integer(counters->verdict[op][v]));
		json_object_set_new(ops, psc_op_to_string(op), row);
	}
	return ops;
}

static json_t *unverified_json(const struct psc_counters *counters)
{
	json_t *ops = json_object();

	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		json_t *row = json_object();

		for (unsigned int reason = 1; reason < PSC_UNVERIFIED_MAX; reason++)
			if (counters->unverified[op][reason])
				json_object_set_new(row, psc_unverified_to_string(reason),
						    json_integer(counters->unverified[op][reason]));
		if (json_object_size(row))
			json_object_set(ops, psc_op_to_string(op), row);
		json_decref(row);
	}
	return ops;
}

static json_t *features_json(uint64_t features)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < PSC_FEATURE_MAX; i++)
		json_object_set_new(object, psc_feature_to_string(i),
				    json_boolean(features >> i & 1));
	return object;
}

static json_t *hooks_json(const struct psc_guard *guard)
{
	const char *hooks[PSC_GUARD_HOOKS_MAX];
	int n = psc_guard_hooks(guard, hooks);
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(array, json_string(hooks[i]));
	return array;
}

static json_t *canary_json(const struct psc_canary *canary)
{
	json_t *checks = json_object();
	char at[PSC_TIME_TEXT_MAX];
	bool passed = canary->result[PSC_CANARY_EXEC] == PSC_CANARY_REFUSED;

	if (!canary->wall_ns)
		return json_null();
	for (unsigned int i = 0; i < PSC_CANARY_MAX; i++) {
		passed = passed && canary->result[i] != PSC_CANARY_PASSED;
		json_object_set_new(checks, psc_canary_check_to_string(i),
				    json_string(psc_canary_result_to_string(canary->result[i])));
	}
	return json_pack("{s:b, s:s, s:o}", "passed", passed, "at",
			 psc_time_format_seconds(canary->wall_ns, at), "checks", checks);
}

/* @id names the condition for programs; it stays when the words change. */
static void warn(json_t *warnings, const char *id, const char *message, const char *remedy)
{
	json_array_append_new(warnings, json_pack("{s:s, s:s, s:s}", "id", id, "message", message,
						  "remedy", remedy));
}

static void warn_of_policy(json_t *warnings, const struct psc_daemon *daemon)
{
	const struct psc_objects *expired = &daemon->policy.set.expired;
	char message[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 120];
	char why[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 40];

	if (daemon->policy.restored) {
		snprintf(message, sizeof(message),
			 "the policy in force is the one before; the present one is refused: %s",
			 psc_error_format(&daemon->refused, why, sizeof(why)));
		warn(warnings, "policy_restored", message, "mend it, then proscribe reload");
	}
	if (daemon->policy.disarmed) {
		snprintf(message, sizeof(message),
			 "the policy that was restored refuses nothing, it only observes: %s",
			 psc_error_format(&daemon->disarmed, why, sizeof(why)));
		warn(warnings, "policy_disarmed", message,
		     "mend the present policy, then proscribe reload");
	}
	if (daemon->policy.held) {
		snprintf(message, sizeof(message),
			 "the policy is refused, and so is what was kept of the one before: the "
			 "guard goes on with what it has: %s",
			 psc_error_format(&daemon->refused, why, sizeof(why)));
		warn(warnings, "policy_held", message, "mend it, then proscribe reload");
	}
	if (daemon->active_error < 0)
		warn(warnings, "policy_not_kept", "the policy cannot be kept for the next start",
		     "make room in " PSC_DIR_STATE ", then proscribe reload");
	for (size_t i = 0; i < expired->count; i++) {
		snprintf(message, sizeof(message), "%s %s is over and has no effect",
			 psc_object_kind_to_string(expired->item[i]->kind), expired->item[i]->id);
		warn(warnings, "object_expired", message, "remove it, or sign a new one");
	}
}

/* A date that is no proof of the time: either it is wrong, or the clock. */
static void warn_of_dates(json_t *warnings, const struct psc_policy_set *set)
{
	const struct psc_clock_reading reading = psc_clock_read();
	char message[160];

	for (size_t i = 0; i < set->profile_count; i++) {
		const struct psc_profile *profile = set->profiles[i];

		if (psc_clock_believes(psc_profile_updated(profile), &reading))
			continue;
		snprintf(message, sizeof(message),
			 "profile %s is of %s, ahead of the host's clock: not taken for a time "
			 "that has been",
			 profile->id, profile->updated);
		warn(warnings, "profile_date", message,
		     "set the host's clock, or mend the profile's `updated`");
	}
}

static void warn_of_clock(json_t *warnings, const struct psc_daemon *daemon)
{
	warn_of_dates(warnings, &daemon->policy.set);
	if (daemon->clock.standing == PSC_CLOCK_ROLLBACK)
		warn(warnings, "clock_behind",
		     "the host's clock is behind the time that has been; the guard's goes on",
		     "set the clock; if the guard's time is wrong: proscribe clock accept");
	if (daemon->clock.standing == PSC_CLOCK_UNTRUSTED)
		warn(warnings, "clock_untrusted",
		     "the host's clock is more than a day ahead of what is known and not "
		     "synchronised: it is followed but not remembered",
		     "synchronise it (NTP), or if it is right: proscribe clock accept");
	if (daemon->clock_error < 0)
		warn(warnings, "clock_not_kept", "the trusted time cannot be kept over a reboot",
		     "make " PSC_DIR_STATE " writable");
}

static void warn_of_guard(json_t *warnings, enum psc_guard_state state)
{
	if (state == PSC_GUARD_UNPINNED)
		warn(warnings, "guard_unpinned",
		     "the guard's pins are gone, but the kernel still has it: it refuses until it is "
		     "dropped",
		     "wait, or see who holds it (bpftool link); restart proscribed to have it whole");
	if (state == PSC_GUARD_OFF)
		warn(warnings, "guard_off", "the guard is gone: nothing is refused",
		     "restart proscribed");
}

/* What somebody else did to guard or files. */
static void warn_of_tampering(json_t *warnings, const struct psc_daemon *daemon)
{
	_cleanup_free_ char *path = psc_policy_changed_input(daemon);
	_cleanup_json_ json_t *safe = psc_json_safe(path);
	_cleanup_free_ char *message = NULL;

	if (daemon->tamper.pins && psc_off_state(daemon) == PSC_GUARD_ON)
		warn(warnings, "guard_incomplete",
		     "some of the guard's pins are gone, and with them what they held",
		     "proscribe off, then start proscribed");
	if (daemon->tamper.table)
		warn(warnings, "guard_altered",
		     "the policy in the kernel is not the one that was put there",
		     "proscribe reload");
	if (!safe)
		return;
	if (asprintf(&message, "%s is not as it was when the policy was read",
		     json_string_value(safe)) < 0)
		message = NULL;
	else
		warn(warnings, "policy_outdated", message, "proscribe reload");
}

/*
 * Of the site's own lists. That those of a catalog lack their sizes is a fact of the catalog,
 * about which nobody here can do anything (proscribe catalog stats).
 */
static void warn_of_sizes(json_t *warnings, const struct psc_policy *policy)
{
	size_t unseen = psc_sizeless_count(policy->list, policy->site_files);
	char message[160];

	if (policy->image->table.flags & PSC_TABLE_HASH_ALL)
		warn(warnings, "digests_without_size",
		     "a digest without size is listed: every file that is executed or mapped is "
		     "digested once",
		     "give its size in the list (proscribe list show)");
	if (!unseen)
		return;
	snprintf(message, sizeof(message),
		 "%zu package or Windows digests of the site's lists are without size: the kernel "
		 "cannot look for them",
		 unseen);
	warn(warnings, "digests_need_userspace", message,
	     "give their sizes in the list (proscribe list show)");
}

static json_t *warnings_json(const struct psc_daemon *daemon, const struct psc_counters *counters)
{
	json_t *warnings = json_array();
	char message[160];

	warn_of_guard(warnings, psc_off_state(daemon));
	warn_of_tampering(warnings, daemon);
	warn_of_sizes(warnings, &daemon->policy);
	if (daemon->log_error < 0) {
		snprintf(message, sizeof(message), "the audit log cannot be written: %s",
			 strerror(-daemon->log_error));
		warn(warnings, "log_failing", message,
		     "make room or mend the file system; nothing needs restarting");
	}
	if (counters->dropped) {
		snprintf(message, sizeof(message), "%llu events had no room in the ring",
			 (unsigned long long)counters->dropped);
		warn(warnings, "events_dropped", message,
		     "their verdicts stood; see the ring_loss records");
	}
	if (daemon->policy.image->table.flags & PSC_TABLE_IMA_POLICY)
		warn(warnings, "ima_policy",
		     "an IMA policy measures files: files on overlays that are not found listed are "
		     "unverified",
		     "boot without ima_policy=, or accept the records (unverified: ima_policy)");
	warn_of_policy(warnings, daemon);
	warn_of_clock(warnings, daemon);
	if (!daemon->log_key)
		warn(warnings, "log_unsigned", "the audit log is chained but not signed",
		     "see the daemon's journal for the reason: the key is " PSC_PATH_KEYS
		     "/log.key");
	psc_resolver_warn(daemon, warnings);
	psc_sinks_warn(daemon, warnings);
	if (!daemon->policy.image->listed)
		warn(warnings, "nothing_listed", "nothing is listed",
		     "proscribe list add FILE, or list import");
	return warnings;
}

/* How far the log's chain is, and how far it is signed. */
static json_t *log_chain_json(const struct psc_daemon *daemon)
{
	char key[2 * PSC_DIGEST_SIZE + 1] = "";

	if (daemon->log_key)
		psc_hex_encode(psc_chain_key_fingerprint(daemon->log_key), PSC_DIGEST_SIZE, key);
	return json_pack("{s:I, s:I, s:s*}", "sequence", (json_int_t)daemon->chain_end.sequence,
			 "signed", (json_int_t)daemon->log_signed, "key", key[0] ? key : NULL);
}

int psc_status_json(struct psc_daemon *daemon, json_t **ret)
{
	const struct psc_control *control = &daemon->guard->shared->control;
	struct psc_counters counters = {};
	struct utsname kernel;
	json_t *status, *clock;
	int r = psc_guard_counters(daemon->guard, &counters);

	if (r < 0)
		return r;
	uname(&kernel);
	status = json_pack(
		"{s:s, s:i, s:s, s:I, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "version", PSC_VERSION,
		"pid", (int)getpid(), "mode", psc_mode_to_string(daemon->policy.config->mode),
		"generation", (json_int_t)control->generation, "guard",
		psc_guard_state_to_string(psc_off_state(daemon)), "since",
		boot_time_json(control->attached_ns), "kernel", kernel.release, "lists",
		lists_json(daemon), "actions", actions_json(daemon->policy.config), "counters",
		verdicts_json(&counters), "unverified", unverified_json(&counters));
	if (!status)
		return -ENOMEM;
	json_object_set_new(status, "events",
			    json_pack("{s:I, s:I, s:I}", "emitted", (json_int_t)counters.emitted,
				      "dropped", (json_int_t)counters.dropped, "written",
				      (json_int_t)daemon->log_written));
	json_object_set_new(status, "seen", psc_seen_json(daemon, &counters));
	json_object_set_new(status, "mode_from", psc_mode_from_json(daemon));
	json_object_set_new(status, "configuration",
			    psc_json_safe(daemon->options.config ?: PSC_PATH_CONFIG));
	json_object_set_new(status, "digested",
			    json_pack("{s:I, s:I}", "files", (json_int_t)counters.digested_files,
				      "bytes", (json_int_t)counters.digested_bytes));
	json_object_set_new(status, "cache_hits", json_integer(counters.cache_hits));
	json_object_set_new(status, "log",
			    daemon->log ? psc_json_safe(psc_auditlog_path(daemon->log))
					: json_null());
	json_object_set_new(status, "log_chain", log_chain_json(daemon));
	json_object_set_new(status, "sinks", psc_sinks_json(daemon));
	json_object_set_new(status, "policy", psc_status_policy(daemon));
	if (!psc_clock_json(daemon, &clock))
		json_object_set_new(status, "clock", clock);
	json_object_set_new(status, "resolver", psc_resolver_json(daemon));
	json_object_set_new(status, "features", features_json(daemon->guard->features));
	json_object_set_new(status, "hooks", hooks_json(daemon->guard));
	json_object_set_new(status, "canary", canary_json(&daemon->canary));
	json_object_set_new(status, "warnings", warnings_json(daemon, &counters));
	*ret = status;
	return 0;
}
