/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signing.h - keys, certificates, files and descriptors for the tests of signatures. Whoever
 * is named in a certificate here is a stand-in. Include it behind cmocka.h.
 */
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/signer.h"

#define DAY (24L * 3600)

struct signer {
	EVP_PKEY *key;
	X509 *cert;
};

struct recipe {
	const char *const *subject; /* attribute, value, ..., NULL */
	const char *usage;	    /* extended key usage; NULL: none */
	bool ca;
	long from, until;	     /* seconds from now */
	const struct signer *issuer; /* NULL: itself */
};

static inline void set_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline X509 *make_cert(EVP_PKEY *key, const struct recipe *recipe)
{
	static long serial = 0x7a01;
	X509 *cert = X509_new(), *issuer = recipe->issuer ? recipe->issuer->cert : cert;
	X509_NAME *name = X509_get_subject_name(cert);

	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++), 1);
	for (const char *const *at = recipe->subject; *at; at += 2)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, at[0], MBSTRING_UTF8,
							    (const uint8_t *)at[1], -1, -1, 0),
				 1);
	assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer)), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), recipe->from);
	X509_gmtime_adj(X509_getm_notAfter(cert), recipe->until);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	set_extension(cert, issuer, NID_subject_key_identifier, "hash");
	set_extension(cert, issuer, NID_basic_constraints,
		      recipe->ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (recipe->usage)
		set_extension(cert, issuer, NID_ext_key_usage, recipe->usage);
	assert_true(X509_sign(cert, recipe->issuer ? recipe->issuer->key : key, EVP_sha256()) > 0);
	return cert;
}

static inline void signer_clear(struct signer *signer)
{
	EVP_PKEY_free(signer->key);
	X509_free(signer->cert);
	*signer = (struct signer){0};
}

static inline void put(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void put_cert(const char *path, X509 *cert)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	assert_int_equal(fclose(file), 0);
}

static inline void put_key(const char *path, EVP_PKEY *key)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
}

/* Keeps a file as a seed for a fuzzer, when somebody asks for that. */
static inline void keep_seed(const char *name, const void *data, size_t size)
{
	const char *to = getenv("PSC_KEEP_SEEDS");
	char path[512];

	if (!to)
		return;
	snprintf(path, sizeof(path), "%s/%s", to, name);
	put(path, data, size);
}

/* The content in memory, as a descriptor. */
static inline int memory_file(const void *data, size_t size)
{
	int fd = memfd_create("in", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	return fd;
}

/* Whether there is such a fact; @group 0: in any group. */
static inline bool has_fact(const struct psc_facts *facts, enum psc_fact_kind kind,
			    unsigned int group, const char *value)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct psc_fact *fact = &facts->fact[i];

		if (fact->kind == kind && (!group || fact->group == group) &&
		    strcmp(fact->value, value) == 0)
			return true;
	}
	return false;
}

static inline size_t count_facts(const struct psc_facts *facts, enum psc_fact_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < facts->count; i++)
		count += facts->fact[i].kind == kind;
	return count;
}

/* Whether a problem contains these words. */
static inline bool has_problem(const struct psc_facts *facts, const char *words)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->fact[i].kind == PSC_FACT_PROBLEM && strstr(facts->fact[i].value, words))
			return true;
	}
	return false;
}
