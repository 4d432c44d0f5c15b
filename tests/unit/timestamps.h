/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timestamps.h - puts timestamps into signed programs, as an authority would have made them:
 * RFC 3161 tokens with libcrypto's TS functions (Debian 12's osslsigncode cannot), PKCS #9
 * countersignatures by hand. Include it behind image.h and signing.h.
 */
#pragma once

#include <openssl/ts.h>

#include "user/core/util.h"

#define OID_TOKEN "1.3.6.1.4.1.311.3.3.1"

enum { STAMP_TOKEN, STAMP_COUNTER };

/* Appends a certificate table of one entry, for an image that has none. */
static inline void add_certificate(uint8_t *image, size_t *size, unsigned int type,
				   const void *content, size_t length)
{
	size_t padded = (8 + length + 7) & ~(size_t)7;
	uint8_t *at = image + *size;

	assert_int_equal(*size % 8, 0);
	memset(at, 0, padded);
	le32(at, padded);
	le16(at + 4, 0x200);
	le16(at + 6, type);
	memcpy(at + 8, content, length);
	le32(image_directory(image), *size);
	le32(image_directory(image) + 4, padded);
	*size += padded;
}

static inline ASN1_INTEGER *next_serial(TS_RESP_CTX *context, void *data)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	ASN1_INTEGER_set(serial, 4711);
	return serial;
}

static inline int given_time(TS_RESP_CTX *context, void *data, long *seconds, long *usec)
{
	*seconds = *(time_t *)data;
	*usec = 0;
	return 1;
}

static inline BIO *make_request(const ASN1_STRING *signature)
{
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	BIO *bio = BIO_new(BIO_s_mem());
	TS_REQ *request = TS_REQ_new();
	unsigned int size;

	assert_int_equal(EVP_Digest(ASN1_STRING_get0_data(signature), ASN1_STRING_length(signature),
				    digest, &size, EVP_sha256(), NULL),
			 1);
	X509_ALGOR_set_md(algorithm, EVP_sha256());
	assert_int_equal(TS_REQ_set_version(request, 1), 1);
	assert_int_equal(TS_MSG_IMPRINT_set_algo(imprint, algorithm), 1);
	assert_int_equal(TS_MSG_IMPRINT_set_msg(imprint, digest, size), 1);
	assert_int_equal(TS_REQ_set_msg_imprint(request, imprint), 1);
	assert_int_equal(TS_REQ_set_cert_req(request, 1), 1);
	assert_int_equal(i2d_TS_REQ_bio(bio, request), 1);
	X509_ALGOR_free(algorithm);
	TS_MSG_IMPRINT_free(imprint);
	TS_REQ_free(request);
	return bio;
}

/* DER of a token for @signature. */
static inline int make_token(const ASN1_STRING *signature, const struct signer *tsa, time_t when,
			     unsigned char **ret)
{
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.5", 1);
	TS_RESP_CTX *context = TS_RESP_CTX_new();
	BIO *request = make_request(signature);
	TS_RESP *response;
	int size;

	assert_int_equal(TS_RESP_CTX_set_signer_cert(context, tsa->cert), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_key(context, tsa->key), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_set_def_policy(context, policy), 1);
	assert_int_equal(TS_RESP_CTX_add_md(context, EVP_sha256()), 1);
	TS_RESP_CTX_set_serial_cb(context, next_serial, NULL);
	TS_RESP_CTX_set_time_cb(context, given_time, &when);
	response = TS_RESP_create_response(context, request);
	assert_non_null(response);
	assert_non_null(TS_RESP_get_token(response));
	size = i2d_PKCS7(TS_RESP_get_token(response), ret);
	assert_true(size > 0);
	TS_RESP_free(response);
	TS_RESP_CTX_free(context);
	ASN1_OBJECT_free(policy);
	BIO_free(request);
	return size;
}

/* DER of a SignerInfo that signs @signature. */
static inline int make_counter(const ASN1_STRING *signature, const struct signer *tsa, time_t when,
			       unsigned char **ret)
{
	PKCS7_SIGNER_INFO *info = PKCS7_SIGNER_INFO_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;
	int size;

	assert_int_equal(EVP_Digest(ASN1_STRING_get0_data(signature), ASN1_STRING_length(signature),
				    digest, &length, EVP_sha256(), NULL),
			 1);
	assert_int_equal(PKCS7_SIGNER_INFO_set(info, tsa->cert, tsa->key, EVP_sha256()), 1);
	assert_int_equal(PKCS7_add_attrib_content_type(info, NULL), 1);
	assert_int_equal(PKCS7_add0_attrib_signing_time(info, ASN1_TIME_set(NULL, when)), 1);
	assert_int_equal(PKCS7_add1_attrib_digest(info, digest, length), 1);
	assert_int_equal(PKCS7_SIGNER_INFO_sign(info), 1);
	size = i2d_PKCS7_SIGNER_INFO(info, ret);
	assert_true(size > 0);
	PKCS7_SIGNER_INFO_free(info);
	return size;
}

/* Takes the signature out, stamps @subject (NULL: that signature), and puts it in again. */
static inline void stamp(uint8_t *image, size_t *size, int kind, const struct signer *tsa,
			 time_t when, const ASN1_STRING *subject)
{
	uint32_t table = get32(image_directory(image));
	const unsigned char *at = image + table + 8;
	ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, *size - table - 8);
	unsigned char *der = NULL;
	PKCS7_SIGNER_INFO *info;
	int length, nid;

	assert_non_null(p7);
	info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0);
	if (!subject)
		subject = info->enc_digest;
	if (kind == STAMP_TOKEN) {
		nid = OBJ_txt2nid(OID_TOKEN);
		if (nid == NID_undef)
			nid = OBJ_create(OID_TOKEN, "spcToken", "spcToken");
		length = make_token(subject, tsa, when, &der);
	} else {
		nid = NID_pkcs9_countersignature;
		length = make_counter(subject, tsa, when, &der);
		assert_int_equal(PKCS7_add_certificate(p7, tsa->cert), 1);
	}
	assert_int_equal(ASN1_STRING_set(value, der, length), 1);
	assert_int_equal(PKCS7_add_attribute(info, nid, V_ASN1_SEQUENCE, value), 1);
	OPENSSL_free(der);
	der = NULL;
	length = i2d_PKCS7(p7, &der);
	assert_true(length > 0);
	*size = table;
	add_certificate(image, size, 2, der, length);
	OPENSSL_free(der);
	PKCS7_free(p7);
}

static inline void add_timestamp(uint8_t *image, size_t *size, int kind, const struct signer *tsa,
				 time_t when)
{
	stamp(image, size, kind, tsa, when, NULL);
}

/* A good timestamp, of something else. */
static inline void borrow_timestamp(uint8_t *image, size_t *size, int kind,
				    const struct signer *tsa, time_t when)
{
	ASN1_STRING *other = ASN1_STRING_new();

	assert_int_equal(ASN1_STRING_set(other, "another signature", -1), 1);
	stamp(image, size, kind, tsa, when, other);
	ASN1_STRING_free(other);
}
