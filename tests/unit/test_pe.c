/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pe.c - Authenticode: programs made by image.h, signed by osslsigncode with certificates
 * made here, then changed. What each certificate says is a stand-in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/image.h"
#include "tests/unit/signing.h"
#include "tests/unit/timestamps.h"
#include "user/identify/pe.h"

#define FILE_MAX 65536

enum { CA, LEAF, EXPIRED, WEB, ALONE, TSA, STRANGER, SIGNERS };

static struct signer signers[SIGNERS];
static char directory[] = "/tmp/psc-pe-XXXXXX";
static uint8_t image[FILE_MAX];
static size_t image_size;

static const char *place(const char *name)
{
	static char path[4][256];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", directory, name);
	return path[next];
}

static const char *numbered(const char *what, int i)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%d.pem", what, i);
	return place(name);
}

static void run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* 127: osslsigncode is not installed; .ci/packages names it */
	assert_int_equal(status, 0);
}

static void load(const char *path)
{
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	image_size = fread(image, 1, FILE_MAX, f);
	assert_true(image_size < FILE_MAX);
	fclose(f);
}

/* Signs what is in `image`. @extra: "-nest" or NULL. */
static void sign(int who, const char *digest, const char *extra)
{
	const char *in = place("in"), *out = place("out");
	const char *const argv[] = {"osslsigncode", "sign",
				    "-h",	    digest,
				    "-certs",	    numbered("cert", who),
				    "-key",	    numbered("key", who),
				    "-in",	    in,
				    "-out",	    out,
				    extra,	    NULL};

	put(in, image, image_size);
	unlink(out);
	run(argv);
	load(out);
}

static void fresh(bool wide)
{
	make_image(image, wide);
	image_size = IMAGE_SIZE;
}

static void identify(int anchor, struct psc_facts *facts)
{
	const char *const paths[] = {anchor < 0 ? NULL : numbered("cert", anchor), NULL};
	_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL;
	_cleanup_close_ int fd = memory_file(image, image_size);

	psc_facts_clear(facts);
	assert_int_equal(psc_trust_new_files(paths, &trust, NULL), 0);
	assert_int_equal(psc_pe_identify(fd, image_size, NULL, trust, facts), 0);
}

/* One signature in this state. */
static void expect(int anchor, const char *state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	identify(anchor, &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_STATE), 1);
	assert_string_equal(psc_facts_get(&facts, PSC_FACT_SIGNER_STATE), state);
}

static void expect_unsigned(void)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	identify(CA, &facts);
	assert_int_equal(facts.groups, 0);
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_STATE), 0);
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_SUBJECT), 0);
}

static int setup(void **state)
{
	static const char *const ca[] = {"O", "Stand-in Authority", "CN", "Stand-in Root", NULL};
	static const char *const leaf[] = {"O",
					   "Stand-in Vendor",
					   "serialNumber",
					   "1027700000000",
					   "CN",
					   "Stand-in Vendor, Ltd",
					   NULL};
	static const char *const tsa[] = {"CN", "Stand-in Timestamps", NULL};
	const struct recipe recipes[SIGNERS] = {
		[CA] = {ca, NULL, true, -900 * DAY, 900 * DAY, NULL},
		[LEAF] = {leaf, "codeSigning", false, -DAY, DAY, &signers[CA]},
		[EXPIRED] = {leaf, "codeSigning", false, -300 * DAY, -100 * DAY, &signers[CA]},
		[WEB] = {leaf, "serverAuth", false, -DAY, DAY, &signers[CA]},
		[ALONE] = {leaf, "codeSigning", false, -DAY, DAY, NULL},
		[TSA] = {tsa, "critical,timeStamping", false, -400 * DAY, -50 * DAY, &signers[CA]},
		[STRANGER] = {tsa, "critical,timeStamping", false, -400 * DAY, DAY, NULL},
	};
	EVP_PKEY *shared = EVP_RSA_gen(2048);

	assert_non_null(mkdtemp(directory));
	for (int i = 0; i < SIGNERS; i++) {
		if (i == CA || i == TSA || i == STRANGER) {
			signers[i].key = EVP_RSA_gen(2048);
		} else {
			EVP_PKEY_up_ref(shared);
			signers[i].key = shared;
		}
		signers[i].cert = make_cert(signers[i].key, &recipes[i]);
		put_cert(numbered("cert", i), signers[i].cert);
		put_key(numbered("key", i), signers[i].key);
	}
	EVP_PKEY_free(shared);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < SIGNERS; i++) {
		unlink(numbered("cert", i));
		unlink(numbered("key", i));
		signer_clear(&signers[i]);
	}
	unlink(place("in"));
	unlink(place("out"));
	rmdir(directory);
	return 0;
}

static void test_trusted(void **state)
{
	static const char *const digests[] = {"sha1", "sha256", "sha384", "sha512"};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		fresh(i % 2);
		sign(LEAF, digests[i], NULL);
		expect(CA, "trusted");
		expect(-1, "untrusted");
	}
	identify(CA, &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_SUBJECT), 3);
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SUBJECT, 1, "CN=Stand-in Vendor, Ltd"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SUBJECT, 1, "O=Stand-in Vendor"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SUBJECT, 1, "serialNumber=1027700000000"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_ISSUER, 1, "O=Stand-in Authority"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_SERIAL, 1, "7a02"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_ISSUER_SERIAL, 1,
			     "7a02@CN=Stand-in Root,O=Stand-in Authority"));
	assert_int_equal(strlen(psc_facts_get(&facts, PSC_FACT_SIGNER_KEY)), 64);
	assert_int_equal(strlen(psc_facts_get(&facts, PSC_FACT_SIGNER_CERT_SHA256)), 64);
	assert_int_equal(strlen(psc_facts_get(&facts, PSC_FACT_SIGNER_CERT_SHA1)), 40);
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_TIME), 0);
	assert_int_equal(count_facts(&facts, PSC_FACT_PROBLEM), 0);
}

static void test_wrong_people(void **state)
{
	fresh(true);
	sign(ALONE, "sha256", NULL);
	expect(CA, "self_signed");
	expect(ALONE, "trusted");
	fresh(true);
	sign(WEB, "sha256", NULL);
	expect(CA, "untrusted");
	expect(WEB, "untrusted");
	/* The leaf itself in trust.d is enough, its issuer is not asked for. */
	fresh(true);
	sign(LEAF, "sha256", NULL);
	expect(LEAF, "trusted");
}

static void test_tampered(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	uint32_t table;

	fresh(true);
	sign(LEAF, "sha256", NULL);
	/* Nobody signs the checksum. */
	image[IMAGE_CHECKSUM] ^= 0xff;
	expect(CA, "trusted");
	image[IMAGE_CHECKSUM + 4] ^= 1;
	expect(CA, "tampered");
	image[IMAGE_CHECKSUM + 4] ^= 1;
	image[IMAGE_RDATA_END - 1] ^= 1;
	expect(CA, "tampered");
	identify(CA, &facts);
	assert_true(has_problem(&facts, "the image is not the one that was signed"));
	image[IMAGE_RDATA_END - 1] ^= 1;
	/* Behind the table nothing may follow. */
	image[image_size++] = 0;
	expect(CA, "tampered");
	image_size--;
	expect(CA, "trusted");
	/* The signature's own last bytes; up to seven zeros fill the table. */
	table = get32(image_directory(image));
	for (size_t i = image_size - 16; i < image_size - 8; i++)
		image[i] ^= 0x55;
	assert_true(table < image_size);
	identify(CA, &facts);
	assert_false(has_fact(&facts, PSC_FACT_SIGNER_STATE, 0, "trusted"));
}

static void test_expired(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	static const char *const names[] = {"token", "countersignature"};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		time_t when = time(NULL) - 200 * DAY;

		fresh(true);
		sign(EXPIRED, "sha256", NULL);
		expect(CA, "expired");
		/* Seen while both certificates were valid. */
		add_timestamp(image, &image_size, i, &signers[TSA], when);
		keep_seed(names[i], image, image_size);
		identify(CA, &facts);
		assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 1, "trusted"));
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&when));
		assert_true(has_fact(&facts, PSC_FACT_SIGNER_TIME, 1, text));
		assert_int_equal(count_facts(&facts, PSC_FACT_PROBLEM), 0);
		expect(-1, "untrusted");

		/* Seen when the certificate was no longer valid. */
		fresh(true);
		sign(EXPIRED, "sha256", NULL);
		add_timestamp(image, &image_size, i, &signers[TSA], time(NULL) - 60 * DAY);
		expect(CA, "expired");

		/* By somebody without the right to say so, and by nobody known. */
		for (int who = 0; who < 2; who++) {
			fresh(true);
			sign(EXPIRED, "sha256", NULL);
			add_timestamp(image, &image_size, i, &signers[who ? STRANGER : TSA],
				      who ? when : time(NULL) - 10 * DAY);
			expect(CA, "expired");
			identify(CA, &facts);
			assert_true(has_problem(&facts, "by nobody who is trusted with it"));
			assert_true(has_problem(&facts, names[i]) || i == 0);
		}
	}
}

/* A timestamp is for one signature, not for any. */
static void test_borrowed_timestamp(void **state)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

		fresh(true);
		sign(EXPIRED, "sha256", NULL);
		borrow_timestamp(image, &image_size, i, &signers[TSA], time(NULL) - 200 * DAY);
		identify(CA, &facts);
		assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 1, "expired"));
		assert_true(has_problem(&facts, "of another signature"));
	}
}

static void test_two(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	uint8_t *directory_entry;
	uint32_t at, size;

	fresh(true);
	sign(ALONE, "sha1", NULL);
	sign(LEAF, "sha256", "-nest");
	keep_seed("nested", image, image_size);
	identify(CA, &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_SIGNER_STATE), 2);
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 1, "self_signed"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 2, "trusted"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_ISSUER, 2, "CN=Stand-in Root"));
	assert_false(has_fact(&facts, PSC_FACT_SIGNER_ISSUER, 1, "CN=Stand-in Root"));

	/* Side by side: the table with its one entry twice. */
	fresh(true);
	sign(LEAF, "sha256", NULL);
	directory_entry = image_directory(image);
	at = get32(directory_entry);
	size = get32(directory_entry + 4);
	memcpy(image + at + size, image + at, size);
	le32(directory_entry + 4, 2 * size);
	image_size += size;
	keep_seed("two-entries", image, image_size);
	identify(CA, &facts);
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 1, "trusted"));
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 2, "trusted"));
	assert_int_equal(facts.groups, 2);
}

static void test_damaged_table(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	uint32_t at;

	fresh(true);
	sign(LEAF, "sha256", NULL);
	at = get32(image_directory(image));
	image_size -= 40;
	expect(CA, "malformed");
	identify(CA, &facts);
	assert_true(has_problem(&facts, "reaches behind the end of the file, offset"));
	image_size += 40;
	le32(image + at, get32(image + at) + 64);
	expect(CA, "malformed");
	le32(image + at, 4);
	expect(CA, "malformed");
	le32(image + at, 24);
	identify(CA, &facts);
	assert_true(has_fact(&facts, PSC_FACT_SIGNER_STATE, 1, "malformed"));
	le32(image_directory(image), 16);
	identify(CA, &facts);
	assert_true(has_problem(&facts, "inside the header, offset 16"));
	le32(image_directory(image), 0xfffffff8);
	expect(CA, "malformed");
}

/* Certificates that lie in the file, or in the table, sign nothing. */
static void test_certificate_as_data(void **state)
{
	unsigned char *der = NULL;
	int size = i2d_X509(signers[LEAF].cert, &der);
	PKCS7 *p7 = PKCS7_new();

	fresh(true);
	assert_true(size > 0 && size < IMAGE_RDATA_END - IMAGE_RDATA);
	memcpy(image + IMAGE_RDATA, der, size);
	expect_unsigned();
	add_certificate(image, &image_size, 1, der, size);
	expect_unsigned();
	OPENSSL_free(der);

	/* PKCS #7 with certificates and no signer. */
	fresh(true);
	der = NULL;
	assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
	assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
	assert_int_equal(PKCS7_add_certificate(p7, signers[LEAF].cert), 1);
	size = i2d_PKCS7(p7, &der);
	assert_true(size > 0);
	add_certificate(image, &image_size, 2, der, size);
	expect_unsigned();
	OPENSSL_free(der);
	PKCS7_free(p7);
}

/* A good signature over something else. */
static void test_other_content(void **state)
{
	BIO *text = BIO_new_mem_buf("text", 4);
	PKCS7 *p7 = PKCS7_sign(signers[LEAF].cert, signers[LEAF].key, NULL, text, PKCS7_BINARY);
	unsigned char *der = NULL;
	int size = i2d_PKCS7(p7, &der);

	fresh(false);
	add_certificate(image, &image_size, 2, der, size);
	expect(CA, "malformed");
	OPENSSL_free(der);
	PKCS7_free(p7);
	BIO_free(text);
}

/* A good signature over these very bytes, given for something else. */
static void test_other_content_type(void **state)
{
	uint32_t table;
	const unsigned char *at;
	PKCS7_SIGNER_INFO *info;
	unsigned char *der = NULL;
	PKCS7 *p7;
	int size;

	for (int other = 0; other < 2; other++) {
		fresh(true);
		sign(LEAF, "sha256", NULL);
		table = get32(image_directory(image));
		at = image + table + 8;
		p7 = d2i_PKCS7(NULL, &at, image_size - table - 8);
		info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0);
		if (other)
			assert_int_equal(PKCS7_add_signed_attribute(info, NID_pkcs9_contentType,
								    V_ASN1_OBJECT,
								    OBJ_nid2obj(NID_pkcs7_data)),
					 1);
		EVP_PKEY_up_ref(signers[LEAF].key);
		info->pkey = signers[LEAF].key;
		assert_int_equal(PKCS7_SIGNER_INFO_sign(info), 1);
		der = NULL;
		size = i2d_PKCS7(p7, &der);
		image_size = table;
		add_certificate(image, &image_size, 2, der, size);
		expect(CA, other ? "tampered" : "trusted");
		OPENSSL_free(der);
		PKCS7_free(p7);
	}
}

static void test_headers(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	fresh(true);
	keep_seed("unsigned", image, image_size);
	expect_unsigned();
	/* DOS: nothing is wrong with it. */
	le32(image + 60, 0x7ffffff0);
	identify(CA, &facts);
	assert_int_equal(facts.count, 0);
	fresh(true);
	image_size = IMAGE_OPTIONAL + 10;
	identify(CA, &facts);
	assert_true(has_problem(&facts, "header cut off, offset 128"));
	fresh(true);
	le16(image + IMAGE_OPTIONAL, 0x107);
	identify(CA, &facts);
	assert_true(has_problem(&facts, "unknown kind of header"));
	image_size = 20;
	identify(CA, &facts);
	assert_int_equal(facts.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trusted),
		cmocka_unit_test(test_wrong_people),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_borrowed_timestamp),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_damaged_table),
		cmocka_unit_test(test_certificate_as_data),
		cmocka_unit_test(test_other_content),
		cmocka_unit_test(test_other_content_type),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
