/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_status.c - the resolver in the status; see resolver.h. */
#include "user/core/util.h"

#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define OVERFLOW_TOLD_NS (24 * 3600 * PSC_NSEC_PER_SEC) /* for as long it is warned of */

static json_t *product_json(const struct psc_found_product *product)
{
	json_t *rules = json_array(), *object;
	char at[PSC_TIME_TEXT_MAX];

	for (size_t i = 0; i < product->rule_count; i++)
		json_array_append_new(rules, psc_json_safe(product->rules[i]));
	object = json_pack("{s:o, s:I, s:o}", "product", psc_json_safe(product->product), "files",
			   (json_int_t)product->files, "indicators", rules);
	if (product->first_ns)
		json_object_set_new(object, "first_seen",
				    json_string(psc_time_format_seconds(product->first_ns, at)));
	return object;
}

static json_t *products_json(const struct psc_daemon *daemon)
{
	_cleanup_(psc_found_summary_clear) struct psc_found_summary summary = {};
	json_t *products = json_array();

	if (psc_found_summarize(daemon->policy.list, PSC_PATH_FOUND, &summary) < 0)
		return products;
	for (size_t i = 0; i < summary.count; i++)
		json_array_append_new(products, product_json(&summary.product[i]));
	return products;
}

static json_t *run_json(const struct psc_resolver *resolver)
{
	json_t *outcomes, *run;
	char at[PSC_TIME_TEXT_MAX];

	if (!resolver->run_wall_ns)
		return json_null();
	outcomes = json_object();
	for (unsigned int i = 0; i < PSC_FOUND_OUTCOME_MAX; i++)
		if (resolver->outcomes[i])
			json_object_set_new(outcomes, psc_found_outcome_to_string(i),
					    json_integer(resolver->outcomes[i]));
	run = json_pack("{s:s, s:I, s:I, s:I, s:b, s:o}", "at",
			psc_time_format_seconds(resolver->run_wall_ns, at), "took_ms",
			(json_int_t)(resolver->run_took_ns / 1000000), "examined",
			(json_int_t)resolver->run_examined, "recognised",
			(json_int_t)resolver->run_recognised, "truncated", resolver->run_truncated,
			"outcomes", outcomes);
	return run;
}

static json_t *watch_json(const struct psc_resolver *resolver)
{
	const struct psc_resolver_watch *w = &resolver->watch;

	return json_pack("{s:b, s:b, s:I, s:I, s:I}", "new_files", w->files_fd >= 0, "moved_files",
			 w->moves_fd >= 0, "file_systems", (json_int_t)w->file_systems, "seen",
			 (json_int_t)w->seen, "overflows", (json_int_t)w->overflows);
}

/* 0 while it gets on. */
static json_int_t stuck_seconds(struct psc_resolver *resolver)
{
	uint64_t busy = psc_resolver_busy(&resolver->queue, psc_time_boot());

	return busy > PSC_RESOLVER_STUCK_NS ? (json_int_t)(busy / PSC_NSEC_PER_SEC) : 0;
}

json_t *psc_resolver_json(const struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	json_t *status;

	if (!resolver || !daemon->policy.config->resolver.enabled)
		return json_pack("{s:b, s:o}", "enabled", 0, "products", products_json(daemon));
	status = json_pack("{s:b, s:s, s:o, s:o, s:b, s:I, s:I, s:o}", "enabled", 1, "confidence",
			   psc_confidence_to_string(daemon->policy.config->resolver.confidence),
			   "products", products_json(daemon), "run", run_json(resolver), "running",
			   resolver->running, "runs", (json_int_t)resolver->runs, "queue",
			   (json_int_t)psc_resolver_waiting(&resolver->queue), "watch",
			   watch_json(resolver));
	if (!status)
		return NULL;
	json_object_set_new(status, "indicators",
			    json_integer(resolver->know
						 ? psc_indicators_count(resolver->know->indicators)
						 : 0));
	json_object_set_new(status, "stuck_seconds", json_integer(stuck_seconds(resolver)));
	json_object_set_new(status, "activations", json_integer(resolver->activations));
	json_object_set_new(status, "unverified", json_integer(resolver->unverified));
	json_object_set_new(status, "late",
			    json_pack("{s:I, s:I}", "seen", (json_int_t)resolver->late, "ended",
				      (json_int_t)resolver->stopped));
	json_object_set_new(status, "latency",
			    json_pack("{s:I, s:f, s:f}", "files",
				      (json_int_t)resolver->latency.count, "p50_ms",
				      psc_latency_quantile(&resolver->latency, 50) / 1e6, "p99_ms",
				      psc_latency_quantile(&resolver->latency, 99) / 1e6));
	return status;
}

static void warn(json_t *warnings, const char *message, const char *remedy)
{
	json_array_append_new(warnings, json_pack("{s:o, s:s}", "message", psc_json_safe(message),
						  "remedy", remedy));
}

void psc_resolver_warn(const struct psc_daemon *daemon, json_t *warnings)
{
	struct psc_resolver *resolver = daemon->resolver;
	char message[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 120];
	char why[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 40];

	if (!resolver || !daemon->policy.config->resolver.enabled)
		return;
	if (resolver->refused.message[0]) {
		snprintf(message, sizeof(message), "the catalog's indicators are refused: %s",
			 psc_error_format(&resolver->refused, why, sizeof(why)));
		warn(warnings, message, "mend the catalog, then proscribe reload");
	}
	if (resolver->failed.message[0]) {
		snprintf(message, sizeof(message), "what was found is not in force: %s",
			 psc_error_format(&resolver->failed, why, sizeof(why)));
		warn(warnings, message, "see the found_refused records; then proscribe reload");
	}
	if (resolver->watch.files_error < 0) {
		snprintf(message, sizeof(message),
			 "new files are not looked at: fanotify cannot be used: %s",
			 strerror(-resolver->watch.files_error));
		warn(warnings, message,
		     "a kernel with CONFIG_FANOTIFY, and CAP_SYS_ADMIN for the daemon");
	}
	if (stuck_seconds(resolver)) {
		snprintf(
			message, sizeof(message),
			"the resolver has been at one file for %lld s: new files and listed places "
			"are not looked at",
			(long long)stuck_seconds(resolver));
		warn(warnings, message,
		     "find the disk or server that does not answer: cat /proc/PID/task/*/stack of "
		     "proscribed; what is listed is refused all the same");
	}
	if (resolver->watch.overflows &&
	    psc_time_boot() < resolver->watch.overflow_ns + OVERFLOW_TOLD_NS)
		warn(warnings,
		     "more files were written at once than could be looked at: outside of listed "
		     "places some were not",
		     "proscribe scan --host finds what was missed");
	if (resolver->full_said)
		warn(warnings, PSC_PATH_FOUND " is full: what is found from now on is not guarded",
		     "take out what is no more: proscribe list remove --from found DIGEST");
	if (resolver->run_truncated)
		warn(warnings, "there are more files in listed places than are looked at",
		     "list their digests: proscribe list import");
}
