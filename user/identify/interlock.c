/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interlock.c - see interlock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"
#include "user/identify/interlock.h"
#include "user/identify/sysroot.h"
#include "bpf/decide.h"

#define BIT(n) (1U << (n))

/* What a file that a host needs is used for. */
static const enum psc_op ops[] = {PSC_OP_EXEC, PSC_OP_LOAD, PSC_OP_OPEN};

/* The reasons that lie in the file or its file system, not in what happens to it meanwhile. */
#define LASTING_DOUBTS                                                                             \
	(BIT(PSC_UNVERIFIED_TOO_LARGE) | BIT(PSC_UNVERIFIED_FILESYSTEM) |                          \
	 BIT(PSC_UNVERIFIED_OVERLAY) | BIT(PSC_UNVERIFIED_IMA_POLICY) |                            \
	 BIT(PSC_UNVERIFIED_UNCACHED))

/* Those of a file system as a whole. */
#define DOUBTS_OF_GROUND                                                                           \
	(BIT(PSC_UNVERIFIED_FILESYSTEM) | BIT(PSC_UNVERIFIED_OVERLAY) |                            \
	 BIT(PSC_UNVERIFIED_IMA_POLICY))

bool psc_interlock_concerns(const struct psc_image *image)
{
	const struct psc_table *table = &image->table;

	for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
		for (uint32_t reason = 1; reason < PSC_UNVERIFIED_MAX; reason++) {
			if (LASTING_DOUBTS & BIT(reason) &&
			    table->unverified[ops[k]][reason] == PSC_ACTION_DENY)
				return true;
		}
		for (uint32_t i = 0; i < table->interval_count && image->listed; i++) {
			for (uint32_t class = PSC_CLASS_FIRST; class < table->class_count;
			     class ++) {
				if (table->action[i][class][ops[k]] == PSC_ACTION_DENY)
					return true;
			}
		}
	}
	return false;
}

/* As identify.bpf.c and guard.bpf.h. */
uint32_t psc_interlock_doubts(const struct psc_image *image, uint64_t size,
			      const struct psc_essential_ground *ground, enum psc_op op,
			      bool *ret_digested)
{
	const struct psc_table *table = &image->table;
	bool opened = op == PSC_OP_OPEN, overlay = ground->magic == OVERLAYFS_SUPER_MAGIC;
	bool listed = psc_image_filter(image, opened ? PSC_FILTER_OPEN : PSC_FILTER_EXEC, size) ||
		      (!opened && table->flags & PSC_TABLE_HASH_ALL);
	uint32_t doubts = 0;

	*ret_digested = listed && size <= table->hash_limit;
	if (overlay && (listed || !opened))
		doubts |= BIT(PSC_UNVERIFIED_OVERLAY) | BIT(PSC_UNVERIFIED_FILESYSTEM);
	if (!listed)
		return doubts;
	if (overlay && table->flags & PSC_TABLE_IMA_POLICY)
		doubts |= BIT(PSC_UNVERIFIED_IMA_POLICY);
	if (psc_is_unstable(table, ground->magic) ||
	    (ground->on_loop && table->flags & PSC_TABLE_LOOP_UNSTABLE))
		doubts |= BIT(PSC_UNVERIFIED_FILESYSTEM);
	/* kernels that cannot digest at an open look no further than their cache */
	if (opened)
		doubts |= BIT(PSC_UNVERIFIED_UNCACHED);
	else if (!*ret_digested)
		doubts = 0;
	return *ret_digested ? doubts : doubts | BIT(PSC_UNVERIFIED_TOO_LARGE);
}

/* ---- objections ------------------------------------------------------------------------ */

void psc_interlock_report_clear(struct psc_interlock_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->item[i].path);
		free(report->item[i].needed_by);
		free(report->item[i].product);
	}
	free(report->item);
	*report = (struct psc_interlock_report){0};
}

static bool is_overridden(const struct psc_interlock_input *input, const uint8_t *digest)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(digest, PSC_DIGEST_SIZE, hex);
	for (size_t i = 0; i < input->objects->count; i++) {
		const struct psc_object *object = input->objects->item[i];

		if (object->kind != PSC_OBJECT_OVERRIDE || object->from > input->begun)
			continue;
		for (char **digits = object->digests; *digits; digits++) {
			if (strcasecmp(*digits, hex) == 0)
				return true;
		}
	}
	return false;
}

/* Unless one is there, or overridden, with its digest. */
static int object_to(const struct psc_interlock_input *input, struct psc_interlock_report *report,
		     const struct psc_interlock_objection *objection)
{
	struct psc_interlock_objection *item;

	for (size_t i = 0; i < report->count; i++) {
		item = &report->item[i];
		if (memcmp(item->digest, objection->digest, PSC_DIGEST_SIZE) == 0) {
			item->files++;
			return 0;
		}
	}
	if (is_overridden(input, objection->digest))
		return 0;
	item = reallocarray(report->item, report->count + 1, sizeof(*item));
	if (!item)
		return -ENOMEM;
	report->item = item;
	item += report->count++;
	*item = *objection;
	item->files = 1;
	item->path = strdup(objection->path);
	item->needed_by = strdup(objection->needed_by);
	item->product = strdup(objection->product);
	return item->path && item->needed_by && item->product ? 0 : -ENOMEM;
}

static int state_digest(unsigned int reason, const char *path, uint8_t ret[PSC_DIGEST_SIZE])
{
	_cleanup_free_ char *line = NULL;
	int length = asprintf(&line, "unverified %s %s\n", psc_unverified_to_string(reason), path);

	if (length < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return psc_digest_buffer(line, length, ret);
}

/* ---- one file ------------------------------------------------------------------------------ */

/* What is known of a file while it is judged. */
struct case_of {
	const struct psc_interlock_input *input;
	const struct psc_essential_file *file;
	struct psc_interlock_report *report;
	struct psc_interlock_objection objection; /* filled in as far as it is the file's */
	const struct psc_digest_record *record;	  /* of its content, NULL: not listed */
	uint8_t digest[PSC_DIGEST_SIZE];
	bool is_digested;
};

static int digest_file(struct case_of *c, struct psc_error *reterr)
{
	_cleanup_(psc_sysroot_clear) struct psc_sysroot root = PSC_SYSROOT_NONE;
	_cleanup_close_ int fd = -1;
	int r;

	if (c->is_digested)
		return 0;
	r = psc_sysroot_open(c->input->root, &root);
	if (r >= 0) {
		fd = psc_sysroot_look(&root, c->file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		r = fd < 0 ? fd : psc_digest_fd(fd, c->digest, NULL);
	}
	/* an upgrade took it away meanwhile */
	if (r == -ENOENT)
		r = 0;
	else if (r >= 0)
		c->record = psc_image_lookup(c->input->image, c->digest);
	if (r < 0)
		psc_error_set(reterr, c->file->path, 0, 0,
			      "interlock: the host needs it, and it cannot be digested: %s",
			      strerror(-r));
	c->is_digested = r >= 0;
	return r;
}

/* The first interval from now on in which the file's class is refused something. */
static int judge_listed(struct case_of *c, uint32_t digested)
{
	const struct psc_table *table = &c->input->image->table;
	uint32_t class = table->class_of[c->record->subject];

	for (uint32_t i = psc_interval_at(table, c->input->now); i < table->interval_count; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
			if (!(digested & BIT(ops[k])) ||
			    table->action[i][class][ops[k]] != PSC_ACTION_DENY)
				continue;
			c->objection.op = ops[k];
			c->objection.unverified = PSC_UNVERIFIED_NONE;
			c->objection.product =
				c->input->image->subjects[c->record->subject].product;
			if (table->interval_start[i] > c->input->now)
				c->objection.from = table->interval_start[i];
			memcpy(c->objection.digest, c->digest, PSC_DIGEST_SIZE);
			return object_to(c->input, c->report, &c->objection);
		}
	}
	return 0;
}

/* The first use of the file for which @reason may be doubted and is refused; -1: none. */
static int refused_use(const struct psc_table *table, const uint32_t *doubts, unsigned int reason)
{
	for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
		if (doubts[k] & BIT(reason) && table->unverified[ops[k]][reason] == PSC_ACTION_DENY)
			return ops[k];
	}
	return -1;
}

/* @doubts are of each of the ops. */
static int judge_doubts(struct case_of *c, const uint32_t *doubts)
{
	const struct psc_essential *essential = c->input->essential;
	int r = 0;

	for (unsigned int reason = 1; reason < PSC_UNVERIFIED_MAX && r >= 0; reason++) {
		struct psc_interlock_objection objection = c->objection;
		int op = refused_use(&c->input->image->table, doubts, reason);

		if (op < 0)
			continue;
		objection.op = op;
		objection.unverified = reason;
		if (DOUBTS_OF_GROUND & BIT(reason)) {
			objection.path = essential->ground[c->file->ground].path;
			objection.needed_by = "";
		}
		r = state_digest(reason, objection.path, objection.digest);
		if (r >= 0)
			r = object_to(c->input, c->report, &objection);
	}
	return r;
}

static int judge_file(struct case_of *c, struct psc_error *reterr)
{
	const struct psc_essential_file *file = c->file;
	const struct psc_essential_ground *ground = &c->input->essential->ground[file->ground];
	uint32_t doubts[ARRAY_SIZE(ops)] = {0}, digested_ops = 0;
	int r = 0;

	for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
		bool digested = false;

		if (file->ops & BIT(ops[k]))
			doubts[k] = psc_interlock_doubts(c->input->image, file->size, ground,
							 ops[k], &digested);
		if (digested)
			digested_ops |= BIT(ops[k]);
	}
	/* only what may be listed is read */
	if (digested_ops)
		r = digest_file(c, reterr);
	if (r >= 0 && c->record && c->record->subject >= PSC_SUBJECT_FIRST)
		r = judge_listed(c, digested_ops);
	for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
		/* a match wins over any doubt */
		if (c->record && digested_ops & BIT(ops[k]))
			doubts[k] = 0;
	}
	return r < 0 ? r : judge_doubts(c, doubts);
}

int psc_interlock_judge(const struct psc_interlock_input *input, struct psc_interlock_report *ret,
			struct psc_error *reterr)
{
	_cleanup_(psc_interlock_report_clear) struct psc_interlock_report report = {0};
	const struct psc_essential *essential = input->essential;
	struct psc_error error = {0};
	int r = 0;

	for (size_t i = 0; i < essential->count && r >= 0; i++) {
		const struct psc_essential_file *file = &essential->file[i];
		struct case_of c = {
			.input = input,
			.file = file,
			.report = &report,
			.objection = {.path = file->path, .needed_by = "", .product = ""},
		};

		if (file->needed_by != PSC_ESSENTIAL_NONE)
			c.objection.needed_by = essential->file[file->needed_by].path;
		r = judge_file(&c, &error);
	}
	if (r < 0) {
		if (!error.message[0])
			psc_error_set(&error, NULL, 0, 0, "interlock: %s", strerror(-r));
		if (reterr)
			*reterr = error;
		return r;
	}
	*ret = report;
	report = (struct psc_interlock_report){0};
	return 0;
}

/* ---- for people and machines ------------------------------------------------------------------ */

/* The end of what is too long tells more than its beginning. */
static const char *tail_of(const char *text, size_t most)
{
	size_t length = text ? strlen(text) : 0;

	return length > most ? text + length - most : text ?: "?";
}

void psc_interlock_describe(const struct psc_interlock_report *report, struct psc_error *reterr)
{
	const struct psc_interlock_objection *first = &report->item[0];
	_cleanup_free_ char *path = psc_escape_string(first->path);
	char digest[2 * PSC_DIGEST_SIZE + 1], more[48] = "", later[32] = "";

	psc_hex_encode(first->digest, PSC_DIGEST_SIZE, digest);
	if (report->count > 1)
		snprintf(more, sizeof(more), ", and refuse %zu more", report->count - 1);
	if (first->from)
		snprintf(later, sizeof(later), " later");
	psc_error_set(reterr, NULL, 0, 0,
		      "interlock: it would refuse %s of %s%s (%s)%s, which the host needs%s; if it "
		      "is meant: proscribe reload --force %s",
		      psc_op_to_string(first->op),
		      first->unverified && BIT(first->unverified) & DOUBTS_OF_GROUND
			      ? "what lies below "
			      : "",
		      tail_of(path, 90),
		      first->unverified ? psc_unverified_to_string(first->unverified) : "listed",
		      later, more, digest);
}

static json_t *objection_json(const struct psc_interlock_objection *objection)
{
	char digest[2 * PSC_DIGEST_SIZE + 1], from[PSC_TIME_TEXT_MAX];
	const char *reason =
		objection->unverified ? psc_unverified_to_string(objection->unverified) : "listed";

	psc_hex_encode(objection->digest, PSC_DIGEST_SIZE, digest);
	return json_pack(
		"{s:s,s:o,s:s,s:o*,s:o*,s:s*,s:I,s:s}", "op", psc_op_to_string(objection->op),
		"path", psc_json_safe(objection->path), "reason", reason, "product",
		objection->product[0] ? psc_json_safe(objection->product) : NULL, "needed_by",
		objection->needed_by[0] ? psc_json_safe(objection->needed_by) : NULL, "from",
		objection->from ? psc_time_format_seconds(objection->from, from) : NULL, "files",
		(json_int_t)objection->files, "digest", digest);
}

json_t *psc_interlock_json(const struct psc_interlock_report *report, size_t most)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < report->count && i < most; i++) {
		if (json_array_append_new(array, objection_json(&report->item[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
