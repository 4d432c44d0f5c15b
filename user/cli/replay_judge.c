/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_judge.c - which attempts of a log the host's policy would refuse; see replay.h.
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/cli/policy_judge.h"
#include "user/cli/replay.h"
#include "user/core/digest.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/names.h"

#define USERS_MAX 4096 /* different ones, of everything */

struct judge {
	const struct psc_replay_ground *ground;
	const struct psc_policy_host *host;
	const struct psc_image *image;
	uint64_t at;
	json_t *programs; /* rows of what would be refused, by path and content */
	json_t *index;	  /* the same rows by what tells them apart */
	json_t *apart[PSC_REPLAY_STATE_MAX]; /* what could not be judged, or is another file now */
	uint64_t files;			     /* that were seen or decided */
	uint64_t digested;
	uint64_t refused[PSC_REPLAY_OPS];
	uint32_t users[USERS_MAX];
	size_t user_count;
	bool at_least;
	bool failed;
};

/* What is known of the content, as the programs in the kernel would. */
struct content {
	bool has_digest;
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size;
	unsigned int doubt; /* enum psc_unverified */
	const char *path;   /* as it is now; NULL: not known */
	enum psc_replay_state state;
};

/* ---- one attempt --------------------------------------------------------------------------- */

static json_t *reasons_json(const struct psc_ruling *ruling)
{
	json_t *reasons = json_array();

	for (size_t i = 0; i < ruling->count; i++) {
		if (ruling->reason[i].action == PSC_ACTION_DENY)
			json_array_append_new(reasons, psc_policy_reason_json(&ruling->reason[i]));
	}
	return reasons;
}

/* Would it refuse the operation? Then *@ret tells who by and why; a reference of the caller's. */
static bool refuses_subject(const struct judge *judge, uint32_t number, enum psc_op op,
			    const char *by, json_t **ret)
{
	struct psc_subject subject = psc_policy_subject(judge->host, judge->image, number);
	struct psc_ruling ruling;

	psc_rule_on(&judge->host->view, &subject, op, judge->at, &ruling);
	if (ruling.action != PSC_ACTION_DENY)
		return false;
	*ret = json_pack("{s:s,s:o,s:s,s:o}", "by", by, "product",
			 psc_json_safe(subject.product ? subject.product->id : subject.text),
			 "role", psc_role_to_string(subject.role), "reasons",
			 reasons_json(&ruling));
	return true;
}

static bool refuses_content(const struct judge *judge, const struct content *content,
			    enum psc_op op, json_t **ret)
{
	const struct psc_digest_record *record;

	if (!content->has_digest)
		return false;
	record = psc_policy_lookup(judge->image, content->digest);
	/* the kernel looks at the size first */
	if (!record || (record->size && record->size != content->size))
		return false;
	return refuses_subject(judge, record->subject, op, "content", ret);
}

/* The innermost place that stands for anybody counts. */
static bool refuses_place(const struct judge *judge, const struct content *content, enum psc_op op,
			  json_t **ret)
{
	const struct psc_place *innermost = NULL;

	for (size_t i = 0; content->path && i < judge->image->place_count; i++) {
		const struct psc_place *place = &judge->image->places[i];

		if (psc_place_is_below(content->path, place->path) &&
		    (!innermost || strlen(place->path) > strlen(innermost->path)))
			innermost = place;
	}
	return innermost &&
	       refuses_subject(judge, judge->image->table.place_subject[innermost->number], op,
			       "place", ret);
}

static bool refuses_doubt(const struct judge *judge, const struct content *content, enum psc_op op,
			  json_t **ret)
{
	const char *name = psc_unverified_to_string(content->doubt);
	char because[96];

	if (!content->doubt ||
	    judge->host->config->unverified[op][content->doubt] != PSC_ACTION_DENY)
		return false;
	snprintf(because, sizeof(because), "the configuration refuses what is unverified: %s",
		 name);
	*ret = json_pack("{s:s,s:s,s:s,s:[{s:s,s:s,s:s,s:s}]}", "by", "unverified", "product", "",
			 "unverified", name, "reasons", "profile", "site", "action", "deny",
			 "basis", "site", "because", because);
	return true;
}

static bool refuses(const struct judge *judge, const struct content *content, enum psc_op op,
		    json_t **ret)
{
	return refuses_content(judge, content, op, ret) || refuses_place(judge, content, op, ret) ||
	       refuses_doubt(judge, content, op, ret);
}

/* ---- the result ---------------------------------------------------------------------------- */

static void merge_users(struct judge *judge, json_t *users, const struct psc_replay_file *file)
{
	for (size_t i = 0; i < file->user_count; i++) {
		const json_t *known;
		bool found = false;
		size_t k;

		judge->at_least |= !psc_replay_add_user(judge->users, &judge->user_count, USERS_MAX,
							file->users[i]);
		json_array_foreach(users, k, known)
			found = found || json_integer_value(known) == file->users[i];
		if (!found)
			json_array_append_new(users, json_integer(file->users[i]));
	}
}

static void set_time(json_t *row, const char *key, uint64_t ns, bool later)
{
	char text[PSC_TIME_TEXT_MAX];
	const char *known = psc_json_text(row, key, NULL);

	psc_time_format_seconds(ns, text);
	if (!known || (strcmp(text, known) > 0) == later)
		json_object_set_new(row, key, json_string(text));
}

static void add_count(json_t *row, const char *key, uint64_t count)
{
	json_object_set_new(row, key,
			    json_integer(psc_json_number(row, key, 0) + (json_int_t)count));
}

static const char *const op_keys[PSC_REPLAY_OPS] = {
	[PSC_OP_EXEC] = "executions",
	[PSC_OP_LOAD] = "loads",
	[PSC_OP_MODULE] = "modules",
};

/* The row of this path and content, a borrowed reference. */
static json_t *row_of(struct judge *judge, const struct psc_replay_file *file,
		      const struct content *content, json_t *why)
{
	char hex[2 * PSC_DIGEST_SIZE + 1] = "";
	_cleanup_free_ char *key = NULL;
	json_t *row;

	if (content->has_digest)
		psc_hex_encode(content->digest, PSC_DIGEST_SIZE, hex);
	if (asprintf(&key, "%s %s %s", psc_json_text(why, "by", ""), hex, file->path) < 0) {
		key = NULL;
		judge->failed = true;
		return NULL;
	}
	row = json_object_get(judge->index, key);
	if (row)
		return row;
	row = json_deep_copy(why);
	json_object_set_new(row, "path", json_string(file->path));
	if (hex[0])
		json_object_set_new(row, "sha256", json_string(hex));
	json_object_set_new(row, "size", json_integer((json_int_t)content->size));
	json_object_set_new(row, "state", json_string(psc_replay_state_to_string(content->state)));
	json_object_set_new(row, "users", json_array());
	for (size_t op = 0; op < PSC_REPLAY_OPS; op++)
		json_object_set_new(row, op_keys[op], json_integer(0));
	judge->failed |= json_object_set(judge->index, key, row) < 0;
	judge->failed |= json_array_append_new(judge->programs, row) < 0;
	return judge->failed ? NULL : row;
}

static void add_refusal(struct judge *judge, const struct psc_replay_file *file,
			const struct content *content, enum psc_op op, json_t *why)
{
	json_t *row = row_of(judge, file, content, why);

	if (!row)
		return;
	judge->refused[op] += file->sum[op].count;
	judge->at_least |= file->at_least;
	add_count(row, op_keys[op], file->sum[op].count);
	if (file->at_least || !json_object_get(row, "at_least"))
		json_object_set_new(row, "at_least", json_boolean(file->at_least));
	merge_users(judge, json_object_get(row, "users"), file);
	set_time(row, "first", file->first, false);
	set_time(row, "last", file->last, true);
}

static uint64_t attempts_on(const struct psc_replay_file *file)
{
	uint64_t sum = 0;

	for (size_t op = 0; op < PSC_REPLAY_OPS; op++)
		sum += file->sum[op].count;
	return sum;
}

static void set_apart(struct judge *judge, const struct psc_replay_file *file,
		      enum psc_replay_state state, int error)
{
	json_t *row = json_pack("{s:s,s:I}", "path", file->path, "attempts",
				(json_int_t)attempts_on(file));

	if (row) {
		if (error)
			json_object_set_new(row, "error", json_string(strerror(-error)));
		if (file->container)
			json_object_set_new(row, "container", json_string(file->container));
		set_time(row, "last", file->last, true);
	}
	judge->failed |= json_array_append_new(judge->apart[state], row) < 0;
}

/* ---- one file ------------------------------------------------------------------------------ */

/* As in the kernel: what is not of a listed size is not digested, and not listed. */
static bool may_be_listed(const struct judge *judge, uint64_t size)
{
	return judge->image->table.flags & PSC_TABLE_HASH_ALL ||
	       psc_image_filter(judge->image, PSC_FILTER_EXEC, size);
}

static int read_content(struct judge *judge, int fd, struct content *content)
{
	int r;

	if (!may_be_listed(judge, content->size))
		return 0;
	if (content->size > judge->host->config->hash_limit) {
		content->doubt = PSC_UNVERIFIED_TOO_LARGE;
		return 0;
	}
	r = psc_digest_fd(fd, content->digest, &content->size);
	judge->digested++;
	content->has_digest = r >= 0;
	return r;
}

static void judge_content(struct judge *judge, const struct psc_replay_file *file,
			  const struct content *content)
{
	for (unsigned int op = 0; op < PSC_REPLAY_OPS; op++) {
		_cleanup_json_ json_t *why = NULL;

		if (file->sum[op].count && refuses(judge, content, op, &why))
			add_refusal(judge, file, content, op, why);
	}
}

/* What ran is known by its digest, or that it was not known for some reason. */
static bool judge_by_record(struct judge *judge, const struct psc_replay_file *file,
			    const char *path)
{
	struct content content = {
		.has_digest = file->has_digest,
		.size = file->size,
		.doubt = file->why,
		.path = path,
	};

	if (!file->decided && !file->has_digest)
		return false;
	memcpy(content.digest, file->digest, PSC_DIGEST_SIZE);
	judge_content(judge, file, &content);
	return true;
}

static void judge_file(struct judge *judge, const struct psc_replay_file *file)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	struct content content = {0};
	int error = 0;
	size_t size;

	judge->files++;
	if (file->whole_path && psc_unescape(file->path, &path, &size) < 0)
		path = NULL;
	if (judge_by_record(judge, file, path))
		return;
	content.path = file->container ? NULL : path;
	content.state = psc_replay_open(judge->ground, file, &fd, &content.size, &error);
	if (fd >= 0)
		error = read_content(judge, fd, &content);
	if (error < 0)
		content.state = PSC_REPLAY_UNREAD;
	if (content.state != PSC_REPLAY_SAME)
		set_apart(judge, file, content.state, error);
	/* a place is known by its name, whatever is there now */
	judge_content(judge, file, &content);
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Rows with the key counted; those of the same content are one. */
static size_t count_programs(const struct judge *judge, const char *key)
{
	_cleanup_json_ json_t *known = json_object();
	const json_t *row;
	size_t i;

	json_array_foreach(judge->programs, i, row) {
		const char *name = psc_json_text(row, "sha256", psc_json_text(row, "path", ""));

		if (psc_json_number(row, key, 0))
			json_object_set_new(known, name, json_true());
	}
	return json_object_size(known);
}

static json_t *refused_json(const struct judge *judge)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "executions",
			 (json_int_t)judge->refused[PSC_OP_EXEC], "programs",
			 (json_int_t)count_programs(judge, op_keys[PSC_OP_EXEC]), "loads",
			 (json_int_t)judge->refused[PSC_OP_LOAD], "libraries",
			 (json_int_t)count_programs(judge, op_keys[PSC_OP_LOAD]), "modules",
			 (json_int_t)judge->refused[PSC_OP_MODULE], "files",
			 (json_int_t)json_array_size(judge->programs), "users",
			 (json_int_t)judge->user_count, "at_least", judge->at_least);
}

static json_t *result(struct judge *judge, const struct psc_replay *replay)
{
	char at[PSC_TIME_TEXT_MAX];
	json_t *data;

	judge->at_least |= replay->left_out || replay->lost || replay->no_room;
	data = json_pack("{s:s,s:O,s:o,s:I,s:I,s:I,s:I,s:I,s:I}", "at",
			 psc_time_format_seconds(judge->at, at), "programs", judge->programs,
			 "refused", refused_json(judge), "records", (json_int_t)replay->records,
			 "files", (json_int_t)judge->files, "digested", (json_int_t)judge->digested,
			 "left_out", (json_int_t)replay->left_out, "lost", (json_int_t)replay->lost,
			 "no_room", (json_int_t)replay->no_room);
	for (unsigned int state = PSC_REPLAY_SAME + 1; data && state < PSC_REPLAY_STATE_MAX;
	     state++)
		json_object_set(data, psc_replay_state_to_string(state), judge->apart[state]);
	return data;
}

json_t *psc_replay_judge(const struct psc_replay *replay, const struct psc_replay_ground *ground,
			 const struct psc_policy_host *host, const struct psc_image *image,
			 uint64_t at)
{
	struct judge judge = {
		.ground = ground,
		.host = host,
		.image = image,
		.at = at,
		.programs = json_array(),
		.index = json_object(),
	};
	json_t *data = NULL;

	judge.failed = !judge.programs || !judge.index;
	for (size_t i = 0; i < PSC_REPLAY_STATE_MAX; i++) {
		judge.apart[i] = json_array();
		judge.failed |= !judge.apart[i];
	}
	for (size_t i = 0; i < replay->count && !judge.failed; i++)
		judge_file(&judge, replay->file[i]);
	if (!judge.failed)
		data = result(&judge, replay);
	json_decref(judge.programs);
	json_decref(judge.index);
	for (size_t i = 0; i < PSC_REPLAY_STATE_MAX; i++)
		json_decref(judge.apart[i]);
	return data;
}

json_int_t psc_replay_refused(const json_t *data)
{
	return psc_json_number(data, "refused.executions", 0) +
	       psc_json_number(data, "refused.loads", 0) +
	       psc_json_number(data, "refused.modules", 0);
}
