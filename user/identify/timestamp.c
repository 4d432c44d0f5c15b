/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timestamp.c - who saw a signature when. See signer_internal.h.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ts.h>

#include "user/core/util.h"
#include "user/identify/signer_internal.h"

#define OID_RFC3161 "1.3.6.1.4.1.311.3.3.1"

/* The first value of an attribute that is a SEQUENCE, as DER. */
static const ASN1_STRING *sequence_of(X509_ATTRIBUTE *attribute)
{
	ASN1_TYPE *type = X509_ATTRIBUTE_get0_type(attribute, 0);

	return type && type->type == V_ASN1_SEQUENCE ? type->value.sequence : NULL;
}

static const ASN1_STRING *find_attribute(PKCS7_SIGNER_INFO *info, const char *oid)
{
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(info->unauth_attr); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(info->unauth_attr, i);
		char text[128];

		OBJ_obj2txt(text, sizeof(text), X509_ATTRIBUTE_get0_object(attribute), 1);
		if (strcmp(text, oid) == 0)
			return sequence_of(attribute);
	}
	return NULL;
}

static time_t to_time(const ASN1_TIME *time)
{
	struct tm tm;

	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return PSC_SIGNER_NO_TIME;
	return timegm(&tm);
}

/* Whether the token is about this very signature. */
static bool has_imprint(TS_TST_INFO *content, const ASN1_OCTET_STRING *signature)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(content);
	const ASN1_OCTET_STRING *expected = TS_MSG_IMPRINT_get_msg(imprint);
	const X509_ALGOR *algorithm = TS_MSG_IMPRINT_get_algo(imprint);
	unsigned char digest[EVP_MAX_MD_SIZE];
	const ASN1_OBJECT *object;
	unsigned int size = 0;
	const EVP_MD *md;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	md = EVP_get_digestbyobj(object);
	if (!md || EVP_Digest(ASN1_STRING_get0_data(signature), ASN1_STRING_length(signature),
			      digest, &size, md, NULL) != 1)
		return false;
	return ASN1_STRING_length(expected) == (int)size &&
	       memcmp(ASN1_STRING_get0_data(expected), digest, size) == 0;
}

static TS_TST_INFO *content_of(CMS_ContentInfo *cms)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(cms);
	const unsigned char *at;

	if (!content || !*content ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_id_smime_ct_TSTInfo)
		return NULL;
	at = ASN1_STRING_get0_data(*content);
	return d2i_TS_TST_INFO(NULL, &at, ASN1_STRING_length(*content));
}

/* Whether the token's own signature holds and its signer may give the time. */
static bool is_token_good(CMS_ContentInfo *cms, const struct psc_trust *trust, time_t when)
{
	STACK_OF(X509) *signers = NULL, *certs = CMS_get1_certs(cms);
	bool good = false;

	if (sk_X509_num(certs) <= PSC_SIGNATURE_CERTS &&
	    CMS_verify(cms, NULL, NULL, NULL, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1) {
		signers = CMS_get0_signers(cms);
		good = sk_X509_num(signers) == 1 &&
		       psc_signer_judge(trust, sk_X509_value(signers, 0), certs, PSC_USAGE_TIME,
					when) == PSC_SIGNER_TRUSTED;
	}
	sk_X509_free(signers);
	sk_X509_pop_free(certs, X509_free);
	return good;
}

static time_t read_token(const ASN1_STRING *der, PKCS7_SIGNER_INFO *info,
			 const struct psc_trust *trust, const char **ret_why)
{
	const unsigned char *at = ASN1_STRING_get0_data(der);
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, ASN1_STRING_length(der));
	time_t when = PSC_SIGNER_NO_TIME;
	TS_TST_INFO *content = NULL;

	*ret_why = "timestamp cannot be read";
	if (cms && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed)
		content = content_of(cms);
	if (content)
		when = to_time(TS_TST_INFO_get_time(content));
	if (when != PSC_SIGNER_NO_TIME) {
		*ret_why = NULL;
		if (!has_imprint(content, info->enc_digest))
			*ret_why = "timestamp of another signature";
		else if (!is_token_good(cms, trust, when))
			*ret_why = "timestamp by nobody who is trusted with it";
	}
	TS_TST_INFO_free(content);
	CMS_ContentInfo_free(cms);
	return *ret_why ? PSC_SIGNER_NO_TIME : when;
}

static time_t signing_time(PKCS7_SIGNER_INFO *info)
{
	ASN1_TYPE *type = PKCS7_get_signed_attribute(info, NID_pkcs9_signingTime);

	if (!type || (type->type != V_ASN1_UTCTIME && type->type != V_ASN1_GENERALIZEDTIME))
		return PSC_SIGNER_NO_TIME;
	return to_time(type->value.asn1_string);
}

/* PKCS #9: a signer's signature is itself signed, by one of the certificates that came along. */
static time_t read_countersignature(PKCS7 *p7, const ASN1_STRING *der, PKCS7_SIGNER_INFO *info,
				    const struct psc_trust *trust, const char **ret_why)
{
	const unsigned char *at = ASN1_STRING_get0_data(der);
	STACK_OF(X509) *certs = p7->d.sign->cert;
	PKCS7_SIGNER_INFO *counter;
	time_t when = PSC_SIGNER_NO_TIME;
	X509 *cert = NULL;

	*ret_why = "countersignature cannot be read";
	counter = d2i_PKCS7_SIGNER_INFO(NULL, &at, ASN1_STRING_length(der));
	if (counter) {
		when = signing_time(counter);
		cert = X509_find_by_issuer_and_serial(certs, counter->issuer_and_serial->issuer,
						      counter->issuer_and_serial->serial);
	}
	if (when != PSC_SIGNER_NO_TIME && cert) {
		*ret_why = NULL;
		if (!psc_signer_verify(p7, counter, cert, ASN1_STRING_get0_data(info->enc_digest),
				       ASN1_STRING_length(info->enc_digest)))
			*ret_why = "countersignature of another signature";
		else if (psc_signer_judge(trust, cert, certs, PSC_USAGE_TIME, when) !=
			 PSC_SIGNER_TRUSTED)
			*ret_why = "countersignature by nobody who is trusted with it";
	}
	PKCS7_SIGNER_INFO_free(counter);
	return *ret_why ? PSC_SIGNER_NO_TIME : when;
}

time_t psc_timestamp_read(PKCS7 *p7, PKCS7_SIGNER_INFO *info, const struct psc_trust *trust,
			  const char **ret_why)
{
	const ASN1_STRING *token = find_attribute(info, OID_RFC3161), *counter = NULL;
	time_t when = PSC_SIGNER_NO_TIME;
	ASN1_TYPE *type;

	*ret_why = NULL;
	type = PKCS7_get_attribute(info, NID_pkcs9_countersignature);
	if (type && type->type == V_ASN1_SEQUENCE)
		counter = type->value.sequence;
	if (token)
		when = read_token(token, info, trust, ret_why);
	if (when == PSC_SIGNER_NO_TIME && counter)
		when = read_countersignature(p7, counter, info, trust, ret_why);
	ERR_clear_error();
	return when;
}
