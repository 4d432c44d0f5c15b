/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - see policy.h.
 */
#include "user/core/util.h"
#include "user/core/names.h"
#include "user/core/policy.h"

static const char *const role_names[] = {
	[PSC_ROLE_PROGRAM] = "program",		[PSC_ROLE_UPDATER] = "updater",
	[PSC_ROLE_KSN_CLIENT] = "ksn_client",	[PSC_ROLE_INSTALLER] = "installer",
	[PSC_ROLE_LIBRARY] = "library",		[PSC_ROLE_DATABASE] = "database",
	[PSC_ROLE_UNINSTALLER] = "uninstaller",
};

static const char *const status_names[] = {
	[PSC_STATUS_COVERED_NEW] = "covered_new",
	[PSC_STATUS_COVERED_LEGACY] = "covered_legacy",
	[PSC_STATUS_EMBEDDED] = "embedded",
	[PSC_STATUS_EXEMPT] = "exempt",
};

static const char *const basis_names[] = {
	[PSC_BASIS_ORDER] = "order",
	[PSC_BASIS_CONTRACT] = "contract",
	[PSC_BASIS_SITE] = "site",
};

static const char *const label_names[] = {
	[PSC_LABEL_VERIFIED] = "V",
	[PSC_LABEL_SECONDARY] = "S",
	[PSC_LABEL_UNVERIFIED] = "U",
	[PSC_LABEL_ANALYSIS] = "A",
};

_Static_assert(ARRAY_SIZE(role_names) == PSC_ROLE_MAX, "a name for every role");
_Static_assert(ARRAY_SIZE(status_names) == PSC_STATUS_MAX, "a name for every status");
_Static_assert(ARRAY_SIZE(basis_names) == PSC_BASIS_MAX, "a name for every basis");
_Static_assert(ARRAY_SIZE(label_names) == PSC_LABEL_MAX, "a name for every label");

const char *psc_role_to_string(unsigned int role)
{
	return psc_name_of(role_names, PSC_ROLE_MAX, role);
}

const char *psc_status_to_string(unsigned int status)
{
	return psc_name_of(status_names, PSC_STATUS_MAX, status);
}

const char *psc_basis_to_string(unsigned int basis)
{
	return psc_name_of(basis_names, PSC_BASIS_MAX, basis);
}

const char *psc_label_to_string(unsigned int label)
{
	return psc_name_of(label_names, PSC_LABEL_MAX, label);
}

int psc_role_from_string(const char *name, enum psc_role *ret)
{
	int r = psc_name_value(role_names, PSC_ROLE_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_status_from_string(const char *name, enum psc_status *ret)
{
	int r = psc_name_value(status_names, PSC_STATUS_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_basis_from_string(const char *name, enum psc_basis *ret)
{
	int r = psc_name_value(basis_names, PSC_BASIS_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int psc_label_from_string(const char *name, enum psc_label *ret)
{
	int r = psc_name_value(label_names, PSC_LABEL_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}
