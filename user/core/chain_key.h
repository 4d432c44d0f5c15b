/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain_key.h - the key that signs checkpoints of the audit log: Ed25519, made by the daemon at
 * its first start and kept for root alone. The public half, and its fingerprint (SHA-256 of the
 * DER SubjectPublicKeyInfo), are for whoever verifies. Used by the daemon and the CLI.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/chain.h"
#include "user/core/error.h"

struct psc_chain_key;

struct psc_chain_key *psc_chain_key_free(struct psc_chain_key *key); /* NULL is fine */
void psc_chain_key_freep(struct psc_chain_key **key);

/*
 * Reads the private key DIRECTORY/log.key (PEM, PKCS#8), or makes it (0600) and DIRECTORY/log.pub
 * (0644); the directory is created (0755) when missing, its parent not. -EINVAL when the file is
 * no Ed25519 key, -EACCES when others may read it; @reterr says which file and why.
 */
int psc_chain_key_open(const char *directory, struct psc_chain_key **ret, struct psc_error *reterr);

/* Reads a public key (PEM). -EINVAL when it is no Ed25519 key; errno of reading. */
int psc_chain_key_load_public(const char *path, struct psc_chain_key **ret,
			      struct psc_error *reterr);

/* SHA-256 of the public half; belongs to the key. */
const uint8_t *psc_chain_key_fingerprint(const struct psc_chain_key *key);

/* Adds fingerprint and signature to @link. -EIO when libcrypto fails. */
int psc_chain_sign(const struct psc_chain_key *key, struct psc_chain_link *link);

/* 0 when the signature is the key's; -EKEYREJECTED when not, -ENOKEY when of another key. */
int psc_chain_check(const struct psc_chain_key *key, const struct psc_chain_link *link);
