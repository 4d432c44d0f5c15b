/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filesystems.c - see filesystems.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/filesystems.h"
#include "bpf/decide.h"

/* include/uapi/linux/magic.h and the file systems' own headers; "cifs" is two of them. */
static const struct {
	const char *name;
	uint32_t magic;
} names[] = {
	{"fuse", 0x65735546},  {"nfs", 0x6969},		 {"cifs", 0xff534d42},
	{"cifs", 0xfe534d42},  {"9p", 0x01021997},	 {"afs", 0x6b414653},
	{"ceph", 0x00c36400},  {"coda", 0x73757245},	 {"gfs2", 0x01161970},
	{"ocfs2", 0x7461636f}, {"orangefs", 0x20030528}, {"vboxsf", 0x786f4256},
};

static int add_magic(struct psc_filesystems *set, uint32_t magic)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->magic[i] == magic)
			return 0;
	}
	if (set->count == PSC_UNSTABLE_MAX)
		return -E2BIG;
	set->magic[set->count++] = magic;
	return 0;
}

struct psc_filesystems psc_filesystems_default(void)
{
	struct psc_filesystems set = {.loop = true};

	_Static_assert(ARRAY_SIZE(names) <= PSC_UNSTABLE_MAX, "all of them fit");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_magic(&set, names[i].magic);
	return set;
}

static int parse_magic(const char *text, uint32_t *ret)
{
	unsigned long value;
	char *end;

	if (strncmp(text, "0x", 2) != 0 || strspn(text + 2, "0123456789abcdefABCDEF") == 0 ||
	    strlen(text) > 10)
		return -EINVAL;
	value = strtoul(text + 2, &end, 16);
	if (*end || !value)
		return -EINVAL;
	*ret = value;
	return 0;
}

int psc_filesystems_add(struct psc_filesystems *set, const char *name)
{
	uint32_t magic;
	int r = -EINVAL;

	if (strcmp(name, "loop") == 0) {
		set->loop = true;
		return 0;
	}
	if (parse_magic(name, &magic) == 0)
		return add_magic(set, magic);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i].name) != 0)
			continue;
		r = add_magic(set, names[i].magic);
		if (r < 0)
			return r;
	}
	return r;
}

void psc_filesystems_compile(const struct psc_filesystems *set, struct psc_table *table)
{
	for (size_t i = 0; i < set->count; i++) {
		table->unstable_magic[i] = set->magic[i];
		table->unstable_filter |= 1ULL << psc_unstable_bit(set->magic[i]);
	}
	if (set->loop)
		table->flags |= PSC_TABLE_LOOP_UNSTABLE;
}
