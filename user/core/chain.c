/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.c - see chain.h.
 */
#include <errno.h>
#include <inttypes.h>

#include "user/core/util.h"
#include "user/core/chain.h"
#include "user/core/digest.h"
#include "user/core/hex.h"

#define SEQUENCE_DIGITS 19

void psc_chain_next(const struct psc_chain *chain, struct psc_chain_link *ret)
{
	*ret = (struct psc_chain_link){.sequence = chain->sequence + 1};
	memcpy(ret->previous, chain->head, PSC_DIGEST_SIZE);
}

size_t psc_chain_format(const struct psc_chain_link *link, char buffer[PSC_CHAIN_PREFIX_MAX])
{
	char previous[2 * PSC_DIGEST_SIZE + 1], key[2 * PSC_DIGEST_SIZE + 1];
	char signature[2 * PSC_CHAIN_SIGNATURE_SIZE + 1];

	psc_hex_encode(link->previous, PSC_DIGEST_SIZE, previous);
	if (!link->has_signature)
		return (size_t)snprintf(buffer, PSC_CHAIN_PREFIX_MAX,
					"{\"chain\":{\"sequence\":%" PRIu64
					",\"previous\":\"%s\"},",
					link->sequence, previous);
	psc_hex_encode(link->key, PSC_DIGEST_SIZE, key);
	psc_hex_encode(link->signature, PSC_CHAIN_SIGNATURE_SIZE, signature);
	return (size_t)snprintf(buffer, PSC_CHAIN_PREFIX_MAX,
				"{\"chain\":{\"sequence\":%" PRIu64
				",\"previous\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"},",
				link->sequence, previous, key, signature);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* What is left of a line. */
struct cursor {
	const char *at;
	size_t left;
};

static bool take(struct cursor *c, const char *text)
{
	size_t length = strlen(text);

	if (c->left < length || memcmp(c->at, text, length))
		return false;
	c->at += length;
	c->left -= length;
	return true;
}

/* As it is written: no leading zero, so that there is one form of a line. */
static bool take_number(struct cursor *c, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	while (n < c->left && n < SEQUENCE_DIGITS && c->at[n] >= '0' && c->at[n] <= '9')
		value = 10 * value + (uint64_t)(c->at[n++] - '0');
	if (!n || c->at[0] == '0')
		return false;
	c->at += n;
	c->left -= n;
	*ret = value;
	return true;
}

static bool take_hex(struct cursor *c, uint8_t *ret, size_t size)
{
	if (c->left < 2 * size || psc_hex_decode(c->at, 2 * size, ret, size, NULL) < 0)
		return false;
	for (size_t i = 0; i < 2 * size; i++) {
		if (c->at[i] >= 'A' && c->at[i] <= 'F')
			return false;
	}
	c->at += 2 * size;
	c->left -= 2 * size;
	return true;
}

static bool take_signature(struct cursor *c, struct psc_chain_link *link)
{
	link->has_signature = true;
	return take(c, ",\"key\":\"") && take_hex(c, link->key, PSC_DIGEST_SIZE) &&
	       take(c, "\",\"signature\":\"") &&
	       take_hex(c, link->signature, PSC_CHAIN_SIGNATURE_SIZE) && take(c, "\"},");
}

int psc_chain_parse(const char *line, size_t size, struct psc_chain_link *ret)
{
	struct cursor c = {line, size};
	struct psc_chain_link link = {0};

	if (!take(&c, "{\"chain\":{\"sequence\":") || !take_number(&c, &link.sequence) ||
	    !take(&c, ",\"previous\":\"") || !take_hex(&c, link.previous, PSC_DIGEST_SIZE) ||
	    !take(&c, "\""))
		return -EBADMSG;
	if (!take(&c, "},") && !take_signature(&c, &link))
		return -EBADMSG;
	link.length = size - c.left;
	*ret = link;
	return 0;
}

int psc_chain_advance(struct psc_chain *chain, struct psc_hasher *hasher, const char *line,
		      size_t size)
{
	int r = psc_hasher_digest(hasher, line, size, chain->head);

	if (r < 0)
		return r;
	chain->sequence++;
	return 0;
}

size_t psc_chain_signed_text(const struct psc_chain_link *link, char buffer[PSC_CHAIN_TEXT_MAX])
{
	char previous[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(link->previous, PSC_DIGEST_SIZE, previous);
	return (size_t)snprintf(buffer, PSC_CHAIN_TEXT_MAX, "proscribe-log 1\n%" PRIu64 "\n%s\n",
				link->sequence, previous);
}
