/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain_key.c - see chain_key.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "user/core/util.h"
#include "user/core/chain_key.h"
#include "user/core/digest.h"
#include "user/core/durable.h"

#define PRIVATE_NAME "log.key"
#define PUBLIC_NAME  "log.pub"

struct psc_chain_key {
	EVP_PKEY *pkey;
	uint8_t fingerprint[PSC_DIGEST_SIZE];
};

struct psc_chain_key *psc_chain_key_free(struct psc_chain_key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey);
	free(key);
	return NULL;
}

void psc_chain_key_freep(struct psc_chain_key **key)
{
	*key = psc_chain_key_free(*key);
}

static void free_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static int fail(struct psc_error *reterr, const char *path, int error, const char *what)
{
	psc_error_set(reterr, path, 0, 0, "%s", what ?: strerror(-error));
	return error;
}

static int take_fingerprint(struct psc_chain_key *key)
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key->pkey, &der);
	int r = size < 0 ? -EIO : psc_digest_buffer(der, (size_t)size, key->fingerprint);

	OPENSSL_free(der);
	return r;
}

/* Takes @pkey over. */
static int wrap(EVP_PKEY *pkey, const char *path, struct psc_chain_key **ret,
		struct psc_error *reterr)
{
	_cleanup_(psc_chain_key_freep) struct psc_chain_key *key = calloc(1, sizeof(*key));

	if (!key) {
		EVP_PKEY_free(pkey);
		return fail(reterr, path, -ENOMEM, NULL);
	}
	key->pkey = pkey;
	if (!pkey || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519)
		return fail(reterr, path, -EINVAL, "no Ed25519 key in PEM");
	if (take_fingerprint(key) < 0)
		return fail(reterr, path, -EIO, "libcrypto failed");
	*ret = TAKE_PTR(key);
	return 0;
}

/* Never asks on a terminal. */
static int no_password(char *buffer, int size, int writing, void *data)
{
	return -1;
}

static int load_private(int directory_fd, const char *path, struct psc_chain_key **ret,
			struct psc_error *reterr)
{
	int fd = openat(directory_fd, PRIVATE_NAME,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct stat st;

	if (!f)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail(reterr, path, -EINVAL, "not a regular file");
	if (st.st_mode & 077 || st.st_uid != geteuid())
		return fail(reterr, path, -EACCES,
			    "others may read the key that signs the log: make it 0600, or take it "
			    "away for a new one");
	return wrap(PEM_read_PrivateKey(f, NULL, no_password, NULL), path, ret, reterr);
}

static FILE *create(int directory_fd, const char *name, mode_t mode)
{
	int fd;
	FILE *f;

	unlinkat(directory_fd, name, 0);
	fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return NULL;
	f = fchmod(fd, mode) < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		close(fd);
	return f;
}

static int finish(FILE *f, bool written)
{
	if (!written || fflush(f) || fsync(fileno(f)) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

/* The public half first: a private key without it would never get one. */
static int save(int directory_fd, EVP_PKEY *pkey)
{
	_cleanup_fclose_ FILE *public = create(directory_fd, PUBLIC_NAME, 0644);
	_cleanup_fclose_ FILE *private = NULL;
	int r;

	errno = 0;
	r = public ? finish(public, PEM_write_PUBKEY(public, pkey)) : -errno;
	if (r < 0)
		return r;
	private = create(directory_fd, PRIVATE_NAME ".new", 0600);
	if (!private)
		return -errno;
	r = finish(private, PEM_write_PrivateKey(private, pkey, NULL, NULL, 0, NULL, NULL));
	if (r < 0)
		return r;
	if (renameat(directory_fd, PRIVATE_NAME ".new", directory_fd, PRIVATE_NAME) < 0)
		return -errno;
	return fsync(directory_fd) < 0 ? -errno : 0;
}

int psc_chain_key_open(const char *directory, struct psc_chain_key **ret, struct psc_error *reterr)
{
	_cleanup_(psc_chain_key_freep) struct psc_chain_key *key = NULL;
	_cleanup_close_ int directory_fd = -1;
	_cleanup_free_ char *path = NULL;
	int r;

	r = psc_durable_directory(directory, 0755);
	if (r < 0)
		return fail(reterr, directory, r, NULL);
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return fail(reterr, directory, -errno, NULL);
	if (asprintf(&path, "%s/" PRIVATE_NAME, directory) < 0) {
		path = NULL;
		return fail(reterr, directory, -ENOMEM, NULL);
	}
	r = load_private(directory_fd, path, &key, reterr);
	if (r == -ENOENT) {
		r = wrap(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), path, &key, reterr);
		if (!r)
			r = save(directory_fd, key->pkey);
	}
	if (r < 0)
		return reterr && reterr->message[0] ? r : fail(reterr, path, r, NULL);
	*ret = TAKE_PTR(key);
	return 0;
}

int psc_chain_key_load_public(const char *path, struct psc_chain_key **ret,
			      struct psc_error *reterr)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f)
		return fail(reterr, path, -errno, NULL);
	return wrap(PEM_read_PUBKEY(f, NULL, no_password, NULL), path, ret, reterr);
}

const uint8_t *psc_chain_key_fingerprint(const struct psc_chain_key *key)
{
	return key->fingerprint;
}

int psc_chain_sign(const struct psc_chain_key *key, struct psc_chain_link *link)
{
	_cleanup_(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = PSC_CHAIN_SIGNATURE_SIZE;
	char text[PSC_CHAIN_TEXT_MAX];
	size_t length = psc_chain_signed_text(link, text);

	if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) <= 0 ||
	    EVP_DigestSign(context, link->signature, &size, (const unsigned char *)text, length) <=
		    0 ||
	    size != PSC_CHAIN_SIGNATURE_SIZE)
		return -EIO;
	memcpy(link->key, key->fingerprint, PSC_DIGEST_SIZE);
	link->has_signature = true;
	return 0;
}

int psc_chain_check(const struct psc_chain_key *key, const struct psc_chain_link *link)
{
	_cleanup_(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	char text[PSC_CHAIN_TEXT_MAX];
	size_t length = psc_chain_signed_text(link, text);

	if (memcmp(link->key, key->fingerprint, PSC_DIGEST_SIZE))
		return -ENOKEY;
	if (!context || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) <= 0)
		return -EIO;
	return EVP_DigestVerify(context, link->signature, PSC_CHAIN_SIGNATURE_SIZE,
				(const unsigned char *)text, length) == 1
		       ? 0
		       : -EKEYREJECTED;
}
