/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer_internal.h - what the readers of signatures share: judging a chain, and turning a
 * certificate into facts. Used by authenticode.c, timestamp.c and module.c.
 */
#pragma once

#include <time.h>

#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/signer.h"

#define PSC_SIGNATURE_SIZE_MAX (8U << 20) /* bytes of one */
#define PSC_SIGNATURES_MAX     16	  /* of one file, nested ones included */
#define PSC_SIGNATURE_CERTS    64	  /* that one may carry */

/* A time that is not given. */
#define PSC_SIGNER_NO_TIME ((time_t)-1)

/* What a certificate has to be meant for. */
enum psc_usage {
	PSC_USAGE_CODE,	  /* says so in its extended key usage */
	PSC_USAGE_MODULE, /* says so, or says nothing: keys of kernel builds */
	PSC_USAGE_TIME,	  /* timestamps; says so */
};

/*
 * How the chain of @leaf stands, given that what it signed has been verified: trusted,
 * expired, self_signed or untrusted. @others (may be NULL) came with the signature. @when is
 * the time of a verified timestamp; PSC_SIGNER_NO_TIME: now.
 */
enum psc_signer psc_signer_judge(const struct psc_trust *trust, X509 *leaf, STACK_OF(X509) * others,
				 enum psc_usage usage, time_t when);

/* The certificates that the site named itself; belongs to @trust, may be NULL. */
STACK_OF(X509) * psc_trust_named(const struct psc_trust *trust);

/* State, time (unless PSC_SIGNER_NO_TIME) and everything about @cert (may be NULL). -ENOMEM. */
int psc_signer_add(struct psc_facts *facts, unsigned int group, enum psc_signer state, X509 *cert,
		   time_t when);

/* Issuer, serial and both together, as a signature names its signer. -ENOMEM. */
int psc_signer_add_issuer(struct psc_facts *facts, unsigned int group, const X509_NAME *issuer,
			  const ASN1_INTEGER *serial);

/* One fact: the bytes as hex. */
int psc_signer_add_hex(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		       const uint8_t *data, size_t size);

/*
 * Whether @info signs @content with the key of @cert. Signed attributes, when there are any,
 * must have the content's digest.
 */
bool psc_signer_verify(PKCS7 *p7, PKCS7_SIGNER_INFO *info, X509 *cert, const uint8_t *content,
		       size_t size);

/*
 * The time at which somebody that @trust knows saw the signature @info: of an RFC 3161 token
 * or a PKCS #9 countersignature. PSC_SIGNER_NO_TIME: no such thing, or it does not hold;
 * then @ret_why says what is wrong with it, or is NULL.
 */
time_t psc_timestamp_read(PKCS7 *p7, PKCS7_SIGNER_INFO *info, const struct psc_trust *trust,
			  const char **ret_why);
