/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.c - see facts.h.
 */
#include <errno.h>
#include <stdarg.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/core/names.h"

static const char *const fact_names[PSC_FACT_MAX] = {
	[PSC_FACT_PATH] = "path",
	[PSC_FACT_NAME] = "name",
	[PSC_FACT_FORMAT] = "format",
	[PSC_FACT_SHA256] = "sha256",
	[PSC_FACT_SIZE] = "size",
	[PSC_FACT_ELF_BUILD_ID] = "elf_build_id",
	[PSC_FACT_ELF_SONAME] = "elf_soname",
	[PSC_FACT_ELF_NEEDED] = "elf_needed",
	[PSC_FACT_ELF_COMMENT] = "elf_comment",
	[PSC_FACT_ELF_NOTE] = "elf_note",
	[PSC_FACT_MARKER] = "marker",
	[PSC_FACT_INTERPRETER] = "interpreter",
	[PSC_FACT_ARCHIVE_LABEL] = "archive_label",
	[PSC_FACT_ARCHIVE_OFFSET] = "archive_offset",
	[PSC_FACT_ENTRY] = "entry",
	[PSC_FACT_PACKAGE_FORMAT] = "package_format",
	[PSC_FACT_PACKAGE_NAME] = "package_name",
	[PSC_FACT_PACKAGE_VERSION] = "package_version",
	[PSC_FACT_PACKAGE_ARCHITECTURE] = "package_architecture",
	[PSC_FACT_PACKAGE_VENDOR] = "package_vendor",
	[PSC_FACT_PACKAGE_MAINTAINER] = "package_maintainer",
	[PSC_FACT_PACKAGE_URL] = "package_url",
	[PSC_FACT_PACKAGE_KEY] = "package_key",
	[PSC_FACT_SIGNER_STATE] = "signer_state",
	[PSC_FACT_SIGNER_SUBJECT] = "signer_subject",
	[PSC_FACT_SIGNER_ISSUER] = "signer_issuer",
	[PSC_FACT_SIGNER_ISSUER_SERIAL] = "signer_issuer_serial",
	[PSC_FACT_SIGNER_SERIAL] = "signer_serial",
	[PSC_FACT_SIGNER_KEY] = "signer_key",
	[PSC_FACT_SIGNER_KEY_ID] = "signer_key_id",
	[PSC_FACT_SIGNER_CERT_SHA256] = "signer_cert_sha256",
	[PSC_FACT_SIGNER_CERT_SHA1] = "signer_cert_sha1",
	[PSC_FACT_SIGNER_TIME] = "signer_time",
	[PSC_FACT_UNIT] = "unit",
	[PSC_FACT_PROCESS] = "process",
	[PSC_FACT_USER] = "user",
	[PSC_FACT_GROUP] = "group",
	[PSC_FACT_CONTAINER_IMAGE] = "container_image",
	[PSC_FACT_ENVIRONMENT] = "environment",
	[PSC_FACT_FOREIGN_OWNER] = "foreign_owner",
	[PSC_FACT_PROBLEM] = "problem",
};

static const char *const signer_names[PSC_SIGNER_MAX] = {
	[PSC_SIGNER_TRUSTED] = "trusted",	  [PSC_SIGNER_UNTRUSTED] = "untrusted",
	[PSC_SIGNER_SELF_SIGNED] = "self_signed", [PSC_SIGNER_EXPIRED] = "expired",
	[PSC_SIGNER_TAMPERED] = "tampered",	  [PSC_SIGNER_MALFORMED] = "malformed",
	[PSC_SIGNER_UNCHECKED] = "unchecked",
};

void psc_facts_clear(struct psc_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		free(facts->fact[i].value);
	free(facts->fact);
	*facts = (struct psc_facts){0};
}

static int make_room(struct psc_facts *facts)
{
	size_t room = facts->room ? 2 * facts->room : 16;
	struct psc_fact *fact;

	if (facts->count < facts->room)
		return 0;
	fact = reallocarray(facts->fact, room, sizeof(*fact));
	if (!fact)
		return -ENOMEM;
	facts->fact = fact;
	facts->room = room;
	return 0;
}

int psc_facts_add(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		  const char *value, size_t length)
{
	char *copy;

	if (length > PSC_FACT_VALUE_MAX) {
		length = PSC_FACT_VALUE_MAX;
		facts->truncated = true;
	}
	length = strnlen(value, length);
	if (facts->count >= PSC_FACTS_MAX || facts->bytes + length > PSC_FACTS_BYTES_MAX) {
		facts->truncated = true;
		return 0;
	}
	copy = strndup(value, length);
	if (!copy || make_room(facts) < 0) {
		free(copy);
		return -ENOMEM;
	}
	facts->fact[facts->count++] = (struct psc_fact){kind, group, copy};
	facts->bytes += length;
	return 0;
}

int psc_facts_addf(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		   const char *fmt, ...)
{
	char value[PSC_FACT_VALUE_MAX + 2];
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (length < 0)
		return -EINVAL;
	if ((size_t)length >= sizeof(value))
		length = sizeof(value) - 1;
	return psc_facts_add(facts, kind, group, value, length);
}

unsigned int psc_facts_group(struct psc_facts *facts)
{
	return ++facts->groups;
}

const char *psc_facts_get(const struct psc_facts *facts, enum psc_fact_kind kind)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->fact[i].kind == kind)
			return facts->fact[i].value;
	}
	return NULL;
}

const char *psc_fact_to_string(unsigned int kind)
{
	return psc_name_of(fact_names, PSC_FACT_MAX, kind);
}

int psc_fact_from_string(const char *name, enum psc_fact_kind *ret)
{
	int value = psc_name_value(fact_names, PSC_FACT_MAX, name);

	if (value < 0)
		return value;
	*ret = value;
	return 0;
}

const char *psc_signer_to_string(unsigned int state)
{
	return psc_name_of(signer_names, PSC_SIGNER_MAX, state);
}

int psc_signer_from_string(const char *name, enum psc_signer *ret)
{
	int value = psc_name_value(signer_names, PSC_SIGNER_MAX, name);

	if (value < 0)
		return value;
	*ret = value;
	return 0;
}
