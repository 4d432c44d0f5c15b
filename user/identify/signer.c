/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer.c - certificates as facts, and the one check of a PKCS #7 signature. See
 * signer_internal.h.
 */
#include <errno.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/core/timefmt.h"
#include "user/identify/signer_internal.h"

#define HEX_MAX		 1024 /* bytes that are written as hex: serials, key ids */
#define NAME_MAX_ENTRIES 64

int psc_signer_add_hex(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		       const uint8_t *data, size_t size)
{
	char hex[2 * HEX_MAX + 1];

	if (size > HEX_MAX)
		return psc_facts_addf(facts, PSC_FACT_PROBLEM, group, "%s of %zu bytes is left out",
				      psc_fact_to_string(kind), size);
	psc_hex_encode(data, size, hex);
	return psc_facts_add(facts, kind, group, hex, 2 * size);
}

/*
 * "O=value". A value with a NUL inside would be cut there and pass for another one: it is left
 * out.
 */
static int add_attribute(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
			 const X509_NAME_ENTRY *entry)
{
	const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
	int nid = OBJ_obj2nid(object), length, r;
	unsigned char *value = NULL;
	char name[128];

	if (nid != NID_undef)
		snprintf(name, sizeof(name), "%s", OBJ_nid2sn(nid));
	else
		OBJ_obj2txt(name, sizeof(name), object, 1);
	length = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
	if (length < 0)
		return psc_facts_addf(facts, PSC_FACT_PROBLEM, group, "%s: %s cannot be read",
				      psc_fact_to_string(kind), name);
	if (memchr(value, 0, length))
		r = psc_facts_addf(facts, PSC_FACT_PROBLEM, group, "%s: %s has a NUL inside",
				   psc_fact_to_string(kind), name);
	else
		r = psc_facts_addf(facts, kind, group, "%s=%.*s", name, length, value);
	OPENSSL_free(value);
	return r;
}

static int add_name(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		    const X509_NAME *name)
{
	int count = X509_NAME_entry_count(name);

	if (count > NAME_MAX_ENTRIES) {
		facts->truncated = true;
		count = NAME_MAX_ENTRIES;
	}
	for (int i = 0; i < count; i++) {
		int r = add_attribute(facts, kind, group, X509_NAME_get_entry(name, i));

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_issuer_serial(struct psc_facts *facts, unsigned int group, const X509_NAME *issuer,
			     const char *serial)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;
	int r;

	if (!bio || X509_NAME_print_ex(bio, issuer, 0, XN_FLAG_RFC2253) < 0) {
		BIO_free(bio);
		return -ENOMEM;
	}
	size = BIO_get_mem_data(bio, &text);
	r = psc_facts_addf(facts, PSC_FACT_SIGNER_ISSUER_SERIAL, group, "%s@%.*s", serial,
			   (int)size, text);
	BIO_free(bio);
	return r;
}

int psc_signer_add_issuer(struct psc_facts *facts, unsigned int group, const X509_NAME *issuer,
			  const ASN1_INTEGER *serial)
{
	int size = ASN1_STRING_length(serial);
	char text[2 * HEX_MAX + 2] = "-";
	int r = add_name(facts, PSC_FACT_SIGNER_ISSUER, group, issuer);

	if (r < 0)
		return r;
	if (size > HEX_MAX)
		return psc_facts_addf(facts, PSC_FACT_PROBLEM, group,
				      "serial number of %d bytes is left out", size);
	psc_hex_encode(ASN1_STRING_get0_data(serial), size,
		       text + (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER));
	r = psc_facts_add(facts, PSC_FACT_SIGNER_SERIAL, group, text, strlen(text));
	return r < 0 ? r : add_issuer_serial(facts, group, issuer, text);
}

static int add_key(struct psc_facts *facts, unsigned int group, X509 *cert)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(cert);
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	unsigned int length = 0;
	int r = 0;

	if (size > 0 && EVP_Digest(der, size, digest, &length, EVP_sha256(), NULL) == 1)
		r = psc_signer_add_hex(facts, PSC_FACT_SIGNER_KEY, group, digest, length);
	OPENSSL_free(der);
	if (r >= 0 && id)
		r = psc_signer_add_hex(facts, PSC_FACT_SIGNER_KEY_ID, group,
				       ASN1_STRING_get0_data(id), ASN1_STRING_length(id));
	return r;
}

static int add_digest(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		      X509 *cert, const EVP_MD *algorithm)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	if (X509_digest(cert, algorithm, digest, &size) != 1)
		return 0;
	return psc_signer_add_hex(facts, kind, group, digest, size);
}

int psc_signer_add(struct psc_facts *facts, unsigned int group, enum psc_signer state, X509 *cert,
		   time_t when)
{
	const char *name = psc_signer_to_string(state);
	char text[PSC_TIME_TEXT_MAX];
	int r = psc_facts_add(facts, PSC_FACT_SIGNER_STATE, group, name, strlen(name));

	if (r >= 0 && when != PSC_SIGNER_NO_TIME && when >= 0) {
		psc_time_format_seconds(when * PSC_NSEC_PER_SEC, text);
		r = psc_facts_add(facts, PSC_FACT_SIGNER_TIME, group, text, strlen(text));
	}
	if (r < 0 || !cert)
		return r;
	r = add_name(facts, PSC_FACT_SIGNER_SUBJECT, group, X509_get_subject_name(cert));
	if (r >= 0)
		r = psc_signer_add_issuer(facts, group, X509_get_issuer_name(cert),
					  X509_get0_serialNumber(cert));
	if (r >= 0)
		r = add_key(facts, group, cert);
	if (r >= 0)
		r = add_digest(facts, PSC_FACT_SIGNER_CERT_SHA256, group, cert, EVP_sha256());
	if (r >= 0)
		r = add_digest(facts, PSC_FACT_SIGNER_CERT_SHA1, group, cert, EVP_sha1());
	ERR_clear_error();
	return r;
}

bool psc_signer_verify(PKCS7 *p7, PKCS7_SIGNER_INFO *info, X509 *cert, const uint8_t *content,
		       size_t size)
{
	const EVP_MD *algorithm;
	BIO *digest = NULL, *sink = NULL;
	bool good = false;

	algorithm = EVP_get_digestbyobj(info->digest_alg->algorithm);
	if (!algorithm || size > PSC_SIGNATURE_SIZE_MAX)
		return false;
	digest = BIO_new(BIO_f_md());
	sink = BIO_new(BIO_s_null());
	if (digest && sink && BIO_set_md(digest, algorithm) == 1) {
		BIO_push(digest, sink);
		good = BIO_write(digest, content, size) == (int)size &&
		       PKCS7_signatureVerify(digest, p7, info, cert) == 1;
	}
	BIO_free(digest);
	BIO_free(sink);
	ERR_clear_error();
	return good;
}
