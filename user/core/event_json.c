/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_json.c - records of the audit log, see event_json.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>

#include "user/core/event_json.h"
#include "user/core/image.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"

/* How an operation reads in the Elastic Common Schema, and in a sentence. */
static const struct {
	const char *category;
	const char *type;
	const char *phrase;
} shapes[] = {
	[PSC_OP_EXEC] = {"process", "start", "execution of"},
	[PSC_OP_LOAD] = {"library", "start", "loading of"},
	[PSC_OP_MODULE] = {"driver", "start", "kernel module"},
	[PSC_OP_OPEN] = {"file", "access", "opening of"},
	[PSC_OP_WRITE] = {"file", "change", "writing of"},
	[PSC_OP_CONNECT] = {"network", "connection", "network access of"},
	[PSC_OP_SPAWN] = {"process", "start", "execution (written by a listed process) of"},
	[PSC_OP_INSTALL] = {"package", "installation", "installation of"},
};
_Static_assert(ARRAY_SIZE(shapes) == PSC_OP_MAX, "one shape per operation");

static const struct {
	unsigned int flag;
	const char *name;
} flag_names[] = {
	{PSC_EVENT_PATH_MISSING, "path_missing"},
	{PSC_EVENT_SCRIPT_INTERP, "script_interpreter"},
	{PSC_EVENT_EXECVE_CHECK, "execve_check"},
	{PSC_EVENT_MPROTECT, "mprotect"},
	{PSC_EVENT_CANARY, "canary"},
};

/* ---- building: the first failure sticks and is seen once, at the end ----------- */

struct builder {
	json_t *object;
	bool failed;
};

static struct builder builder_new(void)
{
	struct builder b = {.object = json_object()};

	b.failed = !b.object;
	return b;
}

/* Takes the reference @value. */
static void put(struct builder *b, const char *key, json_t *value)
{
	if (b->failed) {
		json_decref(value);
		return;
	}
	b->failed = json_object_set_new_nocheck(b->object, key, value) < 0;
}

static void put_plain(struct builder *b, const char *key, const char *text)
{
	if (text)
		put(b, key, json_string(text));
}

static void put_bytes(struct builder *b, const char *key, const char *data, size_t size)
{
	_cleanup_free_ char *text = NULL;

	if (psc_escape(data, size, &text) < 0)
		b->failed = true;
	else
		put(b, key, json_string(text));
}

static void put_text(struct builder *b, const char *key, const char *text)
{
	if (text)
		put_bytes(b, key, text, strlen(text));
}

/* JSON integers are signed here; nothing that the kernel counts comes near the limit. */
static void put_number(struct builder *b, const char *key, uint64_t value)
{
	put(b, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

/* Identifiers are strings in the Elastic Common Schema. */
static void put_id(struct builder *b, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put(b, key, json_string(text));
}

static void put_time(struct builder *b, const char *key, uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	put(b, key, json_string(psc_time_format(ns, text)));
}

static json_t *finish(struct builder *b)
{
	if (b->failed) {
		json_decref(b->object);
		return NULL;
	}
	return b->object;
}

static json_t *object_of_id(const char *key, uint64_t value)
{
	struct builder b = builder_new();

	put_id(&b, key, value);
	return finish(&b);
}

static json_t *object_of_text(const char *key, const char *text)
{
	struct builder b = builder_new();

	put_text(&b, key, text);
	return finish(&b);
}

static json_t *strings(const char *first, const char *second)
{
	json_t *array = json_array();

	if (array && (json_array_append_new(array, json_string(first)) < 0 ||
		      (second && json_array_append_new(array, json_string(second)) < 0))) {
		json_decref(array);
		return NULL;
	}
	return array;
}

/* ---- the envelope ------------------------------------------------------------ */

static uint64_t wall_of(const struct psc_event_context *context, uint64_t boot_ns)
{
	return boot_ns + (uint64_t)context->boot_to_wall_ns;
}

static void put_envelope(struct builder *b, const struct psc_event_context *context,
			 uint64_t boot_ns)
{
	struct builder host = builder_new();

	put_time(b, "@timestamp", wall_of(context, boot_ns));
	put(b, "ecs", object_of_text("version", PSC_ECS_VERSION));
	put_text(&host, "hostname", context->hostname);
	if (context->boot_id)
		put(&host, "boot", object_of_text("id", context->boot_id));
	put(b, "host", finish(&host));
}

/* ---- a decision -------------------------------------------------------------- */

static const char *allowed_or_denied(const struct psc_event *e)
{
	return e->verdict == PSC_VERDICT_DENY ? "denied" : "allowed";
}

static void event_reason(const struct psc_event *e, char *buffer, size_t size)
{
	if (e->head.type == PSC_EVENT_WANTED)
		snprintf(buffer, size, "has a listed size");
	else if (e->unverified != PSC_UNVERIFIED_NONE)
		snprintf(buffer, size, "unverified: %s", psc_unverified_to_string(e->unverified));
	else if (e->class == PSC_CLASS_CANARY || e->subject == PSC_SUBJECT_CANARY)
		snprintf(buffer, size, "canary");
	else
		snprintf(buffer, size, "%s",
			 e->subject == PSC_SUBJECT_NONE ? "not listed" : "listed");
}

static json_t *event_part(const struct psc_event *e)
{
	struct builder b = builder_new();
	char reason[48];

	event_reason(e, reason, sizeof(reason));
	put_plain(&b, "kind", "event");
	put(&b, "category", strings(shapes[e->op].category, NULL));
	put(&b, "type", strings(shapes[e->op].type, allowed_or_denied(e)));
	put_plain(&b, "action", psc_op_to_string(e->op));
	put_plain(&b, "outcome", e->verdict == PSC_VERDICT_DENY ? "failure" : "success");
	put_number(&b, "sequence", e->head.sequence);
	put_plain(&b, "reason", reason);
	return finish(&b);
}

static json_t *digest_part(const struct psc_event *e)
{
	char text[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(e->digest, PSC_DIGEST_SIZE, text);
	return object_of_text("sha256", text);
}

/* As the kernel keeps it: 20 bits of minor. */
static void put_device(struct builder *b, const char *key, uint32_t device)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", device >> 20, device & 0xfffff);
	put_plain(b, key, text);
}

static json_t *file_part(const struct psc_event *e)
{
	const char *path = (const char *)e + offsetof(struct psc_event, path);
	const char *slash = memrchr(path, '/', e->path_length);
	struct builder b = builder_new();

	if (e->path_length > 0) {
		const char *name = slash ? slash + 1 : path;

		put_bytes(&b, "path", path, e->path_length);
		put_bytes(&b, "name", name, (size_t)(path + e->path_length - name));
	}
	put_number(&b, "size", e->size);
	/* A module out of memory has no file at all. */
	if (e->inode || e->device) {
		put_id(&b, "inode", e->inode);
		put_device(&b, "device", e->device);
	}
	if (e->head.flags & PSC_EVENT_DIGEST_VALID)
		put(&b, "hash", digest_part(e));
	return finish(&b);
}

static json_t *process_part(const struct psc_event_process *p,
			    const struct psc_event_context *context, json_t *parent)
{
	struct builder b = builder_new();

	put_number(&b, "pid", p->tgid);
	put(&b, "thread", json_pack("{s:I}", "id", (json_int_t)p->tid));
	put_bytes(&b, "name", p->comm, strnlen(p->comm, sizeof(p->comm)));
	put_time(&b, "start", wall_of(context, p->start_ns));
	put(&b, "user", object_of_id("id", p->uid));
	put(&b, "group", object_of_id("id", p->gid));
	if (parent)
		put(&b, "parent", parent);
	return finish(&b);
}

static json_t *flags_part(const struct psc_event *e)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < ARRAY_SIZE(flag_names); i++) {
		if (!(e->head.flags & flag_names[i].flag))
			continue;
		if (json_array_append_new(array, json_string(flag_names[i].name)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static void put_decision(struct builder *b, const struct psc_event *e)
{
	put_plain(b, "op", psc_op_to_string(e->op));
	put_plain(b, "action", psc_action_to_string(e->action));
	put_plain(b, "verdict", psc_verdict_to_string(e->verdict));
	put_plain(b, "mode", psc_mode_to_string(e->mode));
	put_number(b, "generation", e->generation);
	put_number(b, "interval", e->interval);
	put_time(b, "decided_at", e->wall_ns);
	put_number(b, "class", e->class);
	put_number(b, "subject", e->subject);
	if (e->unverified != PSC_UNVERIFIED_NONE)
		put_plain(b, "unverified", psc_unverified_to_string(e->unverified));
	put_plain(b, "source", psc_source_to_string(e->source));
}

static void put_list_entry(struct builder *b, const struct psc_event_context *context)
{
	put_text(b, "product", context->product);
	put_text(b, "name", context->name);
	put_text(b, "version", context->version);
	put_text(b, "list_source", context->source);
	put_text(b, "list", context->list);
	if (context->list && context->list_line)
		put_number(b, "list_line", context->list_line);
}

static json_t *reason_json(const struct psc_image_reason *reason)
{
	struct builder b = builder_new();

	put_plain(&b, "profile", reason->profile);
	if (reason->clause[0])
		put_plain(&b, "clause", reason->clause);
	if (reason->rule[0])
		put_plain(&b, "rule", reason->rule);
	put_plain(&b, "basis", psc_basis_to_string(reason->basis));
	if (strcmp(reason->profile, "site") != 0)
		put_plain(&b, "status", psc_status_to_string(reason->status));
	put_plain(&b, "action", psc_action_to_string(reason->action));
	if (reason->object[0])
		put_plain(&b, "object", reason->object);
	return finish(&b);
}

/* Everything that was said, and on its own what made the decision. */
static void put_ruling(struct builder *b, const struct psc_image_ruling *ruling)
{
	_cleanup_json_ json_t *reasons = json_array();
	_cleanup_json_ json_t *profiles = json_array();
	_cleanup_json_ json_t *clauses = json_array();

	if (!ruling || !ruling->count)
		return;
	for (size_t i = 0; i < ruling->count; i++) {
		const struct psc_image_reason *reason = &ruling->reason[i];

		b->failed |= json_array_append_new(reasons, reason_json(reason)) < 0;
		if (reason->action != ruling->reason[0].action)
			continue;
		b->failed |= json_array_append_new(profiles, json_string(reason->profile)) < 0;
		if (reason->clause[0])
			b->failed |=
				json_array_append_new(clauses, json_string(reason->clause)) < 0;
	}
	put(b, "profiles", json_incref(profiles));
	put(b, "clauses", json_incref(clauses));
	put_plain(b, "basis", psc_basis_to_string(ruling->reason[0].basis));
	put(b, "reasons", json_incref(reasons));
}

static void put_circumstances(struct builder *b, const struct psc_event *e)
{
	put_number(b, "cpu", e->head.cpu);
	if (e->process.auid != UINT32_MAX)
		put_number(b, "auid", e->process.auid);
	if (e->process.session != UINT32_MAX)
		put_number(b, "session", e->process.session);
	put_number(b, "cgroup_id", e->cgroup_id);
	put_number(b, "mount_namespace", e->mount_namespace);
	put_number(b, "pid_namespace", e->pid_namespace);
	put_number(b, "filesystem_magic", e->filesystem_magic);
	put_number(b, "inode_generation", e->inode_generation);
	if (e->real_inode) {
		put_id(b, "real_inode", e->real_inode);
		put_device(b, "real_device", e->real_device);
	}
	put(b, "path_truncated", json_boolean(e->head.flags & PSC_EVENT_PATH_TRUNCATED));
	put(b, "flags", flags_part(e));
	put_number(b, "boot_ns", e->head.boot_ns);
}

static json_t *proscribe_part(const struct psc_event *e, const struct psc_event_context *context)
{
	struct builder b = builder_new();

	put_number(&b, "schema", PSC_RECORD_SCHEMA);
	put_plain(&b, "type", e->head.type == PSC_EVENT_WANTED ? "wanted" : "decision");
	put_decision(&b, e);
	put_list_entry(&b, context);
	put_text(&b, "role", context->role);
	put_ruling(&b, context->ruling);
	put_text(&b, "place", context->place);
	put_text(&b, "layer", context->layer);
	put_circumstances(&b, e);
	return finish(&b);
}

static const char *verdict_phrase(const struct psc_event *e)
{
	switch (e->verdict) {
	case PSC_VERDICT_DENY:
		return "denied";
	case PSC_VERDICT_WOULD_DENY:
		return "would deny";
	case PSC_VERDICT_RECORD:
		return "recorded";
	default:
		return "allowed";
	}
}

/* One line for people; every untrusted part is escaped on its own. */
static int event_message(const struct psc_event *e, const struct psc_event_context *context,
			 json_t *record)
{
	const char *path = (const char *)e + offsetof(struct psc_event, path);
	_cleanup_free_ char *file = NULL, *comm = NULL, *product = NULL;
	char reason[48];

	if (psc_escape(path, e->path_length, &file) < 0 ||
	    psc_escape(e->process.comm, strnlen(e->process.comm, PSC_COMM_SIZE), &comm) < 0)
		return -ENOMEM;
	product = psc_escape_string(context->product);
	if (context->product && !product)
		return -ENOMEM;
	event_reason(e, reason, sizeof(reason));
	return psc_record_message(record, "%s %s %s by %s[%u] uid %u: %s%s%s", verdict_phrase(e),
				  shapes[e->op].phrase, *file ? file : "(no path)", comm,
				  e->process.tgid, e->process.uid, reason,
				  product && *product ? " as " : "", product ? product : "");
}

static void put_who(struct builder *b, const struct psc_event *e,
		    const struct psc_event_context *context)
{
	json_t *parent = process_part(&e->parent, context, NULL);

	b->failed = b->failed || !parent;
	put(b, "process", process_part(&e->process, context, parent));
	put(b, "user", object_of_id("id", e->process.uid));
	put(b, "group", object_of_id("id", e->process.gid));
}

/* Somebody sets the clock. */
static int clock_to_json(const struct psc_event *e, const struct psc_event_context *context,
			 json_t **ret)
{
	_cleanup_free_ char *comm = NULL;
	_cleanup_json_ json_t *record = NULL;
	struct builder b = builder_new(), event = builder_new(), own = builder_new();
	char to[PSC_TIME_TEXT_MAX];

	if (psc_escape(e->process.comm, strnlen(e->process.comm, PSC_COMM_SIZE), &comm) < 0)
		return -ENOMEM;
	put_envelope(&b, context, e->head.boot_ns);
	put_plain(&event, "kind", "event");
	put(&event, "category", strings("host", NULL));
	put(&event, "type", strings("change", NULL));
	put_plain(&event, "action", "clock_set");
	put_number(&event, "sequence", e->head.sequence);
	put(&b, "event", finish(&event));
	put_who(&b, e, context);
	put_number(&own, "schema", PSC_RECORD_SCHEMA);
	put_plain(&own, "type", "clock_set");
	put_time(&own, "to", e->wall_ns);
	put_circumstances(&own, e);
	put(&b, "proscribe", finish(&own));
	record = finish(&b);
	if (!record || psc_record_message(record, "the clock is set to %s by %s[%u] uid %u",
					  psc_time_format(e->wall_ns, to), comm, e->process.tgid,
					  e->process.uid) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(record);
	return 0;
}

int psc_event_to_json(const struct psc_event *event, const struct psc_event_context *context,
		      json_t **ret)
{
	_cleanup_json_ json_t *record = NULL;
	struct builder b;

	if (event->head.type == PSC_EVENT_CLOCK)
		return clock_to_json(event, context, ret);
	if (event->head.type != PSC_EVENT_DECISION && event->head.type != PSC_EVENT_WANTED)
		return -EINVAL;
	b = builder_new();
	put_envelope(&b, context, event->head.boot_ns);
	put(&b, "event", event_part(event));
	put(&b, "file", file_part(event));
	put_who(&b, event, context);
	put(&b, "proscribe", proscribe_part(event, context));
	record = finish(&b);
	if (!record || event_message(event, context, record) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(record);
	return 0;
}

/* ---- the daemon's own records --------------------------------------------------- */

int psc_record_new(const char *type, const struct psc_event_context *context, json_t **ret)
{
	uint64_t boot_ns = psc_time_boot();
	struct builder b = builder_new();
	struct builder event = builder_new();
	struct builder own = builder_new();
	json_t *record;

	put_envelope(&b, context, boot_ns);
	put_plain(&event, "kind", "event");
	put(&event, "category", strings("configuration", NULL));
	put(&event, "type", strings("info", NULL));
	put_text(&event, "action", type);
	put_plain(&event, "outcome", "success");
	put(&b, "event", finish(&event));
	put_number(&own, "schema", PSC_RECORD_SCHEMA);
	put_text(&own, "type", type);
	put_number(&own, "boot_ns", boot_ns);
	put(&b, "proscribe", finish(&own));
	record = finish(&b);
	if (!record)
		return -ENOMEM;
	*ret = record;
	return 0;
}

int psc_record_message(json_t *record, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *safe = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	/* What was escaped on its own must not be escaped twice. */
	n = (int)psc_escape_to(NULL, 0, text, (size_t)n, PSC_ESCAPE_KEEP_BACKSLASH);
	safe = malloc((size_t)n + 1);
	if (!safe)
		return -ENOMEM;
	psc_escape_to(safe, (size_t)n + 1, text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH);
	return json_object_set_new(record, "message", json_string(safe)) < 0 ? -ENOMEM : 0;
}

int psc_record_failed(json_t *record)
{
	json_t *event = json_object_get(record, "event");

	return json_object_set_new(event, "outcome", json_string("failure")) < 0 ? -ENOMEM : 0;
}

int psc_record_happened(json_t *record, uint64_t at)
{
	char text[PSC_TIME_TEXT_MAX];

	if (json_object_set(json_object_get(record, "event"), "created",
			    json_object_get(record, "@timestamp")) < 0 ||
	    json_object_set_new(record, "@timestamp", json_string(psc_time_format(at, text))) < 0)
		return -ENOMEM;
	return 0;
}

int psc_record_set(json_t *record, const char *key, json_t *value)
{
	json_t *own = json_object_get(record, "proscribe");

	return json_object_set_new(own, key, value) < 0 ? -ENOMEM : 0;
}

int psc_record_set_string(json_t *record, const char *key, const char *value)
{
	_cleanup_free_ char *text = psc_escape_string(value);

	if (!value)
		return 0;
	return psc_record_set(record, key, text ? json_string(text) : NULL);
}
