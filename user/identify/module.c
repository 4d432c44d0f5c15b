/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.c - see module.h. The trailer is the kernel's struct module_signature and a magic.
 */
#include <openssl/cms.h>
#include <openssl/err.h>

#include "user/core/util.h"
#include "user/identify/bytes.h"
#include "user/identify/module.h"
#include "user/identify/signer_internal.h"

#define MAGIC	     "~Module signature appended~\n"
#define MAGIC_SIZE   (sizeof(MAGIC) - 1)
#define TRAILER_SIZE 12
#define ID_TYPE	     2 /* offset in the trailer */
#define ID_PKCS7     2
#define SIZE	     8 /* offset of the signature's size */
#define PIECE	     (128 * 1024)

struct module {
	int fd;
	uint64_t body; /* bytes that are signed */
	uint64_t size; /* of the signature, which follows them */
	const struct psc_trust *trust;
	struct psc_facts *facts;
};

static int add_problem(struct module *module, enum psc_signer state, const char *why)
{
	unsigned int group = psc_facts_group(module->facts);
	int r = psc_signer_add(module->facts, group, state, NULL, PSC_SIGNER_NO_TIME);

	if (r < 0)
		return r;
	return psc_facts_addf(module->facts, PSC_FACT_PROBLEM, group,
			      "module signature: %s, offset %llu", why,
			      (unsigned long long)module->body);
}

/* Feeds the module to the digests that the signature names. */
static int digest_body(struct module *module, BIO *chain)
{
	_cleanup_free_ uint8_t *buffer = malloc(PIECE);
	uint64_t done = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < module->body) {
		size_t want = module->body - done < PIECE ? module->body - done : PIECE;
		ssize_t n = psc_read_at(module->fd, buffer, want, done);

		if (n < 0)
			return n;
		if (BIO_write(chain, buffer, n) != n)
			return -EIO;
		if ((size_t)n < want)
			break;
		done += n;
	}
	return 0;
}

static X509 *find_cert(CMS_SignerInfo *info, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (CMS_SignerInfo_cert_cmp(info, cert) == 0)
			return cert;
	}
	return NULL;
}

/* What the signature says of its signer, when the certificate is not at hand. */
static int add_claim(struct module *module, unsigned int group, CMS_SignerInfo *info)
{
	ASN1_OCTET_STRING *key = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;

	if (CMS_SignerInfo_get0_signer_id(info, &key, &issuer, &serial) != 1)
		return 0;
	if (key)
		return psc_signer_add_hex(module->facts, PSC_FACT_SIGNER_KEY_ID, group,
					  ASN1_STRING_get0_data(key), ASN1_STRING_length(key));
	return psc_signer_add_issuer(module->facts, group, issuer, serial);
}

static enum psc_signer check(struct module *module, CMS_SignerInfo *info, BIO *chain, X509 *cert,
			     STACK_OF(X509) * certs)
{
	bool attributes = CMS_signed_get_attr_count(info) > 0;

	/* Signed attributes have the module's digest: a wrong one shows without any key. */
	if (!cert && attributes && CMS_SignerInfo_verify_content(info, chain) != 1)
		return PSC_SIGNER_TAMPERED;
	if (!cert)
		return PSC_SIGNER_UNCHECKED;
	CMS_SignerInfo_set1_signer_cert(info, cert);
	if (attributes && CMS_SignerInfo_verify(info) != 1)
		return PSC_SIGNER_TAMPERED;
	if (CMS_SignerInfo_verify_content(info, chain) != 1)
		return PSC_SIGNER_TAMPERED;
	return psc_signer_judge(module->trust, cert, certs, PSC_USAGE_MODULE, PSC_SIGNER_NO_TIME);
}

static int add_signer(struct module *module, CMS_SignerInfo *info, BIO *chain,
		      STACK_OF(X509) * certs)
{
	unsigned int group = psc_facts_group(module->facts);
	X509 *cert = find_cert(info, certs);
	enum psc_signer state;
	int r;

	if (!cert)
		cert = find_cert(info, psc_trust_named(module->trust));
	state = check(module, info, chain, cert, certs);
	ERR_clear_error();
	r = psc_signer_add(module->facts, group, state, cert, PSC_SIGNER_NO_TIME);
	return r < 0 || cert ? r : add_claim(module, group, info);
}

static int add_signers(struct module *module, CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *certs = CMS_get1_certs(cms);
	BIO *sink = BIO_new(BIO_s_null()), *chain = NULL;
	int r;

	if (sk_CMS_SignerInfo_num(infos) < 1 || sk_CMS_SignerInfo_num(infos) > PSC_SIGNATURES_MAX ||
	    sk_X509_num(certs) > PSC_SIGNATURE_CERTS) {
		r = add_problem(module, PSC_SIGNER_MALFORMED, "no signers, or too many");
		goto out;
	}
	chain = sink ? CMS_dataInit(cms, sink) : NULL;
	if (!chain) {
		r = add_problem(module, PSC_SIGNER_UNCHECKED, "digest algorithm not supported");
		goto out;
	}
	r = digest_body(module, chain);
	for (int i = 0; i < sk_CMS_SignerInfo_num(infos) && r >= 0; i++)
		r = add_signer(module, sk_CMS_SignerInfo_value(infos, i), chain, certs);
out:
	/* The sink is the last link of the chain. */
	BIO_free_all(chain ? chain : sink);
	sk_X509_pop_free(certs, X509_free);
	return r;
}

static int read_signature(struct module *module)
{
	_cleanup_free_ uint8_t *der = malloc(module->size + 1);
	const unsigned char *at = der;
	CMS_ContentInfo *cms;
	ssize_t n;
	int r;

	if (!der)
		return -ENOMEM;
	n = psc_read_at(module->fd, der, module->size, module->body);
	if (n < 0)
		return n;
	cms = d2i_CMS_ContentInfo(NULL, &at, n);
	if (cms && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed)
		r = add_signers(module, cms);
	else
		r = add_problem(module, PSC_SIGNER_MALFORMED, "no PKCS #7 signature");
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return r;
}

int psc_module_identify(int fd, uint64_t size, const struct psc_trust *trust,
			struct psc_facts *facts)
{
	struct module module = {.fd = fd, .trust = trust, .facts = facts};
	uint8_t tail[TRAILER_SIZE + MAGIC_SIZE];
	ssize_t n;

	if (size < sizeof(tail))
		return 0;
	n = psc_read_at(fd, tail, sizeof(tail), size - sizeof(tail));
	if (n < 0)
		return n;
	if ((size_t)n < sizeof(tail) || memcmp(tail + TRAILER_SIZE, MAGIC, MAGIC_SIZE) != 0)
		return 0;
	module.size = psc_be32(tail + SIZE);
	module.body = size - sizeof(tail);
	if (module.size > module.body || module.size > PSC_SIGNATURE_SIZE_MAX)
		return add_problem(&module, PSC_SIGNER_MALFORMED, "larger than the file allows");
	module.body -= module.size;
	if (tail[ID_TYPE] != ID_PKCS7)
		return add_problem(&module, PSC_SIGNER_UNCHECKED, "not PKCS #7");
	return read_signature(&module);
}
