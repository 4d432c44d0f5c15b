/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.h - the chain of the audit log: every line begins with its number and the SHA-256 of
 * the line before it, some lines with a signature. What was changed, taken out, put in or moved
 * afterwards shows. Written by auditlog.c, read by chain_verify.c.
 *
 *   {"chain":{"sequence":17,"previous":"<64 hex>"},"@timestamp":...}
 *   {"chain":{"sequence":18,"previous":"<64 hex>","key":"<64 hex>","signature":"<128 hex>"},...}
 *
 * The form is fixed to the byte, so that a log is verified without a JSON parser, about as fast
 * as it can be digested. A digest is of the line without its newline; before the first record
 * stands a digest of zeros. Numbers begin with 1 and never repeat over files and boots. A
 * signature (Ed25519, RFC 8032) is of psc_chain_signed_text(): through `previous` it vouches for
 * everything before the line, not for the rest of the line itself.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

#define PSC_CHAIN_PREFIX_MAX	 400 /* bytes of a line's beginning, with its NUL */
#define PSC_CHAIN_SIGNATURE_SIZE 64
#define PSC_CHAIN_TEXT_MAX	 128

/* The end of a chain. */
struct psc_chain {
	uint64_t sequence;	       /* of the last record; 0: there is none */
	uint8_t head[PSC_DIGEST_SIZE]; /* digest of its line */
};

/* What a line says of its place. */
struct psc_chain_link {
	uint64_t sequence;
	uint8_t previous[PSC_DIGEST_SIZE];
	bool has_signature;
	uint8_t key[PSC_DIGEST_SIZE]; /* fingerprint of the public key, see chain_key.h */
	uint8_t signature[PSC_CHAIN_SIGNATURE_SIZE];
	size_t length; /* of all this in the line */
};

/* The link of the next record after @chain; without a signature. */
void psc_chain_next(const struct psc_chain *chain, struct psc_chain_link *ret);

/* Writes the beginning of a line, `{"chain":{...},`, NUL-terminated. Returns its length. */
size_t psc_chain_format(const struct psc_chain_link *link, char buffer[PSC_CHAIN_PREFIX_MAX]);

/* Reads it. -EBADMSG when a line begins in any other way. */
int psc_chain_parse(const char *line, size_t size, struct psc_chain_link *ret);

/* The line of @size bytes, without its newline, has become the last one. -EIO. */
struct psc_hasher;
int psc_chain_advance(struct psc_chain *chain, struct psc_hasher *hasher, const char *line,
		      size_t size);

/* What is signed: "proscribe-log 1\n<sequence>\n<previous in hex>\n". Returns its length. */
size_t psc_chain_signed_text(const struct psc_chain_link *link, char buffer[PSC_CHAIN_TEXT_MAX]);
