/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay.c - `policy replay`: how attempts are counted from the log, what files are taken
 * for, what is judged; and that no file is opened that must not be.
 */
#include <limits.h>
#include <sys/sysmacros.h>

#include "tests/unit/cli_harness.h"

#include "user/cli/output.h"
#include "user/cli/replay.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_policy_replay, NULL};

#define HELLO_DIGEST "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define OTHER_DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
#define HEADER	     "algo,digest,size,format,name,product,version,source\n"

#define REPLAY(f, ...)                                                                             \
	run_array(f, verb_table,                                                                   \
		  (char *[]){(char *)"proscribe", (char *)"policy", (char *)"replay",              \
			     (char *)"--config", (char *)"own.yaml", (char *)"--lists",            \
			     (char *)"lists", (char *)"--catalog", (char *)"none",                 \
			     (char *)"--objects", (char *)"objects", (char *)"--dir",              \
			     (char *)"log", (char *)"--since", (char *)"2026-01-01", __VA_ARGS__,  \
			     NULL})

static char root[PATH_MAX];

static int setup(void **state)
{
	struct fixture *f = fixture_new();
	mode_t mask = umask(022);

	if (!f || !getcwd(root, sizeof(root)) || chdir(f->directory) < 0)
		return -1;
	mkdir("objects", 0755);
	mkdir("lists", 0755);
	mkdir("log", 0755);
	mkdir("place", 0755);
	umask(mask);
	put_file("own.yaml", "mode: observe\nprofiles: []\n");
	put_file("hello", "hello\n");
	put_file("lists/a.csv", HEADER "sha256," HELLO_DIGEST ",6,any,hello,Greeter,,\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	return chdir(root) < 0 ? -1 : fixture_free(*state);
}

/* ---- records ------------------------------------------------------------------------------ */

/* Of one attempt; what is 0 or NULL is as of a plain file. */
struct line {
	const char *type; /* seen */
	const char *path; /* a name in the test's directory, or absolute */
	const char *op;	  /* exec */
	const char *verdict, *digest, *unverified, *container;
	int attempts; /* seen: 1; decision: repeats */
	int uid, pid;
	int boot_s; /* seconds after boot */
	bool truncated, another_inode;
};

static json_t *record_of(const struct fixture *f, const struct line *line, unsigned int number)
{
	const char *type = line->type ?: "seen";
	char path[256], device[32] = "1:1", inode[24], time[40], uid[16];
	struct stat st = {.st_size = 6};
	json_t *record, *own, *file;

	if (line->path[0] == '/' || line->truncated)
		snprintf(path, sizeof(path), "%s", line->path);
	else
		snprintf(path, sizeof(path), "%s/%s", f->directory, line->path);
	if (stat(path, &st) == 0)
		snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
	snprintf(inode, sizeof(inode), "%llu", (unsigned long long)st.st_ino + line->another_inode);
	snprintf(time, sizeof(time), "2026-01-02T00:%02u:%02u.000000Z", number / 60 % 60,
		 number % 60);
	snprintf(uid, sizeof(uid), "%d", line->uid);
	file = json_pack("{s:s,s:I,s:s,s:s}", "path", path, "size", (json_int_t)st.st_size, "inode",
			 inode, "device", device);
	own = json_pack("{s:s,s:s,s:b,s:I,s:i}", "type", type, "op", line->op ?: "exec",
			"path_truncated", line->truncated, "boot_ns",
			(json_int_t)line->boot_s * 1000000000, "filesystem_magic", 0xef53);
	if (line->digest)
		json_object_set_new(file, "hash", json_pack("{s:s}", "sha256", line->digest));
	if (line->verdict)
		json_object_set_new(own, "verdict", json_string(line->verdict));
	if (line->unverified)
		json_object_set_new(own, "unverified", json_string(line->unverified));
	if (strcmp(type, "seen") == 0)
		json_object_set_new(own, "attempts", json_integer(line->attempts ?: 1));
	else if (line->attempts)
		json_object_set_new(own, "repeats", json_integer(line->attempts));
	record = json_pack("{s:s,s:o,s:{s:i,s:s},s:{s:s},s:o}", "@timestamp", time, "file", file,
			   "process", "pid", line->pid, "start", "2026-01-02T00:00:00.000000Z",
			   "user", "id", uid, "proscribe", own);
	if (line->container)
		json_object_set_new(record, "container", json_pack("{s:s}", "id", line->container));
	assert_non_null(record);
	return record;
}

static void put_log(const struct fixture *f, const struct line *lines, size_t count)
{
	FILE *file = fopen("log/audit-20260101T000000Z.jsonl", "we");

	assert_non_null(file);
	for (size_t i = 0; i < count; i++) {
		_cleanup_json_ json_t *record = record_of(f, &lines[i], (unsigned int)i);
		_cleanup_free_ char *text = json_dumps(record, JSON_COMPACT);

		fprintf(file,
			"{\"chain\":{\"sequence\":%zu,\"previous\":\"" OTHER_DIGEST "\"},%s\n",
			i + 1, text + 1);
	}
	assert_int_equal(fclose(file), 0);
}

#define PUT_LOG(f, ...)                                                                            \
	do {                                                                                       \
		const struct line lines_[] = {__VA_ARGS__};                                        \
		put_log(f, lines_, ARRAY_SIZE(lines_));                                            \
	} while (0)

static json_int_t number_at(const json_t *data, const char *path)
{
	return psc_json_number(data, path, -1);
}

/* ---- counting ------------------------------------------------------------------------------ */

static uint64_t counted(const struct fixture *f, const struct line *lines, size_t count,
			enum psc_op op)
{
	_cleanup_(psc_replay_freep) struct psc_replay *replay = NULL;
	uint64_t sum = 0;

	assert_int_equal(psc_replay_new(&replay), 0);
	for (size_t i = 0; i < count; i++) {
		_cleanup_json_ json_t *record = record_of(f, &lines[i], (unsigned int)i);

		assert_int_equal(psc_replay_add(replay, record), 0);
	}
	for (size_t i = 0; i < replay->count; i++)
		sum += replay->file[i]->sum[op].count;
	return sum;
}

#define COUNTED(f, op, ...)                                                                        \
	counted(f, (const struct line[]){__VA_ARGS__},                                             \
		sizeof((const struct line[]){__VA_ARGS__}) / sizeof(struct line), op)

#define SEEN(n, at)                                                                                \
	{                                                                                          \
		.path = "hello", .attempts = n, .boot_s = at                                       \
	}

static void test_series(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(1, 1), SEEN(2, 2), SEEN(3, 3), SEEN(4, 4)),
			 4);
	/* it began before the first record */
	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(1024, 1)), 1);
	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(1024, 1), SEEN(2048, 2)), 1025);
	/* the inode left memory, or has other content */
	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(1, 1), SEEN(2, 2), SEEN(1, 9), SEEN(2, 10)),
			 4);
	/* a reboot: the clock begins anew */
	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(1, 100), SEEN(1, 3)), 2);
	/* two processors, in the other order */
	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(1, 1), SEEN(4, 2), SEEN(3, 2), SEEN(8, 3)),
			 8);
	/* a file of its own each */
	assert_int_equal(COUNTED(f, PSC_OP_EXEC, SEEN(4, 1),
				 {.path = "hello", .attempts = 4, .another_inode = true}),
			 2);
	assert_int_equal(COUNTED(f, PSC_OP_LOAD, SEEN(1, 1), {.path = "hello", .op = "load"}), 1);
}

#define DECIDED(o, v, p)                                                                           \
	{                                                                                          \
		.type = "decision", .path = "hello", .op = o, .verdict = v, .pid = p               \
	}

static void test_decisions(void **state)
{
	struct fixture *f = *state;
	const struct line repeated = {.type = "decision",
				      .path = "hello",
				      .op = "load",
				      .verdict = "record",
				      .unverified = "memfd",
				      .attempts = 40};

	assert_int_equal(COUNTED(f, PSC_OP_EXEC, DECIDED("exec", "would_deny", 1),
				 DECIDED("exec", "record", 2), DECIDED("exec", "deny", 3),
				 DECIDED("open", "would_deny", 4)),
			 2);
	/* the mapping of what was executed is no load of its own */
	assert_int_equal(COUNTED(f, PSC_OP_LOAD, DECIDED("exec", "would_deny", 1),
				 DECIDED("load", "would_deny", 1),
				 DECIDED("load", "would_deny", 2)),
			 1);
	assert_int_equal(COUNTED(f, PSC_OP_LOAD, repeated), 40);
}

/* What records of strangers might hold is no trouble. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"proscribe\":{\"type\":\"seen\"}}",
		"{\"proscribe\":{\"type\":\"seen\",\"op\":\"exec\",\"attempts\":-1}}",
		"{\"proscribe\":{\"type\":\"seen\",\"op\":\"open\",\"attempts\":1}}",
		"{\"proscribe\":{\"type\":\"seen\",\"op\":\"exec\",\"attempts\":1}}",
		"{\"proscribe\":{\"type\":\"seen_left_out\",\"left_out\":\"many\"}}",
		"{\"@timestamp\":\"2026-01-02\",\"file\":7,\"user\":9,\"proscribe\":{\"type\":\"seen\",\"op\":\"exec\",\"attempts\":1}}",
	};
	_cleanup_(psc_replay_freep) struct psc_replay *replay = NULL;

	assert_int_equal(psc_replay_new(&replay), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ json_t *record = json_loads(texts[i], 0, NULL);

		assert_non_null(record);
		assert_int_equal(psc_replay_add(replay, record), 0);
	}
	assert_int_equal(replay->count, 1);
	assert_int_equal(replay->left_out, 0);
}

static void test_bounds(void **state)
{
	_cleanup_(psc_replay_freep) struct psc_replay *replay = NULL;
	_cleanup_json_ json_t *record = record_of(*state, &(struct line){.path = "hello"}, 0);
	json_t *file = json_object_get(record, "file");
	char path[32], uid[16];

	assert_int_equal(psc_replay_new(&replay), 0);
	for (unsigned int i = 0; i < PSC_REPLAY_FILES_MAX + 7; i++) {
		snprintf(path, sizeof(path), "/f%u", i);
		json_object_set_new(file, "path", json_string(path));
		assert_int_equal(psc_replay_add(replay, record), 0);
	}
	assert_int_equal(replay->count, PSC_REPLAY_FILES_MAX);
	assert_int_equal(replay->no_room, 7);
	for (unsigned int i = 0; i < PSC_REPLAY_USERS_MAX + 3; i++) {
		json_object_set_new(file, "path", json_string("/f0"));
		snprintf(uid, sizeof(uid), "%u", i);
		json_object_set_new(json_object_get(record, "user"), "id", json_string(uid));
		assert_int_equal(psc_replay_add(replay, record), 0);
	}
	assert_int_equal(replay->file[0]->user_count, PSC_REPLAY_USERS_MAX);
	assert_true(replay->file[0]->at_least);
}

/* ---- judging ------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	PUT_LOG(f, {.path = "hello"}, {.path = "hello", .attempts = 2, .uid = 1000},
		{.path = "hello", .attempts = 3, .uid = 1000}, {.path = "own.yaml"});
	assert_int_equal(REPLAY(f, (char *)"--policy", (char *)"active"), PSC_EXIT_LISTED);
	assert_contains(f->out,
			"would have refused at least 3 executions of 1 program by 2 users\n");
	assert_contains(f->out, "/hello");
	assert_contains(f->out, "Greeter");
	assert_contains(f->out, "proscribe exempt");
	assert_lacks(f->out, "own.yaml");
	assert_int_equal(REPLAY(f, (char *)"--json"), PSC_EXIT_LISTED);
	data = data_of(f, "policy replay");
	assert_int_equal(number_at(data, "refused.executions"), 3);
	assert_int_equal(number_at(data, "refused.programs"), 1);
	assert_int_equal(number_at(data, "refused.users"), 2);
	assert_int_equal(number_at(data, "files"), 2);
	/* a size that nobody lists is not read */
	assert_int_equal(number_at(data, "digested"), 1);
	/* a draft under which nothing is refused */
	put_file("draft.yaml", "profiles: []\nactions: {exec: record}\n");
	assert_int_equal(REPLAY(f, (char *)"--policy", (char *)"draft.yaml"), PSC_EXIT_OK);
	assert_contains(f->out, "would have refused nothing\n");
	put_file("draft.yaml", "profiles: [\n");
	assert_int_equal(REPLAY(f, (char *)"--policy", (char *)"draft.yaml"), PSC_EXIT_INVALID);
	assert_int_equal(REPLAY(f, (char *)"--until", (char *)"2026-01-01T12:00:00Z"), PSC_EXIT_OK);
	assert_contains(f->out, "the log tells of nothing that ran");
	assert_int_equal(REPLAY(f, (char *)"--at", (char *)"soon"), PSC_EXIT_USAGE);
}

/* Once decided, once seen: two attempts, of one program. */
static void test_seen_and_decided(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	PUT_LOG(f, {.path = "hello"},
		{.type = "decision",
		 .path = "hello",
		 .verdict = "would_deny",
		 .digest = HELLO_DIGEST},
		{.type = "decision",
		 .path = "hello",
		 .verdict = "would_deny",
		 .digest = OTHER_DIGEST},
		{.path = "gone", .digest = HELLO_DIGEST, .uid = 5},
		{.type = "decision", .path = "big", .verdict = "would_deny", .unverified = "busy"},
		{.type = "decision", .path = "big", .verdict = "record", .unverified = "memfd"});
	assert_int_equal(REPLAY(f, (char *)"--json"), PSC_EXIT_LISTED);
	data = data_of(f, "policy replay");
	assert_int_equal(number_at(data, "refused.executions"), 4);
	assert_int_equal(number_at(data, "refused.programs"), 2);
	assert_int_equal(number_at(data, "refused.users"), 2);
	/* what ran is known by its digest, though it is gone */
	assert_int_equal(json_array_size(psc_json_at(data, "gone")), 0);
	assert_false(json_is_true(psc_json_at(data, "refused.at_least")));
}

static size_t listed(const json_t *data, enum psc_replay_state state)
{
	return json_array_size(psc_json_at(data, psc_replay_state_to_string(state)));
}

static void test_states(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	/* opening it would wait for a writer */
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(symlink("hello", "link"), 0);
	put_file("replaced", "hello\n");
	PUT_LOG(f, {.path = "pipe", .another_inode = true}, {.path = "link", .another_inode = true},
		{.path = "missing", .attempts = 4}, {.path = "place/missing/x"},
		{.path = "hello", .truncated = true}, {.path = "", .truncated = true},
		{.path = "replaced", .another_inode = true},
		{.path = "/usr/x", .container = "3f1c"});
	assert_int_equal(REPLAY(f, (char *)"--json"), PSC_EXIT_LISTED);
	data = data_of(f, "policy replay");
	assert_int_equal(listed(data, PSC_REPLAY_GONE), 4);
	assert_int_equal(listed(data, PSC_REPLAY_NAMELESS), 2);
	assert_int_equal(listed(data, PSC_REPLAY_REPLACED), 1);
	assert_int_equal(listed(data, PSC_REPLAY_ELSEWHERE), 1);
	assert_int_equal(listed(data, PSC_REPLAY_UNREAD), 0);
	/* the one that has its place now */
	assert_int_equal(number_at(data, "refused.executions"), 1);
	assert_int_equal(REPLAY(f, NULL), PSC_EXIT_LISTED);
	assert_contains(f->out, "4 files gone: not judged\n");
	assert_contains(f->out, "/missing, 1 time\n");
	assert_contains(f->out, "2 files path not known: not judged\n");
	assert_contains(f->out, "1 file replaced since: judged as they are now\n");
	assert_contains(f->out, "1 file in containers, not reached from here: not judged\n");
}

static void test_place(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *data = NULL;

	assert_true(asprintf(&text, "profiles: []\nplaces: [{path: %s/place, product: Placed}]\n",
			     f->directory) > 0);
	put_file("own.yaml", text);
	put_file("place/tool", "tool\n");
	put_file("placed", "tool\n");
	PUT_LOG(f, {.path = "place/tool"}, {.path = "placed"},
		{.path = "place/gone", .op = "load"});
	assert_int_equal(REPLAY(f, (char *)"--json"), PSC_EXIT_LISTED);
	data = data_of(f, "policy replay");
	assert_int_equal(number_at(data, "refused.executions"), 1);
	assert_int_equal(number_at(data, "refused.loads"), 1);
	assert_int_equal(REPLAY(f, NULL), PSC_EXIT_LISTED);
	assert_contains(f->out,
			"would have refused 1 execution of 1 program, 1 load of 1 library by "
			"1 user\n");
	assert_contains(f->out, "by its place");
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;

	put_file("log/audit-20260101T000000Z.jsonl", "{\"chain\":\n");
	assert_int_equal(REPLAY(f, NULL), PSC_EXIT_INVALID);
	assert_contains(f->err, "damaged record");
	put_file("own.yaml", "mode: perhaps\n");
	assert_int_equal(REPLAY(f, NULL), PSC_EXIT_INVALID);
	assert_contains(f->err, "own.yaml:1:7");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_series), TEST(test_decisions), TEST(test_nonsense),
		TEST(test_bounds), TEST(test_refused),	 TEST(test_seen_and_decided),
		TEST(test_states), TEST(test_place),	 TEST(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
