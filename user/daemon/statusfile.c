/* SPDX-License-Identifier: Apache-2.0 */
/* statusfile.c - writes the status and the metrics when they have changed; see sinks.h. */
#include "user/core/util.h"

#include <errno.h>

#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define STATUS_MODE  0640
#define METRICS_MODE 0644 /* whoever collects them is another user */

/* Said once, not with every tick. */
static void note(struct psc_sink *sink, const char *path, int r)
{
	if (r < 0 && r != sink->error)
		psc_say("%s cannot be written: %s", path, strerror(-r));
	if (r >= 0 && sink->error < 0)
		psc_say("%s can be written again", path);
	sink->error = r < 0 ? r : 0;
	if (r < 0)
		sink->lost++;
	else
		sink->written++;
}

/* What changes with every look at it is no change. The caller frees; NULL: no memory. */
static char *lasting_text(const json_t *status)
{
	_cleanup_json_ json_t *copy = json_copy((json_t *)status);
	_cleanup_json_ json_t *clock = json_copy(json_object_get(status, "clock"));

	if (!copy)
		return NULL;
	json_object_del(clock, "guard_time");
	json_object_del(clock, "wall");
	json_object_del(clock, "trusted");
	if (clock)
		json_object_set(copy, "clock", clock);
	json_object_del(copy, "sinks");
	return json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
}

static int write_status(const json_t *status)
{
	_cleanup_json_ json_t *envelope = NULL;
	_cleanup_free_ char *text = NULL;
	char now[PSC_TIME_TEXT_MAX];

	envelope = json_pack("{s:i, s:s, s:s, s:O}", "schema", 1, "verb", "status", "written",
			     psc_time_format_seconds(psc_time_now(), now), "data", status);
	text = envelope ? json_dumps(envelope, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	return psc_sink_file_write(PSC_PATH_STATUS_JSON, STATUS_MODE, text, strlen(text));
}

static int write_metrics(const char *path, const json_t *status)
{
	_cleanup_free_ char *text = NULL;
	int r = psc_metrics_format(status, &text);

	return r < 0 ? r : psc_sink_file_write(path, METRICS_MODE, text, strlen(text));
}

void psc_sinks_record(struct psc_daemon *daemon, const json_t *record, uint64_t sequence)
{
	struct psc_sinks *sinks = &daemon->sinks;
	int before = sinks->journald.error, r;

	if (!daemon->policy.config->journald)
		return;
	r = psc_sink_journald_send(&sinks->journald, &sinks->journald_fd, PSC_PATH_JOURNAL, record,
				   sequence);
	if (r < 0 && r != before)
		psc_say("the journal does not take records: %s", strerror(-r));
}

void psc_sinks_event(struct psc_daemon *daemon, const char *text, size_t size, uint64_t sequence)
{
	_cleanup_json_ json_t *record = NULL;

	if (daemon->policy.config->journald &&
	    !psc_json_parse(text, size, size, &record, NULL, NULL, 0))
		psc_sinks_record(daemon, record, sequence);
}

void psc_sinks_tick(struct psc_daemon *daemon)
{
	const char *metrics = daemon->policy.config->metrics;
	struct psc_sinks *sinks = &daemon->sinks;
	_cleanup_json_ json_t *status = NULL;
	_cleanup_free_ char *text = NULL;
	bool changed;

	if (psc_status_json(daemon, &status) < 0 || !(text = lasting_text(status)))
		return;
	changed = !sinks->status_text || strcmp(text, sinks->status_text) != 0;
	if (changed || sinks->status.error < 0)
		note(&sinks->status, PSC_PATH_STATUS_JSON, write_status(status));
	/* every time: the collector tells by the file's age that the daemon lives */
	if (metrics)
		note(&sinks->metrics, metrics, write_metrics(metrics, status));
	free(sinks->status_text);
	sinks->status_text = TAKE_PTR(text);
}

void psc_sinks_close(struct psc_daemon *daemon)
{
	unlink(PSC_PATH_STATUS_JSON);
	psc_closep(&daemon->sinks.journald_fd);
	daemon->sinks.journald_fd = -1;
	free(daemon->sinks.status_text);
	daemon->sinks.status_text = NULL;
}

static json_t *sink_json(const char *name, const struct psc_sink *sink)
{
	json_t *json = json_pack("{s:s, s:I, s:I}", "name", name, "written",
				 (json_int_t)sink->written, "lost", (json_int_t)sink->lost);

	if (json && sink->error < 0)
		json_object_set_new(json, "error", json_string(strerror(-sink->error)));
	return json;
}

json_t *psc_sinks_json(const struct psc_daemon *daemon)
{
	json_t *array = json_array();

	json_array_append_new(array, sink_json("status", &daemon->sinks.status));
	if (daemon->policy.config->metrics)
		json_array_append_new(array, sink_json("metrics", &daemon->sinks.metrics));
	if (daemon->policy.config->journald)
		json_array_append_new(array, sink_json("journald", &daemon->sinks.journald));
	return array;
}

static void warn(json_t *warnings, const char *path, const struct psc_sink *sink,
		 const char *remedy)
{
	_cleanup_json_ json_t *safe = psc_json_safe(path);
	char message[512];

	if (sink->error >= 0)
		return;
	snprintf(message, sizeof(message), "%s cannot be written: %s; %llu times so far",
		 json_string_value(safe) ?: "?", strerror(-sink->error),
		 (unsigned long long)sink->lost);
	json_array_append_new(warnings, json_pack("{s:s, s:s, s:s}", "id", "sink_failing",
						  "message", message, "remedy", remedy));
}

void psc_sinks_warn(const struct psc_daemon *daemon, json_t *warnings)
{
	const struct psc_sinks *sinks = &daemon->sinks;

	warn(warnings, PSC_PATH_STATUS_JSON, &sinks->status, "make room in " PSC_DIR_RUN);
	if (daemon->policy.config->journald)
		warn(warnings, PSC_PATH_JOURNAL, &sinks->journald,
		     "see whether systemd-journald runs and keeps up; the audit log has the records");
	if (daemon->policy.config->metrics)
		warn(warnings, daemon->policy.config->metrics, &sinks->metrics,
		     "make its directory writable for root without capabilities (chgrp root, chmod "
		     "g+w), and name it in the service's ReadWritePaths=");
}
