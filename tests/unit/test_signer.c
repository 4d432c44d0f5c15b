/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_signer.c - which chains hold: authorities in between, what certificates are meant for,
 * times, weak digests; the files that trust is read from; names that try to pass for others.
 * What each certificate says is a stand-in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/signing.h"
#include "user/identify/signer_internal.h"

static const char *const root_name[] = {"CN", "Stand-in Root", NULL};
static const char *const middle_name[] = {"CN", "Stand-in Middle", NULL};
static const char *const leaf_name[] = {"CN", "Stand-in Vendor", NULL};

static char directory[] = "/tmp/psc-signer-XXXXXX";
static EVP_PKEY *key;
static struct signer root;

static const char *place(const char *name)
{
	static char path[2][256];
	static unsigned int next;

	next = (next + 1) % 2;
	snprintf(path[next], sizeof(path[next]), "%s/%s", directory, name);
	return path[next];
}

static int setup(void **state)
{
	const struct recipe recipe = {root_name, NULL, true, -900 * DAY, 900 * DAY, NULL};

	assert_non_null(mkdtemp(directory));
	key = EVP_RSA_gen(2048);
	root.key = EVP_RSA_gen(2048);
	root.cert = make_cert(root.key, &recipe);
	put_cert(place("root.pem"), root.cert);
	return 0;
}

static int teardown(void **state)
{
	unlink(place("root.pem"));
	rmdir(directory);
	EVP_PKEY_free(key);
	signer_clear(&root);
	return 0;
}

static struct psc_trust *trust_in(const char *name)
{
	const char *const paths[] = {place(name), NULL};
	struct psc_trust *trust = NULL;

	assert_int_equal(psc_trust_new_files(paths, &trust, NULL), 0);
	return trust;
}

/* How a certificate stands that a middle one signed, which came along. */
static enum psc_signer judge_below(const struct recipe *middle_recipe, const char *usage,
				   enum psc_usage wanted)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = trust_in("root.pem");
	struct signer middle = {key, make_cert(key, middle_recipe)};
	const struct recipe recipe = {leaf_name, usage, false, -DAY, DAY, &middle};
	X509 *leaf = make_cert(key, &recipe);
	STACK_OF(X509) *others = sk_X509_new_null();
	enum psc_signer state;

	assert_true(sk_X509_push(others, middle.cert) > 0);
	state = psc_signer_judge(trust, leaf, others, wanted, PSC_SIGNER_NO_TIME);
	/* Without the middle one the chain ends nowhere. */
	assert_int_equal(psc_signer_judge(trust, leaf, NULL, wanted, PSC_SIGNER_NO_TIME),
			 PSC_SIGNER_UNTRUSTED);
	sk_X509_free(others);
	X509_free(middle.cert);
	X509_free(leaf);
	return state;
}

static void test_middle(void **state)
{
	struct recipe middle = {middle_name, NULL, true, -DAY, DAY, &root};

	assert_int_equal(judge_below(&middle, "codeSigning", PSC_USAGE_CODE), PSC_SIGNER_TRUSTED);
	assert_int_equal(judge_below(&middle, NULL, PSC_USAGE_MODULE), PSC_SIGNER_TRUSTED);
	assert_int_equal(judge_below(&middle, "critical,timeStamping", PSC_USAGE_TIME),
			 PSC_SIGNER_TRUSTED);
	/* meant for nothing, or for something else */
	assert_int_equal(judge_below(&middle, NULL, PSC_USAGE_CODE), PSC_SIGNER_UNTRUSTED);
	assert_int_equal(judge_below(&middle, "codeSigning", PSC_USAGE_TIME), PSC_SIGNER_UNTRUSTED);
	assert_int_equal(judge_below(&middle, "anyExtendedKeyUsage", PSC_USAGE_CODE),
			 PSC_SIGNER_UNTRUSTED);
	assert_int_equal(judge_below(&middle, "serverAuth", PSC_USAGE_MODULE),
			 PSC_SIGNER_UNTRUSTED);
	middle.usage = "serverAuth";
	assert_int_equal(judge_below(&middle, "codeSigning", PSC_USAGE_CODE), PSC_SIGNER_UNTRUSTED);
	middle.usage = "codeSigning,timeStamping";
	assert_int_equal(judge_below(&middle, "codeSigning", PSC_USAGE_CODE), PSC_SIGNER_TRUSTED);
	/* no authority */
	middle.ca = false;
	assert_int_equal(judge_below(&middle, "codeSigning", PSC_USAGE_CODE), PSC_SIGNER_UNTRUSTED);
	/* an authority that is no longer one */
	middle.ca = true;
	middle.from = -20 * DAY;
	middle.until = -10 * DAY;
	assert_int_equal(judge_below(&middle, "codeSigning", PSC_USAGE_CODE), PSC_SIGNER_EXPIRED);
}

static void test_times(void **state)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = trust_in("root.pem");
	const struct recipe recipe = {leaf_name, "codeSigning", false, -20 * DAY, -10 * DAY, &root};
	X509 *leaf = make_cert(key, &recipe);
	time_t now = time(NULL);

	assert_int_equal(psc_signer_judge(trust, leaf, NULL, PSC_USAGE_CODE, PSC_SIGNER_NO_TIME),
			 PSC_SIGNER_EXPIRED);
	assert_int_equal(psc_signer_judge(trust, leaf, NULL, PSC_USAGE_CODE, now - 15 * DAY),
			 PSC_SIGNER_TRUSTED);
	assert_int_equal(psc_signer_judge(trust, leaf, NULL, PSC_USAGE_CODE, now - 21 * DAY),
			 PSC_SIGNER_EXPIRED);
	assert_int_equal(psc_signer_judge(NULL, leaf, NULL, PSC_USAGE_CODE, now - 15 * DAY),
			 PSC_SIGNER_UNTRUSTED);
	X509_free(leaf);
}

static enum psc_signer judge_signed_with(const EVP_MD *digest)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = trust_in("root.pem");
	const struct recipe recipe = {leaf_name, "codeSigning", false, -DAY, DAY, &root};
	X509 *leaf = make_cert(key, &recipe);
	enum psc_signer state;

	assert_true(X509_sign(leaf, root.key, digest) > 0);
	state = psc_signer_judge(trust, leaf, NULL, PSC_USAGE_CODE, PSC_SIGNER_NO_TIME);
	X509_free(leaf);
	return state;
}

/* Somebody who can make collisions must not become anybody. */
static void test_weak_digest(void **state)
{
	assert_int_equal(judge_signed_with(EVP_sha256()), PSC_SIGNER_TRUSTED);
	assert_int_equal(judge_signed_with(EVP_sha1()), PSC_SIGNER_TRUSTED);
	assert_int_equal(judge_signed_with(EVP_md5()), PSC_SIGNER_UNTRUSTED);
}

static void test_names(void **state)
{
	static const unsigned char hidden[] = "Stand-in Vendor\0.example";
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	static const char *const name[] = {
		"O", "Other, \"quoted\"", "jurisdictionC", "CH", "1.2.3.4.5", "own", NULL};
	const struct recipe recipe = {name, "codeSigning", false, -DAY, DAY, NULL};
	X509 *cert = make_cert(key, &recipe);

	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
						    V_ASN1_UTF8STRING, hidden, sizeof(hidden) - 1,
						    -1, 0),
			 1);
	assert_int_equal(psc_signer_add(&facts, 7, PSC_SIGNER_TRUSTED, cert, 0), 0);
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SUBJECT, 7, "O=Other, \"quoted\""));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SUBJECT, 7, "jurisdictionC=CH"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SUBJECT, 7, "1.2.3.4.5=own"));
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_SUBJECT), 3);
	assert_true(has_problem(&facts, "CN has a NUL inside"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_TIME, 7, "1970-01-01T00:00:00Z"));
	X509_free(cert);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	put(place(name), text, strlen(text));
	assert_int_equal(chmod(place(name), mode), 0);
}

static int try_directory(struct psc_error *err)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL;
	int r = psc_trust_new_host(directory, true, &trust, err);

	if (r >= 0)
		assert_non_null(trust);
	else
		assert_null(trust);
	return r;
}

static void test_files(void **state)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL;
	struct psc_error err = {0};

	assert_int_equal(try_directory(&err), 0);
	/* Only *.pem counts. */
	write_file("notes", "text", 0644);
	write_file(".hidden.pem", "text", 0644);
	assert_int_equal(try_directory(&err), 0);
	write_file("z.pem", "text", 0644);
	assert_int_equal(try_directory(&err), -EINVAL);
	assert_non_null(strstr(err.file, "/z.pem"));
	assert_non_null(strstr(err.message, "certificate 1 cannot be read"));
	write_file("z.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0644);
	assert_int_equal(try_directory(&err), -EINVAL);
	write_file("z.pem", "text", 0666);
	assert_int_equal(try_directory(&err), -EPERM);
	unlink(place("z.pem"));
	unlink(place("notes"));
	unlink(place(".hidden.pem"));
	assert_int_equal(psc_trust_new_host("/nowhere", false, &trust, &err), 0);
	assert_non_null(trust);
	assert_null(psc_trust_free(NULL));
}

/* The host's own trust.d adds to the store, whichever way that is read. */
static void test_host(void **state)
{
	const struct recipe recipe = {leaf_name, "codeSigning", false, -DAY, DAY, &root};
	X509 *leaf = make_cert(key, &recipe);

	for (int at_once = 0; at_once < 2; at_once++) {
		_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL, *without = NULL;

		assert_int_equal(psc_trust_new_host(directory, at_once, &trust, NULL), 0);
		assert_int_equal(
			psc_signer_judge(trust, leaf, NULL, PSC_USAGE_CODE, PSC_SIGNER_NO_TIME),
			PSC_SIGNER_TRUSTED);
		assert_int_equal(psc_trust_new_host("/nowhere", at_once, &without, NULL), 0);
		assert_int_equal(
			psc_signer_judge(without, leaf, NULL, PSC_USAGE_CODE, PSC_SIGNER_NO_TIME),
			PSC_SIGNER_UNTRUSTED);
	}
	X509_free(leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_middle),	    cmocka_unit_test(test_times),
		cmocka_unit_test(test_weak_digest), cmocka_unit_test(test_names),
		cmocka_unit_test(test_files),	    cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
