/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_own_records.c - what the daemon writes of its own accord: scans, first sightings, times when
 * the guard was not on, tampering. Each record is held against docs/record.schema.json.
 */
#include "user/core/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/paths.h"
#include "tests/unit/schema.h"

static char state_file[128], absence_file[128], state_directory[64];

#undef PSC_PATH_SIGHTINGS
#undef PSC_PATH_ABSENCE
#undef PSC_DIR_STATE
#define PSC_PATH_SIGHTINGS "first-seen.json"
#define PSC_PATH_ABSENCE   absence_file
#define PSC_DIR_STATE	   "."
#include "user/daemon/absence.c"
#include "user/daemon/scanned.c"
#define parse parse_sightings
#define begin begin_tampering
#include "user/daemon/sightings.c"
#include "user/daemon/tamper.c"
#undef begin
#undef parse

/* ---- the rest of the daemon ---------------------------------------------------------------- */

static json_t *records;
static int journal_error;
static enum psc_guard_state guard_state;
static int missing_pins;
static bool table_is_ours = true;
static enum psc_auditlog_state log_state;
static unsigned int closed;

int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret)
{
	static const struct psc_event_context context = {
		.hostname = "host", .boot_id = "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11"};

	return psc_record_new(type, &context, ret);
}

int psc_journal_append(struct psc_daemon *daemon, const json_t *record)
{
	if (journal_error)
		return journal_error;
	daemon->chain_end.sequence++;
	json_array_append_new(records, json_deep_copy(record));
	return 0;
}

int psc_journal_write(struct psc_daemon *daemon, json_t *record)
{
	int r = psc_journal_append(daemon, record);

	json_decref(record);
	return r;
}

void psc_journal_close(struct psc_daemon *daemon)
{
	closed++;
}

enum psc_guard_state psc_off_state(const struct psc_daemon *daemon)
{
	return guard_state;
}

const char *psc_guard_state_to_string(enum psc_guard_state state)
{
	return (const char *[]){"on", "unpinned", "off"}[state];
}

int psc_guard_missing_pins(const struct psc_guard *guard, const char *ret[PSC_GUARD_PINS_MAX])
{
	for (int i = 0; i < missing_pins; i++)
		ret[i] = "psc_mmap_file";
	return missing_pins;
}

bool psc_guard_has(const struct psc_guard *guard, const struct psc_image *image,
		   uint64_t generation)
{
	return table_is_ours;
}

enum psc_auditlog_state psc_auditlog_look(const struct psc_auditlog *log)
{
	return log_state;
}

const char *psc_auditlog_path(const struct psc_auditlog *log)
{
	return "/var/log/proscribe/audit-1.jsonl";
}

void psc_say(const char *fmt, ...)
{
}

/* ---- fixture ------------------------------------------------------------------------------- */

static struct psc_product product = {.id = (char *)"acme/tool"};
static struct psc_shared shared;
static struct psc_guard guard = {.shared = &shared};
static struct psc_daemon daemon_;
static struct schema schema;

static int setup(void **state)
{
	json_decref(records);
	json_decref(daemon_.sightings);
	records = json_array();
	daemon_ = (struct psc_daemon){
		.guard = &guard,
		.policy.set.catalog = {&product, 1},
		.boot_id = "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11",
	};
	guard = (struct psc_guard){.shared = &shared};
	journal_error = missing_pins = 0;
	guard_state = PSC_GUARD_ON;
	log_state = PSC_AUDITLOG_SOUND;
	table_is_ours = true;
	closed = 0;
	unlink(PSC_PATH_SIGHTINGS);
	unlink(absence_file);
	return 0;
}

/* Number @i of @count. */
static json_t *record_at(size_t i, size_t count)
{
	json_t *record = json_array_get(records, i);
	char previous[65];

	assert_int_equal(json_array_size(records), count);
	memset(previous, '0', 64);
	previous[64] = '\0';
	json_object_set_new(record, "chain",
			    json_pack("{s:i, s:s}", "sequence", 1, "previous", previous));
	schema.fault[0] = '\0';
	if (!schema_holds(&schema, schema.root, record))
		fail_msg("%s", schema.fault);
	return json_object_get(record, "proscribe");
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* ---- scans --------------------------------------------------------------------------------- */

#define CATALOG "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static json_t *scan(const char *kind)
{
	return json_pack(
		"{s:s, s:b, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:i, s:{s:i, s:i, s:s}, "
		"s:[{s:s, s:s}], s:[{s:s, s:s, s:i}], s:[{s:s, s:i}], s:[], s:{s:i, s:i}}",
		"result", "found", "complete", 0, "began", "2030-01-01T00:00:00Z", "ended",
		"2030-01-01T00:01:00Z", "host", "h", "version", "1", "root", 1, "network", 0,
		"archives", 0, "findings", 3, "unread", 2, "method", "products", 5, "rules", 6,
		"catalog_sha256", CATALOG, "scope", "kind", kind, "path", "/a\033", "products",
		"product", "acme/tool/program", "confidence", "high", "findings", 3, "gaps",
		"reason", "gone", "count", 2, "excluded", "counts", "files", 10, "examined", 4);
}

static void test_scan(void **state)
{
	_cleanup_json_ json_t *from = scan("host");
	uint64_t sequence = 0;
	json_t *own, *item;

	psc_sightings_open(&daemon_);
	assert_int_equal(psc_scanned_record(&daemon_, from, "uid 0, pid 1", &sequence), 0);
	assert_int_equal(sequence, 2);
	/* what was found on this host was seen */
	assert_string_equal(text(record_at(0, 2), "product"), "acme/tool");
	own = record_at(1, 2);
	assert_string_equal(text(own, "type"), "scan");
	assert_string_equal(text(own, "requester"), "uid 0, pid 1");
	item = json_array_get(json_object_get(json_object_get(own, "scan"), "scope"), 0);
	assert_string_equal(text(item, "path"), "/a\\x1b");
}

/* What lies in an image is not on this host. */
static void test_scan_elsewhere(void **state)
{
	_cleanup_json_ json_t *from = scan("image");
	uint64_t sequence;

	psc_sightings_open(&daemon_);
	assert_int_equal(psc_scanned_record(&daemon_, from, "uid 0, pid 1", &sequence), 0);
	assert_string_equal(text(record_at(0, 1), "type"), "scan");
}

static void assert_no_scan(const char *key, json_t *value)
{
	_cleanup_json_ json_t *from = scan("host");
	uint64_t sequence = 7;

	if (value)
		json_object_set_new(from, key, value);
	else
		json_object_del(from, key);
	assert_int_equal(psc_scanned_record(&daemon_, from, "uid 0", &sequence), -EINVAL);
	assert_int_equal(sequence, 7);
	assert_int_equal(json_array_size(records), 0);
}

static void test_no_scan(void **state)
{
	uint64_t sequence;

	psc_sightings_open(&daemon_);
	assert_int_equal(psc_scanned_record(&daemon_, NULL, "uid 0", &sequence), -EINVAL);
	assert_no_scan("result", NULL);
	assert_no_scan("result", json_string("fine"));
	assert_no_scan("began", json_string("yesterday"));
	assert_no_scan("findings", json_integer(-1));
	assert_no_scan("complete", json_string("true"));
	assert_no_scan("method", json_object());
	assert_no_scan("scope", json_object());
	assert_no_scan("scope", json_pack("[i]", 1));
	assert_no_scan("counts", json_pack("{s:s}", "files", "many"));
	assert_no_scan("counts", json_pack("{s:i}", "fi\nles", 1));
}

/* ---- first sightings ----------------------------------------------------------------------- */

static int see(const char *name, const char *path)
{
	return psc_sightings_see(&daemon_,
				 &(struct psc_sighting){.product = name,
							.how = "attempt",
							.path = path,
							.digest = CATALOG,
							.at = 1893456000ULL * PSC_NSEC_PER_SEC});
}

static void test_first_seen(void **state)
{
	json_t *own;

	psc_sightings_open(&daemon_);
	assert_int_equal(see("", "/x"), 0);
	assert_int_equal(json_array_size(records), 0);
	/* as new as before while there is no record */
	journal_error = -ENOSPC;
	assert_int_equal(see("acme/tool/updater", "/a\n"), -ENOSPC);
	journal_error = 0;
	assert_int_equal(see("acme/tool/updater", "/a\n"), 0);
	assert_int_equal(see("acme/tool", "/b"), 0);
	own = record_at(0, 1);
	assert_string_equal(text(own, "product"), "acme/tool");
	assert_string_equal(text(own, "first_seen"), "2030-01-01T00:00:00Z");
	assert_string_equal(text(own, "path"), "/a\\x0a");
	assert_true(json_is_false(json_object_get(own, "again")));
	assert_int_equal(see("our own\033", "/c"), 0);
	assert_string_equal(text(record_at(1, 2), "product"), "our own\\x1b");

	/* the next daemon knows */
	json_decref(daemon_.sightings);
	daemon_.sightings = NULL;
	psc_sightings_open(&daemon_);
	assert_int_equal(see("acme/tool", "/b"), 0);
	assert_int_equal(see("our own\033", "/b"), 0);
	assert_int_equal(json_array_size(records), 2);

	/* the first record is given up, the second is not */
	psc_sightings_repeat(&daemon_, 2);
	own = record_at(2, 3);
	assert_string_equal(text(own, "product"), "acme/tool");
	assert_string_equal(text(own, "first_seen"), "2030-01-01T00:00:00Z");
	assert_true(json_is_true(json_object_get(own, "again")));
	psc_sightings_repeat(&daemon_, 2);
	assert_int_equal(json_array_size(records), 3);
}

static void test_first_seen_damaged(void **state)
{
	static const char *const files[] = {
		"",
		"{",
		"[]",
		"{\"products\":[]}",
		"{\"products\":{\"a\":{}}}",
		"{\"products\":{\"a\":{\"first_seen\":\"x\",\"how\":\"scan\",\"sequence\":1}}}"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *f = fopen(PSC_PATH_SIGHTINGS, "w");

		fputs(files[i], f);
		fclose(f);
		json_decref(daemon_.sightings);
		daemon_.sightings = NULL;
		psc_sightings_open(&daemon_);
		assert_int_equal(json_object_size(daemon_.sightings), 0);
		/* nothing is thrown away */
		assert_int_equal(access(PSC_PATH_SIGHTINGS, F_OK), -1);
		assert_int_equal(unlink(PSC_PATH_SIGHTINGS ".damaged"), 0);
	}
}

/* ---- when the guard was not on ------------------------------------------------------------- */

static json_t *absence(uint64_t attached)
{
	json_decref(records);
	records = json_array();
	daemon_.absence.requester[0] = '\0';
	shared.control.attached_ns = attached;
	psc_absence_read(&daemon_);
	psc_absence_record(&daemon_);
	return record_at(0, 1);
}

static void test_absence(void **state)
{
	uint64_t now = psc_time_boot();
	json_t *own = absence(now);

	assert_string_equal(text(own, "reason"), "boot");
	assert_int_equal(json_integer_value(json_object_get(own, "from_boot_ns")), 0);
	assert_true(json_integer_value(json_object_get(own, "until_boot_ns")) == (json_int_t)now);
	/* a daemon that was killed, and then somebody took the guard away */
	own = absence(psc_time_boot() + 1000000000);
	assert_string_equal(text(own, "reason"), "lost");
	assert_true(json_integer_value(json_object_get(own, "from_boot_ns")) >= (json_int_t)now);
	psc_absence_off(&daemon_, "uid 0, auid 1000, pid 7");
	own = absence(psc_time_boot() + 2000000000);
	assert_string_equal(text(own, "reason"), "off");
	assert_string_equal(text(own, "requester"), "uid 0, auid 1000, pid 7");
	/* of another boot */
	daemon_.boot_id[0] = 'f';
	assert_string_equal(text(absence(psc_time_boot()), "reason"), "boot");
	/* a guard that was on all the time */
	guard.adopted = true;
	json_array_clear(records);
	psc_absence_record(&daemon_);
	assert_int_equal(json_array_size(records), 0);
}

/* ---- tampering ------------------------------------------------------------------------------ */

static void test_pins_gone(void **state)
{
	json_t *own;

	psc_tamper_tick(&daemon_);
	assert_int_equal(json_array_size(records), 0);
	missing_pins = 1;
	psc_tamper_tick(&daemon_);
	psc_tamper_tick(&daemon_);
	own = record_at(0, 1);
	assert_string_equal(text(own, "what"), "pins");
	assert_string_equal(text(own, "guard"), "on");
	assert_int_equal(json_array_size(json_object_get(own, "missing")), 1);
	missing_pins = PSC_GUARD_PINS_MAX;
	guard_state = PSC_GUARD_OFF;
	psc_tamper_tick(&daemon_);
	assert_string_equal(text(record_at(1, 2), "guard"), "off");
	/* we are taking it away ourselves */
	setup(NULL);
	missing_pins = 3;
	snprintf(daemon_.leaving, sizeof(daemon_.leaving), "uid 0");
	psc_tamper_tick(&daemon_);
	assert_int_equal(json_array_size(records), 0);
}

static void test_table_altered(void **state)
{
	table_is_ours = false;
	psc_tamper_tick(&daemon_);
	psc_tamper_tick(&daemon_);
	assert_string_equal(text(record_at(0, 1), "what"), "table");
	table_is_ours = true;
	psc_tamper_tick(&daemon_);
	table_is_ours = false;
	psc_tamper_tick(&daemon_);
	assert_int_equal(json_array_size(records), 2);
	daemon_.policy.held = true;
	psc_tamper_tick(&daemon_);
	daemon_.policy.held = false;
	psc_tamper_tick(&daemon_);
	assert_int_equal(json_array_size(records), 3);
}

static void test_log_altered(void **state)
{
	static const char *const names[] = {NULL, "log_removed", "log_cut", "log_altered"};

	log_state = PSC_AUDITLOG_CUT;
	psc_tamper_tick(&daemon_);
	assert_int_equal(json_array_size(records), 0); /* there is none */
	daemon_.log = (struct psc_auditlog *)&daemon_;
	for (size_t i = 1; i < ARRAY_SIZE(names); i++) {
		log_state = (enum psc_auditlog_state)i;
		psc_tamper_tick(&daemon_);
		assert_string_equal(text(record_at(i - 1, i), "what"), names[i]);
	}
	assert_int_equal(closed, 1);
	daemon_.log = NULL;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int group_setup(void **state)
{
	schema.root = json_load_file("docs/record.schema.json", JSON_REJECT_DUPLICATES, NULL);
	snprintf(state_directory, sizeof(state_directory), "/tmp/psc-own-XXXXXX");
	if (!schema.root || !mkdtemp(state_directory) || chdir(state_directory) < 0)
		return -1;
	snprintf(absence_file, sizeof(absence_file), "%s/guard", state_directory);
	snprintf(state_file, sizeof(state_file), "%s/first-seen.json", state_directory);
	return 0;
}

static int group_teardown(void **state)
{
	json_decref((json_t *)schema.root);
	json_decref(records);
	json_decref(daemon_.sightings);
	unlink(state_file);
	unlink(absence_file);
	return rmdir(state_directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_scan, setup),
		cmocka_unit_test_setup(test_scan_elsewhere, setup),
		cmocka_unit_test_setup(test_no_scan, setup),
		cmocka_unit_test_setup(test_first_seen, setup),
		cmocka_unit_test_setup(test_first_seen_damaged, setup),
		cmocka_unit_test_setup(test_absence, setup),
		cmocka_unit_test_setup(test_pins_gone, setup),
		cmocka_unit_test_setup(test_table_altered, setup),
		cmocka_unit_test_setup(test_log_altered, setup),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
