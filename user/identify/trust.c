/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - the certificates of signer.h, and judging a chain with them.
 */
#include <dirent.h>
#include <errno.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "user/core/util.h"
#include "user/core/load.h"
#include "user/core/paths.h"
#include "user/identify/signer_internal.h"

#define CHAIN_MAX  8 /* certificates between the first and the last */
#define HOST_STORE "/etc/ssl/certs"
#define HOST_FILE  "/etc/ssl/certs/ca-certificates.crt"

struct psc_trust {
	X509_STORE *store;
	STACK_OF(X509) * named;
};

struct psc_trust *psc_trust_free(struct psc_trust *trust)
{
	if (!trust)
		return NULL;
	X509_STORE_free(trust->store);
	sk_X509_pop_free(trust->named, X509_free);
	free(trust);
	return NULL;
}

void psc_trust_freep(struct psc_trust **trust)
{
	*trust = psc_trust_free(*trust);
}

STACK_OF(X509) * psc_trust_named(const struct psc_trust *trust)
{
	return trust ? trust->named : NULL;
}

static int new_trust(struct psc_trust **ret)
{
	struct psc_trust *trust = calloc(1, sizeof(*trust));

	if (!trust)
		return -ENOMEM;
	trust->store = X509_STORE_new();
	trust->named = sk_X509_new_null();
	if (!trust->store || !trust->named) {
		psc_trust_free(trust);
		return -ENOMEM;
	}
	*ret = trust;
	return 0;
}

static int add_cert(struct psc_trust *trust, X509 *cert)
{
	if (X509_STORE_add_cert(trust->store, cert) != 1)
		return -ENOMEM;
	if (sk_X509_push(trust->named, cert) <= 0)
		return -ENOMEM;
	X509_up_ref(cert);
	return 0;
}

static int add_certs(struct psc_trust *trust, BIO *bio, const char *path, struct psc_error *reterr)
{
	unsigned int count = 0;
	int r = 0;

	for (;; count++) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		unsigned long error = cert ? 0 : ERR_peek_last_error();

		if (!cert && count && ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
			break;
		if (!cert) {
			psc_error_set(
				reterr, path, 0, 0,
				"certificate %u cannot be read: expected PEM, BEGIN CERTIFICATE",
				count + 1);
			r = -EINVAL;
			break;
		}
		if (sk_X509_num(trust->named) >= PSC_TRUST_CERTS_MAX) {
			psc_error_set(reterr, path, 0, 0, "more than %d certificates",
				      PSC_TRUST_CERTS_MAX);
			r = -EINVAL;
		} else {
			r = add_cert(trust, cert);
		}
		X509_free(cert);
		if (r < 0)
			break;
	}
	ERR_clear_error();
	return r;
}

static int add_file(struct psc_trust *trust, const char *path, struct psc_error *reterr)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	BIO *bio;
	int r;

	r = psc_load_trusted(path, PSC_TRUST_FILE_MAX, &data, &size, reterr);
	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(data, size);
	if (!bio)
		return -ENOMEM;
	r = add_certs(trust, bio, path, reterr);
	BIO_free(bio);
	return r;
}

static int is_pem(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4 &&
	       strcmp(entry->d_name + length - 4, ".pem") == 0;
}

static int add_directory(struct psc_trust *trust, const char *directory, struct psc_error *reterr)
{
	struct dirent **names = NULL;
	int count = scandir(directory, &names, is_pem, alphasort);
	int r = 0;

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		r = -errno;
		psc_error_set(reterr, directory, 0, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *path = NULL;

		if (r >= 0 && asprintf(&path, "%s/%s", directory, names[i]->d_name) < 0) {
			path = NULL;
			r = -ENOMEM;
		}
		if (r >= 0)
			r = add_file(trust, path, reterr);
		free(names[i]);
	}
	free(names);
	return r;
}

/* A host without a store is one that trusts nobody: no error. */
static int add_host(struct psc_trust *trust, bool at_once)
{
	X509_LOOKUP *lookup;

	if (at_once) {
		if (access(HOST_FILE, R_OK) == 0)
			X509_STORE_load_file(trust->store, HOST_FILE);
	} else {
		lookup = X509_STORE_add_lookup(trust->store, X509_LOOKUP_hash_dir());
		if (!lookup || X509_LOOKUP_add_dir(lookup, HOST_STORE, X509_FILETYPE_PEM) != 1)
			return -ENOMEM;
	}
	ERR_clear_error();
	return 0;
}

int psc_trust_new_host(const char *directory, bool at_once, struct psc_trust **ret,
		       struct psc_error *reterr)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL;
	int r = new_trust(&trust);

	if (r >= 0)
		r = add_host(trust, at_once);
	if (r >= 0)
		r = add_directory(trust, directory ? directory : PSC_PATH_TRUST, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(trust);
	return 0;
}

int psc_trust_new_files(const char *const *paths, struct psc_trust **ret, struct psc_error *reterr)
{
	_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL;
	int r = new_trust(&trust);

	for (size_t i = 0; r >= 0 && paths[i]; i++)
		r = add_file(trust, paths[i], reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(trust);
	return 0;
}

/* ---- chains ---- */

static bool has_weak_digest(X509 *cert)
{
	int digest = NID_undef;

	if (X509_get_signature_info(cert, &digest, NULL, NULL, NULL) != 1)
		return true;
	return digest == NID_md5 || digest == NID_md4 || digest == NID_md2;
}

static bool is_meant_for(X509 *cert, uint32_t wanted, bool must_say)
{
	uint32_t usage = X509_get_extended_key_usage(cert);

	/* UINT32_MAX: the certificate has no such extension. */
	if (usage == UINT32_MAX)
		return !must_say;
	return usage & (wanted | (must_say ? 0 : XKU_ANYEKU));
}

static bool is_chain_good(STACK_OF(X509) * chain, enum psc_usage usage)
{
	uint32_t wanted = usage == PSC_USAGE_TIME ? XKU_TIMESTAMP : XKU_CODE_SIGN;
	int count = sk_X509_num(chain);

	for (int i = 0; i < count; i++) {
		X509 *cert = sk_X509_value(chain, i);
		bool is_last = i == count - 1;

		/* The last one is trusted as it stands, for whatever it says of itself. */
		if (is_last && i > 0)
			break;
		if (!is_last && has_weak_digest(cert))
			return false;
		if (!is_meant_for(cert, wanted, i == 0 && usage != PSC_USAGE_MODULE))
			return false;
	}
	return count > 0;
}

static bool verify_chain(const struct psc_trust *trust, X509 *leaf, STACK_OF(X509) * others,
			 enum psc_usage usage, time_t when, bool mind_time)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	bool good = false;

	if (!context || X509_STORE_CTX_init(context, trust->store, leaf, others) != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
	/* trust.d may hold a certificate that is not its own issuer. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (mind_time && when != PSC_SIGNER_NO_TIME)
		X509_VERIFY_PARAM_set_time(param, when);
	else if (!mind_time)
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	good = X509_verify_cert(context) == 1 &&
	       is_chain_good(X509_STORE_CTX_get0_chain(context), usage);
out:
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return good;
}

enum psc_signer psc_signer_judge(const struct psc_trust *trust, X509 *leaf, STACK_OF(X509) * others,
				 enum psc_usage usage, time_t when)
{
	enum psc_signer state = PSC_SIGNER_UNTRUSTED;

	if (sk_X509_num(others) > PSC_SIGNATURE_CERTS)
		others = NULL;
	if (trust && verify_chain(trust, leaf, others, usage, when, true))
		return PSC_SIGNER_TRUSTED;
	if (trust && verify_chain(trust, leaf, others, usage, when, false))
		return PSC_SIGNER_EXPIRED;
	if (X509_self_signed(leaf, 1) == 1)
		state = PSC_SIGNER_SELF_SIGNED;
	ERR_clear_error();
	return state;
}
