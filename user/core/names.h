/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - the names of abi.h's enumerations as they stand in configuration, log
 * and output. Used by all of user/.
 */
#pragma once

#include "user/core/util.h"
#include "bpf/abi.h"

/*
 * The look-up behind every pair below, for other tables of names: a name by value, NULL out of
 * range; a value by name, -EINVAL when there is none.
 */
const char *psc_name_of(const char *const *names, unsigned int count, unsigned int value);
int psc_name_value(const char *const *names, unsigned int count, const char *name);

/*
 * To a name: NULL when the value is out of range. From a name: 0 and the value, or
 * -EINVAL. Names are lower snake case without the enumeration's prefix.
 */
const char *psc_op_to_string(unsigned int op);
const char *psc_action_to_string(unsigned int action);
const char *psc_verdict_to_string(unsigned int verdict);
const char *psc_mode_to_string(unsigned int mode);
const char *psc_unverified_to_string(unsigned int reason); /* 0 is "none" */
const char *psc_source_to_string(unsigned int source);
const char *psc_feature_to_string(unsigned int feature);

int psc_op_from_string(const char *name, enum psc_op *ret);
int psc_action_from_string(const char *name, enum psc_action *ret);
int psc_verdict_from_string(const char *name, enum psc_verdict *ret);
int psc_mode_from_string(const char *name, enum psc_mode *ret);
int psc_unverified_from_string(const char *name, enum psc_unverified *ret);
