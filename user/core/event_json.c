/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_json.c - records of the kernel's events, see event_json.h.
 */
#include <errno.h>
#include <stdbool.h>

#include "user/core/auditlog.h"
#include "user/core/event_json.h"
#include "user/core/hex.h"
#include "user/core/image.h"
#include "user/core/json.h"
#include "user/core/json_text.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"
#include "user/core/who.h"

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

static uint64_t wall_of(const struct psc_event_context *context, uint64_t boot_ns)
{
	return boot_ns + (uint64_t)context->boot_to_wall_ns;
}

static void put_envelope(struct psc_json_text *t, const struct psc_event_context *context,
			 uint64_t boot_ns)
{
	psc_put_time(t, "@timestamp", wall_of(context, boot_ns));
	psc_put_open(t, "ecs", '{');
	psc_put_word(t, "version", PSC_ECS_VERSION);
	psc_put_close(t, '}');
	psc_put_open(t, "host", '{');
	psc_put_string(t, "hostname", context->hostname);
	if (context->boot_id) {
		psc_put_open(t, "boot", '{');
		psc_put_string(t, "id", context->boot_id);
		psc_put_close(t, '}');
	}
	psc_put_close(t, '}');
}

/* {"id": "N"} */
static void put_object_of_id(struct psc_json_text *t, const char *key, uint64_t value)
{
	psc_put_open(t, key, '{');
	psc_put_id(t, "id", value);
	psc_put_close(t, '}');
}

/* ---- a decision -------------------------------------------------------------- */

static void event_reason(const struct psc_event *e, char *buffer, size_t size)
{
	if (e->head.type == PSC_EVENT_WANTED)
		snprintf(buffer, size, "has a listed size");
	else if (e->head.type == PSC_EVENT_SEEN)
		snprintf(buffer, size, "allowed");
	else if (e->unverified != PSC_UNVERIFIED_NONE)
		snprintf(buffer, size, "unverified: %s", psc_unverified_to_string(e->unverified));
	else if (e->class == PSC_CLASS_CANARY || e->subject == PSC_SUBJECT_CANARY)
		snprintf(buffer, size, "canary");
	else
		snprintf(buffer, size, "%s",
			 e->subject == PSC_SUBJECT_NONE ? "not listed" : "listed");
}

static const char *type_of(const struct psc_event *e)
{
	if (e->head.type == PSC_EVENT_SEEN)
		return "seen";
	return e->head.type == PSC_EVENT_WANTED ? "wanted" : "decision";
}

static void put_event(struct psc_json_text *t, const struct psc_event *e, const char *reason)
{
	bool denied = e->verdict == PSC_VERDICT_DENY;

	psc_put_open(t, "event", '{');
	psc_put_word(t, "kind", "event");
	psc_put_open(t, "category", '[');
	psc_put_word(t, NULL, shapes[e->op].category);
	psc_put_close(t, ']');
	psc_put_open(t, "type", '[');
	psc_put_word(t, NULL, shapes[e->op].type);
	psc_put_word(t, NULL, denied ? "denied" : "allowed");
	psc_put_close(t, ']');
	psc_put_word(t, "action",
		     e->head.type == PSC_EVENT_SEEN ? "seen" : psc_op_to_string(e->op));
	psc_put_word(t, "outcome", denied ? "failure" : "success");
	psc_put_number(t, "sequence", e->head.sequence);
	psc_put_word(t, "reason", reason);
	psc_put_close(t, '}');
}

/* As the kernel keeps it: 20 bits of minor. */
static void put_device(struct psc_json_text *t, const char *key, uint32_t device)
{
	psc_put_begin(t, key);
	psc_put_add_number(t, device >> 20);
	psc_put_add_word(t, ":");
	psc_put_add_number(t, device & 0xfffff);
	psc_put_end(t);
}

static const char *path_of(const struct psc_event *e)
{
	return (const char *)e + offsetof(struct psc_event, path);
}

static void put_file(struct psc_json_text *t, const struct psc_event *e)
{
	const char *path = path_of(e);
	const char *slash = memrchr(path, '/', e->path_length);
	char digest[2 * PSC_DIGEST_SIZE + 1];

	psc_put_open(t, "file", '{');
	if (e->path_length > 0) {
		const char *name = slash ? slash + 1 : path;

		psc_put_bytes(t, "path", path, e->path_length);
		psc_put_bytes(t, "name", name, (size_t)(path + e->path_length - name));
	}
	psc_put_number(t, "size", e->size);
	/* A module out of memory has no file at all. */
	if (e->inode || e->device) {
		psc_put_id(t, "inode", e->inode);
		put_device(t, "device", e->device);
	}
	if (e->head.flags & PSC_EVENT_DIGEST_VALID) {
		psc_hex_encode(e->digest, PSC_DIGEST_SIZE, digest);
		psc_put_open(t, "hash", '{');
		psc_put_word(t, "sha256", digest);
		psc_put_close(t, '}');
	}
	psc_put_close(t, '}');
}

/* Leaves the object open. */
static void put_process(struct psc_json_text *t, const char *key, const struct psc_event_process *p,
			const struct psc_event_context *context)
{
	psc_put_open(t, key, '{');
	psc_put_number(t, "pid", p->tgid);
	psc_put_open(t, "thread", '{');
	psc_put_number(t, "id", p->tid);
	psc_put_close(t, '}');
	psc_put_bytes(t, "name", p->comm, strnlen(p->comm, sizeof(p->comm)));
	psc_put_time(t, "start", wall_of(context, p->start_ns));
	put_object_of_id(t, "user", p->uid);
	put_object_of_id(t, "group", p->gid);
}

static void put_processes(struct psc_json_text *t, const struct psc_event *e,
			  const struct psc_event_context *context)
{
	const struct psc_who *who = context->who;

	put_process(t, "process", &e->process, context);
	put_process(t, "parent", &e->parent, context);
	if (who)
		psc_who_put_process(t, &who->parent);
	psc_put_close(t, '}');
	if (who)
		psc_who_put_process(t, &who->process);
	psc_put_close(t, '}');
	put_object_of_id(t, "user", e->process.uid);
	put_object_of_id(t, "group", e->process.gid);
}

static void put_decision(struct psc_json_text *t, const struct psc_event *e)
{
	psc_put_word(t, "op", psc_op_to_string(e->op));
	psc_put_word(t, "action", psc_action_to_string(e->action));
	psc_put_word(t, "verdict", psc_verdict_to_string(e->verdict));
	psc_put_word(t, "mode", psc_mode_to_string(e->mode));
	psc_put_number(t, "generation", e->generation);
	psc_put_number(t, "interval", e->interval);
	psc_put_time(t, "decided_at", e->wall_ns);
	psc_put_number(t, "class", e->class);
	psc_put_number(t, "subject", e->subject);
	if (e->unverified != PSC_UNVERIFIED_NONE)
		psc_put_word(t, "unverified", psc_unverified_to_string(e->unverified));
	psc_put_word(t, "source", psc_source_to_string(e->source));
}

/* Nothing was decided; `attempts` is how many there were on this content up to this one. */
static void put_seen(struct psc_json_text *t, const struct psc_event *e)
{
	psc_put_word(t, "op", psc_op_to_string(e->op));
	psc_put_word(t, "mode", psc_mode_to_string(e->mode));
	psc_put_number(t, "generation", e->generation);
	psc_put_number(t, "attempts", e->head.attempts);
}

static void put_list_entry(struct psc_json_text *t, const struct psc_event_context *context)
{
	psc_put_string(t, "product", context->product);
	psc_put_string(t, "name", context->name);
	psc_put_string(t, "version", context->version);
	psc_put_string(t, "list_source", context->source);
	psc_put_string(t, "list", context->list);
	if (context->list && context->list_line)
		psc_put_number(t, "list_line", context->list_line);
}

static const char *unless_empty(const char *text)
{
	return text[0] ? text : NULL;
}

static void put_reason(struct psc_json_text *t, const struct psc_image_reason *reason)
{
	psc_put_open(t, NULL, '{');
	psc_put_string(t, "profile", reason->profile);
	psc_put_string(t, "clause", unless_empty(reason->clause));
	psc_put_string(t, "rule", unless_empty(reason->rule));
	psc_put_word(t, "basis", psc_basis_to_string(reason->basis));
	if (strcmp(reason->profile, "site") != 0)
		psc_put_word(t, "status", psc_status_to_string(reason->status));
	psc_put_word(t, "action", psc_action_to_string(reason->action));
	psc_put_string(t, "object", unless_empty(reason->object));
	psc_put_close(t, '}');
}

/* Everything that was said, and on its own what made the decision. */
static void put_ruling(struct psc_json_text *t, const struct psc_image_ruling *ruling)
{
	if (!ruling || !ruling->count)
		return;
	psc_put_open(t, "profiles", '[');
	for (size_t i = 0; i < ruling->count; i++)
		if (ruling->reason[i].action == ruling->reason[0].action)
			psc_put_string(t, NULL, ruling->reason[i].profile);
	psc_put_close(t, ']');
	psc_put_open(t, "clauses", '[');
	for (size_t i = 0; i < ruling->count; i++)
		if (ruling->reason[i].action == ruling->reason[0].action)
			psc_put_string(t, NULL, unless_empty(ruling->reason[i].clause));
	psc_put_close(t, ']');
	psc_put_word(t, "basis", psc_basis_to_string(ruling->reason[0].basis));
	psc_put_open(t, "reasons", '[');
	for (size_t i = 0; i < ruling->count; i++)
		put_reason(t, &ruling->reason[i]);
	psc_put_close(t, ']');
}

static void put_flags(struct psc_json_text *t, unsigned int flags)
{
	psc_put_open(t, "flags", '[');
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flags & flag_names[i].flag)
			psc_put_word(t, NULL, flag_names[i].name);
	psc_put_close(t, ']');
}

static void put_circumstances(struct psc_json_text *t, const struct psc_event *e)
{
	psc_put_number(t, "cpu", e->head.cpu);
	if (e->process.auid != UINT32_MAX)
		psc_put_number(t, "auid", e->process.auid);
	if (e->process.session != UINT32_MAX)
		psc_put_number(t, "session", e->process.session);
	psc_put_number(t, "cgroup_id", e->cgroup_id);
	psc_put_number(t, "mount_namespace", e->mount_namespace);
	psc_put_number(t, "pid_namespace", e->pid_namespace);
	psc_put_number(t, "filesystem_magic", e->filesystem_magic);
	psc_put_number(t, "inode_generation", e->inode_generation);
	if (e->real_inode) {
		psc_put_id(t, "real_inode", e->real_inode);
		put_device(t, "real_device", e->real_device);
	}
	psc_put_bool(t, "path_truncated", e->head.flags & PSC_EVENT_PATH_TRUNCATED);
	put_flags(t, e->head.flags);
	psc_put_number(t, "boot_ns", e->head.boot_ns);
}

/* What was learnt after the event. */
static void put_later(struct psc_json_text *t, const struct psc_event_context *context)
{
	if (context->who)
		psc_who_put_own(t, context->who);
	if (!context->repeats)
		return;
	psc_put_number(t, "repeats", context->repeats);
	psc_put_number(t, "first_boot_ns", context->first_boot_ns);
}

static void put_own(struct psc_json_text *t, const struct psc_event *e,
		    const struct psc_event_context *context)
{
	psc_put_open(t, "proscribe", '{');
	psc_put_number(t, "schema", PSC_RECORD_SCHEMA);
	psc_put_word(t, "type", type_of(e));
	if (e->head.type == PSC_EVENT_SEEN) {
		put_seen(t, e);
	} else {
		put_decision(t, e);
		psc_put_string(t, "role", context->role);
		put_ruling(t, context->ruling);
		psc_put_string(t, "place", context->place);
	}
	put_list_entry(t, context);
	psc_put_string(t, "layer", context->layer);
	put_circumstances(t, e);
	put_later(t, context);
	psc_put_close(t, '}');
}

static const char *verdict_phrase(const struct psc_event *e)
{
	if (e->head.type == PSC_EVENT_SEEN)
		return "seen ";
	switch (e->verdict) {
	case PSC_VERDICT_DENY:
		return "denied ";
	case PSC_VERDICT_WOULD_DENY:
		return "would deny ";
	case PSC_VERDICT_RECORD:
		return "recorded ";
	default:
		return "allowed ";
	}
}

/* " by COMM[PID] uid N" */
static void add_actor(struct psc_json_text *t, const struct psc_event_process *p)
{
	psc_put_add_word(t, " by ");
	psc_put_add_bytes(t, p->comm, strnlen(p->comm, sizeof(p->comm)));
	psc_put_add_word(t, "[");
	psc_put_add_number(t, p->tgid);
	psc_put_add_word(t, "] uid ");
	psc_put_add_number(t, p->uid);
}

/* One line for people. */
static void put_message(struct psc_json_text *t, const struct psc_event *e,
			const struct psc_event_context *context, const char *reason)
{
	psc_put_begin(t, "message");
	psc_put_add_word(t, verdict_phrase(e));
	psc_put_add_word(t, shapes[e->op].phrase);
	psc_put_add_word(t, " ");
	if (e->path_length)
		psc_put_add_bytes(t, path_of(e), e->path_length);
	else
		psc_put_add_word(t, "(no path)");
	add_actor(t, &e->process);
	psc_put_add_word(t, ": ");
	psc_put_add_word(t, reason);
	if (context->product && *context->product) {
		psc_put_add_word(t, " as ");
		psc_put_add_bytes(t, context->product, strlen(context->product));
	}
	psc_put_end(t);
}

static void put_attempt(struct psc_json_text *t, const struct psc_event *e,
			const struct psc_event_context *context)
{
	char reason[48];

	event_reason(e, reason, sizeof(reason));
	put_event(t, e, reason);
	put_file(t, e);
	put_processes(t, e, context);
	put_own(t, e, context);
	put_message(t, e, context, reason);
}

/* Somebody sets the clock. */
static void put_clock(struct psc_json_text *t, const struct psc_event *e,
		      const struct psc_event_context *context)
{
	char to[PSC_TIME_TEXT_MAX];

	psc_put_open(t, "event", '{');
	psc_put_word(t, "kind", "event");
	psc_put_open(t, "category", '[');
	psc_put_word(t, NULL, "host");
	psc_put_close(t, ']');
	psc_put_open(t, "type", '[');
	psc_put_word(t, NULL, "change");
	psc_put_close(t, ']');
	psc_put_word(t, "action", "clock_set");
	psc_put_number(t, "sequence", e->head.sequence);
	psc_put_close(t, '}');
	put_processes(t, e, context);
	psc_put_open(t, "proscribe", '{');
	psc_put_number(t, "schema", PSC_RECORD_SCHEMA);
	psc_put_word(t, "type", "clock_set");
	psc_put_time(t, "to", e->wall_ns);
	put_circumstances(t, e);
	put_later(t, context);
	psc_put_close(t, '}');
	psc_put_begin(t, "message");
	psc_put_add_word(t, "the clock is set to ");
	psc_put_add_word(t, psc_time_format(e->wall_ns, to));
	add_actor(t, &e->process);
	psc_put_end(t);
}

int psc_event_format(const struct psc_event *event, const struct psc_event_context *context,
		     char *buffer, size_t size, size_t *ret_length)
{
	struct psc_json_text t = {.text = buffer, .size = size};
	bool clock = event->head.type == PSC_EVENT_CLOCK;

	if (!clock && event->head.type != PSC_EVENT_DECISION &&
	    event->head.type != PSC_EVENT_WANTED && event->head.type != PSC_EVENT_SEEN)
		return -EINVAL;
	psc_put_open(&t, NULL, '{');
	put_envelope(&t, context, event->head.boot_ns);
	if (clock)
		put_clock(&t, event, context);
	else
		put_attempt(&t, event, context);
	if (context->who)
		psc_who_put_container(&t, &context->who->container);
	psc_put_close(&t, '}');
	if (t.full)
		return -EMSGSIZE;
	*ret_length = t.used;
	return 0;
}

int psc_event_to_json(const struct psc_event *event, const struct psc_event_context *context,
		      json_t **ret)
{
	_cleanup_free_ char *text = malloc(PSC_AUDITLOG_LINE_MAX);
	size_t length;
	int r;

	if (!text)
		return -ENOMEM;
	r = psc_event_format(event, context, text, PSC_AUDITLOG_LINE_MAX, &length);
	return r < 0 ? r : psc_json_parse(text, length, length, ret, NULL, NULL, 0);
}
