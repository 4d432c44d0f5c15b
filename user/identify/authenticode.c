/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authenticode.c - see authenticode.h. PKCS7, not CMS: the content of these signatures is a
 * SEQUENCE, where CMS wants an OCTET STRING.
 */
#include <errno.h>

#include <openssl/err.h>

#include "user/core/util.h"
#include "user/identify/authenticode.h"
#include "user/identify/signer_internal.h"

#define OID_INDIRECT "1.3.6.1.4.1.311.2.1.4"
#define OID_NESTED   "1.3.6.1.4.1.311.2.4.1"

static bool is_oid(const ASN1_OBJECT *object, const char *oid)
{
	char text[128];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 && strcmp(text, oid) == 0;
}

static int malformed(struct psc_authenticode *context, const char *why, uint64_t offset)
{
	unsigned int group = psc_facts_group(context->facts);
	int r = psc_signer_add(context->facts, group, PSC_SIGNER_MALFORMED, NULL,
			       PSC_SIGNER_NO_TIME);

	context->count++;
	if (r < 0)
		return r;
	return psc_facts_addf(context->facts, PSC_FACT_PROBLEM, group, "signature: %s, offset %llu",
			      why, (unsigned long long)offset);
}

/* What is signed: the bytes of the SEQUENCE without its head, and the digest inside. */
struct indirect {
	const uint8_t *content;
	size_t size;
	X509_SIG *digest;
};

static void clear_indirect(struct indirect *indirect)
{
	X509_SIG_free(indirect->digest);
}

/* One element that is a SEQUENCE of definite length; false when there is none. */
static bool enter_sequence(const unsigned char **at, long room, long *ret_size)
{
	int tag, class;
	int r = ASN1_get_object(at, ret_size, &tag, &class, room);

	return r == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE && class == V_ASN1_UNIVERSAL;
}

static bool parse_indirect(PKCS7 *p7, struct indirect *ret)
{
	PKCS7 *contents = p7->d.sign->contents;
	const unsigned char *at, *end;
	const ASN1_STRING *der;
	long size;

	if (!contents || !is_oid(contents->type, OID_INDIRECT) || !contents->d.other ||
	    contents->d.other->type != V_ASN1_SEQUENCE)
		return false;
	der = contents->d.other->value.sequence;
	at = ASN1_STRING_get0_data(der);
	if (!enter_sequence(&at, ASN1_STRING_length(der), &size))
		return false;
	end = at + size;
	ret->content = at;
	ret->size = size;
	/* The first element says what kind of file it is; the second is the digest. */
	if (!enter_sequence(&at, size, &size))
		return false;
	at += size;
	ret->digest = d2i_X509_SIG(NULL, &at, end - at);
	return ret->digest != NULL;
}

/* The signed attribute that says what kind of content this is. */
static bool has_content_type(PKCS7_SIGNER_INFO *info)
{
	ASN1_TYPE *type = PKCS7_get_signed_attribute(info, NID_pkcs9_contentType);

	return type && type->type == V_ASN1_OBJECT && is_oid(type->value.object, OID_INDIRECT);
}

/* 1: the image has the digest that is signed; 0: it has not; or an error of reading. */
static int compare_image(struct psc_authenticode *context, const struct indirect *indirect)
{
	unsigned char actual[EVP_MAX_MD_SIZE];
	const ASN1_OCTET_STRING *expected;
	const X509_ALGOR *algorithm;
	const ASN1_OBJECT *object;
	unsigned int size = 0;
	const EVP_MD *md;
	int r;

	X509_SIG_get0(indirect->digest, &algorithm, &expected);
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	switch (OBJ_obj2nid(object)) {
	case NID_sha1:
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
		md = EVP_get_digestbyobj(object);
		break;
	default:
		return -ENOTSUP;
	}
	r = context->digest(context->image, md, actual, &size);
	if (r < 0)
		return r;
	return ASN1_STRING_length(expected) == (int)size &&
	       memcmp(ASN1_STRING_get0_data(expected), actual, size) == 0;
}

static int judge(struct psc_authenticode *context, PKCS7 *p7, PKCS7_SIGNER_INFO *info,
		 const struct indirect *indirect, unsigned int group)
{
	struct psc_facts *facts = context->facts;
	X509 *cert = PKCS7_cert_from_signer_info(p7, info);
	time_t when = PSC_SIGNER_NO_TIME;
	enum psc_signer state = PSC_SIGNER_TAMPERED;
	const char *why = NULL;
	int r;

	if (!cert) {
		r = psc_signer_add(facts, group, PSC_SIGNER_UNCHECKED, NULL, when);
		return r < 0 ? r
			     : psc_signer_add_issuer(facts, group, info->issuer_and_serial->issuer,
						     info->issuer_and_serial->serial);
	}
	if (!has_content_type(info) ||
	    !psc_signer_verify(p7, info, cert, indirect->content, indirect->size)) {
		why = "the signature does not verify";
	} else {
		r = compare_image(context, indirect);
		if (r < 0 && r != -ENOTSUP)
			return r;
		if (r == -ENOTSUP) {
			state = PSC_SIGNER_UNCHECKED;
			why = "digest algorithm not supported";
		} else if (r == 0) {
			why = "the image is not the one that was signed";
		} else {
			when = psc_timestamp_read(p7, info, context->trust, &why);
			state = psc_signer_judge(context->trust, cert, p7->d.sign->cert,
						 PSC_USAGE_CODE, when);
			/* Of a signer that nobody knows the time does not matter. */
			if (state != PSC_SIGNER_TRUSTED && state != PSC_SIGNER_EXPIRED)
				why = NULL;
		}
	}
	r = psc_signer_add(facts, group, state, cert, when);
	if (r >= 0 && why)
		r = psc_facts_addf(facts, PSC_FACT_PROBLEM, group, "signature: %s", why);
	return r;
}

static int read_one(struct psc_authenticode *context, PKCS7 *p7, uint64_t offset)
{
	_cleanup_(clear_indirect) struct indirect indirect = {0};
	STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(p7);
	int r = 0;

	/* Certificates without a signer are data that happens to be here. */
	if (sk_PKCS7_SIGNER_INFO_num(infos) < 1)
		return psc_facts_addf(context->facts, PSC_FACT_PROBLEM, 0,
				      "certificates that sign nothing, offset %llu",
				      (unsigned long long)offset);
	if (sk_X509_num(p7->d.sign->cert) > PSC_SIGNATURE_CERTS)
		return malformed(context, "too many certificates", offset);
	if (!parse_indirect(p7, &indirect))
		return malformed(context, "not of an image", offset);
	for (int i = 0; i < sk_PKCS7_SIGNER_INFO_num(infos) && r >= 0; i++) {
		if (context->count++ >= PSC_SIGNATURES_MAX)
			return malformed(context, "too many", offset);
		r = judge(context, p7, sk_PKCS7_SIGNER_INFO_value(infos, i), &indirect,
			  psc_facts_group(context->facts));
	}
	return r;
}

static PKCS7 *parse(const uint8_t *der, size_t size)
{
	const unsigned char *at = der;
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, size);

	if (p7 && PKCS7_type_is_signed(p7) && p7->d.sign)
		return p7;
	PKCS7_free(p7);
	return NULL;
}

/* The signatures inside one; they have no more inside, or it is not read. */
static int read_nested(struct psc_authenticode *context, PKCS7_SIGNER_INFO *info, uint64_t offset)
{
	int r = 0;

	for (int i = 0; i < sk_X509_ATTRIBUTE_num(info->unauth_attr); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(info->unauth_attr, i);

		if (!is_oid(X509_ATTRIBUTE_get0_object(attribute), OID_NESTED))
			continue;
		for (int j = 0; j < X509_ATTRIBUTE_count(attribute) && r >= 0; j++) {
			ASN1_TYPE *type = X509_ATTRIBUTE_get0_type(attribute, j);
			PKCS7 *p7 = NULL;

			if (context->count >= PSC_SIGNATURES_MAX)
				return malformed(context, "too many", offset);
			if (type && type->type == V_ASN1_SEQUENCE)
				p7 = parse(ASN1_STRING_get0_data(type->value.sequence),
					   ASN1_STRING_length(type->value.sequence));
			r = p7 ? read_one(context, p7, offset)
			       : malformed(context, "one inside another is damaged", offset);
			PKCS7_free(p7);
		}
	}
	return r;
}

int psc_authenticode_read(struct psc_authenticode *context, const uint8_t *der, size_t size,
			  uint64_t offset)
{
	STACK_OF(PKCS7_SIGNER_INFO) * infos;
	PKCS7 *p7 = parse(der, size);
	int r;

	if (!p7) {
		ERR_clear_error();
		return malformed(context, "no PKCS #7 signature", offset);
	}
	r = read_one(context, p7, offset);
	infos = PKCS7_get_signer_info(p7);
	for (int i = 0; i < sk_PKCS7_SIGNER_INFO_num(infos) && r >= 0; i++) {
		if (context->count >= PSC_SIGNATURES_MAX)
			break;
		r = read_nested(context, sk_PKCS7_SIGNER_INFO_value(infos, i), offset);
	}
	PKCS7_free(p7);
	ERR_clear_error();
	return r;
}
