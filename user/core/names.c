/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c - see names.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/names.h"

static const char *const op_names[] = {
	[PSC_OP_EXEC] = "exec",	  [PSC_OP_LOAD] = "load",	[PSC_OP_MODULE] = "module",
	[PSC_OP_OPEN] = "open",	  [PSC_OP_WRITE] = "write",	[PSC_OP_CONNECT] = "connect",
	[PSC_OP_SPAWN] = "spawn", [PSC_OP_INSTALL] = "install",
};

static const char *const action_names[] = {
	[PSC_ACTION_ALLOW] = "allow",
	[PSC_ACTION_RECORD] = "record",
	[PSC_ACTION_DENY] = "deny",
};

static const char *const verdict_names[] = {
	[PSC_VERDICT_ALLOW] = "allow",
	[PSC_VERDICT_RECORD] = "record",
	[PSC_VERDICT_DENY] = "deny",
	[PSC_VERDICT_WOULD_DENY] = "would_deny",
};

static const char *const mode_names[] = {
	[PSC_MODE_OBSERVE] = "observe",
	[PSC_MODE_ENFORCE] = "enforce",
};

static const char *const unverified_names[] = {
	[PSC_UNVERIFIED_NONE] = "none",		  [PSC_UNVERIFIED_ALGORITHM] = "algorithm",
	[PSC_UNVERIFIED_ERROR] = "error",	  [PSC_UNVERIFIED_INTERRUPTED] = "interrupted",
	[PSC_UNVERIFIED_DIRECT_IO] = "direct_io", [PSC_UNVERIFIED_TOO_LARGE] = "too_large",
	[PSC_UNVERIFIED_STORAGE] = "storage",	  [PSC_UNVERIFIED_WRITER] = "writer",
	[PSC_UNVERIFIED_MEMFD] = "memfd",	  [PSC_UNVERIFIED_FILESYSTEM] = "filesystem",
	[PSC_UNVERIFIED_UNCACHED] = "uncached",	  [PSC_UNVERIFIED_BUSY] = "busy",
	[PSC_UNVERIFIED_SWAP] = "swap",		  [PSC_UNVERIFIED_NO_FILE] = "no_file",
	[PSC_UNVERIFIED_OVERLAY] = "overlay",	  [PSC_UNVERIFIED_IMA_POLICY] = "ima_policy",
	[PSC_UNVERIFIED_TABLE] = "table",	  [PSC_UNVERIFIED_DEEP] = "deep",
};

static const char *const source_names[] = {
	[PSC_SOURCE_NONE] = "none", [PSC_SOURCE_DIGEST] = "digest",   [PSC_SOURCE_CACHE] = "cache",
	[PSC_SOURCE_MARK] = "mark", [PSC_SOURCE_LINEAGE] = "lineage",
};

static const char *const feature_names[] = {
	[PSC_FEATURE_EXECVE_CHECK] = "execve_check",
	[PSC_FEATURE_FILE_POST_OPEN] = "file_post_open",
	[PSC_FEATURE_SETATTR_IDMAP] = "setattr_idmap",
	[PSC_FEATURE_REAL_INODE] = "real_inode",
};

_Static_assert(ARRAY_SIZE(op_names) == PSC_OP_MAX, "a name for every operation");
_Static_assert(ARRAY_SIZE(action_names) == PSC_ACTION_MAX, "a name for every action");
_Static_assert(ARRAY_SIZE(verdict_names) == PSC_VERDICT_MAX, "a name for every verdict");
_Static_assert(ARRAY_SIZE(mode_names) == PSC_MODE_MAX, "a name for every mode");
_Static_assert(ARRAY_SIZE(unverified_names) == PSC_UNVERIFIED_MAX, "a name for every reason");
_Static_assert(ARRAY_SIZE(source_names) == PSC_SOURCE_MAX, "a name for every source");
_Static_assert(ARRAY_SIZE(feature_names) == PSC_FEATURE_MAX, "a name for every feature");

const char *psc_name_of(const char *const *names, unsigned int count, unsigned int value)
{
	return value < count ? names[value] : NULL;
}

int psc_name_value(const char *const *names, unsigned int count, const char *name)
{
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -EINVAL;
}

const char *psc_op_to_string(unsigned int op)
{
	return psc_name_of(op_names, PSC_OP_MAX, op);
}

const char *psc_action_to_string(unsigned int action)
{
	return psc_name_of(action_names, PSC_ACTION_MAX, action);
}

const char *psc_verdict_to_string(unsigned int verdict)
{
	return psc_name_of(verdict_names, PSC_VERDICT_MAX, verdict);
}

const char *psc_mode_to_string(unsigned int mode)
{
	return psc_name_of(mode_names, PSC_MODE_MAX, mode);
}

const char *psc_unverified_to_string(unsigned int reason)
{
	return psc_name_of(unverified_names, PSC_UNVERIFIED_MAX, reason);
}

const char *psc_source_to_string(unsigned int source)
{
	return psc_name_of(source_names, PSC_SOURCE_MAX, source);
}

const char *psc_feature_to_string(unsigned int feature)
{
	return psc_name_of(feature_names, PSC_FEATURE_MAX, feature);
}

int psc_op_from_string(const char *name, enum psc_op *ret)
{
	int r = psc_name_value(op_names, PSC_OP_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_action_from_string(const char *name, enum psc_action *ret)
{
	int r = psc_name_value(action_names, PSC_ACTION_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_verdict_from_string(const char *name, enum psc_verdict *ret)
{
	int r = psc_name_value(verdict_names, PSC_VERDICT_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_mode_from_string(const char *name, enum psc_mode *ret)
{
	int r = psc_name_value(mode_names, PSC_MODE_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_unverified_from_string(const char *name, enum psc_unverified *ret)
{
	int r = psc_name_value(unverified_names, PSC_UNVERIFIED_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}
