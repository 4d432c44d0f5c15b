/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_gather.c - from records of the audit log to files and how often each was used; see
 * replay.h.
 */
#include <errno.h>

#include "user/cli/replay.h"
#include "user/core/hex.h"
#include "user/core/names.h"

#define BUCKETS 65536

/* Two processors may tell of two attempts in the other order. */
#define DISORDER_NS PSC_NSEC_PER_SEC

int psc_replay_new(struct psc_replay **ret)
{
	struct psc_replay *replay = calloc(1, sizeof(*replay));

	if (!replay)
		return -ENOMEM;
	replay->bucket = calloc(BUCKETS, sizeof(struct psc_replay_file *));
	if (!replay->bucket) {
		free(replay);
		return -ENOMEM;
	}
	*ret = replay;
	return 0;
}

static void file_free(struct psc_replay_file *file)
{
	if (!file)
		return;
	free(file->path);
	free(file->device);
	free(file->layer);
	free(file->container);
	free(file);
}

struct psc_replay *psc_replay_free(struct psc_replay *replay)
{
	if (!replay)
		return NULL;
	for (size_t i = 0; i < replay->count; i++)
		file_free(replay->file[i]);
	free(replay->file);
	free(replay->bucket);
	free(replay);
	return NULL;
}

void psc_replay_freep(struct psc_replay **replay)
{
	*replay = psc_replay_free(*replay);
}

/* ---- one record ---------------------------------------------------------------------------- */

/* What a record says, before it is known whether its file is. Strings are the record's. */
struct seen {
	const char *path, *device, *layer, *container;
	struct psc_replay_file file; /* numbers only */
	enum psc_op op;
	uint64_t attempts; /* seen: of the series; decided: that many more */
	uint64_t boot_ns;
	uint64_t at;
	uint64_t process; /* a hash of who tried */
	uint32_t user;
	bool repeats;
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return (hash ^ 0xff) * 0x100000001b3ULL;
}

static uint64_t number_of(const json_t *record, const char *path)
{
	json_int_t n = psc_json_number(record, path, 0);

	return n > 0 ? (uint64_t)n : 0;
}

/* Identifiers are strings of digits. */
static uint64_t id_of(const json_t *record, const char *path)
{
	return strtoull(psc_json_text(record, path, "0"), NULL, 10);
}

static void read_file(const json_t *record, struct seen *ret)
{
	ret->path = psc_json_text(record, "file.path", "");
	ret->device = psc_json_text(record, "file.device", "");
	ret->layer = psc_json_text(record, "proscribe.layer", NULL);
	ret->container = psc_json_text(record, "container.id", NULL);
	ret->file.inode = id_of(record, "file.inode");
	ret->file.real_inode = id_of(record, "proscribe.real_inode");
	ret->file.size = number_of(record, "file.size");
	ret->file.magic = number_of(record, "proscribe.filesystem_magic");
	ret->file.whole_path = ret->path[0] == '/' &&
			       !json_is_true(psc_json_at(record, "proscribe.path_truncated"));
}

/* False: a record of no matter here, such as one of the canary or of what went ahead. */
static bool read_decision(const json_t *record, struct seen *ret)
{
	const char *verdict = psc_json_text(record, "proscribe.verdict", "");
	const char *doubt = psc_json_text(record, "proscribe.unverified", NULL);
	enum psc_unverified why = PSC_UNVERIFIED_NONE;

	if (strcmp(verdict, "would_deny") != 0 && strcmp(verdict, "record") != 0)
		return false;
	ret->file.decided = true;
	ret->attempts = number_of(record, "proscribe.repeats");
	ret->repeats = ret->attempts > 0;
	if (!ret->repeats)
		ret->attempts = 1;
	if (doubt && psc_unverified_from_string(doubt, &why) == 0)
		ret->file.why = why;
	return true;
}

/* Of a file of listed size, the record has what ran: better than what is there now. */
static void read_digest(const json_t *record, struct seen *ret)
{
	const char *digest = psc_json_text(record, "file.hash.sha256", "");

	ret->file.has_digest = ret->file.why == PSC_UNVERIFIED_NONE &&
			       psc_hex_decode(digest, strlen(digest), ret->file.digest,
					      PSC_DIGEST_SIZE, NULL) == 0;
}

static bool read_record(const json_t *record, struct seen *ret)
{
	const char *type = psc_json_text(record, "proscribe.type", "");
	uint64_t hash = 0xcbf29ce484222325ULL;

	if (psc_op_from_string(psc_json_text(record, "proscribe.op", ""), &ret->op) < 0 ||
	    ret->op >= PSC_REPLAY_OPS)
		return false;
	if (strcmp(type, "seen") == 0)
		ret->attempts = number_of(record, "proscribe.attempts");
	else if (strcmp(type, "decision") != 0 || !read_decision(record, ret))
		return false;
	read_file(record, ret);
	read_digest(record, ret);
	ret->boot_ns = number_of(record, "proscribe.boot_ns");
	ret->user = (uint32_t)id_of(record, "user.id");
	hash = hash_text(hash, psc_json_text(record, "process.start", ""));
	ret->process = hash ^ number_of(record, "process.pid");
	return psc_time_parse(psc_json_text(record, "@timestamp", ""), &ret->at) == 0 &&
	       ret->attempts > 0;
}

/* ---- the table ----------------------------------------------------------------------------- */

static size_t bucket_of(const struct seen *seen)
{
	uint64_t hash = hash_text(0xcbf29ce484222325ULL, seen->path);

	hash = hash_text(hash, seen->device) ^ seen->file.inode * 0x9E3779B97F4A7C15ULL;
	return (hash ^ hash >> 32) % BUCKETS;
}

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool is_of(const struct psc_replay_file *file, const struct seen *seen)
{
	return file->inode == seen->file.inode && file->decided == seen->file.decided &&
	       file->has_digest == seen->file.has_digest && file->why == seen->file.why &&
	       file->whole_path == seen->file.whole_path && strcmp(file->path, seen->path) == 0 &&
	       strcmp(file->device, seen->device) == 0 &&
	       same_text(file->container, seen->container) &&
	       (!file->has_digest || memcmp(file->digest, seen->file.digest, PSC_DIGEST_SIZE) == 0);
}

static int grow(struct psc_replay *replay)
{
	size_t room = replay->room ? 2 * replay->room : 256;
	struct psc_replay_file **grown;

	if (replay->count < replay->room)
		return 0;
	grown = reallocarray(replay->file, room, sizeof(struct psc_replay_file *));
	if (!grown)
		return -ENOMEM;
	replay->file = grown;
	replay->room = room;
	return 0;
}

static struct psc_replay_file *file_new(const struct seen *seen)
{
	struct psc_replay_file *file = malloc(sizeof(*file));

	if (!file)
		return NULL;
	*file = seen->file;
	file->path = strdup(seen->path);
	file->device = strdup(seen->device);
	file->layer = seen->layer ? strdup(seen->layer) : NULL;
	file->container = seen->container ? strdup(seen->container) : NULL;
	file->first = seen->at;
	if (file->path && file->device && !file->layer == !seen->layer &&
	    !file->container == !seen->container)
		return file;
	file_free(file);
	return NULL;
}

/* NULL in *@ret: there is no room for another one. */
static int find_file(struct psc_replay *replay, const struct seen *seen,
		     struct psc_replay_file **ret)
{
	struct psc_replay_file **bucket = &replay->bucket[bucket_of(seen)];

	for (struct psc_replay_file *file = *bucket; file; file = file->next) {
		if (is_of(file, seen)) {
			*ret = file;
			return 0;
		}
	}
	*ret = NULL;
	if (replay->count >= PSC_REPLAY_FILES_MAX)
		return 0;
	if (grow(replay) < 0)
		return -ENOMEM;
	*ret = file_new(seen);
	if (!*ret)
		return -ENOMEM;
	(*ret)->next = *bucket;
	*bucket = *ret;
	replay->file[replay->count++] = *ret;
	return 0;
}

/* ---- counting ------------------------------------------------------------------------------ */

bool psc_replay_add_user(uint32_t *users, size_t *count, size_t most, uint32_t user)
{
	for (size_t i = 0; i < *count; i++) {
		if (users[i] == user)
			return true;
	}
	if (*count == most)
		return false;
	users[(*count)++] = user;
	return true;
}

/*
 * The kernel's count goes up from one, and begins anew when the content changes or the inode
 * leaves memory. Of a series that began before the first record only what is between two records
 * is known to have happened since.
 */
static void add_seen(struct psc_replay_file *file, const struct seen *seen)
{
	struct psc_replay_sum *sum = &file->sum[seen->op];
	bool disorder = sum->boot_ns <= seen->boot_ns &&
			seen->boot_ns - sum->boot_ns < DISORDER_NS && sum->size == seen->file.size;

	if (seen->attempts > 1)
		file->at_least = true;
	if (!sum->last) {
		sum->count++;
	} else if (seen->attempts > sum->last) {
		sum->count += seen->attempts - sum->last;
	} else if (seen->attempts == 1 && !disorder) {
		sum->count++;
	} else {
		return;
	}
	sum->last = seen->attempts;
	sum->boot_ns = seen->boot_ns;
	sum->size = seen->file.size;
}

/* Of a program that was executed, its mapping is no attempt of its own. */
static void add_decided(struct psc_replay_file *file, const struct seen *seen)
{
	if (seen->op == PSC_OP_EXEC)
		file->executor = seen->process;
	else if (seen->op == PSC_OP_LOAD && !seen->repeats && file->executor == seen->process)
		return;
	file->sum[seen->op].count += seen->attempts;
}

int psc_replay_add(struct psc_replay *replay, const json_t *record)
{
	const char *type = psc_json_text(record, "proscribe.type", "");
	struct seen seen = {0};
	struct psc_replay_file *file;

	if (strcmp(type, "seen_left_out") == 0)
		replay->left_out += number_of(record, "proscribe.left_out");
	else if (strcmp(type, "ring_loss") == 0)
		replay->lost += number_of(record, "proscribe.lost");
	if (!read_record(record, &seen))
		return 0;
	replay->records++;
	if (find_file(replay, &seen, &file) < 0)
		return -ENOMEM;
	if (!file) {
		replay->no_room++;
		return 0;
	}
	file->size = seen.file.size;
	file->last = seen.at;
	file->at_least |= !psc_replay_add_user(file->users, &file->user_count, PSC_REPLAY_USERS_MAX,
					       seen.user);
	if (file->decided)
		add_decided(file, &seen);
	else
		add_seen(file, &seen);
	return 0;
}
