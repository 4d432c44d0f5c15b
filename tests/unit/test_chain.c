/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_chain.c - the chain of the audit log: every way to tamper with one is found at its
 * place, a log that nobody touched is intact, and going on after a crash keeps it so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <zlib.h>

#include "user/core/auditlog.h"
#include "user/core/chain_verify.h"
#include "user/core/digest.h"
#include "user/core/json.h"

#define FIRST  "audit-20260101T000000Z.jsonl"
#define SECOND "audit-20260301T000000Z.jsonl"
#define LINES  6 /* of each file */

struct place {
	char directory[64];
	char keys[80];
	struct psc_chain_key *key;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->directory, sizeof(p->directory), "/tmp/psc-test-chain-XXXXXX");
	if (!mkdtemp(p->directory))
		return -1;
	snprintf(p->keys, sizeof(p->keys), "%s/keys", p->directory);
	if (psc_chain_key_open(p->keys, &p->key, NULL) < 0)
		return -1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	psc_chain_key_free(p->key);
	snprintf(command, sizeof(command), "rm -rf '%s'", p->directory);
	if (system(command) != 0)
		return -1;
	free(p);
	return 0;
}

static void path_of(const struct place *p, const char *name, char path[192])
{
	snprintf(path, 192, "%s/%s", p->directory, name);
}

static void append(struct psc_auditlog *log, int n, const struct psc_chain_key *key)
{
	_cleanup_json_ json_t *json = json_pack("{s:i,s:s}", "n", n, "text", "chained, previous");

	assert_int_equal(psc_auditlog_append_signed(log, json, key), 0);
}

/* Records FROM to TO; each third is signed. The file @name is there, and empty, at first. */
static void write_some(const struct place *p, const char *name, int from, int to)
{
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	char path[192];
	FILE *f;

	path_of(p, name, path);
	f = fopen(path, "a");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), 0);
	for (int n = from; n <= to; n++)
		append(log, n, n % 3 ? NULL : p->key);
}

static void write_two_files(const struct place *p)
{
	write_some(p, FIRST, 1, LINES);
	write_some(p, SECOND, LINES + 1, 2 * LINES);
}

/* ---- tampering ------------------------------------------------------------------------------- */

struct text {
	char *line[64];
	size_t count;
};

static void read_lines(const struct place *p, const char *name, struct text *text)
{
	char path[192], line[2048];
	FILE *f;

	path_of(p, name, path);
	f = fopen(path, "r");
	assert_non_null(f);
	text->count = 0;
	while (fgets(line, sizeof(line), f))
		text->line[text->count++] = strdup(line);
	fclose(f);
}

static void write_lines(const struct place *p, const char *name, struct text *text)
{
	char path[192];
	FILE *f;

	path_of(p, name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	for (size_t i = 0; i < text->count; i++) {
		fputs(text->line[i], f);
		free(text->line[i]);
	}
	fclose(f);
}

/* Line @at of @name is no longer there. */
static void drop(const struct place *p, const char *name, size_t at)
{
	struct text text;

	read_lines(p, name, &text);
	free(text.line[at]);
	text.count--;
	memmove(&text.line[at], &text.line[at + 1], (text.count - at) * sizeof(char *));
	write_lines(p, name, &text);
}

static void insert(const struct place *p, const char *name, size_t at, const char *line)
{
	struct text text;

	read_lines(p, name, &text);
	memmove(&text.line[at + 1], &text.line[at], (text.count - at) * sizeof(char *));
	text.line[at] = strdup(line);
	text.count++;
	write_lines(p, name, &text);
}

static void swap(const struct place *p, const char *name, size_t a, size_t b)
{
	struct text text;
	char *line;

	read_lines(p, name, &text);
	line = text.line[a];
	text.line[a] = text.line[b];
	text.line[b] = line;
	write_lines(p, name, &text);
}

/* One byte of line @at is another: the first @what becomes an x. */
static void edit(const struct place *p, const char *name, size_t at, const char *what)
{
	struct text text;
	char *byte;

	read_lines(p, name, &text);
	byte = strstr(text.line[at], what);
	assert_non_null(byte);
	*byte = *byte == 'x' ? 'y' : 'x';
	write_lines(p, name, &text);
}

/* ---- what is found ----------------------------------------------------------------------------- */

static struct psc_chain_report verify(const struct place *p, const struct psc_chain_anchor *anchor)
{
	const struct psc_chain_key *keys[] = {p->key};
	const struct psc_chain_verify_options options = {
		.keys = keys, .key_count = 1, .anchors = anchor, .anchor_count = anchor ? 1 : 0};
	struct psc_chain_report report;

	assert_int_equal(psc_chain_verify(p->directory, &options, &report), 0);
	return report;
}

static void assert_fault(const struct place *p, enum psc_chain_fault fault, const char *file,
			 unsigned int line)
{
	struct psc_chain_report report = verify(p, NULL);

	assert_string_equal(psc_chain_fault_to_string(report.fault),
			    psc_chain_fault_to_string(fault));
	assert_string_equal(report.place.file, file);
	assert_int_equal(report.place.line, line);
	assert_true(report.place.message[0]);
}

static void test_intact(void **state)
{
	const struct place *p = *state;
	struct psc_chain_report report;

	report = verify(p, NULL);
	assert_int_equal(report.fault, PSC_CHAIN_INTACT);
	assert_int_equal(report.records, 0);
	write_two_files(p);
	report = verify(p, NULL);
	assert_int_equal(report.fault, PSC_CHAIN_INTACT);
	assert_int_equal(report.files, 2);
	assert_int_equal(report.records, 2 * LINES);
	assert_int_equal(report.first_sequence, 1);
	assert_int_equal(report.end.sequence, 2 * LINES);
	assert_int_equal(report.signatures, 2 * LINES / 3);
	assert_int_equal(report.last_signed, 2 * LINES - 1);
}

static void test_edited(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	edit(p, FIRST, 1, "chained");
	assert_fault(p, PSC_CHAIN_EDITED, FIRST, 2);
}

/* The last record of a file is bound by the next file. */
static void test_edited_at_boundary(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	edit(p, FIRST, LINES - 1, "chained");
	assert_fault(p, PSC_CHAIN_EDITED, FIRST, LINES);
}

static void test_link_damaged(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	edit(p, SECOND, 2, "\"previous\"");
	assert_fault(p, PSC_CHAIN_DAMAGED, SECOND, 3);
}

static void test_missing(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	drop(p, FIRST, 2);
	assert_fault(p, PSC_CHAIN_MISSING, FIRST, 3);
}

static void test_end_of_file_missing(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	drop(p, FIRST, LINES - 1);
	assert_fault(p, PSC_CHAIN_FILE_MISSING, SECOND, 1);
}

static void test_file_missing(void **state)
{
	const struct place *p = *state;
	char path[192];

	write_two_files(p);
	write_some(p, "audit-20260501T000000Z.jsonl", 20, 22);
	path_of(p, SECOND, path);
	assert_int_equal(unlink(path), 0);
	assert_fault(p, PSC_CHAIN_FILE_MISSING, "audit-20260501T000000Z.jsonl", 1);
}

static void test_repeated(void **state)
{
	const struct place *p = *state;
	struct text text;
	char line[2048];

	write_two_files(p);
	read_lines(p, FIRST, &text);
	snprintf(line, sizeof(line), "%s", text.line[2]);
	write_lines(p, FIRST, &text);
	insert(p, FIRST, 3, line);
	assert_fault(p, PSC_CHAIN_MISPLACED, FIRST, 4);
}

/* Put in with a link of its own that is right: the record behind it gives it away. */
static void test_inserted(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_hasher_freep) struct psc_hasher *hasher = NULL;
	struct psc_chain chain = {0};
	struct psc_chain_link link;
	struct text text;
	char line[2048], prefix[PSC_CHAIN_PREFIX_MAX];

	write_two_files(p);
	read_lines(p, FIRST, &text);
	assert_int_equal(psc_hasher_new(&hasher), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			psc_chain_advance(&chain, hasher, text.line[i], strlen(text.line[i]) - 1),
			0);
	write_lines(p, FIRST, &text);
	psc_chain_next(&chain, &link);
	psc_chain_format(&link, prefix);
	snprintf(line, sizeof(line), "%s\"n\":99}\n", prefix);
	insert(p, FIRST, 3, line);
	assert_fault(p, PSC_CHAIN_MISPLACED, FIRST, 5);
}

static void test_reordered(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	swap(p, SECOND, 1, 3);
	assert_fault(p, PSC_CHAIN_MISSING, SECOND, 2);
}

static void test_garbage(void **state)
{
	const struct place *p = *state;

	write_two_files(p);
	insert(p, FIRST, 2, "{\"n\":3}\n");
	assert_fault(p, PSC_CHAIN_DAMAGED, FIRST, 3);
}

static void test_incomplete(void **state)
{
	const struct place *p = *state;
	char path[192];

	write_two_files(p);
	path_of(p, SECOND, path);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_equal(verify(p, NULL).fault, PSC_CHAIN_DAMAGED);
}

/* Another key's signature, and a byte of the right one's. */
static void test_signature(void **state)
{
	struct place *p = *state;
	_cleanup_(psc_chain_key_freep) struct psc_chain_key *own = NULL;
	char path[128];

	write_two_files(p);
	edit(p, SECOND, LINES - 1, "\"signature\":\"");
	assert_fault(p, PSC_CHAIN_DAMAGED, SECOND, LINES);
	own = TAKE_PTR(p->key);
	snprintf(path, sizeof(path), "%s/other", p->directory);
	assert_int_equal(psc_chain_key_open(path, &p->key, NULL), 0);
	assert_fault(p, PSC_CHAIN_SIGNATURE, FIRST, 3);
}

static void test_signature_forged(void **state)
{
	const struct place *p = *state;
	struct text text;
	char *at;

	write_two_files(p);
	read_lines(p, SECOND, &text);
	at = strstr(text.line[LINES - 1], "\"signature\":\"");
	assert_non_null(at);
	at[20] = at[20] == 'a' ? 'b' : 'a';
	write_lines(p, SECOND, &text);
	assert_fault(p, PSC_CHAIN_SIGNATURE, SECOND, LINES);
}

/* ---- anchors ----------------------------------------------------------------------------------- */

static void test_anchor_text(void **state)
{
	struct psc_chain_anchor anchor = {.sequence = 17, .head = {1, 2, 3}}, read;
	char text[PSC_CHAIN_ANCHOR_TEXT_MAX];
	static const char *const wrong[] = {"",
					    "proscribe-anchor 1 ",
					    "proscribe-anchor 1 0 00",
					    "proscribe-anchor 2 1 00",
					    "proscribe-anchor 1 x 00",
					    "proscribe-anchor 1 99999999999999999999999 00"};

	assert_int_equal(psc_chain_anchor_format(&anchor, "host", "2026-01-01T00:00:00Z", text), 0);
	assert_int_equal(psc_chain_anchor_parse(text, &read), 0);
	assert_int_equal(read.sequence, 17);
	assert_memory_equal(read.head, anchor.head, PSC_DIGEST_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(psc_chain_anchor_parse(wrong[i], &read), -EINVAL);
}

static struct psc_chain_anchor anchor_of(const struct place *p)
{
	struct psc_chain_report report = verify(p, NULL);
	struct psc_chain_anchor anchor = {.sequence = report.end.sequence};

	memcpy(anchor.head, report.end.head, PSC_DIGEST_SIZE);
	return anchor;
}

static void test_anchor_holds(void **state)
{
	const struct place *p = *state;
	struct psc_chain_anchor anchor;
	struct psc_chain_report report;
	char path[192];

	write_some(p, FIRST, 1, LINES);
	anchor = anchor_of(p);
	write_some(p, SECOND, LINES + 1, 2 * LINES);
	report = verify(p, &anchor);
	assert_int_equal(report.fault, PSC_CHAIN_INTACT);
	assert_int_equal(report.anchors, 1);
	/* the first file has been given up; its last record is still bound */
	path_of(p, FIRST, path);
	assert_int_equal(unlink(path), 0);
	report = verify(p, &anchor);
	assert_int_equal(report.fault, PSC_CHAIN_INTACT);
	assert_int_equal(report.first_sequence, LINES + 1);
	assert_int_equal(report.anchors, 1);
}

/* Without an anchor nobody can tell; with one it is found. */
static void test_anchor_cut(void **state)
{
	const struct place *p = *state;
	struct psc_chain_anchor anchor;

	write_two_files(p);
	anchor = anchor_of(p);
	drop(p, SECOND, LINES - 1);
	assert_int_equal(verify(p, NULL).fault, PSC_CHAIN_INTACT);
	assert_int_equal(verify(p, &anchor).fault, PSC_CHAIN_CUT);
}

/* Root has written the whole log anew, with the right key. */
static void test_anchor_rewritten(void **state)
{
	const struct place *p = *state;
	struct psc_chain_anchor anchor;
	char path[192];

	write_some(p, FIRST, 1, LINES);
	anchor = anchor_of(p);
	path_of(p, FIRST, path);
	assert_int_equal(unlink(path), 0);
	write_some(p, FIRST, 2, LINES + 3);
	assert_int_equal(verify(p, NULL).fault, PSC_CHAIN_INTACT);
	assert_int_equal(verify(p, &anchor).fault, PSC_CHAIN_ANCHOR);
}

/* ---- the writer -------------------------------------------------------------------------------- */

/* Whatever a crash left of the last line, what is written next continues the chain. */
static void test_goes_on_after_crash(void **state)
{
	const struct place *p = *state;
	struct stat st;
	char path[192];

	path_of(p, FIRST, path);
	for (int cut = 1; cut < 400; cut += 13) {
		struct psc_chain_report report;

		unlink(path);
		write_some(p, FIRST, 1, 4);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, st.st_size - cut), 0);
		write_some(p, FIRST, 5, 6);
		report = verify(p, NULL);
		assert_int_equal(report.fault, PSC_CHAIN_INTACT);
		assert_true(report.records >= 4);
	}
}

/* The file was taken away while it was written: what follows shows the gap. */
static void test_goes_on_after_removal(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL, *again = NULL;
	struct psc_chain_report report;

	write_some(p, FIRST, 1, 3);
	write_some(p, SECOND, 4, 5);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), 0);
	append(log, 6, NULL);
	assert_int_equal(unlink(psc_auditlog_path(log)), 0);
	append(log, 7, NULL);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &again, NULL), 0);
	psc_auditlog_continue(again, psc_auditlog_chain(log));
	append(again, 8, NULL);
	report = verify(p, NULL);
	assert_int_equal(report.fault, PSC_CHAIN_MISSING);
	assert_string_equal(report.place.file, FIRST);
	assert_int_equal(report.place.line, 4);
}

/* As the daemon leaves the first file when the second is begun; its path to @packed. */
static void pack_first(const struct place *p, char packed[192])
{
	char path[192];
	struct text text;
	gzFile gz;

	path_of(p, FIRST, path);
	path_of(p, FIRST ".gz", packed);
	read_lines(p, FIRST, &text);
	gz = gzopen(packed, "wb");
	assert_non_null(gz);
	for (size_t i = 0; i < text.count; i++)
		gzputs(gz, text.line[i]);
	gzclose(gz);
	write_lines(p, FIRST, &text);
	assert_int_equal(unlink(path), 0);
}

static void test_compressed(void **state)
{
	const struct place *p = *state;
	struct psc_chain_report report;
	char packed[192];

	write_two_files(p);
	pack_first(p, packed);
	report = verify(p, NULL);
	assert_int_equal(report.fault, PSC_CHAIN_INTACT);
	assert_int_equal(report.records, 2 * LINES);
}

/*
 * One whose checksum is another, one that lacks it, one that is cut within a line: no record that
 * is missing or another one goes unseen.
 */
static void test_compressed_damaged(void **state)
{
	const struct place *p = *state;
	struct psc_chain_report report;
	char packed[192];
	struct stat st;
	FILE *f;

	write_two_files(p);
	pack_first(p, packed);
	assert_int_equal(stat(packed, &st), 0);
	f = fopen(packed, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, st.st_size - 8, SEEK_SET), 0);
	fputs("xxxx", f);
	fclose(f);
	assert_int_equal(verify(p, NULL).fault, PSC_CHAIN_UNREADABLE);
	/* all its lines are there, and the next file vouches for them */
	assert_int_equal(truncate(packed, st.st_size - 8), 0);
	assert_int_equal(verify(p, NULL).fault, PSC_CHAIN_INTACT);
	assert_int_equal(truncate(packed, st.st_size - 20), 0);
	report = verify(p, NULL);
	assert_int_equal(report.fault, PSC_CHAIN_DAMAGED);
	assert_string_equal(report.place.file, FIRST ".gz");
}

/* ---- keys -------------------------------------------------------------------------------------- */

static void test_keys(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_chain_key_freep) struct psc_chain_key *again = NULL, *public = NULL;
	struct psc_error error = {0};
	struct psc_chain_key *bad = NULL;
	char path[192];
	struct stat st;

	assert_int_equal(psc_chain_key_open(p->keys, &again, NULL), 0);
	assert_memory_equal(psc_chain_key_fingerprint(again), psc_chain_key_fingerprint(p->key),
			    PSC_DIGEST_SIZE);
	path_of(p, "keys/log.pub", path);
	assert_int_equal(psc_chain_key_load_public(path, &public, NULL), 0);
	assert_memory_equal(psc_chain_key_fingerprint(public), psc_chain_key_fingerprint(p->key),
			    PSC_DIGEST_SIZE);
	path_of(p, "keys/log.key", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(psc_chain_key_open(p->keys, &bad, &error), -EACCES);
	assert_string_equal(error.file, path);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(psc_chain_key_open(p->keys, &bad, &error), -EINVAL);
	assert_int_equal(psc_chain_key_load_public("/dev/null", &bad, &error), -EINVAL);
	assert_null(bad);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_intact),
		TEST(test_edited),
		TEST(test_edited_at_boundary),
		TEST(test_link_damaged),
		TEST(test_missing),
		TEST(test_end_of_file_missing),
		TEST(test_file_missing),
		TEST(test_repeated),
		TEST(test_inserted),
		TEST(test_reordered),
		TEST(test_garbage),
		TEST(test_incomplete),
		TEST(test_signature),
		TEST(test_signature_forged),
		cmocka_unit_test(test_anchor_text),
		TEST(test_anchor_holds),
		TEST(test_anchor_cut),
		TEST(test_anchor_rewritten),
		TEST(test_goes_on_after_crash),
		TEST(test_goes_on_after_removal),
		TEST(test_compressed),
		TEST(test_compressed_damaged),
		TEST(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
